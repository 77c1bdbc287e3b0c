//! The spectrum of the smooth part of the interaction on a mesh.

use super::super::blocks::{add, run};
use super::super::lattice::Lattice;
use super::super::reciprocal::strain_of_wave;
use super::fft::Wave;
use super::parameters::Grid;
use super::spline::amplifications;
use crate::geometry::dot;
use oxidane_core::units::COULOMB;
use oxidane_math::{Scalar, simd};
use std::f64::consts::PI;

/// The waves of a real function, of values and of tangents.
pub type Waves = Vec<Vec<Wave>>;

/// For every wave of the mesh 4 pi k_e/V exp(-k^2/4 alpha^2)/k^2 times the splines' amplifications: eq. 4.7 of Essmann et al.
#[derive(Debug, Clone)]
pub struct Spectrum<S> {
    lattice: Lattice<S>,
    alpha: f64,
    points: [usize; 3],
    /// `[n2 / 2 + 1, n1, n0]`, each line along the first axis a row of scalars.
    values: Vec<f64>,
    parallel: bool,
}

impl<S: Scalar<Real = f64>> Spectrum<S> {
    pub fn new(lattice: &Lattice<S>, alpha: f64, grid: Grid, parallel: bool) -> Self {
        let points = grid.points;
        let [n0, n1, n2] = points;
        let amplify = points.map(|n| amplifications(grid.order, n));
        let width = n0 * S::PLANES;
        let mut values = vec![0.0; (n2 / 2 + 1) * n1 * width];
        let sum = Self { lattice: *lattice, alpha, points, values: Vec::new(), parallel };
        let tasks = values.chunks_mut(n1 * width).enumerate().collect();
        run(parallel, tasks, |(k2, lines): (usize, &mut [f64])| {
            for (k1, line) in lines.chunks_exact_mut(width).enumerate() {
                sum.fill(k2, k1, &amplify, line);
            }
        });
        Self { values, ..sum }
    }

    /// The line of all waves that share `k2` and `k1`.
    fn fill(&self, k2: usize, k1: usize, amplify: &[Vec<f64>; 3], line: &mut [f64]) {
        let n0 = self.points[0];
        let factor = 4.0 * PI * COULOMB * amplify[2][k2] * amplify[1][k1];
        let own = &amplify[0][..n0];
        simd::dispatch(
            #[inline(always)]
            move || {
                let mut line = S::row_mut(line, n0);
                for k0 in 0..n0 {
                    let k = self.wave([k0, k1, k2]);
                    let square = dot(k, k);
                    let decay = (-square).scale(0.25 / (self.alpha * self.alpha)).exp();
                    let value = (decay / (square * self.lattice.volume)).scale(factor * own[k0]);
                    S::set(&mut line, k0, value);
                }
                if k1 == 0 && k2 == 0 {
                    S::set(&mut line, 0, S::zero());
                }
            },
        );
    }

    /// The wave vector of a point: along each axis the smallest of those that the mesh cannot tell apart.
    #[inline(always)]
    fn wave(&self, at: [usize; 3]) -> [S; 3] {
        self.lattice.wave(std::array::from_fn(|a| {
            let (k, n) = (at[a] as i32, self.points[a] as i32);
            if 2 * k > n { k - n } else { k }
        }))
    }

    /// Multiplies waves.
    pub fn multiply(&self, waves: &mut Waves) {
        let n0 = self.points[0];
        let width = n0 * S::PLANES;
        let (values, tangents) = waves.split_at_mut(1);
        let mut tangents = tangents.iter_mut().flat_map(|w| w.chunks_mut(n0));
        let lines = values[0].chunks_mut(n0).zip(self.values.chunks(width));
        let tasks = lines.map(|(line, spectrum)| (line, tangents.next(), spectrum)).collect();
        run(
            self.parallel,
            tasks,
            |(values, tangents, spectrum): (&mut [Wave], Option<&mut [Wave]>, &[f64])| {
                let (factor, moved) = spectrum.split_at(n0);
                if let Some(tangents) = tangents {
                    for (k, t) in tangents.iter_mut().enumerate() {
                        *t = *t * factor[k] + values[k] * moved[k];
                    }
                }
                for (v, s) in values.iter_mut().zip(factor) {
                    *v *= s;
                }
            },
        );
    }

    /// The derivative by strain (upper triangle) of a sum of products of two functions with the spectrum between them and a factor before, at
    /// fixed waves.
    pub fn strain(&self, products: &[(&Waves, &Waves, S)]) -> [S; 6] {
        let [n0, n1, n2] = self.points;
        let width = n0 * S::PLANES;
        let parts = run(self.parallel, (0..n2 / 2 + 1).collect(), |k2: usize| {
            let mut strain = [S::zero(); 6];
            // A wave of the half that is stored stands for its conjugate too.
            let times = if k2 == 0 { 1.0 } else { 2.0 };
            for k1 in 0..n1 {
                let line = k2 * n1 + k1;
                let spectrum = S::row(&self.values[line * width..], n0);
                for k0 in usize::from(line == 0)..n0 {
                    let at = line * n0 + k0;
                    let mut product = S::zero();
                    for (left, right, factor) in products {
                        let ([a, b], [c, d]) = (scalars::<S>(left, at), scalars::<S>(right, at));
                        product += (a * c + b * d) * *factor;
                    }
                    let term = (product * S::get(spectrum, k0)).scale(times);
                    add(&mut strain, &strain_of_wave(self.wave([k0, k1, k2]), term, self.alpha));
                }
            }
            strain
        });
        let mut sum = [S::zero(); 6];
        parts.iter().for_each(|part| add(&mut sum, part));
        sum
    }
}

/// Real and imaginary part of a wave.
#[inline(always)]
fn scalars<S: Scalar<Real = f64>>(waves: &Waves, at: usize) -> [S; 2] {
    let (value, tangent) = (waves[0][at], if S::PLANES == 2 { waves[1][at] } else { Wave::default() });
    [S::with_tangent(value.re, tangent.re), S::with_tangent(value.im, tangent.im)]
}
