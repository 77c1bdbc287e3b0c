//! [`Edges`]: the edges within the cutoff at the present positions, as models read them.

use std::ops::Range;

use rayon::prelude::*;

use super::CLOSEST_APPROACH;
use super::list::NeighborList;
use super::mirror::fill_mirrors;
use crate::vector::dot;
use crate::{Cell, Error, Result};

/// Centers handled as one unit of work.
const BLOCK: usize = 256;
/// Below this many listed edges threads cost more than they give.
const PARALLEL: usize = 20_000;

/// Edges strictly within a cutoff, by center, with their geometry. Ordered as the [`NeighborList`] they come from;
/// arrays are kept from one filling to the next, so that a dynamics step allocates nothing once they have grown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Edges {
    /// The edges of center `i` are `first[i]..first[i + 1]`: N + 1 entries.
    pub first: Vec<u32>,
    /// The neighbour of each edge.
    pub neighbor: Vec<u32>,
    /// The opposite edge of each edge; [`super::NO_MIRROR`] for edges to ghosts.
    pub mirror: Vec<u32>,
    /// `x_i - x_j - shift . cell` (angstrom), neighbour to center; a mirror's is exactly the negative.
    pub vector: Vec<[f64; 3]>,
    /// Length of `vector` (angstrom); exactly the same for a mirror.
    pub distance: Vec<f64>,
    /// Scratch of the mirrors.
    next: Vec<u32>,
}

impl Edges {
    /// Number of edges.
    pub fn len(&self) -> usize {
        self.neighbor.len()
    }

    /// Whether there is no edge.
    pub fn is_empty(&self) -> bool {
        self.neighbor.is_empty()
    }

    /// Number of atoms, ghosts included.
    pub fn atoms(&self) -> usize {
        self.first.len().saturating_sub(1)
    }

    /// The edges of center `i`.
    pub fn edges_of(&self, i: usize) -> Range<usize> {
        self.first[i] as usize..self.first[i + 1] as usize
    }

    /// Takes from `list` the edges with `|r|^2 < cutoff^2` at `positions` and `cell` (angstrom), in O(edges).
    ///
    /// Errors: another number of atoms than listed, or a cutoff beyond that of the list.
    pub fn fill(
        &mut self,
        list: &NeighborList,
        cutoff: f64,
        positions: &[[f64; 3]],
        cell: Option<&Cell>,
    ) -> Result<()> {
        if positions.len() != list.atoms() {
            return Err(Error::input(format!(
                "{} positions for a neighbour list of {} atoms; rebuild the list",
                positions.len(),
                list.atoms()
            )));
        }
        if cutoff.is_nan() || cutoff > list.cutoff() {
            return Err(Error::usage(format!(
                "edges within {cutoff} angstrom from a list that ends at {}; build the list for the larger cutoff",
                list.cutoff()
            )));
        }
        let source = Source { list, limit: cutoff * cutoff, positions, cell };
        let parallel = list.len() > PARALLEL;
        self.count(&source, parallel);
        let edges = self.first.last().map_or(0, |&e| e as usize);
        self.neighbor.resize(edges, 0);
        self.vector.resize(edges, [0.0; 3]);
        self.distance.resize(edges, 0.0);
        let part = Part {
            first: &self.first,
            neighbor: &mut self.neighbor,
            vector: &mut self.vector,
            distance: &mut self.distance,
        };
        part.write(&source, 0..positions.len(), parallel);
        fill_mirrors(&self.first, &self.neighbor, list.owned(), &mut self.next, &mut self.mirror);
        Ok(())
    }

    /// Refuses the system if two atoms are closer than [`CLOSEST_APPROACH`], naming the closest pair.
    pub fn refuse_close_atoms(&self) -> Result<()> {
        let mut closest = (CLOSEST_APPROACH, None);
        for i in 0..self.atoms() {
            for e in self.edges_of(i) {
                if self.distance[e] < closest.0 {
                    closest = (self.distance[e], Some((i, self.neighbor[e] as usize)));
                }
            }
        }
        match closest {
            (d, Some((i, j))) => Err(super::closest::too_close(i, j, d)),
            _ => Ok(()),
        }
    }

    /// Fills `first` with the running number of edges that stay.
    fn count(&mut self, source: &Source, parallel: bool) {
        let atoms = source.positions.len();
        self.first.clear();
        self.first.resize(atoms + 1, 0);
        let count = |(b, counts): (usize, &mut [u32])| {
            for (k, c) in counts.iter_mut().enumerate() {
                let mut kept = 0;
                source.visit(b * BLOCK + k, |_, _, _| kept += 1);
                *c = kept;
            }
        };
        if parallel {
            self.first[1..].par_chunks_mut(BLOCK).enumerate().for_each(count);
        } else {
            self.first[1..].chunks_mut(BLOCK).enumerate().for_each(count);
        }
        for k in 1..=atoms {
            self.first[k] += self.first[k - 1];
        }
    }
}

/// What edges are taken from.
struct Source<'a> {
    list: &'a NeighborList,
    limit: f64,
    positions: &'a [[f64; 3]],
    cell: Option<&'a Cell>,
}

impl Source<'_> {
    /// Calls `keep` with (neighbour, vector, squared distance) of every edge of `i` within the cutoff.
    #[inline]
    fn visit(&self, i: usize, mut keep: impl FnMut(u32, [f64; 3], f64)) {
        let neighbors = self.list.neighbors();
        for e in self.list.edges_of(i) {
            let r = self.list.vector(i, e, self.positions, self.cell);
            let d2 = dot(r, r);
            if d2 < self.limit {
                keep(neighbors[e], r, d2);
            }
        }
    }
}

/// The arrays of a range of centers, split in halves for the threads without a list of tasks to allocate.
struct Part<'a> {
    first: &'a [u32],
    neighbor: &'a mut [u32],
    vector: &'a mut [[f64; 3]],
    distance: &'a mut [f64],
}

impl Part<'_> {
    fn write(self, source: &Source, centers: Range<usize>, parallel: bool) {
        if parallel && centers.len() > BLOCK {
            let middle = centers.start + centers.len() / 2;
            let cut = (self.first[middle] - self.first[centers.start]) as usize;
            let (neighbor, vector, distance) = (
                self.neighbor.split_at_mut(cut),
                self.vector.split_at_mut(cut),
                self.distance.split_at_mut(cut),
            );
            let first = self.first;
            let low = Part { first, neighbor: neighbor.0, vector: vector.0, distance: distance.0 };
            let high = Part { first, neighbor: neighbor.1, vector: vector.1, distance: distance.1 };
            rayon::join(
                || low.write(source, centers.start..middle, true),
                || high.write(source, middle..centers.end, true),
            );
            return;
        }
        let mut e = 0;
        for i in centers {
            source.visit(i, |j, r, d2| {
                self.neighbor[e] = j;
                self.vector[e] = r;
                self.distance[e] = d2.sqrt();
                e += 1;
            });
        }
    }
}
