//! The radial functions of MPNICE.

use super::config::MpniceConfig;
use crate::edges::RadialColumns;
use oxidane_math::cutoff::Cutoff;
use oxidane_math::{Real, Scalar};

/// Gaussians exp(-eta (r - R_k)^2) f_c(r) with R_k evenly from the start of the basis to the cutoff and eta = (K / (cutoff -
/// start))^2: those of the radial part, then those of the angular part. f_c is infinitely smooth,
/// [`Cutoff::Exponential`], so that second derivatives are continuous.
#[derive(Debug, Clone)]
pub struct Gaussians {
    /// Centers R_k in angstrom and exponents eta in 1/angstrom^2.
    functions: Vec<[f64; 2]>,
    cutoff: f64,
}

impl Gaussians {
    /// Both sets of a configuration.
    pub fn new(config: &MpniceConfig) -> Self {
        let (start, cutoff) = (config.basis_start, config.cutoff);
        let set = |n: usize| {
            let exponent = (n as f64 / (cutoff - start)).powi(2);
            let step = (cutoff - start) / n.saturating_sub(1).max(1) as f64;
            (0..n).map(move |k| [start + k as f64 * step, exponent])
        };
        let functions = set(config.num_basis).chain(set(config.num_angular_basis)).collect();
        Self { functions, cutoff }
    }
}

impl RadialColumns for Gaussians {
    fn columns(&self) -> usize {
        self.functions.len()
    }

    #[inline(always)]
    fn evaluate<S: Scalar>(&self, _: &[S::Real], r: S, g: &mut S::RowMut<'_>, dg: &mut S::RowMut<'_>) {
        let (f, df) = Cutoff::Exponential.evaluate(S::Real::of(self.cutoff), r);
        for (k, &[center, exponent]) in self.functions.iter().enumerate() {
            let d = r - S::lit(center);
            let bell = (d * d).scale(S::Real::of(-exponent)).exp();
            S::set(g, k, bell * f);
            S::set(dg, k, bell * (df + (d * f).scale(S::Real::of(-2.0 * exponent))));
        }
    }
}
