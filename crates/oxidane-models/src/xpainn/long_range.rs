//! Charges from the final scalar features, equilibrated once over each structure, and their electrostatic energy: what gives
//! XPaiNN interactions beyond its cutoff.
//!
//! (chi_i, z_i) = MLP(s_i) make the charges (see [`crate::charges`]); the energy gains 1/2 sum_i q_i phi_i with the potential
//! phi_i = k_e sum_(j != i) q_j erf(r_ij / (sqrt2 g_ij)) / r_ij over all pairs, by Ewald's method in crystals. As in MPNICE there is no
//! energy of a charge with itself: the readout sees the same features.

use crate::batch::Batch;
use crate::charges::{
    self, Electrostatics, ElectrostaticsConfig, Equilibrium, Field, Hardness, Origin, Seeds,
};
use crate::derivatives::Tangents;
use crate::layers::{Activation, Mlp, MlpTape};
use crate::network::{Outputs, Scratch};
use crate::parameters::Layout;
use oxidane_core::Result;
use oxidane_math::{Real, Scalar};
use oxidane_physics::coulomb::Gradients;

/// The layers.
#[derive(Debug, Clone)]
pub struct LongRange {
    head: Mlp,
    hardness: Hardness,
    electrostatics: Electrostatics,
}

/// What a block of atoms keeps: the tape of the head and its numbers chi and z.
pub struct HeadTape<R> {
    mlp: MlpTape<R>,
    y: Vec<R>,
}

/// Charges with what their reverse needs.
pub struct Charged<D: Scalar> {
    equilibrium: Equilibrium<D>,
    /// The interactions and the potential of the charges, where the energy is wanted.
    field: Option<(Field<D>, Vec<D>)>,
}

/// What the reverse pass through the charges gives.
pub struct Reversed<S: Scalar> {
    /// Adjoints of the head's numbers, `[atoms, planes, 2]`.
    pub head: Vec<S::Real>,
    /// Explicit derivatives of the electrostatic energy of each structure.
    pub structures: Vec<Gradients<S::Double>>,
    /// Derivatives by an external potential at each atom.
    pub external: Vec<S::Double>,
}

impl LongRange {
    /// Numbers per atom of the head.
    pub const WIDTH: usize = 2;

    /// Registers `output_long_range.out_mlp`, `hardness.weight` and, if widths are learned, `width.weight`.
    pub fn new(
        layout: &mut Layout,
        config: &ElectrostaticsConfig,
        channels: usize,
        hidden: usize,
        activation: Activation,
    ) -> Self {
        let sizes = [channels, hidden, Self::WIDTH];
        Self {
            head: Mlp::new(layout, "output_long_range.out_mlp", sizes, true, activation),
            hardness: Hardness::new(layout),
            electrostatics: Electrostatics::new(layout, config),
        }
    }

    /// Writes the weights of an untrained network that are not drawn.
    pub fn initialise<R: Real>(&self, p: &mut [R]) {
        self.hardness.initialise(p);
    }

    /// The interactions of charges at the places of the batch. Refuses cells that repeat in some directions only.
    pub fn prepare<S: Scalar>(
        &self,
        p: &[S::Real],
        batch: &Batch,
        tangents: &Tangents<'_>,
        parallel: bool,
        scratch: &mut Scratch<S::Real>,
    ) -> Result<Field<S::Double>> {
        self.electrostatics.prepare::<S>(p, batch, tangents, parallel, scratch.lattice_sums())
    }

    /// The head of a block of atoms, from its scalars.
    pub fn read<S: Scalar>(
        &self,
        p: &[S::Real],
        rows: usize,
        s: &[S::Real],
        scratch: &mut Scratch<S::Real>,
    ) -> HeadTape<S::Real> {
        let mut y = scratch.dirty(rows * S::PLANES * Self::WIDTH);
        HeadTape { mlp: self.head.forward_from::<S>(p, rows, s, 0, &mut y, scratch), y }
    }

