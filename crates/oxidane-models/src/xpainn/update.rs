//! The update: each atom mixes its own scalar and equivariant features. It is the update of PaiNN (Schuett, Unke and
//! Gastegger, ICML 2021) carried over to spherical tensors of any degree, as XPaiNN does (Chen et al., J. Chem. Theory
//! Comput. 2024, 20, 9500: the update).
//!
//! U = LinU(X), V = LinV(X), p = |V|, (a_vv, a_sv, a_ss) = MLP([s, p]);
//! s += a_sv * Lin(<U, V>) + a_ss;  X += a_vv (x) U.

use crate::irreps::{Irreps, Order};
use crate::layers::{Activation, EquivariantLinear, EquivariantNorm, LayerNorm, Linear, Mlp, MlpTape, sum};
use crate::network::Scratch;
use crate::parameters::Layout;
use oxidane_math::{Real, Scalar, simd};

/// One update block.
#[derive(Debug, Clone)]
pub struct Update {
    channels: usize,
    irreps: Irreps,
    norms: Option<(LayerNorm, EquivariantNorm)>,
    u: EquivariantLinear,
    v: EquivariantLinear,
    dot: Linear,
    mlp: Mlp,
    /// First gate that is computed: the last block of a model without equivariant heads has no a_vv.
    from: usize,
    /// e of the length sqrt(|V|^2 + e^2) - e.
    epsilon: f64,
}

/// What the forward pass leaves for the reverse pass of one block of atoms.
#[derive(Debug)]
pub struct UpdateTape<R> {
    s: Vec<R>,
    x: Vec<R>,
    xn: Vec<R>,
    u: Vec<R>,
    v: Vec<R>,
    features: Vec<R>,
    inner: Vec<R>,
    dot: Vec<R>,
    gates: Vec<R>,
    mlp: MlpTape<R>,
    /// Whether some atom's features of a degree vanish but for rounding (see [`vanishes`]).
    pub vanishing: bool,
}

impl<R: Real> UpdateTape<R> {
    /// Returns the buffers.
    pub fn recycle(self, scratch: &mut Scratch<R>) {
        for v in [self.s, self.x, self.xn, self.u, self.v, self.features, self.inner, self.dot, self.gates] {
            scratch.put(v);
        }
        self.mlp.recycle(scratch);
    }
}

impl Update {
    /// Registers `name.update_U`, `update_V`, `dot_lin`, `update_mlp` and, if asked, the norms.
    pub fn new(
        layout: &mut Layout,
        name: &str,
        channels: usize,
        irreps: &Irreps,
        activation: Activation,
        norms: bool,
        epsilon: f64,
        equivariant_output: bool,
    ) -> Self {
        let m = irreps.count();
        Self {
            channels,
            irreps: irreps.clone(),
            u: EquivariantLinear::new(layout, &format!("{name}.update_U"), irreps, irreps, true),
            v: EquivariantLinear::new(layout, &format!("{name}.update_V"), irreps, irreps, true),
            dot: Linear::new(layout, &format!("{name}.dot_lin"), m, channels, false),
            mlp: Mlp::new(
                layout,
                &format!("{name}.update_mlp"),
                [channels + m, channels, 2 * channels + m],
                true,
                activation,
            ),
            norms: norms.then(|| {
                let scalar = LayerNorm::new(layout, &format!("{name}.norm"), channels);
                (scalar, EquivariantNorm::new(layout, &format!("{name}.o3norm"), irreps))
            }),
            from: if equivariant_output { 0 } else { m },
            epsilon,
        }
    }

