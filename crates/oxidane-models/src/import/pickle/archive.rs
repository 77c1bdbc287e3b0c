//! The zip archive around a checkpoint's pickle.

use super::cursor::Cursor;
use super::machine;
use super::tensor::TensorRef;
use super::value::Tree;
use crate::tensor::Tensor;
use oxidane_core::{Error, Result};
use std::collections::BTreeMap;
use std::io::{Cursor as Bytes, Read};
use std::path::Path;
use zip::ZipArchive;

/// Largest pickle accepted, in bytes; checkpoints have well under a megabyte.
const MAX_PICKLE: u64 = 8 << 20;
/// Largest storage accepted, in bytes.
const MAX_STORAGE: u64 = 1 << 30;

/// A PyTorch `.pt` file (`torch.save` since PyTorch 1.6): its tree of values and, on demand, its tensors.
#[derive(Debug, Clone)]
pub struct TorchFile {
    bytes: Vec<u8>,
    /// Everything before `data.pkl` in entry names.
    prefix: String,
    big_endian: bool,
    tree: Tree,
}

impl TorchFile {
    /// Reads a file.
    ///
    /// # Errors
    /// The file cannot be read, or see [`TorchFile::from_bytes`]; the path is named.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| Error::io(path, &e))?;
        Self::from_bytes(bytes).map_err(|e| e.at(path))
    }

    /// Reads a file's bytes.
    ///
    /// # Errors
    /// Not a zip archive (with a hint at what it is), a compiled (TorchScript) model, or a damaged file.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self> {
        if !bytes.starts_with(b"PK") {
            return Err(Error::model(foreign_format(&bytes)));
        }
        let mut zip = ZipArchive::new(Bytes::new(&bytes[..])).map_err(|e| damaged(&e.to_string()))?;
        let names = zip
            .file_names()
            .map(|n| n.map(|n| n.into_owned()))
            .collect::<std::result::Result<Vec<String>, _>>()
            .map_err(|e| damaged(&e.to_string()))?;
        if names.iter().any(|n| n.ends_with("/constants.pkl") || n.contains("/code/")) {
            return Err(Error::model(
                "this is a compiled (TorchScript) model without its hyperparameters; give the trainer's checkpoint \
                 that it was made from",
            ));
        }
        let prefix = names
            .iter()
            .filter_map(|n| n.strip_suffix("data.pkl"))
            .filter(|p| p.is_empty() || p.ends_with('/'))
            .min_by_key(|p| p.len())
            .ok_or_else(|| {
                Error::model("no data.pkl in this archive; give a checkpoint saved by torch.save")
            })?
            .to_owned();
        let big_endian = match names.iter().find(|n| n.strip_prefix(&prefix) == Some("byteorder")) {
            Some(name) => match &entry(&mut zip, name, 16)?[..] {
                b"little" => false,
                b"big" => true,
                other => return Err(damaged(&format!("byte order '{}'", String::from_utf8_lossy(other)))),
            },
            None => false,
        };
        let pickle = entry(&mut zip, &format!("{prefix}data.pkl"), MAX_PICKLE)?;
        let tree = machine::run(&pickle)?;
        drop(zip);
        Ok(Self { bytes, prefix, big_endian, tree })
    }

    /// The values.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }
    /// The outermost value.
    pub fn root(&self) -> Cursor<'_> {
        Cursor::new(&self.tree, self.tree.root())
    }

    /// The numbers of several tensors, by name. A storage that several tensors share is read once.
    ///
    /// # Errors
    /// A storage is missing or has another length than the pickle says, or a tensor reaches outside it.
    pub fn tensors<'a>(
        &self,
        wanted: impl IntoIterator<Item = (String, &'a TensorRef)>,
    ) -> Result<BTreeMap<String, Tensor>> {
        let mut zip = ZipArchive::new(Bytes::new(&self.bytes[..])).map_err(|e| damaged(&e.to_string()))?;
        let mut last: Option<(String, Vec<u8>)> = None;
        let mut budget = MAX_STORAGE / 8;
        let mut all = BTreeMap::new();
        for (name, t) in wanted {
            let len = t.checked_len().map_err(|e| named(&name, e))? as u64;
            budget = budget
                .checked_sub(len)
                .ok_or_else(|| Error::model("more than 134 million numbers: too large for a checkpoint"))?;
            let cached = last.as_ref().is_some_and(|(k, b)| {
                *k == t.key && b.len() as u64 == t.storage_len.saturating_mul(t.dtype.size() as u64)
            });
            if !cached {
                last = Some((t.key.clone(), self.storage(&mut zip, t).map_err(|e| named(&name, e))?));
            }
            let bytes = &last.as_ref().unwrap().1;
            all.insert(name, t.gather(bytes)?);
        }
        Ok(all)
    }

    /// A storage's bytes, little-endian.
    fn storage(&self, zip: &mut ZipArchive<Bytes<&[u8]>>, t: &TensorRef) -> Result<Vec<u8>> {
        let size = t.dtype.size();
        let want = t.storage_len.checked_mul(size as u64).filter(|&n| n <= MAX_STORAGE);
        let want = want.ok_or_else(|| damaged(&format!("storage '{}' of absurd length", t.key)))?;
        let mut bytes = entry(zip, &format!("{}data/{}", self.prefix, t.key), want)?;
        if bytes.len() as u64 != want {
            let have = bytes.len();
            return Err(damaged(&format!("storage '{}' has {have} bytes instead of {want}", t.key)));
        }
        if self.big_endian {
            bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
        }
        Ok(bytes)
    }
}

/// An entry's contents, refused when longer than `limit`. The buffer grows with what is really there, so a false length
/// in the archive's directory reserves nothing.
fn entry(zip: &mut ZipArchive<Bytes<&[u8]>>, name: &str, limit: u64) -> Result<Vec<u8>> {
    let file = zip.by_name(name).map_err(|e| damaged(&format!("entry '{name}': {e}")))?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|e| damaged(&format!("entry '{name}': {e}")))?;
    if bytes.len() as u64 > limit {
        return Err(damaged(&format!("entry '{name}' is longer than {limit} bytes")));
    }
    Ok(bytes)
}

fn damaged(what: &str) -> Error {
    Error::model(format!("damaged or truncated checkpoint ({what}); copy or download it again"))
}

fn named(name: &str, e: Error) -> Error {
    Error { message: format!("{name}: {}", e.message), ..e }
}

/// What a file that is no zip archive looks like, with the mend.
fn foreign_format(bytes: &[u8]) -> String {
    let resave = "load it in PyTorch 1.6 or later and save it again with torch.save";
    if bytes.is_empty() {
        "the file is empty; copy or download it again".into()
    } else if bytes[0] == 0x80 {
        format!("a checkpoint in PyTorch's old format (before 1.6); {resave}")
    } else if bytes.get(257..262) == Some(b"ustar") {
        format!("a checkpoint in PyTorch's oldest format (tar); {resave}")
    } else if bytes.get(8) == Some(&b'{') {
        "a safetensors file, not a PyTorch checkpoint; give it as a model file".into()
    } else {
        "not a PyTorch checkpoint (no zip archive); give a file saved by torch.save".into()
    }
}
