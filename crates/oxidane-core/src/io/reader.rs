//! [`FrameReader`]: the frames of a file one after another.

use std::io::{BufRead, Read};
use std::path::Path;
use std::sync::Arc;

use super::compress::{self, Source};
use super::format::Format;
use super::frame::Frame;
use super::lines::{Lines, read_error};
use super::{cif, poscar, sdf, xyz};
use crate::error::{Error, Result};

/// So many bytes are looked at to know a format.
const SNIFF: u64 = 8192;

/// An iterator over the frames of a file. XYZ and SD files are read frame by frame, never as a whole; POSCAR
/// and CIF are read at once. Every frame has passed [`crate::System::validate`]. After an error it ends.
pub struct FrameReader {
    state: State,
    path: Option<Arc<Path>>,
    any: bool,
}

enum State {
    Xyz(Lines<Source>, xyz::Dialect),
    Sdf(Lines<Source>),
    Whole(std::vec::IntoIter<Frame>),
    /// Formats of one piece, not read yet.
    Unread(Lines<Source>, Format),
    Done,
}

impl FrameReader {
    /// Opens a file, unpacks it if it is compressed, and takes its format from name and content.
    ///
    /// # Errors
    /// If the file cannot be opened, is empty, or its format is unknown or contradicts its name.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_as(path, None)
    }

    /// Opens a file of a given format, or of the format found if `None`.
    ///
    /// # Errors
    /// As [`FrameReader::open`].
    pub fn open_as(path: impl AsRef<Path>, format: Option<Format>) -> Result<Self> {
        let path = path.as_ref();
        Self::sniff(compress::open(path)?, path, format)
    }

    /// Reads from a stream that is no file, unpacked if it is compressed; its format is taken from the content. `name`
    /// stands for the file in messages.
    ///
    /// # Errors
    /// As [`FrameReader::open`].
    pub fn of_stream(source: Source, name: impl AsRef<Path>) -> Result<Self> {
        let name = name.as_ref();
        Self::sniff(compress::unpack(source).map_err(|e| Error::io(name, &e))?, name, None)
    }

    fn sniff(mut source: Source, path: &Path, format: Option<Format>) -> Result<Self> {
        let mut start = Vec::new();
        Read::take(&mut source, SNIFF).read_to_end(&mut start).map_err(|e| read_error(&e).at(path))?;
        if start.iter().all(u8::is_ascii_whitespace) && (start.len() as u64) < SNIFF {
            return Err(Error::input("the file is empty").at(path));
        }
        let format = match format {
            Some(format) => format,
            None => Format::detect(path, &String::from_utf8_lossy(&start))?,
        };
        let whole = Box::new(Read::chain(std::io::Cursor::new(start), source));
        let mut reader = Self::new(whole, format);
        reader.path = Some(Arc::from(path));
        Ok(reader)
    }

    /// Reads from a source of (unpacked) bytes.
    pub fn new(source: Box<dyn BufRead + Send>, format: Format) -> Self {
        let lines = Lines::new(source);
        let state = match format {
            Format::Xyz => State::Xyz(lines, xyz::Dialect::Plain),
            Format::ExtXyz => State::Xyz(lines, xyz::Dialect::Extended),
            Format::Sdf => State::Sdf(lines),
            Format::Poscar | Format::Cif => State::Unread(lines, format),
        };
        Self { state, path: None, any: false }
    }

    fn advance(&mut self) -> Result<Option<Frame>> {
        if let State::Unread(lines, format) = &mut self.state {
            let frames = match format {
                Format::Cif => cif::read(lines, self.path.as_ref())?,
                _ => vec![poscar::read(lines, self.path.as_ref())?],
            };
            self.state = State::Whole(frames.into_iter());
        }
        match &mut self.state {
            State::Xyz(lines, dialect) => xyz::read(lines, *dialect, self.path.as_ref()),
            State::Sdf(lines) => sdf::read(lines, self.path.as_ref()),
            State::Whole(frames) => Ok(frames.next()),
            State::Unread(..) | State::Done => Ok(None),
        }
    }
}

impl Iterator for FrameReader {
    type Item = Result<Frame>;

    fn next(&mut self) -> Option<Self::Item> {
        let result = match self.advance() {
            Ok(None) if !self.any => Err(Error::input("the file is empty")),
            other => other,
        };
        self.any = true;
        match result {
            Ok(Some(frame)) => Some(Ok(frame)),
            Ok(None) => {
                self.state = State::Done;
                None
            }
            Err(e) => {
                self.state = State::Done;
                Some(Err(match &self.path {
                    Some(path) => e.at(path.to_path_buf()),
                    None => e,
                }))
            }
        }
    }
}

/// All frames of a file.
///
/// # Errors
/// The first error met, placed at file and line.
pub fn read_all(path: impl AsRef<Path>) -> Result<Vec<Frame>> {
    FrameReader::open(path)?.collect()
}

/// The first frame of a file.
///
/// # Errors
/// If there is none or it cannot be read.
pub fn read_first(path: impl AsRef<Path>) -> Result<Frame> {
    let path = path.as_ref();
    FrameReader::open(path)?.next().unwrap_or_else(|| Err(Error::input("the file is empty").at(path)))
}

/// All frames in a text of a given format.
///
/// # Errors
/// The first error met, placed at its line.
pub fn read_str(text: &str, format: Format) -> Result<Vec<Frame>> {
    FrameReader::new(Box::new(std::io::Cursor::new(text.as_bytes().to_vec())), format).collect()
}
