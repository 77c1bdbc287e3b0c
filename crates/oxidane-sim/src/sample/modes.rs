//! Thermal vibrations in the harmonic modes of a potential.

use crate::hessian::hessian;
use crate::md::{Random, standard_masses};
use crate::observables::{center_of_mass, rotation_axes};
use crate::vector::{cross, dot, sub3};
use faer::{Mat, Side};
use oxidane_core::units::{AMU_ANGSTROM2_PER_FS2, BOLTZMANN, PLANCK, SPEED_OF_LIGHT};
use oxidane_core::{Error, Potential, Result, System};
use std::f64::consts::TAU;

/// How far a mode swings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistics {
    /// As classical oscillators do: kT/2 of potential energy in each mode.
    Classical,
    /// As quantum oscillators do, zero-point motion included.
    Quantum,
}

/// The normal modes of a structure, without translations and (of what does not repeat) rotations.
#[derive(Debug, Clone)]
pub struct NormalModes {
    system: System,
    masses: Vec<f64>,
    /// Eigenvalues of the mass-weighted Hessian, eV/(angstrom^2 amu).
    stiffness: Vec<f64>,
    /// The eigenvectors, each of unit length in mass-weighted coordinates.
    vectors: Vec<Vec<f64>>,
}

impl NormalModes {
    /// The modes at a geometry, from a Hessian by differences of forces over `step` angstrom (6N evaluations, see [`hessian`]).
    ///
    /// # Errors
    /// Those of the potential; a structure that has no vibrations.
    pub fn new(potential: &mut dyn Potential, system: &System, step: f64) -> Result<Self> {
        let hessian = hessian(potential, system, step)?;
        Self::of_hessian(&hessian, system)
    }

    /// The modes of a Hessian in eV/angstrom^2, row after row.
    ///
    /// # Errors
    /// The structure has no vibrations, or the Hessian has a number that is not finite.
    pub fn of_hessian(hessian: &[f64], system: &System) -> Result<Self> {
        let masses = standard_masses(system);
        let n = 3 * system.len();
        let rigid = rigid_motions(system, &masses);
        if rigid.len() >= n {
            return Err(Error::input("a single atom does not vibrate"));
        }
        if hessian.iter().any(|h| !h.is_finite()) {
            return Err(Error::domain(
                "the Hessian is not finite; the structure is far outside the model's domain",
            ));
        }
        let weighted = |a: usize, b: usize| hessian[a * n + b] / (masses[a / 3] * masses[b / 3]).sqrt();
        let mut matrix: Vec<Vec<f64>> = (0..n).map(|a| (0..n).map(|b| weighted(a, b)).collect()).collect();
        // Rigid motions out of rows and columns, then far above all vibrations, so that they are the last eigenvectors.
        for motion in &rigid {
            matrix.iter_mut().for_each(|row| remove(row, motion));
        }
        transpose(&mut matrix);
        for motion in &rigid {
            matrix.iter_mut().for_each(|row| remove(row, motion));
        }
        let size: f64 = matrix.iter().map(|row| dot(row, row)).sum::<f64>().sqrt();
        let far = 2.0 * size.max(1e-6);
        let entry = |a: usize, b: usize| matrix[a][b] + far * rigid.iter().map(|v| v[a] * v[b]).sum::<f64>();
        let matrix = Mat::from_fn(n, n, |a, b| 0.5 * (entry(a, b) + entry(b, a)));
        let failed = |_| Error::not_converged("the eigenvalues of the Hessian did not converge");
        let eigen = matrix.self_adjoint_eigen(Side::Lower).map_err(failed)?;
        let (values, vectors) = (eigen.S().column_vector(), eigen.U());
        let vibrations = 0..n - rigid.len();
        Ok(Self {
            system: system.clone(),
            masses,
            stiffness: vibrations.clone().map(|k| values[k]).collect(),
            vectors: vibrations.map(|k| (0..n).map(|a| vectors[(a, k)]).collect()).collect(),
        })
    }

    /// Wavenumbers in 1/cm, ascending; those of unstable modes, which are imaginary, as negative numbers.
    pub fn wavenumbers(&self) -> Vec<f64> {
        let wavenumber =
            |d: &f64| (d.abs() / AMU_ANGSTROM2_PER_FS2).sqrt().copysign(*d) / (TAU * SPEED_OF_LIGHT) * 1e8;
        self.stiffness.iter().map(wavenumber).collect()
    }

