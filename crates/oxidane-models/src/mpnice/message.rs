//! What an atom sees of its neighbours: the radial and angular environment vectors and the radial one of charges, and the
//! reverse, edge by edge.
//!
//! R_i[k,c] = sum_j g_k(r_ij) c_j[c]; A_i[n,c,lm] = sum_j g_n(r_ij) c_j[c] Y_lm(r_ij), of which the powers
//! p_i[n,c,l] = sum_m A_i[n,c,lm]^2 / (2l+1) are invariant (Y is component-normalised): by the addition theorem
//! p_i[n,c,l] = sum_jk g_n g_n c_j c_k P_l(cos theta_jik); Q_i[k] = sum_j q_j g_k(r_ij).

use super::config::MpniceConfig;
use crate::batch::Batch;
use crate::blocks::cut;
use crate::edges::EdgeFunctions;
use crate::network::Scratch;
use oxidane_math::pack::{One, Pack};
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
            powers: place(config.angular_in(t), angular[0] * angular[1] * config.l_max),
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

    /// Scalars in A of an atom, degree 0 included, or none.
    pub fn moments(&self) -> usize {
        if self.columns.powers.is_some() { self.pairs() * self.harmonics() } else { 0 }
    }

    /// Scalars that [`Sinks::neighbors`] has for an edge.
    pub fn neighbor_width(&self) -> usize {
        self.radial[1] + 1
    }

    /// Fills R, p and Q of the rows `x` (zero there before) of a block's atoms, and A in `moments`.
    pub fn forward<S: Scalar>(
        &self,
        source: &Sources<'_, S>,
        atoms: Range<usize>,
        x: &mut [S::Real],
        moments: &mut [S::Real],
    ) {
        let (width, size) = (self.columns.width, self.moments());
        simd::dispatch(
            #[inline(always)]
            || {
                for (row, i) in atoms.enumerate() {
                    let mut x = S::row_mut(&mut x[row * width * S::PLANES..], width);
                    let mut a = S::row_mut(&mut moments[row * size * S::PLANES..], size);
                    self.gather::<S>(source, i, &mut x, &mut a);
                    self.powers::<S>(&mut x, &a);
                }
            },
        );
    }

    #[inline(always)]
    fn gather<S: Scalar>(
        &self,
        source: &Sources<'_, S>,
        i: usize,
        x: &mut S::RowMut<'_>,
        a: &mut S::RowMut<'_>,
    ) {
        let ([k_count, c_count], [n_count, a_count]) = (self.radial, self.angular);
        let (columns, ny) = (&self.columns, self.harmonics());
        for e in source.batch.edges.edges_of(i) {
            let (j, g, y) = self.edge::<S>(source, e);
            let c = S::row(&source.compressed[j * c_count * S::PLANES..], c_count);
            for k in 0..k_count {
                add_scaled::<S>(x, columns.radial + k * c_count, S::get(g, k), c, 0, c_count);
            }
            if let Some(at) = columns.charges {
                add_scaled::<S>(x, at, source.charges[j], g, 0, k_count);
            }
            if columns.powers.is_some() {
                for n in 0..n_count {
                    let g = S::get(g, k_count + n);
                    for b in 0..a_count {
                        add_scaled::<S>(a, (n * a_count + b) * ny, g * S::get(c, b), y, 0, ny);
                    }
                }
            }
        }
    }

    /// Neighbour, radial functions and harmonics of an edge.
    #[inline(always)]
    fn edge<'a, S: Scalar>(&self, source: &Sources<'a, S>, e: usize) -> (usize, S::Row<'a>, S::Row<'a>) {
        let (nk, ny) = (self.functions(), self.harmonics());
        (
            source.batch.edges.neighbor[e] as usize,
            S::row(&source.edges.radial[e * nk * S::PLANES..], nk),
            S::row(&source.edges.harmonics[e * ny * S::PLANES..], ny),
        )
    }

    #[inline(always)]
    fn powers<S: Scalar>(&self, x: &mut S::RowMut<'_>, a: &S::RowMut<'_>) {
        let Some(mut at) = self.columns.powers else { return };
        for pair in 0..self.pairs() {
            for l in 1..=self.l_max {
                let mut sum = S::zero();
                for m in l * l..(l + 1) * (l + 1) {
                    let y = S::get_mut(a, pair * self.harmonics() + m);
                    sum += y * y;
                }
                S::set(x, at, sum.scale(S::Real::of(1.0 / (2 * l + 1) as f64)));
                at += 1;
            }
        }
    }

    /// The reverse over the edges of a block's atoms, from the adjoints of the rows that [`Message::forward`] filled and its
    /// `moments`. What neighbours gave goes to [`Sinks::neighbors`], from where [`Message::collect`] takes it.
    pub fn reverse<S: Scalar>(
        &self,
        source: &Sources<'_, S>,
        atoms: Range<usize>,
        x_adj: &[S::Real],
        moments: &[S::Real],
        sinks: Sinks<'_, S::Real>,
        scratch: &mut Scratch<S::Real>,
    ) {
        let (width, size) = (self.columns.width, self.moments());
        let mut work = Work {
            radial: scratch.dirty(self.radial[0] * self.radial[1] * S::PLANES),
            moments: scratch.dirty(size * S::PLANES),
            mirrored: scratch.dirty(size * S::PLANES),
            projected: scratch.dirty(self.pairs() * S::PLANES),
        };
        let mut sinks = sinks;
        let first = source.batch.edges.first[atoms.start] as usize;
        simd::dispatch(
            #[inline(always)]
            || {
                for (row, i) in atoms.enumerate() {
                    let x = S::row(&x_adj[row * width * S::PLANES..], width);
                    let a = S::row(&moments[row * size * S::PLANES..], size);
                    self.transpose::<S>(x, a, &mut work);
                    for e in source.batch.edges.edges_of(i) {
                        self.reverse_edge::<S>(source, e, e - first, x, &mut work, &mut sinks);
                    }
                }
            },
        );
        [work.radial, work.moments, work.mirrored, work.projected].into_iter().for_each(|v| scratch.put(v));
    }

    /// The adjoints of one center in the orders in which its edges read them.
    #[inline(always)]
    fn transpose<S: Scalar>(&self, x: S::Row<'_>, a: S::Row<'_>, work: &mut Work<S::Real>) {
        let [k_count, c_count] = self.radial;
        let (pairs, ny) = (self.pairs(), self.harmonics());
        let mut radial = S::row_mut(&mut work.radial, k_count * c_count);
        for k in 0..k_count {
            for c in 0..c_count {
                S::set(&mut radial, c * k_count + k, S::get(x, self.columns.radial + k * c_count + c));
            }
        }
        let Some(powers) = self.columns.powers else { return };
        let mut moments = S::row_mut(&mut work.moments, pairs * ny);
        let mut mirrored = S::row_mut(&mut work.mirrored, pairs * ny);
        for pair in 0..pairs {
            S::set(&mut moments, pair, S::zero());
            S::set(&mut mirrored, pair * ny, S::zero());
            for l in 1..=self.l_max {
                let p = S::get(x, powers + pair * self.l_max + l - 1);
                let p = p.scale(S::Real::of(2.0 / (2 * l + 1) as f64));
                for m in l * l..(l + 1) * (l + 1) {
                    let adj = p * S::get(a, pair * ny + m);
                    S::set(&mut moments, m * pairs + pair, adj);
                    // Harmonics of the opposite direction: odd degrees change sign.
                    S::set(&mut mirrored, pair * ny + m, if l % 2 == 1 { -adj } else { adj });
                }
            }
        }
    }

    #[inline(always)]
    fn reverse_edge<S: Scalar>(
        &self,
        source: &Sources<'_, S>,
        e: usize,
        place: usize,
        x: S::Row<'_>,
        work: &mut Work<S::Real>,
        sinks: &mut Sinks<'_, S::Real>,
    ) {
        let ([k_count, c_count], [n_count, a_count]) = (self.radial, self.angular);
        let (columns, nk, ny, pairs) = (&self.columns, self.functions(), self.harmonics(), self.pairs());
        let (j, g, y) = self.edge::<S>(source, e);
        let c = S::row(&source.compressed[j * c_count * S::PLANES..], c_count);
        let mut g_adj = S::row_mut(&mut sinks.radial[place * nk * S::PLANES..], nk);
        let radial = S::row(&work.radial, k_count * c_count);
        for b in 0..c_count {
            add_scaled::<S>(&mut g_adj, 0, S::get(c, b), radial, b * k_count, k_count);
        }
        if let Some(at) = columns.charges {
            add_scaled::<S>(&mut g_adj, 0, source.charges[j], x, at, k_count);
        }
        if columns.powers.is_some() {
            let moments = S::row(&work.moments, pairs * ny);
            let mirrored = S::row(&work.mirrored, pairs * ny);
            let mut y_adj = S::row_mut(&mut sinks.harmonics[place * ny * S::PLANES..], ny);
            let mut t = S::row_mut(&mut work.projected, pairs);
            (0..pairs).for_each(|pair| S::set(&mut t, pair, S::zero()));
            for m in 1..ny {
                add_scaled::<S>(&mut t, 0, S::get(y, m), moments, m * pairs, pairs);
            }
            for n in 0..n_count {
                let g = S::get(g, k_count + n);
                let mut sum = S::get_mut(&g_adj, k_count + n);
                for b in 0..a_count {
                    let c = S::get(c, b);
                    sum += c * S::get_mut(&t, n * a_count + b);
                    add_scaled::<S>(&mut y_adj, 0, g * c, mirrored, (n * a_count + b) * ny, ny);
                }
                S::set(&mut g_adj, k_count + n, sum);
            }
        }
        if sinks.neighbors.is_empty() {
            return;
        }
        let width = self.neighbor_width();
        let mut out = S::row_mut(&mut sinks.neighbors[place * width * S::PLANES..], width);
        (0..width).for_each(|k| S::set(&mut out, k, S::zero()));
        for k in 0..k_count {
            add_scaled::<S>(&mut out, 0, S::get(g, k), x, columns.radial + k * c_count, c_count);
        }
        if columns.powers.is_some() {
            let t = S::row(&work.projected, pairs);
            for n in 0..n_count {
                add_scaled::<S>(&mut out, 0, S::get(g, k_count + n), t, n * a_count, a_count);
            }
        }
        if let Some(at) = columns.charges {
            let mut sum = S::zero();
            (0..k_count).for_each(|k| sum += S::get(g, k) * S::get(x, at + k));
            S::set(&mut out, c_count, sum);
        }
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

/// Adjoints of one center, and a row for its edges.
struct Work<R> {
    /// Of R, `[C, K]`.
    radial: Vec<R>,
    /// Of A, `[lm, n c]`.
    moments: Vec<R>,
    /// Of A, `[n c, lm]`, for harmonics of the opposite direction.
    mirrored: Vec<R>,
    /// sum_lm Y_lm times the adjoint of A.
    projected: Vec<R>,
}

/// out[at..at + n] += s x[from..from + n].
#[inline(always)]
fn add_scaled<S: Scalar>(out: &mut S::RowMut<'_>, at: usize, s: S, x: S::Row<'_>, from: usize, n: usize) {
    #[inline(always)]
    fn part<S: Scalar, P: Pack<S>>(
        range: Range<usize>,
        out: &mut S::RowMut<'_>,
        at: usize,
        s: S,
        x: S::Row<'_>,
        from: usize,
    ) {
        let s = P::splat(s);
        for k in range.step_by(P::WIDTH) {
            P::load(x, from + k).times_plus(s, P::load_mut(out, at + k)).store(out, at + k);
        }
    }
    let bulk = n - n % S::Pack::WIDTH;
    part::<S, S::Pack>(0..bulk, out, at, s, x, from);
    part::<S, One<S>>(bulk..n, out, at, s, x, from);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derivatives::{Direction, Tangents};
    use crate::edges::EdgeBasis;
    use crate::mpnice::edges::Gaussians;
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
        message.forward::<f64>(&source, 0..1, &mut row, &mut vec![0.0; message.moments()]);

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
        let legendre = [|t: f64| t, |t: f64| 1.5 * t * t - 0.5, |t: f64| 2.5 * t * t * t - 1.5 * t];
        for (n, c, l) in (0..8).flat_map(|n| (0..2).flat_map(move |c| (0..3).map(move |l| (n, c, l)))) {
            let mut sum = 0.0;
            for (i, j) in (1..4).flat_map(|i| (1..4).map(move |j| (i, j))) {
                let (a, b) = (vector(i), vector(j));
                let cosine = (0..3).map(|k| a[k] * b[k]).sum::<f64>() / (length(a) * length(b));
                let weight = g(n, 8, i) * g(n, 8, j) * compressed[3 * i + c] * compressed[3 * j + c];
                sum += weight * legendre[l](cosine);
            }
            close(row[columns.powers.unwrap() + (n * 2 + c) * 3 + l], sum);
        }
    }
}
