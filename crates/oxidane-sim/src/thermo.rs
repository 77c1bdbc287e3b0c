//! Thermochemistry of molecules: ideal gas, rigid rotor, harmonic oscillators (D. A. McQuarrie, *Statistical Mechanics*, 1976, chapters 5, 6
//! and 8), with the entropy of soft vibrations going over to that of free rotors (S. Grimme, Chem. Eur. J. 2012, 18, 9955).

use crate::md::standard_masses;
use crate::observables::{inertia, principal_axes, rotational_degrees};
use oxidane_core::units::{AMU_ANGSTROM2_PER_FS2, BOLTZMANN, PLANCK, SPEED_OF_LIGHT};
use oxidane_core::{Error, Result, System};
use serde::Serialize;
use std::f64::consts::{PI, TAU};

/// The average moment of inertia B by which free rotors of low wavenumber are limited (Grimme 2012): 1e-44 kg m^2, in amu angstrom^2.
const LARGEST_MOMENT: f64 = 1e-44 / (oxidane_core::units::ATOMIC_MASS_KG * 1e-20);

/// The state of the gas.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gas {
    /// Temperature in K.
    pub temperature: f64,
    /// Pressure in eV/angstrom^3.
    pub pressure: f64,
    /// Number of rotations that leave the molecule as it is.
    pub symmetry_number: u32,
    /// Wavenumber in 1/cm at which the entropy of a vibration is half that of a free rotor; 0 for harmonic oscillators throughout.
    pub rotor_cutoff: f64,
}

/// Entropy in eV/K by its origin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Entropy {
    /// Of translation (Sackur-Tetrode).
    pub translation: f64,
    /// Of rotation.
    pub rotation: f64,
    /// Of vibration.
    pub vibration: f64,
    /// Of unpaired electrons, k ln(2S+1).
    pub spin: f64,
}

impl Entropy {
    /// Of all together.
    pub fn total(&self) -> f64 {
        self.translation + self.rotation + self.vibration + self.spin
    }
}

/// What a molecule of an ideal gas has beyond its electronic energy.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Thermochemistry {
    /// Energy of the vibrations at rest in eV.
    pub zero_point: f64,
    /// Enthalpy less electronic energy in eV, zero point included.
    pub enthalpy: f64,
    /// Entropy by its origin.
    pub entropy: Entropy,
    /// Gibbs energy less electronic energy in eV: `enthalpy` less temperature times entropy.
    pub gibbs: f64,
}

impl Thermochemistry {
    /// Of a molecule with these wavenumbers in 1/cm; those of imaginary modes, which are negative, take no part.
    ///
    /// # Errors
    /// Temperature, pressure, or symmetry number are not positive.
    pub fn new(system: &System, wavenumbers: &[f64], gas: Gas) -> Result<Self> {
        let positive = |x: f64| x.is_finite() && x > 0.0;
        if !(positive(gas.temperature) && positive(gas.pressure) && gas.symmetry_number > 0) {
            return Err(Error::usage("temperature, pressure and symmetry number must be positive"));
        }
        let (kt, masses) = (BOLTZMANN * gas.temperature, standard_masses(system));
        let quanta: Vec<f64> = wavenumbers.iter().filter(|&&w| w > 0.0).map(|w| quantum(*w)).collect();
        let zero_point = 0.5 * quanta.iter().sum::<f64>();
        let thermal: f64 = quanta.iter().map(|q| q / (q / kt).exp_m1()).sum();
        let rotations = rotational_degrees(&masses, &system.positions);
        #[allow(clippy::cast_precision_loss)] // at most three
        let enthalpy = zero_point + thermal + 0.5 * kt * (3 + rotations) as f64 + kt;
        let entropy = Entropy {
            translation: BOLTZMANN * (translation(masses.iter().sum(), kt, gas.pressure).ln() + 2.5),
            rotation: rotation(system, &masses, rotations, kt, gas.symmetry_number),
            vibration: quanta.iter().map(|q| vibration(*q, kt, gas.rotor_cutoff)).sum(),
            spin: BOLTZMANN * f64::from(system.multiplicity()).ln(),
        };
        Ok(Self { zero_point, enthalpy, entropy, gibbs: enthalpy - gas.temperature * entropy.total() })
    }
}

/// The energy quantum in eV of a wavenumber in 1/cm.
fn quantum(wavenumber: f64) -> f64 {
    PLANCK * SPEED_OF_LIGHT * 1e-8 * wavenumber
}

/// Partition function of translation for a particle of this mass (amu) in the volume that it has at this pressure.
fn translation(mass: f64, kt: f64, pressure: f64) -> f64 {
    (TAU * mass * AMU_ANGSTROM2_PER_FS2 * kt / PLANCK.powi(2)).powf(1.5) * kt / pressure
}

/// Principal moments of inertia in amu angstrom^2, ascending.
fn moments(system: &System, masses: &[f64]) -> [f64; 3] {
    principal_axes(&inertia(masses, &system.positions)).map_or([0.0; 3], |(moments, _)| moments)
}

fn rotation(system: &System, masses: &[f64], rotations: usize, kt: f64, symmetry: u32) -> f64 {
    // 8 pi^2 I kT / h^2 of each axis.
    let thermal = |moment: f64| 8.0 * PI * PI * moment * AMU_ANGSTROM2_PER_FS2 * kt / PLANCK.powi(2);
    let (all, symmetry) = (moments(system, masses), f64::from(symmetry));
    BOLTZMANN
        * match rotations {
            0 => 0.0,
            2 => (thermal(all[2]) / symmetry).ln() + 1.0,
            _ => ((PI * all.iter().map(|m| thermal(*m)).product::<f64>()).sqrt() / symmetry).ln() + 1.5,
        }
}

