//! Charge and spin in the first features (SpookyNet: Unke et al., Nat. Commun. 2021, 12, 7273).
//!
//! q_i = Linear(s_i), a_i = softplus(q_i . k / sqrt(C)), w_i = a_i / sum a, s_i += R(w_i v),
//! R(x) = (x + SiLU(W_2 SiLU(W_1 x))) / sqrt(2), with k and v linear in the total charge or spin.

use crate::batch::Batch;
use crate::layers::{Activation, Linear, sum};
use crate::network::Scratch;
use crate::parameters::Layout;
use oxidane_math::{Real, Scalar};
use std::f64::consts::FRAC_1_SQRT_2;

/// What is embedded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// Total charge, as its positive and negative parts.
    Charge,
    /// Unpaired electrons.
    Spin,
}

/// One embedding layer.
#[derive(Debug, Clone)]
pub struct ElectronicEmbedding {
    quantity: Quantity,
    channels: usize,
    query: Linear,
    key: Linear,
    value: Linear,
    first: Linear,
    second: Linear,
}

/// What the forward pass leaves for the reverse pass.
#[derive(Debug)]
pub struct ElectronicTape<R> {
    s: Vec<R>,
    query: Vec<R>,
    key: Vec<R>,
    value: Vec<R>,
    x: Vec<R>,
    hidden: Vec<R>,
    hidden_act: Vec<R>,
    out: Vec<R>,
}

impl<R: Real> ElectronicTape<R> {
    /// Returns the buffers.
    pub fn recycle(self, scratch: &mut Scratch<R>) {
        let all = [self.s, self.query, self.key, self.value, self.x, self.hidden, self.hidden_act, self.out];
        all.into_iter().for_each(|v| scratch.put(v));
    }
}

impl ElectronicEmbedding {
    /// Registers `name.linear_q`, `linear_k`, `linear_v` and `residual.mlp`.
    pub fn new(layout: &mut Layout, name: &str, quantity: Quantity, channels: usize) -> Self {
        let inputs = if quantity == Quantity::Charge { 2 } else { 1 };
        let mut linear =
            |part: &str, n, bias| Linear::new(layout, &format!("{name}.{part}"), n, channels, bias);
        Self {
            quantity,
            channels,
            query: linear("linear_q", channels, true),
            key: linear("linear_k", inputs, false),
            value: linear("linear_v", inputs, false),
            first: linear("residual.mlp.0", channels, false),
            second: linear("residual.mlp.2", channels, false),
        }
    }

    /// Inputs of the key (normalised) and value layers, one row of planes per structure.
    fn inputs<S: Scalar>(&self, batch: &Batch) -> (Vec<S::Real>, Vec<S::Real>) {
        let (mut key, mut value) = (Vec::new(), Vec::new());
        for s in 0..batch.structures() {
            let parts: Vec<f64> = match self.quantity {
                Quantity::Charge => {
                    let q = f64::from(batch.charge[s]);
                    vec![q.max(0.0), (-q).max(0.0)]
                }
                Quantity::Spin => vec![f64::from(batch.unpaired[s])],
            };
            key.extend(parts.iter().map(|c| S::Real::of(c / c.max(1.0))));
            value.extend(parts.iter().map(|&c| S::Real::of(c)));
            for row in [&mut key, &mut value] {
                row.resize(row.len() + parts.len() * (S::PLANES - 1), S::Real::of(0.0));
            }
        }
        (key, value)
    }

    /// Adds the embedding to the features of all atoms, `s` `[atoms, planes, C]`.
    pub fn forward<S: Scalar>(
        &self,
        p: &[S::Real],
        batch: &Batch,
        s: &mut [S::Real],
        scratch: &mut Scratch<S::Real>,
    ) -> ElectronicTape<S::Real> {
        let (n, c, planes, m) = (batch.atoms(), self.channels, S::PLANES, batch.structures());
        let mut take = |rows: usize| scratch.dirty(rows * planes * c);
        let mut tape = ElectronicTape {
            s: take(n),
            query: take(n),
            key: take(m),
            value: take(m),
            x: take(n),
            hidden: take(n),
            hidden_act: take(n),
            out: take(n),
        };
        tape.s.copy_from_slice(s);
        let (key_in, value_in) = self.inputs::<S>(batch);
        self.query.forward::<S>(p, n, s, &mut tape.query);
        self.key.forward::<S>(p, m, &key_in, &mut tape.key);
        self.value.forward::<S>(p, m, &value_in, &mut tape.value);
        for (i, w) in self.weights::<S>(batch, &tape).into_iter().enumerate() {
            let v = S::row(&tape.value[w.structure * planes * c..], c);
            let mut x = S::row_mut(&mut tape.x[i * planes * c..], c);
            for k in 0..c {
                S::set(&mut x, k, w.weight * S::get(v, k));
            }
        }
        self.first.forward::<S>(p, n, &tape.x, &mut tape.hidden);
        Activation::Silu.forward::<S>(n, c, &tape.hidden, &mut tape.hidden_act);
        self.second.forward::<S>(p, n, &tape.hidden_act, &mut tape.out);
        for i in 0..n {
            let at = i * planes * c;
            let (x, out) = (S::row(&tape.x[at..], c), S::row(&tape.out[at..], c));
            let mut s = S::row_mut(&mut s[at..], c);
            for k in 0..c {
                let r = (S::get(x, k) + S::get(out, k).silu()).scale(S::Real::of(FRAC_1_SQRT_2));
                let v = S::get_mut(&s, k) + r;
                S::set(&mut s, k, v);
            }
        }
        tape
    }

