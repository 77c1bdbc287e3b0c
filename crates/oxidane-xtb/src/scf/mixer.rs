//! Anderson mixing: the next input of a fixed-point iteration from the inputs and residuals so far
//! (D. G. Anderson, J. ACM 1965, 12, 547).

use faer::linalg::solvers::Solve;
use faer::{Mat, Side};

/// Regularisation of the least-squares problem, relative to its diagonal.
const REGULARISATION: f64 = 1e-12;

/// Settings of an [`Anderson`] mixer.
#[derive(Debug, Clone, Copy)]
pub struct Mixing {
    /// Share of the residual that is added.
    pub damping: f64,
    /// How many earlier steps are kept.
    pub history: usize,
}

/// An Anderson mixer.
#[derive(Debug, Clone)]
pub struct Anderson {
    mixing: Mixing,
    /// Differences of inputs, oldest first.
    inputs: Vec<Vec<f64>>,
    /// Differences of residuals, alike.
    residuals: Vec<Vec<f64>>,
    last: Option<(Vec<f64>, Vec<f64>)>,
}

impl Anderson {
    /// A mixer without history.
    pub fn new(mixing: Mixing) -> Self {
        Self { mixing, inputs: Vec::new(), residuals: Vec::new(), last: None }
    }

    /// Replaces `input` by the next input, given the `residual` = output - input of this one.
    pub fn next(&mut self, input: &mut [f64], residual: &[f64]) {
        if let Some((last_input, last_residual)) = self.last.take() {
            if self.inputs.len() == self.mixing.history {
                self.inputs.remove(0);
                self.residuals.remove(0);
            }
            self.inputs.push(difference(input, last_input));
            self.residuals.push(difference(residual, last_residual));
        }
        self.last = Some((input.to_vec(), residual.to_vec()));
        let weights = self.weights(residual);
        let damping = self.mixing.damping;
        for (x, r) in input.iter_mut().zip(residual) {
            *x += damping * r;
        }
        for ((dx, dr), &weight) in self.inputs.iter().zip(&self.residuals).zip(&weights) {
            for ((x, dx), dr) in input.iter_mut().zip(dx).zip(dr) {
                *x -= weight * (dx + damping * dr);
            }
        }
    }

    /// The combination of residual differences that comes nearest to `residual`.
    fn weights(&self, residual: &[f64]) -> Vec<f64> {
        let m = self.residuals.len();
        if m == 0 {
            return Vec::new();
        }
        let mut gram = Mat::from_fn(m, m, |i, j| dot(&self.residuals[i], &self.residuals[j]));
        let mut right = Mat::from_fn(m, 1, |i, _| dot(&self.residuals[i], residual));
        // Scaled to a unit diagonal, so that steps of very different lengths weigh alike.
        let scale: Vec<f64> = (0..m).map(|i| 1.0 / gram[(i, i)].max(f64::MIN_POSITIVE).sqrt()).collect();
        for i in 0..m {
            for j in 0..m {
                gram[(i, j)] *= scale[i] * scale[j];
            }
            gram[(i, i)] += REGULARISATION;
            right[(i, 0)] *= scale[i];
        }
        match gram.llt(Side::Lower) {
            Ok(factor) => {
                let solution = factor.solve(&right);
                (0..m).map(|i| solution[(i, 0)] * scale[i]).collect()
            }
            Err(_) => vec![0.0; m], // dependent beyond the regularisation: a plain damped step
        }
    }
}

fn difference(new: &[f64], mut old: Vec<f64>) -> Vec<f64> {
    old.iter_mut().zip(new).for_each(|(o, n)| *o = n - *o);
    old
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On a linear map of n dimensions the mixer ends after about n + 1 steps, whatever the damping.
    #[test]
    fn linear_problems_end_in_as_many_steps_as_dimensions() {
        let map = |x: &[f64]| {
            [1.0 - 0.9 * x[0] + 0.3 * x[1], -0.5 + 0.2 * x[0] - 2.0 * x[1] + 0.1 * x[2], 0.7 - 1.5 * x[2]]
        };
        let mut mixer = Anderson::new(Mixing { damping: 0.3, history: 5 });
        let mut x = vec![0.0; 3];
        let mut error = f64::MAX;
        for _ in 0..5 {
            let residual: Vec<f64> = map(&x).iter().zip(&x).map(|(y, x)| y - x).collect();
            error = dot(&residual, &residual).sqrt();
            mixer.next(&mut x, &residual);
        }
        assert!(error < 1e-9, "{error}"); // rounding through the regularised normal equations
    }
}
