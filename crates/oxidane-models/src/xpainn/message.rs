//! The message: scalar and equivariant features gathered over neighbours, gated by a radial filter.
//!
//! g_ij = h_j * (W b(r_ij) + c) f_cut(r_ij), split into g_state [M], g_edge [M], m_s [C];
//! s_i += sum_j m_s;  X_i += sum_j (g_state (x) X_j + g_edge (x) Y(r_ij)).
//!
//! Both passes loop over the edges of a center that owns its sums. The filter is made for a tile of edges at a
//! time by one matrix product and used while it is in cache.

use super::edges::EdgeFunctions;
use crate::batch::Batch;
use crate::irreps::{Irreps, Order};
use crate::layers::{Linear, sum};
use crate::network::Scratch;
use crate::parameters::Layout;
use oxidane_math::gemm::{Mat, gemm};
use oxidane_math::{Real, Scalar, simd};
use std::ops::Range;

/// Edges whose filter is made at once: 48 x 576 numbers stay in the second-level cache.
const TILE: usize = 48;

/// What the neighbours' equivariant features are.
#[derive(Debug, Clone, Copy)]
pub enum State<'a, R> {
    /// One row per atom, in atom order.
    PerAtom(&'a [R]),
    /// The same row for every atom, degree 0 only: the normalised zero features of the first block.
    Shared(&'a [R]),
    /// All zero: the first block without normalisation.
    Zero,
}

impl<R: Real> State<'_, R> {
    /// Degrees that can be other than zero.
    fn degrees(&self, irreps: &Irreps) -> usize {
        match self {
            Self::PerAtom(_) => irreps.degrees(),
            Self::Shared(_) => irreps.degrees().min(1),
            Self::Zero => 0,
        }
    }
    #[inline(always)]
    fn row(&self, atom: usize, len: usize) -> &[R] {
        match self {
            Self::PerAtom(x) => &x[atom * len..][..len],
            Self::Shared(x) => x,
            Self::Zero => &[],
        }
    }
}

/// The filter of one message block and its shapes.
#[derive(Debug, Clone)]
pub struct Message {
    irreps: Irreps,
    channels: usize,
    filter: Linear,
}

/// The filter's weight and bias as one `[gates, radial]` matrix.
#[derive(Debug, Default)]
pub struct PackedFilter<R>(Vec<R>);

impl<R> PackedFilter<R> {
    /// Gives the buffer back.
    pub fn into_inner(self) -> Vec<R> {
        self.0
    }
}

/// Features of all atoms that a gather reads.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a, R> {
    /// The structure of the sums.
    pub batch: &'a Batch,
    /// Edge functions.
    pub edges: &'a EdgeFunctions<R>,
    /// Packed filter of this block.
    pub filter: &'a PackedFilter<R>,
    /// h of every atom, `[atoms, planes, gates]`.
    pub h: &'a [R],
    /// Equivariant features of every atom.
    pub state: State<'a, R>,
}

/// Adjoints that the reverse gather writes.
pub struct Sinks<'a, R> {
    /// Adjoint of h of the block's atoms; `None` if nothing upstream needs it.
    pub h: Option<&'a mut [R]>,
    /// Adjoint of their equivariant features (atom order).
    pub state: Option<&'a mut [R]>,
    /// Added: adjoints of the radial functions of the block's edges' mirrors.
    pub radial: &'a mut [R],
    /// Added: adjoints of the harmonics of the block's edges' mirrors.
    pub harmonics: &'a mut [R],
    /// Added: weight gradient.
    pub gradient: Option<&'a mut [R]>,
}

impl Message {
    /// Registers `name.rbf_lin`.
    pub fn new(layout: &mut Layout, name: &str, channels: usize, irreps: &Irreps, num_basis: usize) -> Self {
        let gates = channels + 2 * irreps.count();
        let filter = Linear::new(layout, &format!("{name}.rbf_lin"), num_basis, gates, true);
        Self { irreps: irreps.clone(), channels, filter }
    }

    /// Width of h and of the filter: C + 2M.
    pub fn gates(&self) -> usize {
        self.filter.outputs
    }

    /// Columns of the filter that are used when the state has `degrees` degrees.
    fn active(&self, degrees: usize) -> [Range<usize>; 2] {
        let m = self.irreps.count();
        if degrees == self.irreps.degrees() {
            return [0..self.gates(), 0..0];
        }
        [0..self.irreps.first_irrep(degrees), m..self.gates()]
    }

