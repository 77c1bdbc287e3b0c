//! Writing XYZ and extended XYZ. Numbers carry as many digits as are needed to read the same number again.

use std::fmt::Write as _;

use super::charge;
use super::data::{Array, Data};
use super::frame::Frame;
use super::keyvalue::{quote, write_key, write_real, write_value};
use super::xyz::{is_reserved, is_structure_column};
use crate::elements::symbol;
use crate::error::{Error, Result};

/// A frame as plain XYZ: symbols and positions, the comment in one line.
///
/// # Errors
/// If the frame has a cell, which plain XYZ cannot hold, or is no valid system.
pub(super) fn plain(frame: &Frame) -> Result<String> {
    frame.system.validate()?;
    if frame.system.cell.is_some() {
        return Err(Error::input("plain XYZ cannot hold a cell; write extended XYZ (extxyz)"));
    }
    let comment = frame.comment.replace(char::is_control, " ");
    let mut out = format!("{}\n{}\n", frame.system.len(), comment);
    write_atoms(&mut out, frame, &[]);
    Ok(out)
}

/// A frame as extended XYZ, in the words ASE uses. Charge and multiplicity are written where the frame states
/// them or where they are not the default (0, the lowest).
///
/// # Errors
/// If the frame is no valid system, or holds a name or a value that the format cannot.
pub(super) fn extended(frame: &Frame) -> Result<String> {
    frame.system.validate()?;
    let arrays: Vec<(&str, &Array)> = frame.arrays.iter().map(|(k, a)| (k.as_str(), a)).collect();
    for (name, array) in &arrays {
        check_array(name, array, frame.system.len())?;
    }
    let mut out = format!("{}\n{}\n", frame.system.len(), comment_line(frame, &arrays)?);
    write_atoms(&mut out, frame, &arrays);
    Ok(out)
}

fn comment_line(frame: &Frame, arrays: &[(&str, &Array)]) -> Result<String> {
    let system = &frame.system;
    let mut parts = Vec::new();
    if let Some(cell) = &system.cell {
        let numbers = cell.vectors.as_flattened().iter().map(|&x| write_real(x)).collect::<Vec<_>>();
        parts.push(format!("Lattice=\"{}\"", numbers.join(" ")));
    }
    let mut properties = String::from("Properties=species:S:1:pos:R:3");
    for (name, array) in arrays {
        let kind = match array.data {
            Data::Bool(_) => 'L',
            Data::Int(_) => 'I',
            Data::Real(_) => 'R',
            Data::Text(_) => 'S',
        };
        let _ = write!(properties, ":{name}:{kind}:{}", array.columns);
    }
    parts.push(properties);
    if frame.stated.charge.is_some() || system.charge != 0 {
        parts.push(format!("charge={}", system.charge));
    }
    if frame.stated.unpaired.is_some() || system.unpaired != system.lowest_unpaired() {
        parts.push(format!("spin_multiplicity={}", system.multiplicity()));
    }
    for (key, value) in &frame.info {
        if is_reserved(key) {
            let what = if charge::meaning(key).is_some() { "charge and spin belong" } else { "it belongs" };
            return Err(Error::input(format!(
                "the key `{key}` cannot be written from `info`: {what} to the system"
            )));
        }
        parts.push(format!("{}={}", write_key(key)?, write_value(key, value)));
    }
    if !frame.comment.is_empty() {
        parts.push(format!("comment={}", write_comment(&frame.comment)));
    }
    let periodic = system.cell.map_or([false; 3], |c| c.periodic);
    let flags = periodic.map(|p| if p { "T" } else { "F" });
    parts.push(format!("pbc=\"{}\"", flags.join(" ")));
    Ok(parts.join(" "))
}

/// A comment is text whatever it looks like, so it needs no mark that it is.
fn write_comment(comment: &str) -> String {
    let value = super::data::Value::text(comment);
    if comment.contains(char::is_control) || comment.starts_with("_JSON ") {
        write_value("comment", &value)
    } else {
        quote(comment)
    }
}

fn check_array(name: &str, array: &Array, atoms: usize) -> Result<()> {
    let bad =
        |why: String| Err(Error::input(format!("the per-atom array {name:?} cannot be written: {why}")));
    if is_structure_column(name) {
        return bad("elements and positions belong to the system".into());
    }
    if name.is_empty()
        || name.contains(|c: char| c == ':' || c == '=' || c == '\\' || c.is_whitespace() || c.is_control())
    {
        return bad("its name is empty or holds a blank, `:`, `=` or `\\`".into());
    }
    if name.starts_with(['"', '\'', '{', '[']) || array.columns == 0 {
        return bad("its name starts with a bracket or quote, or it has no columns".into());
    }
    if array.columns.checked_mul(atoms) != Some(array.data.len()) {
        return bad(format!("{} values for {atoms} atoms with {} columns", array.data.len(), array.columns));
    }
    if let Data::Text(words) = &array.data {
        let blank = |w: &&String| w.is_empty() || w.contains(|c: char| c.is_whitespace() || c.is_control());
        if let Some(word) = words.iter().find(blank) {
            return bad(format!("the text {word:?} is empty or holds a blank"));
        }
    }
    Ok(())
}

fn write_atoms(out: &mut String, frame: &Frame, arrays: &[(&str, &Array)]) {
    let system = &frame.system;
    for (i, (&z, p)) in system.numbers.iter().zip(&system.positions).enumerate() {
        let _ = write!(out, "{:<2}", symbol(z));
        for &x in p {
            let _ = write!(out, " {:>24}", write_real(x));
        }
        for (_, array) in arrays {
            for k in i * array.columns..(i + 1) * array.columns {
                let _ = match &array.data {
                    Data::Real(v) => write!(out, " {:>24}", write_real(v[k])),
                    Data::Int(v) => write!(out, " {:>8}", v[k]),
                    Data::Bool(v) => write!(out, " {}", if v[k] { 'T' } else { 'F' }),
                    Data::Text(v) => write!(out, " {}", v[k]),
                };
            }
        }
        out.push('\n');
    }
}
