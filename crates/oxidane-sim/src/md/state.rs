//! The state of a dynamics run and its restart file.

use std::collections::BTreeMap;
use std::path::Path;

use oxidane_core::io::write_atomically;
use oxidane_core::units::{AMU_ANGSTROM2_PER_FS2, BOLTZMANN};
use oxidane_core::{Cell, Error, Result, System};
use serde::{Deserialize, Serialize};

use super::bits::{decode, decode_array, encode};
use super::options::{MdOptions, check_temperature};
use super::random::Random;
use crate::observables::{angular_velocity, center_of_mass, kinetic_energy, rotational_degrees, temperature};
use crate::selection::moving;
use crate::vector::{cross, sub3};

/// All that a dynamics run is, but for the potential: a run continued from a saved state takes the same steps, bit for
/// bit, as one that was never stopped.
#[derive(Debug, Clone, PartialEq)]
pub struct MdState {
    /// Atoms, positions (angstrom), cell, charge, spin.
    pub system: System,
    /// Masses in amu.
    pub masses: Vec<f64>,
    /// Velocities in angstrom/fs.
    pub velocities: Vec<[f64; 3]>,
    /// Steps taken.
    pub step: u64,
    /// Settings.
    pub options: MdOptions,
    /// Random numbers of initial velocities and thermostat.
    pub random: Random,
    /// Energy taken up from the thermostat so far, eV.
    pub heat: f64,
    /// Potential energy (eV) at these positions where known; a continued run whose potential disagrees is refused.
    pub potential_energy: Option<f64>,
    /// What the potential started from at these positions ([`oxidane_core::Potential::memory`]); empty for most.
    pub memory: Vec<f64>,
    /// The program's own record, e.g. lengths of its output files at this step.
    pub notes: BTreeMap<String, String>,
    /// Counted once: a molecule that starts on a line bends later, and the temperature must not jump at a restart.
    degrees_of_freedom: usize,
}

/// Standard atomic weights (amu) of the atoms of a system; isotopes are given by other masses.
pub fn standard_masses(system: &System) -> Vec<f64> {
    system.numbers.iter().map(|&z| oxidane_core::elements::mass(z)).collect()
}

impl MdState {
    /// A run at its first step with the atoms at rest. `masses` in amu, one per atom; all randomness of the run comes
    /// from `seed`.
    pub fn new(system: System, masses: Vec<f64>, options: MdOptions, seed: u64) -> Result<Self> {
        let velocities = vec![[0.0; 3]; system.len()];
        let mut state = Self {
            system,
            masses,
            velocities,
            step: 0,
            options,
            random: Random::new(seed),
            heat: 0.0,
            potential_energy: None,
            memory: Vec::new(),
            notes: BTreeMap::new(),
            degrees_of_freedom: 1,
        };
        state.validate()?; // the count below needs what this checks
        state.degrees_of_freedom = state.count_degrees();
        state.validate()?;
        Ok(state)
    }

    /// Refuses a state that no dynamics can start from.
    pub fn validate(&self) -> Result<()> {
        self.system.validate()?;
        self.options.validate(self.system.len())?;
        let n = self.system.len();
        if self.masses.len() != n || self.velocities.len() != n {
            return Err(Error::input(format!(
                "{} masses and {} velocities for {n} atoms",
                self.masses.len(),
                self.velocities.len()
            )));
        }
        if let Some(i) = self.masses.iter().position(|m| !(m.is_finite() && *m > 0.0)) {
            return Err(Error::input(format!("atom {}: the mass is {} amu", i + 1, self.masses[i])));
        }
        if let Some(i) = self.velocities.iter().position(|v| !v.iter().all(|x| x.is_finite())) {
            return Err(Error::input(format!("atom {}: the velocity is not a finite number", i + 1)));
        }
        if self.degrees_of_freedom == 0 || self.degrees_of_freedom > 3 * n {
            return Err(Error::usage("the system has no degrees of freedom to move in"));
        }
        Ok(())
    }

    /// Whether the centre of mass is kept at rest: asked for, several atoms, none fixed.
    pub(super) fn center_rests(&self) -> bool {
        self.options.center_at_rest && self.options.fixed.is_empty() && self.system.len() > 1
    }

    /// Whether overall rotation is taken out of initial velocities: asked for, nothing repeats, several atoms, none fixed.
    fn rotation_rests(&self) -> bool {
        let repeats = self.system.cell.is_some_and(|c| c.periodic.contains(&true));
        self.options.remove_rotation && !repeats && self.options.fixed.is_empty() && self.system.len() > 1
    }

