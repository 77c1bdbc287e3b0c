//! What the dipole of equilibrated charges does in a uniform electric field and as atoms move, by the exact derivatives of a network.
//!
//! A field F adds V_i = -F.r_i to the electronegativity of each atom in every equilibration, so that positive charge flows along it,
//! and whatever depends on charges follows. With mu = sum_i q_i r_i,
//!
//! alpha_ab = d mu_a / d F_b,   Z*_i,ab = d mu_a / d r_i,b.
//!
//! One reverse pass that starts from adjoints r_ia of the charges gives row a of both: with w_i the adjoint of V_i, which is the sum of
//! those of the electronegativity, alpha_ab = -sum_i w_i r_ib.
//!
//! The energy is that of the field to second order, E(F) = E - F.mu - 1/2 F.alpha.F, the two terms being sum_i V_i (q_i + dq_i/2) with
//! dq_i the derivative of the charges along the field; so dE/dF is minus the dipole, whatever the network does with charges (its energy need not be
//! stationary in them). Charges of one closed-form equilibration are linear in F and alpha is symmetric; the second order is then all. Where
//! charges feed back into features (MPNICE), higher orders are left out and alpha is symmetric only nearly.
//!
//! All of this is for molecules. In a crystal V is not periodic, and its limit of long waves does not help: the charges of a cell
//! share one level, as in a metal, so that a wave of any length moves charge between its crests and the polarisation per field
//! (or per displacement) grows beyond bounds with the wavelength. Crystals get NaN, as for the dipole.

use super::moments::{arms, dipoles, is_crystal};
use crate::batch::Batch;
use crate::derivatives::{Derivatives, symmetric};
use crate::network::{Network, Outputs, Scratch};
use oxidane_core::{Error, Request, Result};
use oxidane_math::{Dual, Real, Scalar};

/// Derivatives of the dipole moment of one structure; NaN for crystals.
#[derive(Debug, Clone, PartialEq)]
pub struct DipoleResponse {
    /// d mu_a / d F_b, `[a][b]`, in e angstrom^2/V.
    pub polarizability: [[f64; 3]; 3],
    /// d mu_a / d r_i,b, `[a][b]` of each atom, in e. Their sum over the atoms is the total charge times the unit matrix.
    pub born_charges: Vec<[[f64; 3]; 3]>,
}

/// A network with equilibrated charges.
pub(crate) trait Equilibrating<R: Real> {
    /// Its forward pass.
    type Pass<'a, S: Scalar<Real = R>>: ChargePass<S>
    where
        Self: 'a;

    /// A forward pass up to the charges. `external`: a potential in V at each atom, added to its electronegativity; empty for none.
    fn charge_pass<'a, S: Scalar<Real = R>>(
        &'a self,
        batch: &'a Batch,
        external: Vec<S::Double>,
        scratch: &mut Scratch<R>,
        parallel: bool,
    ) -> Result<Self::Pass<'a, S>>;
}

/// A forward pass up to the charges, with as many reverse passes as wanted.
pub(crate) trait ChargePass<S: Scalar> {
    /// The charges in e.
    fn charges(&self) -> Vec<S::Double>;
    /// Derivatives of sum_i adjoints_i q_i.
    fn reverse(&mut self, adjoints: &[S::Double], scratch: &mut Scratch<S::Real>) -> Derivatives<S>;
    /// Returns all buffers.
    fn recycle(self, scratch: &mut Scratch<S::Real>);
}

/// The response of each structure's dipole: one forward and three reverse passes.
pub(crate) fn dipole_responses<R: Real>(
    network: &impl Equilibrating<R>,
    batch: &Batch,
    scratch: &mut Scratch<R>,
    parallel: bool,
) -> Result<Vec<DipoleResponse>> {
    let empty = |s: usize| {
        let start = if is_crystal(batch, s) { f64::NAN } else { 0.0 };
        let tensor = [[start; 3]; 3];
        DipoleResponse { polarizability: tensor, born_charges: vec![tensor; batch.atoms_of(s).len()] }
    };
    let mut all: Vec<_> = (0..batch.structures()).map(empty).collect();
    let mut pass = network.charge_pass::<R>(batch, Vec::new(), scratch, parallel)?;
    let (arms, charges) = (arms(batch), pass.charges());
    for a in 0..3 {
        // Charge is conserved: the point about which arms are taken does not matter.
        let adjoints: Vec<_> = arms.iter().map(|x| <R as Scalar>::Double::lit(x[a])).collect();
        let derivatives = pass.reverse(&adjoints, scratch);
        let forces = derivatives.forces(batch, 0);
        for (s, response) in all.iter_mut().enumerate() {
            for (i, born) in batch.atoms_of(s).zip(&mut response.born_charges) {
                born[a][a] += charges[i].value();
                for b in 0..3 {
                    born[a][b] -= forces[i][b];
                    response.polarizability[a][b] -= derivatives.external[i].value() * arms[i][b];
                }
            }
        }
        scratch.put(derivatives.vectors);
    }
    pass.recycle(scratch);
    Ok(all)
}

