//! Quantities of a set of moving masses: centre of mass, momenta, inertia, kinetic energy, temperature.
//!
//! Masses in amu, positions in angstrom, velocities in angstrom/fs.

use oxidane_core::units::{AMU_ANGSTROM2_PER_FS2, BOLTZMANN};

use crate::vector::{cross, dot3, eigen_symmetric, sub3};

/// Centre of mass in angstrom; with velocities for `positions`, the velocity of the centre of mass.
pub fn center_of_mass(masses: &[f64], positions: &[[f64; 3]]) -> [f64; 3] {
    let total: f64 = masses.iter().sum();
    weighted_sum(masses, positions).map(|x| x / total)
}

/// Total momentum, sum m v, in amu angstrom/fs.
pub fn momentum(masses: &[f64], velocities: &[[f64; 3]]) -> [f64; 3] {
    weighted_sum(masses, velocities)
}

/// Angular momentum about the centre of mass, sum m (x - X) x v, in amu angstrom^2/fs.
pub fn angular_momentum(masses: &[f64], positions: &[[f64; 3]], velocities: &[[f64; 3]]) -> [f64; 3] {
    let center = center_of_mass(masses, positions);
    let mut sum = [0.0; 3];
    for ((m, x), v) in masses.iter().zip(positions).zip(velocities) {
        let l = cross(&sub3(x, &center), v);
        (0..3).for_each(|k| sum[k] += m * l[k]);
    }
    sum
}

/// Inertia tensor about the centre of mass, sum m (d^2 1 - d d^T), in amu angstrom^2.
pub fn inertia(masses: &[f64], positions: &[[f64; 3]]) -> [[f64; 3]; 3] {
    let center = center_of_mass(masses, positions);
    let mut tensor = [[0.0; 3]; 3];
    for (m, x) in masses.iter().zip(positions) {
        let d = sub3(x, &center);
        let square = dot3(&d, &d);
        for i in 0..3 {
            tensor[i][i] += m * square;
            (0..3).for_each(|j| tensor[i][j] -= m * d[i] * d[j]);
        }
    }
    tensor
}

/// Principal moments (ascending, amu angstrom^2) and axes (rows) of an inertia tensor; `None` if it is not finite.
pub fn principal_axes(inertia: &[[f64; 3]; 3]) -> Option<([f64; 3], [[f64; 3]; 3])> {
    eigen_symmetric(inertia)
}

/// A principal moment below this fraction of the largest counts as zero: the atoms lie on a line, as those of a linear molecule do at the end of
/// an optimisation.
const LINEAR: f64 = 1e-4;

/// The principal axes about which rotations move the atoms: none of one atom, two of atoms on a line, else three.
pub fn rotation_axes(masses: &[f64], positions: &[[f64; 3]]) -> Vec<[f64; 3]> {
    let Some((moments, axes)) = principal_axes(&inertia(masses, positions)) else { return Vec::new() };
    let moves = |moment: f64| moment > LINEAR * moments[2] && moment > 0.0;
    moments.iter().zip(axes).filter(|(moment, _)| moves(**moment)).map(|(_, axis)| axis).collect()
}

/// Number of rotations that move the atoms: 0 for one atom, 2 for atoms on a line, else 3.
pub fn rotational_degrees(masses: &[f64], positions: &[[f64; 3]]) -> usize {
    rotation_axes(masses, positions).len()
}

/// Angular velocity (rad/fs) of the rigid rotation that carries all the angular momentum; axes without inertia (of
/// atoms on a line) do not turn.
pub fn angular_velocity(masses: &[f64], positions: &[[f64; 3]], velocities: &[[f64; 3]]) -> [f64; 3] {
    let l = angular_momentum(masses, positions, velocities);
    let mut omega = [0.0; 3];
    if let Some((moments, axes)) = principal_axes(&inertia(masses, positions)) {
        for (moment, axis) in moments.iter().zip(&axes) {
            if *moment > LINEAR * moments[2] && *moment > 0.0 {
                let rate = dot3(&l, axis) / moment;
                (0..3).for_each(|k| omega[k] += rate * axis[k]);
            }
        }
    }
    omega
}

/// Kinetic energy, sum m v^2 / 2, in eV.
pub fn kinetic_energy(masses: &[f64], velocities: &[[f64; 3]]) -> f64 {
    0.5 * AMU_ANGSTROM2_PER_FS2 * masses.iter().zip(velocities).map(|(m, v)| m * dot3(v, v)).sum::<f64>()
}

/// Temperature 2 E_kin / (degrees k_B) in K of a kinetic energy in eV; 0 without degrees of freedom.
pub fn temperature(kinetic_energy: f64, degrees_of_freedom: usize) -> f64 {
    if degrees_of_freedom == 0 { 0.0 } else { 2.0 * kinetic_energy / (degrees_of_freedom as f64 * BOLTZMANN) }
}

fn weighted_sum(weights: &[f64], vectors: &[[f64; 3]]) -> [f64; 3] {
    let mut sum = [0.0; 3];
    for (w, v) in weights.iter().zip(vectors) {
        (0..3).for_each(|k| sum[k] += w * v[k]);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rigid_rotation_is_recognised() {
        let masses = [16.0, 1.0, 1.0, 12.0];
        let x = [[0.1, 0.2, -0.3], [1.5, 0.4, 0.2], [-0.6, 1.9, 0.8], [0.3, -1.0, 1.1]];
        let (omega, drift) = ([0.01, -0.02, 0.005], [0.3, 0.1, -0.2]);
        let v = x.map(|x| {
            let turn = cross(&omega, &x);
            [turn[0] + drift[0], turn[1] + drift[1], turn[2] + drift[2]]
        });
        let found = angular_velocity(&masses, &x, &v);
        // Rounding only.
        (0..3).for_each(|k| assert!((found[k] - omega[k]).abs() < 1e-15));
        assert_eq!(rotational_degrees(&masses, &x), 3);
    }

    #[test]
    fn rotations_are_counted() {
        let line = [[0.0, 0.0, 0.0], [0.5, 1.0, -0.7], [1.0, 2.0, -1.4]];
        assert_eq!(rotational_degrees(&[1.0; 3], &line), 2);
        assert_eq!(rotational_degrees(&[12.0], &line[..1]), 0);
    }

    #[test]
    fn kinetic_energy_of_a_known_speed() {
        // 1 amu at 1 angstrom/fs = 1e5 m/s: 1.66053906892e-27 kg * 1e10 m^2/s^2 / 2 / e = 51.8213 eV.
        let e = kinetic_energy(&[1.0], &[[0.0, 1.0, 0.0]]);
        assert!((e - 51.821_348).abs() < 1e-5);
        assert!((temperature(1.5 * BOLTZMANN * 300.0, 3) - 300.0).abs() < 1e-10);
    }
}
