//! FIRE 2.0: damped dynamics that speeds up downhill and halts uphill (Guenole et al., Comput. Mater. Sci. 175, 109584
//! (2020), algorithm 2, semi-implicit Euler).

use super::coordinates::{Coordinates, Point};
use super::driver::Minimizer;
use crate::vector::{axpy, dot};

/// Time in sqrt(amu angstrom^2/eV), every coordinate of mass 1 amu.
const FIRST_TIME_STEP: f64 = 0.1;
const LONGEST_TIME_STEP: f64 = 1.0;
const SHORTEST_TIME_STEP: f64 = 0.002;
const MIXING: f64 = 0.25;
const MIXING_DECAY: f64 = 0.99;
const FASTER: f64 = 1.1;
const SLOWER: f64 = 0.5;
const DELAY: usize = 20;

pub(super) struct Fire {
    velocity: Vec<f64>,
    time_step: f64,
    mixing: f64,
    downhill: usize,
    steps: usize,
    max_displacement: f64,
}

impl Fire {
    pub fn new(coordinates: usize, max_displacement: f64) -> Self {
        Self {
            velocity: vec![0.0; coordinates],
            time_step: FIRST_TIME_STEP,
            mixing: MIXING,
            downhill: 0,
            steps: 0,
            max_displacement,
        }
    }
}

impl Minimizer for Fire {
    fn propose(&mut self, point: &Point, coordinates: &Coordinates) -> Vec<f64> {
        let mut step = vec![0.0; self.velocity.len()];
        if dot(&self.velocity, &point.gradient) <= 0.0 {
            self.downhill += 1;
            if self.downhill > DELAY {
                self.time_step = (self.time_step * FASTER).min(LONGEST_TIME_STEP);
                self.mixing *= MIXING_DECAY;
            }
        } else {
            self.downhill = 0;
            if self.steps >= DELAY {
                self.time_step = (self.time_step * SLOWER).max(SHORTEST_TIME_STEP);
            }
            self.mixing = MIXING;
            axpy(-0.5 * self.time_step, &self.velocity, &mut step); // half a step back uphill
            self.velocity.fill(0.0);
        }
        self.steps += 1;
        axpy(-self.time_step, &point.gradient, &mut self.velocity);
        let force = dot(&point.gradient, &point.gradient).sqrt();
        if force > 0.0 {
            let turn = self.mixing * dot(&self.velocity, &self.velocity).sqrt() / force;
            self.velocity.iter_mut().for_each(|v| *v *= 1.0 - self.mixing);
            axpy(-turn, &point.gradient, &mut self.velocity);
        }
        axpy(self.time_step, &self.velocity, &mut step);
        let size = coordinates.measure(&step);
        if size > self.max_displacement {
            step.iter_mut().for_each(|s| *s *= self.max_displacement / size);
        }
        step
    }

    fn judge(&mut self, _: &Point, _: &[f64], _: &Point, _: &Coordinates) -> bool {
        true
    }

    fn retreat(&mut self, _: f64) {
        self.velocity.fill(0.0);
        self.time_step = (self.time_step * 0.1).max(SHORTEST_TIME_STEP);
    }
}
