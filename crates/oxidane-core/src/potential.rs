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
    /// Derivatives of the dipole moment by positions.
    pub born_charges: bool,
    /// What only methods with orbitals have, see [`Electronic`].
    pub electronic: bool,
    /// How far the energy may be off, see [`Uncertainty`].
    pub uncertainty: bool,
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
        born_charges: false,
        electronic: false,
        uncertainty: false,
    };
    /// Energy and forces.
    pub const FORCES: Self = Self { forces: true, ..Self::ENERGY };
    /// Energy, forces and virial.
    pub const STRESS: Self = Self { forces: true, virial: true, ..Self::ENERGY };
    /// Everything there is.
    pub const ALL: Self = Self {
        energy: true,
        forces: true,
        virial: true,
        charges: true,
        dipole: true,
        polarizability: true,
        born_charges: true,
        electronic: true,
        uncertainty: true,
    };

    /// What is both asked and available.
    pub fn and(self, other: Self) -> Self {
        Self {
            energy: self.energy && other.energy,
            forces: self.forces && other.forces,
            virial: self.virial && other.virial,
            charges: self.charges && other.charges,
            dipole: self.dipole && other.dipole,
            polarizability: self.polarizability && other.polarizability,
            born_charges: self.born_charges && other.born_charges,
            electronic: self.electronic && other.electronic,
            uncertainty: self.uncertainty && other.uncertainty,
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
            (self.born_charges, "Born charges"),
            (self.electronic, "orbitals"),
            (self.uncertainty, "uncertainty"),
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
    /// Dipole moment in e angstrom; `None` where there is none (a crystal).
    pub dipole: Option<[f64; 3]>,
    /// The point that the dipole is about, given with it.
    pub dipole_origin: Option<DipoleOrigin>,
    /// Dipole polarisability, `[a][b]`: in e angstrom^2/V, the derivative of component a of the dipole by component b of a field, of a potential
    /// that has [`Evaluation::born_charges`] too; else in the units that a model was trained in.
    pub polarizability: Option<[[f64; 3]; 3]>,
    /// Born effective charges in e: for each atom `[a][b]`, the derivative of component a of the dipole (about a point that stays) by
    /// component b of its position.
    pub born_charges: Option<Vec<[[f64; 3]; 3]>>,
    /// Orbitals, bond orders and the like.
    pub electronic: Option<Electronic>,
    /// How far the energy may be off.
    pub uncertainty: Option<Uncertainty>,
}

/// What a trained potential knows about its own error.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Uncertainty {
    /// Standard deviation of the energy in eV.
    pub energy: f64,
    /// What it is the length of, in eV. Linear in the structures: the standard deviation of a sum of energies with coefficients, such as a
    /// reaction energy, is the length of the same sum of these.
    pub components: Vec<f64>,
    /// For each atom how strange its environment is: 1 is the strangest that was trained on.
    pub strangeness: Vec<f64>,
}

/// The point about which a dipole moment is. It matters for ions: moved by d, the dipole changes by minus the charge times d.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DipoleOrigin {
    /// The center of mass.
    CenterOfMass,
    /// The origin of the coordinates.
    Coordinates,
    /// Whatever the labels had that a network learned from; moving all atoms does not change its dipole.
    TrainingData,
}

impl DipoleOrigin {
    /// As in tables and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::CenterOfMass => "center of mass",
            Self::Coordinates => "origin of the coordinates",
            Self::TrainingData => "as in the training data",
        }
    }
}

/// What methods with orbitals give beyond the rest.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Electronic {
    /// Charges of the shells of each atom in e, with the shell's label, e.g. `2p`.
    pub shell_charges: Vec<Vec<(String, f64)>>,
    /// Bond orders (Mayer) of pairs of atoms, the lower index (from 0) first; those below 0.01 are left out.
    pub bond_orders: Vec<(usize, usize, f64)>,
    /// Orbital energies in eV, ascending.
    pub orbital_energies: Vec<f64>,
    /// Occupation of the orbitals, 0 to 2.
    pub occupations: Vec<f64>,
    /// Energies in eV of the highest occupied and the lowest unoccupied orbital.
    pub frontier: Option<[f64; 2]>,
    /// Traceless quadrupole moment in e angstrom^2 about the origin; `None` for a crystal.
    pub quadrupole: Option<[[f64; 3]; 3]>,
    /// Iterations to self-consistency.
    pub iterations: usize,
}

