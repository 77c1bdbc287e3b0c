//! The message: scalar and equivariant features gathered over neighbours, gated by a radial filter. It is the message of
//! PaiNN (Schuett, Unke and Gastegger, ICML 2021) on spherical tensors (Chen et al., J. Chem. Theory Comput. 2024, 20,
//! 9500: the message).
//!
//! g_ij = h_j * (W b(r_ij) + c) f_cut(r_ij), split into g_state [M], g_edge [M], m_s [C];
//! s_i += sum_j m_s;  X_i += sum_j (g_state (x) X_j + g_edge (x) Y(r_ij)).
//!
//! Both passes loop over the edges of a block of centers that owns its sums. The filter is made for a tile of [pairs](super::pairs) at
//! a time by one matrix product and used while it is in cache.

use super::gate::{Edge, Receiver, Returned, Widths, dot, receive, send};
use super::pairs::{Directed, Pair};
use crate::batch::Batch;
use crate::edges::EdgeFunctions;
use crate::irreps::Irreps;
use crate::layers::{Linear, add_assign};
use crate::network::Scratch;
use crate::parameters::Layout;
use oxidane_math::gemm::{Mat, gemm};
use oxidane_math::{Real, Scalar, simd};
use std::ops::Range;

/// Pairs whose filter is made at once: 48 x 576 numbers stay in the second-level cache.
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

/// The filter's weight and bias as one `[radial, gates]` matrix: the product that makes filters reads along its rows.
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
    /// Added: adjoints of the radial functions of the block's pairs, at the place of the first edge of each, or, without weight gradients, of
    /// their distances.
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

    /// Weight and bias, turned.
    pub fn pack<R: Real>(&self, p: &[R], scratch: &mut Scratch<R>) -> PackedFilter<R> {
        let (weight, bias) = self.filter.slots();
        let (n, k) = (self.filter.outputs, self.filter.inputs);
        let mut packed = scratch.dirty((k + 1) * n);
        for (radial, row) in packed.chunks_exact_mut(n).take(k).enumerate() {
            let column = weight.of(p)[radial..].iter().step_by(k);
            row.iter_mut().zip(column).for_each(|(to, &from)| *to = from);
        }
        packed[k * n..].copy_from_slice(bias.map(|b| b.of(p)).unwrap_or_default());
        PackedFilter(packed)
    }

    /// What the loops over the pairs of `atoms` share.
    fn block<'a, S: Scalar>(
        &'a self,
        source: &'a Sources<'a, S::Real>,
        atoms: Range<usize>,
    ) -> EdgeBlock<'a, S::Real> {
        let degrees = source.state.degrees(&self.irreps);
        EdgeBlock {
            source,
            widths: Widths::new::<S>(self.channels, &self.irreps, degrees),
            active: self.active(degrees),
            radial: self.filter.inputs + 1,
            components: self.irreps.dim(),
            harmonics: source.edges.harmonics.len() / (source.batch.edges.len().max(1) * S::PLANES),
            first_edge: source.batch.edges.first[atoms.start] as usize,
            first_atom: atoms.start,
        }
    }

    /// Adds the messages to the `atoms` of the block, whose `pairs` are given: `s` `[rows, planes, C]`, `x` in atom order.
    pub fn forward<S: Scalar>(
        &self,
        source: &Sources<'_, S::Real>,
        atoms: Range<usize>,
        pairs: &[Pair],
        s: &mut [S::Real],
        x: &mut [S::Real],
        scratch: &mut Scratch<S::Real>,
    ) {
        let block = self.block::<S>(source, atoms);
        let mut radial = scratch.dirty(TILE * S::PLANES * block.radial);
        let mut w = scratch.dirty(TILE * S::PLANES * block.widths.gates);
        for tile in pairs.chunks(TILE) {
            block.filter::<S>(tile, &source.edges.radial, &mut radial, &mut w);
            block.send::<S>(tile, &w, s, x);
        }
        [radial, w].into_iter().for_each(|v| scratch.put(v));
    }

    /// Adjoints of what the atoms of the block sent to their neighbours, from the adjoints `s_adj`, `x_adj` (atom
    /// order) of all receivers. Edge e = (j <- i) of the list stands for its mirror, the message i <- j.
    pub fn reverse<S: Scalar>(
        &self,
        source: &Sources<'_, S::Real>,
        atoms: Range<usize>,
        pairs: &[Pair],
        s_adj: &[S::Real],
        x_adj: &[S::Real],
        mut sinks: Sinks<'_, S::Real>,
        scratch: &mut Scratch<S::Real>,
    ) {
        let block = self.block::<S>(source, atoms);
        let (p, gates, k) = (S::PLANES, block.widths.gates, block.radial);
        let mut radial = scratch.dirty(TILE * p * k);
        let mut w = scratch.dirty(TILE * p * gates);
        // Adjoints of a tile's filters, and one row more for those of mirrors.
        let mut w_adj = scratch.dirty((TILE + 1) * p * gates);
        let mut filter_gradient = sinks.gradient.is_some().then(|| scratch.zeros(gates * k));
        for tile in pairs.chunks(TILE) {
            block.filter::<S>(tile, &source.edges.radial, &mut radial, &mut w);
            block.receive::<S>(tile, &w, (s_adj, x_adj), &mut w_adj, &mut sinks);
            match filter_gradient.as_deref_mut() {
                None => {
                    block.filter::<S>(tile, &source.edges.d_radial, &mut radial, &mut w);
                    block.distances::<S>(tile, &w, &w_adj, sinks.radial);
                }
                Some(g) => {
                    block.gradient::<S>(tile.len(), &w_adj, &radial, g);
                    block.radial_adjoints::<S>(tile, &w_adj, &mut radial, sinks.radial);
                }
            }
        }
        if let (Some(packed), Some(g)) = (&filter_gradient, sinks.gradient.as_deref_mut()) {
            self.add_filter_gradient(packed, g);
        }
        for v in [Some(radial), Some(w), Some(w_adj), filter_gradient].into_iter().flatten() {
            scratch.put(v);
        }
    }

    fn add_filter_gradient<R: Real>(&self, packed: &[R], gradient: &mut [R]) {
        let (weight, bias) = self.filter.slots();
        let k = self.filter.inputs;
        for (n, row) in packed.chunks_exact(k + 1).enumerate() {
            add_assign(&mut weight.of_mut(gradient)[n * k..(n + 1) * k], &row[..k]);
            if let Some(bias) = bias {
                bias.of_mut(gradient)[n] += row[k];
            }
        }
    }
}

