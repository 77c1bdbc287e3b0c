//! The training configuration: a TOML file in which every key is known or refused.

mod checks;
mod data;
mod duration;
mod heads;
mod sections;

pub(crate) use checks::MOST_STEPS;
pub use data::{Data, DataSet, Differences, Split};
pub use duration::Duration;
pub use heads::{Head, ReferenceEnergies, ReferenceMethod};
pub use sections::{
    CHUNK_ATOMS, Card, Ema, Finetune, LossKind, LossTerm, Losses, Model, Monitor, Optimizer, Precision,
    Schedule, ScheduleKind, Train,
};

use oxidane_core::{Error, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// A whole training configuration. File names are relative to the folder of the configuration file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `[model]`: architecture and its hyperparameters.
    pub model: Model,
    /// `[[heads]]`: the levels of theory; none for an only one that needs no key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heads: Vec<Head>,
    /// `[data]`: files, label names, split, for each set.
    pub data: Data,
    /// `[reference_energies]`: what is subtracted from the energies per element, where there are no `[[heads]]`.
    #[serde(default)]
    pub reference_energies: ReferenceEnergies,
    /// `[loss]`: which properties are trained on, with kind and weight.
    pub loss: Losses,
    /// `[optimizer]`: AdamW.
    #[serde(default)]
    pub optimizer: Optimizer,
    /// `[schedule]`: learning rate over the steps.
    #[serde(default)]
    pub schedule: Schedule,
    /// `[ema]`: moving average of the weights.
    #[serde(default)]
    pub ema: Ema,
    /// `[train]`: length, batches, validation, checkpoints.
    pub train: Train,
    /// `[card]`: what the model file says about the model.
    #[serde(default)]
    pub card: Card,
    /// `[finetune]`: start from a trained model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finetune: Option<Finetune>,
}

impl Config {
    /// Reads and checks a configuration file; relative file names in it become relative to its folder.
    ///
    /// # Errors
    /// The file cannot be read, a key is unknown or missing, or a value makes no sense; the message names the
    /// file, the line where known, the key and what would be accepted.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::io(path, &e))?;
        let mut config = Self::parse(&text).map_err(|e| e.at(path))?;
        config.resolve(path.parent().unwrap_or(Path::new("")));
        Ok(config)
    }

    /// Parses and checks the text of a configuration.
    pub fn parse(text: &str) -> Result<Self> {
        let config: Self = toml::from_str(text).map_err(|e| {
            let line = e.span().map(|s| 1 + text[..s.start].matches('\n').count() as u64);
            let error = Error::usage(e.message().replace('\n', " "));
            match line {
                Some(line) => error.on_line(line),
                None => error,
            }
        })?;
        config.check()?;
        Ok(config)
    }

    /// Hash of everything that decides the result of a run. Left out, and so free to change between a run and its
    /// resumption: threads, time limit, time between checkpoints, memory, and where the files
    /// lie (the data have a hash of their own, [`crate::data::Dataset::hash`]).
    pub fn fingerprint(&self) -> String {
        let mut decisive = self.decisive();
        for set in &mut decisive.data.sets {
            set.files.clear();
            set.validation_files.clear();
            set.test_files.clear();
        }
        decisive.paths().for_each(|p| *p = PathBuf::new());
        let text = serde_json::to_string(&decisive).expect("a configuration is plain data");
        hex(&Sha256::digest(text.as_bytes()))
    }

    /// The configuration without what may differ between a run and its resumption.
    pub(crate) fn decisive(&self) -> Self {
        let mut decisive = self.clone();
        decisive.train.threads = 0;
        decisive.train.max_time = None;
        decisive.train.checkpoint_every = Duration::default();
        (decisive.data.cache_mb, decisive.data.memory_mb) = (0, 0);
        decisive
    }

    /// All file names in the configuration.
    pub(crate) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let model = self.finetune.iter_mut().map(|f| &mut f.model);
        self.data.sets.iter_mut().flat_map(DataSet::paths).chain(model)
    }

    fn resolve(&mut self, folder: &Path) {
        let named =
            self.finetune.as_ref().map(|f| f.model.clone()).filter(|m| names_a_shipped_model(folder, m));
        self.paths().for_each(|p| *p = folder.join(&*p));
        // The name of a model inside the program is no file name.
        if let (Some(name), Some(section)) = (named, &mut self.finetune) {
            section.model = name;
        }
    }

    /// The heads that are trained: those of `[[heads]]`, or the only one, whose keys stand in other sections.
    pub fn heads(&self) -> Vec<Head> {
        if !self.heads.is_empty() {
            return self.heads.clone();
        }
        vec![Head {
            level_of_theory: self.card.level_of_theory.clone(),
            reference_energies: self.reference_energies.clone(),
            base: self.data.base.clone(),
            ..Head::default()
        }]
    }

    fn check(&self) -> Result<()> {
        let finetuned = self.finetune.is_some();
        self.data.check()?;
        self.reference_energies.check("reference_energies", finetuned)?;
        heads::check(self)?;
        self.loss.check()?;
        let compared = self.data.sets.iter().position(|set| set.differences.is_some());
        let term = self.loss.energy_differences.filter(|term| term.weight > 0.0);
        if let (Some(k), None) = (compared, term) {
            return Err(Error::usage(format!(
                "{}.differences has no effect without a weight of loss.energy_differences: add the term, or drop the key",
                self.data.place(k)
            )));
        }
        self.optimizer.check()?;
        self.schedule.check(self.optimizer.lr)?;
        self.ema.check()?;
        self.train.check()
    }

    /// The place of a set's head in [`Config::heads`].
    pub(crate) fn head_of(&self, set: &DataSet) -> usize {
        let found = set.head.as_ref().and_then(|name| self.heads.iter().position(|h| h.name() == name));
        found.unwrap_or(0)
    }
}

/// Whether `model` is a bare word and no file of that name lies in `folder`.
fn names_a_shipped_model(folder: &Path, model: &Path) -> bool {
    model.extension().is_none() && model.components().count() == 1 && !folder.join(model).exists()
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut s, b| {
        let _ = write!(s, "{b:02x}");
        s
    })
}

#[cfg(test)]
mod tests;
