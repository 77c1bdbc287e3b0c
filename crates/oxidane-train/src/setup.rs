//! From a configuration to a [`Setup`].

use crate::config::{Config, Finetune, ReferenceEnergies, Train};
use crate::data::{EdgeCache, TrainingData};
use crate::gradient::Context;
use crate::heads::Heads;
use crate::loss::Loss;
use crate::model_file::ModelFiles;
use crate::trainer::Setup;
use crate::uncertainty;
use oxidane_core::{Error, Result};
use oxidane_models::Model;
use oxidane_models::file::Base;
use oxidane_models::registry::{self, Precise};
use serde_json::Value;
use std::path::Path;

/// Reads the data, makes the network (or takes that of `[finetune]`) and fits the reference energies. `folder` is
/// created if it does not exist. The same for a new run and for one to be resumed.
///
/// # Errors
/// Whatever is wrong with configuration, data or the model that is fine-tuned; a head that corrects a method, see [`prepare_on`].
pub fn prepare<R: Precise>(config: Config, folder: &Path) -> Result<Setup<R>> {
    prepare_on(config, folder, &[])
}

/// The same where heads may correct one of the methods `bases`: their labels, in these versions, are read from the frames.
///
/// # Errors
/// As [`prepare`]; a method is not among those given.
pub fn prepare_on<R: Precise>(config: Config, folder: &Path, bases: &[Base]) -> Result<Setup<R>> {
    std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, &e))?;
    let start = config.finetune.as_ref().map(|f| pretrained(f, &config)).transpose()?;
    let heads = Heads::new(&config, start.as_ref().map(Model::header), bases)?;
    let network = heads.network(&config, start.as_ref().map(Model::network).transpose()?)?;
    let targets = heads.targets(&config)?;
    let data = pool(&config.train)?.install(|| TrainingData::read(&config.data, &targets))?;
    let references = heads.reference_energies(&config, &data)?;
    Ok(Setup {
        config,
        data,
        network,
        heads,
        references,
        folder: folder.into(),
        writer: Box::new(ModelFiles),
    })
}

/// A model with uncertainties of its energies, from the data of the configuration that it was trained with (see
/// [`crate::uncertainty`]); heads without enough data keep what they have.
///
/// # Errors
/// As [`prepare_on`], if the configuration is not one of the model, or if the network refuses a structure.
pub fn calibrate_on(mut config: Config, path: &Path, bases: &[Base]) -> Result<Model> {
    let model = Model::open(Some(path))?;
    config.finetune = Some(Finetune { model: path.into(), freeze: Vec::new(), head: None });
    // The model has its heads and their energies, whatever they were made from.
    config.reference_energies = ReferenceEnergies::default();
    for head in &mut config.heads {
        (head.init, head.reference_energies) = (None, ReferenceEnergies::default());
    }
    let setup = prepare_on::<f32>(config, Path::new("."), bases)?;
    if setup.network.hyperparameters() != model.header().hyperparameters {
        return Err(Error::usage(
            "the configuration is not one of this model: it would add to it; give the one that it was trained with",
        )
        .at(path));
    }
    let (edges, loss) =
        (EdgeCache::new(&setup.data.data, setup.network.cutoff(), 0), Loss::new(&setup.config.loss));
    let context = Context {
        data: &setup.data.data,
        edges: &edges,
        references: &setup.references,
        loss: &loss,
        chunk_atoms: setup.config.train.chunk_atoms,
    };
    let heads = setup.heads.entries().len() as u32;
    let fit = || uncertainty::fit_heads(&context, &*setup.network, &setup.data, heads);
    let fitted = pool(&setup.config.train)?.install(fit)?;
    let each = fitted.into_iter().enumerate().filter_map(|(place, fitted)| Some((place, fitted?)));
    Ok(each.fold(model, |model, (place, f)| model.with_uncertainty(place, f.layer, f.calibration)))
}

/// The threads of a run.
pub(crate) fn pool(train: &Train) -> Result<rayon::ThreadPool> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(train.threads)
        .build()
        .map_err(|e| Error::usage(format!("train.threads = {}: {e}", train.threads)))
}

/// The model of a `[finetune]` section; hyperparameters stated in `[model]` must be those of the model.
fn pretrained(section: &Finetune, config: &Config) -> Result<Model> {
    let at = |message: String| Error::usage(message).at(&section.model);
    let model = Model::open(Some(&section.model))?;
    let (header, stated) = (model.header(), &config.model);
    if header.architecture != stated.architecture {
        return Err(at(format!(
            "model.architecture = \"{}\" but the model to fine-tune is {}; write that",
            stated.architecture, header.architecture
        )));
    }
    // Keys may be written in several ways.
    let own = registry::in_full(&stated.architecture, &header.hyperparameters)?;
    let full = registry::in_full(&stated.architecture, &Value::Object(stated.hyperparameters.clone()))?;
    for (key, value) in &stated.hyperparameters {
        if own.get(key) != full.get(key) {
            let has = own.get(key).map_or("no such key".into(), Value::to_string);
            return Err(at(format!(
                "model.{key} = {value} but the model to fine-tune has {has}; leave the key out"
            )));
        }
    }
    Ok(model)
}
