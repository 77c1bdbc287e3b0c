//! Writing a file so that it is either the old one or the whole new one.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// Writes a file through a temporary one in the same folder: written, flushed to the disk, renamed. On any
/// error the old file stays as it was and the temporary one is removed. A path that is no regular file (a
/// device, a pipe) is written to directly.
///
/// # Errors
/// What `write` returns, or an I/O error with the path (no such folder, not writable, disk full).
pub fn write_atomically<T>(
    path: impl AsRef<Path>,
    write: impl FnOnce(&mut dyn Write) -> Result<T>,
) -> Result<T> {
    let path = path.as_ref();
    // A link is followed: the file it points to is replaced, not the link.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    if fs::metadata(&target).is_ok_and(|m| m.is_dir()) {
        return Err(Error::new(crate::ErrorKind::Io, "this is a folder; name a file").at(path));
    }
    if fs::metadata(&target).is_ok_and(|m| !m.is_file()) {
        let file = OpenOptions::new().write(true).open(&target).map_err(|e| Error::io(path, &e))?;
        return write_through(&mut BufWriter::new(file), write, path);
    }
    let (temporary, file) = create_beside(&target).map_err(|e| Error::io(path, &e))?;
    let result = fill(file, write, path).and_then(|value| {
        fs::rename(&temporary, &target).map_err(|e| Error::io(path, &e))?;
        sync_folder(&target);
        Ok(value)
    });
    if result.is_err() {
        // The first error is the one to tell of.
        let _ = fs::remove_file(&temporary);
    }
    result
}

fn fill<T>(file: File, write: impl FnOnce(&mut dyn Write) -> Result<T>, path: &Path) -> Result<T> {
    let mut out = BufWriter::with_capacity(1 << 16, file);
    let value = write_through(&mut out, write, path)?;
    out.get_ref().sync_all().map_err(|e| Error::io(path, &e))?;
    Ok(value)
}

fn write_through<T>(
    out: &mut BufWriter<File>,
    write: impl FnOnce(&mut dyn Write) -> Result<T>,
    path: &Path,
) -> Result<T> {
    let value = write(out).map_err(|e| e.at(path))?;
    out.flush().map_err(|e| Error::io(path, &e))?;
    Ok(value)
}

/// Creates a new hidden file next to `target`.
fn create_beside(target: &Path) -> std::io::Result<(PathBuf, File)> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let name = target.file_name().ok_or_else(|| std::io::Error::other("the path names no file"))?;
    loop {
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}.{}.tmp", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed)));
        let temporary = target.with_file_name(hidden);
        match OpenOptions::new().write(true).create_new(true).open(&temporary) {
            Ok(file) => return Ok((temporary, file)),
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
}

/// Makes the rename itself durable where folders can be synced (elsewhere it is up to the system).
fn sync_folder(target: &Path) {
    let folder = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}
