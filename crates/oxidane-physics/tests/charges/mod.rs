//! Charges for the tests of electrostatics: structures, ways to move them, and what is computed of them.
#![allow(dead_code)] // each test program uses a part

use oxidane_core::Result;
use oxidane_math::{Dual, Scalar};
use oxidane_physics::coulomb::{Coulomb, Form, Gradients, Interactions, Sites};

/// Charges at places; as a direction, how all of it moves.
#[derive(Debug, Clone)]
pub struct Charges {
    pub positions: Vec<[f64; 3]>,
    pub widths: Vec<f64>,
    pub charges: Vec<f64>,
    pub lattice: Option<[[f64; 3]; 3]>,
}

/// A number between -1 and 1 without a pattern.
pub fn noise(seed: usize) -> f64 {
    let x = (seed as f64 * 12.9898 + 4.1).sin() * 43_758.545_3;
    2.0 * (x - x.floor()) - 1.0
}

/// A triclinic cell.
pub const TRICLINIC: [[f64; 3]; 3] = [[6.1, 0.3, -0.8], [1.9, 7.0, 0.4], [-1.2, 1.1, 6.6]];

impl Charges {
    /// `n` atoms a good angstrom apart, of widths up to 0.9 angstrom; in [`TRICLINIC`] as a crystal.
    pub fn random(n: usize, periodic: bool) -> Self {
        let lattice = periodic.then_some(TRICLINIC);
        let mut positions: Vec<[f64; 3]> = Vec::new();
        let mut seed = 0;
        while positions.len() < n {
            seed += 3;
            let f = [seed, seed + 1, seed + 2].map(|s| 0.5 + 0.5 * noise(s));
            let x: [f64; 3] = std::array::from_fn(|k| (0..3).map(|a| f[a] * TRICLINIC[a][k]).sum());
            let far = |y: &[f64; 3]| {
                images(lattice).all(|t| (0..3).map(|k| (x[k] - y[k] + t[k]).powi(2)).sum::<f64>() > 1.5)
            };
            if positions.iter().all(far) {
                positions.push(x);
            }
        }
        let widths = (0..n).map(|i| 0.7 + 0.2 * noise(500 + i)).collect();
        let mut charges: Vec<f64> = (0..n).map(|i| noise(900 + i)).collect();
        let mean = charges.iter().sum::<f64>() / n as f64;
        charges.iter_mut().for_each(|q| *q -= mean);
        Self { positions, widths, charges, lattice }
    }

    /// With every charge a point.
    pub fn points(mut self) -> Self {
        self.widths.fill(0.0);
        self
    }

    /// With `charge` more in total.
    pub fn charged(mut self, charge: f64) -> Self {
        let n = self.charges.len() as f64;
        self.charges.iter_mut().for_each(|q| *q += charge / n);
        self
    }

    /// The crystal repeated `times` along every lattice vector, every atom then moved a little and its charge changed.
    pub fn repeated(&self, times: usize) -> Self {
        let Some(lattice) = self.lattice else { return self.clone() };
        let mut all = Self { positions: Vec::new(), widths: Vec::new(), charges: Vec::new(), lattice: None };
        all.lattice = Some(lattice.map(|v| v.map(|x| x * times as f64)));
        for cell in 0..times.pow(3) {
            let n = [cell % times, cell / times % times, cell / times / times].map(|n| n as f64);
            for (i, x) in self.positions.iter().enumerate() {
                let seed = 7000 + 4 * (cell * self.positions.len() + i);
                let place = |k: usize| {
                    x[k] + 0.1 * noise(seed + k) + (0..3).map(|a| n[a] * lattice[a][k]).sum::<f64>()
                };
                all.positions.push(std::array::from_fn(place));
                all.charges.push(self.charges[i] + 0.3 * noise(seed + 3));
            }
            all.widths.extend(&self.widths);
        }
        all
    }

    /// x -> (1 + strain) x.
    pub fn strained(&self, strain: [[f64; 3]; 3]) -> Self {
        let apply = |v: [f64; 3]| -> [f64; 3] {
            std::array::from_fn(|a| v[a] + (0..3).map(|b| strain[a][b] * v[b]).sum::<f64>())
        };
        let mut moved = self.clone();
        moved.positions = moved.positions.into_iter().map(apply).collect();
        moved.lattice = moved.lattice.map(|l| l.map(apply));
        moved
    }

