//! The message of one edge and its reverse: what the tile loops of [`super::message`] do per edge.
//!
//! Everything that one channel needs is done while it is in registers; [`Pack`] makes the loops vectorise.

use crate::irreps::{Irreps, L_MAX, Order};
use oxidane_math::pack::{One, Pack};
use oxidane_math::{Real, Scalar};

/// Calls `f::<S, Q>(...)` for the degree `l`, of Q = 2 l + 1 components: a constant, so that loops over them unroll and their sums stay
/// in registers.
macro_rules! by_degree {
    ($l:expr, $f:ident::<$s:ident>($($arg:expr),*)) => {
        match $l {
            0 => $f::<$s, 1>($($arg),*),
            1 => $f::<$s, 3>($($arg),*),
            2 => $f::<$s, 5>($($arg),*),
            3 => $f::<$s, 7>($($arg),*),
            _ => $f::<$s, { 2 * L_MAX + 1 }>($($arg),*),
        }
    };
}

/// Widths that all edges share, worked out once.
#[derive(Clone, Copy)]
pub struct Widths {
    /// Scalar channels, C.
    pub channels: usize,
    /// Number of irreps, M.
    irreps: usize,
    /// C + 2 M.
    pub gates: usize,
    /// Degrees stored.
    degrees: usize,
    shapes: [Shape; L_MAX + 1],
}

/// Where a degree stands in rows of irreps and of components.
#[derive(Clone, Copy, Default)]
struct Shape {
    /// Channels.
    n: usize,
    first_irrep: usize,
    /// In an atom's row, planes counted.
    first_component: usize,
    /// Whether the neighbours' features of the degree can be other than zero.
    active: bool,
}

impl Widths {
    /// For `channels` scalars, and equivariant features of which those of the lowest `active` degrees can be other than zero.
    pub fn new<S: Scalar>(channels: usize, irreps: &Irreps, active: usize) -> Self {
        let mut shapes = [Shape::default(); L_MAX + 1];
        for (l, shape) in shapes.iter_mut().enumerate().take(irreps.degrees()) {
            *shape = Shape {
                n: irreps.channels(l),
                first_irrep: irreps.first_irrep(l),
                first_component: Order::Atom.start(irreps, 0, S::PLANES, l, 0),
                active: l < active,
            };
        }
        let m = irreps.count();
        Self { channels, irreps: m, gates: channels + 2 * m, degrees: irreps.degrees(), shapes }
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
    ($n:expr, $f:ident::<$s:ident $(, $q:ident)?>($($arg:expr),*)) => {{
        let width = <<$s as Scalar>::Pack as Pack<$s>>::WIDTH;
        let full = $n / width * width;
        for k in (0..full).step_by(width) {
            $f::<$s, <$s as Scalar>::Pack $(, $q)?>(k, $($arg),*);
        }
        for k in full..$n {
            $f::<$s, One<$s> $(, $q)?>(k, $($arg),*);
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

/// The sum of the products of two rows of `n`.
#[inline(always)]
pub fn dot<S: Scalar>(n: usize, a: S::Row<'_>, b: S::Row<'_>) -> S {
    let mut bulk = <S::Pack as Pack<S>>::splat(S::zero());
    let mut rest = One::splat(S::zero());
    let full = n / <S::Pack as Pack<S>>::WIDTH * <S::Pack as Pack<S>>::WIDTH;
    for k in (0..full).step_by(<S::Pack as Pack<S>>::WIDTH) {
        bulk = S::Pack::load(a, k).times_plus(S::Pack::load(b, k), bulk);
    }
    for k in full..n {
        rest = One::load(a, k).times_plus(One::load(b, k), rest);
    }
    bulk.sum() + rest.sum()
}

/// One degree of an edge: its gates and the place of its components.
#[derive(Clone, Copy)]
struct Degree<'a, S: Scalar> {
    l: usize,
    shape: Shape,
    h_state: S::Row<'a>,
    w_state: S::Row<'a>,
    h_edge: S::Row<'a>,
    w_edge: S::Row<'a>,
}

impl<'a, S: Scalar> Degree<'a, S> {
    #[inline(always)]
    fn new(widths: &Widths, l: usize, h: S::Row<'a>, w: S::Row<'a>) -> Self {
        let shape = widths.shapes[l];
        let (n, u, m) = (shape.n, shape.first_irrep, widths.irreps);
        Self {
            l,
            shape,
            h_state: S::part(h, u, n),
            w_state: S::part(w, u, n),
            h_edge: S::part(h, m + u, n),
            w_edge: S::part(w, m + u, n),
        }
    }

    /// The harmonics of the degree, times `sign`.
    #[inline(always)]
    fn harmonics<const Q: usize>(&self, y: S::Row<'_>, sign: S::Real) -> [S; Q] {
        let mut own = [S::zero(); Q];
        for (q, own) in own.iter_mut().enumerate() {
            *own = S::get(y, self.l * self.l + q).scale(sign);
        }
        own
    }

    /// The components of the degree in an atom's row.
    #[inline(always)]
    fn components<'b, const Q: usize>(&self, row: &'b [S::Real]) -> &'b [S::Real] {
        &row[self.shape.first_component..][..Q * self.shape.n * S::PLANES]
    }

    /// The same for writing.
    #[inline(always)]
    fn components_mut<'b, const Q: usize>(&self, row: &'b mut [S::Real]) -> &'b mut [S::Real] {
        &mut row[self.shape.first_component..][..Q * self.shape.n * S::PLANES]
    }
}

