//! The matrices of the Hamiltonian against quadrature, laws of translation and rotation, supercells and finite
//! differences.

use oxidane_core::check::derivative;
use oxidane_physics::coordination::{Coordination, Counting};
use oxidane_physics::geometry::{Derivatives, Geometry};
use oxidane_xtb::basis::Basis;
use oxidane_xtb::gaussians::contractions;
use oxidane_xtb::hamiltonian::Hamiltonian;

/// A cluster with s, p and d shells, light and heavy, in no special direction; distances of bonds in bohr.
const NUMBERS: [u8; 7] = [8, 1, 14, 1, 26, 6, 14];
const POSITIONS: [[f64; 3]; 7] = [
    [0.1, -0.2, 0.3],
    [1.5, 0.4, -0.6],
    [-1.9, 2.2, 0.9],
    [-1.2, -1.1, -1.4],
    [0.7, 1.3, 4.1],
    [3.1, 2.5, 1.2],
    [-4.4, 1.8, -2.7],
];
/// Coordination numbers: any numbers will do.
const COORDINATION: [f64; 7] = [1.8, 0.9, 3.1, 1.1, 2.4, 2.2, 0.6];

/// A reproducible sequence of numbers in -1..1.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    fn array<const N: usize>(&mut self) -> [f64; N] {
        std::array::from_fn(|_| self.next())
    }

    fn symmetric(&mut self, n: usize) -> Vec<f64> {
        let mut m = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                let x = self.next();
                (m[i * n + j], m[j * n + i]) = (x, x);
            }
        }
        m
    }
}

fn build(
    numbers: &[u8],
    positions: &[[f64; 3]],
    lattice: Option<[[f64; 3]; 3]>,
    cn: &[f64],
) -> (Basis, Hamiltonian) {
    let basis = Basis::new(numbers).unwrap();
    let hamiltonian = Hamiltonian::new(&Geometry { numbers, positions, lattice }, &basis, cn).unwrap();
    (basis, hamiltonian)
}

/// The solid harmonic m = -l..=l (as 0..=2 l) of a vector.
fn harmonic(l: usize, m: usize, [x, y, z]: [f64; 3]) -> f64 {
    let s = 3f64.sqrt();
    match (l, m) {
        (0, _) => 1.0,
        (1, _) => [y, z, x][m],
        _ => [s * x * y, s * y * z, z * z - 0.5 * (x * x + y * y), s * x * z, 0.5 * s * (x * x - y * y)][m],
    }
}

/// All ten operators about a point: 1, x, y, z, xx, xy, yy, xz, yz, zz (traceless).
fn operators([x, y, z]: [f64; 3]) -> [f64; 10] {
    let third = 0.5 * (x * x + y * y + z * z);
    let q = |a: f64, b: f64| 1.5 * a * b;
    [1.0, x, y, z, q(x, x) - third, q(x, y), q(y, y) - third, q(x, z), q(y, z), q(z, z) - third]
}

fn minus(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|i| a[i] - b[i])
}

/// All operators between two orbitals by Gauss-Hermite quadrature with four nodes a dimension, exact to degree seven
/// (there are six), of each pair of primitives.
fn quadrature(basis: &Basis, numbers: &[u8], positions: &[[f64; 3]], mu: usize, nu: usize) -> [f64; 10] {
    let orbital = |mu: usize| {
        let shell = basis.shells.iter().position(|s| s.orbitals().contains(&mu)).unwrap();
        let s = basis.shells[shell];
        let which = shell - basis.shells_of[s.atom].start;
        (positions[s.atom], s.l(), mu - s.first, &contractions(numbers[s.atom])[which])
    };
    let ((ra, la, ma, ga), (rb, lb, mb, gb)) = (orbital(mu), orbital(nu));
    let root = 6f64.sqrt();
    let (inner, outer) = (((3.0 - root) / 2.0).sqrt(), ((3.0 + root) / 2.0).sqrt());
    let weight = |s: f64| std::f64::consts::PI.sqrt() / (4.0 * s);
    let nodes = [(-outer, 3.0 + root), (-inner, 3.0 - root), (inner, 3.0 - root), (outer, 3.0 + root)];
    let nodes = nodes.map(|(x, s)| (x, weight(s)));
    let d = minus(rb, ra);
    let square: f64 = d.iter().map(|x| x * x).sum();
    let mut out = [0.0; 10];
    for (a, ca) in ga.exponents.iter().zip(&ga.coefficients) {
        for (b, cb) in gb.exponents.iter().zip(&gb.coefficients) {
            let p = a + b;
            let prefactor = ca * cb * (-a * b / p * square).exp() / p.powf(1.5);
            let center: [f64; 3] = std::array::from_fn(|i| (a * ra[i] + b * rb[i]) / p);
            for (x, wx) in nodes {
                for (y, wy) in nodes {
                    for (z, wz) in nodes {
                        let at: [f64; 3] = std::array::from_fn(|i| center[i] + [x, y, z][i] / p.sqrt());
                        let f = harmonic(la, ma, minus(at, ra)) * harmonic(lb, mb, minus(at, rb));
                        for (out, o) in out.iter_mut().zip(operators(minus(at, ra))) {
                            *out += prefactor * wx * wy * wz * f * o;
                        }
                    }
                }
            }
        }
    }
    out
}

