//! The model a user asks for, ready to compute.

pub mod base;
mod dispersion;
mod guard;
mod strange;

use std::fmt::{Display, Formatter};
use std::path::Path;

use oxidane_core::{Error, Mesh, Potential, Request, Result, System};
use oxidane_models::file::{Base, Head, Header};
use oxidane_models::{Model, PotentialOptions, registry};
use oxidane_physics::D3Potential;
use oxidane_xtb::{Gfn2Options, valence_unpaired};

use crate::args::{ComputeArgs, Kpoints, Precision};
use crate::output::{Voice, json};
use guard::Guarded;
pub use strange::Strangers;

/// The name of GFN2-xTB for `--model`.
pub const GFN2: &str = "gfn2";

/// What GFN2-xTB is, in one line.
pub const GFN2_SUMMARY: &str =
    "GFN2-xTB, semi-empirical: molecules and crystals of hydrogen to radon, any charge and spin";

/// Opens the trained model that an option names, see [`Model::open`].
///
/// # Errors
/// As there; where no model has the name, GFN2-xTB is among those that are listed.
pub fn open(model: Option<&str>) -> Result<Model> {
    Model::open(model.map(Path::new)).map_err(|mut error| {
        // No file is at fault: it is the name.
        if model.is_some() && error.path.is_none() {
            error.message.push_str(&format!(", {GFN2}"));
        }
        error
    })
}

/// Whether the option names GFN2-xTB, and not a file of that name.
pub fn is_gfn2(model: Option<&str>) -> bool {
    let named = |name: &str| [GFN2, "gfn2-xtb"].iter().any(|known| name.eq_ignore_ascii_case(known));
    model.is_some_and(|name| named(name) && !Path::new(name).is_file())
}

/// What computes.
enum Source {
    /// A trained network.
    Network {
        model: Box<Model>,
        head: Box<Head>,
        precision: Precision,
        options: PotentialOptions,
        field: Option<[f64; 3]>,
    },
    /// GFN2-xTB.
    Gfn2(Gfn2Options),
}

impl Source {
    fn name(&self) -> &str {
        match self {
            Self::Network { model, .. } => &model.header().name,
            Self::Gfn2(_) => GFN2,
        }
    }

    /// What computes the structures: with the dispersion that is added, and refusals that help.
    fn finished(
        &self,
        potential: Box<dyn Potential>,
        dispersion: Option<&D3Potential>,
        parallel: bool,
        strict: bool,
    ) -> Result<Box<dyn Potential>> {
        let advise = matches!(self, Self::Network { .. });
        Guarded::boxed(dispersion::add(potential, dispersion, parallel), advise, strict)
    }
}

/// A model with the precision and permissiveness that the options ask for.
pub struct Loaded {
    source: Source,
    /// Added to it.
    dispersion: Option<D3Potential>,
    /// The k-points of its GFN2-xTB.
    mesh: Option<Mesh>,
    potential: Box<dyn Potential>,
    name: String,
    strict: bool,
}

impl Loaded {
    /// Loads the model that the options name. `allow_close`: atoms may come as close as they like.
    ///
    /// # Errors
    /// If it cannot be read or used, or an option has no effect on it.
    pub fn new(args: &ComputeArgs, allow_close: bool) -> Result<Self> {
        let (source, potential) = if is_gfn2(args.model.as_deref()) {
            Self::gfn2(args, allow_close)?
        } else {
            Self::network(args, allow_close)?
        };
        let dispersion = dispersion::of(args, &source, &*potential)?;
        let potential = source.finished(potential, dispersion.as_ref(), true, args.strict)?;
        let name = potential.name().to_owned();
        Ok(Self { source, dispersion, mesh: args.mesh(), potential, name, strict: args.strict })
    }

    fn gfn2(args: &ComputeArgs, allow_close: bool) -> Result<(Source, Box<dyn Potential>)> {
        if args.head.is_some() {
            return Err(Error::usage(
                "--head has no effect on gfn2, which is one level of theory; leave it out",
            ));
        }
        if args.field.is_some() {
            return Err(Error::usage(
                "--field has no effect on gfn2, which knows none; take a model with equilibrated charges, such as MPNICE",
            ));
        }
        if args.precision == Some(Precision::F32) {
            return Err(Error::usage(
                "--precision f32 has no effect on gfn2, which computes in f64; leave it out",
            ));
        }
        let temperature = args.etemp.unwrap_or(Gfn2Options::default().temperature);
        let options = Gfn2Options { temperature, allow_close };
        Ok((Source::Gfn2(options), base::gfn2_potential(options, args.mesh())?))
    }

