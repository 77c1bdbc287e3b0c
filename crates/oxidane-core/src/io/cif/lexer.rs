//! The syntax of CIF 1.1: data blocks, tags with values, loops. Tags are lowered, and `.` in a tag is read as
//! `_` so that `_cell.length_a` of newer dictionaries is `_cell_length_a`.

use std::collections::BTreeMap;

use crate::error::{Error, Result};

/// A value with its line; bare `.` and `?` are no value.
#[derive(Debug, Clone)]
pub(super) struct Word {
    pub text: String,
    pub line: u64,
    quoted: bool,
}

impl Word {
    /// The text, unless it says "not applicable" (`.`) or "unknown" (`?`).
    pub fn known(&self) -> Option<&str> {
        (self.quoted || !matches!(self.text.as_str(), "." | "?")).then_some(self.text.as_str())
    }
}

/// A table.
#[derive(Debug, Default)]
pub(super) struct Loop {
    pub tags: Vec<String>,
    pub words: Vec<Word>,
    pub line: u64,
}

impl Loop {
    /// Column of a tag.
    pub fn column(&self, tag: &str) -> Option<usize> {
        self.tags.iter().position(|t| t == tag)
    }

    /// The rows.
    pub fn rows(&self) -> impl Iterator<Item = &[Word]> {
        self.words.chunks_exact(self.tags.len().max(1))
    }
}

/// One `data_` block.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub name: String,
    pub line: u64,
    pub items: BTreeMap<String, Word>,
    pub loops: Vec<Loop>,
}

impl Block {
    /// The known value of a tag outside loops.
    pub fn item(&self, tag: &str) -> Option<&Word> {
        self.items.get(tag).filter(|w| w.known().is_some())
    }

    /// The loop that has a tag.
    pub fn table(&self, tag: &str) -> Option<&Loop> {
        self.loops.iter().find(|l| l.column(tag).is_some())
    }
}

/// Splits text into words; a line that starts with `;` opens a text field, which ends at the next such line.
fn words(text: &str) -> Result<Vec<Word>> {
    let mut out = Vec::new();
    let mut field: Option<(u64, Vec<&str>)> = None;
    for (i, line) in text.lines().enumerate() {
        let number = i as u64 + 1;
        if let Some((start, mut body)) = field.take() {
            match line.strip_prefix(';') {
                Some(rest) => {
                    out.push(Word { text: body.join("\n"), line: start, quoted: true });
                    split_line(rest, number, &mut out)?;
                }
                None => {
                    body.push(line);
                    field = Some((start, body));
                }
            }
        } else if let Some(rest) = line.strip_prefix(';') {
            field = Some((number, vec![rest]));
        } else {
            split_line(line, number, &mut out)?;
        }
    }
    match field {
        Some((start, _)) => Err(Error::input("a text field opened by `;` has no closing `;`").on_line(start)),
        None => Ok(out),
    }
}

fn split_line(line: &str, number: u64, out: &mut Vec<Word>) -> Result<()> {
    let mut rest = line.trim_start();
    while !rest.is_empty() && !rest.starts_with('#') {
        let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'));
        let (text, after) = match quote {
            // A quote closes only in front of white space: 'a dog's life' is one value.
            Some(q) => {
                let close = rest
                    .char_indices()
                    .skip(1)
                    .find(|&(i, c)| c == q && rest[i + 1..].chars().next().is_none_or(char::is_whitespace));
                let Some((i, _)) = close else {
                    return Err(Error::input(format!("no closing {q} on this line")).on_line(number));
                };
                (&rest[1..i], &rest[i + 1..])
            }
            None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
        };
        out.push(Word { text: text.to_owned(), line: number, quoted: quote.is_some() });
        rest = after.trim_start();
    }
    Ok(())
}

fn tag_of(word: &Word) -> Option<String> {
    (!word.quoted && word.text.starts_with('_')).then(|| word.text.to_ascii_lowercase().replace('.', "_"))
}

fn keyword(word: &Word) -> Option<String> {
    let lower = word.text.get(..5).map(str::to_ascii_lowercase)?;
    let known = matches!(lower.as_str(), "data_" | "loop_" | "save_" | "stop_")
        || word.text.eq_ignore_ascii_case("global_");
    (known && !word.quoted).then_some(lower)
}

/// The blocks of a file.
pub(super) fn blocks(text: &str) -> Result<Vec<Block>> {
    let words = words(text)?;
    let mut out: Vec<Block> = Vec::new();
    let mut i = 0;
    while let Some(word) = words.get(i) {
        let refuse = |what: String| Err(Error::input(what).on_line(word.line));
        i += 1;
        if keyword(word).as_deref() == Some("data_") {
            out.push(Block { name: word.text[5..].to_owned(), line: word.line, ..Block::default() });
            continue;
        }
        let Some(block) = out.last_mut() else {
            return refuse(format!("`{}` stands before the first data_ block", shown(word)));
        };
        if keyword(word).as_deref() == Some("loop_") {
            let table = take_loop(&words, &mut i, word.line)?;
            block.loops.push(table);
        } else if let Some(tag) = tag_of(word) {
            let value = words.get(i).filter(|w| tag_of(w).is_none() && keyword(w).is_none());
            let Some(value) = value else { return refuse(format!("`{tag}` has no value")) };
            i += 1;
            if block.items.insert(tag.clone(), value.clone()).is_some() {
                return refuse(format!("`{tag}` is given twice"));
            }
        } else {
            return refuse(format!("`{}` belongs to no tag", shown(word)));
        }
    }
    Ok(out)
}

fn take_loop(words: &[Word], i: &mut usize, line: u64) -> Result<Loop> {
    let mut table = Loop { line, ..Loop::default() };
    while let Some(tag) = words.get(*i).and_then(tag_of) {
        if table.column(&tag).is_some() {
            return Err(Error::input(format!("`{tag}` is given twice in this loop")).on_line(words[*i].line));
        }
        table.tags.push(tag);
        *i += 1;
    }
    while let Some(word) = words.get(*i).filter(|w| tag_of(w).is_none() && keyword(w).is_none()) {
        table.words.push(word.clone());
        *i += 1;
    }
    if table.tags.is_empty() || !table.words.len().is_multiple_of(table.tags.len()) {
        let message = format!("a loop of {} columns with {} values", table.tags.len(), table.words.len());
        return Err(Error::input(message).on_line(line));
    }
    Ok(table)
}

fn shown(word: &Word) -> String {
    word.text.chars().take(20).filter(|c| !c.is_control()).collect()
}
