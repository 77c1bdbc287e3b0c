//! Physics that models and methods share: coordination numbers, dispersion, and electrostatics of atomic charges.
//!
//! Atomic units (bohr, hartree, e) throughout this crate but for [`coulomb`], which is in eV and angstrom. Energies are given with *gradients*, dE/dx, and *strain
//! derivatives*, dE/dstrain; callers turn these into forces and virials.

pub mod coordination;
pub mod coulomb;
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
