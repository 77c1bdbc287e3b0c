//! The atoms of a whole cell from those listed: every operation applied, atoms that coincide merged.

use std::collections::BTreeMap;

use super::symop::Operation;
use crate::elements::symbol;
use crate::error::{Error, Result};
use crate::system::{CLOSEST_APPROACH, Cell};

/// Images closer than this (angstrom) are the same atom: coordinates are printed with three digits or more, and
/// a thousandth of a long cell edge is a few hundredths of an angstrom.
const SAME_SITE: f64 = 0.05;

/// An atom as listed.
pub(super) struct Site {
    pub z: u8,
    pub fract: [f64; 3],
    pub label: String,
    pub line: u64,
}

/// A full cell is refused above this many atoms.
const MOST_ATOMS: usize = 1 << 20;

/// The atoms of a whole cell.
pub(super) struct Expanded {
    /// Atomic numbers and fractional coordinates, site after site.
    pub atoms: Vec<(u8, [f64; 3])>,
    /// How many listed sites were merged into others.
    pub merged: usize,
}

/// All atoms of the cell.
pub(super) fn expand(sites: &[Site], operations: &[Operation], cell: &Cell) -> Result<Expanded> {
    let mut grid = Grid::new(cell);
    let mut merged = 0;
    for (s, site) in sites.iter().enumerate() {
        let at_line = |message: String| Error::input(message).on_line(site.line);
        for (k, op) in operations.iter().enumerate() {
            // A whole listed position is kept as it stands, so that a file in P1 keeps its molecules together.
            let moved = op.apply(site.fract);
            let fract = if *op == Operation::IDENTITY { moved } else { moved.map(|x| x - x.floor()) };
            if let Some((other, _)) = grid.nearest(fract, SAME_SITE, |_| true) {
                if grid.atoms[other].0 != site.z {
                    let what = symbol(grid.atoms[other].0);
                    return Err(at_line(format!(
                        "{} and another atom ({what}) are on the same place",
                        site.label
                    )));
                }
                if k == 0 {
                    merged += 1;
                    break;
                }
            } else if let Some((_, d)) = grid.nearest(fract, CLOSEST_APPROACH, |owner| owner == s) {
                return Err(at_line(format!(
                    "{} and its own symmetry image are {d:.2} angstrom apart: disorder, or an operation too many",
                    site.label
                )));
            } else {
                grid.push(site.z, fract, s);
            }
        }
        if grid.atoms.len() > MOST_ATOMS {
            return Err(at_line(format!("more than {MOST_ATOMS} atoms in the cell")));
        }
    }
    Ok(Expanded { atoms: grid.atoms, merged })
}

/// Atoms in bins of the cell no thinner than the closest approach.
struct Grid<'a> {
    cell: &'a Cell,
    bins: [i32; 3],
    members: BTreeMap<[i32; 3], Vec<usize>>,
    atoms: Vec<(u8, [f64; 3])>,
    owners: Vec<usize>,
}

impl<'a> Grid<'a> {
    fn new(cell: &'a Cell) -> Self {
        let v = cell.vectors;
        let height = |a: usize| {
            let (b, c) = (v[(a + 1) % 3], v[(a + 2) % 3]);
            let n = [b[1] * c[2] - b[2] * c[1], b[2] * c[0] - b[0] * c[2], b[0] * c[1] - b[1] * c[0]];
            cell.volume().abs() / n.iter().map(|x| x * x).sum::<f64>().sqrt()
        };
        #[allow(clippy::cast_possible_truncation)]
        let bins = std::array::from_fn(|a| ((height(a) / CLOSEST_APPROACH) as i32).clamp(1, 1 << 12));
        Self { cell, bins, members: BTreeMap::new(), atoms: Vec::new(), owners: Vec::new() }
    }

    #[allow(clippy::cast_possible_truncation)]
    fn bin(&self, fract: [f64; 3]) -> [i32; 3] {
        std::array::from_fn(|a| {
            let x = fract[a] - fract[a].floor();
            ((x * f64::from(self.bins[a])) as i32).min(self.bins[a] - 1)
        })
    }

    fn push(&mut self, z: u8, fract: [f64; 3], owner: usize) {
        self.members.entry(self.bin(fract)).or_default().push(self.atoms.len());
        self.atoms.push((z, fract));
        self.owners.push(owner);
    }

    /// The nearest atom, images included, closer than `limit` (at most the closest approach) whose listed site
    /// is `wanted`.
    fn nearest(&self, fract: [f64; 3], limit: f64, wanted: impl Fn(usize) -> bool) -> Option<(usize, f64)> {
        let here = self.bin(fract);
        let around = |a: usize| {
            let n = self.bins[a];
            let mut list: Vec<i32> = (-1..=1).map(|d| (here[a] + d).rem_euclid(n)).collect();
            list.sort_unstable();
            list.dedup();
            list
        };
        let (xs, ys, zs) = (around(0), around(1), around(2));
        let mut best: Option<(usize, f64)> = None;
        for &x in &xs {
            for &y in &ys {
                for &z in &zs {
                    for &i in self.members.get(&[x, y, z]).into_iter().flatten() {
                        let d = self.distance(fract, self.atoms[i].1);
                        if d < limit && wanted(self.owners[i]) && best.is_none_or(|(_, b)| d < b) {
                            best = Some((i, d));
                        }
                    }
                }
            }
        }
        best
    }

    fn distance(&self, a: [f64; 3], b: [f64; 3]) -> f64 {
        let d: [f64; 3] = std::array::from_fn(|k| a[k] - b[k] - (a[k] - b[k]).round());
        let r: [f64; 3] = std::array::from_fn(|k| (0..3).map(|a| d[a] * self.cell.vectors[a][k]).sum());
        r.iter().map(|x| x * x).sum::<f64>().sqrt()
    }
}
