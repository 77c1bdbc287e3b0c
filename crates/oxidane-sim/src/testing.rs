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
                    out.energy += 0.5 * e;
                    for a in 0..3 {
                        forces[i][a] += 2.0 * slope * d[a];
                        (0..3).for_each(|b| virial[a][b] -= slope * d[a] * d[b]);
                    }
                }
            }
        }
        out.virial = Some(virial);
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
            energy: 0.5 * self.stiffness * x.iter().map(|x| dot3(x, x)).sum::<f64>(),
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
