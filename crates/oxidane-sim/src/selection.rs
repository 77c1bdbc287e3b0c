//! Which atoms move.

use oxidane_core::{Error, Result};

/// For each atom whether it moves: all but `fixed`. Refuses indices out of range and a system without moving atoms.
pub(crate) fn moving(atoms: usize, fixed: &[usize]) -> Result<Vec<bool>> {
    let mut moves = vec![true; atoms];
    for &i in fixed {
        *moves.get_mut(i).ok_or_else(|| {
            Error::usage(format!("fixed atom {} does not exist: there are {atoms} atoms", i + 1))
        })? = false;
    }
    if !moves.contains(&true) {
        return Err(Error::usage("all atoms are fixed; leave at least one free to move"));
    }
    Ok(moves)
}
