//! Reading VASP 5 POSCAR and CONTCAR.
//!
//! Title; scale (one factor, one negative number = minus the volume, or three factors for x, y, z); three
//! lattice vectors; species; counts; optionally `Selective dynamics`; `Direct` or `Cartesian`; positions. The
//! flags of selective dynamics become the array `move_mask` (three columns, along the lattice vectors), the
//! velocities of a CONTCAR the array `velocities` (angstrom/fs), left out where all are zero.

use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;

use super::data::{Array, Data};
use super::frame::{Frame, MOVE_MASK, Origin};
use super::keyvalue::real;
use super::lines::Lines;
use super::xyz::shorten;
use crate::elements;
use crate::error::{Error, Result};
use crate::system::Cell;

type Vectors = [[f64; 3]; 3];

/// Reads the one structure of the file.
pub(super) fn read<R: BufRead>(lines: &mut Lines<R>, path: Option<&Arc<Path>>) -> Result<Frame> {
    let mut frame = Frame { origin: Origin { path: path.cloned(), line: Some(1) }, ..Frame::default() };
    lines.expect("the title")?.trim().clone_into(&mut frame.comment);
    let scale = read_scale(lines)?;
    let mut vectors = [[0.0; 3]; 3];
    for v in &mut vectors {
        let number = lines.number() + 1;
        *v = three(lines.expect("a lattice vector")?).map_err(|e| e.on_line(number))?;
    }
    let factors = factors(&scale, &Cell::new(vectors)).map_err(|e| e.on_line(2))?;
    let vectors = vectors.map(|v| scaled(v, factors));
    frame.system.cell = Some(Cell::new(vectors));
    frame.system.numbers = read_species(lines)?;
    let mut mode = lines.expect("Direct or Cartesian")?.trim().to_owned();
    let selective = mode.starts_with(['s', 'S']);
    if selective {
        mode = lines.expect("Direct or Cartesian")?.trim().to_owned();
    }
    let direct = is_direct(&mode).map_err(|e| e.on_line(lines.number()))?;
    let mut moves = Vec::new();
    for i in 0..frame.system.numbers.len() {
        let number = lines.number() + 1;
        let z = frame.system.numbers[i];
        let line = lines.expect("a position")?;
        let read = position_line(line, selective, z)
            .map_err(|e| Error { message: format!("atom {}: {}", i + 1, e.message), ..e }.on_line(number))?;
        let r = if direct { combine(read.0, &vectors) } else { scaled(read.0, factors) };
        frame.system.positions.push(r);
        moves.extend(read.1);
    }
    if selective {
        frame.arrays.insert(MOVE_MASK.into(), Array { columns: 3, data: Data::Bool(moves) });
    }
    read_velocities(lines, &mut frame)?;
    frame.stated.set(&mut frame.system).map_err(|e| e.on_line(1))?;
    Ok(frame)
}

fn read_scale<R: BufRead>(lines: &mut Lines<R>) -> Result<Vec<f64>> {
    let line = lines.expect("the scale")?;
    // Behind the numbers may stand a remark, as VASP has it.
    let n: Vec<f64> = line.split_ascii_whitespace().map_while(real).collect();
    match n.len() {
        3 if n.iter().all(|&x| x > 0.0 && x.is_finite()) => Ok(n),
        1 if n[0] != 0.0 && n[0].is_finite() => Ok(n),
        _ => {
            let shown = shorten(line.trim());
            Err(Error::input(format!(
                "scale `{shown}`; give one factor, minus the volume, or three positive factors"
            ))
            .on_line(2))
        }
    }
}

/// What x, y and z are multiplied with.
fn factors(scale: &[f64], cell: &Cell) -> Result<[f64; 3]> {
    match *scale {
        [x, y, z] => Ok([x, y, z]),
        [volume] if volume < 0.0 => {
            let factor = (-volume / cell.volume().abs()).cbrt();
            if factor.is_finite() {
                Ok([factor; 3])
            } else {
                Err(Error::input("the cell has no volume, so it cannot be scaled to the volume asked for"))
            }
        }
        [factor] => Ok([factor; 3]),
        _ => Ok([1.0; 3]),
    }
}

fn scaled(v: [f64; 3], factors: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|k| v[k] * factors[k])
}

fn combine(f: [f64; 3], vectors: &Vectors) -> [f64; 3] {
    std::array::from_fn(|k| (0..3).map(|a| f[a] * vectors[a][k]).sum())
}

fn finite(word: &str) -> Option<f64> {
    real(word).filter(|x| x.is_finite())
}

fn three(line: &str) -> Result<[f64; 3]> {
    let mut words = line.split_ascii_whitespace();
    let mut out = [0.0; 3];
    for x in &mut out {
        let word = words
            .next()
            .ok_or_else(|| Error::input(format!("`{}`: three numbers expected", shorten(line.trim()))))?;
        *x = finite(word)
            .ok_or_else(|| Error::input(format!("`{}` is not a finite number", shorten(word))))?;
    }
    Ok(out)
}

