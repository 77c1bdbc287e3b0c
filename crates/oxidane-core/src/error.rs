//! The one error type of the engine: what is wrong, where, and how to mend it, in one line.

use std::path::{Path, PathBuf};

/// Result with the engine's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of failure an [`Error`] is; the program maps each kind to one documented exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// A wrong or missing option, or a key in a configuration file that is unknown or has a bad value.
    Usage,
    /// A structure or data file that cannot be read or makes no physical sense.
    Input,
    /// A model file that cannot be used (foreign, truncated, wrong shapes or hash).
    Model,
    /// A structure that the model refuses: an element, charge or spin outside its domain.
    Domain,
    /// A procedure that did not converge.
    NotConverged,
    /// A file that cannot be read from or written to the disk.
    Io,
}

/// An error with its place. `Display` gives one line: `file:line: message`.
#[derive(Debug, thiserror::Error)]
#[error("{}{message}", location(.path.as_deref(), *.line))]
pub struct Error {
    /// The kind, which decides the exit code.
    pub kind: ErrorKind,
    /// What is wrong and the mend, without the place.
    pub message: String,
    /// The file concerned.
    pub path: Option<PathBuf>,
    /// The line in the file, from 1.
    pub line: Option<u64>,
}

fn location(path: Option<&Path>, line: Option<u64>) -> String {
    match (path, line) {
        (Some(p), Some(l)) => format!("{}:{l}: ", p.display()),
        (Some(p), None) => format!("{}: ", p.display()),
        (None, Some(l)) => format!("line {l}: "),
        (None, None) => String::new(),
    }
}

impl Error {
    /// An error of the given kind without a place.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), path: None, line: None }
    }
    /// A usage or configuration error.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }
    /// An error in a structure or data file.
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Input, message)
    }
    /// A model file that cannot be used.
    pub fn model(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Model, message)
    }
    /// A structure outside a model's domain.
    pub fn domain(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Domain, message)
    }
    /// A procedure that did not converge.
    pub fn not_converged(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotConverged, message)
    }
    /// A failed read or write of `path`.
    pub fn io(path: impl Into<PathBuf>, source: &std::io::Error) -> Self {
        Self::new(ErrorKind::Io, source.to_string()).at(path)
    }
    /// The same error, placed in a file (kept if a file is already named).
    pub fn at(mut self, path: impl Into<PathBuf>) -> Self {
        self.path.get_or_insert_with(|| path.into());
        self
    }
    /// The same error, placed at a line (from 1; kept if a line is already named).
    pub fn on_line(mut self, line: u64) -> Self {
        self.line.get_or_insert(line);
        self
    }
}
