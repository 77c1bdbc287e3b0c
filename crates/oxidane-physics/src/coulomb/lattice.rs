//! A lattice and its reciprocal.

use oxidane_core::{Error, Result};
use oxidane_math::Scalar;
use std::f64::consts::TAU;

/// Lattice vectors with what sums over a lattice need.
#[derive(Debug, Clone, Copy)]
pub struct Lattice<S> {
    /// The lattice vectors in angstrom, as rows.
    pub rows: [[S; 3]; 3],
    /// The reciprocal vectors with the factor 2 pi, as rows: `rows[a] . reciprocal[b]` is 2 pi for a = b, else 0.
    pub reciprocal: [[S; 3]; 3],
    /// The volume of the cell in angstrom^3.
    pub volume: S,
}

impl<S: Scalar<Real = f64>> Lattice<S> {
    /// Refuses vectors that are not finite or span no volume.
    pub fn new(rows: [[S; 3]; 3]) -> Result<Self> {
        let normals: [[S; 3]; 3] = std::array::from_fn(|a| cross(rows[(a + 1) % 3], rows[(a + 2) % 3]));
        let signed = dot(rows[0], normals[0]);
        let lengths: f64 = rows.iter().map(|&v| dot(v, v).value().sqrt()).product();
        if !(lengths.is_finite() && signed.value().abs() > 1e-10 * lengths) {
            return Err(Error::input("the cell has no volume; give three independent lattice vectors"));
        }
        let factor = signed.recip().scale(TAU);
        Ok(Self { rows, reciprocal: normals.map(|v| v.map(|x| x * factor)), volume: signed.abs() })
    }

    /// The angles b_a . x of a position.
    #[inline(always)]
    pub fn angles(&self, x: [S; 3]) -> [S; 3] {
        self.reciprocal.map(|b| dot(b, x))
    }

    /// The lattice vectors without tangents.
    pub fn values(&self) -> [[f64; 3]; 3] {
        self.rows.map(|v| v.map(S::value))
    }

    /// The reciprocal vector n1 b1 + n2 b2 + n3 b3.
    #[inline(always)]
    pub fn wave(&self, n: [i32; 3]) -> [S; 3] {
        std::array::from_fn(|k| {
            let part = |a: usize| self.reciprocal[a][k].scale(f64::from(n[a]));
            part(0) + part(1) + part(2)
        })
    }

    /// The lengths of the lattice vectors.
    pub fn lengths(&self) -> [f64; 3] {
        self.rows.map(|v| dot(v, v).value().sqrt())
    }
}

/// The scalar product.
#[inline(always)]
pub fn dot<S: Scalar>(a: [S; 3], b: [S; 3]) -> S {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross<S: Scalar>(a: [S; 3], b: [S; 3]) -> [S; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}
