//! [`PairMatrix`]: the damped sums of all pairs of atoms, for weights that change at a fixed geometry.

use super::{Kinds, Model, REFERENCES, Reach, References, dot};
use crate::geometry::Geometry;
use crate::lattice::Lattice;
use oxidane_math::simd;
use std::ops::Range;

/// D_ij of all pairs, summed over images. Contracted with the weights of the atoms of one kind first and with the C6
/// between kinds afterwards, which costs one vector a pair instead of a matrix of references.
#[derive(Debug, Clone)]
pub(crate) struct PairMatrix {
    /// Rows and columns sorted by kind: the atom of each.
    order: Vec<usize>,
    /// The columns of each kind.
    ranges: Vec<Range<usize>>,
    /// D, symmetric; D_ii holds an atom's images.
    values: Vec<f64>,
    /// The weights in this order.
    sorted: Vec<References>,
}

impl PairMatrix {
    /// Sums within `reach`.
    pub fn new(model: &Model, geometry: &Geometry, lattice: &Lattice, reach: Reach) -> Self {
        let (order, ranges) = by_kind(&model.kinds);
        let n = order.len();
        let mut values = vec![0.0; n * n];
        let own = usize::from(!lattice.is_periodic());
        for row in 0..n {
            for column in row + own..n {
                let (i, j) = (order[row], order[column]);
                let damped = &model.damped[model.pair(i, j)];
                let vector = std::array::from_fn(|k| geometry.positions[j][k] - geometry.positions[i][k]);
                let mut sum = 0.0;
                lattice
                    .for_each_image(vector, reach.cutoff, |_, square| sum += damped.within(reach, square)[0]);
                values[row * n + column] = sum;
                values[column * n + row] = sum;
            }
        }
        Self { order, ranges, values, sorted: vec![[0.0; REFERENCES]; n] }
    }

    /// F_ia = sum over atoms j and references b of C6_ab D_ij W_jb: the energy is -1/2 sum W F, its derivative by W_ia
    /// is -F_ia.
    pub fn fields(&mut self, model: &Model, weights: &[References], fields: &mut [References]) {
        let Self { order, ranges, values, sorted } = self;
        for (s, &atom) in sorted.iter_mut().zip(order.iter()) {
            *s = weights[atom];
        }
        simd::dispatch(
            #[inline(always)]
            || {
                for (row, &atom) in values.chunks_exact(order.len()).zip(order.iter()) {
                    let own = model.kinds.of_atom[atom];
                    let mut field = [0.0; REFERENCES];
                    for (kind, range) in ranges.iter().enumerate() {
                        let sum = weighted_sum(&row[range.clone()], &sorted[range.clone()]);
                        for (f, table) in field.iter_mut().zip(model.table(own, kind)) {
                            *f += dot(table, &sum);
                        }
                    }
                    fields[atom] = field;
                }
            },
        );
    }
}

/// sum_j D_j W_j.
#[inline(always)]
fn weighted_sum(row: &[f64], weights: &[References]) -> References {
    let mut sum = [0.0; REFERENCES];
    for (d, weight) in row.iter().zip(weights) {
        for (s, w) in sum.iter_mut().zip(weight) {
            *s += d * w;
        }
    }
    sum
}

/// The atoms sorted by kind, and where each kind lies.
fn by_kind(kinds: &Kinds) -> (Vec<usize>, Vec<Range<usize>>) {
    let mut order: Vec<usize> = (0..kinds.of_atom.len()).collect();
    order.sort_by_key(|&i| kinds.of_atom[i]);
    let start = |kind| order.partition_point(|&i| kinds.of_atom[i] < kind);
    let ranges = (0..kinds.numbers.len()).map(|k| start(k)..start(k + 1)).collect();
    (order, ranges)
}