/// Of one mode: an oscillator, or below the cutoff more and more a rotor of the same quantum.
fn vibration(quantum: f64, kt: f64, cutoff: f64) -> f64 {
    let x = quantum / kt;
    let oscillator = BOLTZMANN * (x / x.exp_m1() - (-(-x).exp()).ln_1p());
    if cutoff <= 0.0 {
        return oscillator;
    }
    // mu = h / (8 pi^2 nu), with the quantum h nu, and mu' = mu B / (mu + B).
    let free = PLANCK.powi(2) / (8.0 * PI * PI * quantum * AMU_ANGSTROM2_PER_FS2);
    let moment = free * LARGEST_MOMENT / (free + LARGEST_MOMENT);
    let rotor = BOLTZMANN
        * (0.5 + 0.5 * (8.0 * PI.powi(3) * moment * AMU_ANGSTROM2_PER_FS2 * kt / PLANCK.powi(2)).ln());
    let weight = 1.0 / (1.0 + (self::quantum(cutoff) / quantum).powi(4));
    // Below some kelvin the classical rotor would have less than none.
    weight * oscillator + (1.0 - weight) * rotor.max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use oxidane_core::units::{AVOGADRO, ELEMENTARY_CHARGE, GIGAPASCAL};

    /// eV/K in J/(mol K).
    const JOULE: f64 = AVOGADRO * ELEMENTARY_CHARGE;
    const BAR: f64 = 1e-4 * GIGAPASCAL;

    fn gas(symmetry_number: u32) -> Gas {
        Gas { temperature: 298.15, pressure: BAR, symmetry_number, rotor_cutoff: 0.0 }
    }

    /// Standard entropies and H(298.15 K) - H(0) of the NIST-JANAF tables (M. W. Chase, 4th ed., 1998): N2 191.609 and 8.670, H2O 188.834 and
    /// 9.904, from measured fundamentals and geometries. Rigid rotors and harmonic oscillators are right to 0.2 J/(mol K) and 0.03 kJ/mol.
    #[test]
    fn gases_of_the_tables() {
        let nitrogen = System::molecule(vec![7, 7], vec![[0.0; 3], [0.0, 0.0, 1.0977]]);
        let (bend, bond) = (104.51_f64.to_radians(), 0.9575);
        let other = [bond * bend.sin(), 0.0, bond * bend.cos()];
        let water = System::molecule(vec![8, 1, 1], vec![[0.0; 3], [0.0, 0.0, bond], other]);
        let cases: [(System, &[f64], f64, f64); 2] =
            [(nitrogen, &[2329.9], 191.609, 8.670), (water, &[1594.7, 3657.1, 3755.9], 188.834, 9.904)];
        for (system, wavenumbers, entropy, heat) in cases {
            let found = Thermochemistry::new(&system, wavenumbers, gas(2)).unwrap();
            assert!(
                (found.entropy.total() * JOULE - entropy).abs() < 0.2,
                "{}",
                found.entropy.total() * JOULE
            );
            let rise = (found.enthalpy - found.zero_point) * JOULE * 1e-3;
            assert!((rise - heat).abs() < 0.03, "{rise}");
        }
    }

    /// Argon: Sackur-Tetrode, 154.845 J/(mol K) in the same tables. Oxygen has k ln 3 from its spin.
    #[test]
    fn atoms_and_spins() {
        let argon = System::molecule(vec![18], vec![[0.0; 3]]);
        let found = Thermochemistry::new(&argon, &[], gas(1)).unwrap();
        assert!((found.entropy.total() * JOULE - 154.845).abs() < 0.01);
        assert!((found.enthalpy - 2.5 * BOLTZMANN * 298.15).abs() < 1e-12);
        let oxygen =
            System { unpaired: 2, ..System::molecule(vec![8, 8], vec![[0.0; 3], [0.0, 0.0, 1.2075]]) };
        let found = Thermochemistry::new(&oxygen, &[1580.2], gas(2)).unwrap();
        assert!((found.entropy.total() * JOULE - 205.147).abs() < 0.2);
    }

    /// Stiff modes stay oscillators, the entropy of soft ones stays finite where the oscillator's grows without end.
    #[test]
    fn soft_modes_become_rotors() {
        let kt = BOLTZMANN * 298.15;
        let at = |wavenumber: f64, cutoff: f64| vibration(quantum(wavenumber), kt, cutoff);
        assert!((at(1000.0, 50.0) / at(1000.0, 0.0) - 1.0).abs() < 1e-3);
        assert!(at(1.0, 0.0) - at(10.0, 0.0) > 2.0 * BOLTZMANN);
        // By hand at 100 1/cm, where both count half: the oscillator has 1.7383 k, the rotor (mu' = 2.798e-48 kg m^2) 1.4365 k.
        assert!((at(100.0, 100.0) / BOLTZMANN - 0.5 * (1.7383 + 1.4365)).abs() < 1e-3);
        assert!(at(1.0, 50.0) - at(10.0, 50.0) < at(1.0, 0.0) - at(10.0, 0.0));
        assert!(Thermochemistry::new(&System::molecule(vec![18], vec![[0.0; 3]]), &[], gas(0)).is_err());
    }
}
