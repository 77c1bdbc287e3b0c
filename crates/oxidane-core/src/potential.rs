//! [`Potential`]: anything that gives the energy or other properties of a system, and the sum of several.

use crate::error::{Error, Result};
use crate::system::SystemView;

/// What is asked of a potential; also what a potential can give. The default is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Request {
    /// Total energy.
    pub energy: bool,
    /// Forces, -dE/dx.
    pub forces: bool,
    /// Virial, -dE/dstrain.
    pub virial: bool,
    /// Atomic charges.
    pub charges: bool,
    /// Dipole moment.
    pub dipole: bool,
    /// Dipole polarisability.
    pub polarizability: bool,
}

impl Request {
    /// Energy alone.
    pub const ENERGY: Self = Self {
        energy: true,
        forces: false,
        virial: false,
        charges: false,
        dipole: false,
        polarizability: false,
    };
    /// Energy and forces.
    pub const FORCES: Self = Self { forces: true, ..Self::ENERGY };
    /// Energy, forces and virial.
    pub const STRESS: Self = Self { forces: true, virial: true, ..Self::ENERGY };
    /// Everything there is.
    pub const ALL: Self =
        Self { energy: true, forces: true, virial: true, charges: true, dipole: true, polarizability: true };

    /// What is both asked and available.
    pub fn and(self, other: Self) -> Self {
        Self {
            energy: self.energy && other.energy,
            forces: self.forces && other.forces,
            virial: self.virial && other.virial,
            charges: self.charges && other.charges,
            dipole: self.dipole && other.dipole,
            polarizability: self.polarizability && other.polarizability,
        }
    }

    /// The names of what is asked, e.g. `energy, forces`.
    fn names(self) -> Vec<&'static str> {
        let all = [
            (self.energy, "energy"),
            (self.forces, "forces"),
            (self.virial, "virial"),
            (self.charges, "charges"),
            (self.dipole, "dipole"),
            (self.polarizability, "polarisability"),
        ];
        all.into_iter().filter(|(asked, _)| *asked).map(|(_, name)| name).collect()
    }

    /// Refuses a request for what a potential of this `name`, which is able to give `able`, does not have.
    pub fn within(self, able: Self, name: &str) -> Result<()> {
        let has = able.names();
        let lacking: Vec<_> = self.names().into_iter().filter(|asked| !has.contains(asked)).collect();
        if lacking.is_empty() {
            return Ok(());
        }
        let (lacking, has) =
            (lacking.join(", "), if has.is_empty() { "nothing".into() } else { has.join(", ") });
        Err(Error::usage(format!("model {name} has no {lacking}; it gives {has}; choose another model")))
    }
}

/// The results of one evaluation. A field is `Some` if it was requested and the potential has it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evaluation {
    /// Total energy in eV.
    pub energy: Option<f64>,
    /// -dE/dx in eV/angstrom, one per atom.
    pub forces: Option<Vec<[f64; 3]>>,
    /// -dE/dstrain in eV, symmetric.
    pub virial: Option<[[f64; 3]; 3]>,
    /// Atomic charges in e.
    pub charges: Option<Vec<f64>>,
    /// Dipole moment in e angstrom.
    pub dipole: Option<[f64; 3]>,
    /// Dipole polarisability, in the units the model was trained in.
    pub polarizability: Option<[[f64; 3]; 3]>,
}

impl Evaluation {
    /// Stress (1/V) dE/dstrain in eV/angstrom^3, positive under tension, for a cell of `volume` angstrom^3.
    pub fn stress(&self, volume: f64) -> Option<[[f64; 3]; 3]> {
        self.virial.map(|v| v.map(|row| row.map(|x| -x / volume.abs())))
    }
}

/// Anything that gives the energy (or other properties alone) of a system of atoms. It may keep buffers and neighbour lists between calls
/// (hence `&mut self`), but results depend on the arguments alone.
pub trait Potential: Send {
    /// A short name for tables and messages.
    fn name(&self) -> &str;
    /// What the potential can give.
    fn capabilities(&self) -> Request;
    /// Refuses a system outside the domain (element, charge, spin, periodicity) with the reason.
    fn check(&self, system: &dyn SystemView) -> Result<()>;
    /// What is requested. Requests beyond [`Potential::capabilities`] are an error (see [`Request::within`]).
    fn evaluate(&mut self, system: &dyn SystemView, request: Request) -> Result<Evaluation>;
    /// An independent copy that shares the constant data, for use on another thread.
    fn fork(&self) -> Box<dyn Potential>;
}

