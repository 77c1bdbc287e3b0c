//! The first features of an atom, and the weights of an untrained network.

use super::Architecture;
use crate::batch::Batch;
use crate::charges::ELEMENTS;
use crate::parameters::{Layout, Slot};
use crate::random::Draw;
use oxidane_core::{Error, Result};
use oxidane_math::{Real, Scalar};

/// h_i = a learned row of the element.
#[derive(Debug, Clone)]
pub struct Start {
    features: usize,
    table: Slot,
}

impl Start {
    /// Registers `embedding.weight`.
    pub fn new(layout: &mut Layout, features: usize) -> Self {
        Self { features, table: layout.add("embedding.weight", &[ELEMENTS, features], true, false) }
    }

    /// Refuses what is no element.
    pub fn check(&self, batch: &Batch) -> Result<()> {
        match batch.numbers.iter().position(|&z| z == 0 || usize::from(z) >= ELEMENTS) {
            Some(i) => {
                let z = batch.numbers[i];
                Err(Error::domain(format!("atom {}: there is no element {z}", i + 1)))
            }
            None => Ok(()),
        }
    }

    /// Writes the features of atoms with these `numbers`, `[atoms, planes, F]`.
    pub fn forward<S: Scalar>(&self, p: &[S::Real], numbers: &[u8], h: &mut [S::Real]) {
        let table = self.table.of(p);
        for (row, &z) in h.chunks_exact_mut(self.features * S::PLANES).zip(numbers) {
            let (value, tangent) = row.split_at_mut(self.features);
            value.copy_from_slice(&table[usize::from(z) * self.features..][..self.features]);
            tangent.fill(S::Real::of(0.0));
        }
    }

    /// Adds the weight gradient.
    pub fn gradient<S: Scalar>(&self, numbers: &[u8], h_adj: &[S::Real], gradient: &mut [S::Real]) {
        let (f, table) = (self.features, self.table.of_mut(gradient));
        for (row, &z) in h_adj.chunks_exact(f * S::PLANES).zip(numbers) {
            crate::layers::add_assign(&mut table[usize::from(z) * f..][..f], &row[(S::PLANES - 1) * f..]);
        }
    }
}

/// Weights of an untrained network, in order of the layout. Matrices are uniform within 1/sqrt(inputs), biases zero, embeddings
/// normal; the widths start at the covalent radii times their scale, the hardness of the elements
/// as in [`crate::charges::Hardness::initialise`].
pub(super) fn initial<R: Real>(architecture: &Architecture, seed: u64) -> Vec<R> {
    let mut draw = Draw::new(seed);
    let mut all = vec![R::of(0.0); architecture.layout.len];
    for entry in architecture.layout.entries.iter().filter(|e| e.shape.len() == 2) {
        let embedding = entry.name == "embedding.weight";
        let bound = 1.0 / (entry.shape[1] as f64).sqrt();
        for w in &mut all[entry.range()] {
            *w = R::of(if embedding { draw.normal() } else { draw.within(bound) });
        }
    }
    architecture.hardness.initialise(&mut all);
    all
}
