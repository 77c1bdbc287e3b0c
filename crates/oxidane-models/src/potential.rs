//! A network as a [`Potential`]: its domain, its neighbour list and its buffers.

use crate::batch::Batch;
use crate::charges::{DipoleResponse, crystal_in_field};
use crate::network::{Network, Outputs, Scratch, without_charges};
use crate::uncertainty::PredictionRigidity;
use oxidane_core::elements::symbol;
use oxidane_core::neighbors::SkinnedList;
use oxidane_core::{Error, Evaluation, Potential, Request, Result, SystemView, refuse_unfit_spin};
use oxidane_math::Real;
use std::sync::{Arc, OnceLock};

/// What a model may be asked about, and the energies of its free elements.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Domain {
    /// Atomic numbers it was trained on; empty if unknown.
    pub elements: Vec<u8>,
    /// Total charges it was trained on; empty if unknown.
    pub charges: Vec<i32>,
    /// Numbers of unpaired electrons it was trained on; empty if unknown.
    pub unpaired: Vec<u32>,
    /// Reference energy of each element in eV, by atomic number; elements beyond the end have none.
    pub reference_energies: Vec<f64>,
    /// Energy in eV per unit of the total charge.
    pub charge_energy: f64,
}

impl Domain {
    /// Refuses a system that the model never saw the like of.
    pub fn check(&self, model: &str, system: &dyn SystemView) -> Result<()> {
        let known = |z: &u8| self.elements.is_empty() || self.elements.contains(z);
        if let Some(i) = system.numbers().iter().position(|z| !known(z)) {
            let list: Vec<_> = self.elements.iter().map(|&z| symbol(z)).collect();
            return Err(Error::domain(format!(
                "atom {} is {}, which model {model} never saw (it knows {}); choose another model with --model",
                i + 1,
                symbol(system.numbers()[i]),
                list.join(" ")
            )));
        }
        refuse("charge", model, i64::from(system.charge()), self.charges.iter().map(|&q| q.into()))?;
        refuse(
            "number of unpaired electrons",
            model,
            i64::from(system.unpaired()),
            self.unpaired.iter().map(|&n| n.into()),
        )
    }

    /// Sum of the reference energies of the atoms and of the charge, eV.
    pub fn reference(&self, system: &dyn SystemView) -> f64 {
        let of = |z: &u8| self.reference_energies.get(usize::from(*z)).copied().unwrap_or(0.0);
        let atoms: f64 = system.numbers().iter().map(of).sum();
        atoms + self.charge_energy * f64::from(system.charge())
    }
}

fn refuse(what: &str, model: &str, value: i64, known: impl Iterator<Item = i64>) -> Result<()> {
    let known: Vec<i64> = known.collect();
    if known.is_empty() || known.contains(&value) {
        return Ok(());
    }
    let list: Vec<String> = known.iter().map(ToString::to_string).collect();
    Err(Error::domain(format!("{what} {value} is outside model {model}, which saw {}", list.join(", "))))
}

/// Width of the shell in which a neighbour list stays valid, angstrom.
const SKIN: f64 = 1.0;

/// A network in double precision that is built when it is first needed, and then shared by all who hold this.
pub struct Exact {
    network: OnceLock<Arc<dyn Network<f64>>>,
    build: Box<dyn Fn() -> Result<Box<dyn Network<f64>>> + Send + Sync>,
}

impl Exact {
    /// The network that `build` makes.
    pub fn new(build: impl Fn() -> Result<Box<dyn Network<f64>>> + Send + Sync + 'static) -> Self {
        Self { network: OnceLock::new(), build: Box::new(build) }
    }

    fn network(&self) -> Result<&dyn Network<f64>> {
        if let Some(network) = self.network.get() {
            return Ok(&**network);
        }
        let network = (self.build)()?.into();
        Ok(&**self.network.get_or_init(|| network)) // another thread's, if it came first: the same
    }
}

