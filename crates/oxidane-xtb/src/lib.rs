//! GFN2-xTB in pure Rust (C. Bannwarth, S. Ehlert, S. Grimme, J. Chem. Theory Comput. 2019, 15, 1652).
//!
//! [`Gfn2`] is the [`oxidane_core::Potential`], in its units (eV, angstrom); everything below it is in atomic units.

pub mod basis;
pub mod calculation;
pub mod electrostatics;
pub mod gaussians;
pub mod hamiltonian;
pub mod integrals;
pub mod parameters;
mod potential;
mod properties;
pub mod repulsion;
pub mod scf;

/// Version of GFN2-xTB as computed here: parameters, and what of the method is left to an implementation (cutoffs, lattice sums).
/// Raised whenever energies or forces change by more than the iteration's tolerance: what was trained on top of one version, or
/// labelled by it, does not fit another.
pub const VERSION: u32 = 1;

pub use potential::{Gfn2, Gfn2Options, valence_unpaired};