/// What is requested, in a uniform field in V/angstrom: energies with their derivatives to second order in it, charges and dipoles to first.
/// For ions the potential of the field is zero at the origin of the coordinates.
pub(crate) fn run_in_field<R: Real, N: Network<R> + Equilibrating<R>>(
    network: &N,
    batch: &Batch,
    request: Request,
    field: [f64; 3],
    scratch: &mut Scratch<R>,
    parallel: bool,
) -> Result<Outputs> {
    if (0..batch.structures()).any(|s| is_crystal(batch, s)) {
        return Err(crystal_in_field());
    }
    let mut outputs = network.run(batch, request, scratch, parallel)?;
    let potential: Vec<f64> =
        batch.positions.iter().map(|x| -(0..3).map(|k| field[k] * x[k]).sum::<f64>()).collect();
    let scalar = |value: f64, tangent: f64| <Dual<R> as Scalar>::Double::with_tangent(value, tangent);
    let external = potential.iter().map(|&v| scalar(0.0, v)).collect();
    let mut pass = network.charge_pass::<Dual<R>>(batch, external, scratch, parallel)?;
    let charges = pass.charges();
    // dE/dV_i, but for the adjoint of V_i in the charges.
    let mut slopes: Vec<f64> = charges.iter().map(|q| q.value() + 0.5 * q.tangent()).collect();
    let gain: Vec<f64> = potential.iter().zip(&slopes).map(|(v, q)| v * q).collect();
    outputs.atomic_energies.iter_mut().zip(&gain).for_each(|(e, gain)| *e += gain);
    for (s, energy) in outputs.energy.iter_mut().enumerate() {
        *energy += gain[batch.atoms_of(s)].iter().sum::<f64>();
    }
    if request.forces || request.virial {
        let adjoints: Vec<_> = potential.iter().map(|&v| scalar(0.5 * v, v)).collect();
        let derivatives = pass.reverse(&adjoints, scratch);
        slopes.iter_mut().zip(&derivatives.external).for_each(|(slope, w)| *slope += w.value());
        let explicit: Vec<[f64; 3]> = slopes.iter().map(|&q| field.map(|f| q * f)).collect();
        let through = derivatives.forces(batch, 1);
        for (i, force) in outputs.forces.iter_mut().enumerate() {
            (0..3).for_each(|k| force[k] += through[i][k] + explicit[i][k]);
        }
        if request.virial {
            let through = derivatives.virial(batch, 1);
            for (s, virial) in outputs.virial.iter_mut().enumerate() {
                let mut own = [[0.0; 3]; 3];
                for i in batch.atoms_of(s) {
                    for (row, f) in own.iter_mut().zip(explicit[i]) {
                        (0..3).for_each(|b| row[b] += f * batch.positions[i][b]);
                    }
                }
                let own = symmetric(own);
                for (a, row) in virial.iter_mut().enumerate() {
                    (0..3).for_each(|b| row[b] += through[s][a][b] + own[a][b]);
                }
            }
        }
        scratch.put(derivatives.vectors);
    }
    pass.recycle(scratch);
    let in_field: Vec<f64> = charges.iter().map(|q| q.value() + q.tangent()).collect();
    if request.dipole {
        outputs.dipole = dipoles(batch, &in_field);
    }
    if request.charges {
        outputs.charges = in_field;
    }
    Ok(outputs)
}

/// The refusal of a field on what repeats.
pub(crate) fn crystal_in_field() -> Error {
    Error::usage(
        "a uniform electric field has no potential that repeats with a crystal; compute a molecule or cluster without a cell",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mpnice::{Mpnice, MpniceConfig};
    use crate::xpainn::{Embedding, Xpainn, XpainnConfig};
    use oxidane_core::System;
    use oxidane_core::check::derivative;

    fn follows(network: &impl Equilibrating<f64>) {
        let positions = vec![[0.1, 0.2, -0.1], [1.0, 0.4, 0.2], [-0.4, 0.9, 0.5], [2.1, 1.6, 0.7]];
        let system = System { charge: -1, ..System::molecule(vec![8, 1, 1, 6], positions) };
        let batch = Batch::build(&system, 4.0).unwrap();
        let mut scratch = Scratch::default();
        let alpha = dipole_responses(network, &batch, &mut scratch, false).unwrap()[0].polarizability;
        for (a, b) in (0..3).flat_map(|a| (0..3).map(move |b| (a, b))) {
            let moment = |field: f64| {
                let external = batch.positions.iter().map(|x| -field * x[b]).collect();
                let pass = network.charge_pass::<f64>(&batch, external, &mut scratch, false)?;
                let moment = pass.charges().iter().zip(&batch.positions).map(|(q, x)| q * x[a]).sum();
                pass.recycle(&mut scratch);
                Ok(moment)
            };
            let want = derivative(moment, 1e-2).unwrap();
            assert!((alpha[a][b] - want).abs() < 1e-8, "{a}{b}: {} {want}", alpha[a][b]);
        }
    }

    /// The moment of charges in fields of finite strength, through all blocks: its central differences, extrapolated from 0.01
    /// V/angstrom, are the polarisability to 1e-8 e angstrom^2/V.
    #[test]
    fn the_polarizability_is_the_derivative_in_finite_fields() {
        let config = MpniceConfig { node_dim: 16, update_dim: 12, cutoff: 4.0, ..MpniceConfig::default() };
        follows(&Mpnice::<f64>::random(&config, 3).unwrap());
        let config = XpainnConfig {
            node_dim: 12,
            node_irreps: "12x0e+4x1o".into(),
            embedding: Embedding::OneHot,
            cutoff: 4.0,
            electrostatics: Some(super::super::ElectrostaticsConfig::default()),
            ..XpainnConfig::default()
        };
        follows(&Xpainn::<f64>::random(&config, 3).unwrap());
    }
}
