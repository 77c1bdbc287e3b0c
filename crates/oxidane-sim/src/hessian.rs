//! The matrix of second derivatives of the energy, by differences of forces.

use oxidane_core::{Error, Potential, Request, Result, System};

/// The Hessian d2E/dx_a dx_b in eV/angstrom^2, row after row over the 3N Cartesian coordinates (atom after atom), by central
/// differences of forces over `step` angstrom either way, made symmetric: 6N evaluations, with errors of order `step`^2 and of the
/// forces' noise over `step`.
///
/// # Errors
/// Those of the potential, and if it has no forces.
pub fn hessian(potential: &mut dyn Potential, system: &System, step: f64) -> Result<Vec<f64>> {
    let request = Request { energy: false, ..Request::FORCES };
    request.within(potential.capabilities(), potential.name())?;
    let n = 3 * system.len();
    let mut moved = system.clone();
    let mut forces = |coordinate: usize, shift: f64| -> Result<Vec<[f64; 3]>> {
        let (atom, axis) = (coordinate / 3, coordinate % 3);
        moved.positions[atom][axis] = system.positions[atom][axis] + shift;
        let forces = potential.evaluate(&moved, request)?.forces;
        moved.positions[atom][axis] = system.positions[atom][axis];
        forces.ok_or_else(|| Error::model(format!("{} gave no forces", potential.name())))
    };
    let mut hessian = vec![0.0; n * n];
    for a in 0..n {
        let (up, down) = (forces(a, step)?, forces(a, -step)?);
        for (b, (up, down)) in up.iter().flatten().zip(down.iter().flatten()).enumerate() {
            let slope = -(up - down) / (2.0 * step);
            hessian[a * n + b] += 0.5 * slope;
            hessian[b * n + a] += 0.5 * slope;
        }
    }
    Ok(hessian)
}
