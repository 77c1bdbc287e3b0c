//! Writing frames.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::atomic::write_atomically;
use super::format::Format;
use super::frame::Frame;
use super::{cif_write, poscar_write, xyz_write};
use crate::error::{Error, Result};

/// The text of one frame.
///
/// # Errors
/// If the frame is no valid system or holds what the format cannot.
pub fn frame_to_string(frame: &Frame, format: Format) -> Result<String> {
    match format {
        Format::Xyz => xyz_write::plain(frame),
        Format::ExtXyz => xyz_write::extended(frame),
        Format::Poscar => poscar_write::write(frame),
        Format::Cif => cif_write::write(frame),
        Format::Sdf => {
            Err(Error::usage("SD files are read but not written; choose xyz, extxyz, poscar or cif"))
        }
    }
}

/// The format to write for a file name: `.xyz` and `.extxyz` are extended XYZ.
///
/// # Errors
/// If the name speaks of no format that is written, or of compression.
pub fn format_to_write(path: &Path) -> Result<Format> {
    let packed = path.extension().and_then(|e| e.to_str()).is_some_and(|e| matches!(e, "gz" | "xz" | "zst"));
    if packed {
        return Err(
            Error::usage("compressed files are read but not written; leave away .gz, .xz or .zst").at(path)
        );
    }
    match Format::from_path(path) {
        Some(Format::Sdf) => {
            Err(Error::usage("SD files are read but not written; choose xyz, poscar or cif").at(path))
        }
        Some(format) => Ok(format),
        None => Err(Error::usage("the file name says no format; end it in .xyz, .vasp or .cif").at(path)),
    }
}

/// Writes frames to a file in the format of its name, all or nothing ([`write_atomically`]).
///
/// # Errors
/// Those of [`format_to_write`], [`frame_to_string`] and of the disk; several frames for a format of one.
pub fn write_frames(path: impl AsRef<Path>, frames: &[Frame]) -> Result<()> {
    let path = path.as_ref();
    let format = format_to_write(path)?;
    if format == Format::Poscar && frames.len() > 1 {
        return Err(Error::usage(format!(
            "a POSCAR holds one structure, not {}; choose extxyz",
            frames.len()
        ))
        .at(path));
    }
    write_atomically(path, |out| {
        for frame in frames {
            let text = frame_to_string(frame, format)?;
            out.write_all(text.as_bytes()).map_err(|e| Error::io(path, &e))?;
        }
        Ok(())
    })
}

/// Writes a trajectory frame by frame in (extended) XYZ. Call [`FrameWriter::finish`] at the end: only it tells
/// of a disk that is full.
pub struct FrameWriter {
    out: BufWriter<File>,
    path: PathBuf,
    format: Format,
}

impl FrameWriter {
    /// Starts a new file in extended XYZ; an old one is emptied.
    ///
    /// # Errors
    /// If the file cannot be created.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        Self::start(path.as_ref(), OpenOptions::new().write(true).create(true).truncate(true))
    }

    /// Goes on at the end of a file, or starts one.
    ///
    /// # Errors
    /// If the file cannot be opened for writing.
    pub fn append(path: impl AsRef<Path>) -> Result<Self> {
        Self::start(path.as_ref(), OpenOptions::new().create(true).append(true))
    }

    fn start(path: &Path, options: &OpenOptions) -> Result<Self> {
        let file = options.open(path).map_err(|e| Error::io(path, &e))?;
        Ok(Self {
            out: BufWriter::with_capacity(1 << 16, file),
            path: path.to_path_buf(),
            format: Format::ExtXyz,
        })
    }

    /// Writes plain XYZ from here on.
    #[must_use]
    pub fn plain(mut self) -> Self {
        self.format = Format::Xyz;
        self
    }

    /// Writes one frame.
    ///
    /// # Errors
    /// Those of [`frame_to_string`] and of the disk; on the former nothing of the frame is written.
    pub fn write(&mut self, frame: &Frame) -> Result<()> {
        let text = frame_to_string(frame, self.format).map_err(|e| e.at(&self.path))?;
        self.out.write_all(text.as_bytes()).map_err(|e| Error::io(&self.path, &e))
    }

    /// Hands what was written to the system, so that a program that dies later leaves whole frames.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn flush(&mut self) -> Result<()> {
        self.out.flush().map_err(|e| Error::io(&self.path, &e))
    }

    /// Writes what is left and closes the file.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn finish(mut self) -> Result<()> {
        self.flush()
    }
}