/// Adds the message to the scalar row `s` and the equivariant row `x` (atom order) of the center.
#[inline(always)]
pub fn send<S: Scalar>(widths: &Widths, edge: &Edge<'_, S>, s: &mut [S::Real], x: &mut [S::Real]) {
    let (c, m) = (widths.channels, widths.irreps);
    let (h, w) = (S::row(edge.h, widths.gates), S::row(edge.w, widths.gates));
    let mut s = S::row_mut(s, c);
    let (h_scalar, w_scalar) = (S::part(h, 2 * m, c), S::part(w, 2 * m, c));
    packs!(c, add_product::<S>(h_scalar, w_scalar, &mut s));
    for l in 0..widths.degrees {
        let degree = Degree::<S>::new(widths, l, h, w);
        by_degree!(l, send_degree::<S>(&degree, edge, x));
    }
}

#[inline(always)]
fn send_degree<S: Scalar, const Q: usize>(degree: &Degree<'_, S>, edge: &Edge<'_, S>, x: &mut [S::Real]) {
    let n = degree.shape.n;
    let y = degree.harmonics::<Q>(edge.y, S::Real::of(1.0));
    let x = degree.components_mut::<Q>(x);
    if degree.shape.active {
        let state = degree.components::<Q>(edge.state);
        packs!(n, send_both::<S, Q>(degree, state, &y, x));
    } else {
        packs!(n, send_direction::<S, Q>(degree, &y, x));
    }
}

/// g_state (x) X_j + g_edge (x) Y, channels `k..k + P::WIDTH`.
#[inline(always)]
fn send_both<S: Scalar, P: Pack<S>, const Q: usize>(
    k: usize,
    degree: &Degree<'_, S>,
    state: &[S::Real],
    y: &[S; Q],
    x: &mut [S::Real],
) {
    let n = degree.shape.n;
    let on_edge = P::load(degree.h_edge, k).times(P::load(degree.w_edge, k));
    let on_state = P::load(degree.h_state, k).times(P::load(degree.w_state, k));
    for q in 0..Q {
        let at = q * n * S::PLANES;
        let mut out = S::row_mut(&mut x[at..], n);
        let sum = on_edge.times_plus(P::splat(y[q]), P::load_mut(&out, k));
        on_state.times_plus(P::load(S::row(&state[at..], n), k), sum).store(&mut out, k);
    }
}

