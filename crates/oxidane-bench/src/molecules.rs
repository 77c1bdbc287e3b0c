//! Molecules out of crystals: atoms joined by bonds, across cell boundaries.

use oxidane_core::elements::covalent_radius;
use oxidane_core::neighbors::NeighborList;
use oxidane_core::{Result, System};

/// Two atoms are bonded if they are closer than the sum of their covalent radii times this. Bonds of organic and halogen crystals
/// lie within 1.1 times, contacts beyond 1.3 times.
const BOND: f64 = 1.2;

/// The molecules of a crystal, each whole, neutral and without a cell. What is bonded without end (a polymer, a metal) comes as
/// the atoms of one cell.
///
/// # Errors
/// If neighbours cannot be found.
pub(crate) fn molecules(crystal: &System) -> Result<Vec<System>> {
    let radii: Vec<_> = crystal.numbers.iter().map(|&z| covalent_radius(z)).collect();
    let largest = radii.iter().fold(0.0_f64, |m, &r| m.max(r));
    let (positions, cell) = (&crystal.positions, crystal.cell.as_ref());
    let bonds = NeighborList::new(positions, cell, 2.0 * BOND * largest)?;
    let mut whole: Vec<Option<[f64; 3]>> = vec![None; crystal.len()];
    let mut found = Vec::new();
    for start in 0..crystal.len() {
        if whole[start].is_some() {
            continue;
        }
        whole[start] = Some(positions[start]);
        let mut atoms = vec![(start, positions[start])];
        let mut next = 0;
        while let Some(&(i, at)) = atoms.get(next) {
            next += 1;
            for e in bonds.edges_of(i) {
                let j = bonds.neighbors()[e] as usize;
                let r = bonds.vector(i, e, positions, cell);
                let length = r.iter().map(|x| x * x).sum::<f64>().sqrt();
                if whole[j].is_none() && length < BOND * (radii[i] + radii[j]) {
                    let place: [f64; 3] = std::array::from_fn(|k| at[k] - r[k]);
                    whole[j] = Some(place);
                    atoms.push((j, place));
                }
            }
        }
        atoms.sort_unstable_by_key(|a| a.0);
        let numbers = atoms.iter().map(|a| crystal.numbers[a.0]).collect();
        found.push(System::molecule(numbers, atoms.into_iter().map(|a| a.1).collect()));
    }
    Ok(found)
}

/// The molecule of a crystal that consists of `count` molecules of one formula; `None` if it does not.
///
/// # Errors
/// As [`molecules`].
pub(crate) fn only_molecule(crystal: &System, count: usize) -> Result<Option<System>> {
    let all = molecules(crystal)?;
    let formula = |m: &System| {
        let mut numbers = m.numbers.clone();
        numbers.sort_unstable();
        numbers
    };
    let same = all.iter().all(|m| formula(m) == formula(&all[0]));
    Ok((same && all.len() == count).then(|| all.into_iter().next()).flatten())
}

#[cfg(test)]
mod tests {
    use super::*;
    use oxidane_core::Cell;

    /// Two dihydrogen molecules, one of them cut by the boundary and one turned: each comes out with its bond of 0.74.
    #[test]
    fn molecules_are_made_whole() {
        let mut crystal = System::molecule(
            vec![1, 1, 1, 1],
            vec![[0.1, 0.0, 0.0], [4.0, 2.0, 2.0], [3.9 + 0.46, 0.0, 0.0], [4.0, 2.74, 2.0]],
        );
        crystal.cell = Some(Cell::new([[5.0, 0.0, 0.0], [0.0, 5.0, 0.0], [0.0, 0.0, 5.0]]));
        let all = molecules(&crystal).unwrap();
        assert_eq!(all.len(), 2);
        for molecule in &all {
            let [a, b] = [molecule.positions[0], molecule.positions[1]];
            let length = (0..3).map(|k| (a[k] - b[k]).powi(2)).sum::<f64>().sqrt();
            assert!((length - 0.74).abs() < 1e-12 && molecule.cell.is_none());
        }
        assert!(only_molecule(&crystal, 2).unwrap().is_some());
        assert!(only_molecule(&crystal, 4).unwrap().is_none());
    }
}
