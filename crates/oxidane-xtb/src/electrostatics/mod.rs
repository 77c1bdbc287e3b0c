//! The electrostatic energy of GFN2-xTB between fluctuating shell charges, atomic dipoles and quadrupoles
//! (C. Bannwarth, S. Ehlert, S. Grimme, J. Chem. Theory Comput. 2019, 15, 1652).
//!
//! Three parts: [`isotropic`] (charges of shells), [`third_order`] (their cubes on site) and [`anisotropic`] (charges, dipoles
//! and quadrupoles of atoms, with the on-site exchange-correlation of the multipoles). Each gives its energy and adds the
//! derivatives by charges and moments, which are the potentials of the self-consistent field, and, apart, the derivatives
//! by positions and strain at fixed charges and moments. Atomic units; a charge is positive where electrons are missing.

pub mod anisotropic;
pub mod isotropic;
pub mod third_order;

pub use anisotropic::Anisotropic;
pub use isotropic::Isotropic;

/// a - b.
fn difference(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}
