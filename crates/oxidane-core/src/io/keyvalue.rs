//! The key=value pairs of an extended XYZ comment line: reading, guessing types, writing.
//!
//! Grammar, as ASE and libAtoms write it: pairs `key=value` and bare `key` (true), separated by white space.
//! A value is bare, or enclosed in `"..."`, `'...'`, `{...}` or `[...]` (brackets nest); a backslash before a
//! quote, a bracket, `=`, `,`, white space or a backslash takes away its meaning and is literal before anything
//! else (SMILES hold backslashes). A value of several words, separated by blanks or commas, that are all
//! integers, all numbers or all logical is a vector; `[[...], ...]` is a matrix; text starting with `_JSON `
//! holds a string or a list as ASE writes them.

use super::data::{Data, Shape, Value};
use crate::error::{Error, Result};

/// One pair; the raw text of the value is kept, because its type depends on the key.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pair {
    pub key: String,
    /// `None` for a bare key.
    pub raw: Option<Raw>,
}

/// The text of a value without its outer quotes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Raw {
    pub text: String,
    /// Enclosed in square brackets: a list, never a scalar.
    pub list: bool,
}

fn is_special(b: u8) -> bool {
    b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'{' | b'}' | b'[' | b']' | b'=' | b',' | b'\\')
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_blank(&mut self) {
        while self.peek().is_some_and(|b| b.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// Appends the next character, escape resolved, to `out`; false at the end.
    fn take(&mut self, out: &mut String) -> bool {
        let rest = &self.text[self.at..];
        let mut chars = rest.chars();
        let Some(c) = chars.next() else { return false };
        if c == '\\' && rest.as_bytes().get(1).is_some_and(|&b| is_special(b)) {
            out.push(char::from(rest.as_bytes()[1]));
            self.at += 2;
        } else {
            out.push(c);
            self.at += c.len_utf8();
        }
        true
    }

    /// Text up to the closing quote, which is consumed.
    fn quoted(&mut self, close: u8) -> Result<String> {
        let start = self.at;
        self.at += 1;
        let mut out = String::new();
        loop {
            if self.peek() == Some(close) {
                self.at += 1;
                return Ok(out);
            }
            if !self.take(&mut out) {
                let shown: String = self.text[start..].chars().take(20).collect();
                return Err(Error::input(format!("`{shown}`: no closing {}", char::from(close))));
            }
        }
    }

    /// Text of a square bracket with its nested brackets and quotes verbatim; `None` if it does not close in
    /// front of white space or the end, as in a SMILES that begins with `[`.
    fn bracketed(&mut self) -> Option<String> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut depth = 0usize;
        let mut quote = None;
        let mut i = start;
        while let Some(&b) = bytes.get(i) {
            match (quote, b) {
                (Some(_), b'\\') => i += 1,
                (Some(q), _) if b == q => quote = None,
                (Some(_), _) => {}
                (None, b'"' | b'\'') => quote = Some(b),
                (None, b'[') => depth += 1,
                (None, b']') => {
                    depth -= 1;
                    if depth == 0 {
                        break;
                    }
                }
                (None, _) => {}
            }
            i += 1;
        }
        let closed = i < bytes.len() && bytes.get(i + 1).is_none_or(u8::is_ascii_whitespace);
        closed.then(|| {
            self.at = i + 1;
            self.text[start..=i].to_owned()
        })
    }

    fn bare(&mut self, stop_at_equals: bool) -> String {
        let mut out = String::new();
        while let Some(b) = self.peek() {
            if b.is_ascii_whitespace() || (stop_at_equals && b == b'=') {
                break;
            }
            self.take(&mut out);
        }
        out
    }

    fn key(&mut self) -> Result<String> {
        match self.peek() {
            Some(q @ (b'"' | b'\'')) => self.quoted(q),
            _ => Ok(self.bare(true)),
        }
    }

    fn value(&mut self) -> Result<Raw> {
        let text = match self.peek() {
            Some(q @ (b'"' | b'\'')) => self.quoted(q)?,
            Some(b'{') => self.quoted(b'}')?,
            Some(b'[') => match self.bracketed() {
                Some(text) => return Ok(Raw { text, list: true }),
                None => self.bare(false),
            },
            _ => self.bare(false),
        };
        Ok(Raw { text, list: false })
    }
}

/// Splits a comment line into pairs.
pub(super) fn pairs(line: &str) -> Result<Vec<Pair>> {
    let mut s = Scanner { text: line, at: 0 };
    let mut out = Vec::new();
    loop {
        s.skip_blank();
        if s.peek().is_none() {
            return Ok(out);
        }
        let key = s.key()?;
        let after_key = s.at;
        s.skip_blank();
        let raw = if s.peek() == Some(b'=') {
            if key.is_empty() {
                return Err(Error::input("a value without a key in front of `=`"));
            }
            s.at += 1;
            s.skip_blank();
            Some(s.value()?)
        } else {
            s.at = after_key;
            None
        };
        out.push(Pair { key, raw });
    }
}

