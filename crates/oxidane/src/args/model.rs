//! Which model computes, how precisely, on how many cores.

use std::num::NonZeroUsize;

use clap::{Args, ValueEnum};

/// Floating point type of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Precision {
    /// Single precision in the network; geometry, energies and sums in double
    F32,
    /// Double precision everywhere, about half as fast
    F64,
}

/// Options of everything that computes with a model.
#[derive(Debug, Args)]
#[command(next_help_heading = "Model")]
pub struct ComputeArgs {
    /// Model file, XequiNet checkpoint (.pt), or the name of a model inside the program (see `oxidane models`);
    /// left out: the default one
    #[arg(short, long, value_name = "FILE|NAME")]
    pub model: Option<String>,
    /// Precision of the network
    #[arg(long, value_enum, default_value = "f32")]
    pub precision: Precision,
    /// Threads to use; does not change any result [default: all cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
}

impl ComputeArgs {
    /// Sets the number of threads, before the first parallel work.
    pub fn apply_threads(&self) {
        if let Some(n) = self.threads {
            // Fails only if the pool exists already, which this call is the first to ask for.
            let _ = rayon::ThreadPoolBuilder::new().num_threads(n.get()).build_global();
        }
    }

    /// The number of threads that will work.
    pub fn thread_count(&self) -> usize {
        self.threads.map_or_else(
            || std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
            NonZeroUsize::get,
        )
    }
}

impl Precision {
    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }
}
