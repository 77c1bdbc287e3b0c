//! [`two_body`]: the sum over pairs, in one pass.

use super::{Model, Reach, Weights, dot};
use crate::coulomb::run;
use crate::geometry::{Derivatives, Geometry};
use crate::lattice::Lattice;

/// The most parts that the sum is cut into. Their number depends on the geometry alone, so that the bits of the sum do not depend
/// on the threads.
const PARTS: usize = 16;
/// Atoms from which on the sum is cut.
const LEAST_ATOMS: usize = 48;

/// E = -sum over pairs within `reach` of C6_ij D_ij(r) in hartree. Where asked, adds the derivatives at constant
/// weights, and dE/dCN to `de_dcn`. `parallel`: on the threads of the rayon pool.
pub(crate) fn two_body(
    model: &Model,
    weights: &Weights,
    geometry: &Geometry,
    lattice: &Lattice,
    reach: Reach,
    parallel: bool,
    derivatives: Option<(&mut Derivatives, &mut [f64])>,
) -> f64 {
    let atoms = geometry.positions.len();
    let parts = if atoms < LEAST_ATOMS { 1 } else { PARTS };
    let halfway = model.halfway(&weights.values);
    let pairs = Pairs { model, weights, halfway: &halfway, geometry, lattice, reach };
    let wanted = derivatives.is_some();
    // Rows get shorter: dealt out in turn, all parts have about as many pairs.
    let of_part = |part: usize| {
        let mut sums = Sums::zero(if wanted { atoms } else { 0 });
        (part..atoms).step_by(parts).for_each(|i| pairs.add_row(i, wanted, &mut sums));
        sums
    };
    let all = run(parallel && parts > 1, (0..parts).collect(), of_part);
    if let Some((derivatives, de_dcn)) = derivatives {
        for sums in &all {
            let gradients = derivatives.gradient.iter_mut().flatten();
            gradients.zip(sums.derivatives.gradient.iter().flatten()).for_each(|(a, b)| *a += b);
            let strains = derivatives.strain.iter_mut().flatten();
            strains.zip(sums.derivatives.strain.iter().flatten()).for_each(|(a, b)| *a += b);
            de_dcn.iter_mut().zip(&sums.de_dcn).for_each(|(a, b)| *a += b);
        }
    }
    all.iter().map(|sums| sums.energy).sum()
}

/// What a part of the pairs gives.
struct Sums {
    energy: f64,
    derivatives: Derivatives,
    de_dcn: Vec<f64>,
}

impl Sums {
    fn zero(atoms: usize) -> Self {
        Self { energy: 0.0, derivatives: Derivatives::zero(atoms), de_dcn: vec![0.0; atoms] }
    }
}

struct Pairs<'a> {
    model: &'a Model,
    weights: &'a Weights,
    /// What the references of each kind are worth to each atom.
    halfway: &'a [super::References],
    geometry: &'a Geometry<'a>,
    lattice: &'a Lattice,
    reach: Reach,
}

impl Pairs<'_> {
    /// Adds the pairs of atom `i` with atoms from it on.
    fn add_row(&self, i: usize, wanted: bool, sums: &mut Sums) {
        let Self { model, weights, geometry, lattice, reach, .. } = self;
        let kinds = &model.kinds;
        let seen = |i: usize, j: usize| &self.halfway[j * kinds.numbers.len() + kinds.of_atom[i]];
        let (own, a) = (usize::from(!lattice.is_periodic()), geometry.positions[i]);
        for (j, b) in geometry.positions.iter().enumerate().skip(i + own) {
            // An atom meets its own images from both sides.
            let share = if i == j { -0.5 } else { -1.0 };
            let c6 = share * dot(&weights.values[i], seen(i, j));
            let damped = &model.damped[model.pair(i, j)];
            let vector = std::array::from_fn(|k| b[k] - a[k]);
            let mut sum = 0.0;
            if !wanted {
                lattice.for_each_image(vector, reach.cutoff, |_, square| {
                    sum += damped.within(*reach, square)[0]
                });
                sums.energy += c6 * sum;
                continue;
            }
            // Of all images: the derivative by the vector, and by strain (symmetric: half of it).
            let (mut pull, mut strain) = ([0.0; 3], [[0.0; 3]; 3]);
            lattice.for_each_image(vector, reach.cutoff, |v, square| {
                let [value, slope] = damped.within(*reach, square);
                sum += value;
                for (k, row) in strain.iter_mut().enumerate() {
                    let x = slope * v[k];
                    pull[k] += x;
                    (k..3).for_each(|l| row[l] += x * v[l]);
                }
            });
            sums.energy += c6 * sum;
            let scale = 2.0 * c6;
            let Derivatives { gradient, strain: total } = &mut sums.derivatives;
            for k in 0..3 {
                gradient[i][k] -= scale * pull[k];
                gradient[j][k] += scale * pull[k];
                (0..3).for_each(|l| total[k][l] += scale * strain[k.min(l)][k.max(l)]);
            }
            sums.de_dcn[i] += share * sum * dot(&weights.by_cn[i], seen(i, j));
            sums.de_dcn[j] += share * sum * dot(&weights.by_cn[j], seen(j, i));
        }
    }
}
