//! Scalar types: [`Real`] (`f32`, `f64`), and [`Scalar`], which a layer is written over once: a real number
//! gives energies and first derivatives, a [`Dual`] one exact directional derivative of everything more.
//!
//! # Planes
//! An array of scalars is stored as rows of reals. A logical row of `n` scalars takes `n * PLANES` reals:
//! first the `n` values, then (for [`Dual`]) the `n` tangents. So a matrix product on duals is the product on
//! twice the rows, a block of rows is one contiguous slice, and every loop over a row vectorises.

use crate::gemm::Mat;
use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

/// A machine real number: `f32` or `f64`.
pub trait Real:
    Scalar<Real = Self> + PartialOrd + Default + Debug + Send + Sync + std::iter::Sum + 'static
{
    /// The constant nearest to `x`.
    fn of(x: f64) -> Self;
    /// The value as `f64`.
    fn f64(self) -> f64;
    /// `self * b + c`, fused where the instruction set has it (see [`crate::simd`]).
    fn mul_add(self, b: Self, c: Self) -> Self;
    /// Square root.
    fn sqrt_real(self) -> Self;
    /// e^x by a polynomial that vectorises; relative error below 3 ulp in the range used.
    fn exp_real(self) -> Self;
    /// Sine and cosine by polynomials that vectorise; see [`crate::special::sin_cos_f64`] for the range.
    fn sin_cos_real(self) -> (Self, Self);
    /// Natural logarithm by a polynomial that vectorises.
    fn ln_real(self) -> Self;
    /// Size of the number in bytes.
    const BYTES: usize;
    /// Name in model files: "F32" or "F64".
    const NAME: &'static str;
    /// `y = alpha y + a b` on strided matrices; see [`crate::gemm`].
    #[doc(hidden)]
    fn gemm_raw(args: crate::gemm::Args<Self>);
    /// The same for small matrices, if they suit; see [`crate::small`].
    #[doc(hidden)]
    fn small(
        out: &mut [Self],
        stride: usize,
        alpha: Self,
        a: Mat<'_, Self>,
        b: Mat<'_, Self>,
        beta: Self,
    ) -> bool;
}

