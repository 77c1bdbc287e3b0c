//! The radii at which multipole interactions are damped.

use crate::basis::Basis;
use crate::parameters::{MULTIPOLE_RADIUS_MAX, MULTIPOLE_SHIFT, MULTIPOLE_STEEPNESS};

/// The damping radius of each atom as a function of its coordination number (J. Chem. Theory Comput. 2019, 15, 1652):
/// R = R_0 + (R_max - R_0) / (1 + exp(-4 (CN - N_val - 1.2))).
#[derive(Debug, Clone)]
pub struct Radii {
    radii: Vec<f64>,
    by_coordination: Vec<f64>,
}

impl Radii {
    /// The radii for the coordination numbers `coordination`, one per atom.
    pub fn new(basis: &Basis, coordination: &[f64]) -> Self {
        let (radii, by_coordination) = basis
            .elements
            .iter()
            .zip(coordination)
            .map(|(element, &cn)| {
                let excess = cn - element.valence_coordination - MULTIPOLE_SHIFT;
                let share = 1.0 / (1.0 + (-MULTIPOLE_STEEPNESS * excess).exp());
                let span = MULTIPOLE_RADIUS_MAX - element.multipole_radius;
                let slope = span * MULTIPOLE_STEEPNESS * share * (1.0 - share);
                (element.multipole_radius + span * share, slope)
            })
            .unzip();
        Self { radii, by_coordination }
    }

    /// The damping radius of a pair, the mean of both atoms', in bohr.
    pub fn of_pair(&self, i: usize, j: usize) -> f64 {
        0.5 * (self.radii[i] + self.radii[j])
    }

    /// The derivative by the coordination number of atom `i`, given the one by the radius of a pair that it belongs to.
    pub fn carry(&self, i: usize, by_radius: f64) -> f64 {
        0.5 * by_radius * self.by_coordination[i]
    }
}
