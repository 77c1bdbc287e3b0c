//! [`Report`]: the results of a benchmark, for all models side by side.

mod confidence;
mod differences;
mod missing;
mod optimisations;
mod profiles;

pub use differences::{Differences, Entry, Scores as DifferenceScores};
pub use missing::Missing;
pub use optimisations::{Optimisations, Optimised, Totals};
pub use profiles::{Means, Profiles, Scan, Scores as ProfileScores};

use oxidane_core::{Error, Result};
use serde::Serialize;

use crate::answers::{Answers, EnergyAnswer, Refusal, Relaxed};
use crate::benchmarks::Benchmark;
use crate::plan::{Fault, Plan, Work};
use crate::selection::Sample;
use crate::sheet::{Cell, Figure, Sheet};

/// The number that stands for a benchmark in a summary.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Headline {
    /// What it is, with the unit.
    pub what: String,
    /// For each model; `None` where nothing was computed.
    pub values: Vec<Option<f64>>,
}

/// Everything that came out of a benchmark.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The benchmark.
    #[serde(flatten)]
    pub benchmark: &'static Benchmark,
    /// Which part of the set was computed.
    pub sample: Sample,
    /// The models, in the order of all lists; after them the methods whose energies came with the set.
    pub models: Vec<String>,
    /// What nobody could compute.
    pub faults: Vec<Fault>,
    /// The number for a summary.
    pub headline: Headline,
    /// The numbers.
    pub results: Results,
}

/// The numbers of a benchmark.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Results {
    /// Of differences of energies.
    Differences(Differences),
    /// Of profiles.
    Profiles(Profiles),
    /// Of optimisations.
    Optimisations(Optimisations),
}

impl Plan {
    /// Judges the answers of models, given with their names.
    ///
    /// # Errors
    /// If the answers are not those to this plan.
    pub fn report(&self, benchmark: &'static Benchmark, answers: &[(String, Answers)]) -> Result<Report> {
        let mut models: Vec<_> = answers.iter().map(|(name, _)| name.clone()).collect();
        models.extend(self.given.iter().cloned());
        let energies = || answers.iter().map(|(_, a)| self.energies(a)).collect::<Result<Vec<_>>>();
        let results = match &self.work {
            Work::Differences { entries, weighting } => {
                Results::Differences(Differences::new(entries, weighting.as_ref(), &energies()?))
            }
            Work::Profiles { profiles, axis } => {
                Results::Profiles(Profiles::new(profiles, axis, &energies()?, self.given.len()))
            }
            Work::Optimisations(names) => {
                let relaxed = answers.iter().map(|(_, a)| self.relaxed(a)).collect::<Result<Vec<_>>>()?;
                Results::Optimisations(Optimisations::new(names, &self.systems, &relaxed))
            }
        };
        let headline = match &results {
            Results::Differences(r) => r.headline(),
            Results::Profiles(r) => r.headline(),
            Results::Optimisations(r) => r.headline(),
        };
        Ok(Report { benchmark, sample: self.sample, models, faults: self.faults.clone(), headline, results })
    }

    fn energies<'a>(&self, answers: &'a Answers) -> Result<&'a [EnergyAnswer]> {
        match answers {
            Answers::Energies(list) if list.len() == self.systems.len() => Ok(list),
            _ => Err(Self::foreign()),
        }
    }

    fn relaxed<'a>(&self, answers: &'a Answers) -> Result<&'a [std::result::Result<Relaxed, Refusal>]> {
        match answers {
            Answers::Relaxed(list) if list.len() == self.systems.len() => Ok(list),
            _ => Err(Self::foreign()),
        }
    }

    fn foreign() -> Error {
        Error::usage("the answers are not those to the structures of this benchmark")
    }
}

impl Report {
    /// Tables for people, the most important first.
    pub fn sheets(&self) -> Vec<Sheet> {
        let (mut sheets, missing) = match &self.results {
            Results::Differences(r) => (r.sheets(&self.models), r.missing(&self.models)),
            Results::Profiles(r) => (r.sheets(&self.models), r.missing(&self.models)),
            Results::Optimisations(r) => (r.sheets(&self.models), r.missing(&self.models)),
        };
        sheets.extend(missing::sheet(&missing));
        sheets.extend(self.fault_sheet());
        sheets
    }

    /// What models have not computed, by model, subset and reason.
    pub fn missing(&self) -> Vec<Missing> {
        match &self.results {
            Results::Differences(r) => r.missing(&self.models),
            Results::Profiles(r) => r.missing(&self.models),
            Results::Optimisations(r) => r.missing(&self.models),
        }
    }

    /// Diagrams.
    pub fn figures(&self) -> Vec<Figure> {
        match &self.results {
            Results::Differences(r) => r.figures(&self.models),
            Results::Profiles(r) => r.figures(&self.models),
            Results::Optimisations(r) => r.figures(&self.models),
        }
    }

    fn fault_sheet(&self) -> Option<Sheet> {
        if self.faults.is_empty() {
            return None;
        }
        let mut grouped: Vec<(&str, &str, Vec<&str>)> = Vec::new();
        for fault in &self.faults {
            match grouped.iter_mut().find(|g| (g.0, g.1) == (&*fault.subset, &*fault.reason)) {
                Some(group) => group.2.push(&fault.id),
                None => grouped.push((&fault.subset, &fault.reason, vec![&fault.id])),
            }
        }
        let rows = grouped.into_iter().map(|(subset, reason, ids)| {
            let names = missing::names(&ids);
            vec![Cell::text(subset), Cell::Count(ids.len()), Cell::text(reason), Cell::text(names)]
        });
        Some(Sheet {
            title: "Not computable from the files".into(),
            heads: ["subset", "number", "why", "which"].map(String::from).into(),
            rows: rows.collect(),
            remark: None,
        })
    }
}
