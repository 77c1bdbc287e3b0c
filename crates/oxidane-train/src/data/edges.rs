//! [`EdgeCache`]: neighbour lists of the structures, kept up to a budget of memory.

use super::{Dataset, Labelled};
use oxidane_core::{Error, Result};
use oxidane_models::Batch;
use std::borrow::Cow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One-structure batches, built when first needed and kept while they fit the budget. Whether one is kept or
/// computed again never changes a result.
#[derive(Debug)]
pub struct EdgeCache {
    cutoff: f64,
    budget: usize,
    used: AtomicUsize,
    kept: Vec<OnceLock<Box<Batch>>>,
}

impl EdgeCache {
    /// An empty cache for the structures of `data`; `budget` in bytes, `cutoff` in angstrom.
    pub fn new(data: &Dataset, cutoff: f64, budget: usize) -> Self {
        let kept = (0..data.len()).map(|_| OnceLock::new()).collect();
        Self { cutoff, budget, used: AtomicUsize::new(0), kept }
    }

    /// The structures `frames`, concatenated with their edges.
    ///
    /// # Errors
    /// Two atoms of a structure coincide or nearly so; the message names file and frame.
    pub fn batch(&self, data: &Dataset, frames: &[usize]) -> Result<Batch> {
        let parts = frames.iter().map(|&i| self.single(data, i)).collect::<Result<Vec<_>>>()?;
        Ok(Batch::concat(&parts.iter().map(AsRef::as_ref).collect::<Vec<_>>()))
    }

    fn build(&self, frame: &Labelled) -> Result<Batch> {
        let mut batch = Batch::build(&frame.system, self.cutoff)?;
        batch.edges.refuse_close_atoms()?;
        batch.heads = vec![frame.head];
        Ok(batch)
    }

    fn single(&self, data: &Dataset, i: usize) -> Result<Cow<'_, Batch>> {
        if let Some(batch) = self.kept[i].get() {
            return Ok(Cow::Borrowed(batch));
        }
        let batch = self
            .build(&*data.get(i)?)
            .map_err(|e| Error { message: format!("{}: {}", data.describe(i), e.message), ..e })?;
        let size = bytes(&batch);
        if self.used.fetch_add(size, Ordering::Relaxed) + size > self.budget {
            self.used.fetch_sub(size, Ordering::Relaxed);
            return Ok(Cow::Owned(batch));
        }
        Ok(Cow::Borrowed(self.kept[i].get_or_init(|| Box::new(batch))))
    }
}

fn bytes(b: &Batch) -> usize {
    // Neighbour, mirror, vector and distance of each edge.
    size_of::<Batch>() + b.edges.len() * (4 + 4 + 24 + 8) + b.atoms() * 37 + b.structures() * 96
}