/// What the layers compute with: a real number or a [`Dual`].
pub trait Scalar:
    Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + Send
    + Sync
    + 'static
{
    /// The real number type underneath.
    type Real: Real;
    /// Reals per scalar: 1, or 2 for [`Dual`].
    const PLANES: usize;
    /// A row for reading: its value and tangent slices.
    type Row<'a>: Copy;
    /// A row for writing.
    type RowMut<'a>;
    /// Sixteen neighbouring scalars of a row (see [`crate::pack`]).
    type Pack: crate::pack::Pack<Self>;
    /// The same in double precision.
    type Double: Scalar<Real = f64>;

    /// Constant without tangent.
    fn constant(x: Self::Real) -> Self;
    /// Value and tangent (dropped by a plain real).
    fn with_tangent(value: Self::Real, tangent: Self::Real) -> Self;
    /// The value.
    fn value(self) -> Self::Real;
    /// The tangent; zero for a plain real.
    fn tangent(self) -> Self::Real;
    /// Product with a real number.
    fn scale(self, k: Self::Real) -> Self;
    /// Applies a function given its value and derivative at the value of `self`.
    fn chain(self, f: Self::Real, df: Self::Real) -> Self;

    /// The row of `n` scalars stored in `data[..n * PLANES]`.
    fn row(data: &[Self::Real], n: usize) -> Self::Row<'_>;
    /// The mutable row of `n` scalars stored in `data[..n * PLANES]`.
    fn row_mut(data: &mut [Self::Real], n: usize) -> Self::RowMut<'_>;
    /// Part of a row.
    fn part<'a>(row: Self::Row<'a>, start: usize, len: usize) -> Self::Row<'a>;
    /// Scalar `i` of a row.
    fn get(row: Self::Row<'_>, i: usize) -> Self;
    /// Scalar `i` of a mutable row.
    fn get_mut(row: &Self::RowMut<'_>, i: usize) -> Self;
    /// Writes scalar `i`.
    fn set(row: &mut Self::RowMut<'_>, i: usize, x: Self);
    /// Part of a mutable row.
    fn part_mut<'a>(row: &'a mut Self::RowMut<'_>, start: usize, len: usize) -> Self::RowMut<'a>;

    /// This number in double precision.
    #[inline(always)]
    fn double(self) -> Self::Double {
        Self::Double::with_tangent(self.value().f64(), self.tangent().f64())
    }
    /// The number nearest to one in double precision.
    #[inline(always)]
    fn from_double(x: Self::Double) -> Self {
        Self::with_tangent(Self::Real::of(x.value()), Self::Real::of(x.tangent()))
    }
    /// Zero.
    #[inline(always)]
    fn zero() -> Self {
        Self::constant(Self::Real::of(0.0))
    }
    /// The constant nearest to `x`.
    #[inline(always)]
    fn lit(x: f64) -> Self {
        Self::constant(Self::Real::of(x))
    }
    /// Square root.
    #[inline(always)]
    fn sqrt(self) -> Self {
        let r = self.value().sqrt_real();
        self.chain(r, Self::Real::of(0.5) / r)
    }
    /// e^x.
    #[inline(always)]
    fn exp(self) -> Self {
        let e = self.value().exp_real();
        self.chain(e, e)
    }
    /// 1 / (1 + e^-x).
    #[inline(always)]
    fn sigmoid(self) -> Self {
        let s = sigmoid_real(self.value());
        self.chain(s, s * (Self::Real::of(1.0) - s))
    }
    /// x sigmoid(x).
    #[inline(always)]
    fn silu(self) -> Self {
        self * self.sigmoid()
    }
    /// Sine and cosine.
    #[inline(always)]
    fn sin_cos(self) -> (Self, Self) {
        let (s, c) = self.value().sin_cos_real();
        (self.chain(s, c), self.chain(c, -s))
    }
    /// Natural logarithm: -inf at zero, NaN below it.
    #[inline(always)]
    fn ln(self) -> Self {
        let x = self.value();
        self.chain(x.ln_real(), Self::Real::of(1.0) / x)
    }
    /// ln(1 + e^x), accurate at both ends; its derivative is the sigmoid.
    #[inline(always)]
    fn softplus(self) -> Self {
        let x = self.value();
        self.chain(softplus_real(x), sigmoid_real(x))
    }
    /// Magnitude; the derivative at zero is taken as 1.
    #[inline(always)]
    fn abs(self) -> Self {
        if self.value() < Self::Real::of(0.0) { -self } else { self }
    }
    /// 1 / x.
    #[inline(always)]
    fn recip(self) -> Self {
        let y = Self::Real::of(1.0) / self.value();
        self.chain(y, -y * y)
    }
}

/// Largest magnitude given to the exponential: beyond it the logistic function is 0 or 1 in `f32` anyway.
const LOGISTIC_LIMIT: f64 = 80.0;

#[inline(always)]
fn sigmoid_real<R: Real>(x: R) -> R {
    let (one, lim) = (R::of(1.0), R::of(LOGISTIC_LIMIT));
    let x = if x > lim { lim } else { x };
    let x = if x < -lim { -lim } else { x };
    one / (one + (-x).exp_real())
}

/// max(x, 0) + ln(1 + t) with t = e^-|x|; the last term of the logarithm restores what 1 + t rounded away.
#[inline(always)]
fn softplus_real<R: Real>(x: R) -> R {
    let (zero, one) = (R::of(0.0), R::of(1.0));
    let t = (if x < zero { x } else { -x }).exp_real();
    let u = one + t;
    let positive = if x < zero { zero } else { x };
    positive + (u.ln_real() + (t - (u - one)) / u)
}

/// A value and one tangent: arithmetic on it gives exact derivatives along one direction.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Dual<R> {
    /// The value.
    pub v: R,
    /// The tangent, the derivative of the value along the direction.
    pub d: R,
}

macro_rules! real {
    ($t:ty, $name:literal, $exp:path, $sin_cos:path, $ln:path) => {
        impl Real for $t {
            #[inline(always)]
            fn of(x: f64) -> Self {
                x as $t
            }
            #[inline(always)]
            fn f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn mul_add(self, b: Self, c: Self) -> Self {
                <$t>::mul_add(self, b, c)
            }
            #[inline(always)]
            fn sqrt_real(self) -> Self {
                <$t>::sqrt(self)
            }
            #[inline(always)]
            fn exp_real(self) -> Self {
                $exp(self)
            }
            #[inline(always)]
            fn sin_cos_real(self) -> (Self, Self) {
                $sin_cos(self)
            }
            #[inline(always)]
            fn ln_real(self) -> Self {
                $ln(self)
            }
            const BYTES: usize = size_of::<$t>();
            const NAME: &'static str = $name;
            fn gemm_raw(args: crate::gemm::Args<Self>) {
                crate::gemm::run(args);
            }
            fn small(
                out: &mut [Self],
                stride: usize,
                alpha: Self,
                a: Mat<'_, Self>,
                b: Mat<'_, Self>,
                beta: Self,
            ) -> bool {
                crate::small::product(out, stride, alpha, a, b, beta)
            }
        }

        impl Scalar for $t {
            type Real = $t;
            const PLANES: usize = 1;
            type Row<'a> = &'a [$t];
            type RowMut<'a> = &'a mut [$t];
            type Pack = crate::pack::Lanes<$t>;
            type Double = f64;
            #[inline(always)]
            fn constant(x: $t) -> Self {
                x
            }
            #[inline(always)]
            fn with_tangent(value: $t, _: $t) -> Self {
                value
            }
            #[inline(always)]
            fn value(self) -> $t {
                self
            }
            #[inline(always)]
            fn tangent(self) -> $t {
                0.0
            }
            #[inline(always)]
            fn scale(self, k: $t) -> Self {
                self * k
            }
            #[inline(always)]
            fn chain(self, f: $t, _: $t) -> Self {
                f
            }
            #[inline(always)]
            fn row(data: &[$t], n: usize) -> &[$t] {
                &data[..n]
            }
            #[inline(always)]
            fn row_mut(data: &mut [$t], n: usize) -> &mut [$t] {
                &mut data[..n]
            }
            #[inline(always)]
            fn part<'a>(row: Self::Row<'a>, start: usize, len: usize) -> Self::Row<'a> {
                &row[start..start + len]
            }
            #[inline(always)]
            fn get(row: &[$t], i: usize) -> Self {
                row[i]
            }
            #[inline(always)]
            fn get_mut(row: &&mut [$t], i: usize) -> Self {
                row[i]
            }
            #[inline(always)]
            fn set(row: &mut &mut [$t], i: usize, x: Self) {
                row[i] = x;
            }
            #[inline(always)]
            fn part_mut<'a>(row: &'a mut Self::RowMut<'_>, start: usize, len: usize) -> Self::RowMut<'a> {
                &mut row[start..start + len]
            }
        }
    };
}
real!(f32, "F32", crate::special::exp_f32, crate::special::sin_cos_f32, crate::special::ln_f32);
real!(f64, "F64", crate::special::exp_f64, crate::special::sin_cos_f64, crate::special::ln_f64);

