//! Products of small matrices, without packing and without allocation: for blocks of a few atoms or the edges of one, where
//! a large product's preparations take as long as its arithmetic.
//!
//! A tile of the result stays in registers while the inner index runs. Where the rows of the right factor are contiguous, elements of
//! the left are spread over a vector of its row; where its columns are, vectors along the inner index are multiplied and summed
//! up at the end.

use crate::gemm::Mat;
use crate::scalar::Real;
use crate::simd;
use pulp::{Simd, WithSimd};

/// Rows of a tile.
const ROWS: usize = 6;

/// More rows of the result, or terms of a sum, are worth preparations for the caches.
const MOST_ROWS: usize = 256;
const MOST_INNER: usize = 1024;

/// Shorter sums are not worth summing up vectors.
const LEAST_DOTS: usize = 96;

/// Reals as vectors of an instruction set.
#[doc(hidden)]
pub trait Vector: Copy + 'static {
    /// A vector.
    type Of<S: Simd>: Copy;
    /// Reals in one.
    fn lanes<S: Simd>() -> usize;
    /// The same real everywhere.
    fn splat<S: Simd>(simd: S, x: Self) -> Self::Of<S>;
    /// The first reals of a slice, zeros where it ends.
    fn load<S: Simd>(simd: S, from: &[Self]) -> Self::Of<S>;
    /// Writes as many as the slice takes.
    fn store<S: Simd>(simd: S, to: &mut [Self], x: Self::Of<S>);
    /// a b + c.
    fn fused<S: Simd>(simd: S, a: Self::Of<S>, b: Self::Of<S>, c: Self::Of<S>) -> Self::Of<S>;
    /// The sum of all.
    fn total<S: Simd>(simd: S, x: Self::Of<S>) -> Self;
}

macro_rules! vector {
    ($t:ty, $of:ident, $lanes:ident, $splat:ident, $load:ident, $store:ident, $full:ident, $full_mut:ident, $fused:ident, $sum:ident) => {
        impl Vector for $t {
            type Of<S: Simd> = S::$of;
            #[inline(always)]
            fn lanes<S: Simd>() -> usize {
                S::$lanes
            }
            #[inline(always)]
            fn splat<S: Simd>(simd: S, x: Self) -> S::$of {
                simd.$splat(x)
            }
            #[inline(always)]
            fn load<S: Simd>(simd: S, from: &[Self]) -> S::$of {
                match S::$full(from).0 {
                    [x, ..] => *x,
                    [] => simd.$load(from),
                }
            }
            #[inline(always)]
            fn store<S: Simd>(simd: S, to: &mut [Self], x: S::$of) {
                match S::$full_mut(to).0 {
                    [y, ..] => *y = x,
                    [] => simd.$store(to, x),
                }
            }
            #[inline(always)]
            fn fused<S: Simd>(simd: S, a: S::$of, b: S::$of, c: S::$of) -> S::$of {
                simd.$fused(a, b, c)
            }
            #[inline(always)]
            fn total<S: Simd>(simd: S, x: S::$of) -> Self {
                simd.$sum(x)
            }
        }
    };
}
vector!(
    f32,
    f32s,
    F32_LANES,
    splat_f32s,
    partial_load_f32s,
    partial_store_f32s,
    as_simd_f32s,
    as_mut_simd_f32s,
    mul_add_e_f32s,
    reduce_sum_f32s
);
vector!(
    f64,
    f64s,
    F64_LANES,
    splat_f64s,
    partial_load_f64s,
    partial_store_f64s,
    as_simd_f64s,
    as_mut_simd_f64s,
    mul_add_e_f64s,
    reduce_sum_f64s
);

/// [`std::array::from_fn`], but inlined for sure: its elements stay in registers.
#[inline(always)]
fn array<T: Copy, const N: usize>(element: impl Fn(usize) -> T) -> [T; N] {
    let mut all = [element(0); N];
    for k in 1..N {
        all[k] = element(k);
    }
    all
}

/// out = alpha out + beta a b.
struct Product<'a, R> {
    out: &'a mut [R],
    stride: usize,
    alpha: R,
    a: Mat<'a, R>,
    b: Mat<'a, R>,
    beta: R,
}

