//! What a checkpoint holds besides the arrays.

use super::Setup;
use crate::config::hex;
use crate::data::TrainingData;
use crate::exact;
use crate::log::LogPosition;
use crate::schedule::{Follower, Plateau};
use oxidane_core::{Error, Result};
use oxidane_math::Real;
use oxidane_models::Network;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Layout of the checkpoint; raised when it changes.
const VERSION: u32 = 3;

/// One of the best models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// The monitored value.
    #[serde(with = "exact")]
    pub value: f64,
    /// Steps done.
    pub step: u64,
    /// File name within the folder of the run.
    pub file: String,
}

/// Everything but the arrays that the next step depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Progress {
    pub version: u32,
    pub config: String,
    pub data: String,
    pub network: String,
    /// Bits of the reference energies of each head.
    pub references: Vec<Vec<u64>>,
    pub step: u64,
    pub epoch: u64,
    /// Batches done of this epoch.
    pub batch: usize,
    /// Sum of the losses since the last validation, and their number.
    #[serde(with = "exact")]
    pub loss_sum: f64,
    pub loss_steps: u64,
    pub monitor: Follower,
    pub plateau: Plateau,
    pub best: Vec<Best>,
    pub log: LogPosition,
    pub stopped_early: bool,
    pub finished: bool,
}

impl Progress {
    /// The start of a run.
    pub fn new<R: Real>(setup: &Setup<R>) -> Self {
        Self {
            version: VERSION,
            config: setup.config.fingerprint(),
            data: fingerprint(&setup.data),
            network: network_fingerprint(&*setup.network),
            references: setup
                .references
                .iter()
                .map(|r| r.values.iter().map(|x| x.to_bits()).collect())
                .collect(),
            step: 0,
            epoch: 0,
            batch: 0,
            loss_sum: 0.0,
            loss_steps: 0,
            monitor: Follower::default(),
            plateau: Plateau::default(),
            best: Vec::new(),
            log: LogPosition::default(),
            stopped_early: false,
            finished: false,
        }
    }

    /// Refuses a configuration, data or a network that are not those of the run.
    pub fn check<R: Real>(&self, setup: &Setup<R>) -> Result<()> {
        let expected = [
            (self.version == VERSION, "the program's checkpoint format: use the version that wrote it"),
            (self.config == setup.config.fingerprint(), "the configuration: restore it, or start a new run"),
            (self.data == fingerprint(&setup.data), "the data: restore the files, or start a new run"),
            (
                self.network == network_fingerprint(&*setup.network),
                "the network: use the version of the program that started the run",
            ),
        ];
        if let Some((_, what)) = expected.iter().find(|(same, _)| !same) {
            let message =
                format!("the run cannot be resumed, because since it started a change was made to {what}");
            return Err(Error::usage(message));
        }
        Ok(())
    }
}

fn fingerprint(data: &TrainingData) -> String {
    let mut hash = Sha256::new();
    hash.update(data.data.hash());
    for part in [&data.parts.train, &data.parts.validation, &data.parts.test] {
        hash.update((part.len() as u64).to_le_bytes());
        part.iter().for_each(|&i| hash.update((i as u64).to_le_bytes()));
    }
    hex(&hash.finalize())
}

fn network_fingerprint<R: Real>(network: &dyn Network<R>) -> String {
    let text =
        serde_json::json!([network.architecture(), network.hyperparameters(), network.layout(), R::NAME]);
    hex(&Sha256::digest(text.to_string().as_bytes()))
}
