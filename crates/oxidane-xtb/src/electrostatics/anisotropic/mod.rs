//! Anisotropic second order: charges, dipoles and quadrupoles of atoms, damped at short range.

mod damping;
mod images;
mod pair;
mod reciprocal;
mod tensors;
mod truncation;

use oxidane_core::{Error, Result};
use oxidane_physics::geometry::{Derivatives, Geometry, cross, dot};
use oxidane_physics::lattice::{Lattice, for_each_pair};

use super::ewald::{Ewald, Sum};
use super::{difference, own_weight};
use crate::basis::Basis;
use damping::Radii;
use images::Images;
use pair::{Coupling, Moments, Radial};
use tensors::Tensors;
use truncation::Truncation;

/// How often a stored element of a quadrupole (xx, xy, yy, xz, yz, zz) stands in the full tensor.
const MULTIPLICITY: [f64; 6] = [1.0, 2.0, 1.0, 2.0, 2.0, 1.0];

/// The interaction of atomic charges q, dipoles mu and quadrupoles Theta in GFN2-xTB (J. Chem. Theory Comput. 2019, 15,
/// 1652, eqs. 26 to 32): with v = x_j - x_i,
///
/// ```text
/// E = sum_(i<j) { f3/r^3 (q_j mu_i.v - q_i mu_j.v)
///               + f5/r^5 [r^2 mu_i.mu_j - 3 (mu_i.v)(mu_j.v) + v.(q_j Theta_i + q_i Theta_j).v] }
///   + sum_i (k_mu mu_i.mu_i + k_Theta Theta_i:Theta_i)
/// ```
///
/// f3 and f5 are damping functions whose radii depend on the coordination numbers; the last sum is the on-site
/// anisotropic exchange-correlation.
///
/// A quadrupole is stored as xx, xy, yy, xz, yz, zz, traceless, in the convention Theta = 3/2 (x x) - 1/2 r^2: an
/// off-diagonal element stands for both xy and yx, so that Theta:Theta counts it twice, and the derivative by it is
/// that by both together. The trace does not interact: the part of the interaction with a quadrupole along the unit
/// tensor is taken out, which changes nothing for traceless ones.
///
/// In a crystal the undamped interaction is summed over all images (Ewald, conducting surroundings), and what the
/// damping takes from it. The sums are those of tblite 0.8.0, which are finite: in reciprocal space they end where
/// their terms are still about 1e-6, and depend by a few 1e-5 hartree a cell on where; in real space they end at 100
/// bohr, which is worth some 1e-7.
#[derive(Debug, Clone)]
pub struct Anisotropic {
    radii: Radii,
    tensors: Tensors,
    lattice: Lattice,
    ewald: Option<Ewald>,
    truncation: Option<Truncation>,
    dipole_kernels: Vec<f64>,
    quadrupole_kernels: Vec<f64>,
}

impl Anisotropic {
    /// The interaction at the positions of `geometry`, with damping radii for the coordination numbers `coordination`,
    /// one per atom. Refuses two atoms at one place and lattice vectors without a volume.
    pub fn new(geometry: &Geometry, basis: &Basis, coordination: &[f64]) -> Result<Self> {
        Self::with_ewald(
            geometry,
            basis,
            coordination,
            geometry.lattice.as_ref().map(|rows| Ewald::new(rows, Sum::Multipoles)),
        )
    }

    /// With a given splitting of the lattice sums.
    pub(super) fn with_ewald(
        geometry: &Geometry,
        basis: &Basis,
        coordination: &[f64],
        ewald: Option<Ewald>,
    ) -> Result<Self> {
        refuse_coincident(geometry)?;
        let radii = Radii::new(basis, coordination);
        let lattice = Lattice::new(geometry.lattice)?;
        let mut tensors = Tensors::zero(basis.atoms());
        for_each_interaction(geometry, &lattice, ewald.as_ref(), &radii, |i, j, vector, radial| {
            let (s, d) = radial.tensors(vector);
            tensors.add(i, j, s, d);
        });
        if let Some(ewald) = &ewald {
            for_each_damped(geometry, &lattice, |i, j, images| {
                let (s, d) = images.tensors(radii.of_pair(i, j));
                tensors.add(i, j, s, d);
            });
            reciprocal::add_tensors(ewald, geometry.positions, &mut tensors);
        }
        let truncation = geometry.lattice.map(|rows| Truncation::new(geometry, rows));
        if let Some(truncation) = &truncation {
            truncation.add_tensors(&radii, &mut tensors);
        }
        Ok(Self {
            radii,
            tensors,
            lattice,
            ewald,
            truncation,
            dipole_kernels: basis.elements.iter().map(|e| e.dipole_kernel).collect(),
            quadrupole_kernels: basis.elements.iter().map(|e| e.quadrupole_kernel).collect(),
        })
    }

