//! Reading mol and SD files, V2000 and V3000.
//!
//! Atoms and positions; the total charge is the sum of the formal charges (`M  CHG`, which replaces those of
//! the atom block where present, or `CHG=`); unpaired electrons come from `M  RAD` or `RAD=`, all of them
//! parallel. Bonds are not kept. Data fields become text in `info`. A record marked `2D` whose atoms all lie in
//! the plane z = 0 is a drawing, not a structure, and is refused.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;

use super::data::Value;
use super::frame::{Frame, Origin};
use super::lines::Lines;
use super::xyz::{is_reserved, shorten};
use crate::elements;
use crate::error::{Error, Result};

/// Charges and radicals as a record states them, by atom from 0.
#[derive(Default)]
struct Formal {
    charges: BTreeMap<usize, i32>,
    unpaired: BTreeMap<usize, u32>,
    /// An `M  CHG` or `M  RAD` line takes the place of all charges in the atom block.
    replaced: bool,
}

/// Reads the next record; `None` at the end of the file.
pub(super) fn read<R: BufRead>(lines: &mut Lines<R>, path: Option<&Arc<Path>>) -> Result<Option<Frame>> {
    let start = lines.number() + 1;
    let Some(title) = lines.next()?.map(str::to_owned) else { return Ok(None) };
    let mut frame = Frame { origin: Origin { path: path.cloned(), line: Some(start) }, ..Frame::default() };
    title.trim().clone_into(&mut frame.comment);
    let Some(program) = lines.next()?.map(str::to_owned) else {
        let blank = title.trim().is_empty();
        return if blank {
            Ok(None)
        } else {
            Err(Error::input("the record ends after its title").on_line(start))
        };
    };
    lines.expect("the comment of the record")?;
    let counts = lines.expect("the counts line")?.to_owned();
    let at = lines.number();
    let mut formal = Formal::default();
    match counts.trim_end() {
        c if c.ends_with("V3000") => read_v3000(lines, &mut frame, &mut formal)?,
        c if c.ends_with("V2000") => {
            read_v2000(lines, &counts, &mut frame, &mut formal).map_err(|e| e.on_line(at))?
        }
        c => {
            let message = format!("`{}` is no counts line; it must end in V2000 or V3000", shorten(c.trim()));
            return Err(Error::input(message).on_line(at));
        }
    }
    if program.get(20..22) == Some("2D")
        && frame.system.len() > 1
        && frame.system.positions.iter().all(|p| p[2] == 0.0)
    {
        let message = "a flat drawing (marked 2D, all z = 0); make three-dimensional coordinates first";
        return Err(Error::input(message).on_line(start + 1));
    }
    read_fields(lines, &mut frame)?;
    apply(&formal, &mut frame).map_err(|e| e.on_line(start))?;
    Ok(Some(frame))
}

fn apply(formal: &Formal, frame: &mut Frame) -> Result<()> {
    let charge: i64 = formal.charges.values().map(|&q| i64::from(q)).sum();
    frame.stated.charge = Some(
        i32::try_from(charge).map_err(|_| Error::input(format!("the formal charges add up to {charge}")))?,
    );
    if !formal.unpaired.is_empty() {
        frame.stated.unpaired = Some(formal.unpaired.values().sum());
        let centers = formal.unpaired.values().filter(|&&n| n > 0).count();
        if centers > 1 {
            frame.notes.push(format!(
                "{centers} radical centres are taken as coupled high-spin; give the multiplicity if not"
            ));
        }
    }
    frame.stated.set(&mut frame.system)
}

/// A field of fixed columns, trimmed.
fn field(line: &str, from: usize, to: usize) -> &str {
    line.get(from..to.min(line.len())).unwrap_or("").trim()
}

fn number<T: std::str::FromStr>(text: &str, what: &str) -> Result<T> {
    text.parse().map_err(|_| Error::input(format!("`{}` is no {what}", shorten(text))))
}

fn coordinate(text: &str) -> Result<f64> {
    let x: f64 = number(text, "coordinate")?;
    if x.is_finite() { Ok(x) } else { Err(Error::input(format!("`{text}` is not a finite number"))) }
}

