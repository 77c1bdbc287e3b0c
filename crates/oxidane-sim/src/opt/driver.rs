//! The loop of an optimisation: propose, compute, judge, report.

use std::ops::ControlFlow;

use oxidane_core::units::GIGAPASCAL;
use oxidane_core::{Evaluation, Potential, Request, Result, System};

use super::coordinates::{Coordinates, Point};
use super::fire::Fire;
use super::lbfgs::Lbfgs;
use super::options::{Convergence, Method, OptOptions};
use crate::vector::{norm3, sub3};

/// Chooses steps. Positions are in the coordinates of [`Coordinates`].
pub(super) trait Minimizer {
    /// The next step from `point`.
    fn propose(&mut self, point: &Point, coordinates: &Coordinates) -> Vec<f64>;
    /// Learns from a computed step; whether to go there.
    fn judge(&mut self, from: &Point, step: &[f64], to: &Point, coordinates: &Coordinates) -> bool;
    /// A step of this size led to where nothing could be computed: propose a much shorter one.
    fn retreat(&mut self, size: f64);
}

/// One line of the table of steps. Changes and displacements are against the last accepted geometry.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OptRow {
    /// Evaluations after the first.
    pub step: usize,
    /// Energy in eV; with a target pressure the enthalpy.
    pub energy: f64,
    /// Change of the energy in eV; `None` at step 0.
    pub energy_change: Option<f64>,
    /// Largest length of the force on a free atom, eV/angstrom.
    pub force_max: f64,
    /// Root mean square of the force components on free atoms, eV/angstrom.
    pub force_rms: f64,
    /// Largest displacement of an atom, angstrom; `None` at step 0.
    pub displacement_max: Option<f64>,
    /// Root mean square of the displacement components, angstrom; `None` at step 0.
    pub displacement_rms: Option<f64>,
    /// Largest component of the stress less the target, GPa; only with cell relaxation.
    pub stress: Option<f64>,
    /// Whether the step was taken; if not, the next one starts where this one did.
    pub accepted: bool,
}

/// What an observer sees after a step.
#[derive(Debug, Clone, Copy)]
pub struct OptStep<'a> {
    /// The line of the table.
    pub row: OptRow,
    /// The geometry.
    pub system: &'a System,
    /// The potential's results there; forces are always present.
    pub evaluation: &'a Evaluation,
}

/// How an optimisation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptStatus {
    /// All criteria hold.
    Converged,
    /// The steps were used up.
    MaxSteps,
    /// No step, however short, leads downhill any more: the forces are not those of the energy, or noise drowns them.
    Stalled,
    /// The observer broke off.
    Interrupted,
}

/// The end of an optimisation: the converged geometry, or the one of lowest energy so far.
#[derive(Debug, Clone, PartialEq)]
pub struct OptResult {
    /// The geometry.
    pub system: System,
    /// The potential's results there.
    pub evaluation: Evaluation,
    /// How it ended.
    pub status: OptStatus,
    /// Evaluations after the first.
    pub steps: usize,
    /// The table's line of the last accepted geometry.
    pub row: OptRow,
}

impl OptResult {
    /// Whether all criteria hold.
    pub fn converged(&self) -> bool {
        self.status == OptStatus::Converged
    }
}

/// Steps shorter than this (angstrom) are no steps.
const SHORTEST_STEP: f64 = 1e-7;
/// Failed evaluations in a row after which the potential's error is passed on.
const MOST_FAILURES: usize = 5;
/// The criteria on energy and displacement are waived below this fraction of the force limits.
const WAIVED_BELOW: f64 = 0.01;

