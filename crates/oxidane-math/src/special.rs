//! Special functions written so that loops over them vectorise.

/// e^x in single precision. Cody-Waite reduction to |r| <= ln2/2 and a degree-7 polynomial; relative error below
/// 2.5e-7 for |x| <= 86 (tested). Beyond 87 the argument is clamped, so the result
/// is never inf, NaN only for NaN.
#[inline(always)]
pub fn exp_f32(x: f32) -> f32 {
    // NaN must pass: comparisons with NaN are false, so it is not clamped.
    let x = if x > 87.0 { 87.0 } else { x };
    let x = if x < -87.0 { -87.0 } else { x };
    // Adding and subtracting 1.5 * 2^23 rounds to the nearest integer without a call.
    const ROUND: f32 = 12_582_912.0;
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * 0.693_359_4) + n * 2.121_944_4e-4;
    let mut p = 1.0 / 5040.0;
    for c in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        p = p * r + c;
    }
    // The integer sits in the low bits of the shifted number; build 2^n from it.
    let bits = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23;
    p * f32::from_bits(bits)
}

/// e^x in double precision. Reduction as in [`exp_f32`], degree-13 polynomial; relative error below 5e-16 for
/// |x| <= 688 (tested). Beyond 708 the argument is clamped.
#[inline(always)]
pub fn exp_f64(x: f64) -> f64 {
    let x = if x > 708.0 { 708.0 } else { x };
    let x = if x < -708.0 { -708.0 } else { x };
    const ROUND: f64 = 6_755_399_441_055_744.0;
    let shifted = x * std::f64::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    // ln 2 split so that n times the high part is exact.
    let r = (x - n * 0.693_147_180_369_123_8) - n * 1.908_214_929_270_587_7e-10;
    let mut p = 1.0 / 6_227_020_800.0;
    for c in [
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ] {
        p = p * r + c;
    }
    let bits = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(1023) << 52;
    p * f64::from_bits(bits)
}

