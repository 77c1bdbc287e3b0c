//! Splitting a comment line into keys and the text of their values.

use crate::error::{Error, Result};

/// One pair; the raw text of the value is kept, because its type depends on the key.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::io) struct Pair {
    pub key: String,
    /// `None` for a bare key.
    pub raw: Option<Raw>,
}

/// The text of a value without its outer quotes.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::io) struct Raw {
    pub text: String,
    /// Enclosed in square brackets: a list, never a scalar.
    pub list: bool,
}

/// Bytes with a meaning of their own, which a backslash takes away.
pub(super) fn is_special(b: u8) -> bool {
    b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'{' | b'}' | b'[' | b']' | b'=' | b',' | b'\\')
}

/// A place in a text.
pub(super) struct Scanner<'a> {
    pub text: &'a str,
    /// Byte offset of the next character.
    pub at: usize,
}

impl Scanner<'_> {
    /// The next byte.
    pub fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Goes to the next byte that is no white space.
    pub fn skip_blank(&mut self) {
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
pub(in crate::io) fn pairs(line: &str) -> Result<Vec<Pair>> {
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
