//! [`NeighborList`]: all edges within a cutoff, stored compactly.

use std::ops::Range;

use rayon::prelude::*;

use super::edge_vector;
use super::linked_cells::LinkedCells;
use super::mirror::fill_mirrors;
use crate::{Cell, Error, Result};

/// Centers searched as one unit of work.
const BLOCK: usize = 256;
/// Units of work between two copies into the list; bounds the memory needed besides the list.
const WAVE: usize = 64;

/// The full directed list of edges within a cutoff, ordered by (center, neighbour, shift); see the
/// [module](super) for the conventions. 4 bytes per edge for a molecule, 10 with a periodic cell.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NeighborList {
    cutoff: f64,
    owned: usize,
    /// N + 1 entries.
    first: Vec<u32>,
    neighbor: Vec<u32>,
    /// Empty if nothing repeats: all shifts are zero.
    shift: Vec<[i16; 3]>,
}

impl NeighborList {
    /// The list of all atoms for `cutoff` (angstrom).
    ///
    /// Errors: those of [`LinkedCells::new`], more than 4 thousand million edges, and images so many cells away
    /// that they cannot be stored (beyond 32767).
    pub fn new(positions: &[[f64; 3]], cell: Option<&Cell>, cutoff: f64) -> Result<Self> {
        let mut list = Self::default();
        list.build(positions, cell, positions.len(), cutoff)?;
        Ok(list)
    }

    /// Replaces this list, keeping its memory. Atoms from `owned` on are ghosts: neighbours, never centers. After
    /// an error the list is empty.
    pub fn build(
        &mut self,
        positions: &[[f64; 3]],
        cell: Option<&Cell>,
        owned: usize,
        cutoff: f64,
    ) -> Result<()> {
        self.clear();
        let result = self.collect(positions, cell, owned, cutoff);
        if result.is_err() {
            self.clear();
        }
        result
    }

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

    /// Number of atoms that are centers.
    pub fn owned(&self) -> usize {
        self.owned
    }

    /// The cutoff of this list in angstrom.
    pub fn cutoff(&self) -> f64 {
        self.cutoff
    }

    /// The edges of center `i`.
    pub fn edges_of(&self, i: usize) -> Range<usize> {
        self.first[i] as usize..self.first[i + 1] as usize
    }

    /// The first edge of every center, and the number of edges: N + 1 entries.
    pub fn first(&self) -> &[u32] {
        &self.first
    }

    /// The neighbour of every edge.
    pub fn neighbors(&self) -> &[u32] {
        &self.neighbor
    }

    /// The periodic image of the neighbour of edge `e`.
    #[inline]
    pub fn shift(&self, e: usize) -> [i32; 3] {
        if self.shift.is_empty() { [0; 3] } else { self.shift[e].map(i32::from) }
    }

    /// The vector `x_i - x_j - shift . cell` (angstrom) of edge `e` of center `i`.
    #[inline]
    pub fn vector(&self, i: usize, e: usize, positions: &[[f64; 3]], cell: Option<&Cell>) -> [f64; 3] {
        edge_vector(positions[i], positions[self.neighbor[e] as usize], self.shift(e), cell)
    }

    /// The index of every edge's opposite (from the neighbour, with the opposite shift), or [`super::NO_MIRROR`]
    /// for edges to ghosts. Computed when asked for, in O(edges).
    pub fn mirrors(&self) -> Vec<u32> {
        let mut mirror = Vec::new();
        fill_mirrors(&self.first, &self.neighbor, self.owned, &mut Vec::new(), &mut mirror);
        mirror
    }

    fn clear(&mut self) {
        self.owned = 0;
        self.first.clear();
        self.neighbor.clear();
        self.shift.clear();
    }

