//! The radial functions of MPNICE.

use super::config::MpniceConfig;
use crate::edges::RadialColumns;
use oxidane_math::cutoff::Cutoff;
use oxidane_math::{Real, Scalar};

/// Functions computed together.
const LANES: usize = 16;

/// Gaussians exp(-eta (r - R_k)^2) f_c(r) with R_k evenly from the start of the basis to the cutoff and eta = (K / (cutoff -
/// start))^2: those of the radial part, then those of the angular part. f_c is infinitely smooth,
/// [`Cutoff::Exponential`], so that second derivatives are continuous.
#[derive(Debug, Clone)]
pub struct Gaussians {
    /// Centers R_k in angstrom.
    centers: Vec<f64>,
    /// Exponents eta in 1/angstrom^2.
    exponents: Vec<f64>,
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
        let functions = set(config.num_basis).chain(set(config.num_angular_basis));
        let (centers, exponents) = functions.map(|[center, exponent]| (center, exponent)).unzip();
        Self { centers, exponents, cutoff }
    }
}

impl RadialColumns for Gaussians {
    fn columns(&self) -> usize {
        self.centers.len()
    }

    #[inline(always)]
    fn evaluate<S: Scalar>(&self, _: &[S::Real], r: S, g: &mut S::RowMut<'_>, dg: &mut S::RowMut<'_>) {
        let (f, df) = Cutoff::Exponential.evaluate(S::Real::of(self.cutoff), r);
        // Exponentials of a fixed number of reals at once vectorise.
        let functions = self.centers.chunks(LANES).zip(self.exponents.chunks(LANES)).enumerate();
        for (chunk, (centers, exponents)) in functions {
            let mut arguments = [S::Real::of(0.0); LANES];
            for ((x, &center), &exponent) in arguments.iter_mut().zip(centers).zip(exponents) {
                let d = r.value() - S::Real::of(center);
                *x = d * d * S::Real::of(-exponent);
            }
            let bells = arguments.map(
                #[inline(always)]
                |x| x.exp_real(),
            );
            for (k, (&center, &exponent)) in centers.iter().zip(exponents).enumerate() {
                let d = r - S::lit(center);
                let slope = d.scale(S::Real::of(-2.0 * exponent));
                let bell = r.chain(bells[k], bells[k] * slope.value());
                S::set(g, chunk * LANES + k, bell * f);
                S::set(dg, chunk * LANES + k, bell * (df + slope * f));
            }
        }
    }
}
