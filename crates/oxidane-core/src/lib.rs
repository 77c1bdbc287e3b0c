//! The ground floor of Oxidane: units, elements, [`System`], neighbour lists, file formats and the
//! [`Potential`] trait that every energy model implements. No model and no printing lives here.
//!
//! Inside the program: eV, angstrom, fs, e, K, amu (see [`units`]).

pub mod check;
pub mod elements;
mod error;
pub mod io;
pub mod neighbors;
mod potential;
mod repeated;
mod system;
pub mod units;
mod vector;

pub use error::{Error, ErrorKind, Result};
pub use potential::{DipoleOrigin, Electronic, Evaluation, Potential, Request, SumPotential, Uncertainty};
pub use repeated::{Mesh, Repeated};
pub use system::{Cell, PARTLY_FILLED_4F, System, SystemView, refuse_unfit_spin};
