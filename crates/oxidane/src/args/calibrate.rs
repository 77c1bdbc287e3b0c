//! The options of `calibrate`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::values;

pub const EXAMPLES: &str = "Examples:
  oxidane calibrate config.toml --model mine.safetensors --out with-errors.safetensors

The configuration is the one that the model was trained with: its training frames are what the model knows, the errors on its
validation frames set the size of the uncertainty, and its test frames test it. `oxidane train` does the same at the end of a run.";

/// Options of `calibrate`.
#[derive(Debug, Args)]
pub struct CalibrateArgs {
    /// The configuration that the model was trained with (TOML)
    #[arg(value_name = "CONFIG")]
    pub config: PathBuf,
    /// The model file
    #[arg(short, long, value_name = "FILE|NAME")]
    pub model: PathBuf,
    /// The model file to be written
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// Threads to use, at most 1024; does not change any result [default: the configuration's, else all cores]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = values::threads)]
    pub threads: Option<NonZeroUsize>,
}
