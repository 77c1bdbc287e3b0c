//! Matrices of scalars, a plane of reals after the other, and their products.

use oxidane_math::Scalar;
use oxidane_math::gemm::{Mat, gemm};
use std::marker::PhantomData;

/// A row-major matrix: all values, then all tangents.
#[derive(Debug, Clone)]
pub struct Matrix<S> {
    pub rows: usize,
    pub columns: usize,
    data: Vec<f64>,
    scalar: PhantomData<S>,
}

impl<S: Scalar<Real = f64>> Matrix<S> {
    /// Zeros.
    pub fn zero(rows: usize, columns: usize) -> Self {
        Self { rows, columns, data: vec![0.0; rows * columns * S::PLANES], scalar: PhantomData }
    }

    /// An element.
    #[inline(always)]
    pub fn get(&self, i: usize, j: usize) -> S {
        S::get(S::row(&self.data, self.rows * self.columns), i * self.columns + j)
    }

    /// Writes an element.
    #[inline(always)]
    pub fn set(&mut self, i: usize, j: usize, x: S) {
        let at = i * self.columns + j;
        S::set(&mut S::row_mut(&mut self.data, self.rows * self.columns), at, x);
    }

    /// A row, value and tangent slices.
    #[inline(always)]
    pub fn row(&self, i: usize) -> S::Row<'_> {
        let all = S::row(&self.data, self.rows * self.columns);
        S::part(all, i * self.columns, self.columns)
    }

    /// Adds another of the same shape.
    pub fn add(&mut self, other: &Self) {
        for (a, b) in self.data.iter_mut().zip(&other.data) {
            *a += b;
        }
    }

    fn plane(&self, k: usize) -> Mat<'_, f64> {
        let size = self.rows * self.columns;
        Mat::full(&self.data[k * size..(k + 1) * size], self.rows, self.columns)
    }

    /// The product with `b`.
    pub fn times(&self, b: &Self) -> Self {
        let mut out = Self::zero(self.rows, b.columns);
        out.products(|k| self.plane(k), |k| b.plane(k));
        out
    }

    /// The product with the transpose of `b`.
    pub fn times_transposed(&self, b: &Self) -> Self {
        let mut out = Self::zero(self.rows, b.rows);
        out.products(|k| self.plane(k), |k| b.plane(k).t());
        out
    }

    /// The product of the transpose with `b`.
    pub fn transposed_times(&self, b: &Self) -> Self {
        let mut out = Self::zero(self.columns, b.columns);
        out.products(|k| self.plane(k).t(), |k| b.plane(k));
        out
    }

    fn products<'a>(&mut self, a: impl Fn(usize) -> Mat<'a, f64>, b: impl Fn(usize) -> Mat<'a, f64>) {
        let stride = self.columns;
        let (value, tangent) = self.data.split_at_mut(self.rows * self.columns);
        gemm(value, stride, 0.0, a(0), b(0), 1.0);
        if S::PLANES == 2 {
            gemm(tangent, stride, 0.0, a(0), b(1), 1.0);
            gemm(tangent, stride, 1.0, a(1), b(0), 1.0);
        }
    }
}