/// Moves the atoms (and the cell, if asked) downhill until the forces vanish within [`OptOptions::convergence`].
///
/// The observer sees every computed geometry, the first included, and stops the optimisation by breaking. No atom
/// moves farther than [`OptOptions::max_displacement`] in a step, and no strain component changes by more than that over
/// 6 angstrom. A geometry that the potential refuses is answered by shorter steps, five times in a row at most.
/// Not reaching convergence is no error: see [`OptResult::status`].
pub fn optimize(
    potential: &mut dyn Potential,
    system: System,
    options: &OptOptions,
    observer: &mut dyn FnMut(&OptStep<'_>) -> ControlFlow<()>,
) -> Result<OptResult> {
    system.validate()?;
    options.validate(&system)?;
    potential.check(&system)?;
    let needed = if options.cell.is_some() { Request::STRESS } else { Request::FORCES };
    needed.within(potential.capabilities(), potential.name())?;
    let coordinates = Coordinates::new(system, options)?;
    let mut point = coordinates.evaluate(potential, coordinates.initial())?;
    let mut row = OptRow { step: 0, ..describe(&point, None, &coordinates) };
    if show(observer, row, &point).is_break() {
        return Ok(finish(point, row, 0, OptStatus::Interrupted));
    }
    let mut minimizer: Box<dyn Minimizer> = match options.method {
        Method::Lbfgs => Box::new(Lbfgs::new(true, options.max_displacement)),
        Method::PlainLbfgs => Box::new(Lbfgs::new(false, options.max_displacement)),
        Method::Fire => Box::new(Fire::new(point.x.len(), options.max_displacement)),
    };
    let mut best = (point.clone(), row);
    let mut failures = 0;
    let mut status = OptStatus::MaxSteps;
    let mut steps = 0;
    loop {
        if holds(&options.convergence, &row) {
            return Ok(finish(point, row, steps, OptStatus::Converged));
        }
        if steps == options.max_steps {
            break;
        }
        steps += 1;
        let step = minimizer.propose(&point, &coordinates);
        let size = coordinates.measure(&step);
        if size.is_nan() || size < SHORTEST_STEP {
            status = OptStatus::Stalled;
            break;
        }
        let x = point.x.iter().zip(&step).map(|(x, s)| x + s).collect();
        let trial = match coordinates.evaluate(potential, x) {
            Ok(trial) => trial,
            Err(error) => {
                failures += 1;
                if failures == MOST_FAILURES {
                    return Err(error);
                }
                minimizer.retreat(size);
                continue;
            }
        };
        failures = 0;
        let accepted = minimizer.judge(&point, &step, &trial, &coordinates);
        let trial_row = OptRow { step: steps, accepted, ..describe(&trial, Some(&point), &coordinates) };
        let shown = show(observer, trial_row, &trial);
        if accepted {
            (point, row) = (trial, trial_row);
            if point.value < best.0.value {
                best = (point.clone(), row);
            }
        }
        if shown.is_break() {
            status = OptStatus::Interrupted;
            break;
        }
    }
    Ok(finish(best.0, best.1, steps, status))
}

fn show(
    observer: &mut dyn FnMut(&OptStep<'_>) -> ControlFlow<()>,
    row: OptRow,
    point: &Point,
) -> ControlFlow<()> {
    observer(&OptStep { row, system: &point.system, evaluation: &point.evaluation })
}

fn finish(point: Point, row: OptRow, steps: usize, status: OptStatus) -> OptResult {
    OptResult { system: point.system, evaluation: point.evaluation, status, steps, row }
}

/// The table's line of a point, step number and acceptance aside.
fn describe(point: &Point, before: Option<&Point>, coordinates: &Coordinates) -> OptRow {
    let forces = point.evaluation.forces.as_deref().unwrap_or_default();
    let (force_max, force_rms) = max_and_rms(coordinates.free.iter().map(|&i| forces[i]));
    let moved = before.map(|b| {
        max_and_rms(point.system.positions.iter().zip(&b.system.positions).map(|(x, y)| sub3(x, y)))
    });
    OptRow {
        step: 0,
        energy: point.value,
        energy_change: before.map(|b| point.value - b.value),
        force_max,
        force_rms,
        displacement_max: moved.map(|m| m.0),
        displacement_rms: moved.map(|m| m.1),
        stress: point.stress.map(|s| s / GIGAPASCAL),
        accepted: true,
    }
}

/// Largest length and root mean square component of some vectors.
fn max_and_rms(vectors: impl Iterator<Item = [f64; 3]>) -> (f64, f64) {
    let (mut max, mut squares, mut count) = (0.0_f64, 0.0, 0);
    for v in vectors {
        let length = norm3(&v);
        max = max.max(length);
        squares += length * length;
        count += 3;
    }
    (max, if count == 0 { 0.0 } else { (squares / f64::from(count)).sqrt() })
}

/// Whether all criteria hold at the geometry of `row`.
fn holds(limits: &Convergence, row: &OptRow) -> bool {
    let below = |limit: Option<f64>, value: Option<f64>, factor: f64| {
        limit.is_none_or(|limit| value.is_some_and(|value| value.abs() <= factor * limit))
    };
    let forces = |factor: f64| {
        below(limits.force_max, Some(row.force_max), factor)
            && below(limits.force_rms, Some(row.force_rms), factor)
            && (row.stress.is_none() || below(limits.stress, row.stress, factor))
    };
    let steps = below(limits.energy, row.energy_change, 1.0)
        && below(limits.displacement_max, row.displacement_max, 1.0)
        && below(limits.displacement_rms, row.displacement_rms, 1.0);
    forces(WAIVED_BELOW) || (forces(1.0) && steps)
}
