//! [`Geometry`]: atoms in atomic units, free or in a crystal, and the translations of a lattice.

use oxidane_math::Scalar;

/// Atoms of a molecule, or of the unit cell of a crystal that is periodic in all three directions.
#[derive(Debug, Clone, Copy)]
pub struct Geometry<'a> {
    /// Atomic numbers.
    pub numbers: &'a [u8],
    /// Positions in bohr.
    pub positions: &'a [[f64; 3]],
    /// The lattice vectors as rows, in bohr; `None` for a molecule.
    pub lattice: Option<[[f64; 3]; 3]>,
}

/// Derivatives that a term of the energy adds to.
#[derive(Debug, Clone, PartialEq)]
pub struct Derivatives {
    /// dE/dx in hartree/bohr, one per atom.
    pub gradient: Vec<[f64; 3]>,
    /// dE/dstrain in hartree, symmetric: of positions and lattice vectors under x -> (1 + strain) x.
    pub strain: [[f64; 3]; 3],
}

impl Derivatives {
    /// Zeros for `atoms` atoms.
    pub fn zero(atoms: usize) -> Self {
        Self { gradient: vec![[0.0; 3]; atoms], strain: [[0.0; 3]; 3] }
    }

    /// Adds a pair energy of atoms `i` and `j`, whose derivative by the vector `vector` = x_j + T - x_i is `by_vector`.
    pub fn add_pair(&mut self, i: usize, j: usize, vector: [f64; 3], by_vector: [f64; 3]) {
        for a in 0..3 {
            self.gradient[i][a] -= by_vector[a];
            self.gradient[j][a] += by_vector[a];
            for b in 0..3 {
                self.strain[a][b] += 0.5 * (by_vector[a] * vector[b] + by_vector[b] * vector[a]);
            }
        }
    }
}

/// The scalar product.
#[inline(always)]
pub fn dot<S: Scalar>(a: [S; 3], b: [S; 3]) -> S {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// The vector product.
#[inline(always)]
pub fn cross<S: Scalar>(a: [S; 3], b: [S; 3]) -> [S; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}
