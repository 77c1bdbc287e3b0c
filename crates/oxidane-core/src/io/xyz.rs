//! Reading XYZ and extended XYZ.
//!
//! A frame is a line with the number of atoms, a comment line, and one line per atom. A comment line with at
//! least one `key=value` pair is extended XYZ; any other is a plain comment. `Lattice` holds the rows a, b, c
//! (nine numbers) or the edges of a box (three); without `pbc` a cell repeats in all directions. `Properties`
//! names the columns; without it they are symbol, x, y, z. Further columns that nothing names are kept as the
//! array `extra`. Blank lines between frames are skipped.

use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;

use super::charge;
use super::data::{Array, Data};
use super::frame::{Frame, Origin};
use super::keyvalue::{self, Pair};
use super::lines::Lines;
use crate::elements;
use crate::error::{Error, Result};
use crate::system::Cell;

/// No reserve is made for more atoms than this on the word of a count line.
const RESERVE: usize = 1 << 16;

/// What the comment line of an XYZ frame is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// A comment, whatever it holds.
    Plain,
    /// Pairs where there are any.
    Extended,
}

/// Reads the next frame; `None` at the end of the file.
pub(super) fn read<R: BufRead>(
    lines: &mut Lines<R>,
    dialect: Dialect,
    path: Option<&Arc<Path>>,
) -> Result<Option<Frame>> {
    let Some(count_line) = lines.next_filled()? else { return Ok(None) };
    let start = lines.number();
    let count = atom_count(&count_line).map_err(|e| e.on_line(start))?;
    let comment = lines.expect("the comment line")?.to_owned();
    let mut frame = Frame { origin: Origin { path: path.cloned(), line: Some(start) }, ..Frame::default() };
    let mut header = Header::default();
    read_comment(&comment, dialect, &mut frame, &mut header).map_err(|e| e.on_line(start + 1))?;
    read_atoms(lines, count, &header, &mut frame)?;
    frame.stated.set(&mut frame.system).map_err(|e| e.on_line(start))?;
    Ok(Some(frame))
}

/// The number on a count line.
pub(super) fn atom_count(line: &str) -> Result<usize> {
    let shown = || line.trim().chars().take(30).collect::<String>();
    let count: usize = line.trim().parse().map_err(|_| {
        Error::input(format!(
            "expected the number of atoms, found `{}`; does the count of the frame before fit?",
            shown()
        ))
    })?;
    if count == 0 {
        return Err(Error::input("a frame of 0 atoms; the structure has no atoms"));
    }
    if count > u32::MAX as usize {
        return Err(Error::input(format!("{count} atoms are more than a structure can have")));
    }
    Ok(count)
}

/// What the comment line says of the lines below it.
#[derive(Default)]
struct Header {
    columns: Option<Vec<Column>>,
}

/// One property of the `Properties` value.
#[derive(Debug, Clone, PartialEq)]
struct Column {
    name: String,
    kind: Kind,
    width: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Real,
    Int,
    Bool,
}

fn read_comment(line: &str, dialect: Dialect, frame: &mut Frame, header: &mut Header) -> Result<()> {
    let extended = match (dialect, keyvalue::pairs(line)) {
        (Dialect::Plain, _) => None,
        (Dialect::Extended, Ok(pairs)) => pairs.iter().any(|p| p.raw.is_some()).then_some(pairs),
        // A free comment may hold an odd quote; a line that names columns or a cell may not.
        (Dialect::Extended, Err(e)) if names_structure(line) => return Err(e),
        (Dialect::Extended, Err(_)) => None,
    };
    match extended {
        None => line.trim().clone_into(&mut frame.comment),
        Some(pairs) => read_pairs(&pairs, frame, header)?,
    }
    Ok(())
}

fn names_structure(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    ["properties=", "lattice=", "pbc="].iter().any(|key| lower.contains(key))
}

fn read_pairs(pairs: &[Pair], frame: &mut Frame, header: &mut Header) -> Result<()> {
    let (mut lattice, mut pbc) = (None, None);
    for (i, pair) in pairs.iter().enumerate() {
        let key = pair.key.as_str();
        if pairs[..i].iter().any(|p| same_key(&p.key, key)) {
            return Err(Error::input(format!("the key `{key}` is given twice")));
        }
        let text = pair.raw.as_ref().map_or("", |r| r.text.as_str());
        let value = || keyvalue::infer(key, pair.raw.as_ref());
        match key.to_ascii_lowercase().as_str() {
            "lattice" => lattice = Some(read_lattice(text)?),
            "pbc" => pbc = Some(read_pbc(text)?),
            "properties" => header.columns = Some(read_properties(text)?),
            "comment" => frame.comment = value().as_text().unwrap_or(text).to_owned(),
            _ => match charge::meaning(key) {
                Some(meaning) => charge::state(&mut frame.stated, key, meaning, &value())?,
                None => drop(frame.info.insert(key.to_owned(), value())),
            },
        }
    }
    frame.system.cell = match (lattice, pbc) {
        // ASE writes a cell of zeros for a molecule.
        (Some(vectors), Some([false, false, false])) if vectors == [[0.0; 3]; 3] => None,
        (Some(vectors), pbc) => Some(Cell { vectors, periodic: pbc.unwrap_or([true; 3]) }),
        (None, Some(p)) if p != [false; 3] => {
            return Err(Error::input(
                "pbc says that the structure repeats, but there is no Lattice; give Lattice=\"ax ay az bx by bz cx cy cz\"",
            ));
        }
        (None, _) => None,
    };
    Ok(())
}