    /// Updates `rows` atoms in place: `s` `[rows, planes, C]`, `x` in atom order (left as it is where the block has
    /// no equivariant output).
    pub fn forward<S: Scalar>(
        &self,
        p: &[S::Real],
        rows: usize,
        s: &mut [S::Real],
        x: &mut [S::Real],
        scratch: &mut Scratch<S::Real>,
    ) -> UpdateTape<S::Real> {
        let (c, m, d, planes) = (self.channels, self.irreps.count(), self.irreps.dim(), S::PLANES);
        let mut take = |width: usize| scratch.dirty(rows * planes * width);
        let width = 2 * c + m - self.from;
        let mut saved = (take(c), take(d));
        let (mut xn, mut u, mut v) = (take(d), take(d), take(d));
        let (mut features, mut inner, mut dot, mut gates) = (take(c + m), take(m), take(c), take(width));
        saved.0.copy_from_slice(s);
        saved.1.copy_from_slice(x);
        // The scalar part of the features is normalised through `dot`, which is free until later.
        match &self.norms {
            Some((scalar, equivariant)) => {
                scalar.forward::<S>(p, rows, s, &mut dot);
                equivariant.forward::<S>(p, rows, x, &mut xn, Order::Degree);
            }
            None => {
                dot.copy_from_slice(s);
                reorder::<S>(&self.irreps, rows, x, &mut xn);
            }
        }
        self.u.forward::<S>(p, rows, &xn, &mut u);
        self.v.forward::<S>(p, rows, &xn, &mut v);
        let vanishing = self.invariants::<S>(rows, &u, &v, &dot, &mut features, &mut inner);
        let mlp = self.mlp.forward_from::<S>(p, rows, &features, self.from, &mut gates, scratch);
        self.dot.forward::<S>(p, rows, &inner, &mut dot);
        let scalar_at = m - self.from;
        simd::dispatch(
            #[inline(always)]
            || {
                for i in 0..rows {
                    let g = S::row(&gates[i * planes * width..], width);
                    let (a_sv, a_ss) = (S::part(g, scalar_at, c), S::part(g, scalar_at + c, c));
                    let t = S::row(&dot[i * planes * c..], c);
                    let mut s = S::row_mut(&mut s[i * planes * c..], c);
                    for k in 0..c {
                        let value = S::get_mut(&s, k) + S::get(a_sv, k) * S::get(t, k) + S::get(a_ss, k);
                        S::set(&mut s, k, value);
                    }
                    if self.from > 0 {
                        continue;
                    }
                    for l in 0..self.irreps.degrees() {
                        let n = self.irreps.channels(l);
                        let gate = S::part(g, self.irreps.first_irrep(l), n);
                        let to = Order::Atom.start(&self.irreps, rows, planes, l, i);
                        let from = Order::Degree.start(&self.irreps, rows, planes, l, i);
                        for q in 0..2 * l + 1 {
                            let u = S::row(&u[from + q * n * planes..], n);
                            let mut x = S::row_mut(&mut x[to + q * n * planes..], n);
                            for k in 0..n {
                                let value = S::get_mut(&x, k) + S::get(gate, k) * S::get(u, k);
                                S::set(&mut x, k, value);
                            }
                        }
                    }
                }
            },
        );
        UpdateTape { s: saved.0, x: saved.1, xn, u, v, features, inner, dot, gates, mlp, vanishing }
    }

    /// Turns the adjoints of the outputs, `s_adj` and `x_adj` (atom order), into those of the inputs, in place.
    pub fn reverse<S: Scalar>(
        &self,
        p: &[S::Real],
        rows: usize,
        tape: &UpdateTape<S::Real>,
        s_adj: &mut [S::Real],
        x_adj: &mut [S::Real],
        mut gradient: Option<&mut [S::Real]>,
        scratch: &mut Scratch<S::Real>,
    ) {
        let (c, m, d, planes) = (self.channels, self.irreps.count(), self.irreps.dim(), S::PLANES);
        let width = 2 * c + m - self.from;
        let mut take = |width: usize| scratch.dirty(rows * planes * width);
        let (mut gates_adj, mut dot_adj, mut inner_adj) = (take(width), take(c), take(m));
        let (mut features_adj, mut u_adj, mut v_adj, mut xn_adj) = (take(c + m), take(d), take(d), take(d));
        self.reverse_gates::<S>(rows, tape, s_adj, x_adj, &mut gates_adj, &mut dot_adj);
        self.dot.reverse::<S>(p, rows, &dot_adj, &mut inner_adj, false);
        self.mlp.reverse_from::<S>(
            p,
            rows,
            &tape.features,
            &tape.mlp,
            self.from,
            &gates_adj,
            &mut features_adj,
            false,
            gradient.as_deref_mut(),
            scratch,
        );
        self.reverse_invariants::<S>(rows, tape, x_adj, &inner_adj, &features_adj, &mut u_adj, &mut v_adj);
        self.u.reverse::<S>(p, rows, &tape.xn, &u_adj, &mut xn_adj, false, gradient.as_deref_mut());
        self.v.reverse::<S>(p, rows, &tape.xn, &v_adj, &mut xn_adj, true, gradient.as_deref_mut());
        if let Some(g) = gradient.as_deref_mut() {
            self.dot.gradient::<S>(rows, &tape.inner, &dot_adj, g);
        }
        // `dot_adj` is free again: the adjoint of the normalised scalars, out of the concatenated row.
        for (to, from) in
            dot_adj.chunks_exact_mut(c).zip(features_adj.chunks_exact(c + m)).take(rows * planes)
        {
            to.copy_from_slice(&from[..c]);
        }
        match &self.norms {
            Some((scalar, equivariant)) => {
                scalar.reverse::<S>(p, rows, &tape.s, &dot_adj, s_adj, gradient.as_deref_mut());
                equivariant.reverse::<S>(p, rows, &tape.x, &xn_adj, Order::Degree, x_adj, gradient);
            }
            None => {
                crate::layers::add_assign(s_adj, &dot_adj);
                add_reordered::<S>(&self.irreps, rows, &xn_adj, x_adj);
            }
        }
        for v in [gates_adj, dot_adj, inner_adj, features_adj, u_adj, v_adj, xn_adj] {
            scratch.put(v);
        }
    }

