//! On-site third order: the change of the hardness of a shell with its charge.

use crate::basis::Basis;

/// The energy 1/3 sum_s Gamma_s q_s^3 in hartree over the shells (J. Chem. Theory Comput. 2019, 15, 1652). Adds its
/// derivative by each shell charge to `potential`.
pub fn potential(basis: &Basis, shell_charges: &[f64], potential: &mut [f64]) -> f64 {
    let mut energy = 0.0;
    for ((shell, &q), v) in basis.shells.iter().zip(shell_charges).zip(potential) {
        let slope = shell.parameters.third_order * q * q;
        *v += slope;
        energy += slope * q / 3.0;
    }
    energy
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The potential against central differences of the energy, exact for a cubic up to Gamma h^2 / 3.
    #[test]
    fn potential_is_the_derivative_of_the_energy() {
        let basis = Basis::new(&[1, 8, 26]).unwrap();
        let charges: Vec<f64> = (0..basis.shells.len()).map(|s| 0.3 - 0.17 * s as f64).collect();
        let mut by_charge = vec![1.0; charges.len()];
        potential(&basis, &charges, &mut by_charge);
        let step = 1e-5;
        for s in 0..charges.len() {
            let energy = |shift: f64| {
                let mut moved = charges.clone();
                moved[s] += shift;
                potential(&basis, &moved, &mut vec![0.0; charges.len()])
            };
            let expected = (energy(step) - energy(-step)) / (2.0 * step);
            assert!((by_charge[s] - 1.0 - expected).abs() < 1e-10, "shell {s}");
        }
    }

    /// Hydrogen has Gamma = 0.08: a charge of 1/2 costs 0.08 / 24.
    #[test]
    fn hydrogen_by_hand() {
        let basis = Basis::new(&[1]).unwrap();
        let energy = potential(&basis, &[0.5], &mut [0.0]);
        assert!((energy - 0.08 / 24.0).abs() < 1e-15);
    }
}