/// As [`crate::gemm::gemm`], which has checked the extents; gives up, with false, where both factors are strided along the inner index.
pub(crate) fn product<R: Real + Vector>(
    out: &mut [R],
    stride: usize,
    alpha: R,
    a: Mat<'_, R>,
    b: Mat<'_, R>,
    beta: R,
) -> bool {
    let form = Form::of(&a, &b);
    let Some(form) = form else { return false };
    let task = Product { out, stride, alpha, a, b, beta };
    match form {
        Form::Rows => simd::arch().dispatch(Run::<R, 0>(task)),
        Form::Columns => simd::arch().dispatch(Run::<R, 1>(task)),
        Form::Dots => simd::arch().dispatch(Run::<R, 2>(task)),
    }
    true
}

/// How a product is formed.
enum Form {
    /// Elements of rows of a times rows of b.
    Rows,
    /// Elements of columns of a times rows of b.
    Columns,
    /// Rows of a times columns of b.
    Dots,
}

impl Form {
    /// None for products that the general one does faster.
    fn of<R>(a: &Mat<'_, R>, b: &Mat<'_, R>) -> Option<Self> {
        if a.rows > MOST_ROWS || a.cols > MOST_INNER {
            return None;
        }
        match (a.row_stride, a.col_stride, b.row_stride, b.col_stride) {
            (_, 1, _, 1) => Some(Self::Rows),
            (1, _, _, 1) => Some(Self::Columns),
            (_, 1, 1, _) if a.cols >= LEAST_DOTS || b.cols == 1 => Some(Self::Dots),
            _ => None,
        }
    }
}

struct Run<'a, R, const FORM: usize>(Product<'a, R>);

impl<R: Real + Vector, const FORM: usize> WithSimd for Run<'_, R, FORM> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let mut task = self.0;
        if S::REGISTER_COUNT >= 32 {
            task.run::<S, FORM, 4>(simd);
        } else {
            task.run::<S, FORM, 2>(simd);
        }
    }
}