/// g_edge (x) Y alone.
#[inline(always)]
fn send_direction<S: Scalar, P: Pack<S>, const Q: usize>(
    k: usize,
    degree: &Degree<'_, S>,
    y: &[S; Q],
    x: &mut [S::Real],
) {
    let n = degree.shape.n;
    let on_edge = P::load(degree.h_edge, k).times(P::load(degree.w_edge, k));
    for q in 0..Q {
        let mut out = S::row_mut(&mut x[q * n * S::PLANES..], n);
        on_edge.times_plus(P::splat(y[q]), P::load_mut(&out, k)).store(&mut out, k);
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
    widths: &Widths,
    edge: &Edge<'_, S>,
    receiver: &Receiver<'_, S::Real>,
    returned: &mut Returned<'_, S>,
) {
    let (c, m, gates) = (widths.channels, widths.irreps, widths.gates);
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
    for l in 0..widths.degrees {
        let degree = Degree::<S>::new(widths, l, h, w);
        by_degree!(l, receive_degree::<S>(widths, &degree, edge, receiver.x, returned));
    }
}

#[inline(always)]
fn receive_degree<S: Scalar, const Q: usize>(
    widths: &Widths,
    degree: &Degree<'_, S>,
    edge: &Edge<'_, S>,
    x_adj: &[S::Real],
    returned: &mut Returned<'_, S>,
) {
    let l = degree.l;
    let y = degree.harmonics::<Q>(edge.y, S::Real::of(if l.is_multiple_of(2) { 1.0 } else { -1.0 }));
    let components = Components {
        receiver: degree.components::<Q>(x_adj),
        sender: if degree.shape.active { degree.components::<Q>(edge.state) } else { &[] },
    };
    let mut bulk = [<S::Pack as Pack<S>>::splat(S::zero()); Q];
    let mut rest = [One::splat(S::zero()); Q];
    let width = <S::Pack as Pack<S>>::WIDTH;
    let full = degree.shape.n / width * width;
    for k in (0..full).step_by(width) {
        receive_channels::<S, S::Pack, Q>(k, widths, degree, &components, &y, &mut bulk, returned);
    }
    for k in full..degree.shape.n {
        receive_channels::<S, One<S>, Q>(k, widths, degree, &components, &y, &mut rest, returned);
    }
    for q in 0..Q {
        let v = S::get_mut(&returned.y, l * l + q) + bulk[q].sum() + rest[q].sum();
        S::set(&mut returned.y, l * l + q, v);
    }
}

/// Components of a degree at both ends of a message.
struct Components<'a, R> {
    /// Adjoints of the receiver.
    receiver: &'a [R],
    /// Features of the sender; empty if they are zero.
    sender: &'a [R],
}

/// The channels `k..k + P::WIDTH` of a degree; `y_adj` collects the adjoints of its harmonics.
#[inline(always)]
fn receive_channels<S: Scalar, P: Pack<S>, const Q: usize>(
    k: usize,
    widths: &Widths,
    degree: &Degree<'_, S>,
    components: &Components<'_, S::Real>,
    y: &[S; Q],
    y_adj: &mut [P; Q],
    returned: &mut Returned<'_, S>,
) {
    let n = degree.shape.n;
    let (h_edge, w_edge) = (P::load(degree.h_edge, k), P::load(degree.w_edge, k));
    let (h_state, w_state) = (P::load(degree.h_state, k), P::load(degree.w_state, k));
    let (on_edge, on_state) = (h_edge.times(w_edge), h_state.times(w_state));
    let (mut edge_adj, mut state_gate_adj) = (P::splat(S::zero()), P::splat(S::zero()));
    for q in 0..Q {
        let at = q * n * S::PLANES;
        let a = P::load(S::row(&components.receiver[at..], n), k);
        y_adj[q] = on_edge.times_plus(a, y_adj[q]);
        edge_adj = a.times_plus(P::splat(y[q]), edge_adj);
        if degree.shape.active {
            state_gate_adj = a.times_plus(P::load(S::row(&components.sender[at..], n), k), state_gate_adj);
            if let Some(state) = returned.state.as_deref_mut() {
                let mut out = S::row_mut(&mut state[degree.shape.first_component + at..], n);
                on_state.times_plus(a, P::load_mut(&out, k)).store(&mut out, k);
            }
        }
    }
    let first_state = degree.shape.first_irrep + k;
    let first_edge = widths.irreps + first_state;
    let mut w_adj = S::row_mut(returned.w, widths.gates);
    edge_adj.times(h_edge).store(&mut w_adj, first_edge);
    if degree.shape.active {
        state_gate_adj.times(h_state).store(&mut w_adj, first_state);
    }
    if let Some(h_adj) = returned.h.as_deref_mut() {
        let mut h_adj = S::row_mut(h_adj, widths.gates);
        edge_adj.times_plus(w_edge, P::load_mut(&h_adj, first_edge)).store(&mut h_adj, first_edge);
        if degree.shape.active {
            let sum = state_gate_adj.times_plus(w_state, P::load_mut(&h_adj, first_state));
            sum.store(&mut h_adj, first_state);
        }
    }
}
