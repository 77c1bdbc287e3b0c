//! [`two_body`]: the sum over pairs, in one pass.

use super::{Model, Reach, Weights, dot};
use crate::geometry::{Derivatives, Geometry};
use crate::lattice::Lattice;

/// E = -sum over pairs within `reach` of C6_ij D_ij(r) in hartree. Where asked, adds the derivatives at constant
/// weights, and dE/dCN to `de_dcn`.
pub(crate) fn two_body(
    model: &Model,
    weights: &Weights,
    geometry: &Geometry,
    lattice: &Lattice,
    reach: Reach,
    mut derivatives: Option<(&mut Derivatives, &mut [f64])>,
) -> f64 {
    let kinds = &model.kinds;
    let halfway = model.halfway(&weights.values);
    // What the references of atom i's kind are worth to atom j.
    let seen = |i: usize, j: usize| &halfway[j * kinds.numbers.len() + kinds.of_atom[i]];
    let own = usize::from(!lattice.is_periodic());
    let mut energy = 0.0;
    for (i, a) in geometry.positions.iter().enumerate() {
        for (j, b) in geometry.positions.iter().enumerate().skip(i + own) {
            // An atom meets its own images from both sides.
            let share = if i == j { -0.5 } else { -1.0 };
            let c6 = share * dot(&weights.values[i], seen(i, j));
            let damped = &model.damped[model.pair(i, j)];
            let vector = std::array::from_fn(|k| b[k] - a[k]);
            let mut sum = 0.0;
            lattice.for_each_image(vector, reach.cutoff, |v, square| {
                let [value, slope] = damped.within(reach, square);
                sum += value;
                if let Some((derivatives, _)) = &mut derivatives {
                    derivatives.add_pair(i, j, v, v.map(|x| 2.0 * c6 * slope * x));
                }
            });
            energy += c6 * sum;
            if let Some((_, de_dcn)) = &mut derivatives {
                de_dcn[i] += share * sum * dot(&weights.by_cn[i], seen(i, j));
                de_dcn[j] += share * sum * dot(&weights.by_cn[j], seen(j, i));
            }
        }
    }
    energy
}
