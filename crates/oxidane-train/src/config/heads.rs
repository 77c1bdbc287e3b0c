//! `[[heads]]`: the levels of theory that are trained.

use super::Config;
use super::checks::require;
use oxidane_core::{Error, Result};
use oxidane_models::heads::check_names;
use oxidane_physics::D3Potential;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One of `[[heads]]`: a readout of the energy for one level of theory.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Its name, which sets and options choose it by; may be left out for an only head.
    pub name: Option<String>,
    /// Level of theory of its labels, such as `PBE/def2-SVP`.
    pub level_of_theory: Option<String>,
    /// Whether the model answers with it where none is asked for; absent: the first does (of a model that is fine-tuned, the
    /// one that did).
    #[serde(default)]
    pub default: bool,
    /// The method that the network corrects: its labels are taken off those of this head, and the model adds it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// Functional whose D3(BJ) is a part of the model: the network is trained on what it leaves.
    pub d3: Option<String>,
    /// Whether that dispersion has the three-body term; absent: no.
    pub d3_atm: Option<bool>,
    /// What is subtracted from the energies per element.
    #[serde(default)]
    pub reference_energies: ReferenceEnergies,
    /// For a head that the model to fine-tune does not have: the head of that model whose readout is the start. Absent:
    /// the start is random.
    pub init: Option<String>,
}

/// `[reference_energies]`, and the key of that name of a head.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReferenceEnergies {
    /// Where they come from; absent: `model` for a head of the model that is fine-tuned, else `least_squares`.
    pub method: Option<ReferenceMethod>,
    /// For `given`: energy in eV by element symbol.
    #[serde(default)]
    pub values: BTreeMap<String, f64>,
    /// For `least_squares`: with an energy per unit of charge.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub charge: bool,
}

/// Where reference energies come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReferenceMethod {
    /// Least squares over the training frames, the solution of least norm.
    LeastSquares,
    /// The `values` of this section.
    Given,
    /// Those of the model that is fine-tuned.
    Model,
    /// Zero for every element.
    None,
}

impl Head {
    /// Its name, empty if it has none.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }
    /// What stands before its keys in messages.
    pub(crate) fn place(&self) -> String {
        self.name.as_ref().map_or("heads".into(), |name| format!("heads \"{name}\""))
    }

    /// `finetuned`: whether there is a model to start from.
    fn check(&self, finetuned: bool) -> Result<()> {
        let place = self.place();
        require(self.d3.is_some() || self.d3_atm.is_none(), || {
            format!("{place}.d3_atm has no effect without {place}.d3: name the functional, or drop it")
        })?;
        if let Some(functional) = &self.d3 {
            D3Potential::new(functional, false)
                .map_err(|e| Error::usage(format!("{place}.d3: {}", e.message)))?;
        }
        require(finetuned || self.init.is_none(), || {
            format!(
                "{place}.init needs a [finetune] section, whose model has the head to start from: drop it"
            )
        })?;
        self.reference_energies.check(&format!("{place}.reference_energies"), finetuned)
    }
}

/// Refuses heads that make no sense, or do not fit the sets and other sections.
pub(super) fn check(config: &Config) -> Result<()> {
    check_together(&config.heads, config.finetune.is_some())?;
    check_sections(config)?;
    let heads = config.heads();
    for (k, set) in config.data.sets.iter().enumerate() {
        let place = config.data.place(k);
        match &set.head {
            Some(name) => require(heads.iter().any(|h| h.name() == name), || {
                format!("{place}.head = \"{name}\": there is no such head; add a [[heads]] of that name")
            })?,
            None => require(heads.len() == 1, || {
                let names: Vec<&str> = heads.iter().map(Head::name).collect();
                format!("{place}.head is missing: say which it trains, one of {}", names.join(", "))
            })?,
        }
    }
    for (k, head) in heads.iter().enumerate() {
        require(config.data.sets.iter().any(|s| config.head_of(s) == k), || {
            let (place, name) = (head.place(), head.name());
            format!("{place} has no set: give one of [[data.sets]] head = \"{name}\", or drop the head")
        })?;
    }
    Ok(())
}

fn check_together(heads: &[Head], finetuned: bool) -> Result<()> {
    for (k, head) in heads.iter().enumerate() {
        require(heads.len() == 1 || head.name.is_some(), || {
            format!("heads number {} has no name: give each of several one, such as name = \"PBE0\"", k + 1)
        })?;
        head.check(finetuned)?;
    }
    check_names(&heads.iter().filter_map(|h| h.name.clone()).collect::<Vec<_>>())?;
    require(heads.iter().filter(|h| h.default).count() <= 1, || {
        "more than one of heads has default = true: keep one".to_string()
    })?;
    require(heads.len() > 1 || finetuned || heads.iter().all(|h| !h.default), || {
        "heads.default has no effect on an only head: drop it".to_string()
    })
}

/// What belongs into `[[heads]]`, if there are any, must not stand elsewhere.
fn check_sections(config: &Config) -> Result<()> {
    require(!config.model.hyperparameters.contains_key("heads"), || {
        "model.heads is not stated here: give a [[heads]] with a name for each".to_string()
    })?;
    let stated = !config.heads.is_empty();
    require(!stated || config.reference_energies == ReferenceEnergies::default(), || {
        "[reference_energies] stands beside [[heads]]: move it into the heads as `reference_energies`"
            .to_string()
    })?;
    require(!stated || config.data.base.is_none(), || {
        "data.base stands beside [[heads]]: move it into the heads that it is meant for".to_string()
    })?;
    require(!stated || config.card.level_of_theory.is_none(), || {
        "card.level_of_theory stands beside [[heads]]: move it into the heads".to_string()
    })
}

impl ReferenceEnergies {
    /// `place`: what stands before the keys in messages.
    pub(super) fn check(&self, place: &str, finetuned: bool) -> Result<()> {
        let given = self.method == Some(ReferenceMethod::Given);
        require(given || self.values.is_empty(), || {
            format!(
                "{place}.values are given but method is not \"given\": set method = \"given\" or drop them"
            )
        })?;
        require(!given || !self.values.is_empty(), || {
            format!(
                "{place}.values is missing: give an energy in eV per element, such as values = {{ H = -13.6 }}"
            )
        })?;
        require(self.method != Some(ReferenceMethod::Model) || finetuned, || {
            format!("{place}.method = \"model\" needs a [finetune] section")
        })?;
        let other = self.method.is_some_and(|m| m != ReferenceMethod::LeastSquares);
        require(!(self.charge && other), || {
            format!("{place}.charge has no effect without method = \"least_squares\": set that, or drop it")
        })?;
        self.values.iter().try_for_each(|(symbol, x)| {
            require(x.is_finite(), || format!("{place}.values.{symbol} = {x}: give a finite number"))
        })
    }
}
