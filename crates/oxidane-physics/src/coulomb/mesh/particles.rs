//! Charges to the mesh, and the potential and its gradient back to the atoms.

use super::super::blocks::{add, run};
use super::super::lattice::Lattice;
use super::parameters::Grid;
use super::spline::{MOST, Spread};
use oxidane_math::{Scalar, simd};
use std::f64::consts::TAU;

/// Atoms handled as one unit of work.
const BLOCK: usize = 64;

/// Where the atoms are on the mesh.
#[derive(Debug, Clone)]
pub struct Particles<S> {
    grid: Grid,
    /// The derivatives of the position on the mesh along each axis by the position in space.
    axes: [[S; 3]; 3],
    spreads: Vec<[Spread<S>; 3]>,
    /// Atoms by their first point along the first axis, in order.
    by_plane: Vec<Vec<u32>>,
    parallel: bool,
}

impl<S: Scalar<Real = f64>> Particles<S> {
    pub fn new(lattice: &Lattice<S>, grid: Grid, positions: &[[S; 3]], parallel: bool) -> Self {
        let axes =
            std::array::from_fn(|a| lattice.reciprocal[a].map(|x| x.scale(grid.points[a] as f64 / TAU)));
        let tasks = positions.chunks(BLOCK).collect();
        let spreads = run(parallel, tasks, |positions: &[[S; 3]]| -> Vec<_> {
            positions.iter().map(|&x| spreads(lattice, grid, x)).collect()
        });
        let spreads: Vec<[Spread<S>; 3]> = spreads.concat();
        let mut by_plane = vec![Vec::new(); grid.points[0]];
        for (i, s) in spreads.iter().enumerate() {
            by_plane[s[0].first].push(i as u32);
        }
        Self { grid, axes, spreads, by_plane, parallel }
    }

    /// Writes the charges to the mesh, for each plane of numbers rows of `row`, of which the last are padding. Every plane of the mesh is the sum of
    /// what the atoms put there, in a fixed order.
    pub fn spread(&self, charges: &[S], row: usize, mesh: &mut [Vec<f64>]) {
        let [n0, n1, n2] = self.grid.points;
        let tasks: Vec<_> = planes_mut(mesh, n1 * row).into_iter().enumerate().collect();
        run(self.parallel, tasks, |(plane, mut out)| {
            out.iter_mut().for_each(|out| out.fill(0.0));
            for k in 0..self.grid.order {
                for &i in &self.by_plane[(plane + n0 * MOST - k) % n0] {
                    let at = &self.spreads[i as usize];
                    let q = charges[i as usize] * at[0].weights[k];
                    simd::dispatch(
                        #[inline(always)]
                        || add_plane(self.grid.order, q, at, n1, row, &mut out),
                    );
                }
            }
            for out in out {
                for line in out.chunks_exact_mut(row) {
                    let (inside, beyond) = line.split_at_mut(n2);
                    for (k, x) in beyond.iter().enumerate() {
                        inside[k % n2] += x;
                    }
                }
            }
        });
    }

    /// The potential of the mesh and its gradient in space at every atom.
    pub fn interpolate_all(&self, field: &[Vec<f64>], row: usize) -> Vec<[S; 4]> {
        let mut out = vec![[S::zero(); 4]; self.spreads.len()];
        let tasks: Vec<_> = out.chunks_mut(BLOCK).zip(self.spreads.chunks(BLOCK)).collect();
        run(self.parallel, tasks, |(out, spreads)| {
            for (out, at) in out.iter_mut().zip(spreads) {
                let [value, slopes @ ..] = simd::dispatch(
                    #[inline(always)]
                    || self.interpolate(field, row, at),
                );
                let mut gradient = [S::zero(); 3];
                for (axis, slope) in self.axes.iter().zip(slopes) {
                    add(&mut gradient, &axis.map(|x| slope * x));
                }
                *out = [value, gradient[0], gradient[1], gradient[2]];
            }
        });
        out
    }

    /// The potential and its slopes along the axes of the mesh.
    #[inline(always)]
    fn interpolate(&self, field: &[Vec<f64>], row: usize, at: &[Spread<S>; 3]) -> [S; 4] {
        match self.grid.order {
            4 => self.interpolate_with::<4>(field, row, at),
            5 => self.interpolate_with::<5>(field, row, at),
            6 => self.interpolate_with::<6>(field, row, at),
            7 => self.interpolate_with::<7>(field, row, at),
            _ => self.interpolate_with::<8>(field, row, at),
        }
    }

