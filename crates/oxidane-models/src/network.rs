//! What every architecture offers the rest of the program: results for a [`Batch`] and the exact gradient of
//! any loss on them with respect to the weights.

use crate::batch::Batch;
use crate::charges::DipoleResponse;
use crate::parameters::Layout;
use oxidane_core::{DipoleOrigin, Error, Request, Result};
use oxidane_math::Real;
use oxidane_physics::coulomb::Cache;
use std::ops::Range;

/// Results for a batch, or derivatives of a loss with respect to them (the same shapes).
/// A vector is empty when the quantity was not requested (or, for derivatives, is not in the loss).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outputs {
    /// One per structure, eV. For a network alone: without reference energies of the elements.
    pub energy: Vec<f64>,
    /// One per atom, eV; a partition of the energy, filled along with it.
    pub atomic_energies: Vec<f64>,
    /// One per atom, -dE/dx in eV/angstrom.
    pub forces: Vec<[f64; 3]>,
    /// One per structure, -dE/dstrain in eV, symmetric.
    pub virial: Vec<[[f64; 3]; 3]>,
    /// One per atom, e.
    pub charges: Vec<f64>,
    /// One per structure, e angstrom; NaN where a structure has none (a crystal, for sums over charges).
    pub dipole: Vec<[f64; 3]>,
    /// One per structure, in the units of the training data.
    pub polarizability: Vec<[[f64; 3]; 3]>,
    /// What tells how uncertain the energy is, filled where the uncertainty is requested.
    pub features: Features,
    /// Whether rounding is amplified (features that cancel by symmetry), so that single precision is not enough for
    /// the forces. A property of the structure: it does not depend on what is requested.
    pub ill_conditioned: bool,
}

/// Features of atoms, `[atoms, width]` each; empty where there are none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Features {
    /// What the energy is linear in with the last weights: the hidden features of the readout, and a 1 for its bias.
    pub last: Vec<f64>,
    /// What led there: the scalar features after each block, first to last.
    pub inner: Vec<f64>,
}

impl Features {
    /// The features of the atoms `of` added up, those of the last layer first. `atoms`: how many there are in the batch.
    pub fn sum(&self, of: Range<usize>, atoms: usize) -> Vec<f64> {
        let mut sum = Vec::new();
        for features in [&self.last, &self.inner] {
            let (width, start) = (features.len() / atoms.max(1), sum.len());
            sum.resize(start + width, 0.0);
            for row in features[of.start * width..of.end * width].chunks_exact(width.max(1)) {
                sum[start..].iter_mut().zip(row).for_each(|(s, x)| *s += x);
            }
        }
        sum
    }
}

/// A neural network as the trainer and the potentials see it. All methods are deterministic and run on the calling
/// thread unless `parallel` says otherwise; results have the same bits for any number of threads.
pub trait Network<R: Real>: Send + Sync {
    /// The cutoff of the edges it needs, in angstrom.
    fn cutoff(&self) -> f64;
    /// Names of its heads, the levels of theory that a [`Batch`] chooses from; none for a single head without a name.
    fn heads(&self) -> &[String] {
        &[]
    }
    /// The point that its dipoles are about.
    fn dipole_origin(&self) -> DipoleOrigin {
        DipoleOrigin::CenterOfMass
    }
    /// Which properties it computes.
    fn capabilities(&self) -> Request;
    /// Names, shapes and places of the weights.
    fn layout(&self) -> &Layout;
    /// All weights, one after another as [`Network::layout`] says.
    fn parameters(&self) -> &[R];
    /// The same for changing them (an optimiser step).
    fn parameters_mut(&mut self) -> &mut [R];
    /// A network of the same architecture and weights that can be changed independently.
    fn boxed_clone(&self) -> Box<dyn Network<R>>;
    /// Hyperparameters as stored in a model file.
    fn hyperparameters(&self) -> serde_json::Value;
    /// The architecture's registered name, such as `xpainn`.
    fn architecture(&self) -> &'static str;
    /// Computes what is requested; requests beyond [`Network::capabilities`] are an error. `parallel`: spread blocks of
    /// atoms over the rayon pool.
    fn run(
        &self,
        batch: &Batch,
        request: Request,
        scratch: &mut Scratch<R>,
        parallel: bool,
    ) -> Result<Outputs>;
    /// Adds to `gradient` (one number per weight) the gradient of a loss whose derivatives with respect to the
    /// outputs are `seeds`: one dual run along the direction that the seeds define, exact for any loss.
    fn loss_gradient(
        &self,
        batch: &Batch,
        seeds: &Outputs,
        scratch: &mut Scratch<R>,
        gradient: &mut [R],
    ) -> Result<()>;
    /// Hessian of the energy times a direction: sum_b d2E/dx_a dx_b v_b in eV/angstrom^2 times the unit of `v`.
    fn hessian_vector(
        &self,
        batch: &Batch,
        v: &[[f64; 3]],
        scratch: &mut Scratch<R>,
    ) -> Result<Vec<[f64; 3]>>;

