//! What every iteration needs: the Fock matrix of potentials, and populations and moments of a density.

use oxidane_math::simd::dispatch;

use super::Hamiltonian;
use super::batches::Batch;
use super::potentials::{AtomPotentials, Potentials, cartesian};
use crate::basis::Basis;
use crate::integrals::lanes::{LANES, Lanes};
use crate::integrals::{MAX_ORBITALS, MAX_SHELLS};

/// First matrix of the moments about the first and about the second atom in the storage of a batch.
pub(super) const MOMENTS: [usize; 2] = [1, 9];

impl Hamiltonian {
    /// The Fock matrix into `out`, row-major, with mu in A and nu in B:
    ///
    /// ```text
    /// F_munu = H0_munu - 1/2 S_munu (V_mu + V_nu) - 1/2 (D_munu . v_A + D_numu . v_B)
    ///        - 1/2 (Q_munu . w_A + Q_numu . w_B)
    /// ```
    ///
    /// Potentials by shell, and by atom in hartree per (e bohr) and (e bohr^2).
    pub fn fock(
        &self,
        basis: &Basis,
        shell_potential: &[f64],
        dipole_potential: &[[f64; 3]],
        quadrupole_potential: &[[f64; 6]],
        out: &mut [f64],
    ) {
        let potentials =
            Potentials { shell: shell_potential, dipole: dipole_potential, quadrupole: quadrupole_potential };
        out.copy_from_slice(&self.core);
        let mut shift = [Lanes::ZERO; MAX_ORBITALS * MAX_ORBITALS];
        let mut atoms = [AtomPotentials::ZERO; 2];
        for batch in &self.batches.list {
            potentials.gather(basis, batch, &mut atoms);
            dispatch(
                #[inline(always)]
                || shifts(batch, self.block(batch), &atoms, &mut shift),
            );
            add_shifts(basis, batch, &shift, out);
        }
    }

    /// Populations of the shells, sum over mu in s of (P S)_mumu, and dipoles and quadrupoles of the atoms of a density
    /// `density`, row-major, into `shells`, `dipoles` (e bohr) and `quadrupoles` (e bohr^2).
    pub fn populations(
        &self,
        basis: &Basis,
        density: &[f64],
        shells: &mut [f64],
        dipoles: &mut [[f64; 3]],
        quadrupoles: &mut [[f64; 6]],
    ) {
        shells.fill(0.0);
        dipoles.fill([0.0; 3]);
        quadrupoles.fill([0.0; 6]);
        let mut p = [Lanes::ZERO; MAX_ORBITALS * MAX_ORBITALS];
        let mut sums = [Sums::ZERO; 2];
        for batch in &self.batches.list {
            gather(basis, batch, density, &mut p);
            dispatch(
                #[inline(always)]
                || contract(batch, self.block(batch), &p, &mut sums),
            );
            // A pair of an atom with itself holds all its elements once, a pair of two atoms stands for its mirror too.
            let sides = if batch.diagonal { 1 } else { 2 };
            for (side, sums) in sums.iter().enumerate().take(sides) {
                sums.scatter(basis, batch, side, shells, dipoles, quadrupoles);
            }
        }
    }

    /// The stored matrices of a batch.
    pub(super) fn block(&self, batch: &Batch) -> &[Lanes] {
        &self.blocks[batch.storage..batch.storage + batch.size()]
    }
}

/// What the potentials add to the Fock matrix between the atoms of each pair.
#[inline(always)]
fn shifts(
    batch: &Batch,
    block: &[Lanes],
    atoms: &[AtomPotentials; 2],
    out: &mut [Lanes; MAX_ORBITALS * MAX_ORBITALS],
) {
    let size = batch.elements();
    let columns = batch.species.orbitals[1];
    for pair in &batch.species.shells {
        let sum = atoms[0].shell[pair.shells[0]] + atoms[1].shell[pair.shells[1]];
        for a in pair.first[0]..=pair.first[0] + 2 * pair.l[0] {
            for b in pair.first[1]..=pair.first[1] + 2 * pair.l[1] {
                let at = a * columns + b;
                let mut shift = sum * block[at];
                for side in 0..2 {
                    for c in 0..3 {
                        let x = block[(MOMENTS[side] + c) * size + at];
                        shift = x.times_plus(atoms[side].first[c], shift);
                    }
                    for c in 0..5 {
                        let x = block[(MOMENTS[side] + 3 + c) * size + at];
                        shift = x.times_plus(atoms[side].second[c], shift);
                    }
                }
                out[at] = shift;
            }
        }
    }
}

