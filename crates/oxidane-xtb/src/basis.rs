//! The minimal valence basis of a structure: which shells and orbitals belong to which atom.

use std::ops::Range;

use oxidane_core::{Error, Result};

use crate::parameters::{self, Element, ShellParameters};

/// A shell of an atom.
#[derive(Debug, Clone, Copy)]
pub struct Shell {
    /// The atom.
    pub atom: usize,
    /// Its first orbital; there are 2 l + 1, ordered m = -l..=l (p: y, z, x).
    pub first: usize,
    /// The parameters.
    pub parameters: &'static ShellParameters,
}

impl Shell {
    /// Angular momentum.
    pub fn l(&self) -> usize {
        usize::from(self.parameters.l)
    }

    /// The orbitals of the shell.
    pub fn orbitals(&self) -> Range<usize> {
        self.first..self.first + 2 * self.l() + 1
    }
}

/// The shells and orbitals of a structure.
#[derive(Debug, Clone)]
pub struct Basis {
    /// All shells, atom by atom.
    pub shells: Vec<Shell>,
    /// For each atom, its range in `shells`.
    pub shells_of: Vec<Range<usize>>,
    /// For each atom, its range of orbitals.
    pub orbitals_of: Vec<Range<usize>>,
    /// For each atom, the parameters of its element.
    pub elements: Vec<&'static Element>,
    /// Number of orbitals.
    pub orbitals: usize,
}

impl Basis {
    /// The basis of atoms with these atomic numbers. Elements beyond radon are refused.
    pub fn new(numbers: &[u8]) -> Result<Self> {
        let mut basis = Self {
            shells: Vec::new(),
            shells_of: Vec::with_capacity(numbers.len()),
            orbitals_of: Vec::with_capacity(numbers.len()),
            elements: Vec::with_capacity(numbers.len()),
            orbitals: 0,
        };
        for (atom, &z) in numbers.iter().enumerate() {
            let element = parameters::element(z).ok_or_else(|| {
                Error::domain(format!(
                    "atom {}: GFN2-xTB has no parameters for element {z}; it covers hydrogen to radon (1 to 86)",
                    atom + 1
                ))
            })?;
            basis.add_atom(atom, element);
        }
        Ok(basis)
    }

    fn add_atom(&mut self, atom: usize, element: &'static Element) {
        let (first_shell, first_orbital) = (self.shells.len(), self.orbitals);
        for parameters in &element.shells {
            let shell = Shell { atom, first: self.orbitals, parameters };
            self.orbitals = shell.orbitals().end;
            self.shells.push(shell);
        }
        self.shells_of.push(first_shell..self.shells.len());
        self.orbitals_of.push(first_orbital..self.orbitals);
        self.elements.push(element);
    }

    /// Number of atoms.
    pub fn atoms(&self) -> usize {
        self.elements.len()
    }

    /// Valence electrons of the neutral atoms.
    pub fn valence_electrons(&self) -> f64 {
        self.shells.iter().map(|s| s.parameters.occupation).sum()
    }
}
