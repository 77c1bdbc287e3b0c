//! A checkpoint's configuration.

use super::units;
use crate::irreps::Irreps;
use crate::xpainn::{Embedding, OutputMode, XpainnConfig};
use oxidane_core::{Error, Result};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Everything that the configuration settles.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// Hyperparameters, the cutoff in angstrom.
    pub config: XpainnConfig,
    /// Hidden irreps of the dipole head in the checkpoint, which may be fewer than the configuration's.
    pub dipole_irreps: Irreps,
    /// The same of the polarisability head.
    pub polar_irreps: Irreps,
    pub energy_scale: f64,
    pub length_scale: f64,
    pub notes: Vec<String>,
}

/// Reads `model_name`, `model_kwargs` and `default_units`.
pub(super) fn read(config: Value) -> Result<Settings> {
    let Value::Object(mut config) = config else {
        return Err(Error::model("the checkpoint's config is not a dictionary"));
    };
    let name: String = take(&mut config, "model_name")?.unwrap_or_else(|| "xpainn".into());
    if !name.eq_ignore_ascii_case("xpainn") {
        return Err(Error::model(format!("config: model_name '{name}' is not supported; xpainn is")));
    }
    let mut units: Map<String, Value> = take(&mut config, "default_units")?.unwrap_or_default();
    let unit = |units: &mut Map<_, _>, keys: [&str; 2]| -> Result<Option<String>> {
        let first = take(units, keys[0])?;
        Ok(take(units, keys[1])?.or(first))
    };
    let energy = unit(&mut units, ["total_energy", "energy"])?;
    let length = unit(&mut units, ["positions", "pos"])?;
    let energy_scale = energy.map_or(Ok(1.0), |u| units::energy(&u))?;
    let length_scale = length.map_or(Ok(1.0), |u| units::length(&u))?;
    let mut notes = vec![];
    for (key, unit) in units {
        match key.as_str() {
            // Labels of the training data; the model's own forces and virial follow from its energy.
            "forces" | "force" | "virial" | "stress" | "charge" => {}
            "charges" | "atomic_charges" if matches!(unit.as_str(), Some("e" | "AU" | "a.u.")) => {}
            "charges" | "atomic_charges" => {
                return Err(Error::model(format!(
                    "config: charges in {unit}; only the elementary charge is supported"
                )));
            }
            _ => notes.push(format!("the head's values of '{key}' stay in the checkpoint's unit {unit}")),
        }
    }
    let kwargs: Map<String, Value> = take(&mut config, "model_kwargs")?.unwrap_or_default();
    let (mut config_out, dipole_irreps, polar_irreps) = hyperparameters(kwargs)?;
    config_out.cutoff *= length_scale;
    for key in config.keys() {
        notes.push(format!("config key '{key}' is no part of the model and was not used"));
    }
    if energy_scale != 1.0 {
        notes.push(format!("energies were converted to eV (1 unit = {energy_scale} eV)"));
    }
    if length_scale != 1.0 {
        notes.push(format!("lengths were converted to angstrom (1 unit = {length_scale} angstrom)"));
    }
    Ok(Settings { config: config_out, dipole_irreps, polar_irreps, energy_scale, length_scale, notes })
}

