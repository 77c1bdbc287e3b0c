//! A reader of PyTorch `.pt` files (a zip archive around a pickle) that runs no code.
//!
//! A pickle is a program for a small stack machine whose dangerous instructions call Python objects by name. Here
//! names stay names: a handful of known calls (tensors, ordered dictionaries, NumPy scalars) are understood, and every
//! other one becomes an inert [`Object`](Kind::Object). Values live in one flat table and refer to each other by
//! index, so a file may share values and contain cycles without harm. What a file can make us allocate is bounded by
//! its own length (values) or by the lengths of its zip entries (tensors), with fixed ceilings on both.

mod archive;
mod cursor;
mod machine;
mod tensor;
mod value;

pub use archive::TorchFile;
pub use cursor::Cursor;
pub use tensor::{Dtype, TensorRef};
pub use value::{Id, Kind, Tree};

use oxidane_core::Result;

/// Reads a bare pickle (no archive around it, hence no tensor data).
///
/// # Errors
/// One line naming the offset and what is wrong there.
pub fn parse(bytes: &[u8]) -> Result<Tree> {
    machine::run(bytes)
}
