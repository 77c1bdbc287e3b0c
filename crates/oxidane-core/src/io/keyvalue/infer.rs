//! Guessing the type of a value from its text.

use super::list::list;
use super::scan::Raw;
use crate::io::data::{Data, Value};

/// A logical word.
pub(in crate::io) fn logical(word: &str) -> Option<bool> {
    match word {
        "T" | "True" | "true" | "TRUE" => Some(true),
        "F" | "False" | "false" | "FALSE" => Some(false),
        _ => None,
    }
}

/// A real number; Fortran's exponent letter D is taken too.
pub(in crate::io) fn real(word: &str) -> Option<f64> {
    word.parse().ok().or_else(|| {
        let fortran =
            word.bytes().any(|b| matches!(b, b'd' | b'D')) && !word.contains(['e', 'E', 'i', 'I', 'n', 'N']);
        if fortran { word.replace(['d', 'D'], "e").parse().ok() } else { None }
    })
}

/// The words of a value, separated by blanks and commas.
pub(in crate::io) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c == ',' || c.is_ascii_whitespace()).filter(|w| !w.is_empty())
}

/// The type that all words have: integer, else real, else logical; `None` for text or nothing.
pub(super) fn typed(words: &[&str]) -> Option<Data> {
    fn all<T>(words: &[&str], parse: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
        words.iter().map(|w| parse(w)).collect()
    }
    if words.is_empty() {
        return None;
    }
    all(words, |w| w.parse().ok())
        .map(Data::Int)
        .or_else(|| all(words, number_not_overlong).map(Data::Real))
        .or_else(|| all(words, logical).map(Data::Bool))
}

/// A real number, but no integer too long for 64 bits: that is an identifier, and must not lose digits.
fn number_not_overlong(word: &str) -> Option<f64> {
    let digits = word.strip_prefix(['+', '-']).unwrap_or(word);
    if digits.len() > 18 && digits.bytes().all(|b| b.is_ascii_digit()) { None } else { real(word) }
}

/// The value of a pair, its type guessed from its text.
pub(in crate::io) fn infer(key: &str, raw: Option<&Raw>) -> Value {
    let Some(raw) = raw else { return Value::bool(true) };
    if raw.list {
        return list(&raw.text).unwrap_or_else(|| Value::text(raw.text.clone()));
    }
    if let Some(value) = raw.text.strip_prefix("_JSON ").and_then(list) {
        return value;
    }
    let words: Vec<&str> = words(&raw.text).collect();
    match typed(&words) {
        Some(data) if is_matrix_key(key) && words.len() == 9 => column_major(&data),
        Some(data) if words.len() > 1 => Value::vector(data),
        Some(Data::Int(v)) => Value::int(v[0]),
        Some(Data::Real(v)) => Value::real(v[0]),
        Some(Data::Bool(v)) => Value::bool(v[0]),
        _ => Value::text(raw.text.clone()),
    }
}

/// Keys whose nine numbers are a 3 x 3 matrix, column after column, as in ASE.
pub(super) fn is_matrix_key(key: &str) -> bool {
    matches!(key, "stress" | "virial")
}

fn column_major(data: &Data) -> Value {
    match data.to_reals() {
        Some(v) if v.len() == 9 => {
            Value::matrix3(std::array::from_fn(|i| std::array::from_fn(|j| v[3 * j + i])))
        }
        _ => Value::vector(data.clone()),
    }
}
