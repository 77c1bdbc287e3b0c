//! Pointwise nonlinearities.

use oxidane_core::{Error, Result};
use oxidane_math::{Real, Scalar, simd};

/// A pointwise nonlinearity by its name in configurations and checkpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Activation {
    /// x sigmoid(x).
    #[default]
    Silu,
    /// max(x, 0).
    Relu,
    /// max(x, 0.01 x).
    LeakyRelu,
    /// ln(1 + e^x).
    Softplus,
    /// 1/(1 + e^-x).
    Sigmoid,
}

impl Activation {
    /// All nonlinearities.
    pub const ALL: [Self; 5] = [Self::Silu, Self::Relu, Self::LeakyRelu, Self::Softplus, Self::Sigmoid];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Silu => "silu",
            Self::Relu => "relu",
            Self::LeakyRelu => "leakyrelu",
            Self::Softplus => "softplus",
            Self::Sigmoid => "sigmoid",
        }
    }

    /// The nonlinearity of that name.
    pub fn from_name(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|a| a.name() == name).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|a| a.name()).collect();
            Error::usage(format!("activation \"{name}\" is not known; choose one of {}", known.join(", ")))
        })
    }

    #[inline(always)]
    fn value<S: Scalar>(self, x: S) -> S {
        match self {
            Self::Silu => x.silu(),
            Self::Relu => x.scale(step(x.value(), 0.0)),
            Self::LeakyRelu => x.scale(step(x.value(), 0.01)),
            Self::Softplus => x.softplus(),
            Self::Sigmoid => x.sigmoid(),
        }
    }

    #[inline(always)]
    fn derivative<S: Scalar>(self, x: S) -> S {
        let one = S::lit(1.0);
        match self {
            Self::Silu => {
                let s = x.sigmoid();
                s * (one + x * (one - s))
            }
            Self::Relu => S::constant(step(x.value(), 0.0)),
            Self::LeakyRelu => S::constant(step(x.value(), 0.01)),
            Self::Softplus => x.sigmoid(),
            Self::Sigmoid => {
                let s = x.sigmoid();
                s * (one - s)
            }
        }
    }

    /// `y = f(x)` on `rows` rows of `width`.
    pub fn forward<S: Scalar>(self, rows: usize, width: usize, x: &[S::Real], y: &mut [S::Real]) {
        let stride = width * S::PLANES;
        simd::dispatch(
            #[inline(always)]
            || match self {
                Self::Silu => map::<S>(rows, stride, width, x, y, |x| Self::Silu.value(x)),
                other => map::<S>(rows, stride, width, x, y, |x| other.value(x)),
            },
        );
    }

    /// `adj *= f'(x)` on `rows` rows of `width`.
    pub fn reverse<S: Scalar>(self, rows: usize, width: usize, x: &[S::Real], adj: &mut [S::Real]) {
        let stride = width * S::PLANES;
        simd::dispatch(
            #[inline(always)]
            || match self {
                Self::Silu => scale::<S>(rows, stride, width, x, adj, |x| Self::Silu.derivative(x)),
                other => scale::<S>(rows, stride, width, x, adj, |x| other.derivative(x)),
            },
        );
    }
}

#[inline(always)]
fn step<R: Real>(x: R, negative: f64) -> R {
    if x > R::of(0.0) { R::of(1.0) } else { R::of(negative) }
}

#[inline(always)]
fn map<S: Scalar>(
    rows: usize,
    stride: usize,
    width: usize,
    x: &[S::Real],
    y: &mut [S::Real],
    f: impl Fn(S) -> S,
) {
    for (x, y) in x[..rows * stride].chunks_exact(stride).zip(y.chunks_exact_mut(stride)) {
        let (x, mut y) = (S::row(x, width), S::row_mut(y, width));
        for k in 0..width {
            S::set(&mut y, k, f(S::get(x, k)));
        }
    }
}

#[inline(always)]
fn scale<S: Scalar>(
    rows: usize,
    stride: usize,
    width: usize,
    x: &[S::Real],
    adj: &mut [S::Real],
    f: impl Fn(S) -> S,
) {
    for (x, adj) in x[..rows * stride].chunks_exact(stride).zip(adj.chunks_exact_mut(stride)) {
        let (x, mut adj) = (S::row(x, width), S::row_mut(adj, width));
        for k in 0..width {
            let a = S::get_mut(&adj, k) * f(S::get(x, k));
            S::set(&mut adj, k, a);
        }
    }
}
