//! Anisotropic second order: charges, dipoles and quadrupoles of atoms, damped at short range.

mod damping;
mod pair;
mod tensors;

use oxidane_core::{Error, Result};
use oxidane_physics::geometry::{Derivatives, Geometry, dot};

use super::difference;
use crate::basis::Basis;
use damping::Radii;
use pair::{Moments, Radial};
use tensors::Tensors;

/// How often a stored element of a quadrupole (xx, xy, yy, xz, yz, zz) stands in the full tensor.
const MULTIPLICITY: [f64; 6] = [1.0, 2.0, 1.0, 2.0, 2.0, 1.0];

/// The interaction of atomic charges q, dipoles mu and quadrupoles Theta in GFN2-xTB (J. Chem. Theory Comput. 2019, 15, 1652,
/// eqs. 26 to 32): with v = x_j - x_i,
///
/// E = sum_(i<j) { f3/r^3 (q_j mu_i.v - q_i mu_j.v) + f5/r^5 [r^2 mu_i.mu_j - 3 (mu_i.v)(mu_j.v) + v.(q_j Theta_i + q_i Theta_j).v] }
/// + sum_i (k_mu mu_i.mu_i + k_Theta Theta_i:Theta_i).
///
/// f3 and f5 are damping functions whose radii depend on the coordination numbers; the last sum is the on-site
/// anisotropic exchange-correlation.
///
/// A quadrupole is stored as xx, xy, yy, xz, yz, zz, traceless, in the convention Theta = 3/2 (x x) - 1/2 r^2: an
/// off-diagonal element stands for both xy and yx, so that Theta:Theta counts it twice, and the derivative by it is that by
/// both together. The trace does not interact: the part of the interaction with a quadrupole along the unit tensor is taken
/// out, which changes nothing for traceless ones.
#[derive(Debug, Clone)]
pub struct Anisotropic {
    radii: Radii,
    tensors: Tensors,
    dipole_kernels: Vec<f64>,
    quadrupole_kernels: Vec<f64>,
}

impl Anisotropic {
    /// The interaction at the positions of `geometry`, with damping radii for the coordination numbers `coordination`, one
    /// per atom. Refuses two atoms at one place.
    pub fn new(geometry: &Geometry, basis: &Basis, coordination: &[f64]) -> Result<Self> {
        refuse_coincident(geometry)?;
        let radii = Radii::new(basis, coordination);
        let atoms = basis.atoms();
        let mut tensors = Tensors::zero(atoms);
        for i in 0..atoms {
            for j in 0..i {
                let vector = difference(geometry.positions[j], geometry.positions[i]);
                let radial = Radial::damped(dot(vector, vector), radii.of_pair(i, j));
                tensors.add_pair(i, j, vector, &radial);
            }
        }
        Ok(Self {
            radii,
            tensors,
            dipole_kernels: basis.elements.iter().map(|e| e.dipole_kernel).collect(),
            quadrupole_kernels: basis.elements.iter().map(|e| e.quadrupole_kernel).collect(),
        })
    }

    /// The energy in hartree of charges (e), dipoles (e bohr) and quadrupoles (e bohr^2) of the atoms. Adds its derivatives by
    /// charges, dipoles and stored elements of the quadrupoles to the last three arguments.
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

    /// Adds the derivatives of the energy by positions and strain at fixed charges, moments and coordination numbers, and
    /// to `by_coordination` those by the coordination numbers.
    pub fn add_derivatives(
        &self,
        geometry: &Geometry,
        charges: &[f64],
        dipoles: &[[f64; 3]],
        quadrupoles: &[[f64; 6]],
        derivatives: &mut Derivatives,
        by_coordination: &mut [f64],
    ) {
        let moments =
            |i: usize| Moments { charge: charges[i], dipole: dipoles[i], quadrupole: quadrupoles[i] };
        for i in 0..charges.len() {
            for j in 0..i {
                let vector = difference(geometry.positions[j], geometry.positions[i]);
                let radial = Radial::damped(dot(vector, vector), self.radii.of_pair(i, j));
                let slopes = radial.derivatives(vector, &moments(i), &moments(j));
                derivatives.add_pair(i, j, vector, slopes.by_vector);
                by_coordination[i] += self.radii.carry(i, slopes.by_radius);
                by_coordination[j] += self.radii.carry(j, slopes.by_radius);
            }
        }
    }
}

/// Refuses atoms so close that the interaction has no finite value.
fn refuse_coincident(geometry: &Geometry) -> Result<()> {
    for (i, &x) in geometry.positions.iter().enumerate() {
        for (j, &y) in geometry.positions[..i].iter().enumerate() {
            let vector = difference(x, y);
            if dot(vector, vector) < 1e-12 {
                return Err(Error::input(format!("atoms {} and {} are at the same place", j + 1, i + 1)));
            }
        }
    }
    Ok(())
}
