//! GFN2-xTB with k-points, by repeated cells.

use oxidane_core::{Cell, Mesh, Potential, Repeated, Request, System};
use oxidane_xtb::{Gfn2, Gfn2Options};

/// Lithium hydride, two atoms, the hydrogen out of its place.
fn lithium_hydride() -> System {
    let h = 2.04;
    let cell = Cell::new([[0.0, h, h], [h, 0.0, h], [h, h, 0.0]]);
    let positions = vec![[0.0; 3], [h + 0.1, 0.05, -0.07]];
    System { cell: Some(cell), ..System::molecule(vec![3, 1], positions) }
}

fn gfn2() -> Box<dyn Potential> {
    Box::new(Gfn2::new(Gfn2Options::default()).unwrap())
}

/// The same atoms as a large cell, written down by hand: twice along c, of which each half has half the energy.
#[test]
fn a_mesh_is_the_repeated_cell() {
    let small = lithium_hydride();
    let cell = small.cell.unwrap();
    let c = cell.vectors[2];
    let shifted = small.positions.iter().map(|x| [x[0] + c[0], x[1] + c[1], x[2] + c[2]]);
    let large = System {
        numbers: vec![3, 1, 3, 1],
        positions: small.positions.iter().copied().chain(shifted).collect(),
        cell: Some(Cell::new([cell.vectors[0], cell.vectors[1], c.map(|x| 2.0 * x)])),
        ..small.clone()
    };
    let request = Request { charges: true, ..Request::STRESS };
    let expected = gfn2().evaluate(&large, request).unwrap();
    let mut meshed = Repeated::new(gfn2(), Mesh::Of([1, 1, 2]));
    let found = meshed.evaluate(&small, request).unwrap();
    // The copies agree within the self-consistency (5e-8 e), and their mean is compared with one of them.
    let close = |a: f64, b: f64| assert!((a - b).abs() < 5e-6, "{a} {b}");
    close(found.energy.unwrap(), expected.energy.unwrap() / 2.0);
    for (a, b) in found.forces.unwrap().iter().flatten().zip(expected.forces.unwrap().iter().flatten()) {
        close(*a, *b);
    }
    for (a, b) in found.virial.unwrap().iter().flatten().zip(expected.virial.unwrap().iter().flatten()) {
        close(*a, b / 2.0);
    }
    for (a, b) in found.charges.unwrap().iter().zip(expected.charges.unwrap()) {
        close(*a, b);
    }
    let gamma = gfn2().evaluate(&small, Request::ENERGY).unwrap().energy.unwrap();
    assert!((gamma - found.energy.unwrap()).abs() > 0.1, "k-points matter in so small a cell");
}

/// Central differences of 1e-3 angstrom and of strains of 1e-4; their own error is of the order 1e-6.
#[test]
fn forces_and_virial_are_derivatives() {
    let system = lithium_hydride();
    let mut potential = Repeated::new(gfn2(), Mesh::Of([2, 2, 1]));
    let found = potential.evaluate(&system, Request::STRESS).unwrap();
    let mut energy = |s: &System| potential.evaluate(s, Request::ENERGY).unwrap().energy.unwrap();
    let mut moved = |by: f64| {
        let mut s = system.clone();
        s.positions[1][0] += by;
        energy(&s)
    };
    let h = 1e-3;
    let slope = (moved(h) - moved(-h)) / (2.0 * h);
    let force = found.forces.unwrap()[1][0];
    assert!((slope + force).abs() < 2e-5, "{slope} {force}");
    let mut strained = |by: f64| {
        let mut s = system.clone();
        let stretch = |x: &mut [f64; 3]| x[2] *= 1.0 + by;
        s.positions.iter_mut().for_each(stretch);
        let mut cell = s.cell.unwrap();
        cell.vectors.iter_mut().for_each(stretch);
        s.cell = Some(cell);
        energy(&s)
    };
    let h = 1e-4;
    let slope = (strained(h) - strained(-h)) / (2.0 * h);
    let virial = found.virial.unwrap()[2][2];
    assert!((slope + virial).abs() < 2e-5, "{slope} {virial}");
}

#[test]
fn widths_choose_the_mesh_and_molecules_have_none() {
    let cell = lithium_hydride().cell.unwrap();
    // The faces of the primitive cell of edge 2.04 are 2 * 2.04 / sqrt(3) apart.
    let width = 2.0 * 2.04 / 3.0f64.sqrt();
    cell.widths().iter().for_each(|w| assert!((w - width).abs() < 1e-12, "{w}"));
    assert_eq!(Mesh::Wide(10.0).copies(&cell), [5; 3]);
    assert_eq!(Mesh::Wide(2.0 * width).copies(&cell), [2; 3], "just wide enough");
    assert_eq!(Mesh::Wide(1.0).copies(&cell), [1; 3]);

    let molecule = System::molecule(vec![3, 1], vec![[0.0; 3], [1.6, 0.0, 0.0]]);
    let alone = gfn2().evaluate(&molecule, Request::FORCES).unwrap();
    let mut wide = Repeated::new(gfn2(), Mesh::Wide(10.0));
    assert_eq!(wide.evaluate(&molecule, Request::FORCES).unwrap(), alone);
    let error = Repeated::new(gfn2(), Mesh::Of([2; 3])).check(&molecule).unwrap_err().to_string();
    assert!(error.contains("--kpoints"), "{error}");
}
