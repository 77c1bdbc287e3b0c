//! D4 with charges of GFN2-xTB against reference numbers, finite differences and laws.

mod common;

use common::{Row, check_derivatives, floats, rows, vectors};
use oxidane_physics::{D4, Damping, Derivatives, Geometry};

/// Energies and derivatives by automatic differentiation of a plain program; see tests/data/README.md.
const REFERENCE: &str = include_str!("data/d4.jsonl");

fn d4(geometry: &Geometry) -> D4 {
    D4::new(geometry, Damping::GFN2).unwrap()
}

fn two_body(geometry: &Geometry, charges: &[f64]) -> f64 {
    d4(geometry).potential(charges, &mut vec![0.0; charges.len()])
}

/// The largest difference from the gradient and strain of the reference.
fn largest_error(row: &Row, found: &Derivatives, gradient: &str, strain: &str) -> f64 {
    let pairs = |found: &[[f64; 3]], key: &str| {
        let all = vectors(&row.json[key]);
        let error = |(f, r): (&f64, &f64)| (f - r).abs();
        found.iter().flatten().zip(all.iter().flatten()).map(error).fold(0.0, f64::max)
    };
    pairs(&found.gradient, gradient).max(pairs(&found.strain, strain))
}

#[test]
fn two_body_energies_potentials_and_derivatives_are_those_of_the_reference() {
    for row in rows(REFERENCE) {
        let geometry = row.geometry();
        let charges = row.list("charges");
        let mut model = d4(&geometry);
        let mut potential = vec![0.5; charges.len()];
        let energy = model.potential(&charges, &mut potential);
        let expected = row.json["two_body"].as_f64().unwrap();
        // Sums of up to 1e5 terms in another order.
        assert!((energy - expected).abs() < 1e-12, "{}: {energy} {expected}", row.name());
        for (f, r) in potential.iter().zip(floats(&row.json["by_charge"])) {
            assert!((f - 0.5 - r).abs() < 1e-12, "{}: {f} {r}", row.name());
        }
        let mut derivatives = Derivatives::zero(charges.len());
        model.add_derivatives(&charges, &mut derivatives);
        let error = largest_error(&row, &derivatives, "gradient", "strain");
        assert!(error < 1e-11, "{}: {error}", row.name());
    }
}

#[test]
fn three_body_energies_and_derivatives_are_those_of_the_reference() {
    for row in rows(REFERENCE) {
        let model = d4(&row.geometry());
        let energy = model.three_body(None);
        let expected = row.json["three_body"].as_f64().unwrap();
        assert!((energy - expected).abs() < 1e-12, "{}: {energy} {expected}", row.name());
        let mut derivatives = Derivatives::zero(row.numbers.len());
        let again = model.three_body(Some(&mut derivatives));
        assert!((energy - again).abs() < 1e-14, "{}: {energy} {again}", row.name());
        let error = largest_error(&row, &derivatives, "gradient3", "strain3");
        assert!(error < 1e-11, "{}: {error}", row.name());
    }
}

#[test]
fn derivatives_are_those_of_finite_differences() {
    for row in rows(REFERENCE).iter().filter(|r| r.numbers.len() < 8 && r.lattice.is_none()) {
        let charges = row.list("charges");
        let mut derivatives = Derivatives::zero(charges.len());
        let mut model = d4(&row.geometry());
        model.add_derivatives(&charges, &mut derivatives);
        // Rounding of energies of 1e-2 hartree over steps of 1e-3 bohr.
        check_derivatives(row, &derivatives, 1e-13, |g| two_body(g, &charges));
        let mut derivatives = Derivatives::zero(charges.len());
        model.three_body(Some(&mut derivatives));
        check_derivatives(row, &derivatives, 1e-13, |g| d4(g).three_body(None));
    }
}

#[test]
fn potentials_are_derivatives_by_charges() {
    for row in rows(REFERENCE).iter().filter(|r| r.numbers.len() < 8) {
        let charges = row.list("charges");
        let mut model = d4(&row.geometry());
        let mut energy = |i: usize, shift: f64| {
            let mut moved = charges.clone();
            moved[i] += shift;
            let mut potential = vec![0.0; charges.len()];
            (model.potential(&moved, &mut potential), potential[i])
        };
        for i in 0..charges.len() {
            let h = 1e-4;
            let expected = (energy(i, h).0 - energy(i, -h).0) / (2.0 * h);
            // The formula errs by h^2/6 times the third derivative.
            assert!((energy(i, 0.0).1 - expected).abs() < 1e-9, "{} {i}", row.name());
        }
    }
}

#[test]
fn a_supercell_has_twice_the_energy() {
    let crystal = rows(REFERENCE).into_iter().find(|r| r.name() == "pbc-diamond").unwrap();
    let doubled = crystal.doubled(&[1]);
    let charges = [crystal.list("charges"), crystal.list("charges")].concat();
    let one = two_body(&crystal.geometry(), &charges[..2]);
    let two = two_body(&doubled.geometry(), &charges);
    // Sums of 1e5 terms in another order.
    assert!((two - 2.0 * one).abs() < 1e-13, "{two} {one}");
    let one = d4(&crystal.geometry()).three_body(None);
    let two = d4(&doubled.geometry()).three_body(None);
    assert!((two - 2.0 * one).abs() < 1e-13, "{two} {one}");
}

#[test]
fn a_cell_that_atoms_have_left_changes_nothing() {
    let crystal = rows(REFERENCE).into_iter().find(|r| r.name() == "pbc-diamond").unwrap();
    let mut moved = crystal.clone();
    let rows = moved.lattice.unwrap();
    moved.positions[1] = std::array::from_fn(|k| moved.positions[1][k] - 3.0 * rows[0][k] + rows[2][k]);
    let energy = |row: &Row| d4(&row.geometry()).three_body(None) + two_body(&row.geometry(), &[0.0; 2]);
    assert!((energy(&crystal) - energy(&moved)).abs() < 1e-13);
}

#[test]
fn elements_beyond_radon_are_refused() {
    let geometry = Geometry { numbers: &[87], positions: &[[0.0; 3]], lattice: None };
    let error = D4::new(&geometry, Damping::GFN2).unwrap_err().to_string();
    assert!(error.contains("element 87"), "{error}");
}
