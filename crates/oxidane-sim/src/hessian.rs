//! The matrix of second derivatives of the energy, by differences of forces.

use oxidane_core::{Error, Potential, Request, Result, System};
use rayon::prelude::*;

const REQUEST: Request = Request { energy: false, ..Request::FORCES };

/// The Hessian d2E/dx_a dx_b in eV/angstrom^2, row after row over the 3N Cartesian coordinates (atom after atom), by central
/// differences of forces over `step` angstrom either way, made symmetric: 6N evaluations, with errors of order `step`^2 and of the
/// forces' noise over `step`.
///
/// # Errors
/// Those of the potential, and if it has no forces.
pub fn hessian(potential: &mut dyn Potential, system: &System, step: f64) -> Result<Vec<f64>> {
    REQUEST.within(potential.capabilities(), potential.name())?;
    let slopes = (0..3 * system.len()).map(|a| slope(potential, system, a, step, &[]));
    Ok(symmetric(&slopes.collect::<Result<Vec<_>>>()?))
}

/// [`hessian`] with the coordinates spread over all threads. Every evaluation starts from what the potential remembers of the geometry in
/// the middle ([`Potential::memory`]), so that the result does not depend on the number of threads. `observe` is told how many
/// coordinates are done; its error ends the work.
///
/// # Errors
/// Those of the potential and of `observe`, and if the potential has no forces.
pub fn parallel_hessian<E: From<Error>>(
    potential: &dyn Potential,
    system: &System,
    step: f64,
    observe: &mut dyn FnMut(usize) -> std::result::Result<(), E>,
) -> std::result::Result<Vec<f64>, E> {
    REQUEST.within(potential.capabilities(), potential.name())?;
    let mut middle = potential.fork();
    middle.follow(true);
    middle.evaluate(system, REQUEST)?;
    let memory = middle.memory();
    let mut slopes = Vec::with_capacity(3 * system.len());
    let coordinates: Vec<usize> = (0..3 * system.len()).collect();
    // Few at a time: a fork has buffers of its own, and the observer is asked in between.
    for wave in coordinates.chunks(2 * rayon::current_num_threads()) {
        // Potentials go to any thread, but are not shared between them: forks are made here.
        let mut workers: Vec<_> = wave.iter().map(|&a| (a, potential.fork())).collect();
        let found: Vec<Result<Vec<f64>>> = workers
            .par_iter_mut()
            .map(|(a, worker)| {
                worker.follow(true);
                slope(&mut **worker, system, *a, step, &memory)
            })
            .collect();
        // Of several errors the first coordinate's, whichever came first.
        for row in found {
            slopes.push(row?);
        }
        observe(slopes.len())?;
    }
    Ok(symmetric(&slopes))
}

/// The row of a coordinate: minus the difference of the forces over that of the coordinate. Evaluations start from `memory`, if there is one.
fn slope(
    potential: &mut dyn Potential,
    system: &System,
    coordinate: usize,
    step: f64,
    memory: &[f64],
) -> Result<Vec<f64>> {
    let (atom, axis) = (coordinate / 3, coordinate % 3);
    let mut moved = system.clone();
    let mut forces = |shift: f64| -> Result<Vec<[f64; 3]>> {
        if !memory.is_empty() {
            potential.recall(memory)?;
        }
        moved.positions[atom][axis] = system.positions[atom][axis] + shift;
        let forces = potential.evaluate(&moved, REQUEST)?.forces;
        forces.ok_or_else(|| Error::model(format!("{} gave no forces", potential.name())))
    };
    let (up, down) = (forces(step)?, forces(-step)?);
    Ok(up.iter().flatten().zip(down.iter().flatten()).map(|(up, down)| -(up - down) / (2.0 * step)).collect())
}

/// The mean of the rows and of the columns.
fn symmetric(rows: &[Vec<f64>]) -> Vec<f64> {
    let n = rows.len();
    (0..n * n).map(|at| 0.5 * (rows[at / n][at % n] + rows[at % n][at / n])).collect()
}
