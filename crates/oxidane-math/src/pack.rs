//! Packs: a fixed number of neighbouring scalars of a row, handled together.
//!
//! Loops over packs vectorise whatever else the loop does, because a pack is loaded into a local value before
//! anything is stored. A kernel is written once over [`Pack`] and run with [`Scalar::Pack`] (sixteen scalars) on
//! the bulk of a row and with [`One`] on its tail.

use crate::scalar::{Dual, Real, Scalar};

/// Scalars per [`Scalar::Pack`]: one AVX-512 register of `f32`.
pub const LANES: usize = 16;

/// Some neighbouring scalars of a row.
pub trait Pack<S: Scalar>: Copy {
    /// How many.
    const WIDTH: usize;
    /// Scalars `i..i + WIDTH` of a row.
    fn load(row: S::Row<'_>, i: usize) -> Self;
    /// The same of a row for writing.
    fn load_mut(row: &S::RowMut<'_>, i: usize) -> Self;
    /// Writes them.
    fn store(self, row: &mut S::RowMut<'_>, i: usize);
    /// The same scalar everywhere.
    fn splat(x: S) -> Self;
    /// Elementwise product.
    fn times(self, other: Self) -> Self;
    /// `self * b + c`, elementwise; fused where the processor can.
    fn times_plus(self, b: Self, c: Self) -> Self;
    /// Sum of the scalars in a fixed order.
    fn sum(self) -> S;
}

/// A pack of one.
#[derive(Debug, Clone, Copy)]
pub struct One<S>(S);

impl<S: Scalar> Pack<S> for One<S> {
    const WIDTH: usize = 1;
    #[inline(always)]
    fn load(row: S::Row<'_>, i: usize) -> Self {
        Self(S::get(row, i))
    }
    #[inline(always)]
    fn load_mut(row: &S::RowMut<'_>, i: usize) -> Self {
        Self(S::get_mut(row, i))
    }
    #[inline(always)]
    fn store(self, row: &mut S::RowMut<'_>, i: usize) {
        S::set(row, i, self.0);
    }
    #[inline(always)]
    fn splat(x: S) -> Self {
        Self(x)
    }
    #[inline(always)]
    fn times(self, other: Self) -> Self {
        Self(self.0 * other.0)
    }
    #[inline(always)]
    fn times_plus(self, b: Self, c: Self) -> Self {
        Self(self.0 * b.0 + c.0)
    }
    #[inline(always)]
    fn sum(self) -> S {
        self.0
    }
}

/// Sixteen reals.
#[derive(Debug, Clone, Copy)]
pub struct Lanes<R>([R; LANES]);

impl<R: Real> Lanes<R> {
    #[inline(always)]
    fn read(row: &[R], i: usize) -> Self {
        let mut lanes = [R::of(0.0); LANES];
        lanes.copy_from_slice(&row[i..i + LANES]);
        Self(lanes)
    }
    #[inline(always)]
    fn write(self, row: &mut [R], i: usize) {
        row[i..i + LANES].copy_from_slice(&self.0);
    }
    #[inline(always)]
    fn all(x: R) -> Self {
        Self([x; LANES])
    }
    #[inline(always)]
    fn product(mut self, b: Self) -> Self {
        for k in 0..LANES {
            self.0[k] *= b.0[k];
        }
        self
    }
    #[inline(always)]
    fn product_plus(self, b: Self, mut c: Self) -> Self {
        for k in 0..LANES {
            c.0[k] = fused(self.0[k], b.0[k], c.0[k]);
        }
        c
    }
    #[inline(always)]
    fn total(mut self) -> R {
        let mut width = LANES / 2;
        while width > 0 {
            for k in 0..width {
                let high = self.0[k + width];
                self.0[k] += high;
            }
            width /= 2;
        }
        self.0[0]
    }
}

/// Fused on the architectures whose instruction sets have it; elsewhere a call would cost far more than it gives.
#[inline(always)]
fn fused<R: Real>(a: R, b: R, c: R) -> R {
    if cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) { a.mul_add(b, c) } else { a * b + c }
}

macro_rules! real_pack {
    ($t:ty) => {
        impl Pack<$t> for Lanes<$t> {
            const WIDTH: usize = LANES;
            #[inline(always)]
            fn load(row: &[$t], i: usize) -> Self {
                Self::read(row, i)
            }
            #[inline(always)]
            fn load_mut(row: &&mut [$t], i: usize) -> Self {
                Self::read(row, i)
            }
            #[inline(always)]
            fn store(self, row: &mut &mut [$t], i: usize) {
                self.write(row, i);
            }
            #[inline(always)]
            fn splat(x: $t) -> Self {
                Self::all(x)
            }
            #[inline(always)]
            fn times(self, other: Self) -> Self {
                self.product(other)
            }
            #[inline(always)]
            fn times_plus(self, b: Self, c: Self) -> Self {
                self.product_plus(b, c)
            }
            #[inline(always)]
            fn sum(self) -> $t {
                self.total()
            }
        }
    };
}
real_pack!(f32);
real_pack!(f64);

/// Sixteen duals: their values and their tangents.
#[derive(Debug, Clone, Copy)]
pub struct DualLanes<R> {
    v: Lanes<R>,
    d: Lanes<R>,
}

impl<R: Real> Pack<Dual<R>> for DualLanes<R> {
    const WIDTH: usize = LANES;
    #[inline(always)]
    fn load(row: (&[R], &[R]), i: usize) -> Self {
        Self { v: Lanes::read(row.0, i), d: Lanes::read(row.1, i) }
    }
    #[inline(always)]
    fn load_mut(row: &(&mut [R], &mut [R]), i: usize) -> Self {
        Self { v: Lanes::read(row.0, i), d: Lanes::read(row.1, i) }
    }
    #[inline(always)]
    fn store(self, row: &mut (&mut [R], &mut [R]), i: usize) {
        self.v.write(row.0, i);
        self.d.write(row.1, i);
    }
    #[inline(always)]
    fn splat(x: Dual<R>) -> Self {
        Self { v: Lanes::all(x.v), d: Lanes::all(x.d) }
    }
    #[inline(always)]
    fn times(self, o: Self) -> Self {
        Self { v: self.v.product(o.v), d: self.d.product_plus(o.v, self.v.product(o.d)) }
    }
    #[inline(always)]
    fn times_plus(self, b: Self, c: Self) -> Self {
        let d = self.d.product_plus(b.v, self.v.product_plus(b.d, c.d));
        Self { v: self.v.product_plus(b.v, c.v), d }
    }
    #[inline(always)]
    fn sum(self) -> Dual<R> {
        Dual { v: self.v.total(), d: self.d.total() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A kernel on packs against the same on single scalars; products of numbers of order one, so 1e-14 is rounding.
    #[test]
    fn packs_do_what_scalars_do() {
        let n = LANES;
        let data: Vec<f64> = (0..4 * n).map(|i| (i as f64 * 0.7).sin()).collect();
        let (a, b) = data.split_at(2 * n);
        let (ra, rb) = (<Dual<f64> as Scalar>::row(a, n), <Dual<f64> as Scalar>::row(b, n));
        let y = Dual { v: 0.3, d: -0.8 };
        type P = <Dual<f64> as Scalar>::Pack;
        let pack = P::load(ra, 0).times(P::load(rb, 0)).times_plus(P::splat(y), P::load(ra, 0));
        let mut out = vec![0.0; 2 * n];
        let mut row = <Dual<f64> as Scalar>::row_mut(&mut out, n);
        pack.store(&mut row, 0);
        let mut total = Dual { v: 0.0, d: 0.0 };
        for i in 0..n {
            type S = Dual<f64>;
            let want = S::get(ra, i) * S::get(rb, i) * y + S::get(ra, i);
            let got = S::get_mut(&row, i);
            assert!((want.v - got.v).abs() < 1e-14 && (want.d - got.d).abs() < 1e-14);
            total += want;
        }
        let sum = pack.sum();
        assert!((sum.v - total.v).abs() < 1e-14 && (sum.d - total.d).abs() < 1e-14);
    }
}
