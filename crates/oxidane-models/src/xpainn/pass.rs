//! One evaluation of the network: the forward pass, block of atoms by block of atoms, and its reverse.

use super::electronic::ElectronicTape;
use super::heads::HeadTape;
use super::long_range::{self, Charged, LongRange};
use super::message::{PackedFilter, Sinks, Sources, State};
use super::pairs::Pair;
use super::readout;
use super::update::UpdateTape;
use super::{Architecture, BLOCK, OutputMode, pairs};
use crate::batch::Batch;
use crate::blocks::{cut, run, run_with};
use crate::charges::Origin;
use crate::derivatives::{Derivatives, Direction, Tangents};
use crate::edges::{DistanceAdjoint, EdgeFunctions};
use crate::irreps::Order;
use crate::layers::MlpTape;
use crate::network::{Features, Outputs, Scratch};
use oxidane_core::Result;
use oxidane_math::{Real, Scalar};
use std::ops::Range;

/// What a block of atoms keeps between the passes.
struct Block<S: Scalar> {
    atoms: Range<usize>,
    pairs: Vec<Pair>,
    scratch: Scratch<S::Real>,
    s: Vec<S::Real>,
    x: Vec<S::Real>,
    messages: Vec<MessageTape<S::Real>>,
    updates: Vec<UpdateTape<S::Real>>,
    heads: Vec<HeadTape<S::Real>>,
    read: Vec<Vec<S::Real>>,
    charge_head: Option<long_range::HeadTape<S::Real>>,
    s_adj: Vec<S::Real>,
    x_adj: Vec<S::Real>,
}

struct MessageTape<R> {
    s: Vec<R>,
    x: Vec<R>,
    normed: Vec<R>,
    mlp: MlpTape<R>,
}

/// The features that neighbours read: h and the normalised equivariant rows of one message block.
#[derive(Default)]
struct Shared<R> {
    h: Vec<R>,
    x: Vec<R>,
}

/// A forward pass with what its reverse needs.
pub struct Pass<'a, S: Scalar> {
    net: &'a Architecture,
    p: &'a [S::Real],
    batch: &'a Batch,
    parallel: bool,
    functions: EdgeFunctions<S::Real>,
    filters: Vec<PackedFilter<S::Real>>,
    shared: Vec<Shared<S::Real>>,
    electronic: Vec<ElectronicTape<S::Real>>,
    blocks: Vec<Block<S>>,
    /// Heads that were computed, by their place in the architecture.
    heads: Vec<usize>,
    /// Charges that interact over all distances, if the architecture has them and something of them is wanted.
    charged: Option<Charged<S::Double>>,
}

impl<'a, S: Scalar> Pass<'a, S> {
    /// Runs the network on the batch with the heads that `wanted` names. Fails for cells that electrostatics does not take.
    /// `external`: a potential in V at each atom, which adds to its electronegativity if there is one; empty for none.
    pub(super) fn forward(
        net: &'a Architecture,
        p: &'a [S::Real],
        batch: &'a Batch,
        direction: &Direction,
        external: &[S::Double],
        wanted: impl Fn(OutputMode) -> bool,
        scratch: &mut Scratch<S::Real>,
        parallel: bool,
    ) -> Result<Self> {
        let tangents = Tangents::new::<S>(batch, direction);
        let tangent = |e: usize| tangents.edge(e);
        let basis_parameters = net.basis_parameters.of(p);
        let functions = net.basis.forward::<S>(basis_parameters, batch, &tangent, parallel, scratch);
        let filters = net.messages.iter().map(|m| m.message.pack(p, scratch)).collect();
        let heads: Vec<usize> =
            net.heads.iter().enumerate().filter(|(_, (m, _))| wanted(*m)).map(|(k, _)| k).collect();
        let mut pass = Self {
            net,
            p,
            batch,
            parallel,
            functions,
            filters,
            shared: Vec::new(),
            electronic: Vec::new(),
            blocks: Vec::new(),
            heads,
            charged: None,
        };
        let modes = [OutputMode::Energy, OutputMode::Charges, OutputMode::Dipole];
        let long_range = net.long_range.as_ref().filter(|_| modes.into_iter().any(&wanted));
        let field = match long_range {
            Some(l) if wanted(OutputMode::Energy) => {
                Some(l.prepare::<S>(p, batch, &tangents, parallel, scratch)?)
            }
            _ => None,
        };
        pass.start(scratch);
        for t in 0..net.messages.len() {
            pass.advance(t, long_range, scratch);
        }
        if let Some(l) = long_range {
            let heads = pass.blocks.iter().filter_map(|b| b.charge_head.as_ref());
            pass.charged = Some(l.equilibrate::<S>(p, batch, heads, field, external));
        }
        Ok(pass)
    }

