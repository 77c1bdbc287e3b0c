//! The files of a run: they grow while it runs, and a resumed run cuts them to where its restart file was written, so
//! that they end in the same bytes as those of a run that was never stopped.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use oxidane_core::io::{Array, Format, Frame, Value, frame_to_string};
use oxidane_core::{Error, Result};
use oxidane_sim::md::{MdFrame, MdRow};

use crate::growing::Growing;
use crate::structures;

/// Names of the files of a run.
pub struct Names {
    pub trajectory: PathBuf,
    pub energies: PathBuf,
    pub plot: PathBuf,
    pub restart: PathBuf,
}

impl Names {
    /// The names for a structure file, or for the name the user gave.
    pub fn new(structure: &Path, out: Option<&Path>) -> Self {
        let with = |extension: &str| structures::output_name(out, structure, ".md", extension);
        Self {
            trajectory: with(".traj.xyz"),
            energies: with(".csv"),
            plot: with(".svg"),
            restart: with(".restart"),
        }
    }

    /// All of them.
    pub fn all(&self) -> [&Path; 4] {
        [&self.trajectory, &self.energies, &self.plot, &self.restart]
    }
}

/// Removes a file if it is there.
pub fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io(path, &e)),
        _ => Ok(()),
    }
}

/// The columns of the energies.
pub const COLUMNS: &str = "step,time_fs,potential_eV,kinetic_eV,total_eV,conserved_eV,temperature_K";

/// The open files.
pub struct Record {
    trajectory: Growing,
    energies: Growing,
}

impl Record {
    /// Starts the files anew.
    pub fn create(names: &Names) -> Result<Self> {
        let mut energies = Growing::create(&names.energies)?;
        energies.write(&format!("{COLUMNS}\n"))?;
        Ok(Self { trajectory: Growing::create(&names.trajectory)?, energies })
    }

    /// Opens the files of a run whose restart file holds `notes`.
    pub fn reopen(names: &Names, notes: &BTreeMap<String, String>) -> Result<Self> {
        let length = |key: &str| {
            let note = notes.get(key).and_then(|n| n.parse().ok());
            note.ok_or_else(|| Error::input(format!("the restart file lacks `{key}`")).at(&names.restart))
        };
        Ok(Self {
            trajectory: Growing::reopen(&names.trajectory, length("trajectory_bytes")?)?,
            energies: Growing::reopen(&names.energies, length("energies_bytes")?)?,
        })
    }

    /// Adds a frame and its energies.
    pub fn add(&mut self, frame: &MdFrame<'_>) -> Result<()> {
        let MdRow { step, time, potential_energy, kinetic_energy, total_energy, temperature, conserved } =
            frame.row;
        self.energies.write(&format!(
            "{step},{time:.3},{potential_energy:.9},{kinetic_energy:.9},{total_energy:.9},{conserved:.9},{temperature:.3}\n"
        ))?;
        let mut image = Frame::new(frame.state.system.clone());
        image.set_energy(potential_energy);
        if let Some(forces) = &frame.evaluation.forces {
            image.set_forces(forces);
        }
        image.arrays.insert("velocities".into(), Array::vectors(&frame.state.velocities));
        image.info.insert("time".into(), Value::real(time));
        image.info.insert("temperature".into(), Value::real(temperature));
        self.trajectory.write(&frame_to_string(&image, Format::ExtXyz)?)
    }

    /// Brings all to the disk and notes the lengths, before the restart file is written.
    pub fn settle(&mut self, notes: &mut BTreeMap<String, String>) -> Result<()> {
        notes.insert("trajectory_bytes".into(), self.trajectory.settle()?.to_string());
        notes.insert("energies_bytes".into(), self.energies.settle()?.to_string());
        Ok(())
    }
}