impl Electronic {
    /// The gap between the frontier orbitals in eV.
    pub fn gap(&self) -> Option<f64> {
        self.frontier.map(|[homo, lumo]| lumo - homo)
    }
}

impl Evaluation {
    /// Stress (1/V) dE/dstrain in eV/angstrom^3, positive under tension, for a cell of `volume` angstrom^3.
    pub fn stress(&self, volume: f64) -> Option<[[f64; 3]; 3]> {
        self.virial.map(|v| v.map(|row| row.map(|x| -x / volume.abs())))
    }
}

/// Anything that gives the energy (or other properties alone) of a system of atoms. It may keep buffers and neighbour
/// lists between calls (hence `&mut self`), but results depend on the arguments alone.
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

    /// Lets the potential start each evaluation from the outcome of the one before (a self-consistent method: its
    /// charges), as in dynamics and optimisation. Results then depend, within the tolerance of the iteration, on the
    /// evaluations before, of which [`Potential::memory`] is the whole record. Most potentials have nothing to carry
    /// over.
    fn follow(&mut self, _on: bool) {}

    /// What the next evaluation starts from, to be saved with the state of a run; empty if nothing.
    fn memory(&self) -> Vec<f64> {
        Vec::new()
    }

    /// Restores what [`Potential::memory`] gave, so that a run goes on to the same bits.
    ///
    /// # Errors
    /// If it is not this potential's.
    fn recall(&mut self, memory: &[f64]) -> Result<()> {
        if memory.is_empty() {
            return Ok(());
        }
        Err(Error::input(format!("{} starts from no earlier state, but the run has saved one", self.name())))
    }
}

/// The sum of several potentials. Energies, forces and virials add; charges, dipole and its derivatives come
/// from the last term that has them. So does the uncertainty: a network that was trained on what the other terms leave knows the error
/// of the whole.
pub struct SumPotential {
    name: String,
    terms: Vec<Box<dyn Potential>>,
    parallel: bool,
}

impl SumPotential {
    /// The sum of `terms`, named by joining their names with `+`.
    pub fn new(terms: Vec<Box<dyn Potential>>) -> Self {
        let name = terms.iter().map(|t| t.name()).collect::<Vec<_>>().join("+");
        Self { name, terms, parallel: false }
    }

    /// Computes the terms side by side, if `on`: the same results, sooner where there are threads to spare. After an error the terms behind the one that
    /// failed may remember an evaluation that they would not have made one by one.
    #[must_use]
    pub fn with_parallel(mut self, on: bool) -> Self {
        self.parallel = on;
        self
    }

