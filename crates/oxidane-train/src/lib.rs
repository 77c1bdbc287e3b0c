//! Training: data sets, losses, optimiser, trainer, resume, evaluation. Nothing here prints; progress goes to an
//! [`Observer`].
//!
//! ```no_run
//! # fn network() -> Box<dyn oxidane_models::Network<f32>> { unimplemented!() }
//! # fn writer() -> Box<dyn oxidane_train::ModelWriter<f32>> { unimplemented!() }
//! use oxidane_train::{Config, Setup, Trainer, TrainingData, reference_energies};
//! # fn main() -> oxidane_core::Result<()> {
//! let config = Config::read("train.toml".as_ref())?;
//! let data = TrainingData::read(&config.data)?;
//! let references = reference_energies(&config, &data, None)?;
//! let setup = Setup { config, data, network: network(), references, folder: "run".into(), writer: writer() };
//! Trainer::start(setup)?.run(&mut (), &false.into())?;
//! # Ok(()) }
//! ```

mod checkpoint;
pub mod config;
pub mod data;
pub mod evaluate;
mod exact;
pub mod gradient;
mod log;
pub mod loss;
mod observer;
pub mod optimizer;
mod random;
pub mod schedule;
mod trainer;

pub use config::Config;
pub use data::{ReferenceEnergies, TrainingData};
pub use observer::{Observer, StepEvent, ValidationEvent};
pub use trainer::{Best, CHECKPOINT, ModelWriter, Outcome, Setup, TrainedModel, Trainer};

use config::ReferenceMethod;
use oxidane_core::{Error, Result, elements};

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
