//! Layers, each with a forward pass and a hand-written reverse pass, written once over [`Scalar`].
//!
//! Arrays are rows of planes (see [`oxidane_math::scalar`]). A reverse pass takes the adjoints of its outputs,
//! gives those of its inputs and, where a gradient buffer is given, adds the weight gradient: the adjoint of
//! a weight itself for plain reals, its tangent part for duals.

mod activation;
mod equivariant_linear;
mod equivariant_norm;
mod headed_mlp;
mod layer_norm;
mod linear;
mod mlp;

pub use activation::Activation;
pub use equivariant_linear::EquivariantLinear;
pub use equivariant_norm::EquivariantNorm;
pub use headed_mlp::{HeadedMlp, HeadedTape};
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use mlp::{Mlp, MlpTape};

use oxidane_math::{Real, Scalar};

/// The plane that carries weight gradients: the tangent of a dual, the value of a real.
#[inline(always)]
pub(crate) fn top<S: Scalar>(x: S) -> S::Real {
    if S::PLANES == 2 { x.tangent() } else { x.value() }
}

const LANES: usize = 16;

/// Sum of `f(0..n)` in sixteen partial sums: vectorises, and its order depends on `n` alone.
#[inline(always)]
pub(crate) fn sum<S: Scalar>(n: usize, f: impl Fn(usize) -> S) -> S {
    let mut lanes = [S::zero(); LANES];
    let full = n / LANES * LANES;
    for i in (0..full).step_by(LANES) {
        for k in 0..LANES {
            lanes[k] += f(i + k);
        }
    }
    // A copy, so that the lanes of the loop above stay in registers.
    if full < n {
        let mut rest = lanes;
        for i in full..n {
            rest[i - full] += f(i);
        }
        lanes = rest;
    }
    let mut width = LANES / 2;
    while width > 0 {
        for k in 0..width {
            let high = lanes[k + width];
            lanes[k] += high;
        }
        width /= 2;
    }
    lanes[0]
}

/// `out += x` element by element.
#[inline(always)]
pub(crate) fn add_assign<R: Real>(out: &mut [R], x: &[R]) {
    for (o, &x) in out.iter_mut().zip(x) {
        *o += x;
    }
}
