//! What an atom reads of the angular part of its environment: the powers of the moments A (see `message`) or of learned
//! mixtures of them, of each degree on its own. A power of a mixture has the products of different radial functions and channels,
//! so that angles between neighbours at different distances are seen; powers of A alone do not.
//!
//! B_i[b,lm] = sum_nc W_l[b,nc] A_i[n,c,lm]; p_i[l,b] = sum_m B_i[b,lm]^2 / (2l+1).

use super::config::MpniceConfig;
use super::message::Columns;
use super::pass::Step;
use crate::network::Scratch;
use crate::parameters::{Layout, Slot};
use oxidane_math::gemm::{Mat, gemm};
use oxidane_math::{Real, Scalar, simd};

/// Powers of the moments of one block.
#[derive(Debug, Clone)]
pub struct Powers {
    /// Pairs n, c of the moments.
    pairs: usize,
    /// W, `[l b, n c]`, unless the powers are of the moments themselves.
    mix: Option<Slot>,
    /// Powers of one degree.
    count: usize,
    l_max: usize,
    /// Place of the powers in a row, and the width of the row.
    first: usize,
    width: usize,
}

impl Powers {
    /// For rows with these `columns`, if they have powers; registers `name.weight` for mixtures.
    pub fn new(layout: &mut Layout, name: &str, config: &MpniceConfig, columns: &Columns) -> Option<Self> {
        let first = columns.powers?;
        let pairs = config.num_angular_basis * config.angular_channels;
        let (count, l_max) = (config.angular_width(), config.l_max);
        let shape = [l_max * count, pairs];
        let mix =
            (config.angular_mixtures > 0).then(|| layout.add(format!("{name}.weight"), &shape, true, true));
        Some(Self { pairs, mix, count, l_max, first, width: columns.width })
    }

    /// Harmonics of the degrees from 1.
    fn harmonics(&self) -> usize {
        (self.l_max + 1).pow(2) - 1
    }

    /// Degrees l and their places in the harmonics from degree 1.
    fn places(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        (1..=self.l_max).flat_map(|l| (l * l - 1..(l + 1) * (l + 1) - 1).map(move |m| (l, m)))
    }

