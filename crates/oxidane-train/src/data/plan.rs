//! [`Plan`]: in which order and in which batches the training structures are used. A pure function of the seed,
//! so that a resumed run needs only its epoch and position.

use crate::config::MOST_STEPS;
use crate::random::shuffle;
use oxidane_core::{Error, Result};
use std::ops::Range;

/// How large a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchSize {
    /// So many structures.
    Structures(usize),
    /// At most so many atoms, at least one structure.
    Atoms(usize),
}

/// Order and batches of the training structures.
#[derive(Debug, Clone)]
pub struct Plan {
    seed: u64,
    frames: Vec<usize>,
    atoms: Vec<u32>,
    size: BatchSize,
}

/// One epoch of a [`Plan`].
#[derive(Debug, Clone, Default)]
pub struct Epoch {
    /// Frames in the order of use.
    pub order: Vec<usize>,
    /// The batches as ranges of `order`.
    pub batches: Vec<Range<usize>>,
}

impl Plan {
    /// A plan for the structures `frames` with `atoms[k]` atoms in `frames[k]`.
    pub fn new(seed: u64, frames: Vec<usize>, atoms: Vec<u32>, size: BatchSize) -> Self {
        assert_eq!(frames.len(), atoms.len(), "one number of atoms per frame");
        Self { seed, frames, atoms, size }
    }

    /// The shuffled order of epoch `n` (from 0) and its batches.
    pub fn epoch(&self, n: u64) -> Epoch {
        let mut order: Vec<usize> = (0..self.frames.len()).collect();
        shuffle(&mut order, self.seed, n);
        let batches = self.cut(&order);
        order.iter_mut().for_each(|k| *k = self.frames[*k]);
        Epoch { order, batches }
    }

    fn cut(&self, order: &[usize]) -> Vec<Range<usize>> {
        match self.size {
            BatchSize::Structures(n) => {
                (0..order.len()).step_by(n).map(|a| a..(a + n).min(order.len())).collect()
            }
            BatchSize::Atoms(n) => pack(order.iter().map(|&k| self.atoms[k] as usize), n),
        }
    }

    /// Optimiser steps in `epochs` epochs.
    ///
    /// # Errors
    /// More steps than can be counted; with batches by atoms, so many epochs that shuffling all of them beforehand
    /// would take minutes.
    pub fn steps(&self, epochs: u64) -> Result<u64> {
        /// Structures to be put in order; about ten seconds.
        const MOST_SHUFFLED: u64 = 1_000_000_000;
        let frames = self.frames.len() as u64;
        let steps = match self.size {
            BatchSize::Structures(n) => epochs.checked_mul(frames.div_ceil(n as u64)),
            BatchSize::Atoms(_) => epochs
                .checked_mul(frames)
                .filter(|&shuffled| shuffled <= MOST_SHUFFLED)
                .map(|_| (0..epochs).map(|e| self.epoch(e).batches.len() as u64).sum()),
        };
        steps.filter(|&n| n <= MOST_STEPS).ok_or_else(|| {
            Error::usage(format!(
                "train.epochs = {epochs} is too much for {frames} structures: give train.steps"
            ))
        })
    }
}

/// Cuts a sequence into runs whose sizes add up to `limit` at most, or of one element where that alone is larger.
pub fn pack(sizes: impl Iterator<Item = usize>, limit: usize) -> Vec<Range<usize>> {
    let (mut runs, mut start, mut sum, mut end) = (Vec::new(), 0, 0, 0);
    for (k, size) in sizes.enumerate() {
        if k > start && sum + size > limit {
            runs.push(start..k);
            (start, sum) = (k, 0);
        }
        sum += size;
        end = k + 1;
    }
    if end > start {
        runs.push(start..end);
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_uses_every_frame_once() {
        let frames: Vec<usize> = (10..47).collect();
        let atoms: Vec<u32> = (0..37).map(|k| 3 + k % 7).collect();
        for size in [BatchSize::Structures(5), BatchSize::Atoms(16)] {
            let plan = Plan::new(3, frames.clone(), atoms.clone(), size);
            let (a, b) = (plan.epoch(0), plan.epoch(1));
            assert_ne!(a.order, b.order);
            for e in [&a, &b] {
                let mut sorted = e.order.clone();
                sorted.sort_unstable();
                assert_eq!(sorted, frames);
                let covered: Vec<usize> = e.batches.iter().flat_map(Clone::clone).collect();
                assert_eq!(covered, (0..37).collect::<Vec<_>>());
                if let BatchSize::Atoms(n) = size {
                    let total = |r: &Range<usize>| -> u32 { r.clone().map(|k| atoms[e.order[k] - 10]).sum() };
                    assert!(e.batches.iter().all(|r| total(r) as usize <= n));
                }
            }
            assert!(plan.steps(u64::MAX).is_err() && plan.steps(1 << 39).is_err());
            assert_eq!(plan.steps(2).unwrap(), (a.batches.len() + b.batches.len()) as u64);
        }
    }

    #[test]
    fn packing_keeps_what_is_too_large_alone() {
        assert_eq!(pack([3, 3, 9, 1, 1].into_iter(), 6), vec![0..2, 2..3, 3..5]);
        assert!(pack(std::iter::empty(), 6).is_empty());
    }
}
