//! [`Batch`]: one or more structures, concatenated, with the edges inside the cutoff.

use oxidane_core::neighbors::{Edges, NeighborList};
use oxidane_core::{Cell, Result, SystemView};
use std::ops::Range;

/// One or more structures, concatenated. Edges never join two structures.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// First atom of each structure, and the total at the end.
    pub first_atom: Vec<usize>,
    /// Atomic numbers.
    pub numbers: Vec<u8>,
    /// Positions in angstrom.
    pub positions: Vec<[f64; 3]>,
    /// The cell of each structure that has one.
    pub cells: Vec<Option<Cell>>,
    /// Total charge of each structure, e.
    pub charge: Vec<i32>,
    /// Unpaired electrons of each structure.
    pub unpaired: Vec<u32>,
    /// The head (level of theory) of the network that each structure asks for, by its place; the first if nothing is said.
    pub heads: Vec<u32>,
    /// The edges, by center.
    pub edges: Edges,
}

impl Batch {
    /// The batch of one structure, with a fresh neighbour list.
    pub fn build(system: &dyn SystemView, cutoff: f64) -> Result<Self> {
        let list = NeighborList::new(system.positions(), system.cell(), cutoff)?;
        let mut batch = Self::default();
        batch.set_system(system);
        batch.edges.fill(&list, cutoff, system.positions(), system.cell())?;
        Ok(batch)
    }

    /// Describes one structure for the first head; its edges are the caller's to fill.
    pub fn set_system(&mut self, system: &dyn SystemView) {
        self.first_atom.clear();
        self.first_atom.extend([0, system.numbers().len()]);
        self.numbers.clear();
        self.numbers.extend_from_slice(system.numbers());
        self.positions.clear();
        self.positions.extend_from_slice(system.positions());
        self.cells.clear();
        self.cells.push(system.cell().copied());
        self.charge.clear();
        self.charge.push(system.charge());
        self.unpaired.clear();
        self.unpaired.push(system.unpaired());
        self.heads.clear();
        self.heads.push(0);
    }

    /// Several batches one after another.
    pub fn concat(parts: &[&Self]) -> Self {
        let mut all = Self { first_atom: vec![0], ..Self::default() };
        all.edges.first.push(0);
        for part in parts {
            let (atom, edge) = (all.atoms(), all.edges.len() as u32);
            all.first_atom.extend(part.first_atom[1..].iter().map(|a| a + atom));
            all.numbers.extend_from_slice(&part.numbers);
            all.positions.extend_from_slice(&part.positions);
            all.cells.extend_from_slice(&part.cells);
            all.charge.extend_from_slice(&part.charge);
            all.unpaired.extend_from_slice(&part.unpaired);
            all.heads.extend((0..part.structures()).map(|s| part.head(s)));
            all.edges.first.extend(part.edges.first[1..].iter().map(|e| e + edge));
            all.edges.neighbor.extend(part.edges.neighbor.iter().map(|j| j + atom as u32));
            all.edges.mirror.extend(part.edges.mirror.iter().map(|e| e + edge));
            all.edges.vector.extend_from_slice(&part.edges.vector);
            all.edges.distance.extend_from_slice(&part.edges.distance);
        }
        all
    }

    /// Number of structures.
    pub fn structures(&self) -> usize {
        self.charge.len()
    }
    /// Number of atoms.
    pub fn atoms(&self) -> usize {
        self.numbers.len()
    }
    /// Atoms of structure `s`.
    pub fn atoms_of(&self, s: usize) -> Range<usize> {
        self.first_atom[s]..self.first_atom[s + 1]
    }
    /// The head that structure `s` asks for.
    pub fn head(&self, s: usize) -> u32 {
        self.heads.get(s).copied().unwrap_or(0)
    }
    /// The heads that consecutive `atoms` ask for, in order, each with its stretch of them (counted from their first).
    pub(crate) fn heads_of(&self, atoms: Range<usize>) -> Vec<(usize, Range<usize>)> {
        let mut stretches: Vec<(usize, Range<usize>)> = Vec::new();
        let first = self.first_atom.partition_point(|&a| a <= atoms.start).saturating_sub(1);
        for s in first..self.structures() {
            let own = self.atoms_of(s);
            if own.start >= atoms.end {
                break;
            }
            let (start, end) =
                (own.start.max(atoms.start) - atoms.start, own.end.min(atoms.end) - atoms.start);
            let head = self.head(s) as usize;
            match stretches.last_mut() {
                Some((last, rows)) if *last == head => rows.end = end,
                _ if start < end => stretches.push((head, start..end)),
                _ => {}
            }
        }
        stretches
    }
}
