//! Reading CIF: cell, symmetry operations, atoms.
//!
//! Every `data_` block with an `_atom_site` loop is a frame. The operations listed in the file are applied and
//! coinciding atoms merged; a space group given by name or number alone is refused unless it is P1. The cell
//! has a along x and b in the xy plane. Partial occupancies, dummy atoms and unknown coordinates are refused.
//! D (deuterium) is read as H, which the frame's notes say.

mod lexer;
mod orbit;
mod symop;

use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;

use self::lexer::{Block, Loop, Word};
use self::orbit::{Expanded, Site};
use self::symop::Operation;
use super::frame::{Frame, Origin};
use super::lines::Lines;
use super::xyz::shorten;
use crate::elements;
use crate::error::{Error, Result};
use crate::system::Cell;

/// Reads all structures of the file.
pub(super) fn read<R: BufRead>(lines: &mut Lines<R>, path: Option<&Arc<Path>>) -> Result<Vec<Frame>> {
    let mut text = String::new();
    while let Some(line) = lines.next()? {
        text.push_str(line);
        text.push('\n');
    }
    let blocks = lexer::blocks(&text)?;
    let mut frames = Vec::new();
    for block in blocks.iter().filter(|b| atom_table(b).is_some()) {
        let origin = Origin { path: path.cloned(), line: Some(block.line) };
        frames.push(read_block(block, origin).map_err(|e| e.on_line(block.line))?);
    }
    if frames.is_empty() {
        return Err(Error::input("no atoms: the file has no _atom_site loop with coordinates"));
    }
    Ok(frames)
}

fn atom_table(block: &Block) -> Option<&Loop> {
    block.table("_atom_site_fract_x").or_else(|| block.table("_atom_site_cartn_x"))
}

fn read_block(block: &Block, origin: Origin) -> Result<Frame> {
    let cell = read_cell(block)?;
    let mut frame = Frame { origin, comment: block.name.clone(), ..Frame::default() };
    let operations = read_operations(block, &mut frame.notes)?;
    let table = atom_table(block).ok_or_else(|| Error::input("no _atom_site loop"))?;
    let sites = read_sites(block, table, &cell, &mut frame.notes)?;
    let Expanded { atoms, merged } = orbit::expand(&sites, &operations, &cell)?;
    if merged > 0 {
        frame
            .notes
            .push(format!("{merged} listed atoms are symmetry images of others and were merged with them"));
    }
    for (z, f) in atoms {
        frame.system.numbers.push(z);
        frame.system.positions.push(std::array::from_fn(|k| (0..3).map(|a| f[a] * cell.vectors[a][k]).sum()));
    }
    frame.system.cell = Some(cell);
    frame.stated.set(&mut frame.system)?;
    Ok(frame)
}

/// A number, with or without its uncertainty: `1.234(5)`.
fn number(word: &Word, what: &str) -> Result<f64> {
    let bad = || {
        Error::input(format!("{what}: `{}` is not a finite number", shorten(&word.text))).on_line(word.line)
    };
    let text = word.known().ok_or_else(bad)?;
    let digits = match text.split_once('(') {
        Some((digits, uncertainty)) => {
            let inside = uncertainty.strip_suffix(')').ok_or_else(bad)?;
            if inside.is_empty() || !inside.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
                return Err(bad());
            }
            digits
        }
        None => text,
    };
    digits.parse().ok().filter(|x: &f64| x.is_finite()).ok_or_else(bad)
}

