//! The loss of a batch and its gradient, in parallel, with the same bits for any number of threads.
//!
//! A batch is cut into *chunks* of about the same number of atoms, computed together for the sake of the matrix
//! products: into [`CHUNKS`] of them, but of no fewer than [`LEAST_ATOMS`] atoms (a structure is never cut) and no more
//! than the configuration allows. Chunks are dealt out to at most [`LANES`] lanes in turn; a lane adds up the gradients of its chunks
//! in order, and the lanes are added pairwise as a tree. Which thread runs which lane decides nothing.

use crate::data::{Dataset, Differences, EdgeCache, Labelled, ReferenceEnergies, pack, runs_of};
use crate::loss::{ENERGY_DIFFERENCES, Loss, PerTerm};
use oxidane_core::{Error, Request, Result};
use oxidane_math::Real;
use oxidane_math::simd::dispatch;
use oxidane_models::{Batch, Network, Outputs, Scratch};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most lanes, that is gradient buffers.
pub const LANES: usize = 32;

/// Chunks that a batch is cut into where its size allows, so that there is work for several threads.
pub const CHUNKS: usize = 8;

/// Chunks smaller than this many atoms waste too much on what does not depend on their size.
pub const LEAST_ATOMS: usize = 32;

/// What all chunks share.
pub struct Context<'a> {
    /// The structures.
    pub data: &'a Dataset,
    /// Their neighbour lists.
    pub edges: &'a EdgeCache,
    /// Reference energies of each head, subtracted from the labels.
    pub references: &'a [ReferenceEnergies],
    /// The loss.
    pub loss: &'a Loss,
    /// Most atoms per chunk (a larger structure, or family of structures, is a chunk of its own).
    pub chunk_atoms: usize,
}

impl Context<'_> {
    /// Cuts frames into chunks, in order. The cuts depend on the sizes of the structures alone.
    pub fn chunks<'f>(&self, frames: &'f [usize]) -> Vec<&'f [usize]> {
        self.packed(frames, (0..frames.len()).map(|k| k..k + 1).collect())
    }

    /// The same, frames whose energies are compared with each other in one chunk.
    fn chunks_of_families<'f>(&self, frames: &'f [usize]) -> Vec<&'f [usize]> {
        self.packed(frames, self.runs(frames))
    }

    fn packed<'f>(&self, frames: &'f [usize], runs: Vec<Range<usize>>) -> Vec<&'f [usize]> {
        let sizes = runs.iter().map(|r| frames[r.clone()].iter().map(|&i| self.data.atoms(i)).sum());
        let even = sizes.clone().sum::<usize>().div_ceil(CHUNKS);
        let chunks = pack(sizes, even.max(LEAST_ATOMS).min(self.chunk_atoms));
        chunks.into_iter().map(|c| &frames[runs[c.start].start..runs[c.end - 1].end]).collect()
    }

    /// Frames that belong together.
    pub fn runs(&self, frames: &[usize]) -> Vec<Range<usize>> {
        let summaries: Vec<_> = frames.iter().map(|&i| self.data.summary(i)).collect();
        runs_of(&summaries)
    }

    /// The differences of energies that these frames have, each with the frames that it is of, by their places.
    pub(crate) fn differences(&self, frames: &[usize]) -> Vec<(Range<usize>, Differences)> {
        let of_run = |run: Range<usize>| {
            let members: Vec<_> = frames[run.clone()].iter().map(|&i| self.data.summary(i).member).collect();
            Some((run, Differences::of(&members)?))
        };
        self.runs(frames).into_iter().filter_map(of_run).collect()
    }

    /// Reads the structures and their edges.
    pub fn load(&self, frames: &[usize]) -> Result<Loaded> {
        let labelled = frames.iter().map(|&i| self.data.get(i)).collect::<Result<Vec<_>>>()?;
        Ok(Loaded { indices: frames.to_vec(), batch: self.edges.batch(self.data, frames)?, frames: labelled })
    }

    /// Runs a network on one chunk; gives the outputs, the part of the loss and the seeds.
    pub fn run<R: Real>(
        &self,
        network: &dyn Network<R>,
        chunk: &Loaded,
        counts: &PerTerm,
        scratch: &mut Scratch<R>,
    ) -> Result<(Outputs, PerTerm, Outputs)> {
        let frames = chunk.labelled();
        let request = self.loss.request(frames.iter().map(|f| f.present()));
        let outputs = self.outputs(network, chunk, request, scratch)?;
        let (mut value, mut seeds) =
            self.loss.evaluate(&chunk.batch, &frames, self.references, &outputs, counts);
        value.0[ENERGY_DIFFERENCES] =
            self.loss.evaluate_differences(&frames, self.references, &outputs, counts, &mut seeds);
        Ok((outputs, value, seeds))
    }

    /// What a network gives for one chunk. An error names the structure that it is about.
    pub fn outputs<R: Real>(
        &self,
        network: &dyn Network<R>,
        chunk: &Loaded,
        request: Request,
        scratch: &mut Scratch<R>,
    ) -> Result<Outputs> {
        let alone = |i: usize, scratch: &mut Scratch<R>| {
            let batch = self.edges.batch(self.data, &[i])?;
            network.run(&batch, request, scratch, false)
        };
        network.run(&chunk.batch, request, scratch, false).map_err(|error| {
            let refused = chunk.indices.iter().find_map(|&i| Some((i, alone(i, scratch).err()?)));
            refused.map_or(error, |(i, e)| Error {
                message: format!("{}: {}", self.data.describe(i), e.message),
                ..e
            })
        })
    }

    /// The components of each loss term over `frames`.
    pub fn counts(&self, frames: &[usize]) -> PerTerm {
        self.loss.counts(frames.iter().map(|&i| self.data.summary(i)))
    }
}

