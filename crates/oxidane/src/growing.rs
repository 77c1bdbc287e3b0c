//! A file that grows while work goes on, and is cut to a known length when the work is resumed.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use oxidane_core::{Error, Result};

/// A file that grows, and knows its length.
pub struct Growing {
    file: BufWriter<File>,
    path: PathBuf,
    length: u64,
}

impl Growing {
    /// A new file; an old one is emptied.
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).map_err(|e| Error::io(path, &e))?;
        Ok(Self::at(file, path, 0))
    }

    /// The file of an earlier run, cut to the length that its restart file recorded.
    pub fn reopen(path: &Path, length: u64) -> Result<Self> {
        let open = || -> std::io::Result<(File, u64)> {
            let mut file = OpenOptions::new().write(true).open(path)?;
            let present = file.metadata()?.len();
            if present >= length {
                file.set_len(length)?;
                file.seek(SeekFrom::End(0))?;
            }
            Ok((file, present))
        };
        let (file, present) = open().map_err(|e| Error::io(path, &e))?;
        if present < length {
            let message = format!(
                "the file has {present} bytes, and {length} were recorded: it was changed since; start anew"
            );
            return Err(Error::input(message).at(path));
        }
        Ok(Self::at(file, path, length))
    }

    fn at(file: File, path: &Path, length: u64) -> Self {
        Self { file: BufWriter::with_capacity(1 << 16, file), path: path.to_path_buf(), length }
    }

    /// Adds text.
    pub fn write(&mut self, text: &str) -> Result<()> {
        self.length += text.len() as u64;
        self.file.write_all(text.as_bytes()).map_err(|e| Error::io(&self.path, &e))
    }

    /// Brings all to the disk; the length of the file.
    pub fn settle(&mut self) -> Result<u64> {
        self.file.flush().map_err(|e| Error::io(&self.path, &e))?;
        // Devices and pipes cannot be synced; what they took is theirs.
        let _ = self.file.get_ref().sync_data();
        Ok(self.length)
    }
}
