//! Physics that models and methods share: coordination numbers and dispersion.
//!
//! Atomic units (bohr, hartree, e) throughout this crate. Energies are given with *gradients*, dE/dx, and *strain
//! derivatives*, dE/dstrain; callers turn these into forces and virials.

pub mod coordination;
mod d3;
mod d4;
mod dispersion;
pub mod elements;
pub mod geometry;
pub mod lattice;

pub use coordination::{Coordination, Counting};
pub use d3::{D3, D3Potential};
pub use d4::D4;
pub use dispersion::Damping;
pub use geometry::{Derivatives, Geometry};
pub use lattice::Lattice;
