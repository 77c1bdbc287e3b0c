//! The law of constant energy, where model and dynamics meet.

use oxidane_core::io::read_first;
use oxidane_models::{Model, PotentialOptions, Precision};
use oxidane_sim::md::{Dynamics, Ensemble, MdOptions, MdState, standard_masses};
use oxidane_sim::opt::{OptOptions, optimize};
use oxidane_sim::statistics::RunningStats;
use std::ops::ControlFlow;

/// Ethanol at 300 K and constant energy with `rmd17`, 3 ps at 0.5 fs: the total energy drifts by
/// less than 0.01 meV per atom and ps (a linear fit).
///
/// The forces are the exact derivatives of a smooth energy, so that velocity Verlet leaves no drift but only a bounded
/// oscillation of about 0.1 meV per atom; the fit over 6000 steps averages it out to a few 1e-3 meV per atom and ps.
#[test]
fn the_energy_of_ethanol_does_not_drift() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/ethanol.xyz");
    let ethanol = read_first(file).unwrap().system;
    let options =
        PotentialOptions { head: None, precision: Precision::F64, parallel: false, allow_close: false };
    let mut potential = Model::shipped(Some("rmd17")).unwrap().potential(options).unwrap();
    let relax = OptOptions::default();
    let relaxed =
        optimize(&mut *potential, ethanol, &relax, &mut |_| ControlFlow::Continue(())).unwrap().system;

    let options = MdOptions { timestep: 0.5, ensemble: Ensemble::Nve, ..MdOptions::default() };
    let (atoms, masses) = (relaxed.len() as f64, standard_masses(&relaxed));
    let mut state = MdState::new(relaxed, masses, options, 1).unwrap();
    // Half of it goes into the vibrations of a relaxed molecule: 600 K of velocities make about 300 K.
    state.set_temperature(600.0).unwrap();
    let mut dynamics = Dynamics::new(&mut *potential, state).unwrap();
    let (mut total, mut temperature) = (RunningStats::new(), RunningStats::new());
    let flow = dynamics.run(6000, &mut |frame| {
        total.add(frame.row.time * 1e-3, frame.row.total_energy);
        temperature.add(frame.row.time * 1e-3, frame.row.temperature);
        ControlFlow::Continue(())
    });
    assert!(flow.unwrap().is_continue());
    assert!((200.0..400.0).contains(&temperature.mean()), "the molecule moves: {} K", temperature.mean());
    let drift = total.drift() / atoms * 1e3;
    assert!(drift.abs() < 0.01, "{drift} meV/atom/ps");
}
