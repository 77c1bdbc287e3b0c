//! The basis in which neighbours are searched: the lattice reduced to short vectors, completed by unit normals
//! where the system does not repeat.

use crate::system::CLOSEST_APPROACH;
use crate::vector::{cross, dot, norm, reciprocal, volume};
use crate::{Cell, Error, Result};

/// A basis of the same lattice as the cell, fit for cutting space into slabs.
///
/// Periodic rows are Minkowski-reduced (no sum of them with coefficients -1, 0, 1 is shorter), so that a very
/// skewed cell costs no more than a compact one. Rows along which nothing repeats are replaced by unit vectors
/// normal to all periodic ones: the cell's own vector there has no meaning for distances and may be anything.
#[derive(Debug, Clone)]
pub(super) struct SearchBasis {
    /// Rows of the basis (angstrom).
    pub vectors: [[f64; 3]; 3],
    /// Rows with `fraction_a = x . reciprocal[a]` (1/angstrom).
    pub reciprocal: [[f64; 3]; 3],
    /// Distance between neighbouring lattice planes (angstrom).
    pub heights: [f64; 3],
    /// `vectors[a] = sum_b transform[a][b] cell[b]`.
    pub transform: [[i64; 3]; 3],
    /// Directions that repeat.
    pub periodic: [bool; 3],
}

impl SearchBasis {
    /// The search basis of a cell, or of empty space. Refuses periodic vectors that are not finite or not
    /// independent.
    pub fn new(cell: Option<&Cell>) -> Result<Self> {
        let periodic = cell.map_or([false; 3], |c| c.periodic);
        let given = cell.map_or([[0.0; 3]; 3], |c| c.vectors);
        if (0..3).any(|a| periodic[a] && given[a].iter().any(|x| !x.is_finite())) {
            return Err(Error::input("the cell has an entry that is not a finite number"));
        }
        let mut vectors = completed(given, periodic);
        let transform = reduce(&mut vectors, periodic);
        let volume = volume(vectors);
        let lengths: f64 = vectors.iter().map(|&v| norm(v)).product();
        if volume.abs() <= 1e-10 * lengths || !volume.is_finite() || lengths == 0.0 {
            return Err(Error::input(
                "the cell has no volume; give independent vectors along the periodic directions, or no cell for a \
                 molecule",
            ));
        }
        let reciprocal = reciprocal(vectors);
        let heights = reciprocal.map(|row| 1.0 / norm(row));
        Ok(Self { vectors, reciprocal, heights, transform, periodic })
    }

    /// Coordinates of `x` in this basis.
    pub fn fractions(&self, x: [f64; 3]) -> [f64; 3] {
        self.reciprocal.map(|row| dot(x, row))
    }

    /// The Cartesian vector of an integer combination of the basis.
    pub fn combine(&self, n: [i64; 3]) -> [f64; 3] {
        std::array::from_fn(|k| (0..3).map(|a| n[a] as f64 * self.vectors[a][k]).sum())
    }

    /// The same integer combination in terms of the cell's own vectors.
    pub fn in_cell(&self, n: [i64; 3]) -> [i64; 3] {
        std::array::from_fn(|b| (0..3).map(|a| n[a] * self.transform[a][b]).sum())
    }
}

/// Refuses a cell that no structure can have: vectors that are not finite or, along the periodic directions, not
/// independent, and a lattice that repeats within [`CLOSEST_APPROACH`] or is thinner than that. Vectors along
/// directions that do not repeat may be anything finite, zero too.
pub(crate) fn refuse_senseless_cell(cell: &Cell) -> Result<()> {
    if cell.vectors.iter().flatten().any(|x| !x.is_finite()) {
        return Err(Error::input("the cell has an entry that is not a finite number"));
    }
    let basis = SearchBasis::new(Some(cell))?;
    let smallest = |sizes: [f64; 3]| {
        (0..3).filter(|&a| cell.periodic[a]).map(|a| sizes[a]).fold(f64::INFINITY, f64::min)
    };
    for (size, what) in
        [(smallest(basis.vectors.map(norm)), "repeats every"), (smallest(basis.heights), "is as thin as")]
    {
        if size < CLOSEST_APPROACH {
            return Err(Error::input(format!(
                "the cell {what} {size:.3e} angstrom, less than {CLOSEST_APPROACH}; is it in another unit than \
                 angstrom, or its scale wrong?"
            )));
        }
    }
    Ok(())
}

/// The deformation that carries one cell to another, as `f` with `new = old f` (rows), or `None` if the two do not
/// repeat along the same directions. Directions that do not repeat are carried rigidly.
pub(super) fn deformation(old: Option<&Cell>, new: Option<&Cell>) -> Option<[[f64; 3]; 3]> {
    let periodic = |c: Option<&Cell>| c.map_or([false; 3], |c| c.periodic);
    if periodic(old) != periodic(new) {
        return None;
    }
    let identity = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    let (Some(old), Some(new)) = (old, new) else { return Some(identity) };
    if (0..3).all(|a| !old.periodic[a] || old.vectors[a] == new.vectors[a]) {
        return Some(identity);
    }
    let from = completed(old.vectors, old.periodic);
    let to = completed(new.vectors, new.periodic);
    let reciprocal = reciprocal(from);
    Some(std::array::from_fn(|k| std::array::from_fn(|l| (0..3).map(|a| reciprocal[a][k] * to[a][l]).sum())))
}

