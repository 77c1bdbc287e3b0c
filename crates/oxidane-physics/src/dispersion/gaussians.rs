//! Weights of an atom's references by its coordination number.

use super::{REFERENCES, References};
use oxidane_math::special::exp_f64;

/// Coordination numbers of the references of one element.
#[derive(Debug, Clone)]
pub(crate) struct Centers {
    /// How many references there are, at most [`REFERENCES`].
    pub count: usize,
    /// Their coordination numbers.
    pub cn: References,
    /// How many Gaussians each has, of one, two, three... times the steepness.
    pub gaussians: [u8; REFERENCES],
}

impl Centers {
    /// G and dG/dCN of an atom with coordination number `cn`: sums of Gaussians exp(-`steepness` (CN - CN_ref)^2) about
    /// those of the references, normalised.
    pub fn weights(&self, steepness: f64, cn: f64) -> [References; 2] {
        let exponent = |r: usize| -steepness * (cn - self.cn[r]).powi(2);
        // Relative to the nearest reference, so that far from all of them the sum does not vanish.
        let top = (0..self.count).map(exponent).fold(f64::NEG_INFINITY, f64::max);
        let (mut value, mut slope) = ([0.0; REFERENCES], [0.0; REFERENCES]);
        for r in 0..self.count {
            for g in 1..=self.gaussians[r] {
                let term = exp_f64(f64::from(g) * exponent(r) - top);
                value[r] += term;
                slope[r] += 2.0 * f64::from(g) * steepness * (self.cn[r] - cn) * term;
            }
        }
        let norm: f64 = value.iter().sum();
        let norm_slope: f64 = slope.iter().sum();
        for r in 0..self.count {
            value[r] /= norm;
            slope[r] = (slope[r] - value[r] * norm_slope) / norm;
        }
        [value, slope]
    }
}
