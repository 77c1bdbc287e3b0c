//! The message of one edge and its reverse: what the tile loops of [`super::message`] do per edge.
//!
//! Everything that one channel needs is done while it is in registers; [`Pack`] makes the loops vectorise.

use crate::irreps::{Irreps, Order};
use oxidane_math::pack::{One, Pack};
use oxidane_math::{Real, Scalar};

/// Most components of a degree: 2 l + 1 for l = 4.
const MAX_COMPONENTS: usize = 9;

/// Widths that all edges share.
#[derive(Clone, Copy)]
pub struct Widths<'a> {
    /// Equivariant channels.
    pub irreps: &'a Irreps,
    /// Scalar channels, C.
    pub channels: usize,
    /// Degrees of the neighbours' features that can be other than zero.
    pub degrees: usize,
}

impl Widths<'_> {
    fn gates(&self) -> usize {
        self.channels + 2 * self.irreps.count()
    }
}

/// One edge i <- j, forward.
pub struct Edge<'a, S: Scalar> {
    /// h of the neighbour.
    pub h: &'a [S::Real],
    /// The filter.
    pub w: &'a [S::Real],
    /// Equivariant features of the neighbour, atom order.
    pub state: &'a [S::Real],
    /// Harmonics of the edge.
    pub y: S::Row<'a>,
}

/// Calls `f::<S, P>(k, ...)` on the full packs of a row of `n` scalars, then on each scalar of the rest.
macro_rules! packs {
    ($n:expr, $f:ident::<$s:ident>($($arg:expr),*)) => {{
        let width = <<$s as Scalar>::Pack as Pack<$s>>::WIDTH;
        let full = $n / width * width;
        for k in (0..full).step_by(width) {
            $f::<$s, <$s as Scalar>::Pack>(k, $($arg),*);
        }
        for k in full..$n {
            $f::<$s, One<$s>>(k, $($arg),*);
        }
    }};
}

/// out += a b.
#[inline(always)]
fn add_product<S: Scalar, P: Pack<S>>(k: usize, a: S::Row<'_>, b: S::Row<'_>, out: &mut S::RowMut<'_>) {
    P::load(a, k).times_plus(P::load(b, k), P::load_mut(out, k)).store(out, k);
}

/// out = a b.
#[inline(always)]
fn set_product<S: Scalar, P: Pack<S>>(k: usize, a: S::Row<'_>, b: S::Row<'_>, out: &mut S::RowMut<'_>) {
    P::load(a, k).times(P::load(b, k)).store(out, k);
}

/// One degree of an edge: its gates and the place of its components.
#[derive(Clone, Copy)]
struct Degree<'a, S: Scalar> {
    l: usize,
    /// Channels.
    n: usize,
    /// First component in atom order.
    at: usize,
    /// Whether the sender's features of the degree can be other than zero.
    active: bool,
    h_state: S::Row<'a>,
    w_state: S::Row<'a>,
    h_edge: S::Row<'a>,
    w_edge: S::Row<'a>,
}

impl<'a, S: Scalar> Degree<'a, S> {
    #[inline(always)]
    fn new(widths: Widths<'_>, l: usize, h: S::Row<'a>, w: S::Row<'a>) -> Self {
        let (n, u, m) = (widths.irreps.channels(l), widths.irreps.first_irrep(l), widths.irreps.count());
        Self {
            l,
            n,
            at: Order::Atom.start(widths.irreps, 0, S::PLANES, l, 0),
            active: l < widths.degrees,
            h_state: S::part(h, u, n),
            w_state: S::part(w, u, n),
            h_edge: S::part(h, m + u, n),
            w_edge: S::part(w, m + u, n),
        }
    }

    /// Where component `q` begins.
    #[inline(always)]
    fn component(&self, q: usize) -> usize {
        self.at + q * self.n * S::PLANES
    }
}

/// Adds the message to the scalar row `s` and the equivariant row `x` (atom order) of the center.
#[inline(always)]
pub fn send<S: Scalar>(widths: Widths<'_>, edge: &Edge<'_, S>, s: &mut [S::Real], x: &mut [S::Real]) {
    let (c, m) = (widths.channels, widths.irreps.count());
    let (h, w) = (S::row(edge.h, widths.gates()), S::row(edge.w, widths.gates()));
    let mut s = S::row_mut(s, c);
    let (h_scalar, w_scalar) = (S::part(h, 2 * m, c), S::part(w, 2 * m, c));
    packs!(c, add_product::<S>(h_scalar, w_scalar, &mut s));
    for l in 0..widths.irreps.degrees() {
        let degree = Degree::<S>::new(widths, l, h, w);
        packs!(degree.n, send_channels::<S>(&degree, edge, x));
    }
}

#[inline(always)]
fn send_channels<S: Scalar, P: Pack<S>>(
    k: usize,
    degree: &Degree<'_, S>,
    edge: &Edge<'_, S>,
    x: &mut [S::Real],
) {
    let (l, n) = (degree.l, degree.n);
    let on_edge = P::load(degree.h_edge, k).times(P::load(degree.w_edge, k));
    let on_state = P::load(degree.h_state, k).times(P::load(degree.w_state, k));
    for q in 0..2 * l + 1 {
        let at = degree.component(q);
        let mut out = S::row_mut(&mut x[at..], n);
        let y = P::splat(S::get(edge.y, l * l + q));
        let mut sum = on_edge.times_plus(y, P::load_mut(&out, k));
        if degree.active {
            sum = on_state.times_plus(P::load(S::row(&edge.state[at..], n), k), sum);
        }
        sum.store(&mut out, k);
    }
}

