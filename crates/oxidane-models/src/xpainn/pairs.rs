//! Pairs of atoms of one block. The two edges of a pair have one length and so one filter: made once, it serves the messages both
//! ways, and its adjoint is that of both. Edges that leave the block have it to themselves, so that blocks stay independent.

use oxidane_core::neighbors::Edges;
use std::ops::Range;

/// One filter's edges.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    /// The edge that the filter is made at.
    pub there: Directed,
    /// Its mirror, if it is of the same block.
    pub back: Option<Directed>,
}

/// An edge with its ends.
#[derive(Debug, Clone, Copy)]
pub struct Directed {
    /// Place in the list.
    pub edge: u32,
    /// The atom whose edge it is.
    pub center: u32,
    /// The atom at its other end.
    pub neighbor: u32,
}

/// The pairs of the edges of `atoms`, in the order of the first edge of each.
pub fn of_block(edges: &Edges, atoms: &Range<usize>) -> Vec<Pair> {
    let own = edges.first[atoms.start]..edges.first[atoms.end];
    let mut pairs = Vec::with_capacity(own.len());
    for center in atoms.clone() {
        for edge in edges.edges_of(center) {
            let there = Directed { edge: edge as u32, center: center as u32, neighbor: edges.neighbor[edge] };
            let mirror = edges.mirror[edge];
            if !own.contains(&mirror) {
                pairs.push(Pair { there, back: None });
            } else if mirror > there.edge {
                let back = Directed { edge: mirror, center: there.neighbor, neighbor: there.center };
                pairs.push(Pair { there, back: Some(back) });
            }
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Batch;
    use oxidane_core::io::read_first;

    /// Every edge of a block stands in one pair, with its mirror if that is in the block as well.
    #[test]
    fn edges_stand_in_one_pair() {
        let water = concat!(env!("CARGO_MANIFEST_DIR"), "/../../benchmarks/structures/water216.xyz");
        let batch = Batch::build(&read_first(water).unwrap().system, 4.0).unwrap();
        let edges = &batch.edges;
        let mut both = 0;
        for atoms in [0..batch.atoms(), 32..64] {
            let mut seen = vec![0; edges.len()];
            for pair in of_block(edges, &atoms) {
                both += usize::from(pair.back.is_some());
                for d in [Some(pair.there), pair.back].into_iter().flatten() {
                    seen[d.edge as usize] += 1;
                    assert!(edges.edges_of(d.center as usize).contains(&(d.edge as usize)));
                    assert_eq!(edges.neighbor[d.edge as usize], d.neighbor);
                }
                let mirror = edges.mirror[pair.there.edge as usize];
                assert!(
                    pair.back.map_or(!atoms.contains(&(pair.there.neighbor as usize)), |b| b.edge == mirror)
                );
            }
            let own = edges.first[atoms.start] as usize..edges.first[atoms.end] as usize;
            assert!(seen.iter().enumerate().all(|(e, &n)| n == i32::from(own.contains(&e))));
        }
        assert!(both > edges.len() / 2);
    }
}
