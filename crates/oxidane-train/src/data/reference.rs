//! Reference energies: a sum over elements that is taken off the energies before a network sees them.

use super::{Dataset, Labelled};
use faer::{Mat, Side};
use oxidane_core::{Error, Result, System, elements};
use std::collections::BTreeMap;

/// One energy in eV per atomic number (index 0 unused); zero where an element has none; and one per unit of charge.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferenceEnergies {
    /// By atomic number, 0 to 118.
    pub values: Vec<f64>,
    /// In eV per elementary charge: what an error in the energy of a proton, or of a missing electron, adds to every ion.
    pub charge: f64,
}

impl Default for ReferenceEnergies {
    fn default() -> Self {
        Self { values: vec![0.0; 119], charge: 0.0 }
    }
}

impl ReferenceEnergies {
    /// Sum over the atoms and the charge of a structure, eV.
    pub fn sum(&self, system: &System) -> f64 {
        let atoms: f64 = system.numbers.iter().map(|&z| self.values[usize::from(z)]).sum();
        atoms + self.charge * f64::from(system.charge)
    }
}

/// The energy of a structure from that of the network, with the reference energies of the structure's head.
pub(crate) fn with_references(energy: f64, frame: &Labelled, references: &[ReferenceEnergies]) -> f64 {
    energy + references[frame.head as usize].sum(&frame.system)
}

/// Reference energies from a table by element symbol; `key` is where it stands, for the message.
///
/// # Errors
/// An element symbol is unknown.
pub fn by_symbol(key: &str, values: &BTreeMap<String, f64>) -> Result<ReferenceEnergies> {
    let mut energies = ReferenceEnergies::default();
    for (symbol, &value) in values {
        let z = elements::from_symbol(symbol).ok_or_else(|| {
            Error::usage(format!("{key}.values.{symbol}: there is no such element; use H, He, ..."))
        })?;
        energies.values[usize::from(z)] = value;
    }
    Ok(energies)
}

/// Directions of the normal matrix whose eigenvalue is below this fraction of the largest are taken as undetermined.
/// Compositions are small integers: a direction that the data do determine lies far above, rounding far below.
const UNDETERMINED: f64 = 1e-11;

