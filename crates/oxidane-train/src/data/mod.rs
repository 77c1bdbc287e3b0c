//! Labelled structures: the data set, its division, neighbour lists, the order of training.

mod dataset;
mod edges;
mod labelled;
mod plan;
mod read;
mod record;
mod reference;
mod split;

pub use dataset::{Builder, Dataset};
pub use edges::EdgeCache;
pub use labelled::{Labelled, Origin, Present, Summary};
pub use plan::{BatchSize, Epoch, Plan, pack};
pub use read::{TrainingData, read_dataset};
pub use reference::{ReferenceEnergies, fit};
pub use split::{Parts, divide, read_list};
