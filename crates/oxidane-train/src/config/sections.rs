//! The sections of a training configuration.

use super::Duration;
use oxidane_core::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
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

/// `[data]`: what is read, and under which names the labels are found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// Files that are split (or trained on whole if there is no split).
    pub files: Vec<PathBuf>,
    /// Files that are only validated on.
    #[serde(default)]
    pub validation_files: Vec<PathBuf>,
    /// Files that are only tested on.
    #[serde(default)]
    pub test_files: Vec<PathBuf>,
    /// Frame key of the total energy, eV.
    #[serde(default = "default_energy")]
    pub energy: String,
    /// Atom column of the forces, eV/angstrom.
    #[serde(default = "default_forces")]
    pub forces: String,
    /// Frame key of the stress, eV/angstrom^3, positive under tension.
    #[serde(default = "default_stress")]
    pub stress: String,
    /// Frame key of the virial -dE/dstrain, eV; used where there is no stress.
    #[serde(default = "default_virial")]
    pub virial: String,
    /// Atom column of the charges, e.
    #[serde(default = "default_charges")]
    pub charges: String,
    /// Frame key of the dipole moment, e angstrom.
    #[serde(default = "default_dipole")]
    pub dipole: String,
    /// Frame key of a factor on a frame's part of the loss (1 where absent).
    #[serde(default = "default_weight")]
    pub weight: String,
    /// Frame key whose value says to which group (molecule, subset) a frame belongs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// How the frames of `files` are divided.
    #[serde(default)]
    pub split: Split,
    /// Memory for structures, MB; the rest goes to a temporary file.
    #[serde(default = "default_memory")]
    pub memory_mb: usize,
    /// Memory for neighbour lists that are kept between epochs, MB; the rest is recomputed.
    #[serde(default = "default_cache")]
    pub cache_mb: usize,
}

fn default_energy() -> String {
    "energy".into()
}
fn default_forces() -> String {
    "forces".into()
}
fn default_stress() -> String {
    "stress".into()
}
fn default_virial() -> String {
    "virial".into()
}
fn default_charges() -> String {
    "charges".into()
}
fn default_dipole() -> String {
    "dipole".into()
}
fn default_weight() -> String {
    "weight".into()
}
fn default_memory() -> usize {
    4096
}
fn default_cache() -> usize {
    2048
}

/// `[data.split]`: at most one family of keys (`*_fraction`, `*_count`, `*_per_group`, `*_list`).
/// Without any, all frames of `files` are trained on. Where the test set is not stated it is what remains
/// (nothing for lists); where the validation set is not stated it is empty.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// Seed of the shuffle that precedes the division.
    #[serde(default)]
    pub seed: u64,
    /// Fraction trained on.
    pub train_fraction: Option<f64>,
    /// Fraction validated on.
    pub validation_fraction: Option<f64>,
    /// Fraction tested on.
    pub test_fraction: Option<f64>,
    /// Number of frames trained on.
    pub train_count: Option<usize>,
    /// Number of frames validated on.
    pub validation_count: Option<usize>,
    /// Number of frames tested on.
    pub test_count: Option<usize>,
    /// Frames of each group trained on.
    pub train_per_group: Option<usize>,
    /// Frames of each group validated on.
    pub validation_per_group: Option<usize>,
    /// Frames of each group tested on.
    pub test_per_group: Option<usize>,
    /// File with the indices (from 0, over all `files` in order) of the frames trained on.
    pub train_list: Option<PathBuf>,
    /// File with the indices of the frames validated on.
    pub validation_list: Option<PathBuf>,
    /// File with the indices of the frames tested on.
    pub test_list: Option<PathBuf>,
    /// With fractions: whole groups go to one of the sets, so that the test speaks about unseen groups.
    #[serde(default)]
    pub whole_groups: bool,
}

/// `[reference_energies]`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReferenceEnergies {
    /// Where they come from.
    #[serde(default)]
    pub method: ReferenceMethod,
    /// For `given`: energy in eV by element symbol.
    #[serde(default)]
    pub values: BTreeMap<String, f64>,
}

