//! The model a user asks for, ready to compute.

use std::path::Path;

use oxidane_core::{Potential, Request, Result, System};
use oxidane_models::file::Header;
use oxidane_models::{Model, PotentialOptions};

use crate::args::{ComputeArgs, Precision};
use crate::output::Voice;

/// Opens the model that an option names, see [`Model::open`].
pub fn open(model: Option<&str>) -> Result<Model> {
    Model::open(model.map(Path::new))
}

/// A model with the precision and permissiveness that the options ask for.
pub struct Loaded {
    model: Model,
    precision: Precision,
    options: PotentialOptions,
    potential: Box<dyn Potential>,
}

impl Loaded {
    /// Loads the model that the options name. `allow_close`: atoms may come as close as they like.
    ///
    /// # Errors
    /// If it cannot be read or used.
    pub fn new(args: &ComputeArgs, allow_close: bool) -> Result<Self> {
        let model = open(args.model.as_deref())?;
        let precision = match args.precision {
            Precision::F32 => oxidane_models::Precision::F32,
            Precision::F64 => oxidane_models::Precision::F64,
        };
        let options = PotentialOptions { precision, parallel: true, allow_close };
        let potential = model.potential(options)?;
        Ok(Self { model, precision: args.precision, options, potential })
    }

    /// A potential for work on one structure, spread over all threads.
    pub fn whole(&self) -> Box<dyn Potential> {
        self.potential.fork()
    }

    /// Potentials for work on several structures at once, one per thread.
    pub fn workers(&self, args: &ComputeArgs) -> Result<Vec<Box<dyn Potential>>> {
        let first = self.model.potential(PotentialOptions { parallel: false, ..self.options })?;
        let others: Vec<_> = (1..args.thread_count()).map(|_| first.fork()).collect();
        Ok(std::iter::once(first).chain(others).collect())
    }

    /// The model's name.
    pub fn name(&self) -> &str {
        &self.model.header().name
    }

    /// Model and precision: what a restart must agree with.
    pub fn identity(&self) -> String {
        let header = self.model.header();
        let hash = if header.hash.is_empty() { &header.name } else { &header.hash };
        format!("{hash} {}", self.precision.name())
    }

    /// One line for the head of tables.
    pub fn title(&self) -> String {
        let header = self.model.header();
        let theory = header.level_of_theory.as_deref().map(|t| format!(", {t}")).unwrap_or_default();
        format!("{} ({}{theory}), {}", header.name, header.architecture, self.precision.name())
    }

    /// What it gives.
    pub fn capabilities(&self) -> Request {
        self.potential.capabilities()
    }

    /// Refuses a request for what the model does not have.
    ///
    /// # Errors
    /// Names what it lacks and what it has.
    pub fn require(&self, request: Request) -> Result<()> {
        request.within(self.capabilities(), self.name())
    }

    /// What the user should be told of this model, once each.
    pub fn caveats(&self, voice: Voice) -> Caveats<'_> {
        Caveats { header: self.model.header(), voice, domain: false, charge: false, spin: false }
    }
}

/// What a model leaves open or does not see. Told when the first structure concerned has passed its checks: an error is
/// to be the only line.
pub struct Caveats<'a> {
    header: &'a Header,
    voice: Voice,
    domain: bool,
    charge: bool,
    spin: bool,
}

impl Caveats<'_> {
    /// Says what concerns this structure and was not said yet.
    pub fn see(&mut self, system: &System) {
        let (header, voice) = (self.header, self.voice);
        let unknown = [(header.elements.is_empty(), "elements"), (header.charges.is_empty(), "charges")];
        let unknown: Vec<_> = unknown.iter().filter(|(empty, _)| *empty).map(|(_, what)| *what).collect();
        if !std::mem::replace(&mut self.domain, true) && !unknown.is_empty() {
            voice.note(&format!(
                "the {} that {} was trained on are not known: whether it knows this chemistry is yours to judge",
                unknown.join(" and "),
                header.name
            ));
        }
        let embeds = |key: &str| header.hyperparameters.get(key).and_then(serde_json::Value::as_bool);
        let tell = |told: &mut bool, concerned: bool, key: &str, what: &str, value: String| {
            if concerned && embeds(key) != Some(true) && !std::mem::replace(told, true) {
                voice.note(&format!("{what} {value} does not enter {}: its network knows none", header.name));
            }
        };
        let charge = system.charge;
        tell(&mut self.charge, charge != 0, "charge_embed", "the charge", format!("{charge:+}"));
        let odd = system.unpaired != system.lowest_unpaired();
        tell(&mut self.spin, odd, "spin_embed", "the multiplicity", system.multiplicity().to_string());
    }
}
