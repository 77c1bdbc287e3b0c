//! [`Dataset`]: all structures of all files, numbered from 0.

use super::labelled::{Labelled, Origin, Summary};
use super::record::{decode, encode};
use crate::config::hex;
use oxidane_core::{Error, Result};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// One of the sets of a [`Dataset`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Set {
    /// Its name; empty for an only set without one.
    pub name: String,
    /// The head of the network that it is for, by its place.
    pub head: u32,
}

/// Labelled structures, numbered from 0 over all sets and files in order. The first ones, up to a budget, are in memory, the
/// others in a temporary file (in the system's folder for such files, gone when the program ends however it ends).
#[derive(Debug)]
pub struct Dataset {
    summaries: Vec<Summary>,
    places: Vec<Place>,
    spill: Option<Mutex<File>>,
    files: Vec<PathBuf>,
    sets: Vec<Set>,
    groups: Vec<String>,
    hash: String,
}

#[derive(Debug)]
enum Place {
    Memory(Arc<Labelled>),
    Disk { start: u64, len: u32 },
}

impl Dataset {
    /// Number of structures.
    pub fn len(&self) -> usize {
        self.places.len()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
    /// Structure `i`.
    ///
    /// # Errors
    /// There is no such structure, or the temporary file cannot be read.
    pub fn get(&self, i: usize) -> Result<Arc<Labelled>> {
        match self.places.get(i) {
            Some(Place::Memory(frame)) => Ok(frame.clone()),
            Some(&Place::Disk { start, len }) => {
                self.read(start, len, self.summaries[i].origin).map(Arc::new)
            }
            None => Err(Error::input(format!("there is no frame {i}: the data set has {}", self.len()))),
        }
    }

    fn read(&self, start: u64, len: u32, origin: Origin) -> Result<Labelled> {
        let file = self.spill.as_ref().ok_or_else(|| spill_error(&std::io::ErrorKind::NotFound.into()))?;
        let mut bytes = vec![0; len as usize];
        {
            let mut file = file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let read = file.seek(SeekFrom::Start(start)).and_then(|_| file.read_exact(&mut bytes));
            read.map_err(|e| spill_error(&e))?;
        }
        decode(&bytes, origin).ok_or_else(|| spill_error(&std::io::ErrorKind::InvalidData.into()))
    }

    /// What is known of structure `i` without reading it.
    pub fn summary(&self, i: usize) -> &Summary {
        &self.summaries[i]
    }
    /// Number of atoms of structure `i`.
    pub fn atoms(&self, i: usize) -> usize {
        self.summaries[i].atoms as usize
    }
    /// Group of structure `i`, an index into [`Dataset::groups`].
    pub fn group(&self, i: usize) -> usize {
        self.summaries[i].group as usize
    }
    /// Set of structure `i`, an index into [`Dataset::sets`].
    pub fn set(&self, i: usize) -> usize {
        self.summaries[i].set as usize
    }
    /// The sets in order; one at least if there are structures.
    pub fn sets(&self) -> &[Set] {
        &self.sets
    }
    /// Names of the groups in order of first appearance; one, `all`, if no group key is used. With several sets, a group is
    /// one of a set, and its name has the set's in front.
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
    /// `file frame n` of structure `i`, for messages (frames from 0), with the set if there are several.
    pub fn describe(&self, i: usize) -> String {
        let Summary { origin, set, .. } = self.summaries[i];
        let frame = match self.files.get(origin.file as usize) {
            Some(file) => format!("{} frame {}", file.display(), origin.frame),
            None => format!("frame {}", origin.frame),
        };
        let several = self.sets.len() > 1;
        if several { format!("{frame} of set {}", self.sets[set as usize].name) } else { frame }
    }
}

fn spill_error(source: &std::io::Error) -> Error {
    Error::new(
        oxidane_core::ErrorKind::Io,
        format!(
            "the temporary file for structures beyond data.memory_mb failed ({source}); make room in the folder for \
             temporary files, name another in TMPDIR, or raise data.memory_mb"
        ),
    )
}

/// Collects structures into a [`Dataset`].
#[derive(Debug)]
pub struct Builder {
    summaries: Vec<Summary>,
    places: Vec<Place>,
    budget: usize,
    spill: Option<File>,
    spilled: u64,
    files: Vec<PathBuf>,
    sets: Vec<Set>,
    /// Set and name of each group.
    groups: Vec<(u32, String)>,
    numbers: BTreeMap<(u32, String), u32>,
    /// Families by set and name.
    families: BTreeMap<(u32, String), u32>,
    hash: Sha256,
    in_file: u64,
}

impl Default for Builder {
    fn default() -> Self {
        Self::new(usize::MAX)
    }
}

impl Builder {
    /// An empty data set that keeps at most `budget` bytes of structures in memory.
    pub fn new(budget: usize) -> Self {
        Self {
            summaries: Vec::new(),
            places: Vec::new(),
            budget,
            spill: None,
            spilled: 0,
            files: Vec::new(),
            sets: Vec::new(),
            groups: Vec::new(),
            numbers: BTreeMap::new(),
            families: BTreeMap::new(),
            hash: Sha256::new(),
            in_file: 0,
        }
    }

