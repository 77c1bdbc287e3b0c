//! Analytic potentials for this crate's tests.

use oxidane_core::{Evaluation, Potential, Request, Result, System, SystemView};

use crate::vector::{dot3, sub3};

/// A sum over pairs of a function of the squared distance, over all periodic images within a cutoff.
#[derive(Clone)]
pub(crate) struct Pairs {
    /// phi(r^2) in eV and its derivative by r^2.
    pub function: fn(f64) -> (f64, f64),
    /// Cutoff in angstrom.
    pub cutoff: f64,
    /// Number of evaluations so far.
    pub calls: usize,
}

impl Pairs {
    pub(crate) fn new(function: fn(f64) -> (f64, f64), cutoff: f64) -> Self {
        Self { function, cutoff, calls: 0 }
    }
}

/// 4 eps (r^-12 - r^-6) with eps = 0.01 eV, sigma = 3.4 angstrom (about argon).
pub(crate) fn lennard_jones(r2: f64) -> (f64, f64) {
    let (eps, sigma) = (0.01, 3.4);
    let s6 = (sigma * sigma / r2).powi(3);
    (4.0 * eps * (s6 * s6 - s6), 4.0 * eps * (-6.0 * s6 * s6 + 3.0 * s6) / r2)
}

/// A Morse bond: depth 2 eV, a = 1.5 / angstrom, r0 = 1.5 angstrom.
pub(crate) fn morse(r2: f64) -> (f64, f64) {
    let r = r2.sqrt();
    let e = (-1.5 * (r - 1.5)).exp();
    (2.0 * (e * e - 2.0 * e), 2.0 * 1.5 * (-2.0 * e * e + 2.0 * e) / (2.0 * r))
}

impl Potential for Pairs {
    fn name(&self) -> &str {
        "pairs"
    }
    fn capabilities(&self) -> Request {
        Request::STRESS
    }
    fn check(&self, _: &dyn SystemView) -> Result<()> {
        Ok(())
    }
    fn evaluate(&mut self, system: &dyn SystemView, _: Request) -> Result<Evaluation> {
        self.calls += 1;
        let x = system.positions();
        let mut shifts = vec![[0.0; 3]];
        if let Some(cell) = system.cell() {
            let shortest = cell.vectors.iter().map(|v| dot3(v, v).sqrt()).fold(f64::INFINITY, f64::min);
            let m = (2.0 * self.cutoff / shortest).ceil() as i32 + 1;
            let range = |a: usize| if cell.periodic[a] { -m..=m } else { 0..=0 };
            for (i, j, k) in range(0)
                .flat_map(|i| range(1).flat_map(move |j| range(2).map(move |k| (i, j, k))))
                .filter(|&s| s != (0, 0, 0))
            {
                shifts.push(cell.shift_vector([i, j, k]));
            }
        }
        let mut energy = 0.0;
        let mut out = Evaluation { forces: Some(vec![[0.0; 3]; x.len()]), ..Evaluation::default() };
        let mut virial = [[0.0; 3]; 3];
        let forces = out.forces.as_mut().unwrap();
        for i in 0..x.len() {
            for j in 0..x.len() {
                for (n, shift) in shifts.iter().enumerate() {
                    if n == 0 && i == j {
                        continue;
                    }
                    let d: [f64; 3] = std::array::from_fn(|k| x[j][k] + shift[k] - x[i][k]);
                    let r2 = dot3(&d, &d);
                    if r2 > self.cutoff * self.cutoff {
                        continue;
                    }
                    let (e, slope) = (self.function)(r2);
                    energy += 0.5 * e;
                    for a in 0..3 {
                        forces[i][a] += 2.0 * slope * d[a];
                        (0..3).for_each(|b| virial[a][b] -= slope * d[a] * d[b]);
                    }
                }
            }
        }
        (out.energy, out.virial) = (Some(energy), Some(virial));
        Ok(out)
    }
    fn fork(&self) -> Box<dyn Potential> {
        Box::new(self.clone())
    }
}

