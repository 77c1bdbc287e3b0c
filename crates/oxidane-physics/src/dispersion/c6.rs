//! C6 coefficients: C6_ij = sum over references a of i and b of j of W_ia W_jb C6_ab.

use super::{DampedPair, Damping};
use crate::elements::r4_over_r2;

/// The most references that an element has, rounded up to full vectors.
pub(crate) const REFERENCES: usize = 8;

/// One number for each reference of an atom, zeros behind the last.
pub(crate) type References = [f64; REFERENCES];

/// The sum of the products of two sets.
#[inline(always)]
pub(crate) fn dot(a: &References, b: &References) -> f64 {
    // Four independent sums, which a vector unit holds side by side.
    let part = |k: usize| a[k] * b[k] + a[k + 4] * b[k + 4];
    (part(0) + part(2)) + (part(1) + part(3))
}

/// The distinct elements of a structure, ascending, and which of them each atom is.
#[derive(Debug, Clone)]
pub(crate) struct Kinds {
    pub numbers: Vec<u8>,
    pub of_atom: Vec<usize>,
}

impl Kinds {
    pub fn new(numbers: &[u8]) -> Self {
        let mut kinds = numbers.to_vec();
        kinds.sort_unstable();
        kinds.dedup();
        let of_atom = numbers.iter().map(|n| kinds.partition_point(|k| k < n)).collect();
        Self { numbers: kinds, of_atom }
    }
}

/// What all pairs of the kinds of atoms present have in common.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub kinds: Kinds,
    /// C6 between the references of two kinds, in hartree bohr^6, at `s * kinds + t`.
    c6: Vec<[References; REFERENCES]>,
    /// Damping of two kinds, at the same places.
    pub damped: Vec<DampedPair>,
}

/// The weights of the references of all atoms, and their derivatives by the atom's coordination number.
#[derive(Debug, Clone, Default)]
pub(crate) struct Weights {
    pub values: Vec<References>,
    pub by_cn: Vec<References>,
}

impl Model {
    /// `c6(s, t)` gives the coefficients between the references of the kinds at `s` and `t` <= `s`.
    pub fn new(
        kinds: Kinds,
        damping: &Damping,
        mut c6: impl FnMut(usize, usize) -> [References; REFERENCES],
    ) -> Self {
        let n = kinds.numbers.len();
        let mut tables = vec![[[0.0; REFERENCES]; REFERENCES]; n * n];
        let mut damped = Vec::with_capacity(n * n);
        for s in 0..n {
            for t in 0..=s {
                let table = c6(s, t);
                tables[s * n + t] = table;
                tables[t * n + s] = std::array::from_fn(|b| std::array::from_fn(|a| table[a][b]));
            }
            damped.extend(
                (0..n).map(|t| DampedPair::new(damping, c8_over_c6(kinds.numbers[s], kinds.numbers[t]))),
            );
        }
        Self { kinds, c6: tables, damped }
    }

    /// The place of the pair of kinds of atoms i and j.
    #[inline(always)]
    pub fn pair(&self, i: usize, j: usize) -> usize {
        self.kinds.of_atom[i] * self.kinds.numbers.len() + self.kinds.of_atom[j]
    }

    /// C6 between references of the kinds `s` (rows) and `t`.
    pub fn table(&self, s: usize, t: usize) -> &[References; REFERENCES] {
        &self.c6[s * self.kinds.numbers.len() + t]
    }

    /// sum_b C6_ab W_jb for all atoms j and references a of all kinds s, at `j * kinds + s`: C6_ij is its product with
    /// W_i.
    pub fn halfway(&self, weights: &[References]) -> Vec<References> {
        let kinds = self.kinds.numbers.len();
        let mut all = Vec::with_capacity(weights.len() * kinds);
        for (weight, &t) in weights.iter().zip(&self.kinds.of_atom) {
            all.extend((0..kinds).map(|s| self.table(s, t).map(|row| dot(&row, weight))));
        }
        all
    }
}

/// C8/C6 in bohr^2: 3 Q_A Q_B of [`r4_over_r2`].
pub(crate) fn c8_over_c6(a: u8, b: u8) -> f64 {
    3.0 * r4_over_r2(a) * r4_over_r2(b)
}