impl<R: Real> Add for Dual<R> {
    type Output = Self;
    #[inline(always)]
    fn add(self, o: Self) -> Self {
        Self { v: self.v + o.v, d: self.d + o.d }
    }
}
impl<R: Real> Sub for Dual<R> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, o: Self) -> Self {
        Self { v: self.v - o.v, d: self.d - o.d }
    }
}
impl<R: Real> Mul for Dual<R> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, o: Self) -> Self {
        Self { v: self.v * o.v, d: self.d * o.v + self.v * o.d }
    }
}
impl<R: Real> Div for Dual<R> {
    type Output = Self;
    #[inline(always)]
    fn div(self, o: Self) -> Self {
        let v = self.v / o.v;
        Self { v, d: (self.d - v * o.d) / o.v }
    }
}
impl<R: Real> Neg for Dual<R> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self { v: -self.v, d: -self.d }
    }
}
impl<R: Real> AddAssign for Dual<R> {
    #[inline(always)]
    fn add_assign(&mut self, o: Self) {
        *self = *self + o;
    }
}
impl<R: Real> SubAssign for Dual<R> {
    #[inline(always)]
    fn sub_assign(&mut self, o: Self) {
        *self = *self - o;
    }
}
impl<R: Real> MulAssign for Dual<R> {
    #[inline(always)]
    fn mul_assign(&mut self, o: Self) {
        *self = *self * o;
    }
}

