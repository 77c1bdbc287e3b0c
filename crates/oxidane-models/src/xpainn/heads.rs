//! Heads: what is read from the final features, as in XPaiNN (Chen et al., J. Chem. Theory Comput. 2024, 20, 9500: the
//! outputs); the gated tensor heads follow those of PaiNN (Schuett, Unke and Gastegger, ICML 2021).
//!
//! A head gives a few numbers per atom (`width`), from which [`super::readout`] makes the property of the
//! structure: 1 for energy and charges, 3 (y, z, x) for the dipole, 6 (l = 0, then l = 2) for the polarisability.

use crate::batch::Batch;
use crate::irreps::{Irreps, Order};
use crate::layers::{Activation, EquivariantLinear, HeadedMlp, HeadedTape, Mlp, MlpTape};
use crate::network::Scratch;
use crate::parameters::Layout;
use oxidane_math::{Real, Scalar};
use std::ops::Range;

use super::update::{add_reordered, reorder};

/// A head: scalars through an MLP; tensors as scalars times gated equivariant features.
#[derive(Debug, Clone)]
pub enum Head {
    /// One number per atom, for the energy by the structure's level of theory.
    Scalar(HeadedMlp),
    /// One irrep of each degree listed, times one scalar each.
    Tensor(Box<TensorHead>),
}

/// LinB(Gate(LinA(X))) times scalars.
#[derive(Debug, Clone)]
pub struct TensorHead {
    input: Irreps,
    hidden: Irreps,
    output: Irreps,
    scalars: Mlp,
    first: EquivariantLinear,
    second: EquivariantLinear,
    /// e of the length sqrt(|x|^2 + e^2) - e.
    epsilon: f64,
}

/// What the forward pass leaves for the reverse pass.
#[derive(Debug)]
pub enum HeadTape<R> {
    /// Of a scalar head.
    Scalar(HeadedTape<R>),
    /// Of a tensor head: input, hidden, gated and output features in degree order, the scalars.
    Tensor {
        /// Of the scalar part.
        mlp: MlpTape<R>,
        /// X in degree order.
        x: Vec<R>,
        /// LinA(X).
        hidden: Vec<R>,
        /// Gate(LinA(X)).
        gated: Vec<R>,
        /// LinB(Gate(LinA(X))).
        out: Vec<R>,
        /// The scalars.
        scalars: Vec<R>,
    },
}

impl<R: Real> HeadTape<R> {
    /// Returns the buffers.
    pub fn recycle(self, scratch: &mut Scratch<R>) {
        match self {
            Self::Scalar(mlp) => mlp.recycle(scratch),
            Self::Tensor { mlp, x, hidden, gated, out, scalars } => {
                mlp.recycle(scratch);
                [x, hidden, gated, out, scalars].into_iter().for_each(|v| scratch.put(v));
            }
        }
    }
}

impl Head {
    /// A head with one scalar per atom from `[channels, hidden]`; one for each of the `levels` of theory, if any is named.
    pub fn scalar(
        layout: &mut Layout,
        levels: &[String],
        name: &str,
        [channels, hidden]: [usize; 2],
        activation: Activation,
    ) -> Self {
        let sizes = [channels, hidden, 1];
        Self::Scalar(HeadedMlp::new(layout, levels, &format!("{name}.out_mlp"), sizes, activation))
    }

    /// A head with one irrep per atom of each degree in `output` (one channel each); biases on degree 0 if
    /// the output has it.
    pub fn tensor(
        layout: &mut Layout,
        name: &str,
        channels: usize,
        hidden_dim: usize,
        activation: Activation,
        epsilon: f64,
        [input, hidden, output]: [&Irreps; 3],
    ) -> Self {
        let bias = output.channels(0) > 0;
        let count = output.count();
        let mlp = format!("{name}.scalar_out_mlp");
        Self::Tensor(Box::new(TensorHead {
            input: input.clone(),
            hidden: hidden.clone(),
            output: output.clone(),
            scalars: Mlp::new(layout, &mlp, [channels, hidden_dim, count], true, activation),
            first: EquivariantLinear::new(layout, &format!("{name}.equi_out_mlp.0"), input, hidden, bias),
            second: EquivariantLinear::new(layout, &format!("{name}.equi_out_mlp.2"), hidden, output, bias),
            epsilon,
        }))
    }

