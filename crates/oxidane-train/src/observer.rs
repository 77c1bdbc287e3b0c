//! What a run tells whoever watches it.

use crate::evaluate::Report;
use crate::loss::PerTerm;

/// Told of progress; every method may be left out.
pub trait Observer {
    /// An optimiser step is done.
    fn step(&mut self, _event: &StepEvent) {}
    /// The validation set has been evaluated.
    fn validation(&mut self, _event: &ValidationEvent) {}
    /// A checkpoint is on the disk.
    fn checkpoint(&mut self, _step: u64) {}
}

/// Watches nothing.
impl Observer for () {}

/// One optimiser step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepEvent {
    /// Number of the step, from 1.
    pub step: u64,
    /// Steps of the whole run.
    pub total_steps: u64,
    /// Epochs done, with fraction.
    pub epoch: f64,
    /// Learning rate of this step.
    pub lr: f64,
    /// Loss of the batch by term, weights included.
    pub loss: PerTerm,
    /// Norm of the gradient before clipping.
    pub gradient_norm: f64,
    /// Structures in the batch.
    pub structures: usize,
    /// Atoms in the batch.
    pub atoms: usize,
    /// Time the step took, s.
    pub seconds: f64,
    /// Steps done since this process started the run, this one included (for the time left).
    pub steps_here: u64,
    /// Time since this process started the run, s.
    pub seconds_here: f64,
}

/// One validation.
#[derive(Debug, Clone)]
pub struct ValidationEvent<'a> {
    /// Steps done.
    pub step: u64,
    /// Epochs done, with fraction.
    pub epoch: f64,
    /// Learning rate of the last step.
    pub lr: f64,
    /// Mean loss of the steps since the last validation.
    pub train_loss: f64,
    /// Errors on the validation set with the averaged weights.
    pub report: &'a Report,
    /// The monitored value.
    pub monitored: f64,
    /// Whether it is the best so far.
    pub best: bool,
}
