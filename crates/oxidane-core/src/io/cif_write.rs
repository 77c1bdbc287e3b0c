//! Writing CIF in P1.

use std::fmt::Write as _;

use super::frame::Frame;
use super::keyvalue::write_real;
use crate::elements::symbol;
use crate::error::{Error, Result};
use crate::system::Cell;
use crate::vector::{cross, dot, reciprocal};

/// A frame as CIF in P1. The format knows lengths and angles only, so the orientation of the cell is lost;
/// arrays, per-frame values, charge and spin have no place in it and are left out.
///
/// # Errors
/// If the frame does not repeat in all directions, or is no valid system.
pub(super) fn write(frame: &Frame) -> Result<String> {
    let system = &frame.system;
    system.validate()?;
    let Some(cell) = system.cell.filter(|c| c.periodic == [true; 3]) else {
        return Err(Error::input(
            "a CIF needs a cell that repeats in all three directions; give one, or write extxyz",
        ));
    };
    // A left-handed cell would come back mirrored: its vectors are turned round, and the coordinates with them.
    let hand = cell.volume().signum();
    let name: String =
        frame.comment.chars().map(|c| if c.is_ascii_graphic() { c } else { '_' }).take(60).collect();
    let mut out = format!("data_{}\n", if name.is_empty() { "structure" } else { &name });
    let v = cell.vectors;
    for (tag, vector) in ["a", "b", "c"].iter().zip(v) {
        let _ = writeln!(out, "_cell_length_{tag} {}", write_real(dot(vector, vector).sqrt()));
    }
    for (tag, p, q) in [("alpha", v[1], v[2]), ("beta", v[0], v[2]), ("gamma", v[0], v[1])] {
        let _ = writeln!(out, "_cell_angle_{tag} {}", write_real(angle(p, q)));
    }
    out.push_str("_space_group_name_H-M_alt 'P 1'\n_space_group_IT_number 1\n");
    out.push_str("loop_\n_space_group_symop_operation_xyz\n'x, y, z'\n");
    out.push_str("loop_\n_atom_site_label\n_atom_site_type_symbol\n");
    out.push_str("_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n_atom_site_occupancy\n");
    let inverse = Inverse::new(&cell);
    for (i, (&z, &r)) in system.numbers.iter().zip(&system.positions).enumerate() {
        let f = inverse.fractional(r).map(|x| write_real(hand * x));
        let s = symbol(z);
        let _ = writeln!(out, "{s}{} {s} {} {} {} 1", i + 1, f[0], f[1], f[2]);
    }
    Ok(out)
}

/// Angle in degrees; exactly 90 for orthogonal vectors.
fn angle(a: [f64; 3], b: [f64; 3]) -> f64 {
    let n = cross(a, b);
    dot(n, n).sqrt().atan2(dot(a, b)).to_degrees()
}

/// Reciprocal vectors: fractional coordinates by three products.
struct Inverse([[f64; 3]; 3]);

impl Inverse {
    fn new(cell: &Cell) -> Self {
        Self(reciprocal(cell.vectors))
    }

    fn fractional(&self, r: [f64; 3]) -> [f64; 3] {
        self.0.map(|row| dot(row, r))
    }
}
