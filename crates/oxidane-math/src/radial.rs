//! Radial basis functions b_n(r) with learnable parameters, their distance derivatives, and the derivatives with
//! respect to the parameters. Distances in the unit of the cutoff (angstrom in the models).

use crate::names::{self, UnknownName};
use crate::scalar::{Real, Scalar};
use std::fmt;
use std::str::FromStr;

/// Family of radial functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BasisKind {
    /// sqrt(2/rc) sin(f_n r) / (r + 1e-5); parameters `freq`, starting at n pi / rc: Gasteiger et al., ICLR 2020.
    Bessel,
    /// exp(-((r - mu_n)/s_n)^2 / 2) / (s_n sqrt(2 pi)), s_n = |std_n| + 1e-5; parameters `mean`, `std`, starting
    /// with equally spaced means from 0 to rc, the widths equal to the spacing.
    Gaussian,
    /// exp(-beta_n (exp(-r) - mu_n)^2); parameters `means`, `betas`, starting as in PhysNet (Unke, Meuwly, J. Chem.
    /// Theory Comput. 2019, 15, 3678): means equally spaced from exp(-rc) to 1, beta = (2/K (1 - exp(-rc)))^-2.
    ExpNorm,
    /// Exponential Bernstein polynomials of SpookyNet (Unke et al., Nat. Commun. 2021, 12, 7273):
    /// binomial(K-1, v) t^(K-1-v) (1-t)^v, t = exp(-a r), v = 0..K-1; parameter `_alpha`, a = softplus(_alpha),
    /// starting at a = 0.5 per bohr.
    ExpBernstein,
}

impl BasisKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Bessel, Self::Gaussian, Self::ExpNorm, Self::ExpBernstein];

    /// Name in model files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bessel => "bessel",
            Self::Gaussian => "gaussian",
            Self::ExpNorm => "expnorm",
            Self::ExpBernstein => "expbern",
        }
    }
}

impl fmt::Display for BasisKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for BasisKind {
    type Err = UnknownName;
    fn from_str(s: &str) -> Result<Self, UnknownName> {
        names::find("radial basis", s, &Self::ALL, Self::name)
    }
}

/// Keeps the Bessel functions finite at distance zero, and the Gaussians' widths positive.
const EPSILON: f64 = 1e-5;
/// Decay constant from which the exponential Bernstein polynomials start: 0.5 per bohr, in 1/angstrom.
const INITIAL_DECAY: f64 = 0.944_863_06;
/// 1 / sqrt(2 pi).
const GAUSSIAN_HEIGHT: f64 = 0.398_942_280_401_432_7;

/// A set of radial functions. The parameters are kept by the caller, as one slice laid out as
/// [`RadialBasis::parameters`] says.
#[derive(Debug, Clone, PartialEq)]
pub struct RadialBasis {
    kind: BasisKind,
    size: usize,
    cutoff: f64,
    /// ln binomial(size-1, v), for the Bernstein polynomials; else empty.
    log_binomials: Vec<f64>,
}

impl RadialBasis {
    /// `size` functions for distances up to `cutoff`, which must be positive (checked where the model is read).
    pub fn new(kind: BasisKind, size: usize, cutoff: f64) -> Self {
        let log_binomials = match kind {
            BasisKind::ExpBernstein => log_binomials(size),
            _ => Vec::new(),
        };
        Self { kind, size, cutoff, log_binomials }
    }
    /// Family of the functions.
    pub fn kind(&self) -> BasisKind {
        self.kind
    }
    /// Number of functions.
    pub fn size(&self) -> usize {
        self.size
    }
    /// Cutoff radius.
    pub fn cutoff(&self) -> f64 {
        self.cutoff
    }

    /// Names (as in checkpoints) and lengths of the parameters, in the order of the parameter slice.
    pub fn parameters(&self) -> Vec<(&'static str, usize)> {
        match self.kind {
            BasisKind::Bessel => vec![("freq", self.size)],
            BasisKind::Gaussian => vec![("mean", self.size), ("std", self.size)],
            BasisKind::ExpNorm => vec![("means", self.size), ("betas", self.size)],
            BasisKind::ExpBernstein => vec![("_alpha", 1)],
        }
    }

