//! Lattice sums of inverse odd powers of the distance, split into a screened part in real space and a smooth part in
//! reciprocal space.
//!
//! With Gamma(s, x) the upper incomplete gamma function and x = (alpha r)^2, the power 1/r^n is b_n + (1/r^n - b_n), where
//! b_n = Gamma(n/2, x) / (Gamma(n/2) r^n) decays as a Gaussian and the rest is smooth, with a Fourier transform that decays as
//! a Gaussian (R. E. Crandall, Exp. Math. 1999, 8, 367; n = 1 is the sum of P. P. Ewald, Ann. Phys. 1921, 369, 253).

mod exponential;

use std::f64::consts::PI;

use oxidane_core::Result;
use oxidane_math::gemm::{Mat, gemm};
use oxidane_physics::geometry::{cross, dot};
use oxidane_physics::lattice::Lattice;

use exponential::exponential_integral;

/// How many powers are summed: 1/r, 1/r^3, 1/r^5, 1/r^7.
pub const POWERS: usize = 4;

/// Screened and smooth parts are cut off where their Gaussians have fallen to exp(-REACH^2), 2e-12.
const REACH: f64 = 5.2;

/// The splitting parameter is this over the edge of a cube of the cell's volume. No result depends on it; about here both sums
/// take the same time.
const SPLITTING: f64 = 3.0;

/// Gamma(n/2 + 1) for n = 1, 3, 5, 7, over the square root of pi.
const GAMMA: [f64; POWERS] = [0.5, 0.75, 1.875, 6.5625];

/// The splitting of lattice sums for one lattice.
#[derive(Debug, Clone)]
pub struct Ewald {
    alpha: f64,
    volume: f64,
    vectors: Vec<[f64; 3]>,
}

/// The smooth parts at one reciprocal vector k, summed with the cosine over half the vectors.
#[derive(Debug, Clone, Copy)]
pub struct Spectrum {
    /// Fourier transforms over the volume, times two for the other half.
    pub values: [f64; POWERS],
    /// Their derivatives by k^2 at fixed volume.
    pub slopes: [f64; POWERS],
}

impl Ewald {
    /// For the lattice vectors `rows` in bohr.
    pub fn new(rows: &[[f64; 3]; 3]) -> Result<Self> {
        let volume = dot(rows[0], cross(rows[1], rows[2])).abs();
        Self::with_splitting(rows, SPLITTING / volume.cbrt())
    }

    /// With a splitting parameter in 1/bohr.
    pub fn with_splitting(rows: &[[f64; 3]; 3], alpha: f64) -> Result<Self> {
        let signed = dot(rows[0], cross(rows[1], rows[2]));
        let reciprocal = std::array::from_fn(|a| {
            cross(rows[(a + 1) % 3], rows[(a + 2) % 3]).map(|x| 2.0 * PI * x / signed)
        });
        let mut vectors = Vec::new();
        let cutoff = 2.0 * alpha * REACH;
        // Vectors come as k and -k, exact negatives of each other.
        Lattice::new(Some(reciprocal))?.for_each_image([0.0; 3], cutoff, |k, _| {
            if k > k.map(|x| -x) {
                vectors.push(k);
            }
        });
        Ok(Self { alpha, volume: signed.abs(), vectors })
    }

    /// Beyond this distance in bohr the screened parts vanish.
    pub fn cutoff(&self) -> f64 {
        REACH / self.alpha
    }

    /// The volume of the cell in bohr^3.
    pub fn volume(&self) -> f64 {
        self.volume
    }

    /// Half of the reciprocal vectors, without zero: of k and -k one.
    pub fn vectors(&self) -> &[[f64; 3]] {
        &self.vectors
    }

    /// b_1, b_3, ... b_9 at the squared distance `r2`. The derivative of b_n by r, divided by r, is -n b_(n+2).
    #[inline(always)]
    pub fn screened(&self, r2: f64) -> [f64; POWERS + 1] {
        let r = r2.sqrt();
        let alpha2 = self.alpha * self.alpha;
        let mut gaussian = self.alpha * (-alpha2 * r2).exp() / PI.sqrt();
        let mut b = [libm::erfc(self.alpha * r) / r; POWERS + 1];
        for n in 0..POWERS {
            b[n + 1] = (b[n] + gaussian / GAMMA[n]) / r2;
            gaussian *= alpha2;
        }
        b
    }

    /// What the smooth part of each power adds at distance zero, which the sums over images other than the atom itself must
    /// take out: alpha^n / Gamma(n/2 + 1).
    pub fn own(&self) -> [f64; POWERS] {
        std::array::from_fn(|n| self.alpha.powi(2 * n as i32 + 1) / (GAMMA[n] * PI.sqrt()))
    }

