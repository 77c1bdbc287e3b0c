//! Names of tensors: XequiNet's without the wrappers that a training adds.

use crate::import::pickle::{Cursor, TensorRef};
use oxidane_core::{Error, Result};
use std::collections::BTreeMap;

/// The tensors by their names below `mods.`.
pub(super) fn tensors(state: Cursor<'_>) -> Result<BTreeMap<String, &TensorRef>> {
    let entries = state.entries().ok_or_else(|| {
        Error::model("the checkpoint's 'model' is a whole object; save its state_dict() as the trainer does")
    })?;
    let mut all = BTreeMap::new();
    for (key, value) in entries {
        let full = key.as_str().ok_or_else(|| Error::model("a tensor whose name is not text"))?;
        let mut name = full;
        // Data-parallel, averaging and compiling wrappers.
        while let Some(rest) = name.strip_prefix("module.").or_else(|| name.strip_prefix("_orig_mod.")) {
            name = rest;
        }
        // The averaging wrapper's counter.
        if name == "n_averaged" {
            continue;
        }
        let name = name.strip_prefix("mods.").ok_or_else(|| {
            Error::model(format!(
                "tensor '{full}' is not of a current XequiNet model (names begin with 'mods.'); convert the \
                 checkpoint with a current XequiNet first"
            ))
        })?;
        let tensor = value.as_tensor().ok_or_else(|| Error::model(format!("'{full}' is not a tensor")))?;
        if all.insert(name.to_owned(), tensor).is_some() {
            return Err(Error::model(format!("two tensors named '{name}'")));
        }
    }
    Ok(all)
}
