//! The isotropic interaction in a crystal: the lattice sum of the Klopman-Ohno kernel, as generalised Ewald sums of the
//! first two powers of its expansion, sums of the next two over a parallelepiped of cells, and a short-ranged
//! remainder.

use oxidane_core::Result;
use oxidane_physics::geometry::{Derivatives, Geometry};
use oxidane_physics::lattice::{Lattice, for_each_pair};

use super::super::ewald::{Ewald, POWERS, Spectrum};
use super::super::own_weight;
use super::kernel;
use super::parallelepiped::Parallelepiped;
use crate::basis::Basis;

/// A lattice and how its sums are split.
#[derive(Debug, Clone)]
pub struct Periodic {
    rows: [[f64; 3]; 3],
    lattice: Lattice,
    ewald: Ewald,
    spectra: [Vec<Spectrum>; POWERS],
}

impl Periodic {
    /// For a lattice given in `ewald` and as `rows`.
    pub fn new(rows: [[f64; 3]; 3], ewald: Ewald) -> Result<Self> {
        let spectra = [ewald.spectrum(), ewald.spectrum_of_cubes()];
        Ok(Self { rows, lattice: Lattice::new(Some(rows))?, ewald, spectra })
    }

    /// The matrix of all shells, row-major: every pair with all images.
    pub fn matrix(&self, geometry: &Geometry, basis: &Basis) -> Vec<f64> {
        let (atoms, shells) = (basis.atoms(), basis.shells.len());
        let sums = self.power_sums(geometry);
        let mut matrix = vec![0.0; shells * shells];
        for_each_shell_pair(basis, |i, j, s, t| {
            let kernel = kernel(basis, s, t);
            let mut value = kernel.tail() / self.ewald.volume();
            for (sum, coefficient) in sums.iter().zip(kernel.expansion()) {
                value += coefficient * sum[i * atoms + j];
            }
            if i == j {
                value += kernel.value(0.0);
            }
            matrix[s * shells + t] = value;
        });
        for_each_pair(geometry, &self.lattice, cutoff(basis), |i, j, _, r2| {
            for s in basis.shells_of[i].clone() {
                for t in basis.shells_of[j].clone() {
                    matrix[s * shells + t] += kernel(basis, s, t).remainder(r2).0;
                }
            }
        });
        for_each_shell_pair(basis, |_, _, s, t| matrix[t * shells + s] = matrix[s * shells + t]);
        matrix
    }

    /// For each power, the sum over images other than the atom itself, atoms x atoms; filled for i <= j.
    fn power_sums(&self, geometry: &Geometry) -> [Vec<f64>; 4] {
        let atoms = geometry.positions.len();
        let [first, third] = self.ewald_sums(geometry);
        let (mut fifth, mut seventh) = (vec![0.0; atoms * atoms], vec![0.0; atoms * atoms]);
        let cells = Parallelepiped::new(geometry, &self.rows);
        for i in 0..atoms {
            for j in i..atoms {
                [fifth[i * atoms + j], seventh[i * atoms + j]] = cells.powers(i, j);
            }
        }
        [first, third, fifth, seventh]
    }

    /// The sums of 1/r and 1/r^3.
    fn ewald_sums(&self, geometry: &Geometry) -> [Vec<f64>; POWERS] {
        let atoms = geometry.positions.len();
        let mean = self.ewald.mean();
        let mut sums: [Vec<f64>; POWERS] = std::array::from_fn(|n| vec![mean[n]; atoms * atoms]);
        let phases = self.ewald.phases(geometry.positions);
        for (n, sum) in sums.iter_mut().enumerate() {
            let weights: Vec<f64> = self.spectra[n].iter().map(|s| s.value).collect();
            phases.add_cosines(&weights, sum);
            for i in 0..atoms {
                sum[i * atoms + i] -= self.ewald.own()[n];
            }
        }
        for_each_pair(geometry, &self.lattice, self.ewald.cutoff(), |i, j, _, r2| {
            for (sum, b) in sums.iter_mut().zip(self.ewald.screened::<POWERS>(r2)) {
                sum[i * atoms + j] += b;
            }
        });
        sums
    }

    /// Adds the derivatives of 1/2 q A q by positions and strain at fixed shell charges.
    pub fn add_derivatives(
        &self,
        geometry: &Geometry,
        basis: &Basis,
        charges: &[f64],
        derivatives: &mut Derivatives,
    ) {
        let products = PowerCharges::new(basis, charges);
        self.add_remainder(geometry, basis, charges, derivatives);
        self.add_screened(geometry, &products, derivatives);
        self.add_smooth(geometry, &products, derivatives);
        self.add_parallelepiped(geometry, &products, derivatives);
        let tail: f64 = products.tail / self.ewald.volume();
        let mean: f64 = self.ewald.mean().iter().zip(products.totals()).map(|(m, q)| m * q).sum();
        for a in 0..3 {
            // Both fall with the volume.
            derivatives.strain[a][a] -= 0.5 * (tail + mean);
        }
    }

