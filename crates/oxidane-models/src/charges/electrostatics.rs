//! The interaction of the charges, Gaussians of the widths of their elements: potentials, energy and derivatives by
//! [`oxidane_physics::coulomb`], structure by structure.

use super::{ELEMENTS, ElectrostaticsConfig};
use crate::batch::Batch;
use crate::derivatives::Tangents;
use crate::layers::top;
use crate::parameters::{Layout, Slot};
use oxidane_core::{Result, elements};
use oxidane_math::{Real, Scalar};
use oxidane_physics::coulomb::{Cache, Coulomb, Form, Gradients, Interactions, Sites, lattice_vectors};

/// Widths s = scale R_cov[Z] exp(w_Z), with the weights w only if they are learned.
#[derive(Debug, Clone)]
pub struct Electrostatics {
    scale: f64,
    accuracy: f64,
    table: Option<Slot>,
}

/// The interactions of a batch at fixed places.
pub struct Field<D: Scalar> {
    structures: Vec<Interactions<D>>,
    widths: Vec<f64>,
}

impl Electrostatics {
    /// Registers `width.weight`, one number of each element, if widths are learned.
    pub fn new(layout: &mut Layout, config: &ElectrostaticsConfig) -> Self {
        let table = config.learn_widths.then(|| layout.add("width.weight", &[ELEMENTS], true, false));
        Self { scale: config.width_scale, accuracy: config.ewald_accuracy, table }
    }

    /// Whether widths are learned.
    pub fn learned(&self) -> bool {
        self.table.is_some()
    }

    fn width<R: Real>(&self, p: &[R], z: u8) -> f64 {
        let stretch = self.table.map_or(0.0, |slot| slot.of(p)[usize::from(z)].f64());
        self.scale * elements::covalent_radius(z) * stretch.exp()
    }

    /// Computes what does not depend on charges, for a single structure with what the `cache` has of it. Refuses cells that repeat in some directions only.
    pub fn prepare<S: Scalar>(
        &self,
        p: &[S::Real],
        batch: &Batch,
        tangents: &Tangents<'_>,
        parallel: bool,
        cache: &mut Cache,
    ) -> Result<Field<S::Double>> {
        let coulomb = Coulomb { accuracy: self.accuracy, parallel, ..Coulomb::default() };
        let with = |x: [f64; 3], t: [f64; 3]| {
            std::array::from_fn::<_, 3, _>(|k| S::Double::with_tangent(x[k], t[k]))
        };
        let positions: Vec<_> =
            (0..batch.atoms()).map(|i| with(batch.positions[i], tangents.position(i))).collect();
        let widths: Vec<f64> = batch.numbers.iter().map(|&z| self.width(p, z)).collect();
        let constants: Vec<_> = widths.iter().map(|&s| S::Double::lit(s)).collect();
        let structures = (0..batch.structures()).map(|s| {
            let atoms = batch.atoms_of(s);
            let lattice = lattice_vectors::<f64>(batch.cells[s].as_ref())?;
            let sites = Sites {
                positions: &positions[atoms.clone()],
                widths: &constants[atoms],
                lattice: lattice.map(|rows| rows.map(|v| with(v, tangents.lattice_vector(s, v)))),
            };
            if batch.structures() == 1 {
                coulomb.prepare_with(&sites, cache)
            } else {
                coulomb.prepare(&sites)
            }
        });
        Ok(Field { structures: structures.collect::<Result<_>>()?, widths })
    }

    /// Adds the gradient of the weights, from the derivatives of each structure.
    pub fn gradient<S: Scalar>(
        &self,
        batch: &Batch,
        field: &Field<S::Double>,
        structures: &[Gradients<S::Double>],
        gradient: &mut [S::Real],
    ) {
        let Some(slot) = self.table else { return };
        let table = slot.of_mut(gradient);
        let adjoints = structures.iter().flat_map(|g| &g.widths);
        for ((&adj, &width), &z) in adjoints.zip(&field.widths).zip(&batch.numbers) {
            table[usize::from(z)] += S::Real::of(width * top(adj));
        }
    }
}

impl<D: Scalar<Real = f64>> Field<D> {
    /// The potential in V at each atom; its own reverse.
    pub fn potential(&self, batch: &Batch, charges: &[D]) -> Vec<D> {
        let parts = self.structures.iter().enumerate();
        parts.flat_map(|(s, field)| field.potential(&charges[batch.atoms_of(s)])).collect()
    }

    /// Derivatives of sum_s seed_s E_s(charges) + sum_t adjoints_t . phi(charges_t) for each structure; by widths if asked for.
    pub fn gradients(
        &self,
        batch: &Batch,
        energy: (&[D], &[D]),
        potentials: &[(&[D], &[D])],
        widths: bool,
    ) -> Vec<Gradients<D>> {
        let (charges, seeds) = energy;
        let of = |(s, field): (usize, &Interactions<D>)| {
            let atoms = batch.atoms_of(s);
            let mut forms = vec![Form::Energy { charges: &charges[atoms.clone()], seed: seeds[s] }];
            forms.extend(potentials.iter().map(|(charges, adjoint)| Form::Potential {
                charges: &charges[atoms.clone()],
                adjoint: &adjoint[atoms.clone()],
            }));
            field.gradients(&forms, widths)
        };
        self.structures.iter().enumerate().map(of).collect()
    }
}
