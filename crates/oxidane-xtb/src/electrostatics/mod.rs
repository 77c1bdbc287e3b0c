//! The electrostatic energy of GFN2-xTB between fluctuating shell charges, atomic dipoles and quadrupoles
//! (C. Bannwarth, S. Ehlert, S. Grimme, J. Chem. Theory Comput. 2019, 15, 1652).
//!
//! Three parts: [`isotropic`] (charges of shells), [`third_order`] (their cubes on site) and [`anisotropic`] (charges, dipoles
//! and quadrupoles of atoms, with the on-site exchange-correlation of the multipoles). Each gives its energy and adds the
//! derivatives by charges and moments, which are the potentials of the self-consistent field, and, apart, the derivatives
//! by positions and strain at fixed charges and moments. Atomic units; a charge is positive where electrons are missing.

pub mod anisotropic;
mod ewald;
pub mod isotropic;
pub mod third_order;

pub use anisotropic::Anisotropic;
pub use isotropic::Isotropic;

/// a - b.
fn difference(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

#[cfg(test)]
mod tests {
    use oxidane_physics::geometry::Geometry;

    use super::ewald::Ewald;
    use super::*;
    use crate::basis::Basis;

    const ROWS: [[f64; 3]; 3] = [[9.0, 0.4, -0.3], [2.5, 8.0, 0.5], [-1.5, 1.0, 10.0]];
    const POSITIONS: [[f64; 3]; 3] = [[0.3, 0.1, -0.4], [2.0, 1.5, 0.9], [-2.2, 3.0, 11.4]];

    /// Where the lattice sums are split is of no consequence, up to the Gaussians cut off at 2e-12.
    #[test]
    fn results_do_not_depend_on_the_splitting() {
        let geometry = Geometry { numbers: &[8, 1, 12], positions: &POSITIONS, lattice: Some(ROWS) };
        let basis = Basis::new(geometry.numbers).unwrap();
        let compute = |alpha: f64| {
            let ewald = || Some(Ewald::with_splitting(&ROWS, alpha).unwrap());
            let mut all = Isotropic::with_ewald(&geometry, &basis, ewald()).unwrap().matrix().to_vec();
            let term = Anisotropic::with_ewald(&geometry, &basis, &[1.9, 0.8, 1.2], ewald()).unwrap();
            let (mut q, mut d, mut t) = ([0.0; 3], [[0.0; 3]; 3], [[0.0; 6]; 3]);
            let charges = [0.4, -0.1, -0.3];
            let dipoles = [[0.1, -0.2, 0.3], [0.4, 0.2, -0.1], [-0.3, 0.5, 0.2]];
            let quadrupoles = [[0.2, 0.1, 0.3, -0.4, 0.2, -0.5]; 3];
            all.push(term.potential(&charges, &dipoles, &quadrupoles, &mut q, &mut d, &mut t));
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
}