impl<R: Real + Vector> Product<'_, R> {
    #[inline(always)]
    fn run<S: Simd, const FORM: usize, const WIDE: usize>(&mut self, simd: S) {
        let lanes = if FORM == 2 { 1 } else { R::lanes::<S>() };
        let columns = self.b.cols;
        let mut at = 0;
        while at + WIDE * lanes <= columns {
            self.panel::<S, FORM, WIDE>(simd, at, WIDE * lanes);
            at += WIDE * lanes;
        }
        // What is left takes two vectors, then one, so that an element of a serves both.
        if WIDE > 2 && at + 2 * lanes <= columns {
            self.panel::<S, FORM, 2>(simd, at, 2 * lanes);
            at += 2 * lanes;
        }
        while at < columns {
            let width = lanes.min(columns - at);
            self.panel::<S, FORM, 1>(simd, at, width);
            at += width;
        }
    }

    /// All rows of some columns of the result.
    #[inline(always)]
    fn panel<S: Simd, const FORM: usize, const WIDE: usize>(&mut self, simd: S, at: usize, width: usize) {
        let rows = self.a.rows;
        let mut row = 0;
        while row < rows {
            match rows - row {
                1 => self.tile::<S, FORM, 1, WIDE>(simd, row, at, width),
                2 => self.tile::<S, FORM, 2, WIDE>(simd, row, at, width),
                3 => self.tile::<S, FORM, 3, WIDE>(simd, row, at, width),
                4 => self.tile::<S, FORM, 4, WIDE>(simd, row, at, width),
                5 => self.tile::<S, FORM, 5, WIDE>(simd, row, at, width),
                _ => self.tile::<S, FORM, ROWS, WIDE>(simd, row, at, width),
            }
            row += ROWS;
        }
    }

    #[inline(always)]
    fn tile<S: Simd, const FORM: usize, const M: usize, const N: usize>(
        &mut self,
        simd: S,
        row: usize,
        at: usize,
        width: usize,
    ) {
        match FORM {
            0 => {
                let (stride, inner) = (self.a.row_stride, self.a.cols);
                let rows: [&[R]; M] = array(
                    #[inline(always)]
                    |m| &self.a.data[(row + m) * stride..][..inner],
                );
                self.spread::<S, M, N>(
                    simd,
                    row,
                    at,
                    width,
                    #[inline(always)]
                    |k| {
                        array(
                            #[inline(always)]
                            |m| rows[m][k],
                        )
                    },
                );
            }
            1 => {
                let (stride, data) = (self.a.col_stride, self.a.data);
                self.spread::<S, M, N>(
                    simd,
                    row,
                    at,
                    width,
                    #[inline(always)]
                    |k| {
                        let part = &data[k * stride + row..][..M];
                        array(
                            #[inline(always)]
                            |m| part[m],
                        )
                    },
                );
            }
            _ => self.dots::<S, M, N>(simd, row, at),
        }
    }

    /// A tile of sums of elements of a times vectors of b.
    #[inline(always)]
    fn spread<S: Simd, const M: usize, const N: usize>(
        &mut self,
        simd: S,
        row: usize,
        at: usize,
        width: usize,
        elements: impl Fn(usize) -> [R; M],
    ) {
        let lanes = R::lanes::<S>();
        let (data, stride) = (self.b.data, self.b.row_stride);
        let mut sums = [[R::splat(simd, R::of(0.0)); N]; M];
        if width == N * lanes {
            for k in 0..self.a.cols {
                let b = &data[k * stride + at..][..N * lanes];
                let b: [_; N] = array(
                    #[inline(always)]
                    |n| R::load(simd, &b[n * lanes..(n + 1) * lanes]),
                );
                let a = elements(k);
                for m in 0..M {
                    let a = R::splat(simd, a[m]);
                    for n in 0..N {
                        sums[m][n] = R::fused(simd, a, b[n], sums[m][n]);
                    }
                }
            }
        } else {
            for k in 0..self.a.cols {
                let b = R::load(simd, &data[k * stride + at..][..width]);
                let a = elements(k);
                for m in 0..M {
                    sums[m][0] = R::fused(simd, R::splat(simd, a[m]), b, sums[m][0]);
                }
            }
        }
        let (alpha, beta) = (self.alpha, R::splat(simd, self.beta));
        for m in 0..M {
            let out = &mut self.out[(row + m) * self.stride + at..][..width];
            for (n, out) in out.chunks_mut(lanes).enumerate().take(N) {
                let zero = R::splat(simd, R::of(0.0));
                let kept = if alpha == R::of(0.0) {
                    zero
                } else {
                    R::fused(simd, R::load(simd, out), R::splat(simd, alpha), zero)
                };
                R::store(simd, out, R::fused(simd, sums[m][n], beta, kept));
            }
        }
    }

    /// A tile of sums of rows of a times columns of b.
    #[inline(always)]
    fn dots<S: Simd, const M: usize, const N: usize>(&mut self, simd: S, row: usize, at: usize) {
        let (lanes, inner) = (R::lanes::<S>(), self.a.cols);
        let a: [&[R]; M] = std::array::from_fn(
            #[inline(always)]
            |m| &self.a.data[(row + m) * self.a.row_stride..][..inner],
        );
        let b: [&[R]; N] = std::array::from_fn(
            #[inline(always)]
            |n| &self.b.data[(at + n) * self.b.col_stride..][..inner],
        );
        let mut sums = [[R::splat(simd, R::of(0.0)); N]; M];
        let whole = inner / lanes * lanes;
        for k in (0..whole).step_by(lanes) {
            let b: [_; N] = array(
                #[inline(always)]
                |n| R::load(simd, &b[n][k..k + lanes]),
            );
            for m in 0..M {
                let a = R::load(simd, &a[m][k..k + lanes]);
                for n in 0..N {
                    sums[m][n] = R::fused(simd, a, b[n], sums[m][n]);
                }
            }
        }
        if whole < inner {
            let b: [_; N] = array(
                #[inline(always)]
                |n| R::load(simd, &b[n][whole..]),
            );
            for m in 0..M {
                let a = R::load(simd, &a[m][whole..]);
                for n in 0..N {
                    sums[m][n] = R::fused(simd, a, b[n], sums[m][n]);
                }
            }
        }
        for m in 0..M {
            let out = &mut self.out[(row + m) * self.stride + at..][..N];
            for n in 0..N {
                let sum = R::total(simd, sums[m][n]) * self.beta;
                out[n] = if self.alpha == R::of(0.0) { sum } else { self.alpha * out[n] + sum };
            }
        }
    }
}
