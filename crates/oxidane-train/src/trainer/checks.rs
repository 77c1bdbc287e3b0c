//! Whether configuration, data and network fit together; asked before a run starts.

use crate::config::{Config, Monitor, ScheduleKind};
use crate::data::{TrainingData, by_family};
use crate::loss::{ENERGY, ENERGY_DIFFERENCES, FORCES, Loss};
use oxidane_core::{DipoleOrigin, Error, Result};
use oxidane_math::Real;
use oxidane_models::Network;
use std::path::Path;

/// A folder with results but no checkpoint: neither a run to go on with nor a place for a new one.
pub(super) fn check_folder(folder: &Path, extension: &str) -> Result<()> {
    let written =
        ["log.jsonl", "validation.csv", &format!("last.{extension}"), &format!("model.{extension}")];
    match written.iter().find(|name| folder.join(name).exists()) {
        Some(name) => Err(Error::usage(format!(
            "this folder holds files of a run ({name}) but no checkpoint to go on from: name another folder, or move \
             them away"
        ))
        .at(folder)),
        None => Ok(()),
    }
}

/// Every term of the loss needs labels to train on, and to validate on.
pub(super) fn check_labels(config: &Config, data: &TrainingData, loss: &Loss) -> Result<()> {
    let parts = &data.parts;
    let validated = !parts.validation.is_empty();
    let train = &config.train;
    if !validated && (train.early_stop.is_some() || config.schedule.kind == ScheduleKind::Plateau) {
        return Err(Error::usage(
            "train.early_stop and schedule.kind = \"plateau\" need a validation set: give data.validation_files or a \
             split with one",
        ));
    }
    let sets = [("train on", &parts.train), ("validate on", &parts.validation)];
    for (verb, frames) in sets.into_iter().filter(|(_, f)| !f.is_empty()) {
        let frames = &by_family(&data.data, frames);
        check_sets(config, data, loss, verb, frames)?;
        let counts = loss.counts(frames.iter().map(|&i| data.data.summary(i)));
        let named = config.loss.named();
        let unlabelled = named.iter().zip(counts.0).find(|((_, term), n)| term.is_some() && *n == 0.0);
        if unlabelled.is_some_and(|((name, _), _)| *name == "energy_differences") {
            return Err(Error::usage(format!(
                "loss.energy_differences: no set to {verb} has `differences`; say there which energies are compared, or drop the \
                 term"
            )));
        }
        if let Some(((name, _), _)) = unlabelled {
            return Err(Error::usage(format!(
                "loss.{name}: no frame to {verb} has this label; name its key in [data] or drop the term"
            )));
        }
        let lacking = match train.monitor {
            Monitor::EnergyMae | Monitor::EnergyPerAtomMae => counts.0[ENERGY] == 0.0,
            Monitor::ForcesMae => counts.0[FORCES] == 0.0,
            Monitor::EnergyDifferencesMae => counts.0[ENERGY_DIFFERENCES] == 0.0,
            Monitor::Loss => false,
        };
        if lacking {
            return Err(Error::usage(format!(
                "train.monitor: no frame to {verb} has the label; monitor another"
            )));
        }
    }
    Ok(())
}

/// Every set with frames to train or validate on needs labels that the loss is about, and weights.
fn check_sets(config: &Config, data: &TrainingData, loss: &Loss, verb: &str, frames: &[usize]) -> Result<()> {
    for (k, set) in config.data.sets.iter().enumerate() {
        let own = || frames.iter().map(|&i| data.data.summary(i)).filter(|s| s.set as usize == k);
        if own().next().is_none() {
            continue;
        }
        let several = config.data.sets.len() > 1;
        let of = if several { format!(" of {}", config.data.place(k)) } else { String::new() };
        if own().all(|s| s.weight == 0.0) {
            return Err(Error::usage(format!(
                "every frame{of} to {verb} has the weight 0 (key `{}`): give some a weight above 0",
                set.weight_key()
            )));
        }
        let counts = loss.counts(own());
        if set.differences.is_some() && counts.0[ENERGY_DIFFERENCES] == 0.0 {
            return Err(Error::usage(format!(
                "no two frames{of} to {verb} are of one family: there is nothing to compare; name another key in differences.within, \
                 split by whole groups, or drop `differences`"
            )));
        }
        let named = config.loss.named();
        let labelled = named.iter().zip(counts.0).any(|((_, term), n)| term.is_some() && n > 0.0);
        if several && !labelled {
            return Err(Error::usage(format!(
                "no frame{of} to {verb} has a label that [loss] is about: name the keys of its labels there, or drop the set"
            )));
        }
    }
    Ok(())
}

/// The network must have what the loss is about.
pub(super) fn check_capabilities<R: Real>(config: &Config, network: &dyn Network<R>) -> Result<()> {
    let (loss, has) = (&config.loss, network.capabilities());
    let hidden = [("charges", loss.charges), ("dipole", loss.dipole)];
    // A head without a base shows what it learns of them.
    let corrects = config.heads().iter().all(|head| head.base.is_some());
    if let (true, true, Some((name, _))) =
        (corrects, network.equilibrates(), hidden.iter().find(|(_, term)| term.is_some()))
    {
        return Err(Error::usage(format!(
            "loss.{name} has no effect on a correction whose charges are equilibrated: its model gives those of the method below; drop \
             the term"
        )));
    }
    let needs = [
        ("energy", loss.energy, has.energy),
        ("energy_per_atom", loss.energy_per_atom, has.energy),
        ("energy_differences", loss.energy_differences, has.energy),
        ("forces", loss.forces, has.forces),
        ("virial", loss.virial, has.virial),
        ("stress", loss.stress, has.virial),
        ("charges", loss.charges, has.charges),
        ("dipole", loss.dipole, has.dipole),
        ("polarizability", loss.polarizability, has.polarizability),
    ];
    if config.train.monitor != Monitor::Loss && !has.energy {
        return Err(Error::usage(
            "train.monitor: the model has no energy to be monitored; monitor \"loss\", or add the head in [model]",
        ));
    }
    match needs.iter().find(|(_, term, has)| term.is_some() && !has) {
        Some((name, ..)) => Err(Error::usage(format!(
            "loss.{name}: a model of architecture {} configured like this has no {name}; add the head in [model] or \
             drop the term",
            network.architecture()
        ))),
        None => Ok(()),
    }
}

/// Charges of a crystal have no dipole that a loss could be about.
pub(super) fn check_dipoles<R: Real>(
    config: &Config,
    data: &TrainingData,
    network: &dyn Network<R>,
) -> Result<()> {
    if config.loss.dipole.is_none() || network.dipole_origin() == DipoleOrigin::TrainingData {
        return Ok(());
    }
    let parts = &data.parts;
    let all = parts.train.iter().chain(&parts.validation).chain(&parts.test);
    for &i in all.filter(|&&i| data.data.summary(i).labels.dipole) {
        let frame = data.data.get(i)?;
        if frame.system.cell.is_some_and(|cell| cell.periodic.contains(&true)) {
            return Err(Error::usage(format!(
                "loss.dipole: {} repeats and has a label of the dipole, but charges of a crystal have no dipole; drop the \
                 label, name another key as `dipole`, or drop the term",
                data.data.describe(i)
            )));
        }
    }
    Ok(())
}
