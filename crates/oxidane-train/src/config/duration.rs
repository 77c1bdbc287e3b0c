//! Lengths of time written as `90min`, `2h`, `45s`.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A length of time; written with its unit: `s`, `min`, `h` or `d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Duration {
    /// Whole milliseconds.
    pub milliseconds: u64,
}

impl Duration {
    /// The same as the standard library's type.
    pub fn std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.milliseconds)
    }
}

const UNITS: [(&str, f64); 5] =
    [("ms", 1.0), ("min", 60_000.0), ("s", 1000.0), ("h", 3_600_000.0), ("d", 86_400_000.0)];

impl FromStr for Duration {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is not a length of time; write for example 90min, 2h or 45s");
        let (unit, factor) = UNITS.iter().find(|(u, _)| text.ends_with(u)).ok_or_else(bad)?;
        let number: f64 = text[..text.len() - unit.len()].trim().parse().map_err(|_| bad())?;
        if !(number >= 0.0 && number.is_finite()) {
            return Err(bad());
        }
        Ok(Self { milliseconds: (number * factor).round() as u64 })
    }
}

impl TryFrom<String> for Duration {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.milliseconds)
    }
}

impl From<Duration> for String {
    fn from(d: Duration) -> Self {
        d.to_string()
    }
}
