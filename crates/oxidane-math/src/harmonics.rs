//! Real spherical harmonics of a unit vector, "component" normalised (the squares of degree l sum to 2l+1), and the
//! geometry of a vector, each with its reverse.
//!
//! Order m = -l..l, all signs positive: l = 1 is sqrt(3) (y, z, x). With Pi_l^m = d^m P_l(z) / dz^m,
//! Y_l^(+m) = N_lm Pi_l^m Re (x+iy)^m and Y_l^(-m) = N_lm Pi_l^m Im (x+iy)^m: polynomials in x, y, z.

use crate::scalar::{Real, Scalar};

/// Highest degree available.
pub const MAX_DEGREE: usize = 8;

/// Number of harmonics up to degree `lmax`.
pub const fn count(lmax: usize) -> usize {
    (lmax + 1) * (lmax + 1)
}

const SQRT_3: f64 = NORM[1][0];
const SQRT_5: f64 = NORM[2][0];
const SQRT_15: f64 = SQRT_3 * SQRT_5;

/// N_lm = sqrt((2l+1) (l-m)!/(l+m)! (2 if m > 0)).
const NORM: [[f64; MAX_DEGREE + 1]; MAX_DEGREE + 1] = norms();

const fn norms() -> [[f64; MAX_DEGREE + 1]; MAX_DEGREE + 1] {
    let mut table = [[0.0; MAX_DEGREE + 1]; MAX_DEGREE + 1];
    let mut l = 0;
    while l <= MAX_DEGREE {
        // (l+m)!/(l-m)!, which grows by (l-m)(l+m+1) from m to m+1.
        let mut ratio = 1.0;
        let mut m = 0;
        while m <= l {
            let twice = if m > 0 { 2.0 } else { 1.0 };
            table[l][m] = square_root((2 * l + 1) as f64 * twice / ratio);
            ratio *= ((l - m) * (l + m + 1)) as f64;
            m += 1;
        }
        l += 1;
    }
    table
}

/// Pi_m^m = (2m-1)!!.
const DIAGONAL: [f64; MAX_DEGREE + 1] = diagonal();

const fn diagonal() -> [f64; MAX_DEGREE + 1] {
    let mut table = [1.0; MAX_DEGREE + 1];
    let mut m = 1;
    while m <= MAX_DEGREE {
        table[m] = table[m - 1] * (2 * m - 1) as f64;
        m += 1;
    }
    table
}

/// The factors (a, b) of Pi_(l+1)^m = a z Pi_l^m - b Pi_(l-1)^m, at `[l][m]`.
const RECURRENCE: [[(f64, f64); MAX_DEGREE + 1]; MAX_DEGREE + 1] = recurrence();

const fn recurrence() -> [[(f64, f64); MAX_DEGREE + 1]; MAX_DEGREE + 1] {
    let mut table = [[(0.0, 0.0); MAX_DEGREE + 1]; MAX_DEGREE + 1];
    let mut l = 0;
    while l <= MAX_DEGREE {
        let mut m = 0;
        while m <= l {
            let divisor = (l + 1 - m) as f64;
            table[l][m] = ((2 * l + 1) as f64 / divisor, (l + m) as f64 / divisor);
            m += 1;
        }
        l += 1;
    }
    table
}

/// Newton's iteration: the library's square root is not available at compile time.
const fn square_root(x: f64) -> f64 {
    let mut y = if x > 1.0 { x } else { 1.0 };
    let mut i = 0;
    while i < 100 {
        y = 0.5 * (y + x / y);
        i += 1;
    }
    y
}

/// Writes the harmonics of the unit vector `u` up to degree `lmax` into `y[..count(lmax)]`: l-major, m = -l..l.
///
/// # Panics
/// If `lmax` exceeds [`MAX_DEGREE`] or `y` is too short: check the degree where the model is read.
#[inline(always)]
pub fn harmonics<S: Scalar>(lmax: usize, u: [S; 3], y: &mut [S]) {
    let y = &mut y[..count(lmax)];
    if lmax > 2 {
        return harmonics_by_order(lmax, u, y);
    }
    let lit = S::Real::of;
    y[0] = S::lit(1.0);
    let [ux, uy, uz] = u;
    if lmax >= 1 {
        let y = &mut y[1..4];
        y[0] = uy.scale(lit(SQRT_3));
        y[1] = uz.scale(lit(SQRT_3));
        y[2] = ux.scale(lit(SQRT_3));
    }
    if lmax == 2 {
        let y = &mut y[4..9];
        let (cx, cz) = (ux.scale(lit(SQRT_15)), uz.scale(lit(SQRT_15)));
        y[0] = cx * uy;
        y[1] = cz * uy;
        y[2] = (uz * uz).scale(lit(1.5 * SQRT_5)) - S::lit(0.5 * SQRT_5);
        y[3] = cz * ux;
        y[4] = (ux * ux - uy * uy).scale(lit(0.5 * SQRT_15));
    }
}

