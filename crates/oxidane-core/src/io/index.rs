//! [`FrameIndex`]: random access to the frames of an XYZ file.

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::compress::{self, Packing};
use super::format::Format;
use super::frame::Frame;
use super::lines::{Lines, read_error};
use super::xyz::{self, Dialect};
use crate::error::{Error, Result};

/// Where each frame of an (extended) XYZ file starts and how many atoms it has, from one pass that parses
/// nothing but the count lines.
///
/// Frames of an uncompressed file are read from the disk when asked for. A compressed file has no random
/// access: it is unpacked once and its text kept in memory, so unpack files larger than the memory first.
/// Reading is possible from several threads at once.
pub struct FrameIndex {
    path: Arc<Path>,
    entries: Vec<Entry>,
    store: Store,
}

struct Entry {
    offset: u64,
    bytes: u64,
    lines_before: u64,
    atoms: u32,
}

enum Store {
    File(Mutex<File>),
    Memory(Vec<u8>),
}

impl FrameIndex {
    /// Scans a file.
    ///
    /// # Errors
    /// If the file cannot be read, is empty or not (extended) XYZ, or a frame is cut off. Atom lines are not
    /// looked at: what is wrong in them is said by [`FrameIndex::read_frame`].
    pub fn build(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        if let Some(other) = Format::from_path(path).filter(|f| !matches!(f, Format::Xyz | Format::ExtXyz)) {
            let message = format!("{} files have no random access; convert to extxyz", other.name());
            return Err(Error::input(message).at(path));
        }
        let (store, entries) = Self::scan_path(path).map_err(|e| e.at(path))?;
        if entries.is_empty() {
            return Err(Error::input("the file is empty").at(path));
        }
        Ok(Self { path: Arc::from(path), entries, store })
    }

    fn scan_path(path: &Path) -> Result<(Store, Vec<Entry>)> {
        let mut file = File::open(path).map_err(|e| Error::io(path, &e))?;
        let mut start = Vec::new();
        Read::take(&mut file, 6).read_to_end(&mut start).map_err(|e| read_error(&e))?;
        if compress::packing(&start) == Packing::None {
            file.seek(SeekFrom::Start(0)).map_err(|e| read_error(&e))?;
            let entries = scan(&mut Lines::new(BufReader::with_capacity(1 << 18, &mut file)))?;
            return Ok((Store::File(Mutex::new(file)), entries));
        }
        let mut text = Vec::new();
        compress::open(path)?.read_to_end(&mut text).map_err(|e| read_error(&e))?;
        let entries = scan(&mut Lines::new(text.as_slice()))?;
        Ok((Store::Memory(text), entries))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number of frames, at least one.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no frames; never so for an index that was built.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Number of atoms of frame `i` (from 0), without reading it; 0 if there is no such frame.
    pub fn atoms(&self, i: usize) -> usize {
        self.entries.get(i).map_or(0, |e| e.atoms as usize)
    }

    /// Reads frame `i` (from 0).
    ///
    /// # Errors
    /// If there is no such frame, it cannot be read, or the file has changed since it was scanned.
    pub fn read_frame(&self, i: usize) -> Result<Frame> {
        let entry = self.entries.get(i).ok_or_else(|| {
            Error::input(format!("there is no frame {i}; the file has {} (from 0)", self.len()))
                .at(&*self.path)
        })?;
        self.read_entry(entry).map_err(|e| e.at(&*self.path))
    }

    fn read_entry(&self, entry: &Entry) -> Result<Frame> {
        let changed = || {
            Error::input("the file has changed since it was first read; start again")
                .on_line(entry.lines_before + 1)
        };
        let size = usize::try_from(entry.bytes).map_err(|_| changed())?;
        let frame = match &self.store {
            Store::File(file) => {
                let mut text = vec![0; size];
                {
                    // A poisoned lock only means that another reader panicked; the seek below sets the place anew.
                    let mut file = file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    file.seek(SeekFrom::Start(entry.offset)).map_err(|e| read_error(&e))?;
                    file.read_exact(&mut text).map_err(|_| changed())?;
                }
                self.parse(&text, entry)
            }
            Store::Memory(text) => {
                let start = usize::try_from(entry.offset).map_err(|_| changed())?;
                let text = text.get(start..start + size).ok_or_else(changed)?;
                self.parse(text, entry)
            }
        }?;
        if frame.system.len() == entry.atoms as usize { Ok(frame) } else { Err(changed()) }
    }

    fn parse(&self, text: &[u8], entry: &Entry) -> Result<Frame> {
        let mut lines = Lines::starting_after(Cursor::new(text), entry.lines_before);
        let frame = xyz::read(&mut lines, Dialect::Extended, Some(&self.path))?;
        frame.ok_or_else(|| Error::input("the file has changed since it was first read; start again"))
    }
}

fn scan<R: std::io::BufRead>(lines: &mut Lines<R>) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    loop {
        let (offset, lines_before) = (lines.offset(), lines.number());
        let Some(count_line) = lines.next_filled()? else { return Ok(entries) };
        let atoms = xyz::atom_count(&count_line).map_err(|e| e.on_line(lines.number()))?;
        lines.expect("the comment line")?;
        for i in 0..atoms {
            let number = lines.number() + 1;
            if lines.next()?.is_none() {
                return Err(Error::input(format!("the file ends after {i} of {atoms} atoms")).on_line(number));
            }
        }
        let bytes = lines.offset() - offset;
        #[allow(clippy::cast_possible_truncation)] // atom_count has refused more
        entries.push(Entry { offset, bytes, lines_before, atoms: atoms as u32 });
    }
}
