//! The electronic Hamiltonian of GFN2-xTB (C. Bannwarth, S. Ehlert, S. Grimme, J. Chem. Theory Comput. 2019, 15, 1652).
//!
//! Conventions: P and W are the density and the energy-weighted density, symmetric, row-major. With the overlap S and
//! the moment matrices D, Q, whose origin is the atom of the row, q_s = n0_s - sum over mu in s of (P S)_mumu is the
//! charge of a shell, mu_A = - sum over mu in A and nu of P_munu D_munu the dipole of an atom, and its quadrupole
//! theta_A alike. The potentials are the derivatives of the energy: V_s = dE/dq_s (with those by the charge of the atom
//! added), v_A = dE/dmu_A, w_A = dE/dtheta_A for each of the six components as they are stored. Quadrupoles are
//! traceless, 3/2 x y - 1/2 r^2 delta_xy, in the order xx, xy, yy, xz, yz, zz.

mod batches;
mod core;
mod derivatives;
mod iteration;
mod moments;
mod potentials;

use oxidane_core::Result;
use oxidane_physics::geometry::Geometry;

use crate::basis::Basis;
use crate::integrals::lanes::Lanes;
use batches::Batches;

/// The matrices of a structure, all elements summed over the images of a crystal (at the Gamma point).
#[derive(Debug, Clone)]
pub struct Hamiltonian {
    /// Overlap S, row-major, as wide as there are orbitals.
    pub overlap: Vec<f64>,
    /// Core Hamiltonian H0 in hartree, row-major.
    pub core: Vec<f64>,
    /// Levels of the shells in hartree, shifted by the coordination.
    levels: Vec<f64>,
    /// The pairs of atoms that overlap.
    batches: Batches,
    /// For each batch, the matrices of its pairs of atoms: `[matrix][row][column]`.
    blocks: Vec<Lanes>,
}

impl Hamiltonian {
    /// Overlap, moments and core Hamiltonian of a structure with these coordination numbers of its atoms. Refuses
    /// lattice vectors that span no volume.
    pub fn new(geometry: &Geometry, basis: &Basis, coordination: &[f64]) -> Result<Self> {
        let levels = basis.shells.iter().map(|s| {
            let p = s.parameters;
            p.level - p.coordination_shift * coordination[s.atom]
        });
        let batches = Batches::new(geometry)?;
        let n = basis.orbitals;
        let mut hamiltonian = Self {
            overlap: vec![0.0; n * n],
            core: vec![0.0; n * n],
            levels: levels.collect(),
            blocks: vec![Lanes::ZERO; batches.storage()],
            batches,
        };
        hamiltonian.fill(basis);
        Ok(hamiltonian)
    }
}
