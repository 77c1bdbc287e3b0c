//! DFT-D4 with the charges of GFN2-xTB, as that method uses it self-consistently: dispersion whose C6 coefficients
//! follow the partial charges and the coordination numbers (E. Caldeweyher et al., J. Chem. Phys. 2019, 150, 154122; C.
//! Bannwarth, S. Ehlert, S. Grimme, J. Chem. Theory Comput. 2019, 15, 1652, Eqs. 30 to 32).

mod data;
mod weights;

use crate::coordination::{Coordination, Counting};
use crate::dispersion::{
    Damping, Kinds, Model, PairMatrix, REFERENCES, Reach, References, ThreeBody, Weights, c8_over_c6, dot,
    two_body,
};
use crate::elements::LAST_D4;
use crate::geometry::{Derivatives, Geometry};
use crate::lattice::Lattice;
use data::Element;
use oxidane_core::{Error, Result};

/// Steepness of the Gaussians over coordination numbers (E. Caldeweyher, C. Bannwarth, S. Grimme, J. Chem. Phys. 2017,
/// 147, 034112, Eq. 7).
const STEEPNESS: f64 = 6.0;
/// Reach of the sum over pairs. Cutoffs and widths of both sums are those of tblite 0.8.0, and so a part of what its
/// numbers mean: cut at other distances, the energy of a dense crystal differs by about 1e-5 hartree an atom.
const REACH_PAIRS: Reach = Reach { cutoff: 50.0, width: 0.05 };
/// Reach of the sum over triples.
const REACH_TRIPLES: Reach = Reach { cutoff: 25.0, width: 0.05 };

impl Damping {
    /// Of GFN2-xTB (C. Bannwarth et al., J. Chem. Theory Comput. 2019, 15, 1652, Table 1).
    pub const GFN2: Self = Self { s6: 1.0, s8: 2.7, s9: 5.0, a1: 0.52, a2: 5.0 };
}

/// The dispersion energy of one geometry as a function of the atomic charges.
///
/// ```
/// use oxidane_physics::{D4, Damping, Geometry};
/// let positions = [[0.0, 0.0, 0.0], [0.0, 0.0, 7.0]];
/// let argon = Geometry { numbers: &[18, 18], positions: &positions, lattice: None };
/// let mut d4 = D4::new(&argon, Damping::GFN2)?;
/// let mut potential = [0.0; 2];
/// let energy = d4.potential(&[0.0, 0.0], &mut potential);
/// assert!(energy < 0.0 && potential[0] > 0.0); // anions are more polarisable
/// # Ok::<(), oxidane_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct D4 {
    numbers: Vec<u8>,
    positions: Vec<[f64; 3]>,
    rows: Option<[[f64; 3]; 3]>,
    lattice: Lattice,
    damping: Damping,
    coordination: Coordination,
    elements: Vec<Element>,
    model: Model,
    /// The part of the weights that comes from coordination numbers.
    gaussians: Weights,
    matrix: PairMatrix,
    weights: Weights,
    by_charge: Vec<References>,
    fields: Vec<References>,
}

impl D4 {
    /// Prepares a geometry: coordination numbers, C6 between references, damped sums of all pairs. Refuses elements
    /// beyond radon and lattices without a volume.
    pub fn new(geometry: &Geometry, damping: Damping) -> Result<Self> {
        if let Some(number) = geometry.numbers.iter().find(|n| !(1..=LAST_D4).contains(*n)) {
            return Err(Error::domain(format!("D4 has no data of element {number}; only of 1 to {LAST_D4}")));
        }
        let lattice = Lattice::new(geometry.lattice)?;
        let coordination = Coordination::new(geometry, Counting::D4)?;
        let kinds = Kinds::new(geometry.numbers);
        let elements: Vec<_> = kinds.numbers.iter().map(|&n| Element::new(n)).collect();
        let model = Model::new(kinds, &damping, |s, t| elements[s].c6(&elements[t]));
        let matrix = PairMatrix::new(&model, geometry, &lattice, REACH_PAIRS);
        let mut gaussians = Weights::default();
        for (&cn, &kind) in coordination.values.iter().zip(&model.kinds.of_atom) {
            let [value, slope] = elements[kind].centers.weights(STEEPNESS, cn);
            gaussians.values.push(value);
            gaussians.by_cn.push(slope);
        }
        let empty = vec![[0.0; REFERENCES]; geometry.numbers.len()];
        Ok(Self {
            numbers: geometry.numbers.to_vec(),
            positions: geometry.positions.to_vec(),
            rows: geometry.lattice,
            lattice,
            damping,
            coordination,
            elements,
            model,
            gaussians,
            matrix,
            weights: Weights { values: empty.clone(), by_cn: empty.clone() },
            by_charge: empty.clone(),
            fields: empty,
        })
    }

