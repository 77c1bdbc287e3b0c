//! XPaiNN (Chen et al., J. Chem. Theory Comput. 2024, 20, 9500): equivariant message passing with spherical
//! tensors of any degree up to 4.
//!
//! Atoms are handled in blocks of [`BLOCK`]; within a pass the blocks are independent, so they run in parallel and
//! give the same bits on any number of threads. Between two passes every atom's features are known to all: there
//! an outside engine would exchange those of its ghost atoms.

mod config;
mod edges;
mod electronic;
mod gate;
mod heads;
mod long_range;
mod message;
mod pairs;
mod pass;
mod readout;
mod start;
mod update;

pub use config::{Embedding, OutputMode, XpainnConfig};

use crate::batch::Batch;
use crate::charges::{self, ChargePass, DipoleResponse, Equilibrating, Origin};
use crate::derivatives::{Derivatives, Direction};
use crate::edges::EdgeBasis;
use crate::irreps::Irreps;
use crate::layers::{EquivariantNorm, LayerNorm, Mlp};
use crate::network::{Network, Outputs, Scratch, without_charges};
use crate::parameters::{Layout, Slot};
use edges::CutBasis;
use electronic::{ElectronicEmbedding, Quantity};
use heads::Head;
use long_range::LongRange;
use message::Message;
use oxidane_core::{DipoleOrigin, Error, Request, Result};
use oxidane_math::radial::RadialBasis;
use oxidane_math::{Dual, Real, Scalar};
use pass::Pass;
use start::Start;
use update::Update;

/// Atoms handled as one unit of work.
pub const BLOCK: usize = 64;

/// The name under which the architecture is registered.
pub const NAME: &str = "xpainn";

/// The message half of a block: norms, the MLP that makes h, the filter.
#[derive(Debug, Clone)]
struct MessageBlock {
    norms: Option<(LayerNorm, EquivariantNorm)>,
    mlp: Mlp,
    message: Message,
}

/// Shapes and layers; the weights are apart, so that one architecture serves every scalar type.
#[derive(Debug, Clone)]
struct Architecture {
    config: XpainnConfig,
    irreps: Irreps,
    layout: Layout,
    basis: EdgeBasis<CutBasis>,
    basis_parameters: Slot,
    start: Start,
    electronic: Vec<ElectronicEmbedding>,
    messages: Vec<MessageBlock>,
    updates: Vec<Update>,
    heads: Vec<(OutputMode, Head)>,
    long_range: Option<LongRange>,
}

/// An XPaiNN network: an architecture and its weights.
#[derive(Debug, Clone)]
pub struct Xpainn<R> {
    architecture: std::sync::Arc<Architecture>,
    parameters: Vec<R>,
}

impl Architecture {
    fn new(config: &XpainnConfig) -> Result<Self> {
        let resolved = config.resolve()?;
        let (c, irreps, act) = (config.node_dim, &resolved.irreps, resolved.activation);
        let mut layout = Layout::default();
        let start = Start::new(&mut layout, config.embedding, c);
        let basis = RadialBasis::new(resolved.basis, config.num_basis, config.cutoff);
        let mut basis_parameters = Slot { offset: layout.len, len: 0 };
        for (name, n) in basis.parameters() {
            basis_parameters.len += layout.add(format!("embedding.rbf.{name}"), &[n], true, false).len;
        }
        let mut electronic = Vec::new();
        for (asked, name, quantity) in [
            (config.charge_embed, "charge_embedding", Quantity::Charge),
            (config.spin_embed, "spin_embedding", Quantity::Spin),
        ] {
            if asked {
                electronic.push(ElectronicEmbedding::new(&mut layout, name, quantity, c));
            }
        }
        let tensors = config.output_modes.iter().any(|m| matches!(m, OutputMode::Dipole | OutputMode::Polar));
        let (mut messages, mut updates) = (Vec::new(), Vec::new());
        for b in 0..config.action_blocks {
            let name = format!("message_{b}");
            let message = Message::new(&mut layout, &name, c, irreps, config.num_basis);
            let mlp_name = format!("{name}.scalar_mlp");
            messages.push(MessageBlock {
                mlp: Mlp::new(&mut layout, &mlp_name, [c, c, message.gates()], true, act),
                message,
                norms: config.layer_norm.then(|| {
                    let scalar = LayerNorm::new(&mut layout, &format!("{name}.norm"), c);
                    (scalar, EquivariantNorm::new(&mut layout, &format!("{name}.o3norm"), irreps))
                }),
            });
            let equivariant = tensors || b + 1 < config.action_blocks;
            let name = format!("update_{b}");
            updates.push(Update::new(
                &mut layout,
                &name,
                c,
                irreps,
                act,
                config.layer_norm,
                config.length_epsilon,
                equivariant,
            ));
        }
        let mut heads = Vec::new();
        for &mode in &config.output_modes {
            let (width, hidden) = (config.hidden_dim, &resolved.hidden_irreps);
            let mut tensor = |name: &str, output: &str| {
                let output: Irreps = output.parse()?;
                let irreps = [irreps, hidden, &output];
                Ok::<_, Error>(Head::tensor(&mut layout, name, c, width, act, config.length_epsilon, irreps))
            };
            let head = match mode {
                OutputMode::Dipole => tensor("output_dipole", "1x1o")?,
                OutputMode::Polar => tensor("output_polar", "1x0e+1x2e")?,
                OutputMode::Energy => {
                    Head::scalar(&mut layout, &config.heads, "output_energy", [c, width], act)
                }
                OutputMode::Charges => Head::scalar(&mut layout, &[], "output_charges", [c, width], act),
            };
            heads.push((mode, head));
        }
        let long_range =
            config.electrostatics.map(|e| LongRange::new(&mut layout, &e, c, config.hidden_dim, act));
        Ok(Self {
            basis: EdgeBasis {
                columns: CutBasis { basis, cutoff_fn: resolved.cutoff_fn },
                l_max: irreps.l_max(),
            },
            config: config.clone(),
            irreps: irreps.clone(),
            layout,
            basis_parameters,
            start,
            electronic,
            messages,
            updates,
            heads,
            long_range,
        })
    }
}

