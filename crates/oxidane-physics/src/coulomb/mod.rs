//! Electrostatics of atomic charges, points or Gaussians, for networks and other models, with exact derivatives of any order.
//!
//! Lengths in angstrom, charges in e, potentials in V, energies in eV: unlike the rest of this crate, because charges of networks
//! are in these units.
//!
//! The potential at atom i is phi_i = k_e sum_(j != i) q_j erf(r_ij / (sqrt2 g_ij)) / r_ij with g_ij^2 = s_i^2 + s_j^2 for widths s, 1/r_ij for s = 0, and
//! the energy 1/2 sum_i q_i phi_i. In crystals the sum runs over all images, an atom's own as well, by the method of P. P. Ewald (Ann. Phys. 1921, 369, 253): with any
//! a > 0 it is
//!
//! k_e sum_(j,T) q_j [erf(r / (sqrt2 g_ij)) - erf(a r)] / r + 4 pi k_e/V sum_(k != 0) exp(-k^2/4a^2)/k^2 sum_j q_j cos k.(x_i - x_j) - 2 a k_e q_i / sqrt(pi) - pi k_e Q / (V a^2),
//!
//! where the last term is a uniform background that makes a cell of total charge Q neutral. The crystal is surrounded by a conductor.
//!
//! # Derivatives
//! [`Coulomb::prepare`] fixes a geometry; what remains, [`Interactions`], is a symmetric matrix A that is applied to charges,
//! phi = A q. So the reverse pass through [`Interactions::potential`] is, for charges, the same function again (the adjoints of the charges are A
//! times those of the potentials), and for positions, strain and widths [`Interactions::gradients`], for any number of charge vectors at once.
//! All are written over [`Scalar`] in double precision: duals in positions, lattice vectors, widths, charges or adjoints give exact
//! derivatives along their direction of everything, second derivatives among them. Models in single precision convert charges and
//! potentials; a sum over all atoms in single precision would not be worth having.
//!
//! Results are the same bits for any number of threads.

mod blocks;
pub(crate) use blocks::run;
mod cache;
mod forms;
mod kernel;
mod lattice;
mod matrix;
mod mesh;
mod pairs;
mod periodic;
mod pool;
mod reciprocal;
mod short_range;
mod splitting;

pub use cache::Cache;
use cache::Plan;
use forms::Bilinear;
pub use forms::{Form, Gradients};
use lattice::Lattice;
pub use mesh::Grid;
use mesh::mesh_splitting;
use oxidane_core::{Cell, Error, Result};
use oxidane_math::Scalar;
use pairs::Pairs;
use periodic::Periodic;
pub use splitting::{ACCURACIES, Splitting};

/// Where charges are.
#[derive(Debug, Clone, Copy)]
pub struct Sites<'a, S> {
    /// Positions in angstrom.
    pub positions: &'a [[S; 3]],
    /// Widths s >= 0 of Gaussian charges in angstrom, one per atom; zero for points.
    pub widths: &'a [S],
    /// Lattice vectors in angstrom, as rows, of a crystal periodic in all three directions (see [`lattice_vectors`]); `None` for a molecule.
    pub lattice: Option<[[S; 3]; 3]>,
}

/// The lattice vectors of a cell, `None` without a cell or where nothing repeats. Refuses cells that repeat in some directions only.
pub fn lattice_vectors<S: Scalar<Real = f64>>(cell: Option<&Cell>) -> Result<Option<[[S; 3]; 3]>> {
    match cell {
        Some(cell) if cell.periodic == [true; 3] => Ok(Some(cell.vectors.map(|v| v.map(S::constant)))),
        Some(cell) if cell.periodic != [false; 3] => Err(Error::domain(
            "electrostatics of slabs and wires is not implemented; make the cell periodic in all directions, with \
             vacuum, or in none",
        )),
        _ => Ok(None),
    }
}

