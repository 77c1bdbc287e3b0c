//! Matrix products on strided views, through the `gemm` crate, always on the calling thread: parallelism is
//! over blocks of atoms or structures, so that results never depend on the number of threads.

use crate::scalar::{Real, Scalar};

/// A strided read-only matrix.
#[derive(Clone, Copy)]
pub struct Mat<'a, R> {
    pub(crate) data: &'a [R],
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    pub(crate) row_stride: usize,
    pub(crate) col_stride: usize,
}

impl<'a, R> Mat<'a, R> {
    /// A row-major matrix of `rows` x `cols` whose rows start `stride` apart.
    pub fn new(data: &'a [R], rows: usize, cols: usize, stride: usize) -> Self {
        Self::check(data.len(), rows, cols, stride);
        Self { data, rows, cols, row_stride: stride, col_stride: 1 }
    }
    /// A contiguous row-major matrix.
    pub fn full(data: &'a [R], rows: usize, cols: usize) -> Self {
        Self::new(data, rows, cols, cols)
    }
    /// The transpose (a view).
    pub fn t(self) -> Self {
        Self {
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
            ..self
        }
    }
    fn check(len: usize, rows: usize, cols: usize, stride: usize) {
        assert!(cols <= stride || rows <= 1, "rows overlap");
        assert!(rows == 0 || (rows - 1) * stride + cols <= len, "matrix exceeds its buffer");
    }
}

/// Arguments of one product; made by [`gemm`] only, which has checked every extent.
#[doc(hidden)]
pub struct Args<R> {
    m: usize,
    n: usize,
    k: usize,
    dst: *mut R,
    dst_strides: (usize, usize),
    lhs: *const R,
    lhs_strides: (usize, usize),
    rhs: *const R,
    rhs_strides: (usize, usize),
    alpha: R,
    beta: R,
}

/// `out = alpha out + beta a b`, with `out` row-major, `a.rows` x `b.cols`, rows `out_stride` apart.
/// With `alpha` zero, `out` is not read.
pub fn gemm<R: Real>(out: &mut [R], out_stride: usize, alpha: R, a: Mat<'_, R>, b: Mat<'_, R>, beta: R) {
    assert_eq!(a.cols, b.rows, "inner dimensions differ");
    Mat::<R>::check(out.len(), a.rows, b.cols, out_stride);
    if a.rows == 0 || b.cols == 0 {
        return;
    }
    if a.cols == 0 {
        for row in out.chunks_mut(out_stride).take(a.rows) {
            let n = b.cols.min(row.len());
            row[..n].iter_mut().for_each(|x| *x = if alpha == R::of(0.0) { alpha } else { alpha * *x });
        }
        return;
    }
    if R::small(out, out_stride, alpha, a, b, beta) {
        return;
    }
    R::gemm_raw(Args {
        m: a.rows,
        n: b.cols,
        k: a.cols,
        dst: out.as_mut_ptr(),
        dst_strides: (out_stride, 1),
        lhs: a.data.as_ptr(),
        lhs_strides: (a.row_stride, a.col_stride),
        rhs: b.data.as_ptr(),
        rhs_strides: (b.row_stride, b.col_stride),
        alpha,
        beta,
    });
}

/// A matrix of scalars: one of their values and, for duals, one of their tangents, a plane further on.
#[derive(Clone, Copy)]
pub struct Planes<'a, R> {
    data: &'a [R],
    shape: [usize; 2],
    stride: usize,
    plane: usize,
    transposed: bool,
}

impl<'a, R> Planes<'a, R> {
    /// A row-major matrix of `rows` x `cols` whose rows start `stride` apart, and tangents `plane` after the values.
    pub fn new(data: &'a [R], rows: usize, cols: usize, stride: usize, plane: usize) -> Self {
        Self { data, shape: [rows, cols], stride, plane, transposed: false }
    }
    /// The transpose (a view).
    pub fn t(self) -> Self {
        Self { transposed: !self.transposed, ..self }
    }
    fn part(self, plane: usize) -> Mat<'a, R> {
        let [rows, cols] = self.shape;
        let part = Mat::new(&self.data[plane * self.plane..], rows, cols, self.stride);
        if self.transposed { part.t() } else { part }
    }
}

