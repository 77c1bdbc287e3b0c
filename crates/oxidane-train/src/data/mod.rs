//! Labelled structures: the data set, its division, neighbour lists, the order of training.

mod base;
mod dataset;
mod dispersion;
mod edges;
mod families;
mod labelled;
mod plan;
mod read;
mod record;
mod reference;
mod split;

pub use base::BaseLabels;
pub use dataset::{Builder, Dataset, Set};
pub use dispersion::Correction;
pub use edges::EdgeCache;
pub use families::Member;
pub(crate) use families::{Differences, by_family, runs, runs_of};
pub use labelled::{Labelled, Origin, Present, Summary};
pub use plan::{BatchSize, Draw, Epoch, Plan, pack};
pub use read::{Target, TrainingData, read_dataset};
pub(crate) use reference::with_references;
pub use reference::{ReferenceEnergies, by_symbol, fit};
pub use split::{Parts, divide, read_list};
