//! Isotropic second order: Coulomb interaction of shell charges with the Klopman-Ohno damping of GFN2-xTB.

use oxidane_core::Result;
use oxidane_math::simd;
use oxidane_physics::geometry::{Derivatives, Geometry, dot};

use super::difference;
use crate::basis::Basis;

/// The interaction of shell charges, E = 1/2 q A q with A_st = (R^2 + eta_st^-2)^(-1/2), where eta_st is the mean of the
/// hardnesses of the two shells and R the distance of their atoms (J. Chem. Theory Comput. 2019, 15, 1652).
#[derive(Debug, Clone)]
pub struct Isotropic {
    shells: usize,
    matrix: Vec<f64>,
}

impl Isotropic {
    /// The interaction of the shells of `basis` at the positions of `geometry`.
    pub fn new(geometry: &Geometry, basis: &Basis) -> Result<Self> {
        let shells = basis.shells.len();
        let mut matrix = vec![0.0; shells * shells];
        for i in 0..basis.atoms() {
            for j in 0..=i {
                let vector = difference(geometry.positions[j], geometry.positions[i]);
                let r2 = dot(vector, vector);
                for s in basis.shells_of[i].clone() {
                    for t in basis.shells_of[j].clone() {
                        let inverse = 1.0 / hardness(basis, s, t);
                        let value = 1.0 / (r2 + inverse * inverse).sqrt();
                        matrix[s * shells + t] = value;
                        matrix[t * shells + s] = value;
                    }
                }
            }
        }
        Ok(Self { shells, matrix })
    }

    /// The matrix A in hartree/e^2, row-major, shells x shells, symmetric.
    pub fn matrix(&self) -> &[f64] {
        &self.matrix
    }

    /// The energy 1/2 q A q in hartree of shell charges q; adds A q to `potential`.
    pub fn potential(&self, shell_charges: &[f64], potential: &mut [f64]) -> f64 {
        let mut product = vec![0.0; self.shells];
        simd::dispatch(|| multiply(&self.matrix, shell_charges, &mut product));
        let mut energy = 0.0;
        for ((total, v), q) in potential.iter_mut().zip(&product).zip(shell_charges) {
            *total += v;
            energy += 0.5 * v * q;
        }
        energy
    }

    /// Adds the derivatives of the energy by positions and strain at fixed shell charges.
    pub fn add_derivatives(
        &self,
        geometry: &Geometry,
        basis: &Basis,
        shell_charges: &[f64],
        derivatives: &mut Derivatives,
    ) {
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

/// The mean hardness of two shells in hartree.
fn hardness(basis: &Basis, s: usize, t: usize) -> f64 {
    0.5 * (basis.shells[s].parameters.hardness + basis.shells[t].parameters.hardness)
}

/// Adds the product of a symmetric matrix and a vector, row by row, so that the inner loop is contiguous and vectorises.
#[inline(always)]
fn multiply(matrix: &[f64], vector: &[f64], product: &mut [f64]) {
    for (row, &factor) in matrix.chunks_exact(product.len()).zip(vector) {
        for (sum, value) in product.iter_mut().zip(row) {
            *sum += factor * value;
        }
    }
}