    /// The matrix of degree `l`.
    fn matrix<'a, R: Real>(&self, mix: &Slot, p: &'a [R], l: usize) -> Mat<'a, R> {
        let size = self.count * self.pairs;
        Mat::full(&mix.of(p)[(l - 1) * size..][..size], self.count, self.pairs)
    }

    /// Fills the powers of `rows` atoms from their moments, `[atoms, planes, lm, n c]`, and gives the mixtures, `[atoms, planes,
    /// lm, b]`; empty if there are none.
    pub fn forward<S: Scalar>(
        &self,
        p: &[S::Real],
        rows: usize,
        moments: &[S::Real],
        x: &mut [S::Real],
        scratch: &mut Scratch<S::Real>,
    ) -> Vec<S::Real> {
        let Some(mix) = &self.mix else {
            self.squares::<S>(moments, x);
            return Vec::new();
        };
        let (ny, rows) = (self.harmonics(), rows * S::PLANES);
        let mut mixtures = scratch.dirty(rows * ny * self.count);
        for (l, m) in self.places() {
            let a = Mat::new(&moments[m * self.pairs..], rows, self.pairs, ny * self.pairs);
            let (to, stride) = (&mut mixtures[m * self.count..], ny * self.count);
            gemm(to, stride, S::Real::of(0.0), a, self.matrix(mix, p, l).t(), S::Real::of(1.0));
        }
        self.squares::<S>(&mixtures, x);
        mixtures
    }

    /// The powers of `b`, `[atoms, planes, lm, b]`.
    fn squares<S: Scalar>(&self, b: &[S::Real], x: &mut [S::Real]) {
        let (count, size) = (self.count, self.harmonics() * self.count);
        let rows = x.chunks_exact_mut(self.width * S::PLANES).zip(b.chunks_exact(size * S::PLANES));
        simd::dispatch(
            #[inline(always)]
            || {
                for (x, b) in rows {
                    let (mut x, b) = (S::row_mut(x, self.width), S::row(b, size));
                    for l in 1..=self.l_max {
                        let factor = S::Real::of(1.0 / (2 * l + 1) as f64);
                        for k in 0..count {
                            let mut sum = S::zero();
                            for m in l * l - 1..(l + 1) * (l + 1) - 1 {
                                let y = S::get(b, m * count + k);
                                sum += y * y;
                            }
                            S::set(&mut x, self.first + (l - 1) * count + k, sum.scale(factor));
                        }
                    }
                }
            },
        );
    }

    /// From the adjoints of `rows` atoms' powers: those of the moments. Adds the weight gradient if asked.
    pub fn reverse<S: Scalar>(
        &self,
        p: &[S::Real],
        rows: usize,
        x_adj: &[S::Real],
        step: &Step<S::Real>,
        gradient: Option<&mut [S::Real]>,
        scratch: &mut Scratch<S::Real>,
    ) -> Vec<S::Real> {
        let ny = self.harmonics();
        let mut adj = scratch.dirty(rows * S::PLANES * ny * self.count);
        let Some(mix) = &self.mix else {
            self.reverse_squares::<S>(x_adj, &step.moments, &mut adj);
            return adj;
        };
        self.reverse_squares::<S>(x_adj, &step.mixtures, &mut adj);
        let mut moments = scratch.dirty(rows * S::PLANES * ny * self.pairs);
        for (l, m) in self.places() {
            let b = Mat::new(&adj[m * self.count..], rows * S::PLANES, self.count, ny * self.count);
            let (to, stride) = (&mut moments[m * self.pairs..], ny * self.pairs);
            gemm(to, stride, S::Real::of(0.0), b, self.matrix(mix, p, l), S::Real::of(1.0));
        }
        if let Some(g) = gradient {
            self.gradient::<S>(mix.of_mut(g), rows, &adj, &step.moments);
        }
        scratch.put(adj);
        moments
    }

    /// The adjoints of `b` from those of its powers.
    fn reverse_squares<S: Scalar>(&self, x_adj: &[S::Real], b: &[S::Real], adj: &mut [S::Real]) {
        let (count, size) = (self.count, self.harmonics() * self.count);
        let rows = x_adj.chunks_exact(self.width * S::PLANES).zip(b.chunks_exact(size * S::PLANES));
        let rows = rows.zip(adj.chunks_exact_mut(size * S::PLANES));
        simd::dispatch(
            #[inline(always)]
            || {
                for ((x, b), adj) in rows {
                    let (x, b, mut adj) = (S::row(x, self.width), S::row(b, size), S::row_mut(adj, size));
                    for l in 1..=self.l_max {
                        let factor = S::Real::of(2.0 / (2 * l + 1) as f64);
                        for m in l * l - 1..(l + 1) * (l + 1) - 1 {
                            for k in 0..count {
                                let p = S::get(x, self.first + (l - 1) * count + k).scale(factor);
                                S::set(&mut adj, m * count + k, p * S::get(b, m * count + k));
                            }
                        }
                    }
                }
            },
        );
    }

    /// Adds the weight gradient, the top plane of adj^T A, to `weight`, `[l b, n c]`.
    fn gradient<S: Scalar>(&self, weight: &mut [S::Real], rows: usize, adj: &[S::Real], a: &[S::Real]) {
        if rows == 0 {
            return;
        }
        let (ny, size) = (self.harmonics(), self.count * self.pairs);
        for (l, m) in self.places() {
            for plane in 0..S::PLANES {
                // The tangent of a product: adjoint value times moment tangent, plus adjoint tangent times moment value.
                let other = S::PLANES - 1 - plane;
                let rows_of = |all, plane: usize, width| {
                    let all: &[S::Real] = all;
                    Mat::new(&all[(plane * ny + m) * width..], rows, width, S::PLANES * ny * width)
                };
                let (adj, a) = (rows_of(adj, plane, self.count), rows_of(a, other, self.pairs));
                let weight = &mut weight[(l - 1) * size..][..size];
                gemm(weight, self.pairs, S::Real::of(1.0), adj.t(), a, S::Real::of(1.0));
            }
        }
    }
}