/// Every element of every matrix against quadrature. Elements are up to 50 in size (moments in bohr^2): 1e-12 is
/// rounding.
#[test]
fn integrals_equal_quadrature() {
    let (basis, hamiltonian) = build(&NUMBERS, &POSITIONS, None, &COORDINATION);
    let n = basis.orbitals;
    let (dipole, quadrupole) = (hamiltonian.dipole(&basis), hamiltonian.quadrupole(&basis));
    let mut largest: f64 = 0.0;
    for mu in 0..n {
        for nu in 0..n {
            let expected = quadrature(&basis, &NUMBERS, &POSITIONS, mu, nu);
            let at = mu * n + nu;
            let found =
                std::iter::once(&hamiltonian.overlap).chain(&dipole).chain(&quadrupole).map(|m| m[at]);
            for (c, (found, expected)) in found.zip(expected).enumerate() {
                assert!((found - expected).abs() < 1e-12, "operator {c}, {mu} {nu}: {found} for {expected}");
                largest = largest.max((found - expected).abs());
            }
        }
    }
    println!("largest difference {largest:.1e}");
}

/// Random potentials, density and energy-weighted density.
struct State {
    density: Vec<f64>,
    weighted: Vec<f64>,
    shell: Vec<f64>,
    dipole: Vec<[f64; 3]>,
    quadrupole: Vec<[f64; 6]>,
}

impl State {
    fn random(basis: &Basis) -> Self {
        let mut noise = Noise(7);
        Self {
            density: noise.symmetric(basis.orbitals),
            weighted: noise.symmetric(basis.orbitals),
            shell: (0..basis.shells.len()).map(|_| noise.next()).collect(),
            dipole: (0..basis.atoms()).map(|_| noise.array()).collect(),
            quadrupole: (0..basis.atoms()).map(|_| noise.array()).collect(),
        }
    }

    /// tr P H0 - tr W S + the potentials times charges and moments: what `add_derivatives` differentiates.
    fn energy(&self, basis: &Basis, hamiltonian: &Hamiltonian) -> f64 {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
        let mut shells = vec![0.0; basis.shells.len()];
        let mut dipoles = vec![[0.0; 3]; basis.atoms()];
        let mut quadrupoles = vec![[0.0; 6]; basis.atoms()];
        hamiltonian.populations(basis, &self.density, &mut shells, &mut dipoles, &mut quadrupoles);
        dot(&self.density, &hamiltonian.core)
            - dot(&self.weighted, &hamiltonian.overlap)
            - dot(&self.shell, &shells)
            + dot(self.dipole.as_flattened(), dipoles.as_flattened())
            + dot(self.quadrupole.as_flattened(), quadrupoles.as_flattened())
    }

    fn derivatives(&self, basis: &Basis, hamiltonian: &Hamiltonian) -> (Derivatives, Vec<f64>) {
        let mut out = (Derivatives::zero(basis.atoms()), vec![0.0; basis.atoms()]);
        hamiltonian.add_derivatives(
            basis,
            &self.density,
            &self.weighted,
            &self.shell,
            &self.dipole,
            &self.quadrupole,
            &mut out.0,
            &mut out.1,
        );
        out
    }
}

