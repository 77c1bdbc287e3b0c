//! From files to labelled structures.

use super::{Builder, Dataset, Labelled, Parts, divide};
use crate::config;
use oxidane_core::io::{Data, Frame, FrameReader, LabelKeys};
use oxidane_core::{Error, Result};
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

impl TrainingData {
    /// Reads the files of a configuration, each once and frame by frame, and divides the frames.
    ///
    /// # Errors
    /// A file cannot be read or is named twice, a frame makes no sense (named), or the split does not fit.
    pub fn read(config: &config::Data) -> Result<Self> {
        refuse_repeated(config)?;
        let mut builder = Builder::new(config.memory_mb << 20);
        let pool = read_files(&mut builder, &config.files, config)?;
        let validation = read_files(&mut builder, &config.validation_files, config)?;
        let test = read_files(&mut builder, &config.test_files, config)?;
        let data = builder.finish();
        let mut parts = divide(&data, 0..pool, &config.split)?;
        parts.validation.extend(pool..pool + validation);
        parts.test.extend(pool + validation..pool + validation + test);
        Ok(Self { data, parts })
    }
}

/// A file named twice, under whatever names, would put the same structures into two sets.
fn refuse_repeated(config: &config::Data) -> Result<()> {
    let lists = [
        ("files", &config.files),
        ("validation_files", &config.validation_files),
        ("test_files", &config.test_files),
    ];
    let mut seen: BTreeMap<PathBuf, &str> = BTreeMap::new();
    for (key, path) in lists.into_iter().flat_map(|(key, files)| files.iter().map(move |f| (key, f))) {
        // What does not exist is reported when it is read.
        let Ok(real) = path.canonicalize() else { continue };
        if let Some(first) = seen.insert(real, key) {
            let message = format!("the same file is in data.{first} and again in data.{key}: name it once");
            return Err(Error::usage(message).at(path));
        }
    }
    Ok(())
}

/// Reads whole files for evaluation, with the label names and the group key of `config`.
pub fn read_dataset(files: &[PathBuf], config: &config::Data) -> Result<Dataset> {
    let mut builder = Builder::new(config.memory_mb << 20);
    read_files(&mut builder, files, config)?;
    Ok(builder.finish())
}

fn read_files(builder: &mut Builder, files: &[PathBuf], config: &config::Data) -> Result<usize> {
    let keys = LabelKeys {
        energy: config.energy.clone(),
        forces: config.forces.clone(),
        stress: config.stress.clone(),
        virial: config.virial.clone(),
        charges: config.charges.clone(),
        dipole: config.dipole.clone(),
    };
    let mut frames = 0;
    for path in files {
        builder.file(path);
        for frame in FrameReader::open(path)? {
            let frame = frame?;
            let group = group(&frame, config.group.as_deref())?;
            builder.add(label(frame, &keys, &config.weight)?, &group)?;
            frames += 1;
        }
    }
    Ok(frames)
}

fn label(frame: Frame, keys: &LabelKeys, weight: &str) -> Result<Labelled> {
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
        weight,
        ..Labelled::new(frame.system)
    })
}

fn group(frame: &Frame, key: Option<&str>) -> Result<String> {
    let Some(key) = key else { return Ok("all".into()) };
    let value = frame.info.get(key);
    let text = value.and_then(|v| match v.data() {
        Data::Text(t) if t.len() == 1 => Some(t[0].clone()),
        _ => v.as_int().map(|i| i.to_string()),
    });
    text.ok_or_else(|| {
        frame.origin.place(Error::input(format!(
            "the frame has no text or integer under `{key}`, which data.group names; add it or change data.group"
        )))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_is_in_two_sets() {
        let dir = tempfile::tempdir().unwrap();
        let [a, b] = ["a.xyz", "b.xyz"].map(|name| dir.path().join(name));
        std::fs::write(&a, "1\n\nHe 0 0 0\n").unwrap();
        std::fs::write(&b, "1\n\nHe 0 0 0\n").unwrap();
        let same = dir.path().join(".").join("a.xyz");
        let mut config = config::Data { test_files: vec![b.clone()], ..config::Data::new(vec![a]) };
        assert!(TrainingData::read(&config).is_ok());
        config.validation_files = vec![same];
        let message = TrainingData::read(&config).unwrap_err().to_string();
        assert!(message.contains("data.files") && message.contains("data.validation_files"), "{message}");
    }
}
