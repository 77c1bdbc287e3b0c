//! Training: data sets, losses, optimiser, trainer, resume, evaluation. Nothing here prints; progress goes to an
//! [`Observer`].
//!
//! ```no_run
//! use oxidane_train::{Config, Trainer, prepare};
//! # fn main() -> oxidane_core::Result<()> {
//! let config = Config::read("train.toml".as_ref())?;
//! let mut trainer = Trainer::start(prepare::<f32>(config, "run".as_ref())?)?;
//! trainer.run(&mut (), &false.into())?;
//! for (set, report) in trainer.final_errors()? {
//!     println!("{set}: {} structures", report.structures);
//! }
//! # Ok(()) }
//! ```

mod checkpoint;
pub mod config;
pub mod data;
pub mod evaluate;
mod exact;
pub mod gradient;
mod heads;
mod log;
pub mod loss;
mod model_file;
mod observer;
pub mod optimizer;
mod random;
pub mod schedule;
mod setup;
mod trainer;
pub mod uncertainty;

pub use config::Config;
pub use data::{ReferenceEnergies, TrainingData};
pub use heads::Heads;
pub use model_file::ModelFiles;
pub use observer::{Observer, StepEvent, ValidationEvent};
pub use setup::{calibrate_on, prepare, prepare_on};
pub use trainer::{Best, CHECKPOINT, ModelWriter, Outcome, PARITY_POINTS, Setup, TrainedModel, Trainer};
