//! From energies of atoms and charges to properties of structures, and the seeds of the reverse pass.

use crate::batch::Batch;
use crate::network::Outputs;
use oxidane_core::elements;
use oxidane_math::Scalar;

/// Dipole moment of each structure in e angstrom: sum_i q_i (x_i - c), with c the center of mass, which matters for ions. NaN for
/// crystals, whose dipole depends on which images are taken.
pub fn dipoles(batch: &Batch, charges: &[f64]) -> Vec<[f64; 3]> {
    let arm = arms(batch);
    let of = |s: usize| {
        if is_crystal(batch, s) {
            return [f64::NAN; 3];
        }
        std::array::from_fn(|k| batch.atoms_of(s).map(|i| charges[i] * arm[i][k]).sum())
    };
    (0..batch.structures()).map(of).collect()
}

/// Whether structure `s` repeats in any direction.
pub(super) fn is_crystal(batch: &Batch, s: usize) -> bool {
    batch.cells[s].is_some_and(|cell| cell.periodic.contains(&true))
}

/// x_i - c of all atoms, c the center of mass of the structure.
pub(super) fn arms(batch: &Batch) -> Vec<[f64; 3]> {
    let mut arms = Vec::with_capacity(batch.atoms());
    for s in 0..batch.structures() {
        let mass = |i: usize| elements::mass(batch.numbers[i]);
        let total: f64 = batch.atoms_of(s).map(mass).sum();
        let center: [f64; 3] = std::array::from_fn(|k| {
            batch.atoms_of(s).map(|i| mass(i) * batch.positions[i][k]).sum::<f64>() / total
        });
        arms.extend(
            batch
                .atoms_of(s)
                .map(|i| -> [f64; 3] { std::array::from_fn(|k| batch.positions[i][k] - center[k]) }),
        );
    }
    arms
}

/// Adjoints of energies and charges.
pub struct Seeds<D> {
    /// Of each structure's energy.
    pub energy: Vec<D>,
    /// Of each charge, without what the energy makes of it.
    pub charges: Vec<D>,
}

/// What a reverse pass starts from.
pub enum Origin<'a, D> {
    /// Derivatives of a loss by the outputs.
    Loss(&'a Outputs),
    /// Adjoints of the charges, and no others.
    Charges(&'a [D]),
}

impl<D: Scalar<Real = f64>> Origin<'_, D> {
    /// Adjoints of energies and charges.
    pub fn seeds(&self, batch: &Batch) -> Seeds<D> {
        match self {
            Self::Loss(loss) => of_loss(batch, loss),
            Self::Charges(charges) => {
                Seeds { energy: vec![D::zero(); batch.structures()], charges: charges.to_vec() }
            }
        }
    }
}

/// From the derivatives of a loss. For duals they go to the tangent, and the value of the energy's is one: the energy is
/// what is differentiated.
fn of_loss<D: Scalar<Real = f64>>(batch: &Batch, loss: &Outputs) -> Seeds<D> {
    let make =
        |loss: f64, value: f64| if D::PLANES == 2 { D::with_tangent(value, loss) } else { D::constant(loss) };
    let energy =
        (0..batch.structures()).map(|s| make(loss.energy.get(s).copied().unwrap_or(0.0), 1.0)).collect();
    let mut charges: Vec<f64> =
        (0..batch.atoms()).map(|i| loss.charges.get(i).copied().unwrap_or(0.0)).collect();
    if !loss.dipole.is_empty() {
        let arm = arms(batch);
        for s in (0..batch.structures()).filter(|&s| !is_crystal(batch, s)) {
            for i in batch.atoms_of(s) {
                charges[i] += (0..3).map(|k| loss.dipole[s][k] * arm[i][k]).sum::<f64>();
            }
        }
    }
    Seeds { energy, charges: charges.into_iter().map(|x| make(x, 0.0)).collect() }
}