    /// First features, and what the neighbours need for the first message.
    fn start(&mut self, scratch: &mut Scratch<S::Real>) {
        let (n, c, d) = (self.batch.atoms(), self.net.config.node_dim, self.net.irreps.dim());
        let mut s = scratch.dirty(n * S::PLANES * c);
        self.net.start.forward::<S>(self.p, self.batch, &mut s, scratch);
        for layer in &self.net.electronic {
            self.electronic.push(layer.forward::<S>(self.p, self.batch, &mut s, scratch));
        }
        for first in (0..n).step_by(BLOCK) {
            let atoms = first..(first + BLOCK).min(n);
            let mut own = scratch.child();
            let (width, rows) = (S::PLANES * c, atoms.len() * S::PLANES);
            let mut mine = own.dirty(rows * c);
            mine.copy_from_slice(&s[atoms.start * width..atoms.end * width]);
            self.blocks.push(Block {
                pairs: pairs::of_block(&self.batch.edges, &atoms),
                atoms,
                s: mine,
                x: own.zeros(rows * d),
                scratch: own,
                messages: Vec::new(),
                updates: Vec::new(),
                heads: Vec::new(),
                read: Vec::new(),
                charge_head: None,
                s_adj: Vec::new(),
                x_adj: Vec::new(),
            });
        }
        scratch.put(s);
        let mut next = self.new_shared(0, scratch);
        let (net, p) = (self.net, self.p);
        let work = |(block, (h, x)): Task<'_, S>| prepare(net, p, 0, block, h, x);
        let widths = (self.gates(0) * S::PLANES, d * S::PLANES);
        run(self.parallel, split(&mut self.blocks, &mut next, widths), work);
        self.shared.push(next);
    }

    fn gates(&self, t: usize) -> usize {
        self.net.messages[t].message.gates()
    }

    fn new_shared(&self, t: usize, scratch: &mut Scratch<S::Real>) -> Shared<S::Real> {
        let n = self.batch.atoms() * S::PLANES;
        let x = if t == 0 { Vec::new() } else { scratch.dirty(n * self.net.irreps.dim()) };
        Shared { h: scratch.dirty(n * self.gates(t)), x }
    }