/// Reads `model_kwargs`; absent ones take XequiNet's defaults.
fn hyperparameters(mut kwargs: Map<String, Value>) -> Result<(XpainnConfig, Irreps, Irreps)> {
    if let Some((key, _)) = kwargs.iter().find(|(_, v)| v.as_str().is_some_and(|s| s.contains("${"))) {
        return Err(Error::model(format!(
            "model_kwargs: {key} is an unresolved reference; save the resolved config"
        )));
    }
    let k = &mut kwargs;
    let defaults = XpainnConfig::default();
    let basis: String = take(k, "embed_basis")?.unwrap_or_else(|| "gfn2-xtb".into());
    let aux: String = take(k, "aux_basis")?.unwrap_or_else(|| "aux56".into());
    let embedding = match (basis.as_str(), aux.as_str()) {
        ("one-hot", _) => Embedding::OneHot,
        ("gfn2-xtb", "aux56") => Embedding::Aux56,
        ("gfn2-xtb", "aux28") => Embedding::Aux28,
        ("gfn2-xtb", _) => return Err(choice("aux_basis", &aux, "aux56, aux28")),
        _ => return Err(choice("embed_basis", &basis, "gfn2-xtb, one-hot")),
    };
    let output_modes = modes(take(k, "output_modes")?.unwrap_or(Value::Null))?;
    let hidden: Option<String> = take(k, "hidden_irreps")?;
    let lower =
        |text: Option<String>, default: &str| text.map_or_else(|| default.into(), |t| t.to_lowercase());
    let config = XpainnConfig {
        length_epsilon: 1e-5,
        node_dim: take(k, "node_dim")?.unwrap_or(defaults.node_dim),
        node_irreps: take(k, "node_irreps")?.unwrap_or(defaults.node_irreps),
        embedding,
        num_basis: take(k, "num_basis")?.unwrap_or(defaults.num_basis),
        rbf_kernel: lower(take(k, "rbf_kernel")?, "bessel"),
        cutoff: take(k, "cutoff")?.unwrap_or(5.0),
        cutoff_fn: lower(take(k, "cutoff_fn")?, "cosine"),
        activation: lower(take(k, "activation")?, "silu"),
        layer_norm: take(k, "layer_norm")?.unwrap_or(true),
        action_blocks: take(k, "action_blocks")?.unwrap_or(3),
        charge_embed: take(k, "charge_embed")?.unwrap_or(false),
        spin_embed: take(k, "spin_embed")?.unwrap_or(false),
        heads: Vec::new(),
        hidden_dim: take(k, "hidden_dim")?.unwrap_or(64),
        // One list serves both tensor heads: the union of their separate defaults.
        hidden_irreps: hidden.clone().unwrap_or(defaults.hidden_irreps),
        electrostatics: None,
        output_modes,
    };
    // Initial values, long since part of the trained weights.
    take::<f64>(k, "node_shift")?;
    take::<f64>(k, "node_scale")?;
    must_be(k, "conservation", true)?;
    must_be(k, "magnitude", false)?;
    must_be(k, "isotropic", false)?;
    if let Some(key) = k.keys().next() {
        return Err(Error::model(format!(
            "model_kwargs: '{key}' is not known to this program, so the model would not be computed as it was trained"
        )));
    }
    gates(&config)?;
    let irreps = |default: &str| hidden.as_deref().unwrap_or(default).parse::<Irreps>().map_err(as_model);
    Ok((config, irreps("32x1o")?, irreps("64x0e+16x2e")?))
}

/// XequiNet lets the activation also choose the gates of the tensor heads and the residual layers of the electronic
/// embeddings; here those are fixed to what the default gives.
fn gates(config: &XpainnConfig) -> Result<()> {
    let tensors = config.output_modes.iter().any(|m| matches!(m, OutputMode::Dipole | OutputMode::Polar));
    let electronic = config.charge_embed || config.spin_embed;
    let activation = config.activation.as_str();
    if (tensors && !matches!(activation, "silu" | "sigmoid")) || (electronic && activation != "silu") {
        let part = if electronic { "charge or spin embedding" } else { "dipole or polar output" };
        return Err(Error::model(format!(
            "model_kwargs: activation '{activation}' with {part} is not supported"
        )));
    }
    Ok(())
}

fn modes(value: Value) -> Result<Vec<OutputMode>> {
    let names = match value {
        Value::Null => vec![Value::from("energy")],
        Value::Array(names) => names,
        one => vec![one],
    };
    names
        .into_iter()
        .map(|name| {
            let text = name.to_string();
            serde_json::from_value(name)
                .map_err(|_| choice("output_modes", text.trim_matches('"'), "energy, charges, dipole, polar"))
        })
        .collect()
}

/// Removes a key and reads it as `T`; `None` where it is absent or null.
fn take<T: DeserializeOwned>(map: &mut Map<String, Value>, key: &str) -> Result<Option<T>> {
    match map.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let text = value.to_string();
            serde_json::from_value(value)
                .map(Some)
                .map_err(|_| Error::model(format!("config: {key} = {text} is not of the right type")))
        }
    }
}

fn must_be(map: &mut Map<String, Value>, key: &str, wanted: bool) -> Result<()> {
    match take::<bool>(map, key)? {
        Some(x) if x != wanted => Err(Error::model(format!("model_kwargs: {key} = {x} is not supported"))),
        _ => Ok(()),
    }
}

fn choice(key: &str, value: &str, known: &str) -> Error {
    Error::model(format!("model_kwargs: {key} '{value}' is not supported; supported are {known}"))
}

fn as_model(e: Error) -> Error {
    Error::model(e.message)
}
