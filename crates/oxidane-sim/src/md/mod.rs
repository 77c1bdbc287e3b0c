//! Molecular dynamics: velocity Verlet at constant energy, Langevin dynamics by the BAOAB splitting, exact restarts.
//!
//! ```no_run
//! # fn example(potential: &mut dyn oxidane_core::Potential, system: oxidane_core::System) -> oxidane_core::Result<()> {
//! use oxidane_sim::md::{Dynamics, Ensemble, MdOptions, MdState, standard_masses};
//! let options = MdOptions { timestep: 0.5, ensemble: Ensemble::Nve, ..MdOptions::default() };
//! let masses = standard_masses(&system);
//! let mut state = MdState::new(system, masses, options, 42)?;
//! state.set_temperature(300.0)?;
//! let mut dynamics = Dynamics::new(potential, state)?;
//! dynamics.run(1000, &mut |frame| {
//!     let _ = (frame.row.time, frame.row.temperature);
//!     std::ops::ControlFlow::Continue(())
//! })?;
//! dynamics.state().save(std::path::Path::new("run.restart"))?;
//! # Ok(()) }
//! ```

mod bits;
mod integrate;
mod options;
mod random;
mod state;

pub use integrate::{Dynamics, MdFrame, MdRow};
pub use options::{Ensemble, MdOptions};
pub use random::Random;
pub use state::{MdState, standard_masses};

#[cfg(test)]
mod tests;
