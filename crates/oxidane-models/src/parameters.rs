//! The weights of a network as one flat array with names and shapes.

use oxidane_core::{Error, Result};
use oxidane_math::Real;
use serde::{Deserialize, Serialize};

/// One named tensor within the flat array.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Name, the same in model files and error messages.
    pub name: String,
    /// Row-major shape.
    pub shape: Vec<usize>,
    /// Index of its first number.
    pub offset: usize,
    /// Whether an optimiser changes it (a fixed table is not trained).
    pub trainable: bool,
    /// Whether weight decay applies (matrices: yes; biases, norms, basis parameters: no).
    pub decay: bool,
}

impl Entry {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }
    /// Whether the tensor has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Place in the flat array.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.offset..self.offset + self.len()
    }
}

/// Names, shapes and places of all weights of a network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// The tensors in order of their place.
    pub entries: Vec<Entry>,
    /// Total number of elements.
    pub len: usize,
}

impl Layout {
    /// Number of weights that an optimiser changes.
    pub fn trainable(&self) -> usize {
        self.entries.iter().filter(|e| e.trainable).map(Entry::len).sum()
    }
    /// Appends a tensor and returns its handle.
    pub fn add(&mut self, name: impl Into<String>, shape: &[usize], trainable: bool, decay: bool) -> Slot {
        let entry = Entry { name: name.into(), shape: shape.to_vec(), offset: self.len, trainable, decay };
        let slot = Slot { offset: entry.offset, len: entry.len() };
        self.len += entry.len();
        self.entries.push(entry);
        slot
    }
    /// Refuses another number of weights than the layout has.
    pub(crate) fn fits(&self, weights: usize) -> Result<()> {
        if weights != self.len {
            return Err(Error::model(format!("{weights} weights for an architecture of {}", self.len)));
        }
        Ok(())
    }
    /// The tensor of that name.
    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|e| e.name == name)
    }
}

/// Place of one tensor in the flat array.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Slot {
    /// Index of its first number.
    pub offset: usize,
    /// Number of elements.
    pub len: usize,
}

impl Slot {
    /// The tensor's numbers.
    #[inline(always)]
    pub fn of<R: Real>(self, all: &[R]) -> &[R] {
        &all[self.offset..self.offset + self.len]
    }
    /// The tensor's numbers for writing.
    #[inline(always)]
    pub fn of_mut<R: Real>(self, all: &mut [R]) -> &mut [R] {
        &mut all[self.offset..self.offset + self.len]
    }
}