    /// Weight and bias side by side.
    pub fn pack<R: Real>(&self, p: &[R], scratch: &mut Scratch<R>) -> PackedFilter<R> {
        let (weight, bias) = self.filter.slots();
        let (n, k) = (self.filter.outputs, self.filter.inputs);
        let mut packed = scratch.dirty(n * (k + 1));
        let bias = bias.map(|b| b.of(p)).unwrap_or_default();
        for ((row, w), &b) in packed.chunks_exact_mut(k + 1).zip(weight.of(p).chunks_exact(k)).zip(bias) {
            row[..k].copy_from_slice(w);
            row[k] = b;
        }
        PackedFilter(packed)
    }

    /// Filter values of `edges` into `w` (`[edges, planes, gates]`, active columns only).
    fn filter_tile<S: Scalar>(
        &self,
        source: &Sources<'_, S::Real>,
        edges: Range<usize>,
        active: &[Range<usize>; 2],
        w: &mut [S::Real],
    ) {
        let (gates, k) = (self.gates(), self.filter.inputs + 1);
        let rows = edges.len() * S::PLANES;
        let radial = Mat::full(&source.edges.radial[edges.start * S::PLANES * k..], rows, k);
        for range in active.iter().filter(|r| !r.is_empty()) {
            let filter = Mat::full(&source.filter.0[range.start * k..], range.len(), k);
            let (zero, one) = (S::Real::of(0.0), S::Real::of(1.0));
            gemm(&mut w[range.start..], gates, zero, radial, filter.t(), one);
        }
    }

    /// Adds the messages to the atoms of the block: `s` `[rows, planes, C]`, `x` in atom order.
    pub fn forward<S: Scalar>(
        &self,
        source: &Sources<'_, S::Real>,
        atoms: Range<usize>,
        s: &mut [S::Real],
        x: &mut [S::Real],
        scratch: &mut Scratch<S::Real>,
    ) {
        let (gates, c, p) = (self.gates(), self.channels, S::PLANES);
        let (m, d) = (self.irreps.count(), self.irreps.dim());
        let degrees = source.state.degrees(&self.irreps);
        let active = self.active(degrees);
        let ny = source.edges.harmonics.len() / (source.batch.edges.len().max(1) * p);
        let mut w = scratch.dirty(TILE * p * gates);
        let all =
            source.batch.edges.first[atoms.start] as usize..source.batch.edges.first[atoms.end] as usize;
        let mut i = atoms.start;
        for start in all.clone().step_by(TILE) {
            let tile = start..(start + TILE).min(all.end);
            self.filter_tile::<S>(source, tile.clone(), &active, &mut w);
            simd::dispatch(
                #[inline(always)]
                || {
                    for (e, w) in tile.clone().zip(w.chunks_exact_mut(p * gates)) {
                        while e >= source.batch.edges.first[i + 1] as usize {
                            i += 1;
                        }
                        let (j, local) = (source.batch.edges.neighbor[e] as usize, i - atoms.start);
                        let h = S::row(&source.h[j * p * gates..], gates);
                        multiply::<S>(w, h, gates, &active);
                        let g = S::row(w, gates);
                        let mut s = S::row_mut(&mut s[local * p * c..], c);
                        accumulate::<S>(&mut s, S::part(g, 2 * m, c), c);
                        let y = S::row(&source.edges.harmonics[e * ny * p..], ny);
                        let xj = source.state.row(j, d * p);
                        let xi = &mut x[local * p * d..][..p * d];
                        for l in 0..self.irreps.degrees() {
                            let n = self.irreps.channels(l);
                            let u = self.irreps.first_irrep(l);
                            let edge = S::part(g, m + u, n);
                            let at = Order::Atom.start(&self.irreps, 0, p, l, 0);
                            for q in 0..2 * l + 1 {
                                let at = at + q * n * p;
                                let y = S::get(y, l * l + q);
                                let mut out = S::row_mut(&mut xi[at..], n);
                                if l < degrees {
                                    gate_both::<S>(
                                        &mut out,
                                        S::part(g, u, n),
                                        S::row(&xj[at..], n),
                                        edge,
                                        y,
                                        n,
                                    );
                                } else {
                                    gate_edge::<S>(&mut out, edge, y, n);
                                }
                            }
                        }
                    }
                },
            );
        }
        scratch.put(w);
    }

