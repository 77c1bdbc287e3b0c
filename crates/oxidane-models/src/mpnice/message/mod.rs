//! What an atom sees of its neighbours: the radial and angular environment vectors and the radial one of charges, as
//! products of small matrices over the edges of a center. The reverse is in `reverse`.
//!
//! R_i[k,c] = sum_j g_k(r_ij) c_j[c]; A_i[n,c,lm] = sum_j g_n(r_ij) c_j[c] Y_lm(r_ij), of which sums over m of squares are
//! invariant (see `powers`): Y is component-normalised, and by the addition theorem sum_m A_i[n,c,lm]^2 / (2l+1) =
//! sum_jk g_n g_n c_j c_k P_l(cos theta_jik); Q_i[k] = sum_j q_j g_k(r_ij).

mod neighbors;
mod reverse;

use super::config::MpniceConfig;
use crate::batch::Batch;
use crate::blocks::cut;
use crate::edges::EdgeFunctions;
use crate::network::Scratch;
use neighbors::Neighbors;
use oxidane_math::gemm::{Planes, gemm_planes};
use oxidane_math::{Real, Scalar, harmonics, simd};
use std::ops::Range;

/// Places of the parts of an update's input, x_i = [h_i, R_i, p_i, Q_i, q_i, phi_i]; parts that a block does not have are
/// left out.
#[derive(Debug, Clone, Copy)]
pub struct Columns {
    /// Start of R.
    pub radial: usize,
    /// Start of p.
    pub powers: Option<usize>,
    /// Start of Q.
    pub charges: Option<usize>,
    /// Place of q.
    pub charge: Option<usize>,
    /// Place of phi.
    pub potential: Option<usize>,
    /// Width of the whole.
    pub width: usize,
}

/// Sizes of environment vectors in one block.
#[derive(Debug, Clone, Copy)]
pub struct Message {
    /// Radial functions K and channels C.
    radial: [usize; 2],
    /// Radial functions and channels of the angular part.
    angular: [usize; 2],
    l_max: usize,
    /// Where the parts go.
    pub columns: Columns,
}

/// What all centers read.
pub struct Sources<'a, S: Scalar> {
    /// Structures and edges.
    pub batch: &'a Batch,
    /// Functions of the edges.
    pub edges: &'a EdgeFunctions<S::Real>,
    /// Compressed features c_j, `[atoms, planes, C]`.
    pub compressed: &'a [S::Real],
    /// Charges, if the block sees them.
    pub charges: &'a [S],
}

/// Where the reverse pass of a block's edges adds or writes.
pub struct Sinks<'a, R> {
    /// Adjoints of the radial functions, added.
    pub radial: &'a mut [R],
    /// Adjoints of the harmonics as the edge's mirror has them, added.
    pub harmonics: &'a mut [R],
    /// `[edges, planes, C + 1]`: adjoints of the neighbour's c and q, written; empty if nobody wants them.
    pub neighbors: &'a mut [R],
}

impl<'a, R> Sinks<'a, R> {
    /// The parts of edges up to each of the `ends`, of `edges` edges in all.
    pub fn cut<I: Iterator<Item = usize>>(self, edges: usize, ends: impl Fn() -> I) -> Vec<Self> {
        let part = |all: &'a mut [R]| {
            let width = all.len() / edges.max(1);
            cut(all, ends(), width)
        };
        let (radial, harmonics, neighbors) = (part(self.radial), part(self.harmonics), part(self.neighbors));
        let parts = radial.into_iter().zip(harmonics).zip(neighbors);
        parts.map(|((radial, harmonics), neighbors)| Self { radial, harmonics, neighbors }).collect()
    }
}

impl Message {
    /// Of block `t`.
    pub fn new(config: &MpniceConfig, t: usize) -> Self {
        let radial = [config.num_basis, config.channels];
        let angular = [config.num_angular_basis, config.angular_channels];
        let mut width = config.node_dim;
        let mut place = |there: bool, n: usize| {
            let at = width;
            width += if there { n } else { 0 };
            there.then_some(at)
        };
        let start = config.node_dim;
        place(true, radial[0] * radial[1]);
        let columns = Columns {
            radial: start,
            powers: place(config.angular_in(t), config.angular_width() * config.l_max),
            charges: place(config.charges_in(t), radial[0]),
            charge: place(config.charges_in(t), 1),
            potential: place(config.potential_in(t), 1),
            width: 0,
        };
        Self { radial, angular, l_max: config.l_max, columns: Columns { width, ..columns } }
    }

    /// Radial functions of an edge.
    fn functions(&self) -> usize {
        self.radial[0] + self.angular[0]
    }

    fn harmonics(&self) -> usize {
        harmonics::count(self.l_max)
    }

