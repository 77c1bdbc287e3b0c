//! What the products over the edges of one center read: the neighbours' features one after the other, and their products with
//! radial functions.

use super::{Message, Sources};
use crate::network::Scratch;
use oxidane_math::gemm::Planes;
use oxidane_math::{Real, Scalar, simd};
use std::ops::Range;

/// Channels handled together.
const LANES: usize = 8;

/// The edges of one center.
pub struct Neighbors<R> {
    /// `[edges, planes, C + 1]`: features c_j and charge q_j (or zero).
    features: Vec<R>,
    /// `[edges, planes, n c]`: g_n c_j[c].
    pairs: Vec<R>,
    /// Scalars in rows of both.
    widths: [usize; 2],
    edges: usize,
}

impl<R: Real> Neighbors<R> {
    /// For centers with at most `edges` edges.
    pub fn new<S: Scalar<Real = R>>(message: &Message, edges: usize, scratch: &mut Scratch<R>) -> Self {
        let pairs = if message.columns.powers.is_some() { message.pairs() } else { 0 };
        let widths = [message.neighbor_width(), pairs];
        let [features, pairs] = widths.map(|w| scratch.dirty(edges * w * S::PLANES));
        Self { features, pairs, widths, edges: 0 }
    }

    /// Collects what is known about the neighbours at the edges of a center.
    pub fn fill<S: Scalar<Real = R>>(
        &mut self,
        message: &Message,
        source: &Sources<'_, S>,
        edges: Range<usize>,
    ) {
        let [width, pairs] = self.widths.map(|w| w * S::PLANES);
        let [radial, channels] = message.radial;
        self.edges = edges.len();
        for (row, e) in self.features.chunks_exact_mut(width).zip(edges.clone()) {
            let j = source.batch.edges.neighbor[e] as usize;
            let from = &source.compressed[j * channels * S::PLANES..][..channels * S::PLANES];
            for (to, from) in row.chunks_exact_mut(channels + 1).zip(from.chunks_exact(channels)) {
                to[..channels].copy_from_slice(from);
            }
            let charge = source.charges.get(j).copied().unwrap_or(S::zero());
            S::set(&mut S::row_mut(row, channels + 1), channels, charge);
        }
        if pairs == 0 {
            return;
        }
        let ([n, c], functions) = (message.angular, message.functions());
        let features = self.features.chunks_exact(width);
        let rows = self.pairs.chunks_exact_mut(pairs).zip(features).zip(edges);
        simd::dispatch(
            #[inline(always)]
            || {
                for ((out, features), e) in rows {
                    let g = &source.edges.radial[e * functions * S::PLANES..][..functions * S::PLANES];
                    let plane =
                        |p: usize| (&g[p * functions + radial..][..n], &features[p * (channels + 1)..][..c]);
                    let (value, tangent) = out.split_at_mut(n * c);
                    let (g, f) = plane(0);
                    products::<R, false>(value, g, f);
                    if S::PLANES == 2 {
                        let (dg, df) = plane(1);
                        products::<R, false>(tangent, dg, f);
                        products::<R, true>(tangent, g, df);
                    }
                }
            },
        );
    }

    /// `[edges, C]`.
    pub fn features<S: Scalar<Real = R>>(&self) -> Planes<'_, R> {
        let width = self.widths[0];
        Planes::new(&self.features, self.edges, width - 1, width * S::PLANES, width)
    }

    /// `[edges, 1]`.
    pub fn charges<S: Scalar<Real = R>>(&self) -> Planes<'_, R> {
        let width = self.widths[0];
        Planes::new(&self.features[width - 1..], self.edges, 1, width * S::PLANES, width)
    }

    /// `[edges, n c]`.
    pub fn pairs<S: Scalar<Real = R>>(&self) -> Planes<'_, R> {
        let width = self.widths[1];
        Planes::new(&self.pairs, self.edges, width, width * S::PLANES, width)
    }

    /// The features of the `k`th neighbour, `[planes, C + 1]`.
    #[inline(always)]
    pub fn row<S: Scalar<Real = R>>(&self, k: usize) -> &[R] {
        let width = self.widths[0] * S::PLANES;
        &self.features[k * width..][..width]
    }

    /// Returns the buffers.
    pub fn recycle(self, scratch: &mut Scratch<R>) {
        [self.features, self.pairs].into_iter().for_each(|v| scratch.put(v));
    }
}

/// out[n,c] = g[n] f[c], or adds it.
#[inline(always)]
fn products<R: Real, const ADD: bool>(out: &mut [R], g: &[R], f: &[R]) {
    for (out, &g) in out.chunks_exact_mut(f.len()).zip(g) {
        for (out, &f) in out.iter_mut().zip(f) {
            *out = if ADD { *out + g * f } else { g * f };
        }
    }
}

/// From the adjoints `t` of g[n] f[c]: adds sum_c f[c] t[n,c] to those of g and sum_n g[n] t[n,c] to those of f.
#[inline(always)]
pub fn reverse_products<R: Real>(g: &[R], f: &[R], t: &[R], g_adj: &mut [R], f_adj: &mut [R]) {
    let whole = f.len() / LANES * LANES;
    for at in (0..whole).step_by(LANES) {
        let channels = lanes(&f[at..]);
        let mut sums = lanes(&f_adj[at..]);
        for ((row, &g), g_adj) in t.chunks_exact(f.len()).zip(g).zip(g_adj.iter_mut()) {
            let row = lanes(&row[at..]);
            let mut terms = row;
            for k in 0..LANES {
                sums[k] += g * row[k];
                terms[k] *= channels[k];
            }
            let mut width = LANES / 2;
            while width > 0 {
                for k in 0..width {
                    let high = terms[k + width];
                    terms[k] += high;
                }
                width /= 2;
            }
            *g_adj += terms[0];
        }
        f_adj[at..at + LANES].copy_from_slice(&sums);
    }
    for c in whole..f.len() {
        for ((row, &g), g_adj) in t.chunks_exact(f.len()).zip(g).zip(g_adj.iter_mut()) {
            f_adj[c] += g * row[c];
            *g_adj += f[c] * row[c];
        }
    }
}

#[inline(always)]
fn lanes<R: Real>(row: &[R]) -> [R; LANES] {
    let mut lanes = [R::of(0.0); LANES];
    lanes.copy_from_slice(&row[..LANES]);
    lanes
}