fn read_v2000<R: BufRead>(
    lines: &mut Lines<R>,
    counts: &str,
    frame: &mut Frame,
    formal: &mut Formal,
) -> Result<()> {
    let atoms: usize = number(field(counts, 0, 3), "number of atoms")?;
    let bonds: usize = number(field(counts, 3, 6), "number of bonds")?;
    for i in 0..atoms {
        let at = lines.number() + 1;
        let line = lines.expect("an atom")?;
        v2000_atom(line, i, frame, formal).map_err(|e| e.on_line(at))?;
    }
    for _ in 0..bonds {
        let at = lines.number() + 1;
        let line = lines.expect("a bond")?;
        if line.starts_with('M') {
            return Err(Error::input(format!("fewer than {bonds} bonds")).on_line(at));
        }
    }
    loop {
        let at = lines.number() + 1;
        let line = lines.expect("M  END")?;
        if line.starts_with("M  END") {
            return Ok(());
        }
        property_line(line, atoms, formal).map_err(|e| e.on_line(at))?;
    }
}

fn v2000_atom(line: &str, i: usize, frame: &mut Frame, formal: &mut Formal) -> Result<()> {
    let r =
        [coordinate(field(line, 0, 10))?, coordinate(field(line, 10, 20))?, coordinate(field(line, 20, 30))?];
    push_atom(field(line, 31, 34), r, frame)?;
    // 1 to 3 are +3 to +1, 5 to 7 are -1 to -3, 4 is a doublet radical (CTfile formats, atom block).
    match field(line, 36, 39) {
        "" | "0" => {}
        code => match number::<i32>(code, "charge code")? {
            4 => drop(formal.unpaired.insert(i, 1)),
            code @ (1..=3 | 5..=7) => drop(formal.charges.insert(i, 4 - code)),
            code => return Err(Error::input(format!("`{code}` is no charge code (0 to 7)"))),
        },
    }
    Ok(())
}

fn push_atom(symbol: &str, r: [f64; 3], frame: &mut Frame) -> Result<()> {
    let z = match symbol {
        "D" | "T" => {
            let note = format!("{symbol} is taken as H; its mass is a setting of the calculation");
            if !frame.notes.contains(&note) {
                frame.notes.push(note);
            }
            1
        }
        symbol => elements::parse(symbol)?,
    };
    frame.system.numbers.push(z);
    frame.system.positions.push(r);
    Ok(())
}

/// `M  CHG` and `M  RAD`: a count, then pairs of atom and value in fields of four.
fn property_line(line: &str, atoms: usize, formal: &mut Formal) -> Result<()> {
    let charge = match line.get(..6) {
        Some("M  CHG") => true,
        Some("M  RAD") => false,
        _ => return Ok(()),
    };
    if !formal.replaced {
        *formal = Formal { replaced: true, ..Formal::default() };
    }
    let mut words = line[6..].split_ascii_whitespace();
    let n: usize = number(words.next().unwrap_or(""), "count")?;
    for _ in 0..n {
        let atom = atom_number(words.next().unwrap_or(""), atoms)?;
        let value = number(words.next().unwrap_or(""), "value")?;
        state(formal, charge, atom, value)?;
    }
    Ok(())
}

fn atom_number(text: &str, atoms: usize) -> Result<usize> {
    let i: usize = number(text, "atom number")?;
    i.checked_sub(1)
        .filter(|&i| i < atoms)
        .ok_or_else(|| Error::input(format!("there is no atom {i}; the record has {atoms}")))
}

/// A formal charge (-15 to 15) or a radical: 1 singlet, 2 doublet, 3 triplet.
fn state(formal: &mut Formal, charge: bool, atom: usize, value: i32) -> Result<()> {
    match (charge, value) {
        (true, -15..=15) => drop(formal.charges.insert(atom, value)),
        (false, 0..=3) => drop(formal.unpaired.insert(atom, u32::try_from(value - 1).unwrap_or(0))),
        (true, _) => return Err(Error::input(format!("`{value}` is no formal charge (-15 to 15)"))),
        (false, _) => return Err(Error::input(format!("`{value}` is no radical (0 to 3)"))),
    }
    Ok(())
}

