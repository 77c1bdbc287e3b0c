//! [`Lanes`]: eight numbers handled together, one for each of eight pairs of atoms.

use std::ops::{Add, AddAssign, Mul, Neg, Sub};

/// Pairs of atoms handled together: one AVX-512 register of `f64`.
pub const LANES: usize = 8;

/// One number for each of eight pairs of atoms. All operations are elementwise, so no lane knows of the others.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(align(64))]
pub struct Lanes(pub [f64; LANES]);

impl Lanes {
    /// Zeros.
    pub const ZERO: Self = Self([0.0; LANES]);

    /// The same number everywhere.
    #[inline(always)]
    pub fn splat(x: f64) -> Self {
        Self([x; LANES])
    }

    /// A function of each number.
    #[inline(always)]
    pub fn map(mut self, f: impl Fn(f64) -> f64) -> Self {
        for x in &mut self.0 {
            *x = f(*x);
        }
        self
    }

    /// `self * b + c`; fused on the architectures whose instruction sets have it.
    #[inline(always)]
    pub fn times_plus(self, b: Self, mut c: Self) -> Self {
        for k in 0..LANES {
            c.0[k] = fused(self.0[k], b.0[k], c.0[k]);
        }
        c
    }

    /// `self * b + c` with one number `b` for all lanes.
    #[inline(always)]
    pub fn scaled_plus(self, b: f64, mut c: Self) -> Self {
        for k in 0..LANES {
            c.0[k] = fused(self.0[k], b, c.0[k]);
        }
        c
    }
}

#[inline(always)]
fn fused(a: f64, b: f64, c: f64) -> f64 {
    if cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) { a.mul_add(b, c) } else { a * b + c }
}

macro_rules! elementwise {
    ($trait:ident, $method:ident, $op:tt) => {
        impl $trait for Lanes {
            type Output = Self;
            #[inline(always)]
            fn $method(mut self, other: Self) -> Self {
                for k in 0..LANES {
                    self.0[k] $op other.0[k];
                }
                self
            }
        }
    };
}
elementwise!(Add, add, +=);
elementwise!(Sub, sub, -=);
elementwise!(Mul, mul, *=);

impl Mul<f64> for Lanes {
    type Output = Self;
    #[inline(always)]
    fn mul(self, x: f64) -> Self {
        self.map(|y| y * x)
    }
}

impl Neg for Lanes {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        self.map(|x| -x)
    }
}

impl AddAssign for Lanes {
    #[inline(always)]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}
