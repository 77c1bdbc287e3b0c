//! Orbitals of a Fock matrix: the full generalised eigenproblem, and cheap rotations of orbitals that are nearly right.

use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::linalg::triangular_inverse::invert_lower_triangular;
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Accum, Mat, MatRef, Par, Side};
use oxidane_core::{Error, Result};

/// Orbitals as columns over the basis, orthonormal under the overlap, with their levels.
#[derive(Debug, Clone)]
pub struct Orbitals {
    /// One column for each orbital.
    pub coefficients: Mat<f64>,
    /// Levels in hartree: ascending after a full solution, diagonal elements of the Fock matrix after a rotation.
    pub levels: Vec<f64>,
}

/// Solves F C = S C e for one overlap matrix S and many Fock matrices F.
#[derive(Debug)]
pub struct OrbitalSolver {
    /// L^-1 of S = L L^T.
    inverse: Mat<f64>,
    scratch: Mat<f64>,
    transformed: Mat<f64>,
}

/// A symmetric matrix stored by rows (or columns) as faer sees it.
pub fn symmetric(matrix: &[f64], n: usize) -> MatRef<'_, f64> {
    MatRef::from_column_major_slice(matrix, n, n)
}

impl OrbitalSolver {
    /// Factors the overlap matrix of `n` orbitals. Refuses one that is not positive definite: atoms that coincide.
    pub fn new(overlap: &[f64], n: usize) -> Result<Self> {
        let factor = symmetric(overlap, n).llt(Side::Lower).map_err(|_| {
            Error::input("GFN2-xTB: the orbitals are linearly dependent, because atoms (nearly) coincide; mend the geometry")
        })?;
        let mut inverse = Mat::zeros(n, n);
        invert_lower_triangular(inverse.as_mut(), factor.L(), Par::Seq);
        Ok(Self { inverse, scratch: Mat::zeros(n, n), transformed: Mat::zeros(n, n) })
    }

    /// All orbitals of `fock`, by ascending level.
    pub fn solve(&mut self, fock: &[f64]) -> Result<Orbitals> {
        let n = self.inverse.nrows();
        // L^-1 F L^-T, of which the lower triangle is enough.
        triangular::matmul(
            self.scratch.as_mut(),
            BlockStructure::Rectangular,
            Accum::Replace,
            self.inverse.as_ref(),
            BlockStructure::TriangularLower,
            symmetric(fock, n),
            BlockStructure::Rectangular,
            1.0,
            Par::Seq,
        );
        triangular::matmul(
            self.transformed.as_mut(),
            BlockStructure::TriangularLower,
            Accum::Replace,
            self.scratch.as_ref(),
            BlockStructure::Rectangular,
            self.inverse.transpose(),
            BlockStructure::TriangularUpper,
            1.0,
            Par::Seq,
        );
        let eigen = self.transformed.self_adjoint_eigen(Side::Lower).map_err(|_| not_found())?;
        let mut coefficients = Mat::zeros(n, n);
        triangular::matmul(
            coefficients.as_mut(),
            BlockStructure::Rectangular,
            Accum::Replace,
            self.inverse.transpose(),
            BlockStructure::TriangularUpper,
            eigen.U(),
            BlockStructure::Rectangular,
            1.0,
            Par::Seq,
        );
        Ok(Orbitals { coefficients, levels: eigen.S().column_vector().iter().copied().collect() })
    }

    /// Rotates the first `occupied` orbitals against the others by first-order perturbation theory, so that their space
    /// comes nearer to that of `fock` (J. J. P. Stewart, P. Csaszar, P. Pulay, J. Comput. Chem. 1982, 3, 227). Returns
    /// the largest angle, or `None`, leaving the orbitals alone, where levels of the two groups come too close for it.
    /// Levels of empty orbitals enter the angles alone and are brought up to date if `refresh` says so.
    pub fn rotate(
        &mut self,
        fock: &[f64],
        orbitals: &mut Orbitals,
        occupied: usize,
        least_gap: f64,
        refresh: bool,
    ) -> Option<f64> {
        let n = self.inverse.nrows();
        let fock = symmetric(fock, n);
        let (full, empty) = orbitals.coefficients.as_ref().split_at_col(occupied);
        let (mut fock_full, fock_empty) = self.scratch.as_mut().split_at_col_mut(occupied);
        matmul(fock_full.as_mut(), Accum::Replace, fock, full, 1.0, Par::Seq);
        diagonal(full, fock_full.as_ref(), &mut orbitals.levels[..occupied]);
        if refresh {
            let mut fock_empty = fock_empty;
            matmul(fock_empty.as_mut(), Accum::Replace, fock, empty, 1.0, Par::Seq);
            diagonal(empty, fock_empty.as_ref(), &mut orbitals.levels[occupied..]);
        }
        let (filled_levels, empty_levels) = orbitals.levels.split_at(occupied);
        let highest = filled_levels.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let lowest = empty_levels.iter().copied().fold(f64::INFINITY, f64::min);
        if lowest - highest < least_gap {
            return None;
        }
        let mut angles = Mat::zeros(n - occupied, occupied);
        matmul(angles.as_mut(), Accum::Replace, empty.transpose(), fock_full.as_ref(), -1.0, Par::Seq);
        for (i, &below) in filled_levels.iter().enumerate() {
            for (angle, &above) in angles.col_as_slice_mut(i).iter_mut().zip(empty_levels) {
                *angle /= above - below;
            }
        }
        let largest = angles.norm_max();
        turn(&mut orbitals.coefficients, angles.as_ref(), occupied, largest);
        Some(largest)
    }
}