/// Keys that name the same thing: those with a meaning of their own are compared without regard to case.
fn same_key(a: &str, b: &str) -> bool {
    a == b || (a.eq_ignore_ascii_case(b) && is_reserved(a))
}

/// Whether a key is part of the structure, and so never in `info`.
pub(super) fn is_reserved(key: &str) -> bool {
    ["lattice", "pbc", "properties", "comment"].iter().any(|k| k.eq_ignore_ascii_case(key))
        || charge::meaning(key).is_some()
}

fn bracket_free(text: &str) -> &str {
    text.trim().trim_start_matches('[').trim_end_matches(']')
}

fn read_lattice(text: &str) -> Result<[[f64; 3]; 3]> {
    let flat = text.replace(['[', ']'], " ");
    let mut v = Vec::new();
    for word in keyvalue::words(&flat) {
        let x = keyvalue::real(word).filter(|x| x.is_finite());
        v.push(x.ok_or_else(|| Error::input(format!("Lattice: `{word}` is not a finite number")))?);
    }
    match v.as_slice() {
        [a, b, c] => Ok([[*a, 0.0, 0.0], [0.0, *b, 0.0], [0.0, 0.0, *c]]),
        v if v.len() == 9 => Ok(std::array::from_fn(|i| [v[3 * i], v[3 * i + 1], v[3 * i + 2]])),
        v => Err(Error::input(format!(
            "Lattice has {} numbers; give the nine of the vectors a, b, c or the three edges of a box",
            v.len()
        ))),
    }
}

fn read_pbc(text: &str) -> Result<[bool; 3]> {
    let mut flags = Vec::new();
    for word in keyvalue::words(bracket_free(text)) {
        let flag = match word {
            "1" => Some(true),
            "0" => Some(false),
            word => keyvalue::logical(word),
        };
        flags.push(
            flag.ok_or_else(|| {
                Error::input(format!("pbc: `{word}` is neither T nor F; write pbc=\"T T F\""))
            })?,
        );
    }
    match flags.as_slice() {
        &[all] => Ok([all; 3]),
        &[a, b, c] => Ok([a, b, c]),
        flags => Err(Error::input(format!("pbc has {} values, not three; write pbc=\"T T F\"", flags.len()))),
    }
}

fn read_properties(text: &str) -> Result<Vec<Column>> {
    let bad = |what: String| {
        Error::input(format!("Properties: {what}; write name:type:columns, e.g. species:S:1:pos:R:3"))
    };
    let fields: Vec<&str> = text.trim().split(':').map(str::trim).collect();
    if !fields.len().is_multiple_of(3) {
        return Err(bad(format!("{} fields are not triples", fields.len())));
    }
    let mut columns: Vec<Column> = Vec::new();
    for f in fields.chunks_exact(3) {
        let name = f[0];
        let kind = match f[1] {
            "S" => Kind::Text,
            "R" => Kind::Real,
            "I" => Kind::Int,
            "L" => Kind::Bool,
            other => return Err(bad(format!("`{other}` is no type (S, R, I or L)"))),
        };
        let width = f[2].parse().ok().filter(|w| (1..=1 << 20).contains(w));
        let width = width.ok_or_else(|| bad(format!("`{}` is no number of columns", f[2])))?;
        if name.is_empty() {
            return Err(bad("a property without a name".into()));
        }
        if columns.iter().any(|c| c.name == name || (role(&c.name).is_some() && role(&c.name) == role(name)))
        {
            return Err(Error::input(format!("Properties: `{name}` is given twice")));
        }
        columns.push(Column { name: name.to_owned(), kind, width });
    }
    check_roles(&columns)?;
    Ok(columns)
}

/// The columns that make the structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Species,
    Number,
    Position,
}

fn role(name: &str) -> Option<Role> {
    match name {
        "species" | "symbols" | "symbol" | "element" => Some(Role::Species),
        "Z" | "numbers" | "atomic_numbers" => Some(Role::Number),
        "pos" | "positions" => Some(Role::Position),
        _ => None,
    }
}

/// Whether an array name stands for part of the structure.
pub(super) fn is_structure_column(name: &str) -> bool {
    role(name).is_some()
}

fn check_roles(columns: &[Column]) -> Result<()> {
    let has = |r| columns.iter().find(|c| role(&c.name) == Some(r));
    let wrong = |c: &Column, want: &str| Error::input(format!("Properties: `{}` must be {want}", c.name));
    match has(Role::Position) {
        Some(c) if (c.kind, c.width) != (Kind::Real, 3) => return Err(wrong(c, "pos:R:3")),
        Some(_) => {}
        None => return Err(Error::input("Properties has no positions; add pos:R:3")),
    }
    let (species, number) = (has(Role::Species), has(Role::Number));
    if let Some(c) = species.filter(|c| c.kind != Kind::Text || c.width != 1) {
        return Err(wrong(c, "species:S:1"));
    }
    if let Some(c) = number.filter(|c| c.kind != Kind::Int || c.width != 1) {
        return Err(wrong(c, "Z:I:1"));
    }
    if species.is_none() && number.is_none() {
        return Err(Error::input("Properties has no elements; add species:S:1 or Z:I:1"));
    }
    Ok(())
}

