//! Checkpoints: everything a run needs to go on, in one safetensors file with a JSON header, replaced atomically. A
//! hash over every bit of the file stands before the JSON text.

use crate::config::hex;
use oxidane_core::io::write_atomically;
use oxidane_core::{Error, Result};
use oxidane_math::Real;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

/// Key of the JSON text in the header. A single key: the order of several would not be fixed.
const STATE: &str = "oxidane_training_state";

/// Digits of the hash; as long as it is being computed they are zeros.
const DIGITS: usize = 64;

/// Writes `state` and named arrays.
pub fn write<R: Real>(path: &Path, state: &impl Serialize, arrays: &[(&str, &[R])]) -> Result<()> {
    let dtype = if R::BYTES == 4 { Dtype::F32 } else { Dtype::F64 };
    let raw: Vec<(&str, usize, Vec<u8>)> = arrays.iter().map(|(n, a)| (*n, a.len(), bytes(a))).collect();
    let views = raw.iter().map(|(name, len, bytes)| {
        (*name, TensorView::new(dtype, vec![*len], bytes).expect("as many bytes as the shape says"))
    });
    let text = serde_json::to_string(state)
        .map_err(|e| Error::model(format!("the state cannot be written: {e}")))?;
    let header = HashMap::from([(STATE.to_string(), "0".repeat(DIGITS) + &text)]);
    let mut file = safetensors::serialize(views, Some(header))
        .map_err(|e| Error::model(format!("the checkpoint cannot be written: {e}")).at(path))?;
    if let Some(place) = place_of_hash(&file) {
        let hash = hash(&file, &place);
        file[place].copy_from_slice(hash.as_bytes());
    }
    write_atomically(path, |out| out.write_all(&file).map_err(|e| Error::io(path, &e)))
}

/// Reads what [`write`] wrote.
pub fn read<R: Real, S: DeserializeOwned>(path: &Path) -> Result<(S, HashMap<String, Vec<R>>)> {
    let file = std::fs::read(path).map_err(|e| Error::io(path, &e))?;
    let foreign = |what: String| {
        Error::model(format!(
            "this is not a training checkpoint of this program ({what}); give the folder of a run"
        ))
        .at(path)
    };
    let place = place_of_hash(&file).ok_or_else(|| foreign("no state".into()))?;
    if hash(&file, &place).as_bytes() != &file[place] {
        return Err(Error::model(
            "the checkpoint was changed or damaged since it was written (its hash does not fit), or another version \
             of the program wrote it; restore it from a copy, or start a new run",
        )
        .at(path));
    }
    let (_, header) = SafeTensors::read_metadata(&file).map_err(|e| foreign(e.to_string()))?;
    let text = header
        .metadata()
        .as_ref()
        .and_then(|m| m.get(STATE)?.get(DIGITS..))
        .ok_or_else(|| foreign("no state".into()))?;
    let state = serde_json::from_str(text).map_err(|e| foreign(e.to_string()))?;
    let tensors = SafeTensors::deserialize(&file).map_err(|e| foreign(e.to_string()))?;
    let mut arrays = HashMap::new();
    for (name, view) in tensors.tensors() {
        let size = if view.dtype() == Dtype::F32 { 4 } else { 8 };
        if size != R::BYTES {
            return Err(foreign(format!("`{name}` is not {}; set train.precision as it was", R::NAME)));
        }
        arrays.insert(name, numbers(view.data()));
    }
    Ok((state, arrays))
}

/// Where the digits of the hash lie in a file.
fn place_of_hash(file: &[u8]) -> Option<Range<usize>> {
    let mark = format!("\"{STATE}\":\"");
    let start = file.windows(mark.len()).position(|w| w == mark.as_bytes())? + mark.len();
    (start + DIGITS <= file.len()).then_some(start..start + DIGITS)
}

/// SHA-256 of a file with zeros in the place of the hash.
fn hash(file: &[u8], place: &Range<usize>) -> String {
    let mut sha = Sha256::new();
    sha.update(&file[..place.start]);
    sha.update([b'0'; DIGITS]);
    sha.update(&file[place.end..]);
    hex(&sha.finalize())
}

fn bytes<R: Real>(a: &[R]) -> Vec<u8> {
    match R::BYTES {
        4 => a.iter().flat_map(|x| (x.f64() as f32).to_le_bytes()).collect(),
        _ => a.iter().flat_map(|x| x.f64().to_le_bytes()).collect(),
    }
}

fn numbers<R: Real>(bytes: &[u8]) -> Vec<R> {
    match R::BYTES {
        4 => bytes.as_chunks().0.iter().map(|b| R::of(f64::from(f32::from_le_bytes(*b)))).collect(),
        _ => bytes.as_chunks().0.iter().map(|b| R::of(f64::from_le_bytes(*b))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip<R: Real + PartialEq>(values: Vec<R>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c");
        write(&path, &("state", 3u64), &[("a", &values), ("empty", &[])]).unwrap();
        let first = std::fs::read(&path).unwrap();
        let (state, arrays) = read::<R, (String, u64)>(&path).unwrap();
        assert_eq!(state, ("state".to_string(), 3));
        assert_eq!(arrays["a"], values);
        assert!(arrays["empty"].is_empty());
        write(&path, &("state", 3u64), &[("a", &arrays["a"]), ("empty", &[])]).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), first, "the same content gives the same bytes");
    }

    #[test]
    fn arrays_survive_to_the_last_bit() {
        round_trip::<f32>(vec![0.1, -3e-38, f32::MAX, -0.0]);
        round_trip::<f64>(vec![0.1, -3e-308, f64::MAX, -0.0]);
    }

    #[test]
    fn foreign_files_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c");
        for content in [&b""[..], b"hello world, this is not a checkpoint", &[255; 64]] {
            std::fs::write(&path, content).unwrap();
            assert!(read::<f32, u64>(&path).is_err());
        }
        write::<f32>(&path, &1u64, &[("a", &[1.0])]).unwrap();
        assert!(read::<f64, u64>(&path).unwrap_err().to_string().contains("precision"));
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 2]).unwrap();
        assert!(read::<f32, u64>(&path).is_err());
        for bit in 0..8 * whole.len() {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &flipped).unwrap();
            assert!(read::<f32, u64>(&path).is_err(), "bit {bit}");
        }
    }
}
