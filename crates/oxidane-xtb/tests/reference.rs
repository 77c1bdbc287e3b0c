//! GFN2-xTB against the reference program: molecules of every element, ions, open shells, complexes of transition
//! metals, broken bonds, single atoms.
//!
//! `data/molecules.jsonl` holds results of tblite 0.8.0 at accuracy 0.01 (`benchmarks/gfn2_reference.py` makes such
//! files), positions in angstrom, the rest in atomic units.

use oxidane_core::System;
use oxidane_xtb::{Gfn2, Gfn2Options};
use serde::Deserialize;

#[derive(Deserialize)]
struct Row {
    name: String,
    numbers: Vec<u8>,
    positions: Vec<[f64; 3]>,
    charge: i32,
    unpaired: u32,
    energy: f64,
    gradient: Vec<[f64; 3]>,
    charges: Vec<f64>,
    dipole: [f64; 3],
}

fn rows() -> Vec<Row> {
    include_str!("data/molecules.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn largest(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max)
}

/// The reference is converged to about 1e-8 hartree and 4e-7 hartree/bohr, as the iteration here is; its constants
/// (bohr, hartree) differ from CODATA's in the tenth digit. Structures with several self-consistent states are among
/// these (z21-ScH2 has two, 6e-8 hartree and 2e-3 e apart; z72-HfH2, 7e-2 hartree): the iteration takes the path of the
/// reference.
#[test]
fn molecules_equal_the_reference() {
    let bohr = oxidane_core::units::BOHR;
    let mut failures = Vec::new();
    for row in rows() {
        let system = System {
            numbers: row.numbers,
            positions: row.positions,
            cell: None,
            charge: row.charge,
            unpaired: row.unpaired,
        };
        let result = Gfn2::new(Gfn2Options::default()).unwrap().calculate(&system, true).unwrap();
        let positions: Vec<[f64; 3]> = system.positions.iter().map(|x| x.map(|x| x / bohr)).collect();
        let derivatives = result.derivatives.as_ref().unwrap();
        let energy = (result.energy - row.energy).abs();
        let gradient = largest(derivatives.gradient.as_flattened(), row.gradient.as_flattened());
        let charges = largest(&result.charges(), &row.charges);
        let dipole = largest(&result.dipole(&positions), &row.dipole);
        if !(energy < 2e-8 && gradient < 5e-7 && charges < 2e-6 && dipole < 2e-5) {
            failures.push(format!("{}: {energy:.1e} {gradient:.1e} {charges:.1e} {dipole:.1e}", row.name));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn every_element_is_tested() {
    let mut seen = [false; 87];
    rows().iter().flat_map(|row| &row.numbers).for_each(|&z| seen[usize::from(z)] = true);
    assert!(seen[1..].iter().all(|s| *s));
}
