//! Everything about edges that does not depend on the features of atoms: radial functions times the cutoff, spherical
//! harmonics, and their reverse pass down to positions.

use crate::batch::Batch;
use crate::derivatives::distance;
use crate::network::Scratch;
use oxidane_math::harmonics::{geometry_reverse, harmonics, harmonics_reverse};
use oxidane_math::{Real, Scalar, simd};
use rayon::prelude::*;

/// Most spherical harmonics per edge: (4 + 1)^2.
pub const MAX_HARMONICS: usize = 25;
/// Edges per parallel task.
const TASK: usize = 512;
/// Reals per scalar of geometry: distance and unit vector.
pub const GEOMETRY: usize = 4;

/// The radial functions of an architecture, cutoff included.
pub trait RadialColumns: Sync {
    /// How many.
    fn columns(&self) -> usize;
    /// Writes the functions of the distance `r` and their derivatives. `parameters` are the weights among them.
    fn evaluate<S: Scalar>(
        &self,
        parameters: &[S::Real],
        r: S,
        values: &mut S::RowMut<'_>,
        slopes: &mut S::RowMut<'_>,
    );
}

/// Functions of the edges. Rows of planes: `radial` are the [`RadialColumns`] and `d_radial` their slopes, `harmonics` is Y_lm
/// of the edge's direction.
#[derive(Debug, Default)]
pub struct EdgeFunctions<R> {
    /// `[edges, planes, radial]`.
    pub radial: Vec<R>,
    /// Derivatives of `radial` with respect to the distance.
    pub d_radial: Vec<R>,
    /// `[edges, planes, harmonics]`.
    pub harmonics: Vec<R>,
    /// `[edges, planes, 4]`: distance, unit vector.
    pub geometry: Vec<R>,
}

/// What a reverse pass found of the distances of edges.
#[derive(Debug, Clone, Copy)]
pub enum DistanceAdjoint<'a, R> {
    /// The adjoints of their radial functions, `[edges, planes, radial]`.
    OfRadial(&'a [R]),
    /// Their own, `[edges, planes]`.
    Itself(&'a [R]),
}

/// Shapes and functions that make [`EdgeFunctions`].
#[derive(Debug, Clone)]
pub struct EdgeBasis<C> {
    /// Radial functions.
    pub columns: C,
    /// Largest degree of the harmonics, at most 4.
    pub l_max: usize,
}

impl<C: RadialColumns> EdgeBasis<C> {
    /// Number of radial functions.
    pub fn radial(&self) -> usize {
        self.columns.columns()
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
        let width = nk * S::PLANES;
        simd::dispatch(
            #[inline(always)]
            || {
                let rows = harm.chunks_exact_mut(ny * S::PLANES);
                for (t, (harm, geometry)) in
                    rows.zip(geometry.chunks_exact_mut(GEOMETRY * S::PLANES)).enumerate()
                {
                    let e = first + t;
                    let (r, u) = distance::<S>(batch.edges.vector[e], || tangent(e));
                    let mirror = batch.edges.mirror[e] as usize;
                    if (first..e).contains(&mirror) {
                        // The same distance to the bit.
                        let from = (mirror - first) * width;
                        radial.copy_within(from..from + width, t * width);
                        d_radial.copy_within(from..from + width, t * width);
                    } else {
                        let mut b = S::row_mut(&mut radial[t * width..], nk);
                        let mut db = S::row_mut(&mut d_radial[t * width..], nk);
                        self.columns.evaluate::<S>(parameters, r, &mut b, &mut db);
                    }
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
    /// adjoints of the mirror's distance and harmonics. Where one edge of a pair holds the adjoint of the distance for both, only the sum
    /// over the pair is that derivative, which is all that forces and virials take.
    pub fn reverse<S: Scalar>(
        &self,
        functions: &EdgeFunctions<S::Real>,
        distance_adj: DistanceAdjoint<'_, S::Real>,
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
                        let r_adj = match distance_adj {
                            DistanceAdjoint::Itself(all) => S::get(S::row(&all[e * p..], 1), 0),
                            DistanceAdjoint::OfRadial(all) => {
                                let d = S::row(&functions.d_radial[e * nk * p..], nk);
                                let a = S::row(&all[e * nk * p..], nk);
                                crate::layers::sum(
                                    nk,
                                    #[inline(always)]
                                    |k| S::get(a, k) * S::get(d, k),
                                )
                            }
                        };
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
}

impl<R: Real> EdgeFunctions<R> {
    /// Returns the buffers.
    pub fn recycle(self, scratch: &mut Scratch<R>) {
        for v in [self.radial, self.d_radial, self.harmonics, self.geometry] {
            scratch.put(v);
        }
    }
}
