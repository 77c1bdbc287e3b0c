//! L-BFGS within a trust radius: one evaluation per step, no line search.

use std::collections::VecDeque;

use super::coordinates::{Coordinates, Point};
use super::driver::Minimizer;
use super::model_hessian::ModelHessian;
use crate::vector::{axpy, dot};

/// Pairs of step and gradient change that are remembered.
const MEMORY: usize = 40;
/// Curvature of the first guess without a model Hessian, eV/angstrom^2.
const PLAIN_CURVATURE: f64 = 30.0;
/// Least curvature along a step, eV/angstrom^2, for it to be learned from: below it the surface bends down.
const LEAST_CURVATURE: f64 = 1e-3;
/// Part of the largest displacement that the first step may use.
const FIRST_RADIUS: f64 = 0.7;
/// The model Hessian is made anew when an atom has moved this far (angstrom) since.
const RENEW_AFTER: f64 = 0.2;
/// Sufficient decrease, as a fraction of the slope (Armijo's condition).
const SUFFICIENT: f64 = 1e-4;
/// Energy noise that is tolerated, eV per square root of atoms: the rounding of a single-precision network.
const NOISE: f64 = 1e-6;
/// Radius (angstrom) at which the memory is dropped, and that of the fresh start.
const SMALLEST_RADIUS: f64 = 1e-4;
const RESTART_RADIUS: f64 = 0.02;

/// A step, the gradient's change along it, and 1 / (s . y).
struct Pair {
    s: Vec<f64>,
    y: Vec<f64>,
    rho: f64,
}

pub(super) struct Lbfgs {
    use_model: bool,
    model: Option<(ModelHessian, Vec<f64>)>,
    pairs: VecDeque<Pair>,
    radius: f64,
    max_radius: f64,
    /// Part of the full quasi-Newton step that the last proposal kept.
    kept: f64,
    restarted: bool,
}

impl Lbfgs {
    pub fn new(use_model: bool, max_radius: f64) -> Self {
        Self {
            use_model,
            model: None,
            pairs: VecDeque::new(),
            radius: FIRST_RADIUS * max_radius,
            max_radius,
            kept: 1.0,
            restarted: false,
        }
    }

    /// Makes the model Hessian, or makes it anew after large moves.
    fn renew_model(&mut self, point: &Point, coordinates: &Coordinates) {
        if !self.use_model {
            return;
        }
        let stale = self.model.as_ref().is_none_or(|(_, at)| {
            let moved: Vec<f64> = point.x.iter().zip(at).map(|(a, b)| a - b).collect();
            coordinates.measure(&moved) > RENEW_AFTER
        });
        if stale {
            let fresh = ModelHessian::new(&point.system, &coordinates.free, coordinates.cell_stiffness());
            self.model = fresh.map(|m| (m, point.x.clone()));
        }
    }

    /// The inverse of the first Hessian applied to `v`, in place, scaled to the curvature along the last step:
    /// s.y / y.P^-1 y (Nocedal and Wright, eq. 7.20, with a preconditioner P).
    fn first_inverse(&self, v: &mut [f64]) {
        let unscaled = |v: &mut [f64]| match &self.model {
            Some((model, _)) => model.solve(v),
            None => v.iter_mut().for_each(|v| *v /= PLAIN_CURVATURE),
        };
        unscaled(v);
        if let Some(last) = self.pairs.back() {
            let mut w = last.y.clone();
            unscaled(&mut w);
            let scale = 1.0 / (last.rho * dot(&last.y, &w));
            v.iter_mut().for_each(|v| *v *= scale);
        }
    }

    /// -H g by the two-loop recursion (Nocedal and Wright, Numerical Optimization, algorithm 7.4).
    fn direction(&self, gradient: &[f64]) -> Vec<f64> {
        let mut d: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut alphas = Vec::with_capacity(self.pairs.len());
        for p in self.pairs.iter().rev() {
            let alpha = p.rho * dot(&p.s, &d);
            axpy(-alpha, &p.y, &mut d);
            alphas.push(alpha);
        }
        self.first_inverse(&mut d);
        for (p, alpha) in self.pairs.iter().zip(alphas.iter().rev()) {
            let beta = p.rho * dot(&p.y, &d);
            axpy(alpha - beta, &p.s, &mut d);
        }
        d
    }

    /// Remembers the curvature along a step if it is one of a surface that bends up.
    fn learn(&mut self, s: &[f64], y: Vec<f64>) {
        let curvature = dot(s, &y);
        if curvature > LEAST_CURVATURE * dot(s, s) {
            if self.pairs.len() == MEMORY {
                self.pairs.pop_front();
            }
            self.pairs.push_back(Pair { s: s.to_vec(), y, rho: 1.0 / curvature });
        }
    }
}

impl Minimizer for Lbfgs {
    fn propose(&mut self, point: &Point, coordinates: &Coordinates) -> Vec<f64> {
        self.renew_model(point, coordinates);
        if self.radius < SMALLEST_RADIUS {
            if self.restarted {
                return vec![0.0; point.x.len()]; // stalled: a fresh start did not help
            }
            self.restarted = true;
            self.pairs.clear();
            self.radius = RESTART_RADIUS;
        }
        let mut step = self.direction(&point.gradient);
        let slope = dot(&step, &point.gradient);
        if slope.is_nan() || slope >= 0.0 {
            self.pairs.clear();
            step = self.direction(&point.gradient);
        }
        let size = coordinates.measure(&step);
        self.kept = if size > self.radius { self.radius / size } else { 1.0 };
        step.iter_mut().for_each(|s| *s *= self.kept);
        step
    }

    fn judge(&mut self, from: &Point, step: &[f64], to: &Point, coordinates: &Coordinates) -> bool {
        let (slope, end_slope) = (dot(&from.gradient, step), dot(&to.gradient, step));
        let actual = to.value - from.value;
        // The quadratic model along the quasi-Newton direction, cut to `kept` of its length.
        let predicted = slope * (1.0 - 0.5 * self.kept);
        let noise = NOISE * (to.system.len() as f64).sqrt() + 1e-12 * from.value.abs();
        // Where the energy's change drowns in noise, the slopes still tell (the approximate Wolfe conditions of Hager
        // and Zhang, SIAM J. Optim. 16, 170 (2005)).
        let accepted =
            actual <= SUFFICIENT * slope || (actual.abs() <= noise && end_slope.abs() <= 0.9 * slope.abs());
        self.learn(step, to.gradient.iter().zip(&from.gradient).map(|(a, b)| a - b).collect());
        let size = coordinates.measure(step);
        if !accepted {
            // The minimum of the parabola through the two slopes, within limits.
            let part = if end_slope > slope { -slope / (end_slope - slope) } else { 0.5 };
            self.radius = size * part.clamp(0.1, 0.5);
        } else {
            self.restarted = false;
            let ratio = actual / predicted;
            if actual.abs() > noise && ratio < 0.25 {
                self.radius = (0.5 * size).max(SMALLEST_RADIUS);
            } else if ratio > 0.6 && size > 0.8 * self.radius {
                self.radius = (2.0 * self.radius).min(self.max_radius);
            } else if actual.abs() <= noise {
                self.radius = self.radius.max(RESTART_RADIUS);
            }
        }
        accepted
    }

    fn retreat(&mut self, size: f64) {
        self.radius = 0.25 * size;
    }
}