macro_rules! sin_cos {
    ($(#[$doc:meta])* $name:ident, $t:ident, $two_over_pi:expr, $round:literal, $top:literal, $half_pi:expr, $sin:expr, $cos:expr) => {
        $(#[$doc])*
        #[inline(always)]
        pub fn $name(x: $t) -> ($t, $t) {
            let shifted = x * $two_over_pi + $round;
            let n = shifted - $round;
            let mut r = x;
            for part in $half_pi {
                r -= n * part;
            }
            let z = r * r;
            let (mut s, mut c) = (0.0, 0.0);
            for k in $sin {
                s = s * z + k;
            }
            for k in $cos {
                c = c * z + k;
            }
            let s = r + r * z * s;
            let c = 1.0 - (0.5 * z - z * z * c);
            // The quadrant, n modulo 4, sits in the low bits of the shifted number.
            let q = shifted.to_bits();
            let (s, c) = if q & 1 == 1 { (c, s) } else { (s, c) };
            let sign = |x: $t, q| $t::from_bits(x.to_bits() ^ ((q & 2) << $top));
            (sign(s, q), sign(c, q.wrapping_add(1)))
        }
    };
}

sin_cos!(
    /// Sine and cosine in single precision. Cody-Waite reduction by pi/2 in three parts (the first two of 11 bits,
    /// so that their products with the quadrant number are exact) and Taylor polynomials on |r| <= pi/4; error
    /// below 2e-7 for |x| <= 1e4 (tested), growing beyond.
    sin_cos_f32, f32, std::f32::consts::FRAC_2_PI, 12_582_912.0, 30,
    [1.570_312_5, 4.837_513e-4, 7.549_79e-8],
    [1.0 / 362_880.0, -1.0 / 5_040.0, 1.0 / 120.0, -1.0 / 6.0],
    [-1.0 / 3_628_800.0, 1.0 / 40_320.0, -1.0 / 720.0, 1.0 / 24.0]
);
sin_cos!(
    /// Sine and cosine in double precision: as [`sin_cos_f32`], with pi/2 in a part of 33 bits and the rest; error
    /// below 4e-16 for |x| <= 1e4 (tested).
    sin_cos_f64, f64, std::f64::consts::FRAC_2_PI, 6_755_399_441_055_744.0, 62,
    [1.570_796_326_734_125_6, 6.077_100_506_506_192e-11],
    [
        1.0 / 355_687_428_096_000.0,
        -1.0 / 1_307_674_368_000.0,
        1.0 / 6_227_020_800.0,
        -1.0 / 39_916_800.0,
        1.0 / 362_880.0,
        -1.0 / 5_040.0,
        1.0 / 120.0,
        -1.0 / 6.0,
    ],
    [
        1.0 / 20_922_789_888_000.0,
        -1.0 / 87_178_291_200.0,
        1.0 / 479_001_600.0,
        -1.0 / 3_628_800.0,
        1.0 / 40_320.0,
        -1.0 / 720.0,
        1.0 / 24.0,
    ]
);

macro_rules! ln {
    ($(#[$doc:meta])* $name:ident, $t:ident, $signed:ident, $mantissa:literal, $scale:expr, $ln2:expr, $series:expr) => {
        $(#[$doc])*
        #[inline(always)]
        pub fn $name(x: $t) -> $t {
            // Subnormal numbers are brought into the normal range first.
            let (y, shift) = if x < $t::MIN_POSITIVE { (x * $scale.0, $scale.1) } else { (x, 0.0) };
            // y = 2^e m with m in [sqrt(1/2), sqrt(2)).
            let bits = y.to_bits() as $signed;
            let root = std::$t::consts::FRAC_1_SQRT_2.to_bits() as $signed;
            let e = bits.wrapping_sub(root) >> $mantissa;
            let f = $t::from_bits(bits.wrapping_sub(e << $mantissa) as _) - 1.0;
            let e = e as i32 as $t - shift;
            // ln(1+f) = 2 artanh(s) with s = f/(2+f), arranged so that the leading term f is exact.
            let s = f / (2.0 + f);
            let z = s * s;
            let mut p = 0.0;
            for k in $series {
                p = p * z + 2.0 / k;
            }
            let half = 0.5 * f * f;
            let y = e * $ln2.0 - ((half - (s * (half + p * z) + e * $ln2.1)) - f);
            let y = if x == 0.0 { $t::NEG_INFINITY } else { y };
            let y = if x == $t::INFINITY { x } else { y };
            if x >= 0.0 { y } else { $t::NAN }
        }
    };
}

ln!(
    /// Natural logarithm in single precision, relative error below 2e-7 (tested); -inf at zero, NaN below it.
    ln_f32, f32, i32, 23, (33_554_432.0, 25.0),
    (0.693_359_4, -2.121_944_4e-4),
    [11.0, 9.0, 7.0, 5.0, 3.0]
);
ln!(
    /// Natural logarithm in double precision, relative error below 4e-16 (tested); -inf at zero, NaN below it.
    ln_f64, f64, i64, 52, (18_014_398_509_481_984.0, 54.0),
    (0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10),
    [21.0, 19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0]
);

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the system's exponential, whose own error is below 1 ulp (6e-8, 1.1e-16).
    #[test]
    fn exponentials_match_the_library() {
        for i in -8600..8600 {
            let x = f64::from(i) * 0.01 + 0.0037;
            let (a, b) = (f64::from(exp_f32(x as f32)), f64::from(x as f32).exp());
            assert!((a / b - 1.0).abs() < 2.5e-7, "f32 {x}: {a} {b}");
            let x = 8.0 * x;
            let (a, b) = (exp_f64(x), x.exp());
            assert!((a / b - 1.0).abs() < 5e-16, "f64 {x}: {a} {b}");
        }
        assert!(exp_f32(f32::NAN).is_nan() && exp_f64(f64::NAN).is_nan());
        assert!(exp_f32(1e9).is_finite() && exp_f32(-1e9) < 1e-37);
    }

    /// Against the system's functions; the error is relative to 1, the scale of both functions.
    #[test]
    fn sine_and_cosine_match_the_library() {
        for i in -20_000..=20_000 {
            // Dense below 100, sparse to 1e4.
            let t = f64::from(i) / 20_000.0;
            for x in [100.0 * t, 1e4 * t] {
                let ((s, c), y) = (sin_cos_f32(x as f32), f64::from(x as f32));
                assert!((f64::from(s) - y.sin()).abs() < 2e-7, "sin f32 {y}");
                assert!((f64::from(c) - y.cos()).abs() < 2e-7, "cos f32 {y}");
                let (s, c) = sin_cos_f64(x);
                assert!((s - x.sin()).abs() < 4e-16, "sin f64 {x}: {s}");
                assert!((c - x.cos()).abs() < 4e-16, "cos f64 {x}: {c}");
            }
        }
        assert!(sin_cos_f32(f32::NAN).0.is_nan() && sin_cos_f64(f64::NAN).1.is_nan());
        assert_eq!(sin_cos_f64(0.0), (0.0, 1.0));
    }

    /// Against the system's logarithm, relative; 0.5 ulp is 6e-8 and 1.1e-16.
    #[test]
    fn logarithm_matches_the_library() {
        for i in -7000..7000 {
            let x = (f64::from(i) * 0.1 + 0.0123).exp();
            assert!((ln_f64(x) / x.ln() - 1.0).abs() < 4e-16, "f64 {x}");
            let x = (f64::from(i) * 0.0125).exp() as f32;
            let near = 1.0 + 1e-4 * x.fract();
            for x in [x, near] {
                let y = f64::from(x).ln();
                assert!((f64::from(ln_f32(x)) - y).abs() <= 2e-7 * y.abs(), "f32 {x}");
            }
        }
        for (x, y) in [(0.0, f64::NEG_INFINITY), (1.0, 0.0), (f64::INFINITY, f64::INFINITY)] {
            assert_eq!(ln_f64(x), y);
            assert_eq!(f64::from(ln_f32(x as f32)), y);
        }
        assert!(ln_f64(-1.0).is_nan() && ln_f32(f32::NAN).is_nan());
        let tiny = 1e-310_f64;
        assert!((ln_f64(tiny) / tiny.ln() - 1.0).abs() < 4e-16);
        assert!((f64::from(ln_f32(1e-40)) / f64::from(1e-40_f32).ln() - 1.0).abs() < 2e-7);
    }
}