/// Populations and moments are the stated sums over the matrices, and the Fock matrix the stated combination. Sums of
/// some hundred numbers up to 50: 1e-11 is rounding.
#[test]
fn fock_and_populations_are_what_they_say() {
    let lattice = [[9.0, 0.3, -0.2], [0.4, 10.0, 0.5], [-0.6, 0.1, 11.0]];
    for lattice in [None, Some(lattice)] {
        let (basis, hamiltonian) = build(&NUMBERS, &POSITIONS, lattice, &COORDINATION);
        let state = State::random(&basis);
        let n = basis.orbitals;
        let (d, q) = (hamiltonian.dipole(&basis), hamiltonian.quadrupole(&basis));
        let mut fock = vec![0.0; n * n];
        hamiltonian.fock(&basis, &state.shell, &state.dipole, &state.quadrupole, &mut fock);
        let shell_of: Vec<usize> =
            (0..n).map(|mu| basis.shells.iter().position(|s| s.orbitals().contains(&mu)).unwrap()).collect();
        let atom_of = |mu: usize| basis.shells[shell_of[mu]].atom;
        let mut shells = vec![0.0; basis.shells.len()];
        let (mut dipoles, mut quadrupoles) = (vec![[0.0; 3]; basis.atoms()], vec![[0.0; 6]; basis.atoms()]);
        for mu in 0..n {
            for nu in 0..n {
                let s = hamiltonian.overlap[mu * n + nu];
                let v = state.shell[shell_of[mu]] + state.shell[shell_of[nu]];
                let mut expected = hamiltonian.core[mu * n + nu] - 0.5 * s * v;
                for (row, column) in [(mu, nu), (nu, mu)] {
                    let (at, atom) = (row * n + column, atom_of(row));
                    expected -= 0.5 * (0..3).map(|c| d[c][at] * state.dipole[atom][c]).sum::<f64>();
                    expected -= 0.5 * (0..6).map(|c| q[c][at] * state.quadrupole[atom][c]).sum::<f64>();
                }
                assert!((fock[mu * n + nu] - expected).abs() < 1e-11);
                let (p, at) = (state.density[mu * n + nu], mu * n + nu);
                shells[shell_of[mu]] += p * s;
                (0..3).for_each(|c| dipoles[atom_of(mu)][c] -= p * d[c][at]);
                (0..6).for_each(|c| quadrupoles[atom_of(mu)][c] -= p * q[c][at]);
            }
        }
        let mut found =
            (vec![1.0; shells.len()], vec![[1.0; 3]; basis.atoms()], vec![[1.0; 6]; basis.atoms()]);
        hamiltonian.populations(&basis, &state.density, &mut found.0, &mut found.1, &mut found.2);
        let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(x, y)| (x - y).abs() < 1e-11);
        assert!(close(&found.0, &shells));
        assert!(close(found.1.as_flattened(), dipoles.as_flattened()));
        assert!(close(found.2.as_flattened(), quadrupoles.as_flattened()));
    }
}

/// Derivatives by positions, strain and coordination of all terms, for a molecule and a crystal, against finite
/// differences with a step of 2e-3: their error is O(h^4) of functions that vary over 0.3 bohr, below 1e-8.
#[test]
fn derivatives_equal_finite_differences() {
    let lattice = [[8.0, 0.3, -0.2], [0.4, 9.0, 0.5], [-0.6, 0.1, 9.5]];
    for lattice in [None, Some(lattice)] {
        let (basis, hamiltonian) = build(&NUMBERS, &POSITIONS, lattice, &COORDINATION);
        let state = State::random(&basis);
        let (found, by_coordination) = state.derivatives(&basis, &hamiltonian);
        let energy = |positions: &[[f64; 3]], lattice, cn: &[f64]| {
            let (basis, hamiltonian) = build(&NUMBERS, positions, lattice, cn);
            Ok(state.energy(&basis, &hamiltonian))
        };
        let check_within = |tolerance: f64, what: &str, found: f64, numeric: f64| {
            assert!((found - numeric).abs() < tolerance, "{what}: {found}, numerically {numeric}");
        };
        let check = |what: &str, found, numeric| check_within(1e-8, what, found, numeric);
        // Images of iron cross the cutoff of 40 bohr, where its outermost overlaps are 1e-9.
        let strain_tolerance = if lattice.is_some() { 1e-5 } else { 1e-8 };
        // The crystal has some hundred images: two atoms are enough of it.
        let atoms = if lattice.is_some() { 3..5 } else { 0..NUMBERS.len() };
        for (atom, axis) in atoms.clone().flat_map(|i| (0..3).map(move |c| (i, c))) {
            let numeric = derivative(
                |h| {
                    let mut moved = POSITIONS;
                    moved[atom][axis] += h;
                    energy(&moved, lattice, &COORDINATION)
                },
                2e-3,
            );
            check(&format!("atom {atom} axis {axis}"), found.gradient[atom][axis], numeric.unwrap());
        }
        for atom in atoms {
            let numeric = derivative(
                |h| {
                    let mut cn = COORDINATION;
                    cn[atom] += h;
                    energy(&POSITIONS, lattice, &cn)
                },
                1e-2,
            );
            check(&format!("coordination of {atom}"), by_coordination[atom], numeric.unwrap());
        }
        for (i, j) in [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)] {
            let numeric = derivative(
                |h| {
                    let strain = |x: [f64; 3]| {
                        let mut y = x;
                        y[i] += 0.5 * h * x[j];
                        y[j] += 0.5 * h * x[i];
                        y
                    };
                    energy(
                        &POSITIONS.map(strain),
                        lattice.map(|l: [[f64; 3]; 3]| l.map(strain)),
                        &COORDINATION,
                    )
                },
                2e-4,
            );
            check_within(strain_tolerance, &format!("strain {i}{j}"), found.strain[i][j], numeric.unwrap());
        }
    }
}

