//! The sections of a training configuration.

use super::Duration;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `[model]`: the architecture's registered name; every other key is one of its hyperparameters and is checked
/// by the architecture itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// Registered name, such as `xpainn`.
    pub architecture: String,
    /// The other keys of the section.
    #[serde(flatten)]
    pub hyperparameters: serde_json::Map<String, serde_json::Value>,
}

/// How a difference between prediction and label counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossKind {
    /// |x|.
    L1,
    /// x^2.
    L2,
    /// x^2 / (2 beta) for |x| < beta, else |x| - beta/2.
    SmoothL1,
    /// beta times smooth L1: x^2 / 2 for |x| < beta, else beta (|x| - beta/2).
    Huber,
    /// Length of the difference vector (forces and dipole only): does not depend on the axes.
    Norm,
}

/// One term of the loss.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossTerm {
    /// Kind.
    pub kind: LossKind,
    /// Factor before the mean.
    pub weight: f64,
    /// Width of the quadratic part of `smooth_l1` and `huber`, in the unit of the property; absent: 1. The other
    /// kinds refuse it.
    pub beta: Option<f64>,
}

impl LossTerm {
    /// Width of the quadratic part.
    pub fn width(&self) -> f64 {
        self.beta.unwrap_or(1.0)
    }
}

/// `[loss]`: the sum of the terms given.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Losses {
    /// Total energy, eV; mean over structures.
    pub energy: Option<LossTerm>,
    /// Energy divided by the number of atoms, eV; mean over structures.
    pub energy_per_atom: Option<LossTerm>,
    /// Forces, eV/angstrom; mean over components (over atoms for `norm`).
    pub forces: Option<LossTerm>,
    /// Virial, eV; mean over the nine components.
    pub virial: Option<LossTerm>,
    /// Stress, eV/angstrom^3; mean over the nine components.
    pub stress: Option<LossTerm>,
    /// Atomic charges, e; mean over atoms.
    pub charges: Option<LossTerm>,
    /// Dipole, e angstrom; mean over components (over structures for `norm`).
    pub dipole: Option<LossTerm>,
    /// Polarisability, in the unit of the data; mean over the nine components.
    pub polarizability: Option<LossTerm>,
    /// Differences of energies of the sets that have `differences`, eV; mean over them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy_differences: Option<LossTerm>,
}

/// `[optimizer]`: AdamW (Loshchilov and Hutter 2019); weight decay acts on matrices only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Optimizer {
    /// Highest learning rate.
    pub lr: f64,
    /// Decay of the first and second moments.
    pub betas: [f64; 2],
    /// Added to the root of the second moment.
    pub eps: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Use the largest second moment seen (Reddi, Kale, Kumar 2018).
    pub amsgrad: bool,
    /// Largest global norm of the gradient; larger ones are scaled down. Absent: no clipping. The norm scales with the
    /// weights of the loss: look at `gradient_norm` in the log before choosing.
    pub clip_norm: Option<f64>,
}

impl Default for Optimizer {
    fn default() -> Self {
        Self { lr: 5e-4, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.0, amsgrad: false, clip_norm: None }
    }
}

/// Shape of the learning rate after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleKind {
    /// Half a cosine down to `min_lr` at the last step.
    #[default]
    Cosine,
    /// Lowered by `factor` after `patience` validations in a row that did not improve the monitored value.
    Plateau,
    /// Constant.
    Constant,
}

/// `[schedule]`: always a function of steps and validations, never of time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Schedule {
    /// Shape.
    pub kind: ScheduleKind,
    /// Steps over which the rate rises linearly.
    pub warmup_steps: u64,
    /// For `cosine` and `plateau`: lowest learning rate; absent: 0.
    pub min_lr: Option<f64>,
    /// For `plateau`: factor; absent: 0.5.
    pub factor: Option<f64>,
    /// For `plateau`: the rate is lowered after so many validations in a row without improvement; absent: 10.
    pub patience: Option<u64>,
}

impl Schedule {
    /// Lowest learning rate.
    pub fn lowest(&self) -> f64 {
        self.min_lr.unwrap_or(0.0)
    }
    /// What a plateau multiplies the rate by.
    pub fn plateau_factor(&self) -> f64 {
        self.factor.unwrap_or(0.5)
    }
    /// Validations in a row without improvement that make a plateau.
    pub fn plateau_patience(&self) -> u64 {
        self.patience.unwrap_or(10)
    }
}

