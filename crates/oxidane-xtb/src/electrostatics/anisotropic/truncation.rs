//! What the reference program leaves out of the interaction of charges with dipoles.
//!
//! tblite 0.8.0 sums the damped interaction in real space over a parallelepiped of cells that reaches 100 bohr about
//! the nearest image of a pair of atoms. The damping falls as 6 R^3/r^6 times the vector v; beyond the parallelepiped
//! it averages to nothing but for the displacement d of the pair from the center, and what is left out is 6 R^3 K d
//! with K = 1/V times the integral of the gradient of v/r^6 over the outside: an integral over the faces. In all it is
//! of order 1e-7 hartree a cell. Which image is nearest changes smoothly: images whose squared distances differ by less
//! than 0.3 bohr^2 have a weight each.

use std::array::from_fn;

use oxidane_physics::geometry::{Derivatives, Geometry, cross, dot};

use super::super::central_cell::central_cell;
use super::super::ewald::repetitions;
use super::damping::Radii;
use super::pair::Moments;
use super::tensors::Tensors;

/// Cells are taken up to this distance in bohr.
const REACH: f64 = 100.0;

/// Images up to this much farther than the nearest one, in squared distance (bohr^2), have a weight.
const MARGIN: f64 = 0.3;

/// Images closer than this, in bohr, are an atom itself.
const SELF: f64 = 1e-4;

/// The lattice and the atoms in its central cell.
#[derive(Debug, Clone)]
pub struct Truncation {
    rows: [[f64; 3]; 3],
    positions: Vec<[f64; 3]>,
    /// K.
    tensor: [[f64; 3]; 3],
}

/// The displacement of a pair from the center of its parallelepiped.
struct Displacement {
    value: [f64; 3],
    /// The derivative of component a by component b of the vector between the atoms.
    by_vector: [[f64; 3]; 3],
    /// The derivative of component a by strain.
    by_strain: [[[f64; 3]; 3]; 3],
}

impl Truncation {
    /// For a crystal with the lattice vectors `rows`.
    pub fn new(geometry: &Geometry, rows: [[f64; 3]; 3]) -> Self {
        let mut tensor = [[0.0; 3]; 3];
        for_each_facet(&rows, |v, area| {
            let weight = -2.0 / dot(v, v).powi(3);
            for a in 0..3 {
                for b in 0..3 {
                    tensor[a][b] += weight * v[a] * area[b];
                }
            }
        });
        Self { rows, positions: central_cell(geometry.positions, &rows), tensor }
    }

    /// Adds what is left out of the interaction of all pairs.
    pub fn add_tensors(&self, radii: &Radii, tensors: &mut Tensors) {
        for i in 0..self.positions.len() {
            for j in i + 1..self.positions.len() {
                let d = self.displacement(i, j).value;
                let strength = 6.0 * radii.of_pair(i, j).powi(3);
                tensors.add(i, j, self.tensor.map(|row| strength * dot(row, d)), [0.0; 6]);
            }
        }
    }

    /// Adds its derivatives by positions and strain, and those by coordination numbers.
    pub fn add_derivatives(
        &self,
        radii: &Radii,
        moments: &[Moments],
        derivatives: &mut Derivatives,
        by_coordination: &mut [f64],
    ) {
        // The derivative by K.
        let mut by_tensor = [[0.0; 3]; 3];
        for (i, first) in moments.iter().enumerate() {
            for (j, second) in moments.iter().enumerate().skip(i + 1) {
                let radius = radii.of_pair(i, j);
                let dipole: [f64; 3] = from_fn(|a| {
                    6.0 * radius.powi(3) * (second.charge * first.dipole[a] - first.charge * second.dipole[a])
                });
                let d = self.displacement(i, j);
                let field: [f64; 3] = from_fn(|b| (0..3).map(|a| dipole[a] * self.tensor[a][b]).sum());
                let by_radius = 3.0 / radius * dot(field, d.value);
                by_coordination[i] += radii.carry(i, by_radius);
                by_coordination[j] += radii.carry(j, by_radius);
                for b in 0..3 {
                    let slope: f64 = (0..3).map(|a| field[a] * d.by_vector[a][b]).sum();
                    derivatives.gradient[i][b] -= slope;
                    derivatives.gradient[j][b] += slope;
                    for a in 0..3 {
                        by_tensor[a][b] += dipole[a] * d.value[b];
                        derivatives.strain[a][b] +=
                            (0..3).map(|c| field[c] * d.by_strain[c][a][b]).sum::<f64>();
                    }
                }
            }
        }
        self.add_strain(&by_tensor, derivatives);
    }

