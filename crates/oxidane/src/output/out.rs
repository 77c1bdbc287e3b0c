//! The standard output, where a closed pipe is not an error and a full disk is; and side remarks.

use std::fmt::Display;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Stdout, Write};

use oxidane_core::Error;

use crate::exit::{Failure, Outcome};

/// How much the program says besides its results (on the standard error).
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::Args)]
pub struct Voice {
    /// Say nothing but results and errors
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Output")]
    pub quiet: bool,
    /// Also say how long it took
    #[arg(short, long, global = true, help_heading = "Output")]
    pub verbose: bool,
}

impl Voice {
    /// A remark that the user should see.
    pub fn note(self, text: &str) {
        if !self.quiet {
            let _ = writeln!(io::stderr(), "note: {text}");
        }
    }

    /// A remark for the curious.
    pub fn detail(self, text: &str) {
        if self.verbose {
            let _ = writeln!(io::stderr(), "{text}");
        }
    }
}

/// Buffered standard output.
pub struct Out {
    inner: BufWriter<Stdout>,
    /// A terminal or a pipe that is watched wants every line at once.
    live: bool,
    /// The work goes on without a reader: its files count.
    lasting: bool,
    /// Nobody reads any more.
    closed: bool,
}

impl Out {
    /// The standard output of this process.
    pub fn new() -> Self {
        let stdout = io::stdout();
        Self {
            live: stdout.is_terminal(),
            inner: BufWriter::with_capacity(1 << 16, stdout),
            lasting: false,
            closed: false,
        }
    }

    /// The standard output of work that writes files: once nobody reads it, it is silent, and the work goes on.
    pub fn lasting() -> Self {
        Self { lasting: true, ..Self::new() }
    }

    /// One line.
    pub fn line(&mut self, text: impl Display) -> Outcome {
        if self.closed {
            return Ok(());
        }
        let done = writeln!(self.inner, "{text}");
        self.settle(done)?;
        if self.live { self.flush() } else { Ok(()) }
    }

    /// Hands on what is buffered.
    pub fn flush(&mut self) -> Outcome {
        if self.closed {
            return Ok(());
        }
        let done = self.inner.flush();
        self.settle(done)
    }

    fn settle(&mut self, done: io::Result<()>) -> Outcome {
        match done.map_err(failure) {
            Err(Failure::OutputClosed) if self.lasting => {
                self.closed = true;
                Ok(())
            }
            other => other,
        }
    }
}

fn failure(error: io::Error) -> Failure {
    match error.kind() {
        ErrorKind::BrokenPipe => Failure::OutputClosed,
        _ => Failure::Error(Error::io("standard output", &error)),
    }
}
