//! [`Optimisations`]: steps and final energies.

use oxidane_core::System;
use serde::Serialize;

use super::{Headline, Missing, missing};
use crate::answers::{End, Refusal, Relaxed};
use crate::sheet::{Cell, Figure, Sheet};

/// One molecule with the result of each model.
#[derive(Debug, Clone, Serialize)]
pub struct Optimised {
    /// Its name in the set.
    pub id: String,
    /// Number of atoms.
    pub atoms: usize,
    /// Of each model; `null` where there is none.
    pub results: Vec<Option<Relaxed>>,
    #[serde(skip)]
    refusals: Vec<Option<Refusal>>,
}

/// Sums over the molecules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Molecules computed.
    pub molecules: usize,
    /// Converged ones.
    pub converged: usize,
    /// Steps of all of them.
    pub steps: usize,
    /// Most steps of one.
    pub most: usize,
}

/// Results of optimisations.
#[derive(Debug, Clone, Serialize)]
pub struct Optimisations {
    /// Sums of each model.
    pub models: Vec<Totals>,
    /// Every molecule.
    pub molecules: Vec<Optimised>,
}

impl Optimisations {
    pub(super) fn new(
        names: &[String],
        systems: &[System],
        answers: &[&[std::result::Result<Relaxed, Refusal>]],
    ) -> Self {
        let molecules: Vec<_> = names
            .iter()
            .zip(systems)
            .enumerate()
            .map(|(i, (name, system))| Optimised {
                id: name.clone(),
                atoms: system.len(),
                results: answers.iter().map(|a| a[i].as_ref().ok().copied()).collect(),
                refusals: answers.iter().map(|a| a[i].as_ref().err().cloned()).collect(),
            })
            .collect();
        let models = (0..answers.len()).map(|m| {
            let done = || molecules.iter().filter_map(|o| o.results[m]);
            Totals {
                molecules: done().count(),
                converged: done().filter(|r| r.end == End::Converged).count(),
                steps: done().map(|r| r.steps).sum(),
                most: done().map(|r| r.steps).max().unwrap_or(0),
            }
        });
        Self { models: models.collect(), molecules }
    }

    pub(super) fn headline(&self) -> Headline {
        #[allow(clippy::cast_precision_loss)] // steps
        let steps = |t: &Totals| (t.molecules > 0).then_some(t.steps as f64);
        Headline { what: "steps in all".into(), values: self.models.iter().map(steps).collect() }
    }

    pub(super) fn missing(&self, models: &[String]) -> Vec<Missing> {
        let mut list = Vec::new();
        for (m, model) in models.iter().enumerate() {
            for molecule in &self.molecules {
                if let Some(refusal) = &molecule.refusals[m] {
                    missing::add(&mut list, model, "", &molecule.id, refusal);
                }
            }
        }
        list
    }

    pub(super) fn sheets(&self, models: &[String]) -> Vec<Sheet> {
        vec![self.totals(models), self.table(models)]
    }

    fn totals(&self, models: &[String]) -> Sheet {
        let rows = models.iter().zip(&self.models).map(|(model, t)| {
            let counts = [t.molecules, self.molecules.len(), t.converged, t.steps, t.most].map(Cell::Count);
            std::iter::once(Cell::text(model)).chain(counts).collect()
        });
        let remark = "steps: evaluations of energy and forces after the first; convergence as `oxidane opt` has it by default";
        Sheet {
            title: "Steps in all".into(),
            heads: ["model", "computed", "of", "converged", "steps", "most"].map(String::from).into(),
            rows: rows.collect(),
            remark: Some(remark.into()),
        }
    }

    fn table(&self, models: &[String]) -> Sheet {
        let mut heads = vec!["molecule".to_owned(), "atoms".to_owned()];
        for model in models {
            heads.extend([
                format!("{model}: steps"),
                "end".into(),
                "energy / eV".into(),
                "largest force".into(),
            ]);
        }
        let rows = self.molecules.iter().map(|molecule| {
            let mut row = vec![Cell::text(&*molecule.id), Cell::Count(molecule.atoms)];
            for result in &molecule.results {
                row.extend(match result {
                    Some(r) => [
                        Cell::Count(r.steps),
                        Cell::text(match r.end {
                            End::Converged => "converged",
                            End::MaxSteps => "steps used up",
                            End::Stalled => "stalled",
                        }),
                        Cell::Number(r.energy, 5),
                        Cell::Number(r.force_max, 4),
                    ],
                    None => [Cell::Empty, Cell::text("-"), Cell::Empty, Cell::Empty],
                });
            }
            row
        });
        let remark = "largest force on an atom in eV/angstrom";
        Sheet { title: "Each molecule".into(), heads, rows: rows.collect(), remark: Some(remark.into()) }
    }

    pub(super) fn figures(&self, models: &[String]) -> Vec<Figure> {
        #[allow(clippy::cast_precision_loss)] // steps
        let series = models.iter().enumerate().map(|(m, name)| {
            (name.clone(), self.molecules.iter().map(|o| o.results[m].map(|r| r.steps as f64)).collect())
        });
        vec![Figure::Bars {
            title: "Steps to convergence".into(),
            y: "steps".into(),
            groups: self.molecules.iter().map(|o| o.id.clone()).collect(),
            series: series.collect(),
        }]
    }
}
