//! Reading checkpoints of other programs: bytes to a plain tree of values ([`pickle`]), a tree to weights and
//! hyperparameters of one of our architectures ([`xequinet`]). No code from a file is ever run.

pub mod pickle;
pub mod xequinet;