    /// Numbers per atom.
    pub fn width(&self) -> usize {
        match self {
            Self::Scalar(_) => 1,
            Self::Tensor(t) => t.output.dim(),
        }
    }

    /// `y` `[atoms, planes, width]` from `s` and `x` (atom order) of these `atoms` of the batch.
    pub fn forward<S: Scalar>(
        &self,
        p: &[S::Real],
        batch: &Batch,
        atoms: Range<usize>,
        s: &[S::Real],
        x: &[S::Real],
        y: &mut [S::Real],
        scratch: &mut Scratch<S::Real>,
    ) -> HeadTape<S::Real> {
        match self {
            Self::Scalar(mlp) => HeadTape::Scalar(mlp.forward::<S>(p, batch, atoms, s, y, scratch)),
            Self::Tensor(t) => t.forward::<S>(p, atoms.len(), s, x, y, scratch),
        }
    }

    /// Adds the adjoints of `s` and `x` (atom order) from `y_adj`, and the weight gradient.
    pub fn reverse<S: Scalar>(
        &self,
        p: &[S::Real],
        rows: usize,
        s: &[S::Real],
        tape: &HeadTape<S::Real>,
        y_adj: &[S::Real],
        s_adj: &mut [S::Real],
        x_adj: &mut [S::Real],
        gradient: Option<&mut [S::Real]>,
        scratch: &mut Scratch<S::Real>,
    ) {
        match (self, tape) {
            (Self::Scalar(mlp), HeadTape::Scalar(tape)) => {
                mlp.reverse::<S>(p, s, tape, y_adj, s_adj, true, gradient, scratch);
            }
            (Self::Tensor(t), HeadTape::Tensor { .. }) => {
                t.reverse::<S>(p, rows, s, tape, y_adj, s_adj, x_adj, gradient, scratch);
            }
            _ => unreachable!("a tape of another head"),
        }
    }
}

impl TensorHead {
    fn forward<S: Scalar>(
        &self,
        p: &[S::Real],
        rows: usize,
        s: &[S::Real],
        x: &[S::Real],
        y: &mut [S::Real],
        scratch: &mut Scratch<S::Real>,
    ) -> HeadTape<S::Real> {
        let planes = S::PLANES;
        let mut take = |width: usize| scratch.dirty(rows * planes * width);
        let (mut xd, mut hidden, mut gated) =
            (take(self.input.dim()), take(self.hidden.dim()), take(self.hidden.dim()));
        let (mut out, mut scalars) = (take(self.output.dim()), take(self.output.count()));
        reorder::<S>(&self.input, rows, x, &mut xd);
        self.first.forward::<S>(p, rows, &xd, &mut hidden);
        for i in 0..rows {
            for l in 0..self.hidden.degrees() {
                let n = self.hidden.channels(l);
                let at = Order::Degree.start(&self.hidden, rows, planes, l, i);
                for k in 0..n {
                    let (_, gate) = self.gate::<S>(&hidden[at..], l, n, k);
                    for q in 0..2 * l + 1 {
                        let h = S::get(S::row(&hidden[at + q * n * planes..], n), k);
                        S::set(&mut S::row_mut(&mut gated[at + q * n * planes..], n), k, h * gate);
                    }
                }
            }
        }
        self.second.forward::<S>(p, rows, &gated, &mut out);
        let mlp = self.scalars.forward_from::<S>(p, rows, s, 0, &mut scalars, scratch);
        let (width, count) = (self.output.dim(), self.output.count());
        for i in 0..rows {
            let scalar = S::row(&scalars[i * planes * count..], count);
            let mut y = S::row_mut(&mut y[i * planes * width..], width);
            self.each_component(|l, q, irrep, component| {
                let at = Order::Degree.start(&self.output, rows, planes, l, i) + q * planes;
                S::set(&mut y, component, S::get(scalar, irrep) * S::get(S::row(&out[at..], 1), 0));
            });
        }
        HeadTape::Tensor { mlp, x: xd, hidden, gated, out, scalars }
    }

