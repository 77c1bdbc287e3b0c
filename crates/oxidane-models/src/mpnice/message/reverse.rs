//! The reverse over the edges of a center: adjoints of radial functions, harmonics, and what neighbours gave.

use super::neighbors::{Neighbors, reverse_products};
use super::{Message, Sinks, Sources, most_edges};
use crate::network::Scratch;
use oxidane_math::gemm::{Planes, gemm_planes};
use oxidane_math::{Real, Scalar, simd};
use std::ops::Range;

/// Adjoints of one center, and rows for its edges.
struct Work<R> {
    /// Of R, `[C, K]`.
    radial: Vec<R>,
    /// Of A, `[n c, lm]`, for harmonics of the opposite direction.
    mirrored: Vec<R>,
    /// `[edges, planes, n c]`: of g_n c_j[c].
    pairs: Vec<R>,
    /// Of what neighbours gave, where nobody else keeps it.
    neighbors: Vec<R>,
}

impl Message {
    /// The reverse over the edges of a block's atoms, from the adjoints of the rows and moments that [`Message::forward`] filled. What neighbours gave goes to [`Sinks::neighbors`], from where [`Message::collect`] takes it.
    pub fn reverse<S: Scalar>(
        &self,
        source: &Sources<'_, S>,
        atoms: Range<usize>,
        x_adj: &[S::Real],
        a_adj: &[S::Real],
        mut sinks: Sinks<'_, S::Real>,
        scratch: &mut Scratch<S::Real>,
    ) {
        let (width, size) = (self.columns.width * S::PLANES, self.moments() * S::PLANES);
        let all = &source.batch.edges;
        let (start, most) = (all.first[atoms.start] as usize, most_edges(source.batch, atoms.clone()));
        let angular = self.columns.powers.is_some();
        let pairs = if angular { self.pairs() } else { 0 };
        let [k_count, c_count] = self.radial;
        let mut work = Work {
            radial: scratch.dirty(k_count * c_count * S::PLANES),
            mirrored: scratch.dirty(pairs * self.harmonics() * S::PLANES),
            pairs: scratch.dirty(most * pairs * S::PLANES),
            neighbors: scratch.zeros(most * self.neighbor_width() * S::PLANES),
        };
        let mut near = Neighbors::new::<S>(self, most, scratch);
        for (row, i) in atoms.enumerate() {
            let edges = all.edges_of(i);
            if edges.is_empty() {
                continue;
            }
            let x = &x_adj[row * width..][..width];
            near.fill::<S>(self, source, edges.clone());
            self.transpose_radial::<S>(x, &mut work.radial);
            self.reverse_radial::<S>(source, edges.clone(), start, &near, x, &mut work, &mut sinks);
            if angular {
                let a = &a_adj[row * size..][..size];
                self.transpose_moments::<S>(a, &mut work.mirrored);
                self.reverse_angular::<S>(source, edges, start, &near, a, &mut work, &mut sinks);
            }
        }
        near.recycle(scratch);
        [work.radial, work.mirrored, work.pairs, work.neighbors].into_iter().for_each(|v| scratch.put(v));
    }

    /// The adjoints of R with channels first.
    fn transpose_radial<S: Scalar>(&self, x: &[S::Real], radial: &mut [S::Real]) {
        let [k_count, c_count] = self.radial;
        for (x, radial) in x.chunks_exact(self.columns.width).zip(radial.chunks_exact_mut(k_count * c_count))
        {
            for (k, from) in x[self.columns.radial..].chunks_exact(c_count).take(k_count).enumerate() {
                for (c, &from) in from.iter().enumerate() {
                    radial[c * k_count + k] = from;
                }
            }
        }
    }

    /// The adjoints of A with pairs first, for the opposite direction, where harmonics of odd degree change sign.
    fn transpose_moments<S: Scalar>(&self, a_adj: &[S::Real], mirrored: &mut [S::Real]) {
        let (pairs, ny) = (self.pairs(), self.harmonics());
        let planes = a_adj.chunks_exact(self.moments()).zip(mirrored.chunks_exact_mut(pairs * ny));
        for (a, mirrored) in planes {
            for pair in 0..pairs {
                mirrored[pair * ny] = S::Real::of(0.0);
            }
            for l in 1..=self.l_max {
                let sign = S::Real::of(if l % 2 == 1 { -1.0 } else { 1.0 });
                for m in l * l..(l + 1) * (l + 1) {
                    for (pair, &adj) in a[(m - 1) * pairs..][..pairs].iter().enumerate() {
                        mirrored[pair * ny + m] = adj * sign;
                    }
                }
            }
        }
    }

