//! [`Lattice`]: the images of an atom that a sphere holds.

use crate::geometry::{Geometry, cross, dot};
use oxidane_core::{Error, Result};

/// The translations of a crystal, or of a molecule, which has only the one by zero.
#[derive(Debug, Clone)]
pub struct Lattice(Option<Triangular>);

/// Lattice vectors in a frame in which the first lies along x and the second in the plane of x and y.
#[derive(Debug, Clone)]
struct Triangular {
    /// The lattice vectors as rows, in bohr.
    rows: [[f64; 3]; 3],
    /// The axes of the frame as rows.
    axes: [[f64; 3]; 3],
}

impl Lattice {
    /// Of the lattice vectors `rows` in bohr, `None` for a molecule. Refuses vectors that span no volume.
    pub fn new(rows: Option<[[f64; 3]; 3]>) -> Result<Self> {
        let Some(rows) = rows else { return Ok(Self(None)) };
        let unit = |v: [f64; 3]| v.map(|x| x / dot(v, v).sqrt());
        let normal = cross(rows[0], rows[1]);
        let volume = dot(normal, rows[2]).abs();
        let lengths: f64 = rows.iter().map(|&v| dot(v, v).sqrt()).product();
        if !(volume.is_finite() && volume > 1e-6 * lengths) {
            return Err(Error::input("the lattice vectors span no volume; give three independent ones"));
        }
        let (x, z) = (unit(rows[0]), unit(normal));
        Ok(Self(Some(Triangular { rows, axes: [x, cross(z, x), z] })))
    }

    /// Whether there are translations other than zero.
    pub fn is_periodic(&self) -> bool {
        self.0.is_some()
    }

    /// Calls `visit` with every v = `vector` + T with |v| at most `cutoff`, and its square, in a fixed order. Leaves
    /// out v = 0, an atom's distance from itself.
    #[inline(always)]
    pub fn for_each_image(&self, vector: [f64; 3], cutoff: f64, mut visit: impl FnMut([f64; 3], f64)) {
        let limit = cutoff * cutoff;
        let mut offer = |v: [f64; 3]| {
            let square = dot(v, v);
            if square <= limit && square > 1e-12 {
                visit(v, square);
            }
        };
        match &self.0 {
            None => offer(vector),
            Some(cell) => cell.for_each_within(vector, limit, offer),
        }
    }
}

impl Triangular {
    /// Offers a set of `vector` + T that holds all those of squared length up to `limit` and few more: layer by layer,
    /// row by row.
    fn for_each_within(&self, vector: [f64; 3], limit: f64, mut offer: impl FnMut([f64; 3])) {
        let component = |v, a: usize| dot(v, self.axes[a]);
        let step = |v: [f64; 3], a: usize, n: i64| -> [f64; 3] {
            std::array::from_fn(|k| v[k] + n as f64 * self.rows[a][k])
        };
        // The whole numbers n with (offset + n spacing)^2 <= left, generously.
        let range = |v, a: usize, left: f64| {
            let (offset, spacing) = (component(v, a), component(self.rows[a], a));
            let half = (left.max(0.0).sqrt() / spacing.abs()) + 1e-9;
            let center = -offset / spacing;
            (center - half).ceil() as i64..=(center + half).floor() as i64
        };
        for n2 in range(vector, 2, limit) {
            let layer = step(vector, 2, n2);
            let z = component(layer, 2);
            for n1 in range(layer, 1, limit - z * z) {
                let row = step(layer, 1, n1);
                let y = component(row, 1);
                for n0 in range(row, 0, limit - z * z - y * y) {
                    offer(step(row, 0, n0));
                }
            }
        }
    }
}

/// Calls `visit(i, j, v, |v|^2)` with v = x_j + T - x_i for all pairs within `cutoff`, i <= j, in a fixed order. An
/// atom i and its own images come as i = j, with both T and -T.
#[inline(always)]
pub fn for_each_pair(
    geometry: &Geometry,
    lattice: &Lattice,
    cutoff: f64,
    mut visit: impl FnMut(usize, usize, [f64; 3], f64),
) {
    let own = usize::from(!lattice.is_periodic());
    for (i, a) in geometry.positions.iter().enumerate() {
        for (j, b) in geometry.positions.iter().enumerate().skip(i + own) {
            let vector = std::array::from_fn(|k| b[k] - a[k]);
            lattice.for_each_image(vector, cutoff, |v, square| visit(i, j, v, square));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sphere_holds_the_same_images_as_brute_force() {
        let rows = [[3.0, 0.2, -0.4], [1.9, 4.0, 0.3], [-2.2, 1.0, 5.0]];
        let lattice = Lattice::new(Some(rows)).unwrap();
        for (vector, cutoff) in [([0.3, -0.5, 1.0], 9.0), ([0.0; 3], 12.0), ([2.9, 3.0, -2.0], 0.5)] {
            let mut met: Vec<[f64; 3]> = Vec::new();
            lattice.for_each_image(vector, cutoff, |v, _| met.push(v));
            // Planes of this lattice are at least 2.1 bohr apart: ten of them reach beyond every sphere here.
            let span = || (-10..=10).map(f64::from);
            let all: Vec<[f64; 3]> = span()
                .flat_map(|i| span().flat_map(move |j| span().map(move |k| [i, j, k])))
                .map(|n| {
                    std::array::from_fn(|k| {
                        vector[k] + n[0] * rows[0][k] + n[1] * rows[1][k] + n[2] * rows[2][k]
                    })
                })
                .filter(|&v| dot(v, v) <= cutoff * cutoff && dot(v, v) > 1e-12)
                .collect();
            assert_eq!(met.len(), all.len());
            // The two sums of the same vectors differ by rounding.
            let close = |a: &[f64; 3], b: &[f64; 3]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-10);
            assert!(all.iter().all(|a| met.iter().filter(|b| close(a, b)).count() == 1));
        }
    }

    #[test]
    fn flat_cells_are_refused() {
        let flat = Some([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 1.0, 0.0]]);
        assert!(Lattice::new(flat).unwrap_err().to_string().contains("span no volume"));
    }
}