fn read_v3000<R: BufRead>(lines: &mut Lines<R>, frame: &mut Frame, formal: &mut Formal) -> Result<()> {
    let mut declared: Option<usize> = None;
    let mut in_atoms = false;
    // The atom numbers of V3000 are labels in any order.
    let mut labels = std::collections::BTreeSet::new();
    loop {
        let line = v30_line(lines)?;
        let at = lines.number();
        let Some(line) = line else {
            break;
        };
        let mut words = line.split_ascii_whitespace();
        match (words.next(), words.next()) {
            (Some("COUNTS"), Some(n)) => {
                declared = Some(number(n, "number of atoms").map_err(|e| e.on_line(at))?)
            }
            (Some("BEGIN"), Some("ATOM")) => in_atoms = true,
            (Some("END"), Some("ATOM")) => in_atoms = false,
            (Some(label), Some(_)) if in_atoms => {
                if !labels.insert(label.to_owned()) {
                    return Err(Error::input(format!("atom `{}` is given twice", shorten(label))).on_line(at));
                }
                v3000_atom(&line, frame, formal).map_err(|e| e.on_line(at))?;
            }
            _ => {}
        }
    }
    match declared {
        Some(n) if n == frame.system.len() => Ok(()),
        Some(n) => {
            Err(Error::input(format!("{n} atoms declared, {} given", frame.system.len()))
                .on_line(lines.number()))
        }
        None => Err(Error::input("no COUNTS line").on_line(lines.number())),
    }
}

/// The text behind `M  V30`, continued lines (ending in `-`) joined; `None` at `M  END`.
fn v30_line<R: BufRead>(lines: &mut Lines<R>) -> Result<Option<String>> {
    let mut joined = String::new();
    loop {
        let line = lines.expect("M  END")?.trim_end().to_owned();
        if line.starts_with("M  END") {
            return Ok(None);
        }
        let Some(text) = line.strip_prefix("M  V30") else {
            if joined.is_empty()
                && (line.is_empty() || line.split_ascii_whitespace().all(|w| w.parse::<i64>().is_ok()))
            {
                continue;
            }
            return Err(Error::input(format!("`{}`: a line of M  V30 expected", shorten(&line)))
                .on_line(lines.number()));
        };
        match text.strip_suffix('-') {
            Some(part) => joined.push_str(part.trim_start()),
            None => {
                joined.push_str(text.trim_start());
                return Ok(Some(joined));
            }
        }
    }
}

/// `index type x y z mapping [KEY=value]...`
fn v3000_atom(line: &str, frame: &mut Frame, formal: &mut Formal) -> Result<()> {
    let i = frame.system.len();
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let &[_, symbol, x, y, z, ref rest @ ..] = words.as_slice() else {
        return Err(Error::input(format!("`{}`: index, element, x, y, z expected", shorten(line))));
    };
    push_atom(symbol, [coordinate(x)?, coordinate(y)?, coordinate(z)?], frame)?;
    for word in rest {
        match word.split_once('=') {
            Some(("CHG", value)) => state(formal, true, i, number(value, "formal charge")?)?,
            Some(("RAD", value)) => state(formal, false, i, number(value, "radical")?)?,
            _ => {}
        }
    }
    Ok(())
}

/// The data fields up to `$$$$`: `> <name>`, lines of text, a blank line.
fn read_fields<R: BufRead>(lines: &mut Lines<R>, frame: &mut Frame) -> Result<()> {
    let mut current: Option<(String, Vec<String>)> = None;
    loop {
        let line = lines.next()?.map(str::to_owned);
        let at = lines.number();
        let name = line.as_deref().and_then(field_name);
        let ends = line.as_deref().is_none_or(|l| l.starts_with("$$$$"));
        if (ends || name.is_some())
            && let Some((key, text)) = current.take()
        {
            // A field named like charge or spin is kept aside: the record itself states them.
            let key = if is_reserved(&key) { format!("sdf_{key}") } else { key };
            if frame.info.insert(key.clone(), Value::text(text.join("\n").trim_end())).is_some() {
                return Err(
                    Error::input(format!("the data field `{}` is given twice", shorten(&key))).on_line(at)
                );
            }
        }
        match (line, name, &mut current) {
            _ if ends => return Ok(()),
            (_, Some(name), _) => current = Some((name, Vec::new())),
            (Some(text), None, Some((_, lines))) => lines.push(text),
            _ => {}
        }
    }
}

fn field_name(line: &str) -> Option<String> {
    let rest = line.strip_prefix('>')?;
    let (from, to) = (rest.find('<')?, rest.rfind('>')?);
    (to > from + 1).then(|| rest[from + 1..to].to_owned())
}
