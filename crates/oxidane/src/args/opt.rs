//! The options of `opt`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::values::{self, Atoms};
use super::{ComputeArgs, StructureArgs};

pub const EXAMPLES: &str = "Examples:
  oxidane opt aspirin.xyz                             a molecule to its nearest minimum
  oxidane opt aspirin.xyz --convergence tight --precision f64   before frequencies
  oxidane opt complex.xyz --model gfn2                GFN2-xTB, for what no trained model knows
  oxidane opt slab.xyz --fix 1-36 --fmax 0.05         lower layers held, one criterion
  oxidane opt POSCAR --cell --pressure 2              atoms and cell, at 2 GPa

Files, named after the structure or --out:
  NAME.xyz        the final geometry (.vasp from a POSCAR, .cif from a CIF)
  NAME.traj.xyz   every step with energy and forces (extended xyz)";

/// When an optimisation has converged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// A first look: largest force 0.10 eV/angstrom
    Loose,
    /// Largest force 0.015 eV/angstrom, with limits on energy and displacement
    Normal,
    /// Before frequencies: largest force 0.005 eV/angstrom
    Tight,
    /// Largest force 0.0015 eV/angstrom; needs --precision f64
    VeryTight,
}

/// How steps are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Optimizer {
    /// L-BFGS started from a model of bonds, angles and torsions
    Lbfgs,
    /// L-BFGS without that model
    PlainLbfgs,
    /// FIRE, damped dynamics: slow and robust
    Fire,
}

/// Which strains of the cell relax.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CellMode {
    /// Lengths and angles
    Full,
    /// The size at constant shape
    Isotropic,
}

/// Options of `opt`.
#[derive(Debug, Args)]
pub struct OptArgs {
    /// The structure
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// How small forces and steps must become
    #[arg(long, value_enum, default_value = "normal", conflicts_with = "fmax")]
    pub convergence: Level,
    /// Converge the largest force on an atom to this, in eV/angstrom, and nothing else (with --cell also the stress, to 0.1 GPa)
    #[arg(long, value_name = "EV/A", allow_negative_numbers = true, value_parser = values::positive)]
    pub fmax: Option<f64>,
    /// Most steps
    #[arg(long, value_name = "N", default_value_t = 500)]
    pub max_steps: usize,
    /// How steps are chosen
    #[arg(long, value_enum, default_value = "lbfgs")]
    pub optimizer: Optimizer,
    /// Atoms that do not move, counted from 1, such as 1-5,8 (with those that the file marks)
    #[arg(long, value_name = "ATOMS", value_parser = values::atoms)]
    pub fix: Option<Atoms>,
    /// Relax the periodic cell too: all of it, or with --cell=isotropic its size alone. Directions that do not repeat stay as
    /// they are; the stress that converges is per volume of the cell as given, the vacuum of a slab included
    #[arg(long, value_name = "STRAIN", num_args = 0..=1, require_equals = true, default_missing_value = "full", value_enum)]
    pub cell: Option<CellMode>,
    /// Pressure on the cell in GPa, for cells that repeat in all three directions [default: 0]
    #[arg(long, value_name = "GPA", requires = "cell", allow_negative_numbers = true, value_parser = values::finite)]
    pub pressure: Option<f64>,
    /// Print JSON: one object with the final energy and properties, whether converged, and the files
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    /// Name of the output files [default: the structure's name and .opt]
    #[arg(short, long, value_name = "NAME", help_heading = "Output")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub structure: StructureArgs,
    #[command(flatten)]
    pub compute: ComputeArgs,
}
