//! The part of an Ewald sum in reciprocal space on a mesh: smooth particle-mesh Ewald (U. Essmann et al., J. Chem. Phys. 1995, 103, 8577).
//!
//! Charges are spread over mesh points by B-splines, the mesh is transformed, multiplied with the spectrum of the smooth part
//! and transformed back, and the potential is taken at the atoms by the same splines. So the matrix of the potentials is symmetric, and all derivatives
//! are those of the energy on the mesh, exactly.

mod fft;
mod parameters;
mod particles;
mod spectrum;
mod spline;

use super::blocks::add;
use super::forms::{Bilinear, Gradients};
use super::lattice::Lattice;
use super::pool::Pool;
use fft::{Transform, Wave};
use oxidane_math::Scalar;
pub use parameters::{Grid, mesh_splitting};
use particles::Particles;
use spectrum::{Spectrum, Waves};
use std::sync::Arc;

/// The smooth part of the interactions of charges at fixed places.
#[derive(Debug, Clone)]
pub struct Mesh<S> {
    particles: Particles<S>,
    transform: Transform,
    spectrum: Spectrum<S>,
    buffers: Arc<Buffers>,
}

/// Meshes, in space and of waves, that are not in use.
#[derive(Debug, Default)]
pub struct Buffers {
    real: Pool<f64>,
    waves: Pool<Wave>,
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
        let transform = Transform::new(grid.points, grid.order - 1, parallel);
        Self {
            particles: Particles::new(lattice, grid, positions, parallel),
            spectrum: Spectrum::new(lattice, alpha, grid, parallel),
            transform,
            buffers,
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

    /// Adds the potential in V.
    pub fn add_potential(&self, charges: &[S], out: &mut [S]) {
        let field = self.field(self.waves(charges));
        self.particles.add_potential(&field, self.transform.row(), out);
        self.put(field);
    }

    /// Adds the derivatives of forms.
    pub fn add_gradients(&self, forms: &[Bilinear<S>], sum: &mut Gradients<S>) {
        for form in forms {
            let right = self.waves(&form.right);
            let mut add_slopes = |waves: Waves, weights: &[S]| {
                let field = self.field(waves);
                self.particles.add_slopes(&field, self.transform.row(), weights, &mut sum.positions);
                self.put(field);
            };
            let mut strain = [S::zero(); 6];
            match form.ratio {
                Some(ratio) => {
                    add(&mut strain, &self.spectrum.strain(&right, &right).map(|x| ratio * x));
                    let twice: Vec<S> = form.left.iter().map(|x| x.scale(2.0)).collect();
                    add_slopes(right, &twice);
                }
                None => {
                    let left = self.waves(&form.left);
                    add(&mut strain, &self.spectrum.strain(&left, &right));
                    add_slopes(right, &form.left);
                    add_slopes(left, &form.right);
                }
            }
            sum.add_strain(strain);
        }
    }
}