    /// Message and update `t`, then what the next message needs, or the heads.
    fn advance(&mut self, t: usize, long_range: Option<&LongRange>, scratch: &mut Scratch<S::Real>) {
        let (net, p, batch, last) = (self.net, self.p, self.batch, t + 1 == self.net.messages.len());
        let mut next = if last { Shared::default() } else { self.new_shared(t + 1, scratch) };
        let first_state = self.first_state();
        let source = Sources {
            batch: self.batch,
            edges: &self.functions,
            filter: &self.filters[t],
            h: &self.shared[t].h,
            state: state(t, &first_state, &self.shared[t].x, net.config.layer_norm),
        };
        let wanted = &self.heads;
        let work = |(b, (h, x)): Task<'_, S>| {
            let rows = b.atoms.len();
            let message = &net.messages[t].message;
            message.forward::<S>(&source, b.atoms.clone(), &b.pairs, &mut b.s, &mut b.x, &mut b.scratch);
            let tape = net.updates[t].forward::<S>(p, rows, &mut b.s, &mut b.x, &mut b.scratch);
            b.updates.push(tape);
            if !last {
                prepare(net, p, t + 1, b, h, x);
                return;
            }
            for &k in wanted {
                let head = &net.heads[k].1;
                let mut y = b.scratch.dirty(rows * S::PLANES * head.width());
                let (atoms, scratch) = (b.atoms.clone(), &mut b.scratch);
                b.heads.push(head.forward::<S>(p, batch, atoms, &b.s, &b.x, &mut y, scratch));
                b.read.push(y);
            }
            b.charge_head = long_range.map(|l| l.read::<S>(p, rows, &b.s, &mut b.scratch));
        };
        let gates = if last { 0 } else { net.messages[t + 1].message.gates() };
        let widths = (gates * S::PLANES, net.irreps.dim() * S::PLANES);
        run(self.parallel, split(&mut self.blocks, &mut next, widths), work);
        self.shared.push(next);
    }

    /// The row that stands for every atom's normalised zero features in the first message.
    fn first_state(&self) -> Vec<S::Real> {
        let mut row = Vec::new();
        if let Some((_, norm)) = &self.net.messages[0].norms {
            row.extend_from_slice(norm.bias(self.p));
            row.resize(row.len() * S::PLANES, S::Real::of(0.0));
        }
        row
    }

    /// One head's numbers for all atoms.
    fn gather_head(&self, k: usize, scratch: &mut Scratch<S::Real>) -> Vec<S::Real> {
        let mut all = scratch.dirty(self.blocks.iter().map(|b| b.read[k].len()).sum());
        let mut rest = &mut all[..];
        for part in self.blocks.iter().map(|b| &b.read[k]) {
            let (own, behind) = rest.split_at_mut(part.len());
            own.copy_from_slice(part);
            rest = behind;
        }
        all
    }

    /// Charges of the equilibration, if there is one.
    pub fn equilibrated(&self) -> &[S::Double] {
        self.charged.as_ref().map_or(&[], |c| c.charges())
    }

    /// The properties, without forces.
    pub fn outputs(&self, scratch: &mut Scratch<S::Real>) -> Outputs {
        let ill_conditioned = self.blocks.iter().any(|b| b.updates.iter().any(|u| u.vanishing));
        let mut outputs = Outputs { ill_conditioned, ..Outputs::default() };
        for (k, &head) in self.heads.iter().enumerate() {
            let (mode, head) = &self.net.heads[head];
            let y = self.gather_head(k, scratch);
            readout::read::<S>(*mode, self.batch, &y, head.width(), &mut outputs);
            scratch.put(y);
        }
        if let Some(charged) = &self.charged {
            charged.outputs(self.batch, &mut outputs);
        }
        outputs
    }

    /// What the energy comes from; empty if it was not computed.
    pub fn features(&self) -> Features {
        let mut features = Features::default();
        let Some(energy) = self.heads.iter().position(|&k| self.net.heads[k].0 == OutputMode::Energy) else {
            return features;
        };
        let width = self.net.config.node_dim;
        for block in &self.blocks {
            if let HeadTape::Scalar(tape) = &block.heads[energy] {
                tape.features::<S>(&mut features.last);
            }
            let after: Vec<_> = block.messages[1..].iter().map(|m| &m.s).chain([&block.s]).collect();
            for atom in 0..block.atoms.len() {
                for s in &after {
                    features.inner.extend(s[atom * width * S::PLANES..][..width].iter().map(|x| x.f64()));
                }
            }
        }
        features
    }

    /// The reverse pass. Adds weight gradients if asked; returns derivatives by positions if `positions` (else nothing).
    pub fn reverse(
        &mut self,
        origin: &Origin<'_, S::Double>,
        mut gradient: Option<&mut [S::Real]>,
        positions: bool,
        scratch: &mut Scratch<S::Real>,
    ) -> Derivatives<S> {
        let (n, c, d, p) = (self.batch.atoms(), self.net.config.node_dim, self.net.irreps.dim(), S::PLANES);
        let edges = self.batch.edges.len();
        // The adjoint of a distance, or of its radial functions, which have weights.
        let training = gradient.is_some();
        let radial = if training { self.net.basis.radial() } else { 1 };
        let harmonics = self.net.basis.harmonics();
        let mut radial_adj = scratch.zeros(edges * p * radial);
        let mut harmonics_adj = scratch.zeros(edges * p * harmonics);
        // Adjoints of the features after each message, read by the neighbours; two of each, in turn.
        let mut s_adj = [scratch.dirty(n * p * c), scratch.dirty(n * p * c)];
        let mut x_adj = [scratch.dirty(n * p * d), scratch.dirty(n * p * d)];
        let charged = self.net.long_range.as_ref().zip(self.charged.as_ref());
        let charged = charged
            .map(|(l, c)| l.reverse::<S>(self.p, self.batch, c, origin, gradient.as_deref_mut(), positions));
        let (charge_head, structures, external) =
            charged.map(|c| (c.head, c.structures, c.external)).unwrap_or_default();
        let g = gradient.as_deref_mut();
        let none = Outputs::default();
        let loss = if let Origin::Loss(loss) = origin { *loss } else { &none };
        self.reverse_heads(loss, &charge_head, g, &mut s_adj[0], &mut x_adj[0], scratch);
        for t in (0..self.net.messages.len()).rev() {
            let [s_now, s_next] = &mut s_adj;
            let [x_now, x_next] = &mut x_adj;
            let adj = Adjoints {
                s: s_now,
                x: x_now,
                radial: (&mut radial_adj, radial * p),
                harmonics: (&mut harmonics_adj, harmonics * p),
                next: (s_next, x_next),
            };
            self.reverse_message(t, adj, gradient.as_deref_mut(), training);
            s_adj.swap(0, 1);
            x_adj.swap(0, 1);
        }
        if let Some(g) = gradient {
            // After the last step `s_adj[0]` holds the adjoint of the first features.
            for (layer, tape) in self.net.electronic.iter().zip(&self.electronic).rev() {
                layer.reverse::<S>(self.p, self.batch, tape, &mut s_adj[0], g, scratch);
            }
            self.net.start.gradient::<S>(self.p, self.batch, &s_adj[0], g, scratch);
            let slot = self.net.basis_parameters;
            let out = slot.of_mut(g);
            self.net.basis.columns.gradient::<S>(slot.of(self.p), &self.functions, &radial_adj, out);
        }
        let mut vectors = Vec::new();
        if positions {
            vectors = scratch.dirty(edges * p * 3);
            let basis = &self.net.basis;
            let distance_adj = if training {
                DistanceAdjoint::OfRadial(&radial_adj)
            } else {
                DistanceAdjoint::Itself(&radial_adj)
            };
            basis.reverse::<S>(&self.functions, distance_adj, &harmonics_adj, &mut vectors, self.parallel);
        }
        let [s0, s1] = s_adj;
        let [x0, x1] = x_adj;
        for v in [s0, s1, x0, x1, radial_adj, harmonics_adj] {
            scratch.put(v);
        }
        Derivatives { vectors, structures, external }
    }

    /// Heads and last update. `charge_head`: adjoints of chi and z of all atoms, if there are charges.
    fn reverse_heads(
        &mut self,
        seeds: &Outputs,
        charge_head: &[S::Real],
        gradient: Option<&mut [S::Real]>,
        s_adj: &mut [S::Real],
        x_adj: &mut [S::Real],
        scratch: &mut Scratch<S::Real>,
    ) {
        let (net, p, planes) = (self.net, self.p, S::PLANES);
        let head_seeds: Vec<Vec<S::Real>> = self
            .heads
            .iter()
            .enumerate()
            .map(|(k, &head)| {
                let (mode, head) = &net.heads[head];
                let y = self.gather_head(k, scratch);
                let mut adj = scratch.zeros(y.len());
                readout::seed::<S>(*mode, self.batch, &y, head.width(), seeds, &mut adj);
                scratch.put(y);
                adj
            })
            .collect();
        let (wanted, t) = (&self.heads, net.updates.len() - 1);
        let widths = (net.config.node_dim * planes, net.irreps.dim() * planes);
        let tasks = split_pair(&mut self.blocks, s_adj, x_adj, widths);
        run_with(self.parallel, gradient, tasks, |(b, (s_adj, x_adj)), mut gradient| {
            s_adj.fill(S::Real::of(0.0));
            x_adj.fill(S::Real::of(0.0));
            let rows = b.atoms.len();
            for (k, &head) in wanted.iter().enumerate() {
                let head = &net.heads[head].1;
                let width = head.width() * planes;
                let y_adj = &head_seeds[k][b.atoms.start * width..b.atoms.end * width];
                let g = gradient.as_deref_mut();
                let scratch = &mut b.scratch;
                head.reverse::<S>(p, rows, &b.s, &b.heads[k], y_adj, s_adj, x_adj, g, scratch);
            }
            if let (Some(l), Some(tape)) = (&net.long_range, &b.charge_head) {
                let width = LongRange::WIDTH * planes;
                let y_adj = &charge_head[b.atoms.start * width..b.atoms.end * width];
                let g = gradient.as_deref_mut();
                l.reverse_head::<S>(p, &b.s, tape, y_adj, s_adj, g, &mut b.scratch);
            }
            net.updates[t].reverse::<S>(p, rows, &b.updates[t], s_adj, x_adj, gradient, &mut b.scratch);
        });
        head_seeds.into_iter().for_each(|v| scratch.put(v));
    }

    /// Message `t` and update `t - 1`.
    fn reverse_message(
        &mut self,
        t: usize,
        adj: Adjoints<'_, S::Real>,
        gradient: Option<&mut [S::Real]>,
        training: bool,
    ) {
        let (net, p, planes) = (self.net, self.p, S::PLANES);
        let (c, d, gates) = (net.config.node_dim * planes, net.irreps.dim() * planes, self.gates(t) * planes);
        let first_state = self.first_state();
        let source = Sources {
            batch: self.batch,
            edges: &self.functions,
            filter: &self.filters[t],
            h: &self.shared[t].h,
            state: state(t, &first_state, &self.shared[t].x, net.config.layer_norm),
        };
        let (s_adj, x_adj) = (&*adj.s, &*adj.x);
        let ends: Vec<usize> =
            self.blocks.iter().map(|b| self.batch.edges.first[b.atoms.end] as usize).collect();
        let radial = cut(adj.radial.0, ends.iter().copied(), adj.radial.1);
        let harmonics = cut(adj.harmonics.0, ends, adj.harmonics.1);
        let tasks: Vec<_> = split_pair(&mut self.blocks, adj.next.0, adj.next.1, (c, d))
            .into_iter()
            .zip(radial.into_iter().zip(harmonics))
            .collect();
        // The first message's features do not depend on positions: nothing upstream but weights wants them.
        let upstream = t > 0 || training;
        run_with(
            self.parallel,
            gradient,
            tasks,
            |((b, (s_next, x_next)), (radial, harmonics)), mut gradient| {
                let rows = b.atoms.len();
                let (mut h_adj, mut state_adj) = (Vec::new(), Vec::new());
                if upstream {
                    h_adj = b.scratch.zeros(rows * gates);
                    state_adj = b.scratch.zeros(rows * d);
                }
                let sinks = Sinks {
                    h: upstream.then_some(&mut h_adj[..]),
                    state: upstream.then_some(&mut state_adj[..]),
                    radial,
                    harmonics,
                    gradient: gradient.as_deref_mut(),
                };
                let message = &net.messages[t].message;
                let (atoms, scratch) = (b.atoms.clone(), &mut b.scratch);
                message.reverse::<S>(&source, atoms, &b.pairs, s_adj, x_adj, sinks, scratch);
                if !upstream {
                    return;
                }
                s_next.copy_from_slice(&s_adj[b.atoms.start * c..b.atoms.end * c]);
                x_next.copy_from_slice(&x_adj[b.atoms.start * d..b.atoms.end * d]);
                let g = gradient.as_deref_mut();
                reverse_prepare(net, p, t, b, &h_adj, &state_adj, s_next, x_next, g);
                b.scratch.put(h_adj);
                b.scratch.put(state_adj);
                if t > 0 {
                    let update = &net.updates[t - 1];
                    update.reverse::<S>(p, rows, &b.updates[t - 1], s_next, x_next, gradient, &mut b.scratch);
                }
            },
        );
    }

    /// Returns all buffers.
    pub fn recycle(self, scratch: &mut Scratch<S::Real>) {
        self.functions.recycle(scratch);
        self.filters.into_iter().for_each(|f| scratch.put(f.into_inner()));
        self.electronic.into_iter().for_each(|e| e.recycle(scratch));
        for shared in self.shared {
            scratch.put(shared.h);
            scratch.put(shared.x);
        }
        for mut b in self.blocks.into_iter().rev() {
            for tape in b.messages {
                tape.mlp.recycle(&mut b.scratch);
                [tape.s, tape.x, tape.normed].into_iter().for_each(|v| b.scratch.put(v));
            }
            b.updates.into_iter().for_each(|u| u.recycle(&mut b.scratch));
            b.heads.into_iter().for_each(|h| h.recycle(&mut b.scratch));
            b.charge_head.into_iter().for_each(|h| h.recycle(&mut b.scratch));
            for v in b.read.into_iter().chain([b.s, b.x, b.s_adj, b.x_adj]) {
                b.scratch.put(v);
            }
            scratch.put_child(b.scratch);
        }
    }
}

