//! [`Dataset`]: all structures of all files, numbered from 0.

use super::labelled::Labelled;
use crate::config::hex;
use oxidane_core::{Error, Result};
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::sync::Arc;

/// Labelled structures, numbered from 0 over all files in order.
#[derive(Debug, Clone)]
pub struct Dataset {
    frames: Vec<Arc<Labelled>>,
    files: Vec<PathBuf>,
    groups: Vec<String>,
    hash: String,
}

impl Dataset {
    /// Number of structures.
    pub fn len(&self) -> usize {
        self.frames.len()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }
    /// Structure `i`.
    pub fn get(&self, i: usize) -> Result<Arc<Labelled>> {
        self.frames
            .get(i)
            .cloned()
            .ok_or_else(|| Error::input(format!("there is no frame {i}: the data set has {}", self.len())))
    }
    /// Number of atoms of structure `i`.
    pub fn atoms(&self, i: usize) -> usize {
        self.frames[i].system.len()
    }
    /// Group of structure `i`, an index into [`Dataset::groups`].
    pub fn group(&self, i: usize) -> usize {
        self.frames[i].group as usize
    }
    /// Names of the groups in order of first appearance; one, `all`, if no group key is used.
    pub fn groups(&self) -> &[String] {
        &self.groups
    }
    /// The files read.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }
    /// SHA-256 of all structures, labels and groups, in order.
    pub fn hash(&self) -> &str {
        &self.hash
    }
    /// `file frame n` of structure `i`, for messages (frames from 0).
    pub fn describe(&self, i: usize) -> String {
        let origin = self.frames[i].origin;
        match self.files.get(origin.file as usize) {
            Some(file) => format!("{} frame {}", file.display(), origin.frame),
            None => format!("frame {}", origin.frame),
        }
    }
}

/// Collects structures into a [`Dataset`].
#[derive(Debug, Default)]
pub struct Builder {
    frames: Vec<Arc<Labelled>>,
    files: Vec<PathBuf>,
    groups: Vec<String>,
    hash: Sha256,
    in_file: u64,
}

impl Builder {
    /// Structures added from now on come from this file.
    pub fn file(&mut self, path: impl Into<PathBuf>) {
        self.files.push(path.into());
        self.in_file = 0;
    }

    /// Adds a structure of the named group and returns its number; group and origin in `frame` are set here.
    ///
    /// # Errors
    /// The structure or a label makes no sense; the message names file and frame.
    pub fn add(&mut self, mut frame: Labelled, group: &str) -> Result<usize> {
        let file = self.files.len().saturating_sub(1);
        frame.origin = super::Origin { file: file as u32, frame: self.in_file };
        frame.validate().map_err(|e| {
            let message = format!("frame {}: {}", self.in_file, e.message);
            let placed = Error { message, ..e };
            match self.files.last() {
                Some(path) => placed.at(path),
                None => placed,
            }
        })?;
        frame.group = self.group_index(group);
        frame.digest(&mut self.hash);
        self.in_file += 1;
        self.frames.push(Arc::new(frame));
        Ok(self.frames.len() - 1)
    }

    fn group_index(&mut self, name: &str) -> u32 {
        let found = self.groups.iter().rposition(|g| g == name);
        found.unwrap_or_else(|| {
            self.groups.push(name.to_string());
            self.groups.len() - 1
        }) as u32
    }

    /// The data set.
    pub fn finish(mut self) -> Dataset {
        for name in &self.groups {
            self.hash.update(name.as_bytes());
            self.hash.update([0]);
        }
        Dataset {
            frames: self.frames,
            files: self.files,
            groups: self.groups,
            hash: hex(&self.hash.finalize()),
        }
    }
}
