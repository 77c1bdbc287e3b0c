//! Mirrors: the index of the opposite edge, found in one pass over an ordered list.

/// The mirror of an edge that has none: its neighbour is a ghost atom.
pub const NO_MIRROR: u32 = u32::MAX;

/// Fills `mirror` for a list ordered by (center, neighbour, shift) whose edges all have their opposites, except
/// towards atoms from `owned` on. `next` is scratch.
///
/// Centers are taken in ascending order, so the edges of `j` are met from their neighbours' side in the very order
/// in which `j` stores them: one cursor per atom finds them. The images between two atoms are ordered by shift, and
/// negation turns that order round.
pub(super) fn fill_mirrors(
    first: &[u32],
    neighbor: &[u32],
    owned: usize,
    next: &mut Vec<u32>,
    mirror: &mut Vec<u32>,
) {
    next.clear();
    next.extend_from_slice(&first[..first.len().saturating_sub(1)]);
    mirror.resize(neighbor.len(), NO_MIRROR);
    for i in 0..owned {
        let (mut begin, end) = (first[i] as usize, first[i + 1] as usize);
        while begin < end {
            let j = neighbor[begin];
            let images = neighbor[begin..end].iter().take_while(|&&n| n == j).count();
            let group = &mut mirror[begin..begin + images];
            if (j as usize) < owned {
                let start = next[j as usize];
                next[j as usize] += images as u32;
                group.iter_mut().rev().zip(start..).for_each(|(m, e)| *m = e);
            } else {
                group.fill(NO_MIRROR);
            }
            begin += images;
        }
    }
}
