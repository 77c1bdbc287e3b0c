//! Laws of the integrators.

use std::ops::ControlFlow;

use oxidane_core::units::{AMU_ANGSTROM2_PER_FS2, BOLTZMANN};
use oxidane_core::{Cell, Evaluation, Potential, Request, Result, System, SystemView};

use super::*;
use crate::observables::{angular_momentum, kinetic_energy, momentum, temperature};
use crate::statistics::RunningStats;
use crate::testing::{Pairs, Wells, argon_block, lennard_jones, morse};

const ARGON: f64 = 39.948;

fn argon(n: usize, options: MdOptions, kelvin: f64) -> MdState {
    let mut state = MdState::new(argon_block(n, 3), vec![ARGON; n], options, 11).unwrap();
    state.set_temperature(kelvin).unwrap();
    state
}

/// Two atoms of 1 and 3 amu on a Morse bond, stretched by 0.02 angstrom.
fn diatomic(options: MdOptions) -> MdState {
    let system = System::molecule(vec![1, 1], vec![[0.0; 3], [0.0, 0.0, 1.52]]);
    MdState::new(system, vec![1.0, 3.0], options, 5).unwrap()
}

fn langevin(temperature: f64, friction: f64) -> Ensemble {
    Ensemble::Langevin { temperature, friction }
}

#[test]
fn initial_velocities_have_the_temperature_and_no_net_motion() {
    let state = argon(13, MdOptions::default(), 250.0);
    assert_eq!(state.degrees_of_freedom(), 33);
    let kinetic = kinetic_energy(&state.masses, &state.velocities);
    assert!((temperature(kinetic, 33) - 250.0).abs() < 1e-10);
    // Rounding: masses 40, speeds 0.004, distances 10.
    let p = momentum(&state.masses, &state.velocities);
    let l = angular_momentum(&state.masses, &state.system.positions, &state.velocities);
    assert!(p.iter().all(|x| x.abs() < 1e-14) && l.iter().all(|x| x.abs() < 1e-12), "{p:?} {l:?}");
}

#[test]
fn degrees_of_freedom_are_counted() {
    let count = |n: usize, options: MdOptions, cell: bool| {
        let mut system = argon_block(n, 1);
        system.cell = cell.then(|| Cell::new([[30.0, 0.0, 0.0], [0.0, 30.0, 0.0], [0.0, 0.0, 30.0]]));
        MdState::new(system, vec![ARGON; n], options, 1).unwrap().degrees_of_freedom()
    };
    let with = |fixed: Vec<usize>, ensemble| MdOptions { fixed, ensemble, ..MdOptions::default() };
    assert_eq!(count(1, MdOptions::default(), false), 3); // a single atom keeps its motion
    assert_eq!(count(2, MdOptions::default(), false), 1);
    assert_eq!(count(8, MdOptions::default(), false), 18);
    assert_eq!(count(8, MdOptions::default(), true), 21);
    assert_eq!(count(8, with(vec![], langevin(300.0, 1.0)), false), 21);
    assert_eq!(count(8, with(vec![0, 5, 5], Ensemble::Nve), false), 18);
    let loose = MdOptions { center_at_rest: false, remove_rotation: false, ..MdOptions::default() };
    assert_eq!(count(8, loose, false), 24);
}

#[test]
fn diatomic_vibrates_at_the_harmonic_frequency() {
    // Curvature 2 D a^2 = 9 eV/angstrom^2, reduced mass 0.75 amu; the amplitude of 0.001 angstrom leaves an
    // anharmonic shift below 1e-6, the time step one of (omega dt)^2 / 24 = 1.2e-6.
    let mut state = diatomic(MdOptions { timestep: 0.05, ..MdOptions::default() });
    state.system.positions[1][2] = 1.501;
    let mut pairs = Pairs::new(morse, 10.0);
    let mut dynamics = Dynamics::new(&mut pairs, state).unwrap();
    let (mut crossings, mut last) = (Vec::new(), 0.001);
    while crossings.len() < 21 {
        dynamics.step().unwrap();
        let now = crate::testing::distance(&dynamics.state().system, 0, 1) - 1.5;
        if now * last < 0.0 {
            crossings.push(dynamics.frame().row.time - 0.05 * now / (now - last));
        }
        last = now;
    }
    let omega = 20.0 * std::f64::consts::PI / (crossings[20] - crossings[0]);
    let exact = (9.0 / (0.75 * AMU_ANGSTROM2_PER_FS2)).sqrt();
    assert!((omega / exact - 1.0).abs() < 2e-5, "{omega} {exact}");
}

