//! Results for other programs. Numbers are printed so that reading them gives the same bits.

use std::path::Path;

use oxidane_core::{Cell, DipoleOrigin, Electronic, Error, Evaluation, Mesh, Result, System};
use serde::Serialize;
use serde_json::Value;

/// One structure in the output of `sp --json`. Properties that the model does not have are absent.
#[derive(Debug, Serialize)]
pub struct Record<'a> {
    /// The file, as it was given.
    pub file: &'a Path,
    /// Place in the file, from 0.
    pub index: usize,
    /// Title of the structure.
    pub name: String,
    /// Number of atoms.
    pub natoms: usize,
    /// Total charge (e).
    pub charge: i32,
    /// Spin multiplicity 2S+1.
    pub multiplicity: u32,
    /// Number of unpaired electrons.
    pub unpaired: u32,
    /// What of a model that can do several things was computed.
    #[serde(flatten)]
    pub conditions: Conditions<'a>,
    /// k-points of GFN2-xTB along a, b and c, of structures that repeat, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kpoints: Option<[u32; 3]>,
    /// Total energy (eV).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy: Option<f64>,
    /// Standard deviation of the energy (eV), of models that know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy_uncertainty: Option<f64>,
    /// For each atom how strange its surroundings are; 1 is the strangest that the model was trained on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strangeness: Option<&'a [f64]>,
    /// -dE/dx (eV/angstrom).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forces: Option<&'a [[f64; 3]]>,
    /// -dE/dstrain (eV).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub virial: Option<[[f64; 3]; 3]>,
    /// (1/V) dE/dstrain (eV/angstrom^3), for structures that repeat in three directions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stress: Option<[[f64; 3]; 3]>,
    /// Atomic charges (e).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charges: Option<&'a [f64]>,
    /// Dipole moment (e angstrom).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dipole: Option<[f64; 3]>,
    /// The point about which the dipole moment of an ion is; that of a neutral structure is the same about all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dipole_origin: Option<&'static str>,
    /// Dipole polarisability (e angstrom^2/V where Born charges can be had too, else in the units of the model's training data).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub polarizability: Option<[[f64; 3]; 3]>,
    /// Born effective charges (e): for each atom rows of the dipole's components, columns of the position's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub born_charges: Option<&'a [[[f64; 3]; 3]]>,
    /// What methods with orbitals give.
    #[serde(flatten)]
    pub electronic: Option<Orbitals<'a>>,
}

/// What of a model that can do several things was computed.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Conditions<'a> {
    /// The level of theory, of a model that has several.
    #[serde(flatten)]
    pub level: Option<Level<'a>>,
    /// Uniform electric field (V/angstrom).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<[f64; 3]>,
    /// The k-points of GFN2-xTB, as they are chosen.
    #[serde(skip)]
    pub mesh: Option<Mesh>,
}

impl Conditions<'_> {
    /// k-points of a structure along a, b and c, where it repeats and they were asked for.
    pub fn kpoints(&self, system: &System) -> Option<[u32; 3]> {
        self.mesh.and_then(|mesh| mesh.copies(system))
    }

    /// Says them in an object.
    pub fn say(&self, object: &mut Value) -> Result<()> {
        let own = serde_json::to_value(self).map_err(|e| unwritable(&e))?;
        if let (Value::Object(all), Value::Object(own)) = (object, own) {
            all.extend(own);
        }
        Ok(())
    }
}

/// One level of theory of several.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Level<'a> {
    /// Its name in the model.
    pub head: &'a str,
    /// What it is, as far as it is stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level_of_theory: Option<&'a str>,
}

/// What methods with orbitals give.
#[derive(Debug, Serialize)]
pub struct Orbitals<'a> {
    /// Energies of the orbitals (eV), ascending.
    pub orbital_energies: &'a [f64],
    /// Their occupation, 0 to 2.
    pub occupations: &'a [f64],
    /// Energy of the highest occupied orbital (eV).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub homo: Option<f64>,
    /// Energy of the lowest unoccupied orbital (eV).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lumo: Option<f64>,
    /// Their difference (eV).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap: Option<f64>,
    /// For each atom its shells with their charges (e).
    pub shell_charges: &'a [Vec<(String, f64)>],
    /// Bond orders (Mayer) from 0.01 on: two atoms (from 0) and the order.
    pub bond_orders: &'a [(usize, usize, f64)],
    /// Traceless quadrupole moment about the origin (e angstrom^2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quadrupole: Option<[[f64; 3]; 3]>,
    /// Iterations to self-consistency.
    pub iterations: usize,
}

impl<'a> Orbitals<'a> {
    fn new(from: &'a Electronic) -> Self {
        Self {
            orbital_energies: &from.orbital_energies,
            occupations: &from.occupations,
            homo: from.frontier.map(|f| f[0]),
            lumo: from.frontier.map(|f| f[1]),
            gap: from.gap(),
            shell_charges: &from.shell_charges,
            bond_orders: &from.bond_orders,
            quadrupole: from.quadrupole,
            iterations: from.iterations,
        }
    }
}

impl<'a> Record<'a> {
    /// The record of one evaluated structure.
    pub fn new(
        file: &'a Path,
        index: usize,
        name: String,
        conditions: Conditions<'a>,
        system: &System,
        results: &'a Evaluation,
    ) -> Self {
        Self {
            file,
            index,
            name,
            natoms: system.len(),
            charge: system.charge,
            multiplicity: system.multiplicity(),
            unpaired: system.unpaired,
            kpoints: conditions.kpoints(system),
            conditions,
            energy: results.energy,
            energy_uncertainty: results.uncertainty.as_ref().map(|u| u.energy),
            strangeness: results.uncertainty.as_ref().map(|u| &u.strangeness[..]),
            forces: results.forces.as_deref(),
            virial: results.virial,
            stress: stress(system, results),
            charges: results.charges.as_deref(),
            dipole: results.dipole,
            dipole_origin: dipole_origin(system, results),
            polarizability: results.polarizability,
            born_charges: results.born_charges.as_deref(),
            electronic: results.electronic.as_ref().map(Orbitals::new),
        }
    }
}

/// The point about which the dipole moment of an ion is.
pub fn dipole_origin(system: &System, results: &Evaluation) -> Option<&'static str> {
    results.dipole_origin.filter(|_| system.charge != 0 && results.dipole.is_some()).map(DipoleOrigin::name)
}

/// Stress in eV/angstrom^3 of a structure that repeats in three directions.
pub fn stress(system: &System, results: &Evaluation) -> Option<[[f64; 3]; 3]> {
    let cell: &Cell = system.cell.as_ref().filter(|c| c.periodic == [true; 3])?;
    results.stress(cell.volume())
}

/// Compact JSON text.
///
/// # Errors
/// If a value cannot be written in JSON.
pub fn compact(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|e| unwritable(&e))
}

fn unwritable(error: &serde_json::Error) -> Error {
    Error::input(format!("cannot be written as JSON: {error}"))
}

/// Indented JSON text.
///
/// # Errors
/// As [`compact`].
pub fn pretty(value: &impl Serialize) -> Result<String> {
    serde_json::to_string_pretty(value).map_err(|e| unwritable(&e))
}
