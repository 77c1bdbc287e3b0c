//! The command line: one definition per option, which feeds parsing, help and completions.

mod bench;
mod calibrate;
mod eval;
mod freq;
mod import;
mod label;
mod md;
mod model;
mod opt;
mod rdf;
mod sample;
mod structure;
mod train;
mod values;
mod verbs;

pub use bench::BenchArgs;
pub use calibrate::CalibrateArgs;
pub use eval::EvalArgs;
pub use freq::FreqArgs;
pub use import::{ImportArgs, ImportFrom, XequinetArgs};
pub use label::LabelArgs;
pub use md::{EnsembleKind, MdArgs, Velocities};
pub use model::{ComputeArgs, Kpoints, Precision};
pub use opt::{CellMode, Level, OptArgs, Optimizer};
pub use rdf::RdfArgs;
pub use sample::{
    DisplaceArgs, Draws, ModeStatistics, ModesArgs, SampleArgs, SampleFiles, SampleKind, SampleMdArgs,
    TorsionsArgs,
};
pub use structure::StructureArgs;
pub use train::TrainArgs;
pub use values::{Atoms, ModelChoice};
pub use verbs::{CompletionsArgs, InfoArgs, ModelsArgs, ShowArgs, SpArgs};

use crate::exit::EXIT_CODES;
use crate::output::Voice;
use clap::{Parser, Subcommand};

/// Learned force fields and GFN2-xTB for molecules and materials.
///
/// Energies, forces, optimised geometries and dynamics from neural network potentials, or from the tight-binding method
/// GFN2-xTB (--model gfn2; hydrogen to radon). A trained model is inside the program; others are read from files. Units:
/// eV, angstrom, fs, K, e, unless a table says otherwise.
#[derive(Debug, Parser)]
#[command(name = "oxidane", version, after_help = EXIT_CODES, max_term_width = 110)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
    /// Precision of the network (gfn2: always f64); no effect where nothing is computed [default: f32, for freq f64; for train,
    /// the configuration's]
    #[arg(long, value_enum, global = true, help_heading = "Model")]
    precision: Option<Precision>,
    /// How much is said
    #[command(flatten)]
    pub voice: Voice,
}

impl Cli {
    /// Parses the arguments of this process, and hands the options of all verbs to the one given.
    ///
    /// # Errors
    /// What clap has to say: help, version, or what is wrong.
    pub fn read() -> Result<Self, clap::Error> {
        let mut cli = Self::try_parse()?;
        if let Some(precision) = cli.precision {
            match &mut cli.verb {
                Verb::Sp(args) => args.compute.precision = Some(precision),
                Verb::Opt(args) => args.compute.precision = Some(precision),
                Verb::Md(args) => args.compute.precision = Some(precision),
                Verb::Freq(args) => args.compute.precision = Some(precision),
                Verb::Eval(args) => args.compute.precision = Some(precision),
                Verb::Label(args) => args.compute.precision = Some(precision),
                Verb::Sample(args) => args.set_precision(precision),
                Verb::Bench(args) => args.precision = Some(precision),
                Verb::Train(args) => args.precision = Some(precision),
                Verb::Calibrate(_)
                | Verb::Rdf(_)
                | Verb::Import(_)
                | Verb::Info(_)
                | Verb::Models(_)
                | Verb::Completions(_) => {}
            }
        }
        Ok(cli)
    }
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Energy of structures (single point); forces, virial, charges, dipole, orbitals on request
    #[command(after_long_help = verbs::SP_EXAMPLES)]
    Sp(SpArgs),
    /// Geometry optimisation: a table of steps, the final geometry, a trajectory
    #[command(after_long_help = opt::EXAMPLES)]
    Opt(OptArgs),
    /// Molecular dynamics at constant energy or temperature, with exact restarts
    #[command(after_long_help = md::EXAMPLES)]
    Md(MdArgs),
    /// Harmonic vibrations and thermochemistry: wavenumbers, zero-point energy, enthalpy, entropy, Gibbs energy
    #[command(after_long_help = freq::EXAMPLES)]
    Freq(FreqArgs),
    /// Train a model on labelled structures
    #[command(after_long_help = train::EXAMPLES)]
    Train(TrainArgs),
    /// Give a trained model an uncertainty of its energies
    #[command(after_long_help = calibrate::EXAMPLES)]
    Calibrate(CalibrateArgs),
    /// Errors of a model on labelled structures: MAE and RMSE, parity plots
    #[command(after_long_help = eval::EXAMPLES)]
    Eval(EvalArgs),
    /// Radial distribution functions of a trajectory
    #[command(after_long_help = rdf::EXAMPLES)]
    Rdf(RdfArgs),
    /// Label structures: energies, forces and charges of any model, beside the labels that are there
    #[command(after_long_help = label::EXAMPLES)]
    Label(LabelArgs),
    /// Make geometries to learn from: displacements, vibrations, dynamics, turned bonds
    #[command(after_long_help = sample::EXAMPLES)]
    Sample(SampleArgs),
    /// Benchmarks of models side by side: torsions, interactions, GMTKN55, barriers, crystals, optimisations
    #[command(after_long_help = bench::EXAMPLES)]
    Bench(BenchArgs),
    /// Turn a checkpoint of another program into a model file
    #[command(after_long_help = import::EXAMPLES)]
    Import(ImportArgs),
    /// What a model or method is: architecture, size, elements, level of theory, errors, origin
    #[command(after_long_help = verbs::INFO_EXAMPLES)]
    Info(InfoArgs),
    /// The models and methods that come with the program
    Models(ModelsArgs),
    /// Completions for a shell, to be sourced by it
    #[command(after_long_help = verbs::COMPLETIONS_EXAMPLES)]
    Completions(CompletionsArgs),
}

#[cfg(test)]
mod tests {
    #[test]
    fn definitions_are_consistent() {
        <super::Cli as clap::CommandFactory>::command().debug_assert();
    }
}