/// How electrostatics is summed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coulomb {
    /// The root mean square error of the forces that is aimed at, in units of k_e <q^2> / d^2 with d = (V/N)^(1/3) the mean spacing of
    /// the atoms: about the typical size of the forces. Within [`ACCURACIES`]. Molecules are summed exactly.
    pub accuracy: f64,
    /// What sums crystals.
    pub method: Method,
    /// Whether to use all threads of the rayon pool.
    pub parallel: bool,
}

/// What sums crystals.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Method {
    /// The fastest for the size.
    #[default]
    Auto,
    /// An Ewald sum; its time grows with the power 3/2 of the number of atoms.
    Ewald,
    /// Smooth particle-mesh Ewald; its time grows as the number of atoms.
    Mesh,
    /// An Ewald sum split as given, whatever the accuracy.
    Split(Splitting),
    /// Particle-mesh Ewald with a splitting (whose end in reciprocal space does not matter) and a mesh as given.
    Grid(Splitting, Grid),
}

impl Default for Coulomb {
    fn default() -> Self {
        Self { accuracy: 1e-6, method: Method::Auto, parallel: false }
    }
}

impl Coulomb {
    /// Computes what does not depend on charges.
    ///
    /// Errors: an accuracy out of range; lengths that differ, positions or widths that are not finite, negative widths; a cell without volume
    /// or too small for its units; atoms that coincide as point charges.
    pub fn prepare<S: Scalar<Real = f64>>(&self, sites: &Sites<'_, S>) -> Result<Interactions<S>> {
        self.build(sites, None)
    }

    /// As [`prepare`](Self::prepare), with the same result, sparing the search for neighbours and fresh memory where the cache allows.
    pub fn prepare_with<S: Scalar<Real = f64>>(
        &self,
        sites: &Sites<'_, S>,
        cache: &mut Cache,
    ) -> Result<Interactions<S>> {
        self.build(sites, Some(cache))
    }

    fn build<S: Scalar<Real = f64>>(
        &self,
        sites: &Sites<'_, S>,
        mut cache: Option<&mut Cache>,
    ) -> Result<Interactions<S>> {
        sites.validate()?;
        let Some(rows) = sites.lattice else {
            return Ok(Interactions {
                atoms: sites.positions.len(),
                sum: Sum::Pairs(Pairs::new(sites, self.parallel)?),
            });
        };
        let lattice = match self.method {
            // Its points are counted along the vectors as they are.
            Method::Grid(..) => Lattice::new(rows)?,
            _ => Lattice::new(rows)?.reduced()?,
        };
        let widest = sites.widths.iter().map(|s| s.value()).fold(0.0, f64::max);
        let (n, volume) = (sites.positions.len(), lattice.volume.value());
        let lengths = lattice.lengths();
        let make = || self.plan(n, volume, lengths, widest);
        let (splitting, grid) = match &mut cache {
            Some(cache) => cache.plan((*self, n, volume, lengths, widest), make)?,
            None => make()?,
        };
        splitting.validate()?;
        let periodic = match grid {
            None => Periodic::ewald(sites, &lattice, splitting, cache, self.parallel)?,
            Some(grid) => Periodic::mesh(sites, &lattice, splitting, grid, cache, self.parallel)?,
        };
        let sum = Sum::Periodic(Box::new(periodic));
        Ok(Interactions { atoms: n, sum })
    }
}

impl Coulomb {
    /// How a lattice sum of `n` atoms is split.
    fn plan(&self, n: usize, volume: f64, lengths: [f64; 3], widest: f64) -> Result<Plan> {
        Ok(match self.method {
            Method::Split(splitting) => (splitting, None),
            Method::Grid(splitting, grid) => (splitting, Some(grid)),
            Method::Ewald => (Splitting::balanced(self.accuracy, n, volume, widest)?, None),
            Method::Mesh => {
                let (splitting, grid, _) = mesh_splitting(self.accuracy, n, volume, lengths, widest)?;
                (splitting, Some(grid))
            }
            Method::Auto => {
                let direct = Splitting::balanced(self.accuracy, n, volume, widest)?;
                let (splitting, grid, time) = mesh_splitting(self.accuracy, n, volume, lengths, widest)?;
                if time < direct.time(n, volume) { (splitting, Some(grid)) } else { (direct, None) }
            }
        })
    }
}

