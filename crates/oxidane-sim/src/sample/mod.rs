//! Geometries around a given one, to learn from: random displacements, thermal vibrations ([`NormalModes`]) and turned bonds
//! ([`Bonds`]). Short dynamics are those of [`crate::md`].

mod bonds;
mod modes;

pub use bonds::Bonds;
pub use modes::{NormalModes, Statistics};

use crate::md::Random;
use oxidane_core::elements::covalent_radius;
use oxidane_core::neighbors::NeighborList;
use oxidane_core::{Result, System};

/// Atoms closer than this fraction of the sum of their covalent radii are on top of each other: a third of the bond is gone.
const CLOSEST: f64 = 0.65;

/// `system` with an independent normal displacement of standard deviation `sigma` (angstrom) in each coordinate of each atom.
pub fn displaced(system: &System, sigma: f64, random: &mut Random) -> System {
    let mut moved = system.clone();
    let coordinates = moved.positions.as_flattened_mut();
    let mut deviates = vec![0.0; coordinates.len()];
    random.fill_normal(&mut deviates);
    coordinates.iter_mut().zip(&deviates).for_each(|(x, deviate)| *x += sigma * deviate);
    moved
}

/// Whether two atoms are closer than 0.65 times the sum of their covalent radii: a geometry from which nothing is learned.
///
/// # Errors
/// The cell makes no sense.
pub fn clashes(system: &System) -> Result<bool> {
    let radii: Vec<f64> = system.numbers.iter().map(|&z| covalent_radius(z)).collect();
    let widest = radii.iter().copied().fold(0.0, f64::max);
    let (positions, cell) = (&system.positions, system.cell.as_ref());
    let list = NeighborList::new(positions, cell, 2.0 * CLOSEST * widest)?;
    let close = |i: usize, e: usize| {
        let d = list.vector(i, e, positions, cell);
        let least = CLOSEST * (radii[i] + radii[list.neighbors()[e] as usize]);
        crate::vector::dot3(&d, &d) < least * least
    };
    Ok((0..system.len()).any(|i| list.edges_of(i).any(|e| close(i, e))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean 0 and the standard deviation asked for: over 6000 deviates the mean is right to 4 sigma / sqrt(6000), the variance to
    /// 4 sqrt(2 / 6000) of itself.
    #[test]
    fn displacements_have_their_size() {
        let system =
            System::molecule(vec![18; 2000], (0..2000).map(|i| [f64::from(i) * 4.0, 0.0, 0.0]).collect());
        let moved = displaced(&system, 0.05, &mut Random::new(3));
        let flat = |s: &System| s.positions.as_flattened().to_vec();
        let by: Vec<f64> = flat(&moved).iter().zip(flat(&system)).map(|(a, b)| a - b).collect();
        let n = by.len() as f64;
        let mean = by.iter().sum::<f64>() / n;
        let variance = by.iter().map(|x| x * x).sum::<f64>() / n;
        assert!(mean.abs() < 4.0 * 0.05 / n.sqrt(), "{mean}");
        assert!((variance / 0.0025 - 1.0).abs() < 4.0 * (2.0 / n).sqrt(), "{variance}");
    }

    /// Hydrogen has a covalent radius of 0.32 angstrom: the limit is 0.416.
    #[test]
    fn atoms_on_top_of_each_other_clash() {
        let at = |d: f64| System::molecule(vec![1, 1], vec![[0.0; 3], [0.0, 0.0, d]]);
        assert!(clashes(&at(0.41)).unwrap() && !clashes(&at(0.42)).unwrap());
    }
}