    fn collect(
        &mut self,
        positions: &[[f64; 3]],
        cell: Option<&Cell>,
        owned: usize,
        cutoff: f64,
    ) -> Result<()> {
        let cells = LinkedCells::new(positions, cell, cutoff)?;
        let keys = Keys::new(positions.len(), cells.is_periodic());
        let owned = owned.min(positions.len());
        (self.owned, self.cutoff) = (owned, cutoff);
        self.first.reserve(positions.len() + 1);
        self.first.push(0);
        let mut blocks: Vec<Block> = Vec::new();
        blocks.resize_with(WAVE.min(owned.div_ceil(BLOCK)), Block::default);
        for wave in (0..owned).step_by(BLOCK * WAVE) {
            let used = WAVE.min((owned - wave).div_ceil(BLOCK));
            let search = |(b, block): (usize, &mut Block)| {
                let begin = wave + b * BLOCK;
                block.search(&cells, &keys, begin..owned.min(begin + BLOCK));
            };
            if used == 1 {
                blocks.iter_mut().take(used).enumerate().for_each(search);
            } else {
                blocks[..used].par_iter_mut().enumerate().for_each(search);
            }
            for block in &mut blocks[..used] {
                self.append(block)?;
            }
            let done = (wave + used * BLOCK).min(owned);
            if done < owned {
                // What the rest will need, judged by what is done and a little more.
                let rest = (self.neighbor.len() as f64 / done as f64 * 1.02 * (owned - done) as f64) as usize;
                self.neighbor.reserve(rest);
                self.shift.reserve(if cells.is_periodic() { rest } else { 0 });
            }
        }
        self.first.resize(positions.len() + 1, self.neighbor.len() as u32);
        Ok(())
    }

    fn append(&mut self, block: &mut Block) -> Result<()> {
        if let Some(atom) = block.too_far {
            return Err(Error::input(format!(
                "atom {} has neighbours too many cells away for the list; wrap the coordinates into the cell",
                atom + 1
            )));
        }
        let mut end = self.neighbor.len() as u64;
        for &count in &block.count {
            end += u64::from(count);
            // The last value is kept free for NO_MIRROR.
            match u32::try_from(end) {
                Ok(e) if e < u32::MAX => self.first.push(e),
                _ => {
                    return Err(Error::input(format!(
                        "more than {} neighbours within {} angstrom; use a shorter cutoff or fewer atoms",
                        u32::MAX - 1,
                        self.cutoff
                    )));
                }
            }
        }
        self.neighbor.extend_from_slice(&block.neighbor);
        self.shift.extend_from_slice(&block.shift);
        Ok(())
    }
}

/// Packs (neighbour, image) into one integer whose order is the order of the list.
struct Keys {
    /// Bits of each image component; 0 if nothing repeats.
    bits: u32,
}

impl Keys {
    fn new(atoms: usize, periodic: bool) -> Self {
        let left = (atoms.max(2) - 1).leading_zeros().min(62) + u64::BITS - usize::BITS;
        Self { bits: if periodic { left / 3 } else { 0 } }
    }

    #[inline]
    fn pack(&self, atom: u32, image: [i32; 3]) -> Option<u64> {
        if self.bits == 0 {
            return Some(u64::from(atom));
        }
        let half = 1i32 << (self.bits - 1);
        let [a, b, c] = image.map(|n| n.wrapping_add(half) as u32 as u64);
        // A component that is too large or too negative leaves bits above its place.
        ((a | b | c) >> self.bits == 0)
            .then_some(((u64::from(atom) << self.bits | a) << self.bits | b) << self.bits | c)
    }

    #[inline]
    fn atom(&self, key: u64) -> u32 {
        (key >> (3 * self.bits)) as u32
    }

    /// The image in a key; only where something repeats.
    #[inline]
    fn image(&self, key: u64) -> [i32; 3] {
        let (mask, half) = ((1u64 << self.bits) - 1, 1i32 << (self.bits - 1));
        [2, 1, 0].map(|place| (key >> (place * self.bits) & mask) as i32 - half)
    }
}

/// Edges of a block of centers. Buffers are kept from wave to wave.
#[derive(Default)]
struct Block {
    found: Vec<u64>,
    count: Vec<u32>,
    neighbor: Vec<u32>,
    shift: Vec<[i16; 3]>,
    /// The first center with an image that cannot be stored.
    too_far: Option<usize>,
}

impl Block {
    fn search(&mut self, cells: &LinkedCells, keys: &Keys, centers: Range<usize>) {
        self.count.clear();
        self.neighbor.clear();
        self.shift.clear();
        self.too_far = None;
        let found = &mut self.found;
        for i in centers {
            found.clear();
            let mut fits = true;
            cells.for_each(i, |n| match keys.pack(n.atom, n.image) {
                Some(key) => found.push(key),
                None => fits = false,
            });
            found.sort_unstable();
            self.count.push(found.len() as u32);
            self.neighbor.extend(found.iter().map(|&key| keys.atom(key)));
            if keys.bits > 0 {
                self.shift.extend(found.iter().map(|&key| {
                    let shift = cells.shift(i, keys.atom(key) as usize, keys.image(key));
                    let stored = shift.map(|s| s as i16);
                    fits &= stored.map(i32::from) == shift;
                    stored
                }));
            }
            if !fits {
                self.too_far.get_or_insert(i);
            }
        }
    }
}
