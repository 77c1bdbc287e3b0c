//! What a model file says about its model.

use super::head::Head;
use super::version_1::HeaderV1;
use crate::heads;
use oxidane_core::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The format version that this program writes. Since version 3 a head may have a base, since version 4 an energy of the charge; versions 2 and 3
/// are read as they stand.
pub const FORMAT_VERSION: u32 = 4;

/// Everything about a model but its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Version of the format that it was read from; set on writing.
    pub format_version: u32,
    /// The model's name.
    pub name: String,
    /// Registered name of the architecture, such as `xpainn`.
    pub architecture: String,
    /// Hyperparameters as that architecture defines them.
    pub hyperparameters: Value,
    /// Units of everything in the model.
    pub units: Units,
    /// The heads of the network, in their order; a single one may have no name.
    pub heads: Vec<Head>,
    /// Name of the head that answers where none is asked for.
    pub default_head: String,
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
    /// The head that was tested, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
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
    /// A header with the given model and nothing else known: heads are those of the hyperparameters, or one without a name; the
    /// first is the default.
    pub fn new(name: impl Into<String>, architecture: impl Into<String>, hyperparameters: Value) -> Self {
        let heads = head_names(&hyperparameters)
            .into_iter()
            .map(|name| Head { name, ..Head::default() })
            .collect::<Vec<_>>();
        Self {
            format_version: FORMAT_VERSION,
            name: name.into(),
            architecture: architecture.into(),
            hyperparameters,
            units: Units::default(),
            default_head: heads[0].name.clone(),
            heads,
            errors: vec![],
            provenance: Provenance {
                program_version: env!("CARGO_PKG_VERSION").into(),
                ..Provenance::default()
            },
            hash: String::new(),
        }
    }

    /// The head of that name, the default one if none is given, with its place.
    ///
    /// # Errors
    /// There is no such head; the error lists those that are.
    pub fn head(&self, name: Option<&str>) -> Result<(u32, &Head)> {
        let place = heads::find(&head_names(&self.hyperparameters), name.or(Some(&self.default_head)))
            .map_err(|e| Error::usage(format!("model {}: {}", self.name, e.message)))?;
        self.head_at(Some(place))
    }

    /// The head at a place, the default one if none is given, with its place.
    ///
    /// # Errors
    /// There is no such head.
    pub fn head_at(&self, place: Option<u32>) -> Result<(u32, &Head)> {
        let Some(place) = place else { return self.head(None) };
        let missing = || {
            Error::usage(format!("model {} has {} heads and none at {place}", self.name, self.heads.len()))
        };
        Ok((place, self.heads.get(place as usize).ok_or_else(missing)?))
    }

    /// The head without others, to be described.
    ///
    /// # Panics
    /// If there are several.
    pub fn only_head_mut(&mut self) -> &mut Head {
        assert_eq!(self.heads.len(), 1, "a model with one head");
        &mut self.heads[0]
    }

    /// From the JSON of a file of this or an older format version.
    pub(super) fn from_json(value: Value) -> Result<Self> {
        let version =
            value.get("format_version").and_then(Value::as_u64).filter(|&v| v > 0).ok_or_else(|| {
                Error::model("the model's header has no format version; the file is damaged, copy it again")
            })?;
        if version > u64::from(FORMAT_VERSION) {
            return Err(Error::model(format!(
                "model file of format version {version}, this program reads up to {FORMAT_VERSION}; update the program"
            )));
        }
        let header = match version {
            1 => serde_json::from_value::<HeaderV1>(value).map(Self::from),
            _ => serde_json::from_value(value),
        };
        let header = header
            .map_err(|e| Error::model(format!("model header: {e}; the file is damaged, copy it again")))?;
        header.check()?;
        Ok(header)
    }

    /// Whether the header makes sense; on writing and on reading.
    pub(crate) fn check(&self) -> Result<()> {
        let bad =
            |what: String| Err(Error::model(format!("model header: {what}; make the model file again")));
        if self.units != Units::default() {
            return bad(format!(
                "units {} and {} instead of eV and angstrom",
                self.units.energy, self.units.length
            ));
        }
        let names: Vec<&str> = self.heads.iter().map(|h| h.name.as_str()).collect();
        if names != head_names(&self.hyperparameters) {
            return bad(format!("its heads ({}) are not those of the hyperparameters", names.join(", ")));
        }
        if !names.contains(&self.default_head.as_str()) {
            return bad(format!("the default head {:?} is none of {}", self.default_head, names.join(", ")));
        }
        for head in &self.heads {
            head.check(self.heads.len() > 1).or_else(|e| bad(e.message))?;
        }
        let known = |e: &ErrorEntry| e.head.as_deref().is_none_or(|head| names.contains(&head));
        if let Some(e) = self.errors.iter().find(|e| !known(e)) {
            return bad(format!(
                "errors of a head {:?} that does not exist",
                e.head.as_deref().unwrap_or("")
            ));
        }
        if self.errors.iter().any(|e| !e.mae.is_finite() || !e.rmse.is_finite()) {
            return bad("an error that is not a finite number".into());
        }
        Ok(())
    }
}

/// The names of the heads that hyperparameters state; one empty name where they state none.
fn head_names(hyperparameters: &Value) -> Vec<String> {
    let stated = hyperparameters.get("heads").and_then(Value::as_array);
    let names: Vec<String> =
        stated.into_iter().flatten().map(|name| name.as_str().unwrap_or_default().to_owned()).collect();
    if names.is_empty() { vec![String::new()] } else { names }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::Base;

    /// Version 2, which knew no bases, is version 3 without one.
    #[test]
    fn headers_of_version_2_are_read() {
        let new = Header::new("water", "xpainn", serde_json::json!({ "cutoff": 5.0 }));
        let mut json = serde_json::to_value(&new).unwrap();
        assert!(json["heads"][0].get("base").is_none());
        json["format_version"] = 2.into();
        assert_eq!(Header::from_json(json).unwrap(), Header { format_version: 2, ..new });
    }

    #[test]
    fn bases_come_back() {
        let mut header = Header::new("water", "xpainn", serde_json::json!({}));
        header.only_head_mut().base = Some(Base { method: "gfn2".into(), version: 7 });
        let json = serde_json::to_value(&header).unwrap();
        assert_eq!(Header::from_json(json).unwrap(), header);
        assert_eq!(header.heads[0].base.as_ref().unwrap().to_string(), "gfn2-v7");
        header.only_head_mut().base = Some(Base { method: String::new(), version: 7 });
        assert!(header.check().unwrap_err().message.contains("no name"));
    }
}
