//! The matrix elements.

use oxidane_math::simd::dispatch;

use super::Hamiltonian;
use super::batches::{Batch, Image};
use crate::basis::Basis;
use crate::integrals::block::{Integrals, integrals, powers};
use crate::integrals::frame::{Frame, product};
use crate::integrals::lanes::Lanes;
use crate::integrals::species::{ShellPair, SpeciesPair};
use crate::integrals::{MAX_ORBITALS, MAX_SHELLS};

/// A number for each pair of orbitals of two atoms.
type AtomBlock = [Lanes; MAX_ORBITALS * MAX_ORBITALS];

impl Hamiltonian {
    /// Computes all matrices.
    pub(super) fn fill(&mut self, basis: &Basis) {
        for i in 0..self.batches.list.len() {
            let batch = self.batches.list[i].clone();
            let mut core = [Lanes::ZERO; MAX_ORBITALS * MAX_ORBITALS];
            let levels = [0, 1].map(|side| self.batch_levels(basis, &batch, side));
            let blocks = &mut self.blocks[batch.storage..batch.storage + batch.size()];
            for image in &self.batches.images[batch.images.clone()] {
                dispatch(|| add_image(batch.species, image, &levels, blocks, &mut core));
            }
            self.scatter(basis, &batch, &core);
        }
    }

    /// The levels of the shells of the first or second atoms of a batch.
    #[inline(always)]
    pub(super) fn batch_levels(&self, basis: &Basis, batch: &Batch, side: usize) -> [Lanes; MAX_SHELLS] {
        let mut out = [Lanes::ZERO; MAX_SHELLS];
        for (lane, &atom) in batch.atoms[side].iter().enumerate() {
            for (out, &level) in out.iter_mut().zip(&self.levels[basis.shells_of[atom].clone()]) {
                out.0[lane] = level;
            }
        }
        out
    }

    /// Writes overlap and core Hamiltonian of a batch into the matrices.
    fn scatter(&mut self, basis: &Basis, batch: &Batch, core: &AtomBlock) {
        let n = basis.orbitals;
        let [na, nb] = batch.species.orbitals;
        let overlap = &self.blocks[batch.storage..batch.storage + na * nb];
        for lane in 0..batch.count {
            let [row, column] = [0, 1].map(|side| basis.orbitals_of[batch.atoms[side][lane]].start);
            for a in 0..na {
                for b in 0..nb {
                    let (s, h) = (overlap[a * nb + b].0[lane], core[a * nb + b].0[lane]);
                    let (i, j) = (row + a, column + b);
                    (self.overlap[i * n + j], self.core[i * n + j]) = (s, h);
                    (self.overlap[j * n + i], self.core[j * n + i]) = (s, h);
                }
            }
        }
    }
}

/// Adds one image of each pair of a batch.
#[inline(always)]
fn add_image(
    species: &SpeciesPair,
    image: &Image,
    levels: &[[Lanes; MAX_SHELLS]; 2],
    blocks: &mut [Lanes],
    core: &mut AtomBlock,
) {
    let frame = Frame::new(image.vector);
    let square = frame.length * frame.length;
    let powers = powers(frame.length);
    let root = (frame.length * (1.0 / radii(species))).map(f64::sqrt);
    for pair in &species.shells {
        let integrals = integrals(pair, &frame, square, &powers);
        let mean = (levels[0][pair.shells[0]] + levels[1][pair.shells[1]]) * 0.5;
        let factor = if image.onsite { mean } else { mean * scaling(species, pair, root) };
        add_shells(species, pair, &frame, &integrals, factor, blocks, core);
    }
}

/// Sum of the atomic radii that scales the distance in [`scaling`].
pub(super) fn radii(species: &SpeciesPair) -> f64 {
    species.elements[0].radius + species.elements[1].radius
}

/// Coefficients of the shell polynomial of two shells.
pub(super) fn polynomials(species: &SpeciesPair, pair: &ShellPair) -> [f64; 2] {
    [0, 1].map(|side| species.elements[side].shells[pair.shells[side]].polynomial)
}

/// What scales the mean of the levels of two shells of different atoms, with `root` = sqrt(r / (R_A + R_B)) (eq. 10).
#[inline(always)]
pub(super) fn scaling(species: &SpeciesPair, pair: &ShellPair, root: Lanes) -> Lanes {
    let [a, b] = polynomials(species, pair).map(|c| root.scaled_plus(c, Lanes::splat(1.0)));
    a * b * pair.scale
}

/// Adds the integrals of two shells, with the moments about the second atom from those about the first.
#[inline(always)]
fn add_shells(
    species: &SpeciesPair,
    pair: &ShellPair,
    frame: &Frame,
    integrals: &Integrals,
    factor: Lanes,
    blocks: &mut [Lanes],
    core: &mut AtomBlock,
) {
    let [na, nb] = pair.l.map(|l| 2 * l + 1);
    let columns = species.orbitals[1];
    let size = species.orbitals[0] * columns;
    let [x, y, z] = frame.vector;
    let monopole = product(frame.vector, frame.vector);
    for a in 0..na {
        for b in 0..nb {
            let at = (pair.first[0] + a) * columns + pair.first[1] + b;
            let s = integrals[0][a][b];
            core[at] = s.times_plus(factor, core[at]);
            for (c, matrix) in integrals.iter().enumerate() {
                blocks[c * size + at] += matrix[a][b];
            }
            // Dipoles are ordered y, z, x.
            let dipole = [1, 2, 3].map(|c: usize| integrals[c][a][b]);
            let cross = product(frame.vector, [dipole[2], dipole[0], dipole[1]]);
            for (c, shift) in [y, z, x].into_iter().enumerate() {
                blocks[(9 + c) * size + at] += dipole[c] - shift * s;
            }
            for c in 0..5 {
                let shifted = cross[c].scaled_plus(-2.0, integrals[4 + c][a][b]);
                blocks[(12 + c) * size + at] += monopole[c].times_plus(s, shifted);
            }
        }
    }
}
