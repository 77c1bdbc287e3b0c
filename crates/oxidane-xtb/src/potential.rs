//! GFN2-xTB as a [`Potential`].

use oxidane_core::neighbors::refuse_close_atoms;
use oxidane_core::units::{BOHR, HARTREE};
use oxidane_core::{
    DipoleOrigin, Electronic, Error, Evaluation, PARTLY_FILLED_4F, Potential, Request, Result, SystemView,
};
use oxidane_physics::Geometry;

use crate::calculation::{self, Calculation, Settings};
use crate::parameters;
use crate::scf::Memory;

/// Bond orders below this are not listed.
const LEAST_BOND_ORDER: f64 = 0.01;

/// GFN2-xTB for molecules and crystals (Gamma point) of hydrogen to radon.
#[derive(Debug, Clone)]
pub struct Gfn2 {
    options: Gfn2Options,
    follow: bool,
    /// Charges and moments of the evaluation before, if they are carried over.
    last: Option<Memory>,
}

/// How GFN2-xTB computes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gfn2Options {
    /// Electronic temperature in K.
    pub temperature: f64,
    /// Accept atoms closer than [`oxidane_core::neighbors::CLOSEST_APPROACH`].
    pub allow_close: bool,
}

impl Default for Gfn2Options {
    /// 300 K, for which the method was fitted.
    fn default() -> Self {
        Self { temperature: 300.0, allow_close: false }
    }
}

/// Electronic temperatures in K that make sense: below, no electron is excited at all; above, no electron stays in the
/// valence shells.
const TEMPERATURES: std::ops::RangeInclusive<f64> = 0.001..=1e6;

impl Gfn2 {
    /// The potential. Refuses an electronic temperature below 0.001 or above 1,000,000 K.
    pub fn new(options: Gfn2Options) -> Result<Self> {
        let temperature = options.temperature;
        if !TEMPERATURES.contains(&temperature) {
            return Err(Error::usage(format!(
                "electronic temperature {temperature:e} K; give one from 0.001 to 1000000 (GFN2-xTB was fitted at 300)"
            )));
        }
        Ok(Self { options, follow: false, last: None })
    }

    /// One calculation in atomic units, with all that it gives.
    pub fn calculate(&mut self, system: &dyn SystemView, derivatives: bool) -> Result<Calculation> {
        self.check(system)?;
        let atoms = AtomicUnits::of(system);
        let geometry = atoms.geometry(system.numbers());
        let calculation =
            Calculation::run(&geometry, self.settings(system), self.last.as_ref(), derivatives)?;
        if self.follow {
            self.last = Some(calculation.state.memory(self.last.as_ref(), &atoms.positions));
        }
        Ok(calculation)
    }

    fn settings(&self, system: &dyn SystemView) -> Settings {
        Settings {
            charge: system.charge(),
            unpaired: valence_unpaired(system),
            temperature: self.options.temperature,
        }
    }
}

/// A structure in bohr.
struct AtomicUnits {
    positions: Vec<[f64; 3]>,
    lattice: Option<[[f64; 3]; 3]>,
}

impl AtomicUnits {
    fn of(system: &dyn SystemView) -> Self {
        let bohr = |v: &[f64; 3]| v.map(|x| x / BOHR);
        let repeats = |c: &&oxidane_core::Cell| c.periodic == [true; 3];
        Self {
            positions: system.positions().iter().map(bohr).collect(),
            lattice: system.cell().filter(repeats).map(|c| c.vectors.map(|v| bohr(&v))),
        }
    }

    fn geometry<'a>(&'a self, numbers: &'a [u8]) -> Geometry<'a> {
        Geometry { numbers, positions: &self.positions, lattice: self.lattice }
    }
}

/// Unpaired electrons among those of the valence shells, with which GFN2-xTB computes. Lanthanides keep their f
/// electrons in the core; where these are odd in number and the system has the fewest unpaired electrons that its
/// parity allows, the valence shells have the fewest that theirs does. Else they have as many as the system.
pub fn valence_unpaired(system: &dyn SystemView) -> u32 {
    let given = system.unpaired();
    let all = system.electrons();
    let core_f = system.numbers().iter().filter(|z| PARTLY_FILLED_4F.contains(z));
    let core_f = core_f.map(|&z| i64::from(z) - 57).sum::<i64>();
    let lowest = |count: i64| count.rem_euclid(2) as u32;
    if core_f % 2 != 0 && given == lowest(all) { lowest(all - core_f) } else { given }
}

impl Potential for Gfn2 {
    fn name(&self) -> &str {
        "gfn2"
    }

    fn capabilities(&self) -> Request {
        Request { polarizability: false, born_charges: false, uncertainty: false, ..Request::ALL }
    }

