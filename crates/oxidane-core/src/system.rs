//! [`System`]: species, positions, cell, charge and unpaired electrons, and the read-only view of it.

use crate::error::{Error, Result};
use crate::vector;

/// A unit cell: three row vectors in angstrom and the directions in which it repeats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// Rows are the lattice vectors a, b, c (angstrom).
    pub vectors: [[f64; 3]; 3],
    /// Whether the system repeats along a, b and c.
    pub periodic: [bool; 3],
}

impl Cell {
    /// A cell that repeats in all three directions.
    pub fn new(vectors: [[f64; 3]; 3]) -> Self {
        Self { vectors, periodic: [true; 3] }
    }

    /// Signed volume a . (b x c) in angstrom^3.
    pub fn volume(&self) -> f64 {
        vector::volume(self.vectors)
    }

    /// The distances in angstrom between the faces of the cell: how wide it is across a, b and c.
    pub fn widths(&self) -> [f64; 3] {
        vector::reciprocal(self.vectors).map(|row| 1.0 / vector::norm(row))
    }

    /// The Cartesian vector of an integer combination of the lattice vectors (angstrom).
    pub fn shift_vector(&self, shift: [i32; 3]) -> [f64; 3] {
        std::array::from_fn(|k| (0..3).map(|a| f64::from(shift[a]) * self.vectors[a][k]).sum())
    }
}

/// Atoms in space: what a calculation is about.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct System {
    /// Atomic numbers, 1 to 118.
    pub numbers: Vec<u8>,
    /// Cartesian positions in angstrom.
    pub positions: Vec<[f64; 3]>,
    /// The cell, if the system has one.
    pub cell: Option<Cell>,
    /// Total charge in e.
    pub charge: i32,
    /// Number of unpaired electrons (multiplicity minus one).
    pub unpaired: u32,
}

/// What a [`crate::Potential`] sees of the atoms. [`System`] is one; an outside engine may give another
/// whose atoms beyond [`SystemView::owned`] are ghosts (copies owned elsewhere).
pub trait SystemView: Sync {
    /// Atomic numbers of all atoms, ghosts last.
    fn numbers(&self) -> &[u8];
    /// Cartesian positions in angstrom, one per atom.
    fn positions(&self) -> &[[f64; 3]];
    /// The cell, if the system repeats.
    fn cell(&self) -> Option<&Cell>;
    /// Total charge in e.
    fn charge(&self) -> i32;
    /// Unpaired electrons.
    fn unpaired(&self) -> u32;
    /// Number of atoms whose energy counts: all but ghosts.
    fn owned(&self) -> usize {
        self.numbers().len()
    }
    /// Number of electrons, counted from the nuclear charges and the total charge.
    fn electrons(&self) -> i64 {
        self.numbers().iter().map(|&z| i64::from(z)).sum::<i64>() - i64::from(self.charge())
    }
    /// The fewest unpaired electrons that the parity of the electron count allows.
    fn lowest_unpaired(&self) -> u32 {
        u32::from(self.electrons().rem_euclid(2) == 1)
    }
}

impl SystemView for System {
    fn numbers(&self) -> &[u8] {
        &self.numbers
    }
    fn positions(&self) -> &[[f64; 3]] {
        &self.positions
    }
    fn cell(&self) -> Option<&Cell> {
        self.cell.as_ref()
    }
    fn charge(&self) -> i32 {
        self.charge
    }
    fn unpaired(&self) -> u32 {
        self.unpaired
    }
}

/// Elements with a partly filled 4f shell, cerium to ytterbium with its closed one.
pub const PARTLY_FILLED_4F: std::ops::RangeInclusive<u8> = 58..=70;

/// Refuses more unpaired electrons than there are, or a number of the wrong parity, all electrons counted.
pub fn refuse_unfit_spin(system: &dyn SystemView) -> Result<()> {
    let (charge, unpaired) = (system.charge(), i64::from(system.unpaired()));
    let electrons = system.electrons();
    if unpaired > electrons || (electrons - unpaired).rem_euclid(2) != 0 {
        return Err(Error::input(format!(
            "{electrons} electrons (charge {charge}) cannot have {unpaired} unpaired (multiplicity {}); \
             give --chrg and --uhf or --mult that fit",
            unpaired + 1
        )));
    }
    Ok(())
}

/// Two atoms closer than this (angstrom) are refused unless the user forces it.
pub const CLOSEST_APPROACH: f64 = 0.4;

impl System {
    /// A molecule: neutral, without a cell; unpaired electrons are 0 or 1 by parity.
    pub fn molecule(numbers: Vec<u8>, positions: Vec<[f64; 3]>) -> Self {
        let mut s = Self { numbers, positions, ..Self::default() };
        s.unpaired = s.lowest_unpaired();
        s
    }

    /// Number of atoms.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there are no atoms.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// [`SystemView::electrons`].
    pub fn electrons(&self) -> i64 {
        SystemView::electrons(self)
    }

    /// [`SystemView::lowest_unpaired`].
    pub fn lowest_unpaired(&self) -> u32 {
        SystemView::lowest_unpaired(self)
    }

    /// Spin multiplicity, 2S + 1.
    pub fn multiplicity(&self) -> u32 {
        self.unpaired + 1
    }

    /// Refuses what no calculation should be run on: no atoms, wrong lengths, NaN or infinite coordinates,
    /// a cell without volume along its periodic directions or smaller than [`CLOSEST_APPROACH`], more electrons
    /// unpaired than present or of the wrong parity (of lanthanides the method judges the parity).
    /// Distances are checked where neighbours are known ([`crate::neighbors`]).
    pub fn validate(&self) -> Result<()> {
        if self.is_empty() {
            return Err(Error::input("the structure has no atoms"));
        }
        if self.numbers.len() != self.positions.len() {
            return Err(Error::input(format!(
                "{} atomic numbers but {} positions",
                self.numbers.len(),
                self.positions.len()
            )));
        }
        for (i, (z, p)) in self.numbers.iter().zip(&self.positions).enumerate() {
            if !(1..=118).contains(z) {
                return Err(Error::input(format!("atom {}: there is no element {z}", i + 1)));
            }
            if let Some(x) = p.iter().find(|x| !x.is_finite()) {
                return Err(Error::input(format!("atom {}: coordinate {x} is not a finite number", i + 1)));
            }
        }
        if let Some(cell) = &self.cell {
            crate::neighbors::refuse_senseless_cell(cell)?;
        }
        let electrons = self.electrons();
        if electrons < 0 {
            return Err(Error::input(format!(
                "charge {} leaves fewer than no electrons; give another --chrg",
                self.charge
            )));
        }
        // A method that keeps f electrons in the core judges the parity of lanthanides on the rest.
        let core_electrons = self.numbers.iter().any(|z| PARTLY_FILLED_4F.contains(z));
        if core_electrons && i64::from(self.unpaired) <= electrons {
            return Ok(());
        }
        refuse_unfit_spin(self)
    }
}
