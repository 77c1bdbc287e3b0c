//! The classical repulsion of screened nuclei.

use oxidane_core::Result;
use oxidane_physics::geometry::{Derivatives, Geometry};
use oxidane_physics::lattice::{Lattice, for_each_pair};

use crate::basis::Basis;
use crate::parameters::{REPULSION_EXPONENT, REPULSION_EXPONENT_LIGHT};

/// Pairs beyond this distance in bohr are left out; the energy is below 1e-20 hartree there.
const CUTOFF: f64 = 25.0;

/// The repulsion energy in hartree, E = sum_(i<j) Z_i Z_j / R exp(-sqrt(alpha_i alpha_j) R^k), where k is 1.5, or 1
/// between H and He (J. Chem. Theory Comput. 2019, 15, 1652). Adds its derivatives by positions and strain if asked
/// for. Refuses lattice vectors without a volume. Atoms at one place do not see each other.
pub fn energy(geometry: &Geometry, basis: &Basis, mut derivatives: Option<&mut Derivatives>) -> Result<f64> {
    let lattice = Lattice::new(geometry.lattice)?;
    let mut energy = 0.0;
    for_each_pair(geometry, &lattice, CUTOFF, |i, j, vector, r2| {
        // An atom meets each of its own images twice, T and -T.
        let weight = if i == j { 0.5 } else { 1.0 };
        let (value, slope) = Pair::new(geometry, basis, i, j).energy(r2);
        energy += weight * value;
        if let Some(derivatives) = derivatives.as_deref_mut() {
            derivatives.add_pair(i, j, vector, vector.map(|x| weight * slope * x));
        }
    });
    Ok(energy)
}

/// What two elements have in common.
struct Pair {
    charge: f64,
    decay: f64,
    exponent: f64,
}

impl Pair {
    fn new(geometry: &Geometry, basis: &Basis, i: usize, j: usize) -> Self {
        let (a, b) = (basis.elements[i], basis.elements[j]);
        let light = geometry.numbers[i] <= 2 && geometry.numbers[j] <= 2;
        Self {
            charge: a.nuclear_charge * b.nuclear_charge,
            decay: (a.repulsion * b.repulsion).sqrt(),
            exponent: if light { REPULSION_EXPONENT_LIGHT } else { REPULSION_EXPONENT },
        }
    }

    /// The energy at a squared distance, and its derivative by the distance divided by the distance.
    fn energy(&self, r2: f64) -> (f64, f64) {
        let r = r2.sqrt();
        let decay = self.decay * r.powf(self.exponent);
        let value = self.charge * (-decay).exp() / r;
        (value, -value * (1.0 + self.exponent * decay) / r2)
    }
}
