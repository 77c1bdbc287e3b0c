//! Isotropic second order: Coulomb interaction of shell charges with the Klopman-Ohno damping of GFN2-xTB.

mod klopman_ohno;
mod parallelepiped;
mod periodic;

use oxidane_core::Result;
use oxidane_math::simd;
use oxidane_physics::geometry::{Derivatives, Geometry, dot};

use super::difference;
use super::ewald::{Ewald, Sum};
use crate::basis::Basis;
use klopman_ohno::KlopmanOhno;
use periodic::Periodic;

/// The interaction of shell charges, E = 1/2 q A q with A_st = (R^2 + eta_st^-2)^(-1/2), where eta_st is the mean of
/// the hardnesses of the two shells and R the distance of their atoms (J. Chem. Theory Comput. 2019, 15, 1652).
///
/// In a crystal A_st is the sum over all images. It is defined for neutral cells up to a constant, which does not act
/// on them, and for charged ones with a neutralising background; the part of it that falls as R^-3 is summed by
/// analytic continuation of the exponent, lengths in bohr, and the parts that fall faster over a parallelepiped of
/// cells that reaches 40 bohr, as in tblite 0.8.0. (That program leaves the background out: its energies of charged
/// cells differ by a constant, of order 1e-2 hartree, that depends on how it splits the sum.)
#[derive(Debug, Clone)]
pub struct Isotropic {
    shells: usize,
    matrix: Vec<f64>,
    periodic: Option<Periodic>,
}

impl Isotropic {
    /// The interaction of the shells of `basis` at the positions of `geometry`. Refuses lattice vectors without a
    /// volume.
    pub fn new(geometry: &Geometry, basis: &Basis) -> Result<Self> {
        Self::with_ewald(
            geometry,
            basis,
            geometry.lattice.as_ref().map(|rows| Ewald::new(rows, Sum::Charges)),
        )
    }

    /// With a given splitting of the lattice sums; `ewald` is used if there is a lattice.
    pub(super) fn with_ewald(geometry: &Geometry, basis: &Basis, ewald: Option<Ewald>) -> Result<Self> {
        let periodic =
            geometry.lattice.zip(ewald).map(|(rows, ewald)| Periodic::new(rows, ewald)).transpose()?;
        let matrix = match &periodic {
            Some(periodic) => periodic.matrix(geometry, basis),
            None => molecular_matrix(geometry, basis),
        };
        Ok(Self { shells: basis.shells.len(), matrix, periodic })
    }

    /// The matrix A in hartree/e^2, row-major, shells x shells, symmetric.
    pub fn matrix(&self) -> &[f64] {
        &self.matrix
    }

    /// The energy 1/2 q A q in hartree of shell charges q; adds A q to `potential`.
    pub fn potential(&self, shell_charges: &[f64], potential: &mut [f64]) -> f64 {
        let mut product = vec![0.0; self.shells];
        simd::dispatch(
            #[inline(always)]
            || multiply(&self.matrix, shell_charges, &mut product),
        );
        let mut energy = 0.0;
        for ((total, v), q) in potential.iter_mut().zip(&product).zip(shell_charges) {
            *total += v;
            energy += 0.5 * v * q;
        }
        energy
    }

    /// Adds the derivatives of the energy by positions and strain at fixed shell charges. `geometry` and `basis` are
    /// those of [`Isotropic::new`].
    pub fn add_derivatives(
        &self,
        geometry: &Geometry,
        basis: &Basis,
        shell_charges: &[f64],
        derivatives: &mut Derivatives,
    ) {
        if let Some(periodic) = &self.periodic {
            return periodic.add_derivatives(geometry, basis, shell_charges, derivatives);
        }
        for i in 0..basis.atoms() {
            for j in 0..i {
                let vector = difference(geometry.positions[j], geometry.positions[i]);
                let slope = self.slope(basis, shell_charges, i, j);
                derivatives.add_pair(i, j, vector, vector.map(|x| slope * x));
            }
        }
    }

    /// The derivative of the energy of a pair of atoms by their distance, divided by the distance: dA/dR = -R A^3.
    fn slope(&self, basis: &Basis, charges: &[f64], i: usize, j: usize) -> f64 {
        let mut slope = 0.0;
        for s in basis.shells_of[i].clone() {
            for t in basis.shells_of[j].clone() {
                let value = self.matrix[s * self.shells + t];
                slope -= charges[s] * charges[t] * value * value * value;
            }
        }
        slope
    }
}

/// The matrix of a molecule.
fn molecular_matrix(geometry: &Geometry, basis: &Basis) -> Vec<f64> {
    let shells = basis.shells.len();
    let mut matrix = vec![0.0; shells * shells];
    for i in 0..basis.atoms() {
        for j in 0..=i {
            let vector = difference(geometry.positions[j], geometry.positions[i]);
            let r2 = dot(vector, vector);
            for s in basis.shells_of[i].clone() {
                for t in basis.shells_of[j].clone() {
                    let value = kernel(basis, s, t).value(r2);
                    matrix[s * shells + t] = value;
                    matrix[t * shells + s] = value;
                }
            }
        }
    }
    matrix
}

/// The interaction of two shells.
fn kernel(basis: &Basis, s: usize, t: usize) -> KlopmanOhno {
    KlopmanOhno::new(0.5 * (basis.shells[s].parameters.hardness + basis.shells[t].parameters.hardness))
}

/// Adds the product of a symmetric matrix and a vector, row by row, so that the inner loop is contiguous and
/// vectorises.
#[inline(always)]
fn multiply(matrix: &[f64], vector: &[f64], product: &mut [f64]) {
    for (row, &factor) in matrix.chunks_exact(product.len().max(1)).zip(vector) {
        for (sum, value) in product.iter_mut().zip(row) {
            *sum += factor * value;
        }
    }
}
