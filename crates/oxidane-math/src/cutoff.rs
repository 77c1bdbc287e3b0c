//! Cutoff functions: 1 at distance zero, smoothly to 0 at the cutoff radius.

use crate::names::{self, UnknownName};
use crate::scalar::{Real, Scalar};
use std::fmt;
use std::str::FromStr;

/// Shape of the cutoff function f(u), u = r / cutoff. All are zero, with zero slope, from the cutoff on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cutoff {
    /// (cos(pi u) + 1) / 2: Behler, J. Chem. Phys. 2011, 134, 074106.
    Cosine,
    /// 1 - (p+1)(p+2)/2 u^p + p(p+2) u^(p+1) - p(p+1)/2 u^(p+2): Gasteiger et al., ICLR 2020. The name
    /// "polynomial" means p = 3.
    Polynomial {
        /// Order of contact with 1 at distance zero; at least 1.
        p: u32,
    },
    /// exp(-u^2 / ((1-u)(1+u))) = exp(1 - 1/(1-u^2)), infinitely smooth: Unke et al., Nat. Commun. 2021, 12, 7273. It is
    /// also known, and accepted, as "smooth".
    Exponential,
    /// 1 up to u = 0.9, then (3 - 2t) t^2 with t = (1-u) / 0.1.
    Flat,
}

/// Exponents of the bump beyond this magnitude count as zero: e^-80 is below any rounding error, and its
/// derivatives are still ordinary `f32` numbers.
const BUMP_LIMIT: f64 = 80.0;
/// Where [`Cutoff::Flat`] starts to fall, as a distance from the cutoff in units of it.
const FLAT_WIDTH: f64 = 0.1;

impl Cutoff {
    /// All cutoffs that have a name.
    pub const ALL: [Self; 4] = [Self::Cosine, Self::Polynomial { p: 3 }, Self::Exponential, Self::Flat];

    /// Name in model files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cosine => "cosine",
            Self::Polynomial { .. } => "polynomial",
            Self::Exponential => "exponential",
            Self::Flat => "flat",
        }
    }

    /// f(r) and df/dr at distance `r` >= 0 for the cutoff radius `rc`; both exactly zero for r >= rc.
    #[inline(always)]
    pub fn evaluate<S: Scalar>(self, rc: S::Real, r: S) -> (S, S) {
        let inverse = S::Real::of(1.0) / rc;
        // Compared undivided: r / rc could round to below 1. NaN is not cut off, so that it shows.
        if r.value() >= rc {
            return (S::zero(), S::zero());
        }
        let (f, df) = self.reduced(r.scale(inverse));
        (f, df.scale(inverse))
    }

    /// f(u) and df/du for 0 <= u < 1.
    #[inline(always)]
    fn reduced<S: Scalar>(self, u: S) -> (S, S) {
        let lit = S::Real::of;
        match self {
            Self::Cosine => {
                // cos^2 of half the angle: no cancellation near the cutoff.
                let (s, c) = u.scale(lit(std::f64::consts::FRAC_PI_2)).sin_cos();
                (c * c, (s * c).scale(lit(-std::f64::consts::PI)))
            }
            Self::Polynomial { p } => polynomial(p, u),
            Self::Exponential => {
                let one = S::lit(1.0);
                let inverse = ((one - u) * (one + u)).recip();
                let exponent = u * u * inverse;
                if exponent.value() > lit(BUMP_LIMIT) {
                    return (S::zero(), S::zero());
                }
                let f = (-exponent).exp();
                (f, (f * u * inverse * inverse).scale(lit(-2.0)))
            }
            Self::Flat => {
                let t = (S::lit(1.0) - u).scale(lit(1.0 / FLAT_WIDTH));
                if t.value() >= lit(1.0) {
                    return (S::lit(1.0), S::zero());
                }
                let f = (S::lit(3.0) - t.scale(lit(2.0))) * t * t;
                (f, (t * (S::lit(1.0) - t)).scale(lit(-6.0 / FLAT_WIDTH)))
            }
        }
    }
}

/// The polynomial cutoff as (1-u)^3 sum_{k<p} (k+1)(k+2)/2 u^k: the same polynomial (both are 1 + O(u^p), of degree
/// p+2, with a triple zero at 1), without the cancellation of the expanded one.
#[inline(always)]
fn polynomial<S: Scalar>(p: u32, u: S) -> (S, S) {
    let (mut sum, mut power) = (S::zero(), S::lit(1.0));
    for k in (0..p).rev() {
        let k = f64::from(k);
        sum = sum * u + S::lit(0.5 * (k + 1.0) * (k + 2.0));
        if k > 0.0 {
            power *= u;
        }
    }
    let v = S::lit(1.0) - u;
    let p = f64::from(p);
    (sum * v * v * v, (power * v * v).scale(S::Real::of(-0.5 * p * (p + 1.0) * (p + 2.0))))
}

