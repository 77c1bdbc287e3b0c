//! Lines of a text file with their numbers and byte offsets, one at a time.

use std::io::BufRead;

use crate::error::{Error, ErrorKind, Result};

/// A longer line (bytes) is taken for a binary file.
const LONGEST_LINE: u64 = 1 << 26;

/// Reads lines into one buffer that is used again for each.
pub(super) struct Lines<R> {
    inner: R,
    buffer: Vec<u8>,
    number: u64,
    offset: u64,
}

impl<R: BufRead> Lines<R> {
    pub fn new(inner: R) -> Self {
        Self { inner, buffer: Vec::new(), number: 0, offset: 0 }
    }

    /// Counts lines on from `lines_before`, for a reader that starts in the middle of a file.
    pub fn starting_after(inner: R, lines_before: u64) -> Self {
        Self { number: lines_before, ..Self::new(inner) }
    }

    /// Number of the line read last, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Byte offset just behind the line read last.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next line without its end; `None` at the end of the file. A byte order mark is dropped.
    pub fn next(&mut self) -> Result<Option<&str>> {
        self.buffer.clear();
        let line = self.number + 1;
        let n = std::io::Read::take(&mut self.inner, LONGEST_LINE)
            .read_until(b'\n', &mut self.buffer)
            .map_err(|e| read_error(&e).on_line(line))?;
        if n == 0 {
            return Ok(None);
        }
        if n as u64 == LONGEST_LINE {
            return Err(Error::input("a line of more than 64 MiB; this is no text file").on_line(line));
        }
        self.number = line;
        self.offset += n as u64;
        let mut bytes = self.buffer.as_slice();
        if line == 1 {
            bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        }
        bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => {
                Err(Error::input("not UTF-8 text; convert the file, or check that it is a structure file")
                    .on_line(line))
            }
        }
    }

    /// The next line, which must be there; `what` says what it should hold.
    pub fn expect(&mut self, what: &str) -> Result<&str> {
        let line = self.number + 1;
        match self.next()? {
            Some(text) => Ok(text),
            None => Err(Error::input(format!("the file ends where {what} should stand")).on_line(line)),
        }
    }

    /// The next line that is not blank.
    pub fn next_filled(&mut self) -> Result<Option<String>> {
        while let Some(text) = self.next()? {
            if !text.trim().is_empty() {
                return Ok(Some(text.to_owned()));
            }
        }
        Ok(None)
    }
}

/// An error of the disk, or of a damaged compressed file.
pub(super) fn read_error(e: &std::io::Error) -> Error {
    match e.kind() {
        std::io::ErrorKind::InvalidData
        | std::io::ErrorKind::InvalidInput
        | std::io::ErrorKind::UnexpectedEof => {
            Error::input(format!("damaged or cut-off compressed file ({e})"))
        }
        _ => Error::new(ErrorKind::Io, e.to_string()),
    }
}
