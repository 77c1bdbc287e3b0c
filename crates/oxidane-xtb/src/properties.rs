//! What the self-consistent state says beyond energy and forces: charges, moments, bond orders. Atomic units.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par};

use crate::basis::Basis;
use crate::calculation::Calculation;
use crate::scf::symmetric;

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

    /// Traceless quadrupole moment in e bohr^2 about the origin of the coordinates, 3/2 sum q x y - 1/2 delta sum q
    /// r^2, from atomic charges, dipoles and quadrupoles.
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

    /// Bond orders of Mayer, twice the sum over both spins and the orbitals of two atoms of (P_s S)_ij (P_s S)_ji;
    /// Wiberg's where no electron is unpaired. Row-major, atoms by atoms, with a zero diagonal. I. Mayer, Int. J.
    /// Quantum Chem. 1986, 29, 73, in terms of the density P of all electrons and that of the unpaired ones, P_alpha -
    /// P_beta.
    pub fn bond_orders(&self) -> Vec<f64> {
        let mut orders = self.exchange(&self.state.density);
        if self.electrons.alpha != self.electrons.beta {
            let unpaired = self.exchange(&self.state.spin_density(self.electrons));
            orders.iter_mut().zip(unpaired).for_each(|(order, more)| *order += more);
        }
        orders
    }

    /// The sum over the orbitals of every two atoms of (PS)_ij (PS)_ji.
    fn exchange(&self, density: &[f64]) -> Vec<f64> {
        let n = self.basis.orbitals;
        let mut product = Mat::<f64>::zeros(n, n);
        matmul(
            product.as_mut(),
            Accum::Replace,
            symmetric(density, n),
            symmetric(&self.overlap, n),
            1.0,
            Par::Seq,
        );
        pairwise(&self.basis, |mu, nu| product[(mu, nu)] * product[(nu, mu)])
    }

    /// The orbital of the last electron at 0 K, and the one above it. They are counted: degenerate orbitals that share
    /// their electrons are filled to less than one each.
    pub fn frontier(&self) -> Option<(usize, usize)> {
        let lumo = self.electrons.alpha as usize;
        (1..self.basis.orbitals).contains(&lumo).then(|| (lumo - 1, lumo))
    }
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
