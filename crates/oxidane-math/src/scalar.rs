//! Scalar types: [`Real`] (`f32`, `f64`), and [`Scalar`], which a layer is written over once: a real number
//! gives energies and first derivatives, a [`Dual`] one exact directional derivative of everything more.
//!
//! # Planes
//! An array of scalars is stored as rows of reals. A logical row of `n` scalars takes `n * PLANES` reals:
//! first the `n` values, then (for [`Dual`]) the `n` tangents. So a matrix product on duals is the product on
//! twice the rows, a block of rows is one contiguous slice, and every loop over a row vectorises.

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
    /// Size of the number in bytes.
    const BYTES: usize;
    /// Name in model files: "F32" or "F64".
    const NAME: &'static str;
    /// `y = alpha y + a b` on strided matrices; see [`crate::gemm`].
    #[doc(hidden)]
    fn gemm_raw(args: crate::gemm::Args<Self>);
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

/// A value and one tangent: arithmetic on it gives exact derivatives along one direction.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Dual<R> {
    /// The value.
    pub v: R,
    /// The tangent, the derivative of the value along the direction.
    pub d: R,
}

macro_rules! real {
    ($t:ty, $name:literal, $exp:path) => {
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
            const BYTES: usize = size_of::<$t>();
            const NAME: &'static str = $name;
            fn gemm_raw(args: crate::gemm::Args<Self>) {
                crate::gemm::run(args);
            }
        }

        impl Scalar for $t {
            type Real = $t;
            const PLANES: usize = 1;
            type Row<'a> = &'a [$t];
            type RowMut<'a> = &'a mut [$t];
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
real!(f32, "F32", crate::special::exp_f32);
real!(f64, "F64", crate::special::exp_f64);

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
