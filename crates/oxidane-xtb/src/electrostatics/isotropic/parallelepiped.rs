//! The sums of 1/r^5 and 1/r^7 over a parallelepiped of cells.
//!
//! These sums converge, but slowly. The reference program, tblite 0.8.0, cuts them off hard: for two atoms of the
//! central cell (fractional coordinates from 0 to 1) it takes the images that are displaced by up to n_a cells along
//! lattice vector a, where n_a cells reach 40 bohr. What is missing is of order 1e-5 hartree a cell, so its recipe is a
//! part of what its energy means, and is followed here. With it comes that the energy steps by about 1e-6 hartree where
//! an atom leaves the cell on one side and comes back on the other, and where n_a changes.

use std::array::from_fn;

use oxidane_math::simd;
use oxidane_physics::geometry::Geometry;

use super::super::PairSlopes;
use super::super::central_cell::central_cell;
use super::super::ewald::repetitions;

/// Cells are taken up to this distance in bohr.
const REACH: f64 = 40.0;

/// Images that are summed at once.
const LANES: usize = 8;

/// Where the lanes beyond the last image are put, in bohr.
const NOWHERE: f64 = 1e100;

/// The images of all pairs of atoms.
pub struct Parallelepiped {
    /// Lattice translations along the axes, filled up to whole lanes.
    translations: [Vec<f64>; 3],
    /// The atoms in the central cell.
    positions: Vec<[f64; 3]>,
}

impl Parallelepiped {
    /// For a crystal with the lattice vectors `rows`.
    pub fn new(geometry: &Geometry, rows: &[[f64; 3]; 3]) -> Self {
        let [n0, n1, n2] = repetitions(rows, REACH);
        let mut translations: [Vec<f64>; 3] = from_fn(|_| Vec::new());
        for i in -n0..=n0 {
            for j in -n1..=n1 {
                for k in -n2..=n2 {
                    let n = [i, j, k].map(f64::from);
                    for (a, column) in translations.iter_mut().enumerate() {
                        column.push(n[0] * rows[0][a] + n[1] * rows[1][a] + n[2] * rows[2][a]);
                    }
                }
            }
        }
        let full = translations[0].len().next_multiple_of(LANES);
        translations.iter_mut().for_each(|column| column.resize(full, NOWHERE));
        Self { translations, positions: central_cell(geometry.positions, rows) }
    }

    /// The sums of 1/r^5 and 1/r^7 over the images of atom `j` about atom `i`, other than itself.
    pub fn powers(&self, i: usize, j: usize) -> [f64; 2] {
        let vector = self.vector(i, j);
        let mut sums = [[0.0; LANES]; 2];
        simd::dispatch(
            #[inline(always)]
            || {
                self.for_each_lanes(vector, |_, inverse| {
                    for l in 0..LANES {
                        let fifth = inverse[l] * inverse[l] * inverse[l].sqrt();
                        sums[0][l] += fifth;
                        sums[1][l] += fifth * inverse[l];
                    }
                });
            },
        );
        sums.map(|s| s.iter().sum())
    }

    /// The derivatives of the sum of p/r^5 + q/r^7.
    pub fn slopes(&self, i: usize, j: usize, [p, q]: [f64; 2]) -> PairSlopes {
        let vector = self.vector(i, j);
        let mut sums = [[0.0; LANES]; 9];
        simd::dispatch(
            #[inline(always)]
            || {
                self.for_each_lanes(vector, |v, inverse| {
                    for l in 0..LANES {
                        let fourth = inverse[l] * inverse[l];
                        let slope =
                            -(5.0 * p + 7.0 * q * inverse[l]) * fourth * inverse[l] * inverse[l].sqrt();
                        let [x, y, z] = [v[0][l], v[1][l], v[2][l]];
                        let terms = [x, y, z, x * x, x * y, y * y, x * z, y * z, z * z];
                        for (sum, term) in sums.iter_mut().zip(terms) {
                            sum[l] += slope * term;
                        }
                    }
                });
            },
        );
        let sums = sums.map(|s| s.iter().sum::<f64>());
        PairSlopes { by_vector: from_fn(|a| sums[a]), by_strain: from_fn(|a| sums[3 + a]) }
    }

    /// Calls `visit` with the components of vectors and the inverse squares of their lengths, zero for an atom itself.
    #[inline(always)]
    fn for_each_lanes(&self, vector: [f64; 3], mut visit: impl FnMut(&[[f64; LANES]; 3], &[f64; LANES])) {
        let [x, y, z] = &self.translations;
        for ((x, y), z) in x.chunks_exact(LANES).zip(y.chunks_exact(LANES)).zip(z.chunks_exact(LANES)) {
            let v: [[f64; LANES]; 3] =
                [from_fn(|l| vector[0] + x[l]), from_fn(|l| vector[1] + y[l]), from_fn(|l| vector[2] + z[l])];
            let inverse = from_fn(|l| {
                let square = v[0][l] * v[0][l] + v[1][l] * v[1][l] + v[2][l] * v[2][l];
                if square > 1e-12 { 1.0 / square } else { 0.0 }
            });
            visit(&v, &inverse);
        }
    }

    fn vector(&self, i: usize, j: usize) -> [f64; 3] {
        from_fn(|a| self.positions[j][a] - self.positions[i][a])
    }
}
