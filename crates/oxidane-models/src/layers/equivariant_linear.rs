//! Linear map of equivariant features: mixes channels of the same degree.

use super::linear::weight_gradient;
use crate::irreps::Irreps;
use crate::parameters::{Layout, Slot};
use oxidane_math::gemm::{Mat, gemm};
use oxidane_math::{Real, Scalar};

/// out_v = (1/sqrt(n_l)) sum_u W_uv x_u for each degree, with an optional bias on degree 0. The flat weight
/// holds one `[n_l in, n_l out]` block per degree that both sides have. Buffers are in degree order.
#[derive(Debug, Clone)]
pub struct EquivariantLinear {
    /// Irreps of the input.
    pub input: Irreps,
    /// Irreps of the output.
    pub output: Irreps,
    weight: Slot,
    bias: Option<Slot>,
}

impl EquivariantLinear {
    /// Registers `name.weight` and, if asked, `name.bias`.
    pub fn new(layout: &mut Layout, name: &str, input: &Irreps, output: &Irreps, bias: bool) -> Self {
        let n = (0..input.degrees()).map(|l| input.channels(l) * output.channels(l)).sum();
        let weight = layout.add(format!("{name}.weight"), &[n], true, true);
        let bias = (bias && output.channels(0) > 0)
            .then(|| layout.add(format!("{name}.bias"), &[output.channels(0)], true, false));
        Self { input: input.clone(), output: output.clone(), weight, bias }
    }

    /// Degrees of the output with the places of their blocks: (l, weight start, x start, y start, rows).
    fn blocks<S: Scalar>(&self, rows: usize) -> impl Iterator<Item = Block> + '_ {
        (0..self.output.degrees()).filter(|&l| self.output.channels(l) > 0).map(move |l| {
            let (n_in, n_out) = (self.input.channels(l), self.output.channels(l));
            let low = l.min(self.input.degrees());
            Block {
                n_in,
                n_out,
                weight: (0..low).map(|k| self.input.channels(k) * self.output.channels(k)).sum(),
                x: rows * S::PLANES * self.input.first_component(low),
                y: rows * S::PLANES * self.output.first_component(l),
                rows: rows * (2 * l + 1),
                scale: 1.0 / (n_in.max(1) as f64).sqrt(),
                l,
            }
        })
    }

    /// Maps `rows` atoms.
    pub fn forward<S: Scalar>(&self, p: &[S::Real], rows: usize, x: &[S::Real], y: &mut [S::Real]) {
        let weights = self.weight.of(p);
        for b in self.blocks::<S>(rows) {
            let y = &mut y[b.y..][..b.rows * S::PLANES * b.n_out];
            if b.n_in == 0 {
                y.fill(S::Real::of(0.0));
            } else {
                let w = Mat::full(&weights[b.weight..], b.n_in, b.n_out);
                let x = Mat::full(&x[b.x..], b.rows * S::PLANES, b.n_in);
                gemm(y, b.n_out, S::Real::of(0.0), x, w, S::Real::of(b.scale));
            }
            if let (0, Some(bias)) = (b.l, self.bias) {
                for row in y.chunks_exact_mut(S::PLANES * b.n_out) {
                    super::add_assign(row, bias.of(p));
                }
            }
        }
    }

    /// Adjoint of `x` (added if `accumulate`) from that of `y`, and the weight gradient.
    pub fn reverse<S: Scalar>(
        &self,
        p: &[S::Real],
        rows: usize,
        x: &[S::Real],
        y_adj: &[S::Real],
        x_adj: &mut [S::Real],
        accumulate: bool,
        mut gradient: Option<&mut [S::Real]>,
    ) {
        if !accumulate {
            // Degrees that no output uses get no product below.
            x_adj[..rows * S::PLANES * self.input.dim()].fill(S::Real::of(0.0));
        }
        let weights = self.weight.of(p);
        for b in self.blocks::<S>(rows) {
            let y_adj = &y_adj[b.y..][..b.rows * S::PLANES * b.n_out];
            let scale = S::Real::of(b.scale);
            if b.n_in > 0 {
                let w = Mat::full(&weights[b.weight..], b.n_in, b.n_out);
                let a = Mat::full(y_adj, b.rows * S::PLANES, b.n_out);
                gemm(&mut x_adj[b.x..], b.n_in, S::Real::of(1.0), a, w.t(), scale);
            }
            let Some(g) = gradient.as_deref_mut() else { continue };
            if b.n_in > 0 {
                let block = &mut self.weight.of_mut(g)[b.weight..];
                weight_gradient::<S>(block, b.rows, y_adj, b.n_out, &x[b.x..], b.n_in, scale);
            }
            if let (0, Some(bias)) = (b.l, self.bias) {
                let bias = bias.of_mut(g);
                for row in y_adj.chunks_exact(S::PLANES * b.n_out) {
                    super::add_assign(bias, &row[(S::PLANES - 1) * b.n_out..]);
                }
            }
        }
    }
}

struct Block {
    l: usize,
    n_in: usize,
    n_out: usize,
    weight: usize,
    x: usize,
    y: usize,
    rows: usize,
    scale: f64,
}