/// The gradient of sum_k adjoint_k Y_k with respect to (x, y, z), the harmonics taken as the polynomials of
/// [`harmonics`] in three independent variables; [`geometry_reverse`] removes the part along the vector.
///
/// # Panics
/// As [`harmonics`].
#[inline(always)]
pub fn harmonics_reverse<S: Scalar>(lmax: usize, u: [S; 3], adjoint: &[S]) -> [S; 3] {
    let a = &adjoint[..count(lmax)];
    if lmax > 2 {
        return reverse_by_order(lmax, u, a);
    }
    let lit = S::Real::of;
    if lmax == 0 {
        return [S::zero(); 3];
    }
    let mut g = [a[3], a[1], a[2]].map(|x| x.scale(lit(SQRT_3)));
    if lmax == 2 {
        let [ux, uy, uz] = u;
        let a = &a[4..9];
        g[0] += (a[0] * uy + a[3] * uz + a[4] * ux).scale(lit(SQRT_15));
        g[1] += (a[0] * ux + a[1] * uz - a[4] * uy).scale(lit(SQRT_15));
        g[2] += (a[1] * uy + a[3] * ux).scale(lit(SQRT_15)) + (a[2] * uz).scale(lit(3.0 * SQRT_5));
    }
    g
}

/// Any degree, order by order: Re and Im (x+iy)^m run along m, Pi_l^m by its three-term recurrence along l.
#[inline(always)]
fn harmonics_by_order<S: Scalar>(lmax: usize, [ux, uy, uz]: [S; 3], y: &mut [S]) {
    let (mut re, mut im) = (S::lit(1.0), S::zero());
    for m in 0..=lmax {
        let (mut previous, mut pi) = (S::zero(), S::lit(DIAGONAL[m]));
        for l in m..=lmax {
            let p = pi.scale(S::Real::of(NORM[l][m]));
            let centre = l * l + l;
            y[centre + m] = p * re;
            if m > 0 {
                y[centre - m] = p * im;
            }
            let (a, b) = RECURRENCE[l][m];
            let (a, b) = (S::Real::of(a), S::Real::of(b));
            (previous, pi) = (pi, (uz * pi).scale(a) - previous.scale(b));
        }
        (re, im) = (re * ux - im * uy, re * uy + im * ux);
    }
}

#[inline(always)]
fn reverse_by_order<S: Scalar>(lmax: usize, [ux, uy, uz]: [S; 3], adjoint: &[S]) -> [S; 3] {
    let [mut gx, mut gy, mut gz] = [S::zero(); 3];
    let (mut re, mut im) = (S::lit(1.0), S::zero());
    // (x+iy)^(m-1), which times m is the derivative of (x+iy)^m.
    let (mut re_below, mut im_below) = (S::zero(), S::zero());
    for m in 0..=lmax {
        let (mut previous, mut pi) = (S::zero(), S::lit(DIAGONAL[m]));
        let (mut previous_dz, mut pi_dz) = (S::zero(), S::zero());
        let (mut to_re, mut to_im) = (S::zero(), S::zero());
        for l in m..=lmax {
            let norm = S::Real::of(NORM[l][m]);
            let centre = l * l + l;
            let plus = adjoint[centre + m].scale(norm);
            let minus = if m > 0 { adjoint[centre - m].scale(norm) } else { S::zero() };
            to_re += plus * pi;
            to_im += minus * pi;
            gz += (plus * re + minus * im) * pi_dz;
            let (a, b) = RECURRENCE[l][m];
            let (a, b) = (S::Real::of(a), S::Real::of(b));
            let next = (uz * pi).scale(a) - previous.scale(b);
            let next_dz = (pi + uz * pi_dz).scale(a) - previous_dz.scale(b);
            (previous, pi, previous_dz, pi_dz) = (pi, next, pi_dz, next_dz);
        }
        let order = S::Real::of(m as f64);
        gx += (to_re * re_below + to_im * im_below).scale(order);
        gy += (to_im * re_below - to_re * im_below).scale(order);
        (re_below, im_below) = (re, im);
        (re, im) = (re * ux - im * uy, re * uy + im * ux);
    }
    [gx, gy, gz]
}

/// Length and direction of a vector. Not for the zero vector, whose direction is NaN.
#[inline(always)]
pub fn vector_geometry<S: Scalar>(v: [S; 3]) -> (S, [S; 3]) {
    let r = dot(v, v).sqrt();
    let inverse = r.recip();
    (r, v.map(|x| x * inverse))
}