    fn network(args: &ComputeArgs, allow_close: bool) -> Result<(Source, Box<dyn Potential>)> {
        let model = Box::new(open(args.model.as_deref())?);
        let precision = args.precision.unwrap_or_default();
        let arithmetic = match precision {
            Precision::F32 => oxidane_models::Precision::F32,
            Precision::F64 => oxidane_models::Precision::F64,
        };
        let (place, head) = chosen(model.header(), args.head.as_deref())?;
        let options =
            PotentialOptions { head: Some(place), precision: arithmetic, parallel: true, allow_close };
        if args.etemp.is_some() {
            let what = match &head.base {
                Some(base) => format!("whose network corrects {} at its own temperature", base.method),
                None => "a network without electrons".into(),
            };
            let name = &model.header().name;
            return Err(Error::usage(format!(
                "--etemp has no effect on {name}, {what}; it is for --model {GFN2}"
            )));
        }
        if head.base.is_none() && matches!(args.kpoints, Some(Kpoints::Of(_) | Kpoints::Auto)) {
            return Err(Error::usage(format!(
                "--kpoints has no effect on {}, a network without electrons; leave it out",
                model.header().name
            )));
        }
        let field = args.electric_field();
        let potential = joined(&model, options, field, args.mesh())?;
        Ok((Source::Network { model, head, precision, options, field }, potential))
    }

    /// A potential for work on one structure, spread over all threads.
    pub fn whole(&self) -> Box<dyn Potential> {
        self.potential.fork()
    }

    /// A potential that computes on one thread.
    ///
    /// # Errors
    /// As [`Loaded::workers`].
    pub fn alone(&self) -> Result<Box<dyn Potential>> {
        match &self.source {
            Source::Network { model, options, field, .. } => {
                let options = PotentialOptions { parallel: false, ..*options };
                let alone = joined(model, options, *field, self.mesh)?;
                self.source.finished(alone, self.dispersion.as_ref(), false, self.strict)
            }
            Source::Gfn2(_) => Ok(self.potential.fork()),
        }
    }

    /// Potentials for work on several structures at once, one per thread.
    pub fn workers(&self, args: &ComputeArgs) -> Result<Vec<Box<dyn Potential>>> {
        let first = self.alone()?;
        let others: Vec<_> = (1..args.thread_count()).map(|_| first.fork()).collect();
        Ok(std::iter::once(first).chain(others).collect())
    }

    /// The model's name, with what is added to it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Model and precision: what a restart must agree with.
    pub fn identity(&self) -> String {
        let model = match &self.source {
            Source::Network { .. } => self.network_identity(),
            Source::Gfn2(options) => format!("{GFN2} {} K", options.temperature),
        };
        self.with_additions(model).to_string()
    }

    fn network_identity(&self) -> String {
        let Source::Network { model, head, precision, field, .. } = &self.source else {
            return String::new();
        };
        let header = model.header();
        let hash = if header.hash.is_empty() { &header.name } else { &header.hash };
        let head = if several(header) { format!(" head {}", head.name) } else { String::new() };
        in_field(format!("{hash}{head} {}", precision.name()), *field)
    }

    /// What makes labels, as they say it: a method with its version, or the identity of a model.
    pub fn maker(&self) -> Maker {
        let usual = Gfn2Options::default().temperature;
        self.with_additions(match &self.source {
            Source::Gfn2(options) if options.temperature == usual => base::gfn2().to_string(),
            Source::Gfn2(options) => format!("{} at {} K", base::gfn2(), options.temperature),
            Source::Network { .. } => self.network_identity(),
        })
    }

    /// One line for the head of tables.
    pub fn title(&self) -> String {
        let model = match &self.source {
            Source::Network { model, head, precision, field, .. } => {
                let header = model.header();
                let theory = head.level_of_theory.as_deref().map(|t| format!(", {t}")).unwrap_or_default();
                let level = if several(header) { format!(", head {}", head.name) } else { String::new() };
                let d3 = head.dispersion.as_ref().map_or(String::new(), |d3| format!(", {d3} in it"));
                let below = head.base.as_ref().map(|base| format!("{} + ", base.method)).unwrap_or_default();
                let architecture = format!("{below}{}", header.architecture);
                let title =
                    format!("{} ({architecture}{level}{theory}{d3}), {}", header.name, precision.name());
                in_field(title, *field)
            }
            Source::Gfn2(options) => {
                format!("{GFN2} (GFN2-xTB), electronic temperature {} K", options.temperature)
            }
        };
        self.with_additions(model).to_string()
    }