fn unit(a: [f64; 3]) -> [f64; 3] {
    let n = norm(a);
    a.map(|x| x / n)
}

/// Replaces the rows that do not repeat by unit vectors normal to the periodic rows and to each other.
fn completed(mut v: [[f64; 3]; 3], periodic: [bool; 3]) -> [[f64; 3]; 3] {
    match periodic.iter().filter(|&&p| p).count() {
        0 => [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        1 => {
            let a = periodic.iter().position(|&p| p).unwrap_or(0);
            // The axis least along the periodic row is the safest start for a normal.
            let k = (0..3).min_by(|&k, &l| v[a][k].abs().total_cmp(&v[a][l].abs())).unwrap_or(0);
            let axis = std::array::from_fn(|l| f64::from(u8::from(l == k)));
            v[(a + 1) % 3] = unit(cross(v[a], axis));
            v[(a + 2) % 3] = unit(cross(v[a], v[(a + 1) % 3]));
            v
        }
        2 => {
            let a = periodic.iter().position(|&p| !p).unwrap_or(0);
            v[a] = unit(cross(v[(a + 1) % 3], v[(a + 2) % 3]));
            v
        }
        _ => v,
    }
}

/// Shortens the periodic rows by adding integer multiples of each other and returns the transform. Every step
/// shortens a row, so it ends; should rounding keep it going, a partly reduced basis is as right, only slower.
fn reduce(v: &mut [[f64; 3]; 3], periodic: [bool; 3]) -> [[i64; 3]; 3] {
    let mut t = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
    for _ in 0..200 {
        let mut shorter = false;
        for a in (0..3).filter(|&a| periodic[a]) {
            let (b, c) = ((a + 1) % 3, (a + 2) % 3);
            let multiple = |o: usize| {
                let k = (dot(v[a], v[o]) / dot(v[o], v[o])).round();
                if k.is_finite() { k.clamp(-1e6, 1e6) as i64 } else { 0 }
            };
            let far = [(-multiple(b), 0), (0, -multiple(c))];
            let near = (-1..=1).flat_map(|p| (-1..=1).map(move |q| (p, q)));
            for (p, q) in far.into_iter().chain(near) {
                if (p != 0 && !periodic[b]) || (q != 0 && !periodic[c]) {
                    continue;
                }
                let trial: [f64; 3] =
                    std::array::from_fn(|k| v[a][k] + p as f64 * v[b][k] + q as f64 * v[c][k]);
                // The margin keeps cells with equal shortest vectors (hexagonal, fcc) as they were given.
                if dot(trial, trial) < dot(v[a], v[a]) * (1.0 - 1e-9) {
                    v[a] = trial;
                    t[a] = std::array::from_fn(|k| t[a][k] + p * t[b][k] + q * t[c][k]);
                    shorter = true;
                }
            }
        }
        if !shorter {
            break;
        }
    }
    t
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheared_cube_is_reduced_back_to_a_cube() {
        let cell = Cell::new([[5.0, 0.0, 0.0], [500.0, 5.0, 0.0], [-35.0, 45.0, 5.0]]);
        let basis = SearchBasis::new(Some(&cell)).unwrap();
        for a in 0..3 {
            assert!((basis.heights[a] - 5.0).abs() < 1e-9, "{:?}", basis.heights);
            let n: [i64; 3] = std::array::from_fn(|k| i64::from(k == a));
            let s = basis.in_cell(n).map(|x| i32::try_from(x).unwrap());
            let (x, y) = (basis.combine(n), cell.shift_vector(s));
            assert!((0..3).all(|k| (x[k] - y[k]).abs() < 1e-9));
        }
    }

    #[test]
    fn three_nearly_flat_vectors_are_reduced() {
        // Pairwise reduced, yet their sum is short.
        let (h, s) = (3f64.sqrt() / 2.0, 0.05);
        let cell = Cell::new([[1.0, 0.0, s], [-0.5, h, s], [-0.5, -h, s]]);
        let basis = SearchBasis::new(Some(&cell)).unwrap();
        assert!(basis.vectors.iter().any(|&v| norm(v) < 0.2));
    }

    #[test]
    fn vectors_that_do_not_repeat_do_not_matter() {
        let cell =
            Cell { vectors: [[3.0, 0.0, 0.0], [1.0, 4.0, 0.0], [0.0; 3]], periodic: [true, true, false] };
        assert_eq!(SearchBasis::new(Some(&cell)).unwrap().heights[2], 1.0);
        let flat = Cell::new(cell.vectors);
        assert!(SearchBasis::new(Some(&flat)).unwrap_err().message.contains("no volume"));
    }

    #[test]
    fn deformation_carries_the_old_cell_to_the_new_one() {
        let old = Cell::new([[3.0, 0.1, 0.0], [1.0, 4.0, 0.2], [0.3, 0.0, 5.0]]);
        let new = Cell::new([[3.1, 0.1, 0.0], [1.0, 3.9, 0.3], [0.3, 0.2, 5.1]]);
        let f = deformation(Some(&old), Some(&new)).unwrap();
        for a in 0..3 {
            for l in 0..3 {
                let x: f64 = (0..3).map(|k| old.vectors[a][k] * f[k][l]).sum();
                assert!((x - new.vectors[a][l]).abs() < 1e-12);
            }
        }
        assert!(deformation(Some(&old), None).is_none());
    }
}
