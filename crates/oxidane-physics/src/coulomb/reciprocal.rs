//! The part of an Ewald sum in reciprocal space, summed directly.
//!
//! The waves exp(i k.x) of k = n0 b0 + n1 b1 + n2 b2 are products of a factor of (n0, n1), a *row* of vectors, and one of n2 >= 0 or its conjugate.
//! Both for k and for the vector with -n2 the sums over atoms are therefore products of two small matrices: real and imaginary
//! parts of the rows' factors, and cosines and sines of n2.

use super::blocks::{add, run};
use super::forms::{Bilinear, Gradients, UPPER};
use super::lattice::Lattice;
use super::matrix::Matrix;
use crate::geometry::dot;
use oxidane_core::units::COULOMB;
use oxidane_math::Scalar;
use std::f64::consts::{PI, TAU};
use std::ops::Range;

/// Atoms handled as one unit of work.
const BLOCK: usize = 128;

/// The waves of half of the reciprocal vectors within a sphere, at all atoms.
#[derive(Debug, Clone)]
pub struct Reciprocal<S> {
    lattice: Lattice<S>,
    alpha: f64,
    /// n0 and n1 of each row.
    rows: Vec<[i32; 2]>,
    /// The largest n2.
    bound: usize,
    /// For each row and n2: of n2 and of -n2 the coefficient 8 pi k_e/V exp(-k^2/4 alpha^2)/k^2, zero for vectors that do not count.
    coefficients: Vec<[S; 2]>,
    blocks: Vec<Block<S>>,
    parallel: bool,
}

/// Waves at a block of atoms.
#[derive(Debug, Clone)]
struct Block<S> {
    atoms: Range<usize>,
    /// Atoms by rows: real parts of the rows' factors, then imaginary parts.
    rows: Matrix<S>,
    /// Atoms by n2: cosines, then sines.
    columns: Matrix<S>,
}

/// Real and imaginary part of sum_i q_i exp(i k.x_i), for n2 and for -n2.
type Structure<S> = [S; 4];

impl<S: Scalar<Real = f64>> Reciprocal<S> {
    /// For reciprocal vectors up to `cutoff` (1/angstrom).
    pub fn new(lattice: &Lattice<S>, alpha: f64, cutoff: f64, positions: &[[S; 3]], parallel: bool) -> Self {
        // k . a = 2 pi n, so that |n| is at most |k| |a| / 2 pi.
        let bounds = lattice.lengths().map(|a| (cutoff * a / TAU).floor() as i32);
        let mut sum = Self {
            lattice: *lattice,
            alpha,
            rows: Vec::new(),
            bound: bounds[2] as usize,
            coefficients: Vec::new(),
            blocks: Vec::new(),
            parallel,
        };
        for n0 in 0..=bounds[0] {
            for n1 in if n0 == 0 { 0 } else { -bounds[1] }..=bounds[1] {
                sum.add_row([n0, n1], cutoff);
            }
        }
        let n = positions.len();
        let tasks = (0..n).step_by(BLOCK).map(|first| first..n.min(first + BLOCK)).collect();
        sum.blocks = run(parallel, tasks, |atoms| sum.block(atoms, bounds, positions));
        sum
    }

    /// Adds a row if any of its vectors counts.
    fn add_row(&mut self, [n0, n1]: [i32; 2], cutoff: f64) {
        // Of k and -k one, of n2 = 0 and -0 one, and not k = 0.
        let origin = [n0, n1] == [0, 0];
        let coefficient = |n2: i32, counts: bool| {
            let k = self.lattice.wave([n0, n1, n2]);
            let square = dot(k, k);
            if counts && square.value() <= cutoff * cutoff { self.spectrum(square) } else { S::zero() }
        };
        let coefficients: Vec<[S; 2]> = (0..=self.bound as i32)
            .map(|n2| [coefficient(n2, n2 > 0 || !origin), coefficient(-n2, n2 > 0 && !origin)])
            .collect();
        if coefficients.iter().flatten().any(|c| c.value() > 0.0) {
            self.rows.push([n0, n1]);
            self.coefficients.extend(coefficients);
        }
    }

