//! Layer normalisation of equivariant features.

use super::{sum, top};
use crate::irreps::{Irreps, Order};
use crate::parameters::{Layout, Slot};
use oxidane_math::{Real, Scalar, simd};

/// Subtracts the mean over the degree-0 channels from them, divides the row by the root mean square length of
/// its irreps (with 1e-5 under the root), times a weight per irrep, plus a bias on degree 0.
#[derive(Debug, Clone)]
pub struct EquivariantNorm {
    irreps: Irreps,
    weight: Slot,
    bias: Slot,
}

const EPSILON: f64 = 1e-5;

impl EquivariantNorm {
    /// Registers `name.affine_weight` and `name.affine_bias`.
    pub fn new(layout: &mut Layout, name: &str, irreps: &Irreps) -> Self {
        let weight = layout.add(format!("{name}.affine_weight"), &[irreps.count()], true, false);
        let bias = layout.add(format!("{name}.affine_bias"), &[irreps.channels(0)], true, false);
        Self { irreps: irreps.clone(), weight, bias }
    }

    /// The output for rows that are zero: the bias on degree 0.
    pub fn bias<'a, R: Real>(&self, p: &'a [R]) -> &'a [R] {
        self.bias.of(p)
    }

    /// Adds the gradient of the bias for rows that are zero, from adjoints in atom order.
    pub fn bias_gradient<S: Scalar>(&self, rows: usize, y_adj: &[S::Real], gradient: &mut [S::Real]) {
        let (n, stride) = (self.irreps.channels(0), self.irreps.dim() * S::PLANES);
        let bias = self.bias.of_mut(gradient);
        for row in y_adj[..rows * stride].chunks_exact(stride) {
            super::add_assign(bias, &row[(S::PLANES - 1) * n..S::PLANES * n]);
        }
    }

    /// Normalises `rows` atoms from atom order to `order`.
    pub fn forward<S: Scalar>(
        &self,
        p: &[S::Real],
        rows: usize,
        x: &[S::Real],
        y: &mut [S::Real],
        order: Order,
    ) {
        let ir = &self.irreps;
        let (weight, bias) = (self.weight.of(p), self.bias.of(p));
        simd::dispatch(
            #[inline(always)]
            || {
                for i in 0..rows {
                    let (mean, inverse) = self.moments::<S>(rows, x, i);
                    for l in 0..ir.degrees() {
                        let n = ir.channels(l);
                        let w = &weight[ir.first_irrep(l)..][..n];
                        let from = Order::Atom.start(ir, rows, S::PLANES, l, i);
                        let to = order.start(ir, rows, S::PLANES, l, i);
                        for m in 0..2 * l + 1 {
                            let x = S::row(&x[from + m * n * S::PLANES..], n);
                            let mut y = S::row_mut(&mut y[to + m * n * S::PLANES..], n);
                            if l == 0 {
                                for k in 0..n {
                                    let v = ((S::get(x, k) - mean) * inverse).scale(w[k]);
                                    S::set(&mut y, k, v + S::constant(bias[k]));
                                }
                            } else {
                                for k in 0..n {
                                    S::set(&mut y, k, (S::get(x, k) * inverse).scale(w[k]));
                                }
                            }
                        }
                    }
                }
            },
        );
    }

    /// Adds the adjoint of `x` (atom order) from that of `y` (in `order`), and the weight gradient.
    pub fn reverse<S: Scalar>(
        &self,
        p: &[S::Real],
        rows: usize,
        x: &[S::Real],
        y_adj: &[S::Real],
        order: Order,
        x_adj: &mut [S::Real],
        mut gradient: Option<&mut [S::Real]>,
    ) {
        let ir = &self.irreps;
        let weight = self.weight.of(p);
        let per_irrep = S::Real::of(1.0 / ir.count() as f64);
        simd::dispatch(
            #[inline(always)]
            || {
                for i in 0..rows {
                    let (mean, inverse) = self.moments::<S>(rows, x, i);
                    let mut projection = S::zero();
                    let mut seed_sum = S::zero();
                    let mut centred_sum = S::zero();
                    for l in 0..ir.degrees() {
                        let n = ir.channels(l);
                        let w = &weight[ir.first_irrep(l)..][..n];
                        let centre = if l == 0 { mean } else { S::zero() };
                        let from = Order::Atom.start(ir, rows, S::PLANES, l, i);
                        let to = order.start(ir, rows, S::PLANES, l, i);
                        for m in 0..2 * l + 1 {
                            let x = S::row(&x[from + m * n * S::PLANES..], n);
                            let a = S::row(&y_adj[to + m * n * S::PLANES..], n);
                            projection += sum(
                                n,
                                #[inline(always)]
                                |k| S::get(a, k).scale(w[k]) * (S::get(x, k) - centre),
                            );
                            if l == 0 {
                                seed_sum = sum(
                                    n,
                                    #[inline(always)]
                                    |k| S::get(a, k).scale(w[k]),
                                );
                                centred_sum = sum(
                                    n,
                                    #[inline(always)]
                                    |k| S::get(x, k) - mean,
                                );
                            }
                            if let Some(g) = gradient.as_deref_mut() {
                                let gw = &mut self.weight.of_mut(g)[ir.first_irrep(l)..][..n];
                                for k in 0..n {
                                    gw[k] += top(S::get(a, k) * (S::get(x, k) - centre) * inverse);
                                }
                                if l == 0 {
                                    let gb = self.bias.of_mut(g);
                                    for k in 0..n {
                                        gb[k] += top(S::get(a, k));
                                    }
                                }
                            }
                        }
                    }
                    let shrink = (projection * inverse * inverse * inverse).scale(per_irrep);
                    let per_channel = S::Real::of(1.0 / ir.channels(0).max(1) as f64);
                    let shift = (seed_sum * inverse - shrink * centred_sum).scale(per_channel);
                    for l in 0..ir.degrees() {
                        let n = ir.channels(l);
                        let w = &weight[ir.first_irrep(l)..][..n];
                        let (centre, shift) = if l == 0 { (mean, shift) } else { (S::zero(), S::zero()) };
                        let from = Order::Atom.start(ir, rows, S::PLANES, l, i);
                        let to = order.start(ir, rows, S::PLANES, l, i);
                        for m in 0..2 * l + 1 {
                            let x = S::row(&x[from + m * n * S::PLANES..], n);
                            let a = S::row(&y_adj[to + m * n * S::PLANES..], n);
                            let mut out = S::row_mut(&mut x_adj[from + m * n * S::PLANES..], n);
                            for k in 0..n {
                                let v = S::get(a, k).scale(w[k]) * inverse
                                    - shrink * (S::get(x, k) - centre)
                                    - shift;
                                let v = S::get_mut(&out, k) + v;
                                S::set(&mut out, k, v);
                            }
                        }
                    }
                }
            },
        );
    }

    /// Mean of the degree-0 channels and the inverse root mean square length of atom `i`.
    #[inline(always)]
    fn moments<S: Scalar>(&self, rows: usize, x: &[S::Real], i: usize) -> (S, S) {
        let ir = &self.irreps;
        let n0 = ir.channels(0);
        let row = S::row(&x[Order::Atom.start(ir, rows, S::PLANES, 0, i)..], n0);
        let mean = sum(
            n0,
            #[inline(always)]
            |k| S::get(row, k),
        );
        let mean = mean.scale(S::Real::of(1.0 / n0.max(1) as f64));
        let mut square = sum(
            n0,
            #[inline(always)]
            |k| {
                let d = S::get(row, k) - mean;
                d * d
            },
        );
        for l in 1..ir.degrees() {
            let n = ir.channels(l);
            let from = Order::Atom.start(ir, rows, S::PLANES, l, i);
            for m in 0..2 * l + 1 {
                let row = S::row(&x[from + m * n * S::PLANES..], n);
                square += sum(
                    n,
                    #[inline(always)]
                    |k| S::get(row, k) * S::get(row, k),
                );
            }
        }
        let scaled = square.scale(S::Real::of(1.0 / ir.count() as f64)) + S::lit(EPSILON);
        (mean, S::lit(1.0) / scaled.sqrt())
    }
}
