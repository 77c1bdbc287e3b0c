//! The coordinates of an optimisation: free atoms and, with cell relaxation, the deformation of the cell.
//!
//! Positions are r = F q and lattice vectors a = F a_0, with the deformation gradient F = 1 + M (columns act on column
//! vectors). The coordinates are q of the free atoms in angstrom and s M, with s = sqrt(N) (V/N)^(1/3): so scaled, a cell
//! coordinate is about as stiff as an atom's, whatever the number of atoms (after Tadmor et al., Phys. Rev. B 59, 235
//! (1999)). M is kept in the subspace of allowed strains by an orthogonal projection.

use oxidane_core::units::GIGAPASCAL;
use oxidane_core::{Error, Evaluation, Potential, Request, Result, System};

use super::options::{CellRelaxation, OptOptions, Strain};
use crate::selection::moving;
use crate::vector::{IDENTITY, Matrix, apply, dot3, inverse, multiply, norm3, sub3, transpose};

/// A geometry that was computed.
#[derive(Debug, Clone)]
pub(super) struct Point {
    pub system: System,
    pub evaluation: Evaluation,
    /// Coordinates.
    pub x: Vec<f64>,
    /// Energy, plus pressure times volume if there is a pressure, in eV.
    pub value: f64,
    /// Derivative of `value` by the coordinates, eV/angstrom.
    pub gradient: Vec<f64>,
    /// Largest allowed component of stress plus pressure, eV/angstrom^3.
    pub stress: Option<f64>,
}

/// The map between systems and coordinates.
pub(super) struct Coordinates {
    start: System,
    pub free: Vec<usize>,
    cell: Option<CellCoordinates>,
}

struct CellCoordinates {
    relaxation: CellRelaxation,
    scale: f64,
    /// Projector on the span of the periodic lattice vectors.
    periodic: Matrix,
    /// The same less the span of the fixed ones.
    free: Matrix,
    any_fixed: bool,
}

/// A strain of 1 counts as a displacement of this many angstrom in trust radii: 0.3 angstrom go with 5 percent.
const STRAIN_LENGTH: f64 = 6.0;
/// A usual elastic constant, eV/angstrom^3 (50 GPa), for the first step of the cell.
const ELASTIC_CONSTANT: f64 = 0.3;

impl Coordinates {
    pub fn new(system: System, options: &OptOptions) -> Result<Self> {
        let moves = moving(system.len(), &options.fixed).or_else(|e| {
            // With all atoms fixed in fractional coordinates, the cell can still relax.
            let all_exist = options.fixed.iter().all(|&i| i < system.len());
            if options.cell.is_some() && all_exist { Ok(vec![false; system.len()]) } else { Err(e) }
        })?;
        let free = (0..system.len()).filter(|&i| moves[i]).collect();
        let cell = options.cell.map(|r| CellCoordinates::new(&system, r)).transpose()?;
        Ok(Self { start: system, free, cell })
    }

    pub fn initial(&self) -> Vec<f64> {
        let cell = if self.cell.is_some() { 9 } else { 0 };
        self.free
            .iter()
            .flat_map(|&i| self.start.positions[i])
            .chain(std::iter::repeat_n(0.0, cell))
            .collect()
    }

    /// Stiffness to expect of each cell coordinate, eV/angstrom^2: C V / s^2.
    pub fn cell_stiffness(&self) -> Option<f64> {
        let volume = self.start.cell?.volume().abs();
        self.cell.as_ref().map(|c| ELASTIC_CONSTANT * volume / (c.scale * c.scale))
    }

    /// Size of a step in angstrom: the longest move of an atom, or the strain times 6 angstrom if that is more.
    pub fn measure(&self, step: &[f64]) -> f64 {
        let (atoms, cell) = step.split_at(3 * self.free.len());
        let atoms = atoms.as_chunks::<3>().0.iter().map(norm3).fold(0.0, f64::max);
        let scale = self.cell.as_ref().map_or(1.0, |c| c.scale);
        cell.iter().fold(atoms, |m, x| m.max(x.abs() * STRAIN_LENGTH / scale))
    }

    /// The system at coordinates `x`.
    pub fn system(&self, x: &[f64]) -> System {
        let mut system = self.start.clone();
        for (&i, q) in self.free.iter().zip(x.as_chunks::<3>().0) {
            system.positions[i] = *q;
        }
        if let Some(f) = self.deformation(x) {
            system.positions.iter_mut().for_each(|r| *r = apply(&f, r));
            if let Some(cell) = &mut system.cell {
                for a in (0..3).filter(|&a| cell.periodic[a]) {
                    cell.vectors[a] = apply(&f, &cell.vectors[a]);
                }
            }
        }
        system
    }

    fn deformation(&self, x: &[f64]) -> Option<Matrix> {
        let scale = self.cell.as_ref()?.scale;
        let m = &x[3 * self.free.len()..];
        Some(std::array::from_fn(|i| std::array::from_fn(|j| IDENTITY[i][j] + m[3 * i + j] / scale)))
    }

