//! Labels of a method below the network, taken off those that a head is trained on: the network learns the difference.

use super::Labelled;
use crate::config::DataSet;
use oxidane_core::io::{Frame, LabelKeys};
use oxidane_core::{Error, Evaluation, Result};
use oxidane_models::file::Base;
use std::path::Path;

/// What made the labels of a frame stands under this name behind their prefix.
const METHOD: &str = "method";

/// The labels of a base as `oxidane label` writes them: energy, forces and virial under the usual names behind a prefix, and what
/// made them under `method`.
#[derive(Debug, Clone)]
pub struct BaseLabels {
    base: Base,
    prefix: String,
    keys: LabelKeys,
}

impl BaseLabels {
    /// Those of `base` in the frames of a set, whose place in the configuration is `place`.
    ///
    /// # Errors
    /// They would have the names of the labels that they are taken off.
    pub fn new(base: Base, set: &DataSet, place: &str) -> Result<Self> {
        let prefix = set.base_prefix.clone().unwrap_or_else(|| format!("{}_", base.method));
        let name = |label: String| format!("{prefix}{label}");
        let names = LabelKeys::default();
        let keys = LabelKeys {
            energy: name(names.energy),
            forces: name(names.forces),
            stress: name(names.stress),
            virial: name(names.virial),
            charges: name(names.charges),
            dipole: name(names.dipole),
            polarizability: name(names.polarizability),
        };
        let own = set.keys();
        if keys.energy == own.energy || keys.forces == own.forces {
            return Err(Error::usage(format!(
                "{place}.base_prefix = \"{prefix}\" gives the labels of {} the names of those that they are taken off: give \
                 the latter by {place}.energy and {place}.forces",
                base.method
            )));
        }
        Ok(Self { base, prefix, keys })
    }

    /// Takes the labels of the base in `frame` off energy, forces and virial in `labels`, those that there are.
    ///
    /// # Errors
    /// A label of the base is missing, or another method or version of it made them; the message has the command that mends it.
    pub fn subtract(&self, frame: &Frame, labels: &mut Labelled) -> Result<()> {
        if labels.energy.is_none() && labels.forces.is_none() && labels.virial.is_none() {
            return Ok(());
        }
        self.check_method(frame)?;
        let keys = &self.keys;
        let forces = || frame.forces(keys)?.ok_or_else(|| self.missing(frame, &keys.forces));
        let energy = || frame.energy(keys)?.ok_or_else(|| self.missing(frame, &keys.energy));
        let part = Evaluation {
            energy: labels.energy.map(|_| energy()).transpose()?,
            forces: labels.forces.as_ref().map(|_| forces()).transpose()?,
            virial: labels.virial.map(|_| self.virial(frame)).transpose()?,
            ..Evaluation::default()
        };
        labels.take_off(&part);
        Ok(())
    }

    /// The virial of the base: a label in crystals; of molecules the forces say it, -dE/dstrain = sum of the symmetric part of
    /// F x.
    fn virial(&self, frame: &Frame) -> Result<[[f64; 3]; 3]> {
        if let Some(virial) = frame.virial(&self.keys)? {
            return Ok(virial);
        }
        let periodic = frame.system.cell.is_some_and(|cell| cell.periodic.contains(&true));
        let forces = frame.forces(&self.keys)?.filter(|_| !periodic);
        let forces = forces.ok_or_else(|| self.missing(frame, &self.keys.virial))?;
        let mut virial = [[0.0; 3]; 3];
        for (f, x) in forces.iter().zip(&frame.system.positions) {
            for a in 0..3 {
                (0..3).for_each(|b| virial[a][b] += 0.5 * (f[a] * x[b] + f[b] * x[a]));
            }
        }
        Ok(virial)
    }

    fn check_method(&self, frame: &Frame) -> Result<()> {
        let key = format!("{}{METHOD}", self.prefix);
        let wanted = self.base.to_string();
        match frame.info.get(&key).map(|made| made.as_text().unwrap_or_default()) {
            Some(made) if made == wanted => Ok(()),
            Some(made) if made.starts_with(&format!("{wanted}, k-points")) => {
                Err(frame.origin.place(Error::input(format!(
                    "the labels of {} in this frame were made with k-points (`{key}`), and a correction is learned as it is used by default, at the \
                     Gamma point: label without --kpoints",
                    self.base.method
                ))))
            }
            Some(made) => Err(frame.origin.place(Error::input(format!(
                "the labels of {} in this frame were made by \"{made}\" (`{key}`), not by {wanted}; {}",
                self.base.method,
                self.mend(frame.origin.path.as_deref())
            )))),
            None => Err(self.missing(frame, &key)),
        }
    }