#[test]
fn energy_error_is_of_second_order_and_does_not_drift() {
    let spread = |timestep: f64| {
        let mut pairs = Pairs::new(lennard_jones, 100.0);
        let mut dynamics =
            Dynamics::new(&mut pairs, argon(13, MdOptions { timestep, ..MdOptions::default() }, 20.0))
                .unwrap();
        let mut stats = RunningStats::new();
        let steps = (4000.0 / timestep) as u64;
        let _ = dynamics
            .run(steps, &mut |f| {
                stats.add(f.row.time * 1e-3, f.row.conserved);
                ControlFlow::Continue(())
            })
            .unwrap();
        (stats.variance().sqrt(), stats.drift() / 13.0)
    };
    let ((coarse, _), (fine, drift)) = (spread(8.0), spread(2.0));
    let order = (coarse / fine).log(4.0);
    assert!((1.7..2.3).contains(&order), "{coarse} {fine}");
    assert!(drift.abs() < 1e-7, "{drift} eV/atom/ps"); // a hundredth of the usual bound of 1e-5 eV/atom/ps
}

#[test]
fn reversed_velocities_lead_back() {
    let start = argon(8, MdOptions { timestep: 4.0, ..MdOptions::default() }, 60.0);
    let mut pairs = Pairs::new(lennard_jones, 100.0);
    let mut dynamics = Dynamics::new(&mut pairs, start.clone()).unwrap();
    (0..200).for_each(|_| dynamics.step().unwrap());
    let mut back = dynamics.into_state();
    back.velocities.iter_mut().flatten().for_each(|v| *v = -*v);
    let mut dynamics = Dynamics::new(&mut pairs, back).unwrap();
    (0..200).for_each(|_| dynamics.step().unwrap());
    // Rounding, magnified by the chaos of 1.6 ps.
    let end = dynamics.state();
    for (a, b) in end.system.positions.iter().zip(&start.system.positions) {
        (0..3).for_each(|k| assert!((a[k] - b[k]).abs() < 1e-9));
    }
}