    /// Values from which training starts, in the order of the parameter slice.
    pub fn initial(&self) -> Vec<f64> {
        let (n, rc) = (self.size, self.cutoff);
        // `n` points from `first` to `last`, both included, then their common companion.
        let spaced = |first: f64, last: f64, companion: f64| {
            let step = (last - first) / intervals(n);
            (0..n).map(|i| first + i as f64 * step).chain(std::iter::repeat_n(companion, n)).collect()
        };
        match self.kind {
            BasisKind::Bessel => (1..=n).map(|i| i as f64 * std::f64::consts::PI / rc).collect(),
            BasisKind::Gaussian => spaced(0.0, rc, rc / intervals(n)),
            BasisKind::ExpNorm => {
                let first = (-rc).exp();
                spaced(first, 1.0, (2.0 / n as f64 * (1.0 - first)).powi(-2))
            }
            // The inverse of softplus.
            BasisKind::ExpBernstein => vec![INITIAL_DECAY.exp_m1().ln()],
        }
    }

    /// Writes b_n(r) and db_n/dr, `size` scalars each, for `params` laid out as [`RadialBasis::parameters`] says.
    ///
    /// # Panics
    /// If a slice is shorter than that.
    #[inline(always)]
    pub fn evaluate<S: Scalar>(
        &self,
        params: &[S::Real],
        r: S,
        b: &mut S::RowMut<'_>,
        db: &mut S::RowMut<'_>,
    ) {
        let n = self.size;
        match self.kind {
            BasisKind::Bessel => {
                let freq = &params[..n];
                let inverse = (r + S::lit(EPSILON)).recip();
                let factor = inverse.scale(self.bessel_height());
                fill(n, b, db, |i| {
                    let (sin, cos) = r.scale(freq[i]).sin_cos();
                    let value = sin * factor;
                    (value, cos.scale(freq[i]) * factor - value * inverse)
                });
            }
            BasisKind::Gaussian => {
                let (mean, std) = (&params[..n], &params[n..2 * n]);
                fill(n, b, db, |i| {
                    let (z, value, inverse) = gaussian(mean[i], std[i], r);
                    (value, -(z * value).scale(inverse))
                });
            }
            BasisKind::ExpNorm => {
                let (mean, beta) = (&params[..n], &params[n..2 * n]);
                let t = (-r).exp();
                let slope = t.scale(S::Real::of(2.0));
                fill(n, b, db, |i| {
                    let (e, value) = exp_norm(mean[i], beta[i], t);
                    (value, (slope * e * value).scale(beta[i]))
                });
            }
            BasisKind::ExpBernstein => {
                let decay = params[0].softplus();
                let x = r.scale(decay);
                let (log_rest, odds) = bernstein(x);
                let log_binomials = &self.log_binomials[..n];
                fill(n, b, db, |i| {
                    let (value, slope) = bernstein_term(log_binomials[i], i, n, x, log_rest, odds);
                    (value, slope.scale(decay))
                });
            }
        }
    }

