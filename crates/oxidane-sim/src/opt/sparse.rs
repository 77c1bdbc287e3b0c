//! A symmetric matrix of 3x3 blocks that can be solved: by Cholesky factors while it is small, else by conjugate
//! gradients.

use faer::linalg::solvers::{Llt, Solve};
use faer::{Mat, MatMut, Side};

use crate::vector::{Matrix, apply, dot, inverse};

/// Largest number of rows that is factorised as a full matrix.
const LARGEST_FULL: usize = 2400;
/// Relative residual at which conjugate gradients stop.
const RESIDUAL: f64 = 1e-8;

/// The inverse of a symmetric positive definite block matrix.
pub(super) enum BlockSolver {
    Cholesky(Llt<f64>),
    Iterative { rows: Vec<Vec<(usize, Matrix)>>, diagonal: Vec<Matrix> },
}

impl BlockSolver {
    /// From sums of blocks (row, column, block), both triangles given. `None` if the matrix is not positive definite.
    pub fn new(size: usize, mut blocks: Vec<(usize, usize, Matrix)>) -> Option<Self> {
        blocks.sort_by_key(|b| (b.0, b.1)); // stable: the order of summation is that of the list
        let mut rows: Vec<Vec<(usize, Matrix)>> = vec![Vec::new(); size];
        for (i, j, block) in blocks {
            match rows[i].last_mut() {
                Some((last, sum)) if *last == j => {
                    sum.as_flattened_mut().iter_mut().zip(block.as_flattened()).for_each(|(s, b)| *s += b);
                }
                _ => rows[i].push((j, block)),
            }
        }
        if 3 * size <= LARGEST_FULL { Self::factorise(&rows) } else { Self::iterative(rows) }
    }

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
        crate::vector::axpy(alpha, &search, v);
        crate::vector::axpy(-alpha, &image, &mut residual);
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

    #[test]
    fn both_ways_solve_alike() {
        // A ring of springs along random directions, on a soft ground.
        let (n, mut next) = (20, noise(4));
        let mut blocks: Vec<(usize, usize, Matrix)> = Vec::new();
        for i in 0..n {
            let u = [next(), next(), next()];
            let block: Matrix = std::array::from_fn(|a| std::array::from_fn(|b| u[a] * u[b]));
            let minus = block.map(|r| r.map(|x| -x));
            let j = (i + 1) % n;
            blocks.extend([(i, i, block), (j, j, block), (i, j, minus), (j, i, minus)]);
            blocks.push((
                i,
                i,
                std::array::from_fn(|a| std::array::from_fn(|b| if a == b { 0.1 } else { 0.0 })),
            ));
        }
        let Some(BlockSolver::Cholesky(factor)) = BlockSolver::new(n, blocks.clone()) else { panic!() };
        let mut rows = vec![Vec::new(); n];
        blocks.iter().for_each(|(i, j, b)| rows[*i].push((*j, *b)));
        for (i, row) in rows.iter_mut().enumerate() {
            let mut sum = [[0.0; 3]; 3];
            row.iter()
                .filter(|(j, _)| *j == i)
                .for_each(|(_, b)| (0..9).for_each(|k| sum[k / 3][k % 3] += b[k / 3][k % 3]));
            row.retain(|(j, _)| *j != i);
            row.push((i, sum));
        }
        let iterative = BlockSolver::iterative(rows).unwrap();
        let v: Vec<f64> = (0..3 * n).map(|_| next()).collect();
        let (mut a, mut b) = (v.clone(), v);
        BlockSolver::Cholesky(factor).solve(&mut a);
        iterative.solve(&mut b);
        // The residual limit times the condition number, about 40.
        a.iter().zip(&b).for_each(|(a, b)| assert!((a - b).abs() < 1e-5, "{a} {b}"));
    }
}
