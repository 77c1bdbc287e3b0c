//! The mathematics under Oxidane's models: scalar types ([`Real`], [`Dual`]), matrix products, vectorised
//! kernels, radial bases and cutoffs, real spherical harmonics. No chemistry.

pub mod cutoff;
pub mod erf;
pub mod gemm;
pub mod harmonics;
pub mod names;
pub mod pack;
pub mod radial;
pub mod scalar;
pub mod simd;
mod small;
pub mod special;
pub mod statistics;

pub use cutoff::Cutoff;
pub use names::UnknownName;
pub use radial::{BasisKind, RadialBasis};
pub use scalar::{Dual, Real, Scalar};
