//! Bonds of a molecule, and turning parts of it about them.

use crate::vector::{cross, dot3, norm3, sub3};
use oxidane_core::elements::covalent_radius;
use oxidane_core::{Error, Result, System};

/// Atoms closer than this many times the sum of their covalent radii are bonded.
const BONDED: f64 = 1.25;
/// Bonds longer than this many times the sum of the radii, which are those of single bonds, are single: C=C and C=N are at 0.89 and
/// shorter, amides at 0.93.
const SINGLE: f64 = 0.92;
/// Sine of the angle below which three atoms are on a line.
const STRAIGHT: f64 = 0.1;

/// Which atoms of a molecule are bonded, judged by distances and covalent radii.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bonds {
    /// Neighbours of each atom, ascending.
    neighbors: Vec<Vec<usize>>,
}

impl Bonds {
    /// The bonds of a molecule.
    ///
    /// # Errors
    /// The system repeats.
    pub fn of(system: &System) -> Result<Self> {
        if system.cell.is_some_and(|cell| cell.periodic.contains(&true)) {
            return Err(Error::input("bonds are turned in molecules only, and this structure repeats"));
        }
        let bonded = |i: usize, j: usize| i != j && relative(system, i, j) < BONDED;
        let all = 0..system.len();
        let neighbors = all.clone().map(|i| all.clone().filter(|&j| bonded(i, j)).collect());
        Ok(Self { neighbors: neighbors.collect() })
    }

    /// The bonds about which something turns: single by their length, in no ring, with further atoms at both ends that are not on
    /// its line, and neither end a methyl group or its like (three hydrogens). The lower atom stands first; ascending.
    pub fn rotatable(&self, system: &System) -> Vec<[usize; 2]> {
        let pairs = self.neighbors.iter().enumerate().flat_map(|(i, all)| all.iter().map(move |&j| [i, j]));
        let turns = |&[a, b]: &[usize; 2]| {
            relative(system, a, b) > SINGLE
                && [[a, b], [b, a]].iter().all(|&[end, other]| self.swings(system, end, other))
                && self.side(a, b).is_some()
        };
        pairs.filter(|[a, b]| a < b).filter(turns).collect()
    }

    /// Whether a turn about the bond moves what hangs on its end to somewhere new.
    fn swings(&self, system: &System, end: usize, other: usize) -> bool {
        let rest: Vec<usize> = self.neighbors[end].iter().copied().filter(|&k| k != other).collect();
        let axis = sub3(&system.positions[end], &system.positions[other]);
        let aside = |&k: &usize| {
            let arm = sub3(&system.positions[k], &system.positions[end]);
            norm3(&cross(&axis, &arm)) > STRAIGHT * norm3(&axis) * norm3(&arm)
        };
        let methyl = rest.len() == 3 && rest.iter().all(|&k| system.numbers[k] == 1);
        !methyl && rest.iter().any(aside)
    }

    /// The atoms on the side of `b` of the bond from `a`, without `b`; `None` if the bond is in a ring.
    fn side(&self, a: usize, b: usize) -> Option<Vec<usize>> {
        let mut seen = vec![false; self.neighbors.len()];
        let (mut found, mut next) = (Vec::new(), vec![b]);
        seen[b] = true;
        while let Some(atom) = next.pop() {
            for &k in self.neighbors[atom].iter().filter(|&&k| !(atom == b && k == a)) {
                if k == a {
                    return None;
                }
                if !std::mem::replace(&mut seen[k], true) {
                    found.push(k);
                    next.push(k);
                }
            }
        }
        Some(found)
    }

    /// The smaller side of the bond between `a` and `b` turned about it by `angle` in degrees, right-handed about the way from the
    /// side that rests.
    ///
    /// # Errors
    /// There is no such bond, it is in a ring, or nothing hangs on one of its ends.
    pub fn turned(&self, system: &System, [a, b]: [usize; 2], angle: f64) -> Result<System> {
        let bad = |why: &str| Error::usage(format!("bond {}-{}: {why}", a + 1, b + 1));
        if !self.neighbors.get(a).is_some_and(|all| all.contains(&b)) {
            return Err(bad("these atoms are not bonded; name two that are"));
        }
        let sides = self.side(a, b).zip(self.side(b, a));
        let (of_b, of_a) = sides.ok_or_else(|| bad("it is in a ring, which cannot be turned"))?;
        if of_a.is_empty() || of_b.is_empty() {
            return Err(bad("nothing hangs on one of its ends, so that a turn about it moves nothing"));
        }
        let (from, to, moves) = if of_b.len() <= of_a.len() { (a, b, of_b) } else { (b, a, of_a) };
        let origin = system.positions[to];
        let along = sub3(&origin, &system.positions[from]);
        let axis = along.map(|x| x / norm3(&along));
        let (sin, cos) = angle.to_radians().sin_cos();
        let mut turned = system.clone();
        for k in moves {
            // Rodrigues: x cos + (axis x x) sin + axis (axis . x) (1 - cos).
            let x = sub3(&system.positions[k], &origin);
            let (aside, part) = (cross(&axis, &x), dot3(&axis, &x) * (1.0 - cos));
            turned.positions[k] =
                std::array::from_fn(|c| origin[c] + x[c] * cos + aside[c] * sin + axis[c] * part);
        }
        Ok(turned)
    }
}