/// The reverse of [`vector_geometry`]: the gradient with respect to the vector, from those with respect to its
/// length and its direction: adj_r u + (adj_u - u (u . adj_u)) / r.
#[inline(always)]
pub fn geometry_reverse<S: Scalar>(r: S, unit: [S; 3], adj_r: S, adj_unit: [S; 3]) -> [S; 3] {
    let inverse = r.recip();
    let along = adj_r - dot(unit, adj_unit) * inverse;
    std::array::from_fn(|k| unit[k] * along + adj_unit[k] * inverse)
}

#[inline(always)]
fn dot<S: Scalar>(a: [S; 3], b: [S; 3]) -> S {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar::Dual;

    const VECTORS: [[f64; 3]; 2] = [[0.36, -0.48, 0.8], [2.0 / 3.0, -1.0 / 3.0, -2.0 / 3.0]];

    fn values<S: Scalar>(lmax: usize, u: [S; 3]) -> Vec<S> {
        let mut y = vec![S::zero(); count(lmax)];
        harmonics(lmax, u, &mut y);
        y
    }

    /// Numbers of e3nn 0.6 `o3.spherical_harmonics(l, [y, z, x], normalize=True, normalization="component")` (its
    /// polar axis is its second coordinate) in float64. Tolerance: rounding of both.
    #[test]
    fn match_e3nn() {
        let expected: [Vec<f64>; 2] = [
            vec![
                1.0,
                -0.831_384_387_633_061,
                1.385_640_646_055_101_8,
                0.623_538_290_724_795_7,
                -0.669_251_522_224_641_6,
                -1.487_225_604_943_648,
                1.028_591_269_649_903_6,
                1.115_419_203_707_736,
                -0.195_198_360_648_853_82,
                -0.159_032_337_843_597_05,
                -1.416_538_473_886_254_8,
                -1.710_915_544_379_675_5,
                0.211_660_104_885_167_45,
                1.283_186_658_284_756_6,
                -0.413_157_054_883_491_1,
                -0.422_881_443_811_383_04,
                0.154_571_546_281_765_56,
                -0.381_677_610_824_632_8,
                -2.016_969_092_792_450_6,
                -1.347_889_229_870_170_3,
                -0.699,
                1.010_916_922_402_628,
                -0.588_282_652_064_464_6,
                -1.014_915_465_147_319_3,
                -0.242_438_109_793_126_36,
                0.180_411_954_598_282_05,
                0.410_124_657_825_336_6,
                -0.627_666_207_050_696_6,
                -2.161_138_244_732_345_3,
                -0.494_490_073_348_293,
                -1.325_057_936_242_789_7,
                0.370_867_555_011_220_15,
                -0.630_331_988_046_933_9,
                -1.669_021_505_112_079_8,
                -0.643_260_996_053_429_6,
                -0.013_721_961_886_968_186,
                0.074_455_827_682_662_08,
                0.520_387_642_408_629_7,
                0.752_702_170_592_698_1,
                -0.802_470_558_263_216_8,
                -1.691_074_882_568_637_7,
                0.541_839_196_498_444_6,
                -1.412_640_567_521_689_8,
                -0.406_379_397_373_833_16,
                -0.493_230_174_082_519,
                -2.133_842_166_290_825_6,
                -1.180_577_511_614_142_4,
                -0.039_580_189_746_741_073,
                0.084_992_166_157_180_2,
            ],
            vec![
                1.0,
                -0.577_350_269_189_625_8,
                -1.154_700_538_379_251_7,
                1.154_700_538_379_251_7,
                -0.860_662_965_823_870_7,
                0.860_662_965_823_870_7,
                0.372_677_996_249_965,
                -1.721_325_931_647_741_4,
                0.645_497_224_367_902_9,
                -0.852_153_730_729_151_3,
                1.518_066_780_142_163_2,
                -0.660_075_441_504_504_4,
                0.685_935_525_090_82,
                1.320_150_883_009_008_7,
                -1.138_550_085_106_622_4,
                0.154_937_041_950_754_7,
                -0.657_342_198_122_18,
                1.704_307_461_458_302_7,
                -1.573_529_317_499_852_6,
                0.058_560_697_410_525_386,
                -1.282_407_407_407_407_9,
                -0.117_121_394_821_050_83,
                1.180_146_988_124_889_2,
                -0.309_874_083_901_509_5,
                -0.191_724_807_785_635_91,
                -0.392_589_984_171_007_4,
                1.453_438_286_692_488_6,
                -2.119_705_641_397_607_6,
                0.839_142_986_072_416_3,
                0.574_863_803_674_828_8,
                1.013_413_130_386_372_3,
                -1.149_727_607_349_657_4,
                -0.629_357_239_554_312_1,
                0.385_401_025_708_655_7,
                0.423_919_500_285_309_3,
                -0.363_863_887_768_250_8,
                -0.146_173_226_659_789_74,
                0.943_668_878_774_775_2,
                -2.060_979_756_147_723,
                1.675_349_478_267_254_2,
                0.349_404_436_643_973_25,
                -0.832_935_051_904_380_2,
                -0.062_132_699_448_581_574,
                1.665_870_103_808_760_2,
                -0.262_053_327_482_979_94,
                -0.304_608_996_048_591_43,
                -0.601_119_095_543_086_2,
                0.874_619_936_425_401_5,
                -0.388_687_898_163_531_8,
            ],
        ];
        for (u, expected) in VECTORS.into_iter().zip(expected) {
            for lmax in 0..=6 {
                let y = values(lmax, u);
                for (k, (a, b)) in y.iter().zip(&expected).enumerate() {
                    assert!((a - b).abs() < 5e-15, "lmax {lmax}, component {k}: {a} {b}");
                }
                let single = values(lmax, u.map(|x| x as f32));
                for (a, b) in single.iter().zip(&expected) {
                    assert!((f64::from(*a) - b).abs() < 3e-6, "{a} {b}");
                }
            }
        }
    }

    /// sum_m Y_lm(u) Y_lm(v) = (2l+1) P_l(u.v), at every degree.
    #[test]
    fn addition_theorem() {
        let [u, v] = VECTORS;
        for (a, b) in [(u, v), (u, u), (v, [0.0, 0.6, -0.8])] {
            let t = dot(a, b);
            let (ya, yb) = (values(MAX_DEGREE, a), values(MAX_DEGREE, b));
            let (mut previous, mut p) = (0.0, 1.0);
            for l in 0..=MAX_DEGREE {
                let sum: f64 = (l * l..count(l)).map(|k| ya[k] * yb[k]).sum();
                let x = l as f64;
                assert!((sum - (2.0 * x + 1.0) * p).abs() < 1e-13, "{l}");
                (previous, p) = (p, ((2.0 * x + 1.0) * t * p - x * previous) / (x + 1.0));
            }
        }
    }

    /// The whole chain vector -> (length, direction) -> function of both, and back: against central differences,
    /// h = 1e-5, where third derivatives of order 100 to 1000 leave errors up to 1e-7; and the polynomial
    /// gradient itself against exact tangents, to rounding.
    #[test]
    fn reverses_match_differences_and_tangents() {
        let v = [0.7, -1.1, 0.4];
        for lmax in 0..=MAX_DEGREE {
            let weights: Vec<f64> = (0..count(lmax)).map(|k| (0.9 * k as f64 + 0.2).sin()).collect();
            let sum = |y: &[f64]| -> f64 { y.iter().zip(&weights).map(|(y, w)| y * w).sum() };
            // f(v) = r^2 sum_k w_k Y_k(v/r)
            let energy = |v: [f64; 3]| {
                let (r, u) = vector_geometry(v);
                r * r * sum(&values(lmax, u))
            };
            let gradient = |v: [Dual<f64>; 3]| {
                let (r, u) = vector_geometry(v);
                let y = values(lmax, u);
                let weights: Vec<_> = weights.iter().map(|&w| Dual::constant(w)).collect();
                let value = y.iter().zip(&weights).fold(Dual::zero(), |s, (&y, &w)| s + y * w);
                let adjoint: Vec<_> = weights.iter().map(|&w| r * r * w).collect();
                geometry_reverse(r, u, (r * value).scale(2.0), harmonics_reverse(lmax, u, &adjoint))
            };
            for k in 0..3 {
                let (mut plus, mut minus) = (v, v);
                plus[k] += 1e-5;
                minus[k] -= 1e-5;
                let seeded: [Dual<f64>; 3] =
                    std::array::from_fn(|i| Dual { v: v[i], d: if i == k { 1.0 } else { 0.0 } });
                let g = gradient(seeded);
                let slope = (energy(plus) - energy(minus)) / 2e-5;
                assert!((g[k].v - slope).abs() < 1e-7, "lmax {lmax}: {} {slope}", g[k].v);
                let (a, b) = (gradient(plus.map(Dual::constant)), gradient(minus.map(Dual::constant)));
                for i in 0..3 {
                    let second = (a[i].v - b[i].v) / 2e-5;
                    assert!((g[i].d - second).abs() < 1e-6, "lmax {lmax}: {} {second}", g[i].d);
                }
                // Off the unit sphere too: the polynomials in three independent variables.
                let y = values(lmax, seeded);
                let exact: f64 = y.iter().zip(&weights).map(|(y, w)| y.d * w).sum();
                let polynomial = harmonics_reverse(lmax, v, &weights)[k];
                assert!((polynomial - exact).abs() < 1e-11 * (1.0 + exact.abs()), "{polynomial} {exact}");
            }
        }
    }
}