/// Least-squares fit of the energies of `frames` by a sum over elements: minimises sum_s w_s (E_s - sum_Z n_sZ e_Z)^2
/// / N_s^2, that is the error per atom; `charge`: with an energy per unit of charge beside those of the elements. Where compositions leave combinations of elements undetermined (ten fixed
/// molecules of four elements, or a single molecule), the solution of least norm is taken: sums over atoms of
/// the compositions present are the same for every solution.
///
/// # Errors
/// No frame has an energy; with `charge`, all are neutral.
pub fn fit(data: &Dataset, frames: &[usize], charge: bool) -> Result<ReferenceEnergies> {
    // The place of no element is that of the charge.
    let mut normal = vec![[0.0; 119]; 119];
    let mut rhs = [0.0; 119];
    let mut labels = 0;
    for &i in frames {
        let frame = data.get(i)?;
        let Some(energy) = frame.total_energy() else { continue };
        labels += 1;
        let mut counts = [0.0; 119];
        frame.system.numbers.iter().for_each(|&z| counts[usize::from(z)] += 1.0);
        if charge {
            counts[0] = f64::from(frame.system.charge);
        }
        let present: Vec<usize> = (0..119).filter(|&z| counts[z] != 0.0).collect();
        let factor = frame.weight / (frame.system.len() as f64).powi(2);
        for &a in &present {
            rhs[a] += factor * counts[a] * energy;
            for &b in &present {
                normal[a][b] += factor * counts[a] * counts[b];
            }
        }
    }
    if labels == 0 {
        return Err(Error::input(
            "no training frame has a total energy, so reference energies cannot be fitted; name the key of the energy as \
             `energy` where the files are named, or set reference_energies.method = \"none\"",
        ));
    }
    if charge && normal[0][0] == 0.0 {
        return Err(Error::usage(
            "reference_energies.charge has no effect, as no training frame with a total energy is an ion: drop it",
        ));
    }
    let elements: Vec<usize> = (0..119).filter(|&z| normal[z][z] > 0.0).collect();
    let decompose = |of: &[usize]| {
        Mat::from_fn(of.len(), of.len(), |i, j| normal[of[i]][of[j]])
            .self_adjoint_eigen(Side::Lower)
            .map_err(|_| Error::not_converged("the fit of the reference energies did not converge"))
    };
    let eigen = decompose(&elements)?;
    let (values, vectors) = (eigen.S().column_vector(), eigen.U());
    let n = elements.len();
    let largest = (0..n).map(|k| values[k]).fold(0.0, f64::max);
    if charge {
        let atoms = decompose(&elements[1..])?;
        let of_atoms = atoms.S().column_vector();
        let determined = |value: &f64| *value > UNDETERMINED * largest;
        let rank = (0..n).map(|k| values[k]).filter(determined).count();
        if rank == (0..n - 1).map(|k| of_atoms[k]).filter(determined).count() {
            return Err(Error::usage(
                "reference_energies.charge: in these data the charge follows from the composition, so that its energy cannot be told from \
                 those of the elements: drop it",
            ));
        }
    }
    let mut result = ReferenceEnergies::default();
    for k in (0..n).filter(|&k| values[k] > UNDETERMINED * largest) {
        let along: f64 = (0..n).map(|i| vectors[(i, k)] * rhs[elements[i]]).sum();
        for i in 0..n {
            result.values[elements[i]] += vectors[(i, k)] * along / values[k];
        }
    }
    result.charge = std::mem::take(&mut result.values[0]);
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Builder;
    use oxidane_core::System;

    fn data(compositions: &[(&[u8], f64)]) -> Dataset {
        let mut b = Builder::default();
        for (numbers, energy) in compositions {
            let positions = (0..numbers.len()).map(|k| [k as f64, 0.0, 0.0]).collect();
            let mut f = Labelled::new(System::molecule(numbers.to_vec(), positions));
            f.energy = Some(*energy);
            b.add(f, "").unwrap();
        }
        b.finish()
    }

    /// Energies that are a sum over elements are recovered to 1e-6 eV: 1e-9 of the 1000 eV of an atom, as the normal
    /// equations square the condition number.
    #[test]
    fn exact_sums_are_recovered() {
        let e = |h: f64, c: f64, o: f64| -13.6 * h - 1030.0 * c - 2040.0 * o;
        let d = data(&[
            (&[1, 1, 8], e(2.0, 0.0, 1.0)),
            (&[6, 1, 1, 1, 1], e(4.0, 1.0, 0.0)),
            (&[6, 8, 8], e(0.0, 1.0, 2.0)),
            (&[6, 8, 1, 1], e(2.0, 1.0, 1.0)),
        ]);
        let r = fit(&d, &[0, 1, 2, 3], false).unwrap();
        for (z, want) in [(1, -13.6), (6, -1030.0), (8, -2040.0)] {
            assert!((r.values[z] - want).abs() < 1e-6, "{z}: {}", r.values[z]);
        }
    }

    /// Each proton more costs 7 eV beyond its atom, each less gains as much; without the energy of the charge atoms would have to bear it.
    #[test]
    fn ions_have_an_energy_of_their_charge() {
        let mut b = Builder::default();
        for (numbers, charge, energy) in
            [(vec![8, 1, 1], 0, -2067.2), (vec![8, 1, 1, 1], 1, -2073.8), (vec![8, 1], -1, -2060.6)]
        {
            let positions = (0..numbers.len()).map(|k| [k as f64, 0.0, 0.0]).collect();
            let mut f = Labelled::new(System { charge, unpaired: 0, ..System::molecule(numbers, positions) });
            f.energy = Some(energy);
            b.add(f, "").unwrap();
        }
        let mut f = Labelled::new(System::molecule(vec![1, 1], vec![[0.0; 3], [1.0, 0.0, 0.0]]));
        f.energy = Some(-27.2);
        b.add(f, "").unwrap();
        let r = fit(&b.finish(), &[0, 1, 2, 3], true).unwrap();
        assert!((r.charge - 7.0).abs() < 1e-6 && (r.values[1] + 13.6).abs() < 1e-6, "{r:?}");
        let hydronium =
            System { charge: 1, unpaired: 0, ..System::molecule(vec![8, 1, 1, 1], vec![[0.0; 3]; 4]) };
        assert!((r.sum(&hydronium) + 2073.8).abs() < 1e-6 && r.values[0] == 0.0);
    }

    /// One composition leaves all but one direction open: the residual is still zero and the numbers moderate.
    #[test]
    fn a_single_composition_is_fitted_by_the_least_norm() {
        let d = data(&[(&[1, 1, 8], -2000.0), (&[1, 8, 1], -2002.0)]);
        let r = fit(&d, &[0, 1], false).unwrap();
        assert!((r.values[1] * 2.0 + r.values[8] + 2001.0).abs() < 1e-9);
        assert!(fit(&d, &[0, 1], true).unwrap_err().message.contains("no effect"), "all are neutral");
        // Least norm: proportional to the counts.
        assert!((r.values[1] / r.values[8] - 2.0).abs() < 1e-9);
    }

    #[test]
    fn no_energies_is_an_error() {
        let mut b = Builder::default();
        b.add(Labelled::new(System::molecule(vec![2], vec![[0.0; 3]])), "").unwrap();
        assert!(fit(&b.finish(), &[0], false).is_err());
    }
}