/// A network with a domain, ready to be evaluated again and again.
pub struct NetworkPotential<R: Real> {
    name: Arc<str>,
    domain: Arc<Domain>,
    network: Arc<dyn Network<R>>,
    head: u32,
    /// Of the head's energies, if it has been calibrated.
    uncertainty: Option<Arc<PredictionRigidity>>,
    /// The same network in double precision, for structures that single precision cannot do.
    fallback: Option<Arc<Exact>>,
    /// Whether it corrects a method that stands beside it.
    correction: bool,
    parallel: bool,
    allow_close: bool,
    /// A uniform electric field in V/angstrom.
    field: Option<[f64; 3]>,
    list: SkinnedList,
    batch: Batch,
    scratch: Scratch<R>,
}

impl<R: Real> NetworkPotential<R> {
    /// A potential from the first head of a network. `fallback`, the network in double precision, redoes structures that turn out
    /// ill-conditioned. `parallel` spreads one evaluation over the rayon pool; `allow_close` accepts atoms
    /// closer than [`oxidane_core::neighbors::CLOSEST_APPROACH`].
    pub fn new(
        name: &str,
        domain: Arc<Domain>,
        network: Arc<dyn Network<R>>,
        fallback: Option<Arc<Exact>>,
        parallel: bool,
        allow_close: bool,
    ) -> Result<Self> {
        let list = SkinnedList::new(network.cutoff(), SKIN)?;
        let (batch, scratch) = (Batch::default(), Scratch::default());
        let (name, head, uncertainty, field) = (name.into(), 0, None, None);
        Ok(Self {
            name,
            domain,
            network,
            head,
            uncertainty,
            fallback,
            correction: false,
            parallel,
            allow_close,
            field,
            list,
            batch,
            scratch,
        })
    }

    /// The same for another head, by its place among those of the network, which refuses to compute others than it has.
    #[must_use]
    pub fn with_head(self, head: u32) -> Self {
        Self { head, ..self }
    }

    /// The same with the uncertainty of its head, if there is one.
    #[must_use]
    pub fn with_uncertainty(self, uncertainty: Option<Arc<PredictionRigidity>>) -> Self {
        Self { uncertainty, ..self }
    }

    /// The same as the correction of a method, whose energies it was trained to complete. Equilibrated charges are then a means to those
    /// energies, not charges of the structure: they are no results, nor is what follows from them.
    #[must_use]
    pub fn as_correction(self, correction: bool) -> Self {
        Self { correction, ..self }
    }

    /// The same in a uniform electric field in V/angstrom: molecules only. Refused for a network without equilibrated charges, and
    /// for fields that are no numbers.
    pub fn in_field(mut self, field: [f64; 3]) -> Result<Self> {
        if !self.network.equilibrates() {
            return Err(without_charges(&self.name));
        }
        if let Some(x) = field.iter().find(|x| !x.is_finite()) {
            return Err(Error::usage(format!("an electric field of {x} V/angstrom is not a finite number")));
        }
        self.field = Some(field);
        Ok(self)
    }

    fn results(&mut self, request: Request) -> Result<Results> {
        let crystal = self.batch.cells.iter().flatten().any(|cell| cell.periodic.contains(&true));
        let responses = request.born_charges || request.polarizability && self.network.equilibrates();
        let task = Task {
            batch: &self.batch,
            of_network: request.and(self.network.capabilities()),
            responses: responses && !crystal,
            field: self.field,
            parallel: self.parallel,
        };
        let results = task.run(&*self.network, &mut self.scratch)?;
        // Whatever is requested: an energy alone and one beside forces have the same bits.
        match &self.fallback {
            Some(exact) if results.0.ill_conditioned => task.run(exact.network()?, &mut Scratch::default()),
            _ => Ok(results),
        }
    }
}

/// What a network gives of one structure.
type Results = (Outputs, Option<DipoleResponse>);

/// What is computed of one structure, by a network of any precision.
struct Task<'a> {
    batch: &'a Batch,
    of_network: Request,
    /// Whether derivatives of the dipole are wanted.
    responses: bool,
    field: Option<[f64; 3]>,
    parallel: bool,
}