    /// The derivative by strain through K.
    fn add_strain(&self, by_tensor: &[[f64; 3]; 3], derivatives: &mut Derivatives) {
        for_each_facet(&self.rows, |v, area| {
            let r2 = dot(v, v);
            let weight = -2.0 / r2.powi(3);
            let along: [f64; 3] = from_fn(|a| dot(by_tensor[a], area));
            let across: [f64; 3] = from_fn(|b| (0..3).map(|a| by_tensor[a][b] * v[a]).sum());
            let value = dot(along, v);
            // Vectors v grow with the strain; areas over the volume, reciprocal vectors, shrink.
            let term =
                |a: usize, b: usize| along[a] * v[b] - across[a] * area[b] - 6.0 * value / r2 * v[a] * v[b];
            for a in 0..3 {
                for b in 0..3 {
                    derivatives.strain[a][b] += 0.5 * weight * (term(a, b) + term(b, a));
                }
            }
        });
    }

    /// The mean vector from atom `i` to the nearest images of atom `j`.
    fn displacement(&self, i: usize, j: usize) -> Displacement {
        let images = self.images(i, j);
        let nearest =
            images.iter().copied().min_by(|v, w| dot(*v, *v).total_cmp(&dot(*w, *w))).unwrap_or_default();
        let mut total = 0.0;
        let (mut sum, mut sum_by_vector) = ([0.0; 3], [[0.0; 3]; 3]);
        let (mut total_by_vector, mut total_by_strain) = ([0.0; 3], [[0.0; 3]; 3]);
        let mut sum_by_strain = [[[0.0; 3]; 3]; 3];
        for v in images {
            let [weight, slope] = weight(dot(v, v) - dot(nearest, nearest));
            if weight == 0.0 {
                continue;
            }
            total += weight;
            let by_vector: [f64; 3] = from_fn(|b| 2.0 * slope * (v[b] - nearest[b]));
            let by_strain: [[f64; 3]; 3] =
                from_fn(|a| from_fn(|b| 2.0 * slope * (v[a] * v[b] - nearest[a] * nearest[b])));
            for a in 0..3 {
                sum[a] += weight * v[a];
                total_by_vector[a] += by_vector[a];
                sum_by_vector[a][a] += weight;
                for b in 0..3 {
                    sum_by_vector[a][b] += v[a] * by_vector[b];
                    total_by_strain[a][b] += by_strain[a][b];
                    // x -> (1 + strain) x with a symmetric strain.
                    sum_by_strain[a][a][b] += 0.5 * weight * v[b];
                    sum_by_strain[a][b][a] += 0.5 * weight * v[b];
                    for c in 0..3 {
                        sum_by_strain[a][b][c] += v[a] * by_strain[b][c];
                    }
                }
            }
        }
        let value = sum.map(|x| x / total);
        Displacement {
            value,
            by_vector: from_fn(|a| {
                from_fn(|b| (sum_by_vector[a][b] - value[a] * total_by_vector[b]) / total)
            }),
            by_strain: from_fn(|a| {
                from_fn(|b| from_fn(|c| (sum_by_strain[a][b][c] - value[a] * total_by_strain[b][c]) / total))
            }),
        }
    }

    /// The vectors from atom `i` to the images of atom `j` in the central cell and the cells about it.
    fn images(&self, i: usize, j: usize) -> Vec<[f64; 3]> {
        let [a, b, c] = self.rows;
        let steps = [-1.0, 0.0, 1.0];
        let (from, to) = (self.positions[i], self.positions[j]);
        let mut images = Vec::with_capacity(27);
        for n0 in steps {
            for n1 in steps {
                for n2 in steps {
                    let v: [f64; 3] = from_fn(|k| to[k] - from[k] + n0 * a[k] + n1 * b[k] + n2 * c[k]);
                    if dot(v, v) > SELF * SELF {
                        images.push(v);
                    }
                }
            }
        }
        images
    }
}

/// The weight of an image and its derivative, as functions of how much farther than the nearest it is in squared
/// distance.
fn weight(excess: f64) -> [f64; 2] {
    let x = excess / MARGIN;
    if x >= 1.0 {
        return [0.0, 0.0];
    }
    let rest = x * (1.0 - x);
    [1.0 - x * x * x * (10.0 - x * (15.0 - 6.0 * x)), -30.0 * rest * rest / MARGIN]
}

/// Calls `visit` with a point and the outward area, over the volume of the cell, of each facet of three faces of the
/// parallelepiped. The facets are those of cells; the three other faces are opposite.
fn for_each_facet(rows: &[[f64; 3]; 3], mut visit: impl FnMut([f64; 3], [f64; 3])) {
    let bounds = repetitions(rows, REACH);
    let volume = dot(rows[0], cross(rows[1], rows[2]));
    for face in 0..3 {
        let (second, third) = ((face + 1) % 3, (face + 2) % 3);
        let area = cross(rows[second], rows[third]).map(|x| x / volume);
        let height = f64::from(bounds[face]) + 0.5;
        for n in -bounds[second]..=bounds[second] {
            for m in -bounds[third]..=bounds[third] {
                let (n, m) = (f64::from(n), f64::from(m));
                visit(from_fn(|k| height * rows[face][k] + n * rows[second][k] + m * rows[third][k]), area);
            }
        }
    }
}
