//! [`DataFolder`]: the files of the sets, as a user has them.

use std::io::Read;
use std::path::{Path, PathBuf};

use oxidane_core::io::{self, Frame};
use oxidane_core::{Error, ErrorKind, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A file of a set: its folder, and its name without the ending of a compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SetFile {
    /// Folder below the data folder.
    pub folder: &'static str,
    /// Name, such as `x23.extxyz`.
    pub name: &'static str,
}

/// The folder with all sets.
#[derive(Debug, Clone)]
pub struct DataFolder(PathBuf);

impl DataFolder {
    /// The folder at `path`.
    ///
    /// # Errors
    /// If it is no folder.
    pub fn new(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        if path.is_dir() {
            return Ok(Self(path));
        }
        Err(Error::new(ErrorKind::Io, "no such folder; give the folder of the sets with --data").at(path))
    }

    /// The file, packed or not, in the folder of its set or in the data folder itself.
    fn find(&self, file: SetFile) -> Option<PathBuf> {
        let folders = [self.0.join(file.folder), self.0.clone()];
        let names = ["", ".xz", ".gz", ".zst"].map(|packing| format!("{}{packing}", file.name));
        folders.iter().flat_map(|folder| names.iter().map(|name| folder.join(name))).find(|p| p.is_file())
    }

    /// Whether the file is there.
    pub fn has(&self, file: SetFile) -> bool {
        self.find(file).is_some()
    }

    /// Where the file is.
    ///
    /// # Errors
    /// If it is not there.
    pub fn path(&self, file: SetFile) -> Result<PathBuf> {
        self.find(file).ok_or_else(|| {
            Error::new(
                ErrorKind::Io,
                "no such file (.xz, .gz and .zst are looked for too); `oxidane bench list` tells where to get it",
            )
            .at(self.0.join(file.folder).join(file.name))
        })
    }

    /// All structures of the file.
    ///
    /// # Errors
    /// If it is not there or cannot be read.
    pub fn frames(&self, file: SetFile) -> Result<Vec<Frame>> {
        io::read_all(self.path(file)?)
    }

    /// The text of the file, unpacked, and where it is.
    ///
    /// # Errors
    /// As [`DataFolder::frames`].
    pub fn text(&self, file: SetFile) -> Result<(PathBuf, String)> {
        let path = self.path(file)?;
        let mut text = String::new();
        io::open(&path)?.read_to_string(&mut text).map_err(|e| Error::io(&path, &e))?;
        Ok((path, text))
    }

    /// The JSON of the file.
    ///
    /// # Errors
    /// As [`DataFolder::frames`], and if it is not of the expected form.
    pub fn json<T: DeserializeOwned>(&self, file: SetFile) -> Result<T> {
        let (path, text) = self.text(file)?;
        serde_json::from_str(&text).map_err(|e| {
            let line = e.line() as u64;
            Error::input(format!("not the JSON of this set: {e}")).at(path).on_line(line)
        })
    }
}

/// Reactions as the sets of reference data write them.
#[derive(Debug, Clone, serde::Deserialize)]
pub(crate) struct Reaction {
    /// Coefficients and names of structures; negative for what is subtracted.
    pub stoich: Vec<(f64, String)>,
    /// Reference value in kcal/mol.
    pub ref_kcal_mol: f64,
}

/// A list of reactions with its head.
#[derive(Debug, Clone, serde::Deserialize)]
pub(crate) struct Reactions {
    /// In the order of the file.
    pub reactions: Vec<Reaction>,
}

/// A word of a frame: text, or a number as the file wrote it where that is a whole one.
///
/// # Errors
/// If the frame has no such key.
pub(crate) fn word(frame: &Frame, key: &str) -> Result<String> {
    let value = frame.info.get(key);
    let text =
        value.and_then(|v| v.as_text().map(str::to_owned).or_else(|| v.as_int().map(|i| i.to_string())));
    text.ok_or_else(|| missing(frame, key))
}

/// A number of a frame.
///
/// # Errors
/// If the frame has no such key, or it is not a finite number.
pub(crate) fn number(frame: &Frame, key: &str) -> Result<f64> {
    let value = frame.info.get(key).and_then(oxidane_core::io::Value::as_real);
    value.filter(|x| x.is_finite()).ok_or_else(|| missing(frame, key))
}

/// A whole number of a frame.
///
/// # Errors
/// If the frame has no such key, or it is none.
pub(crate) fn whole(frame: &Frame, key: &str) -> Result<i32> {
    let value = frame.info.get(key).and_then(oxidane_core::io::Value::as_int);
    value.and_then(|i| i32::try_from(i).ok()).ok_or_else(|| missing(frame, key))
}

/// What a frame of this set should have had.
pub(crate) fn missing(frame: &Frame, key: &str) -> Error {
    frame.origin.place(Error::input(format!("the frame has no usable `{key}`, which this set is read by")))
}

/// The last part of a path, without folders and extensions.
pub(crate) fn stem(name: &str) -> &str {
    Path::new(name).file_stem().and_then(|s| s.to_str()).unwrap_or(name)
}
