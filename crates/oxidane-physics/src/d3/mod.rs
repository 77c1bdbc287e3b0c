//! DFT-D3(BJ): dispersion whose C6 coefficients follow the coordination numbers (S. Grimme, J. Antony, S. Ehrlich, H.
//! Krieg, J. Chem. Phys. 2010, 132, 154104; S. Grimme, S. Ehrlich, L. Goerigk, J. Comput. Chem. 2011, 32, 1456).

mod data;
mod functionals;
mod potential;

pub use potential::D3Potential;

use crate::coordination::{Coordination, Counting};
use crate::dispersion::{Damping, Kinds, Model, Reach, ThreeBody, Weights, two_body};
use crate::geometry::{Derivatives, Geometry};
use crate::lattice::Lattice;
use oxidane_core::Result;

/// Steepness of the Gaussians over coordination numbers (S. Grimme et al., J. Chem. Phys. 2010, 132, 154104, Eq. 16).
const STEEPNESS: f64 = 4.0;
/// Reach of the sum over pairs.
const REACH_PAIRS: Reach = Reach { cutoff: 60.0, width: 0.0 };
/// Reach of the sum over triples.
const REACH_TRIPLES: Reach = Reach { cutoff: 40.0, width: 0.0 };
/// The radii of the damping of triples in units of the van der Waals distances.
const RADII_TRIPLES: f64 = 4.0 / 3.0;

/// The dispersion correction of one functional.
///
/// ```
/// use oxidane_physics::{D3, Geometry};
/// let positions = [[0.0, 0.0, 0.0], [0.0, 0.0, 7.0]];
/// let argon = Geometry { numbers: &[18, 18], positions: &positions, lattice: None };
/// let energy = D3::of("PBE", false)?.evaluate(&argon, None)?;
/// assert!(energy < 0.0);
/// # Ok::<(), oxidane_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct D3 {
    /// Strengths and ranges.
    pub damping: Damping,
    /// Spread the sum over pairs over the rayon pool; the results have the same bits.
    pub parallel: bool,
}

impl D3 {
    /// Of a functional by its name in any spelling, such as `PBE`, `b3lyp`, `r2SCAN`, `CAM-B3LYP`, with or without the
    /// Axilrod-Teller-Muto term. Refuses unknown names.
    pub fn of(functional: &str, three_body: bool) -> Result<Self> {
        let (_, damping) = functionals::find(functional)?;
        let damping = Damping { s9: if three_body { damping.s9 } else { 0.0 }, ..damping };
        Ok(Self { damping, parallel: false })
    }

    /// The energy in hartree; adds its derivatives if asked. Refuses elements beyond plutonium and lattices without a
    /// volume.
    pub fn evaluate(&self, geometry: &Geometry, derivatives: Option<&mut Derivatives>) -> Result<f64> {
        let coordination = Coordination::new(geometry, Counting::D3)?;
        let lattice = Lattice::new(geometry.lattice)?;
        let kinds = Kinds::new(geometry.numbers);
        let elements: Vec<_> = kinds.numbers.iter().map(|&n| data::centers(n)).collect();
        let numbers = kinds.numbers.clone();
        let model = Model::new(kinds, &self.damping, |s, t| data::c6(numbers[s], numbers[t]));
        let mut weights = Weights::default();
        for (&cn, &kind) in coordination.values.iter().zip(&model.kinds.of_atom) {
            let [value, slope] = elements[kind].weights(STEEPNESS, cn);
            weights.values.push(value);
            weights.by_cn.push(slope);
        }
        let Some(derivatives) = derivatives else {
            return Ok(self.energy(&model, &weights, geometry, &lattice, None));
        };
        let mut de_dcn = vec![0.0; geometry.numbers.len()];
        let slots = Some((&mut *derivatives, &mut de_dcn[..]));
        let energy = self.energy(&model, &weights, geometry, &lattice, slots);
        coordination.add_derivatives(geometry, &de_dcn, derivatives);
        Ok(energy)
    }

    /// Both sums at given weights.
    fn energy(
        &self,
        model: &Model,
        weights: &Weights,
        geometry: &Geometry,
        lattice: &Lattice,
        mut slots: Option<(&mut Derivatives, &mut [f64])>,
    ) -> f64 {
        let reborrow = slots.as_mut().map(|(d, c)| (&mut **d, &mut **c));
        let pairs = two_body(model, weights, geometry, lattice, REACH_PAIRS, self.parallel, reborrow);
        if self.damping.s9 == 0.0 {
            return pairs;
        }
        let kinds = &model.kinds.numbers;
        let radius = |a, b| RADII_TRIPLES * data::van_der_waals(a, b);
        let radii: Vec<f64> =
            kinds.iter().flat_map(|&a| kinds.iter().map(move |&b| radius(a, b).powf(16.0 / 3.0))).collect();
        let sum = ThreeBody { model, radii: &radii, s9: self.damping.s9, reach: REACH_TRIPLES };
        pairs + sum.evaluate(weights, geometry, lattice, slots)
    }
}
