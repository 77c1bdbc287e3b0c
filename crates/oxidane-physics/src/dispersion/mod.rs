//! What D3 and D4 share: C6 coefficients interpolated between references, rational damping, and the two sums over pairs
//! and triples of atoms.
//!
//! The two methods differ in their references and in the weights that these get from coordination numbers (and charges,
//! D4).

mod c6;
mod gaussians;
mod pair_matrix;
mod reach;
mod three_body;
mod two_body;

pub(crate) use c6::{Kinds, Model, REFERENCES, References, Weights, c8_over_c6, dot};
pub(crate) use gaussians::Centers;
pub(crate) use pair_matrix::PairMatrix;
pub(crate) use reach::Reach;
pub(crate) use three_body::ThreeBody;
pub(crate) use two_body::two_body;

/// Strengths and ranges of the dispersion of one functional or method, with rational (Becke-Johnson) damping (S.
/// Grimme, S. Ehrlich, L. Goerigk, J. Comput. Chem. 2011, 32, 1456, Eqs. 5 and 6).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Damping {
    /// Scale of the C6 term.
    pub s6: f64,
    /// Scale of the C8 term.
    pub s8: f64,
    /// Scale of the three-body term; 0 leaves it out.
    pub s9: f64,
    /// Scale of the critical radius sqrt(C8/C6).
    pub a1: f64,
    /// Offset of the critical radius in bohr.
    pub a2: f64,
}

/// A sum over pairs, damped, for two kinds of atoms: D(r) = s6/(r^6 + R^6) + s8 (C8/C6)/(r^8 + R^8), so that E = -C6 D.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DampedPair {
    s6: f64,
    s8: f64,
    radius6: f64,
    radius8: f64,
}

impl DampedPair {
    /// Of two kinds of atoms with C8/C6 = `ratio`.
    pub fn new(damping: &Damping, ratio: f64) -> Self {
        let square = damping.critical_radius(ratio).powi(2);
        Self { s6: damping.s6, s8: damping.s8 * ratio, radius6: square.powi(3), radius8: square.powi(4) }
    }

    /// D and dD/d(r^2) at r^2 = `square`, switched off at the end of the `reach`.
    #[inline(always)]
    pub fn within(&self, reach: Reach, square: f64) -> [f64; 2] {
        let [value, slope] = self.at(square);
        if !reach.is_rim(square) {
            return [value, slope];
        }
        let [switch, switch_slope] = reach.switch(square);
        [value * switch, slope * switch + value * switch_slope]
    }

    /// D and dD/d(r^2) at r^2 = `square`.
    #[inline(always)]
    fn at(&self, square: f64) -> [f64; 2] {
        let fourth = square * square;
        let sixth = 1.0 / (fourth * square + self.radius6);
        let eighth = 1.0 / (fourth * fourth + self.radius8);
        let (c6, c8) = (self.s6 * sixth, self.s8 * eighth);
        [c6 + c8, -fourth * (3.0 * c6 * sixth + 4.0 * square * c8 * eighth)]
    }
}

impl Damping {
    /// a1 sqrt(C8/C6) + a2 in bohr.
    pub(crate) fn critical_radius(&self, ratio: f64) -> f64 {
        self.a1 * ratio.sqrt() + self.a2
    }
}
