//! [`Plan`]: in which order and in which batches the training structures are used. A pure function of the seed,
//! so that a resumed run needs only its epoch and position.

use crate::config::MOST_STEPS;
use crate::random::shuffle;
use oxidane_core::{Error, Result};
use std::collections::BTreeMap;
use std::ops::Range;

/// How large a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchSize {
    /// At most so many structures, at least one unit of those that are drawn together.
    Structures(usize),
    /// At most so many atoms, at least one unit.
    Atoms(usize),
}

/// The training structures of one set, and how often they are used.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Draw {
    /// Frames of the data.
    pub frames: Vec<usize>,
    /// Atoms of each.
    pub atoms: Vec<u32>,
    /// The family of each, whose members are drawn together; empty: each frame is drawn on its own.
    pub families: Vec<u32>,
    /// At most so many frames of a family are drawn together, chosen anew in each epoch.
    pub size: Option<usize>,
    /// An epoch draws so many times as many units (frames, or families or parts of them), rounded, as there are. What is beyond whole
    /// repetitions is a subset that each epoch chooses anew.
    pub weight: f64,
}

impl Draw {
    /// Units that an epoch draws.
    fn len(&self) -> usize {
        (self.weight * self.units() as f64).round() as usize
    }
    /// Whether an epoch draws none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The units there are.
    fn units(&self) -> usize {
        if self.families.is_empty() {
            return self.frames.len();
        }
        let mut sizes: BTreeMap<u32, usize> = BTreeMap::new();
        self.families.iter().for_each(|&f| *sizes.entry(f).or_default() += 1);
        sizes.into_values().map(|n| n.div_ceil(self.size.unwrap_or(n))).sum()
    }
    /// The units of an epoch whose random numbers are of this seed and stream.
    fn cut(&self, seed: u64, stream: u64) -> Units {
        let mut places: Vec<usize> = (0..self.frames.len()).collect();
        if self.families.is_empty() {
            return Units { places, cuts: None };
        }
        if self.size.is_some() {
            shuffle(&mut places, seed, stream);
        }
        places.sort_by_key(|&place| self.families[place]);
        let (mut cuts, mut start) = (Vec::new(), 0);
        for family in places.chunk_by_mut(|&a, &b| self.families[a] == self.families[b]) {
            // Parts of about the same size; each in the order of the data, by which runs of it are told apart.
            let (n, count) = (family.len(), family.len().div_ceil(self.size.unwrap_or(family.len())));
            for part in (0..count).map(|k| k * n / count..(k + 1) * n / count) {
                family[part.clone()].sort_unstable();
                cuts.push(start + part.start..start + part.end);
            }
            start += n;
        }
        Units { places, cuts: Some(cuts) }
    }
    /// Things that an epoch puts in order: units drawn, all units to choose a subset from, frames of families.
    fn shuffled(&self) -> u64 {
        let (drawn, all) = (self.len() as u64, self.units() as u64);
        let of_families = self.families.len() as u64;
        drawn + of_families + if all > 0 && drawn % all > 0 { all } else { 0 }
    }
}

