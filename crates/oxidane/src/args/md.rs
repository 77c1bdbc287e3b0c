//! The options of `md`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::values::{self, Atoms};
use super::{ComputeArgs, StructureArgs};

pub const EXAMPLES: &str = "Examples:
  oxidane md aspirin.xyz --temp 300 --time 10ps                  Langevin dynamics at 300 K
  oxidane md aspirin.xyz --temp 300 --time 20ps --ensemble nve   constant energy, started at 300 K
  oxidane md complex.xyz --temp 300 --time 5ps --model gfn2      with GFN2-xTB
  oxidane md aspirin.xyz --restart --time 50ps                   go on where a run ended or was stopped
  oxidane md frame.xyz --time 5ps --ensemble nve                 from the velocities of a frame of a trajectory
  oxidane md frame.xyz --time 5ps --velocities random --seed 2   from new ones
  oxidane md box.xyz --time 1ns --dt 1 --save-every 100fs --out production

Files, named after the structure or --out:
  NAME.traj.xyz   positions, velocities and forces (extended xyz)
  NAME.csv        energies and temperature
  NAME.svg        a plot of them
  NAME.restart    everything needed to go on to the same bits";

/// What is kept constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EnsembleKind {
    /// Constant energy (velocity Verlet)
    Nve,
    /// Constant temperature by friction and noise (BAOAB)
    Langevin,
}

/// Where initial velocities come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Velocities {
    /// The file: `velocities` in angstrom/fs (this program, CONTCAR) or ASE's `momenta`
    File,
    /// Drawn at --temp from --seed
    Random,
}

/// Options of `md`. What is not given is taken from the restart file with `--restart`, else from the defaults.
#[derive(Debug, Args)]
pub struct MdArgs {
    /// The structure to start from
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Length of the run from its very beginning, such as 500fs, 10ps or 1ns
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = values::time, required_unless_present = "restart")]
    pub time: Option<f64>,
    /// Temperature in K: of the thermostat, and of random initial velocities [default: 300]
    #[arg(long, value_name = "K", allow_negative_numbers = true, value_parser = values::not_negative)]
    pub temp: Option<f64>,
    /// Where initial velocities come from [default: the file if it has them, else random]
    #[arg(long, value_enum, conflicts_with = "restart")]
    pub velocities: Option<Velocities>,
    /// Time step in fs (or with a unit) [default: 0.5]
    #[arg(long, value_name = "FS", allow_negative_numbers = true, value_parser = values::timestep)]
    pub dt: Option<f64>,
    /// What is kept constant [default: langevin]
    #[arg(long, value_enum)]
    pub ensemble: Option<EnsembleKind>,
    /// Friction of the Langevin thermostat in 1/ps [default: 1]
    #[arg(long, value_name = "1/PS", allow_negative_numbers = true, value_parser = values::positive)]
    pub friction: Option<f64>,
    /// Seed of the random numbers: of random initial velocities and of the thermostat [default: 0]
    #[arg(long, conflicts_with = "restart")]
    pub seed: Option<u64>,
    /// Atoms that do not move, counted from 1, such as 1-5,8
    #[arg(long, value_name = "ATOMS", value_parser = values::atoms)]
    pub fix: Option<Atoms>,
    /// Go on from the restart file, in the same files and to the same bits as a run that was never stopped
    #[arg(long)]
    pub restart: bool,
    /// Begin anew where an earlier run of the same name can still go on, and lose that run
    #[arg(long, conflicts_with = "restart")]
    pub overwrite: bool,
    /// Time between frames of the trajectory and lines of energies [default: about 10fs]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = values::time, help_heading = "Output")]
    pub save_every: Option<f64>,
    /// Steps between writings of the restart file
    #[arg(long, value_name = "STEPS", default_value_t = 1000, help_heading = "Output",
          value_parser = clap::value_parser!(u64).range(1..))]
    pub restart_every: u64,
    /// Name of the output files [default: the structure's name and .md]
    #[arg(short, long, value_name = "NAME", help_heading = "Output")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub structure: StructureArgs,
    #[command(flatten)]
    pub compute: ComputeArgs,
}
