//! Coordination numbers against tad-mctc and finite differences.

mod common;

use common::{check_derivatives, rows};
use oxidane_physics::{Coordination, Counting, Derivatives, Geometry};

/// Molecules and crystals with their coordination numbers by tad-mctc 0.11.3.
const REFERENCE: &str = include_str!("data/coordination.jsonl");
const KINDS: [(Counting, &str); 3] = [(Counting::Gfn, "gfn"), (Counting::D3, "d3"), (Counting::D4, "d4")];

#[test]
fn coordination_numbers_are_those_of_the_reference() {
    for row in rows(REFERENCE) {
        for (counting, key) in KINDS {
            let found = Coordination::new(&row.geometry(), counting).unwrap().values;
            for (f, r) in found.iter().zip(row.list(key)) {
                // The radii of the two programs differ by 7e-10 (values of the bohr radius), which k = 16 to 20
                // enlarges.
                assert!((f - r).abs() < 3e-8, "{} {key}: {f} {r}", row.name());
            }
        }
    }
}

#[test]
fn derivatives_are_those_of_finite_differences() {
    for row in rows(REFERENCE).iter().filter(|r| r.numbers.len() < 9) {
        for (counting, _) in KINDS {
            // D3 counts up to 2e-6 at its cutoff, a step that spoils differences wherever some atom crosses it.
            if counting == Counting::D3 && row.lattice.is_some() {
                continue;
            }
            let seeds: Vec<f64> = (0..row.numbers.len()).map(|i| (1.7 * i as f64).sin() + 0.3).collect();
            let value = |g: &Geometry| {
                let cn = Coordination::new(g, counting).unwrap();
                cn.values.iter().zip(&seeds).map(|(c, s)| c * s).sum::<f64>()
            };
            let mut derivatives = Derivatives::zero(row.numbers.len());
            let geometry = row.geometry();
            let coordination = Coordination::new(&geometry, counting).unwrap();
            coordination.add_derivatives(&geometry, &seeds, &mut derivatives);
            // Rounding of the differences (1e-13 x 15 neighbours / 1e-3 bohr).
            check_derivatives(row, &derivatives, 2e-9, value);
        }
    }
}

#[test]
fn a_supercell_counts_the_same() {
    let crystal = rows(REFERENCE).into_iter().find(|r| r.lattice.is_some()).unwrap();
    let doubled = crystal.doubled(&[1, 2]);
    for (counting, _) in KINDS {
        let of = |g: &Geometry| Coordination::new(g, counting).unwrap().values;
        let (one, four) = (of(&crystal.geometry()), of(&doubled.geometry()));
        for (i, c) in four.iter().enumerate() {
            // Rounding of sums over hundreds of images.
            assert!((c - one[i % one.len()]).abs() < 1e-11);
        }
    }
}

#[test]
fn unknown_elements_are_refused() {
    let geometry = Geometry { numbers: &[95], positions: &[[0.0; 3]], lattice: None };
    let error = Coordination::new(&geometry, Counting::D3).unwrap_err().to_string();
    assert!(error.contains("element 95"), "{error}");
}
