//! The one source of randomness: ChaCha20 streams named by a seed and a stream number, so that nothing about
//! them needs saving.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Shuffles `items` (Fisher and Yates) with the stream `stream` of `seed`.
pub fn shuffle<T>(items: &mut [T], seed: u64, stream: u64) {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    for i in (1..items.len()).rev() {
        items.swap(i, below(&mut rng, i as u64 + 1) as usize);
    }
}

/// A uniform integer below `n`, without bias: draws beyond the largest multiple of `n` are drawn again.
fn below(rng: &mut ChaCha20Rng, n: u64) -> u64 {
    let limit = u64::MAX - u64::MAX % n;
    loop {
        let x = rng.next_u64();
        if x < limit {
            return x % n;
        }
    }
}