    /// The displacements of each mode, three numbers an atom, of unit length, in the order of the wavenumbers.
    pub fn displacements(&self) -> Vec<Vec<f64>> {
        let unweighted = |vector: &Vec<f64>| {
            let moved: Vec<f64> =
                vector.iter().enumerate().map(|(a, v)| v / self.masses[a / 3].sqrt()).collect();
            let length = dot(&moved, &moved).sqrt();
            moved.iter().map(|x| x / length).collect()
        };
        self.vectors.iter().map(unweighted).collect()
    }

    /// A geometry drawn from the thermal distribution of the harmonic modes at `temperature` K, a Gaussian in each normal
    /// coordinate. Modes softer than `softest` (1/cm), and unstable ones by their absolute value, swing as one of that wavenumber does:
    /// a straight path along a rotation about a bond would leave all sense.
    pub fn thermal(
        &self,
        temperature: f64,
        statistics: Statistics,
        softest: f64,
        random: &mut Random,
    ) -> System {
        let least = (TAU * SPEED_OF_LIGHT * 1e-8 * softest).powi(2) * AMU_ANGSTROM2_PER_FS2;
        let mut deviates = vec![0.0; self.stiffness.len()];
        random.fill_normal(&mut deviates);
        let mut system = self.system.clone();
        for ((stiffness, vector), deviate) in self.stiffness.iter().zip(&self.vectors).zip(&deviates) {
            let width = width(stiffness.abs().max(least), temperature, statistics);
            for (a, v) in vector.iter().enumerate() {
                system.positions[a / 3][a % 3] += width * deviate * v / self.masses[a / 3].sqrt();
            }
        }
        system
    }
}

/// The standard deviation of a normal coordinate, angstrom amu^(1/2), of a mode of this stiffness (eV/(angstrom^2 amu)).
fn width(stiffness: f64, temperature: f64, statistics: Statistics) -> f64 {
    let thermal = BOLTZMANN * temperature;
    let energy = match statistics {
        Statistics::Classical => thermal,
        Statistics::Quantum => {
            let quantum = PLANCK / TAU * (stiffness / AMU_ANGSTROM2_PER_FS2).sqrt();
            // Twice the mean potential energy, (h nu / 2) coth(h nu / 2 kT).
            0.5 * quantum / (0.5 * quantum / thermal).tanh()
        }
    };
    (energy / stiffness).sqrt()
}

/// Translations and, of what does not repeat, rotations: orthonormal in mass-weighted coordinates; two rotations of atoms on a line.
fn rigid_motions(system: &System, masses: &[f64]) -> Vec<Vec<f64>> {
    let center = center_of_mass(masses, &system.positions);
    let axis = |k: usize| std::array::from_fn::<f64, 3, _>(|c| if c == k { 1.0 } else { 0.0 });
    let motion = |velocity: &dyn Fn(&[f64; 3]) -> [f64; 3]| -> Vec<f64> {
        let weighted = |(x, m): (&[f64; 3], &f64)| velocity(&sub3(x, &center)).map(|v| v * m.sqrt());
        system.positions.iter().zip(masses).flat_map(weighted).collect()
    };
    let mut all: Vec<Vec<f64>> = (0..3).map(|k| motion(&|_| axis(k))).collect();
    if system.cell.is_none_or(|cell| !cell.periodic.contains(&true)) {
        let axes = rotation_axes(masses, &system.positions);
        all.extend(axes.iter().map(|axis| motion(&|x| cross(axis, x))));
    }
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for mut v in all {
        // Twice: once leaves rounding along vectors that are nearly parallel.
        for _ in 0..2 {
            basis.iter().for_each(|b| remove(&mut v, b));
        }
        let length = dot(&v, &v).sqrt();
        v.iter_mut().for_each(|x| *x /= length);
        basis.push(v);
    }
    basis
}

/// Takes the part along a unit vector out.
fn remove(v: &mut [f64], along: &[f64]) {
    let part = dot(v, along);
    v.iter_mut().zip(along).for_each(|(x, a)| *x -= part * a);
}

