//! The options of `import`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

pub const EXAMPLES: &str = "Examples:
  oxidane import xequinet checkpoint.pt -o mine.safetensors
  oxidane import xequinet checkpoint.pt -o mine.safetensors --elements H,C,N,O --charges=-1,0,1 \\
      --level-of-theory 'wB97M-V/def2-TZVPPD'";

/// Options of `import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The program that wrote the file
    #[command(subcommand)]
    pub from: ImportFrom,
}

/// The programs whose checkpoints are read.
#[derive(Debug, Subcommand)]
pub enum ImportFrom {
    /// A checkpoint of XequiNet's trainer (.pt); it is read as data, no code in it is run
    #[command(after_long_help = EXAMPLES)]
    Xequinet(XequinetArgs),
}

/// Options of `import xequinet`.
#[derive(Debug, Args)]
pub struct XequinetArgs {
    /// The checkpoint
    #[arg(value_name = "CHECKPOINT")]
    pub checkpoint: PathBuf,
    /// The model file to write
    #[arg(short, long, value_name = "MODEL")]
    pub out: PathBuf,
    /// Name of the model [default: the checkpoint's]
    #[arg(long)]
    pub name: Option<String>,
    /// Elements that it was trained on; others are refused [default: not known, all are tried]
    #[arg(long, value_name = "SYMBOLS", value_delimiter = ',')]
    pub elements: Vec<String>,
    /// Total charges that it was trained on, such as 0 or =-1,0,1 [default: not known]
    #[arg(long, value_name = "CHARGES", value_delimiter = ',', allow_negative_numbers = true)]
    pub charges: Vec<i32>,
    /// Numbers of unpaired electrons that it was trained on [default: not known]
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',')]
    pub unpaired: Vec<u32>,
    /// Level of theory of its training data
    #[arg(long, value_name = "TEXT")]
    pub level_of_theory: Option<String>,
    /// Licence of its weights
    #[arg(long, value_name = "TEXT")]
    pub licence: Option<String>,
}
