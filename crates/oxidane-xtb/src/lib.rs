//! GFN2-xTB in pure Rust (C. Bannwarth, S. Ehlert, S. Grimme, J. Chem. Theory Comput. 2019, 15, 1652).
//!
//! Atomic units inside; [`oxidane_core`] units at the faces of the potential.

pub mod basis;
pub mod electrostatics;
pub mod gaussians;
pub mod hamiltonian;
pub mod integrals;
pub mod parameters;
pub mod repulsion;