/// The sum of several potentials. Energies, forces and virials add; charges, dipole and polarisability come
/// from the last term that has them.
pub struct SumPotential {
    name: String,
    terms: Vec<Box<dyn Potential>>,
}

impl SumPotential {
    /// The sum of `terms`, named by joining their names with `+`.
    pub fn new(terms: Vec<Box<dyn Potential>>) -> Self {
        let name = terms.iter().map(|t| t.name()).collect::<Vec<_>>().join("+");
        Self { name, terms }
    }
}

impl Potential for SumPotential {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Request {
        let any = |f: fn(&Request) -> bool| self.terms.iter().any(|t| f(&t.capabilities()));
        let all = |f: fn(&Request) -> bool| self.terms.iter().all(|t| f(&t.capabilities()));
        Request {
            energy: all(|c| c.energy),
            forces: all(|c| c.forces),
            virial: all(|c| c.virial),
            charges: any(|c| c.charges),
            dipole: any(|c| c.dipole),
            polarizability: any(|c| c.polarizability),
        }
    }

    fn check(&self, system: &dyn SystemView) -> Result<()> {
        self.terms.iter().try_for_each(|t| t.check(system))
    }

    fn evaluate(&mut self, system: &dyn SystemView, request: Request) -> Result<Evaluation> {
        request.within(self.capabilities(), &self.name)?;
        let mut total = Evaluation::default();
        for term in &mut self.terms {
            let part = term.evaluate(system, request.and(term.capabilities()))?;
            if let Some(energy) = part.energy {
                total.energy = Some(total.energy.unwrap_or(0.0) + energy);
            }
            match (&mut total.forces, part.forces) {
                (Some(sum), Some(add)) => {
                    sum.iter_mut().flatten().zip(add.iter().flatten()).for_each(|(s, a)| *s += a);
                }
                (sum, add) => *sum = add.or(sum.take()),
            }
            match (&mut total.virial, part.virial) {
                (Some(sum), Some(add)) => {
                    sum.iter_mut().flatten().zip(add.iter().flatten()).for_each(|(s, a)| *s += a);
                }
                (sum, add) => *sum = add.or(sum.take()),
            }
            total.charges = part.charges.or(total.charges);
            total.dipole = part.dipole.or(total.dipole);
            total.polarizability = part.polarizability.or(total.polarizability);
        }
        Ok(total)
    }

    fn fork(&self) -> Box<dyn Potential> {
        Box::new(Self { name: self.name.clone(), terms: self.terms.iter().map(|t| t.fork()).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::System;

    /// Gives one energy and no charges, or charges and no energy.
    struct Part(Option<f64>);

    impl Potential for Part {
        fn name(&self) -> &str {
            if self.0.is_some() { "energies" } else { "charges" }
        }
        fn capabilities(&self) -> Request {
            if self.0.is_some() { Request::ENERGY } else { Request { charges: true, ..Request::default() } }
        }
        fn check(&self, _: &dyn SystemView) -> Result<()> {
            Ok(())
        }
        fn evaluate(&mut self, system: &dyn SystemView, request: Request) -> Result<Evaluation> {
            request.within(self.capabilities(), self.name())?;
            let charges = request.charges.then(|| vec![0.0; system.owned()]);
            Ok(Evaluation { energy: self.0.filter(|_| request.energy), charges, ..Evaluation::default() })
        }
        fn fork(&self) -> Box<dyn Potential> {
            Box::new(Self(self.0))
        }
    }

    #[test]
    fn a_sum_has_an_energy_if_all_terms_have_one() {
        let system = System::molecule(vec![1], vec![[0.0; 3]]);
        let sum = |parts: [Option<f64>; 2]| SumPotential::new(parts.map(|p| Box::new(Part(p)) as _).into());
        let mut both = sum([Some(1.0), Some(2.0)]);
        assert_eq!(both.evaluate(&system, Request::ENERGY).unwrap().energy, Some(3.0));
        let mut mixed = sum([Some(1.0), None]);
        assert!(!mixed.capabilities().energy && mixed.capabilities().charges);
        let error = mixed.evaluate(&system, Request::FORCES).unwrap_err().to_string();
        assert!(error.contains("energies+charges has no energy, forces; it gives charges"), "{error}");
        let charges = mixed.evaluate(&system, mixed.capabilities()).unwrap();
        assert_eq!((charges.energy, charges.charges), (None, Some(vec![0.0])));
    }
}
