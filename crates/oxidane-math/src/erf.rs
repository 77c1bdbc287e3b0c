//! The error function and its complement, written so that loops over them vectorise.

use crate::scalar::Scalar;
use crate::special::exp_f64;
use std::f64::consts::FRAC_2_SQRT_PI;

/// erf(x), its complement 1 - erf(x) and exp(-x^2).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ErrorFunctions<S> {
    /// erf(x).
    pub erf: S,
    /// erfc(x) = 1 - erf(x), without cancellation.
    pub erfc: S,
    /// exp(-x^2).
    pub gaussian: S,
}

/// Where the reduced variable of the complement is zero.
const CENTER: f64 = 3.0;

/// Below this erf is summed as a series, so that it is right relative to itself.
const SERIES: f64 = 0.5;

/// (1 + 2x) exp(x^2) erfc(x) as a polynomial in t = (x - 3) / (x + 3), highest power first: the expansion in Chebyshev
/// polynomials up to degree 24 (the form of M. M. Shepherd and J. G. Laframboise, Math. Comp. 1981, 36, 249), computed with 50
/// digits and ordered by powers.
const SCALED_COMPLEMENT: [f64; 25] = [
    8.393734858690877e-10,
    9.862533510345587e-10,
    -8.217595058711455e-9,
    -1.3312919661038687e-8,
    4.1064013667940355e-8,
    1.0183620603842736e-7,
    -1.4047654315428462e-7,
    -6.166011460398726e-7,
    3.5576086684080595e-7,
    3.472370944977168e-6,
    -7.308281468783614e-7,
    -2.0100542268525612e-5,
    4.949196649968345e-6,
    0.0001250993424583729,
    -0.00010515971958448065,
    -0.0007798322696543306,
    0.0018886903449991718,
    0.0025293918156939696,
    -0.02377051491717134,
    0.0683080273440099,
    -0.11927366341538638,
    0.1296451587027594,
    -0.0475622943534492,
    -0.13562110612458117,
    1.2530080582697296,
];

/// (-1)^n / (n! (2n + 1)), highest n first: erf(x) = 2/sqrt(pi) x sum_n of these times x^2n.
const POWERS: [f64; 12] = [
    -1.0 / 918_086_400.0,
    1.0 / 76_204_800.0,
    -1.0 / 6_894_720.0,
    1.0 / 685_440.0,
    -1.0 / 75_600.0,
    1.0 / 9_360.0,
    -1.0 / 1_320.0,
    1.0 / 216.0,
    -1.0 / 42.0,
    1.0 / 10.0,
    -1.0 / 3.0,
    1.0,
];

/// The error functions at x >= 0. The error of erf is below 6e-16 relative to it, that of erfc and the Gaussian below 6e-16 absolute
/// and below (8 + 2 x^2) 1e-16 relative (tested); beyond 26 both are some tiny number.
#[inline(always)]
pub fn error_functions_f64(x: f64) -> ErrorFunctions<f64> {
    let square = x * x;
    let gaussian = exp_f64(-square);
    let (near, far) = (1.0 + 2.0 * x, x + CENTER);
    // One division for both 1/near and 1/far.
    let inverse = 1.0 / (near * far);
    let t = (x - CENTER) * near * inverse;
    let mut p = 0.0;
    for c in SCALED_COMPLEMENT {
        p = p * t + c;
    }
    let complement = gaussian * p * (far * inverse);
    let mut q = 0.0;
    for c in POWERS {
        q = q * square + c;
    }
    let series = FRAC_2_SQRT_PI * x * q;
    let small = x < SERIES;
    let erf = if small { series } else { 1.0 - complement };
    let erfc = if small { 1.0 - series } else { complement };
    ErrorFunctions { erf, erfc, gaussian }
}

/// As [`error_functions_f64`] for any scalar in double precision.
#[inline(always)]
pub fn error_functions<S: Scalar<Real = f64>>(x: S) -> ErrorFunctions<S> {
    let at = error_functions_f64(x.value());
    let slope = FRAC_2_SQRT_PI * at.gaussian;
    ErrorFunctions {
        erf: x.chain(at.erf, slope),
        erfc: x.chain(at.erfc, -slope),
        gaussian: x.chain(at.gaussian, -2.0 * x.value() * at.gaussian),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar::Dual;

    /// Against libm, whose own errors are below 1 ulp.
    #[test]
    fn error_functions_match_the_library() {
        for i in 0..27_000 {
            let x = f64::from(i) * 1e-3 + 1.3e-5;
            let found = error_functions_f64(x);
            let (erf, erfc) = (libm::erf(x), libm::erfc(x));
            assert!((found.erf / erf - 1.0).abs() < 6e-16, "erf {x}: {} {erf}", found.erf);
            assert!((found.erfc - erfc).abs() < 6e-16, "erfc {x}: {} {erfc}", found.erfc);
            if x < 26.0 {
                let relative = (found.erfc / erfc - 1.0).abs();
                assert!(relative < (8.0 + 2.0 * x * x) * 1e-16, "erfc {x}: {relative:.1e}");
            }
        }
        assert_eq!(error_functions_f64(0.0), ErrorFunctions { erf: 0.0, erfc: 1.0, gaussian: 1.0 });
        assert!(error_functions_f64(1e12).erf == 1.0 && error_functions_f64(1e12).erfc < 1e-200);
        assert!(error_functions_f64(f64::NAN).erf.is_nan());
    }

    /// Tangents against central differences with h = 1e-5: truncation and rounding both stay below 1e-9.
    #[test]
    fn tangents_match_differences() {
        let h = 1e-5;
        for x in [0.02, 0.3, 0.9, 2.1] {
            let at = error_functions(Dual { v: x, d: 1.0 });
            let (up, down) = (error_functions_f64(x + h), error_functions_f64(x - h));
            for (found, up, down) in [
                (at.erf.d, up.erf, down.erf),
                (at.erfc.d, up.erfc, down.erfc),
                (at.gaussian.d, up.gaussian, down.gaussian),
            ] {
                assert!((found - (up - down) / (2.0 * h)).abs() < 1e-9, "{x}");
            }
        }
    }
}
