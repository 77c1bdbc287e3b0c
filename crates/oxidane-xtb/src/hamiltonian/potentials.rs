//! Potentials and moments of the atoms of a batch, between Cartesian components and solid harmonics.

use super::batches::Batch;
use crate::basis::Basis;
use crate::integrals::lanes::{LANES, Lanes};
use crate::integrals::{MAX_SHELLS, SQRT3};

/// Half the square root of three.
const H: f64 = 0.5 * SQRT3;

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

impl AtomPotentials {
    /// No potentials.
    pub const ZERO: Self =
        Self { shell: [Lanes::ZERO; MAX_SHELLS], first: [Lanes::ZERO; 3], second: [Lanes::ZERO; 5] };
}

impl Potentials<'_> {
    /// The potentials of the first and second atoms of a batch.
    pub fn gather(&self, basis: &Basis, batch: &Batch, out: &mut [AtomPotentials; 2]) {
        for (out, atoms) in out.iter_mut().zip(&batch.atoms) {
            for lane in 0..LANES {
                let atom = atoms[lane];
                for (out, &x) in out.shell.iter_mut().zip(&self.shell[basis.shells_of[atom].clone()]) {
                    out.0[lane] = x;
                }
                let [x, y, z] = self.dipole[atom];
                for (c, v) in [y, z, x].into_iter().enumerate() {
                    out.first[c].0[lane] = v;
                }
                // The sum over Cartesian components of potential times moment, moments as in `cartesian`.
                let [xx, xy, yy, xz, yz, zz] = self.quadrupole[atom];
                let harmonics = [H * xy, H * yz, zz - 0.5 * (xx + yy), H * xz, H * (xx - yy)];
                for (c, v) in harmonics.into_iter().enumerate() {
                    out.second[c].0[lane] = v;
                }
            }
        }
    }
}

/// Quadrupole xx, xy, yy, xz, yz, zz from its harmonics m = -2..=2.
pub(super) fn cartesian(t: [f64; 5]) -> [f64; 6] {
    [H * t[4] - 0.5 * t[2], H * t[0], -H * t[4] - 0.5 * t[2], H * t[3], H * t[1], t[2]]
}