/// A logical word.
pub(super) fn logical(word: &str) -> Option<bool> {
    match word {
        "T" | "True" | "true" | "TRUE" => Some(true),
        "F" | "False" | "false" | "FALSE" => Some(false),
        _ => None,
    }
}

/// A real number; Fortran's exponent letter D is taken too.
pub(super) fn real(word: &str) -> Option<f64> {
    word.parse().ok().or_else(|| {
        let fortran =
            word.bytes().any(|b| matches!(b, b'd' | b'D')) && !word.contains(['e', 'E', 'i', 'I', 'n', 'N']);
        if fortran { word.replace(['d', 'D'], "e").parse().ok() } else { None }
    })
}

/// The words of a value, separated by blanks and commas.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c == ',' || c.is_ascii_whitespace()).filter(|w| !w.is_empty())
}

/// The type that all words have: integer, else real, else logical; `None` for text or nothing.
fn typed(words: &[&str]) -> Option<Data> {
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
pub(super) fn infer(key: &str, raw: Option<&Raw>) -> Value {
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
fn is_matrix_key(key: &str) -> bool {
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

/// A JSON-like string, list or list of lists; `None` if it is anything else (then the text is kept).
fn list(text: &str) -> Option<Value> {
    let mut s = Scanner { text, at: 0 };
    s.skip_blank();
    let value = if s.peek() == Some(b'"') {
        Value::text(json_string(&mut s)?)
    } else {
        let rows = json_rows(&mut s)?;
        match rows {
            Rows::Flat(items) => Value::vector(collect(&items)?),
            Rows::Nested(rows) => {
                let columns = rows.first()?.len();
                if columns == 0 || rows.iter().any(|r| r.len() != columns) {
                    return None;
                }
                let data = collect(&rows.concat())?;
                Value::matrix(rows.len(), columns, data)?
            }
        }
    };
    s.skip_blank();
    s.peek().is_none().then_some(value)
}

#[derive(Clone)]
struct Item {
    text: String,
    quoted: bool,
}

enum Rows {
    Flat(Vec<Item>),
    Nested(Vec<Vec<Item>>),
}

fn collect(items: &[Item]) -> Option<Data> {
    if items.is_empty() {
        return Some(Data::Real(Vec::new()));
    }
    if items.iter().any(|i| i.quoted) {
        return Some(Data::Text(items.iter().map(|i| i.text.clone()).collect()));
    }
    let words: Vec<&str> = items.iter().map(|i| i.text.as_str()).collect();
    typed(&words).or_else(|| Some(Data::Text(items.iter().map(|i| i.text.clone()).collect())))
}

fn json_rows(s: &mut Scanner) -> Option<Rows> {
    if s.peek() != Some(b'[') {
        return None;
    }
    let inside = s.at + 1;
    s.at = inside;
    s.skip_blank();
    if s.peek() != Some(b'[') {
        s.at = inside - 1;
        return json_items(s).map(Rows::Flat);
    }
    let mut rows = Vec::new();
    loop {
        s.skip_blank();
        rows.push(json_items(s)?);
        s.skip_blank();
        match s.peek() {
            Some(b',') => s.at += 1,
            Some(b']') => {
                s.at += 1;
                return Some(Rows::Nested(rows));
            }
            _ => return None,
        }
    }
}

/// `[a, b, "c"]` without further nesting.
fn json_items(s: &mut Scanner) -> Option<Vec<Item>> {
    if s.peek() != Some(b'[') {
        return None;
    }
    s.at += 1;
    let mut items = Vec::new();
    s.skip_blank();
    if s.peek() == Some(b']') {
        s.at += 1;
        return Some(items);
    }
    loop {
        s.skip_blank();
        let item = if s.peek() == Some(b'"') {
            Item { text: json_string(s)?, quoted: true }
        } else {
            let start = s.at;
            while s.peek().is_some_and(|b| !is_special(b)) {
                s.at += 1;
            }
            if s.at == start {
                return None;
            }
            Item { text: s.text[start..s.at].to_owned(), quoted: false }
        };
        items.push(item);
        s.skip_blank();
        match s.peek() {
            Some(b',') => s.at += 1,
            Some(b']') => {
                s.at += 1;
                return Some(items);
            }
            Some(b'[' | b'{' | b'}' | b'=' | b'\\') | None => return None,
            Some(_) => {}
        }
    }
}

/// A JSON string from its opening quote; `None` on bad escapes.
fn json_string(s: &mut Scanner) -> Option<String> {
    let mut out = String::new();
    let mut chars = s.text[s.at..].char_indices().skip(1);
    while let Some((i, c)) = chars.next() {
        match c {
            '"' => {
                s.at += i + 1;
                return Some(out);
            }
            '\\' => match chars.next()?.1 {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                'r' => out.push('\r'),
                'b' => out.push('\u{8}'),
                'f' => out.push('\u{c}'),
                'u' => {
                    let mut code = 0;
                    for _ in 0..4 {
                        code = code * 16 + chars.next()?.1.to_digit(16)?;
                    }
                    out.push(char::from_u32(code)?);
                }
                c @ ('"' | '\\' | '/') => out.push(c),
                _ => return None,
            },
            c => out.push(c),
        }
    }
    None
}

/// A value in short, for messages.
pub(super) fn show(value: &Value) -> String {
    let text = write_value("", value);
    if text.chars().count() > 40 { format!("{}...", text.chars().take(40).collect::<String>()) } else { text }
}

/// A number with as many digits as are needed to read the same number again.
pub(super) fn write_real(x: f64) -> String {
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
pub(super) fn quote(text: &str) -> String {
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
pub(super) fn write_value(key: &str, value: &Value) -> String {
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
pub(super) fn write_key(key: &str) -> Result<String> {
    if key.is_empty() || key.contains(char::is_control) {
        return Err(Error::input(format!(
            "the key {key:?} cannot be written; it is empty or holds control characters"
        )));
    }
    Ok(if key.bytes().any(is_special) { quote(key) } else { key.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Vec<(String, Value)> {
        pairs(line).unwrap().into_iter().map(|p| (p.key.clone(), infer(&p.key, p.raw.as_ref()))).collect()
    }

    #[test]
    fn every_way_of_quoting() {
        let ints = Value::vector(Data::Int(vec![1, 2, 3]));
        for text in
            ["a=\"1 2 3\"", "a='1 2 3'", "a={1 2 3}", "a=[1, 2, 3]", "a=[1 2 3]", "a=1,2,3", "a = \"1,2 3\""]
        {
            assert_eq!(read(text), [("a".to_owned(), ints.clone())], "{text}");
        }
        assert_eq!(read(r#"a="x \"y\" z" flag b=2.5"#)[0].1, Value::text("x \"y\" z"));
        assert_eq!(read(r#"a="x" flag b=2.5"#)[1], ("flag".to_owned(), Value::bool(true)));
        assert_eq!(read(r#""odd key"=T"#)[0], ("odd key".to_owned(), Value::bool(true)));
        assert_eq!(
            read("a=[[1, 2], [3, 4]]")[0].1,
            Value::matrix(2, 2, Data::Int(vec![1, 2, 3, 4])).unwrap()
        );
        assert_eq!(
            read(r#"a="_JSON [\"p\", \"q r\"]""#)[0].1,
            Value::vector(Data::Text(vec!["p".into(), "q r".into()]))
        );
    }

    #[test]
    fn smiles_stay_whole() {
        assert_eq!(read(r#"s="C=C/C1=C\N=O""#)[0].1, Value::text(r"C=C/C1=C\N=O"));
        assert_eq!(read("s=[H:5][C:4].[H:7]")[0].1, Value::text("[H:5][C:4].[H:7]"));
        assert_eq!(read("s=N#C=C b=1")[0].1, Value::text("N#C=C"));
    }

    #[test]
    fn types() {
        assert_eq!(read("a=1")[0].1, Value::int(1));
        assert_eq!(read("a=-1.5d2")[0].1, Value::real(-150.0));
        assert_eq!(read("a=12345678901234567890123")[0].1, Value::text("12345678901234567890123"));
        assert_eq!(read("a=\"T F\"")[0].1, Value::vector(Data::Bool(vec![true, false])));
        assert_eq!(read("a=\"\"")[0].1, Value::text(""));
    }

    #[test]
    fn text_that_looks_like_something_else_survives() {
        for text in
            ["3e10", "T", "1 2", "nan", "", "_JSON [1]", "[1]", "a\nb\t\u{1}", r#"\"' {}"#, "é ü", "\\"]
        {
            let value = Value::text(text);
            let line = format!("k={}", write_value("k", &value));
            assert_eq!(read(&line), [("k".to_owned(), value)], "{line}");
        }
    }

    #[test]
    fn stress_is_column_major_as_in_ase() {
        let m = Value::matrix3([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]);
        assert_eq!(write_value("stress", &m), "\"1.0 4.0 7.0 2.0 5.0 8.0 3.0 6.0 9.0\"");
        assert_eq!(read("stress=\"1 4 7 2 5 8 3 6 9\"")[0].1, m);
    }

    #[test]
    fn unclosed_quotes_are_refused() {
        assert!(pairs("a=\"b").unwrap_err().to_string().contains("no closing \""));
        assert!(pairs("=3").is_err());
    }
}
