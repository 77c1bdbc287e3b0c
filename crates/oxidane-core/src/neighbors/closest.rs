//! Refusal of atoms on top of each other.

use super::CLOSEST_APPROACH;
use super::linked_cells::LinkedCells;
use crate::{Error, Result, SystemView};

/// Refuses a system with two atoms (or an atom and its own image) closer than [`CLOSEST_APPROACH`], naming the
/// closest pair, numbered from 1. O(N). Callers skip it where the user forces the calculation.
pub fn refuse_close_atoms(system: &dyn SystemView) -> Result<()> {
    let cells = LinkedCells::new(system.positions(), system.cell(), CLOSEST_APPROACH)?;
    let mut closest = (f64::INFINITY, 0, 0);
    for i in 0..cells.atoms() {
        cells.for_each(i, |n| {
            if n.distance2 < closest.0 {
                closest = (n.distance2, i, n.atom as usize);
            }
        });
    }
    let (distance2, i, j) = closest;
    if distance2.is_finite() { Err(too_close(i, j, distance2.sqrt())) } else { Ok(()) }
}

/// The refusal, for atoms `i` and `j` from 0 and their distance in angstrom.
pub(super) fn too_close(i: usize, j: usize, distance: f64) -> Error {
    let who = if i == j {
        format!("atom {} and its own periodic image", i + 1)
    } else {
        format!("atoms {} and {}", i.min(j) + 1, i.max(j) + 1)
    };
    Error::input(format!(
        "{who} are {distance:.3} angstrom apart, closer than {CLOSEST_APPROACH}; mend the structure, or go on \
         with --force"
    ))
}
