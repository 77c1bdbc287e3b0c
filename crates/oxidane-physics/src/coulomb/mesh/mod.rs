//! The part of an Ewald sum in reciprocal space on a mesh: smooth particle-mesh Ewald (U. Essmann et al., J. Chem. Phys. 1995, 103, 8577).
//!
//! Charges are spread over mesh points by B-splines, the mesh is transformed, multiplied with the spectrum of the smooth part
//! and transformed back, and the potential is taken at the atoms by the same splines. So the matrix of the potentials is symmetric, and all derivatives
//! are those of the energy on the mesh, exactly.

mod fft;
mod known;
mod parameters;
mod particles;
mod spectrum;
mod spline;

use super::blocks::add;
use super::forms::{Bilinear, Gradients};
use super::lattice::Lattice;
use super::pool::Pool;
use fft::{Transform, Wave};
use known::{Known, Memory};
use oxidane_math::Scalar;
pub use parameters::{Grid, mesh_splitting};
use particles::Particles;
use spectrum::{Spectrum, Waves};
use std::sync::{Arc, Mutex, PoisonError};

/// The smooth part of the interactions of charges at fixed places.
#[derive(Debug, Clone)]
pub struct Mesh<S> {
    particles: Particles<S>,
    transform: Transform,
    spectrum: Spectrum<S>,
    buffers: Arc<Buffers>,
    memory: Arc<Memory<S>>,
}

/// Meshes, in space and of waves, that are not in use, and the last plans of transforms.
#[derive(Debug, Default)]
pub struct Buffers {
    real: Pool<f64>,
    waves: Pool<Wave>,
    transform: Mutex<Option<Transform>>,
}

impl Buffers {
    fn transform(&self, points: [usize; 3], padding: usize, parallel: bool) -> Transform {
        // A panic elsewhere leaves the plans as good as before.
        let mut last = self.transform.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = last.as_ref().and_then(|t| t.reuse(points, padding, parallel));
        let transform = kept.unwrap_or_else(|| Transform::new(points, padding, parallel));
        last.insert(transform).clone()
    }
}

impl<S: Scalar<Real = f64>> Mesh<S> {
    pub fn new(
        lattice: &Lattice<S>,
        alpha: f64,
        grid: Grid,
        positions: &[[S; 3]],
        buffers: Arc<Buffers>,
        parallel: bool,
    ) -> Self {
        let transform = buffers.transform(grid.points, grid.order - 1, parallel);
        Self {
            particles: Particles::new(lattice, grid, positions, parallel),
            spectrum: Spectrum::new(lattice, alpha, grid, parallel),
            transform,
            buffers,
            memory: Arc::default(),
        }
    }

    /// The waves of charges, a plane of numbers after the other.
    fn waves(&self, charges: &[S]) -> Waves {
        let row = self.transform.row();
        let mut mesh: Vec<Vec<f64>> =
            (0..S::PLANES).map(|_| self.buffers.real.take(self.transform.size())).collect();
        self.particles.spread(charges, row, &mut mesh);
        let transformed =
            mesh.iter().map(|plane| self.transform.forward(plane, &self.buffers.waves)).collect();
        mesh.into_iter().for_each(|plane| self.buffers.real.put(plane));
        transformed
    }

    /// The potential on the mesh.
    fn field(&self, mut waves: Waves) -> Vec<Vec<f64>> {
        self.spectrum.multiply(&mut waves);
        let transform = |mut plane: Vec<Wave>| {
            let mut mesh = self.buffers.real.take(self.transform.size());
            self.transform.backward(&mut plane, &mut mesh);
            self.buffers.waves.put(plane);
            mesh
        };
        waves.into_iter().map(transform).collect()
    }

    fn put(&self, field: Vec<Vec<f64>>) {
        field.into_iter().for_each(|plane| self.buffers.real.put(plane));
    }

    /// What charges do at the atoms, and their waves.
    fn respond(&self, charges: &[S]) -> Known<S> {
        let waves = self.waves(charges);
        let mut copy = Waves::new();
        for plane in &waves {
            let mut kept = self.buffers.waves.take(plane.len());
            kept.copy_from_slice(plane);
            copy.push(kept);
        }
        let field = self.field(waves);
        let at_atoms = self.particles.interpolate_all(&field, self.transform.row());
        self.put(field);
        Known::new(charges, copy, at_atoms, self.buffers.clone())
    }

    /// The same, kept from the potential of the same charges or computed.
    fn known(&self, charges: &[S]) -> Arc<Known<S>> {
        self.memory.find(charges).unwrap_or_else(|| self.respond(charges).into())
    }

    /// Adds the potential in V.
    pub fn add_potential(&self, charges: &[S], out: &mut [S]) {
        let response = self.respond(charges);
        for (phi, at) in out.iter_mut().zip(&response.at_atoms) {
            *phi += at[0];
        }
        self.memory.keep(response);
    }

    /// Adds the derivatives of forms.
    pub fn add_gradients(&self, forms: &[Bilinear<S>], sum: &mut Gradients<S>) {
        let known: Vec<_> = forms
            .iter()
            .map(|form| {
                let right = self.known(&form.right);
                let left = if form.ratio.is_some() { right.clone() } else { self.known(&form.left) };
                (left, right, form.ratio.unwrap_or(S::lit(1.0)))
            })
            .collect();
        for (form, (left, right, _)) in forms.iter().zip(&known) {
            // A form whose sides are alike has the same slopes from both.
            let other = if form.ratio.is_some() { &form.left } else { &form.right };
            for (weights, of) in [(&form.left, right), (other, left)] {
                let at_atoms = weights.iter().zip(&of.at_atoms);
                for (gradient, (&weight, [_, slopes @ ..])) in sum.positions.iter_mut().zip(at_atoms) {
                    add(gradient, &slopes.map(|x| x * weight));
                }
            }
        }
        let products: Vec<_> =
            known.iter().map(|(left, right, ratio)| (&left.waves, &right.waves, *ratio)).collect();
        sum.add_strain(self.spectrum.strain(&products));
    }
}