struct Adjoints<'a, R> {
    s: &'a mut Vec<R>,
    x: &'a mut Vec<R>,
    radial: (&'a mut [R], usize),
    harmonics: (&'a mut [R], usize),
    next: (&'a mut Vec<R>, &'a mut Vec<R>),
}

/// A block of atoms with its part of two arrays.
type Task<'a, S> = (&'a mut Block<S>, (&'a mut [<S as Scalar>::Real], &'a mut [<S as Scalar>::Real]));

fn state<'a, R>(t: usize, first: &'a [R], x: &'a [R], layer_norm: bool) -> State<'a, R> {
    match (t, layer_norm) {
        (0, true) => State::Shared(first),
        (0, false) => State::Zero,
        _ => State::PerAtom(x),
    }
}

/// Norms and MLP of message `t` for a block: h and the rows that neighbours gather.
fn prepare<S: Scalar>(
    net: &Architecture,
    p: &[S::Real],
    t: usize,
    b: &mut Block<S>,
    h: &mut [S::Real],
    x: &mut [S::Real],
) {
    let (rows, layer) = (b.atoms.len(), &net.messages[t]);
    let mut save = |v: &[S::Real]| {
        let mut copy = b.scratch.dirty(v.len());
        copy.copy_from_slice(v);
        copy
    };
    let (s_in, mut normed) = (save(&b.s), save(&b.s));
    let x_in = if t == 0 { Vec::new() } else { save(&b.x) };
    if let Some((scalar, equivariant)) = &layer.norms {
        scalar.forward::<S>(p, rows, &b.s, &mut normed);
        if t > 0 {
            equivariant.forward::<S>(p, rows, &b.x, x, Order::Atom);
        }
    } else if t > 0 {
        x.copy_from_slice(&b.x);
    }
    let mlp = layer.mlp.forward_from::<S>(p, rows, &normed, 0, h, &mut b.scratch);
    b.messages.push(MessageTape { s: s_in, x: x_in, normed, mlp });
}