    /// 8 pi k_e/V exp(-k^2/4 alpha^2)/k^2: twice, for k and -k.
    fn spectrum(&self, square: S) -> S {
        let decay = (-square).scale(0.25 / (self.alpha * self.alpha)).exp();
        (decay / (square * self.lattice.volume)).scale(8.0 * PI * COULOMB)
    }

    fn block(&self, atoms: Range<usize>, bounds: [i32; 3], positions: &[[S; 3]]) -> Block<S> {
        let (count, height) = (self.rows.len(), self.bound + 1);
        let mut rows = Matrix::zero(atoms.len(), 2 * count);
        let mut columns = Matrix::zero(atoms.len(), 2 * height);
        for (i, &x) in positions[atoms.clone()].iter().enumerate() {
            let angles = self.lattice.angles(x);
            let [along0, along1, along2] = [0, 1, 2].map(|a| powers(angles[a], bounds[a] as usize));
            for (r, &[n0, n1]) in self.rows.iter().enumerate() {
                let [c, s] = along0[n0 as usize];
                let [d, t] = along1[n1.unsigned_abs() as usize];
                let t = if n1 < 0 { -t } else { t };
                rows.set(i, r, c * d - s * t);
                rows.set(i, count + r, c * t + s * d);
            }
            for (n, &[c, s]) in along2.iter().enumerate() {
                columns.set(i, n, c);
                columns.set(i, height + n, s);
            }
        }
        Block { atoms, rows, columns }
    }

    /// The structure factor of charges.
    fn structure(&self, charges: &[S]) -> Vec<Structure<S>> {
        let (count, height) = (self.rows.len(), self.bound + 1);
        let parts = run(self.parallel, self.blocks.iter().collect(), |block: &Block<S>| {
            let mut weighted = block.columns.clone();
            for (i, &q) in charges[block.atoms.clone()].iter().enumerate() {
                for n in 0..2 * height {
                    weighted.set(i, n, q * block.columns.get(i, n));
                }
            }
            block.rows.transposed_times(&weighted)
        });
        let mut sum = Matrix::zero(2 * count, 2 * height);
        for part in &parts {
            sum.add(part);
        }
        let mut all = Vec::with_capacity(count * height);
        for r in 0..count {
            for n in 0..height {
                let [rc, rs] = [n, height + n].map(|c| sum.get(r, c));
                let [ic, is] = [n, height + n].map(|c| sum.get(count + r, c));
                all.push([rc - is, rs + ic, rc + is, ic - rs]);
            }
        }
        all
    }

    /// The matrix that takes the waves at an atom to the potential there: rows' factors times this times the factors of n2.
    fn field(&self, structure: &[Structure<S>]) -> Matrix<S> {
        let (count, height) = (self.rows.len(), self.bound + 1);
        let mut field = Matrix::zero(2 * count, 2 * height);
        for r in 0..count {
            for n in 0..height {
                let at = r * height + n;
                let ([plus, minus], [a, b, c, d]) = (self.coefficients[at], structure[at]);
                let (a, b, c, d) = (plus * a, plus * b, minus * c, minus * d);
                field.set(r, n, a + c);
                field.set(r, height + n, b - d);
                field.set(count + r, n, b + d);
                field.set(count + r, height + n, c - a);
            }
        }
        field
    }

    /// Adds the potential in V.
    pub fn add_potential(&self, charges: &[S], out: &mut [S]) {
        let field = self.field(&self.structure(charges));
        let tasks: Vec<_> = self.blocks.iter().zip(out.chunks_mut(BLOCK)).collect();
        run(self.parallel, tasks, |(block, out)| {
            let across = block.rows.times(&field);
            for (i, phi) in out.iter_mut().enumerate() {
                let (a, b) = (across.row(i), block.columns.row(i));
                for n in 0..across.columns {
                    *phi += S::get(a, n) * S::get(b, n);
                }
            }
        });
    }