impl<R: Real> Xpainn<R> {
    /// A network with the given weights, laid out as [`Network::layout`] says.
    ///
    /// # Errors
    /// A hyperparameter out of range, or a wrong number of weights.
    pub fn with_parameters(config: &XpainnConfig, parameters: Vec<R>) -> Result<Self> {
        let architecture = Architecture::new(config)?;
        architecture.layout.fits(parameters.len())?;
        Ok(Self { architecture: architecture.into(), parameters })
    }

    /// An untrained network: weights drawn as PyTorch and e3nn draw them, from `seed`.
    pub fn random(config: &XpainnConfig, seed: u64) -> Result<Self> {
        let architecture = Architecture::new(config)?;
        let parameters = start::initial(&architecture, seed);
        Ok(Self { architecture: architecture.into(), parameters })
    }

    /// The hyperparameters.
    pub fn config(&self) -> &XpainnConfig {
        &self.architecture.config
    }

    /// Refuses elements and heads that the network does not have.
    fn check(&self, batch: &Batch) -> Result<()> {
        self.architecture.start.check(batch)?;
        crate::heads::check_batch(batch, &self.config().heads)
    }

    /// Names, shapes and places of the weights of a configuration.
    pub fn layout_of(config: &XpainnConfig) -> Result<Layout> {
        Ok(Architecture::new(config)?.layout)
    }
}

