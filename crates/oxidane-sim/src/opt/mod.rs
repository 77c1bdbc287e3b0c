//! Geometry optimisation: L-BFGS on a chemical model Hessian, or FIRE; fixed atoms; cell relaxation.
//!
//! ```no_run
//! # fn example(potential: &mut dyn oxidane_core::Potential, system: oxidane_core::System) -> oxidane_core::Result<()> {
//! use oxidane_sim::opt::{OptOptions, optimize};
//! let result = optimize(potential, system, &OptOptions::default(), &mut |step| {
//!     let _ = (step.row.step, step.row.energy, step.row.force_max);
//!     std::ops::ControlFlow::Continue(())
//! })?;
//! assert!(result.converged());
//! # Ok(()) }
//! ```

mod coordinates;
mod driver;
mod fire;
mod lbfgs;
mod model_hessian;
mod options;
mod sparse;

pub use driver::{OptResult, OptRow, OptStatus, OptStep, optimize};
pub use options::{CellRelaxation, Convergence, Method, OptOptions, Strain};

#[cfg(test)]
mod tests;
