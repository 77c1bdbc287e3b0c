//! Everything about edges that does not depend on the block: radial functions times the cutoff, spherical
//! harmonics, and their reverse pass down to positions and basis parameters.

use crate::batch::Batch;
use crate::layers::top;
use crate::network::Scratch;
use oxidane_math::cutoff::Cutoff;
use oxidane_math::harmonics::{geometry_reverse, harmonics, harmonics_reverse};
use oxidane_math::radial::RadialBasis;
use oxidane_math::{Real, Scalar, simd};
use rayon::prelude::*;

/// Most spherical harmonics per edge: (4 + 1)^2.
pub const MAX_HARMONICS: usize = 25;
/// Most radial functions per edge handled on the stack.
const MAX_RADIAL: usize = 513;
/// Edges per parallel task.
const TASK: usize = 512;
/// Reals per scalar of geometry: distance and unit vector.
const GEOMETRY: usize = 4;

/// Functions of the edges. Rows of planes: `radial` and `d_radial` are b_n f_cut for each n and then f_cut itself
/// (so that a filter with bias is one matrix product), `harmonics` is Y_lm of the edge's direction.
#[derive(Debug, Default)]
pub struct EdgeFunctions<R> {
    /// `[edges, planes, radial]`.
    pub radial: Vec<R>,
    /// Derivatives of `radial` with respect to the distance.
    pub d_radial: Vec<R>,
    /// `[edges, planes, harmonics]`.
    pub harmonics: Vec<R>,
    /// `[edges, planes, 4]`: distance, unit vector.
    geometry: Vec<R>,
}

/// Shapes and functions that make [`EdgeFunctions`].
#[derive(Debug, Clone)]
pub struct EdgeBasis {
    /// Radial functions.
    pub basis: RadialBasis,
    /// Cutoff function.
    pub cutoff_fn: Cutoff,
    /// Largest degree of the harmonics.
    pub l_max: usize,
}

impl EdgeBasis {
    /// Radial columns: the functions and the cutoff.
    pub fn radial(&self) -> usize {
        self.basis.size() + 1
    }
    /// Harmonics per edge.
    pub fn harmonics(&self) -> usize {
        (self.l_max + 1) * (self.l_max + 1)
    }

    /// Computes the functions of all edges. `tangent` gives the tangent of an edge vector (angstrom per unit of
    /// the direction); it is not called for plain reals.
    pub fn forward<S: Scalar>(
        &self,
        parameters: &[S::Real],
        batch: &Batch,
        tangent: &(dyn Fn(usize) -> [f64; 3] + Sync),
        parallel: bool,
        scratch: &mut Scratch<S::Real>,
    ) -> EdgeFunctions<S::Real> {
        let (n, k, y) = (batch.edges.len(), self.radial() * S::PLANES, self.harmonics() * S::PLANES);
        let g = GEOMETRY * S::PLANES;
        let mut out = EdgeFunctions {
            radial: scratch.dirty(n * k),
            d_radial: scratch.dirty(n * k),
            harmonics: scratch.dirty(n * y),
            geometry: scratch.dirty(n * g),
        };
        let tasks = out
            .radial
            .chunks_mut(TASK * k)
            .zip(out.d_radial.chunks_mut(TASK * k))
            .zip(out.harmonics.chunks_mut(TASK * y).zip(out.geometry.chunks_mut(TASK * g)))
            .enumerate();
        let work = |(t, ((radial, d_radial), (harm, geometry))): (usize, _)| {
            self.task::<S>(parameters, batch, tangent, t * TASK, radial, d_radial, harm, geometry);
        };
        if parallel {
            tasks.collect::<Vec<_>>().into_par_iter().for_each(work);
        } else {
            tasks.for_each(work);
        }
        out
    }

    fn task<S: Scalar>(
        &self,
        parameters: &[S::Real],
        batch: &Batch,
        tangent: &(dyn Fn(usize) -> [f64; 3] + Sync),
        first: usize,
        radial: &mut [S::Real],
        d_radial: &mut [S::Real],
        harm: &mut [S::Real],
        geometry: &mut [S::Real],
    ) {
        let (nk, ny) = (self.radial(), self.harmonics());
        let cutoff = S::Real::of(self.basis.cutoff());
        simd::dispatch(
            #[inline(always)]
            || {
                for (t, ((row, d_row), (harm, geometry))) in radial
                    .chunks_exact_mut(nk * S::PLANES)
                    .zip(d_radial.chunks_exact_mut(nk * S::PLANES))
                    .zip(
                        harm.chunks_exact_mut(ny * S::PLANES)
                            .zip(geometry.chunks_exact_mut(GEOMETRY * S::PLANES)),
                    )
                    .enumerate()
                {
                    let e = first + t;
                    let (r, u) = distance::<S>(batch.edges.vector[e], || tangent(e));
                    let (f, df) = self.cutoff_fn.evaluate(cutoff, r);
                    let (mut b, mut db) = (S::row_mut(row, nk), S::row_mut(d_row, nk));
                    {
                        let mut b = S::part_mut(&mut b, 0, nk - 1);
                        let mut db = S::part_mut(&mut db, 0, nk - 1);
                        self.basis.evaluate::<S>(parameters, r, &mut b, &mut db);
                        for k in 0..nk - 1 {
                            let (v, d) = (S::get_mut(&b, k), S::get_mut(&db, k));
                            S::set(&mut b, k, v * f);
                            S::set(&mut db, k, d * f + v * df);
                        }
                    }
                    S::set(&mut b, nk - 1, f);
                    S::set(&mut db, nk - 1, df);
                    let mut y = [S::zero(); MAX_HARMONICS];
                    harmonics(self.l_max, u, &mut y[..ny]);
                    let mut harm = S::row_mut(harm, ny);
                    for (k, &y) in y[..ny].iter().enumerate() {
                        S::set(&mut harm, k, y);
                    }
                    let mut geometry = S::row_mut(geometry, GEOMETRY);
                    S::set(&mut geometry, 0, r);
                    for (k, &u) in u.iter().enumerate() {
                        S::set(&mut geometry, k + 1, u);
                    }
                }
            },
        );
    }

