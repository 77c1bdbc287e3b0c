//! A readout for each level of theory: MLPs of one shape, each with weights of its own.

use super::{Activation, Mlp, MlpTape};
use crate::batch::Batch;
use crate::heads;
use crate::network::Scratch;
use crate::parameters::Layout;
use oxidane_math::{Real, Scalar};
use std::ops::Range;

/// One [`Mlp`] for each head, or one for all. Atoms of neighbouring structures that ask for the same head go through
/// it together; heads that nobody asks for cost nothing.
#[derive(Debug, Clone)]
pub struct HeadedMlp {
    mlps: Vec<Mlp>,
}

/// What the forward pass of a [`HeadedMlp`] leaves for the reverse pass.
#[derive(Debug, Default)]
pub struct HeadedTape<R> {
    stretches: Vec<Stretch<R>>,
}

/// Rows that went through one MLP.
#[derive(Debug)]
struct Stretch<R> {
    head: usize,
    rows: Range<usize>,
    tape: MlpTape<R>,
}

impl<R: Real> HeadedTape<R> {
    /// Appends what the outputs are linear in, row by row: the hidden features, and 1 for the bias.
    pub fn features<S: Scalar<Real = R>>(&self, all: &mut Vec<f64>) {
        for stretch in &self.stretches {
            let hidden = stretch.tape.hidden();
            let width = hidden.len() / (stretch.rows.len() * S::PLANES).max(1);
            for row in hidden.chunks_exact((width * S::PLANES).max(1)) {
                all.extend(row[..width].iter().map(|x| x.f64()).chain([1.0]));
            }
        }
    }

    /// Returns the buffers.
    pub fn recycle(self, scratch: &mut Scratch<R>) {
        self.stretches.into_iter().for_each(|s| s.tape.recycle(scratch));
    }
}

impl HeadedMlp {
    /// Registers an MLP with biases under `name`, or, with `heads`, one of each under `head.HEAD.name`.
    pub fn new(
        layout: &mut Layout,
        heads: &[String],
        name: &str,
        sizes: [usize; 3],
        activation: Activation,
    ) -> Self {
        let mut mlp = |name: &str| Mlp::new(layout, name, sizes, true, activation);
        let mlps = match heads {
            [] => vec![mlp(name)],
            _ => heads.iter().map(|head| mlp(&heads::tensor_name(head, name))).collect(),
        };
        Self { mlps }
    }

    /// Writes `y` `[atoms, planes, outputs]` from `x` `[atoms, planes, inputs]` for the `atoms` of the batch, each by its structure's head.
    pub fn forward<S: Scalar>(
        &self,
        p: &[S::Real],
        batch: &Batch,
        atoms: Range<usize>,
        x: &[S::Real],
        y: &mut [S::Real],
        scratch: &mut Scratch<S::Real>,
    ) -> HeadedTape<S::Real> {
        let stretches = if self.mlps.len() == 1 { vec![(0, 0..atoms.len())] } else { batch.heads_of(atoms) };
        let stretch = |(head, rows): (usize, Range<usize>)| {
            let mlp = &self.mlps[head];
            let (x, y) = (part::<S>(x, &rows, mlp.inputs()), part_mut::<S>(y, &rows, mlp.outputs()));
            Stretch { tape: mlp.forward_from::<S>(p, rows.len(), x, 0, y, scratch), head, rows }
        };
        HeadedTape { stretches: stretches.into_iter().map(stretch).collect() }
    }

    /// Adjoint of `x` (added if `accumulate`) from that of `y`, and the weight gradient.
    pub fn reverse<S: Scalar>(
        &self,
        p: &[S::Real],
        x: &[S::Real],
        tape: &HeadedTape<S::Real>,
        y_adj: &[S::Real],
        x_adj: &mut [S::Real],
        accumulate: bool,
        mut gradient: Option<&mut [S::Real]>,
        scratch: &mut Scratch<S::Real>,
    ) {
        for Stretch { head, rows, tape } in &tape.stretches {
            let mlp = &self.mlps[*head];
            mlp.reverse_from::<S>(
                p,
                rows.len(),
                part::<S>(x, rows, mlp.inputs()),
                tape,
                0,
                part::<S>(y_adj, rows, mlp.outputs()),
                part_mut::<S>(x_adj, rows, mlp.inputs()),
                accumulate,
                gradient.as_deref_mut(),
                scratch,
            );
        }
    }
}

/// These rows of `all`, which has `width` numbers in a row.
fn part<'a, S: Scalar>(all: &'a [S::Real], rows: &Range<usize>, width: usize) -> &'a [S::Real] {
    &all[rows.start * S::PLANES * width..rows.end * S::PLANES * width]
}

fn part_mut<'a, S: Scalar>(all: &'a mut [S::Real], rows: &Range<usize>, width: usize) -> &'a mut [S::Real] {
    &mut all[rows.start * S::PLANES * width..rows.end * S::PLANES * width]
}
