//! The approximate equilibration of charges in closed form, and its reverse.
//!
//! sum_i (chi_i q_i + J_i q_i^2 / 2) is least, with sum_i q_i = Q in each structure, for q_i = -(chi_i + lambda) / J_i,
//! lambda = -(Q + sum_j chi_j / J_j) / sum_j 1/J_j. Hardness is J_i = J0[Z_i] + softplus(z_i) with J0 > 0. All in double precision, so
//! that the total charge is exact to its rounding.

use super::ELEMENTS;
use crate::batch::Batch;
use crate::layers::top;
use crate::parameters::{Layout, Slot};
use oxidane_core::elements;
use oxidane_core::units::COULOMB;
use oxidane_math::{Real, Scalar};

/// The hardness of the elements, J0 = softplus of a weight of each.
#[derive(Debug, Clone)]
pub struct Hardness {
    table: Slot,
}

/// Charges with what their reverse needs.
#[derive(Debug, Clone)]
pub struct Equilibrium<D> {
    /// Charges in e, one per atom.
    pub charges: Vec<D>,
    /// J in eV/e^2.
    hardness: Vec<D>,
    /// z.
    argument: Vec<D>,
}

/// Adjoints of what an equilibration takes.
pub struct EquilibrationAdjoints<D> {
    /// Of chi, one per atom; of an external potential as well.
    pub electronegativity: Vec<D>,
    /// Of z.
    pub argument: Vec<D>,
    /// Of J.
    hardness: Vec<D>,
}

impl Hardness {
    /// Registers `hardness.weight`, one number of each element.
    pub fn new(layout: &mut Layout) -> Self {
        Self { table: layout.add("hardness.weight", &[ELEMENTS], true, false) }
    }

    fn weight<S: Scalar>(&self, p: &[S::Real], z: u8) -> S::Double {
        S::Double::lit(self.table.of(p)[usize::from(z)].f64())
    }

    /// Charges from chi and z of all atoms. `external`: a potential in V at each atom, which adds to chi; empty for none.
    pub fn equilibrate<S: Scalar>(
        &self,
        p: &[S::Real],
        batch: &Batch,
        mut electronegativity: Vec<S::Double>,
        argument: Vec<S::Double>,
        external: &[S::Double],
    ) -> Equilibrium<S::Double> {
        electronegativity.iter_mut().zip(external).for_each(|(chi, &v)| *chi += v);
        let hardness: Vec<S::Double> = argument
            .iter()
            .zip(&batch.numbers)
            .map(|(&x, &z)| self.weight::<S>(p, z).softplus() + x.softplus())
            .collect();
        let mut charges = vec![S::Double::zero(); batch.atoms()];
        for s in 0..batch.structures() {
            let (mut soft, mut pull) = (S::Double::zero(), S::Double::lit(f64::from(batch.charge[s])));
            for i in batch.atoms_of(s) {
                soft += hardness[i].recip();
                pull += electronegativity[i] / hardness[i];
            }
            for i in batch.atoms_of(s) {
                charges[i] = (pull / soft - electronegativity[i]) / hardness[i];
            }
        }
        Equilibrium { charges, hardness, argument }
    }

    /// Adds the gradient of the weights.
    pub fn gradient<S: Scalar>(
        &self,
        p: &[S::Real],
        batch: &Batch,
        adjoints: &EquilibrationAdjoints<S::Double>,
        gradient: &mut [S::Real],
    ) {
        let table = self.table.of_mut(gradient);
        for (&adj, &z) in adjoints.hardness.iter().zip(&batch.numbers) {
            let slope = self.weight::<S>(p, z).sigmoid();
            table[usize::from(z)] += S::Real::of(top(adj * slope));
        }
    }

    /// Writes the weights of an untrained network: the hardness of an element is that of a Gaussian charge of its covalent radius R,
    /// k_e / (sqrt(pi) R).
    pub fn initialise<R: Real>(&self, p: &mut [R]) {
        for (z, w) in (1u8..).zip(&mut self.table.of_mut(p)[1..]) {
            let hardness = COULOMB / (std::f64::consts::PI.sqrt() * elements::covalent_radius(z));
            // The inverse of softplus.
            *w = R::of(hardness.exp_m1().ln());
        }
    }
}

impl<D: Scalar<Real = f64>> Equilibrium<D> {
    /// From the adjoints a of the charges: with b_i = a_i - (sum_j a_j/J_j) / (sum_j 1/J_j), those of chi are -b_i/J_i and those
    /// of J are -b_i q_i/J_i.
    pub fn reverse(&self, batch: &Batch, charges: &[D]) -> EquilibrationAdjoints<D> {
        let n = batch.atoms();
        let mut out = EquilibrationAdjoints {
            electronegativity: vec![D::zero(); n],
            argument: vec![D::zero(); n],
            hardness: vec![D::zero(); n],
        };
        for s in 0..batch.structures() {
            let (mut soft, mut sum) = (D::zero(), D::zero());
            for i in batch.atoms_of(s) {
                soft += self.hardness[i].recip();
                sum += charges[i] / self.hardness[i];
            }
            for i in batch.atoms_of(s) {
                let chi = (sum / soft - charges[i]) / self.hardness[i];
                out.electronegativity[i] = chi;
                out.hardness[i] = chi * self.charges[i];
                out.argument[i] = out.hardness[i] * self.argument[i].sigmoid();
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Electronegativity is equalised, chi_i + J_i q_i the same for all atoms of a structure, and the charges have their sum:
    /// the two conditions of the minimum, to rounding.
    #[test]
    fn electronegativity_is_equalised() {
        let mut layout = Layout::default();
        let hardness = Hardness::new(&mut layout);
        let p: Vec<f64> = (0..ELEMENTS).map(|z| z as f64).collect();
        let batch = Batch {
            first_atom: vec![0, 3, 5, 6],
            numbers: vec![8, 1, 1, 6, 6, 3],
            charge: vec![-1, 0, 2],
            ..Batch::default()
        };
        let chi = [3.0, -1.0, 0.5, 2.0, 1.0, 7.0];
        let z = vec![0.1, -2.0, 0.7, 0.0, 3.0, 1.0];
        let out = hardness.equilibrate::<f64>(&p, &batch, chi.to_vec(), z.clone(), &[]);
        for s in 0..batch.structures() {
            let atoms = batch.atoms_of(s);
            let sum: f64 = out.charges[atoms.clone()].iter().sum();
            assert!((sum - f64::from(batch.charge[s])).abs() < 1e-14);
            let level = |i: usize| {
                let j = p[usize::from(batch.numbers[i])].exp().ln_1p() + z[i].exp().ln_1p();
                chi[i] + j * out.charges[i]
            };
            assert!(atoms.clone().all(|i| (level(i) - level(atoms.start)).abs() < 1e-13));
        }
    }
}
