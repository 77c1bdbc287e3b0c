//! How charges scale the weights of the references: W = G(CN) zeta(q).

use super::data::Element;
use crate::dispersion::{REFERENCES, References};
use oxidane_math::special::exp_f64;

/// Height of the scaling by charges.
const HEIGHT: f64 = 3.0;
/// Steepness of the scaling by charges, in units of the hardness.
const STEEPNESS: f64 = 2.0;

/// zeta and dzeta/dq of an atom of partial charge `charge`: exp(3 (1 - exp(2 eta (1 - z_ref/z)))) with z the effective
/// nuclear charge plus the partial charge (E. Caldeweyher et al., J. Chem. Phys. 2019, 150, 154122, Eq. 2).
#[inline(always)]
pub(super) fn by_charge(element: &Element, charge: f64) -> [References; 2] {
    let z = element.effective_charge + charge;
    let steepness = STEEPNESS * element.hardness;
    let (mut value, mut slope) = ([0.0; REFERENCES], [0.0; REFERENCES]);
    for r in 0..element.centers.count {
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
