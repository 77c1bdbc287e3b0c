//! `info` and `models`: what a model is.

use oxidane_core::Error;

use crate::args::{InfoArgs, ModelsArgs};
use crate::exit::Outcome;

/// Prints what a model is.
pub fn run(_args: &InfoArgs) -> Outcome {
    Err(Error::model("no model is inside this build of the program").into())
}

/// Prints the models inside the program.
pub fn list(_args: &ModelsArgs) -> Outcome {
    Err(Error::model("no model is inside this build of the program").into())
}
