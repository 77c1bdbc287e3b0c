//! A lattice and its reciprocal.

use crate::geometry::{cross, dot};
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

    /// The same lattice by shorter vectors, where there are much shorter ones: skewed cells would need many more reciprocal vectors and
    /// mesh points.
    pub fn reduced(mut self) -> Result<Self> {
        // Every step shortens a vector; a partly reduced lattice is as right.
        for _ in 0..1000 {
            let values = self.values();
            let step = (0..9).find_map(|pair| {
                let (a, b) = (pair / 3, pair % 3);
                let times = (dot(values[a], values[b]) / dot(values[b], values[b])).round();
                let shorter = std::array::from_fn(|k| values[a][k] - times * values[b][k]);
                // With room for vectors of the same length, as in hexagonal cells.
                (a != b && dot(shorter, shorter) < 0.9 * dot(values[a], values[a])).then_some((a, b, times))
            });
            let Some((a, b, times)) = step else { break };
            let other = self.rows[b];
            for (x, y) in self.rows[a].iter_mut().zip(other) {
                *x -= y.scale(times);
            }
        }
        Self::new(self.rows)
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
