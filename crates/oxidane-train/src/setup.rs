//! From a configuration to a [`Setup`].

use crate::config::{Config, Finetune, ReferenceMethod};
use crate::data::{self, ReferenceEnergies, TrainingData};
use crate::model_file::ModelFiles;
use crate::trainer::Setup;
use oxidane_core::{Error, Result, elements};
use oxidane_models::registry::Precise;
use oxidane_models::{Model, registry};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Reads the data, makes the network (or takes that of `[finetune]`) and fits the reference energies. `folder` is
/// created if it does not exist. The same for a new run and for one to be resumed.
///
/// # Errors
/// Whatever is wrong with configuration, data or the model that is fine-tuned.
pub fn prepare<R: Precise>(config: Config, folder: &Path) -> Result<Setup<R>> {
    std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, &e))?;
    let data = TrainingData::read(&config.data)?;
    let hyperparameters = Value::Object(config.model.hyperparameters.clone());
    let architecture = &config.model.architecture;
    let start =
        config.finetune.as_ref().map(|f| pretrained(f, architecture, &hyperparameters)).transpose()?;
    let network = match &start {
        Some(model) => model.network()?,
        None => registry::build(architecture, &hyperparameters, config.train.seed)?,
    };
    let references =
        reference_energies(&config, &data, start.as_ref().map(|m| &m.header().heads[0].reference_energies))?;
    Ok(Setup { config, data, network, references, folder: folder.into(), writer: Box::new(ModelFiles) })
}

/// The model of a `[finetune]` section; hyperparameters stated in `[model]` must be those of the model.
fn pretrained(section: &Finetune, architecture: &str, stated: &Value) -> Result<Model> {
    let at = |message: String| Error::usage(message).at(&section.model);
    let model = Model::open(Some(&section.model))?;
    let header = model.header();
    if header.architecture != architecture {
        return Err(at(format!(
            "model.architecture = \"{architecture}\" but the model to fine-tune is {}; write that",
            header.architecture
        )));
    }
    let own = &header.hyperparameters;
    for (key, value) in stated.as_object().into_iter().flatten() {
        if own.get(key) != Some(value) {
            let has = own.get(key).map_or("no such key".into(), Value::to_string);
            return Err(at(format!(
                "model.{key} = {value} but the model to fine-tune has {has}; leave the key out"
            )));
        }
    }
    Ok(model)
}

/// Reference energies as configured; `model` are those of the model that is fine-tuned, eV by element symbol.
///
/// # Errors
/// An element symbol is unknown, an element of the training data has no energy, or nothing can be fitted.
pub fn reference_energies(
    config: &Config,
    data: &TrainingData,
    model: Option<&BTreeMap<String, f64>>,
) -> Result<ReferenceEnergies> {
    match config.reference_method() {
        ReferenceMethod::None => Ok(ReferenceEnergies::default()),
        ReferenceMethod::LeastSquares => data::fit(&data.data, &data.parts.train),
        ReferenceMethod::Model => {
            let values = model.ok_or_else(|| {
                Error::usage("reference_energies.method = \"model\" needs the model of a [finetune] section")
            })?;
            by_symbol(values, data, |symbol, frame| {
                format!(
                    "the model to fine-tune has no reference energy of {symbol}, which {frame} contains: set \
                     reference_energies.method = \"least_squares\", or \"given\" with values"
                )
            })
        }
        ReferenceMethod::Given => by_symbol(&config.reference_energies.values, data, |symbol, frame| {
            format!("reference_energies.values.{symbol} is missing but {frame} contains {symbol}: add it")
        }),
    }
}

/// Reference energies from a table by element symbol, which must have every element trained on; `missing` words the
/// error from symbol and structure.
fn by_symbol(
    values: &BTreeMap<String, f64>,
    data: &TrainingData,
    missing: impl Fn(&str, &str) -> String,
) -> Result<ReferenceEnergies> {
    let mut energies = ReferenceEnergies::default();
    for (symbol, &value) in values {
        let z = elements::from_symbol(symbol).ok_or_else(|| {
            Error::usage(format!(
                "reference_energies.values.{symbol}: there is no such element; use H, He, ..."
            ))
        })?;
        energies.values[usize::from(z)] = value;
    }
    for &i in &data.parts.train {
        let frame = data.data.get(i)?;
        let mut symbols = frame.system.numbers.iter().map(|&z| elements::symbol(z));
        if let Some(symbol) = symbols.find(|&symbol| !values.contains_key(symbol)) {
            return Err(Error::usage(missing(symbol, &data.data.describe(i))));
        }
    }
    Ok(energies)
}