impl Task<'_> {
    fn run<R: Real>(&self, network: &dyn Network<R>, scratch: &mut Scratch<R>) -> Result<Results> {
        let outputs = match self.field {
            Some(field) => {
                network.run_in_field(self.batch, self.of_network, field, scratch, self.parallel)?
            }
            None => network.run(self.batch, self.of_network, scratch, self.parallel)?,
        };
        let responses = match self.responses {
            true => network.dipole_responses(self.batch, scratch, self.parallel)?.pop(),
            false => None,
        };
        Ok((outputs, responses))
    }
}

impl<R: Real> Potential for NetworkPotential<R> {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Request {
        let uncertainty = self.uncertainty.is_some() && self.field.is_none();
        let of_network = Request { uncertainty, ..self.network.capabilities() };
        if self.field.is_some() {
            return Request { polarizability: false, born_charges: false, ..of_network };
        }
        let responds = self.network.equilibrates();
        if responds && self.correction {
            return Request { charges: false, dipole: false, polarizability: false, ..of_network };
        }
        let polarizability = of_network.polarizability || responds;
        Request { polarizability, born_charges: responds, ..of_network }
    }

    fn check(&self, system: &dyn SystemView) -> Result<()> {
        if system.owned() != system.numbers().len() {
            return Err(Error::domain(format!("model {} takes no ghost atoms", self.name)));
        }
        self.domain.check(&self.name, system)?;
        if self.field.is_some() && system.cell().is_some_and(|cell| cell.periodic.contains(&true)) {
            return Err(crystal_in_field());
        }
        refuse_unfit_spin(system)
    }

    fn evaluate(&mut self, system: &dyn SystemView, request: Request) -> Result<Evaluation> {
        self.check(system)?;
        request.within(self.capabilities(), &self.name)?;
        self.batch.set_system(system);
        self.batch.heads[0] = self.head;
        self.list.edges(system, &mut self.batch.edges)?;
        if !self.allow_close {
            self.batch.edges.refuse_close_atoms()?;
        }
        let (out, response) = self.results(request)?;
        let energy = out.energy.first().map(|e| e + self.domain.reference(system));
        let energy = energy.filter(|_| request.energy);
        if energy.is_some_and(|e| !e.is_finite()) || out.forces.iter().flatten().any(|f| !f.is_finite()) {
            return Err(Error::domain(format!(
                "model {} gives no finite energy or forces here; the structure is far outside its domain",
                self.name
            )));
        }
        let uncertainty = match &self.uncertainty {
            Some(layer) if request.uncertainty => {
                Some(layer.evaluate(system.numbers().len(), &out.features)?)
            }
            _ => None,
        };
        let dipole = out.dipole.first().copied().filter(|d| d.iter().all(|x| x.is_finite()));
        Ok(Evaluation {
            energy,
            forces: request.forces.then_some(out.forces),
            virial: out.virial.first().copied(),
            charges: request.charges.then_some(out.charges),
            dipole,
            dipole_origin: dipole.map(|_| self.network.dipole_origin()),
            polarizability: match &response {
                Some(response) => request.polarizability.then_some(response.polarizability),
                None => out.polarizability.first().copied(),
            },
            born_charges: response.filter(|_| request.born_charges).map(|r| r.born_charges),
            electronic: None,
            uncertainty,
        })
    }

    fn fork(&self) -> Box<dyn Potential> {
        Box::new(Self {
            name: self.name.clone(),
            domain: self.domain.clone(),
            network: self.network.clone(),
            head: self.head,
            uncertainty: self.uncertainty.clone(),
            fallback: self.fallback.clone(),
            correction: self.correction,
            parallel: self.parallel,
            allow_close: self.allow_close,
            field: self.field,
            list: self.list.clone(),
            batch: Batch::default(),
            scratch: Scratch::default(),
        })
    }
}
