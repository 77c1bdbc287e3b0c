//! Structures to measure on.

use oxidane_core::{Result, System, io};
use std::path::{Path, PathBuf};

/// A file of this repository.
pub fn repository_file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// A file named on the command line: as it stands, or from the root of the repository (cargo runs benchmarks in the
/// folder of their crate).
pub fn given_file(path: &str) -> PathBuf {
    let given = PathBuf::from(path);
    if given.exists() { given } else { repository_file(path) }
}

/// The file's name without its ending.
pub fn name(path: &Path) -> String {
    path.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned())
}

/// The first structure of a file.
pub fn first(path: &Path) -> Result<System> {
    io::read_first(path).map(|frame| frame.system)
}

/// All structures of a file.
pub fn all(path: &Path) -> Result<Vec<System>> {
    Ok(io::read_all(path)?.into_iter().map(|frame| frame.system).collect())
}

/// A structure whose atoms tremble: every step gives other positions, so that nothing can be carried over, within
/// the skin of a neighbour list, as most steps of a simulation are.
pub struct Moving {
    start: System,
    now: System,
    state: u64,
}

impl Moving {
    /// Trembles around `system`.
    pub fn new(system: &System) -> Self {
        Self { start: system.clone(), now: system.clone(), state: 1 }
    }

    /// The next positions, up to 0.01 angstrom off the start in each coordinate.
    pub fn step(&mut self) -> &System {
        for (now, start) in self.now.positions.iter_mut().zip(&self.start.positions) {
            for (x, x0) in now.iter_mut().zip(start) {
                // Knuth's MMIX generator; its upper bits are uniform enough for this.
                self.state = self
                    .state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                *x = x0 + 0.02 * ((self.state >> 40) as f64 / f64::from(1 << 24) - 0.5);
            }
        }
        &self.now
    }
}

/// Copies along the three axes that make about geometrically growing systems of `unit` atoms up to the smallest
/// with `most` atoms or more.
pub fn replicas(unit: usize, most: usize) -> Vec<[usize; 3]> {
    let mut all = Vec::new();
    let mut n = [1, 1, 1];
    let atoms = |n: [usize; 3]| unit.max(1) * n[0] * n[1] * n[2];
    while atoms(n) < most {
        all.push(n);
        let before = atoms(n);
        while atoms(n) < most && atoms(n) < 4 * before {
            let shortest = (0..3).min_by_key(|&k| n[k]).unwrap_or(0);
            n[shortest] += 1;
        }
    }
    all.push(n);
    all
}

/// A periodic structure repeated along its lattice vectors.
pub fn replicate(unit: &System, copies: [usize; 3]) -> System {
    let Some(cell) = unit.cell else { return unit.clone() };
    let mut system = unit.clone();
    system.positions.clear();
    system.numbers.clear();
    for a in 0..copies[0] as i32 {
        for b in 0..copies[1] as i32 {
            for c in 0..copies[2] as i32 {
                let t = cell.shift_vector([a, b, c]);
                system.numbers.extend_from_slice(&unit.numbers);
                let moved = unit.positions.iter().map(|x| std::array::from_fn(|k| x[k] + t[k]));
                system.positions.extend(moved);
            }
        }
    }
    if let Some(cell) = &mut system.cell {
        for (row, n) in cell.vectors.iter_mut().zip(copies) {
            row.iter_mut().for_each(|x| *x *= n as f64);
        }
    }
    system
}
