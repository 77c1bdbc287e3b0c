//! Random numbers with a seed and a state that can be written down. Apart from those of initial weights
//! (`oxidane_models`): each stream is part of a promise (a restart to the same bits, the meaning of a training's seed) and
//! must not change with the other.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// ChaCha12 with its normal deviates. No deviate is kept between calls, so seed and position are the whole state.
#[derive(Debug, Clone, PartialEq)]
pub struct Random {
    generator: ChaCha12Rng,
}

impl Random {
    /// The generator for a seed.
    pub fn new(seed: u64) -> Self {
        Self { generator: ChaCha12Rng::seed_from_u64(seed) }
    }

    /// The generator for one of many streams of a seed, independent of each other: its key is drawn from that stream.
    pub fn stream(seed: u64, number: u64) -> Self {
        let mut parent = ChaCha12Rng::seed_from_u64(seed);
        parent.set_stream(number);
        let mut key = [0; 32];
        parent.fill_bytes(&mut key);
        Self { generator: ChaCha12Rng::from_seed(key) }
    }

    /// Key (32 bytes) and position in the stream (words drawn so far).
    pub fn state(&self) -> ([u8; 32], u128) {
        (self.generator.get_seed(), self.generator.get_word_pos())
    }

    /// The generator with a key at a position, as [`Random::state`] gave them.
    pub fn restore(key: [u8; 32], position: u128) -> Self {
        let mut generator = ChaCha12Rng::from_seed(key);
        generator.set_word_pos(position);
        Self { generator }
    }

    /// Uniform on (0, 1].
    fn uniform(&mut self) -> f64 {
        ((self.generator.next_u64() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }

    /// Fills `out` with independent normal deviates of mean 0 and variance 1 (Box and Muller, 1958).
    pub fn fill_normal(&mut self, out: &mut [f64]) {
        for pair in out.chunks_mut(2) {
            let radius = (-2.0 * self.uniform().ln()).sqrt();
            let (sin, cos) = (std::f64::consts::TAU * self.uniform()).sin_cos();
            pair[0] = radius * cos;
            if let Some(second) = pair.get_mut(1) {
                *second = radius * sin;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restored_generator_continues() {
        let mut a = Random::new(7);
        let mut x = [0.0; 7];
        a.fill_normal(&mut x);
        let (key, position) = a.state();
        let mut b = Random::restore(key, position);
        let (mut xa, mut xb) = ([0.0; 9], [0.0; 9]);
        a.fill_normal(&mut xa);
        b.fill_normal(&mut xb);
        assert_eq!(xa, xb);
    }

    #[test]
    fn streams_differ() {
        let draw = |mut random: Random| {
            let mut x = [0.0; 4];
            random.fill_normal(&mut x);
            x
        };
        let streams = [0, 1, 2].map(|number| draw(Random::stream(7, number)));
        assert_eq!(streams[1], draw(Random::stream(7, 1)));
        assert!(streams[0] != streams[1] && streams[1] != streams[2] && streams[0] != streams[2]);
        assert_ne!(streams[1], draw(Random::stream(8, 1)));
    }

    #[test]
    fn deviates_are_normal() {
        let mut x = vec![0.0; 100_000];
        Random::new(1).fill_normal(&mut x);
        let moment = |p: i32| x.iter().map(|x| x.powi(p)).sum::<f64>() / x.len() as f64;
        // Standard errors of the first four moments over 1e5 deviates: sqrt(1, 2, 15, 96) * 0.0032; four of them.
        for (p, exact, error) in [(1, 0.0, 0.0032), (2, 1.0, 0.0045), (3, 0.0, 0.0123), (4, 3.0, 0.031)] {
            assert!((moment(p) - exact).abs() < 4.0 * error, "moment {p}: {}", moment(p));
        }
    }
}