    fn missing(&self, frame: &Frame, key: &str) -> Error {
        frame.origin.place(Error::input(format!(
            "no `{key}` in this frame, which a correction to {} needs; {}",
            self.base.method,
            self.mend(frame.origin.path.as_deref())
        )))
    }

    /// The command that writes the labels.
    fn mend(&self, path: Option<&Path>) -> String {
        let file = path.map_or("FILE".into(), |p| p.display().to_string());
        let name = file.rsplit(['/', '\\']).next().unwrap_or("FILE");
        let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
        let Base { method, .. } = &self.base;
        format!(
            "run `oxidane label {file} --model {method} --prefix {} --out {stem}.{method}.extxyz` and name the new file",
            self.prefix
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oxidane_core::io::{Array, Value};
    use oxidane_core::{Cell, System};

    fn labels() -> BaseLabels {
        BaseLabels::new(Base { method: "gfn2".into(), version: 3 }, &DataSet::default(), "data").unwrap()
    }

    fn frame() -> Frame {
        let mut frame = Frame::new(System::molecule(vec![1, 1], vec![[0.0; 3], [0.5, 0.0, 0.7]]));
        frame.info.insert("gfn2_energy".into(), Value::real(-5.0));
        frame.info.insert("gfn2_method".into(), Value::text("gfn2-v3"));
        frame.arrays.insert("gfn2_forces".into(), Array::vectors(&[[-1.0, 0.0, 2.0], [1.0, 0.0, -2.0]]));
        frame
    }

    fn full(frame: &Frame) -> Labelled {
        Labelled {
            energy: Some(-7.0),
            forces: Some(vec![[0.5, 0.0, 0.0]; 2]),
            virial: Some([[1.0; 3]; 3]),
            ..Labelled::new(frame.system.clone())
        }
    }

    #[test]
    fn the_difference_is_what_is_left() {
        let frame = frame();
        let mut left = full(&frame);
        labels().subtract(&frame, &mut left).unwrap();
        assert_eq!(left.energy, Some(-2.0));
        assert_eq!(left.forces, Some(vec![[1.5, 0.0, -2.0], [-0.5, 0.0, 2.0]]));
        // F x of the second atom alone, as the first is at the origin: F = (1, 0, -2), x = (0.5, 0, 0.7).
        let virial = left.virial.unwrap();
        assert_eq!(virial[0][0], 1.0 - 0.5);
        assert!((virial[2][2] - (1.0 + 1.4)).abs() < 1e-15);
        assert!((virial[0][2] - (1.0 - 0.5 * (0.7 - 1.0))).abs() < 1e-15);
        assert_eq!(virial[0][2], virial[2][0]);

        let mut bare = Labelled::new(frame.system.clone());
        labels().subtract(&Frame::new(frame.system.clone()), &mut bare).unwrap();
        assert_eq!(bare, Labelled::new(frame.system), "nothing to take anything off");
    }

    #[test]
    fn what_is_missing_or_foreign_is_refused_with_the_command() {
        let whole = frame();
        let refused = |change: &dyn Fn(&mut Frame), words: &[&str]| {
            let mut frame = frame();
            frame.origin.path = Some(Path::new("folder/data.v2.extxyz").into());
            change(&mut frame);
            let text = labels().subtract(&frame, &mut full(&whole)).unwrap_err().to_string();
            let command =
                "`oxidane label folder/data.v2.extxyz --model gfn2 --prefix gfn2_ --out data.gfn2.extxyz`";
            assert!(words.iter().chain(&[command]).all(|w| text.contains(w)), "{text}");
        };
        refused(&|f| drop(f.info.remove("gfn2_method")), &["`gfn2_method`"]);
        refused(&|f| drop(f.info.remove("gfn2_energy")), &["`gfn2_energy`"]);
        refused(&|f| drop(f.arrays.remove("gfn2_forces")), &["`gfn2_forces`"]);
        refused(
            &|f| drop(f.info.insert("gfn2_method".into(), Value::text("gfn2-v2"))),
            &["gfn2-v2", "gfn2-v3"],
        );
        // Forces of a crystal do not say its virial.
        let cell = |f: &mut Frame| {
            f.system.cell = Some(Cell::new([[9.0, 0.0, 0.0], [0.0, 9.0, 0.0], [0.0, 0.0, 9.0]]))
        };
        refused(&cell, &["`gfn2_virial`"]);
        let set = DataSet { base_prefix: Some(String::new()), ..DataSet::default() };
        let same = BaseLabels::new(labels().base, &set, "data").unwrap_err();
        assert!(same.message.contains("data.base_prefix"), "{same}");
    }
}
