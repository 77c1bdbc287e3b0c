//! Structures unlike any that a model was trained on.

use oxidane_core::{Evaluation, System, Uncertainty, elements};

use crate::output::Voice;

/// The strangest atom in words, if it is stranger than any that was trained on.
pub fn describe(uncertainty: &Uncertainty, numbers: &[u8]) -> Option<String> {
    let atoms = uncertainty.strangeness.iter().copied().enumerate();
    let (atom, times) = atoms.max_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, times)| *times > 1.0)?;
    Some(format!(
        "atom {} ({}) has surroundings {times:.1} times as strange as the strangest that the model was trained on",
        atom + 1,
        elements::symbol(numbers[atom])
    ))
}

/// Tells the user of structures unlike any trained on: the first in words, the others as a number.
pub struct Strangers {
    voice: Voice,
    count: usize,
}

impl Strangers {
    /// None so far.
    pub fn new(voice: Voice) -> Self {
        Self { voice, count: 0 }
    }

    /// Looks at a structure of this name.
    pub fn see(&mut self, name: &str, system: &System, results: &Evaluation) {
        let Some(what) = results.uncertainty.as_ref().and_then(|u| describe(u, &system.numbers)) else {
            return;
        };
        self.count += 1;
        if self.count == 1 {
            self.voice.note(&format!("{name}: {what}: the energy and its uncertainty are extrapolations"));
        }
    }

    /// To be called after the last structure.
    pub fn finish(self) {
        if self.count > 1 {
            self.voice.note(&format!("{} structures in all have such surroundings", self.count));
        }
    }
}
