//! [`Frame`]: one structure of a file with everything the file says about it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::charge::ChargeSpin;
use super::data::{Array, Data, Value};
use crate::System;
use crate::error::{Error, Result};

/// Name of the per-atom array that says which atoms may move: `L`, 1 column (atom) or 3 (each direction), true
/// where it may. The name is the one ASE writes for its constraints.
pub const MOVE_MASK: &str = "move_mask";

/// Where a frame was read: for messages only.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The file.
    pub path: Option<Arc<Path>>,
    /// The line on which the frame starts, from 1.
    pub line: Option<u64>,
}

impl Origin {
    /// Places an error here, where it has no place yet.
    pub fn place(&self, mut error: Error) -> Error {
        if let Some(line) = self.line {
            error = error.on_line(line);
        }
        match &self.path {
            Some(path) => error.at(path.to_path_buf()),
            None => error,
        }
    }
}

/// One structure with the labels and properties that came with it.
///
/// Equality compares content; [`Frame::origin`] and [`Frame::notes`] do not take part.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// The atoms. Charge and unpaired electrons are those the file states, else 0 and the fewest possible.
    pub system: System,
    /// What the file itself states of charge and spin.
    pub stated: ChargeSpin,
    /// Per-frame values by key, without those that became part of the system (`Lattice`, `pbc`, charge, spin).
    pub info: BTreeMap<String, Value>,
    /// Per-atom properties by name, without species and positions.
    pub arrays: BTreeMap<String, Array>,
    /// The title or comment.
    pub comment: String,
    /// What the reader did that a user should know (isotopes taken as the element, duplicates merged...).
    pub notes: Vec<String>,
    /// Where the frame was read.
    pub origin: Origin,
}

impl PartialEq for Frame {
    fn eq(&self, other: &Self) -> bool {
        self.system == other.system
            && self.stated == other.stated
            && self.info == other.info
            && self.arrays == other.arrays
            && self.comment == other.comment
    }
}

impl From<System> for Frame {
    fn from(system: System) -> Self {
        Self { system, ..Self::default() }
    }
}

impl Frame {
    /// A frame that holds a system and nothing else.
    pub fn new(system: System) -> Self {
        Self::from(system)
    }

    /// Sets the per-frame energy in eV under `energy`.
    pub fn set_energy(&mut self, energy: f64) {
        self.info.insert("energy".into(), Value::real(energy));
    }

    /// Sets the forces in eV/angstrom, one per atom, under `forces`.
    pub fn set_forces(&mut self, forces: &[[f64; 3]]) {
        self.arrays.insert("forces".into(), Array::vectors(forces));
    }

    /// Sets the stress in eV/angstrom^3 (positive = tension) under `stress`.
    pub fn set_stress(&mut self, stress: [[f64; 3]; 3]) {
        self.info.insert("stress".into(), Value::matrix3(stress));
    }

    /// Which directions of each atom are held fixed, from the array [`MOVE_MASK`]; `None` if there is none.
    /// For POSCAR the directions are the lattice vectors, otherwise x, y, z.
    ///
    /// # Errors
    /// If the array is not logical with 1 or 3 columns.
    pub fn fixed(&self) -> Result<Option<Vec<[bool; 3]>>> {
        let Some(array) = self.arrays.get(MOVE_MASK) else { return Ok(None) };
        let fixed = match (&array.data, array.columns) {
            (Data::Bool(v), 1) => v.iter().map(|&moves| [!moves; 3]).collect(),
            (Data::Bool(v), 3) => v.chunks_exact(3).map(|m| [!m[0], !m[1], !m[2]]).collect(),
            _ => {
                let error =
                    Error::input(format!("`{MOVE_MASK}` must be logical with 1 or 3 columns (L:1 or L:3)"));
                return Err(self.origin.place(error));
            }
        };
        Ok(Some(fixed))
    }
}
