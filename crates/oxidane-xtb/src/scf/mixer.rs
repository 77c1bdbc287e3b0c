//! Broyden mixing: the next input of a fixed-point iteration from the inputs and residuals so far (D. D. Johnson, Phys.
//! Rev. B 1988, 38, 12807).
//!
//! Several self-consistent states may lie close to each other; which one an iteration finds depends on its path. The
//! weights are those of the reference programs (xtb, tblite), so that the same state is found.

use std::collections::VecDeque;

use faer::linalg::solvers::Solve;
use faer::{ColRef, Mat, Side};

/// Weight of staying near the plain damped step, beside the weights of the earlier steps.
const PLAIN_WEIGHT: f64 = 0.01;
/// An earlier step weighs this over the norm of the residual it led to...
const STEP_WEIGHT: f64 = 0.01;
/// ... within these bounds.
const STEP_WEIGHTS: [f64; 2] = [1.0, 1e5];

/// Settings of a [`Broyden`] mixer.
#[derive(Debug, Clone, Copy)]
pub struct Mixing {
    /// Share of the residual that is added.
    pub damping: f64,
    /// How many earlier steps are kept.
    pub history: usize,
}

/// A step from one input to the next.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Difference of the inputs.
    pub input: Vec<f64>,
    /// Difference of the residuals.
    pub residual: Vec<f64>,
    /// (plain weight / weight of the step)^2: relative regularisation of the least squares.
    pub regularisation: f64,
}

/// A Broyden mixer.
#[derive(Debug, Clone)]
pub struct Broyden {
    mixing: Mixing,
    /// Oldest first.
    steps: VecDeque<Step>,
    /// Products of the residual differences of each step with those of the steps up to it.
    products: VecDeque<Vec<f64>>,
    last: Option<(Vec<f64>, Vec<f64>)>,
}

impl Broyden {
    /// A mixer that knows of these `steps`, oldest first.
    pub fn new(mixing: Mixing, steps: &[Step]) -> Self {
        let mut mixer = Self { mixing, steps: VecDeque::new(), products: VecDeque::new(), last: None };
        steps.iter().cloned().for_each(|step| mixer.push(step));
        mixer
    }

    /// The steps that are known in the end.
    pub fn into_steps(self) -> Vec<Step> {
        self.steps.into()
    }

    /// Replaces `input` by the next input, given the `residual` = output - input of this one.
    pub fn next(&mut self, input: &mut [f64], residual: &[f64]) {
        if let Some((last_input, last_residual)) = self.last.take() {
            let weight =
                (STEP_WEIGHT / dot(residual, residual).sqrt()).clamp(STEP_WEIGHTS[0], STEP_WEIGHTS[1]);
            self.push(Step {
                input: difference(input, last_input),
                residual: difference(residual, last_residual),
                regularisation: (PLAIN_WEIGHT / weight).powi(2),
            });
        }
        self.last = Some((input.to_vec(), residual.to_vec()));
        let shares = self.shares(residual);
        let damping = self.mixing.damping;
        for (x, r) in input.iter_mut().zip(residual) {
            *x += damping * r;
        }
        for (step, &share) in self.steps.iter().zip(&shares) {
            for ((x, dx), dr) in input.iter_mut().zip(&step.input).zip(&step.residual) {
                *x -= share * (dx + damping * dr);
            }
        }
    }

    /// Adds a step; the oldest goes where there are too many.
    fn push(&mut self, step: Step) {
        if self.steps.len() == self.mixing.history {
            self.steps.pop_front();
            self.products.pop_front();
            self.products.iter_mut().for_each(|row| {
                row.remove(0);
            });
        }
        self.steps.push_back(step);
        let residual = &self.steps[self.steps.len() - 1].residual;
        self.products.push_back(self.steps.iter().map(|other| dot(&other.residual, residual)).collect());
    }

    /// How much of each earlier step is taken back: the combination of residual differences that comes nearest to
    /// `residual`.
    fn shares(&self, residual: &[f64]) -> Vec<f64> {
        let m = self.steps.len();
        if m == 0 {
            return Vec::new();
        }
        // Scaled to a unit diagonal: steps of very different lengths weigh alike but for their weights.
        let scale: Vec<f64> =
            (0..m).map(|i| 1.0 / self.products[i][i].max(f64::MIN_POSITIVE).sqrt()).collect();
        let gram = Mat::from_fn(m, m, |i, j| {
            let regularisation = if i == j { self.steps[i].regularisation } else { 0.0 };
            scale[i] * scale[j] * self.products[i.max(j)][i.min(j)] + regularisation
        });
        let right = Mat::from_fn(m, 1, |i, _| scale[i] * dot(&self.steps[i].residual, residual));
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
    ColRef::from_slice(a).transpose() * ColRef::from_slice(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On a linear map that plain damping leaves, the mixer converges.
    #[test]
    fn linear_problems_converge() {
        let map = |x: &[f64]| {
            [1.0 - 0.9 * x[0] + 0.3 * x[1], -0.5 + 0.2 * x[0] - 2.0 * x[1] + 0.1 * x[2], 0.7 - 1.5 * x[2]]
        };
        let mut mixer = Broyden::new(Mixing { damping: 0.3, history: 9 }, &[]);
        let mut x = vec![0.0; 3];
        let mut error = f64::MAX;
        for _ in 0..12 {
            let residual: Vec<f64> = map(&x).iter().zip(&x).map(|(y, x)| y - x).collect();
            error = dot(&residual, &residual).sqrt();
            mixer.next(&mut x, &residual);
        }
        assert!(error < 1e-9, "{error}"); // plain damping by 0.3 shrinks the residual by 0.35 a step at best, to 1e-6
    }
}
