//! The moment matrices in full, for checks and for other uses than iterations, which never form them.

use super::Hamiltonian;
use super::iteration::MOMENTS;
use super::potentials::cartesian;
use crate::basis::Basis;

impl Hamiltonian {
    /// Dipole matrices D_munu = <mu| r - R_A |nu> for x, y, z, with A the atom of mu, in bohr, row-major.
    pub fn dipole(&self, basis: &Basis) -> [Vec<f64>; 3] {
        self.moments(basis, |harmonics| [harmonics[2], harmonics[0], harmonics[1]])
    }

    /// Quadrupole matrices Q_munu = <mu| 3/2 x y - 1/2 r^2 delta_xy |nu> about the atom of mu, for xx, xy, yy, xz, yz,
    /// zz, in bohr^2, row-major.
    pub fn quadrupole(&self, basis: &Basis) -> [Vec<f64>; 6] {
        self.moments(basis, |harmonics| cartesian(std::array::from_fn(|c| harmonics[3 + c])))
    }

    /// Matrices of components made of the harmonics y, z, x and m = -2..=2.
    fn moments<const N: usize>(
        &self,
        basis: &Basis,
        components: impl Fn([f64; 8]) -> [f64; N],
    ) -> [Vec<f64>; N] {
        let n = basis.orbitals;
        let mut out = std::array::from_fn(|_| vec![0.0; n * n]);
        for batch in &self.batches.list {
            let size = batch.elements();
            for (lane, element) in (0..batch.count).flat_map(|lane| (0..size).map(move |e| (lane, e))) {
                let [a, b] = [0, 1].map(|side| basis.orbitals_of[batch.atoms[side][lane]].start);
                let columns = batch.species.orbitals[1];
                let (i, j) = (a + element / columns, b + element % columns);
                // A pair of an atom with itself holds all its elements about the row.
                let sides = if batch.diagonal { 1 } else { 2 };
                for (side, at) in [i * n + j, j * n + i].into_iter().enumerate().take(sides) {
                    let harmonics = std::array::from_fn(|c| {
                        self.block(batch)[(MOMENTS[side] + c) * size + element].0[lane]
                    });
                    for (out, x) in out.iter_mut().zip(components(harmonics)) {
                        out[at] = x;
                    }
                }
            }
        }
        out
    }
}
