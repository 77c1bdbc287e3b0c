//! What several sets of structures are to a run: how often they are drawn, what they are called, how they count.

use super::Setup;
use crate::config::{Config, Monitor};
use crate::data::{Draw, Set, TrainingData};
use crate::evaluate::{Property, Report};
use oxidane_core::{Error, Result};
use oxidane_math::Real;

/// How often the frames of each set are drawn.
pub(super) fn draws(config: &Config, data: &TrainingData) -> Result<Vec<Draw>> {
    let mut draws = Vec::new();
    for (k, set) in config.data.sets.iter().enumerate() {
        let frames: Vec<usize> =
            data.parts.train.iter().copied().filter(|&i| data.data.set(i) == k).collect();
        let atoms = frames.iter().map(|&i| data.data.atoms(i) as u32).collect();
        let family = |&i: &usize| data.data.summary(i).member.map(|m| m.family);
        let families = frames.iter().filter_map(family).collect();
        let size = set.differences.as_ref().and_then(|d| d.size);
        let draw = Draw { frames, atoms, families, size, weight: set.sampling() };
        if draw.is_empty() && !draw.frames.is_empty() {
            return Err(Error::usage(format!(
                "{}.sampling_weight = {} draws none of its {} training frames: raise it",
                config.data.place(k),
                draw.weight,
                draw.frames.len()
            )));
        }
        draws.push(draw);
    }
    Ok(draws)
}

/// A title of each set: its name and, where heads have names, that of its head.
pub(super) fn set_titles<R: Real>(setup: &Setup<R>) -> Vec<String> {
    let title = |set: &Set| match setup.heads.entries()[set.head as usize].name.as_str() {
        "" => set.name.clone(),
        head => format!("{}@{head}", set.name),
    };
    setup.data.data.sets().iter().map(title).collect()
}

/// The mean over the sets, each of the same weight, of the value that is watched.
pub(super) fn monitored(monitor: Monitor, report: &Report) -> f64 {
    let mae = |p: Property| report.mean(|set| set.errors.get(p).map(|e| e.mae()));
    match monitor {
        Monitor::Loss => report.mean(|set| Some(set.loss.total())),
        Monitor::EnergyMae => mae(Property::Energy),
        Monitor::EnergyPerAtomMae => mae(Property::EnergyPerAtom),
        Monitor::ForcesMae => mae(Property::Forces),
        Monitor::EnergyDifferencesMae => mae(Property::EnergyDifferences),
    }
}