    /// With what the options add to the model.
    fn with_additions(&self, model: String) -> Maker {
        let dispersion = self.dispersion.as_ref().map_or(String::new(), |d3| format!(" + {}", d3.name()));
        Maker { model, mesh: self.own_mesh(), dispersion }
    }

    /// The k-points, if there is GFN2-xTB that they are of.
    fn own_mesh(&self) -> Option<Mesh> {
        match &self.source {
            Source::Network { head, .. } if head.base.is_none() => None,
            _ => self.mesh,
        }
    }

    /// Which level of theory computes, of a model that has several, and in which electric field.
    pub fn conditions(&self) -> json::Conditions<'_> {
        let Source::Network { model, head, field, .. } = &self.source else {
            return json::Conditions { mesh: self.own_mesh(), ..json::Conditions::default() };
        };
        let level = || json::Level { head: &head.name, level_of_theory: head.level_of_theory.as_deref() };
        json::Conditions { level: several(model.header()).then(level), field: *field, mesh: self.own_mesh() }
    }

    /// What it gives in one evaluation: all but derivatives of the dipole, which models with Born charges compute apart.
    pub fn easy(&self) -> Request {
        let has = self.capabilities();
        Request { polarizability: has.polarizability && !has.born_charges, born_charges: false, ..has }
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
        let network = match &self.source {
            Source::Network { model, head, .. } => Some((model.header(), &**head)),
            Source::Gfn2(_) => None,
        };
        if let (Some(d3), Some(theory)) =
            (&self.dispersion, network.and_then(|(_, head)| head.level_of_theory.as_deref()))
            && dispersion::is_in(theory)
        {
            voice.note(&format!(
                "the level of theory {theory} has dispersion in it already, to which {} adds",
                d3.name()
            ));
        }
        let mesh = self.own_mesh();
        Caveats {
            network,
            mesh,
            voice,
            domain: false,
            charge: false,
            spin: false,
            cell: false,
            narrow: false,
        }
    }
}

/// A model with what the options add to it, in words.
#[derive(Debug, Clone)]
pub struct Maker {
    model: String,
    mesh: Option<Mesh>,
    dispersion: String,
}

impl Maker {
    /// For one structure: k-points are those of its cell, and a molecule has none.
    pub fn of(&self, system: &System) -> String {
        let copies = self.mesh.and_then(|mesh| mesh.copies(system)).filter(|copies| *copies != [1; 3]);
        Self { mesh: copies.map(Mesh::Of), ..self.clone() }.to_string()
    }
}

impl Display for Maker {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Self { model, mesh, dispersion } = self;
        match mesh {
            Some(Mesh::Of([a, b, c])) => write!(f, "{model}, k-points {a},{b},{c}{dispersion}"),
            Some(Mesh::Wide(width)) => write!(f, "{model}, k-points for cells {width} A wide{dispersion}"),
            None => write!(f, "{model}{dispersion}"),
        }
    }
}

/// A head of a model with all that it stands on.
fn joined(
    model: &Model,
    options: PotentialOptions,
    field: Option<[f64; 3]>,
    mesh: Option<Mesh>,
) -> Result<Box<dyn Potential>> {
    let base = |base: &Base| base::potential(base, options.allow_close, mesh);
    model.potential_on(options, field, &base)
}

/// The head that the option names, the default one without, with its place.
fn chosen(header: &Header, name: Option<&str>) -> Result<(u32, Box<Head>)> {
    if name.is_some() && header.heads.iter().all(|head| head.name.is_empty()) {
        let model = &header.name;
        return Err(Error::usage(format!(
            "--head has no effect on {model}, which is one level of theory; leave it out"
        )));
    }
    let (place, head) = header.head(name)?;
    Ok((place, Box::new(head.clone())))
}

/// Whether a model has several levels of theory.
fn several(header: &Header) -> bool {
    header.heads.len() > 1
}

fn in_field(text: String, field: Option<[f64; 3]>) -> String {
    field.map_or(text.clone(), |[x, y, z]| format!("{text}, in a field of {x} {y} {z} V/angstrom"))
}

/// What a model leaves open or does not see. Told when the first structure concerned has passed its checks: an error is
/// to be the only line.
pub struct Caveats<'a> {
    network: Option<(&'a Header, &'a Head)>,
    mesh: Option<Mesh>,
    voice: Voice,
    domain: bool,
    charge: bool,
    spin: bool,
    cell: bool,
    narrow: bool,
}