/// Reads the atom lines into the frame.
fn read_atoms<R: BufRead>(
    lines: &mut Lines<R>,
    count: usize,
    header: &Header,
    frame: &mut Frame,
) -> Result<()> {
    let named = header.columns.is_some();
    let default = [("species", Kind::Text, 1), ("pos", Kind::Real, 3)];
    let default = || default.map(|(name, kind, width)| Column { name: name.into(), kind, width }).to_vec();
    let mut columns = header.columns.clone().unwrap_or_else(default);
    let mut stores: Vec<Data> = columns.iter().map(|c| store(c.kind)).collect();
    let system = &mut frame.system;
    system.numbers.reserve(count.min(RESERVE));
    system.positions.reserve(count.min(RESERVE));
    for i in 0..count {
        let number = lines.number() + 1;
        let Some(line) = lines.next()? else {
            return Err(Error::input(format!("the file ends after {i} of {count} atoms")).on_line(number));
        };
        if i == 0 && !named {
            // The first atom decides whether unnamed columns follow.
            let extra = line.split_ascii_whitespace().count().saturating_sub(4);
            if extra > 0 {
                columns.push(Column { name: "extra".into(), kind: Kind::Text, width: extra });
                stores.push(Data::Text(Vec::new()));
            }
        }
        let atom = read_atom(line, &columns, &mut stores).map_err(|e| {
            Error { message: format!("atom {} of {count}: {}", i + 1, e.message), ..e }.on_line(number)
        })?;
        system.numbers.push(atom.0);
        system.positions.push(atom.1);
    }
    for (column, data) in columns.into_iter().zip(stores) {
        if role(&column.name).is_none() {
            let data = if named { data } else { guess_type(data) };
            frame.arrays.insert(column.name, Array { columns: column.width, data });
        }
    }
    Ok(())
}

fn store(kind: Kind) -> Data {
    match kind {
        Kind::Text => Data::Text(Vec::new()),
        Kind::Real => Data::Real(Vec::new()),
        Kind::Int => Data::Int(Vec::new()),
        Kind::Bool => Data::Bool(Vec::new()),
    }
}

/// Unnamed columns that are all numbers become numbers.
fn guess_type(data: Data) -> Data {
    match data {
        Data::Text(words) => match words.iter().map(|w| keyvalue::real(w)).collect() {
            Some(reals) => Data::Real(reals),
            None => Data::Text(words),
        },
        data => data,
    }
}

fn read_atom(line: &str, columns: &[Column], stores: &mut [Data]) -> Result<(u8, [f64; 3])> {
    let mut words = line.split_ascii_whitespace();
    let mut z = None;
    let mut position = [0.0; 3];
    for (column, data) in columns.iter().zip(stores) {
        for k in 0..column.width {
            let word = words.next().ok_or_else(|| {
                let want: usize = columns.iter().map(|c| c.width).sum();
                Error::input(format!("{} columns, {want} expected", line.split_ascii_whitespace().count()))
            })?;
            let no = |what: &str| Error::input(format!("{}: `{}` is {what}", column.name, shorten(word)));
            match role(&column.name) {
                Some(Role::Position) => {
                    let x = keyvalue::real(word).ok_or_else(|| no("not a number"))?;
                    position[k] =
                        Some(x).filter(|x| x.is_finite()).ok_or_else(|| no("not a finite number"))?;
                }
                Some(Role::Species | Role::Number) => {
                    let this = elements::parse(word)?;
                    if z.is_some_and(|z| z != this) {
                        return Err(no("another element than the other column says"));
                    }
                    z = Some(this);
                }
                None => match data {
                    Data::Real(v) => v.push(keyvalue::real(word).ok_or_else(|| no("not a number"))?),
                    Data::Int(v) => v.push(word.parse().map_err(|_| no("not an integer"))?),
                    Data::Bool(v) => v.push(read_flag(word).ok_or_else(|| no("neither T nor F"))?),
                    Data::Text(v) => v.push(word.to_owned()),
                },
            }
        }
    }
    if words.next().is_some() {
        let want: usize = columns.iter().map(|c| c.width).sum();
        let have = line.split_ascii_whitespace().count();
        return Err(Error::input(format!(
            "{have} columns, {want} expected; name every column in Properties=..."
        )));
    }
    let z = z.ok_or_else(|| Error::input("no element"))?;
    Ok((z, position))
}

fn read_flag(word: &str) -> Option<bool> {
    match word {
        "1" => Some(true),
        "0" => Some(false),
        word => keyvalue::logical(word),
    }
}

/// The start of a word, for messages.
pub(super) fn shorten(word: &str) -> String {
    word.chars().take(20).collect()
}
