//! The damping of multipoles in a crystal, summed over the images of a pair of atoms.

use std::array::from_fn;

use oxidane_math::simd;
use oxidane_physics::lattice::Lattice;

use super::super::PairSlopes;
use super::pair::{Coupling, DAMPING_SWITCH, Radial, Term};

/// Images that are summed at once.
const LANES: usize = 8;

/// Where the lanes beyond the last image are put along x, in bohr: behind the switch.
const NOWHERE: f64 = 1e4;

/// The images of one atom about another, filled up to whole lanes.
#[derive(Default)]
pub struct Images {
    x: [Vec<f64>; 3],
}

impl Images {
    /// Takes the images at `vector` and all translations of it within the reach of the damping.
    pub fn gather(&mut self, lattice: &Lattice, vector: [f64; 3]) {
        self.x.iter_mut().for_each(Vec::clear);
        lattice.for_each_image(vector, DAMPING_SWITCH[1], |v, _| {
            for (column, x) in self.x.iter_mut().zip(v) {
                column.push(x);
            }
        });
        let full = self.x[0].len().next_multiple_of(LANES);
        self.x.iter_mut().for_each(|column| column.resize(full, NOWHERE));
    }

    /// What the damping takes from S and D (see [`Tensors`](super::tensors::Tensors)).
    pub fn tensors(&self, radius: f64) -> ([f64; 3], [f64; 6]) {
        let sums = self.sum(
            radius,
            #[inline(always)]
            |x, radial| {
                let (s, d) = radial.tensors(x);
                [s[0], s[1], s[2], d[0], d[1], d[2], d[3], d[4], d[5]]
            },
        );
        (from_fn(|a| sums[a]), from_fn(|a| sums[3 + a]))
    }

    /// The derivatives of what the damping takes from the energy of two atoms, and that by the damping radius.
    pub fn slopes(&self, radius: f64, coupling: &Coupling) -> (PairSlopes, f64) {
        let sums = self.sum(
            radius,
            #[inline(always)]
            |vector, radial| {
                let slopes = radial.derivatives(vector, coupling);
                let ([x, y, z], [p, q, r]) = (vector, slopes.by_vector);
                [
                    p,
                    q,
                    r,
                    p * x,
                    0.5 * (p * y + q * x),
                    q * y,
                    0.5 * (p * z + r * x),
                    0.5 * (q * z + r * y),
                    r * z,
                    slopes.by_radius,
                ]
            },
        );
        (PairSlopes { by_vector: from_fn(|a| sums[a]), by_strain: from_fn(|a| sums[3 + a]) }, sums[9])
    }

    /// Sums what `terms` makes of the vector to each image and the functions of its length.
    #[inline(always)]
    fn sum<const N: usize>(&self, radius: f64, terms: impl Fn([f64; 3], &Radial) -> [f64; N]) -> [f64; N] {
        let mut sums = [[0.0; LANES]; N];
        simd::dispatch(
            #[inline(always)]
            || {
                let [x, y, z] = &self.x;
                for ((x, y), z) in x.chunks_exact(LANES).zip(y.chunks_exact(LANES)).zip(z.chunks_exact(LANES))
                {
                    // Loop by loop through arrays, so that each vectorises.
                    let mut radial = [[0.0; LANES]; 9];
                    for l in 0..LANES {
                        let Radial { a, b, c } =
                            Radial::correction(x[l] * x[l] + y[l] * y[l] + z[l] * z[l], radius);
                        radial[0][l] = a.value;
                        radial[1][l] = a.slope;
                        radial[2][l] = a.by_radius;
                        radial[3][l] = b.value;
                        radial[4][l] = b.slope;
                        radial[5][l] = b.by_radius;
                        radial[6][l] = c.value;
                        radial[7][l] = c.slope;
                        radial[8][l] = c.by_radius;
                    }
                    let mut values = [[0.0; LANES]; N];
                    for l in 0..LANES {
                        let term = |k: usize| Term {
                            value: radial[k][l],
                            slope: radial[k + 1][l],
                            by_radius: radial[k + 2][l],
                        };
                        let found = terms([x[l], y[l], z[l]], &Radial { a: term(0), b: term(3), c: term(6) });
                        for k in 0..N {
                            values[k][l] = found[k];
                        }
                    }
                    for k in 0..N {
                        for l in 0..LANES {
                            sums[k][l] += values[k][l];
                        }
                    }
                }
            },
        );
        sums.map(|s| s.iter().sum())
    }
}