    /// Whether its dipole is that of equilibrated charges, which respond to a field: what the following two need.
    fn equilibrates(&self) -> bool {
        false
    }
    /// Polarisability and Born charges of each structure; NaN for crystals, which have none (see [`crate::charges`]).
    fn dipole_responses(
        &self,
        _batch: &Batch,
        _scratch: &mut Scratch<R>,
        _parallel: bool,
    ) -> Result<Vec<DipoleResponse>> {
        Err(without_charges(self.architecture()))
    }
    /// [`Network::run`] in a uniform electric field in V/angstrom, of molecules.
    fn run_in_field(
        &self,
        _batch: &Batch,
        _request: Request,
        _field: [f64; 3],
        _scratch: &mut Scratch<R>,
        _parallel: bool,
    ) -> Result<Outputs> {
        Err(without_charges(self.architecture()))
    }
}

/// The refusal of what only equilibrated charges can do.
pub(crate) fn without_charges(name: &str) -> Error {
    Error::usage(format!(
        "{name} has no charges that respond to an electric field; take a model with equilibrated charges, such as MPNICE"
    ))
}

/// Buffers kept between calls so that a dynamics step allocates nothing.
#[derive(Debug, Default)]
pub struct Scratch<R> {
    free: Vec<Vec<R>>,
    children: Vec<Scratch<R>>,
    lattice_sums: Option<Cache>,
}

/// How far atoms move before neighbours in lattice sums are searched again, angstrom.
const SKIN: f64 = 1.0;

impl<R: Real> Scratch<R> {
    /// A zeroed buffer of `n` numbers, reusing a returned one where possible.
    pub fn zeros(&mut self, n: usize) -> Vec<R> {
        let mut v = self.best_fit(n);
        v.clear();
        v.resize(n, R::of(0.0));
        v
    }
    /// A buffer of `n` numbers whose contents are arbitrary (but initialised): every element must be written.
    pub fn dirty(&mut self, n: usize) -> Vec<R> {
        let mut v = self.best_fit(n);
        v.truncate(n);
        v.resize(n, R::of(0.0));
        v
    }
    /// Buffers for one block of atoms, which may run on another thread.
    pub fn child(&mut self) -> Self {
        self.children.pop().unwrap_or_default()
    }
    /// What lattice sums keep from one geometry of a crystal to the next.
    pub fn lattice_sums(&mut self) -> &mut Cache {
        self.lattice_sums.get_or_insert_with(|| Cache::new(SKIN))
    }
    /// Returns what [`Scratch::child`] gave; in reverse order of taking, so that sizes match next time.
    pub fn put_child(&mut self, child: Self) {
        self.children.push(child);
    }
    /// The smallest returned buffer that holds `n` numbers. Anything larger would be missed where its size is
    /// needed, and all buffers would grow to the largest size in turn. If none fits, the largest makes way for a new one.
    fn best_fit(&mut self, n: usize) -> Vec<R> {
        let sizes = || self.free.iter().map(Vec::capacity).enumerate();
        match sizes().filter(|&(_, size)| size >= n).min_by_key(|&(_, size)| size) {
            Some((k, _)) => self.free.swap_remove(k),
            None => {
                if let Some((k, _)) = sizes().max_by_key(|&(_, size)| size) {
                    drop(self.free.swap_remove(k));
                }
                Vec::with_capacity(n)
            }
        }
    }
    /// Returns a buffer for reuse.
    pub fn put(&mut self, v: Vec<R>) {
        if v.capacity() > 0 {
            self.free.push(v);
        }
    }
}
