//! The options of `freq`.

use std::path::PathBuf;

use clap::Args;

use super::values;
use super::{ComputeArgs, StructureArgs};

pub const EXAMPLES: &str = "Examples:
  oxidane opt aspirin.xyz --convergence tight --precision f64   frequencies need a minimum
  oxidane freq aspirin.opt.xyz                    wavenumbers, zero-point energy, enthalpy, entropy, Gibbs energy
  oxidane freq ts.xyz --model gfn2                a transition state: one imaginary mode
  oxidane freq water.xyz --symmetry 2 --temp 373.15 --pressure 0.5
  oxidane freq *.xyz --json > results.json        everything, with the modes, for other programs";

/// Options of `freq`.
#[derive(Debug, Args)]
pub struct FreqArgs {
    /// Structures, best at minima or saddle points of the same model; any number of files and frames
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Temperature of the gas in K [default: 298.15]
    #[arg(long, value_name = "K", allow_negative_numbers = true, value_parser = values::positive)]
    pub temp: Option<f64>,
    /// Pressure of the gas in bar [default: 1.01325]
    #[arg(long, value_name = "BAR", allow_negative_numbers = true, value_parser = values::positive)]
    pub pressure: Option<f64>,
    /// Symmetry number of the molecule: rotations that leave it as it is [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub symmetry: Option<u32>,
    /// Wavenumber in 1/cm below which vibrations count more and more as free rotors in the entropy; 0: none do [default: 50]
    #[arg(long, value_name = "1/CM", allow_negative_numbers = true, value_parser = values::not_negative)]
    pub rotor_cutoff: Option<f64>,
    /// Displacement in angstrom by which forces are differenced, at most 0.1
    #[arg(long, value_name = "A", default_value_t = 0.005, allow_negative_numbers = true, value_parser = values::displacement)]
    pub step: f64,
    /// Print JSON: a list with one object per structure: Hessian, wavenumbers, modes, thermochemistry
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    #[command(flatten)]
    pub structure: StructureArgs,
    #[command(flatten)]
    pub compute: ComputeArgs,
}
