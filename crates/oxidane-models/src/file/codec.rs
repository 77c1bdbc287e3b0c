//! Model files to bytes and back.

use super::hash::{Stored, hash};
use super::header::{FORMAT_VERSION, Header};
use super::{Tensor, Tensors};
use crate::tensor::{bf16_to_f64, f16_to_f64};
use oxidane_core::io::write_atomically;
use oxidane_core::{Error, Result};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// The metadata key of the header.
const KEY: &str = "oxidane";

/// Writes a model file, all or nothing, and returns its hash. `header.format_version` and `header.hash` are set here.
///
/// # Errors
/// A header that makes no sense, a tensor whose shape does not fit its numbers, a number that is not finite, or a
/// failed write.
pub fn write(path: &Path, header: &Header, tensors: &Tensors) -> Result<String> {
    let (bytes, hash) = encode(header, tensors)?;
    write_atomically(path, |out| out.write_all(&bytes).map_err(|e| Error::io(path, &e)))?;
    Ok(hash)
}

/// The bytes of a model file, as [`write()`] writes them; the same model always gives the same bytes.
///
/// # Errors
/// As [`write()`], but for the disk.
pub fn to_bytes(header: &Header, tensors: &Tensors) -> Result<Vec<u8>> {
    Ok(encode(header, tensors)?.0)
}

/// Reads a model file.
///
/// # Errors
/// As [`read_bytes`], with the path named; a file that cannot be read.
pub fn read(path: &Path) -> Result<(Header, Tensors)> {
    let bytes = std::fs::read(path).map_err(|e| Error::io(path, &e))?;
    read_bytes(&bytes).map_err(|e| e.at(path))
}

/// Reads a model file's bytes.
///
/// # Errors
/// A file that is truncated, foreign, of a newer format, changed since it was written, or has numbers that are not
/// finite; one line each, with the mend.
pub fn read_bytes(bytes: &[u8]) -> Result<(Header, Tensors)> {
    if bytes.starts_with(b"PK") {
        return Err(Error::model("a PyTorch checkpoint, not a model file; import it first"));
    }
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| unreadable(bytes, &e.to_string()))?;
    let text = metadata.metadata().as_ref().and_then(|m| m.get(KEY)).ok_or_else(|| {
        Error::model(
            "a safetensors file of another program (no 'oxidane' header); give a model file made by this one",
        )
    })?;
    let json: Value = serde_json::from_str(text).map_err(|e| unreadable(bytes, &format!("header: {e}")))?;
    let header = Header::from_json(json.clone())?;
    let file = SafeTensors::deserialize(bytes).map_err(|e| unreadable(bytes, &e.to_string()))?;
    let views: BTreeMap<String, TensorView<'_>> = file.tensors().into_iter().collect();
    let mut stored = Vec::with_capacity(views.len());
    for (name, view) in &views {
        let dtype = dtype_name(view.dtype()).ok_or_else(|| {
            Error::model(format!(
                "tensor {name} has type {:?}; F64, F32, F16 and BF16 are read",
                view.dtype()
            ))
        })?;
        stored.push(Stored { name, dtype, shape: view.shape(), bytes: view.data() });
    }
    if hash(json, stored) != header.hash {
        return Err(Error::model(
            "the model file was changed or damaged since it was written (its hash does not fit); copy it again",
        ));
    }
    let tensors =
        views.iter().map(|(name, view)| Ok((name.clone(), decode(name, view)?))).collect::<Result<_>>()?;
    Ok((header, tensors))
}

fn unreadable(bytes: &[u8], what: &str) -> Error {
    // A safetensors file begins with the length of its JSON header, then that header.
    let truncated = bytes.get(8) == Some(&b'{');
    let kind = if truncated { "truncated or damaged model file" } else { "not a model file" };
    let mend = if truncated { "copy or download it again" } else { "give a .safetensors model file" };
    Error::model(format!("{kind} ({what}); {mend}"))
}

fn encode(header: &Header, tensors: &Tensors) -> Result<(Vec<u8>, String)> {
    let mut header = Header { format_version: FORMAT_VERSION, hash: String::new(), ..header.clone() };
    header.check()?;
    let mut all = Vec::with_capacity(tensors.len());
    for (name, t) in tensors {
        check(name, t)?;
        let (dtype, bytes) = pack(t);
        all.push((name, dtype, &t.shape, bytes));
    }
    let json = serde_json::to_value(&header).map_err(|e| Error::model(format!("model header: {e}")))?;
    header.hash = hash(
        json,
        all.iter().map(|(name, dtype, shape, bytes)| Stored {
            name,
            dtype: dtype_name(*dtype).unwrap_or_default(),
            shape,
            bytes,
        }),
    );
    let text = serde_json::to_string(&header).map_err(|e| Error::model(format!("model header: {e}")))?;
    let views = all
        .iter()
        .map(|(name, dtype, shape, bytes)| {
            TensorView::new(*dtype, shape.to_vec(), bytes).map(|v| (name.as_str(), v))
        })
        .collect::<std::result::Result<Vec<_>, _>>();
    let bytes = views
        .and_then(|views| safetensors::serialize(views, Some(HashMap::from([(KEY.to_string(), text)]))))
        .map_err(|e| Error::model(format!("model file: {e}")))?;
    Ok((bytes, header.hash))
}

fn check(name: &str, t: &Tensor) -> Result<()> {
    if t.shape.iter().product::<usize>() != t.data.len() {
        let n = t.data.len();
        return Err(Error::model(format!("tensor {name} has shape {:?} but {n} numbers", t.shape)));
    }
    if t.data.iter().any(|x| !x.is_finite()) {
        return Err(Error::model(format!(
            "tensor {name} has a number that is not finite; the training diverged"
        )));
    }
    Ok(())
}

/// Single precision where that loses nothing.
fn pack(t: &Tensor) -> (Dtype, Vec<u8>) {
    if t.data.iter().all(|&x| f64::from(x as f32).to_bits() == x.to_bits()) {
        (Dtype::F32, t.data.iter().flat_map(|&x| (x as f32).to_le_bytes()).collect())
    } else {
        (Dtype::F64, t.data.iter().flat_map(|x| x.to_le_bytes()).collect())
    }
}

fn dtype_name(dtype: Dtype) -> Option<&'static str> {
    Some(match dtype {
        Dtype::F64 => "F64",
        Dtype::F32 => "F32",
        Dtype::F16 => "F16",
        Dtype::BF16 => "BF16",
        _ => return None,
    })
}

fn decode(name: &str, view: &TensorView<'_>) -> Result<Tensor> {
    let b = view.data();
    let short =
        |f: fn(u16) -> f64| b.chunks_exact(2).map(|x| f(u16::from_le_bytes(x.try_into().unwrap()))).collect();
    let data = match view.dtype() {
        Dtype::F64 => b.chunks_exact(8).map(|x| f64::from_le_bytes(x.try_into().unwrap())).collect(),
        Dtype::F32 => b.chunks_exact(4).map(|x| f32::from_le_bytes(x.try_into().unwrap()).into()).collect(),
        Dtype::F16 => short(f16_to_f64),
        _ => short(bf16_to_f64),
    };
    let t = Tensor { shape: view.shape().to_vec(), data };
    check(name, &t)?;
    Ok(t)
}
