//! What a model file says about its model.

use oxidane_core::{Error, Result, elements};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The format version that this program writes.
pub const FORMAT_VERSION: u32 = 1;

/// Everything about a model but its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Version of this layout; set on writing.
    pub format_version: u32,
    /// The model's name.
    pub name: String,
    /// Registered name of the architecture, such as `xpainn`.
    pub architecture: String,
    /// Hyperparameters as that architecture defines them.
    pub hyperparameters: Value,
    /// Units of everything in the model.
    pub units: Units,
    /// Atomic numbers of the elements seen in training, ascending.
    pub elements: Vec<u8>,
    /// Total charges seen, in e.
    pub charges: Vec<i32>,
    /// Numbers of unpaired electrons seen.
    pub unpaired: Vec<u32>,
    /// Level of theory of the training data.
    pub level_of_theory: Option<String>,
    /// Energy of a free atom by element symbol, in eV, added to the network's energy.
    pub reference_energies: BTreeMap<String, f64>,
    /// Errors on test data.
    pub errors: Vec<ErrorEntry>,
    /// Where the model comes from.
    pub provenance: Provenance,
    /// SHA-256 over the tensors and this header with an empty hash, hexadecimal; set on writing.
    pub hash: String,
}

/// Units of a model's numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Units {
    /// Always `eV`.
    pub energy: String,
    /// Always `angstrom`.
    pub length: String,
}

impl Default for Units {
    fn default() -> Self {
        Self { energy: "eV".into(), length: "angstrom".into() }
    }
}

/// The error of one property on one set of structures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorEntry {
    /// Name of the set.
    pub dataset: String,
    /// Property, such as `energy per atom`.
    pub property: String,
    /// Mean absolute error.
    pub mae: f64,
    /// Root mean square error.
    pub rmse: f64,
    /// Unit of both.
    pub unit: String,
    /// Number of structures.
    pub frames: u64,
}

/// Where a model comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Date of making, as the caller writes it.
    pub created: String,
    /// Version of the program that made it.
    pub program_version: String,
    /// Random seed of the training.
    pub seed: Option<u64>,
    /// The training configuration's text.
    pub config: Option<String>,
    /// The training data in words.
    pub data: Option<String>,
    /// Where data or weights were taken from.
    pub source: Option<String>,
    /// Licence of the weights.
    pub licence: Option<String>,
}

impl Header {
    /// A header with the given model and nothing else known.
    pub fn new(name: impl Into<String>, architecture: impl Into<String>, hyperparameters: Value) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            name: name.into(),
            architecture: architecture.into(),
            hyperparameters,
            units: Units::default(),
            elements: vec![],
            charges: vec![],
            unpaired: vec![],
            level_of_theory: None,
            reference_energies: BTreeMap::new(),
            errors: vec![],
            provenance: Provenance {
                program_version: env!("CARGO_PKG_VERSION").into(),
                ..Provenance::default()
            },
            hash: String::new(),
        }
    }

    /// From the JSON of a file of this or an older format version.
    pub(super) fn from_json(value: Value) -> Result<Self> {
        let version = value.get("format_version").and_then(Value::as_u64).ok_or_else(|| {
            Error::model("the model's header has no format version; the file is damaged, copy it again")
        })?;
        if version > u64::from(FORMAT_VERSION) {
            return Err(Error::model(format!(
                "model file of format version {version}, this program reads up to {FORMAT_VERSION}; update the program"
            )));
        }
        // When a version 2 comes, version 1 is brought up to it here.
        let header: Header = serde_json::from_value(value)
            .map_err(|e| Error::model(format!("model header: {e}; the file is damaged, copy it again")))?;
        header.check()?;
        Ok(header)
    }

    /// Whether the header makes sense; on writing and on reading.
    pub(super) fn check(&self) -> Result<()> {
        let bad =
            |what: String| Err(Error::model(format!("model header: {what}; make the model file again")));
        if self.units != Units::default() {
            return bad(format!(
                "units {} and {} instead of eV and angstrom",
                self.units.energy, self.units.length
            ));
        }
        if let Some(z) = self.elements.iter().find(|z| !(1..=118).contains(*z)) {
            return bad(format!("element {z} does not exist"));
        }
        if !self.elements.is_sorted_by(|a, b| a < b) {
            return bad("elements are not in ascending order".into());
        }
        for (symbol, energy) in &self.reference_energies {
            if elements::from_symbol(symbol).is_none() {
                return bad(format!("reference energy of unknown element '{symbol}'"));
            }
            if !energy.is_finite() {
                return bad(format!("reference energy of {symbol} is not a finite number"));
            }
        }
        if self.errors.iter().any(|e| !e.mae.is_finite() || !e.rmse.is_finite()) {
            return bad("an error that is not a finite number".into());
        }
        Ok(())
    }
}
