//! The cosines and sines of k.x, and matrix products with them.

use std::ops::RangeInclusive;

use oxidane_math::gemm::{Mat, gemm};
use oxidane_physics::geometry::dot;

/// Reciprocal vectors n0 b0 + n1 b1 + n2 b2 that differ in n2 alone.
#[derive(Debug, Clone)]
pub struct Row {
    n0: i32,
    n1: i32,
    n2: RangeInclusive<i32>,
}

impl Row {
    /// Half of the vectors with |n| up to `bounds`, without zero: of k and -k one.
    pub fn half_of([b0, b1, b2]: [i32; 3]) -> impl Iterator<Item = Self> {
        (0..=b0).flat_map(move |n0| {
            (if n0 == 0 { 0 } else { -b1 }..=b1).map(move |n1| {
                let start = if n0 == 0 && n1 == 0 { 1 } else { -b2 };
                Self { n0, n1, n2: start..=b2 }
            })
        })
    }

    /// n0, n1, n2 of each.
    pub fn indices(&self) -> impl Iterator<Item = [f64; 3]> {
        let (n0, n1) = (f64::from(self.n0), f64::from(self.n1));
        self.n2.clone().map(move |n2| [n0, n1, f64::from(n2)])
    }
}

/// cos(k.x) and sin(k.x): a row per atom, in it the cosines of all vectors, then the sines.
#[derive(Debug, Clone)]
pub struct Phases {
    atoms: usize,
    count: usize,
    values: Vec<f64>,
}

impl Phases {
    /// For the reciprocal vectors `rows` and the order of [`Row::half_of`].
    pub fn new(rows: &[[f64; 3]; 3], bounds: [i32; 3], positions: &[[f64; 3]]) -> Self {
        let count: usize = Row::half_of(bounds).map(|row| row.n2.count()).sum();
        let mut values = Vec::with_capacity(positions.len() * 2 * count);
        let mut sines = Vec::with_capacity(count);
        for &x in positions {
            let powers: [Powers; 3] = std::array::from_fn(|a| Powers::new(dot(rows[a], x), bounds[a]));
            sines.clear();
            for Row { n0, n1, n2 } in Row::half_of(bounds) {
                let [cosine, sine] = multiply(powers[0].get(n0), powers[1].get(n1));
                let along = powers[2].range(n2);
                values.extend(along.iter().map(|[c, s]| cosine * c - sine * s));
                sines.extend(along.iter().map(|[c, s]| cosine * s + sine * c));
            }
            values.extend_from_slice(&sines);
        }
        Self { atoms: positions.len(), count, values }
    }

    /// The cosine and sine of atom `i` and vector `k`.
    #[inline(always)]
    pub fn get(&self, i: usize, k: usize) -> (f64, f64) {
        let row = i * 2 * self.count;
        (self.values[row + k], self.values[row + self.count + k])
    }

    /// Adds sum_k weights_k cos k.(x_i - x_j) to the element i, j of a matrix, row-major, atoms x atoms.
    pub fn add_cosines(&self, weights: &[f64], matrix: &mut [f64]) {
        let mut scaled = self.values.clone();
        self.for_each_row(&mut scaled, |cosine, sine, k| (weights[k] * cosine, weights[k] * sine));
        self.add_product(&scaled, matrix);
    }

    /// Adds sum_k weights_k sin k.(x_i - x_j).
    pub fn add_sines(&self, weights: &[f64], matrix: &mut [f64]) {
        let mut scaled = self.values.clone();
        self.for_each_row(&mut scaled, |cosine, sine, k| (weights[k] * sine, -weights[k] * cosine));
        self.add_product(&scaled, matrix);
    }

    /// The product of a matrix, atoms x atoms, with the phases: row i holds sum_j m_ij cos k.x_j and then sum_j m_ij
    /// sin k.x_j.
    pub fn transformed(&self, matrix: &[f64]) -> Phases {
        let (n, columns) = (self.atoms, 2 * self.count);
        let mut values = vec![0.0; n * columns];
        gemm(&mut values, columns, 0.0, Mat::full(matrix, n, n), Mat::full(&self.values, n, columns), 1.0);
        Phases { values, ..*self }
    }

    fn for_each_row(&self, rows: &mut [f64], change: impl Fn(f64, f64, usize) -> (f64, f64)) {
        for row in rows.chunks_exact_mut((2 * self.count).max(1)) {
            let (cosines, sines) = row.split_at_mut(self.count);
            for (k, (cosine, sine)) in cosines.iter_mut().zip(sines).enumerate() {
                (*cosine, *sine) = change(*cosine, *sine, k);
            }
        }
    }

    fn add_product(&self, left: &[f64], matrix: &mut [f64]) {
        let (n, columns) = (self.atoms, 2 * self.count);
        gemm(matrix, n, 1.0, Mat::full(left, n, columns), Mat::full(&self.values, n, columns).t(), 1.0);
    }
}

/// exp(i n angle) for |n| up to a bound, as real and imaginary part.
struct Powers {
    bound: i32,
    values: Vec<[f64; 2]>,
}

impl Powers {
    fn new(angle: f64, bound: i32) -> Self {
        let power = |n: i32| {
            let (sine, cosine) = (f64::from(n) * angle).sin_cos();
            [cosine, sine]
        };
        Self { bound, values: (-bound..=bound).map(power).collect() }
    }

    fn get(&self, n: i32) -> [f64; 2] {
        self.values[(n + self.bound) as usize]
    }

    fn range(&self, n: RangeInclusive<i32>) -> &[[f64; 2]] {
        &self.values[(n.start() + self.bound) as usize..=(n.end() + self.bound) as usize]
    }
}

/// The product of two complex numbers.
fn multiply([a, b]: [f64; 2], [c, d]: [f64; 2]) -> [f64; 2] {
    [a * c - b * d, a * d + b * c]
}