/// The species and count lines, spread out to one atomic number per atom.
fn read_species<R: BufRead>(lines: &mut Lines<R>) -> Result<Vec<u8>> {
    let line = lines.expect("the species")?.to_owned();
    let at = lines.number();
    let words: Vec<&str> = line.split_ascii_whitespace().take_while(|w| !w.starts_with(['!', '#'])).collect();
    if words.is_empty() || words.iter().all(|w| w.parse::<f64>().is_ok()) {
        let message = "no species: this is a VASP 4 file; add a line with the symbols above the counts";
        return Err(Error::input(message).on_line(at));
    }
    let species: Vec<u8> = words
        .iter()
        // POTCAR names such as Mg_pv, and the hashes VASP 6 writes behind a slash.
        .map(|w| elements::parse(w.split(['_', '/']).next().unwrap_or(w)).map_err(|e| e.on_line(at)))
        .collect::<Result<_>>()?;
    let counts = lines.expect("the counts")?.to_owned();
    let bad = |what: String| Error::input(what).on_line(at + 1);
    let mut numbers = Vec::new();
    let mut n = 0;
    for word in counts.split_ascii_whitespace().take_while(|w| !w.starts_with(['!', '#'])) {
        let count: usize =
            word.parse().map_err(|_| bad(format!("`{}` is no number of atoms", shorten(word))))?;
        if count > MOST_ATOMS - numbers.len() {
            return Err(bad(format!("{count} atoms are more than a POSCAR can have")));
        }
        if let Some(&z) = species.get(n) {
            numbers.extend(std::iter::repeat_n(z, count));
        }
        n += 1;
    }
    if n != species.len() {
        return Err(bad(format!("{n} counts for {} species", species.len())));
    }
    Ok(numbers)
}

/// A bound on what is laid out on the word of the count line.
const MOST_ATOMS: usize = 1 << 22;

fn is_direct(mode: &str) -> Result<bool> {
    match mode.bytes().next() {
        Some(b'd' | b'D') => Ok(true),
        Some(b'c' | b'C' | b'k' | b'K') => Ok(false),
        _ => Err(Error::input(format!("`{}`: Direct or Cartesian expected", shorten(mode)))),
    }
}

/// A position and, with selective dynamics, which directions may move. A symbol at the end must fit.
fn position_line(line: &str, selective: bool, z: u8) -> Result<([f64; 3], Vec<bool>)> {
    let r = three(line)?;
    let mut rest = line.split_ascii_whitespace().skip(3);
    let mut moves = Vec::new();
    if selective {
        for direction in 0..3 {
            let word = rest.next().unwrap_or("");
            moves.push(match word.trim_matches('.').bytes().next() {
                Some(b'T' | b't') => true,
                Some(b'F' | b'f') => false,
                _ => {
                    let found = if word.is_empty() { "nothing".into() } else { format!("`{}`", shorten(word)) };
                    return Err(Error::input(format!(
                        "{found} where flag {} of three belongs: selective dynamics wants T or F for every direction",
                        direction + 1
                    )));
                }
            });
        }
    }
    match rest.next().and_then(elements::from_symbol) {
        Some(other) if other != z => Err(Error::input(format!(
            "the line says {} but the species line makes it {}",
            elements::symbol(other),
            elements::symbol(z)
        ))),
        _ => Ok((r, moves)),
    }
}

/// The blocks VASP writes behind the positions: velocities are read, what is for its own restart is noted.
fn read_velocities<R: BufRead>(lines: &mut Lines<R>, frame: &mut Frame) -> Result<()> {
    let Some(mut line) = lines.next()?.map(str::to_owned) else { return Ok(()) };
    let atoms = frame.system.numbers.len();
    if line.trim().starts_with(['L', 'l']) {
        frame.notes.push("the velocities of the lattice were not read".into());
        // Heading, a flag, six vectors.
        for _ in 0..8 {
            match lines.next()? {
                Some(text) => text.clone_into(&mut line),
                None => return Ok(()),
            }
        }
    }
    let mode = line.trim().to_owned();
    let direct = !mode.is_empty() && is_direct(&mode).map_err(|e| e.on_line(lines.number()))?;
    let Some(first) = lines.next()?.map(str::to_owned) else { return Ok(()) };
    if first.trim().is_empty() {
        return nothing_more(lines, frame);
    }
    let mut velocities = vec![three(&first).map_err(|e| e.on_line(lines.number()))?];
    while velocities.len() < atoms {
        let number = lines.number() + 1;
        velocities.push(three(lines.expect("a velocity")?).map_err(|e| e.on_line(number))?);
    }
    if direct {
        frame.notes.push("velocities in direct coordinates (per time step) were not read".into());
    } else if velocities.as_flattened().iter().any(|&v| v != 0.0) {
        frame.arrays.insert("velocities".into(), Array::vectors(&velocities));
    }
    nothing_more(lines, frame)
}

fn nothing_more<R: BufRead>(lines: &mut Lines<R>, frame: &mut Frame) -> Result<()> {
    if lines.next_filled()?.is_some() {
        frame.notes.push("what follows the velocities (predictor-corrector data) was not read".into());
    }
    Ok(())
}