#[test]
fn langevin_samples_the_harmonic_oscillator() {
    // Forty independent particles: x variance kT/k to the statistics (BAOAB has no step error there), kinetic energy
    // to order dt^2.
    let (kelvin, stiffness, n) = (300.0, 5.0, 40);
    let options = MdOptions {
        timestep: 2.0,
        ensemble: langevin(kelvin, 20.0),
        center_at_rest: false,
        ..MdOptions::default()
    };
    let system = System::molecule(vec![2; n], vec![[0.0; 3]; n]);
    let mut state = MdState::new(system, vec![4.0; n], options, 17).unwrap();
    state.set_temperature(kelvin).unwrap();
    let mut wells = Wells { stiffness };
    let mut dynamics = Dynamics::new(&mut wells, state).unwrap();
    let (mut square, mut heat, mut conserved) =
        (RunningStats::new(), RunningStats::new(), RunningStats::new());
    let _ = dynamics
        .run(20_000, &mut |f| {
            let x = &f.state.system.positions;
            if f.row.step > 500 {
                square.add(f.row.time, x.iter().flatten().map(|x| x * x).sum::<f64>() / (3 * n) as f64);
                heat.add(f.row.time, f.row.temperature);
                conserved.add(f.row.time, f.row.conserved);
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    let exact = BOLTZMANN * kelvin / stiffness;
    // Four standard errors, themselves required to be small.
    assert!(square.standard_error() < 0.015 * exact);
    assert!((square.mean() - exact).abs() < 4.0 * square.standard_error(), "{} {exact}", square.mean());
    let step_error = stiffness * 4.0 / (4.0 * 4.0 * AMU_ANGSTROM2_PER_FS2); // (omega dt)^2 / 4 at dt = 2, m = 4
    assert!((heat.mean() - kelvin).abs() < 4.0 * heat.standard_error() + kelvin * step_error);
    // The heat exchanged over 40 ps is hundreds of eV; what is left is the step's error.
    assert!(
        conserved.drift().abs() * 40_000.0 < 0.02 * n as f64 * BOLTZMANN * kelvin * 3.0,
        "{}",
        conserved.drift()
    );
}

#[test]
fn langevin_keeps_the_centre_at_rest_and_equipartition() {
    // A light and a heavy kind, held together by springs between all pairs; all at one temperature.
    let n = 12;
    let options = MdOptions { timestep: 2.0, ensemble: langevin(200.0, 10.0), ..MdOptions::default() };
    let masses: Vec<f64> = (0..n).map(|i| if i % 2 == 0 { 4.0 } else { 40.0 }).collect();
    let mut state =
        MdState::new(System::molecule(vec![2; n], vec![[0.0; 3]; n]), masses, options, 23).unwrap();
    state.set_temperature(200.0).unwrap();
    assert_eq!(state.degrees_of_freedom(), 3 * n - 3);
    let mut springs = Pairs::new(|r2| (0.1 * r2, 0.1), 1e3);
    let mut dynamics = Dynamics::new(&mut springs, state).unwrap();
    let mut kinds = [RunningStats::new(), RunningStats::new()];
    let _ = dynamics
        .run(20_000, &mut |f| {
            for (kind, stats) in kinds.iter_mut().enumerate() {
                let pick = |i: &usize| i % 2 == kind;
                let m: Vec<f64> = (0..n).filter(pick).map(|i| f.state.masses[i]).collect();
                let v: Vec<[f64; 3]> = (0..n).filter(pick).map(|i| f.state.velocities[i]).collect();
                // Of the three missing degrees each kind misses the share of its mass: 3 (1 - m_i/M) per atom.
                let degrees = m.iter().map(|m| 3.0 * (1.0 - m / 264.0)).sum::<f64>();
                stats.add(f.row.time, 2.0 * kinetic_energy(&m, &v) / (degrees * BOLTZMANN));
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    for stats in &kinds {
        assert!(stats.standard_error() < 4.0);
        assert!((stats.mean() - 200.0).abs() < 4.0 * stats.standard_error() + 1.0, "{}", stats.mean());
    }
    let p = momentum(&dynamics.state().masses, &dynamics.state().velocities);
    assert!(p.iter().all(|p| p.abs() < 1e-12)); // rounding
}

#[test]
fn fixed_atoms_stay_to_the_bit() {
    let options = MdOptions { fixed: vec![0, 7], ensemble: langevin(80.0, 5.0), ..MdOptions::default() };
    let state = argon(8, options, 80.0);
    let before = state.system.clone();
    let mut pairs = Pairs::new(lennard_jones, 100.0);
    let mut dynamics = Dynamics::new(&mut pairs, state).unwrap();
    (0..50).for_each(|_| dynamics.step().unwrap());
    let after = &dynamics.state().system.positions;
    assert_eq!((after[0], after[7]), (before.positions[0], before.positions[7]));
    assert_ne!(after[1], before.positions[1]);
}

#[test]
fn a_resumed_run_is_the_uninterrupted_run_bit_for_bit() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.restart");
    for ensemble in [Ensemble::Nve, langevin(100.0 / 3.0, 0.1 + 0.2)] {
        let options = MdOptions { timestep: 1.0 / 3.0, ensemble, ..MdOptions::default() };
        let mut pairs = Pairs::new(lennard_jones, 100.0);
        let mut whole = Dynamics::new(&mut pairs, argon(8, options.clone(), 40.0)).unwrap();
        (0..60).for_each(|_| whole.step().unwrap());
        let whole = whole.into_state();

        let mut part = Dynamics::new(&mut pairs, argon(8, options, 40.0)).unwrap();
        for stop in [1, 17, 60] {
            while part.state().step < stop {
                part.step().unwrap();
            }
            part.notes().insert("trajectory_bytes".into(), stop.to_string());
            part.state().save(&path).unwrap();
            let state = MdState::load(&path).unwrap();
            assert_eq!(&state, part.state());
            part = Dynamics::new(&mut pairs, state).unwrap();
        }
        let mut part = part.into_state();
        assert_eq!(part.notes.remove("trajectory_bytes").unwrap(), "60");
        assert_eq!(part.to_text(), whole.to_text());
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1); // no temporary file is left
}

#[test]
fn a_molecule_that_leaves_its_line_keeps_its_count() {
    let line = System::molecule(vec![6; 3], vec![[-1.5, 0.0, 0.0], [0.0; 3], [1.5, 0.0, 0.0]]);
    let mut state = MdState::new(line, vec![12.0; 3], MdOptions::default(), 8).unwrap();
    state.set_temperature(300.0).unwrap();
    assert_eq!(state.degrees_of_freedom(), 4);
    let mut pairs = Pairs::new(morse, 10.0);
    let mut dynamics = Dynamics::new(&mut pairs, state).unwrap();
    (0..20).for_each(|_| dynamics.step().unwrap());
    assert_ne!(dynamics.state().system.positions[1][1], 0.0);
    let row = dynamics.frame().row;
    let state = MdState::from_text(&dynamics.state().to_text()).unwrap();
    assert_eq!(Dynamics::new(&mut pairs, state).unwrap().frame().row, row);
}

#[test]
fn forces_are_computed_once_per_step() {
    let mut pairs = Pairs::new(lennard_jones, 100.0);
    let mut dynamics = Dynamics::new(&mut pairs, argon(8, MdOptions::default(), 40.0)).unwrap();
    (0..10).for_each(|_| dynamics.step().unwrap());
    drop(dynamics);
    assert_eq!(pairs.calls, 11);
}

#[test]
fn a_restart_with_another_potential_is_refused() {
    let mut pairs = Pairs::new(lennard_jones, 100.0);
    let state = Dynamics::new(&mut pairs, argon(8, MdOptions::default(), 40.0)).unwrap().into_state();
    let mut other = Pairs::new(morse, 100.0);
    let error = Dynamics::new(&mut other, state).unwrap_err();
    assert!(error.to_string().contains("same model"), "{error}");
}

#[test]
fn bad_restart_files_are_refused() {
    let text = argon(8, MdOptions::default(), 40.0).to_text();
    MdState::from_text(&text).unwrap();
    for bad in [
        text[..text.len() / 2].to_string(),
        text.replace("oxidane-md-state", "something else"),
        text.replace("\"version\": 1", "\"version\": 2"),
        text.replace("\"step\": 0", "\"step\": 0, \"extra\": 1"),
        text.replacen("\"masses\": [", "\"masses\": [ \"4043f9581062\",", 1),
        text.replacen("\"masses\": [", "\"masses\": [ \"4043f95810624dd3\",", 1),
        String::new(),
    ] {
        assert!(MdState::from_text(&bad).is_err(), "{bad}");
    }
    assert!(MdState::load(std::path::Path::new("/nonexistent/run.restart")).is_err());
}

#[test]
fn senseless_settings_are_refused() {
    let refuse = |options: MdOptions| {
        MdState::new(argon_block(8, 1), vec![ARGON; 8], options, 1).unwrap_err().to_string()
    };
    refuse(MdOptions { timestep: 0.0, ..MdOptions::default() });
    refuse(MdOptions { timestep: f64::NAN, ..MdOptions::default() });
    refuse(MdOptions { fixed: vec![8], ..MdOptions::default() });
    refuse(MdOptions { fixed: (0..8).collect(), ..MdOptions::default() });
    refuse(MdOptions { ensemble: langevin(-1.0, 1.0), ..MdOptions::default() });
    refuse(MdOptions { ensemble: langevin(300.0, 0.0), ..MdOptions::default() });
    assert!(MdState::new(argon_block(8, 1), vec![ARGON; 7], MdOptions::default(), 1).is_err());
    assert!(MdState::new(argon_block(8, 1), vec![0.0; 8], MdOptions::default(), 1).is_err());
}

/// Gives NaN after some calls.
struct Failing(u32);

impl Potential for Failing {
    fn name(&self) -> &str {
        "failing"
    }
    fn capabilities(&self) -> Request {
        Request::FORCES
    }
    fn check(&self, _: &dyn SystemView) -> Result<()> {
        Ok(())
    }
    fn evaluate(&mut self, system: &dyn SystemView, _: Request) -> Result<Evaluation> {
        self.0 -= 1;
        let mut forces = vec![[0.0; 3]; system.owned()];
        if self.0 == 0 {
            forces[1][2] = f64::NAN;
        }
        Ok(Evaluation { energy: Some(0.0), forces: Some(forces), ..Evaluation::default() })
    }
    fn fork(&self) -> Box<dyn Potential> {
        Box::new(Self(self.0))
    }
}

#[test]
fn runaways_stop_with_the_step() {
    let mut failing = Failing(5);
    let mut dynamics = Dynamics::new(&mut failing, diatomic(MdOptions::default())).unwrap();
    let error = dynamics.run(10, &mut |_| ControlFlow::Continue(())).unwrap_err().to_string();
    assert!(error.contains("step 4") && error.contains("atom 2"), "{error}");

    let mut state = diatomic(MdOptions { timestep: 100.0, ..MdOptions::default() });
    state.velocities[1][0] = 0.1;
    let mut wells = Wells { stiffness: 0.0 };
    let error = Dynamics::new(&mut wells, state).unwrap().step().unwrap_err().to_string();
    assert!(error.contains("step 1") && error.contains("atom 2 moves 10.000"), "{error}");
}

/// A pair potential whose forces depend on where it was before, by as little as those of a self-consistent method do.
struct Warm {
    pairs: Pairs,
    last: Option<f64>,
    following: bool,
}

impl Warm {
    fn new() -> Self {
        Self { pairs: Pairs::new(lennard_jones, 100.0), last: None, following: false }
    }
}

impl Potential for Warm {
    fn name(&self) -> &str {
        "warm"
    }
    fn capabilities(&self) -> Request {
        Request::FORCES
    }
    fn check(&self, _: &dyn SystemView) -> Result<()> {
        Ok(())
    }
    fn evaluate(&mut self, system: &dyn SystemView, request: Request) -> Result<Evaluation> {
        let mut result = self.pairs.evaluate(system, request)?;
        let now = system.positions()[0][0];
        let start = self.last.filter(|_| self.following).unwrap_or(0.0);
        result.forces.iter_mut().flatten().flatten().for_each(|f| *f += 1e-9 * (start - now));
        self.last = Some(0.5 * (start + now));
        Ok(result)
    }
    fn fork(&self) -> Box<dyn Potential> {
        Box::new(Self { pairs: self.pairs.clone(), ..*self })
    }
    fn follow(&mut self, on: bool) {
        (self.following, self.last) = (on, None);
    }
    fn memory(&self) -> Vec<f64> {
        self.last.into_iter().collect()
    }
    fn recall(&mut self, memory: &[f64]) -> Result<()> {
        self.last = memory.first().copied();
        Ok(())
    }
}

#[test]
fn a_resumed_run_starts_from_the_memory_of_its_potential() {
    let run = |state: MdState, until: u64| {
        let mut potential = Warm::new();
        let mut dynamics = Dynamics::new(&mut potential, state).unwrap();
        while dynamics.state().step < until {
            dynamics.step().unwrap();
        }
        dynamics.into_state()
    };
    let start = || argon(8, MdOptions::default(), 40.0);
    let whole = run(start(), 40);
    let mut part = start();
    for until in [1, 17, 40] {
        let state = MdState::from_text(&run(part, until).to_text()).unwrap();
        assert_eq!(state.memory.len(), 1, "the memory is in the restart file");
        part = state;
    }
    assert_eq!(part.to_text(), whole.to_text());
    let mut cold = run(start(), 17);
    cold.memory.clear();
    assert_ne!(run(cold, 40).to_text(), whole.to_text(), "the memory matters");
}

/// Bits that no decimal number keeps, none at all, and text that is none.
#[test]
fn memory_survives_the_restart_file() {
    let state = |memory: Vec<f64>| {
        let mut state = argon(8, MdOptions::default(), 40.0);
        state.memory = memory;
        state
    };
    for memory in [vec![], vec![0.1 + 0.2, -0.0, f64::MIN_POSITIVE / 3.0, 1e308]] {
        let read = MdState::from_text(&state(memory.clone()).to_text()).unwrap().memory;
        let bits = |row: &[f64]| row.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&read), bits(&memory));
    }
    assert!(!state(vec![]).to_text().contains("memory"), "files of potentials without one are as before");
    let text = state(vec![1.5]).to_text();
    for bad in ["\"memory\": \"3ff8", "\"memory\": \"zz"] {
        assert!(MdState::from_text(&text.replace("\"memory\": \"", bad)).is_err(), "{bad}");
    }
    let mut pairs = Pairs::new(lennard_jones, 100.0);
    let error = Dynamics::new(&mut pairs, state(vec![1.5])).unwrap_err().to_string();
    assert!(error.contains("pairs starts from no earlier state"), "{error}");
}