    /// Radial functions and neighbours of the radial vectors R and Q.
    fn reverse_radial<S: Scalar>(
        &self,
        source: &Sources<'_, S>,
        edges: Range<usize>,
        start: usize,
        near: &Neighbors<S::Real>,
        x: &[S::Real],
        work: &mut Work<S::Real>,
        sinks: &mut Sinks<'_, S::Real>,
    ) {
        let ([k_count, c_count], columns, p) = (self.radial, &self.columns, S::PLANES);
        let nk = self.functions();
        let g_adj = &mut sinks.radial[(edges.start - start) * nk * p..];
        let transposed = Planes::new(&work.radial, c_count, k_count, k_count, k_count * c_count);
        gemm_planes::<S>(g_adj, nk * p, nk, true, near.features::<S>(), transposed);
        if let Some(at) = columns.charges {
            let row = Planes::new(&x[at..], 1, k_count, k_count, columns.width);
            gemm_planes::<S>(g_adj, nk * p, nk, true, near.charges::<S>(), row);
        }
        if sinks.neighbors.is_empty() {
            return;
        }
        let width = self.neighbor_width();
        let out = &mut sinks.neighbors[(edges.start - start) * width * p..];
        let g = self.radial_functions::<S>(source, edges.clone());
        let adj = Planes::new(&x[columns.radial..], k_count, c_count, c_count, columns.width);
        gemm_planes::<S>(out, width * p, width, false, g, adj);
        if let Some(at) = columns.charges {
            let column = Planes::new(&x[at..], 1, k_count, k_count, columns.width).t();
            gemm_planes::<S>(&mut out[c_count..], width * p, width, false, g, column);
        } else {
            for row in out.chunks_exact_mut(width).take(edges.len() * p) {
                row[c_count] = S::Real::of(0.0);
            }
        }
    }

    /// Radial functions, harmonics and neighbours of the angular vector.
    fn reverse_angular<S: Scalar>(
        &self,
        source: &Sources<'_, S>,
        edges: Range<usize>,
        start: usize,
        near: &Neighbors<S::Real>,
        a_adj: &[S::Real],
        work: &mut Work<S::Real>,
        sinks: &mut Sinks<'_, S::Real>,
    ) {
        let (pairs, ny, p, place) = (self.pairs(), self.harmonics(), S::PLANES, edges.start - start);
        let mirrored = Planes::new(&work.mirrored, pairs, ny, ny, pairs * ny);
        let y_adj = &mut sinks.harmonics[place * ny * p..];
        gemm_planes::<S>(y_adj, ny * p, ny, true, near.pairs::<S>(), mirrored);
        let moments = Planes::new(a_adj, ny - 1, pairs, pairs, self.moments());
        let y = self.harmonics_of::<S>(source, edges.clone());
        gemm_planes::<S>(&mut work.pairs, pairs * p, pairs, false, y, moments);

        let (nk, width) = (self.functions(), self.neighbor_width());
        let ([radial, _], [n, c]) = (self.radial, self.angular);
        let g_adj = &mut sinks.radial[place * nk * p..];
        // Where nobody wants the neighbours' adjoints, they go to a buffer.
        let out = match sinks.neighbors.is_empty() {
            true => &mut work.neighbors[..],
            false => &mut sinks.neighbors[place * width * p..],
        };
        let rows = edges.zip(g_adj.chunks_exact_mut(nk * p)).zip(out.chunks_exact_mut(width * p));
        let rows = rows.zip(work.pairs.chunks_exact(pairs * p)).enumerate();
        simd::dispatch(
            #[inline(always)]
            || {
                for (k, (((e, g_adj), out), t)) in rows {
                    let g = &source.edges.radial[e * nk * p..][..nk * p];
                    let f = near.row::<S>(k);
                    // Each plane of the result gets the products of planes that belong to it.
                    for (of, at, to) in [(0, 0, 0), (1, 0, 1), (0, 1, 1)] {
                        if of + at < p {
                            reverse_products(
                                &g[of * nk + radial..][..n],
                                &f[of * width..][..c],
                                &t[at * pairs..][..pairs],
                                &mut g_adj[to * nk + radial..][..n],
                                &mut out[to * width..][..c],
                            );
                        }
                    }
                }
            },
        );
    }
}