impl fmt::Display for Cutoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Cutoff {
    type Err = UnknownName;
    fn from_str(s: &str) -> Result<Self, UnknownName> {
        let s = if s == "smooth" { "exponential" } else { s };
        names::find("cutoff function", s, &Self::ALL, Self::name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar::Dual;

    const RC: f64 = 5.0;

    /// The definitions as published, in plain `f64`.
    fn published(cutoff: Cutoff, r: f64) -> f64 {
        let u = r / RC;
        match cutoff {
            Cutoff::Cosine => 0.5 * ((std::f64::consts::PI * u).cos() + 1.0),
            Cutoff::Polynomial { p } => {
                let (n, p) = (p as i32, f64::from(p));
                1.0 - 0.5 * (p + 1.0) * (p + 2.0) * u.powi(n) + p * (p + 2.0) * u.powi(n + 1)
                    - 0.5 * p * (p + 1.0) * u.powi(n + 2)
            }
            Cutoff::Exponential => (-r * r / ((RC - r) * (RC + r))).exp(),
            Cutoff::Flat if u < 0.9 => 1.0,
            Cutoff::Flat => (3.0 - 2.0 * (1.0 - u) / 0.1) * ((1.0 - u) / 0.1).powi(2),
        }
    }

    /// Values to 1e-13, the rounding of the published polynomial; slopes to 1e-8 and second derivatives to 1e-7, the
    /// truncation of central differences with h = 1e-5 (the third derivative of the flat cutoff is about 100, the
    /// fourth of the bump larger near the cutoff). Single precision to 3e-6, a few roundings times the slope.
    #[test]
    fn values_and_derivatives() {
        for cutoff in Cutoff::ALL.into_iter().chain([1, 2, 6].map(|p| Cutoff::Polynomial { p })) {
            let at = |r: f64| cutoff.evaluate(RC, Dual { v: r, d: 1.0 });
            for r in [0.1, 1.0, 2.7, 4.4, 4.6, 4.9] {
                let (f, df) = at(r);
                assert!((f.v - published(cutoff, r)).abs() < 1e-13, "{cutoff:?} {r}");
                assert!((f.d - df.v).abs() < 1e-13 * (1.0 + df.v.abs()), "{cutoff:?} {r}");
                let (plus, minus) = (at(r + 1e-5), at(r - 1e-5));
                assert!(((plus.0.v - minus.0.v) / 2e-5 - df.v).abs() < 1e-8, "{cutoff:?} {r}");
                assert!(((plus.1.v - minus.1.v) / 2e-5 - df.d).abs() < 1e-7, "{cutoff:?} {r}");
                let single = cutoff.evaluate(RC as f32, r as f32);
                assert!((f64::from(single.0) - f.v).abs() < 3e-6, "{cutoff:?} {r}");
            }
        }
    }

    #[test]
    fn one_at_zero_and_nothing_from_the_cutoff_on() {
        for cutoff in Cutoff::ALL {
            let (f, df) = cutoff.evaluate(RC, 0.0);
            assert!((f - 1.0).abs() < 1e-15 && df.abs() < 1e-15, "{cutoff}");
            for r in [RC, RC + 1e-9, 2.0 * RC] {
                assert_eq!(cutoff.evaluate(RC, r), (0.0, 0.0), "{cutoff}");
                assert_eq!(cutoff.evaluate(RC as f32, r as f32), (0.0, 0.0), "{cutoff}");
            }
            // Down to the last number below the cutoff everything is finite and goes to zero.
            for steps in 1..2000_u32 {
                let single = f32::from_bits((RC as f32).to_bits() - steps * steps);
                let double = f64::from_bits(RC.to_bits() - (1 << (steps / 40)));
                let (f, df) = cutoff.evaluate(RC as f32, Dual { v: single, d: 1.0 });
                assert!([f.v, f.d, df.v, df.d].iter().all(|x| x.is_finite()), "{cutoff}");
                let (g, dg) = cutoff.evaluate(RC, Dual { v: double, d: 1.0 });
                assert!([g.v, g.d, dg.v, dg.d].iter().all(|x| x.is_finite()), "{cutoff}");
                if steps == 1 {
                    assert!(f.v.abs() < 1e-10 && df.v.abs() < 1e-4, "{cutoff}");
                    assert!(g.v.abs() < 1e-20 && dg.v.abs() < 1e-12, "{cutoff}");
                }
            }
        }
    }

    #[test]
    fn names_round_trip() {
        for cutoff in Cutoff::ALL {
            assert_eq!(cutoff.to_string().parse(), Ok(cutoff));
        }
        // The bump under its other name: exp(1 - 1/(1-u^2)) at u = 1/2.
        let (f, _) = "smooth".parse::<Cutoff>().unwrap().evaluate(RC, 0.5 * RC);
        assert!((f - (-1.0f64 / 3.0).exp()).abs() < 1e-15);
        let error = "hard".parse::<Cutoff>().unwrap_err().to_string();
        assert_eq!(error, "unknown cutoff function 'hard': use one of cosine, polynomial, exponential, flat");
    }
}
