//! The architectures that exist: one line each.

use crate::network::Network;
use crate::parameters::Layout;
use crate::{mpnice, xpainn};
use oxidane_core::{Error, Result};
use oxidane_math::Real;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Names of all architectures.
pub const ARCHITECTURES: [&str; 2] = [xpainn::NAME, mpnice::NAME];

fn hyperparameters<T: DeserializeOwned>(architecture: &str, value: &Value) -> Result<T> {
    serde_json::from_value(value.clone())
        .map_err(|e| Error::usage(format!("hyperparameters of {architecture}: {e}")))
}

fn unknown(architecture: &str) -> Error {
    Error::usage(format!(
        "architecture \"{architecture}\" is not known; choose one of {}",
        ARCHITECTURES.join(", ")
    ))
}

/// An untrained network, its weights drawn from `seed`.
pub fn build<R: Real>(architecture: &str, value: &Value, seed: u64) -> Result<Box<dyn Network<R>>> {
    match architecture {
        xpainn::NAME => Ok(Box::new(xpainn::Xpainn::random(&hyperparameters(architecture, value)?, seed)?)),
        mpnice::NAME => Ok(Box::new(mpnice::Mpnice::random(&hyperparameters(architecture, value)?, seed)?)),
        _ => Err(unknown(architecture)),
    }
}

/// A network with the given weights, laid out as [`layout`] says.
pub fn with_parameters<R: Real>(
    architecture: &str,
    value: &Value,
    parameters: Vec<R>,
) -> Result<Box<dyn Network<R>>> {
    match architecture {
        xpainn::NAME => {
            Ok(Box::new(xpainn::Xpainn::with_parameters(&hyperparameters(architecture, value)?, parameters)?))
        }
        mpnice::NAME => {
            Ok(Box::new(mpnice::Mpnice::with_parameters(&hyperparameters(architecture, value)?, parameters)?))
        }
        _ => Err(unknown(architecture)),
    }
}

/// Names, shapes and places of the weights.
pub fn layout(architecture: &str, value: &Value) -> Result<Layout> {
    match architecture {
        xpainn::NAME => xpainn::Xpainn::<f32>::layout_of(&hyperparameters(architecture, value)?),
        mpnice::NAME => mpnice::Mpnice::<f32>::layout_of(&hyperparameters(architecture, value)?),
        _ => Err(unknown(architecture)),
    }
}
