//! The learning rate as a function of the step, and the state that follows the monitored value.

use crate::config::{Schedule, ScheduleKind};
use crate::exact;
use serde::{Deserialize, Serialize};

/// Learning rate of step `t` (from 1) of `total`: linear warm-up, then the configured shape. `factor` is the
/// [`Plateau`]'s.
pub fn learning_rate(config: &Schedule, highest: f64, t: u64, total: u64, factor: f64) -> f64 {
    let warmup = config.warmup_steps.min(total);
    if t <= warmup {
        return highest * t as f64 / warmup as f64;
    }
    match config.kind {
        ScheduleKind::Constant => highest,
        ScheduleKind::Plateau => (highest * factor).max(config.lowest()),
        ScheduleKind::Cosine => {
            // The first step after the warm-up has the highest rate, the last one the lowest.
            let past = (t - warmup - 1) as f64 / ((total - warmup).max(2) - 1) as f64;
            let lowest = config.lowest();
            lowest + 0.5 * (highest - lowest) * (1.0 + (std::f64::consts::PI * past.min(1.0)).cos())
        }
    }
}

/// Follows the monitored value: the best so far and how many validations ago it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Follower {
    /// Lowest value so far.
    #[serde(with = "exact")]
    pub best: f64,
    /// Validations since then.
    pub waited: u64,
}

impl Default for Follower {
    fn default() -> Self {
        Self { best: f64::INFINITY, waited: 0 }
    }
}

impl Follower {
    /// Takes a new value; true if it is the best so far.
    pub fn follow(&mut self, value: f64) -> bool {
        let better = value < self.best;
        (self.best, self.waited) = if better { (value, 0) } else { (self.best, self.waited + 1) };
        better
    }
}

/// State of the `plateau` schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plateau {
    follower: Follower,
    /// Factor on the highest learning rate.
    #[serde(with = "exact")]
    pub factor: f64,
}

impl Default for Plateau {
    fn default() -> Self {
        Self { follower: Follower::default(), factor: 1.0 }
    }
}

impl Plateau {
    /// Takes a new value; after `patience` validations in a row without improvement the factor falls and counting
    /// starts again.
    pub fn follow(&mut self, config: &Schedule, value: f64) {
        if !self.follower.follow(value) && self.follower.waited >= config.plateau_patience() {
            self.factor *= config.plateau_factor();
            self.follower.waited = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        let c = Schedule { warmup_steps: 10, min_lr: Some(0.1), ..Schedule::default() };
        let rate = |t| learning_rate(&c, 1.0, t, 111, 1.0);
        assert_eq!((rate(1), rate(10), rate(11)), (0.1, 1.0, 1.0));
        assert!((rate(61) - 0.55).abs() < 1e-12 && (rate(111) - 0.1).abs() < 1e-12);
        assert!((11..111).all(|t| rate(t + 1) < rate(t)));
        let p = Schedule { kind: ScheduleKind::Plateau, factor: Some(0.5), patience: Some(2), ..c };
        let mut plateau = Plateau::default();
        [3.0, 2.0, 2.5].into_iter().for_each(|x| plateau.follow(&p, x));
        assert_eq!(plateau.factor, 1.0, "one validation without improvement is not two");
        plateau.follow(&p, 2.5);
        assert_eq!(learning_rate(&p, 1.0, 50, 111, plateau.factor), 0.5);
        (0..20).for_each(|_| plateau.follow(&p, 9.0));
        assert_eq!(learning_rate(&p, 1.0, 50, 111, plateau.factor), 0.1);
    }

    #[test]
    fn states_survive_storage_to_the_last_bit() {
        let mut p = Plateau::default();
        p.follow(&Schedule::default(), 0.1 + 0.2);
        let text = serde_json::to_string(&(p.clone(), Follower::default())).unwrap();
        assert_eq!(serde_json::from_str::<(Plateau, Follower)>(&text).unwrap(), (p, Follower::default()));
    }
}