    /// What each term has of a request, in order; nothing of a term that nothing is asked of.
    fn parts(&mut self, system: &dyn SystemView, request: Request) -> Result<Vec<Evaluation>> {
        let part = |term: &mut Box<dyn Potential>| {
            let asked = request.and(term.capabilities());
            if asked == Request::default() {
                // A term that has nothing to compute still refuses what its check knows to be outside its domain.
                return term.check(system).map(|()| Evaluation::default());
            }
            term.evaluate(system, asked)
        };
        if !self.parallel || rayon::current_num_threads() == 1 {
            return self.terms.iter_mut().map(part).collect();
        }
        let Some((first, others)) = self.terms.split_first_mut() else { return Ok(Vec::new()) };
        let mut results: Vec<Result<Evaluation>> = others.iter().map(|_| Ok(Evaluation::default())).collect();
        // The first term on this thread, so that a small structure waits for one thread to wake up, not for two.
        let first = rayon::in_place_scope(|scope| {
            for (term, result) in others.iter_mut().zip(&mut results) {
                scope.spawn(move |_| *result = part(term));
            }
            part(first)
        });
        // Of several errors the first term's, whichever came first.
        std::iter::once(first).chain(results).collect()
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
            born_charges: any(|c| c.born_charges),
            electronic: any(|c| c.electronic),
            uncertainty: any(|c| c.uncertainty),
        }
    }

    fn check(&self, system: &dyn SystemView) -> Result<()> {
        self.terms.iter().try_for_each(|t| t.check(system))
    }

    fn evaluate(&mut self, system: &dyn SystemView, request: Request) -> Result<Evaluation> {
        request.within(self.capabilities(), &self.name)?;
        let mut total = Evaluation::default();
        for part in self.parts(system, request)? {
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
            if part.dipole.is_some() {
                (total.dipole, total.dipole_origin) = (part.dipole, part.dipole_origin);
            }
            total.polarizability = part.polarizability.or(total.polarizability);
            total.born_charges = part.born_charges.or(total.born_charges);
            total.electronic = part.electronic.or(total.electronic);
            total.uncertainty = part.uncertainty.or(total.uncertainty);
        }
        Ok(total)
    }

    fn fork(&self) -> Box<dyn Potential> {
        let terms = self.terms.iter().map(|t| t.fork()).collect();
        Box::new(Self { name: self.name.clone(), terms, parallel: self.parallel })
    }

    fn follow(&mut self, on: bool) {
        self.terms.iter_mut().for_each(|t| t.follow(on));
    }

    /// The memories of all terms, each after its length.
    fn memory(&self) -> Vec<f64> {
        let parts: Vec<_> = self.terms.iter().map(|t| t.memory()).collect();
        if parts.iter().all(Vec::is_empty) {
            return Vec::new();
        }
        parts.iter().flat_map(|p| std::iter::once(p.len() as f64).chain(p.iter().copied())).collect()
    }

    fn recall(&mut self, memory: &[f64]) -> Result<()> {
        if memory.is_empty() {
            return self.terms.iter_mut().try_for_each(|t| t.recall(&[]));
        }
        let foreign = || Error::input(format!("the saved state is not one of {}", self.name));
        let mut rest = memory;
        let mut parts = Vec::with_capacity(self.terms.len());
        for _ in &self.terms {
            let (&length, after) = rest.split_first().ok_or_else(foreign)?;
            if !(length >= 0.0 && length.fract() == 0.0) {
                return Err(foreign());
            }
            let (part, after) = after.split_at_checked(length as usize).ok_or_else(foreign)?;
            parts.push(part);
            rest = after;
        }
        if !rest.is_empty() {
            return Err(foreign());
        }
        self.terms.iter_mut().zip(parts).try_for_each(|(term, part)| term.recall(part))
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

    /// Fails by its name.
    struct Failing(&'static str);

    impl Potential for Failing {
        fn name(&self) -> &str {
            self.0
        }
        fn capabilities(&self) -> Request {
            Request::ENERGY
        }
        fn check(&self, _: &dyn SystemView) -> Result<()> {
            Ok(())
        }
        fn evaluate(&mut self, _: &dyn SystemView, _: Request) -> Result<Evaluation> {
            Err(Error::input(format!("{} failed", self.0)))
        }
        fn fork(&self) -> Box<dyn Potential> {
            Box::new(Self(self.0))
        }
    }

    /// Remembers a row of numbers; refuses rows of another length.
    struct Keeper(Vec<f64>, usize);

    impl Potential for Keeper {
        fn name(&self) -> &str {
            "keeper"
        }
        fn capabilities(&self) -> Request {
            Request::ENERGY
        }
        fn check(&self, _: &dyn SystemView) -> Result<()> {
            Ok(())
        }
        fn evaluate(&mut self, _: &dyn SystemView, _: Request) -> Result<Evaluation> {
            // As a self-consistent method, it starts from where it was.
            let energy = self.0.iter().sum();
            self.0 = vec![energy + 1.0; self.1];
            Ok(Evaluation { energy: Some(energy), ..Evaluation::default() })
        }
        fn fork(&self) -> Box<dyn Potential> {
            Box::new(Self(self.0.clone(), self.1))
        }
        fn memory(&self) -> Vec<f64> {
            self.0.clone()
        }
        fn recall(&mut self, memory: &[f64]) -> Result<()> {
            if !memory.is_empty() && memory.len() != self.1 {
                return Err(Error::input("not the keeper's"));
            }
            self.0 = memory.to_vec();
            Ok(())
        }
    }

    /// Each term gets back its own part, also where a term without a memory stands between them.
    #[test]
    fn a_sum_remembers_for_its_terms() {
        let system = System::molecule(vec![1], vec![[0.0; 3]]);
        let sum = || {
            let keeper = |n| Box::new(Keeper(Vec::new(), n)) as Box<dyn Potential>;
            SumPotential::new(vec![keeper(2), Box::new(Part(Some(0.5))), keeper(3)])
        };
        let energy = |sum: &mut SumPotential| sum.evaluate(&system, Request::ENERGY).unwrap().energy;
        let mut whole = sum();
        assert!(whole.memory().is_empty());
        energy(&mut whole);
        let saved = whole.memory();
        assert_eq!(saved, [2.0, 1.0, 1.0, 0.0, 3.0, 1.0, 1.0, 1.0]);
        let mut resumed = sum();
        resumed.recall(&saved).unwrap();
        assert_eq!(energy(&mut resumed), energy(&mut whole));
        assert_eq!(resumed.memory(), whole.memory());
        resumed.recall(&[]).unwrap();
        assert!(resumed.memory().is_empty(), "an empty memory is a fresh start of every term");
    }

    #[test]
    fn a_foreign_memory_is_refused() {
        let mut sum = SumPotential::new(vec![Box::new(Keeper(Vec::new(), 2)), Box::new(Part(None))]);
        for bad in [
            &[2.0, 1.0, 1.0][..],       // a term is missing
            &[2.0, 1.0],                // cut off
            &[2.0, 1.0, 1.0, 0.0, 7.0], // something is left over
            &[1.0, 1.0, 0.0],           // not the keeper's
            &[0.0, 1.0, 3.0],           // for a term that keeps nothing
            &[-1.0, 0.0],               // lengths that are none
            &[0.5, 0.0],
            &[f64::NAN, 0.0],
            &[f64::INFINITY, 0.0],
        ] {
            assert!(sum.recall(bad).is_err(), "{bad:?}");
        }
        assert!(
            Part(Some(1.0)).recall(&[1.0]).unwrap_err().to_string().contains("starts from no earlier state")
        );
    }

    /// A term that nothing is asked of computes nothing: the keeper, which would remember an evaluation, has none.
    #[test]
    fn idle_terms_of_a_sum_do_not_work() {
        let system = System::molecule(vec![1], vec![[0.0; 3]]);
        let mut sum = SumPotential::new(vec![Box::new(Keeper(Vec::new(), 2)), Box::new(Part(None))]);
        let charges = Request { charges: true, ..Request::default() };
        assert_eq!(sum.evaluate(&system, charges).unwrap().charges, Some(vec![0.0]));
        assert!(sum.memory().is_empty());
    }

    #[test]
    fn a_sum_has_an_energy_if_all_terms_have_one() {
        let system = System::molecule(vec![1], vec![[0.0; 3]]);
        let sum = |parts: [Option<f64>; 2]| SumPotential::new(parts.map(|p| Box::new(Part(p)) as _).into());
        for parallel in [false, true] {
            let mut both = sum([Some(1.0), Some(2.0)]).with_parallel(parallel);
            assert_eq!(both.evaluate(&system, Request::ENERGY).unwrap().energy, Some(3.0));
        }
        // Of two failures the first term's is told, whatever came first.
        for parallel in [false, true] {
            let mut failing = SumPotential::new(vec![Box::new(Failing("one")), Box::new(Failing("two"))]);
            failing = failing.with_parallel(parallel);
            let error = failing.evaluate(&system, Request::ENERGY).unwrap_err().to_string();
            assert!(error.contains("one failed"), "{error}");
        }
        let mut mixed = sum([Some(1.0), None]);
        assert!(!mixed.capabilities().energy && mixed.capabilities().charges);
        let error = mixed.evaluate(&system, Request::FORCES).unwrap_err().to_string();
        assert!(error.contains("energies+charges has no energy, forces; it gives charges"), "{error}");
        let charges = mixed.evaluate(&system, mixed.capabilities()).unwrap();
        assert_eq!((charges.energy, charges.charges), (None, Some(vec![0.0])));
    }
}
