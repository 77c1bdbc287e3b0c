//! Ctrl-C (and a polite kill): the work under way finishes its step, saves itself and stops.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use oxidane_core::{Error, Result};

static ASKED: AtomicBool = AtomicBool::new(false);

/// From here on Ctrl-C only raises a flag; a second one ends the program at once.
///
/// # Errors
/// If the system refuses the handler.
pub fn watch() -> Result<()> {
    ctrlc::set_handler(|| {
        if ASKED.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
        // A step can take minutes, and whoever waits at a terminal must not think that nothing happened.
        if std::io::stderr().is_terminal() {
            let _ =
                writeln!(std::io::stderr(), "stopping after the step under way; once more ends it at once");
        }
    })
    .map_err(|e| Error::new(oxidane_core::ErrorKind::Io, format!("cannot watch for Ctrl-C: {e}")))
}

/// Whether the user has asked to stop.
pub fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}

/// The flag itself, for work that looks at it on its own.
pub fn flag() -> &'static AtomicBool {
    &ASKED
}
