//! Writing POSCAR: Cartesian positions, so that they are read again exactly; the order of atoms is kept.

use std::fmt::Write as _;

use super::frame::{Frame, MOVE_MASK};
use super::keyvalue::write_real;
use crate::elements::symbol;
use crate::error::{Error, Result};

/// A frame as POSCAR, with selective dynamics where the frame has a `move_mask`. Other arrays, per-frame
/// values, charge and spin have no place in the format and are left out.
///
/// # Errors
/// If the frame does not repeat in all directions, or is no valid system.
pub(super) fn write(frame: &Frame) -> Result<String> {
    let system = &frame.system;
    system.validate()?;
    let Some(cell) = system.cell.filter(|c| c.periodic == [true; 3]) else {
        return Err(Error::input(
            "a POSCAR needs a cell that repeats in all three directions; give one, or write extxyz",
        ));
    };
    let groups: Vec<&[u8]> = system.numbers.chunk_by(|a, b| a == b).collect();
    let join = |f: &dyn Fn(&&[u8]) -> String| groups.iter().map(f).collect::<Vec<_>>().join(" ");
    let title = frame.comment.replace(char::is_control, " ");
    let title = if title.trim().is_empty() { join(&|g| symbol(g[0]).into()) } else { title };
    let mut out = format!("{}\n1.0\n", title.trim());
    for v in cell.vectors {
        row(&mut out, v);
        out.push('\n');
    }
    let _ = writeln!(out, "{}\n{}", join(&|g| symbol(g[0]).into()), join(&|g| g.len().to_string()));
    let fixed = frame.fixed()?;
    if let Some(fixed) = &fixed {
        if fixed.len() != system.len() {
            return Err(Error::input(format!(
                "`{MOVE_MASK}` has {} rows for {} atoms",
                fixed.len(),
                system.len()
            )));
        }
        out.push_str("Selective dynamics\n");
    }
    out.push_str("Cartesian\n");
    for (i, &r) in system.positions.iter().enumerate() {
        row(&mut out, r);
        for f in fixed.as_ref().map_or(&[][..], |f| &f[i]) {
            out.push_str(if *f { " F" } else { " T" });
        }
        out.push('\n');
    }
    Ok(out)
}

fn row(out: &mut String, v: [f64; 3]) {
    let _ = write!(out, "{:>24} {:>24} {:>24}", write_real(v[0]), write_real(v[1]), write_real(v[2]));
}