/// Each atom on its own isotropic spring (eV/angstrom^2) to the origin.
#[derive(Clone)]
pub(crate) struct Wells {
    pub stiffness: f64,
}

impl Potential for Wells {
    fn name(&self) -> &str {
        "wells"
    }
    fn capabilities(&self) -> Request {
        Request::FORCES
    }
    fn check(&self, _: &dyn SystemView) -> Result<()> {
        Ok(())
    }
    fn evaluate(&mut self, system: &dyn SystemView, _: Request) -> Result<Evaluation> {
        let x = system.positions();
        Ok(Evaluation {
            energy: Some(0.5 * self.stiffness * x.iter().map(|x| dot3(x, x)).sum::<f64>()),
            forces: Some(x.iter().map(|x| x.map(|x| -self.stiffness * x)).collect()),
            ..Evaluation::default()
        })
    }
    fn fork(&self) -> Box<dyn Potential> {
        Box::new(self.clone())
    }
}

/// Numbers in [-1, 1) from a fixed sequence, for rattled geometries.
pub(crate) fn noise(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

/// Moves every coordinate by up to `size` angstrom.
pub(crate) fn rattle(system: &mut System, size: f64, seed: u64) {
    let mut next = noise(seed);
    system.positions.iter_mut().flatten().for_each(|x| *x += size * next());
}

/// `n` argon atoms of a simple cubic block with spacing 3.9 angstrom, rattled.
pub(crate) fn argon_block(n: usize, seed: u64) -> System {
    let side = (1..).find(|s: &usize| s.pow(3) >= n).unwrap();
    let place = |i: usize| [i % side, i / side % side, i / (side * side)].map(|k| 3.9 * k as f64);
    let mut s = System::molecule(vec![18; n], (0..n).map(place).collect());
    rattle(&mut s, 0.3, seed);
    s
}

/// Distance between atoms `i` and `j`.
pub(crate) fn distance(system: &System, i: usize, j: usize) -> f64 {
    let d = sub3(&system.positions[i], &system.positions[j]);
    dot3(&d, &d).sqrt()
}

/// A force field for a saturated hydrocarbon: springs on bonds and angles, threefold torsions, repulsion beyond. Forces
/// are central differences of each term, good to about 1e-8.
#[derive(Clone)]
pub(crate) struct Hydrocarbon {
    terms: Vec<Term>,
    pub calls: usize,
}

/// Bond, angle, torsion or repulsion of some atoms.
#[derive(Clone)]
struct Term {
    atoms: Vec<usize>,
    energy: fn(&[[f64; 3]]) -> f64,
}

fn bond_energy(x: &[[f64; 3]], stiffness: f64, length: f64) -> f64 {
    let r = crate::vector::norm3(&sub3(&x[0], &x[1]));
    0.5 * stiffness * (r - length).powi(2)
}

fn angle_energy(x: &[[f64; 3]]) -> f64 {
    let (p, q) = (sub3(&x[0], &x[1]), sub3(&x[2], &x[1]));
    let cos = dot3(&p, &q) / (dot3(&p, &p) * dot3(&q, &q)).sqrt();
    0.5 * 5.0 * (cos + 1.0 / 3.0).powi(2)
}

fn torsion_energy(x: &[[f64; 3]]) -> f64 {
    use crate::vector::cross;
    let axis = sub3(&x[2], &x[1]);
    let (m, n) = (cross(&sub3(&x[0], &x[1]), &axis), cross(&sub3(&x[3], &x[2]), &axis));
    let cos = dot3(&m, &n) / (dot3(&m, &m) * dot3(&n, &n)).sqrt();
    0.5 * 0.014 * (1.0 + 4.0 * cos.powi(3) - 3.0 * cos)
}

fn repulsion_energy(x: &[[f64; 3]]) -> f64 {
    let d = sub3(&x[0], &x[1]);
    let s6 = (2.5_f64 * 2.5 / dot3(&d, &d)).powi(3);
    4.0 * 0.002 * (s6 * s6 - s6)
}

impl Hydrocarbon {
    /// The terms of a molecule whose bonds are read off the distances.
    pub(crate) fn new(system: &System) -> Self {
        let n = system.len();
        let carbon = |i: usize| system.numbers[i] == 6;
        let bonded = |i: usize, j: usize| {
            i != j && (carbon(i) || carbon(j)) && {
                distance(system, i, j) < if carbon(i) && carbon(j) { 1.9 } else { 1.5 }
            }
        };
        let near: Vec<Vec<usize>> = (0..n).map(|i| (0..n).filter(|&j| bonded(i, j)).collect()).collect();
        let mut terms = Vec::new();
        let mut add = |atoms: &[usize], energy| terms.push(Term { atoms: atoms.to_vec(), energy });
        for j in 0..n {
            for &k in &near[j] {
                if j < k && carbon(j) && carbon(k) {
                    add(&[j, k], |x| bond_energy(x, 28.0, 1.53));
                } else if j < k {
                    add(&[j, k], |x| bond_energy(x, 30.0, 1.09));
                }
                near[j].iter().filter(|&&i| i < k).for_each(|&i| add(&[i, j, k], angle_energy));
                if j < k {
                    for &i in near[j].iter().filter(|&&i| i != k) {
                        near[k].iter().filter(|&&l| l != j).for_each(|&l| add(&[i, j, k, l], torsion_energy));
                    }
                }
            }
            for i in 0..j {
                let within_three = |i: usize| {
                    bonded(i, j)
                        || near[i].iter().any(|&k| bonded(k, j) || near[k].iter().any(|&l| bonded(l, j)))
                };
                if !within_three(i) {
                    add(&[i, j], repulsion_energy);
                }
            }
        }
        Self { terms, calls: 0 }
    }

    /// A zigzag chain of `n` carbons, all bonds too long, rattled by 0.12 angstrom and wound up by 12 degrees a bond.
    pub(crate) fn chain(n: usize, seed: u64) -> System {
        let (mut numbers, mut positions) = (Vec::new(), Vec::new());
        for i in 0..n {
            let side = if i % 2 == 0 { 1.0 } else { -1.0 };
            let turn = 0.2 * i as f64;
            let mut place = |z: u8, along: f64, out: f64, across: f64| {
                numbers.push(z);
                let (y, z) = (out * side, across);
                positions.push([along, y * turn.cos() - z * turn.sin(), y * turn.sin() + z * turn.cos()]);
            };
            let x = 1.32 * i as f64;
            place(6, x, 0.45, 0.0);
            place(1, x, 1.1, 0.92);
            place(1, x, 1.1, -0.92);
            if i == 0 || i == n - 1 {
                place(1, if i == 0 { x - 0.95 } else { x + 0.95 }, -0.15, 0.0);
            }
        }
        let mut system = System::molecule(numbers, positions);
        rattle(&mut system, 0.1, seed);
        system
    }
}

impl Potential for Hydrocarbon {
    fn name(&self) -> &str {
        "hydrocarbon"
    }
    fn capabilities(&self) -> Request {
        Request::FORCES
    }
    fn check(&self, _: &dyn SystemView) -> Result<()> {
        Ok(())
    }
    fn evaluate(&mut self, system: &dyn SystemView, _: Request) -> Result<Evaluation> {
        self.calls += 1;
        let mut energy = 0.0;
        let mut forces = vec![[0.0; 3]; system.owned()];
        for term in &self.terms {
            let mut x: Vec<[f64; 3]> = term.atoms.iter().map(|&i| system.positions()[i]).collect();
            energy += (term.energy)(&x);
            for (m, &i) in term.atoms.iter().enumerate() {
                for k in 0..3 {
                    let (here, h) = (x[m][k], 1e-5);
                    x[m][k] = here + h;
                    let up = (term.energy)(&x);
                    x[m][k] = here - h;
                    forces[i][k] -= (up - (term.energy)(&x)) / (2.0 * h);
                    x[m][k] = here;
                }
            }
        }
        Ok(Evaluation { energy: Some(energy), forces: Some(forces), ..Evaluation::default() })
    }
    fn fork(&self) -> Box<dyn Potential> {
        Box::new(self.clone())
    }
}
