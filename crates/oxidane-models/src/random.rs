//! Random numbers of initial weights. Dynamics has a generator of its own (`oxidane_sim::md`), on purpose: there the
//! position in the stream is part of the restart file, here the stream fixes what a training's seed means, and neither
//! may change because the other does.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A stream of random numbers.
pub struct Draw(ChaCha12Rng);

impl Draw {
    /// The stream of that seed.
    pub fn new(seed: u64) -> Self {
        Self(ChaCha12Rng::seed_from_u64(seed))
    }
    /// Uniform in (0, 1).
    pub fn uniform(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) as f64 + 0.5) * 2f64.powi(-53)
    }
    /// Uniform in (-bound, bound).
    pub fn within(&mut self, bound: f64) -> f64 {
        bound * (2.0 * self.uniform() - 1.0)
    }
    /// Standard normal (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}
