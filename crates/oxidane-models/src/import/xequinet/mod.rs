//! XPaiNN checkpoints of XequiNet, the reference implementation in PyTorch: its trainer's `.pt` files with the keys
//! `model` (weights) and `config` (an OmegaConf tree or a plain dictionary with `model_name`, `model_kwargs` and
//! `default_units`).
//!
//! Nothing is passed over in silence: an unknown hyperparameter or tensor is an error, tensors that carry no
//! information are checked to be what they should, and everything in other units is converted to eV and angstrom.

mod config;
mod plain;
mod rename;
mod units;
mod weights;

use super::pickle::{Cursor, TorchFile};
use crate::Network;
use crate::file::{self, Tensors};
use crate::registry::{self, Precise};
use crate::xpainn::{self, Xpainn, XpainnConfig};
use oxidane_core::{Error, Result};
use std::path::Path;

/// An XPaiNN model as a checkpoint holds it, in eV and angstrom, with this program's tensor names and shapes.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedXpainn {
    /// Hyperparameters, the cutoff in angstrom.
    pub config: XpainnConfig,
    /// Weights, fitting [`Xpainn::layout_of`] the configuration.
    pub tensors: Tensors,
    /// The checkpoint's energy unit in eV, by which the energy head was multiplied.
    pub energy_scale: f64,
    /// The checkpoint's length unit in angstrom, by which the radial basis was rescaled.
    pub length_scale: f64,
    /// The epoch that the trainer noted.
    pub epoch: Option<i64>,
    /// What a user should know: conversions done, configuration keys without influence on the model.
    pub notes: Vec<String>,
}

impl ImportedXpainn {
    /// The network.
    ///
    /// # Errors
    /// None for a checkpoint that [`read`] accepted.
    pub fn network<R: Precise>(&self) -> Result<Box<dyn Network<R>>> {
        let flat = file::join(&Xpainn::<f64>::layout_of(&self.config)?, &self.tensors)?;
        let config = serde_json::to_value(&self.config)
            .map_err(|e| Error::model(format!("hyperparameters of the checkpoint: {e}")))?;
        registry::with_parameters(xpainn::NAME, &config, flat.into_iter().map(R::of).collect())
    }
}

/// Reads a checkpoint file.
///
/// # Errors
/// A file that cannot be read, is no checkpoint of an XPaiNN model, or is of a kind that this program does not
/// compute exactly; the message names the tensor or the key and the mend.
pub fn read(path: &Path) -> Result<ImportedXpainn> {
    convert(&TorchFile::read(path)?).map_err(|e| e.at(path))
}

/// The same for the bytes of a file.
///
/// # Errors
/// As [`read`].
pub fn read_bytes(bytes: Vec<u8>) -> Result<ImportedXpainn> {
    convert(&TorchFile::from_bytes(bytes)?)
}

fn convert(checkpoint: &TorchFile) -> Result<ImportedXpainn> {
    let root = checkpoint.root();
    let config = root.get("config").or_else(|| root.get("model_config")).ok_or_else(|| {
        Error::model(
            "no 'config' in this checkpoint (weights alone do not fix a model); give the file that the trainer saved",
        )
    })?;
    let settings = config::read(plain::json(config)?)?;
    let mut notes = settings.notes.clone();
    let state = state(root, &mut notes)?;
    let named = rename::tensors(state)?;
    let raw = checkpoint.tensors(named.iter().map(|(name, t)| (name.clone(), *t)))?;
    let tensors = weights::convert(&settings, raw, &mut notes)?;
    let imported = ImportedXpainn {
        config: settings.config,
        tensors,
        energy_scale: settings.energy_scale,
        length_scale: settings.length_scale,
        epoch: root.get("epoch").and_then(Cursor::as_int),
        notes,
    };
    imported.network::<f64>()?;
    Ok(imported)
}

/// The weights' dictionary: averaged weights where the trainer kept them apart, else the model's.
fn state<'a>(root: Cursor<'a>, notes: &mut Vec<String>) -> Result<Cursor<'a>> {
    for key in ["ema_model", "model_ema", "ema"] {
        if let Some(state) = root.get(key).filter(|s| s.entries().is_some_and(|mut e| e.next().is_some())) {
            notes.push(format!("the averaged weights ('{key}') were taken, not the last ones ('model')"));
            return Ok(state);
        }
    }
    ["model", "model_state_dict", "state_dict"]
        .iter()
        .find_map(|key| root.get(key))
        .ok_or_else(|| Error::model("no 'model' in this checkpoint; give the file that the trainer saved"))
}
