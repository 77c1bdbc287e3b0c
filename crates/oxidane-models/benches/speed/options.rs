//! Command line.

use crate::structures::{given_file, repository_file};
use oxidane_models::xpainn;
use std::path::PathBuf;
use std::str::FromStr;

const HELP: &str = "\
Usage: cargo bench -p oxidane-models --bench speed -- [OPTIONS] [FILE...]

Measures an architecture with its default sizes (random weights) on the first structure of each FILE
(default: examples/aspirin.xyz, 102 atoms of a peptide, 648 atoms of liquid water).

  --architecture NAME  xpainn or mpnice                  [default: xpainn]
  --hyperparameters JSON  other sizes, such as '{\"angular\": \"first\"}'
  --sections LIST   of products,energy,electrostatics,training,scaling  [default: products,energy,training]
  --threads N       threads                              [default: 1]
  --repeats N       timed calls of each kind             [default: by size]
  --rate GFLOPS     rate for the floor instead of measuring it
  --atoms N         size that scaling ends with (replicas of the last FILE) [default: 97200]
  --train FILE      structures of one training batch     [default: 32 molecules of 21 atoms]
  --chunk-atoms N   atoms computed together in training  [default: 128]
  --json            one JSON object per line";

/// A part of the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Rate of matrix products.
    Products,
    /// Energy and forces of the files.
    Energy,
    /// Electrostatics of the periodic files as MPNICE needs it, alone.
    Electrostatics,
    /// Training structures a second.
    Training,
    /// Replicas of the last file.
    Scaling,
}

impl FromStr for Section {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "products" => Self::Products,
            "energy" => Self::Energy,
            "electrostatics" => Self::Electrostatics,
            "training" => Self::Training,
            "scaling" => Self::Scaling,
            _ => return Err(format!("unknown section \"{text}\"")),
        })
    }
}

/// What to measure.
#[derive(Debug, Clone)]
pub struct Options {
    /// Name of the architecture.
    pub architecture: String,
    /// Hyperparameters that are not the default.
    pub hyperparameters: serde_json::Value,
    /// Sections to run.
    pub sections: Vec<Section>,
    /// Threads of the pool.
    pub threads: usize,
    /// Timed calls.
    pub repeats: Option<usize>,
    /// GFLOP/s of one thread for the floor.
    pub rate: Option<f64>,
    /// Atoms at the end of scaling.
    pub atoms: usize,
    /// Structures of a training batch.
    pub training_file: PathBuf,
    /// Atoms per chunk in training.
    pub chunk_atoms: usize,
    /// JSON instead of text.
    pub json: bool,
    /// Structures.
    pub files: Vec<PathBuf>,
}

impl Options {
    /// Reads the arguments; `None` if there is nothing to run: help was asked for, or this is not `cargo bench`
    /// (`cargo test --all-targets` starts benchmarks too, without its `--bench`).
    pub fn from_args(args: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Self {
            architecture: xpainn::NAME.into(),
            hyperparameters: serde_json::json!({}),
            sections: vec![Section::Products, Section::Energy, Section::Training],
            threads: 1,
            repeats: None,
            rate: None,
            atoms: 97_200,
            training_file: repository_file("benchmarks/structures/train32.xyz"),
            chunk_atoms: 128,
            json: false,
            files: Vec::new(),
        };
        let mut args = args;
        let mut bench = false;
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--bench" => bench = true,
                "--help" | "-h" => {
                    println!("{HELP}");
                    return Ok(None);
                }
                "--json" => options.json = true,
                "--architecture" => options.architecture = value()?,
                "--hyperparameters" => {
                    options.hyperparameters =
                        serde_json::from_str(&value()?).map_err(|e| format!("{arg}: {e}"))?;
                }
                "--sections" => {
                    options.sections = value()?.split(',').map(str::parse).collect::<Result<_, _>>()?;
                }
                "--threads" => options.threads = parse::<usize>(&arg, &value()?)?.max(1),
                "--repeats" => options.repeats = Some(parse(&arg, &value()?)?),
                "--rate" => options.rate = Some(parse(&arg, &value()?)?),
                "--atoms" => options.atoms = parse(&arg, &value()?)?,
                "--train" => options.training_file = given_file(&value()?),
                "--chunk-atoms" => options.chunk_atoms = parse(&arg, &value()?)?,
                flag if flag.starts_with('-') => return Err(format!("unknown option {flag}; see --help")),
                file => options.files.push(given_file(file)),
            }
        }
        if options.files.is_empty() {
            options.files = [
                "examples/aspirin.xyz",
                "benchmarks/structures/ala9_102.xyz",
                "benchmarks/structures/water216.xyz",
            ]
            .map(repository_file)
            .into();
        }
        Ok(bench.then_some(options))
    }

    /// Whether a section is to run.
    pub fn has(&self, section: Section) -> bool {
        self.sections.contains(&section)
    }
}

fn parse<T: FromStr>(option: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{option}: \"{text}\" is not a number that fits"))
}
