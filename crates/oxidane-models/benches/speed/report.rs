//! Results as text, or as JSON with one object per line.

use serde_json::{Map, Value};

/// Where results go.
pub struct Report {
    json: bool,
}

/// The fields of one result.
macro_rules! row {
    ($($key:literal => $value:expr),* $(,)?) => {
        serde_json::Map::from_iter([$(($key.to_string(), serde_json::json!($value))),*])
    };
}
pub(crate) use row;

impl Report {
    /// Text, or JSON.
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints one result.
    pub fn line(&self, text: &str, fields: &Map<String, Value>) {
        if self.json {
            println!("{}", Value::Object(fields.clone()));
        } else {
            println!("{text}");
        }
    }
}