    /// Structures added from now on are of this set; without any, all are of one without a name, for the first head.
    pub fn set(&mut self, name: impl Into<String>, head: u32) {
        self.sets.push(Set { name: name.into(), head });
    }

    /// Structures added from now on come from this file.
    pub fn file(&mut self, path: impl Into<PathBuf>) {
        self.files.push(path.into());
        self.in_file = 0;
    }

    /// Adds a structure of the named group and returns its number; set, head, group and origin in `frame` are set here.
    ///
    /// # Errors
    /// The structure or a label makes no sense; the message names file and frame. The temporary file cannot be written.
    pub fn add(&mut self, mut frame: Labelled, group: &str) -> Result<usize> {
        let file = self.files.len().saturating_sub(1);
        frame.origin = Origin { file: file as u32, frame: self.in_file };
        frame.validate().map_err(|e| {
            let message = format!("frame {}: {}", self.in_file, e.message);
            let placed = Error { message, ..e };
            match self.files.last() {
                Some(path) => placed.at(path),
                None => placed,
            }
        })?;
        if self.sets.is_empty() {
            self.sets.push(Set::default());
        }
        frame.set = self.sets.len() as u32 - 1;
        frame.head = self.sets[frame.set as usize].head;
        frame.group = self.group_index(frame.set, group);
        self.in_file += 1;
        self.summaries.push(Summary {
            atoms: frame.system.len() as u32,
            group: frame.group,
            set: frame.set,
            head: frame.head,
            member: frame.member,
            origin: frame.origin,
            labels: frame.present(),
            weight: frame.weight,
        });
        let bytes = encode(&frame);
        self.hash.update((bytes.len() as u64).to_le_bytes());
        self.hash.update(&bytes);
        let place = self.place(frame, &bytes).map_err(|e| spill_error(&e))?;
        self.places.push(place);
        Ok(self.places.len() - 1)
    }

    fn place(&mut self, frame: Labelled, bytes: &[u8]) -> std::io::Result<Place> {
        // The record is about as large as the structure in memory.
        let size = size_of::<Labelled>() + bytes.len();
        if size <= self.budget {
            self.budget -= size;
            return Ok(Place::Memory(Arc::new(frame)));
        }
        self.budget = 0;
        let file = match &mut self.spill {
            Some(file) => file,
            None => self.spill.insert(tempfile::tempfile()?),
        };
        file.write_all(bytes)?;
        let place = Place::Disk { start: self.spilled, len: bytes.len() as u32 };
        self.spilled += bytes.len() as u64;
        Ok(place)
    }

    /// The number of a family of the set that structures are added to.
    pub fn family(&mut self, name: &str) -> u32 {
        let next = self.families.len() as u32;
        let set = self.sets.len().saturating_sub(1) as u32;
        *self.families.entry((set, name.to_string())).or_insert(next)
    }

    fn group_index(&mut self, set: u32, name: &str) -> u32 {
        let key = (set, name.to_string());
        if let Some(&number) = self.numbers.get(&key) {
            return number;
        }
        let number = self.groups.len() as u32;
        self.groups.push(key.clone());
        self.numbers.insert(key, number);
        number
    }

    /// The data set.
    pub fn finish(mut self) -> Dataset {
        let names = self.groups.iter().map(|(_, name)| name).chain(self.sets.iter().map(|set| &set.name));
        for name in names {
            self.hash.update(name.as_bytes());
            self.hash.update([0]);
        }
        let several = self.sets.len() > 1;
        let title = |(set, name): (u32, String)| {
            if several { format!("{}: {name}", self.sets[set as usize].name) } else { name }
        };
        let groups = self.groups.into_iter().map(title).collect();
        Dataset {
            summaries: self.summaries,
            places: self.places,
            spill: self.spill.map(Mutex::new),
            files: self.files,
            groups,
            sets: self.sets,
            hash: hex(&self.hash.finalize()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oxidane_core::System;

    /// Memory for about half of the structures: nothing but their place changes.
    #[test]
    fn structures_beyond_the_budget_are_on_the_disk() {
        let fill = |budget: usize| {
            let mut builder = Builder::new(budget);
            builder.file("a.xyz");
            for i in 0..20 {
                let mut frame = Labelled::new(System::molecule(vec![2; 9], vec![[f64::from(i); 3]; 9]));
                frame.energy = Some(f64::from(i));
                builder.add(frame, if i % 2 == 0 { "a" } else { "b" }).unwrap();
            }
            builder.finish()
        };
        let (memory, disk) = (fill(usize::MAX), fill(6000));
        assert!(memory.spill.is_none() && disk.spill.is_some());
        assert!(matches!(disk.places[0], Place::Memory(_)) && matches!(disk.places[19], Place::Disk { .. }));
        assert_eq!(memory.hash(), disk.hash());
        for i in (0..20).rev() {
            assert_eq!(memory.get(i).unwrap(), disk.get(i).unwrap());
        }
        assert!(disk.get(20).is_err());
    }
}