    /// The two-body energy in hartree for atomic partial `charges` (e); adds dE/dq (hartree/e) to `potential`.
    pub fn potential(&mut self, charges: &[f64], potential: &mut [f64]) -> f64 {
        self.weigh(charges);
        self.matrix.fields(&self.model, &self.weights.values, &mut self.fields);
        let mut energy = 0.0;
        for (i, field) in self.fields.iter().enumerate() {
            energy -= 0.5 * dot(&self.weights.values[i], field);
            potential[i] -= dot(&self.by_charge[i], field);
        }
        energy
    }

    /// Adds the derivatives of the two-body energy at constant `charges`, including what goes through the coordination
    /// numbers.
    pub fn add_derivatives(&mut self, charges: &[f64], derivatives: &mut Derivatives) {
        self.weigh(charges);
        let mut de_dcn = vec![0.0; self.numbers.len()];
        let geometry = self.geometry();
        let slots = Some((&mut *derivatives, &mut de_dcn[..]));
        two_body(&self.model, &self.weights, &geometry, &self.lattice, REACH_PAIRS, false, slots);
        self.coordination.add_derivatives(&geometry, &de_dcn, derivatives);
    }

    /// The three-body energy in hartree, which takes all charges as zero; adds its derivatives if asked.
    pub fn three_body(&self, derivatives: Option<&mut Derivatives>) -> f64 {
        if self.damping.s9 == 0.0 {
            return 0.0;
        }
        let kinds = &self.model.kinds.numbers;
        let radius = |a, b| self.damping.critical_radius(c8_over_c6(a, b));
        let radii: Vec<f64> =
            kinds.iter().flat_map(|&a| kinds.iter().map(move |&b| radius(a, b).powf(16.0 / 3.0))).collect();
        let neutral: Vec<_> =
            self.elements.iter().map(|element| weights::by_charge(element, 0.0)[0]).collect();
        let scaled = |all: &[References]| -> Vec<References> {
            let scale = |(w, &kind): (&References, &usize)| product(w, &neutral[kind]);
            all.iter().zip(&self.model.kinds.of_atom).map(scale).collect()
        };
        let weights =
            Weights { values: scaled(&self.gaussians.values), by_cn: scaled(&self.gaussians.by_cn) };
        let sum = ThreeBody { model: &self.model, radii: &radii, s9: self.damping.s9, reach: REACH_TRIPLES };
        let geometry = self.geometry();
        let Some(derivatives) = derivatives else {
            return sum.evaluate(&weights, &geometry, &self.lattice, None);
        };
        let mut de_dcn = vec![0.0; self.numbers.len()];
        let slots = Some((&mut *derivatives, &mut de_dcn[..]));
        let energy = sum.evaluate(&weights, &geometry, &self.lattice, slots);
        self.coordination.add_derivatives(&geometry, &de_dcn, derivatives);
        energy
    }

    /// Sets the weights and their derivatives for `charges`.
    fn weigh(&mut self, charges: &[f64]) {
        for (i, (&charge, &kind)) in charges.iter().zip(&self.model.kinds.of_atom).enumerate() {
            let [scale, slope] = weights::by_charge(&self.elements[kind], charge);
            self.weights.values[i] = product(&self.gaussians.values[i], &scale);
            self.weights.by_cn[i] = product(&self.gaussians.by_cn[i], &scale);
            self.by_charge[i] = product(&self.gaussians.values[i], &slope);
        }
    }

    fn geometry(&self) -> Geometry<'_> {
        Geometry { numbers: &self.numbers, positions: &self.positions, lattice: self.rows }
    }
}

/// Term by term.
fn product(a: &References, b: &References) -> References {
    std::array::from_fn(|r| a[r] * b[r])
}
