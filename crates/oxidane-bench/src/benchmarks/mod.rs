//! The benchmarks by name, one file for each kind of set.

mod barriers;
mod crystals;
mod dimers;
mod geometries;
mod gmtkn55;
mod ions;
mod landscapes;
mod torsions;

use oxidane_core::{Error, Result};
use serde::Serialize;

use crate::data::{DataFolder, SetFile};
use crate::plan::Plan;
use crate::selection::Selection;

/// A number of another method from the literature.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Published {
    /// The method.
    pub method: &'static str,
    /// What the number is, with its unit.
    pub what: &'static str,
    /// The number.
    pub value: f64,
    /// Where it stands.
    pub source: &'static str,
}

/// A benchmark: what it measures, against what, and where its data come from.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Benchmark {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// What is computed, and which numbers come out.
    pub measures: &'static str,
    /// The level of theory of the reference.
    pub reference: &'static str,
    /// Where a user gets the set.
    pub source: &'static str,
    /// Its licence, as far as it is stated.
    pub licence: &'static str,
    /// The files that are read.
    pub files: &'static [SetFile],
    /// Numbers of other methods.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub published: &'static [Published],
    /// Reads the files.
    #[serde(skip)]
    read: fn(&DataFolder, &Selection) -> Result<Plan>,
}

impl Benchmark {
    /// Whether all files are in the folder.
    pub fn is_in(&self, data: &DataFolder) -> bool {
        self.files.iter().all(|&file| data.has(file))
    }

    /// Reads the set and takes from it what is selected.
    ///
    /// # Errors
    /// If a file is missing or not as expected, or nothing is left of the set.
    pub fn plan(&self, data: &DataFolder, selection: &Selection) -> Result<Plan> {
        let plan = (self.read)(data, selection)?;
        if plan.systems.is_empty() {
            return Err(Error::input(format!("nothing of the benchmark {} is selected", self.name)));
        }
        Ok(plan)
    }
}

/// All benchmarks, in the order of lists.
pub const ALL: &[Benchmark] = &[
    torsions::TORSION_TEST,
    torsions::MOBLEY,
    dimers::S66X8,
    dimers::S66X8_CURVES,
    dimers::NCIATLAS,
    dimers::SAPT10K,
    ions::ION_WATER,
    ions::ION_PAIRS,
    gmtkn55::GMTKN55,
    gmtkn55::CONFORMERS,
    gmtkn55::TAUTOMERS,
    barriers::RDB7,
    crystals::LATTICE,
    landscapes::POLYMORPHS,
    landscapes::LANDSCAPES,
    landscapes::OBSERVED,
    geometries::BAKER,
    geometries::BIRKHOLZ,
];

/// The benchmark of a name.
///
/// # Errors
/// If there is none; the message lists those that there are.
pub fn named(name: &str) -> Result<&'static Benchmark> {
    ALL.iter().find(|b| b.name == name).ok_or_else(|| {
        let names: Vec<_> = ALL.iter().map(|b| b.name).collect();
        Error::usage(format!("there is no benchmark `{name}`; there are {}", names.join(", ")))
    })
}
