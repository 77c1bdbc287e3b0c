//! The architectures that exist: one line each.

use crate::network::Network;
use crate::parameters::Layout;
use crate::{mpnice, xpainn};
use oxidane_core::{Error, Result};
use oxidane_math::Real;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Which of the electrons enter a network beside the elements and positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sees {
    /// The total charge.
    pub charge: bool,
    /// The number of unpaired electrons.
    pub spin: bool,
    /// The charge again, in charges of atoms that interact over all distances.
    pub long_range: bool,
}

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

/// The precisions of networks. Each makes its own, so that networks are compiled here, once for each precision, and not
/// again in every crate that is generic over it.
pub trait Precise: Real {
    /// See [`build`].
    fn build(architecture: &str, value: &Value, seed: u64) -> Result<Box<dyn Network<Self>>>;
    /// See [`with_parameters`].
    fn with_parameters(
        architecture: &str,
        value: &Value,
        parameters: Vec<Self>,
    ) -> Result<Box<dyn Network<Self>>>;
}

macro_rules! precise {
    ($real:ty) => {
        impl Precise for $real {
            fn build(architecture: &str, value: &Value, seed: u64) -> Result<Box<dyn Network<Self>>> {
                match architecture {
                    xpainn::NAME => {
                        let config = hyperparameters(architecture, value)?;
                        Ok(Box::new(xpainn::Xpainn::<Self>::random(&config, seed)?))
                    }
                    mpnice::NAME => {
                        let config = hyperparameters(architecture, value)?;
                        Ok(Box::new(mpnice::Mpnice::<Self>::random(&config, seed)?))
                    }
                    _ => Err(unknown(architecture)),
                }
            }

            fn with_parameters(
                architecture: &str,
                value: &Value,
                parameters: Vec<Self>,
            ) -> Result<Box<dyn Network<Self>>> {
                match architecture {
                    xpainn::NAME => {
                        let config = hyperparameters(architecture, value)?;
                        Ok(Box::new(xpainn::Xpainn::<Self>::with_parameters(&config, parameters)?))
                    }
                    mpnice::NAME => {
                        let config = hyperparameters(architecture, value)?;
                        Ok(Box::new(mpnice::Mpnice::<Self>::with_parameters(&config, parameters)?))
                    }
                    _ => Err(unknown(architecture)),
                }
            }
        }
    };
}

precise!(f32);
precise!(f64);

/// An untrained network, its weights drawn from `seed`.
pub fn build<R: Precise>(architecture: &str, value: &Value, seed: u64) -> Result<Box<dyn Network<R>>> {
    R::build(architecture, value, seed)
}

/// A network with the given weights, laid out as [`layout`] says.
pub fn with_parameters<R: Precise>(
    architecture: &str,
    value: &Value,
    parameters: Vec<R>,
) -> Result<Box<dyn Network<R>>> {
    R::with_parameters(architecture, value, parameters)
}

/// Names, shapes and places of the weights.
pub fn layout(architecture: &str, value: &Value) -> Result<Layout> {
    match architecture {
        xpainn::NAME => xpainn::Xpainn::<f32>::layout_of(&hyperparameters(architecture, value)?),
        mpnice::NAME => mpnice::Mpnice::<f32>::layout_of(&hyperparameters(architecture, value)?),
        _ => Err(unknown(architecture)),
    }
}

/// Hyperparameters as model files state them, those left out with their defaults: however they were written, they compare.
pub fn in_full(architecture: &str, value: &Value) -> Result<Value> {
    let full = match architecture {
        xpainn::NAME => serde_json::to_value(hyperparameters::<xpainn::XpainnConfig>(architecture, value)?),
        mpnice::NAME => serde_json::to_value(hyperparameters::<mpnice::MpniceConfig>(architecture, value)?),
        _ => return Err(unknown(architecture)),
    };
    full.map_err(|e| Error::usage(e.to_string()))
}

/// What of the electrons a network sees.
pub fn sees(architecture: &str, value: &Value) -> Result<Sees> {
    match architecture {
        xpainn::NAME => Ok(hyperparameters::<xpainn::XpainnConfig>(architecture, value)?.sees()),
        mpnice::NAME => Ok(mpnice::MpniceConfig::SEES),
        _ => Err(unknown(architecture)),
    }
}
