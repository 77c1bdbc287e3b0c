//! Model files: one safetensors file whose metadata key `oxidane` holds a versioned JSON [`Header`].
//!
//! Numbers are stored without loss: a tensor as `F32` where every number is one, else as `F64`. `F16` and `BF16` are
//! read too. The header carries a hash over itself and all tensors. Files of every older format version are read.

mod codec;
mod flat;
mod hash;
mod head;
mod header;
mod version_1;

pub use codec::{read, read_bytes, to_bytes, write};
pub use flat::{join, split};
pub use head::{Base, Calibration, Dispersion, Head};
pub use header::{ErrorEntry, FORMAT_VERSION, Header, Provenance, Units};

use crate::tensor::Tensor;
use std::collections::BTreeMap;

/// Tensors by name.
pub type Tensors = BTreeMap<String, Tensor>;
