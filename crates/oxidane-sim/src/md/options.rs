//! Settings of a dynamics run.

use oxidane_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// What the dynamics keeps constant besides the number of atoms and the cell.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ensemble {
    /// Energy: velocity Verlet.
    Nve,
    /// Temperature, by friction and noise: the BAOAB splitting of Langevin dynamics (Leimkuhler and Matthews, Appl.
    /// Math. Res. Express 2013, 34), whose averages over positions are exact for harmonic forces.
    Langevin {
        /// Temperature in K.
        temperature: f64,
        /// Friction in 1/ps; 1 to 10 is usual.
        friction: f64,
    },
}

/// Settings of a dynamics run; part of its restart file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MdOptions {
    /// Time step in fs.
    pub timestep: f64,
    /// What is kept constant.
    pub ensemble: Ensemble,
    /// Atoms (from 0) that do not move.
    pub fixed: Vec<usize>,
    /// Keep the centre of mass at rest: initial velocities and thermostat noise without net momentum, three degrees of
    /// freedom fewer. Without effect for a single atom or with fixed atoms.
    pub center_at_rest: bool,
    /// Take overall rotation out of the initial velocities of a system that does not repeat. At constant energy it
    /// then stays away, and the rotations do not count as degrees of freedom; a thermostat brings it back.
    pub remove_rotation: bool,
    /// An atom that moves farther than this in one step (angstrom) stops the run as runaway.
    pub max_displacement: f64,
}

impl Default for MdOptions {
    fn default() -> Self {
        Self {
            timestep: 0.5,
            ensemble: Ensemble::Nve,
            fixed: Vec::new(),
            center_at_rest: true,
            remove_rotation: true,
            max_displacement: 1.0,
        }
    }
}

impl MdOptions {
    /// Refuses values that make no sense for a system of `atoms` atoms.
    pub fn validate(&self, atoms: usize) -> Result<()> {
        let positive = |name: &str, x: f64, unit: &str| {
            if x.is_finite() && x > 0.0 {
                return Ok(());
            }
            Err(Error::usage(format!("the {name} is {x} {unit}; give a number above 0")))
        };
        positive("time step", self.timestep, "fs")?;
        positive("largest displacement", self.max_displacement, "angstrom")?;
        if let Ensemble::Langevin { temperature, friction } = self.ensemble {
            positive("friction", friction, "1/ps")?;
            check_temperature(temperature)?;
        }
        crate::selection::moving(atoms, &self.fixed).map(|_| ())
    }
}

/// Refuses a temperature that is not a finite number of at least 0 K.
pub(super) fn check_temperature(temperature: f64) -> Result<()> {
    if temperature.is_finite() && temperature >= 0.0 {
        return Ok(());
    }
    Err(Error::usage(format!("the temperature is {temperature} K; give a number of at least 0")))
}
