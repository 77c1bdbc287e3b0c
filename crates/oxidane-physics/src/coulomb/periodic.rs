//! Sums over a lattice: the part in real space, the smooth part, and what belongs to neither.

use super::cache::Cache;
use super::forms::{Bilinear, Gradients};
use super::kernel::{CLOSEST, Kernel};
use super::lattice::Lattice;
use super::mesh::{Grid, Mesh};
use super::reciprocal::Reciprocal;
use super::short_range::ShortRange;
use super::{Sites, Splitting};
use oxidane_core::Result;
use oxidane_core::units::COULOMB;
use oxidane_math::Scalar;
use std::f64::consts::{FRAC_2_SQRT_PI, PI};
use std::sync::Arc;

/// The interactions of the atoms of a crystal.
#[derive(Debug, Clone)]
pub struct Periodic<S: Scalar> {
    short: ShortRange<S>,
    smooth: Smooth<S>,
    alpha: f64,
    volume: S,
}

/// How the smooth part is summed.
#[derive(Debug, Clone)]
pub enum Smooth<S: Scalar> {
    /// Over reciprocal vectors.
    Waves(Reciprocal<S>),
    /// On a mesh.
    Mesh(Box<Mesh<S>>),
}

impl<S: Scalar<Real = f64>> Periodic<S> {
    /// An Ewald sum.
    pub fn ewald(
        sites: &Sites<'_, S>,
        lattice: &Lattice<S>,
        splitting: Splitting,
        cache: Option<&mut Cache>,
        parallel: bool,
    ) -> Result<Self> {
        let Splitting { alpha, wave_cutoff, .. } = splitting;
        let waves = Reciprocal::new(lattice, alpha, wave_cutoff, sites.positions, parallel);
        Self::new(sites, lattice, splitting, Smooth::Waves(waves), cache, parallel)
    }

    /// A particle-mesh Ewald sum.
    pub fn mesh(
        sites: &Sites<'_, S>,
        lattice: &Lattice<S>,
        splitting: Splitting,
        grid: Grid,
        cache: Option<&mut Cache>,
        parallel: bool,
    ) -> Result<Self> {
        grid.validate()?;
        let buffers = cache.as_ref().map_or_else(Arc::default, |cache| cache.buffers.clone());
        let mesh = Mesh::new(lattice, splitting.alpha, grid, sites.positions, buffers, parallel);
        Self::new(sites, lattice, splitting, Smooth::Mesh(mesh.into()), cache, parallel)
    }

    fn new(
        sites: &Sites<'_, S>,
        lattice: &Lattice<S>,
        splitting: Splitting,
        smooth: Smooth<S>,
        cache: Option<&mut Cache>,
        parallel: bool,
    ) -> Result<Self> {
        let gaussian = sites.widths.iter().any(|s| s.value() > CLOSEST);
        let kernel = Kernel { screening: Some(splitting.alpha), gaussian };
        let short = ShortRange::new(sites, lattice, kernel, splitting.cutoff, cache, parallel)?;
        Ok(Self { short, smooth, alpha: splitting.alpha, volume: lattice.volume })
    }

    /// The interaction of every charge with every other one and itself through the background that makes the cell neutral,
    /// -pi k_e/(V alpha^2).
    fn background(&self) -> S {
        self.volume.recip().scale(-PI * COULOMB / (self.alpha * self.alpha))
    }

    /// The potential in V.
    pub fn potential(&self, charges: &[S], out: &mut [S]) {
        let total = sum(charges) * self.background();
        // The smooth part counts the interaction of a charge with itself.
        let own = -COULOMB * FRAC_2_SQRT_PI * self.alpha;
        for (phi, &q) in out.iter_mut().zip(charges) {
            *phi = total + q.scale(own);
        }
        self.short.add_potential(charges, out);
        match &self.smooth {
            Smooth::Waves(waves) => waves.add_potential(charges, out),
            Smooth::Mesh(mesh) => mesh.add_potential(charges, out),
        }
    }

    /// Adds the derivatives of forms.
    pub fn gradients(&self, forms: &[Bilinear<S>], gradients: &mut Gradients<S>) {
        for form in forms {
            let fall = -(sum(&form.left) * sum(&form.right) * self.background());
            let zero = S::zero();
            gradients.add_strain([fall, zero, zero, fall, zero, fall]);
        }
        self.short.add_gradients(forms, gradients);
        match &self.smooth {
            Smooth::Waves(waves) => waves.add_gradients(forms, gradients),
            Smooth::Mesh(mesh) => mesh.add_gradients(forms, gradients),
        }
    }
}

fn sum<S: Scalar>(terms: &[S]) -> S {
    terms.iter().fold(S::zero(), |sum, &x| sum + x)
}
