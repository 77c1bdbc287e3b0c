//! Trained models as model files.

use crate::config::Config;
use crate::data::{ReferenceEnergies, TrainingData};
use crate::evaluate::{ErrorTable, Errors, Property, Report};
use crate::trainer::{ModelWriter, TrainedModel};
use oxidane_core::{Result, elements};
use oxidane_math::Real;
use oxidane_models::file::{self, ErrorEntry, Head, Header};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Writes model files whose header holds domain, reference energies, errors and provenance.
#[derive(Debug, Clone, Copy, Default)]
pub struct ModelFiles;

impl<R: Real> ModelWriter<R> for ModelFiles {
    fn extension(&self) -> &str {
        "safetensors"
    }
    fn write(&self, path: &Path, model: &TrainedModel<R>) -> Result<()> {
        let network = model.network;
        let weights: Vec<f64> = network.parameters().iter().map(|x| x.f64()).collect();
        let header = header(model)?;
        let mut tensors = file::split(network.layout(), &weights);
        for (head, fitted) in header.heads.iter().zip(model.uncertainties) {
            tensors.extend(fitted.iter().flat_map(|f| f.layer.tensors(&head.name)));
        }
        file::write(path, &header, &tensors).map(|_| ())
    }
}

fn header<R: Real>(model: &TrainedModel<R>) -> Result<Header> {
    let card = &model.config.card;
    let architecture = model.network.architecture();
    let name = card.name.clone().unwrap_or_else(|| architecture.into());
    let mut header = Header::new(name, architecture, model.network.hyperparameters());
    header.heads = model.heads.entries().to_vec();
    header.default_head = model.heads.default_name().into();
    for (place, head) in header.heads.iter_mut().enumerate() {
        let frames = model.data.trained_on(place as u32);
        // A head that nothing trained is what it was.
        if !frames.is_empty() {
            describe_domain(head, model.data, &frames, &model.references[place])?;
            let fitted = model.uncertainties.get(place).and_then(Option::as_ref);
            head.uncertainty = fitted.map(|f| f.calibration.clone());
        }
    }
    header.errors = model.errors.iter().flat_map(|(part, report)| errors(model, part, report)).collect();
    header.provenance.created = card.created.clone().unwrap_or_default();
    header.provenance.seed = Some(model.config.train.seed);
    header.provenance.config = text(model.config);
    header.provenance.data = Some(described_data(model));
    header.provenance.source = card.source.clone();
    header.provenance.licence = card.licence.clone();
    Ok(header)
}

/// Elements, charges and spins of the frames that a head was trained on, and the reference energies of those elements.
fn describe_domain(
    head: &mut Head,
    data: &TrainingData,
    frames: &[usize],
    references: &ReferenceEnergies,
) -> Result<()> {
    let (mut seen, mut charges, mut unpaired) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for &i in frames {
        let frame = data.data.get(i)?;
        seen.extend(frame.system.numbers.iter().copied());
        charges.insert(frame.system.charge);
        unpaired.insert(frame.system.unpaired);
    }
    let energy = |&z: &u8| (elements::symbol(z).to_string(), references.values[usize::from(z)]);
    head.reference_energies = seen.iter().map(energy).collect();
    head.charge_energy = references.charge;
    head.elements = seen.into_iter().collect();
    head.charges = charges.into_iter().collect();
    head.unpaired = unpaired.into_iter().collect();
    Ok(())
}

/// The errors of a part of the data; where there are several sets, also those of each, with its head.
fn errors<R: Real>(model: &TrainedModel<R>, part: &str, report: &Report) -> Vec<ErrorEntry> {
    let entries = |head: Option<&str>, dataset: &str, frames: usize, table: &ErrorTable| {
        let entry = |(property, e): (Property, Errors)| ErrorEntry {
            head: head.filter(|name| !name.is_empty()).map(Into::into),
            dataset: dataset.into(),
            property: property.name().replace('_', " "),
            mae: e.mae(),
            rmse: e.rmse(),
            unit: property.unit().into(),
            frames: frames as u64,
        };
        table.iter().map(entry).collect::<Vec<_>>()
    };
    let (sets, heads) = (model.data.data.sets(), model.heads.entries());
    if sets.len() == 1 {
        let head = heads.get(sets[0].head as usize).filter(|_| heads.len() > 1).map(|h| h.name.as_str());
        return entries(head, part, report.structures, &report.overall);
    }
    let mut all = entries(None, &format!("{part}, all sets"), report.structures, &report.overall);
    for s in &report.sets {
        let head = &heads[sets[s.set].head as usize].name;
        all.extend(entries(Some(head), &format!("{part}, {}", sets[s.set].name), s.structures, &s.errors));
    }
    all
}

fn described_data<R: Real>(model: &TrainedModel<R>) -> String {
    let words = model.config.card.data.as_deref().map(|d| format!("{d}; ")).unwrap_or_default();
    let (parts, data) = (&model.data.parts, &model.data.data);
    format!(
        "{words}{} frames trained on, {} validated on; {} steps; SHA-256 {}",
        parts.train.len(),
        parts.validation.len(),
        model.step,
        data.hash()
    )
}

/// What decided the run, files by name alone: folders are of no use elsewhere, and the file must have the same bytes
/// after a resumption.
fn text(config: &Config) -> Option<String> {
    let mut config = config.decisive();
    config.paths().for_each(|p| *p = p.file_name().map(PathBuf::from).unwrap_or_default());
    toml::to_string(&config).ok()
}