    /// Pairs n, c of the angular part.
    fn pairs(&self) -> usize {
        self.angular[0] * self.angular[1]
    }

    /// Scalars in A of an atom, `[lm, n c]` without degree 0; none in a block that does not see it.
    pub fn moments(&self) -> usize {
        if self.columns.powers.is_some() { self.pairs() * (self.harmonics() - 1) } else { 0 }
    }

    /// Scalars that [`Sinks::neighbors`] has for an edge.
    pub fn neighbor_width(&self) -> usize {
        self.radial[1] + 1
    }

    /// Fills R and Q of the rows `x` of a block's atoms, and A in `moments`.
    pub fn forward<S: Scalar>(
        &self,
        source: &Sources<'_, S>,
        atoms: Range<usize>,
        x: &mut [S::Real],
        moments: &mut [S::Real],
        scratch: &mut Scratch<S::Real>,
    ) {
        let (width, size) = (self.columns.width * S::PLANES, self.moments() * S::PLANES);
        let mut near = Neighbors::new::<S>(self, most_edges(source.batch, atoms.clone()), scratch);
        for (row, i) in atoms.enumerate() {
            let edges = source.batch.edges.edges_of(i);
            near.fill::<S>(self, source, edges.clone());
            let x = &mut x[row * width..][..width];
            let a = &mut moments[row * size..][..size];
            if edges.is_empty() {
                self.clear::<S>(x);
                a.fill(S::Real::of(0.0));
                continue;
            }
            self.sum::<S>(source, edges, &near, x, a);
        }
        near.recycle(scratch);
    }

    /// R and Q of an atom alone.
    fn clear<S: Scalar>(&self, x: &mut [S::Real]) {
        let columns = &self.columns;
        for x in x.chunks_exact_mut(columns.width) {
            x[columns.radial..][..self.radial[0] * self.radial[1]].fill(S::Real::of(0.0));
            columns.charges.into_iter().for_each(|at| x[at..][..self.radial[0]].fill(S::Real::of(0.0)));
        }
    }

    /// R, Q and A of a center.
    fn sum<S: Scalar>(
        &self,
        source: &Sources<'_, S>,
        edges: Range<usize>,
        near: &Neighbors<S::Real>,
        x: &mut [S::Real],
        a: &mut [S::Real],
    ) {
        let ([k_count, c_count], columns, w) = (self.radial, &self.columns, self.columns.width);
        let g = self.radial_functions::<S>(source, edges.clone()).t();
        gemm_planes::<S>(&mut x[columns.radial..], c_count, w, false, g, near.features::<S>());
        if let Some(at) = columns.charges {
            gemm_planes::<S>(&mut x[at..], k_count, w, false, near.charges::<S>().t(), g.t());
        }
        if columns.powers.is_some() {
            let y = self.harmonics_of::<S>(source, edges).t();
            gemm_planes::<S>(a, self.pairs(), self.moments(), false, y, near.pairs::<S>());
        }
    }

    /// `[edges, K]`: the functions of the radial part.
    fn radial_functions<'a, S: Scalar>(
        &self,
        source: &Sources<'a, S>,
        edges: Range<usize>,
    ) -> Planes<'a, S::Real> {
        let width = self.functions();
        let rows = &source.edges.radial[edges.start * width * S::PLANES..];
        Planes::new(rows, edges.len(), self.radial[0], width * S::PLANES, width)
    }

    /// `[edges, lm]` without degree 0.
    fn harmonics_of<'a, S: Scalar>(
        &self,
        source: &Sources<'a, S>,
        edges: Range<usize>,
    ) -> Planes<'a, S::Real> {
        let width = self.harmonics();
        let rows = source.edges.harmonics.get(edges.start * width * S::PLANES + 1..).unwrap_or_default();
        Planes::new(rows, edges.len(), width - 1, width * S::PLANES, width)
    }

    /// Sums for each atom of a block what its neighbours' centers say of it, through the mirrors: `[atoms, planes, C + 1]`.
    pub fn collect<S: Scalar>(
        &self,
        batch: &Batch,
        atoms: Range<usize>,
        neighbors: &[S::Real],
        sums: &mut [S::Real],
    ) {
        let width = self.neighbor_width() * S::PLANES;
        sums.fill(S::Real::of(0.0));
        simd::dispatch(
            #[inline(always)]
            || {
                for (sum, i) in sums.chunks_exact_mut(width).zip(atoms) {
                    for e in batch.edges.edges_of(i) {
                        let mirror = batch.edges.mirror[e] as usize;
                        crate::layers::add_assign(sum, &neighbors[mirror * width..][..width]);
                    }
                }
            },
        );
    }
}

