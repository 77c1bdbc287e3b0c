//! Running statistics of a series: mean, spread, standard error with correlation, drift.

use serde::{Deserialize, Serialize};

/// Statistics of a series gathered value by value in constant memory.
///
/// The standard error comes from blocking (Flyvbjerg and Petersen, J. Chem. Phys. 91, 461 (1989)): averages over
/// blocks of 1, 2, 4, ... values; the largest estimate among the levels with enough blocks is reported, so that
/// correlation in time is accounted for.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RunningStats {
    levels: Vec<Level>,
    /// Sum of (t - mean t)(x - mean x) and of (t - mean t)^2, for the drift.
    time_mean: f64,
    time_square: f64,
    time_value: f64,
}

/// Mean and spread of block averages at one block length.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Level {
    count: u64,
    mean: f64,
    /// Sum of squared deviations from the mean.
    squares: f64,
    /// First half of a block not yet complete.
    pending: Option<f64>,
}

/// Fewest blocks from which an error estimate is taken.
const FEWEST_BLOCKS: u64 = 32;

impl RunningStats {
    /// No values yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value at a time (any unit; used by [`RunningStats::drift`]).
    pub fn add(&mut self, time: f64, value: f64) {
        let n = self.count() as f64 + 1.0;
        let (mean_before, dt) = (self.mean(), time - self.time_mean);
        self.time_mean += dt / n;
        self.time_square += dt * (time - self.time_mean);
        self.time_value += dt * (value - (mean_before + (value - mean_before) / n));

        let mut block = value;
        for depth in 0.. {
            if depth == self.levels.len() {
                self.levels.push(Level::default());
            }
            let level = &mut self.levels[depth];
            level.count += 1;
            let d = block - level.mean;
            level.mean += d / level.count as f64;
            level.squares += d * (block - level.mean);
            match level.pending.take() {
                None => {
                    level.pending = Some(block);
                    break;
                }
                Some(first) => block = 0.5 * (first + block),
            }
        }
    }

    /// Number of values.
    pub fn count(&self) -> u64 {
        self.levels.first().map_or(0, |l| l.count)
    }

    /// Mean; 0 without values.
    pub fn mean(&self) -> f64 {
        self.levels.first().map_or(0.0, |l| l.mean)
    }

    /// Variance of the values (divisor n - 1); 0 with fewer than two values.
    pub fn variance(&self) -> f64 {
        self.levels.first().map_or(0.0, Level::variance)
    }

    /// Standard error of the mean, correlation in time included where the series is long enough to tell.
    pub fn standard_error(&self) -> f64 {
        let own = |l: &Level| (l.variance() / l.count.max(1) as f64).sqrt();
        let first = self.levels.first().map_or(0.0, own);
        self.levels.iter().filter(|l| l.count >= FEWEST_BLOCKS).map(own).fold(first, f64::max)
    }

    /// Slope of the least-squares line through the values, per unit of time; 0 if all times are equal.
    pub fn drift(&self) -> f64 {
        if self.time_square > 0.0 { self.time_value / self.time_square } else { 0.0 }
    }
}

impl Level {
    fn variance(&self) -> f64 {
        if self.count > 1 { self.squares / (self.count - 1) as f64 } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_variance_and_drift_of_a_known_series() {
        let mut stats = RunningStats::new();
        (0..100).for_each(|i| stats.add(f64::from(i) * 0.5, 3.0 + 0.25 * f64::from(i)));
        // Sums of a hundred numbers of order ten: rounding only.
        assert!((stats.mean() - (3.0 + 0.25 * 49.5)).abs() < 1e-12);
        assert!((stats.variance() - 0.0625 * 100.0 * 101.0 / 12.0).abs() < 1e-10);
        assert!((stats.drift() - 0.5).abs() < 1e-13);
    }

    #[test]
    fn correlation_raises_the_error() {
        // A value held for 16 steps: the true error is 4 times the naive one.
        let (mut fresh, mut held) = (RunningStats::new(), RunningStats::new());
        let mut x = 0.3_f64;
        for i in 0..16384 {
            let t = f64::from(i);
            if i % 16 == 0 {
                x = (x * 3.99 * (1.0 - x)).clamp(1e-6, 1.0 - 1e-6); // a chaotic map, nearly without correlation
                fresh.add(t, x);
            }
            held.add(t, x);
        }
        let ratio = held.standard_error() / fresh.standard_error();
        assert!((0.8..1.25).contains(&ratio), "{ratio}"); // two estimates of one error, each good to about 10 %
    }
}