/// Where reference energies come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReferenceMethod {
    /// Least squares over the training frames, the solution of least norm.
    #[default]
    LeastSquares,
    /// The `values` of this section.
    Given,
    /// Those of the model that is fine-tuned.
    Model,
    /// Zero for every element.
    None,
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
    /// Width of the quadratic part of `smooth_l1` and `huber`, in the unit of the property.
    #[serde(default = "default_beta")]
    pub beta: f64,
}

fn default_beta() -> f64 {
    1.0
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
    /// Lowered by `factor` when the monitored value has not improved for `patience` validations.
    Plateau,
    /// Constant.
    Constant,
}

/// `[schedule]`: always a function of steps and validations, never of time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Schedule {
    /// Shape.
    pub kind: ScheduleKind,
    /// Steps over which the rate rises linearly.
    pub warmup_steps: u64,
    /// Lowest learning rate.
    pub min_lr: f64,
    /// For `plateau`: factor.
    pub factor: f64,
    /// For `plateau`: validations without improvement before the rate is lowered.
    pub patience: u64,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { kind: ScheduleKind::Cosine, warmup_steps: 0, min_lr: 0.0, factor: 0.5, patience: 10 }
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
    /// Atoms of one unit of parallel work: small structures are computed together.
    #[serde(default = "default_chunk")]
    pub chunk_atoms: usize,
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
    /// Model file whose weights are the start.
    pub model: PathBuf,
    /// Patterns (`*` and `?`) of tensor names that stay as they are.
    #[serde(default)]
    pub freeze: Vec<String>,
}

fn require(holds: bool, message: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::usage(message())) }
}

fn within(key: &str, x: f64, low: f64, below: f64) -> Result<()> {
    require(x >= low && x < below, || format!("{key} = {x}: give a number from {low} to below {below}"))
}

fn positive(key: &str, x: f64) -> Result<()> {
    require(x > 0.0 && x.is_finite(), || format!("{key} = {x}: give a number above 0"))
}