    fn reverse<S: Scalar>(
        &self,
        p: &[S::Real],
        rows: usize,
        s: &[S::Real],
        tape: &HeadTape<S::Real>,
        y_adj: &[S::Real],
        s_adj: &mut [S::Real],
        x_adj: &mut [S::Real],
        mut gradient: Option<&mut [S::Real]>,
        scratch: &mut Scratch<S::Real>,
    ) {
        let HeadTape::Tensor { mlp, x, hidden, gated, out, scalars } = tape else {
            unreachable!("a tape of another head")
        };
        let planes = S::PLANES;
        let mut take = |width: usize| scratch.zeros(rows * planes * width);
        let (width, count) = (self.output.dim(), self.output.count());
        let (mut out_adj, mut scalars_adj) = (take(width), take(count));
        let (mut hidden_adj, mut xd_adj) = (take(self.hidden.dim()), take(self.input.dim()));
        for i in 0..rows {
            let a = S::row(&y_adj[i * planes * width..], width);
            let scalar = S::row(&scalars[i * planes * count..], count);
            let mut scalar_adj = S::row_mut(&mut scalars_adj[i * planes * count..], count);
            self.each_component(|l, q, irrep, component| {
                let at = Order::Degree.start(&self.output, rows, planes, l, i) + q * planes;
                let (a, o) = (S::get(a, component), S::get(S::row(&out[at..], 1), 0));
                S::set(&mut S::row_mut(&mut out_adj[at..], 1), 0, a * S::get(scalar, irrep));
                let v = S::get_mut(&scalar_adj, irrep) + a * o;
                S::set(&mut scalar_adj, irrep, v);
            });
        }
        let g = gradient.as_deref_mut();
        self.scalars.reverse_from::<S>(p, rows, s, mlp, 0, &scalars_adj, s_adj, true, g, scratch);
        let g = gradient.as_deref_mut();
        self.second.reverse::<S>(p, rows, gated, &out_adj, &mut hidden_adj, false, g);
        for i in 0..rows {
            for l in 0..self.hidden.degrees() {
                let n = self.hidden.channels(l);
                let at = Order::Degree.start(&self.hidden, rows, planes, l, i);
                for k in 0..n {
                    let (root, gate) = self.gate::<S>(&hidden[at..], l, n, k);
                    let get = |v: &[S::Real], q: usize| S::get(S::row(&v[at + q * n * planes..], n), k);
                    let mut along = S::zero();
                    for q in 0..2 * l + 1 {
                        along += get(&hidden_adj, q) * get(hidden, q);
                    }
                    let through = along * gate * (S::lit(1.0) - gate) / root;
                    for q in 0..2 * l + 1 {
                        let v = get(&hidden_adj, q) * gate + through * get(hidden, q);
                        S::set(&mut S::row_mut(&mut hidden_adj[at + q * n * planes..], n), k, v);
                    }
                }
            }
        }
        self.first.reverse::<S>(p, rows, x, &hidden_adj, &mut xd_adj, false, gradient);
        add_reordered::<S>(&self.input, rows, &xd_adj, x_adj);
        for v in [out_adj, scalars_adj, hidden_adj, xd_adj] {
            scratch.put(v);
        }
    }

    /// Length of channel `k` (before the shift) and its gate.
    fn gate<S: Scalar>(&self, hidden: &[S::Real], l: usize, n: usize, k: usize) -> (S, S) {
        let mut square = S::lit(self.epsilon * self.epsilon);
        for q in 0..2 * l + 1 {
            let h = S::get(S::row(&hidden[q * n * S::PLANES..], n), k);
            square += h * h;
        }
        let root = square.sqrt();
        (root, (root - S::lit(self.epsilon)).sigmoid())
    }

    /// Visits the components of the output: (degree, m, irrep, component).
    fn each_component(&self, mut f: impl FnMut(usize, usize, usize, usize)) {
        let (mut irrep, mut component) = (0, 0);
        for l in (0..self.output.degrees()).filter(|&l| self.output.channels(l) > 0) {
            for q in 0..2 * l + 1 {
                f(l, q, irrep, component);
                component += 1;
            }
            irrep += 1;
        }
    }
}