    /// Charges from the heads of all blocks in order, and their potential if there is a `field`. `external`: a potential in V at
    /// each atom, which adds to the electronegativity; empty for none.
    pub fn equilibrate<'a, S: Scalar>(
        &self,
        p: &[S::Real],
        batch: &Batch,
        heads: impl Iterator<Item = &'a HeadTape<S::Real>>,
        field: Option<Field<S::Double>>,
        external: &[S::Double],
    ) -> Charged<S::Double> {
        let (mut chi, mut z) = (Vec::with_capacity(batch.atoms()), Vec::with_capacity(batch.atoms()));
        for y in heads.flat_map(|h| h.y.chunks_exact(Self::WIDTH * S::PLANES)) {
            let y = S::row(y, Self::WIDTH);
            chi.push(S::get(y, 0).double());
            z.push(S::get(y, 1).double());
        }
        let equilibrium = self.hardness.equilibrate::<S>(p, batch, chi, z, external);
        let field = field.map(|field| {
            let potential = field.potential(batch, &equilibrium.charges);
            (field, potential)
        });
        Charged { equilibrium, field }
    }

    /// The adjoints of the heads. Adds the gradient of the weights of hardness and widths if asked;
    /// explicit derivatives by positions if `positions`.
    pub fn reverse<S: Scalar>(
        &self,
        p: &[S::Real],
        batch: &Batch,
        charged: &Charged<S::Double>,
        origin: &Origin<'_, S::Double>,
        gradient: Option<&mut [S::Real]>,
        positions: bool,
    ) -> Reversed<S> {
        let Seeds { energy: seeds, charges: mut adj } = origin.seeds(batch);
        let mut structures = Vec::new();
        let widths = gradient.is_some() && self.electrostatics.learned();
        if let Some((field, potential)) = &charged.field {
            for (s, &seed) in seeds.iter().enumerate() {
                batch.atoms_of(s).for_each(|i| adj[i] += seed * potential[i]);
            }
            if positions || widths {
                structures = field.gradients(batch, (&charged.equilibrium.charges, &seeds), &[], widths);
            }
        }
        let heads = charged.equilibrium.reverse(batch, &adj);
        if let Some(g) = gradient {
            self.hardness.gradient::<S>(p, batch, &heads, g);
            if let (true, Some((field, _))) = (widths, &charged.field) {
                self.electrostatics.gradient::<S>(batch, field, &structures, g);
            }
        }
        let width = Self::WIDTH * S::PLANES;
        let mut head = vec![S::Real::of(0.0); batch.atoms() * width];
        for (i, y) in head.chunks_exact_mut(width).enumerate() {
            let mut y = S::row_mut(y, Self::WIDTH);
            S::set(&mut y, 0, S::from_double(heads.electronegativity[i]));
            S::set(&mut y, 1, S::from_double(heads.argument[i]));
        }
        Reversed { head, structures, external: heads.electronegativity }
    }

    /// Adds the adjoints of a block's scalars `s` from those of its head, and the weight gradient.
    pub fn reverse_head<S: Scalar>(
        &self,
        p: &[S::Real],
        s: &[S::Real],
        tape: &HeadTape<S::Real>,
        adj: &[S::Real],
        s_adj: &mut [S::Real],
        gradient: Option<&mut [S::Real]>,
        scratch: &mut Scratch<S::Real>,
    ) {
        let rows = adj.len() / (Self::WIDTH * S::PLANES);
        self.head.reverse_from::<S>(p, rows, s, &tape.mlp, 0, adj, s_adj, true, gradient, scratch);
    }
}

impl<D: Scalar<Real = f64>> Charged<D> {
    /// The charges in e.
    pub fn charges(&self) -> &[D] {
        &self.equilibrium.charges
    }

    /// Sets charges and dipoles, and adds the electrostatic energy to energies that are there. An atom has half of its
    /// charge's.
    pub fn outputs(&self, batch: &Batch, outputs: &mut Outputs) {
        outputs.charges = self.equilibrium.charges.iter().map(|q| q.value()).collect();
        outputs.dipole = charges::dipoles(batch, &outputs.charges);
        let Some((_, potential)) = &self.field else { return };
        for (s, energy) in outputs.energy.iter_mut().enumerate() {
            for i in batch.atoms_of(s) {
                let e = 0.5 * outputs.charges[i] * potential[i].value();
                outputs.atomic_energies[i] += e;
                *energy += e;
            }
        }
    }
}

impl<R: Real> HeadTape<R> {
    /// Returns the buffers.
    pub fn recycle(self, scratch: &mut Scratch<R>) {
        self.mlp.recycle(scratch);
        scratch.put(self.y);
    }
}