    /// The mean of the smooth parts over the cell (k = 0), less what diverges: for 1/r the neutralising background, for 1/r^3 the constant
    /// of the analytic continuation of the sum in n, lengths in bohr.
    pub fn mean(&self) -> [f64; POWERS] {
        const EULER: f64 = 0.577_215_664_901_532_9;
        let alpha2 = self.alpha * self.alpha;
        [-0.25 / alpha2, (2.0 * self.alpha).ln() - 1.0 + 0.5 * EULER, alpha2 / 3.0, alpha2 * alpha2 / 15.0]
            .map(|x| 4.0 * PI / self.volume * x)
    }

    /// The smooth parts at a reciprocal vector of squared length `k2`: pi^(3/2) / Gamma(n/2) y^p Gamma(-p, x) with p = (n-3)/2, y = k^2/4 and x =
    /// y/alpha^2.
    pub fn spectrum(&self, k2: f64) -> Spectrum {
        let y = 0.25 * k2;
        let x = y / (self.alpha * self.alpha);
        let decay = (-x).exp();
        let zeroth = exponential_integral(x);
        let first = decay / x - zeroth;
        let second = 0.5 * (decay / (x * x) - first);
        // y^p Gamma(-p, x) for p = -2 to 2; the derivative by y of one is minus the one before.
        let parts = [(1.0 + x) * decay / (y * y), decay / y, zeroth, y * first, y * y * second];
        let factor = |n: usize| 2.0 / self.volume * PI * [1.0, 2.0, 4.0 / 3.0, 8.0 / 15.0][n];
        Spectrum {
            values: std::array::from_fn(|n| factor(n) * parts[n + 1]),
            slopes: std::array::from_fn(|n| -0.25 * factor(n) * parts[n]),
        }
    }

    /// The cosines and sines of k.x for all atoms and vectors.
    pub fn phases(&self, positions: &[[f64; 3]]) -> Phases {
        let (atoms, count) = (positions.len(), self.vectors.len());
        let mut values = vec![0.0; atoms * 2 * count];
        for (row, &x) in values.chunks_exact_mut((2 * count).max(1)).zip(positions) {
            let (cosines, sines) = row.split_at_mut(count);
            for ((cosine, sine), &k) in cosines.iter_mut().zip(sines).zip(&self.vectors) {
                (*sine, *cosine) = dot(k, x).sin_cos();
            }
        }
        Phases { atoms, count, values }
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

    /// The product of a matrix, atoms x atoms, with the phases: row i holds sum_j m_ij cos k.x_j and then sum_j m_ij sin k.x_j.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The constant of the sum of 1/r^3: the limit of the sum within R less 4 pi/V ln R, here with a soft rim from 60 to 120, whose
    /// Fourier components at the lattice's wavelengths are below 1e-7, as is Simpson's rule over it.
    #[test]
    fn continued_sum_of_cubes() {
        let rows = [[5.0, 0.0, 0.0], [0.0, 5.0, 0.0], [0.0, 0.0, 5.0]];
        let vector = [1.0, 0.5, -0.7];
        let (inner, outer) = (60.0, 120.0);
        let rim = |r: f64| {
            let t = ((r - inner) / (outer - inner)).max(0.0);
            1.0 - t * t * t * (10.0 - t * (15.0 - 6.0 * t))
        };
        let lattice = Lattice::new(Some(rows)).unwrap();
        let mut direct = 0.0;
        lattice.for_each_image(vector, outer, |_, r2| direct += rim(r2.sqrt()) / (r2 * r2.sqrt()));
        let steps = 200;
        let step = (outer - inner) / f64::from(steps);
        let mut integral: f64 = inner.ln();
        for n in 0..=steps {
            let weight = if n == 0 || n == steps { 1.0 } else { f64::from(2 + 2 * (n % 2)) };
            let r = inner + step * f64::from(n);
            integral += weight * step / 3.0 * rim(r) / r;
        }
        let expected = direct - 4.0 * PI / 125.0 * integral;

        let ewald = Ewald::new(&rows).unwrap();
        let mut found = ewald.mean()[1];
        lattice.for_each_image(vector, ewald.cutoff(), |_, r2| found += ewald.screened(r2)[1]);
        for &k in ewald.vectors() {
            found += ewald.spectrum(dot(k, k)).values[1] * dot(k, vector).cos();
        }
        assert!((found - expected).abs() < 1e-7, "{found} {expected}");
    }
}
