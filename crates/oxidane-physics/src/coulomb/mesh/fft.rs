//! Fourier transforms of a real function on a mesh.

use super::super::blocks::run;
use super::super::pool::Pool;
use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::{Fft, FftPlanner};
use std::fmt;
use std::sync::Arc;

/// A complex number.
pub type Wave = Complex<f64>;

/// Rows handled together when a matrix is transposed.
const TILE: usize = 16;

/// The transforms of one mesh. In space a mesh is `[n0, n1, n2 + padding]`: a row along the last axis ends with its first points once
/// more. Its waves are `[n2 / 2 + 1, n1, n0]`.
#[derive(Clone)]
pub struct Transform {
    points: [usize; 3],
    padding: usize,
    real: Arc<dyn RealToComplex<f64>>,
    to_real: Arc<dyn ComplexToReal<f64>>,
    /// Along the first and the second axis.
    forward: [Arc<dyn Fft<f64>>; 2],
    backward: [Arc<dyn Fft<f64>>; 2],
    parallel: bool,
}

impl fmt::Debug for Transform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transform").field("points", &self.points).finish_non_exhaustive()
    }
}

impl Transform {
    /// The same for another number of threads, if it is of this mesh.
    pub fn reuse(&self, points: [usize; 3], padding: usize, parallel: bool) -> Option<Self> {
        (self.points == points && self.padding == padding).then(|| Self { parallel, ..self.clone() })
    }

    pub fn new(points: [usize; 3], padding: usize, parallel: bool) -> Self {
        let (mut reals, mut planner) = (RealFftPlanner::new(), FftPlanner::new());
        Self {
            points,
            padding,
            real: reals.plan_fft_forward(points[2]),
            to_real: reals.plan_fft_inverse(points[2]),
            forward: [0, 1].map(|a| planner.plan_fft_forward(points[a])),
            backward: [0, 1].map(|a| planner.plan_fft_inverse(points[a])),
            parallel,
        }
    }

    /// Numbers in a row along the last axis in space.
    pub fn row(&self) -> usize {
        self.points[2] + self.padding
    }

    /// Waves along the last axis.
    fn half(&self) -> usize {
        self.points[2] / 2 + 1
    }

    /// Numbers of a mesh in space.
    pub fn size(&self) -> usize {
        self.points[0] * self.points[1] * self.row()
    }

    /// sum over the mesh of f exp(-i k.x), unscaled, in a buffer of the pool; the padding is not read.
    pub fn forward(&self, mesh: &[f64], pool: &Pool<Wave>) -> Vec<Wave> {
        let ([n0, n1, _], half, row) = (self.points, self.half(), self.row());
        // Planes [n2 / 2 + 1, n1], one for each point of the first axis.
        let mut planes = pool.take(n0 * half * n1);
        let tasks = planes.chunks_mut(half * n1).zip(mesh.chunks(n1 * row)).collect();
        run(self.parallel, tasks, |(plane, mesh): (&mut [Wave], &[f64])| {
            let mut lines = vec![Wave::default(); n1 * half];
            let mut input = self.real.make_input_vec();
            let mut scratch = self.real.make_scratch_vec();
            for (line, values) in lines.chunks_exact_mut(half).zip(mesh.chunks_exact(row)) {
                input.copy_from_slice(&values[..self.points[2]]);
                let done = self.real.process_with_scratch(&mut input, line, &mut scratch);
                debug_assert!(done.is_ok());
            }
            transpose(&lines, n1, half, plane);
            process(&*self.forward[1], plane);
        });
        let mut waves = pool.take(planes.len());
        let tasks = waves.chunks_mut(n1 * n0).enumerate().collect();
        run(self.parallel, tasks, |(wave, lines): (usize, &mut [Wave])| {
            gather(&planes, wave * n1, half * n1, lines, n0);
            process(&*self.forward[0], lines);
        });
        pool.put(planes);
        waves
    }