    #[inline(always)]
    fn interpolate_with<const ORDER: usize>(
        &self,
        field: &[Vec<f64>],
        row: usize,
        at: &[Spread<S>; 3],
    ) -> [S; 4] {
        let [n0, n1, _] = self.grid.points;
        // Sums over the mesh with each pair of factors along the first two axes, for every point along the last.
        let mut sums = [[S::zero(); ORDER]; 3];
        for a in 0..ORDER {
            let plane = (at[0].first + a) % n0;
            let mut inner = [[S::zero(); ORDER]; 2];
            for b in 0..ORDER {
                let start = (plane * n1 + (at[1].first + b) % n1) * row + at[2].first;
                let (w, s) = (at[1].weights[b], at[1].slopes[b]);
                let value = &field[0][start..start + ORDER];
                let tangent = if S::PLANES == 2 { &field[1][start..start + ORDER] } else { value };
                for c in 0..ORDER {
                    let x = S::with_tangent(value[c], tangent[c]);
                    inner[0][c] += w * x;
                    inner[1][c] += s * x;
                }
            }
            let (w, s) = (at[0].weights[a], at[0].slopes[a]);
            for c in 0..ORDER {
                sums[0][c] += w * inner[0][c];
                sums[1][c] += s * inner[0][c];
                sums[2][c] += w * inner[1][c];
            }
        }
        let mut out = [S::zero(); 4];
        for c in 0..ORDER {
            let (w, s) = (at[2].weights[c], at[2].slopes[c]);
            out[0] += w * sums[0][c];
            out[1] += w * sums[1][c];
            out[2] += w * sums[2][c];
            out[3] += s * sums[0][c];
        }
        out
    }
}

fn spreads<S: Scalar<Real = f64>>(lattice: &Lattice<S>, grid: Grid, x: [S; 3]) -> [Spread<S>; 3] {
    let angles = lattice.angles(x);
    std::array::from_fn(|a| {
        let points = grid.points[a];
        Spread::new(grid.order, angles[a].scale(points as f64 / TAU), points)
    })
}

/// The planes of all meshes, those of the same place together.
fn planes_mut(mesh: &mut [Vec<f64>], size: usize) -> Vec<Vec<&mut [f64]>> {
    let mut planes: Vec<Vec<&mut [f64]>> = Vec::new();
    for mesh in mesh {
        for (k, plane) in mesh.chunks_mut(size).enumerate() {
            match planes.get_mut(k) {
                Some(same) => same.push(plane),
                None => planes.push(vec![plane]),
            }
        }
    }
    planes
}

/// Adds `q` times the weights along the last two axes to a plane of the mesh.
#[inline(always)]
fn add_plane<S: Scalar<Real = f64>>(
    order: usize,
    q: S,
    at: &[Spread<S>; 3],
    n1: usize,
    row: usize,
    out: &mut [&mut [f64]],
) {
    match order {
        4 => add_plane_with::<S, 4>(q, at, n1, row, out),
        5 => add_plane_with::<S, 5>(q, at, n1, row, out),
        6 => add_plane_with::<S, 6>(q, at, n1, row, out),
        7 => add_plane_with::<S, 7>(q, at, n1, row, out),
        _ => add_plane_with::<S, 8>(q, at, n1, row, out),
    }
}

#[inline(always)]
fn add_plane_with<S: Scalar<Real = f64>, const ORDER: usize>(
    q: S,
    at: &[Spread<S>; 3],
    n1: usize,
    row: usize,
    out: &mut [&mut [f64]],
) {
    for b in 0..ORDER {
        let start = (at[1].first + b) % n1 * row + at[2].first;
        let w = q * at[1].weights[b];
        let terms: [S; ORDER] = std::array::from_fn(|c| w * at[2].weights[c]);
        for (x, term) in out[0][start..start + ORDER].iter_mut().zip(&terms) {
            *x += term.value();
        }
        if S::PLANES == 2 {
            for (x, term) in out[1][start..start + ORDER].iter_mut().zip(&terms) {
                *x += term.tangent();
            }
        }
    }
}