/// A chunk in memory.
pub struct Loaded {
    /// Their places in the data.
    pub indices: Vec<usize>,
    /// Structures with edges.
    pub batch: Batch,
    /// The structures with labels, in the same order.
    pub frames: Vec<Arc<Labelled>>,
}

impl Loaded {
    /// The structures, borrowed.
    pub fn labelled(&self) -> Vec<&Labelled> {
        self.frames.iter().map(AsRef::as_ref).collect()
    }
}

#[derive(Debug, Default)]
struct Lane<R> {
    gradient: Vec<R>,
    value: PerTerm,
}

/// Buffers of the data-parallel gradient, kept between steps.
#[derive(Debug, Default)]
pub struct Gradient<R> {
    lanes: Vec<Lane<R>>,
    /// Working memory of the network, as many as threads have ever worked at once.
    scratch: Mutex<Vec<Scratch<R>>>,
}

impl<R: Real> Gradient<R> {
    /// Computes loss and gradient of the batch `frames`; the gradient is read with [`Gradient::get`].
    pub fn compute(
        &mut self,
        context: &Context,
        network: &dyn Network<R>,
        frames: &[usize],
    ) -> Result<PerTerm> {
        let counts = context.counts(frames);
        let chunks = context.chunks_of_families(frames);
        let used = chunks.len().min(LANES);
        while self.lanes.len() < used {
            self.lanes.push(Lane { gradient: Vec::new(), value: PerTerm::default() });
        }
        let n = network.layout().len;
        let spare = &self.scratch;
        self.lanes[..used].par_iter_mut().enumerate().try_for_each(|(k, lane)| {
            lane.gradient.clear();
            lane.gradient.resize(n, R::of(0.0));
            lane.value = PerTerm::default();
            let mut scratch = lock(spare).pop().unwrap_or_default();
            for chunk in chunks.iter().skip(k).step_by(used) {
                let loaded = context.load(chunk)?;
                let (_, value, seeds) = context.run(network, &loaded, &counts, &mut scratch)?;
                network.loss_gradient(&loaded.batch, &seeds, &mut scratch, &mut lane.gradient)?;
                lane.value.add(&value);
            }
            lock(spare).push(scratch);
            Ok(())
        })?;
        let mut sum = PerTerm::default();
        self.lanes[..used].iter().for_each(|l| sum.add(&l.value));
        self.reduce(used);
        Ok(sum)
    }

    /// The gradient computed last.
    pub fn get(&self) -> &[R] {
        &self.lanes[0].gradient
    }

    /// Adds the lanes pairwise, (0 + 1) + (2 + 3) + ..., into the first.
    fn reduce(&mut self, used: usize) {
        let mut step = 1;
        while step < used {
            self.lanes[..used].par_chunks_mut(2 * step).for_each(|pair| {
                if pair.len() > step {
                    let (left, right) = pair.split_at_mut(step);
                    add(&mut left[0].gradient, &right[0].gradient);
                }
            });
            step *= 2;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn add<R: Real>(sum: &mut [R], term: &[R]) {
    const BLOCK: usize = 1 << 16;
    sum.par_chunks_mut(BLOCK).zip(term.par_chunks(BLOCK)).for_each(|(s, t)| {
        dispatch(
            #[inline(always)]
            || s.iter_mut().zip(t).for_each(|(s, &t)| *s += t),
        );
    });
}
