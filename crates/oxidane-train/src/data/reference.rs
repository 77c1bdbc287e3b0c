//! Reference energies: a sum over elements that is taken off the energies before a network sees them.

use super::{Dataset, Labelled};
use faer::{Mat, Side};
use oxidane_core::{Error, Result, elements};
use std::collections::BTreeMap;

/// One energy in eV per atomic number (index 0 unused); zero where an element has none.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferenceEnergies {
    /// By atomic number, 0 to 118.
    pub values: Vec<f64>,
}

impl Default for ReferenceEnergies {
    fn default() -> Self {
        Self { values: vec![0.0; 119] }
    }
}

impl ReferenceEnergies {
    /// Sum over atoms, eV.
    pub fn sum(&self, numbers: &[u8]) -> f64 {
        numbers.iter().map(|&z| self.values[usize::from(z)]).sum()
    }
}

/// The energy of a structure from that of the network, with the reference energies of the structure's head.
pub(crate) fn with_references(energy: f64, frame: &Labelled, references: &[ReferenceEnergies]) -> f64 {
    energy + references[frame.head as usize].sum(&frame.system.numbers)
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
/// / N_s^2, that is the error per atom. Where compositions leave combinations of elements undetermined (ten fixed
/// molecules of four elements, or a single molecule), the solution of least norm is taken: sums over atoms of
/// the compositions present are the same for every solution.
///
/// # Errors
/// No frame has an energy.
pub fn fit(data: &Dataset, frames: &[usize]) -> Result<ReferenceEnergies> {
    let mut normal = vec![[0.0; 119]; 119];
    let mut rhs = [0.0; 119];
    let mut labels = 0;
    for &i in frames {
        let frame = data.get(i)?;
        let Some(energy) = frame.total_energy() else { continue };
        labels += 1;
        let mut counts = [0.0; 119];
        frame.system.numbers.iter().for_each(|&z| counts[usize::from(z)] += 1.0);
        let present: Vec<usize> = (0..119).filter(|&z| counts[z] > 0.0).collect();
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
    let elements: Vec<usize> = (0..119).filter(|&z| normal[z][z] > 0.0).collect();
    let matrix = Mat::from_fn(elements.len(), elements.len(), |i, j| normal[elements[i]][elements[j]]);
    let eigen = matrix
        .self_adjoint_eigen(Side::Lower)
        .map_err(|_| Error::not_converged("the fit of the reference energies did not converge"))?;
    let (values, vectors) = (eigen.S().column_vector(), eigen.U());
    let n = elements.len();
    let largest = (0..n).map(|k| values[k]).fold(0.0, f64::max);
    let mut result = ReferenceEnergies::default();
    for k in (0..n).filter(|&k| values[k] > UNDETERMINED * largest) {
        let along: f64 = (0..n).map(|i| vectors[(i, k)] * rhs[elements[i]]).sum();
        for i in 0..n {
            result.values[elements[i]] += vectors[(i, k)] * along / values[k];
        }
    }
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
        let r = fit(&d, &[0, 1, 2, 3]).unwrap();
        for (z, want) in [(1, -13.6), (6, -1030.0), (8, -2040.0)] {
            assert!((r.values[z] - want).abs() < 1e-6, "{z}: {}", r.values[z]);
        }
    }

    /// One composition leaves all but one direction open: the residual is still zero and the numbers moderate.
    #[test]
    fn a_single_composition_is_fitted_by_the_least_norm() {
        let d = data(&[(&[1, 1, 8], -2000.0), (&[1, 8, 1], -2002.0)]);
        let r = fit(&d, &[0, 1]).unwrap();
        assert!((r.sum(&[1, 1, 8]) + 2001.0).abs() < 1e-9);
        // Least norm: proportional to the counts.
        assert!((r.values[1] / r.values[8] - 2.0).abs() < 1e-9);
    }

    #[test]
    fn no_energies_is_an_error() {
        let mut b = Builder::default();
        b.add(Labelled::new(System::molecule(vec![2], vec![[0.0; 3]])), "").unwrap();
        assert!(fit(&b.finish(), &[0]).is_err());
    }
}
