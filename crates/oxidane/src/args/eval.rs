//! The options of `eval`.

use std::path::PathBuf;

use clap::Args;

use super::values::{self, LabelName};
use super::{ComputeArgs, StructureArgs};

pub const EXAMPLES: &str = "Examples:
  oxidane eval test.extxyz --model mine.safetensors
  oxidane eval test.extxyz.xz --keys energy=REF_energy,forces=REF_forces
  oxidane eval *.extxyz --group config_type --json
  oxidane eval test.extxyz --model gfn2             how far GFN2-xTB is from the labels

Labels are looked for under the names that ASE writes: energy (eV), forces (eV/angstrom), stress (eV/angstrom^3),
virial (eV), charges (e), dipole (e angstrom), polarizability (in the unit that the model was trained in;
e angstrom^2/V for models with equilibrated charges).

File, named after the first data file or --out:
  NAME.svg   parity plots, prediction against reference";

/// Options of `eval`.
#[derive(Debug, Args)]
pub struct EvalArgs {
    /// Labelled structures (extended xyz; .gz, .xz, .zst are unpacked)
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Other names of labels in the files, such as energy=REF_energy,forces=REF_forces
    #[arg(long, value_name = "LABEL=NAME", value_delimiter = ',', value_parser = values::label_name)]
    pub keys: Vec<LabelName>,
    /// Errors also by the value of this key of the frames (left out: by file, if there are several)
    #[arg(long, value_name = "KEY")]
    pub group: Option<String>,
    /// Print JSON
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    /// Name of the plot [default: the first file's name and .eval]
    #[arg(short, long, value_name = "NAME", help_heading = "Output")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub structure: StructureArgs,
    #[command(flatten)]
    pub compute: ComputeArgs,
}