    /// Moved by `h` along a direction.
    pub fn moved(&self, direction: &Self, h: f64) -> Self {
        let add = |x: [f64; 3], d: [f64; 3]| -> [f64; 3] { std::array::from_fn(|k| x[k] + h * d[k]) };
        let sum = |x: &[f64], d: &[f64]| x.iter().zip(d).map(|(x, d)| x + h * d).collect();
        Self {
            positions: self.positions.iter().zip(&direction.positions).map(|(&x, &d)| add(x, d)).collect(),
            widths: sum(&self.widths, &direction.widths),
            charges: sum(&self.charges, &direction.charges),
            lattice: self
                .lattice
                .zip(direction.lattice)
                .map(|(l, d)| std::array::from_fn(|a| add(l[a], d[a]))),
        }
    }

    /// A direction in which everything moves.
    pub fn direction(&self) -> Self {
        let strain = [[0.03, -0.02, 0.05], [-0.02, 0.04, 0.01], [0.05, 0.01, -0.06]];
        let strained = self.strained(strain);
        let mut seed = 2000;
        let mut next = || {
            seed += 1;
            noise(seed)
        };
        let step = |to: [f64; 3], from: [f64; 3]| -> [f64; 3] { std::array::from_fn(|k| to[k] - from[k]) };
        Self {
            positions: (strained.positions.iter().zip(&self.positions))
                .map(|(&to, &from)| step(to, from).map(|x| x + 0.5 * next()))
                .collect(),
            widths: self.widths.iter().map(|_| 0.3 * next()).collect(),
            charges: self.charges.iter().map(|_| next()).collect(),
            lattice: strained
                .lattice
                .zip(self.lattice)
                .map(|(to, from)| std::array::from_fn(|a| step(to[a], from[a]))),
        }
    }

    pub fn prepare(&self, coulomb: &Coulomb) -> Result<Interactions<f64>> {
        coulomb.prepare(&Sites { positions: &self.positions, widths: &self.widths, lattice: self.lattice })
    }

    pub fn potential(&self, coulomb: &Coulomb) -> Vec<f64> {
        self.prepare(coulomb).unwrap().potential(&self.charges)
    }

    pub fn energy(&self, coulomb: &Coulomb) -> f64 {
        Interactions::energy(&self.charges, &self.potential(coulomb))
    }

    /// All derivatives of the energy.
    pub fn gradients(&self, coulomb: &Coulomb) -> Gradients<f64> {
        let form = Form::Energy { charges: &self.charges, seed: 1.0 };
        self.prepare(coulomb).unwrap().gradients(&[form], true)
    }

    /// The potential and all derivatives of the energy, with their tangents along a direction.
    pub fn dual(&self, direction: &Self, coulomb: &Coulomb) -> (Vec<Dual<f64>>, Gradients<Dual<f64>>) {
        let pair = |v: f64, d: f64| Dual { v, d };
        let vector = |v: [f64; 3], d: [f64; 3]| std::array::from_fn(|k| pair(v[k], d[k]));
        let row = |v: &[f64], d: &[f64]| v.iter().zip(d).map(|(&v, &d)| pair(v, d)).collect::<Vec<_>>();
        let positions: Vec<_> =
            self.positions.iter().zip(&direction.positions).map(|(&v, &d)| vector(v, d)).collect();
        let (widths, charges) =
            (row(&self.widths, &direction.widths), row(&self.charges, &direction.charges));
        let lattice =
            self.lattice.zip(direction.lattice).map(|(v, d)| std::array::from_fn(|a| vector(v[a], d[a])));
        let sites = Sites { positions: &positions, widths: &widths, lattice };
        let interactions = coulomb.prepare(&sites).unwrap();
        let potential = interactions.potential(&charges);
        let form = Form::Energy { charges: &charges, seed: Dual::lit(1.0) };
        let gradients = interactions.gradients(&[form], true);
        (potential, gradients)
    }
}

/// The translations to neighbouring cells.
fn images(lattice: Option<[[f64; 3]; 3]>) -> impl Iterator<Item = [f64; 3]> {
    let reach = if lattice.is_some() { 1 } else { 0 };
    let rows = lattice.unwrap_or_default();
    let all = -reach..=reach;
    all.clone()
        .flat_map(move |i| {
            let all = all.clone();
            all.clone().flat_map(move |j| all.clone().map(move |k| [i, j, k]))
        })
        .map(move |n| std::array::from_fn(|c| (0..3).map(|a| f64::from(n[a]) * rows[a][c]).sum()))
}

/// All derivatives in one list.
pub fn flat<S: Scalar>(gradients: &Gradients<S>) -> Vec<S> {
    let positions = gradients.positions.iter().flatten();
    positions.chain(gradients.strain.iter().flatten()).chain(&gradients.widths).copied().collect()
}

/// The largest difference between the numbers of two lists.
pub fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}
