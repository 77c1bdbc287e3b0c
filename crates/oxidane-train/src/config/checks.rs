//! Refusals of values that make no sense; each names its key and what would be accepted.

use super::sections::{Ema, LossKind, Losses, Optimizer, Schedule, ScheduleKind, Train};
use oxidane_core::{Error, Result};

pub(super) fn require(holds: bool, message: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::usage(message())) }
}

pub(super) fn within(key: &str, x: f64, low: f64, below: f64) -> Result<()> {
    require(x >= low && x < below, || format!("{key} = {x}: give a number from {low} to below {below}"))
}

pub(super) fn positive(key: &str, x: f64) -> Result<()> {
    require(x > 0.0 && x.is_finite(), || format!("{key} = {x}: give a number above 0"))
}

pub(super) fn at_most(key: &str, n: u64, most: u64) -> Result<()> {
    require(n <= most, || format!("{key} = {n}: give at most {most}"))
}

/// Steps and epochs beyond this would take thousands of years and serve no one.
pub(crate) const MOST_STEPS: u64 = 1_000_000_000_000;
/// Threads of any machine there is.
const MOST_THREADS: u64 = 4096;

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
