//! The message: scalar and equivariant features gathered over neighbours, gated by a radial filter. It is the message of
//! PaiNN (Schuett, Unke and Gastegger, ICML 2021) on spherical tensors (Chen et al., J. Chem. Theory Comput. 2024, 20,
//! 9500: the message).
//!
//! g_ij = h_j * (W b(r_ij) + c) f_cut(r_ij), split into g_state [M], g_edge [M], m_s [C];
//! s_i += sum_j m_s;  X_i += sum_j (g_state (x) X_j + g_edge (x) Y(r_ij)).
//!
//! Both passes loop over the edges of a center that owns its sums. The filter is made for a tile of edges at a
//! time by one matrix product and used while it is in cache.

use super::gate::{Edge, Receiver, Returned, Widths, receive, send};
use crate::batch::Batch;
use crate::edges::EdgeFunctions;
use crate::irreps::Irreps;
use crate::layers::Linear;
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
        let d = self.irreps.dim();
        let degrees = source.state.degrees(&self.irreps);
        let widths = Widths { irreps: &self.irreps, channels: c, degrees };
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
                    for (e, w) in tile.clone().zip(w.chunks_exact(p * gates)) {
                        while e >= source.batch.edges.first[i + 1] as usize {
                            i += 1;
                        }
                        let (j, local) = (source.batch.edges.neighbor[e] as usize, i - atoms.start);
                        let edge = Edge::<S> {
                            h: &source.h[j * p * gates..],
                            w,
                            state: source.state.row(j, d * p),
                            y: S::row(&source.edges.harmonics[e * ny * p..], ny),
                        };
                        let (s, x) = (&mut s[local * p * c..], &mut x[local * p * d..][..p * d]);
                        send::<S>(widths, &edge, s, x);
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
        let (d, k) = (self.irreps.dim(), self.filter.inputs + 1);
        let degrees = source.state.degrees(&self.irreps);
        let widths = Widths { irreps: &self.irreps, channels: c, degrees };
        let active = self.active(degrees);
        let all =
            source.batch.edges.first[atoms.start] as usize..source.batch.edges.first[atoms.end] as usize;
        let ny = source.edges.harmonics.len() / (source.batch.edges.len().max(1) * p);
        let mut w = scratch.dirty(TILE * p * gates);
        let mut w_adj = scratch.dirty(TILE * p * gates);
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
                        let edge = Edge::<S> {
                            h: &source.h[j * p * gates..],
                            w,
                            state: source.state.row(j, d * p),
                            y: S::row(&source.edges.harmonics[e * ny * p..], ny),
                        };
                        let receiver = Receiver { s: &s_adj[i * p * c..], x: &x_adj[i * p * d..][..p * d] };
                        let mut returned = Returned::<S> {
                            w: w_adj,
                            h: sinks.h.as_deref_mut().map(|h| &mut h[local * p * gates..]),
                            state: sinks.state.as_deref_mut().map(|x| &mut x[local * p * d..][..p * d]),
                            y: S::row_mut(&mut sinks.harmonics[(e - all.start) * ny * p..], ny),
                        };
                        receive::<S>(widths, &edge, &receiver, &mut returned);
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
        for v in [Some(w), Some(w_adj), filter_gradient].into_iter().flatten() {
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
