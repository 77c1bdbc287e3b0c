//! From files to labelled structures.

use super::families::check_sums;
use super::{BaseLabels, Builder, Correction, Dataset, Labelled, Member, Parts, divide};
use crate::config::{self, DataSet, Differences};
use oxidane_core::io::{Data, Frame, FrameReader, LabelKeys, Origin};
use oxidane_core::{Error, Result};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A data set and its division.
#[derive(Debug)]
pub struct TrainingData {
    /// All structures.
    pub data: Dataset,
    /// Which are trained on, validated on and tested on.
    pub parts: Parts,
}

/// What the reader must know of the head that a set is for.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// Its place in the network.
    pub head: u32,
    /// The labels in the frames that are taken off its labels: those of the method below the network.
    pub base: Option<BaseLabels>,
    /// The dispersion that is taken off them.
    pub correction: Option<Correction>,
}

impl TrainingData {
    /// Reads the files of a configuration, each once per set and frame by frame, and divides the frames; `targets` says of
    /// each set what head it is for.
    ///
    /// # Errors
    /// A file cannot be read or is named twice for a head, a frame makes no sense (named), or a split does not fit.
    pub fn read(config: &config::Data, targets: &[Target]) -> Result<Self> {
        assert_eq!(config.sets.len(), targets.len(), "one target per set");
        refuse_repeated(config, targets)?;
        let mut builder = Builder::new(config.memory_mb << 20);
        let mut places = Vec::new();
        for (set, target) in config.sets.iter().zip(targets) {
            builder.set(set.name.clone().unwrap_or_default(), target.head);
            let mut read = |files| read_files(&mut builder, files, set, target);
            places.push([read(&set.files)?, read(&set.validation_files)?, read(&set.test_files)?]);
        }
        let data = builder.finish();
        let (mut parts, mut start) = (Parts::default(), 0);
        for (k, (set, [pool, validation, test])) in config.sets.iter().zip(places).enumerate() {
            let ends = [start + pool, start + pool + validation, start + pool + validation + test];
            let own = if set.files.is_empty() {
                Parts::default()
            } else {
                divide(&data, start..ends[0], &set.split).map_err(|e| named(config, k, e))?
            };
            parts.train.extend(own.train);
            parts.validation.extend(own.validation.into_iter().chain(ends[0]..ends[1]));
            parts.test.extend(own.test.into_iter().chain(ends[1]..ends[2]));
            start = ends[2];
        }
        check_sums(&data, &parts)?;
        Ok(Self { data, parts })
    }
}

impl TrainingData {
    /// The frames trained on for a head, by its place.
    pub fn trained_on(&self, head: u32) -> Vec<usize> {
        self.parts.train.iter().copied().filter(|&i| self.data.summary(i).head == head).collect()
    }
}

/// An error of a split with the place of its set.
fn named(config: &config::Data, k: usize, e: Error) -> Error {
    let message = match e.path {
        Some(_) => e.message,
        None => format!("{}.{}", config.place(k), e.message),
    };
    Error { message, ..e }
}

/// A file named twice for a head, under whatever names, would put the same structures into two parts of the data.
fn refuse_repeated(config: &config::Data, targets: &[Target]) -> Result<()> {
    let mut seen: BTreeMap<(u32, PathBuf), String> = BTreeMap::new();
    for (k, (set, target)) in config.sets.iter().zip(targets).enumerate() {
        let lists = [
            ("files", &set.files),
            ("validation_files", &set.validation_files),
            ("test_files", &set.test_files),
        ];
        for (key, path) in lists.into_iter().flat_map(|(key, files)| files.iter().map(move |f| (key, f))) {
            // What does not exist is reported when it is read.
            let Ok(real) = path.canonicalize() else { continue };
            let place = format!("{}.{key}", config.place(k));
            if let Some(first) = seen.insert((target.head, real), place.clone()) {
                let message =
                    format!("the same file is in {first} and again in {place}: name it once for a head");
                return Err(Error::usage(message).at(path));
            }
        }
    }
    Ok(())
}

/// Reads whole files for evaluation, with the label names and the group key of `config`.
pub fn read_dataset(files: &[PathBuf], config: &DataSet) -> Result<Dataset> {
    let mut builder = Builder::default();
    read_files(&mut builder, files, config, &Target::default())?;
    Ok(builder.finish())
}

fn read_files(builder: &mut Builder, files: &[PathBuf], config: &DataSet, target: &Target) -> Result<usize> {
    /// Frames worked on side by side.
    const WAVE: usize = 256;
    let keys = config.keys();
    let mut frames = 0;
    for path in files {
        builder.file(path);
        let mut reader = FrameReader::open(path)?;
        loop {
            let wave = reader.by_ref().take(WAVE).map(|frame| One::new(frame?, config, &keys, target));
            let mut wave = wave.collect::<Result<Vec<_>>>()?;
            if wave.is_empty() {
                break;
            }
            if let Some(correction) = &target.correction {
                let subtracted: Vec<Result<()>> = wave
                    .par_iter_mut()
                    .map_init(|| correction.clone(), |correction, one| one.subtract(correction))
                    .collect();
                subtracted.into_iter().collect::<Result<()>>()?;
            }
            for One { mut frame, group, family, .. } in wave {
                frame.member = family.map(|f| Member {
                    family: builder.family(&f.name),
                    coefficient: f.coefficient,
                    only: f.only,
                });
                builder.add(frame, &group)?;
                frames += 1;
            }
        }
    }
    Ok(frames)
}

/// A structure on its way into the data set.
struct One {
    frame: Labelled,
    group: String,
    family: Option<Family>,
    origin: Origin,
}