    /// Adds sum_n adjoint_n db_n/dtheta to `gradient`, one scalar per parameter.
    ///
    /// # Panics
    /// If a slice is shorter than the basis needs.
    #[inline(always)]
    pub fn reverse_parameters<S: Scalar>(
        &self,
        params: &[S::Real],
        r: S,
        adjoint: S::Row<'_>,
        gradient: &mut [S],
    ) {
        let n = self.size;
        let lit = S::Real::of;
        let adjoint = S::part(adjoint, 0, n);
        match self.kind {
            BasisKind::Bessel => {
                let freq = &params[..n];
                let factor = r * (r + S::lit(EPSILON)).recip().scale(self.bessel_height());
                for (i, g) in gradient[..n].iter_mut().enumerate() {
                    let (_, cos) = r.scale(freq[i]).sin_cos();
                    *g += S::get(adjoint, i) * cos * factor;
                }
            }
            BasisKind::Gaussian => {
                let (mean, std) = (&params[..n], &params[n..2 * n]);
                let (to_mean, to_std) = gradient[..2 * n].split_at_mut(n);
                for (i, (gm, gs)) in to_mean.iter_mut().zip(to_std).enumerate() {
                    let (z, value, inverse) = gaussian(mean[i], std[i], r);
                    let a = S::get(adjoint, i) * value.scale(inverse);
                    let sign = if std[i] < lit(0.0) { lit(-1.0) } else { lit(1.0) };
                    *gm += a * z;
                    *gs += (a * (z * z - S::lit(1.0))).scale(sign);
                }
            }
            BasisKind::ExpNorm => {
                let (mean, beta) = (&params[..n], &params[n..2 * n]);
                let t = (-r).exp();
                let (to_mean, to_beta) = gradient[..2 * n].split_at_mut(n);
                for (i, (gm, gb)) in to_mean.iter_mut().zip(to_beta).enumerate() {
                    let (e, value) = exp_norm(mean[i], beta[i], t);
                    let a = S::get(adjoint, i) * value * e;
                    *gm += a.scale(lit(2.0) * beta[i]);
                    *gb -= a * e;
                }
            }
            BasisKind::ExpBernstein => {
                let x = r.scale(params[0].softplus());
                let (log_rest, odds) = bernstein(x);
                let log_binomials = &self.log_binomials[..n];
                let mut sum = S::zero();
                for (i, &log_binomial) in log_binomials.iter().enumerate() {
                    let (_, slope) = bernstein_term(log_binomial, i, n, x, log_rest, odds);
                    sum += S::get(adjoint, i) * slope;
                }
                gradient[0] += (sum * r).scale(params[0].sigmoid());
            }
        }
    }

    #[inline(always)]
    fn bessel_height<R: Real>(&self) -> R {
        R::of((2.0 / self.cutoff).sqrt())
    }
}

/// Number of intervals between `n` points; 1 for a single point.
fn intervals(n: usize) -> f64 {
    n.saturating_sub(1).max(1) as f64
}

/// ln binomial(size-1, v) for v = 0..size-1.
fn log_binomials(size: usize) -> Vec<f64> {
    let mut log = 0.0;
    (0..size)
        .map(|v| {
            if v > 0 {
                log += ((size - v) as f64 / v as f64).ln();
            }
            log
        })
        .collect()
}

/// Writes a value and a derivative for each of `n` functions.
#[inline(always)]
fn fill<S: Scalar>(n: usize, b: &mut S::RowMut<'_>, db: &mut S::RowMut<'_>, f: impl Fn(usize) -> (S, S)) {
    let (mut b, mut db) = (S::part_mut(b, 0, n), S::part_mut(db, 0, n));
    for i in 0..n {
        let (value, slope) = f(i);
        S::set(&mut b, i, value);
        S::set(&mut db, i, slope);
    }
}

/// z = (r - mean)/s, the normal density and 1/s.
#[inline(always)]
fn gaussian<S: Scalar>(mean: S::Real, std: S::Real, r: S) -> (S, S, S::Real) {
    let lit = S::Real::of;
    let inverse = lit(1.0) / (std.abs() + lit(EPSILON));
    let z = (r - S::constant(mean)).scale(inverse);
    let value = (z * z).scale(lit(-0.5)).exp().scale(inverse * lit(GAUSSIAN_HEIGHT));
    (z, value, inverse)
}

/// e = t - mean and exp(-beta e^2), for t = exp(-r).
#[inline(always)]
fn exp_norm<S: Scalar>(mean: S::Real, beta: S::Real, t: S) -> (S, S) {
    let e = t - S::constant(mean);
    (e, (e * e).scale(-beta).exp())
}

