//! The values a pickle describes, in one flat table.

use super::tensor::{Dtype, TensorRef};

/// Index of a value in its [`Tree`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub(super) u32);

/// One value; children are indices into the same table, so cycles are possible and harmless.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Python's `None`.
    None,
    /// A boolean.
    Bool(bool),
    /// An integer that fits 64 bits.
    Int(i64),
    /// An integer that does not, as little-endian two's complement.
    BigInt(Vec<u8>),
    /// A floating-point number.
    Float(f64),
    /// Text.
    Str(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Id>),
    /// A tuple.
    Tuple(Vec<Id>),
    /// A set or frozen set, in the file's order.
    Set(Vec<Id>),
    /// A dictionary (plain, ordered or with default), in the file's order; of equal keys the last one counts.
    Dict(Vec<(Id, Id)>),
    /// A class or function, by its full name only.
    Global(String),
    /// A tensor's memory, named by its entry in the archive.
    Storage {
        /// Element type; `None` for untyped bytes.
        dtype: Option<Dtype>,
        /// Entry below `data/`.
        key: String,
        /// Number of elements (bytes when untyped).
        len: u64,
    },
    /// A view into a storage.
    Tensor(TensorRef),
    /// An instance of any other class, kept as data.
    Object {
        /// Full name of the class or function called.
        class: String,
        /// What it was called with: a tuple, or another value.
        args: Id,
        /// What was given to `__setstate__` or `__dict__`.
        state: Option<Id>,
        /// Entries set by key.
        items: Vec<(Id, Id)>,
        /// Elements appended.
        list: Vec<Id>,
    },
}

impl Kind {
    /// The kind in words, for messages.
    pub fn name(&self) -> &'static str {
        match self {
            Kind::None => "None",
            Kind::Bool(_) => "a boolean",
            Kind::Int(_) | Kind::BigInt(_) => "an integer",
            Kind::Float(_) => "a number",
            Kind::Str(_) => "text",
            Kind::Bytes(_) => "bytes",
            Kind::List(_) => "a list",
            Kind::Tuple(_) => "a tuple",
            Kind::Set(_) => "a set",
            Kind::Dict(_) => "a dictionary",
            Kind::Global(_) => "a class or function",
            Kind::Storage { .. } => "a storage",
            Kind::Tensor(_) => "a tensor",
            Kind::Object { .. } => "an object",
        }
    }
}

/// All values of one pickle.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    pub(super) nodes: Vec<Kind>,
    pub(super) root: Id,
}

impl Tree {
    /// The value the pickle stands for.
    pub fn root(&self) -> Id {
        self.root
    }
    /// One value.
    pub fn kind(&self, id: Id) -> &Kind {
        &self.nodes[id.0 as usize]
    }
}