fn read_cell(block: &Block) -> Result<Cell> {
    let get = |tag: &str| -> Result<f64> {
        let word = block.item(tag).ok_or_else(|| Error::input(format!("no {tag}; a CIF needs its cell")))?;
        number(word, tag)
    };
    let (a, b, c) = (get("_cell_length_a")?, get("_cell_length_b")?, get("_cell_length_c")?);
    let [alpha, beta, gamma] =
        [get("_cell_angle_alpha")?, get("_cell_angle_beta")?, get("_cell_angle_gamma")?];
    let shape = || Error::input(format!("the cell {a} {b} {c} {alpha} {beta} {gamma} has no volume"));
    let angles_fit = [alpha, beta, gamma].iter().all(|x| (0.0..180.0).contains(x) && *x > 0.0);
    if !angles_fit || [a, b, c].iter().any(|&x| x <= 0.0) {
        return Err(shape());
    }
    let cosine = |degrees: f64| if degrees == 90.0 { 0.0 } else { degrees.to_radians().cos() };
    let (ca, cb, cg) = (cosine(alpha), cosine(beta), cosine(gamma));
    let sg = if gamma == 90.0 { 1.0 } else { gamma.to_radians().sin() };
    let cy = (ca - cb * cg) / sg;
    let cz2 = 1.0 - cb * cb - cy * cy;
    if cz2.is_nan() || cz2 <= 1e-12 {
        return Err(shape());
    }
    Ok(Cell::new([[a, 0.0, 0.0], [b * cg, b * sg, 0.0], [c * cb, c * cy, c * cz2.sqrt()]]))
}

/// The operations listed, or the identity for P1; a group known by name alone is refused.
fn read_operations(block: &Block, notes: &mut Vec<String>) -> Result<Vec<Operation>> {
    for tag in ["_space_group_symop_operation_xyz", "_symmetry_equiv_pos_as_xyz"] {
        if let Some(table) = block.table(tag) {
            let column = table.column(tag).unwrap_or(0);
            return operations(table.rows().map(|r| &r[column]));
        }
        if let Some(word) = block.item(tag) {
            return operations(std::iter::once(word));
        }
    }
    let names = [
        "_space_group_name_h-m_alt",
        "_symmetry_space_group_name_h-m",
        "_space_group_name_hall",
        "_symmetry_space_group_name_hall",
        "_space_group_it_number",
        "_symmetry_int_tables_number",
    ];
    let named: Vec<&Word> = names.iter().filter_map(|t| block.item(t)).collect();
    if named.is_empty() {
        notes.push("no symmetry is given: the atoms listed are taken as the whole cell (P1)".into());
    }
    for word in named {
        let compact: String = word.text.chars().filter(|c| !c.is_whitespace()).collect();
        if !compact.eq_ignore_ascii_case("P1") && compact != "1" {
            return Err(Error::input(format!(
                "space group `{}` without its operations; add _space_group_symop_operation_xyz, or write the file in P1",
                shorten(&word.text)
            ))
            .on_line(word.line));
        }
    }
    Ok(vec![Operation::IDENTITY])
}

/// No space group has more operations in any of its settings.
const MOST_OPERATIONS: usize = 192;

fn operations<'a>(words: impl Iterator<Item = &'a Word>) -> Result<Vec<Operation>> {
    let mut out: Vec<Operation> = Vec::new();
    for word in words {
        let op = Operation::parse(&word.text).map_err(|e| e.on_line(word.line))?;
        if out.len() == MOST_OPERATIONS {
            return Err(
                Error::input(format!("more than {MOST_OPERATIONS} symmetry operations")).on_line(word.line)
            );
        }
        out.push(op);
    }
    match out.iter().position(|op| *op == Operation::IDENTITY) {
        Some(i) => {
            // The atoms as listed come first.
            out[..=i].rotate_right(1);
            Ok(out)
        }
        None => Err(Error::input("the symmetry operations lack the identity x,y,z")),
    }
}