/// `[ema]`: exponential moving average of the weights, which validation and the final model use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ema {
    /// Decay per step; 0 turns the average off. Early steps use min(decay, (1 + t)/(10 + t)).
    pub decay: f64,
}

impl Default for Ema {
    fn default() -> Self {
        Self { decay: 0.999 }
    }
}

/// Floating point type of network and optimiser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// Single.
    #[default]
    F32,
    /// Double.
    F64,
}

/// Which validation result decides about best models, early stopping and plateaus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Monitor {
    /// The whole loss.
    #[default]
    Loss,
    /// MAE of the total energy.
    EnergyMae,
    /// MAE of the energy per atom.
    EnergyPerAtomMae,
    /// MAE of the force components.
    ForcesMae,
    /// MAE of differences of energies.
    EnergyDifferencesMae,
}

/// `[train]`. One of `epochs` and `steps`, one of `batch_size` and `batch_atoms` must be given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Train {
    /// Passes over the training set.
    pub epochs: Option<u64>,
    /// Optimiser steps.
    pub steps: Option<u64>,
    /// Stop with a checkpoint after this much time in one go; resuming continues.
    pub max_time: Option<Duration>,
    /// Structures per step.
    pub batch_size: Option<usize>,
    /// Atoms per step at most (a larger structure is a batch of its own).
    pub batch_atoms: Option<usize>,
    /// Floating point type.
    #[serde(default)]
    pub precision: Precision,
    /// Seed of the initial weights and of the order of the data.
    #[serde(default)]
    pub seed: u64,
    /// Threads; 0: all cores. Does not change results.
    #[serde(default)]
    pub threads: usize,
    /// Validate every so many epochs (1 if neither this nor the next is given).
    pub validate_every_epochs: Option<u64>,
    /// Validate every so many steps.
    pub validate_every_steps: Option<u64>,
    /// What is monitored.
    #[serde(default)]
    pub monitor: Monitor,
    /// Stop after so many validations without improvement.
    pub early_stop: Option<u64>,
    /// Best models kept.
    #[serde(default = "default_keep")]
    pub keep_best: usize,
    /// A line in the log every so many steps.
    #[serde(default = "default_log")]
    pub log_every: u64,
    /// Longest time between checkpoints (one is also written after every validation).
    #[serde(default = "default_checkpoint")]
    pub checkpoint_every: Duration,
    /// Most atoms of one unit of parallel work, in which small structures are computed together. A batch that would make
    /// fewer than 8 units is cut finer, down to 32 atoms a unit.
    #[serde(default = "default_chunk")]
    pub chunk_atoms: usize,
    /// Whether the final model gets an uncertainty of its energies, for heads with enough validation structures; one more pass over at
    /// most 20,000 structures at the end.
    #[serde(default = "yes")]
    pub uncertainty: bool,
}

fn yes() -> bool {
    true
}
fn default_keep() -> usize {
    1
}
fn default_log() -> u64 {
    50
}
fn default_checkpoint() -> Duration {
    Duration { milliseconds: 600_000 }
}
/// Default of `train.chunk_atoms`.
pub const CHUNK_ATOMS: usize = 128;
fn default_chunk() -> usize {
    CHUNK_ATOMS
}

/// `[card]`: texts that go into the model file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// Name of the model; the architecture's if absent.
    pub name: Option<String>,
    /// Level of theory of the labels, such as `PBE/def2-SVP`.
    pub level_of_theory: Option<String>,
    /// The training data in words.
    pub data: Option<String>,
    /// Where the data come from.
    pub source: Option<String>,
    /// Licence of the weights.
    pub licence: Option<String>,
    /// Date of making.
    pub created: Option<String>,
}

/// `[finetune]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finetune {
    /// Whose weights are the start: a model file, a XequiNet checkpoint (.pt) or the name of a model inside the
    /// program.
    pub model: PathBuf,
    /// Patterns (`*` and `?`; `!` in front: all others) of tensor names that stay as they are.
    #[serde(default)]
    pub freeze: Vec<String>,
    /// The name that the only head of a model without named heads is to have; needed where `[[heads]]` adds others.
    pub head: Option<String>,
}

impl Losses {
    /// The terms with their names, in a fixed order.
    pub fn named(&self) -> [(&'static str, Option<LossTerm>); 9] {
        [
            ("energy", self.energy),
            ("energy_per_atom", self.energy_per_atom),
            ("forces", self.forces),
            ("virial", self.virial),
            ("stress", self.stress),
            ("charges", self.charges),
            ("dipole", self.dipole),
            ("polarizability", self.polarizability),
            ("energy_differences", self.energy_differences),
        ]
    }
}
