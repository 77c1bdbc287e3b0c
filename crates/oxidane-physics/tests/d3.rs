//! D3(BJ) against dftd3, finite differences and laws; its potential.

mod common;

use common::{Row, check_derivatives, rows, vectors};
use oxidane_core::check::{check_forces, check_symmetries, check_virial};
use oxidane_core::units::{BOHR, HARTREE};
use oxidane_core::{Cell, Potential, Request, System};
use oxidane_physics::{D3, D3Potential, Derivatives};

/// Energies and derivatives by dftd3; see tests/data/README.md.
const REFERENCE: &str = include_str!("data/d3.jsonl");

/// The rows in atomic units.
fn structures(text: &str) -> Vec<Row> {
    let scale = |v: &[f64; 3]| v.map(|x| x / BOHR);
    let mut all = rows(text);
    for row in &mut all {
        row.positions = row.positions.iter().map(scale).collect();
        row.lattice =
            row.json.get("cell").map(|c| <[_; 3]>::try_from(vectors(c)).unwrap().map(|v| scale(&v)));
    }
    all
}

fn d3(row: &Row) -> D3 {
    D3::of(row.json["method"].as_str().unwrap(), row.json["atm"].as_bool().unwrap()).unwrap()
}

/// Compares with all numbers of a row.
fn compare(row: &Row) {
    let mut found = Derivatives::zero(row.numbers.len());
    let energy = d3(row).evaluate(&row.geometry(), Some(&mut found)).unwrap();
    let expected = row.json["energy"].as_f64().unwrap();
    // The values of the bohr radius differ by 7e-10; energies are up to 0.4 hartree.
    assert!((energy - expected).abs() < 1e-9, "{}: {energy} {expected}", row.name());
    let alone = d3(row).evaluate(&row.geometry(), None).unwrap();
    assert!((energy - alone).abs() < 1e-13, "{}: {energy} {alone}", row.name());
    for (f, r) in found.gradient.iter().flatten().zip(vectors(&row.json["gradient"]).iter().flatten()) {
        assert!((f - r).abs() < 1e-9, "{}: {f} {r}", row.name());
    }
    if row.lattice.is_some() {
        for (f, r) in found.strain.iter().flatten().zip(vectors(&row.json["virial"]).iter().flatten()) {
            assert!((f - r).abs() < 1e-9, "{}: {f} {r}", row.name());
        }
    }
}

#[test]
fn energies_and_derivatives_are_those_of_the_reference() {
    structures(REFERENCE).iter().for_each(compare);
}

#[test]
fn derivatives_are_those_of_finite_differences() {
    for row in structures(REFERENCE).iter().filter(|r| r.lattice.is_none()) {
        let mut found = Derivatives::zero(row.numbers.len());
        d3(row).evaluate(&row.geometry(), Some(&mut found)).unwrap();
        // Rounding of energies of 1e-2 hartree over steps of 1e-3 bohr.
        check_derivatives(row, &found, 1e-13, |g| d3(row).evaluate(g, None).unwrap());
    }
}

#[test]
fn a_supercell_has_twice_the_energy() {
    let row = structures(REFERENCE).into_iter().find(|r| r.name() == "pbc-Ir").unwrap();
    let d3 = D3 { damping: oxidane_physics::Damping { s9: 0.0, ..d3(&row).damping }, ..d3(&row) };
    let one = d3.evaluate(&row.geometry(), None).unwrap();
    let two = d3.evaluate(&row.doubled(&[2]).geometry(), None).unwrap();
    // Sums of 1e5 terms in another order, of images in another order at the cutoff.
    assert!((two - 2.0 * one).abs() < 1e-11, "{two} {one}");
}

fn water() -> System {
    let positions = vec![[0.0, 0.0, 0.1], [0.0, 0.8, -0.5], [0.0, -0.8, -0.5], [2.9, 0.2, 0.0]];
    System::molecule(vec![8, 1, 1, 18], positions)
}

#[test]
fn the_potential_has_consistent_forces_and_virial() {
    let mut potential = D3Potential::new("B3-LYP", true).unwrap();
    assert_eq!(potential.name(), "d3-b3lyp-atm");
    // The formula errs by the square of the step times the third derivative, over a thousandth of the scale of the
    // forces.
    check_forces(&mut potential, &water(), 1e-3, 1e-6).unwrap();
    check_virial(&mut potential, &water(), 1e-3, 1e-6).unwrap();
    check_symmetries(&mut potential, &water(), 1e-12).unwrap();
    let all = potential.fork().evaluate(&water(), Request::STRESS).unwrap();
    let row = &structures(REFERENCE)[0];
    let mut system = System::molecule(row.numbers.clone(), row.positions.clone());
    system.positions.iter_mut().flatten().for_each(|x| *x *= BOHR);
    let mut potential =
        D3Potential::new(row.json["method"].as_str().unwrap(), row.json["atm"].as_bool().unwrap()).unwrap();
    let found = potential.evaluate(&system, Request::ENERGY).unwrap();
    let expected = row.json["energy"].as_f64().unwrap() * HARTREE;
    assert!((found.energy.unwrap() - expected).abs() < 3e-8 && found.forces.is_none());
    assert!(all.forces.is_some() && all.virial.is_some() && all.charges.is_none());
}

#[test]
fn what_it_cannot_do_is_refused() {
    let mut potential = D3Potential::new("pbe", false).unwrap();
    let mut system = water();
    let mut cell = Cell::new([[9.0, 0.0, 0.0], [0.0, 9.0, 0.0], [0.0, 0.0, 9.0]]);
    system.cell = Some(cell);
    assert!(potential.evaluate(&system, Request::STRESS).is_ok());
    cell.periodic = [true, true, false];
    system.cell = Some(cell);
    assert!(potential.check(&system).unwrap_err().to_string().contains("all three directions"));
    system.cell = None;
    system.numbers[0] = 95;
    let error = potential.evaluate(&system, Request::ENERGY).unwrap_err().to_string();
    assert!(error.contains("atom 1: d3-pbe has no data of element 95"), "{error}");
    let error = D3Potential::new("lda", false).unwrap_err().to_string();
    assert!(error.contains("'lda'"), "{error}");
}

/// Large enough to be cut into parts, in a cell: the same bits on one thread, on several, and with the parts in order.
#[test]
fn threads_do_not_change_bits() {
    let at = |i: usize| {
        [i % 4, i / 4 % 4, i / 16].map(|k| 2.9 * k as f64 + 0.2 * (i as f64 * (k + 1) as f64).sin())
    };
    let mut system = System::molecule(vec![8; 64], (0..64).map(at).collect());
    system.cell = Some(Cell::new([[11.6, 0.0, 0.0], [0.0, 11.6, 0.0], [0.0, 0.0, 11.6]]));
    let evaluate = |parallel: bool| {
        let mut d3 = D3Potential::new("pbe", false).unwrap().with_parallel(parallel);
        d3.evaluate(&system, Request::STRESS).unwrap()
    };
    let expected = evaluate(false);
    for threads in [1, 2, 7] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(|| evaluate(true)), expected, "{threads} threads");
    }
}