impl<S: Scalar<Real = f64>> Sites<'_, S> {
    fn validate(&self) -> Result<()> {
        if self.positions.len() != self.widths.len() {
            return Err(Error::input(format!(
                "{} positions but {} widths of charges",
                self.positions.len(),
                self.widths.len()
            )));
        }
        for (i, (x, s)) in self.positions.iter().zip(self.widths).enumerate() {
            if let Some(x) = x.iter().find(|x| !x.value().is_finite()) {
                let x = x.value();
                return Err(Error::input(format!("atom {}: coordinate {x} is not a finite number", i + 1)));
            }
            let s = s.value();
            if !(s.is_finite() && s >= 0.0) {
                return Err(Error::input(format!(
                    "atom {}: a width of {s} angstrom for its charge; give zero or more",
                    i + 1
                )));
            }
        }
        Ok(())
    }
}

/// The positions without tangents.
fn values_of<S: Scalar<Real = f64>>(positions: &[[S; 3]]) -> Vec<[f64; 3]> {
    positions.iter().map(|x| x.map(S::value)).collect()
}

/// The interactions of charges at fixed places: the matrix A of the potentials A q.
#[derive(Debug, Clone)]
pub struct Interactions<S: Scalar> {
    atoms: usize,
    sum: Sum<S>,
}

#[derive(Debug, Clone)]
enum Sum<S: Scalar> {
    Pairs(Pairs<S>),
    Periodic(Box<Periodic<S>>),
}

impl<S: Scalar<Real = f64>> Interactions<S> {
    /// Number of atoms.
    pub fn atoms(&self) -> usize {
        self.atoms
    }

    /// The potential A q in V at each atom, of the charges in e. A is symmetric, so that this is its own reverse pass: from the
    /// adjoints of potentials it makes those of the charges.
    ///
    /// # Panics
    /// If there is not one charge per atom.
    pub fn potential(&self, charges: &[S]) -> Vec<S> {
        assert_eq!(charges.len(), self.atoms, "one charge per atom");
        let mut out = vec![S::zero(); self.atoms];
        match &self.sum {
            Sum::Pairs(pairs) => pairs.potential(charges, &mut out),
            Sum::Periodic(periodic) => periodic.potential(charges, &mut out),
        }
        out
    }

    /// The energy 1/2 sum_i q_i phi_i in eV, given the potential of the same charges.
    pub fn energy(charges: &[S], potential: &[S]) -> S {
        let sum = charges.iter().zip(potential).fold(S::zero(), |sum, (&q, &phi)| sum + q * phi);
        sum.scale(0.5)
    }

    /// Derivatives of a sum of forms by positions and strain, and by widths if asked for.
    ///
    /// # Panics
    /// If a form has not one charge and adjoint per atom.
    pub fn gradients(&self, forms: &[Form<'_, S>], widths: bool) -> Gradients<S> {
        let forms: Vec<Bilinear<S>> = forms.iter().map(Bilinear::of).collect();
        let fits = |f: &Bilinear<S>| f.left.len() == self.atoms && f.right.len() == self.atoms;
        assert!(forms.iter().all(fits), "one charge and adjoint per atom");
        let mut gradients = Gradients::zero(self.atoms, widths);
        match &self.sum {
            Sum::Pairs(pairs) => pairs.gradients(&forms, &mut gradients),
            Sum::Periodic(periodic) => periodic.gradients(&forms, &mut gradients),
        }
        gradients
    }
}