/// The largest number of edges of any of the atoms.
fn most_edges(batch: &Batch, atoms: Range<usize>) -> usize {
    atoms.map(|i| batch.edges.edges_of(i).len()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derivatives::{Direction, Tangents};
    use crate::edges::EdgeBasis;
    use crate::mpnice::edges::Gaussians;
    use crate::mpnice::powers::Powers;
    use crate::parameters::Layout;
    use oxidane_core::System;

    /// The environment of an atom against the equations, the angular part as a sum over pairs of neighbours: to rounding.
    #[test]
    fn environments_are_what_the_equations_say() {
        let config =
            MpniceConfig { channels: 3, angular_channels: 2, num_basis: 5, ..MpniceConfig::default() };
        let positions = vec![[0.0, 0.1, 0.0], [1.2, 0.3, 0.2], [-0.5, 0.9, 0.3], [-0.6, -0.8, 0.5]];
        let x = positions.clone();
        let batch = Batch::build(&System::molecule(vec![6, 8, 1, 1], positions), config.cutoff).unwrap();
        let basis = EdgeBasis { columns: Gaussians::new(&config), l_max: config.l_max };
        let (none, scratch) = (Direction::NONE, &mut Scratch::default());
        let tangents = Tangents::new::<f64>(&batch, &none);
        let edges = basis.forward::<f64>(&[], &batch, &|e| tangents.edge(e), false, scratch);
        let compressed: Vec<f64> = (0..12).map(|k| f64::from(k * k % 7) - 2.5).collect();
        let charges = [0.3, -0.4, 0.2, -0.1];
        let source =
            Sources::<f64> { batch: &batch, edges: &edges, compressed: &compressed, charges: &charges };
        let message = Message::new(&config, 1);
        let columns = message.columns;
        let mut row = vec![0.0; columns.width];
        let mut moments = vec![0.0; message.moments()];
        message.forward::<f64>(&source, 0..1, &mut row, &mut moments, scratch);

        let vector = |j: usize| -> [f64; 3] { std::array::from_fn(|k| x[0][k] - x[j][k]) };
        let length = |v: [f64; 3]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
        let g = |k: usize, of: usize, j: usize| {
            let (r, cutoff) = (length(vector(j)), 5.2);
            let center = 0.8 + k as f64 * (cutoff - 0.8) / (of - 1) as f64;
            let eta = (of as f64 / (cutoff - 0.8)).powi(2);
            (-eta * (r - center).powi(2)).exp() * (1.0 - 1.0 / (1.0 - (r / cutoff).powi(2))).exp()
        };
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-13, "{a} {b}");
        for k in 0..5 {
            for c in 0..3 {
                let sum: f64 = (1..4).map(|j| g(k, 5, j) * compressed[3 * j + c]).sum();
                close(row[columns.radial + 3 * k + c], sum);
            }
            let sum: f64 = (1..4).map(|j| g(k, 5, j) * charges[j]).sum();
            close(row[columns.charges.unwrap() + k], sum);
        }
        // Mixtures with weights of their own, and none.
        for mixtures in [0, 3] {
            let config = MpniceConfig { angular_mixtures: mixtures, ..config.clone() };
            let columns = Message::new(&config, 1).columns;
            let mut layout = Layout::default();
            let powers = Powers::new(&mut layout, "mixtures", &config, &columns).unwrap();
            let weights: Vec<f64> =
                (0..layout.len).map(|k| f64::from(k as u32 * 7 % 11) / 5.0 - 1.0).collect();
            let mut row = vec![0.0; columns.width];
            powers.forward::<f64>(&weights, 1, &moments, &mut row, scratch);
            let legendre = [|t: f64| t, |t: f64| 1.5 * t * t - 0.5, |t: f64| 2.5 * t * t * t - 1.5 * t];
            let count = if mixtures == 0 { 16 } else { 3 };
            for (b, l) in (0..count).flat_map(|b| (0..3).map(move |l| (b, l))) {
                let seen = |j: usize| -> f64 {
                    let pair = |k: usize| g(k / 2, 8, j) * compressed[3 * j + k % 2];
                    match mixtures {
                        0 => pair(b),
                        _ => (0..16).map(|k| weights[(l * 3 + b) * 16 + k] * pair(k)).sum(),
                    }
                };
                let mut sum = 0.0;
                for (i, j) in (1..4).flat_map(|i| (1..4).map(move |j| (i, j))) {
                    let (a, b) = (vector(i), vector(j));
                    let cosine = (0..3).map(|k| a[k] * b[k]).sum::<f64>() / (length(a) * length(b));
                    sum += seen(i) * seen(j) * legendre[l](cosine);
                }
                let found = row[columns.powers.unwrap() + l * count + b];
                assert!((found - sum).abs() < 1e-12 * sum.abs().max(1.0), "{found} {sum}");
            }
        }
    }
}
