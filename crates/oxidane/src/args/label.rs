//! The options of `label`.

use std::path::PathBuf;

use clap::Args;

use super::{ComputeArgs, StructureArgs};

pub const EXAMPLES: &str = "Examples:
  oxidane label new.xyz --model gfn2 --out new.extxyz                  energy, forces, charges of new structures
  oxidane label dft.extxyz --model gfn2 --prefix gfn2_ --out both.extxyz   beside the labels that are there
  oxidane label dft.extxyz --model gfn2 --prefix gfn2_ --out both.extxyz --resume   go on after a stop
  oxidane label *.xyz --model mine.safetensors --keep-going --out all.extxyz

Every frame keeps all that its file says of it. Added are, behind the prefix: energy (eV), forces (eV/angstrom), charges (e),
for structures that repeat virial (eV, -dE/dstrain), each if the model has it, and under method what made them.

Files:
  OUT         the frames in the order of the input (extended xyz); it grows while the work goes on
  OUT.label   what made it, how far it is, and which structures were skipped; --resume goes on from it";

/// Options of `label`.
#[derive(Debug, Args)]
pub struct LabelArgs {
    /// Structures: xyz, extended xyz, POSCAR/CONTCAR, CIF, mol/SDF; .gz, .xz, .zst are unpacked; any number of frames
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The extended xyz file to write
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// What stands before the names of the labels, such as gfn2_ for gfn2_energy [default: nothing]
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub prefix: String,
    /// Replace labels of these names that frames have already; without it such a frame is an error
    #[arg(long)]
    pub replace: bool,
    /// Leave out structures that cannot be computed, and list them; without it the first one ends the work
    #[arg(long)]
    pub keep_going: bool,
    /// Go on where an earlier run of the same command stopped, to the same bytes
    #[arg(long)]
    pub resume: bool,
    /// Begin anew where the file to write exists
    #[arg(long, conflicts_with = "resume")]
    pub overwrite: bool,
    #[command(flatten)]
    pub structure: StructureArgs,
    #[command(flatten)]
    pub compute: ComputeArgs,
}
