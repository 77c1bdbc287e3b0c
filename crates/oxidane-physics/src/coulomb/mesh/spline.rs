//! Cardinal B-splines: U. Essmann et al., J. Chem. Phys. 1995, 103, 8577, eqs. 4.1, 4.2 and 4.4.

use oxidane_math::Scalar;
use std::f64::consts::TAU;

/// Orders that can be used.
pub const ORDERS: std::ops::RangeInclusive<usize> = 4..=8;

/// The highest order.
pub const MOST: usize = *ORDERS.end();

/// A position along one axis of the mesh: weights at neighbouring points, periodic in their number.
#[derive(Debug, Clone, Copy)]
pub struct Spread<S> {
    /// The first point.
    pub first: usize,
    /// Weights at this and the following points.
    pub weights: [S; MOST],
    /// Their derivatives by the position, in units of the distance of points.
    pub slopes: [S; MOST],
}

impl<S: Scalar<Real = f64>> Spread<S> {
    /// Of splines of `order` at `u`, in units of the distance of the `points`.
    pub fn new(order: usize, u: S, points: usize) -> Self {
        let below = u.value().floor();
        let w = u - S::lit(below);
        // M_2 at w + 1 and w; in general the weight k is M_n at w + n - 1 - k.
        let mut weights = [S::zero(); MOST];
        (weights[0], weights[1]) = (S::lit(1.0) - w, w);
        for n in 3..order {
            weights = raised(n, w, &weights);
        }
        let mut slopes = [S::zero(); MOST];
        for k in 0..order {
            let behind = if k > 0 { weights[k - 1] } else { S::zero() };
            let here = if k + 1 < order { weights[k] } else { S::zero() };
            slopes[k] = behind - here;
        }
        let first = (below - (order - 1) as f64).rem_euclid(points as f64) as usize;
        // The remainder of a tiny negative number rounds to the divisor.
        Self { first: if first < points { first } else { 0 }, weights: raised(order, w, &weights), slopes }
    }
}

/// The weights of order `n` from those of order n - 1:
/// (n - 1) M_n(x) = x M_(n-1)(x) + (n - x) M_(n-1)(x - 1).
fn raised<S: Scalar<Real = f64>>(n: usize, w: S, lower: &[S; MOST]) -> [S; MOST] {
    let mut weights = [S::zero(); MOST];
    for k in 0..n {
        let x = w + S::lit((n - 1 - k) as f64);
        let here = if k > 0 { lower[k - 1] } else { S::zero() };
        let behind = if k + 1 < n { lower[k] } else { S::zero() };
        weights[k] = (x * here + (S::lit(n as f64) - x) * behind).scale(1.0 / (n - 1) as f64);
    }
    weights
}

/// |b(n)|^2 of the waves n = 0, 1, ... of a mesh of `points`: how much a spline must be amplified for its sum over the mesh points to
/// be the wave there (eq. 4.4). Zero for the wave of alternating sign, which no spline of odd order meets and whose direction is ambiguous.
pub fn amplifications(order: usize, points: usize) -> Vec<f64> {
    let at_points = Spread::new(order, 0.0, points).weights;
    (0..points)
        .map(|n| {
            let (mut re, mut im) = (0.0, 0.0);
            for (k, w) in at_points[..order].iter().enumerate() {
                let (s, c) = (TAU * ((n * k) % points) as f64 / points as f64).sin_cos();
                re += w * c;
                im += w * s;
            }
            if 2 * n == points { 0.0 } else { 1.0 / (re * re + im * im) }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known values of M_4, and what all orders share: weights are a partition of 1 with the position's own mean, slopes are their derivatives.
    #[test]
    fn splines() {
        let at = Spread::new(4, 7.0, 10);
        for (found, expected) in at.weights.iter().zip([1.0 / 6.0, 2.0 / 3.0, 1.0 / 6.0, 0.0]) {
            assert!((found - expected).abs() < 1e-15);
        }
        assert_eq!((at.first, Spread::new(6, 1.3, 10).first, Spread::new(4, -1e-30, 10).first), (4, 6, 6));
        for order in ORDERS {
            let u = 12.37;
            let at = Spread::new(order, u, 20);
            let sum: f64 = at.weights.iter().sum();
            let mean: f64 = at.weights.iter().enumerate().map(|(k, w)| w * (at.first + k) as f64).sum();
            assert!((sum - 1.0).abs() < 1e-14 && (mean - (u - 0.5 * order as f64)).abs() < 1e-13);
            let h = 1e-5;
            let (up, down) = (Spread::new(order, u + h, 20), Spread::new(order, u - h, 20));
            for k in 0..order {
                let slope = (up.weights[k] - down.weights[k]) / (2.0 * h);
                assert!((at.slopes[k] - slope).abs() < 1e-9, "{order} {k}");
            }
        }
    }
}
