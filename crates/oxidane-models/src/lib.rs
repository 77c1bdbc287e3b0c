//! Oxidane's learned models: layers, one folder per architecture, model files, checkpoint import and the models
//! that ship with the program.

mod batch;
mod network;
mod parameters;

pub use batch::Batch;
pub use network::{Network, Outputs, Scratch};
pub use parameters::{Entry, Layout, Slot};