    /// Turns the adjoint of the output features into that of the input features, in place, and adds the
    /// weight gradient.
    pub fn reverse<S: Scalar>(
        &self,
        p: &[S::Real],
        batch: &Batch,
        tape: &ElectronicTape<S::Real>,
        s_adj: &mut [S::Real],
        gradient: &mut [S::Real],
        scratch: &mut Scratch<S::Real>,
    ) {
        let (n, c, planes, m) = (batch.atoms(), self.channels, S::PLANES, batch.structures());
        let half = S::Real::of(FRAC_1_SQRT_2);
        let mut take = |rows: usize| scratch.zeros(rows * planes * c);
        let (mut out_adj, mut hidden_adj, mut x_adj) = (take(n), take(n), take(n));
        let (mut query_adj, mut key_adj, mut value_adj) = (take(n), take(m), take(m));
        out_adj.copy_from_slice(s_adj);
        out_adj.iter_mut().for_each(|a| *a *= half);
        x_adj.copy_from_slice(&out_adj);
        Activation::Silu.reverse::<S>(n, c, &tape.out, &mut out_adj);
        self.second.gradient::<S>(n, &tape.hidden_act, &out_adj, gradient);
        self.second.reverse::<S>(p, n, &out_adj, &mut hidden_adj, false);
        Activation::Silu.reverse::<S>(n, c, &tape.hidden, &mut hidden_adj);
        self.first.gradient::<S>(n, &tape.x, &hidden_adj, gradient);
        self.first.reverse::<S>(p, n, &hidden_adj, &mut x_adj, true);
        let weights = self.weights::<S>(batch, tape);
        let root = S::Real::of(1.0 / (c as f64).sqrt());
        for s in 0..m {
            let atoms = batch.atoms_of(s);
            let v = S::row(&tape.value[s * planes * c..], c);
            let mut v_adj = S::row_mut(&mut value_adj[s * planes * c..], c);
            let mut weight_adj = Vec::with_capacity(atoms.len());
            let mut mean = S::zero();
            for i in atoms.clone() {
                let x = S::row(&x_adj[i * planes * c..], c);
                let w = weights[i].weight;
                for k in 0..c {
                    let a = S::get_mut(&v_adj, k) + w * S::get(x, k);
                    S::set(&mut v_adj, k, a);
                }
                let a = sum(c, |k| S::get(x, k) * S::get(v, k));
                mean += a * w;
                weight_adj.push(a);
            }
            let key = S::row(&tape.key[s * planes * c..], c);
            let mut key_adj = S::row_mut(&mut key_adj[s * planes * c..], c);
            for (i, a) in atoms.zip(weight_adj) {
                // w = softplus(z) / total, so dw_i/dz_j carries (delta_ij - w_i) / total.
                let z_adj = ((a - mean) / weights[i].total * weights[i].logit.sigmoid()).scale(root);
                let q = S::row(&tape.query[i * planes * c..], c);
                let mut q_adj = S::row_mut(&mut query_adj[i * planes * c..], c);
                for k in 0..c {
                    S::set(&mut q_adj, k, z_adj * S::get(key, k));
                    let v = S::get_mut(&key_adj, k) + z_adj * S::get(q, k);
                    S::set(&mut key_adj, k, v);
                }
            }
        }
        let (key_in, value_in) = self.inputs::<S>(batch);
        self.key.gradient::<S>(m, &key_in, &key_adj, gradient);
        self.value.gradient::<S>(m, &value_in, &value_adj, gradient);
        self.query.gradient::<S>(n, &tape.s, &query_adj, gradient);
        self.query.reverse::<S>(p, n, &query_adj, s_adj, true);
        for v in [out_adj, hidden_adj, x_adj, query_adj, key_adj, value_adj] {
            scratch.put(v);
        }
    }

    fn weights<S: Scalar>(&self, batch: &Batch, tape: &ElectronicTape<S::Real>) -> Vec<Weight<S>> {
        let (c, planes) = (self.channels, S::PLANES);
        let root = S::Real::of(1.0 / (c as f64).sqrt());
        let mut all = Vec::with_capacity(batch.atoms());
        for structure in 0..batch.structures() {
            let key = S::row(&tape.key[structure * planes * c..], c);
            let first = all.len();
            let mut total = S::zero();
            for i in batch.atoms_of(structure) {
                let q = S::row(&tape.query[i * planes * c..], c);
                let logit = sum(c, |k| S::get(q, k) * S::get(key, k)).scale(root);
                let weight = logit.softplus();
                total += weight;
                all.push(Weight { structure, logit, weight, total: S::zero() });
            }
            for w in &mut all[first..] {
                w.weight = w.weight / total;
                w.total = total;
            }
        }
        all
    }
}

struct Weight<S> {
    structure: usize,
    logit: S,
    weight: S,
    total: S,
}
