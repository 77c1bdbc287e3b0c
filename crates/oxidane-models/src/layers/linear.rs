//! Affine map y = W x + b.

use crate::parameters::{Layout, Slot};
use oxidane_math::gemm::{Mat, gemm};
use oxidane_math::{Real, Scalar};

/// Affine map with weight `[outputs, inputs]` (row-major) and an optional bias.
#[derive(Debug, Clone)]
pub struct Linear {
    /// Number of inputs.
    pub inputs: usize,
    /// Number of outputs.
    pub outputs: usize,
    weight: Slot,
    bias: Option<Slot>,
}

impl Linear {
    /// Registers `name.weight` and, if asked, `name.bias`.
    pub fn new(layout: &mut Layout, name: &str, inputs: usize, outputs: usize, bias: bool) -> Self {
        let weight = layout.add(format!("{name}.weight"), &[outputs, inputs], true, true);
        let bias = bias.then(|| layout.add(format!("{name}.bias"), &[outputs], true, false));
        Self { inputs, outputs, weight, bias }
    }

    /// The weight matrix and the bias, for code that fuses the product into its own loop.
    pub(crate) fn slots(&self) -> (Slot, Option<Slot>) {
        (self.weight, self.bias)
    }

    /// `y = W x + b` for `rows` rows; only outputs `from..` are computed and `y` has that width.
    pub fn forward_from<S: Scalar>(
        &self,
        p: &[S::Real],
        rows: usize,
        x: &[S::Real],
        from: usize,
        y: &mut [S::Real],
    ) {
        let width = self.outputs - from;
        if let Some(bias) = self.bias {
            let bias = &bias.of(p)[from..];
            for row in y[..rows * S::PLANES * width].chunks_exact_mut(S::PLANES * width) {
                let (value, tangent) = row.split_at_mut(width);
                value.copy_from_slice(bias);
                tangent.fill(S::Real::of(0.0));
            }
        }
        let weight = Mat::full(&self.weight.of(p)[from * self.inputs..], width, self.inputs);
        let alpha = S::Real::of(if self.bias.is_some() { 1.0 } else { 0.0 });
        let x = Mat::full(x, rows * S::PLANES, self.inputs);
        gemm(y, width, alpha, x, weight.t(), S::Real::of(1.0));
    }

    /// `y = W x + b` for `rows` rows.
    pub fn forward<S: Scalar>(&self, p: &[S::Real], rows: usize, x: &[S::Real], y: &mut [S::Real]) {
        self.forward_from::<S>(p, rows, x, 0, y);
    }

    /// `x_adj = W^T y_adj` (added to `x_adj` if `accumulate`), for outputs `from..`.
    pub fn reverse_from<S: Scalar>(
        &self,
        p: &[S::Real],
        rows: usize,
        from: usize,
        y_adj: &[S::Real],
        x_adj: &mut [S::Real],
        accumulate: bool,
    ) {
        let width = self.outputs - from;
        let weight = Mat::full(&self.weight.of(p)[from * self.inputs..], width, self.inputs);
        let alpha = S::Real::of(if accumulate { 1.0 } else { 0.0 });
        let y_adj = Mat::full(y_adj, rows * S::PLANES, width);
        gemm(x_adj, self.inputs, alpha, y_adj, weight, S::Real::of(1.0));
    }

    /// [`Linear::reverse_from`] for all outputs.
    pub fn reverse<S: Scalar>(
        &self,
        p: &[S::Real],
        rows: usize,
        y_adj: &[S::Real],
        x_adj: &mut [S::Real],
        accumulate: bool,
    ) {
        self.reverse_from::<S>(p, rows, 0, y_adj, x_adj, accumulate);
    }

    /// Adds the gradient of weight and bias, for outputs `from..`.
    pub fn gradient_from<S: Scalar>(
        &self,
        rows: usize,
        x: &[S::Real],
        from: usize,
        y_adj: &[S::Real],
        gradient: &mut [S::Real],
    ) {
        let width = self.outputs - from;
        let weight = &mut self.weight.of_mut(gradient)[from * self.inputs..];
        weight_gradient::<S>(weight, rows, x, self.inputs, y_adj, width, S::Real::of(1.0));
        if let Some(bias) = self.bias {
            let bias = &mut bias.of_mut(gradient)[from..];
            for row in y_adj[..rows * S::PLANES * width].chunks_exact(S::PLANES * width) {
                super::add_assign(bias, &row[(S::PLANES - 1) * width..]);
            }
        }
    }

    /// [`Linear::gradient_from`] for all outputs.
    pub fn gradient<S: Scalar>(
        &self,
        rows: usize,
        x: &[S::Real],
        y_adj: &[S::Real],
        gradient: &mut [S::Real],
    ) {
        self.gradient_from::<S>(rows, x, 0, y_adj, gradient);
    }
}

/// Adds `scale` times the top plane of `y_adj^T x` to `weight` (`[outputs, inputs]`).
pub(crate) fn weight_gradient<S: Scalar>(
    weight: &mut [S::Real],
    rows: usize,
    x: &[S::Real],
    inputs: usize,
    y_adj: &[S::Real],
    outputs: usize,
    scale: S::Real,
) {
    let one = S::Real::of(1.0);
    for plane in 0..S::PLANES {
        // The tangent of a product: adjoint value times input tangent, plus adjoint tangent times input value.
        let other = S::PLANES - 1 - plane;
        if rows == 0 {
            continue;
        }
        let adj = Mat::new(&y_adj[plane * outputs..], rows, outputs, S::PLANES * outputs);
        let x = Mat::new(&x[other * inputs..], rows, inputs, S::PLANES * inputs);
        gemm(weight, inputs, one, adj.t(), x, scale);
    }
}
