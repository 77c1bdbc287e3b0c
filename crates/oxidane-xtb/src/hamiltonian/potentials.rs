//! Potentials and moments of the atoms of a batch, between Cartesian components and solid harmonics.

use super::batches::Batch;
use crate::basis::Basis;
use crate::integrals::MAX_SHELLS;
use crate::integrals::lanes::{LANES, Lanes};

/// Half the square root of three.
const H: f64 = 0.866_025_403_784_438_6;

/// Potentials of all shells and atoms of a structure; see the conventions of the [module](super).
#[derive(Clone, Copy)]
pub(super) struct Potentials<'a> {
    pub shell: &'a [f64],
    pub dipole: &'a [[f64; 3]],
    pub quadrupole: &'a [[f64; 6]],
}

/// Potentials of eight atoms of the same element.
#[derive(Clone, Copy)]
pub(super) struct AtomPotentials {
    /// By shell.
    pub shell: [Lanes; MAX_SHELLS],
    /// Of the dipole: y, z, x.
    pub first: [Lanes; 3],
    /// Of the quadrupole as harmonics m = -2..=2.
    pub second: [Lanes; 5],
}

impl Potentials<'_> {
    /// The potentials of the first or second atoms of a batch.
    #[inline(always)]
    pub fn gather(&self, basis: &Basis, batch: &Batch, side: usize) -> AtomPotentials {
        let mut shell = [Lanes::ZERO; MAX_SHELLS];
        let mut dipole = [Lanes::ZERO; 3];
        let mut quadrupole = [Lanes::ZERO; 6];
        for lane in 0..LANES {
            let atom = batch.atoms[side][lane];
            for (out, &x) in shell.iter_mut().zip(&self.shell[basis.shells_of[atom].clone()]) {
                out.0[lane] = x;
            }
            for c in 0..3 {
                dipole[c].0[lane] = self.dipole[atom][c];
            }
            for c in 0..6 {
                quadrupole[c].0[lane] = self.quadrupole[atom][c];
            }
        }
        let [x, y, z] = dipole;
        let [xx, xy, yy, xz, yz, zz] = quadrupole;
        // The sum over Cartesian components of potential times moment, moments as in `cartesian`.
        let second = [xy * H, yz * H, (xx + yy).scaled_plus(-0.5, zz), xz * H, (xx - yy) * H];
        AtomPotentials { shell, first: [y, z, x], second }
    }
}

/// Quadrupole xx, xy, yy, xz, yz, zz from its harmonics m = -2..=2.
pub(super) fn cartesian(t: [f64; 5]) -> [f64; 6] {
    [H * t[4] - 0.5 * t[2], H * t[0], -H * t[4] - 0.5 * t[2], H * t[3], H * t[1], t[2]]
}