/// GFN2-xTB at the Gamma point alone: cells of molecular crystals narrower than this are tens of meV per atom off, wider ones one or two.
const NARROW: f64 = 8.0;

impl Caveats<'_> {
    /// Says what concerns this structure and was not said yet.
    pub fn see(&mut self, system: &System) {
        if let Some((header, head)) = self.network {
            self.see_network(header, head, system);
        }
        if self.with_gfn2() {
            self.see_gfn2(system);
            self.see_narrow_cell(system);
        }
        self.see_charged_cell(system);
    }

    /// Without enough k-points GFN2-xTB is wrong for small cells.
    fn see_narrow_cell(&mut self, system: &System) {
        let mesh = self.mesh.unwrap_or(Mesh::Of([1; 3]));
        let enough = Kpoints::Auto.mesh().copies(system);
        let (Some(cell), Some(copies), Some([a, b, c])) = (system.cell, mesh.copies(system), enough) else {
            return;
        };
        let widths = cell.widths();
        let narrowest = (0..3).map(|k| widths[k] * f64::from(copies[k])).fold(f64::INFINITY, f64::min);
        if narrowest >= NARROW || std::mem::replace(&mut self.narrow, true) {
            return;
        }
        let repeated = if copies == [1; 3] { "" } else { ", repeated for its k-points," };
        self.voice.note(&format!(
            "the cell{repeated} is {narrowest:.1} A wide: below {NARROW} A GFN2-xTB may be tens of meV per atom off; give --kpoints {a},{b},{c}, or auto \
             for cells that stay"
        ));
    }

    /// Whether GFN2-xTB computes, alone or below a network.
    fn with_gfn2(&self) -> bool {
        self.network.is_none_or(|(_, head)| head.base.as_ref().is_some_and(|base| base.method == GFN2))
    }

    /// Charges that repeat without end are made neutral where they interact over all distances.
    fn see_charged_cell(&mut self, system: &System) {
        let crystal = system.cell.is_some_and(|cell| cell.periodic.contains(&true));
        if system.charge == 0 || !crystal || std::mem::replace(&mut self.cell, true) {
            return;
        }
        let long_range = self.with_gfn2()
            || self.network.is_some_and(|(header, _)| {
                registry::sees(&header.architecture, &header.hyperparameters)
                    .is_ok_and(|sees| sees.long_range)
            });
        if long_range {
            self.voice.note(&format!(
                "the cell has the charge {:+}: the energy is with a uniform background that makes it neutral, and depends on \
                 the size of the cell",
                system.charge
            ));
        }
    }

    /// GFN2-xTB counts spins without f electrons of the core.
    fn see_gfn2(&mut self, system: &System) {
        let (valence, given) = (valence_unpaired(system), system.unpaired);
        if valence != given && !std::mem::replace(&mut self.spin, true) {
            self.voice.note(&format!(
                "GFN2-xTB keeps the f electrons of lanthanides in the core: with {given} unpaired electrons in all, it computes \
                 with {valence} in the valence shells"
            ));
        }
    }

    fn see_network(&mut self, header: &Header, head: &Head, system: &System) {
        let voice = self.voice;
        let unknown = [(head.elements.is_empty(), "elements"), (head.charges.is_empty(), "charges")];
        let unknown: Vec<_> = unknown.iter().filter(|(empty, _)| *empty).map(|(_, what)| *what).collect();
        if !std::mem::replace(&mut self.domain, true) && !unknown.is_empty() {
            voice.note(&format!(
                "the {} that {} was trained on are not known: whether it knows this chemistry is yours to judge",
                unknown.join(" and "),
                header.name
            ));
        }
        // The header has been checked when the model was made.
        let Ok(sees) = registry::sees(&header.architecture, &header.hyperparameters) else { return };
        let tell = |told: &mut bool, concerned: bool, what: &str, value: String| {
            if concerned && !std::mem::replace(told, true) {
                voice.note(&format!("{what} {value} does not enter {}: its network knows none", header.name));
            }
        };
        let charge = system.charge;
        // A base below the network knows both.
        let alone = head.base.is_none();
        tell(&mut self.charge, alone && charge != 0 && !sees.charge, "the charge", format!("{charge:+}"));
        let odd = alone && system.unpaired != system.lowest_unpaired();
        tell(&mut self.spin, odd && !sees.spin, "the multiplicity", system.multiplicity().to_string());
    }
}