    fn add_remainder(
        &self,
        geometry: &Geometry,
        basis: &Basis,
        charges: &[f64],
        derivatives: &mut Derivatives,
    ) {
        for_each_pair(geometry, &self.lattice, cutoff(basis), |i, j, vector, r2| {
            let mut slope = 0.0;
            for s in basis.shells_of[i].clone() {
                for t in basis.shells_of[j].clone() {
                    slope += charges[s] * charges[t] * kernel(basis, s, t).remainder(r2).1;
                }
            }
            let slope = own_weight(i, j) * slope;
            derivatives.add_pair(i, j, vector, vector.map(|x| slope * x));
        });
    }

    fn add_screened(&self, geometry: &Geometry, products: &PowerCharges, derivatives: &mut Derivatives) {
        for_each_pair(geometry, &self.lattice, self.ewald.cutoff(), |i, j, vector, r2| {
            let b = self.ewald.screened::<3>(r2);
            let mut slope = 0.0;
            for n in 0..POWERS {
                slope -= (2 * n + 1) as f64 * products.get(n, i, j) * b[n + 1];
            }
            let slope = own_weight(i, j) * slope;
            derivatives.add_pair(i, j, vector, vector.map(|x| slope * x));
        });
    }

    /// The reciprocal sum E = 1/2 sum_k sum_n w_n(k) sum_ij Q_n,ij cos k.(x_i - x_j).
    fn add_smooth(&self, geometry: &Geometry, products: &PowerCharges, derivatives: &mut Derivatives) {
        let phases = self.ewald.phases(geometry.positions);
        let fields: Vec<_> =
            products.planes[..POWERS].iter().map(|plane| phases.transformed(plane)).collect();
        for (index, &k) in self.ewald.vectors().iter().enumerate() {
            let (mut energy, mut by_square) = (0.0, 0.0);
            for i in 0..geometry.positions.len() {
                let (cosine, sine) = phases.get(i, index);
                let mut turn = 0.0;
                for (field, spectrum) in fields.iter().zip(&self.spectra) {
                    let spectrum = spectrum[index];
                    let (c, s) = field.get(i, index);
                    let along = cosine * c + sine * s;
                    energy += 0.5 * spectrum.value * along;
                    by_square += 0.5 * spectrum.slope * along;
                    turn += spectrum.value * (cosine * s - sine * c);
                }
                for a in 0..3 {
                    derivatives.gradient[i][a] += turn * k[a];
                }
            }
            for a in 0..3 {
                derivatives.strain[a][a] -= energy;
                for b in 0..3 {
                    derivatives.strain[a][b] -= 2.0 * by_square * (k[a] * k[b]);
                }
            }
        }
    }

    fn add_parallelepiped(
        &self,
        geometry: &Geometry,
        products: &PowerCharges,
        derivatives: &mut Derivatives,
    ) {
        let cells = Parallelepiped::new(geometry, &self.rows);
        for i in 0..products.atoms {
            for j in i..products.atoms {
                let powers = [2, 3].map(|n| products.get(n, i, j));
                cells.slopes(i, j, powers).add(i, j, own_weight(i, j), derivatives);
            }
        }
    }
}

/// Products of shell charges and coefficients of the expansion, summed over the shells of each pair of atoms.
struct PowerCharges {
    atoms: usize,
    planes: [Vec<f64>; 4],
    tail: f64,
}

impl PowerCharges {
    fn new(basis: &Basis, charges: &[f64]) -> Self {
        let atoms = basis.atoms();
        let mut products =
            Self { atoms, planes: std::array::from_fn(|_| vec![0.0; atoms * atoms]), tail: 0.0 };
        for_each_shell_pair(basis, |i, j, s, t| {
            let (kernel, charge) = (kernel(basis, s, t), charges[s] * charges[t]);
            for (plane, coefficient) in products.planes.iter_mut().zip(kernel.expansion()) {
                plane[i * atoms + j] += charge * coefficient;
            }
            products.tail += if i == j { charge } else { 2.0 * charge } * kernel.tail();
        });
        for plane in &mut products.planes {
            for i in 0..atoms {
                for j in 0..i {
                    plane[i * atoms + j] = plane[j * atoms + i];
                }
            }
        }
        products
    }

    fn get(&self, n: usize, i: usize, j: usize) -> f64 {
        self.planes[n][i * self.atoms + j]
    }

    /// Over all ordered pairs, of the powers in Ewald sums.
    fn totals(&self) -> [f64; POWERS] {
        std::array::from_fn(|n| self.planes[n].iter().sum())
    }
}

/// Calls `visit(i, j, s, t)` for the shells s of atom i and t of atom j, i <= j.
fn for_each_shell_pair(basis: &Basis, mut visit: impl FnMut(usize, usize, usize, usize)) {
    for i in 0..basis.atoms() {
        for j in i..basis.atoms() {
            for s in basis.shells_of[i].clone() {
                for t in basis.shells_of[j].clone() {
                    visit(i, j, s, t);
                }
            }
        }
    }
}

/// The longest reach of a remainder.
fn cutoff(basis: &Basis) -> f64 {
    (0..basis.shells.len()).map(|s| kernel(basis, s, s).cutoff()).fold(0.0, f64::max)
}