impl<R: Real> Network<R> for Xpainn<R> {
    fn cutoff(&self) -> f64 {
        self.architecture.config.cutoff
    }
    fn dipole_origin(&self) -> DipoleOrigin {
        // A head of its own gives sums of vectors that know no origin.
        let head = self.architecture.config.output_modes.contains(&OutputMode::Dipole);
        if head { DipoleOrigin::TrainingData } else { DipoleOrigin::CenterOfMass }
    }
    fn heads(&self) -> &[String] {
        &self.architecture.config.heads
    }
    fn capabilities(&self) -> Request {
        self.architecture.config.capabilities()
    }
    fn layout(&self) -> &Layout {
        &self.architecture.layout
    }
    fn parameters(&self) -> &[R] {
        &self.parameters
    }
    fn parameters_mut(&mut self) -> &mut [R] {
        &mut self.parameters
    }
    fn boxed_clone(&self) -> Box<dyn Network<R>> {
        Box::new(self.clone())
    }
    fn hyperparameters(&self) -> serde_json::Value {
        serde_json::to_value(&self.architecture.config).unwrap_or_default()
    }
    fn architecture(&self) -> &'static str {
        NAME
    }

    fn run(
        &self,
        batch: &Batch,
        request: Request,
        scratch: &mut Scratch<R>,
        parallel: bool,
    ) -> Result<Outputs> {
        request.within(self.capabilities(), NAME)?;
        self.check(batch)?;
        let mut pass = Pass::<R>::forward(
            &self.architecture,
            &self.parameters,
            batch,
            &Direction::NONE,
            &[],
            |mode| match mode {
                OutputMode::Energy => {
                    request.energy || request.forces || request.virial || request.uncertainty
                }
                OutputMode::Charges => request.charges,
                OutputMode::Dipole => request.dipole,
                OutputMode::Polar => request.polarizability,
            },
            scratch,
            parallel,
        )?;
        let mut outputs = pass.outputs(scratch);
        if request.uncertainty {
            outputs.features = pass.features();
        }
        if !request.charges {
            outputs.charges = Vec::new();
        }
        if !request.dipole {
            outputs.dipole = Vec::new();
        }
        if request.forces || request.virial {
            let seeds = Outputs { energy: vec![1.0; batch.structures()], ..Outputs::default() };
            let derivatives = pass.reverse(&Origin::Loss(&seeds), None, true, scratch);
            if request.forces {
                outputs.forces = derivatives.forces(batch, 0);
            }
            if request.virial {
                outputs.virial = derivatives.virial(batch, 0);
            }
            scratch.put(derivatives.vectors);
        }
        pass.recycle(scratch);
        Ok(outputs)
    }

    fn loss_gradient(
        &self,
        batch: &Batch,
        seeds: &Outputs,
        scratch: &mut Scratch<R>,
        gradient: &mut [R],
    ) -> Result<()> {
        self.check(batch)?;
        assert_eq!(gradient.len(), self.parameters.len(), "a gradient has one number per weight");
        let seeded = |mode| match mode {
            OutputMode::Energy => true,
            OutputMode::Charges => !seeds.charges.is_empty(),
            OutputMode::Dipole => !seeds.dipole.is_empty(),
            OutputMode::Polar => !seeds.polarizability.is_empty(),
        };
        let direction = Direction::of_loss(seeds);
        let (a, p) = (&self.architecture, &self.parameters);
        if direction.is_none() {
            let mut pass = Pass::<R>::forward(a, p, batch, &direction, &[], seeded, scratch, false)?;
            pass.reverse(&Origin::Loss(seeds), Some(gradient), false, scratch);
            pass.recycle(scratch);
        } else {
            let mut pass = Pass::<Dual<R>>::forward(a, p, batch, &direction, &[], seeded, scratch, false)?;
            pass.reverse(&Origin::Loss(seeds), Some(gradient), false, scratch);
            pass.recycle(scratch);
        }
        Ok(())
    }

    fn hessian_vector(
        &self,
        batch: &Batch,
        v: &[[f64; 3]],
        scratch: &mut Scratch<R>,
    ) -> Result<Vec<[f64; 3]>> {
        self.check(batch)?;
        let direction = Direction { positions: v.to_vec(), strains: Vec::new() };
        let energy = |mode| mode == OutputMode::Energy;
        let (a, p) = (&self.architecture, &self.parameters);
        let mut pass = Pass::<Dual<R>>::forward(a, p, batch, &direction, &[], energy, scratch, false)?;
        let derivatives = pass.reverse(&Origin::Loss(&Outputs::default()), None, true, scratch);
        let forces = derivatives.forces(batch, 1);
        scratch.put(derivatives.vectors);
        pass.recycle(scratch);
        Ok(forces.into_iter().map(|f| f.map(|x| -x)).collect())
    }

    fn equilibrates(&self) -> bool {
        self.architecture.long_range.is_some()
    }

    fn dipole_responses(
        &self,
        batch: &Batch,
        scratch: &mut Scratch<R>,
        parallel: bool,
    ) -> Result<Vec<DipoleResponse>> {
        charges::dipole_responses(self, batch, scratch, parallel)
    }

    fn run_in_field(
        &self,
        batch: &Batch,
        request: Request,
        field: [f64; 3],
        scratch: &mut Scratch<R>,
        parallel: bool,
    ) -> Result<Outputs> {
        charges::run_in_field(self, batch, request, field, scratch, parallel)
    }
}

impl<R: Real> Equilibrating<R> for Xpainn<R> {
    type Pass<'a, S: Scalar<Real = R>> = Pass<'a, S>;

    fn charge_pass<'a, S: Scalar<Real = R>>(
        &'a self,
        batch: &'a Batch,
        external: Vec<S::Double>,
        scratch: &mut Scratch<R>,
        parallel: bool,
    ) -> Result<Pass<'a, S>> {
        if !self.equilibrates() {
            return Err(without_charges("XPaiNN without electrostatics"));
        }
        let (a, p) = (&self.architecture, &self.parameters);
        a.start.check(batch)?;
        let charges = |mode| mode == OutputMode::Charges;
        Pass::<S>::forward(a, p, batch, &Direction::NONE, &external, charges, scratch, parallel)
    }
}

impl<S: Scalar> ChargePass<S> for Pass<'_, S> {
    fn charges(&self) -> Vec<S::Double> {
        self.equilibrated().to_vec()
    }
    fn reverse(&mut self, adjoints: &[S::Double], scratch: &mut Scratch<S::Real>) -> Derivatives<S> {
        Pass::reverse(self, &Origin::Charges(adjoints), None, true, scratch)
    }
    fn recycle(self, scratch: &mut Scratch<S::Real>) {
        Pass::recycle(self, scratch);
    }
}
