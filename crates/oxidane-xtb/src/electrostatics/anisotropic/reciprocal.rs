//! The smooth part of the lattice sums of undamped multipoles, in reciprocal space.
//!
//! With conducting surroundings: the term k = 0 is left out, as for a sample without surface charge.

use oxidane_physics::geometry::{Derivatives, dot};

use super::super::ewald::{Ewald, Phases, Spectrum};
use super::pair::Moments;
use super::tensors::Tensors;

/// Adds the smooth parts of S and D (see [`Tensors`]) of all pairs of atoms at `positions`, less those of atoms with
/// themselves.
pub fn add_tensors(ewald: &Ewald, positions: &[[f64; 3]], tensors: &mut Tensors) {
    let atoms = positions.len();
    let phases = ewald.phases(positions);
    let weights: Vec<f64> = ewald.spectrum().iter().map(|s| s.value).collect();
    let scaled = |factor: &dyn Fn([f64; 3]) -> f64| -> Vec<f64> {
        weights.iter().zip(ewald.vectors()).map(|(w, &k)| w * factor(k)).collect()
    };
    for a in 0..3 {
        // sin k.(x_source - x_target) is minus the sine of k.v.
        phases.add_sines(&scaled(&|k| -k[a]), tensors.plane_mut(a));
    }
    for (element, (a, b)) in [(0, 0), (0, 1), (1, 1), (0, 2), (1, 2), (2, 2)].into_iter().enumerate() {
        phases.add_cosines(&scaled(&|k| k[a] * k[b]), tensors.plane_mut(3 + element));
    }
    let own = -ewald.own()[1];
    for i in 0..atoms {
        tensors.add(i, i, [0.0; 3], [own, 0.0, own, 0.0, 0.0, own]);
    }
}

/// Adds the derivatives of the smooth part by positions and strain.
pub fn add_derivatives(
    ewald: &Ewald,
    positions: &[[f64; 3]],
    moments: &[Moments],
    derivatives: &mut Derivatives,
) {
    let phases = ewald.phases(positions);
    for (index, (&k, &spectrum)) in ewald.vectors().iter().zip(&ewald.spectrum()).enumerate() {
        add_vector(spectrum, &phases, index, k, moments, derivatives);
    }
}

/// The densities of charge, dipole and quadrupole at one vector: sums of q, mu.k and k.Theta.k with cosine and sine.
#[derive(Default)]
struct Densities {
    charge: [f64; 2],
    dipole: [f64; 2],
    quadrupole: [f64; 2],
}

/// One reciprocal vector: E = w { Q_s P_c - Q_c P_s + (P_c^2 + P_s^2)/2 - (Q_c T_c + Q_s T_s)/3 } with the densities Q,
/// P, T of charges, dipoles and quadrupoles.
fn add_vector(
    spectrum: Spectrum,
    phases: &Phases,
    index: usize,
    k: [f64; 3],
    moments: &[Moments],
    derivatives: &mut Derivatives,
) {
    let mut sums = Densities::default();
    for (i, m) in moments.iter().enumerate() {
        let (cosine, sine) = phases.get(i, index);
        let (dipole, quadrupole) = (dot(m.dipole, k), dot(m.quadrupole_along(k), k));
        for (n, phase) in [cosine, sine].into_iter().enumerate() {
            sums.charge[n] += m.charge * phase;
            sums.dipole[n] += dipole * phase;
            sums.quadrupole[n] += quadrupole * phase;
        }
    }
    let Densities { charge: [qc, qs], dipole: [pc, ps], quadrupole: [tc, ts] } = sums;
    let by_charge = [-ps - tc / 3.0, pc - ts / 3.0];
    let by_dipole = [qs + pc, ps - qc];
    let by_quadrupole = [-qc / 3.0, -qs / 3.0];

    let weight = spectrum.value;
    let bracket = qs * pc - qc * ps + 0.5 * (pc * pc + ps * ps) - (qc * tc + qs * ts) / 3.0;
    // The derivative by k itself, where it multiplies the moments.
    let mut by_vector = [0.0; 3];
    for (i, m) in moments.iter().enumerate() {
        let (cosine, sine) = phases.get(i, index);
        let along = m.quadrupole_along(k);
        let (dipole, quadrupole) = (dot(m.dipole, k), dot(along, k));
        let by_phase: [f64; 2] = std::array::from_fn(|n| {
            m.charge * by_charge[n] + dipole * by_dipole[n] + quadrupole * by_quadrupole[n]
        });
        let turn = weight * (cosine * by_phase[1] - sine * by_phase[0]);
        let with_dipole = by_dipole[0] * cosine + by_dipole[1] * sine;
        let with_quadrupole = by_quadrupole[0] * cosine + by_quadrupole[1] * sine;
        for a in 0..3 {
            derivatives.gradient[i][a] += turn * k[a];
            by_vector[a] += weight * (with_dipole * m.dipole[a] + 2.0 * with_quadrupole * along[a]);
        }
    }
    for a in 0..3 {
        derivatives.strain[a][a] -= weight * bracket;
        for b in 0..3 {
            derivatives.strain[a][b] -= 2.0 * spectrum.slope * bracket * (k[a] * k[b])
                + 0.5 * (by_vector[a] * k[b] + by_vector[b] * k[a]);
        }
    }
}