/// ln(1 - t) and t/(1 - t) for t = exp(-x); 1 - t is kept away from zero, where the logarithm has no value.
#[inline(always)]
fn bernstein<S: Scalar>(x: S) -> (S, S) {
    let floor = S::lit(1e-12);
    let t = (-x).exp();
    let rest = S::lit(1.0) - t;
    let rest = if rest.value() < floor.value() { floor } else { rest };
    (rest.ln(), t * rest.recip())
}

/// The Bernstein polynomial v of `n` and its derivative with respect to x.
#[inline(always)]
fn bernstein_term<S: Scalar>(log_binomial: f64, v: usize, n: usize, x: S, log_rest: S, odds: S) -> (S, S) {
    let (up, down) = (S::Real::of(v as f64), S::Real::of((n - 1 - v) as f64));
    let value = (S::lit(log_binomial) - x.scale(down) + log_rest.scale(up)).exp();
    (value, value * (odds.scale(up) - S::constant(down)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar::Dual;

    const RC: f64 = 5.0;
    const SIZE: usize = 8;

    /// A basis with parameters off their symmetric start, some widths negative.
    fn basis(kind: BasisKind) -> (RadialBasis, Vec<f64>) {
        let basis = RadialBasis::new(kind, SIZE, RC);
        let mut p = basis.initial();
        for (i, x) in p.iter_mut().enumerate() {
            *x *= 1.0 + 0.05 * (i as f64).sin();
            if kind == BasisKind::Gaussian && i % 3 == 2 {
                *x = -*x;
            }
        }
        (basis, p)
    }

    fn dual(basis: &RadialBasis, p: &[f64], r: f64) -> (Vec<f64>, Vec<f64>) {
        let n = basis.size();
        let (mut b, mut db) = (vec![0.0; 2 * n], vec![0.0; 2 * n]);
        let (mut rows, mut slopes) = (Dual::row_mut(&mut b, n), Dual::row_mut(&mut db, n));
        basis.evaluate::<Dual<f64>>(p, Dual { v: r, d: 1.0 }, &mut rows, &mut slopes);
        (b, db)
    }

    /// The definitions, term by term in plain `f64`, at the starting parameters.
    #[test]
    fn values_match_the_definitions() {
        let r: f64 = 1.7;
        for kind in BasisKind::ALL {
            let basis = RadialBasis::new(kind, SIZE, RC);
            let p = basis.initial();
            assert_eq!(p.len(), basis.parameters().iter().map(|x| x.1).sum::<usize>());
            let (b, _) = dual(&basis, &p, r);
            let single: Vec<f32> = p.iter().map(|&x| x as f32).collect();
            let (mut b32, mut db32) = ([0.0_f32; SIZE], [0.0_f32; SIZE]);
            basis.evaluate::<f32>(&single, r as f32, &mut &mut b32[..], &mut &mut db32[..]);
            for i in 0..SIZE {
                let x = i as f64;
                let expected = match kind {
                    BasisKind::Bessel => {
                        (2.0 / RC).sqrt() * ((x + 1.0) * std::f64::consts::PI / RC * r).sin() / (r + 1e-5)
                    }
                    BasisKind::Gaussian => {
                        let s = RC / 7.0 + 1e-5;
                        let z = (r - x * RC / 7.0) / s;
                        (-0.5 * z * z).exp() / (s * std::f64::consts::TAU.sqrt())
                    }
                    BasisKind::ExpNorm => {
                        let mu = (-RC).exp() + x / 7.0 * (1.0 - (-RC).exp());
                        let beta = (2.0 / 8.0 * (1.0 - (-RC).exp())).powi(-2);
                        (-beta * ((-r).exp() - mu).powi(2)).exp()
                    }
                    BasisKind::ExpBernstein => {
                        let binomial = [1.0, 7.0, 21.0, 35.0, 35.0, 21.0, 7.0, 1.0][i];
                        let t = (-INITIAL_DECAY * r).exp();
                        binomial * t.powi(7 - i as i32) * (1.0 - t).powi(i as i32)
                    }
                };
                // Rounding in both; single precision loses a few units to the exponentials' arguments.
                assert!((b[i] - expected).abs() < 1e-14, "{kind} {i}: {} {expected}", b[i]);
                assert!((f64::from(b32[i]) - expected).abs() < 2e-6, "{kind} {i}: {} {expected}", b32[i]);
            }
        }
    }

    /// Central differences, h = 1e-5: with third derivatives of order 100 the truncation is near 2e-9.
    #[test]
    fn distance_derivatives_match_differences() {
        for kind in BasisKind::ALL {
            let (basis, p) = basis(kind);
            for r in [0.6, 1.1, 2.9, 4.8] {
                let (b, db) = dual(&basis, &p, r);
                let (plus, minus) = (dual(&basis, &p, r + 1e-5), dual(&basis, &p, r - 1e-5));
                for i in 0..SIZE {
                    let slope = (plus.0[i] - minus.0[i]) / 2e-5;
                    let second = (plus.1[i] - minus.1[i]) / 2e-5;
                    assert!((db[i] - slope).abs() < 1e-8, "{kind} {i} {r}");
                    assert!((b[SIZE + i] - db[i]).abs() < 1e-13 * (1.0 + db[i].abs()), "{kind} {i} {r}");
                    assert!((db[SIZE + i] - second).abs() < 1e-7 * (1.0 + second.abs()), "{kind} {i} {r}");
                }
            }
        }
    }

    /// The gradient, and its tangent along r, against differences of sum_n adjoint_n b_n in each parameter.
    #[test]
    fn parameter_derivatives_match_differences() {
        let mut adjoint: Vec<f64> = (0..SIZE).map(|i| (1.3 * i as f64 + 0.4).cos()).collect();
        adjoint.extend([0.0; SIZE]);
        for kind in BasisKind::ALL {
            let (basis, p) = basis(kind);
            for r in [0.6, 2.9] {
                let mut gradient = vec![Dual { v: 1.0, d: 1.0 }; p.len()];
                let row = Dual::row(&adjoint, SIZE);
                basis.reverse_parameters(&p, Dual { v: r, d: 1.0 }, row, &mut gradient);
                for (i, g) in gradient.iter().enumerate() {
                    let at = |shift: f64| {
                        let mut q = p.clone();
                        q[i] += shift;
                        let (b, _) = dual(&basis, &q, r);
                        let sum = |x: &[f64]| -> f64 { x.iter().zip(&adjoint).map(|(x, a)| x * a).sum() };
                        (sum(&b[..SIZE]), sum(&b[SIZE..]))
                    };
                    let (plus, minus) = (at(1e-5), at(-1e-5));
                    let (v, d) = ((plus.0 - minus.0) / 2e-5, (plus.1 - minus.1) / 2e-5);
                    // The gradient started at 1: it is added to.
                    assert!((g.v - 1.0 - v).abs() < 1e-8 * (1.0 + v.abs()), "{kind} {i} {r}: {} {v}", g.v);
                    assert!((g.d - 1.0 - d).abs() < 1e-7 * (1.0 + d.abs()), "{kind} {i} {r}: {} {d}", g.d);
                }
            }
        }
    }

    /// Large sizes and short or long distances leave the range of `f32` in the naive product; the sum is 1 anyway.
    #[test]
    fn bernstein_polynomials_sum_to_one() {
        let basis = RadialBasis::new(BasisKind::ExpBernstein, 64, 10.0);
        let p: Vec<f32> = basis.initial().iter().map(|&x| x as f32).collect();
        for r in [0.0, 1e-6, 0.3, 2.0, 9.99] {
            let (mut b, mut db) = ([0.0_f32; 64], [0.0_f32; 64]);
            basis.evaluate::<f32>(&p, r, &mut &mut b[..], &mut &mut db[..]);
            assert!((b.iter().sum::<f32>() - 1.0).abs() < 2e-4, "{r}");
            assert!(db.iter().all(|x| x.is_finite()), "{r}");
        }
    }

    #[test]
    fn names_round_trip() {
        for kind in BasisKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert!("fourier".parse::<BasisKind>().is_err());
    }
}
