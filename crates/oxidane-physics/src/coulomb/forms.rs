//! What the reverse pass differentiates, and what comes out.

use oxidane_math::{Real, Scalar};

/// A number that is quadratic in charges: with phi(q) the potential of charges q, which is linear in them.
#[derive(Debug, Clone, Copy)]
pub enum Form<'a, S> {
    /// `seed` times the energy 1/2 sum_i q_i phi_i(q).
    Energy {
        /// The charges q in e, one per atom.
        charges: &'a [S],
        /// The factor: the derivative of what is differentiated by this energy.
        seed: S,
    },
    /// sum_i a_i phi_i(q): what the adjoints a of a potential make of it in a reverse pass.
    Potential {
        /// The charges q in e, one per atom.
        charges: &'a [S],
        /// The adjoints a, one per atom.
        adjoint: &'a [S],
    },
}

/// Derivatives of a sum of [`Form`]s (in eV, if they are energies).
#[derive(Debug, Clone, PartialEq)]
pub struct Gradients<S> {
    /// By the positions, per angstrom.
    pub positions: Vec<[S; 3]>,
    /// By the symmetric strain e of x -> (1 + e) x, positions and lattice vectors alike; the virial is minus this.
    pub strain: [[S; 3]; 3],
    /// By the widths, per angstrom; empty if not asked for.
    pub widths: Vec<S>,
}

impl<S: Scalar> Gradients<S> {
    pub(super) fn zero(atoms: usize, widths: bool) -> Self {
        Self {
            positions: vec![[S::zero(); 3]; atoms],
            strain: [[S::zero(); 3]; 3],
            widths: vec![S::zero(); if widths { atoms } else { 0 }],
        }
    }

    /// Adds the upper triangle of a symmetric strain derivative: xx, xy, xz, yy, yz, zz.
    pub(super) fn add_strain(&mut self, upper: [S; 6]) {
        for (k, (a, b)) in UPPER.into_iter().enumerate() {
            self.strain[a][b] += upper[k];
            if a != b {
                self.strain[b][a] += upper[k];
            }
        }
    }
}

/// The upper triangle of a symmetric matrix.
pub const UPPER: [(usize, usize); 6] = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)];

/// sum_i left_i phi_i(right), the common shape of all forms.
#[derive(Debug, Clone)]
pub struct Bilinear<S> {
    pub left: Vec<S>,
    pub right: Vec<S>,
    /// The factor with which `left` is `right`, if it is.
    pub ratio: Option<S>,
}

impl<S: Scalar> Bilinear<S> {
    pub fn of(form: &Form<'_, S>) -> Self {
        match *form {
            Form::Energy { charges, seed } => {
                let half = seed.scale(S::Real::of(0.5));
                let left = charges.iter().map(|&q| half * q).collect();
                Self { left, right: charges.to_vec(), ratio: Some(half) }
            }
            Form::Potential { charges, adjoint } => {
                Self { left: adjoint.to_vec(), right: charges.to_vec(), ratio: None }
            }
        }
    }

    /// The weight of the pair i, j: left_i right_j + right_i left_j.
    #[inline(always)]
    pub fn pair(&self, i: usize, j: usize) -> S {
        self.left[i] * self.right[j] + self.right[i] * self.left[j]
    }
}
