//! Neighbour lists: which atoms, and which of their periodic images, lie within a cutoff of each atom.
//!
//! An *edge* belongs to its center `i` and points to a neighbour `j` in the periodic image `shift` (three
//! integers). Its vector is `r = x_i - x_j - shift . cell`, from the neighbour to the center, with
//! `|r|^2 < cutoff^2`. Lists are full (every pair is there from both ends), every image inside the cutoff is an
//! edge of its own, and an atom's own images count. Positions are taken as they are, wrapped or not.
//!
//! Edges are ordered by (center, neighbour, shift), shifts compared component by component. Nothing about a list
//! depends on the number of threads or on how it was searched.
//!
//! - [`LinkedCells`] finds the neighbours of one atom after the other in O(N), storing no edge.
//! - [`NeighborList`] stores them, compactly.
//! - [`SkinnedList`] is a list with a skin that knows when it has to be rebuilt.
//! - [`Edges`] are the edges within the cutoff right now, with vectors, distances and mirrors: what models read.
//!
//! # Ghost atoms
//! Atoms beyond [`crate::SystemView::owned`] are neighbours but never centers: their range of edges is empty, and
//! an edge to a ghost has no opposite ([`NO_MIRROR`]).

mod closest;
mod edges;
mod lattice;
mod linked_cells;
mod list;
mod mirror;
mod skin;

pub use crate::system::CLOSEST_APPROACH;
pub use closest::refuse_close_atoms;
pub use edges::Edges;
pub(crate) use lattice::refuse_senseless_cell;
pub use linked_cells::{LinkedCells, Neighbor};
pub use list::NeighborList;
pub use mirror::NO_MIRROR;
pub use skin::SkinnedList;

use crate::Cell;

/// `x_i - x_j - shift . cell`. Exchanging the atoms and the sign of `shift` gives exactly the negative, because
/// every operation here rounds symmetrically; all distances of the engine come from this one expression.
#[inline]
fn edge_vector(xi: [f64; 3], xj: [f64; 3], shift: [i32; 3], cell: Option<&Cell>) -> [f64; 3] {
    let r = [xi[0] - xj[0], xi[1] - xj[1], xi[2] - xj[2]];
    match cell {
        Some(cell) if shift != [0; 3] => {
            let s = cell.shift_vector(shift);
            [r[0] - s[0], r[1] - s[1], r[2] - s[2]]
        }
        _ => r,
    }
}
