//! Weights of the references: W = G(CN) zeta(q).

use super::data::Element;
use crate::dispersion::{REFERENCES, References};
use oxidane_math::special::exp_f64;

/// Steepness of the Gaussians over coordination numbers.
const GAUSSIAN: f64 = 6.0;
/// Height of the scaling by charges.
const HEIGHT: f64 = 3.0;
/// Steepness of the scaling by charges, in units of the hardness.
const STEEPNESS: f64 = 2.0;

/// G and dG/dCN of an atom with coordination number `cn`: Gaussians about the coordination numbers of the references, normalised (E. Caldeweyher, C. Bannwarth,
/// S. Grimme, J. Chem. Phys. 2017, 147, 034112, Eq. 7).
pub(super) fn by_coordination(element: &Element, cn: f64) -> [References; 2] {
    let references = 0..element.count;
    let exponent = |r: usize| -GAUSSIAN * (cn - element.cn[r]).powi(2);
    // Relative to the nearest reference, so that far from all of them the sum does not vanish.
    let top = references.clone().map(exponent).fold(f64::NEG_INFINITY, f64::max);
    let (mut value, mut slope) = ([0.0; REFERENCES], [0.0; REFERENCES]);
    for r in references.clone() {
        for g in 1..=element.gaussians[r] {
            let term = exp_f64(f64::from(g) * exponent(r) - top);
            value[r] += term;
            slope[r] += 2.0 * f64::from(g) * GAUSSIAN * (element.cn[r] - cn) * term;
        }
    }
    let norm: f64 = value.iter().sum();
    let norm_slope: f64 = slope.iter().sum();
    for r in references {
        value[r] /= norm;
        slope[r] = (slope[r] - value[r] * norm_slope) / norm;
    }
    [value, slope]
}

/// zeta and dzeta/dq of an atom of partial charge `charge`: exp(3 (1 - exp(2 eta (1 - z_ref/z)))) with z the effective nuclear charge plus the partial charge
/// (E. Caldeweyher et al., J. Chem. Phys. 2019, 150, 154122, Eq. 2).
#[inline(always)]
pub(super) fn by_charge(element: &Element, charge: f64) -> [References; 2] {
    let z = element.effective_charge + charge;
    let steepness = STEEPNESS * element.hardness;
    let (mut value, mut slope) = ([0.0; REFERENCES], [0.0; REFERENCES]);
    for r in 0..element.count {
        if z > 0.0 {
            let scale = exp_f64(steepness * (1.0 - element.charge[r] / z));
            value[r] = exp_f64(HEIGHT * (1.0 - scale));
            slope[r] = -HEIGHT * steepness * scale * value[r] * element.charge[r] / (z * z);
        } else {
            value[r] = exp_f64(HEIGHT);
        }
    }
    [value, slope]
}
