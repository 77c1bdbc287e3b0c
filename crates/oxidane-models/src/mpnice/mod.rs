//! MPNICE, the message passing network with iterative charge equilibration (Weber, Guha et al., arXiv:2505.06462, 2025): invariant
//! features of environments, and in each block charges from an approximate equilibration that the next block sees; the energy has
//! their electrostatic interaction. The published description gives the ideas; numbers and shapes are this program's
//! choice, as the following equations state them.
//!
//! Features start as h_i = Emb\[Z_i\]. Each of T blocks compresses them, c_j = W_c h_j, looks around (see `message`) and updates
//! h_i += MLP([h_i, R_i, p_i, Q_i, q_i, phi_i]), the last three from the block before; then chi_i = w_chi.h_i and J_i = J0\[Z_i\] +
//! softplus(w_J.h_i) make new charges (see [`crate::charges`]), which make the potential phi_i = k_e sum_(j != i) q_j erf(r_ij / (sqrt2 g_ij)) /
//! r_ij over all pairs, by Ewald's method in crystals. The energy is sum_i MLP_out(h_i) + 1/2 sum_i q_i phi_i with the last charges.
//!
//! Atoms are handled in blocks of [`BLOCK`]; within a pass the blocks are independent, so they run in parallel and
//! give the same bits on any number of threads. Equilibration and electrostatics need all atoms at once.

mod config;
mod edges;
mod message;
mod pass;
mod powers;
mod reverse;
mod start;

pub use config::{Angular, MpniceConfig};

use crate::batch::Batch;
use crate::charges::{self, ChargePass, DipoleResponse, Electrostatics, Equilibrating, Hardness, Origin};
use crate::derivatives::{Derivatives, Direction};
use crate::edges::EdgeBasis;
use crate::heads;
use crate::layers::{Activation, HeadedMlp, Linear, Mlp};
use crate::network::{Network, Outputs, Scratch};
use crate::parameters::Layout;
use edges::Gaussians;
use message::Message;
use oxidane_core::{Request, Result};
use oxidane_math::{Dual, Real, Scalar};
use pass::Pass;
use powers::Powers;
use start::Start;
use std::sync::Arc;

/// Atoms handled as one unit of work.
pub const BLOCK: usize = 64;

/// The name under which the architecture is registered.
pub const NAME: &str = "mpnice";

/// One block of the network.
#[derive(Debug, Clone)]
struct Layer {
    /// W_c.
    compress: Linear,
    message: Message,
    /// Where the block sees the angular part.
    powers: Option<Powers>,
    update: Mlp,
    /// w_chi and w_J.
    charges: Linear,
}

/// Shapes and layers; the weights are apart, so that one architecture serves every scalar type.
#[derive(Debug, Clone)]
struct Architecture {
    config: MpniceConfig,
    layout: Layout,
    basis: EdgeBasis<Gaussians>,
    start: Start,
    hardness: Hardness,
    electrostatics: Electrostatics,
    layers: Vec<Layer>,
    readout: HeadedMlp,
}

/// An MPNICE network: an architecture and its weights.
#[derive(Debug, Clone)]
pub struct Mpnice<R> {
    architecture: Arc<Architecture>,
    parameters: Vec<R>,
}

impl Architecture {
    fn new(config: &MpniceConfig) -> Result<Self> {
        config.check()?;
        let mut layout = Layout::default();
        let start = Start::new(&mut layout, config.node_dim);
        let hardness = Hardness::new(&mut layout);
        let electrostatics = Electrostatics::new(&mut layout, &config.electrostatics());
        let layers = (0..config.iterations).map(|t| {
            let message = Message::new(config, t);
            let sizes = [message.columns.width, config.update_dim, config.node_dim];
            Layer {
                compress: Linear::new(
                    &mut layout,
                    &format!("block_{t}.compress"),
                    config.node_dim,
                    config.channels,
                    false,
                ),
                update: Mlp::new(&mut layout, &format!("block_{t}.update"), sizes, true, Activation::Silu),
                charges: Linear::new(&mut layout, &format!("block_{t}.charges"), config.node_dim, 2, false),
                powers: Powers::new(&mut layout, &format!("block_{t}.mixtures"), config, &message.columns),
                message,
            }
        });
        let layers = layers.collect();
        let sizes = [config.node_dim, config.readout_dim, 1];
        let readout = HeadedMlp::new(&mut layout, &config.heads, "readout", sizes, Activation::Silu);
        let basis = EdgeBasis { columns: Gaussians::new(config), l_max: config.l_max };
        Ok(Self { config: config.clone(), layout, basis, start, hardness, electrostatics, layers, readout })
    }
}

impl<R: Real> Mpnice<R> {
    /// A network with the given weights, laid out as [`Network::layout`] says.
    ///
    /// # Errors
    /// A hyperparameter out of range, or a wrong number of weights.
    pub fn with_parameters(config: &MpniceConfig, parameters: Vec<R>) -> Result<Self> {
        let architecture = Architecture::new(config)?;
        architecture.layout.fits(parameters.len())?;
        Ok(Self { architecture: architecture.into(), parameters })
    }

