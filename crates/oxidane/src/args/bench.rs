//! The options of `bench`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::values::{self, ModelChoice};
use super::{ComputeArgs, Kpoints, Precision};

pub const EXAMPLES: &str = "Examples:
  oxidane bench list                                what there is: what it measures, where the data come from
  oxidane bench s66x8 --data sets --model gfn2      interaction energies of S66x8 with GFN2-xTB
  oxidane bench torsions gmtkn55 --data sets --model gfn2 --model mine.oxidane
  oxidane bench nciatlas --data sets --model a.oxidane,d3=pbe --model b.oxidane,head=wb97x,name=b
  oxidane bench torsions --data sets --limit 100 --exclude trained-on.txt
  oxidane bench all --data sets --model gfn2 --limit 20 --report report.html

Files, named after --out:
  NAME.BENCHMARK.K.svg   diagrams
The data are not part of the program: `oxidane bench list` says where each set is to be had.";

/// Options of `bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// Benchmarks by name; `all` for those whose files are in the folder, `list` to explain every one
    #[arg(required = true, value_name = "NAME")]
    pub names: Vec<String>,
    /// Folder of the sets
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// Take nothing but the systems whose names are the lines of this file (# begins a remark)
    #[arg(long, value_name = "FILE", help_heading = "Part of a set")]
    pub only: Option<PathBuf>,
    /// Leave out the systems whose names are the lines of this file, such as those that a model was trained on
    #[arg(long, value_name = "FILE", help_heading = "Part of a set")]
    pub exclude: Option<PathBuf>,
    /// Take the first of every N reactions, dimers, scans or molecules of a set
    #[arg(long, value_name = "N", conflicts_with = "limit", help_heading = "Part of a set")]
    pub every: Option<NonZeroUsize>,
    /// Take at most N reactions, dimers, scans or molecules of each set, evenly spaced
    #[arg(long, value_name = "N", help_heading = "Part of a set")]
    pub limit: Option<NonZeroUsize>,
    /// A model as other commands take it, given once for each; behind it, after commas, head=NAME, d3=FUNCTIONAL, atm (with the
    /// three-body term of D3) and name=NAME for tables; left out: the default model
    #[arg(short, long = "model", value_name = "MODEL", value_parser = values::model_choice, help_heading = "Model")]
    pub models: Vec<ModelChoice>,
    /// The program's option of that name.
    #[arg(skip)]
    pub precision: Option<Precision>,
    /// Threads to use, at most 1024; does not change any result [default: all cores]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = values::threads, help_heading = "Model")]
    pub threads: Option<NonZeroUsize>,
    /// Print JSON: every number of every benchmark, a list
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    /// Write everything into one HTML file, diagrams included
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub report: Option<PathBuf>,
    /// Write the diagrams to files of this name
    #[arg(short, long, value_name = "NAME", help_heading = "Output")]
    pub out: Option<PathBuf>,
}

impl BenchArgs {
    /// The options with which a model is loaded.
    pub fn compute(&self, choice: &ModelChoice) -> ComputeArgs {
        ComputeArgs {
            model: choice.model.clone(),
            head: choice.head.clone(),
            precision: self.precision,
            etemp: None,
            kpoints: Some(Kpoints::WhereUseful),
            d3: choice.d3.clone(),
            d3_atm: choice.atm,
            field: None,
            strict: false,
            threads: self.threads,
        }
    }
}