/// The Fock matrix between the occupied orbitals and between the empty ones, where the two groups do not mix: what is
/// left to know of orbitals that were rotated, not solved for.
#[derive(Debug, Clone)]
pub struct Blocks {
    occupied: Mat<f64>,
    empty: Mat<f64>,
}

impl Blocks {
    /// The blocks of `fock` for `orbitals` of which the first `occupied` are.
    pub fn new(fock: &[f64], orbitals: &Orbitals, occupied: usize) -> Self {
        let n = orbitals.coefficients.nrows();
        let (full, empty) = orbitals.coefficients.as_ref().split_at_col(occupied);
        let block = |columns: MatRef<'_, f64>| {
            let mut product = Mat::zeros(n, columns.ncols());
            matmul(product.as_mut(), Accum::Replace, symmetric(fock, n), columns, 1.0, Par::Seq);
            let mut block = Mat::zeros(columns.ncols(), columns.ncols());
            matmul(block.as_mut(), Accum::Replace, columns.transpose(), product.as_ref(), 1.0, Par::Seq);
            block
        };
        Self { occupied: block(full), empty: block(empty) }
    }

    /// Whether all occupied levels are below all empty ones by `gap`, half of it on either side of the middle between
    /// the diagonal elements.
    pub fn are_apart(&self, gap: f64) -> bool {
        let diagonal = |m: &Mat<f64>| m.diagonal().column_vector().iter().copied().collect::<Vec<f64>>();
        let highest = diagonal(&self.occupied).into_iter().fold(f64::NEG_INFINITY, f64::max);
        let lowest = diagonal(&self.empty).into_iter().fold(f64::INFINITY, f64::min);
        let middle = 0.5 * (highest + lowest);
        let positive = |m: &Mat<f64>, sign: f64| {
            let n = m.nrows();
            let shift = Mat::from_fn(n, n, |i, j| {
                sign * m[(i, j)] - if i == j { sign * middle + 0.5 * gap } else { 0.0 }
            });
            shift.llt(Side::Lower).is_ok()
        };
        positive(&self.empty, 1.0) && positive(&self.occupied, -1.0)
    }

    /// All levels: the occupied ones, ascending, then the empty ones.
    pub fn levels(&self) -> Result<Vec<f64>> {
        let mut levels = Vec::with_capacity(self.occupied.nrows() + self.empty.nrows());
        for block in [&self.occupied, &self.empty] {
            levels.extend(block.self_adjoint_eigenvalues(Side::Lower).map_err(|_| not_found())?);
        }
        Ok(levels)
    }

    /// The energy-weighted density of doubly occupied `orbitals`, 2 C F C^T over the occupied ones, into `out`.
    pub fn weighted_density(&self, orbitals: &Orbitals, out: &mut [f64]) {
        let columns = orbitals.coefficients.as_ref().subcols(0, self.occupied.nrows());
        symmetric_product(2.0, (columns * &self.occupied).as_ref(), columns, out);
    }
}

fn not_found() -> Error {
    Error::not_converged("GFN2-xTB: the eigenvalues of the Fock matrix could not be found; mend the geometry")
}

/// The elements c F c^T of columns c and their products F c.
fn diagonal(columns: MatRef<'_, f64>, products: MatRef<'_, f64>, out: &mut [f64]) {
    for (i, out) in out.iter_mut().enumerate() {
        *out = columns.col(i).transpose() * products.col(i);
    }
}

/// Below this angle the second order is enough to keep turned columns orthonormal to 1e-13.
const SMALL_ANGLE: f64 = 1e-4;

/// Turns orthonormal columns by the `angles` X, at most `largest`, between the first `occupied` and the rest:
/// (C_o + C_v X) and (C_v - C_o X^T), both made orthonormal again. Their overlaps are M = 1 + X^T X and 1 + X X^T, whose
/// inverse square root is 1 - (M - 1)/2 for small angles.
fn turn(columns: &mut Mat<f64>, angles: MatRef<'_, f64>, occupied: usize, largest: f64) {
    let (first, rest) = columns.as_ref().split_at_col(occupied);
    let (mut new_first, mut new_rest) = (first.to_owned(), rest.to_owned());
    matmul(new_first.as_mut(), Accum::Add, rest, angles, 1.0, Par::Seq);
    matmul(new_rest.as_mut(), Accum::Add, first, angles.transpose(), -1.0, Par::Seq);
    let excess = [angles.transpose() * angles, angles * angles.transpose()];
    for ((new, excess), start) in [new_first, new_rest].iter_mut().zip(excess).zip([0, occupied]) {
        let mut target = columns.as_mut().subcols_mut(start, new.ncols());
        target.copy_from(&*new);
        if largest < SMALL_ANGLE {
            matmul(target, Accum::Add, new.as_ref(), excess.as_ref(), -0.5, Par::Seq);
        } else {
            let metric = excess + Mat::<f64>::identity(new.ncols(), new.ncols());
            // 1 + X^T X is positive definite whatever X is.
            let factor = metric.llt(Side::Lower).expect("finite angles");
            solve_lower_triangular_in_place(factor.L(), target.transpose_mut(), Par::Seq);
        }
    }
}

