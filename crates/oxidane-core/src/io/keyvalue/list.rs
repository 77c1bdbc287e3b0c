//! Lists and strings in the notation of JSON.

use super::infer::typed;
use super::scan::{Scanner, is_special};
use crate::io::data::{Data, Value};

/// A JSON-like string, list or list of lists; `None` if it is anything else (then the text is kept).
pub(super) fn list(text: &str) -> Option<Value> {
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
