//! What a model answers: an energy, an optimised geometry, or a refusal with its reason.

use std::ops::ControlFlow;

use oxidane_core::{Error, ErrorKind, Potential, Request, Result, System};
use oxidane_sim::opt::{OptOptions, OptStatus, optimize};
use serde::Serialize;

/// Why a structure has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// An element, a charge or a spin that the model does not cover.
    OutsideDomain,
    /// The electrons did not become self-consistent.
    NotConverged,
    /// The structure was refused as such, for example for atoms closer than 0.4 angstrom.
    Structure,
}

impl Reason {
    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            Self::OutsideDomain => "outside the domain",
            Self::NotConverged => "not converged",
            Self::Structure => "structure refused",
        }
    }
}

/// A structure without an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// What the model said.
    pub message: String,
}

/// The answer of a structure, or the refusal that stands for it. Failures that concern the model or the machine remain errors.
fn answer<T>(result: Result<T>) -> Result<std::result::Result<T, Refusal>> {
    let refuse = |reason, error: Error| Ok(Err(Refusal { reason, message: error.message }));
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(error) => match error.kind {
            ErrorKind::Domain => refuse(Reason::OutsideDomain, error),
            ErrorKind::NotConverged => refuse(Reason::NotConverged, error),
            ErrorKind::Input => refuse(Reason::Structure, error),
            ErrorKind::Usage | ErrorKind::Model | ErrorKind::Io => Err(error),
        },
    }
}

/// The energy of a structure.
#[derive(Debug, Clone, PartialEq)]
pub struct Energy {
    /// In eV.
    pub value: f64,
    /// How far it may be off, see [`oxidane_core::Uncertainty::components`]; empty where the model does not know.
    pub deviation: Vec<f64>,
}

impl From<f64> for Energy {
    /// An energy in eV without an uncertainty.
    fn from(value: f64) -> Self {
        Self { value, deviation: Vec::new() }
    }
}

impl Energy {
    /// Adds the energy of another structure with a coefficient.
    pub(crate) fn add(&mut self, coefficient: f64, other: &Self) {
        self.value += coefficient * other.value;
        self.deviation.resize(self.deviation.len().max(other.deviation.len()), 0.0);
        self.deviation.iter_mut().zip(&other.deviation).for_each(|(sum, x)| *sum += coefficient * x);
    }

    /// The standard deviation in eV, where it is known.
    pub(crate) fn uncertainty(&self) -> Option<f64> {
        let squares = self.deviation.iter().map(|x| x * x);
        (!self.deviation.is_empty()).then(|| squares.sum::<f64>().sqrt())
    }
}

/// The energy of a structure, or why there is none.
pub type EnergyAnswer = std::result::Result<Energy, Refusal>;

/// The energy of a structure with its uncertainty, if the model has one, or why there is none.
///
/// # Errors
/// If the model has no energies at all, or fails for reasons that are not the structure's.
pub fn energy(potential: &mut dyn Potential, system: &System) -> Result<EnergyAnswer> {
    let request = Request { uncertainty: potential.capabilities().uncertainty, ..Request::ENERGY };
    let evaluated = potential.evaluate(system, request).and_then(|results| {
        let none = || Error::model(format!("{} has given no energy", potential.name()));
        let value = results.energy.ok_or_else(none)?;
        if value.is_finite() {
            Ok(Energy { value, deviation: results.uncertainty.map_or_else(Vec::new, |u| u.components) })
        } else {
            Err(Error::not_converged(format!("the energy is {value}")))
        }
    });
    answer(evaluated)
}

/// How an optimisation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// All criteria hold.
    Converged,
    /// The steps were used up.
    MaxSteps,
    /// No step led downhill any more.
    Stalled,
}

/// An optimised geometry.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Relaxed {
    /// How it ended.
    pub end: End,
    /// Evaluations after the first.
    pub steps: usize,
    /// Final energy in eV.
    pub energy: f64,
    /// Largest length of the force on an atom in eV/angstrom.
    pub force_max: f64,
}

/// Optimises a structure with the default settings of [`oxidane_sim::opt`]. The potential follows the geometry
/// ([`Potential::follow`]) in a copy, so that results do not depend on what was computed before.
///
/// # Errors
/// As [`energy`].
pub fn relax(potential: &dyn Potential, system: &System) -> Result<std::result::Result<Relaxed, Refusal>> {
    let mut own = potential.fork();
    own.follow(true);
    let result =
        optimize(&mut *own, system.clone(), &OptOptions::default(), &mut |_| ControlFlow::Continue(()));
    answer(result.map(|done| Relaxed {
        end: match done.status {
            OptStatus::Converged => End::Converged,
            OptStatus::MaxSteps => End::MaxSteps,
            OptStatus::Stalled | OptStatus::Interrupted => End::Stalled,
        },
        steps: done.steps,
        energy: done.row.energy,
        force_max: done.row.force_max,
    }))
}

/// What one model answered to a plan, by structure.
#[derive(Debug, Clone)]
pub enum Answers {
    /// Energies.
    Energies(Vec<EnergyAnswer>),
    /// Optimised geometries.
    Relaxed(Vec<std::result::Result<Relaxed, Refusal>>),
}
