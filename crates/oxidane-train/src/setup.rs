//! From a configuration to a [`Setup`].

use crate::config::{Config, Finetune, ReferenceMethod};
use crate::data::{self, ReferenceEnergies, TrainingData};
use crate::model_file::{ModelFiles, references_of};
use crate::trainer::Setup;
use oxidane_core::{Error, Result, elements};
use oxidane_math::Real;
use oxidane_models::{Network, file, registry};
use serde_json::Value;
use std::path::Path;

/// Reads the data, makes the network (or takes that of `[finetune]`) and fits the reference energies. `folder` is
/// created if it does not exist. The same for a new run and for one to be resumed.
///
/// # Errors
/// Whatever is wrong with configuration, data or the model that is fine-tuned.
pub fn prepare<R: Real>(config: Config, folder: &Path) -> Result<Setup<R>> {
    std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, &e))?;
    let data = TrainingData::read(&config.data)?;
    let hyperparameters = Value::Object(config.model.hyperparameters.clone());
    let (network, model) = match &config.finetune {
        Some(section) => {
            let (network, references) =
                pretrained::<R>(section, &config.model.architecture, &hyperparameters)?;
            (network, Some(references))
        }
        None => (registry::build(&config.model.architecture, &hyperparameters, config.train.seed)?, None),
    };
    let references = reference_energies(&config, &data, model.as_ref())?;
    Ok(Setup { config, data, network, references, folder: folder.into(), writer: Box::new(ModelFiles) })
}

/// The model of a `[finetune]` section; hyperparameters stated in `[model]` must be those of the model.
fn pretrained<R: Real>(
    section: &Finetune,
    architecture: &str,
    stated: &Value,
) -> Result<(Box<dyn Network<R>>, ReferenceEnergies)> {
    let (header, tensors) = file::read(&section.model)?;
    if header.architecture != architecture {
        let message = format!(
            "model.architecture = \"{architecture}\" but the model to fine-tune is {}; write that",
            header.architecture
        );
        return Err(Error::usage(message).at(&section.model));
    }
    let own = &header.hyperparameters;
    for (key, value) in stated.as_object().into_iter().flatten() {
        if own.get(key) != Some(value) {
            let has = own.get(key).map_or("no such key".into(), Value::to_string);
            return Err(Error::usage(format!(
                "model.{key} = {value} but the model to fine-tune has {has}; leave the key out"
            ))
            .at(&section.model));
        }
    }
    let layout = registry::layout(architecture, own)?;
    let weights = file::join(&layout, &tensors).map_err(|e| e.at(&section.model))?;
    let network = registry::with_parameters(architecture, own, weights.into_iter().map(R::of).collect())?;
    Ok((network, references_of(&header)))
}

/// Reference energies as configured; `model` are those of the model that is fine-tuned.
///
/// # Errors
/// An element symbol is unknown, an element of the training data has no energy, or nothing can be fitted.
pub fn reference_energies(
    config: &Config,
    data: &TrainingData,
    model: Option<&ReferenceEnergies>,
) -> Result<ReferenceEnergies> {
    let section = &config.reference_energies;
    match section.method {
        ReferenceMethod::None => Ok(ReferenceEnergies::default()),
        ReferenceMethod::LeastSquares => data::fit(&data.data, &data.parts.train),
        ReferenceMethod::Model => model.cloned().ok_or_else(|| {
            Error::usage("reference_energies.method = \"model\" needs the model of a [finetune] section")
        }),
        ReferenceMethod::Given => {
            let mut energies = ReferenceEnergies::default();
            for (symbol, &value) in &section.values {
                let z = elements::from_symbol(symbol).ok_or_else(|| {
                    Error::usage(format!(
                        "reference_energies.values.{symbol}: there is no such element; use H, He, ..."
                    ))
                })?;
                energies.values[usize::from(z)] = value;
            }
            for &i in &data.parts.train {
                let frame = data.data.get(i)?;
                let missing =
                    frame.system.numbers.iter().find(|&&z| !section.values.contains_key(elements::symbol(z)));
                if let Some(&z) = missing {
                    let symbol = elements::symbol(z);
                    return Err(Error::usage(format!(
                        "reference_energies.values.{symbol} is missing but {} contains {symbol}: add it",
                        data.data.describe(i)
                    )));
                }
            }
            Ok(energies)
        }
    }
}