    /// Degrees of freedom that hold kinetic energy, as counted by [`MdState::new`]: 3 per moving atom, less 3 if the
    /// centre of mass rests, less the rotations (2 for atoms on a line, else 3) if they are removed and no thermostat
    /// restores them.
    pub fn degrees_of_freedom(&self) -> usize {
        self.degrees_of_freedom
    }

    fn count_degrees(&self) -> usize {
        let free = 3 * (self.system.len() - self.fixed_count());
        let center = if self.center_rests() { 3 } else { 0 };
        let rotation = if self.rotation_rests() && self.options.ensemble == super::Ensemble::Nve {
            rotational_degrees(&self.masses, &self.system.positions)
        } else {
            0
        };
        free.saturating_sub(center + rotation)
    }

    fn fixed_count(&self) -> usize {
        let mut fixed = self.options.fixed.clone();
        fixed.sort_unstable();
        fixed.dedup();
        fixed.len()
    }

    /// Draws velocities from the Maxwell-Boltzmann distribution at `temperature` K, takes out the motion of the centre
    /// of mass and overall rotation where the options say so, and scales to exactly that temperature.
    pub fn set_temperature(&mut self, target: f64) -> Result<()> {
        check_temperature(target)?;
        self.validate()?;
        let moves = moving(self.system.len(), &self.options.fixed)?;
        for ((v, m), moves) in self.velocities.iter_mut().zip(&self.masses).zip(&moves) {
            *v = [0.0; 3];
            if *moves {
                self.random.fill_normal(v);
                let width = (BOLTZMANN * target / (m * AMU_ANGSTROM2_PER_FS2)).sqrt();
                v.iter_mut().for_each(|v| *v *= width);
            }
        }
        if self.center_rests() {
            let drift = center_of_mass(&self.masses, &self.velocities);
            self.velocities.iter_mut().for_each(|v| *v = sub3(v, &drift));
        }
        if self.rotation_rests() {
            self.stop_rotation();
        }
        let now = temperature(kinetic_energy(&self.masses, &self.velocities), self.degrees_of_freedom());
        if now > 0.0 {
            let scale = (target / now).sqrt();
            self.velocities.iter_mut().flatten().for_each(|v| *v *= scale);
        }
        Ok(())
    }

    /// Starts from these velocities (angstrom/fs) as they are, e.g. those of another run. If they have net momentum or
    /// rotation, it stays: [`MdOptions::center_at_rest`] and [`MdOptions::remove_rotation`] are switched off, and the
    /// degrees of freedom counted anew.
    ///
    /// # Errors
    /// A wrong number of velocities, one that is not finite, or a fixed atom that moves.
    pub fn set_velocities(&mut self, velocities: Vec<[f64; 3]>) -> Result<()> {
        /// Net motion below this fraction of all motion is the rounding of a file.
        const ROUNDING: f64 = 1e-4;
        self.velocities = velocities;
        self.validate()?;
        let moves = moving(self.system.len(), &self.options.fixed)?;
        let moved = moves.iter().zip(&self.velocities).position(|(moves, v)| !moves && *v != [0.0; 3]);
        if let Some(i) = moved {
            return Err(Error::input(format!("atom {} is fixed, but its velocity is not zero", i + 1)));
        }
        let (masses, positions) = (&self.masses, &self.system.positions);
        let all = kinetic_energy(masses, &self.velocities);
        let drift = center_of_mass(masses, &self.velocities);
        let net = kinetic_energy(masses, &vec![drift; masses.len()]);
        self.options.center_at_rest &= net <= ROUNDING * ROUNDING * all;
        let (omega, center) =
            (angular_velocity(masses, positions, &self.velocities), center_of_mass(masses, positions));
        let rigid: Vec<_> = positions.iter().map(|x| cross(&omega, &sub3(x, &center))).collect();
        self.options.remove_rotation &= kinetic_energy(masses, &rigid) <= ROUNDING * ROUNDING * all;
        self.degrees_of_freedom = self.count_degrees();
        self.validate()
    }

    /// Subtracts the rigid rotation about the centre of mass.
    fn stop_rotation(&mut self) {
        let positions = &self.system.positions;
        let omega = angular_velocity(&self.masses, positions, &self.velocities);
        let center = center_of_mass(&self.masses, positions);
        for (v, x) in self.velocities.iter_mut().zip(positions) {
            *v = sub3(v, &cross(&omega, &sub3(x, &center)));
        }
    }

    /// Writes the restart file as a whole: `path` holds either the old state or the new one at any moment.
    pub fn save(&self, path: &Path) -> Result<()> {
        write_atomically(path, |out| {
            out.write_all(self.to_text().as_bytes()).map_err(|e| Error::io(path, &e))
        })
    }