    /// An untrained network, its weights drawn from `seed`.
    ///
    /// # Errors
    /// A hyperparameter out of range.
    pub fn random(config: &MpniceConfig, seed: u64) -> Result<Self> {
        let architecture = Architecture::new(config)?;
        let parameters = start::initial(&architecture, seed);
        Ok(Self { architecture: architecture.into(), parameters })
    }

    /// The hyperparameters.
    pub fn config(&self) -> &MpniceConfig {
        &self.architecture.config
    }

    /// Names, shapes and places of the weights of a configuration.
    ///
    /// # Errors
    /// A hyperparameter out of range.
    pub fn layout_of(config: &MpniceConfig) -> Result<Layout> {
        Ok(Architecture::new(config)?.layout)
    }

    fn forward<'a, S: Scalar<Real = R>>(
        &'a self,
        batch: &'a Batch,
        direction: &Direction,
        external: Vec<S::Double>,
        energy: bool,
        scratch: &mut Scratch<R>,
        parallel: bool,
    ) -> Result<Pass<'a, S>> {
        let (net, p) = (&self.architecture, &self.parameters);
        net.start.check(batch)?;
        heads::check_batch(batch, &net.config.heads)?;
        Pass::forward(net, p, batch, direction, external, energy, scratch, parallel)
    }

    fn add_gradient<S: Scalar<Real = R>>(
        &self,
        batch: &Batch,
        direction: &Direction,
        seeds: &Outputs,
        scratch: &mut Scratch<R>,
        gradient: &mut [R],
    ) -> Result<()> {
        let mut pass = self.forward::<S>(batch, direction, Vec::new(), true, scratch, false)?;
        pass.reverse(&Origin::Loss(seeds), Some(gradient), false, scratch);
        pass.recycle(scratch);
        Ok(())
    }
}

impl<R: Real> Network<R> for Mpnice<R> {
    fn cutoff(&self) -> f64 {
        self.architecture.config.cutoff
    }
    fn heads(&self) -> &[String] {
        &self.architecture.config.heads
    }
    fn capabilities(&self) -> Request {
        MpniceConfig::CAPABILITIES
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
        let derivatives = request.forces || request.virial;
        let energy = request.energy || derivatives || request.uncertainty;
        let mut pass = self.forward::<R>(batch, &Direction::NONE, Vec::new(), energy, scratch, parallel)?;
        let mut outputs = pass.outputs();
        if request.uncertainty {
            outputs.features = pass.features();
        }
        if derivatives {
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
        if !request.charges {
            outputs.charges = Vec::new();
        }
        if !request.dipole {
            outputs.dipole = Vec::new();
        }
        Ok(outputs)
    }

    fn loss_gradient(
        &self,
        batch: &Batch,
        seeds: &Outputs,
        scratch: &mut Scratch<R>,
        gradient: &mut [R],
    ) -> Result<()> {
        assert_eq!(gradient.len(), self.parameters.len(), "a gradient has one number per weight");
        let direction = Direction::of_loss(seeds);
        if direction.is_none() {
            self.add_gradient::<R>(batch, &direction, seeds, scratch, gradient)
        } else {
            self.add_gradient::<Dual<R>>(batch, &direction, seeds, scratch, gradient)
        }
    }

    fn hessian_vector(
        &self,
        batch: &Batch,
        v: &[[f64; 3]],
        scratch: &mut Scratch<R>,
    ) -> Result<Vec<[f64; 3]>> {
        let direction = Direction { positions: v.to_vec(), strains: Vec::new() };
        let mut pass = self.forward::<Dual<R>>(batch, &direction, Vec::new(), true, scratch, false)?;
        let derivatives = pass.reverse(&Origin::Loss(&Outputs::default()), None, true, scratch);
        let forces = derivatives.forces(batch, 1);
        scratch.put(derivatives.vectors);
        pass.recycle(scratch);
        Ok(forces.into_iter().map(|f| f.map(|x| -x)).collect())
    }

    fn equilibrates(&self) -> bool {
        true
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

impl<R: Real> Equilibrating<R> for Mpnice<R> {
    type Pass<'a, S: Scalar<Real = R>> = Pass<'a, S>;

    fn charge_pass<'a, S: Scalar<Real = R>>(
        &'a self,
        batch: &'a Batch,
        external: Vec<S::Double>,
        scratch: &mut Scratch<R>,
        parallel: bool,
    ) -> Result<Pass<'a, S>> {
        self.forward::<S>(batch, &Direction::NONE, external, false, scratch, parallel)
    }
}

impl<S: Scalar> ChargePass<S> for Pass<'_, S> {
    fn charges(&self) -> Vec<S::Double> {
        self.last_charges().to_vec()
    }
    fn reverse(&mut self, adjoints: &[S::Double], scratch: &mut Scratch<S::Real>) -> Derivatives<S> {
        Pass::reverse(self, &Origin::Charges(adjoints), None, true, scratch)
    }
    fn recycle(self, scratch: &mut Scratch<S::Real>) {
        Pass::recycle(self, scratch);
    }
}
