//! Minima that are known, the steps it takes to reach them, and refusals.

use std::ops::ControlFlow;

use oxidane_core::check::{check_forces, check_virial, derivative};
use oxidane_core::units::GIGAPASCAL;
use oxidane_core::{Cell, Error, Evaluation, Potential, Request, Result, System, SystemView};

use super::coordinates::Coordinates;
use super::*;
use crate::testing::{Hydrocarbon, Pairs, argon_block, distance, lennard_jones, morse, noise, rattle};
use crate::vector::{dot, dot3, norm3};

const EPSILON: f64 = 0.01;
const SIGMA: f64 = 3.4;

fn run(potential: &mut dyn Potential, system: System, options: &OptOptions) -> OptResult {
    optimize(potential, system, options, &mut |_| ControlFlow::Continue(())).unwrap()
}

fn with(method: Method, convergence: Convergence) -> OptOptions {
    OptOptions { method, convergence, ..OptOptions::default() }
}

#[test]
fn a_bond_finds_its_length_in_a_few_steps() {
    for method in [Method::Lbfgs, Method::PlainLbfgs, Method::Fire] {
        let system = System::molecule(vec![6, 6], vec![[0.0; 3], [0.9, 0.9, 0.9]]);
        let result = run(&mut Pairs::new(morse, 10.0), system, &with(method, Convergence::very_tight()));
        assert!(result.converged());
        // Force limit 0.0015 over the curvature of 9 eV/angstrom^2.
        assert!((distance(&result.system, 0, 1) - 1.5).abs() < 2e-4);
        assert!(method == Method::Fire || result.steps <= 9, "{method:?}: {}", result.steps);
    }
}

#[test]
fn known_clusters_of_lennard_jones() {
    // Energies in units of epsilon: J. Phys. Chem. A 101, 5111 (1997).
    let golden = (1.0 + 5.0_f64.sqrt()) / 2.0;
    let mut icosahedron = vec![[0.0; 3]];
    for (a, b) in [(1.0, golden), (-1.0, golden), (1.0, -golden), (-1.0, -golden)] {
        icosahedron.extend([[0.0, a, b], [a, b, 0.0], [b, 0.0, a]]);
    }
    let mut octahedron = Vec::new();
    for code in 0..125 {
        let site = [code % 5, code / 5 % 5, code / 25].map(|k| f64::from(k) - 2.0);
        if (site[0] + site[1] + site[2]).rem_euclid(2.0) == 1.0 && dot3(&site, &site) <= 5.0 {
            octahedron.push(site);
        }
    }
    for (sites, scale, energy) in
        [(icosahedron, 0.55 * SIGMA, -44.326_801), (octahedron, 0.8 * SIGMA, -173.928_427)]
    {
        let positions = sites.iter().map(|s| s.map(|x| x * scale)).collect();
        let mut start = System::molecule(vec![18; sites.len()], positions);
        rattle(&mut start, 0.15, 9);
        for method in [Method::Lbfgs, Method::PlainLbfgs, Method::Fire] {
            let mut pairs = Pairs::new(lennard_jones, 1e3);
            let options = OptOptions { max_steps: 1000, ..with(method, Convergence::fmax(1e-5)) };
            let result = run(&mut pairs, start.clone(), &options);
            assert!(result.converged());
            // The energy is off by force^2 / curvature, 1e-10 / 0.1 eV per atom = 1e-7 epsilon.
            assert!(
                (result.row.energy / EPSILON - energy).abs() < 1e-5,
                "{method:?} {}",
                result.row.energy / EPSILON
            );
            assert!(method == Method::Fire || result.steps <= 45, "{method:?}: {}", result.steps);
        }
    }
}

#[test]
fn the_model_hessian_saves_more_than_half_the_steps_of_molecules() {
    let steps = |method: Method, carbons: usize| -> usize {
        (0..3)
            .map(|seed| {
                let system = Hydrocarbon::chain(carbons, seed);
                let mut field = Hydrocarbon::new(&system);
                let result = run(&mut field, system, &with(method, Convergence::normal()));
                assert!(result.converged());
                assert_eq!(field.calls, result.steps + 1);
                result.steps
            })
            .sum()
    };
    // Measured: 25, 35 and 80 against 72, 136 and 263 steps for three molecules each.
    for (carbons, most) in [(2, 36), (4, 54), (8, 105)] {
        let (model, plain) = (steps(Method::Lbfgs, carbons), steps(Method::PlainLbfgs, carbons));
        assert!(model <= most && 2 * model < plain, "C{carbons}: {model} {plain}");
    }
}