    /// Adjoints of what the atoms of the block sent to their neighbours, from the adjoints `s_adj`, `x_adj` (atom
    /// order) of all receivers. Edge e = (j <- i) of the list stands for its mirror, the message i <- j.
    pub fn reverse<S: Scalar>(
        &self,
        source: &Sources<'_, S::Real>,
        atoms: Range<usize>,
        s_adj: &[S::Real],
        x_adj: &[S::Real],
        mut sinks: Sinks<'_, S::Real>,
        scratch: &mut Scratch<S::Real>,
    ) {
        let (gates, c, p) = (self.gates(), self.channels, S::PLANES);
        let (m, d, k) = (self.irreps.count(), self.irreps.dim(), self.filter.inputs + 1);
        let degrees = source.state.degrees(&self.irreps);
        let active = self.active(degrees);
        let all =
            source.batch.edges.first[atoms.start] as usize..source.batch.edges.first[atoms.end] as usize;
        let ny = source.edges.harmonics.len() / (source.batch.edges.len().max(1) * p);
        let mut w = scratch.dirty(TILE * p * gates);
        let mut w_adj = scratch.dirty(TILE * p * gates);
        let mut product = scratch.dirty(p * gates);
        let mut filter_gradient = sinks.gradient.is_some().then(|| scratch.zeros(gates * k));
        let mut j = atoms.start;
        for start in all.clone().step_by(TILE) {
            let tile = start..(start + TILE).min(all.end);
            let rows = tile.len();
            self.filter_tile::<S>(source, tile.clone(), &active, &mut w);
            simd::dispatch(
                #[inline(always)]
                || {
                    let tiles = w.chunks_exact(p * gates).zip(w_adj.chunks_exact_mut(p * gates));
                    for (e, (w, w_adj)) in tile.clone().zip(tiles) {
                        while e >= source.batch.edges.first[j + 1] as usize {
                            j += 1;
                        }
                        let (i, local) = (source.batch.edges.neighbor[e] as usize, j - atoms.start);
                        let h = S::row(&source.h[j * p * gates..], gates);
                        product.copy_from_slice(w);
                        multiply::<S>(&mut product, h, gates, &active);
                        let g = S::row(&product, gates);
                        let si = S::row(&s_adj[i * p * c..], c);
                        let xi = &x_adj[i * p * d..][..p * d];
                        let xj = source.state.row(j, d * p);
                        let y = S::row(&source.edges.harmonics[e * ny * p..], ny);
                        let y_adj = (e - all.start) * ny * p;
                        let mut y_adj = S::row_mut(&mut sinks.harmonics[y_adj..], ny);
                        {
                            let mut g_adj = S::row_mut(w_adj, gates);
                            let mut scalar = S::part_mut(&mut g_adj, 2 * m, c);
                            copy::<S>(&mut scalar, si, c);
                        }
                        for l in 0..self.irreps.degrees() {
                            let n = self.irreps.channels(l);
                            let u = self.irreps.first_irrep(l);
                            let sign = S::Real::of(if l % 2 == 0 { 1.0 } else { -1.0 });
                            let at = Order::Atom.start(&self.irreps, 0, p, l, 0);
                            let edge = S::part(g, m + u, n);
                            for q in 0..2 * l + 1 {
                                let at = at + q * n * p;
                                let lm = l * l + q;
                                let a = S::row(&xi[at..], n);
                                let yq = S::get(y, lm).scale(sign);
                                let dy = sum(
                                    n,
                                    #[inline(always)]
                                    |k| S::get(edge, k) * S::get(a, k),
                                );
                                let v = S::get_mut(&y_adj, lm) + dy;
                                S::set(&mut y_adj, lm, v);
                                let mut g_adj = S::row_mut(w_adj, gates);
                                {
                                    let mut edge_adj = S::part_mut(&mut g_adj, m + u, n);
                                    if q == 0 {
                                        scaled::<S>(&mut edge_adj, a, yq, n);
                                    } else {
                                        gate_edge::<S>(&mut edge_adj, a, yq, n);
                                    }
                                }
                                if l >= degrees {
                                    continue;
                                }
                                {
                                    let mut state_adj = S::part_mut(&mut g_adj, u, n);
                                    let x = S::row(&xj[at..], n);
                                    if q == 0 {
                                        product_of::<S>(&mut state_adj, a, x, n);
                                    } else {
                                        gate::<S>(&mut state_adj, a, x, n);
                                    }
                                }
                                if let Some(state) = sinks.state.as_deref_mut() {
                                    let mut out = S::row_mut(&mut state[local * p * d + at..], n);
                                    gate::<S>(&mut out, S::part(g, u, n), a, n);
                                }
                            }
                        }
                        if let Some(h_adj) = sinks.h.as_deref_mut() {
                            let mut out = S::row_mut(&mut h_adj[local * p * gates..], gates);
                            let (g_adj, w) = (S::row(w_adj, gates), S::row(w, gates));
                            for r in active.clone() {
                                let mut out = S::part_mut(&mut out, r.start, r.len());
                                let (a, w) = (S::part(g_adj, r.start, r.len()), S::part(w, r.start, r.len()));
                                gate::<S>(&mut out, a, w, r.len());
                            }
                        }
                        multiply::<S>(w_adj, h, gates, &active);
                    }
                },
            );
            let one = S::Real::of(1.0);
            let out = &mut sinks.radial[(tile.start - all.start) * p * k..];
            for range in active.iter().filter(|r| !r.is_empty()) {
                let a = Mat::new(&w_adj[range.start..], rows * p, range.len(), gates);
                let filter = Mat::full(&source.filter.0[range.start * k..], range.len(), k);
                gemm(out, k, one, a, filter, one);
                let Some(g) = filter_gradient.as_deref_mut() else { continue };
                for plane in 0..p {
                    let a = Mat::new(&w_adj[plane * gates + range.start..], rows, range.len(), p * gates);
                    let other = p - 1 - plane;
                    let radial = &source.edges.radial[(tile.start * p + other) * k..];
                    let b = Mat::new(radial, rows, k, p * k);
                    gemm(&mut g[range.start * k..], k, one, a.t(), b, one);
                }
            }
        }
        if let (Some(packed), Some(g)) = (&filter_gradient, sinks.gradient.as_deref_mut()) {
            self.add_filter_gradient(packed, g);
        }
        for v in [Some(w), Some(w_adj), Some(product), filter_gradient].into_iter().flatten() {
            scratch.put(v);
        }
    }

