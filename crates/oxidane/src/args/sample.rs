//! The options of `sample`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::values::{self, Bond};
use super::{ComputeArgs, Precision, StructureArgs};

pub const EXAMPLES: &str = "Examples:
  oxidane sample displace aspirin.xyz --sigma 0.05 --count 50 --out samples.xyz
  oxidane sample modes aspirin.xyz --temp 500 --count 50 --model gfn2 --out samples.xyz
  oxidane sample md aspirin.xyz --temp 500 --every 50fs --count 40 --model gfn2 --out samples.xyz
  oxidane sample torsions aspirin.xyz --step 30 --out samples.xyz

Every geometry says where it comes from: parent (file and place in it, or what the file itself says under that name, so that
samples of samples keep their first one), sample (what was done), seed, and what it was done with (sigma, temperature, bond,
angle). Everything else that the file says of the structure stays, but for real numbers, which are results at another geometry.
All atoms move, also those that a file holds fixed. The same seed gives the same geometries on any number of threads.

Files:
  OUT          the geometries in the order of the structures (extended xyz); it grows while the work goes on
  OUT.sample   what made it, how far it is, and which structures were skipped; --resume goes on from it";

/// Options of `sample`.
#[derive(Debug, Args)]
pub struct SampleArgs {
    /// How geometries are made
    #[command(subcommand)]
    pub kind: SampleKind,
}

impl SampleArgs {
    /// Hands on the precision of the network.
    pub fn set_precision(&mut self, precision: Precision) {
        match &mut self.kind {
            SampleKind::Modes(args) => args.compute.precision = Some(precision),
            SampleKind::Md(args) => args.compute.precision = Some(precision),
            SampleKind::Displace(_) | SampleKind::Torsions(_) => {}
        }
    }
}

/// How geometries are made.
#[derive(Debug, Subcommand)]
pub enum SampleKind {
    /// Random displacements of all atoms
    Displace(DisplaceArgs),
    /// Thermal vibrations in the harmonic modes of a model
    Modes(ModesArgs),
    /// Short dynamics with a model
    Md(SampleMdArgs),
    /// Parts of molecules turned about their rotatable bonds, on a grid of angles
    Torsions(TorsionsArgs),
}

/// What all kinds share.
#[derive(Debug, Args)]
pub struct SampleFiles {
    /// The structures to start from; any number of files and frames
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The extended xyz file to write
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// Also write each structure itself, before its geometries
    #[arg(long)]
    pub parents: bool,
    /// Leave out structures that nothing can be made of, and list them; without it the first one ends the work
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
}

/// How many geometries are drawn, and from which random numbers.
#[derive(Debug, Clone, Copy, Args)]
pub struct Draws {
    /// Geometries of each structure
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub count: u32,
    /// Seed of the random numbers
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

/// Options of `sample displace`.
#[derive(Debug, Args)]
pub struct DisplaceArgs {
    #[command(flatten)]
    pub files: SampleFiles,
    /// Standard deviation of the displacement of each coordinate in angstrom
    #[arg(long, value_name = "ANGSTROM", allow_negative_numbers = true, value_parser = values::positive, default_value_t = 0.05)]
    pub sigma: f64,
    #[command(flatten)]
    pub draws: Draws,
}

/// How far modes swing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ModeStatistics {
    /// As classical oscillators
    Classical,
    /// As quantum oscillators, with zero-point motion
    Quantum,
}

/// Options of `sample modes`.
#[derive(Debug, Args)]
pub struct ModesArgs {
    #[command(flatten)]
    pub files: SampleFiles,
    /// Temperature in K
    #[arg(long, value_name = "K", allow_negative_numbers = true, value_parser = values::positive, default_value_t = 300.0)]
    pub temp: f64,
    /// How far modes swing
    #[arg(long, value_enum, default_value = "classical")]
    pub statistics: ModeStatistics,
    /// Modes below this (1/cm), and unstable ones, swing as far as one of it
    #[arg(long, value_name = "1/CM", allow_negative_numbers = true, value_parser = values::positive, default_value_t = 100.0)]
    pub softest: f64,
    #[command(flatten)]
    pub draws: Draws,
    #[command(flatten)]
    pub compute: ComputeArgs,
}

/// Options of `sample md`.
#[derive(Debug, Args)]
pub struct SampleMdArgs {
    #[command(flatten)]
    pub files: SampleFiles,
    /// Temperature in K
    #[arg(long, value_name = "K", allow_negative_numbers = true, value_parser = values::positive, default_value_t = 300.0)]
    pub temp: f64,
    /// Time between geometries, the first included
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = values::time, default_value = "50fs")]
    pub every: f64,
    /// Time step in fs (or with a unit)
    #[arg(long, value_name = "FS", allow_negative_numbers = true, value_parser = values::timestep, default_value = "0.5")]
    pub dt: f64,
    /// Friction of the Langevin thermostat in 1/ps
    #[arg(long, value_name = "1/PS", allow_negative_numbers = true, value_parser = values::positive, default_value_t = 10.0)]
    pub friction: f64,
    #[command(flatten)]
    pub draws: Draws,
    #[command(flatten)]
    pub compute: ComputeArgs,
}

/// Options of `sample torsions`.
#[derive(Debug, Args)]
pub struct TorsionsArgs {
    #[command(flatten)]
    pub files: SampleFiles,
    /// Bonds to turn about, as pairs of atoms counted from 1, such as 3-4,4-7 [default: single bonds in no ring, with something to
    /// turn at both ends; not of methyl groups]
    #[arg(long, value_name = "BONDS", value_delimiter = ',', value_parser = values::bond)]
    pub bonds: Vec<Bond>,
    /// Angle between geometries in degrees, each bond once around
    #[arg(long, value_name = "DEGREES", allow_negative_numbers = true, value_parser = values::angle, default_value_t = 30.0)]
    pub step: f64,
}