/// Subtracts half the shifts from the Fock matrix.
fn add_shifts(basis: &Basis, batch: &Batch, shift: &[Lanes], out: &mut [f64]) {
    let n = basis.orbitals;
    let [na, nb] = batch.species.orbitals;
    for lane in 0..batch.count {
        let [row, column] = [0, 1].map(|side| basis.orbitals_of[batch.atoms[side][lane]].start);
        for a in 0..na {
            // A pair of an atom with itself holds the mirrored elements too.
            let end = if batch.diagonal { a + 1 } else { nb };
            for b in 0..end {
                let (i, j) = (row + a, column + b);
                let x = out[i * n + j] - 0.5 * shift[a * nb + b].0[lane];
                out[i * n + j] = x;
                out[j * n + i] = x;
            }
        }
    }
}

/// The elements of a matrix between the atoms of each pair.
pub(super) fn gather(
    basis: &Basis,
    batch: &Batch,
    matrix: &[f64],
    out: &mut [Lanes; MAX_ORBITALS * MAX_ORBITALS],
) {
    let n = basis.orbitals;
    let [na, nb] = batch.species.orbitals;
    for lane in 0..LANES {
        let row = basis.orbitals_of[batch.atoms[0][lane]].start;
        let column = basis.orbitals_of[batch.atoms[1][lane]].start;
        for a in 0..na {
            let elements = &matrix[(row + a) * n + column..][..nb];
            for (b, &x) in elements.iter().enumerate() {
                out[a * nb + b].0[lane] = x;
            }
        }
    }
}

/// Populations and moments that the elements of each pair give to one of its atoms.
#[derive(Clone, Copy)]
struct Sums {
    shells: [Lanes; MAX_SHELLS],
    moments: [Lanes; 8],
}

#[inline(always)]
fn contract(batch: &Batch, block: &[Lanes], p: &[Lanes], out: &mut [Sums; 2]) {
    let size = batch.elements();
    let columns = batch.species.orbitals[1];
    *out = [Sums::ZERO; 2];
    for pair in &batch.species.shells {
        let mut sum = Lanes::ZERO;
        for a in pair.first[0]..=pair.first[0] + 2 * pair.l[0] {
            for b in pair.first[1]..=pair.first[1] + 2 * pair.l[1] {
                sum = p[a * columns + b].times_plus(block[a * columns + b], sum);
            }
        }
        out[0].shells[pair.shells[0]] += sum;
        out[1].shells[pair.shells[1]] += sum;
    }
    for (side, start) in [(0, MOMENTS[0]), (1, MOMENTS[1])] {
        for c in 0..8 {
            let mut sum = Lanes::ZERO;
            for (x, p) in block[(start + c) * size..(start + c + 1) * size].iter().zip(p) {
                sum = x.times_plus(*p, sum);
            }
            out[side].moments[c] = sum;
        }
    }
}

impl Sums {
    const ZERO: Self = Self { shells: [Lanes::ZERO; MAX_SHELLS], moments: [Lanes::ZERO; 8] };

    fn scatter(
        &self,
        basis: &Basis,
        batch: &Batch,
        side: usize,
        shells: &mut [f64],
        dipoles: &mut [[f64; 3]],
        quadrupoles: &mut [[f64; 6]],
    ) {
        for lane in 0..batch.count {
            let atom = batch.atoms[side][lane];
            for (shell, x) in basis.shells_of[atom].clone().zip(&self.shells) {
                shells[shell] += x.0[lane];
            }
            // Moments are ordered y, z, x.
            for (axis, c) in [2, 0, 1].into_iter().enumerate() {
                dipoles[atom][axis] -= self.moments[c].0[lane];
            }
            let second = cartesian(std::array::from_fn(|c| self.moments[3 + c].0[lane]));
            for (out, x) in quadrupoles[atom].iter_mut().zip(second) {
                *out -= x;
            }
        }
    }
}