#[test]
fn noise_of_single_precision_does_not_stall() {
    /// The force field with noise of 1e-5 eV/angstrom on forces and 2e-6 eV on energies.
    struct Noisy(Hydrocarbon, Box<dyn FnMut() -> f64 + Send>);
    impl Potential for Noisy {
        fn name(&self) -> &str {
            "noisy"
        }
        fn capabilities(&self) -> Request {
            Request::FORCES
        }
        fn check(&self, _: &dyn SystemView) -> Result<()> {
            Ok(())
        }
        fn evaluate(&mut self, system: &dyn SystemView, request: Request) -> Result<Evaluation> {
            let mut result = self.0.evaluate(system, request)?;
            result.energy = result.energy.map(|e| e + 2e-6 * (self.1)());
            result.forces.iter_mut().flatten().flatten().for_each(|f| *f += 1e-5 * (self.1)());
            Ok(result)
        }
        fn fork(&self) -> Box<dyn Potential> {
            unimplemented!()
        }
    }
    let system = Hydrocarbon::chain(4, 1);
    let mut noisy = Noisy(Hydrocarbon::new(&system), Box::new(noise(3)));
    let result = run(&mut noisy, system, &with(Method::Lbfgs, Convergence::very_tight()));
    assert!(result.converged() && result.steps < 60, "{:?} {}", result.status, result.steps);
}

#[test]
fn fixed_atoms_stay_to_the_bit() {
    for method in [Method::Lbfgs, Method::Fire] {
        let system = Hydrocarbon::chain(3, 2);
        let options =
            OptOptions { fixed: vec![0, 4, 9], max_steps: 2000, ..with(method, Convergence::normal()) };
        let result = run(&mut Hydrocarbon::new(&system), system.clone(), &options);
        assert!(result.converged());
        (0..system.len()).for_each(|i| {
            assert_eq!(options.fixed.contains(&i), result.system.positions[i] == system.positions[i], "{i}");
        });
        let forces = result.evaluation.forces.unwrap();
        assert!(options.fixed.iter().any(|&i| norm3(&forces[i]) > result.row.force_max));
    }
}

#[test]
fn a_minimum_is_recognised_at_once_and_symmetry_is_kept() {
    let options = with(Method::Lbfgs, Convergence::very_tight());
    let mut pairs = Pairs::new(morse, 10.0);
    let result = run(&mut pairs, System::molecule(vec![1, 1], vec![[0.0; 3], [1.5, 0.0, 0.0]]), &options);
    assert_eq!((result.steps, result.status, pairs.calls), (0, OptStatus::Converged, 1));
    // Four atoms on a line stay on it.
    let line = (0..4).map(|i| [1.3 * f64::from(i), 0.0, 0.0]).collect();
    let result = run(&mut Pairs::new(morse, 10.0), System::molecule(vec![6; 4], line), &options);
    assert!(result.converged() && result.system.positions.iter().all(|x| x[1] == 0.0 && x[2] == 0.0));
}

