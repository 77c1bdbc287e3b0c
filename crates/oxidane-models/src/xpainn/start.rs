//! The first features of an atom, and the weights of an untrained network.

use super::{Architecture, Embedding};
use crate::batch::Batch;
use crate::layers::Linear;
use crate::network::Scratch;
use crate::orbital::{self, AuxBasis};
use crate::parameters::{Layout, Slot};
use crate::random::Draw;
use oxidane_core::{Error, Result};
use oxidane_math::{Real, Scalar};

/// s_i = Linear(table[Z_i]) with a fixed table of orbital overlaps, or a learned row per element.
#[derive(Debug, Clone)]
pub struct Start {
    channels: usize,
    columns: usize,
    elements: usize,
    table: Slot,
    linear: Option<Linear>,
}

impl Start {
    /// Registers the table (`embedding.embedding.weight`, or `embedding.embedding.0.embed_ten` followed by an
    /// affine map).
    pub fn new(layout: &mut Layout, embedding: Embedding, channels: usize) -> Self {
        let shape = embedding.table_shape(channels);
        let learned = embedding == Embedding::OneHot;
        let name = if learned { "embedding.embedding.weight" } else { "embedding.embedding.0.embed_ten" };
        let table = layout.add(name, &shape, learned, false);
        let linear =
            (!learned).then(|| Linear::new(layout, "embedding.embedding.1", shape[1], channels, true));
        Self { channels, columns: shape[1], elements: shape[0], table, linear }
    }

    /// Refuses elements beyond the table.
    pub fn check(&self, batch: &Batch) -> Result<()> {
        match batch.numbers.iter().position(|&z| usize::from(z) >= self.elements) {
            Some(i) => Err(Error::domain(format!(
                "atom {}: element {} is beyond the model's last, {}",
                i + 1,
                batch.numbers[i],
                self.elements - 1
            ))),
            None => Ok(()),
        }
    }

    fn rows<S: Scalar>(&self, p: &[S::Real], batch: &Batch, out: &mut [S::Real]) {
        let table = self.table.of(p);
        for (row, &z) in out.chunks_exact_mut(self.columns * S::PLANES).zip(&batch.numbers) {
            let (value, tangent) = row.split_at_mut(self.columns);
            value.copy_from_slice(&table[usize::from(z) * self.columns..][..self.columns]);
            tangent.fill(S::Real::of(0.0));
        }
    }

    /// Writes the features of all atoms, `[atoms, planes, C]`.
    pub fn forward<S: Scalar>(
        &self,
        p: &[S::Real],
        batch: &Batch,
        s: &mut [S::Real],
        scratch: &mut Scratch<S::Real>,
    ) {
        match &self.linear {
            None => self.rows::<S>(p, batch, s),
            Some(linear) => {
                let mut rows = scratch.zeros(batch.atoms() * S::PLANES * self.columns);
                self.rows::<S>(p, batch, &mut rows);
                linear.forward::<S>(p, batch.atoms(), &rows, s);
                scratch.put(rows);
            }
        }
    }

    /// Adds the weight gradient.
    pub fn gradient<S: Scalar>(
        &self,
        p: &[S::Real],
        batch: &Batch,
        s_adj: &[S::Real],
        gradient: &mut [S::Real],
        scratch: &mut Scratch<S::Real>,
    ) {
        match &self.linear {
            None => {
                let (c, table) = (self.channels, self.table.of_mut(gradient));
                for (row, &z) in s_adj.chunks_exact(c * S::PLANES).zip(&batch.numbers) {
                    let to = &mut table[usize::from(z) * c..][..c];
                    crate::layers::add_assign(to, &row[(S::PLANES - 1) * c..]);
                }
            }
            Some(linear) => {
                let mut rows = scratch.zeros(batch.atoms() * S::PLANES * self.columns);
                self.rows::<S>(p, batch, &mut rows);
                linear.gradient::<S>(batch.atoms(), &rows, s_adj, gradient);
                scratch.put(rows);
            }
        }
    }
}

/// Weights of an untrained network, in order of the layout. Matrices are uniform within 1/sqrt(inputs), the MLPs'
/// and embeddings' biases zero; equivariant maps and learned tables are normal; norms start as the identity.
pub(super) fn initial<R: Real>(architecture: &Architecture, seed: u64) -> Vec<R> {
    let mut draw = Draw::new(seed);
    let mut all = vec![R::of(0.0); architecture.layout.len];
    for entry in &architecture.layout.entries {
        let out = &mut all[entry.range()];
        let name = entry.name.as_str();
        if name.ends_with("embed_ten") {
            let aux28 = architecture.config.embedding == Embedding::Aux28;
            let table = orbital::table(if aux28 { AuxBasis::Aux28 } else { AuxBasis::Aux56 });
            out.iter_mut().zip(table).for_each(|(o, &t)| *o = R::of(f64::from(t)));
        } else if name.contains("update_U") || name.contains("update_V") || name.contains("equi_out_mlp") {
            if name.ends_with("weight") {
                out.iter_mut().for_each(|o| *o = R::of(draw.normal()));
            }
        } else if name == "embedding.embedding.weight" {
            out.iter_mut().for_each(|o| *o = R::of(draw.normal()));
        } else if name.ends_with("norm.weight") || name.ends_with("affine_weight") {
            out.fill(R::of(1.0));
        } else if entry.shape.len() == 2 {
            let bound = 1.0 / (entry.shape[1] as f64).sqrt();
            out.iter_mut().for_each(|o| *o = R::of(draw.within(bound)));
        }
    }
    if let Some(long_range) = &architecture.long_range {
        long_range.initialise(&mut all);
    }
    let basis = architecture.basis_parameters.of_mut(&mut all);
    basis.iter_mut().zip(architecture.basis.columns.basis.initial()).for_each(|(o, x)| *o = R::of(x));
    all
}
