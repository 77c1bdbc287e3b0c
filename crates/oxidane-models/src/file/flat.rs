//! Between named tensors and a network's flat array of weights.

use super::{Tensor, Tensors};
use crate::parameters::Layout;
use oxidane_core::{Error, Result};

/// The flat array of a layout from named tensors: every name there once, every shape as it must be, nothing more.
///
/// # Errors
/// A tensor is missing, has another shape, or belongs to no part of the architecture.
pub fn join(layout: &Layout, tensors: &Tensors) -> Result<Vec<f64>> {
    let misfit = |what: String| {
        Error::model(format!(
            "{what}: weights and hyperparameters do not belong together; make the model file again"
        ))
    };
    let mut flat = vec![0.0; layout.len];
    for entry in &layout.entries {
        let t =
            tensors.get(&entry.name).ok_or_else(|| misfit(format!("tensor {} is missing", entry.name)))?;
        if t.shape != entry.shape || t.data.len() != entry.len() {
            let (name, have, want) = (&entry.name, &t.shape, &entry.shape);
            return Err(misfit(format!("tensor {name} has shape {have:?} instead of {want:?}")));
        }
        flat[entry.range()].copy_from_slice(&t.data);
    }
    match tensors.keys().find(|name| layout.find(name).is_none()) {
        Some(name) => Err(misfit(format!("tensor {name} is not part of the architecture"))),
        None => Ok(flat),
    }
}

/// The named tensors of a flat array.
///
/// # Panics
/// If the array has another length than the layout.
pub fn split(layout: &Layout, flat: &[f64]) -> Tensors {
    assert_eq!(flat.len(), layout.len, "weights do not fit their layout");
    let tensor = |e: &crate::Entry| Tensor { shape: e.shape.clone(), data: flat[e.range()].to_vec() };
    layout.entries.iter().map(|e| (e.name.clone(), tensor(e))).collect()
}
