//! What the self-consistent state says beyond energy and forces: charges, moments, bond orders. Atomic units.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};

use crate::basis::Basis;
use crate::calculation::Calculation;

impl Calculation {
    /// Mulliken charges of the atoms in e.
    pub fn charges(&self) -> Vec<f64> {
        self.state.moments.atomic_charges(&self.basis)
    }

    /// Dipole moment in e bohr about the origin of the coordinates, from atomic charges and dipoles.
    pub fn dipole(&self, positions: &[[f64; 3]]) -> [f64; 3] {
        let charges = self.charges();
        std::array::from_fn(|a| {
            (0..positions.len())
                .map(|i| charges[i] * positions[i][a] + self.state.moments.dipoles[i][a])
                .sum()
        })
    }

    /// Traceless quadrupole moment in e bohr^2 about the origin of the coordinates, 3/2 sum q x y - 1/2 delta sum q r^2, from
    /// atomic charges, dipoles and quadrupoles.
    pub fn quadrupole(&self, positions: &[[f64; 3]]) -> [[f64; 3]; 3] {
        let charges = self.charges();
        let mut second = [[0.0; 3]; 3];
        let mut atomic = [[0.0; 3]; 3];
        for (i, x) in positions.iter().enumerate() {
            let (mu, theta) = (self.state.moments.dipoles[i], self.state.moments.quadrupoles[i]);
            let square = [
                [theta[0], theta[1], theta[3]],
                [theta[1], theta[2], theta[4]],
                [theta[3], theta[4], theta[5]],
            ];
            for a in 0..3 {
                for b in 0..3 {
                    second[a][b] += charges[i] * x[a] * x[b] + mu[a] * x[b] + mu[b] * x[a];
                    atomic[a][b] += square[a][b];
                }
            }
        }
        let trace = second[0][0] + second[1][1] + second[2][2];
        std::array::from_fn(|a| {
            std::array::from_fn(|b| {
                1.5 * second[a][b] - if a == b { 0.5 * trace } else { 0.0 } + atomic[a][b]
            })
        })
    }

    /// Wiberg bond orders in the non-orthogonal basis (I. Mayer, Chem. Phys. Lett. 1983, 97, 270), sum over the orbitals of two
    /// atoms of (PS)_ij (PS)_ji; row-major, atoms by atoms, with a zero diagonal.
    pub fn bond_orders(&self) -> Vec<f64> {
        let n = self.basis.orbitals;
        let (density, overlap) = (square(&self.state.density, n), square(&self.overlap, n));
        let mut product = Mat::<f64>::zeros(n, n);
        matmul(product.as_mut(), Accum::Replace, density, overlap, 1.0, Par::Seq);
        pairwise(&self.basis, |mu, nu| product[(mu, nu)] * product[(nu, mu)])
    }

    /// The highest orbital that is occupied by more than half an electron pair (or, unpaired, an electron), and the one above it.
    pub fn frontier(&self) -> Option<(usize, usize)> {
        let numbers = &self.state.occupation.numbers;
        let homo = numbers.iter().rposition(|&f| f > 0.5)?;
        (homo + 1 < numbers.len()).then_some((homo, homo + 1))
    }
}

fn square(matrix: &[f64], n: usize) -> MatRef<'_, f64> {
    MatRef::from_column_major_slice(matrix, n, n)
}

/// Sums a function of orbital pairs over the pairs of orbitals of every two different atoms.
fn pairwise(basis: &Basis, value: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    let atoms = basis.atoms();
    let mut sums = vec![0.0; atoms * atoms];
    for i in 0..atoms {
        for j in 0..i {
            let mut sum = 0.0;
            for mu in basis.orbitals_of[i].clone() {
                for nu in basis.orbitals_of[j].clone() {
                    sum += value(mu, nu);
                }
            }
            sums[i * atoms + j] = sum;
            sums[j * atoms + i] = sum;
        }
    }
    sums
}