    /// Adds the derivatives of forms.
    pub fn add_gradients(&self, forms: &[Bilinear<S>], sum: &mut Gradients<S>) {
        for form in forms {
            let right = self.structure(&form.right);
            match form.ratio {
                Some(ratio) => {
                    let left: Vec<_> = right.iter().map(|s| s.map(|x| ratio * x)).collect();
                    self.add_strain(&left, &right, sum);
                    let twice: Vec<S> = form.left.iter().map(|x| x.scale(2.0)).collect();
                    self.add_slopes(&self.field(&right), &twice, &mut sum.positions);
                }
                None => {
                    let left = self.structure(&form.left);
                    self.add_strain(&left, &right, sum);
                    self.add_slopes(&self.field(&right), &form.left, &mut sum.positions);
                    self.add_slopes(&self.field(&left), &form.right, &mut sum.positions);
                }
            }
        }
    }

    /// Adds the gradient of the potential of a field at each atom times the atom's weight.
    fn add_slopes(&self, field: &Matrix<S>, weights: &[S], positions: &mut [[S; 3]]) {
        let (count, height) = (self.rows.len(), self.bound + 1);
        let tasks: Vec<_> = self.blocks.iter().zip(positions.chunks_mut(BLOCK)).collect();
        run(self.parallel, tasks, |(block, positions)| {
            let across = block.rows.times(field);
            let along = block.columns.times_transposed(field);
            for (i, gradient) in positions.iter_mut().enumerate() {
                let mut slopes = [S::zero(); 3];
                let (rows, along) = (block.rows.row(i), along.row(i));
                for (r, &[n0, n1]) in self.rows.iter().enumerate() {
                    let turn = S::get(rows, r) * S::get(along, count + r)
                        - S::get(rows, count + r) * S::get(along, r);
                    slopes[0] += turn.scale(f64::from(n0));
                    slopes[1] += turn.scale(f64::from(n1));
                }
                let (columns, across) = (block.columns.row(i), across.row(i));
                for n in 1..height {
                    let turn = S::get(columns, n) * S::get(across, height + n)
                        - S::get(columns, height + n) * S::get(across, n);
                    slopes[2] += turn.scale(n as f64);
                }
                let weight = weights[block.atoms.start + i];
                for a in 0..3 {
                    let slope = slopes[a] * weight;
                    add(gradient, &self.lattice.reciprocal[a].map(|b| slope * b));
                }
            }
        });
    }

    fn add_strain(&self, left: &[Structure<S>], right: &[Structure<S>], sum: &mut Gradients<S>) {
        let mut strain = [S::zero(); 6];
        let height = self.bound + 1;
        for (at, (l, r)) in left.iter().zip(right).enumerate() {
            let ([n0, n1], n2) = (self.rows[at / height], (at % height) as i32);
            for (side, signed) in [n2, -n2].into_iter().enumerate() {
                let coefficient = self.coefficients[at][side];
                if coefficient.value() == 0.0 {
                    continue;
                }
                let product = l[2 * side] * r[2 * side] + l[2 * side + 1] * r[2 * side + 1];
                let k = self.lattice.wave([n0, n1, signed]);
                add(&mut strain, &strain_of_wave(k, product * coefficient, self.alpha));
            }
        }
        sum.add_strain(strain);
    }
}

/// The derivative by strain (upper triangle) of a term exp(-k^2/4 alpha^2)/(k^2 V), given the term.
#[inline(always)]
pub fn strain_of_wave<S: Scalar<Real = f64>>(k: [S; 3], term: S, alpha: f64) -> [S; 6] {
    let square = dot(k, k);
    let along = (square.recip() + S::lit(0.25 / (alpha * alpha))).scale(2.0) * term;
    let mut strain = UPPER.map(|(a, b)| k[a] * k[b] * along);
    for diagonal in [0, 3, 5] {
        strain[diagonal] -= term;
    }
    strain
}

/// Cosine and sine of n times an angle for n up to `bound`.
fn powers<S: Scalar<Real = f64>>(angle: S, bound: usize) -> Vec<[S; 2]> {
    // Within half a turn, where the functions are most accurate.
    let angle = angle - S::lit((angle.value() / TAU).round() * TAU);
    let (s, c) = angle.sin_cos();
    let mut all = Vec::with_capacity(bound + 1);
    let mut last = [S::lit(1.0), S::zero()];
    for _ in 0..=bound {
        all.push(last);
        last = [last[0] * c - last[1] * s, last[0] * s + last[1] * c];
    }
    all
}
