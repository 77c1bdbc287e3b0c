//! Refusals of values that make no sense; each names its key and what would be accepted.

use super::sections::{
    Data, Ema, LossKind, Losses, Optimizer, ReferenceEnergies, ReferenceMethod, Schedule, ScheduleKind,
    Split, Train,
};
use oxidane_core::{Error, Result};

fn require(holds: bool, message: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::usage(message())) }
}

fn within(key: &str, x: f64, low: f64, below: f64) -> Result<()> {
    require(x >= low && x < below, || format!("{key} = {x}: give a number from {low} to below {below}"))
}

fn positive(key: &str, x: f64) -> Result<()> {
    require(x > 0.0 && x.is_finite(), || format!("{key} = {x}: give a number above 0"))
}

fn at_most(key: &str, n: u64, most: u64) -> Result<()> {
    require(n <= most, || format!("{key} = {n}: give at most {most}"))
}

/// A petabyte, so that bytes can be counted.
const MOST_MEGABYTES: u64 = 1_000_000_000;
/// Steps and epochs beyond this would take thousands of years and serve no one.
pub(crate) const MOST_STEPS: u64 = 1_000_000_000_000;
/// Threads of any machine there is.
const MOST_THREADS: u64 = 4096;

impl Data {
    pub(super) fn check(&self) -> Result<()> {
        require(!self.files.is_empty(), || {
            "data.files is empty: name at least one file to train on".to_string()
        })?;
        at_most("data.memory_mb", self.memory_mb as u64, MOST_MEGABYTES)?;
        at_most("data.cache_mb", self.cache_mb as u64, MOST_MEGABYTES)?;
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
        require(self.seed.is_none() || self.train_list.is_none(), || {
            "data.split.seed has no effect with lists of frames: drop it".to_string()
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
        let given = self.method == Some(ReferenceMethod::Given);
        require(given || self.values.is_empty(), || {
            "reference_energies.values are given but method is not \"given\": set method = \"given\" or drop them"
                .to_string()
        })?;
        require(!given || !self.values.is_empty(), || {
            "reference_energies.values is missing: give an energy in eV per element, such as values = { H = -13.6 }"
                .to_string()
        })?;
        require(self.method != Some(ReferenceMethod::Model) || finetuned, || {
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
    pub(super) fn check(&self) -> Result<()> {
        require(self.named().iter().any(|(_, t)| t.is_some()), || {
            "loss has no term: give at least one, such as forces = { kind = \"l1\", weight = 100 }"
                .to_string()
        })?;
        require(self.named().iter().any(|(_, t)| t.is_some_and(|t| t.weight != 0.0)), || {
            "every term of loss has weight 0, so nothing would be learned: raise one".to_string()
        })?;
        for (name, term) in self.named() {
            let Some(t) = term else { continue };
            require(t.weight >= 0.0 && t.weight.is_finite(), || {
                format!("loss.{name}.weight = {}: give a number of 0 or more", t.weight)
            })?;
            positive(&format!("loss.{name}.beta"), t.width())?;
            let wide = [LossKind::SmoothL1, LossKind::Huber].contains(&t.kind);
            require(wide || t.beta.is_none(), || {
                format!("loss.{name}.beta has no effect with this kind: drop it, or use smooth_l1 or huber")
            })?;
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
    /// `highest`: the learning rate of the optimiser.
    pub(super) fn check(&self, highest: f64) -> Result<()> {
        let plateau = self.kind == ScheduleKind::Plateau;
        let only = [("factor", self.factor.is_some()), ("patience", self.patience.is_some())];
        for (key, given) in only {
            require(plateau || !given, || {
                format!("schedule.{key} has no effect with this kind: drop it, or use kind = \"plateau\"")
            })?;
        }
        require(self.kind != ScheduleKind::Constant || self.min_lr.is_none(), || {
            "schedule.min_lr has no effect with kind = \"constant\": drop it, or use cosine or plateau"
                .to_string()
        })?;
        within("schedule.min_lr", self.lowest(), 0.0, f64::MAX)?;
        require(self.lowest() <= highest, || {
            format!(
                "schedule.min_lr = {} is above optimizer.lr = {highest}: lower it, it is where the rate ends",
                self.lowest()
            )
        })?;
        require(self.plateau_patience() > 0, || "schedule.patience = 0: give 1 or more".to_string())?;
        within("schedule.factor", self.plateau_factor(), 1e-6, 1.0)
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
        at_most("train.epochs", self.epochs.unwrap_or(0), MOST_STEPS)?;
        at_most("train.steps", self.steps.unwrap_or(0), MOST_STEPS)?;
        at_most("train.threads", self.threads as u64, MOST_THREADS)?;
        counts.into_iter().try_for_each(|(key, value)| {
            require(value != Some(0), || format!("train.{key} = 0: give 1 or more (or leave it out)"))
        })
    }
}