/// Streams of random numbers that choose subsets begin here: above any epoch's number.
const FIRST_STREAM: u64 = 1 << 40;
const _: () = assert!(MOST_STEPS < FIRST_STREAM);
/// And those that divide families here.
const FIRST_OF_FAMILIES: u64 = 1 << 63;

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
        let families = |d: &Draw| d.families.is_empty() || d.families.len() == d.frames.len();
        assert!(draws.iter().all(families), "one family per frame");
        Self { seed, draws, size }
    }

    /// The shuffled order of epoch `n` (from 0) and its batches.
    pub fn epoch(&self, n: u64) -> Epoch {
        let (mut units, mut frames) = (Vec::new(), Vec::new());
        for (k, draw) in self.draws.iter().enumerate() {
            let all = draw.cut(self.seed, FIRST_OF_FAMILIES + self.stream(k, n));
            for places in self.chosen(k, n).into_iter().map(|i| all.get(i)) {
                let atoms = places.iter().map(|&p| draw.atoms[p] as usize).sum();
                units.push(Unit { start: frames.len(), len: places.len(), atoms });
                frames.extend(places.iter().map(|&p| draw.frames[p]));
            }
        }
        shuffle(&mut units, self.seed, n);
        let sizes = units.iter().map(|unit| match self.size {
            BatchSize::Structures(_) => unit.len,
            BatchSize::Atoms(_) => unit.atoms,
        });
        let (BatchSize::Structures(limit) | BatchSize::Atoms(limit)) = self.size;
        let mut epoch = Epoch::default();
        for batch in pack(sizes, limit) {
            let start = epoch.order.len();
            epoch.order.extend(units[batch].iter().flat_map(|u| &frames[u.start..u.start + u.len]));
            epoch.batches.push(start..epoch.order.len());
        }
        epoch
    }

    /// The stream of set `k` in epoch `n`, apart from those of the orders: epochs are fewer than steps.
    fn stream(&self, k: usize, n: u64) -> u64 {
        (k as u64 + 1) * FIRST_STREAM + n
    }

    /// Places of the units that epoch `n` draws of set `k`.
    fn chosen(&self, k: usize, n: u64) -> Vec<usize> {
        let draw = &self.draws[k];
        let (all, count) = (draw.units(), draw.len());
        let mut chosen: Vec<usize> = (0..count).map(|i| i % all).collect();
        let rest = count % all.max(1);
        if rest > 0 {
            let mut subset: Vec<usize> = (0..all).collect();
            shuffle(&mut subset, self.seed, self.stream(k, n));
            subset.truncate(rest);
            subset.sort_unstable();
            chosen.truncate(count - rest);
            chosen.extend(subset);
        }
        chosen
    }

    /// Optimiser steps in `epochs` epochs.
    ///
    /// # Errors
    /// More steps than can be counted; with batches by atoms, so many epochs that shuffling all of them beforehand
    /// would take minutes.
    pub fn steps(&self, epochs: u64) -> Result<u64> {
        /// Structures to be put in order; about ten seconds.
        const MOST_SHUFFLED: u64 = 1_000_000_000;
        let units = self.draws.iter().map(|d| d.len() as u64).sum::<u64>();
        let alone = self.draws.iter().all(|d| d.families.is_empty());
        let steps = match self.size {
            BatchSize::Structures(n) if alone => epochs.checked_mul(units.div_ceil(n as u64)),
            _ => epochs
                .checked_mul(self.draws.iter().map(Draw::shuffled).sum())
                .filter(|&shuffled| shuffled <= MOST_SHUFFLED)
                .map(|_| (0..epochs).map(|e| self.epoch(e).batches.len() as u64).sum()),
        };
        steps.filter(|&n| n <= MOST_STEPS).ok_or_else(|| {
            Error::usage(format!(
                "train.epochs = {epochs} is too much for {units} structures or families: give train.steps"
            ))
        })
    }
}

/// The units of a set: places of frames, and where they are cut; without cuts each is a unit.
struct Units {
    places: Vec<usize>,
    cuts: Option<Vec<Range<usize>>>,
}

impl Units {
    fn get(&self, i: usize) -> &[usize] {
        &self.places[self.cuts.as_ref().map_or(i..i + 1, |cuts| cuts[i].clone())]
    }
}

/// Frames that are drawn together, in a list of all drawn.
#[derive(Clone, Copy)]
struct Unit {
    start: usize,
    len: usize,
    atoms: usize,
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
            let draw = Draw { frames: frames.clone(), atoms: atoms.clone(), weight: 1.0, ..Draw::default() };
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
            Draw { frames: frames.collect(), atoms, weight, ..Draw::default() }
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

    /// Families of 3, 7 and 1 frames, three at most together: 1 + 3 + 1 units, other ones of the large family in each epoch.
    #[test]
    fn families_are_drawn_together() {
        let families = [4, 2, 2, 4, 2, 2, 9, 2, 4, 2, 2];
        let draw = Draw {
            frames: (100..111).collect(),
            atoms: vec![2; 11],
            families: families.to_vec(),
            size: Some(3),
            weight: 1.0,
        };
        let lone = Draw { frames: vec![0, 1], atoms: vec![2; 2], weight: 1.0, ..Draw::default() };
        for size in [BatchSize::Structures(4), BatchSize::Atoms(8)] {
            let plan = Plan::new(5, vec![draw.clone(), lone.clone()], size);
            let (a, b) = (plan.epoch(0), plan.epoch(1));
            assert_ne!(a.order, b.order);
            assert_eq!(plan.steps(2).unwrap(), (a.batches.len() + b.batches.len()) as u64);
            for e in [&a, &b] {
                let mut sorted = e.order.clone();
                sorted.sort_unstable();
                assert_eq!(sorted, [0, 1].into_iter().chain(100..111).collect::<Vec<_>>());
                assert!(e.batches.iter().all(|r| r.len() <= 4));
                let family = |i: usize| if i < 100 { i as u32 } else { families[i - 100] + 10 };
                for batch in &e.batches {
                    let in_batch = &e.order[batch.clone()];
                    // The three frames of family 4 are in one batch, those of 2 in twos and threes.
                    let count = |f: u32| in_batch.iter().filter(|&&i| family(i) == f).count();
                    assert!([0, 3].contains(&count(14)) && [0, 2, 3, 4].contains(&count(12)), "{in_batch:?}");
                }
            }
        }
        let whole = Plan::new(5, vec![Draw { size: None, ..draw }], BatchSize::Structures(4));
        assert!(whole.epoch(0).batches.iter().any(|r| r.len() == 7), "a family is not divided");
    }

    #[test]
    fn packing_keeps_what_is_too_large_alone() {
        assert_eq!(pack([3, 3, 9, 1, 1].into_iter(), 6), vec![0..2, 2..3, 3..5]);
        assert!(pack(std::iter::empty(), 6).is_empty());
    }
}
