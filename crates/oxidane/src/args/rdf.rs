//! The options of `rdf`.

use std::path::PathBuf;

use clap::Args;

use super::values;

pub const EXAMPLES: &str = "Examples:
  oxidane rdf water.traj.xyz --pair O O --pair O H
  oxidane rdf water.traj.xyz --pair O O --skip 100 --rmax 8    without the first 100 frames

Files, named after the first input or --out:
  NAME.csv   for each pair g(r), its standard error and the coordination number up to r
  NAME.svg   the functions";

/// Options of `rdf`.
#[derive(Debug, Args)]
pub struct RdfArgs {
    /// Frames of periodic cells, such as the trajectory of `oxidane md` (.gz, .xz, .zst are unpacked)
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Neighbours of the second element around the first; may be given several times
    #[arg(long, num_args = 2, value_names = ["A", "B"], required = true, value_parser = values::element)]
    pub pair: Vec<u8>,
    /// Largest distance in angstrom
    #[arg(long, value_name = "R", default_value_t = 8.0, value_parser = values::positive)]
    pub rmax: f64,
    /// Number of bins
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = values::bins)]
    pub bins: usize,
    /// Frames left out at the start
    #[arg(long, value_name = "FRAMES", default_value_t = 0)]
    pub skip: usize,
    /// Print JSON
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    /// Name of the files [default: the first input's name and .rdf]
    #[arg(short, long, value_name = "NAME", help_heading = "Output")]
    pub out: Option<PathBuf>,
}
