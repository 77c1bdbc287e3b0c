//! Work done with any [`oxidane_core::Potential`]: geometry optimisation ([`opt`]), molecular dynamics ([`md`]), geometries to
//! learn from ([`sample`]), thermochemistry ([`thermo`]), and what is measured along the way ([`observables`], [`statistics`]).
//!
//! Nothing is printed: progress goes to an observer closure, which can stop the work by returning
//! [`std::ops::ControlFlow::Break`]. Units: eV, angstrom, fs, K, amu; pressures and stresses shown to people in GPa.

mod hessian;
pub mod md;
pub mod observables;
pub mod opt;
pub mod rdf;
pub mod sample;
mod selection;
pub mod statistics;
#[cfg(test)]
mod testing;
pub mod thermo;
mod vector;

pub use hessian::{hessian, parallel_hessian};
