//! Overlap, dipole and quadrupole integrals between contracted Gaussian shells s, p and d.
//!
//! Eight pairs of atoms of the same two elements are handled together, one in each of eight [`lanes`]. The
//! integrals are sums over primitives in the [`frame`] of the bond, where they are a few [`radial`] functions whose
//! weights depend on the elements alone ([`species`]); [`block`] turns them into the laboratory.
//!
//! Multipole operators are solid harmonics of rank 0, 1, 2 in Racah's normalisation, nine [`COMPONENTS`] together: 1;
//! y, z, x; sqrt(3) x y, sqrt(3) y z, z^2 - (x^2 + y^2) / 2, sqrt(3) x z, sqrt(3)/2 (x^2 - y^2).

pub mod block;
pub mod frame;
pub mod lanes;
pub mod radial;
pub mod species;

/// Components of the operators of rank 0, 1 and 2.
pub const COMPONENTS: usize = 9;
/// The most orbitals of an atom: s, p and d.
pub const MAX_ORBITALS: usize = 9;
/// The most shells of an atom.
pub const MAX_SHELLS: usize = 3;

/// The square root of three, of the solid harmonics of rank 2.
pub(crate) const SQRT3: f64 = 1.732_050_807_568_877_2;