    /// Fills the rows `[s, |V|]` and `<U, V>`; says whether the features of some degree vanish at some atom.
    fn invariants<S: Scalar>(
        &self,
        rows: usize,
        u: &[S::Real],
        v: &[S::Real],
        s: &[S::Real],
        features: &mut [S::Real],
        inner: &mut [S::Real],
    ) -> bool {
        let mut vanishing = false;
        let (c, m, planes) = (self.channels, self.irreps.count(), S::PLANES);
        simd::dispatch(
            #[inline(always)]
            || {
                for i in 0..rows {
                    let s = S::row(&s[i * planes * c..], c);
                    let mut f = S::row_mut(&mut features[i * planes * (c + m)..], c + m);
                    for k in 0..c {
                        S::set(&mut f, k, S::get(s, k));
                    }
                    let mut inner = S::row_mut(&mut inner[i * planes * m..], m);
                    let mut scale = S::Real::of(0.0);
                    for l in 0..self.irreps.degrees() {
                        let (n, first) = (self.irreps.channels(l), self.irreps.first_irrep(l));
                        let at = Order::Degree.start(&self.irreps, rows, planes, l, i);
                        let mut length = S::part_mut(&mut f, c + first, n);
                        let mut inner = S::part_mut(&mut inner, first, n);
                        for q in 0..2 * l + 1 {
                            let u = S::row(&u[at + q * n * planes..], n);
                            let v = S::row(&v[at + q * n * planes..], n);
                            for k in 0..n {
                                let (a, b) = (S::get(u, k), S::get(v, k));
                                let (mut vv, mut uv) = (b * b, a * b);
                                if q > 0 {
                                    vv += S::get_mut(&length, k);
                                    uv += S::get_mut(&inner, k);
                                }
                                S::set(&mut length, k, vv);
                                S::set(&mut inner, k, uv);
                            }
                        }
                        if S::PLANES == 1 {
                            let total = sum(
                                n,
                                #[inline(always)]
                                |k| S::get_mut(&length, k),
                            )
                            .value();
                            let mean = total * S::Real::of(1.0 / n.max(1) as f64);
                            vanishing |= l > 0 && vanishes(mean, scale);
                            scale = if l == 0 { mean } else { scale };
                        }
                        for k in 0..n {
                            let square = S::get_mut(&length, k) + S::lit(self.epsilon * self.epsilon);
                            S::set(&mut length, k, square.sqrt() - S::lit(self.epsilon));
                        }
                    }
                }
            },
        );
        vanishing
    }

    /// Adjoints of the gates and of the mapped inner product.
    fn reverse_gates<S: Scalar>(
        &self,
        rows: usize,
        tape: &UpdateTape<S::Real>,
        s_adj: &[S::Real],
        x_adj: &[S::Real],
        gates_adj: &mut [S::Real],
        dot_adj: &mut [S::Real],
    ) {
        let (c, m, planes) = (self.channels, self.irreps.count(), S::PLANES);
        let (width, scalar_at) = (2 * c + m - self.from, m - self.from);
        simd::dispatch(
            #[inline(always)]
            || {
                for i in 0..rows {
                    let a = S::row(&s_adj[i * planes * c..], c);
                    let t = S::row(&tape.dot[i * planes * c..], c);
                    let a_sv = S::part(S::row(&tape.gates[i * planes * width..], width), scalar_at, c);
                    let mut g = S::row_mut(&mut gates_adj[i * planes * width..], width);
                    let mut t_adj = S::row_mut(&mut dot_adj[i * planes * c..], c);
                    for k in 0..c {
                        S::set(&mut g, scalar_at + k, S::get(a, k) * S::get(t, k));
                        S::set(&mut g, scalar_at + c + k, S::get(a, k));
                        S::set(&mut t_adj, k, S::get(a, k) * S::get(a_sv, k));
                    }
                    if self.from > 0 {
                        continue;
                    }
                    for l in 0..self.irreps.degrees() {
                        let n = self.irreps.channels(l);
                        let mut g = S::part_mut(&mut g, self.irreps.first_irrep(l), n);
                        let atom = Order::Atom.start(&self.irreps, rows, planes, l, i);
                        let degree = Order::Degree.start(&self.irreps, rows, planes, l, i);
                        for q in 0..2 * l + 1 {
                            let x = S::row(&x_adj[atom + q * n * planes..], n);
                            let u = S::row(&tape.u[degree + q * n * planes..], n);
                            for k in 0..n {
                                let mut v = S::get(x, k) * S::get(u, k);
                                if q > 0 {
                                    v += S::get_mut(&g, k);
                                }
                                S::set(&mut g, k, v);
                            }
                        }
                    }
                }
            },
        );
    }

