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

/// The training structures of one set, and how often they are used.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Draw {
    /// Frames of the data.
    pub frames: Vec<usize>,
    /// Atoms of each.
    pub atoms: Vec<u32>,
    /// An epoch draws so many times as many frames, rounded, as there are. What is beyond whole repetitions is a subset
    /// that each epoch chooses anew.
    pub weight: f64,
}

impl Draw {
    /// Frames that an epoch draws.
    pub fn len(&self) -> usize {
        (self.weight * self.frames.len() as f64).round() as usize
    }
    /// Whether an epoch draws none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Frames that an epoch puts in order: those drawn, and all to choose a subset from.
    fn shuffled(&self) -> u64 {
        let (drawn, all) = (self.len() as u64, self.frames.len() as u64);
        drawn + if all > 0 && drawn % all > 0 { all } else { 0 }
    }
}

/// Streams of random numbers that choose subsets begin here: above any epoch's number.
const FIRST_STREAM: u64 = 1 << 40;
const _: () = assert!(MOST_STEPS < FIRST_STREAM);

/// Order and batches of the training structures.
#[derive(Debug, Clone)]
pub struct Plan {
    seed: u64,
    draws: Vec<Draw>,
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
    /// A plan for the structures of several sets, which are mixed.
    pub fn new(seed: u64, draws: Vec<Draw>, size: BatchSize) -> Self {
        assert!(draws.iter().all(|d| d.frames.len() == d.atoms.len()), "one number of atoms per frame");
        Self { seed, draws, size }
    }

    /// The shuffled order of epoch `n` (from 0) and its batches.
    pub fn epoch(&self, n: u64) -> Epoch {
        let mut order: Vec<(usize, u32)> = Vec::with_capacity(self.draws.iter().map(Draw::len).sum());
        for (k, draw) in self.draws.iter().enumerate() {
            let at = |i: usize| (draw.frames[i], draw.atoms[i]);
            order.extend(self.chosen(k, n).into_iter().map(at));
        }
        shuffle(&mut order, self.seed, n);
        let batches = self.cut(&order);
        Epoch { order: order.into_iter().map(|(frame, _)| frame).collect(), batches }
    }

    /// Places of the frames that epoch `n` draws of set `k`.
    fn chosen(&self, k: usize, n: u64) -> Vec<usize> {
        let (draw, all) = (&self.draws[k], self.draws[k].frames.len());
        let mut chosen: Vec<usize> = (0..draw.len()).map(|i| i % all).collect();
        let rest = draw.len() % all.max(1);
        if rest > 0 {
            let mut subset: Vec<usize> = (0..all).collect();
            // Apart from the streams of the orders: epochs are fewer than steps.
            shuffle(&mut subset, self.seed, (k as u64 + 1) * FIRST_STREAM + n);
            subset.truncate(rest);
            subset.sort_unstable();
            chosen.truncate(draw.len() - rest);
            chosen.extend(subset);
        }
        chosen
    }

    fn cut(&self, order: &[(usize, u32)]) -> Vec<Range<usize>> {
        match self.size {
            BatchSize::Structures(n) => {
                (0..order.len()).step_by(n).map(|a| a..(a + n).min(order.len())).collect()
            }
            BatchSize::Atoms(n) => pack(order.iter().map(|&(_, atoms)| atoms as usize), n),
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
        let frames = self.draws.iter().map(|d| d.len() as u64).sum::<u64>();
        let steps = match self.size {
            BatchSize::Structures(n) => epochs.checked_mul(frames.div_ceil(n as u64)),
            BatchSize::Atoms(_) => epochs
                .checked_mul(self.draws.iter().map(Draw::shuffled).sum())
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
            let draw = Draw { frames: frames.clone(), atoms: atoms.clone(), weight: 1.0 };
            let plan = Plan::new(3, vec![draw], size);
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

    /// Of every set as many frames as its weight says: whole repetitions, and a subset that is another in each epoch.
    #[test]
    fn sets_are_drawn_by_their_weights() {
        let draw = |frames: Range<usize>, weight| {
            let atoms = frames.clone().map(|k| 1 + k as u32 % 5).collect();
            Draw { frames: frames.collect(), atoms, weight }
        };
        let plan = Plan::new(
            9,
            vec![draw(0..10, 1.0), draw(10..30, 0.4), draw(30..40, 2.5)],
            BatchSize::Structures(6),
        );
        let drawn = |n: u64| {
            let mut counts = [0; 40];
            plan.epoch(n).order.iter().for_each(|&i| counts[i] += 1);
            counts
        };
        let (a, b) = (drawn(0), drawn(1));
        assert_eq!(a, drawn(0));
        assert_ne!(a, b, "a subset is chosen anew");
        for counts in [&a, &b] {
            assert!(counts[..10].iter().all(|&n| n == 1));
            assert!(counts[10..30].iter().all(|&n| n <= 1) && counts[10..30].iter().sum::<i32>() == 8);
            assert!(counts[30..].iter().all(|&n| n == 2 || n == 3) && counts[30..].iter().sum::<i32>() == 25);
        }
        assert_eq!(plan.steps(3).unwrap(), 3 * 43u64.div_ceil(6));
        // Sets are mixed: no batch of an epoch is of one set alone as often as it would be in turn.
        let mixed = plan.epoch(0);
        let sets = |r: &Range<usize>| {
            let mut sets: Vec<_> =
                mixed.order[r.clone()].iter().map(|&i| (i >= 10) as u8 + (i >= 30) as u8).collect();
            sets.sort_unstable();
            sets.dedup();
            sets.len()
        };
        assert!(mixed.batches.iter().filter(|r| sets(r) > 1).count() > 4);
    }

    #[test]
    fn packing_keeps_what_is_too_large_alone() {
        assert_eq!(pack([3, 3, 9, 1, 1].into_iter(), 6), vec![0..2, 2..3, 3..5]);
        assert!(pack(std::iter::empty(), 6).is_empty());
    }
}