/// The edges of a block of atoms, with the shapes of what they carry.
struct EdgeBlock<'a, R> {
    source: &'a Sources<'a, R>,
    widths: Widths,
    /// Columns of the filter that are used.
    active: [Range<usize>; 2],
    /// Radial functions, the cutoff by itself included.
    radial: usize,
    /// Components of an atom's equivariant features.
    components: usize,
    harmonics: usize,
    first_edge: usize,
    first_atom: usize,
}

impl<R: Real> EdgeBlock<'_, R> {
    /// The columns that are used, in stretches.
    fn columns(&self) -> impl Iterator<Item = &Range<usize>> {
        self.active.iter().filter(|r| !r.is_empty())
    }

    /// Some columns of the packed filter.
    fn weights(&self, columns: &Range<usize>) -> Mat<'_, R> {
        Mat::new(&self.source.filter.0[columns.start..], self.radial, columns.len(), self.widths.gates)
    }

    /// Filters of pairs into `w`, `[pairs, planes, gates]` (active columns only), from radial functions of all edges, which are gathered in
    /// `rows`; or slopes of filters from slopes.
    fn filter<S: Scalar<Real = R>>(&self, pairs: &[Pair], radial: &[R], rows: &mut [R], w: &mut [R]) {
        let width = self.radial * S::PLANES;
        for (pair, row) in pairs.iter().zip(rows.chunks_exact_mut(width)) {
            row.copy_from_slice(&radial[pair.there.edge as usize * width..][..width]);
        }
        for range in self.columns() {
            let rows = Mat::full(rows, pairs.len() * S::PLANES, self.radial);
            gemm(&mut w[range.start..], self.widths.gates, R::of(0.0), rows, self.weights(range), R::of(1.0));
        }
    }

    /// What the message of `sender` reads: its features, the filter, and the harmonics of edge `e`.
    #[inline(always)]
    fn edge<'b, S: Scalar<Real = R>>(&'b self, sender: u32, e: u32, w: &'b [R]) -> Edge<'b, S> {
        let (p, ny, sender) = (S::PLANES, self.harmonics, sender as usize);
        Edge {
            h: &self.source.h[sender * p * self.widths.gates..],
            w,
            state: self.source.state.row(sender, self.components * p),
            y: S::row(&self.source.edges.harmonics[e as usize * ny * p..], ny),
        }
    }

    /// Adds the messages of pairs, both ways, to `s` and `x` of their centers.
    fn send<S: Scalar<Real = R>>(&self, pairs: &[Pair], w: &[R], s: &mut [R], x: &mut [R]) {
        let (c, d) = (self.widths.channels * S::PLANES, self.components * S::PLANES);
        simd::dispatch(
            #[inline(always)]
            || {
                for (pair, w) in pairs.iter().zip(w.chunks_exact(self.widths.gates * S::PLANES)) {
                    for way in [Some(pair.there), pair.back].into_iter().flatten() {
                        let local = way.center as usize - self.first_atom;
                        let edge = self.edge::<S>(way.neighbor, way.edge, w);
                        send::<S>(&self.widths, &edge, &mut s[local * c..], &mut x[local * d..][..d]);
                    }
                }
            },
        );
    }

    /// The reverse of [`Self::send`] for the mirrors of edges, from the adjoints of all receivers. `w_adj` has one row more than there are pairs.
    fn receive<S: Scalar<Real = R>>(
        &self,
        pairs: &[Pair],
        w: &[R],
        adjoints: (&[R], &[R]),
        w_adj: &mut [R],
        sinks: &mut Sinks<'_, R>,
    ) {
        let width = self.widths.gates * S::PLANES;
        let (w_adj, of_back) = w_adj.split_at_mut(w_adj.len() - width);
        simd::dispatch(
            #[inline(always)]
            || {
                let rows = w.chunks_exact(width).zip(w_adj.chunks_exact_mut(width));
                for (pair, (w, w_adj)) in pairs.iter().zip(rows) {
                    self.receive_one::<S>(pair.there, w, adjoints, w_adj, sinks);
                    if let Some(back) = pair.back {
                        self.receive_one::<S>(back, w, adjoints, of_back, sinks);
                        add_assign(w_adj, of_back);
                    }
                }
            },
        );
    }

    #[inline(always)]
    fn receive_one<S: Scalar<Real = R>>(
        &self,
        way: Directed,
        w: &[R],
        (s_adj, x_adj): (&[R], &[R]),
        w_adj: &mut [R],
        sinks: &mut Sinks<'_, R>,
    ) {
        let (p, ny) = (S::PLANES, self.harmonics);
        let (c, d) = (self.widths.channels * p, self.components * p);
        let (local, receiver) = (way.center as usize - self.first_atom, way.neighbor as usize);
        let edge = self.edge::<S>(way.center, way.edge, w);
        let receiver = Receiver { s: &s_adj[receiver * c..], x: &x_adj[receiver * d..][..d] };
        let mut returned = Returned::<S> {
            w: w_adj,
            h: sinks.h.as_deref_mut().map(|h| &mut h[local * p * self.widths.gates..]),
            state: sinks.state.as_deref_mut().map(|x| &mut x[local * d..][..d]),
            y: S::row_mut(&mut sinks.harmonics[(way.edge as usize - self.first_edge) * ny * p..], ny),
        };
        receive::<S>(&self.widths, &edge, &receiver, &mut returned);
    }

    /// Adds the adjoints of the distances of pairs to `out`, `[edges, planes]`: those of filters times slopes of filters.
    fn distances<S: Scalar<Real = R>>(&self, pairs: &[Pair], slopes: &[R], w_adj: &[R], out: &mut [R]) {
        let (p, gates) = (S::PLANES, self.widths.gates);
        simd::dispatch(
            #[inline(always)]
            || {
                let rows = slopes.chunks_exact(p * gates).zip(w_adj.chunks_exact(p * gates));
                for (pair, (slope, adj)) in pairs.iter().zip(rows) {
                    let (slope, adj) = (S::row(slope, gates), S::row(adj, gates));
                    let at = (pair.there.edge as usize - self.first_edge) * p;
                    let mut distance = S::row_mut(&mut out[at..], 1);
                    let mut sum = S::get_mut(&distance, 0);
                    for range in &self.active {
                        let n = range.len();
                        sum += dot::<S>(n, S::part(slope, range.start, n), S::part(adj, range.start, n));
                    }
                    S::set(&mut distance, 0, sum);
                }
            },
        );
    }

    /// Adds the adjoints of the radial functions of pairs to `out`, `[edges, planes, radial]`. `rows` is scratch.
    fn radial_adjoints<S: Scalar<Real = R>>(
        &self,
        pairs: &[Pair],
        w_adj: &[R],
        rows: &mut [R],
        out: &mut [R],
    ) {
        let (p, k, mut first) = (S::PLANES, self.radial, R::of(0.0));
        for range in self.columns() {
            let a = Mat::new(&w_adj[range.start..], pairs.len() * p, range.len(), self.widths.gates);
            gemm(rows, k, first, a, self.weights(range).t(), R::of(1.0));
            first = R::of(1.0);
        }
        for (pair, row) in pairs.iter().zip(rows.chunks_exact(p * k)) {
            let at = (pair.there.edge as usize - self.first_edge) * p * k;
            add_assign(&mut out[at..at + p * k], row);
        }
    }

    /// Adds the gradient of the packed filter, from the adjoints of the filters of `n` pairs and their radial functions.
    fn gradient<S: Scalar<Real = R>>(&self, n: usize, w_adj: &[R], radial: &[R], gradient: &mut [R]) {
        let (p, k, gates) = (S::PLANES, self.radial, self.widths.gates);
        for range in self.columns() {
            for plane in 0..p {
                let a = Mat::new(&w_adj[plane * gates + range.start..], n, range.len(), p * gates);
                let radial = Mat::new(&radial[(p - 1 - plane) * k..], n, k, p * k);
                gemm(&mut gradient[range.start * k..], k, R::of(1.0), a.t(), radial, R::of(1.0));
            }
        }
    }
}