    /// Adjoints of U and V.
    fn reverse_invariants<S: Scalar>(
        &self,
        rows: usize,
        tape: &UpdateTape<S::Real>,
        x_adj: &[S::Real],
        inner_adj: &[S::Real],
        features_adj: &[S::Real],
        u_adj: &mut [S::Real],
        v_adj: &mut [S::Real],
    ) {
        let (c, m, planes) = (self.channels, self.irreps.count(), S::PLANES);
        let width = 2 * c + m - self.from;
        simd::dispatch(
            #[inline(always)]
            || {
                for i in 0..rows {
                    let inner = S::row(&inner_adj[i * planes * m..], m);
                    let f = S::row(&tape.features[i * planes * (c + m)..], c + m);
                    let f_adj = S::row(&features_adj[i * planes * (c + m)..], c + m);
                    let g = S::row(&tape.gates[i * planes * width..], width);
                    for l in 0..self.irreps.degrees() {
                        let (n, first) = (self.irreps.channels(l), self.irreps.first_irrep(l));
                        let (inner, length) = (S::part(inner, first, n), S::part(f, c + first, n));
                        let length_adj = S::part(f_adj, c + first, n);
                        let atom = Order::Atom.start(&self.irreps, rows, planes, l, i);
                        let degree = Order::Degree.start(&self.irreps, rows, planes, l, i);
                        for q in 0..2 * l + 1 {
                            let (atom, degree) = (atom + q * n * planes, degree + q * n * planes);
                            let (u, v) = (S::row(&tape.u[degree..], n), S::row(&tape.v[degree..], n));
                            let mut ua = S::row_mut(&mut u_adj[degree..], n);
                            let mut va = S::row_mut(&mut v_adj[degree..], n);
                            for k in 0..n {
                                let root = S::get(length, k) + S::lit(self.epsilon);
                                let along = S::get(length_adj, k) / root;
                                let w = S::get(inner, k);
                                S::set(&mut ua, k, w * S::get(v, k));
                                S::set(&mut va, k, w * S::get(u, k) + along * S::get(v, k));
                            }
                            if self.from > 0 {
                                continue;
                            }
                            let x = S::row(&x_adj[atom..], n);
                            let gate = S::part(g, first, n);
                            for k in 0..n {
                                let value = S::get_mut(&ua, k) + S::get(gate, k) * S::get(x, k);
                                S::set(&mut ua, k, value);
                            }
                        }
                    }
                }
            },
        );
    }
}

/// Whether the mean square of |V| over a degree is below one millionth of that of degree 0, but not zero: at a
/// symmetric site (a tetrahedron's center) features cancel, what is left is rounding, and the derivative of
/// the length amplifies it. In single precision such a structure has to be computed again in double.
///
/// The threshold is a switch: where a structure crosses it, the results step from those of single precision to those of
/// double, by the rounding error of single precision there (about 1e-6 eV per atom in the energy; tests bound it by
/// 1e-5 eV per atom and 1e-4 eV/angstrom). A path through it is as smooth as single precision anywhere else, not
/// smoother. Where the step matters (tight optimisations, small numerical derivatives) compute in double throughout.
#[inline(always)]
fn vanishes<R: Real>(mean: R, scale: R) -> bool {
    mean > R::of(0.0) && mean < R::of(1e-6) * scale
}

/// Copies equivariant rows from atom order to degree order.
pub(super) fn reorder<S: Scalar>(irreps: &Irreps, rows: usize, atom: &[S::Real], degree: &mut [S::Real]) {
    each_block::<S>(irreps, rows, |a, d, n| degree[d..d + n].copy_from_slice(&atom[a..a + n]));
}

/// Adds equivariant rows in degree order to rows in atom order.
pub(super) fn add_reordered<S: Scalar>(
    irreps: &Irreps,
    rows: usize,
    degree: &[S::Real],
    atom: &mut [S::Real],
) {
    each_block::<S>(irreps, rows, |a, d, n| {
        crate::layers::add_assign(&mut atom[a..a + n], &degree[d..d + n]);
    });
}

fn each_block<S: Scalar>(irreps: &Irreps, rows: usize, mut f: impl FnMut(usize, usize, usize)) {
    for i in 0..rows {
        for l in 0..irreps.degrees() {
            let n = (2 * l + 1) * irreps.channels(l) * S::PLANES;
            let atom = Order::Atom.start(irreps, rows, S::PLANES, l, i);
            f(atom, Order::Degree.start(irreps, rows, S::PLANES, l, i), n);
        }
    }
}