impl Data {
    /// These files, everything else at its default.
    pub fn new(files: Vec<PathBuf>) -> Self {
        Self {
            files,
            validation_files: Vec::new(),
            test_files: Vec::new(),
            energy: default_energy(),
            forces: default_forces(),
            stress: default_stress(),
            virial: default_virial(),
            charges: default_charges(),
            dipole: default_dipole(),
            weight: default_weight(),
            group: None,
            split: Split::default(),
            memory_mb: default_memory(),
            cache_mb: default_cache(),
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        require(!self.files.is_empty(), || {
            "data.files is empty: name at least one file to train on".to_string()
        })?;
        self.split.check(self.group.is_some())
    }
}

impl Split {
    fn check(&self, grouped: bool) -> Result<()> {
        let fractions = [self.train_fraction, self.validation_fraction, self.test_fraction];
        let families = [
            ("train_fraction", fractions.map(|x| x.is_some())),
            ("train_count", [self.train_count, self.validation_count, self.test_count].map(|x| x.is_some())),
            (
                "train_per_group",
                [self.train_per_group, self.validation_per_group, self.test_per_group].map(|x| x.is_some()),
            ),
            (
                "train_list",
                [self.train_list.is_some(), self.validation_list.is_some(), self.test_list.is_some()],
            ),
        ];
        let used: Vec<_> = families.iter().filter(|(_, given)| given.contains(&true)).collect();
        require(used.len() <= 1, || {
            "data.split mixes ways of splitting: keep the keys ending in one of _fraction, _count, _per_group, _list"
                .to_string()
        })?;
        if let Some((key, given)) = used.first() {
            require(given[0], || format!("data.split.{key} is missing: say how much is trained on"))?;
        }
        for x in fractions.into_iter().flatten() {
            within("data.split.*_fraction", x, 0.0, 1.0 + 1e-12)?;
        }
        require(fractions.iter().flatten().sum::<f64>() <= 1.0 + 1e-9, || {
            "the fractions in data.split sum to more than 1: lower one of them".to_string()
        })?;
        require(grouped || !(self.whole_groups || self.train_per_group.is_some()), || {
            "data.split goes by group but data.group is missing: name the frame key that holds the group, such as \
             `system`"
                .to_string()
        })?;
        require(!self.whole_groups || self.train_fraction.is_some(), || {
            "data.split.whole_groups needs data.split.train_fraction".to_string()
        })
    }
}

impl ReferenceEnergies {
    pub(super) fn check(&self, finetuned: bool) -> Result<()> {
        let given = self.method == ReferenceMethod::Given;
        require(given || self.values.is_empty(), || {
            "reference_energies.values are given but method is not \"given\": set method = \"given\" or drop them"
                .to_string()
        })?;
        require(!given || !self.values.is_empty(), || {
            "reference_energies.values is missing: give an energy in eV per element, such as values = { H = -13.6 }"
                .to_string()
        })?;
        require(self.method != ReferenceMethod::Model || finetuned, || {
            "reference_energies.method = \"model\" needs a [finetune] section".to_string()
        })?;
        self.values.iter().try_for_each(|(symbol, x)| {
            require(x.is_finite(), || {
                format!("reference_energies.values.{symbol} = {x}: give a finite number")
            })
        })
    }
}

impl Losses {
    /// The terms with their names, in a fixed order.
    pub fn named(&self) -> [(&'static str, Option<LossTerm>); 7] {
        [
            ("energy", self.energy),
            ("energy_per_atom", self.energy_per_atom),
            ("forces", self.forces),
            ("virial", self.virial),
            ("stress", self.stress),
            ("charges", self.charges),
            ("dipole", self.dipole),
        ]
    }

    pub(super) fn check(&self) -> Result<()> {
        require(self.named().iter().any(|(_, t)| t.is_some()), || {
            "loss has no term: give at least one, such as forces = { kind = \"l1\", weight = 100 }"
                .to_string()
        })?;
        for (name, term) in self.named() {
            let Some(t) = term else { continue };
            require(t.weight >= 0.0 && t.weight.is_finite(), || {
                format!("loss.{name}.weight = {}: give a number of 0 or more", t.weight)
            })?;
            positive(&format!("loss.{name}.beta"), t.beta)?;
            require(t.kind != LossKind::Norm || ["forces", "dipole"].contains(&name), || {
                format!(
                    "loss.{name}.kind = \"norm\" is for forces and dipole: use l1, l2, smooth_l1 or huber"
                )
            })?;
        }
        Ok(())
    }
}

impl Optimizer {
    pub(super) fn check(&self) -> Result<()> {
        positive("optimizer.lr", self.lr)?;
        positive("optimizer.eps", self.eps)?;
        within("optimizer.betas", self.betas[0], 0.0, 1.0)?;
        within("optimizer.betas", self.betas[1], 0.0, 1.0)?;
        within("optimizer.weight_decay", self.weight_decay, 0.0, 1e6)?;
        self.clip_norm.map_or(Ok(()), |x| positive("optimizer.clip_norm", x))
    }
}

impl Schedule {
    pub(super) fn check(&self) -> Result<()> {
        within("schedule.min_lr", self.min_lr, 0.0, f64::MAX)?;
        within("schedule.factor", self.factor, 1e-6, 1.0)
    }
}

impl Ema {
    pub(super) fn check(&self) -> Result<()> {
        within("ema.decay", self.decay, 0.0, 1.0)
    }
}

impl Train {
    pub(super) fn check(&self) -> Result<()> {
        require(self.epochs.is_some() != self.steps.is_some(), || {
            "give one of train.epochs and train.steps: it fixes the learning rate schedule".to_string()
        })?;
        require(self.batch_size.is_some() != self.batch_atoms.is_some(), || {
            "give one of train.batch_size (structures) and train.batch_atoms".to_string()
        })?;
        require(!(self.validate_every_epochs.is_some() && self.validate_every_steps.is_some()), || {
            "give only one of train.validate_every_epochs and train.validate_every_steps".to_string()
        })?;
        let counts = [
            ("epochs", self.epochs),
            ("steps", self.steps),
            ("batch_size", self.batch_size.map(|x| x as u64)),
            ("batch_atoms", self.batch_atoms.map(|x| x as u64)),
            ("validate_every_epochs", self.validate_every_epochs),
            ("validate_every_steps", self.validate_every_steps),
            ("log_every", Some(self.log_every)),
            ("chunk_atoms", Some(self.chunk_atoms as u64)),
            ("early_stop", self.early_stop),
        ];
        counts.into_iter().try_for_each(|(key, value)| {
            require(value != Some(0), || format!("train.{key} = 0: give 1 or more (or leave it out)"))
        })
    }
}
