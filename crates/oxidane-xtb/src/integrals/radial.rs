//! Integrals of a pair of shells in the frame of their bond, as functions of the distance r.
//!
//! With both atoms on the z axis, <a m_a| C_q m_q |b m_b> (the operator, a solid harmonic of rank q = 0, 1, 2, about
//! the first atom) vanishes but for a few combinations of m, and these are a few distinct functions of r up to sign.
//! Each is a sum over pairs of primitives of r^n exp(-x r^2) with weights that depend on the elements alone, where x =
//! a b / (a + b). The weights are computed once per pair of elements; what remains per pair of atoms is one exponential
//! per pair of primitives and a product with the matrix of weights.

use std::ops::Range;
use std::sync::OnceLock;

use super::SQRT3;
use crate::gaussians::Contraction;

/// Rows of weights are padded to a multiple of this.
pub const ROW_BLOCK: usize = 4;
/// The most rows of a pair of shells (d with d), padded.
pub const MAX_ROWS: usize = 44;
/// The most pairs of primitives of a pair of shells.
pub const MAX_PRIMITIVES: usize = 36;
/// The most functions of r of a pair of shells (d with d).
pub const MAX_FUNCTIONS: usize = 20;
/// The highest power of r plus one.
pub const POWERS: usize = 7;

/// A component that does not vanish: `sign` times a function of r.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Component of the first shell, 0..=2 l.
    pub a: usize,
    /// Component of the operator.
    pub q: usize,
    /// Component of the second shell.
    pub b: usize,
    /// Which function.
    pub function: usize,
    /// 1 or -1.
    pub sign: f64,
}

/// A function of r: sum over its rows of a contracted weight times a power of r.
#[derive(Debug, Clone)]
pub struct Function {
    /// The |m| of shell, operator, shell.
    m: [usize; 3],
    /// Rank of the operator.
    rank: usize,
    /// Its rows of weights.
    pub rows: Range<usize>,
}

/// The structure of the integrals of two angular momenta.
#[derive(Debug)]
pub struct Shape {
    /// By row of weights, the power of r.
    pub powers: Vec<usize>,
    /// All functions.
    pub functions: Vec<Function>,
    /// By the rank of the operator, the components that do not vanish.
    pub entries: [Vec<Entry>; 3],
}

/// The structure of the integrals of angular momenta `la`, `lb` up to 2.
pub fn shape(la: usize, lb: usize) -> &'static Shape {
    static SHAPES: OnceLock<Vec<Shape>> = OnceLock::new();
    &SHAPES.get_or_init(|| (0..9).map(|i| Shape::new(i / 3, i % 3)).collect())[3 * la + lb]
}

impl Shape {
    fn new(la: usize, lb: usize) -> Self {
        let mut shape = Self { powers: Vec::new(), functions: Vec::new(), entries: Default::default() };
        for rank in 0..3 {
            let l = [la, rank, lb];
            for m in triples(l.map(|l| 0..=l as i32)) {
                if sign(m) != 0.0 {
                    shape.add_function(rank, l, m.map(|m| m as usize));
                }
            }
            for m in triples(l.map(|l| -(l as i32)..=l as i32)) {
                if sign(m) != 0.0 {
                    let magnitudes = m.map(|m| m.unsigned_abs() as usize);
                    let function = shape.functions.iter().position(|f| f.rank == rank && f.m == magnitudes);
                    let at = |i: usize| (m[i] + l[i] as i32) as usize;
                    shape.entries[rank].push(Entry {
                        a: at(0),
                        q: at(1),
                        b: at(2),
                        function: function.expect("its magnitudes do not vanish either"),
                        sign: sign(m),
                    });
                }
            }
        }
        assert!(shape.powers.len() <= MAX_ROWS && shape.functions.len() <= MAX_FUNCTIONS);
        shape
    }

    /// Adds a function and its powers of r: those of the parity of its degree in z, up to that degree.
    fn add_function(&mut self, rank: usize, l: [usize; 3], m: [usize; 3]) {
        let degree: usize = (0..3).map(|i| l[i] - m[i]).sum();
        let start = self.powers.len();
        self.powers.extend((degree % 2..=degree).step_by(2));
        self.functions.push(Function { m, rank, rows: start..self.powers.len() });
    }
}

fn triples(ranges: [std::ops::RangeInclusive<i32>; 3]) -> impl Iterator<Item = [i32; 3]> {
    let [a, q, b] = ranges;
    a.flat_map(move |a| {
        let b = b.clone();
        q.clone().flat_map(move |q| b.clone().map(move |b| [a, q, b]))
    })
}

/// Azimuthal integral of three harmonics, cos(m phi) for m >= 0 and sin(|m| phi) for m < 0, relative to that of their
/// cosines: 0, 1 or -1.
fn sign(m: [i32; 3]) -> f64 {
    if let Some(i) = m.iter().position(|&m| m == 0) {
        return if m[(i + 1) % 3] == m[(i + 2) % 3] { 1.0 } else { 0.0 };
    }
    // What remains up to |m| = 2 are products of two of |m| = 1 and one of |m| = 2.
    let Some(i) = m.iter().position(|&m| m.abs() == 2) else { return 0.0 };
    let (j, k) = (m[(i + 1) % 3], m[(i + 2) % 3]);
    match (j.abs(), k.abs()) {
        (1, 1) if m[i] == 2 && j == k => f64::from(j),
        (1, 1) if m[i] == -2 && j != k => 1.0,
        _ => 0.0,
    }
}

