//! The options of `train`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::{Precision, values};

pub const EXAMPLES: &str = "Examples:
  oxidane train config.toml                  a new run, in the folder config.run
  oxidane train config.toml --out runs/a     in another folder
  oxidane train config.toml --resume         go on after a stop, to the same bits as without one

A small configuration (the documentation lists every key):
  [model]
  architecture = \"xpainn\"
  [data]
  files = [\"train.extxyz\"]
  split = { train_fraction = 0.9, validation_fraction = 0.05 }
  [loss]
  energy = { kind = \"l1\", weight = 1 }
  forces = { kind = \"l1\", weight = 100 }
  [train]
  epochs = 100
  batch_size = 8

Files, in the folder of the run:
  model.safetensors        the best model; sp, opt, md and eval take it with --model
  checkpoint.safetensors   everything needed to go on
  validation.csv, log.jsonl, learning.svg, parity.svg";

/// Options of `train`.
#[derive(Debug, Args)]
pub struct TrainArgs {
    /// The configuration (TOML); file names in it are relative to its folder
    #[arg(value_name = "CONFIG")]
    pub config: PathBuf,
    /// Go on with the run in the folder
    #[arg(long)]
    pub resume: bool,
    /// Folder of the run [default: the configuration's name and .run]
    #[arg(short, long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// The program's option of that name.
    #[arg(skip)]
    pub precision: Option<Precision>,
    /// Threads to use, at most 1024; does not change any result [default: the configuration's, else all cores]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = values::threads)]
    pub threads: Option<NonZeroUsize>,
}
