//! Doubles in JSON by their bits, so that infinity and the last digit survive.

use serde::{Deserialize, Deserializer, Serializer};

pub fn serialize<S: Serializer>(x: &f64, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(&format!("{:016x}", x.to_bits()))
}

pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<f64, D::Error> {
    let text = String::deserialize(d)?;
    u64::from_str_radix(&text, 16).map(f64::from_bits).map_err(serde::de::Error::custom)
}