    /// sum over waves of F exp(i k.x), unscaled, the padding filled. The waves are used up.
    pub fn backward(&self, waves: &mut [Wave], mesh: &mut [f64]) {
        let ([n0, n1, n2], half, row) = (self.points, self.half(), self.row());
        let tasks = waves.chunks_mut(n1 * n0).collect();
        run(self.parallel, tasks, |lines: &mut [Wave]| process(&*self.backward[0], lines));
        let waves = &*waves;
        let tasks = mesh.chunks_mut(n1 * row).enumerate().collect();
        run(self.parallel, tasks, |(plane, mesh): (usize, &mut [f64])| {
            let mut columns = vec![Wave::default(); half * n1];
            for (c, w) in columns.iter_mut().zip(waves[plane..].iter().step_by(n0)) {
                *c = *w;
            }
            process(&*self.backward[1], &mut columns);
            let mut lines = vec![Wave::default(); n1 * half];
            transpose(&columns, half, n1, &mut lines);
            let mut scratch = self.to_real.make_scratch_vec();
            for (line, values) in lines.chunks_exact_mut(half).zip(mesh.chunks_exact_mut(row)) {
                // Real in a real function; what rounding left would be an error there.
                line[0].im = 0.0;
                if n2 % 2 == 0 {
                    line[half - 1].im = 0.0;
                }
                let done = self.to_real.process_with_scratch(line, &mut values[..n2], &mut scratch);
                debug_assert!(done.is_ok());
                for k in 0..self.padding {
                    values[n2 + k] = values[k % n2];
                }
            }
        });
    }
}

/// Transforms consecutive lines.
fn process(plan: &dyn Fft<f64>, lines: &mut [Wave]) {
    let mut scratch = vec![Wave::default(); plan.get_inplace_scratch_len()];
    plan.process_with_scratch(lines, &mut scratch);
}

/// Writes the transpose of a matrix of `rows` x `columns`.
fn transpose(from: &[Wave], rows: usize, columns: usize, to: &mut [Wave]) {
    for tile in (0..rows).step_by(TILE) {
        for column in 0..columns {
            for row in tile..rows.min(tile + TILE) {
                to[column * rows + row] = from[row * columns + column];
            }
        }
    }
}

/// Fills lines of length `length` with columns, from `first` on, of a matrix with rows of `stride`.
fn gather(from: &[Wave], first: usize, stride: usize, lines: &mut [Wave], length: usize) {
    let count = lines.len() / length;
    for tile in (0..length).step_by(TILE) {
        for line in 0..count {
            for k in tile..length.min(tile + TILE) {
                lines[line * length + k] = from[k * stride + first + line];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mesh of odd and even sizes there, against the defining sum, and back.
    #[test]
    fn transforms_match_their_definition() {
        for points in [[5, 6, 8], [4, 7, 9]] {
            let [n0, n1, n2] = points;
            let padding = 3;
            let transform = Transform::new(points, padding, false);
            let row = n2 + padding;
            let value = |i: usize| ((37 * i + 11) as f64).sin();
            let mut mesh = vec![f64::NAN; n0 * n1 * row];
            for line in 0..n0 * n1 {
                for k in 0..n2 {
                    mesh[line * row + k] = value(line * n2 + k);
                }
            }
            let mut waves = transform.forward(&mesh, &Pool::default());
            let turn = |k: usize, i: usize, n: usize| std::f64::consts::TAU * ((k * i) % n) as f64 / n as f64;
            for (at, wave) in waves.iter().enumerate() {
                let (k2, k1, k0) = (at / (n1 * n0), at / n0 % n1, at % n0);
                let mut sum = Wave::default();
                for i in 0..n0 * n1 * n2 {
                    let (i0, i1, i2) = (i / (n1 * n2), i / n2 % n1, i % n2);
                    let angle = turn(k0, i0, n0) + turn(k1, i1, n1) + turn(k2, i2, n2);
                    sum += Wave::new(angle.cos(), -angle.sin()) * value(i);
                }
                assert!((sum - wave).norm() < 1e-12, "{k0} {k1} {k2}");
            }
            let mut back = mesh.clone();
            transform.backward(&mut waves, &mut back);
            for line in 0..n0 * n1 {
                for k in 0..row {
                    let expected = value(line * n2 + k % n2) * (n0 * n1 * n2) as f64;
                    assert!((back[line * row + k] - expected).abs() < 1e-11);
                }
            }
        }
    }
}
