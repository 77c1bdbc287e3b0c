//! What the program shows: tables, JSON, plots, progress.

pub mod errors;
pub mod html;
pub mod json;
pub mod out;
pub mod plot;
pub mod progress;
pub mod table;

pub use out::{Out, Voice};
