//! [`Potential`]: anything that gives the energy of a system, and the sum of several.

use crate::error::Result;
use crate::system::SystemView;

/// What is asked of a potential besides the energy; also what a potential can give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Request {
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
    pub const ENERGY: Self =
        Self { forces: false, virial: false, charges: false, dipole: false, polarizability: false };
    /// Energy and forces.
    pub const FORCES: Self = Self { forces: true, ..Self::ENERGY };
    /// Energy, forces and virial.
    pub const STRESS: Self = Self { forces: true, virial: true, ..Self::ENERGY };
    /// Everything there is.
    pub const ALL: Self =
        Self { forces: true, virial: true, charges: true, dipole: true, polarizability: true };

    /// What is both asked and available.
    pub fn and(self, other: Self) -> Self {
        Self {
            forces: self.forces && other.forces,
            virial: self.virial && other.virial,
            charges: self.charges && other.charges,
            dipole: self.dipole && other.dipole,
            polarizability: self.polarizability && other.polarizability,
        }
    }
}

/// The results of one evaluation. A field is `Some` if it was requested and the potential has it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evaluation {
    /// Total energy in eV.
    pub energy: f64,
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

/// Anything that gives the energy of a system of atoms. It may keep buffers and neighbour lists between calls
/// (hence `&mut self`), but results depend on the arguments alone.
pub trait Potential: Send {
    /// A short name for tables and messages.
    fn name(&self) -> &str;
    /// What the potential can give.
    fn capabilities(&self) -> Request;
    /// Refuses a system outside the domain (element, charge, spin, periodicity) with the reason.
    fn check(&self, system: &dyn SystemView) -> Result<()>;
    /// Energy and what is requested. Requests beyond [`Potential::capabilities`] are an error.
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
        let mut total = Evaluation::default();
        for term in &mut self.terms {
            let part = term.evaluate(system, request.and(term.capabilities()))?;
            total.energy += part.energy;
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