    /// Computes the point at `x`. Refuses energies and forces that are not finite.
    pub fn evaluate(&self, potential: &mut dyn Potential, x: Vec<f64>) -> Result<Point> {
        let request = if self.cell.is_some() { Request::STRESS } else { Request::FORCES };
        let system = self.system(&x);
        let evaluation = potential.evaluate(&system, request)?;
        let missing = |what: &str| Error::model(format!("{} gave no {what}", potential.name()));
        let mut value = evaluation.energy.ok_or_else(|| missing("energy"))?;
        let forces = evaluation
            .forces
            .as_ref()
            .filter(|f| f.len() == system.len())
            .ok_or_else(|| missing("forces"))?;
        let finite = |f: &[f64; 3]| f.iter().all(|x| x.is_finite());
        if !value.is_finite() || !forces.iter().all(finite) {
            return Err(Error::not_converged(
                "the energy or a force is not a finite number at this geometry; look for atoms too close together",
            ));
        }
        let mut gradient: Vec<f64> = Vec::with_capacity(x.len());
        let mut stress = None;
        match (&self.cell, self.deformation(&x)) {
            (Some(cell), Some(f)) => {
                let virial = evaluation.virial.ok_or_else(|| missing("virial"))?;
                let pull_back = transpose(&f);
                self.free.iter().for_each(|&i| gradient.extend(apply(&pull_back, &forces[i].map(|f| -f))));
                let volume = system.cell.map_or(0.0, |c| c.volume().abs());
                let pressure = cell.relaxation.pressure * GIGAPASCAL;
                value += pressure * volume;
                let strain_gradient: Matrix = std::array::from_fn(|i| {
                    std::array::from_fn(|j| {
                        -0.5 * (virial[i][j] + virial[j][i]) + IDENTITY[i][j] * pressure * volume
                    })
                });
                let inverse = inverse(&f).ok_or_else(|| Error::not_converged("the cell collapsed"))?;
                let by_deformation = cell.project(&multiply(&strain_gradient, &transpose(&inverse)));
                gradient.extend(by_deformation.as_flattened().iter().map(|g| g / cell.scale));
                let allowed = cell.project(&strain_gradient);
                stress = Some(allowed.as_flattened().iter().fold(0.0_f64, |m, x| m.max(x.abs())) / volume);
            }
            _ => self.free.iter().for_each(|&i| gradient.extend(forces[i].map(|f| -f))),
        }
        Ok(Point { system, evaluation, x, value, gradient, stress })
    }
}

impl CellCoordinates {
    fn new(system: &System, relaxation: CellRelaxation) -> Result<Self> {
        let cell = system.cell.ok_or_else(|| Error::usage("there is no periodic cell to relax"))?;
        let pick =
            |which: [bool; 3]| (0..3).filter(move |&a| which[a] && cell.periodic[a]).map(|a| cell.vectors[a]);
        let periodic = projector(pick([true; 3]));
        let fixed = projector(pick(relaxation.fixed_axes));
        let atoms = system.len() as f64;
        Ok(Self {
            relaxation,
            scale: atoms.sqrt() * (cell.volume().abs() / atoms).cbrt(),
            periodic,
            free: std::array::from_fn(|i| sub3(&periodic[i], &fixed[i])),
            any_fixed: relaxation.fixed_axes.contains(&true),
        })
    }

    /// The nearest allowed deformation (or gradient by it). Without fixed axes it is symmetric, so the cell does not turn;
    /// with them it leaves the fixed axes where they are, and cannot be symmetric.
    fn project(&self, m: &Matrix) -> Matrix {
        let inside = multiply(&multiply(&self.periodic, m), &self.free);
        match self.relaxation.strain {
            Strain::Isotropic => {
                let trace = |m: &Matrix| m[0][0] + m[1][1] + m[2][2];
                let mean = trace(&inside) / trace(&self.periodic);
                self.periodic.map(|row| row.map(|x| x * mean))
            }
            Strain::Full if self.any_fixed => inside,
            Strain::Full => {
                std::array::from_fn(|i| std::array::from_fn(|j| 0.5 * (inside[i][j] + inside[j][i])))
            }
        }
    }
}

/// The orthogonal projector on the span of some vectors (Gram-Schmidt).
fn projector(vectors: impl Iterator<Item = [f64; 3]>) -> Matrix {
    let mut p = [[0.0; 3]; 3];
    for v in vectors {
        let rest = sub3(&v, &apply(&p, &v));
        let square = dot3(&rest, &rest);
        if square > 1e-12 * dot3(&v, &v) {
            for i in 0..3 {
                (0..3).for_each(|j| p[i][j] += rest[i] * rest[j] / square);
            }
        }
    }
    p
}