fn transpose(matrix: &mut [Vec<f64>]) {
    for a in 0..matrix.len() {
        for b in 0..a {
            let (upper, lower) = (matrix[b][a], matrix[a][b]);
            (matrix[b][a], matrix[a][b]) = (lower, upper);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Pairs, morse};
    use oxidane_core::Request;

    /// Three atoms at the minimum of Morse bonds, of equal sides.
    fn triangle() -> (Pairs, System) {
        let side = 1.5;
        let positions = vec![[0.0, 0.0, 0.0], [side, 0.0, 0.0], [0.5 * side, 0.75_f64.sqrt() * side, 0.0]];
        (Pairs::new(morse, 10.0), System::molecule(vec![6, 6, 8], positions))
    }

    /// The stretch of two atoms on a bond of force constant k = 2 D a^2 = 9 eV/angstrom^2: omega = sqrt(k / mu). Differences over
    /// 1e-3 angstrom are right to (a h)^2.
    #[test]
    fn a_diatomic_has_its_textbook_wavenumber() {
        let system = System::molecule(vec![6, 8], vec![[0.0; 3], [0.0, 0.9, 1.2]]);
        let modes = NormalModes::new(&mut Pairs::new(morse, 10.0), &system, 1e-3).unwrap();
        let masses = standard_masses(&system);
        let reduced = masses[0] * masses[1] / (masses[0] + masses[1]);
        let omega = (9.0 / reduced / AMU_ANGSTROM2_PER_FS2).sqrt();
        let expected = omega / (TAU * SPEED_OF_LIGHT) * 1e8;
        let found = modes.wavenumbers();
        assert_eq!(found.len(), 1, "a line has two rotations: {found:?}");
        assert!((found[0] / expected - 1.0).abs() < 1e-5, "{} {expected}", found[0]);
    }

    /// Equipartition: each of the three modes holds kT/2 of (harmonic) potential energy on the mean. At 10 K the bonds are harmonic
    /// to some 1e-2 of it; 4000 samples give the mean to sqrt(2/3/4000) = 1.3e-2, three of which and the former are allowed.
    #[test]
    fn classical_modes_share_the_energy() {
        let (mut potential, system) = triangle();
        let modes = NormalModes::new(&mut potential, &system, 1e-3).unwrap();
        assert_eq!(modes.stiffness.len(), 3);
        let mut energy = |s: &System| potential.evaluate(s, Request::ENERGY).unwrap().energy.unwrap();
        let (least, mut random) = (energy(&system), Random::new(5));
        let draws = 4000;
        let sum: f64 = (0..draws)
            .map(|_| energy(&modes.thermal(10.0, Statistics::Classical, 1.0, &mut random)) - least)
            .sum();
        let ratio = sum / f64::from(draws) / (1.5 * BOLTZMANN * 10.0);
        assert!((ratio - 1.0).abs() < 0.05, "{ratio}");
    }

    /// Nothing turns or flies off, cold quantum modes keep their zero-point width, hot ones become classical.
    #[test]
    fn widths_and_what_stays_at_rest() {
        let (mut potential, system) = triangle();
        let modes = NormalModes::new(&mut potential, &system, 1e-3).unwrap();
        let mut random = Random::new(1);
        let drawn = modes.thermal(500.0, Statistics::Quantum, 1.0, &mut random);
        let masses = standard_masses(&system);
        let moved: Vec<[f64; 3]> =
            drawn.positions.iter().zip(&system.positions).map(|(a, b)| sub3(a, b)).collect();
        let drift = center_of_mass(&masses, &moved);
        let turn = crate::observables::angular_momentum(&masses, &system.positions, &moved);
        assert!(drift.iter().chain(&turn).all(|x| x.abs() < 1e-9), "{drift:?} {turn:?}");
        let stiffness = 1.0;
        let quantum = PLANCK / TAU * (stiffness / AMU_ANGSTROM2_PER_FS2).sqrt();
        let cold = width(stiffness, 1.0, Statistics::Quantum);
        assert!((cold * cold - 0.5 * quantum / stiffness).abs() < 1e-12);
        let [a, b] = [Statistics::Quantum, Statistics::Classical].map(|s| width(stiffness, 1e6, s));
        assert!((a / b - 1.0).abs() < 1e-6);
    }

    /// A mode of no stiffness swings as one of the softest wavenumber.
    #[test]
    fn soft_modes_are_held() {
        let system = System::molecule(vec![6, 8], vec![[0.0; 3], [0.0, 0.0, 1.2]]);
        let modes = NormalModes::of_hessian(&[0.0; 36], &system).unwrap();
        let drawn = modes.thermal(300.0, Statistics::Classical, 100.0, &mut Random::new(2));
        let far = drawn
            .positions
            .iter()
            .zip(&system.positions)
            .map(|(a, b)| sub3(a, b)[2].abs())
            .fold(0.0, f64::max);
        assert!(far > 0.0 && far < 1.0, "{far}");
        assert!(NormalModes::of_hessian(&[0.0; 9], &System::molecule(vec![2], vec![[0.0; 3]])).is_err());
    }
}