/// The matrix sum over orbitals of weight times c c^T, row-major (symmetric), into `out`. Orbitals beyond the last with
/// a weight cost nothing.
pub fn weighted_density(orbitals: &Orbitals, weights: &[f64], out: &mut [f64]) {
    let used = weights.iter().rposition(|&w| w != 0.0).map_or(0, |last| last + 1);
    let plain = orbitals.coefficients.as_ref().subcols(0, used);
    let mut scaled = plain.to_owned();
    for (i, &weight) in weights[..used].iter().enumerate() {
        scaled.col_as_slice_mut(i).iter_mut().for_each(|c| *c *= weight);
    }
    symmetric_product(1.0, scaled.as_ref(), plain, out);
}

/// The symmetric product `factor` A B^T, row-major, into `out`.
fn symmetric_product(factor: f64, a: MatRef<'_, f64>, b: MatRef<'_, f64>, out: &mut [f64]) {
    let n = a.nrows();
    let mut out = faer::MatMut::from_column_major_slice_mut(out, n, n);
    triangular::matmul(
        out.as_mut(),
        BlockStructure::TriangularLower,
        Accum::Replace,
        a,
        BlockStructure::Rectangular,
        b.transpose(),
        BlockStructure::Rectangular,
        factor,
        Par::Seq,
    );
    for j in 0..n {
        for i in 0..j {
            out[(i, j)] = out[(j, i)];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A symmetric matrix without structure, plus a spread diagonal.
    fn example(n: usize, spread: f64) -> Vec<f64> {
        let mut m = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..n {
                m[i * n + j] = 0.05 * ((i * j) as f64 + 0.3 * (i + j) as f64).sin();
            }
            m[i * n + i] += spread * i as f64 + 1.0;
        }
        m
    }

    fn residual(fock: &[f64], overlap: &[f64], orbitals: &Orbitals, n: usize) -> f64 {
        let c = orbitals.coefficients.as_ref();
        let levels = Mat::from_fn(n, n, |i, j| if i == j { orbitals.levels[i] } else { 0.0 });
        (symmetric(fock, n) * c - symmetric(overlap, n) * c * levels).norm_max()
    }

    #[test]
    fn eigenvectors_solve_the_generalised_problem() {
        let n = 12;
        let (fock, overlap) = (example(n, 0.3), example(n, 0.0));
        let orbitals = OrbitalSolver::new(&overlap, n).unwrap().solve(&fock).unwrap();
        assert!(residual(&fock, &overlap, &orbitals, n) < 1e-13);
    }

    /// Rotations from the orbitals of a neighbouring matrix end in the space of the full solution.
    #[test]
    fn rotations_reach_the_full_solution() {
        let (n, occupied) = (14, 6);
        let overlap = example(n, 0.0);
        let mut fock = example(n, 0.3);
        let mut solver = OrbitalSolver::new(&overlap, n).unwrap();
        let mut orbitals = solver.solve(&fock).unwrap();
        for i in 0..n {
            for j in 0..n {
                fock[i * n + j] += 0.01 * (((i + 1) * (j + 1)) as f64).cos();
            }
        }
        let exact = solver.solve(&fock).unwrap();
        for _ in 0..12 {
            solver.rotate(&fock, &mut orbitals, occupied, 0.01, true).unwrap();
        }
        let blocks = Blocks::new(&fock, &orbitals, occupied);
        let difference = largest(&blocks.levels().unwrap(), &exact.levels);
        assert!(difference < 1e-12, "{difference}");
        let (mut found, mut expected) = (vec![0.0; n * n], vec![0.0; n * n]);
        blocks.weighted_density(&orbitals, &mut found);
        let weights: Vec<f64> = exact.levels[..occupied].iter().map(|e| 2.0 * e).collect();
        weighted_density(&exact, &weights, &mut expected);
        assert!(largest(&found, &expected) < 1e-12);
        let gap = exact.levels[occupied] - exact.levels[occupied - 1];
        assert!(blocks.are_apart(0.5 * gap) && !blocks.are_apart(1.01 * gap));
    }

    fn largest(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn dependent_orbitals_are_refused() {
        assert!(OrbitalSolver::new(&[1.0, 1.0, 1.0, 1.0], 2).is_err());
    }
}