impl<R: Real> Scalar for Dual<R> {
    type Real = R;
    const PLANES: usize = 2;
    type Row<'a> = (&'a [R], &'a [R]);
    type RowMut<'a> = (&'a mut [R], &'a mut [R]);
    type Pack = crate::pack::DualLanes<R>;
    type Double = Dual<f64>;
    #[inline(always)]
    fn constant(x: R) -> Self {
        Self { v: x, d: R::of(0.0) }
    }
    #[inline(always)]
    fn with_tangent(v: R, d: R) -> Self {
        Self { v, d }
    }
    #[inline(always)]
    fn value(self) -> R {
        self.v
    }
    #[inline(always)]
    fn tangent(self) -> R {
        self.d
    }
    #[inline(always)]
    fn scale(self, k: R) -> Self {
        Self { v: self.v * k, d: self.d * k }
    }
    #[inline(always)]
    fn chain(self, f: R, df: R) -> Self {
        Self { v: f, d: df * self.d }
    }
    #[inline(always)]
    fn row(data: &[R], n: usize) -> (&[R], &[R]) {
        let (v, d) = data.split_at(n);
        (v, &d[..n])
    }
    #[inline(always)]
    fn row_mut(data: &mut [R], n: usize) -> (&mut [R], &mut [R]) {
        let (v, d) = data.split_at_mut(n);
        (v, &mut d[..n])
    }
    #[inline(always)]
    fn part<'a>(row: Self::Row<'a>, start: usize, len: usize) -> Self::Row<'a> {
        (&row.0[start..start + len], &row.1[start..start + len])
    }
    #[inline(always)]
    fn get(row: (&[R], &[R]), i: usize) -> Self {
        Self { v: row.0[i], d: row.1[i] }
    }
    #[inline(always)]
    fn get_mut(row: &(&mut [R], &mut [R]), i: usize) -> Self {
        Self { v: row.0[i], d: row.1[i] }
    }
    #[inline(always)]
    fn set(row: &mut (&mut [R], &mut [R]), i: usize, x: Self) {
        row.0[i] = x.v;
        row.1[i] = x.d;
    }
    #[inline(always)]
    fn part_mut<'a>(row: &'a mut Self::RowMut<'_>, start: usize, len: usize) -> Self::RowMut<'a> {
        (&mut row.0[start..start + len], &mut row.1[start..start + len])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tangents against central differences with h = 1e-5: truncation and rounding both stay below 1e-9.
    #[test]
    fn tangents_match_differences() {
        type Function = fn(Dual<f64>) -> Dual<f64>;
        let functions: [(&str, Function); 8] = [
            ("sin", |x| x.sin_cos().0),
            ("cos", |x| x.sin_cos().1),
            ("ln", |x| x.abs().ln()),
            ("softplus", Scalar::softplus),
            ("recip", Scalar::recip),
            ("exp", Scalar::exp),
            ("silu", Scalar::silu),
            ("sqrt", |x| x.abs().sqrt()),
        ];
        for (name, f) in functions {
            for x in [-2.3, -0.7, 0.4, 1.9] {
                let at = |x| f(Dual { v: x, d: 1.0 });
                let slope = (at(x + 1e-5).v - at(x - 1e-5).v) / 2e-5;
                assert!((at(x).d - slope).abs() < 1e-9 * (1.0 + slope.abs()), "{name} at {x}");
            }
        }
    }

    /// Relative error of a few ulp at both ends, where the naive formula overflows or loses everything.
    #[test]
    fn softplus_is_accurate_at_both_ends() {
        for x in [-30.0_f64, -5.0, -1e-3, 0.0, 0.3, 8.0, 50.0, 500.0] {
            let exact = x.max(0.0) + (-x.abs()).exp().ln_1p();
            assert!((x.softplus() / exact - 1.0).abs() < 1e-15, "f64 {x}");
            let single = f64::from((x as f32).softplus());
            let exact = f64::from(x as f32).max(0.0) + (-f64::from(x as f32).abs()).exp().ln_1p();
            assert!((single / exact - 1.0).abs() < 5e-7, "f32 {x}");
        }
    }
}