    fn check(&self, system: &dyn SystemView) -> Result<()> {
        if let Some((i, z)) =
            system.numbers().iter().enumerate().find(|(_, z)| parameters::element(**z).is_none())
        {
            return Err(Error::domain(format!(
                "atom {}: GFN2-xTB has no parameters for {}; it covers hydrogen to radon",
                i + 1,
                oxidane_core::elements::symbol(*z)
            )));
        }
        if system.owned() != system.numbers().len() {
            return Err(Error::domain(
                "GFN2-xTB needs all atoms at once: it cannot run on parts of a system with ghost atoms",
            ));
        }
        let partly = system.cell().is_some_and(|c| c.periodic.contains(&true) && c.periodic.contains(&false));
        if partly {
            return Err(Error::domain(
                "GFN2-xTB computes molecules and crystals, not slabs or wires; make the cell periodic in all directions (with \
                 vacuum), or in none",
            ));
        }
        calculation::electrons(system.numbers(), self.settings(system))?;
        if self.options.allow_close { Ok(()) } else { refuse_close_atoms(system) }
    }

    fn evaluate(&mut self, system: &dyn SystemView, request: Request) -> Result<Evaluation> {
        request.within(self.capabilities(), self.name())?;
        let calculation = self.calculate(system, request.forces || request.virial)?;
        let atoms = AtomicUnits::of(system);
        let molecule = atoms.lattice.is_none();
        let derivatives = calculation.derivatives.as_ref();
        let forces =
            || derivatives.map(|d| d.gradient.iter().map(|g| g.map(|x| -x * HARTREE / BOHR)).collect());
        let virial = || derivatives.map(|d| d.strain.map(|row| row.map(|x| -x * HARTREE)));
        let dipole = || molecule.then(|| calculation.dipole(&atoms.positions).map(|x| x * BOHR));
        let dipole = request.dipole.then(dipole).flatten();
        Ok(Evaluation {
            energy: request.energy.then_some(calculation.energy * HARTREE),
            forces: request.forces.then(forces).flatten(),
            virial: request.virial.then(virial).flatten(),
            charges: request.charges.then(|| calculation.charges()),
            dipole,
            dipole_origin: dipole.map(|_| DipoleOrigin::Coordinates),
            polarizability: None,
            born_charges: None,
            electronic: request
                .electronic
                .then(|| electronic(&calculation, molecule.then_some(&atoms.positions)))
                .transpose()?,
            uncertainty: None,
        })
    }

    fn fork(&self) -> Box<dyn Potential> {
        Box::new(self.clone())
    }

    fn follow(&mut self, on: bool) {
        self.follow = on;
        self.last = None;
    }

    fn memory(&self) -> Vec<f64> {
        self.last.as_ref().map(Memory::to_row).unwrap_or_default()
    }

    fn recall(&mut self, memory: &[f64]) -> Result<()> {
        let foreign = || Error::input("the saved state is not one of GFN2-xTB");
        self.last =
            if memory.is_empty() { None } else { Some(Memory::from_row(memory).ok_or_else(foreign)?) };
        Ok(())
    }
}

/// The properties of orbitals in the units of the core.
fn electronic(calculation: &Calculation, positions: Option<&Vec<[f64; 3]>>) -> Result<Electronic> {
    let (basis, state) = (&calculation.basis, &calculation.state);
    let label = |shell: usize| {
        let parameters = basis.shells[shell].parameters;
        format!("{}{}", parameters.n, ["s", "p", "d"][usize::from(parameters.l)])
    };
    let shell_charges = basis
        .shells_of
        .iter()
        .map(|shells| shells.clone().map(|s| (label(s), state.moments.shells[s])).collect());
    let orders = calculation.bond_orders();
    let atoms = basis.atoms();
    let pairs = (0..atoms).flat_map(|i| (i + 1..atoms).map(move |j| (i, j)));
    let bond_orders =
        pairs.map(|(i, j)| (i, j, orders[i * atoms + j])).filter(|b| b.2 >= LEAST_BOND_ORDER).collect();
    let levels: Vec<f64> = state.levels()?.iter().map(|e| e * HARTREE).collect();
    Ok(Electronic {
        shell_charges: shell_charges.collect(),
        bond_orders,
        frontier: calculation.frontier().map(|(homo, lumo)| [levels[homo], levels[lumo]]),
        orbital_energies: levels,
        occupations: state.occupation.numbers.clone(),
        quadrupole: positions.map(|x| calculation.quadrupole(x).map(|row| row.map(|q| q * BOHR * BOHR))),
        iterations: state.iterations,
    })
}
