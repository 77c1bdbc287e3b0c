//! Why the program ends, and with which code: the one place where failures become exit codes.

use std::process::ExitCode;

use oxidane_core::{Error, ErrorKind};

/// The table of exit codes, shown at the end of every help text.
pub const EXIT_CODES: &str = "Exit codes:
  0    done
  2    wrong use: an option or a configuration key that is unknown, missing or without effect
  3    bad input: a structure or data file that cannot be read or makes no physical sense
  4    the model file cannot be used (foreign, truncated, damaged, wrong shapes)
  5    outside the model's domain: an element, charge or spin that it was not trained on, or a method does not cover
  6    not converged: an optimisation (its files are written all the same), or the electrons of gfn2 (no number is given)
  7    a file cannot be read or written: no such file, no permission, disk full
  130  interrupted (Ctrl-C); restart files are written first";

/// The end of a verb that did not come through.
pub enum Failure {
    /// Something is wrong; one line says what.
    Error(Error),
    /// The user stopped the program; one line says how to go on.
    Interrupted(String),
    /// Whoever read the output has closed it (`| head`): not an error.
    OutputClosed,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// What verbs return.
pub type Outcome<T = ()> = Result<T, Failure>;

/// The exit code of a kind of error.
pub fn code(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Usage => 2,
        ErrorKind::Input => 3,
        ErrorKind::Model => 4,
        ErrorKind::Domain => 5,
        ErrorKind::NotConverged => 6,
        ErrorKind::Io => 7,
    }
}

/// Tells the failure in one line on the standard error and gives the exit code.
pub fn conclude(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) | Err(Failure::OutputClosed) => ExitCode::SUCCESS,
        Err(Failure::Error(error)) => {
            tell(&format!("error: {error}"));
            ExitCode::from(code(error.kind))
        }
        Err(Failure::Interrupted(how_to_go_on)) => {
            tell(&format!("interrupted: {how_to_go_on}"));
            ExitCode::from(130)
        }
    }
}

/// Refused arguments, in one line; help and version as they are.
pub fn refuse_arguments(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // A closed pipe here is no error either.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let text = error.render().to_string();
    let lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
    let said: Vec<_> = lines.take_while(|l| !l.starts_with("Usage:") && !l.starts_with("For more")).collect();
    tell(&format!("{} (see --help)", said.join(" ")));
    ExitCode::from(code(ErrorKind::Usage))
}

/// One line on the standard error, where a closed stream is nobody's concern.
fn tell(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{}", line.replace(['\n', '\r'], " "));
}