/// Adjoints of the receiver of a message.
pub struct Receiver<'a, R> {
    /// Of its scalar features.
    pub s: &'a [R],
    /// Of its equivariant features, atom order.
    pub x: &'a [R],
}

/// Adjoints of a message's parts.
pub struct Returned<'a, S: Scalar> {
    /// Written: of the filter.
    pub w: &'a mut [S::Real],
    /// Added: of h of the sender, if asked.
    pub h: Option<&'a mut [S::Real]>,
    /// Added: of the sender's equivariant features, if asked.
    pub state: Option<&'a mut [S::Real]>,
    /// Added: of the harmonics of the message's direction.
    pub y: S::RowMut<'a>,
}

/// The reverse of [`send`] for the mirror of an edge: `edge` holds the sender's h and features, the filter, and the
/// harmonics of the edge that the sender owns, which points the other way.
#[inline(always)]
pub fn receive<S: Scalar>(
    widths: Widths<'_>,
    edge: &Edge<'_, S>,
    receiver: &Receiver<'_, S::Real>,
    returned: &mut Returned<'_, S>,
) {
    let (c, m, gates) = (widths.channels, widths.irreps.count(), widths.gates());
    let (h, w) = (S::row(edge.h, gates), S::row(edge.w, gates));
    let a = S::row(receiver.s, c);
    {
        let mut w_adj = S::row_mut(returned.w, gates);
        let mut out = S::part_mut(&mut w_adj, 2 * m, c);
        packs!(c, set_product::<S>(a, S::part(h, 2 * m, c), &mut out));
    }
    if let Some(h_adj) = returned.h.as_deref_mut() {
        let mut h_adj = S::row_mut(h_adj, gates);
        let mut out = S::part_mut(&mut h_adj, 2 * m, c);
        packs!(c, add_product::<S>(a, S::part(w, 2 * m, c), &mut out));
    }
    for l in 0..widths.irreps.degrees() {
        let degree = Degree::<S>::new(widths, l, h, w);
        let mut bulk = [<S::Pack as Pack<S>>::splat(S::zero()); MAX_COMPONENTS];
        let mut rest = [One::splat(S::zero()); MAX_COMPONENTS];
        let width = <S::Pack as Pack<S>>::WIDTH;
        let full = degree.n / width * width;
        for k in (0..full).step_by(width) {
            receive_channels::<S, S::Pack>(k, widths, &degree, edge, receiver.x, &mut bulk, returned);
        }
        for k in full..degree.n {
            receive_channels::<S, One<S>>(k, widths, &degree, edge, receiver.x, &mut rest, returned);
        }
        for q in 0..2 * l + 1 {
            let v = S::get_mut(&returned.y, l * l + q) + bulk[q].sum() + rest[q].sum();
            S::set(&mut returned.y, l * l + q, v);
        }
    }
}

/// The channels `k..k + P::WIDTH` of a degree; `y_adj` collects the adjoints of its harmonics.
#[inline(always)]
fn receive_channels<S: Scalar, P: Pack<S>>(
    k: usize,
    widths: Widths<'_>,
    degree: &Degree<'_, S>,
    edge: &Edge<'_, S>,
    x_adj: &[S::Real],
    y_adj: &mut [P; MAX_COMPONENTS],
    returned: &mut Returned<'_, S>,
) {
    let (l, n) = (degree.l, degree.n);
    let sign = S::Real::of(if l % 2 == 0 { 1.0 } else { -1.0 });
    let (h_edge, w_edge) = (P::load(degree.h_edge, k), P::load(degree.w_edge, k));
    let (h_state, w_state) = (P::load(degree.h_state, k), P::load(degree.w_state, k));
    let (on_edge, on_state) = (h_edge.times(w_edge), h_state.times(w_state));
    let (mut edge_adj, mut state_gate_adj) = (P::splat(S::zero()), P::splat(S::zero()));
    for q in 0..2 * l + 1 {
        let at = degree.component(q);
        let a = P::load(S::row(&x_adj[at..], n), k);
        y_adj[q] = on_edge.times_plus(a, y_adj[q]);
        let y = P::splat(S::get(edge.y, l * l + q).scale(sign));
        edge_adj = a.times_plus(y, edge_adj);
        if degree.active {
            state_gate_adj = a.times_plus(P::load(S::row(&edge.state[at..], n), k), state_gate_adj);
            if let Some(state) = returned.state.as_deref_mut() {
                let mut out = S::row_mut(&mut state[at..], n);
                on_state.times_plus(a, P::load_mut(&out, k)).store(&mut out, k);
            }
        }
    }
    let first_state = widths.irreps.first_irrep(l) + k;
    let first_edge = widths.irreps.count() + first_state;
    let mut w_adj = S::row_mut(returned.w, widths.gates());
    edge_adj.times(h_edge).store(&mut w_adj, first_edge);
    if degree.active {
        state_gate_adj.times(h_state).store(&mut w_adj, first_state);
    }
    if let Some(h_adj) = returned.h.as_deref_mut() {
        let mut h_adj = S::row_mut(h_adj, widths.gates());
        edge_adj.times_plus(w_edge, P::load_mut(&h_adj, first_edge)).store(&mut h_adj, first_edge);
        if degree.active {
            let sum = state_gate_adj.times_plus(w_state, P::load_mut(&h_adj, first_state));
            sum.store(&mut h_adj, first_state);
        }
    }
}