    /// Reads a restart file.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::io(path, &e))?;
        Self::from_text(&text).map_err(|e| e.at(path))
    }

    /// The restart file's text: JSON, numbers that must keep their bits as hexadecimal patterns.
    pub fn to_text(&self) -> String {
        let vectors = |v: &[[f64; 3]]| v.iter().map(|x| encode(x)).collect();
        let (key, position) = self.random.state();
        let file = File {
            format: FORMAT.into(),
            version: VERSION,
            options: self.options.clone(),
            step: self.step,
            numbers: self.system.numbers.clone(),
            charge: self.system.charge,
            unpaired: self.system.unpaired,
            cell: self.system.cell.map(|c| vectors(&c.vectors)),
            periodic: self.system.cell.map(|c| c.periodic),
            masses: self.masses.iter().map(|m| encode(&[*m])).collect(),
            positions: vectors(&self.system.positions),
            velocities: vectors(&self.velocities),
            random_key: key.iter().map(|b| format!("{b:02x}")).collect(),
            random_position: position.to_string(),
            heat: encode(&[self.heat]),
            potential_energy: self.potential_energy.map(|e| encode(&[e])),
            memory: encode(&self.memory),
            notes: self.notes.clone(),
            degrees_of_freedom: self.degrees_of_freedom,
        };
        // Plain maps, lists, strings and finite numbers always have a JSON form.
        serde_json::to_string_pretty(&file).expect("the state has a JSON form") + "\n"
    }

    /// The state in a restart file's text.
    pub fn from_text(text: &str) -> Result<Self> {
        let bad = |e: serde_json::Error| {
            Error::input(format!("not a restart file of this program: {e}")).on_line(e.line() as u64)
        };
        let file: File = serde_json::from_str(text).map_err(bad)?;
        if file.format != FORMAT || file.version != VERSION {
            return Err(Error::input(format!(
                "restart file of format {:?} version {}; this program reads {FORMAT:?} version {VERSION}",
                file.format, file.version
            )));
        }
        file.into_state()
    }
}

const FORMAT: &str = "oxidane-md-state";
const VERSION: u32 = 1;

/// The layout of the restart file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    version: u32,
    options: MdOptions,
    step: u64,
    numbers: Vec<u8>,
    charge: i32,
    unpaired: u32,
    cell: Option<Vec<String>>,
    periodic: Option<[bool; 3]>,
    masses: Vec<String>,
    positions: Vec<String>,
    velocities: Vec<String>,
    random_key: String,
    random_position: String,
    heat: String,
    potential_energy: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    memory: String,
    notes: BTreeMap<String, String>,
    degrees_of_freedom: usize,
}

impl File {
    fn into_state(self) -> Result<MdState> {
        let vectors = |lines: &[String], what: &str| -> Result<Vec<[f64; 3]>> {
            lines.iter().map(|l| decode_array(l, what)).collect()
        };
        let number = |text: &str, what: &str| decode_array::<1>(text, what).map(|x| x[0]);
        let cell = match (&self.cell, self.periodic) {
            (Some(lines), Some(periodic)) => {
                let vectors: [[f64; 3]; 3] = vectors(lines, "cell")?
                    .try_into()
                    .map_err(|_| Error::input("cell: three lattice vectors belong there"))?;
                Some(Cell { vectors, periodic })
            }
            (None, None) => None,
            _ => return Err(Error::input("cell and periodic belong together; one is missing")),
        };
        let state = MdState {
            system: System {
                numbers: self.numbers,
                positions: vectors(&self.positions, "positions")?,
                cell,
                charge: self.charge,
                unpaired: self.unpaired,
            },
            masses: self.masses.iter().map(|m| number(m, "masses")).collect::<Result<_>>()?,
            velocities: vectors(&self.velocities, "velocities")?,
            step: self.step,
            options: self.options,
            random: Random::restore(
                decode_key(&self.random_key)?,
                self.random_position
                    .parse()
                    .map_err(|_| Error::input("random_position: a whole number belongs there"))?,
            ),
            heat: number(&self.heat, "heat")?,
            potential_energy: self.potential_energy.map(|e| number(&e, "potential_energy")).transpose()?,
            memory: decode(&self.memory, "memory")?,
            notes: self.notes,
            degrees_of_freedom: self.degrees_of_freedom,
        };
        state.validate()?;
        Ok(state)
    }
}

fn decode_key(text: &str) -> Result<[u8; 32]> {
    let bad = || Error::input("random_key: 64 hexadecimal digits belong there");
    if text.len() != 64 || !text.is_ascii() {
        return Err(bad());
    }
    let mut key = [0; 32];
    for (i, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).map_err(|_| bad())?;
    }
    Ok(key)
}