/// Reverse of [`prepare`]: adds to `s_adj` and `x_adj`.
fn reverse_prepare<S: Scalar>(
    net: &Architecture,
    p: &[S::Real],
    t: usize,
    b: &mut Block<S>,
    h_adj: &[S::Real],
    state_adj: &[S::Real],
    s_adj: &mut [S::Real],
    x_adj: &mut [S::Real],
    mut gradient: Option<&mut [S::Real]>,
) {
    let (rows, layer, tape) = (b.atoms.len(), &net.messages[t], &b.messages[t]);
    let mut normed_adj = b.scratch.dirty(tape.normed.len());
    layer.mlp.reverse_from::<S>(
        p,
        rows,
        &tape.normed,
        &tape.mlp,
        0,
        h_adj,
        &mut normed_adj,
        false,
        gradient.as_deref_mut(),
        &mut b.scratch,
    );
    match &layer.norms {
        Some((scalar, equivariant)) => {
            scalar.reverse::<S>(p, rows, &tape.s, &normed_adj, s_adj, gradient.as_deref_mut());
            if t > 0 {
                equivariant.reverse::<S>(p, rows, &tape.x, state_adj, Order::Atom, x_adj, gradient);
            } else if let Some(g) = gradient {
                equivariant.bias_gradient::<S>(rows, state_adj, g);
            }
        }
        None => {
            crate::layers::add_assign(s_adj, &normed_adj);
            crate::layers::add_assign(x_adj, state_adj);
        }
    }
    b.scratch.put(normed_adj);
}

/// Pairs each block with its part of the shared arrays (empty where an array is).
fn split<'a, S: Scalar>(
    blocks: &'a mut [Block<S>],
    shared: &'a mut Shared<S::Real>,
    widths: (usize, usize),
) -> Vec<Task<'a, S>> {
    split_pair(blocks, &mut shared.h, &mut shared.x, widths)
}

fn split_pair<'a, S: Scalar>(
    blocks: &'a mut [Block<S>],
    mut a: &'a mut [S::Real],
    mut b: &'a mut [S::Real],
    widths: (usize, usize),
) -> Vec<Task<'a, S>> {
    let mut tasks = Vec::with_capacity(blocks.len());
    for block in blocks {
        let n = block.atoms.len();
        let (mine, rest) = a.split_at_mut((n * widths.0).min(a.len()));
        a = rest;
        let (mine_too, rest) = b.split_at_mut((n * widths.1).min(b.len()));
        b = rest;
        tasks.push((block, (mine, mine_too)));
    }
    tasks
}
