//! Small untrained networks of each architecture with equilibrated charges, and structures for them.
#![allow(dead_code)] // each file of tests takes what it needs

use oxidane_core::{Cell, System};
use oxidane_math::Real;
use oxidane_models::charges::ElectrostaticsConfig;
use oxidane_models::mpnice::{self, MpniceConfig};
use oxidane_models::registry::{self, Precise};
use oxidane_models::xpainn::{self, Embedding, XpainnConfig};
use oxidane_models::{Network, NetworkPotential};
use serde::Serialize;
use std::sync::Arc;

pub fn mpnice() -> MpniceConfig {
    MpniceConfig { node_dim: 32, update_dim: 24, readout_dim: 8, cutoff: 4.0, ..MpniceConfig::default() }
}

pub fn xpainn() -> XpainnConfig {
    XpainnConfig {
        node_dim: 24,
        node_irreps: "24x0e+8x1o+4x2e".into(),
        embedding: Embedding::OneHot,
        cutoff: 4.0,
        cutoff_fn: "smooth".into(),
        action_blocks: 2,
        hidden_dim: 8,
        length_epsilon: 0.1,
        electrostatics: Some(ElectrostaticsConfig::default()),
        ..XpainnConfig::default()
    }
}

/// One network of each architecture and the beginning of the names of its readout.
pub fn networks<R: Precise>(seed: u64) -> [(Box<dyn Network<R>>, &'static str); 2] {
    let (mpnice, xpainn) = (random(mpnice::NAME, &mpnice(), seed), random(xpainn::NAME, &xpainn(), seed));
    [(mpnice, "readout"), (xpainn, "output_energy")]
}

/// An untrained network.
pub fn random<R: Precise>(architecture: &str, config: &impl Serialize, seed: u64) -> Box<dyn Network<R>> {
    registry::build(architecture, &serde_json::to_value(config).unwrap(), seed).unwrap()
}

pub fn potential<R: Real>(network: Box<dyn Network<R>>, parallel: bool) -> NetworkPotential<R> {
    NetworkPotential::new("test", Arc::default(), network.into(), None, parallel, true).unwrap()
}

pub fn crystal() -> System {
    System {
        numbers: vec![8, 1, 1, 6, 8],
        positions: vec![
            [0.1, 0.2, -0.1],
            [1.0, 0.4, 0.2],
            [-0.4, 0.9, 0.5],
            [2.1, 2.6, 1.7],
            [-0.6, 2.1, 3.1],
        ],
        cell: Some(Cell::new([[4.1, 0.2, 0.0], [-0.7, 4.4, 0.3], [0.4, -0.2, 4.9]])),
        charge: 0,
        unpaired: 0,
    }
}

pub fn molecule(charge: i32) -> System {
    System { cell: None, charge, unpaired: charge.unsigned_abs() % 2, ..crystal() }
}
