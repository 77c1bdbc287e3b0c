//! Writing keys and values so that they are read again as they were.

use super::infer::{infer, is_matrix_key};
use super::scan::{Raw, is_special};
use crate::error::{Error, Result};
use crate::io::data::{Data, Shape, Value};

/// A value in short, for messages.
pub(in crate::io) fn show(value: &Value) -> String {
    let text = write_value("", value);
    if text.chars().count() > 40 { format!("{}...", text.chars().take(40).collect::<String>()) } else { text }
}

/// A number with as many digits as are needed to read the same number again.
pub(in crate::io) fn write_real(x: f64) -> String {
    format!("{x:?}")
}

fn write_json_item(data: &Data, i: usize) -> String {
    match data {
        Data::Bool(v) => v[i].to_string(),
        Data::Int(v) => v[i].to_string(),
        Data::Real(v) if v[i].is_infinite() => if v[i] > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
        Data::Real(v) => write_real(v[i]),
        Data::Text(v) => write_json_string(&v[i]),
    }
}

fn write_json_string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn write_json_row(data: &Data, range: std::ops::Range<usize>) -> String {
    format!("[{}]", range.map(|i| write_json_item(data, i)).collect::<Vec<_>>().join(", "))
}

/// Text in double quotes, quotes and backslashes escaped.
pub(in crate::io) fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn write_plain_item(data: &Data, i: usize) -> String {
    match data {
        Data::Bool(v) => if v[i] { "T" } else { "F" }.to_owned(),
        Data::Int(v) => v[i].to_string(),
        Data::Real(v) => write_real(v[i]),
        Data::Text(v) => v[i].clone(),
    }
}

/// A value as it stands behind `key=`: read again by this module, it is the same value; ASE reads it alike.
pub(in crate::io) fn write_value(key: &str, value: &Value) -> String {
    let data = value.data();
    match value.shape() {
        Shape::Scalar => match data {
            Data::Text(v) => write_text(key, &v[0]),
            data => write_plain_item(data, 0),
        },
        Shape::Matrix { rows: 3, columns: 3 }
            if is_matrix_key(key) && !matches!(data, Data::Text(_) | Data::Bool(_)) =>
        {
            let transposed = (0..9).map(|i| write_plain_item(data, 3 * (i % 3) + i / 3));
            format!("\"{}\"", transposed.collect::<Vec<_>>().join(" "))
        }
        Shape::Matrix { rows, columns } => {
            let rows = (0..rows).map(|r| write_json_row(data, r * columns..(r + 1) * columns));
            quote(&format!("_JSON [{}]", rows.collect::<Vec<_>>().join(", ")))
        }
        Shape::Vector if data.len() < 2 || matches!(data, Data::Text(_)) || is_matrix_key(key) => {
            quote(&format!("_JSON {}", write_json_row(data, 0..data.len())))
        }
        Shape::Vector => {
            let items = (0..data.len()).map(|i| write_plain_item(data, i));
            format!("\"{}\"", items.collect::<Vec<_>>().join(" "))
        }
    }
}

fn write_text(key: &str, text: &str) -> String {
    let raw = Raw { text: text.to_owned(), list: false };
    let reads_back = infer(key, Some(&raw)).as_text() == Some(text);
    if !reads_back || text.contains(char::is_control) {
        return quote(&format!("_JSON {}", write_json_string(text)));
    }
    let plain = !text.is_empty()
        && text.bytes().all(|b| {
            b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b'+' | b'/' | b':' | b'(' | b')')
        });
    if plain { text.to_owned() } else { quote(text) }
}

/// A key as it stands in front of `=`.
pub(in crate::io) fn write_key(key: &str) -> Result<String> {
    if key.is_empty() || key.contains(char::is_control) {
        return Err(Error::input(format!(
            "the key {key:?} cannot be written; it is empty or holds control characters"
        )));
    }
    Ok(if key.bytes().any(is_special) { quote(key) } else { key.to_owned() })
}
