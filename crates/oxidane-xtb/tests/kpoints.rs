//! GFN2-xTB with k-points, by repeated cells.

use oxidane_core::{Cell, Mesh, Potential, Repeated, Request, System};
use oxidane_xtb::{Gfn2, Gfn2Options};

/// Chains of hydrogen fluoride, one molecule in an oblique cell.
fn hydrogen_fluoride() -> System {
    let cell = Cell::new([[3.1, 0.0, 0.0], [0.4, 3.2, 0.0], [0.0, 0.3, 2.6]]);
    let positions = vec![[0.1, 0.2, 0.3], [0.2, 0.15, 1.25]];
    System { cell: Some(cell), ..System::molecule(vec![9, 1], positions) }
}

fn gfn2() -> Box<dyn Potential> {
    Box::new(Gfn2::new(Gfn2Options::default()).unwrap())
}

/// The same atoms as a large cell, written down by hand: twice along c, of which each half has half the energy.
#[test]
fn a_mesh_is_the_repeated_cell() {
    let small = hydrogen_fluoride();
    let cell = small.cell.unwrap();
    let c = cell.vectors[2];
    let shifted = small.positions.iter().map(|x| [x[0] + c[0], x[1] + c[1], x[2] + c[2]]);
    let large = System {
        numbers: vec![9, 1, 9, 1],
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
    assert!((gamma - found.energy.unwrap()).abs() > 0.05, "k-points matter in so small a cell");
}

/// Central differences of 1e-3 angstrom and of strains of 1e-3, of every atom and every strain. The bond's third derivative makes them 7e-5 wrong; under strain
/// triples of atoms cross the end of the three-body dispersion too, where the energy steps by some 1e-7 eV.
#[test]
fn forces_and_virial_are_derivatives() {
    let system = hydrogen_fluoride();
    let mut potential = Repeated::new(gfn2(), Mesh::Of([2, 2, 1]));
    let found = potential.evaluate(&system, Request::STRESS).unwrap();
    let mut energy = |s: &System| potential.evaluate(s, Request::ENERGY).unwrap().energy.unwrap();
    let mut slope = |change: &dyn Fn(&mut System, f64), h: f64| {
        let mut at = |by: f64| {
            let mut s = system.clone();
            change(&mut s, by);
            energy(&s)
        };
        (at(h) - at(-h)) / (2.0 * h)
    };
    let (forces, virial) = (found.forces.unwrap(), found.virial.unwrap());
    for (atom, force) in forces.iter().enumerate() {
        for k in 0..3 {
            let slope = slope(&|s, by| s.positions[atom][k] += by, 1e-3);
            assert!((slope + force[k]).abs() < 2e-4, "{slope} {}", force[k]);
        }
    }
    for a in 0..3 {
        for b in 0..=a {
            let stretch = move |x: &mut [f64; 3], by: f64| {
                let old = *x;
                x[a] += 0.5 * by * old[b];
                x[b] += 0.5 * by * old[a];
            };
            let strained = move |s: &mut System, by: f64| {
                s.positions.iter_mut().for_each(|x| stretch(x, by));
                s.cell.iter_mut().flat_map(|c| &mut c.vectors).for_each(|x| stretch(x, by));
            };
            let slope = slope(&strained, 1e-3);
            eprintln!("DBG s {a} {b} {slope} {}", virial[a][b]);
            assert!((slope + virial[a][b]).abs() < 1e-3, "{slope} {}", virial[a][b]);
        }
    }
}

/// A cell with one unpaired electron by its parity has as few as possible in the large cell too, which is written down by hand; one with more of them has
/// them in every copy, and so has charge.
#[test]
fn charges_and_spins_of_large_cells() {
    let edge = 3.4;
    let cell = |c: f64| Cell::new([[edge, 0.0, 0.0], [0.0, edge, 0.0], [0.0, 0.0, c]]);
    let one = System { cell: Some(cell(edge)), ..System::molecule(vec![3], vec![[0.0; 3]]) };
    assert_eq!(one.unpaired, 1);
    let energy =
        |s: &System, mesh| Repeated::new(gfn2(), mesh).evaluate(s, Request::ENERGY).unwrap().energy.unwrap();
    for (charge, unpaired, all) in [(0, 1, 0), (1, 0, 0), (0, 3, 6)] {
        let one = System { charge, unpaired, ..one.clone() };
        let two = System {
            numbers: vec![3, 3],
            positions: vec![[0.0; 3], [0.0, 0.0, edge]],
            cell: Some(cell(2.0 * edge)),
            charge: 2 * charge,
            unpaired: all,
        };
        if unpaired == 3 {
            // Lithium has one valence electron: three are refused, by the large cell as by the small one.
            assert!(gfn2().check(&one).is_err() && gfn2().check(&two).is_err());
            continue;
        }
        let (found, expected) = (energy(&one, Mesh::Of([1, 1, 2])), energy(&two, Mesh::Of([1; 3])) / 2.0);
        // Both are the same electrons, self-consistent to 5e-8 e.
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    }
}

#[test]
fn widths_choose_the_mesh_and_molecules_have_none() {
    // A box that is sheared along a keeps its widths but that across a.
    let cell = Cell::new([[3.0, 0.0, 0.0], [4.0, 3.0, 0.0], [0.0, 0.0, 2.5]]);
    let widths = [3.0 * 3.0 / 5.0, 3.0, 2.5];
    cell.widths().iter().zip(widths).for_each(|(a, b)| assert!((a - b).abs() < 1e-12, "{a} {b}"));
    let sheared = System { cell: Some(cell), ..hydrogen_fluoride() };
    let copies = |width| Mesh::Wide(width).copies(&sheared);
    assert_eq!(
        [10.0, 9.0, 1.0].map(copies),
        [Some([6, 4, 4]), Some([5, 3, 4]), Some([1; 3])],
        "9 is just wide enough"
    );

    let molecule = System::molecule(vec![3, 1], vec![[0.0; 3], [1.6, 0.0, 0.0]]);
    let alone = gfn2().evaluate(&molecule, Request::FORCES).unwrap();
    let mut wide = Repeated::new(gfn2(), Mesh::Wide(10.0));
    assert_eq!(wide.evaluate(&molecule, Request::FORCES).unwrap(), alone);
    let orbitals = Request { electronic: true, ..Request::ENERGY };
    assert!(wide.evaluate(&molecule, orbitals).unwrap().electronic.is_some());
    assert!(
        wide.evaluate(&hydrogen_fluoride(), orbitals).unwrap().electronic.is_none(),
        "those of the large cell"
    );
    for (system, mesh) in [(&molecule, [2; 3]), (&hydrogen_fluoride(), [32; 3])] {
        let error = Repeated::new(gfn2(), Mesh::Of(mesh)).check(system).unwrap_err().to_string();
        assert!(error.contains("--kpoints"), "{error}");
    }
}
