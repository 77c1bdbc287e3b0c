//! The quantities that are iterated to self-consistency, and the potentials that belong to them.

use crate::basis::Basis;

/// Square root of how often xx, xy, yy, xz, yz, zz stand in a symmetric tensor.
const TENSOR_SCALE: [f64; 6] = {
    const TWICE: f64 = std::f64::consts::SQRT_2;
    [1.0, TWICE, 1.0, TWICE, TWICE, 1.0]
};

/// Charges of shells, dipoles and quadrupoles of atoms; or the derivatives of the energy by them. Atomic units.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Moments {
    /// Shell by shell, in e (positive where electrons are missing).
    pub shells: Vec<f64>,
    /// Atom by atom.
    pub dipoles: Vec<[f64; 3]>,
    /// Atom by atom, traceless: xx, xy, yy, xz, yz, zz.
    pub quadrupoles: Vec<[f64; 6]>,
}

impl Moments {
    /// Zeros for all shells and atoms of `basis`.
    pub fn zero(basis: &Basis) -> Self {
        Self::of_size(basis.shells.len(), basis.atoms())
    }

    /// Zeros for so many shells and atoms.
    pub(super) fn of_size(shells: usize, atoms: usize) -> Self {
        Self { shells: vec![0.0; shells], dipoles: vec![[0.0; 3]; atoms], quadrupoles: vec![[0.0; 6]; atoms] }
    }

    /// Adds `factor` (a - b).
    pub(super) fn add_difference(&mut self, factor: f64, a: &Self, b: &Self) {
        let add = |to: &mut [f64], a: &[f64], b: &[f64]| {
            to.iter_mut().zip(a.iter().zip(b)).for_each(|(to, (a, b))| *to += factor * (a - b));
        };
        add(&mut self.shells, &a.shells, &b.shells);
        add(self.dipoles.as_flattened_mut(), a.dipoles.as_flattened(), b.dipoles.as_flattened());
        add(self.quadrupoles.as_flattened_mut(), a.quadrupoles.as_flattened(), b.quadrupoles.as_flattened());
    }

    /// What an iteration starts from: each atom has its share of the total `charge` (e), split over its shells by their
    /// electrons.
    pub fn start(basis: &Basis, charge: f64) -> Self {
        let mut start = Self::zero(basis);
        let each = charge / basis.atoms() as f64;
        for shells in &basis.shells_of {
            let electrons = |shell: usize| basis.shells[shell].parameters.occupation;
            let all: f64 = shells.clone().map(electrons).sum();
            for shell in shells.clone() {
                start.shells[shell] = each * electrons(shell) / all;
            }
        }
        start
    }

    /// Sets all numbers to zero.
    pub fn clear(&mut self) {
        self.shells.fill(0.0);
        self.dipoles.fill([0.0; 3]);
        self.quadrupoles.fill([0.0; 6]);
    }

    /// The charges of atoms: sums over their shells.
    pub fn atomic_charges(&self, basis: &Basis) -> Vec<f64> {
        basis.shells_of.iter().map(|shells| self.shells[shells.clone()].iter().sum()).collect()
    }

    /// All numbers in one row.
    pub fn write(&self, out: &mut Vec<f64>) {
        out.clear();
        out.extend_from_slice(&self.shells);
        out.extend_from_slice(self.dipoles.as_flattened());
        out.extend_from_slice(self.quadrupoles.as_flattened());
    }

    /// The opposite of [`Moments::write`].
    pub fn read(&mut self, row: &[f64]) {
        let (shells, rest) = row.split_at(self.shells.len());
        let (dipoles, quadrupoles) = rest.split_at(3 * self.dipoles.len());
        self.shells.copy_from_slice(shells);
        self.dipoles.as_flattened_mut().copy_from_slice(dipoles);
        self.quadrupoles.as_flattened_mut().copy_from_slice(quadrupoles);
    }

    /// All numbers in one row whose norm does not depend on the frame: elements of a quadrupole that stand twice in the
    /// tensor are scaled. Then neither does the path of an iteration over such rows.
    pub fn write_invariant(&self, out: &mut Vec<f64>) {
        self.write(out);
        for quadrupole in out[self.quadrupoles_start()..].chunks_exact_mut(6) {
            quadrupole.iter_mut().zip(TENSOR_SCALE).for_each(|(q, scale)| *q *= scale);
        }
    }

    /// The opposite of [`Moments::write_invariant`], up to rounding.
    pub fn read_invariant(&mut self, row: &[f64]) {
        self.read(row);
        for quadrupole in &mut self.quadrupoles {
            quadrupole.iter_mut().zip(TENSOR_SCALE).for_each(|(q, scale)| *q /= scale);
        }
    }

    fn quadrupoles_start(&self) -> usize {
        self.shells.len() + 3 * self.dipoles.len()
    }
}
