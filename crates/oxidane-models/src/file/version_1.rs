//! Headers of format version 1: one level of theory, stated at the top.

use super::head::Head;
use super::header::{ErrorEntry, Header, Provenance, Units};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// A header of version 1.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HeaderV1 {
    format_version: u32,
    name: String,
    architecture: String,
    hyperparameters: Value,
    units: Units,
    elements: Vec<u8>,
    charges: Vec<i32>,
    unpaired: Vec<u32>,
    level_of_theory: Option<String>,
    reference_energies: BTreeMap<String, f64>,
    errors: Vec<ErrorEntry>,
    provenance: Provenance,
    hash: String,
}

impl From<HeaderV1> for Header {
    fn from(old: HeaderV1) -> Self {
        let head = Head {
            name: String::new(),
            level_of_theory: old.level_of_theory,
            reference_energies: old.reference_energies,
            charge_energy: 0.0,
            base: None,
            dispersion: None,
            uncertainty: None,
            elements: old.elements,
            charges: old.charges,
            unpaired: old.unpaired,
        };
        Self {
            format_version: old.format_version,
            name: old.name,
            architecture: old.architecture,
            hyperparameters: old.hyperparameters,
            units: old.units,
            heads: vec![head],
            default_head: String::new(),
            errors: old.errors,
            provenance: old.provenance,
            hash: old.hash,
        }
    }
}
