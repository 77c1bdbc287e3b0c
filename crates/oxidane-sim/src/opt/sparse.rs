//! A symmetric matrix of 3x3 blocks that can be solved: by Cholesky factors while it is small, else by conjugate
//! gradients.

use faer::linalg::solvers::{Llt, Solve};
use faer::{Mat, MatMut, Side};

use crate::vector::{Matrix, apply, axpy, dot, inverse};

/// Largest number of rows that is factorised as a full matrix.
const LARGEST_FULL: usize = 900;
/// Relative residual at which conjugate gradients stop.
const RESIDUAL: f64 = 1e-8;

/// A symmetric matrix as the blocks of each row that are not zero, in the order in which they were first added to.
pub(super) struct BlockMatrix {
    rows: Vec<Vec<(usize, Matrix)>>,
}

impl BlockMatrix {
    /// Zero, of `size` by `size` blocks.
    pub fn zero(size: usize) -> Self {
        Self { rows: vec![Vec::new(); size] }
    }

    /// Adds to one block. Both triangles must be given.
    pub fn add(&mut self, i: usize, j: usize, block: &Matrix) {
        let row = &mut self.rows[i];
        match row.iter_mut().find(|(column, _)| *column == j) {
            Some((_, sum)) => {
                sum.as_flattened_mut().iter_mut().zip(block.as_flattened()).for_each(|(s, b)| *s += b)
            }
            None => row.push((j, *block)),
        }
    }

    /// Ready to be solved; `None` if it is not positive definite.
    pub fn solver(self) -> Option<BlockSolver> {
        if 3 * self.rows.len() <= LARGEST_FULL {
            BlockSolver::factorise(&self.rows)
        } else {
            BlockSolver::iterative(self.rows)
        }
    }
}

/// The inverse of a symmetric positive definite block matrix.
pub(super) enum BlockSolver {
    Cholesky(Llt<f64>),
    Iterative { rows: Vec<Vec<(usize, Matrix)>>, diagonal: Vec<Matrix> },
}

impl BlockSolver {
    fn factorise(rows: &[Vec<(usize, Matrix)>]) -> Option<Self> {
        let mut full = Mat::<f64>::zeros(3 * rows.len(), 3 * rows.len());
        for (i, row) in rows.iter().enumerate() {
            for (j, block) in row {
                for k in 0..9 {
                    full[(3 * i + k / 3, 3 * j + k % 3)] = block[k / 3][k % 3];
                }
            }
        }
        full.llt(Side::Lower).ok().map(Self::Cholesky)
    }

    fn iterative(rows: Vec<Vec<(usize, Matrix)>>) -> Option<Self> {
        let diagonal = rows
            .iter()
            .enumerate()
            .map(|(i, row)| row.iter().find(|(j, _)| *j == i).and_then(|(_, b)| inverse(b)))
            .collect::<Option<_>>()?;
        Some(Self::Iterative { rows, diagonal })
    }

    /// Replaces `v` by the solution for right-hand side `v`.
    pub fn solve(&self, v: &mut [f64]) {
        match self {
            Self::Cholesky(factor) => {
                let n = v.len();
                factor.solve_in_place(MatMut::from_column_major_slice_mut(v, n, 1));
            }
            Self::Iterative { rows, diagonal } => conjugate_gradients(rows, diagonal, v),
        }
    }
}

/// Conjugate gradients preconditioned by the diagonal blocks (Golub and Van Loan, algorithm 11.5.1).
fn conjugate_gradients(rows: &[Vec<(usize, Matrix)>], diagonal: &[Matrix], v: &mut [f64]) {
    let mut residual = v.to_vec();
    let target = RESIDUAL * RESIDUAL * dot(v, v);
    v.fill(0.0);
    let precondition = |r: &[f64]| -> Vec<f64> {
        r.as_chunks::<3>().0.iter().zip(diagonal).flat_map(|(r, d)| apply(d, r)).collect()
    };
    let mut z = precondition(&residual);
    let mut search = z.clone();
    let mut rz = dot(&residual, &z);
    for _ in 0..residual.len() {
        if dot(&residual, &residual) <= target {
            break;
        }
        let image = multiply_rows(rows, &search);
        let alpha = rz / dot(&search, &image);
        axpy(alpha, &search, v);
        axpy(-alpha, &image, &mut residual);
        z = precondition(&residual);
        let rz_new = dot(&residual, &z);
        search.iter_mut().zip(&z).for_each(|(s, z)| *s = z + rz_new / rz * *s);
        rz = rz_new;
    }
}

fn multiply_rows(rows: &[Vec<(usize, Matrix)>], x: &[f64]) -> Vec<f64> {
    let x = x.as_chunks::<3>().0;
    let mut out = Vec::with_capacity(3 * x.len());
    for row in rows {
        let mut sum = [0.0; 3];
        for (j, block) in row {
            let part = apply(block, &x[*j]);
            (0..3).for_each(|k| sum[k] += part[k]);
        }
        out.extend(sum);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::noise;
    use crate::vector::IDENTITY;

    #[test]
    fn both_ways_solve_alike() {
        // A ring of springs along random directions, on a soft ground.
        let (n, mut next) = (20, noise(4));
        let mut matrix = BlockMatrix::zero(n);
        for i in 0..n {
            let u = [next(), next(), next()];
            let block = u.map(|a| u.map(|b| a * b));
            let minus = block.map(|r| r.map(|x| -x));
            let j = (i + 1) % n;
            [(i, i, block), (j, j, block), (i, j, minus), (j, i, minus)]
                .iter()
                .for_each(|(i, j, b)| matrix.add(*i, *j, b));
            matrix.add(i, i, &IDENTITY.map(|r| r.map(|x| 0.1 * x)));
        }
        let full = BlockSolver::factorise(&matrix.rows).unwrap();
        let iterative = BlockSolver::iterative(matrix.rows).unwrap();
        let v: Vec<f64> = (0..3 * n).map(|_| next()).collect();
        let (mut a, mut b) = (v.clone(), v);
        full.solve(&mut a);
        iterative.solve(&mut b);
        // The residual limit times the condition number, about 40.
        a.iter().zip(&b).for_each(|(a, b)| assert!((a - b).abs() < 1e-5, "{a} {b}"));
    }
}
