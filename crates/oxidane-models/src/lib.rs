//! Oxidane's learned models: layers, one folder per architecture, model files, checkpoint import and the models
//! that ship with the program.

mod batch;
mod blocks;
pub mod charges;
mod derivatives;
mod edges;
pub mod file;
pub mod heads;
pub mod import;
pub mod irreps;
pub mod layers;
mod model;
pub mod mpnice;
mod network;
pub mod orbital;
mod parameters;
mod potential;
mod random;
pub mod registry;
pub mod shipped;
mod tensor;
mod uncertainty;
pub mod xpainn;

pub use batch::Batch;
pub use model::{Model, PotentialOptions, Precision};
pub use network::{Features, Network, Outputs, Scratch};
pub use parameters::{Entry, Layout, Slot};
pub use potential::{Domain, Exact, NetworkPotential};
pub use tensor::Tensor;
pub use uncertainty::PredictionRigidity;