fn read_sites(block: &Block, table: &Loop, cell: &Cell, notes: &mut Vec<String>) -> Result<Vec<Site>> {
    let column = |name: &str| table.column(&format!("_atom_site_{name}"));
    let fractional = column("fract_x").is_some();
    let axes = if fractional { ["fract_x", "fract_y", "fract_z"] } else { ["cartn_x", "cartn_y", "cartn_z"] };
    let mut xyz = [0; 3];
    for (slot, axis) in xyz.iter_mut().zip(axes) {
        *slot =
            column(axis).ok_or_else(|| Error::input(format!("no _atom_site_{axis}")).on_line(table.line))?;
    }
    if !fractional && block.items.keys().any(|k| k.starts_with("_atom_sites_cartn_tran")) {
        let message =
            "Cartesian coordinates with axes of their own (_atom_sites_Cartn_tran_...); give fractional ones";
        return Err(Error::input(message).on_line(table.line));
    }
    let (kind, label) = (column("type_symbol"), column("label"));
    let Some(naming) = kind.or(label) else {
        return Err(Error::input("no _atom_site_type_symbol and no _atom_site_label").on_line(table.line));
    };
    let mut sites = Vec::new();
    let mut heavy = 0;
    for row in table.rows() {
        let line = row[naming].line;
        let shown = shorten(&row[label.unwrap_or(naming)].text);
        let refuse = |what: String| Err(Error::input(format!("atom {shown}: {what}")).on_line(line));
        if let Some(word) = column("occupancy").map(|c| &row[c]).filter(|w| w.known().is_some()) {
            let occupancy = number(word, "occupancy")?;
            if (occupancy - 1.0).abs() > 1e-3 {
                return refuse(format!(
                    "occupancy {occupancy}; choose one of the disordered sites and give it occupancy 1"
                ));
            }
        }
        if column("calc_flag").is_some_and(|c| row[c].text.eq_ignore_ascii_case("dum")) {
            return refuse("a dummy; remove it".into());
        }
        let element =
            if kind.is_some() { type_symbol(&row[naming].text) } else { label_symbol(&row[naming].text) };
        let (z, isotope) =
            element.map_err(|e| Error::input(format!("atom {shown}: {}", e.message)).on_line(line))?;
        heavy += usize::from(isotope);
        let mut r = [0.0; 3];
        for k in 0..3 {
            r[k] = number(&row[xyz[k]], &format!("atom {shown}"))?;
        }
        let fract = if fractional { r } else { to_fractional(r, cell) };
        if fract.iter().any(|x| x.abs() > 1e6) {
            return refuse("coordinates millions of cells away".into());
        }
        sites.push(Site { z, fract, label: shown.clone(), line });
    }
    if heavy > 0 {
        notes.push(format!("{heavy} atoms D are taken as H; their mass is a setting of the calculation"));
    }
    Ok(sites)
}

/// Fractional coordinates in a cell with a along x and b in the xy plane.
fn to_fractional(r: [f64; 3], cell: &Cell) -> [f64; 3] {
    let v = cell.vectors;
    let fz = r[2] / v[2][2];
    let fy = (r[1] - fz * v[2][1]) / v[1][1];
    [(r[0] - fz * v[2][0] - fy * v[1][0]) / v[0][0], fy, fz]
}

/// `Fe`, `Fe3+`, `O2-`, `D`: the element, and whether it was written as an isotope.
fn type_symbol(text: &str) -> Result<(u8, bool)> {
    let letters = text.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'));
    if matches!(letters, "D" | "d") {
        return Ok((1, true));
    }
    Ok((elements::parse(if letters.is_empty() { text } else { letters })?, false))
}

/// `C12`, `Cl1A`, `H2O`: the letters in front. Two capitals of which both readings are elements are refused.
fn label_symbol(text: &str) -> Result<(u8, bool)> {
    let end = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    let two = text.get(..2.min(end)).unwrap_or("");
    let one = text.get(..1.min(end)).unwrap_or("");
    if matches!(one, "D") && end == 1 {
        return Ok((1, true));
    }
    let both = elements::from_symbol(two).filter(|_| two.len() == 2);
    let first = elements::from_symbol(one);
    let second_is_capital = two.as_bytes().get(1).is_some_and(u8::is_ascii_uppercase);
    match (both, first) {
        (Some(z), None) => Ok((z, false)),
        (Some(_), Some(_)) if second_is_capital => Err(Error::input(format!(
            "label `{}` may be {one} or {two}; add _atom_site_type_symbol",
            shorten(text)
        ))),
        (Some(z), Some(_)) | (None, Some(z)) => Ok((z, false)),
        (None, None) => {
            Err(elements::parse(text).err().unwrap_or_else(|| Error::input("no element in the label")))
        }
    }
}
