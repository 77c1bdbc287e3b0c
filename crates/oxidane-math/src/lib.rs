//! The mathematics under Oxidane's models: scalar types ([`Real`], [`Dual`]), matrix products, vectorised
//! kernels, radial bases and cutoffs, real spherical harmonics. No chemistry.

pub mod gemm;
pub mod scalar;
pub mod simd;
pub mod special;

pub use scalar::{Dual, Real, Scalar};