#[test]
fn unfinished_runs_give_the_best_so_far() {
    let start = argon_block(13, 5);
    let mut pairs = Pairs::new(lennard_jones, 1e3);
    let options = OptOptions { max_steps: 7, ..OptOptions::default() };
    let mut lowest = f64::INFINITY;
    let mut rows = Vec::new();
    let result = optimize(&mut pairs, start.clone(), &options, &mut |s| {
        lowest = lowest.min(s.row.energy);
        rows.push(s.row);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!((result.status, result.steps, rows.len()), (OptStatus::MaxSteps, 7, 8));
    assert_eq!(result.row.energy, lowest);
    assert!(rows[0].energy_change.is_none() && rows[7].energy_change.is_some());

    let result = optimize(&mut pairs, start, &options, &mut |s| {
        if s.row.step == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .unwrap();
    assert_eq!((result.status, result.steps), (OptStatus::Interrupted, 3));
}

#[test]
fn refused_geometries_are_answered_by_shorter_steps() {
    /// Refuses pairs closer than 1.45 angstrom, as a model refuses atoms too close.
    struct Careful(Pairs);
    impl Potential for Careful {
        fn name(&self) -> &str {
            "careful"
        }
        fn capabilities(&self) -> Request {
            Request::FORCES
        }
        fn check(&self, _: &dyn SystemView) -> Result<()> {
            Ok(())
        }
        fn evaluate(&mut self, system: &dyn SystemView, request: Request) -> Result<Evaluation> {
            let x = system.positions();
            if norm3(&crate::vector::sub3(&x[0], &x[1])) < 1.45 {
                return Err(Error::input("too close"));
            }
            self.0.evaluate(system, request)
        }
        fn fork(&self) -> Box<dyn Potential> {
            unimplemented!()
        }
    }
    let molecule = |r: f64| System::molecule(vec![1, 1], vec![[0.0; 3], [r, 0.0, 0.0]]);
    let mut careful = Careful(Pairs::new(morse, 10.0));
    for r in [1.6, 1.7, 2.2] {
        let result = run(&mut careful, molecule(r), &OptOptions::default());
        assert!(result.converged() && (distance(&result.system, 0, 1) - 1.5).abs() < 2e-3);
    }
    let refused =
        optimize(&mut careful, molecule(1.4), &OptOptions::default(), &mut |_| ControlFlow::Continue(()));
    assert!(refused.unwrap_err().to_string().contains("too close"));
}

/// Truncates half way between the seventh and eighth shell of fcc argon.
const CRYSTAL_CUTOFF: f64 = 10.2;

/// fcc lattice constant of the truncated potential: with S_n the sum of (a/r)^n over neighbours within seven shells,
/// dE/da = 0 at a^6 = 2 sigma^6 S_12 / S_6.
fn lattice_constant() -> f64 {
    let (mut s6, mut s12) = (0.0, 0.0);
    for code in 0..15_i32.pow(3) {
        let site = [code % 15, code / 15 % 15, code / 225].map(|k| k - 7);
        let square: i32 = site.iter().map(|k| k * k).sum();
        if site.iter().sum::<i32>() % 2 == 0 && (1..=14).contains(&square) {
            let inverse = 4.0 / f64::from(square); // (a/r)^2, sites in units of a/2
            s6 += inverse.powi(3);
            s12 += inverse.powi(6);
        }
    }
    SIGMA * (2.0 * s12 / s6).powf(1.0 / 6.0)
}

/// Four argon atoms in a cubic cell of edge `a`, mapped by 1 + strain and rattled.
fn crystal(a: f64, strain: [[f64; 3]; 3], size: f64) -> System {
    let sites = [[0.0; 3], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]];
    let map = |x: [f64; 3]| std::array::from_fn::<_, 3, _>(|i| x[i] + dot3(&strain[i], &x));
    let mut system = System::molecule(vec![18; 4], sites.iter().map(|s| map(s.map(|x| x * a))).collect());
    let vectors = [[a, 0.0, 0.0], [0.0, a, 0.0], [0.0, 0.0, a]].map(map);
    system.cell = Some(Cell::new(vectors));
    rattle(&mut system, size, 6);
    system
}

const SHEARED: [[f64; 3]; 3] = [[0.01, 0.006, 0.0], [0.006, -0.004, -0.005], [0.0, -0.005, 0.012]];

fn relax(cell: CellRelaxation) -> OptOptions {
    OptOptions {
        convergence: Convergence { stress: Some(1e-4), ..Convergence::fmax(1e-5) },
        cell: Some(cell),
        ..OptOptions::default()
    }
}

fn length(v: &[f64; 3]) -> f64 {
    norm3(v)
}

#[test]
fn test_potentials_pass_the_shared_checks() {
    let mut pairs = Pairs::new(lennard_jones, CRYSTAL_CUTOFF);
    let system = crystal(lattice_constant(), SHEARED, 0.1);
    check_forces(&mut pairs, &system, 1e-3, 1e-9).unwrap(); // rounding of 0.3 eV over 1e-3, truncation h^4
    check_virial(&mut pairs, &system, 1e-4, 1e-8).unwrap(); // the same over 1e-4
    let chain = Hydrocarbon::chain(3, 1);
    check_forces(&mut Hydrocarbon::new(&chain), &chain, 1e-3, 1e-7).unwrap(); // its forces are differences too
}

#[test]
fn crystal_finds_its_lattice_constant() {
    let a = lattice_constant();
    assert!((a / SIGMA - 1.5496).abs() < 0.006); // the untruncated crystal: 1.5496 sigma
    for method in [Method::Lbfgs, Method::PlainLbfgs, Method::Fire] {
        let options = OptOptions { method, ..relax(CellRelaxation::default()) };
        let result = run(&mut Pairs::new(lennard_jones, CRYSTAL_CUTOFF), crystal(a, SHEARED, 0.05), &options);
        assert!(result.converged(), "{method:?} {:?}", result.row);
        let cell = result.system.cell.unwrap();
        // Stress 1e-4 GPa over an elastic modulus of some 2 GPa.
        cell.vectors.iter().for_each(|v| assert!((length(v) / a - 1.0).abs() < 1e-4, "{method:?} {v:?} {a}"));
        assert!((cell.volume() / a.powi(3) - 1.0).abs() < 1e-4);
        assert!(method == Method::Fire || result.steps <= 60, "{method:?}: {}", result.steps);
    }
}

#[test]
fn isotropic_relaxation_keeps_the_shape() {
    let a = lattice_constant();
    let options = relax(CellRelaxation { strain: Strain::Isotropic, ..CellRelaxation::default() });
    let start = crystal(1.012 * a, [[0.0; 3]; 3], 0.0);
    let result = run(&mut Pairs::new(lennard_jones, CRYSTAL_CUTOFF), start, &options);
    assert!(result.converged());
    let v = result.system.cell.unwrap().vectors;
    (0..3).for_each(|i| assert!((length(&v[i]) / a - 1.0).abs() < 1e-4));
    assert!(dot3(&v[0], &v[1]).abs() < 1e-12 && length(&v[0]) == length(&v[2]));
}

#[test]
fn pressure_compresses_until_the_stress_balances_it() {
    let options = relax(CellRelaxation { pressure: 0.05, ..CellRelaxation::default() });
    let mut pairs = Pairs::new(lennard_jones, CRYSTAL_CUTOFF);
    let a = lattice_constant();
    let result = run(&mut pairs, crystal(a, [[0.0; 3]; 3], 0.02), &options);
    assert!(result.converged());
    let cell = result.system.cell.unwrap();
    assert!(cell.volume() < a.powi(3));
    let stress = result.evaluation.stress(cell.volume()).unwrap();
    for i in 0..3 {
        for j in 0..3 {
            let wanted = if i == j { -0.05 * GIGAPASCAL } else { 0.0 };
            assert!((stress[i][j] - wanted).abs() <= 1e-4 * GIGAPASCAL);
        }
    }
    // The row gives the enthalpy.
    let enthalpy = result.evaluation.energy.unwrap() + 0.05 * GIGAPASCAL * cell.volume();
    assert!((result.row.energy - enthalpy).abs() < 1e-12);
}

#[test]
fn fixed_axes_and_open_directions_stay() {
    let a = lattice_constant();
    let start = crystal(a, SHEARED, 0.02);
    let before = start.cell.unwrap().vectors;
    let options = relax(CellRelaxation { fixed_axes: [false, false, true], ..CellRelaxation::default() });
    let result = run(&mut Pairs::new(lennard_jones, CRYSTAL_CUTOFF), start.clone(), &options);
    assert!(result.converged());
    let after = result.system.cell.unwrap().vectors;
    (0..3).for_each(|k| assert!((after[2][k] - before[2][k]).abs() < 1e-12)); // rounding of F c = c
    assert!((0..2).any(|i| (length(&after[i]) - length(&before[i])).abs() > 1e-3));

    let mut slab = start;
    let cell = slab.cell.as_mut().unwrap();
    cell.periodic[2] = false;
    cell.vectors[2] = [0.0, 0.0, 40.0];
    let result = run(&mut Pairs::new(lennard_jones, CRYSTAL_CUTOFF), slab, &relax(CellRelaxation::default()));
    assert!(result.converged());
    let cell = result.system.cell.unwrap();
    assert_eq!(cell.vectors[2], [0.0, 0.0, 40.0]);
    // A film of two layers is narrower than the crystal (by 0.3 percent), and square.
    let [a_film, b_film] = [0, 1].map(|i| length(&cell.vectors[i]));
    assert!(a_film < 0.999 * a && (a_film / b_film - 1.0).abs() < 1e-4);
}

#[test]
fn the_gradient_by_all_coordinates_is_exact() {
    // Along the gradient g itself the slope is g.g, also where the cell is already deformed; any projection that were
    // not one, or a missing factor of F, would break this.
    let full = CellRelaxation::default();
    let cases = [
        (full, vec![], true),
        (CellRelaxation { pressure: 2.0, ..full }, vec![1], true),
        (CellRelaxation { strain: Strain::Isotropic, pressure: -1.0, ..full }, vec![], true),
        (CellRelaxation { fixed_axes: [true, false, false], ..full }, vec![], true),
        (full, vec![2], false),
        (full, vec![0, 1, 2, 3], true),
    ];
    for (relaxation, fixed, three) in cases {
        let mut start = crystal(lattice_constant(), SHEARED, 0.05);
        start.cell.as_mut().unwrap().periodic[2] = three;
        let mut pairs = Pairs::new(lennard_jones, CRYSTAL_CUTOFF);
        let options = OptOptions { fixed, ..relax(relaxation) };
        let coordinates = Coordinates::new(start, &options).unwrap();
        let along = |x: &[f64], g: &[f64], t: f64| -> Vec<f64> {
            let scale = t / dot(g, g).sqrt();
            x.iter().zip(g).map(|(x, g)| x + scale * g).collect()
        };
        let first = coordinates.evaluate(&mut pairs, coordinates.initial()).unwrap();
        let x = along(&first.x, &first.gradient, -0.02);
        let here = coordinates.evaluate(&mut pairs, x.clone()).unwrap();
        let slope =
            derivative(|t| Ok(coordinates.evaluate(&mut pairs, along(&x, &here.gradient, t))?.value), 1e-3)
                .unwrap();
        let exact = dot(&here.gradient, &here.gradient).sqrt();
        // Rounding of a few eV over 1e-3.
        assert!((slope - exact).abs() < 1e-9 && exact > 1e-3, "{relaxation:?}: {slope} {exact}");
    }
}

#[test]
fn senseless_settings_are_refused() {
    let refuse = |system: System, options: OptOptions| {
        optimize(&mut Pairs::new(lennard_jones, 10.0), system, &options, &mut |_| ControlFlow::Continue(()))
            .unwrap_err()
            .to_string()
    };
    let molecule = argon_block(4, 1);
    let solid = crystal(5.3, [[0.0; 3]; 3], 0.0);
    let ok = OptOptions::default();
    let cell = CellRelaxation::default();
    refuse(System::default(), ok.clone());
    refuse(molecule.clone(), OptOptions { fixed: vec![4], ..ok.clone() });
    refuse(molecule.clone(), OptOptions { fixed: vec![0, 1, 2, 3], ..ok.clone() });
    refuse(molecule.clone(), OptOptions { max_displacement: -0.1, ..ok.clone() });
    refuse(molecule.clone(), OptOptions { convergence: Convergence::default(), ..ok.clone() });
    refuse(molecule.clone(), OptOptions { convergence: Convergence::fmax(0.0), ..ok.clone() });
    assert!(refuse(molecule, relax(cell)).contains("no periodic cell"));
    refuse(solid.clone(), relax(CellRelaxation { fixed_axes: [true; 3], ..cell }));
    refuse(solid.clone(), relax(CellRelaxation { pressure: f64::NAN, ..cell }));
    let both = CellRelaxation { fixed_axes: [true, false, false], strain: Strain::Isotropic, ..cell };
    refuse(solid.clone(), relax(both));
    let mut slab = solid;
    slab.cell.as_mut().unwrap().periodic[2] = false;
    refuse(slab, relax(CellRelaxation { pressure: 1.0, ..cell }));
}