    fn add_filter_gradient<R: Real>(&self, packed: &[R], gradient: &mut [R]) {
        let (weight, bias) = self.filter.slots();
        let k = self.filter.inputs;
        for (n, row) in packed.chunks_exact(k + 1).enumerate() {
            crate::layers::add_assign(&mut weight.of_mut(gradient)[n * k..(n + 1) * k], &row[..k]);
            if let Some(bias) = bias {
                bias.of_mut(gradient)[n] += row[k];
            }
        }
    }
}

/// w *= h on the active columns.
#[inline(always)]
fn multiply<S: Scalar>(w: &mut [S::Real], h: S::Row<'_>, gates: usize, active: &[Range<usize>; 2]) {
    let mut w = S::row_mut(w, gates);
    for r in active.clone() {
        let n = r.len();
        let mut w = S::part_mut(&mut w, r.start, n);
        let h = S::part(h, r.start, n);
        for k in 0..n {
            let v = S::get_mut(&w, k) * S::get(h, k);
            S::set(&mut w, k, v);
        }
    }
}

/// out += a.
#[inline(always)]
fn accumulate<S: Scalar>(out: &mut S::RowMut<'_>, a: S::Row<'_>, n: usize) {
    for k in 0..n {
        let v = S::get_mut(out, k) + S::get(a, k);
        S::set(out, k, v);
    }
}

/// out = a.
#[inline(always)]
fn copy<S: Scalar>(out: &mut S::RowMut<'_>, a: S::Row<'_>, n: usize) {
    for k in 0..n {
        S::set(out, k, S::get(a, k));
    }
}

/// out = a b.
#[inline(always)]
fn product_of<S: Scalar>(out: &mut S::RowMut<'_>, a: S::Row<'_>, b: S::Row<'_>, n: usize) {
    for k in 0..n {
        S::set(out, k, S::get(a, k) * S::get(b, k));
    }
}

/// out += a b.
#[inline(always)]
fn gate<S: Scalar>(out: &mut S::RowMut<'_>, a: S::Row<'_>, b: S::Row<'_>, n: usize) {
    for k in 0..n {
        let v = S::get_mut(out, k) + S::get(a, k) * S::get(b, k);
        S::set(out, k, v);
    }
}

/// out = a y for one number y.
#[inline(always)]
fn scaled<S: Scalar>(out: &mut S::RowMut<'_>, a: S::Row<'_>, y: S, n: usize) {
    for k in 0..n {
        S::set(out, k, S::get(a, k) * y);
    }
}

/// out += a y for one number y.
#[inline(always)]
fn gate_edge<S: Scalar>(out: &mut S::RowMut<'_>, a: S::Row<'_>, y: S, n: usize) {
    for k in 0..n {
        let v = S::get_mut(out, k) + S::get(a, k) * y;
        S::set(out, k, v);
    }
}

/// out += a x + b y for one number y.
#[inline(always)]
fn gate_both<S: Scalar>(
    out: &mut S::RowMut<'_>,
    a: S::Row<'_>,
    x: S::Row<'_>,
    b: S::Row<'_>,
    y: S,
    n: usize,
) {
    for k in 0..n {
        let v = S::get_mut(out, k) + S::get(a, k) * S::get(x, k) + S::get(b, k) * y;
        S::set(out, k, v);
    }
}
