//! One training step without its optimiser: outputs, loss and exact weight gradient of a batch, in chunks.

use oxidane_core::{Request, Result, System};
use oxidane_models::{Batch, Network, Outputs, Scratch};
use rayon::prelude::*;

/// Chunks of structures with the buffers of their gradients.
pub struct Step {
    chunks: Vec<Chunk>,
}

struct Chunk {
    batch: Batch,
    scratch: Scratch<f32>,
    gradient: Vec<f32>,
}

impl Step {
    /// Cuts `frames` into chunks of at most `chunk_atoms` atoms; neighbour lists are built here, once, as the
    /// trainer keeps them.
    pub fn new(network: &dyn Network<f32>, frames: &[System], chunk_atoms: usize) -> Result<Self> {
        let batches = frames.iter().map(|f| Batch::build(f, network.cutoff())).collect::<Result<Vec<_>>>()?;
        let mut groups: Vec<Vec<&Batch>> = Vec::new();
        let mut atoms = usize::MAX;
        for batch in &batches {
            atoms = atoms.saturating_add(batch.atoms());
            if atoms > chunk_atoms {
                groups.push(Vec::new());
                atoms = batch.atoms();
            }
            if let Some(group) = groups.last_mut() {
                group.push(batch);
            }
        }
        let chunk = |group: &Vec<&Batch>| Chunk {
            batch: Batch::concat(group),
            scratch: Scratch::default(),
            gradient: vec![0.0; network.layout().len],
        };
        Ok(Self { chunks: groups.iter().map(chunk).collect() })
    }

    /// Gradient of the mean square of energies and forces (labels zero).
    pub fn run(&mut self, network: &dyn Network<f32>) -> Result<()> {
        self.chunks.par_iter_mut().try_for_each(|chunk| {
            chunk.gradient.fill(0.0);
            let out = network.run(&chunk.batch, Request::FORCES, &mut chunk.scratch, false)?;
            let force_weight = 2.0 / (3 * out.forces.len()) as f64;
            let energy_weight = 2.0 / out.energy.len() as f64;
            let seeds = Outputs {
                energy: out.energy.iter().map(|e| energy_weight * e).collect(),
                forces: out.forces.iter().map(|f| f.map(|x| force_weight * x)).collect(),
                ..Outputs::default()
            };
            network.loss_gradient(&chunk.batch, &seeds, &mut chunk.scratch, &mut chunk.gradient)
        })?;
        if let Some((sum, rest)) = self.chunks.split_first_mut() {
            for chunk in rest {
                sum.gradient.iter_mut().zip(&chunk.gradient).for_each(|(s, g)| *s += g);
            }
        }
        Ok(())
    }
}
