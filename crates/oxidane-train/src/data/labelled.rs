//! [`Labelled`]: one structure with what is known about it.

use super::Member;
use oxidane_core::{Error, Evaluation, Result, System};

/// Where a structure was read: file number within the data set and frame number in the file, both from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
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
    /// Polarisability, in the unit of the data; symmetric.
    pub polarizability: Option<[[f64; 3]; 3]>,
    /// Factor on this structure's part of the loss; 1 is usual.
    pub weight: f64,
    /// Group, an index into [`super::Dataset::groups`].
    pub group: u32,
    /// Set, an index into [`super::Dataset::sets`].
    pub set: u32,
    /// The head of the network that the labels are for, by its place.
    pub head: u32,
    /// Its place among structures of which only differences of energies are compared.
    pub member: Option<Member>,
    /// Where it was read.
    pub origin: Origin,
}

impl Labelled {
    /// A structure without labels, of weight 1.
    pub fn new(system: System) -> Self {
        Self { system, weight: 1.0, ..Self::default() }
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
            None if self.member.is_some() && self.energy.is_none() => Err(Error::input(
                "there is no energy to make differences of; label the frame or leave it out",
            )),
            None if self.weight < 0.0 => {
                Err(Error::input(format!("weight {} is negative; give 0 or more", self.weight)))
            }
            None => Ok(()),
        }
    }

    /// Takes a part that the network is not to learn off energy, forces and virial, those that both have.
    pub(crate) fn take_off(&mut self, part: &Evaluation) {
        if let (Some(label), Some(part)) = (&mut self.energy, part.energy) {
            *label -= part;
        }
        let forces = self.forces.iter_mut().flatten().flatten().zip(part.forces.iter().flatten().flatten());
        let virial = self.virial.iter_mut().flatten().flatten().zip(part.virial.iter().flatten().flatten());
        forces.chain(virial).for_each(|(label, part)| *label -= part);
    }

    /// Every number among the labels with the label's name.
    fn numbers(&self) -> impl Iterator<Item = (&'static str, f64)> + '_ {
        let energy = self.energy.iter().map(|&x| ("energy", x));
        let forces = self.forces.iter().flatten().flatten().map(|&x| ("forces", x));
        let virial = self.virial.iter().flatten().flatten().map(|&x| ("virial", x));
        let charges = self.charges.iter().flatten().map(|&x| ("charges", x));
        let dipole = self.dipole.iter().flatten().map(|&x| ("dipole", x));
        let polar = self.polarizability.iter().flatten().flatten().map(|&x| ("polarizability", x));
        let labels = energy.chain(forces).chain(virial).chain(charges).chain(dipole).chain(polar);
        let coefficient = self.member.and_then(|m| m.coefficient).map(|x| ("coefficient", x));
        labels.chain([("weight", self.weight)]).chain(coefficient)
    }

    /// The energy, unless it means something in differences only.
    pub fn total_energy(&self) -> Option<f64> {
        self.energy.filter(|_| self.member.is_none_or(|m| !m.only))
    }

    /// Which labels there are.
    pub fn present(&self) -> Present {
        Present {
            energy: self.total_energy().is_some(),
            energy_differences: self.member.is_some(),
            forces: self.forces.is_some(),
            virial: self.virial.is_some(),
            stress: self.virial.is_some() && self.stress_factor().is_some(),
            charges: self.charges.is_some(),
            dipole: self.dipole.is_some(),
            polarizability: self.polarizability.is_some(),
        }
    }

    /// Stress = this times the virial, for a structure that repeats in three directions.
    pub fn stress_factor(&self) -> Option<f64> {
        let cell = self.system.cell.filter(|c| c.periodic == [true; 3] && c.volume() != 0.0)?;
        Some(-1.0 / cell.volume().abs())
    }
}

/// Which labels a structure has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Present {
    /// Total energy.
    pub energy: bool,
    /// Differences of energies.
    pub energy_differences: bool,
    /// Forces.
    pub forces: bool,
    /// Virial.
    pub virial: bool,
    /// Virial of a structure that repeats in three directions.
    pub stress: bool,
    /// Charges.
    pub charges: bool,
    /// Dipole.
    pub dipole: bool,
    /// Polarisability.
    pub polarizability: bool,
}

/// What is kept in memory of every structure.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Summary {
    /// Number of atoms.
    pub atoms: u32,
    /// Group, an index into [`super::Dataset::groups`].
    pub group: u32,
    /// Set, an index into [`super::Dataset::sets`].
    pub set: u32,
    /// Head of the network that the labels are for.
    pub head: u32,
    /// Its place among structures of which only differences of energies are compared.
    pub member: Option<Member>,
    /// Where it was read.
    pub origin: Origin,
    /// Its labels.
    pub labels: Present,
    /// Its factor on the loss.
    pub weight: f64,
}
