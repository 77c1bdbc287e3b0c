//! The electrostatic energy of GFN2-xTB between fluctuating shell charges, atomic dipoles and quadrupoles
//! (C. Bannwarth, S. Ehlert, S. Grimme, J. Chem. Theory Comput. 2019, 15, 1652).
//!
//! Three parts: [`isotropic`] (charges of shells), [`third_order`] (their cubes on site) and [`anisotropic`] (charges,
//! dipoles and quadrupoles of atoms, with the on-site exchange-correlation of the multipoles). Each gives its energy
//! and adds the derivatives by charges and moments, which are the potentials of the self-consistent field, and, apart,
//! the derivatives by positions and strain at fixed charges and moments. Atomic units; a charge is positive where
//! electrons are missing.

pub mod anisotropic;
mod central_cell;
mod ewald;
pub mod isotropic;
pub mod third_order;

pub use anisotropic::Anisotropic;
pub use isotropic::Isotropic;

use oxidane_physics::geometry::Derivatives;

/// The derivatives of an interaction of two atoms, summed over images.
struct PairSlopes {
    /// By the vector from the first to the second.
    by_vector: [f64; 3],
    /// By strain: xx, xy, yy, xz, yz, zz.
    by_strain: [f64; 6],
}

impl PairSlopes {
    /// Adds `weight` times the derivatives of atoms `i` and `j`.
    fn add(&self, i: usize, j: usize, weight: f64, derivatives: &mut Derivatives) {
        let [xx, xy, yy, xz, yz, zz] = self.by_strain;
        let by_strain = [[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]];
        for a in 0..3 {
            derivatives.gradient[i][a] -= weight * self.by_vector[a];
            derivatives.gradient[j][a] += weight * self.by_vector[a];
            for b in 0..3 {
                derivatives.strain[a][b] += weight * by_strain[a][b];
            }
        }
    }
}

/// An atom meets each of its own images twice, T and -T.
fn own_weight(i: usize, j: usize) -> f64 {
    if i == j { 0.5 } else { 1.0 }
}

/// a - b.
fn difference(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

#[cfg(test)]
mod tests {
    use oxidane_physics::geometry::Geometry;

    use super::ewald::{Ewald, Sum};
    use super::*;
    use crate::basis::Basis;

    const ROWS: [[f64; 3]; 3] = [[9.0, 0.4, -0.3], [2.5, 8.0, 0.5], [-1.5, 1.0, 10.0]];
    const POSITIONS: [[f64; 3]; 3] = [[0.3, 0.1, -0.4], [2.0, 1.5, 0.9], [-2.2, 3.0, 11.4]];

    const CHARGES: [f64; 3] = [0.4, -0.1, -0.3];
    const DIPOLES: [[f64; 3]; 3] = [[0.1, -0.2, 0.3], [0.4, 0.2, -0.1], [-0.3, 0.5, 0.2]];
    const QUADRUPOLES: [[f64; 6]; 3] = [[0.2, 0.1, 0.3, -0.4, 0.2, -0.5]; 3];
    const COORDINATION: [f64; 3] = [1.9, 0.8, 1.2];

    /// Where converged lattice sums are split is of no consequence, up to the Gaussians cut off at 2e-12. What is
    /// summed in real space alone is not split.
    #[test]
    fn results_do_not_depend_on_the_splitting() {
        let geometry = Geometry { numbers: &[8, 1, 12], positions: &POSITIONS, lattice: Some(ROWS) };
        let basis = Basis::new(geometry.numbers).unwrap();
        let compute = |alpha: f64| {
            let ewald = || Some(Ewald::with_splitting(&ROWS, alpha));
            let mut all = Isotropic::with_ewald(&geometry, &basis, ewald()).unwrap().matrix().to_vec();
            let term = Anisotropic::with_ewald(&geometry, &basis, &COORDINATION, ewald()).unwrap();
            let (mut q, mut d, mut t) = ([0.0; 3], [[0.0; 3]; 3], [[0.0; 6]; 3]);
            all.push(term.potential(&CHARGES, &DIPOLES, &QUADRUPOLES, &mut q, &mut d, &mut t));
            all.extend(q.iter().chain(d.as_flattened()));
            all
        };
        let reference = compute(0.28);
        for alpha in [0.2, 0.45] {
            for (a, b) in compute(alpha).iter().zip(&reference) {
                assert!((a - b).abs() < 1e-11, "{a} {b}");
            }
        }
    }

    /// The strain derivative is that of the finite sums at fixed splitting and bounds: fourth-order differences, whose
    /// own error is 1e-10.
    #[test]
    fn strain_derivatives_are_those_of_the_finite_sums() {
        let numbers = [8, 1, 12];
        let basis = Basis::new(&numbers).unwrap();
        let shell_charges: Vec<f64> = (0..basis.shells.len()).map(|s| 0.3 - 0.12 * s as f64).collect();
        let strained = |x: [f64; 3], [a, b]: [usize; 2], h: f64| {
            let mut y = x;
            y[a] += 0.5 * h * x[b];
            y[b] += 0.5 * h * x[a];
            y
        };
        let terms = |axes: [usize; 2], h: f64, derivatives: Option<&mut [Derivatives; 2]>| {
            let positions = POSITIONS.map(|x| strained(x, axes, h));
            let rows = ROWS.map(|x| strained(x, axes, h));
            let geometry = Geometry { numbers: &numbers, positions: &positions, lattice: Some(rows) };
            let ewald = |sum| Some(Ewald::new(&ROWS, sum).strained(&rows));
            let isotropic = Isotropic::with_ewald(&geometry, &basis, ewald(Sum::Charges)).unwrap();
            let anisotropic =
                Anisotropic::with_ewald(&geometry, &basis, &COORDINATION, ewald(Sum::Multipoles)).unwrap();
            if let Some([first, second]) = derivatives {
                isotropic.add_derivatives(&geometry, &basis, &shell_charges, first);
                let by_coordination = &mut [0.0; 3];
                anisotropic.add_derivatives(
                    &geometry,
                    &CHARGES,
                    &DIPOLES,
                    &QUADRUPOLES,
                    second,
                    by_coordination,
                );
            }
            let (mut q, mut d, mut t) = ([0.0; 3], [[0.0; 3]; 3], [[0.0; 6]; 3]);
            [
                isotropic.potential(&shell_charges, &mut vec![0.0; basis.shells.len()]),
                anisotropic.potential(&CHARGES, &DIPOLES, &QUADRUPOLES, &mut q, &mut d, &mut t),
            ]
        };
        let mut found = [Derivatives::zero(3), Derivatives::zero(3)];
        terms([0, 0], 0.0, Some(&mut found));
        let step = 1e-3;
        for axes in [[0, 0], [1, 1], [2, 2], [0, 1], [0, 2], [1, 2]] {
            let [m2, m1, p1, p2] = [-2.0, -1.0, 1.0, 2.0].map(|k| terms(axes, k * step, None));
            for (n, found) in found.iter().enumerate() {
                let expected = (8.0 * (p1[n] - m1[n]) - (p2[n] - m2[n])) / (12.0 * step);
                let found = found.strain[axes[0]][axes[1]];
                assert!((found - expected).abs() < 1e-9, "term {n} {axes:?}: {found} {expected}");
            }
        }
    }
}
