//! Configuration values of a pickle as JSON.

use crate::import::pickle::{Cursor, Kind};
use oxidane_core::{Error, Result};
use serde_json::{Map, Value};

/// Plain values as they are; OmegaConf's nodes by their contents (parents and types are left out).
pub(super) fn json(value: Cursor<'_>) -> Result<Value> {
    convert(value, 0)
}

fn convert(value: Cursor<'_>, depth: usize) -> Result<Value> {
    if depth > 32 {
        return Err(Error::model("the checkpoint's config contains itself; the file is damaged"));
    }
    let deeper = |v| convert(v, depth + 1);
    Ok(match value.kind() {
        Kind::None => Value::Null,
        Kind::Bool(b) => Value::from(*b),
        Kind::Int(i) => Value::from(*i),
        Kind::Float(x) if x.is_finite() => Value::from(*x),
        Kind::Str(s) => Value::from(s.as_str()),
        Kind::List(_) | Kind::Tuple(_) => {
            Value::from(value.elements().unwrap().map(deeper).collect::<Result<Vec<_>>>()?)
        }
        Kind::Dict(_) => {
            let mut map = Map::new();
            for (k, v) in value.entries().unwrap() {
                let k = k
                    .as_str()
                    .ok_or_else(|| Error::model("a key in the checkpoint's config that is not text"))?;
                map.insert(k.to_owned(), deeper(v)?);
            }
            map.into()
        }
        Kind::Object { class, .. } => {
            let state = value.as_object().and_then(|(_, state)| state);
            let inner = state.and_then(|s| s.get("_content").or_else(|| s.get("_val")));
            match inner {
                Some(inner) if class.starts_with("omegaconf.") => deeper(inner)?,
                _ => {
                    return Err(Error::model(format!(
                        "an object of class {class} in the checkpoint's config"
                    )));
                }
            }
        }
        other => return Err(Error::model(format!("{} in the checkpoint's config", other.name()))),
    })
}
