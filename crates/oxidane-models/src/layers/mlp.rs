//! Two affine maps with a nonlinearity between them.

use super::{Activation, Linear};
use crate::network::Scratch;
use crate::parameters::Layout;
use oxidane_math::Scalar;

/// y = L2(f(L1(x))).
#[derive(Debug, Clone)]
pub struct Mlp {
    first: Linear,
    activation: Activation,
    second: Linear,
}

/// What the forward pass of an [`Mlp`] leaves for the reverse pass.
#[derive(Debug, Default)]
pub struct MlpTape<R> {
    before: Vec<R>,
    after: Vec<R>,
}

impl<R: oxidane_math::Real> MlpTape<R> {
    /// The features between the two maps, `[rows, planes, hidden]`.
    pub fn hidden(&self) -> &[R] {
        &self.after
    }

    /// Returns the buffers.
    pub fn recycle(self, scratch: &mut Scratch<R>) {
        scratch.put(self.before);
        scratch.put(self.after);
    }
}

impl Mlp {
    /// Registers `name.0` and `name.2` (the names of a PyTorch Sequential).
    pub fn new(
        layout: &mut Layout,
        name: &str,
        sizes: [usize; 3],
        bias: bool,
        activation: Activation,
    ) -> Self {
        Self {
            first: Linear::new(layout, &format!("{name}.0"), sizes[0], sizes[1], bias),
            activation,
            second: Linear::new(layout, &format!("{name}.2"), sizes[1], sizes[2], bias),
        }
    }

    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        self.first.inputs
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.second.outputs
    }

    /// Outputs `from..` for `rows` rows; `y` has that width.
    pub fn forward_from<S: Scalar>(
        &self,
        p: &[S::Real],
        rows: usize,
        x: &[S::Real],
        from: usize,
        y: &mut [S::Real],
        scratch: &mut Scratch<S::Real>,
    ) -> MlpTape<S::Real> {
        let n = rows * S::PLANES * self.first.outputs;
        let (mut before, mut after) = (scratch.dirty(n), scratch.dirty(n));
        self.first.forward::<S>(p, rows, x, &mut before);
        self.activation.forward::<S>(rows, self.first.outputs, &before, &mut after);
        self.second.forward_from::<S>(p, rows, &after, from, y);
        MlpTape { before, after }
    }

    /// Adjoint of `x` (added if `accumulate`) from that of outputs `from..`, and the weight gradient.
    pub fn reverse_from<S: Scalar>(
        &self,
        p: &[S::Real],
        rows: usize,
        x: &[S::Real],
        tape: &MlpTape<S::Real>,
        from: usize,
        y_adj: &[S::Real],
        x_adj: &mut [S::Real],
        accumulate: bool,
        gradient: Option<&mut [S::Real]>,
        scratch: &mut Scratch<S::Real>,
    ) {
        let mut hidden = scratch.dirty(rows * S::PLANES * self.first.outputs);
        self.second.reverse_from::<S>(p, rows, from, y_adj, &mut hidden, false);
        self.activation.reverse::<S>(rows, self.first.outputs, &tape.before, &mut hidden);
        self.first.reverse::<S>(p, rows, &hidden, x_adj, accumulate);
        if let Some(g) = gradient {
            self.second.gradient_from::<S>(rows, &tape.after, from, y_adj, g);
            self.first.gradient::<S>(rows, x, &hidden, g);
        }
        scratch.put(hidden);
    }
}