/// The weights of a pair of contractions.
#[derive(Debug)]
pub struct Weights {
    /// Exponents x = a b / (a + b), ascending, at most [`MAX_PRIMITIVES`].
    pub exponents: Vec<f64>,
    /// For each block of [`ROW_BLOCK`] rows of the [`Shape`], for each exponent, the weights of the rows.
    pub blocks: Vec<Vec<[f64; ROW_BLOCK]>>,
}

impl Weights {
    /// The weights of contractions of angular momenta `la` and `lb`.
    pub fn new(first: &Contraction, la: usize, second: &Contraction, lb: usize) -> Self {
        let shape = shape(la, lb);
        let mut primitives = Vec::with_capacity(MAX_PRIMITIVES);
        for (&a, &ca) in first.exponents.iter().zip(&first.coefficients) {
            for (&b, &cb) in second.exponents.iter().zip(&second.coefficients) {
                primitives.push((a * b / (a + b), a, b, ca * cb));
            }
        }
        primitives.sort_by(|x, y| x.0.total_cmp(&y.0));
        let blocks = shape.powers.len().div_ceil(ROW_BLOCK);
        let mut weights = Self {
            exponents: primitives.iter().map(|p| p.0).collect(),
            blocks: vec![Vec::with_capacity(primitives.len()); blocks],
        };
        for &(_, a, b, coefficient) in &primitives {
            let rows = row_weights(shape, [la, lb], a, b, coefficient);
            for (block, rows) in weights.blocks.iter_mut().zip(rows.as_chunks().0) {
                block.push(*rows);
            }
        }
        weights
    }
}

/// The weights of all rows for one pair of primitives.
fn row_weights(shape: &Shape, l: [usize; 2], a: f64, b: f64, coefficient: f64) -> [f64; MAX_ROWS] {
    let p = a + b;
    let moments = moments(p);
    let along = along(a, b, &moments);
    let prefactor = coefficient * (std::f64::consts::PI / p).powf(1.5);
    let mut out = [0.0; MAX_ROWS];
    for function in &shape.functions {
        let polynomial = polynomial([l[0], function.rank, l[1]], function.m, &moments, &along);
        for row in function.rows.clone() {
            out[row] = prefactor * polynomial[shape.powers[row]];
        }
    }
    out
}

/// Normalised moments <t^k> of exp(-p t^2), k = 0..=6.
fn moments(p: f64) -> [f64; POWERS] {
    let half = 0.5 / p;
    [1.0, 0.0, half, 0.0, 3.0 * half * half, 0.0, 15.0 * half * half * half]
}

/// `[i][j][n]`: the coefficient of r^n in <z_A^i z_B^j>, with z_A = t + b r / p, z_B = t - a r / p about the center of
/// the product of the primitives.
type Along = [[[f64; POWERS]; 3]; 5];

fn along(a: f64, b: f64, moments: &[f64; POWERS]) -> Along {
    let (from_a, from_b) = (b / (a + b), -a / (a + b));
    let mut out = [[[0.0; POWERS]; 3]; 5];
    for i in 0..5 {
        for j in 0..3 {
            for s in 0..=i {
                for t in 0..=j {
                    // s and t factors of r, the rest powers of t.
                    let n = s + t;
                    out[i][j][n] += binomial(i, s)
                        * binomial(j, t)
                        * from_a.powi(s as i32)
                        * from_b.powi(t as i32)
                        * moments[i + j - n];
                }
            }
        }
    }
    out
}

fn binomial(n: usize, k: usize) -> f64 {
    const TRIANGLE: [[f64; 5]; 5] = [
        [1.0, 0.0, 0.0, 0.0, 0.0],
        [1.0, 1.0, 0.0, 0.0, 0.0],
        [1.0, 2.0, 1.0, 0.0, 0.0],
        [1.0, 3.0, 3.0, 1.0, 0.0],
        [1.0, 4.0, 6.0, 4.0, 1.0],
    ];
    TRIANGLE[n][k]
}

/// The harmonic (l, m >= 0) as monomials: coefficient and powers of x, y, z.
fn monomials(l: usize, m: usize) -> &'static [(f64, [usize; 3])] {
    match (l, m) {
        (0, _) => &[(1.0, [0, 0, 0])],
        (1, 0) => &[(1.0, [0, 0, 1])],
        (1, _) => &[(1.0, [1, 0, 0])],
        (_, 0) => &[(1.0, [0, 0, 2]), (-0.5, [2, 0, 0]), (-0.5, [0, 2, 0])],
        (_, 1) => &[(SQRT3, [1, 0, 1])],
        _ => &[(0.5 * SQRT3, [2, 0, 0]), (-0.5 * SQRT3, [0, 2, 0])],
    }
}

/// The integral of three harmonics over a pair of primitives as a polynomial in r.
fn polynomial(l: [usize; 3], m: [usize; 3], moments: &[f64; POWERS], along: &Along) -> [f64; POWERS] {
    let mut out = [0.0; POWERS];
    for (ca, pa) in monomials(l[0], m[0]) {
        for (cq, pq) in monomials(l[1], m[1]) {
            for (cb, pb) in monomials(l[2], m[2]) {
                let across = moments[pa[0] + pq[0] + pb[0]] * moments[pa[1] + pq[1] + pb[1]];
                if across != 0.0 {
                    let z = &along[pa[2] + pq[2]][pb[2]];
                    for n in 0..POWERS {
                        out[n] += ca * cq * cb * across * z[n];
                    }
                }
            }
        }
    }
    out
}
