//! Which model computes, how precisely, on how many cores.

use std::num::NonZeroUsize;

use clap::{Args, ValueEnum};
use oxidane_core::{Error, ErrorKind, Mesh, Result};

use super::values;

/// Floating point type of the network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Precision {
    /// Single precision in the network; geometry, energies and sums in double
    #[default]
    F32,
    /// Double precision everywhere, about half as fast
    F64,
}

/// k-points of GFN2-xTB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kpoints {
    /// So many along a, b and c.
    Of([u32; 3]),
    /// As the width of the cell asks.
    Auto,
    /// The same, of those models that have GFN2-xTB in them.
    WhereUseful,
}

/// Width in angstrom to which cells are repeated where the program chooses.
const WIDE: f64 = 10.0;

impl Kpoints {
    /// What computes them.
    pub fn mesh(self) -> Mesh {
        match self {
            Self::Of(copies) => Mesh::Of(copies),
            Self::Auto | Self::WhereUseful => Mesh::Wide(WIDE),
        }
    }
}

/// Options of everything that computes with a model.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Model")]
pub struct ComputeArgs {
    /// Model file, XequiNet checkpoint (.pt), or the name of a model or method inside the program (see `oxidane models`), such
    /// as gfn2 for GFN2-xTB; left out: the default model
    #[arg(short, long, value_name = "FILE|NAME")]
    pub model: Option<String>,
    /// Level of theory, of a model that has several (see `oxidane info`); left out: the model's default
    #[arg(long, value_name = "NAME")]
    pub head: Option<String>,
    /// The program's option of that name.
    #[arg(skip)]
    pub precision: Option<Precision>,
    /// Electronic temperature of gfn2 in K [default: 300]
    #[arg(long, value_name = "K", allow_negative_numbers = true)]
    pub etemp: Option<f64>,
    /// Mesh of k-points around Gamma for crystals with GFN2-xTB (alone, or below a network): three numbers such as 2,2,3, or auto for cells
    /// repeated to a width of 10 A, in single points and at a cell that stays [default: Gamma alone]
    #[arg(long, value_name = "A,B,C|auto", value_parser = values::kpoints)]
    pub kpoints: Option<Kpoints>,
    /// Add the dispersion D3(BJ) with the parameters of this functional, such as pbe; for models of levels of theory without
    /// dispersion
    #[arg(long, value_name = "FUNCTIONAL")]
    pub d3: Option<String>,
    /// With the three-body term (Axilrod-Teller-Muto) of D3
    #[arg(long, requires = "d3")]
    pub d3_atm: bool,
    /// Uniform electric field in V/angstrom, along which positive charge is pulled; for molecules and models with equilibrated
    /// charges. Energies are those to second order in the field
    #[arg(long, num_args = 3, value_names = ["X", "Y", "Z"], allow_hyphen_values = true, value_parser = values::finite)]
    pub field: Option<Vec<f64>>,
    /// Refuse structures with an atom whose surroundings are stranger than any that the model was trained on, instead of a
    /// note; for models with an uncertainty (see `oxidane info`)
    #[arg(long)]
    pub strict: bool,
    /// Threads to use, at most 1024; does not change any result [default: all cores]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = values::threads)]
    pub threads: Option<NonZeroUsize>,
}

impl ComputeArgs {
    /// The mesh of k-points of GFN2-xTB, if there is one.
    pub fn mesh(&self) -> Option<Mesh> {
        self.kpoints.map(Kpoints::mesh)
    }

    /// Sets the number of threads, before the first parallel work.
    ///
    /// # Errors
    /// If the system does not give so many.
    pub fn apply_threads(&self) -> Result<()> {
        let Some(n) = self.threads else { return Ok(()) };
        rayon::ThreadPoolBuilder::new().num_threads(n.get()).build_global().map_err(|e| {
            Error::new(
                ErrorKind::Io,
                format!("{n} threads cannot be started ({e}); give fewer with --threads"),
            )
        })
    }

    /// Refuses a mesh of k-points that would change with the cell.
    ///
    /// # Errors
    /// If it is `auto`.
    pub fn refuse_changing_mesh(&self) -> Result<()> {
        match self.kpoints {
            Some(Kpoints::Auto) => Err(Error::usage(
                "--kpoints auto depends on the cell, which changes here, and energies would jump with it; give three numbers",
            )),
            _ => Ok(()),
        }
    }

    /// The electric field in V/angstrom, if there is one.
    pub fn electric_field(&self) -> Option<[f64; 3]> {
        self.field.as_deref().and_then(|f| f.try_into().ok())
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
