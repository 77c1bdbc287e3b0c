//! Lattice sums of inverse odd powers of the distance, split into a screened part in real space and a smooth part in
//! reciprocal space.
//!
//! With Gamma(s, x) the upper incomplete gamma function and x = (alpha r)^2, the power 1/r^n is b_n + (1/r^n - b_n),
//! where b_n = Gamma(n/2, x) / (Gamma(n/2) r^n) decays as a Gaussian and the rest is smooth, with a Fourier transform
//! that decays as a Gaussian (R. E. Crandall, Exp. Math. 1999, 8, 367; n = 1 is the sum of P. P. Ewald, Ann. Phys.
//! 1921, 369, 253).

mod exponential;
mod phases;
mod splitting;

use std::array::from_fn;
use std::f64::consts::PI;

use oxidane_physics::geometry::dot;

use exponential::exponential_integral;
pub use phases::Phases;
use phases::Row;
pub use splitting::{Sum, repetitions};
use splitting::{reciprocal_rows, volume};

/// How many powers are summed: 1/r and 1/r^3.
pub const POWERS: usize = 2;

/// Screened parts are cut off where their Gaussians have fallen to exp(-REACH^2), 2e-12.
const REACH: f64 = 5.2;

/// Gamma(n/2 + 1) for n = 1, 3, 5, 7, over the square root of pi.
const GAMMA: [f64; 4] = [0.5, 0.75, 1.875, 6.5625];

/// The splitting of lattice sums for one lattice.
#[derive(Debug, Clone)]
pub struct Ewald {
    alpha: f64,
    volume: f64,
    reciprocal: [[f64; 3]; 3],
    bounds: [i32; 3],
    vectors: Vec<[f64; 3]>,
}

/// The smooth part of a power at one reciprocal vector k, summed with the cosine over half the vectors.
#[derive(Debug, Clone, Copy)]
pub struct Spectrum {
    /// Fourier transform over the volume, times two for the other half.
    pub value: f64,
    /// Its derivative by k^2 at fixed volume.
    pub slope: f64,
}

impl Ewald {
    /// For the lattice vectors `rows` in bohr, cut as in the reference program (see [`Sum`]).
    pub fn new(rows: &[[f64; 3]; 3], sum: Sum) -> Self {
        let alpha = sum.splitting(rows);
        Self::bounded(rows, alpha, sum.bounds(rows, alpha))
    }

    /// With a splitting parameter in 1/bohr, converged to 2e-12.
    #[cfg(test)]
    pub fn with_splitting(rows: &[[f64; 3]; 3], alpha: f64) -> Self {
        Self::bounded(rows, alpha, repetitions(&reciprocal_rows(rows), 2.0 * alpha * REACH))
    }

    /// With the same splitting and bounds for other lattice vectors.
    #[cfg(test)]
    pub fn strained(&self, rows: &[[f64; 3]; 3]) -> Self {
        Self::bounded(rows, self.alpha, self.bounds)
    }

    fn bounded(rows: &[[f64; 3]; 3], alpha: f64, bounds: [i32; 3]) -> Self {
        let reciprocal = reciprocal_rows(rows);
        let mut vectors = Vec::new();
        for row in Row::half_of(bounds) {
            for n in row.indices() {
                let [a, b, c] = reciprocal;
                vectors.push(from_fn(|k| n[0] * a[k] + n[1] * b[k] + n[2] * c[k]));
            }
        }
        Self { alpha, volume: volume(rows), reciprocal, bounds, vectors }
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

    /// b_1, b_3, b_5, ... at the squared distance `r2`, up to four. The derivative of b_n by r, divided by r, is -n
    /// b_(n+2).
    #[inline(always)]
    pub fn screened<const N: usize>(&self, r2: f64) -> [f64; N] {
        let r = r2.sqrt();
        let alpha2 = self.alpha * self.alpha;
        let mut gaussian = self.alpha * (-alpha2 * r2).exp() / PI.sqrt();
        let mut b = [libm::erfc(self.alpha * r) / r; N];
        for n in 1..N {
            b[n] = (b[n - 1] + gaussian / GAMMA[n - 1]) / r2;
            gaussian *= alpha2;
        }
        b
    }

    /// What the smooth part of each power adds at distance zero, which the sums over images other than the atom itself
    /// must take out: alpha^n / Gamma(n/2 + 1).
    pub fn own(&self) -> [f64; POWERS] {
        std::array::from_fn(|n| self.alpha.powi(2 * n as i32 + 1) / (GAMMA[n] * PI.sqrt()))
    }

    /// The mean of the smooth parts over the cell (k = 0), less what diverges: for 1/r the neutralising background, for
    /// 1/r^3 the constant of the analytic continuation of the sum in n, lengths in bohr.
    pub fn mean(&self) -> [f64; POWERS] {
        const EULER: f64 = 0.577_215_664_901_532_9;
        let alpha2 = self.alpha * self.alpha;
        [-0.25 / alpha2, (2.0 * self.alpha).ln() - 1.0 + 0.5 * EULER].map(|x| 4.0 * PI / self.volume * x)
    }

    /// The smooth part of 1/r at all [`vectors`](Self::vectors): 8 pi/V exp(-x)/k^2 with x = k^2/4 alpha^2.
    pub fn spectrum(&self) -> Vec<Spectrum> {
        self.map_squares(|k2, x, decay| {
            let value = 8.0 * PI / self.volume * decay / k2;
            Spectrum { value, slope: -value * (1.0 + x) / k2 }
        })
    }

    /// That of 1/r^3: 4 pi/V E1(x).
    pub fn spectrum_of_cubes(&self) -> Vec<Spectrum> {
        self.map_squares(|k2, x, decay| {
            let factor = 4.0 * PI / self.volume;
            Spectrum { value: factor * exponential_integral(x), slope: -factor * decay / k2 }
        })
    }

    /// Calls with k^2, x and exp(-x).
    fn map_squares(&self, spectrum: impl Fn(f64, f64, f64) -> Spectrum) -> Vec<Spectrum> {
        let of_vector = |&k: &[f64; 3]| {
            let k2 = dot(k, k);
            let x = 0.25 * k2 / (self.alpha * self.alpha);
            spectrum(k2, x, (-x).exp())
        };
        self.vectors.iter().map(of_vector).collect()
    }

    /// The cosines and sines of k.x for all atoms and vectors.
    pub fn phases(&self, positions: &[[f64; 3]]) -> Phases {
        Phases::new(&self.reciprocal, self.bounds, positions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oxidane_physics::lattice::Lattice;

    /// The constant of the sum of 1/r^3: the limit of the sum within R less 4 pi/V ln R, here with a soft rim from 60
    /// to 120, whose Fourier components at the lattice's wavelengths are below 1e-7, as is Simpson's rule over it.
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

        let ewald = Ewald::new(&rows, Sum::Charges);
        let mut found = ewald.mean()[1];
        lattice.for_each_image(vector, ewald.cutoff(), |_, r2| found += ewald.screened::<2>(r2)[1]);
        for (&k, spectrum) in ewald.vectors().iter().zip(ewald.spectrum_of_cubes()) {
            found += spectrum.value * dot(k, vector).cos();
        }
        assert!((found - expected).abs() < 1e-7, "{found} {expected}");
    }
}
