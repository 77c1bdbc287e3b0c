//! What the program does, one file for each verb.

pub mod bench;
pub mod calibrate;
pub mod completions;
pub mod eval;
pub mod freq;
pub mod import;
pub mod info;
pub mod label;
pub mod md;
pub mod opt;
pub mod rdf;
pub mod sample;
pub mod sp;
pub mod train;
