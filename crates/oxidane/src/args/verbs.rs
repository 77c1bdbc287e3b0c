//! The options of each verb.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

use super::{ComputeArgs, StructureArgs};

pub const SP_EXAMPLES: &str = "Examples:
  oxidane sp molecule.xyz                          energy with the model inside the program
  oxidane sp molecule.xyz --forces                 and the force on every atom
  oxidane sp molecule.xyz --model gfn2 --all       GFN2-xTB: also charges, dipole, frontier orbitals, bond orders
  oxidane sp cation.xyz --chrg 1 --uhf 1 --model gfn2   a radical cation
  oxidane sp *.xyz --json > results.json           everything the model gives, for other programs
  oxidane sp frames.extxyz.xz --out labelled.xyz   every frame of a trajectory, results written beside it
  oxidane sp molecule.xyz --field 0 0 0.1 --forces --model mine.oxidane   in an electric field of 0.1 V/angstrom
  oxidane sp POSCAR --stress --model mine.oxidane  stress of a crystal with a model of your own";

/// Options of `sp`.
#[derive(Debug, Args)]
pub struct SpArgs {
    /// Structures: xyz, extended xyz, POSCAR/CONTCAR, CIF, mol/SDF; .gz, .xz, .zst are unpacked; any number of frames; - is the
    /// standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Which properties are shown besides the energy
    #[command(flatten)]
    pub show: ShowArgs,
    /// Print JSON: a list with one object per structure holding all that the model gives, numbers in full
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    /// Also write the structures with their results to an extended xyz file
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub structure: StructureArgs,
    #[command(flatten)]
    pub compute: ComputeArgs,
}

/// Which properties `sp` shows.
#[derive(Debug, Args)]
#[command(next_help_heading = "Properties")]
pub struct ShowArgs {
    /// Force on every atom (eV/angstrom)
    #[arg(long)]
    pub forces: bool,
    /// Virial, -dE/dstrain (eV)
    #[arg(long)]
    pub virial: bool,
    /// Stress (1/V) dE/dstrain, positive under tension (GPa and eV/angstrom^3); for periodic structures
    #[arg(long)]
    pub stress: bool,
    /// Atomic charges (e)
    #[arg(long)]
    pub charges: bool,
    /// Dipole moment (e angstrom and debye)
    #[arg(long)]
    pub dipole: bool,
    /// Dipole polarisability: how the dipole follows an electric field (e angstrom^2/V and angstrom^3), of models with equilibrated
    /// charges; of models trained on polarisabilities, in the units of their data
    #[arg(long, visible_alias = "polarizability")]
    pub polar: bool,
    /// Born effective charges: how the dipole follows each atom (e), of molecules and models with equilibrated charges
    #[arg(long)]
    pub born_charges: bool,
    /// All that the model gives without extra work; with gfn2 also frontier orbitals and bond orders
    #[arg(long)]
    pub all: bool,
}

pub const INFO_EXAMPLES: &str = "Examples:
  oxidane info                  the default model
  oxidane info mine.oxidane     a model file
  oxidane info checkpoint.pt    a XequiNet checkpoint
  oxidane info gfn2             the method GFN2-xTB
  oxidane info mine.oxidane --tensors   its weights by name, as `freeze` in a training configuration takes them
  oxidane info --json           for other programs";

/// Options of `info`.
#[derive(Debug, Args)]
pub struct InfoArgs {
    /// Model file, XequiNet checkpoint (.pt), or name of a model or method inside the program; left out: the default one
    #[arg(value_name = "FILE|NAME")]
    pub model: Option<String>,
    /// List the tensors of weights too: names (for `freeze` in a training configuration) and shapes
    #[arg(long, help_heading = "Output")]
    pub tensors: bool,
    /// Print JSON
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}

/// Options of `models`.
#[derive(Debug, Args)]
pub struct ModelsArgs {
    /// Print JSON
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}

pub const COMPLETIONS_EXAMPLES: &str = "Examples:
  oxidane completions bash > ~/.local/share/bash-completion/completions/oxidane
  oxidane completions zsh > ~/.zfunc/_oxidane
  oxidane completions fish > ~/.config/fish/completions/oxidane.fish";

/// Options of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}
