//! Layer normalisation of scalar features.

use super::{sum, top};
use crate::parameters::{Layout, Slot};
use oxidane_math::{Real, Scalar, simd};

/// y = (x - mean) / sqrt(variance + 1e-5) * weight + bias over the channels of a row.
#[derive(Debug, Clone)]
pub struct LayerNorm {
    width: usize,
    weight: Slot,
    bias: Slot,
}

const EPSILON: f64 = 1e-5;

impl LayerNorm {
    /// Registers `name.weight` and `name.bias`.
    pub fn new(layout: &mut Layout, name: &str, width: usize) -> Self {
        let weight = layout.add(format!("{name}.weight"), &[width], true, false);
        let bias = layout.add(format!("{name}.bias"), &[width], true, false);
        Self { width, weight, bias }
    }

    /// Normalises `rows` rows.
    pub fn forward<S: Scalar>(&self, p: &[S::Real], rows: usize, x: &[S::Real], y: &mut [S::Real]) {
        let (n, stride) = (self.width, self.width * S::PLANES);
        let (weight, bias) = (self.weight.of(p), self.bias.of(p));
        simd::dispatch(
            #[inline(always)]
            || {
                for (x, y) in x[..rows * stride].chunks_exact(stride).zip(y.chunks_exact_mut(stride)) {
                    let (x, mut y) = (S::row(x, n), S::row_mut(y, n));
                    let (mean, inverse) = moments::<S>(x, n);
                    for k in 0..n {
                        let v = ((S::get(x, k) - mean) * inverse).scale(weight[k]) + S::constant(bias[k]);
                        S::set(&mut y, k, v);
                    }
                }
            },
        );
    }

    /// Adds the adjoint of `x` to `x_adj`, and the weight gradient.
    pub fn reverse<S: Scalar>(
        &self,
        p: &[S::Real],
        rows: usize,
        x: &[S::Real],
        y_adj: &[S::Real],
        x_adj: &mut [S::Real],
        mut gradient: Option<&mut [S::Real]>,
    ) {
        let (n, stride) = (self.width, self.width * S::PLANES);
        let weight = self.weight.of(p);
        simd::dispatch(
            #[inline(always)]
            || {
                for r in 0..rows {
                    let at = r * stride;
                    let x = S::row(&x[at..], n);
                    let y_adj = S::row(&y_adj[at..], n);
                    let mut x_adj = S::row_mut(&mut x_adj[at..], n);
                    let (mean, inverse) = moments::<S>(x, n);
                    let per = S::Real::of(1.0 / n as f64);
                    let hat = |k: usize| (S::get(x, k) - mean) * inverse;
                    let seed = |k: usize| S::get(y_adj, k).scale(weight[k]);
                    let m0 = sum(n, seed).scale(per);
                    let m1 = sum(
                        n,
                        #[inline(always)]
                        |k| seed(k) * hat(k),
                    )
                    .scale(per);
                    for k in 0..n {
                        let v = S::get_mut(&x_adj, k) + (seed(k) - m0 - hat(k) * m1) * inverse;
                        S::set(&mut x_adj, k, v);
                    }
                    if let Some(g) = gradient.as_deref_mut() {
                        let gw = self.weight.of_mut(g);
                        for k in 0..n {
                            gw[k] += top(S::get(y_adj, k) * hat(k));
                        }
                        let gb = self.bias.of_mut(g);
                        for k in 0..n {
                            gb[k] += top(S::get(y_adj, k));
                        }
                    }
                }
            },
        );
    }
}

#[inline(always)]
fn moments<S: Scalar>(x: S::Row<'_>, n: usize) -> (S, S) {
    let per = S::Real::of(1.0 / n as f64);
    let mean = sum(
        n,
        #[inline(always)]
        |k| S::get(x, k),
    )
    .scale(per);
    let variance = sum(
        n,
        #[inline(always)]
        |k| {
            let d = S::get(x, k) - mean;
            d * d
        },
    )
    .scale(per);
    (mean, S::lit(1.0) / (variance + S::lit(EPSILON)).sqrt())
}
