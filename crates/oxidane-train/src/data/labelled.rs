//! [`Labelled`]: one structure with what is known about it.

use oxidane_core::{Error, Result, System};
use sha2::{Digest, Sha256};

/// Where a structure was read: file number within the data set and frame number in the file, both from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Origin {
    /// Index into [`super::Dataset::files`].
    pub file: u32,
    /// Frame in that file.
    pub frame: u64,
}

/// A structure and its labels; a label that is absent takes no part in loss and errors.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Labelled {
    /// The atoms.
    pub system: System,
    /// Total energy, eV.
    pub energy: Option<f64>,
    /// -dE/dx, eV/angstrom.
    pub forces: Option<Vec<[f64; 3]>>,
    /// -dE/dstrain, eV (for a stress label: minus stress times volume).
    pub virial: Option<[[f64; 3]; 3]>,
    /// Atomic charges, e.
    pub charges: Option<Vec<f64>>,
    /// Dipole moment, e angstrom.
    pub dipole: Option<[f64; 3]>,
    /// Factor on this structure's part of the loss; 1 is usual.
    pub weight: f64,
    /// Group, an index into [`super::Dataset::groups`].
    pub group: u32,
    /// Where it was read.
    pub origin: Origin,
}

impl Labelled {
    /// A structure without labels, of weight 1.
    pub fn new(system: System) -> Self {
        Self { system, weight: 1.0, ..Self::default() }
    }

    /// Volume of the cell, angstrom^3, if there is one.
    pub fn volume(&self) -> Option<f64> {
        self.system.cell.map(|c| c.volume().abs())
    }

    /// Refuses a structure that makes no sense and labels of the wrong length or not finite.
    pub fn validate(&self) -> Result<()> {
        self.system.validate()?;
        let n = self.system.len();
        let lengths = [
            ("forces", self.forces.as_ref().map(Vec::len)),
            ("charges", self.charges.as_ref().map(Vec::len)),
        ];
        for (name, len) in lengths {
            if let Some(len) = len.filter(|&len| len != n) {
                return Err(Error::input(format!("{len} {name} for {n} atoms; give one per atom")));
            }
        }
        match self.numbers().find(|(_, x)| !x.is_finite()) {
            Some((name, x)) => Err(Error::input(format!(
                "the {name} label has the value {x}, which is not a finite number; drop the label or the frame"
            ))),
            None if self.weight < 0.0 => {
                Err(Error::input(format!("weight {} is negative; give 0 or more", self.weight)))
            }
            None => Ok(()),
        }
    }

    /// Every number among the labels with the label's name.
    fn numbers(&self) -> impl Iterator<Item = (&'static str, f64)> + '_ {
        let energy = self.energy.iter().map(|&x| ("energy", x));
        let forces = self.forces.iter().flatten().flatten().map(|&x| ("forces", x));
        let virial = self.virial.iter().flatten().flatten().map(|&x| ("virial", x));
        let charges = self.charges.iter().flatten().map(|&x| ("charges", x));
        let dipole = self.dipole.iter().flatten().map(|&x| ("dipole", x));
        energy.chain(forces).chain(virial).chain(charges).chain(dipole).chain([("weight", self.weight)])
    }

    /// Feeds everything that decides a training run into a hash.
    pub(super) fn digest(&self, hash: &mut Sha256) {
        let s = &self.system;
        hash.update((s.len() as u64).to_le_bytes());
        hash.update(&s.numbers);
        hash.update(s.charge.to_le_bytes());
        hash.update(s.unpaired.to_le_bytes());
        hash.update(self.group.to_le_bytes());
        let cell = s
            .cell
            .iter()
            .flat_map(|c| c.vectors.into_iter().flatten().chain(c.periodic.map(|p| f64::from(u8::from(p)))));
        for x in s.positions.iter().flatten().copied().chain(cell) {
            hash.update(x.to_le_bytes());
        }
        for (name, x) in self.numbers() {
            hash.update(&name.as_bytes()[..2]);
            hash.update(x.to_le_bytes());
        }
    }
}