/// A crystal is the sum over its images: eigenvalue-free form, tr P M of a supercell with P repeated in all cells is
/// that of the cell times the number of cells.
#[test]
fn crystals_equal_supercells() {
    let lattice = [[7.0, 0.3, -0.2], [0.4, 8.0, 0.5], [-0.6, 0.1, 8.5]];
    let (numbers, positions, cn) = (&NUMBERS[..4], &POSITIONS[..4], &COORDINATION[..4]);
    let (basis, hamiltonian) = build(numbers, positions, Some(lattice), cn);
    let (mut two_numbers, mut two_positions) = (numbers.to_vec(), positions.to_vec());
    two_numbers.extend(numbers);
    two_positions.extend(positions.iter().map(|x| std::array::from_fn(|i| x[i] + lattice[1][i])));
    let two_lattice = [lattice[0], lattice[1].map(|x| 2.0 * x), lattice[2]];
    let two_cn = [cn, cn].concat();
    let (two_basis, two) = build(&two_numbers, &two_positions, Some(two_lattice), &two_cn);
    let n = basis.orbitals;
    let pick = |h: &Hamiltonian, b: &Basis| {
        let mut all = vec![h.overlap.clone(), h.core.clone()];
        all.extend(h.dipole(b));
        all.extend(h.quadrupole(b));
        all
    };
    for (small, large) in pick(&hamiltonian, &basis).iter().zip(pick(&two, &two_basis)) {
        for mu in 0..n {
            for nu in 0..n {
                let sum = large[mu * 2 * n + nu] + large[mu * 2 * n + nu + n];
                assert!((sum - small[mu * n + nu]).abs() < 1e-12, "{mu} {nu}: {sum} {}", small[mu * n + nu]);
            }
        }
    }
}

/// Overlap and core Hamiltonian of H2SiO against the reference implementation, which drops primitives below exp(-25) =
/// 1.4e-11: 5e-11 leaves room for a few of them.
#[test]
fn matrices_equal_the_reference() {
    let numbers = [14, 8, 1, 1];
    let positions = [[0.1, -0.2, 0.3], [1.9, 2.1, 0.9], [-2.2, 0.4, -1.6], [0.7, -2.3, 1.8]];
    let geometry = Geometry { numbers: &numbers, positions: &positions, lattice: None };
    let coordination = Coordination::new(&geometry, Counting::Gfn).unwrap();
    let (basis, hamiltonian) = build(&numbers, &positions, None, &coordination.values);
    let text = include_str!("data/h2sio.txt");
    let mut rows = text.lines().filter(|line| !line.starts_with('#'));
    for mu in 0..basis.orbitals {
        for nu in 0..=mu {
            let row = rows.next().unwrap();
            let found = [&hamiltonian.overlap, &hamiltonian.core].map(|m| m[mu * basis.orbitals + nu]);
            for (found, expected) in found.iter().zip(row.split_whitespace()) {
                let expected: f64 = expected.parse().unwrap();
                assert!((found - expected).abs() < 5e-11, "{mu} {nu}: {found} for {expected}");
            }
        }
    }
    assert!(rows.next().is_none());
}
