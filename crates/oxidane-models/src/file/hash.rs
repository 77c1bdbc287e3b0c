//! The hash that ties a header to its tensors.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// A tensor's name, type, shape and stored bytes.
pub(super) struct Stored<'a> {
    pub name: &'a str,
    pub dtype: &'static str,
    pub shape: &'a [usize],
    pub bytes: &'a [u8],
}

/// SHA-256, hexadecimal, over the header (keys sorted, hash empty) and the tensors in the order given (by name).
/// Every part is preceded by its length, so that no two models share a byte stream.
pub(super) fn hash<'a>(mut header: Value, tensors: impl IntoIterator<Item = Stored<'a>>) -> String {
    header["hash"] = Value::from("");
    header.sort_all_objects();
    let mut h = Sha256::new();
    let mut part = |bytes: &[u8]| {
        h.update((bytes.len() as u64).to_le_bytes());
        h.update(bytes);
    };
    part(header.to_string().as_bytes());
    for t in tensors {
        part(t.name.as_bytes());
        part(t.dtype.as_bytes());
        part(&t.shape.iter().flat_map(|&n| (n as u64).to_le_bytes()).collect::<Vec<u8>>());
        part(t.bytes);
    }
    h.finalize().iter().map(|b| format!("{b:02x}")).collect()
}
