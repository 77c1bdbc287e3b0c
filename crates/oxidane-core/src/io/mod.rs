//! File formats: reading and writing structures with what files say about them.
//!
//! | format | read | written |
//! |---|---|---|
//! | XYZ, extended XYZ | yes, any number of frames, streamed, random access by [`FrameIndex`] | yes |
//! | POSCAR, CONTCAR (VASP 5) | yes | yes |
//! | CIF | yes, symmetry operations applied | yes, in P1 |
//! | mol, SDF (V2000, V3000) | yes | no |
//!
//! `.gz`, `.xz` and `.zst` are unpacked on the fly, known by their first bytes. A [`Frame`] is a
//! [`crate::System`] with the per-frame values, per-atom arrays and the comment of the file; units are taken
//! as they stand (angstrom for lengths). Errors name file and line.

mod atomic;
mod charge;
mod cif;
mod cif_write;
mod compress;
mod data;
mod format;
mod frame;
mod index;
mod keyvalue;
mod labels;
mod lines;
mod poscar;
mod poscar_write;
mod reader;
mod sdf;
mod writer;
mod xyz;
mod xyz_write;

pub use atomic::write_atomically;
pub use charge::ChargeSpin;
pub use compress::{Source, open, unpack};
pub use data::{Array, Data, Shape, Value};
pub use format::Format;
pub use frame::{Frame, MOVE_MASK, Origin};
pub use index::FrameIndex;
pub use labels::LabelKeys;
pub use reader::{FrameReader, read_all, read_first, read_str};
pub use writer::{FrameWriter, format_to_write, frame_to_string, write_frames};
