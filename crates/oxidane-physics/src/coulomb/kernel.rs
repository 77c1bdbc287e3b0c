//! The interaction of two unit charges as a function of their distance.

use oxidane_core::units::COULOMB;
use oxidane_math::erf::error_functions;
use oxidane_math::{Scalar, simd};
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

/// Distances and widths below this many angstrom are taken as this.
pub const CLOSEST: f64 = 1e-6;

/// k_e erf(b r)/r with b = 1/(sqrt2 g) for Gaussian charges of joint width g, 1/r for points; screened, in the sums of crystals, it is
/// k_e [erf(b r) - erf(alpha r)]/r.
#[derive(Debug, Clone, Copy)]
pub struct Kernel {
    /// The splitting parameter alpha in 1/angstrom; `None`: not screened.
    pub screening: Option<f64>,
    /// Whether any charge has a width.
    pub gaussian: bool,
}

impl Kernel {
    /// For `n` pairs, in rows of scalars: from the squares of distances and joint widths (angstrom^2), the interaction (eV/e^2) and its derivative by
    /// the distance over the distance.
    pub fn fill<S: Scalar<Real = f64>>(
        &self,
        n: usize,
        squares: &[f64],
        widths: &[f64],
        value: &mut [f64],
        slope: &mut [f64],
    ) {
        match (self.screening, self.gaussian) {
            (None, false) => fill::<S, false, false>(n, 0.0, squares, widths, value, slope),
            (None, true) => fill::<S, false, true>(n, 0.0, squares, widths, value, slope),
            (Some(alpha), false) => fill::<S, true, false>(n, alpha, squares, widths, value, slope),
            (Some(alpha), true) => fill::<S, true, true>(n, alpha, squares, widths, value, slope),
        }
    }
}

/// At least the square of [`CLOSEST`].
#[inline(always)]
fn bounded<S: Scalar<Real = f64>>(square: S) -> S {
    if square.value() < CLOSEST * CLOSEST { S::lit(CLOSEST * CLOSEST) } else { square }
}

fn fill<S: Scalar<Real = f64>, const SCREENED: bool, const GAUSSIAN: bool>(
    n: usize,
    alpha: f64,
    squares: &[f64],
    widths: &[f64],
    value: &mut [f64],
    slope: &mut [f64],
) {
    simd::dispatch(
        #[inline(always)]
        move || {
            let (squares, widths) = (S::row(squares, n), S::row(widths, n));
            let (mut value, mut slope) = (S::row_mut(value, n), S::row_mut(slope, n));
            for k in 0..n {
                let r2 = bounded(S::get(squares, k));
                let g2 = S::get(widths, k);
                let [v, s] = interaction::<S, SCREENED, GAUSSIAN>(alpha, r2, g2);
                S::set(&mut value, k, v);
                S::set(&mut slope, k, s);
            }
        },
    );
}

#[inline(always)]
fn interaction<S: Scalar<Real = f64>, const SCREENED: bool, const GAUSSIAN: bool>(
    alpha: f64,
    r2: S,
    g2: S,
) -> [S; 2] {
    let inverse = r2.sqrt().recip();
    let r = r2 * inverse;
    let mut head = S::lit(1.0);
    // The derivative of the head by the distance, with the opposite sign.
    let mut steep = S::zero();
    if SCREENED {
        let at = error_functions(r.scale(alpha));
        head = at.erfc;
        steep = at.gaussian.scale(FRAC_2_SQRT_PI * alpha);
    }
    if GAUSSIAN {
        let b = sharpness(g2);
        let at = error_functions(b * r);
        head = if SCREENED { head - at.erfc } else { at.erf };
        steep -= (b * at.gaussian).scale(FRAC_2_SQRT_PI);
    }
    let value = head * inverse;
    let slope = -(value + steep) * inverse * inverse;
    [value.scale(COULOMB), slope.scale(COULOMB)]
}

/// b = 1/(sqrt2 g).
#[inline(always)]
fn sharpness<S: Scalar<Real = f64>>(g2: S) -> S {
    bounded(g2).sqrt().recip().scale(FRAC_1_SQRT_2)
}

/// The derivative of the interaction by the square of the joint width, -2 k_e b^3 exp(-b^2 r^2) / sqrt(pi), whether screened or not.
#[inline(always)]
pub fn by_width<S: Scalar<Real = f64>>(r2: S, g2: S) -> S {
    let b = sharpness(g2);
    let b2 = b * b;
    (b2 * b * (-(b2 * r2)).exp()).scale(-COULOMB * FRAC_2_SQRT_PI)
}
