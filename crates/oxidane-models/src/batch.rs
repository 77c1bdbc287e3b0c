//! [`Batch`]: one or more structures, concatenated, with the edges inside the cutoff.

/// One or more structures, concatenated. Edges are grouped by center and never join two structures.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// First atom of each structure, and the total at the end.
    pub first_atom: Vec<usize>,
    /// Atomic numbers.
    pub numbers: Vec<u8>,
    /// Total charge of each structure, e.
    pub charge: Vec<i32>,
    /// Unpaired electrons of each structure.
    pub unpaired: Vec<u32>,
    /// First edge of each center, and the total at the end.
    pub first_edge: Vec<usize>,
    /// Neighbour j of each edge (i <- j).
    pub neighbor: Vec<u32>,
    /// The opposite edge (j <- i).
    pub mirror: Vec<u32>,
    /// x_i - x_j - shift in angstrom: from the neighbour to the center.
    pub vector: Vec<[f64; 3]>,
}

impl Batch {
    /// Number of structures.
    pub fn structures(&self) -> usize {
        self.charge.len()
    }
    /// Number of atoms.
    pub fn atoms(&self) -> usize {
        self.numbers.len()
    }
    /// Number of directed edges.
    pub fn edges(&self) -> usize {
        self.neighbor.len()
    }
    /// Atoms of structure `s`.
    pub fn atoms_of(&self, s: usize) -> std::ops::Range<usize> {
        self.first_atom[s]..self.first_atom[s + 1]
    }
}
