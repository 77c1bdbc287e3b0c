//! The matrix elements.

use oxidane_math::simd::dispatch;

use super::Hamiltonian;
use super::batches::{Batch, Image};
use crate::basis::Basis;
use crate::integrals::COMPONENTS;
use crate::integrals::block::{Radial, by_components, integrals, powers};
use crate::integrals::frame::{Frame, product};
use crate::integrals::lanes::Lanes;
use crate::integrals::species::{ShellPair, SpeciesPair};
use crate::integrals::{MAX_ORBITALS, MAX_SHELLS};

/// A number for each pair of orbitals of two atoms.
type AtomBlock = [Lanes; MAX_ORBITALS * MAX_ORBITALS];

impl Hamiltonian {
    /// Computes all matrices.
    pub(super) fn fill(&mut self, basis: &Basis) {
        let mut radial = Radial::new();
        let mut core = [Lanes::ZERO; MAX_ORBITALS * MAX_ORBITALS];
        for i in 0..self.batches.list.len() {
            let batch = self.batches.list[i].clone();
            core[..batch.elements()].fill(Lanes::ZERO);
            let mut levels = [[Lanes::ZERO; MAX_SHELLS]; 2];
            self.batch_levels(basis, &batch, &mut levels);
            let blocks = &mut self.blocks[batch.storage..batch.storage + batch.size()];
            for image in &self.batches.images[batch.images.clone()] {
                add_image(batch.species, image, &levels, &mut radial, blocks, &mut core);
            }
            self.scatter(basis, &batch, &core);
        }
    }

    /// The levels of the shells of the first and second atoms of a batch.
    pub(super) fn batch_levels(&self, basis: &Basis, batch: &Batch, out: &mut [[Lanes; MAX_SHELLS]; 2]) {
        for side in 0..2 {
            for (lane, &atom) in batch.atoms[side].iter().enumerate() {
                for (out, &level) in out[side].iter_mut().zip(&self.levels[basis.shells_of[atom].clone()]) {
                    out.0[lane] = level;
                }
            }
        }
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
fn add_image(
    species: &SpeciesPair,
    image: &Image,
    levels: &[[Lanes; MAX_SHELLS]; 2],
    radial: &mut Radial,
    blocks: &mut [Lanes],
    core: &mut AtomBlock,
) {
    let frame = dispatch(
        #[inline(always)]
        || Frame::new(image.vector),
    );
    let powers = powers(frame.length);
    let root = (frame.length * (1.0 / radii(species))).map(f64::sqrt);
    for pair in &species.shells {
        radial.values(pair, &powers);
        let mean = (levels[0][pair.shells[0]] + levels[1][pair.shells[1]]) * 0.5;
        let factor = if image.onsite { mean } else { mean * scaling(species, pair, root) };
        by_components!(pair, add_shells(species, pair, &frame, radial, factor, blocks, core));
    }
}

/// Sum of the atomic radii that scales the distance in [`scaling`].
pub(super) fn radii(species: &SpeciesPair) -> f64 {
    species.elements[0].radius + species.elements[1].radius
}

/// Coefficients of the shell polynomial of two shells.
pub(super) fn polynomials(species: &SpeciesPair, pair: &ShellPair) -> [f64; 2] {
    let [a, b] = species.elements;
    [a.shells[pair.shells[0]].polynomial, b.shells[pair.shells[1]].polynomial]
}

/// What scales the mean of the levels of two shells of different atoms, with `root` = sqrt(r / (R_A + R_B)) (eq. 10).
#[inline(always)]
pub(super) fn scaling(species: &SpeciesPair, pair: &ShellPair, root: Lanes) -> Lanes {
    let [a, b] = polynomials(species, pair);
    let one = Lanes::splat(1.0);
    (root * a + one) * (root * b + one) * pair.scale
}

/// Adds the integrals of two shells, with the moments about the second atom from those about the first.
fn add_shells<const A: usize, const B: usize>(
    species: &SpeciesPair,
    pair: &ShellPair,
    frame: &Frame,
    radial: &Radial,
    factor: Lanes,
    blocks: &mut [Lanes],
    core: &mut AtomBlock,
) {
    dispatch(
        #[inline(always)]
        || {
            let mut matrices = [[[Lanes::ZERO; B]; A]; COMPONENTS];
            integrals(pair, frame, &radial.value, &mut matrices);
            let columns = species.orbitals[1];
            let size = species.orbitals[0] * columns;
            let [x, y, z] = frame.vector;
            let monopole = product(frame.vector, frame.vector);
            for a in 0..A {
                for b in 0..B {
                    let at = (pair.first[0] + a) * columns + pair.first[1] + b;
                    let s = matrices[0][a][b];
                    core[at] = s.times_plus(factor, core[at]);
                    for c in 0..COMPONENTS {
                        blocks[c * size + at] += matrices[c][a][b];
                    }
                    // Dipoles are ordered y, z, x.
                    let dipole = [matrices[3][a][b], matrices[1][a][b], matrices[2][a][b]];
                    let cross = product(frame.vector, dipole);
                    blocks[9 * size + at] += dipole[1] - y * s;
                    blocks[10 * size + at] += dipole[2] - z * s;
                    blocks[11 * size + at] += dipole[0] - x * s;
                    for c in 0..5 {
                        let shifted = cross[c].scaled_plus(-2.0, matrices[4 + c][a][b]);
                        blocks[(12 + c) * size + at] += monopole[c].times_plus(s, shifted);
                    }
                }
            }
        },
    )
}