    /// The energy in hartree of charges (e), dipoles (e bohr) and quadrupoles (e bohr^2) of the atoms. Adds its
    /// derivatives by charges, dipoles and stored elements of the quadrupoles to the last three arguments.
    pub fn potential(
        &self,
        charges: &[f64],
        dipoles: &[[f64; 3]],
        quadrupoles: &[[f64; 6]],
        by_charge: &mut [f64],
        by_dipole: &mut [[f64; 3]],
        by_quadrupole: &mut [[f64; 6]],
    ) -> f64 {
        let sums = self.tensors.contract(charges, dipoles, quadrupoles);
        let mut energy = 0.0;
        for i in 0..charges.len() {
            let v = sums.by_charge(i);
            by_charge[i] += v;
            energy += 0.5 * charges[i] * v;
            let v = sums.by_dipole(i);
            for a in 0..3 {
                let v = v[a] + 2.0 * self.dipole_kernels[i] * dipoles[i][a];
                by_dipole[i][a] += v;
                energy += 0.5 * dipoles[i][a] * v;
            }
            let v = sums.by_quadrupole(i);
            for a in 0..6 {
                let v = v[a] + 2.0 * MULTIPLICITY[a] * self.quadrupole_kernels[i] * quadrupoles[i][a];
                by_quadrupole[i][a] += v;
                energy += 0.5 * quadrupoles[i][a] * v;
            }
        }
        energy
    }

    /// Adds the derivatives of the energy by positions and strain at fixed charges, moments and coordination numbers,
    /// and to `by_coordination` those by the coordination numbers.
    pub fn add_derivatives(
        &self,
        geometry: &Geometry,
        charges: &[f64],
        dipoles: &[[f64; 3]],
        quadrupoles: &[[f64; 6]],
        derivatives: &mut Derivatives,
        by_coordination: &mut [f64],
    ) {
        let moments: Vec<_> = (0..charges.len())
            .map(|i| Moments { charge: charges[i], dipole: dipoles[i], quadrupole: quadrupoles[i] })
            .collect();
        for_each_interaction(
            geometry,
            &self.lattice,
            self.ewald.as_ref(),
            &self.radii,
            |i, j, vector, radial| {
                let weight = own_weight(i, j);
                let slopes = radial.derivatives(vector, &Coupling::new(&moments[i], &moments[j]));
                derivatives.add_pair(i, j, vector, slopes.by_vector.map(|x| weight * x));
                by_coordination[i] += self.radii.carry(i, weight * slopes.by_radius);
                by_coordination[j] += self.radii.carry(j, weight * slopes.by_radius);
            },
        );
        if let Some(ewald) = &self.ewald {
            for_each_damped(geometry, &self.lattice, |i, j, images| {
                let weight = own_weight(i, j);
                let (slopes, by_radius) =
                    images.slopes(self.radii.of_pair(i, j), &Coupling::new(&moments[i], &moments[j]));
                slopes.add(i, j, weight, derivatives);
                by_coordination[i] += self.radii.carry(i, weight * by_radius);
                by_coordination[j] += self.radii.carry(j, weight * by_radius);
            });
            reciprocal::add_derivatives(ewald, geometry.positions, &moments, derivatives);
        }
        if let Some(truncation) = &self.truncation {
            truncation.add_derivatives(&self.radii, &moments, derivatives, by_coordination);
        }
    }
}

/// Calls `visit` with all interactions in real space, as pairs i <= j, the vector from i to j and the functions of its
/// length. In a molecule they are all there is; in a crystal they are the screened part of undamped moments.
#[inline(always)]
fn for_each_interaction(
    geometry: &Geometry,
    lattice: &Lattice,
    ewald: Option<&Ewald>,
    radii: &Radii,
    mut visit: impl FnMut(usize, usize, [f64; 3], &Radial),
) {
    let Some(ewald) = ewald else {
        return for_each_pair(geometry, lattice, f64::INFINITY, |i, j, vector, r2| {
            visit(i, j, vector, &Radial::damped(r2, radii.of_pair(i, j)));
        });
    };
    for_each_pair(geometry, lattice, ewald.cutoff(), |i, j, vector, r2| {
        visit(i, j, vector, &Radial::screened(ewald.screened(r2)));
    });
}

/// Calls `visit` with the images of all pairs i <= j of a crystal that the damping reaches.
fn for_each_damped(geometry: &Geometry, lattice: &Lattice, mut visit: impl FnMut(usize, usize, &Images)) {
    let mut images = Images::default();
    for (i, &x) in geometry.positions.iter().enumerate() {
        for (j, &y) in geometry.positions.iter().enumerate().skip(i) {
            images.gather(lattice, difference(y, x));
            visit(i, j, &images);
        }
    }
}

/// Refuses atoms so close that the interaction has no finite value.
fn refuse_coincident(geometry: &Geometry) -> Result<()> {
    for (i, &x) in geometry.positions.iter().enumerate() {
        for (j, &y) in geometry.positions[..i].iter().enumerate() {
            let vector = nearest(difference(x, y), geometry.lattice);
            if dot(vector, vector) < 1e-10 {
                return Err(Error::input(format!("atoms {} and {} are at the same place", j + 1, i + 1)));
            }
        }
    }
    Ok(())
}

/// The vector less the translation that brings its fractional coordinates next to zero.
fn nearest(vector: [f64; 3], lattice: Option<[[f64; 3]; 3]>) -> [f64; 3] {
    let Some(rows) = lattice else { return vector };
    let volume = dot(rows[0], cross(rows[1], rows[2]));
    let mut reduced = vector;
    for a in 0..3 {
        let whole = (dot(vector, cross(rows[(a + 1) % 3], rows[(a + 2) % 3])) / volume).round();
        reduced = std::array::from_fn(|k| reduced[k] - whole * rows[a][k]);
    }
    reduced
}