    /// Derivative of the energy with respect to the vector of each edge's mirror, `[edges, planes, 3]`, from the
    /// adjoints of the mirror's radial functions and harmonics.
    pub fn reverse<S: Scalar>(
        &self,
        functions: &EdgeFunctions<S::Real>,
        radial_adj: &[S::Real],
        harmonics_adj: &[S::Real],
        vector_adj: &mut [S::Real],
        parallel: bool,
    ) {
        let (nk, ny, p) = (self.radial(), self.harmonics(), S::PLANES);
        let work = |(t, out): (usize, &mut [S::Real])| {
            simd::dispatch(
                #[inline(always)]
                || {
                    for (k, out) in out.chunks_exact_mut(3 * p).enumerate() {
                        let e = t * TASK + k;
                        let d = S::row(&functions.d_radial[e * nk * p..], nk);
                        let a = S::row(&radial_adj[e * nk * p..], nk);
                        let r_adj = crate::layers::sum(
                            nk,
                            #[inline(always)]
                            |k| S::get(a, k) * S::get(d, k),
                        );
                        let geometry = S::row(&functions.geometry[e * GEOMETRY * p..], GEOMETRY);
                        let r = S::get(geometry, 0);
                        let mirror = [1, 2, 3].map(|k| -S::get(geometry, k));
                        let mut y_adj = [S::zero(); MAX_HARMONICS];
                        let row = S::row(&harmonics_adj[e * ny * p..], ny);
                        for (k, y) in y_adj[..ny].iter_mut().enumerate() {
                            *y = S::get(row, k);
                        }
                        let u_adj = harmonics_reverse(self.l_max, mirror, &y_adj[..ny]);
                        let v = geometry_reverse(r, mirror, r_adj, u_adj);
                        let mut out = S::row_mut(out, 3);
                        for (k, &v) in v.iter().enumerate() {
                            S::set(&mut out, k, v);
                        }
                    }
                },
            );
        };
        let tasks = vector_adj.chunks_mut(TASK * 3 * p).enumerate();
        if parallel {
            tasks.collect::<Vec<_>>().into_par_iter().for_each(work);
        } else {
            tasks.for_each(work);
        }
    }

    /// Adds the gradient of the basis parameters from the adjoints of the radial functions.
    pub fn gradient<S: Scalar>(
        &self,
        parameters: &[S::Real],
        functions: &EdgeFunctions<S::Real>,
        radial_adj: &[S::Real],
        gradient: &mut [S::Real],
    ) {
        let (nk, nb) = (self.radial(), self.basis.size());
        let mut sums = vec![S::zero(); gradient.len()];
        let mut scaled = vec![S::Real::of(0.0); nb * S::PLANES];
        debug_assert!(nk <= MAX_RADIAL);
        simd::dispatch(
            #[inline(always)]
            || {
                for (e, adj) in radial_adj.chunks_exact(nk * S::PLANES).enumerate() {
                    let r = S::get(S::row(&functions.geometry[e * GEOMETRY * S::PLANES..], GEOMETRY), 0);
                    let f = S::get(S::row(&functions.radial[e * nk * S::PLANES..], nk), nb);
                    let adj = S::row(adj, nk);
                    {
                        let mut scaled = S::row_mut(&mut scaled, nb);
                        for k in 0..nb {
                            S::set(&mut scaled, k, S::get(adj, k) * f);
                        }
                    }
                    self.basis.reverse_parameters::<S>(parameters, r, S::row(&scaled, nb), &mut sums);
                }
            },
        );
        for (g, s) in gradient.iter_mut().zip(sums) {
            *g += top(s);
        }
    }
}

impl<R: Real> EdgeFunctions<R> {
    /// Returns the buffers.
    pub fn recycle(self, scratch: &mut Scratch<R>) {
        for v in [self.radial, self.d_radial, self.harmonics, self.geometry] {
            scratch.put(v);
        }
    }
}

/// Distance and unit vector of an edge, computed in double precision before rounding to the network's.
#[inline(always)]
fn distance<S: Scalar>(v: [f64; 3], tangent: impl Fn() -> [f64; 3]) -> (S, [S; 3]) {
    let r = (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]).sqrt();
    let inverse = 1.0 / r;
    let u = v.map(|x| x * inverse);
    if S::PLANES == 1 {
        return (S::lit(r), u.map(S::lit));
    }
    let t = tangent();
    let dr = u[0] * t[0] + u[1] * t[1] + u[2] * t[2];
    let pair = |v: f64, d: f64| S::with_tangent(S::Real::of(v), S::Real::of(d));
    (pair(r, dr), std::array::from_fn(|k| pair(u[k], (t[k] - u[k] * dr) * inverse)))
}