/// `out = a b`, or adds it, for matrices of scalars, `out` like a [`Planes`].
pub fn gemm_planes<S: Scalar>(
    out: &mut [S::Real],
    out_stride: usize,
    out_plane: usize,
    add: bool,
    a: Planes<'_, S::Real>,
    b: Planes<'_, S::Real>,
) {
    let one = S::Real::of(1.0);
    let first = if add { one } else { S::Real::of(0.0) };
    gemm(out, out_stride, first, a.part(0), b.part(0), one);
    if S::PLANES == 2 {
        let tangent = &mut out[out_plane..];
        gemm(tangent, out_stride, first, a.part(0), b.part(1), one);
        gemm(tangent, out_stride, one, a.part(1), b.part(0), one);
    }
}

pub(crate) fn run<R: Real>(x: Args<R>) {
    // SAFETY: `gemm` above checked that every index within (m, n, k) and the strides stays inside the three
    // buffers, which outlive the call; `out` is borrowed mutably, so it overlaps neither input.
    unsafe {
        gemm::gemm(
            x.m,
            x.n,
            x.k,
            x.dst,
            x.dst_strides.1 as isize,
            x.dst_strides.0 as isize,
            x.alpha != R::of(0.0),
            x.lhs,
            x.lhs_strides.1 as isize,
            x.lhs_strides.0 as isize,
            x.rhs,
            x.rhs_strides.1 as isize,
            x.rhs_strides.0 as isize,
            x.alpha,
            x.beta,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every combination of transposes and strides against the triple loop; sums of products of small integers, which are exact.
    #[test]
    fn products_match_the_triple_loop() {
        let a: Vec<f64> = (0..2000).map(|i| f64::from(i * 7 % 13) - 6.0).collect();
        let b: Vec<f64> = (0..9000).map(|i| f64::from(i * 5 % 11) - 5.0).collect();
        // The last ones take whole tiles and parts of them, and sums long enough for vectors along them.
        let small = [(1, 1, 1), (3, 4, 5), (5, 8, 9), (1, 7, 4), (3, 5, 0)];
        for (m, n, k) in
            small.into_iter().chain([(13, 70, 5), (7, 54, 5), (7, 37, 100), (7, 39, 100), (8, 1, 16)])
        {
            for (ta, tb) in [(false, false), (true, false), (false, true), (true, true)] {
                let va = if ta { Mat::new(&a, k, m, m).t() } else { Mat::new(&a, m, k, k + 1) };
                let vb = if tb { Mat::full(&b, n, k).t() } else { Mat::full(&b, k, n) };
                let stride = n + 2;
                let mut out = vec![1.0; m * stride];
                gemm(&mut out, stride, 2.0, va, vb, 0.5);
                for i in 0..m {
                    for j in 0..n {
                        let at = |r: usize, c: usize| va.data[r * va.row_stride + c * va.col_stride];
                        let bt = |r: usize, c: usize| vb.data[r * vb.row_stride + c * vb.col_stride];
                        let want = 2.0 + 0.5 * (0..k).map(|q| at(i, q) * bt(q, j)).sum::<f64>();
                        assert!((out[i * stride + j] - want).abs() < 1e-14);
                    }
                    assert!(i + 1 == m || out[i * stride + n] == 1.0, "wrote outside");
                }
            }
        }
    }

    /// Planes of values and tangents against sums of products of duals, small integers and therefore exact.
    #[test]
    fn products_of_duals() {
        use crate::scalar::Dual;
        let (m, n, k) = (7, 5, 3);
        let data: Vec<f64> = (0..200).map(|i| f64::from(i * 7 % 13) - 6.0).collect();
        let (a, b) = (Planes::new(&data, k, m, 2 * m, m).t(), Planes::new(&data[50..], k, n, n, k * n));
        let at = |i: usize, plane: usize| Dual { v: data[i], d: data[i + plane] };
        let mut out = vec![1.0; 2 * m * n];
        gemm_planes::<Dual<f64>>(&mut out, 2 * n, n, true, a, b);
        for i in 0..m {
            for j in 0..n {
                let mut want = Dual { v: 1.0, d: 1.0 };
                for q in 0..k {
                    want += at(2 * m * q + i, m) * at(50 + n * q + j, k * n);
                }
                assert_eq!([out[2 * n * i + j], out[2 * n * i + n + j]], [want.v, want.d]);
            }
        }
    }
}
