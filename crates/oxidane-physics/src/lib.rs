//! Physics that models and methods share: coordination numbers and dispersion.
//!
//! Atomic units (bohr, hartree, e) throughout this crate. Energies are given with *gradients*, dE/dx, and *strain
//! derivatives*, dE/dstrain; callers turn these into forces and virials.

pub mod geometry;

pub use geometry::Geometry;