/// Membership of a family that has no number yet.
struct Family {
    name: String,
    coefficient: Option<f64>,
    only: bool,
}

impl Family {
    fn new(frame: &Frame, config: &Differences) -> Result<Self> {
        let coefficient = |key: &String| {
            let number = frame.info.get(key).and_then(oxidane_core::io::Value::as_real);
            number.ok_or_else(|| {
                frame.origin.place(Error::input(format!(
                    "the frame has no number under `{key}`, which data.differences.coefficient names; add it or drop the key"
                )))
            })
        };
        Ok(Self {
            name: group(frame, &config.within, "data.differences.within")?,
            coefficient: config.coefficient.as_ref().map(coefficient).transpose()?,
            only: config.only,
        })
    }
}

impl One {
    fn new(frame: Frame, config: &DataSet, keys: &LabelKeys, target: &Target) -> Result<Self> {
        let group = match &config.group {
            Some(key) => group(&frame, key, "data.group")?,
            None => "all".into(),
        };
        let family = config.differences.as_ref().map(|d| Family::new(&frame, d)).transpose()?;
        let mut labels = label(&frame, keys, config.weight_key())?;
        if let Some(base) = &target.base {
            base.subtract(&frame, &mut labels)?;
        }
        Ok(Self { frame: labels, group, family, origin: frame.origin })
    }

    /// Takes dispersion off the labels. What makes no sense is left for the data set to refuse.
    fn subtract(&mut self, correction: &mut Correction) -> Result<()> {
        match self.frame.validate() {
            Ok(()) => correction.subtract(&mut self.frame).map_err(|e| self.origin.place(e)),
            Err(_) => Ok(()),
        }
    }
}

fn label(frame: &Frame, keys: &LabelKeys, weight: &str) -> Result<Labelled> {
    let weight = match frame.info.get(weight) {
        None => 1.0,
        Some(w) => w
            .as_real()
            .ok_or_else(|| frame.origin.place(Error::input(format!("`{weight}` is not one number"))))?,
    };
    Ok(Labelled {
        energy: frame.energy(keys)?,
        forces: frame.forces(keys)?,
        virial: frame.virial(keys)?,
        charges: frame.charges(keys)?,
        dipole: frame.dipole(keys)?,
        polarizability: frame.polarizability(keys)?,
        weight,
        ..Labelled::new(frame.system.clone())
    })
}

/// The text or integer under `key`, which the configuration names as `place`.
fn group(frame: &Frame, key: &str, place: &str) -> Result<String> {
    let value = frame.info.get(key);
    let text = value.and_then(|v| match v.data() {
        Data::Text(t) if t.len() == 1 => Some(t[0].clone()),
        _ => v.as_int().map(|i| i.to_string()),
    });
    text.ok_or_else(|| {
        frame.origin.place(Error::input(format!(
            "the frame has no text or integer under `{key}`, which {place} names; add it or name another key"
        )))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_files(folder: &std::path::Path) -> [PathBuf; 2] {
        let files = ["a.xyz", "b.xyz"].map(|name| folder.join(name));
        files.iter().for_each(|f| std::fs::write(f, "1\n\nHe 0 0 0\n").unwrap());
        files
    }

    fn read(sets: Vec<DataSet>, heads: &[u32]) -> Result<TrainingData> {
        let targets: Vec<Target> = heads.iter().map(|&head| Target { head, ..Target::default() }).collect();
        TrainingData::read(&config::Data { memory_mb: 1, cache_mb: 1, base: None, sets }, &targets)
    }

    #[test]
    fn no_file_is_in_two_parts() {
        let dir = tempfile::tempdir().unwrap();
        let [a, b] = two_files(dir.path());
        let same = dir.path().join(".").join("a.xyz");
        let mut set = DataSet { test_files: vec![b], ..DataSet::new(vec![a]) };
        assert!(read(vec![set.clone()], &[0]).is_ok());
        set.validation_files = vec![same];
        let message = read(vec![set], &[0]).unwrap_err().to_string();
        assert!(message.contains("data.files") && message.contains("data.validation_files"), "{message}");
    }

    /// A file may train two heads, and may not be named twice for one.
    #[test]
    fn a_file_is_named_once_for_a_head() {
        let dir = tempfile::tempdir().unwrap();
        let [a, b] = two_files(dir.path());
        let set = |name: &str, file: &PathBuf| DataSet {
            name: Some(name.into()),
            ..DataSet::new(vec![file.clone()])
        };
        let both = read(vec![set("x", &a), set("y", &a)], &[0, 1]).unwrap();
        assert_eq!(both.parts.train, [0, 1]);
        assert_eq!(both.data.sets()[1], super::super::Set { name: "y".into(), head: 1 });
        assert_eq!((both.data.set(1), both.data.summary(1).head), (1, 1));
        assert_eq!(both.data.groups(), ["x: all", "y: all"]);
        assert!(both.data.describe(1).contains("of set y"));
        assert!(read(vec![set("x", &a), set("y", &b)], &[0, 0]).is_ok());
        let message = read(vec![set("x", &a), set("y", &a)], &[0, 0]).unwrap_err().to_string();
        assert!(message.contains("\"x\"") && message.contains("\"y\""), "{message}");
        let mut test = set("y", &a);
        (test.test_files, test.files) = (test.files, Vec::new());
        assert_eq!(read(vec![set("x", &b), test], &[0, 1]).unwrap().parts.test, [1]);
        let mut much = set("y", &b);
        much.split.train_count = Some(5);
        let message = read(vec![set("x", &a), much], &[0, 0]).unwrap_err().to_string();
        assert!(message.contains("\"y\"") && message.contains("5 frames"), "{message}");
    }
}