/// The distance of two atoms over the sum of their covalent radii.
fn relative(system: &System, i: usize, j: usize) -> f64 {
    let radii = covalent_radius(system.numbers[i]) + covalent_radius(system.numbers[j]);
    norm3(&sub3(&system.positions[i], &system.positions[j])) / radii
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hydrogen peroxide with a dihedral angle of 90 degrees.
    fn peroxide() -> System {
        System::molecule(
            vec![1, 8, 8, 1],
            vec![[0.9, 0.0, -0.2], [0.0, 0.0, 0.0], [0.0, 0.0, 1.46], [0.0, 0.9, 1.66]],
        )
    }

    /// The dihedral angle of four atoms in degrees, -180 to 180.
    fn dihedral(s: &System, [i, j, k, l]: [usize; 4]) -> f64 {
        let [a, b, c] = [[i, j], [j, k], [k, l]].map(|[p, q]| sub3(&s.positions[q], &s.positions[p]));
        let (n, m) = (cross(&a, &b), cross(&b, &c));
        (norm3(&b) * dot3(&a, &m)).atan2(dot3(&n, &m)).to_degrees()
    }

    /// The dihedral angle changes by the angle, distances within the parts do not; full turns end where they began (rounding).
    #[test]
    fn turns_change_the_dihedral_angle_alone() {
        let system = peroxide();
        let bonds = Bonds::of(&system).unwrap();
        assert_eq!(bonds.rotatable(&system), [[1, 2]]);
        let before = dihedral(&system, [0, 1, 2, 3]);
        assert!((before.abs() - 90.0).abs() < 1e-9);
        for angle in [30.0, -75.0, 180.0] {
            let turned = bonds.turned(&system, [1, 2], angle).unwrap();
            let change = dihedral(&turned, [0, 1, 2, 3]) - before - angle;
            assert!((change - 360.0 * (change / 360.0).round()).abs() < 1e-9, "{angle}: {change}");
            for (i, j) in [(0, 1), (1, 2), (2, 3), (1, 3), (0, 2)] {
                assert!((relative(&turned, i, j) - relative(&system, i, j)).abs() < 1e-12);
            }
            assert_eq!(Bonds::of(&turned).unwrap(), bonds);
        }
    }

    /// Ethane has methyl groups alone, cyclopropane a ring, acetonitrile a line; bonds to hydrogen have nothing at one end.
    #[test]
    fn what_does_not_turn_is_refused() {
        let ethane = System::molecule(
            vec![6, 6, 1, 1, 1, 1, 1, 1],
            vec![
                [0.0, 0.0, 0.0],
                [0.0, 0.0, 1.53],
                [1.03, 0.0, -0.36],
                [-0.51, 0.89, -0.36],
                [-0.51, -0.89, -0.36],
                [-1.03, 0.0, 1.89],
                [0.51, 0.89, 1.89],
                [0.51, -0.89, 1.89],
            ],
        );
        let bonds = Bonds::of(&ethane).unwrap();
        assert!(bonds.rotatable(&ethane).is_empty());
        bonds.turned(&ethane, [0, 1], 60.0).unwrap();
        let message = |pair| bonds.turned(&ethane, pair, 60.0).unwrap_err().to_string();
        assert!(message([0, 2]).contains("bond 1-3: nothing hangs"));
        assert!(message([2, 3]).contains("not bonded") && message([0, 99]).contains("not bonded"));

        let ring = System::molecule(vec![6; 3], vec![[0.0; 3], [1.5, 0.0, 0.0], [0.75, 1.3, 0.0]]);
        let bonds = Bonds::of(&ring).unwrap();
        assert!(bonds.rotatable(&ring).is_empty());
        assert!(bonds.turned(&ring, [0, 1], 10.0).unwrap_err().to_string().contains("ring"));

        let nitrile = System::molecule(
            vec![8, 6, 6, 7, 1],
            vec![[1.3, 0.0, -0.5], [0.0, 0.0, 0.0], [0.0, 0.0, 1.46], [0.0, 0.0, 2.62], [1.3, 0.0, -1.47]],
        );
        let bonds = Bonds::of(&nitrile).unwrap();
        // The end of C-C is on its line; C-O turns the hydrogen.
        assert_eq!(bonds.rotatable(&nitrile), [[0, 1]]);
    }
}
