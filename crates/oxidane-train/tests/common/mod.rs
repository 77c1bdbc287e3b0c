//! A small analytic network, and data made with it.
#![allow(dead_code)] // each test file uses its part

use oxidane_core::{Request, Result, System};
use oxidane_math::Real;
use oxidane_models::heads::tensor_name;
use oxidane_models::{Batch, Layout, Network, Outputs, Scratch};
use oxidane_train::data::{Builder, Labelled, Parts};
use oxidane_train::{Config, Heads, ModelWriter, Setup, TrainedModel, TrainingData};
use std::path::Path;

const CUTOFF: f64 = 3.0;
const POWERS: usize = 4;
const CLASSES: usize = 3;

/// Pair potential E = sum_edges 1/2 sum_k c_k f(r) (r/3)^k, c_k = w_k (1 + w_k), f = (1 - r^2/9)^2, by class of pair;
/// charges and dipole are linear in one weight each. A head adds weights of its own to w, the same for all classes.
/// Everything is computed in f64.
#[derive(Clone)]
pub struct Toy<R> {
    layout: Layout,
    weights: Vec<R>,
    heads: Vec<String>,
}

impl<R: Real> Toy<R> {
    pub fn new(start: f64) -> Self {
        Self::with_heads(start, &[])
    }
    pub fn with_heads(start: f64, heads: &[&str]) -> Self {
        let mut layout = Layout::default();
        for c in 0..CLASSES {
            layout.add(format!("pair.{c}"), &[POWERS], true, true);
        }
        layout.add("table", &[2], false, false);
        layout.add("charge", &[1], true, false);
        layout.add("dipole", &[1], true, false);
        for head in heads {
            layout.add(tensor_name(head, "shift"), &[POWERS], true, true);
        }
        let heads = heads.iter().map(|h| (*h).to_string()).collect();
        let weights = (0..layout.len).map(|k| R::of(start * (1.0 + (k as f64).cos()))).collect();
        Self { layout, weights, heads }
    }
    fn w(&self, k: usize) -> f64 {
        self.weights[k].f64()
    }
    /// The weight of a power for a class of pairs in a head, and where its parts stand.
    fn pair(&self, class: usize, k: usize, head: u32) -> (f64, [Option<usize>; 2]) {
        let own = (!self.heads.is_empty()).then_some(DIPOLE + 1 + head as usize * POWERS + k);
        let at = class * POWERS + k;
        (self.w(at) + own.map_or(0.0, |k| self.w(k)), [Some(at), own])
    }
}

const CHARGE: usize = CLASSES * POWERS + 2;
const DIPOLE: usize = CHARGE + 1;

/// f(r) (r/3)^k and its derivative.
fn basis(r: f64, k: usize) -> (f64, f64) {
    let u = r / CUTOFF;
    let g = 1.0 - u * u;
    let p = u.powi(k as i32);
    let dp = if k == 0 { 0.0 } else { k as f64 * u.powi(k as i32 - 1) };
    (g * g * p, (-4.0 * g * u * p + g * g * dp) / CUTOFF)
}

/// Calls `f(structure, center, neighbour, class, vector, distance)` for every edge.
fn edges(b: &Batch, mut f: impl FnMut(usize, usize, usize, usize, [f64; 3], f64)) {
    for s in 0..b.structures() {
        for i in b.atoms_of(s) {
            for e in b.edges.edges_of(i) {
                let j = b.edges.neighbor[e] as usize;
                let class = (usize::from(b.numbers[i]) + usize::from(b.numbers[j])) % CLASSES;
                f(s, i, j, class, b.edges.vector[e], b.edges.distance[e]);
            }
        }
    }
}

impl<R: Real> Network<R> for Toy<R> {
    fn cutoff(&self) -> f64 {
        CUTOFF
    }
    fn heads(&self) -> &[String] {
        &self.heads
    }
    fn capabilities(&self) -> Request {
        Request { polarizability: false, ..Request::ALL }
    }
    fn layout(&self) -> &Layout {
        &self.layout
    }
    fn parameters(&self) -> &[R] {
        &self.weights
    }
    fn parameters_mut(&mut self) -> &mut [R] {
        &mut self.weights
    }
    fn boxed_clone(&self) -> Box<dyn Network<R>> {
        Box::new(self.clone())
    }
    fn hyperparameters(&self) -> serde_json::Value {
        match self.heads.is_empty() {
            true => serde_json::json!({}),
            false => serde_json::json!({ "heads": self.heads }),
        }
    }
    fn architecture(&self) -> &'static str {
        "toy"
    }
    fn run(&self, b: &Batch, request: Request, _: &mut Scratch<R>, _: bool) -> Result<Outputs> {
        let (n, m) = (b.atoms(), b.structures());
        let mut o = Outputs {
            energy: vec![0.0; m],
            atomic_energies: vec![0.0; n],
            forces: vec![[0.0; 3]; n],
            virial: vec![[[0.0; 3]; 3]; m],
            charges: vec![0.0; n],
            dipole: vec![[0.0; 3]; m],
            ..Outputs::default()
        };
        edges(b, |s, i, j, class, v, r| {
            let mut slope = 0.0;
            for k in 0..POWERS {
                let w = self.pair(class, k, b.head(s)).0;
                let (f, df) = basis(r, k);
                o.energy[s] += 0.5 * w * (1.0 + w) * f;
                o.atomic_energies[i] += 0.5 * w * (1.0 + w) * f;
                slope += 0.5 * w * (1.0 + w) * df;
            }
            for a in 0..3 {
                o.forces[i][a] -= slope * v[a] / r;
                o.forces[j][a] += slope * v[a] / r;
                (0..3).for_each(|c| o.virial[s][a][c] -= slope * v[a] * v[c] / r);
                o.dipole[s][a] += self.w(DIPOLE) * basis(r, 1).0 * v[a] * (b.numbers[i] as f64);
            }
            o.charges[i] += self.w(CHARGE) * basis(r, 0).0;
        });
        if !request.forces {
            o.forces.clear();
        }
        if !request.virial {
            o.virial.clear();
        }
        if !request.charges {
            o.charges.clear();
        }
        if !request.dipole {
            o.dipole.clear();
        }
        Ok(o)
    }
    fn loss_gradient(
        &self,
        b: &Batch,
        seeds: &Outputs,
        _: &mut Scratch<R>,
        gradient: &mut [R],
    ) -> Result<()> {
        let mut sum = vec![0.0; self.layout.len];
        edges(b, |s, i, j, class, v, r| {
            for k in 0..POWERS {
                let (f, df) = basis(r, k);
                // dL/dc: energy, forces and virial are linear in c.
                let mut slope = 0.0;
                for a in 0..3 {
                    if !seeds.forces.is_empty() {
                        slope += (seeds.forces[j][a] - seeds.forces[i][a]) * v[a] / r;
                    }
                    if !seeds.virial.is_empty() {
                        (0..3).for_each(|c| slope -= seeds.virial[s][a][c] * v[a] * v[c] / r);
                    }
                }
                let energy = seeds.energy.get(s).copied().unwrap_or(0.0);
                let (w, places) = self.pair(class, k, b.head(s));
                for at in places.into_iter().flatten() {
                    sum[at] += 0.5 * (energy * f + slope * df) * (1.0 + 2.0 * w);
                }
            }
            sum[CHARGE] += seeds.charges.get(i).map_or(0.0, |q| q * basis(r, 0).0);
            let along = seeds.dipole.get(s).map_or(0.0, |d| (0..3).map(|a| d[a] * v[a]).sum());
            sum[DIPOLE] += along * basis(r, 1).0 * (b.numbers[i] as f64);
        });
        gradient.iter_mut().zip(&sum).for_each(|(g, s)| *g += R::of(*s));
        Ok(())
    }
    fn hessian_vector(&self, _: &Batch, _: &[[f64; 3]], _: &mut Scratch<R>) -> Result<Vec<[f64; 3]>> {
        unimplemented!("training does not need it")
    }
}

/// A number in 0..1 that depends on `k` alone.
fn noise(k: u64) -> f64 {
    let mut x = k.wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (x >> 11) as f64 / (1u64 << 53) as f64
}

/// Structure `i`: a distorted grid of 3 to 9 atoms; every third one is periodic.
pub fn structure(i: u64) -> System {
    let n = 3 + (i % 7) as usize;
    let at = |k: usize| {
        let grid = [(k % 3) as f64, ((k / 3) % 3) as f64, (k / 9) as f64];
        std::array::from_fn(|c| 1.3 * grid[c] + 0.25 * noise(1000 * i + 3 * k as u64 + c as u64))
    };
    let numbers = (0..n).map(|k| [1u8, 6, 8][(k + i as usize) % 3]).collect();
    let mut system = System::molecule(numbers, (0..n).map(at).collect());
    if i.is_multiple_of(3) {
        system.cell = Some(oxidane_core::Cell::new([[4.2, 0.0, 0.0], [0.1, 4.3, 0.0], [0.0, 0.2, 3.9]]));
    }
    system
}

/// `n` structures with the labels of a known toy network; some lack forces, charges, dipole or virial.
pub fn data(n: u64) -> TrainingData {
    let mut builder = Builder::default();
    builder.file("toy.extxyz");
    for i in 0..n {
        builder.add(labelled(i, &Toy::new(0.35), 0, -10.0), ["even", "odd"][i as usize % 2]).unwrap();
    }
    TrainingData { data: builder.finish(), parts: parts(0, n as usize) }
}

/// 3 in 5 structures to train on, 1 to validate, 1 to test.
fn parts(first: usize, n: usize) -> Parts {
    let (a, b) = (first + n * 6 / 10, first + n * 8 / 10);
    Parts { train: (first..a).collect(), validation: (a..b).collect(), test: (b..first + n).collect() }
}

/// Structure `i` with the labels of a head and `offset` per unit of charge of its nuclei in the energy; some lack forces,
/// charges, dipole or virial.
fn labelled(i: u64, truth: &Toy<f64>, head: u32, offset: f64) -> Labelled {
    let system = structure(i);
    let mut batch = Batch::build(&system, CUTOFF).unwrap();
    batch.heads = vec![head];
    let o = truth.run(&batch, Request::ALL, &mut Scratch::default(), false).unwrap();
    let offset: f64 = system.numbers.iter().map(|&z| offset * f64::from(z)).sum();
    let periodic = system.cell.is_some();
    Labelled {
        energy: Some(o.energy[0] + offset),
        forces: (i % 5 != 4).then_some(o.forces),
        virial: periodic.then_some(o.virial[0]),
        charges: i.is_multiple_of(2).then_some(o.charges),
        dipole: (!periodic).then_some(o.dipole[0]),
        // The toy has none: as good as any for networks that do.
        polarizability: (i % 4 != 3).then_some(o.virial[0]),
        ..Labelled::new(system)
    }
}

/// Two sets for two heads, `n` structures and half as many, the second from the same structures on.
pub fn two_sets(n: u64) -> TrainingData {
    let truth = Toy::with_heads(0.35, &["low", "high"]);
    let mut builder = Builder::default();
    let mut all = Parts::default();
    let sets = [("many", 0, n, -10.0), ("few", 1, n / 2, -10.5)];
    for (name, head, n, offset) in sets {
        builder.set(name, head);
        builder.file("toy.extxyz");
        let first = if head == 0 { 0 } else { sets[0].2 as usize };
        for i in 0..n {
            builder.add(labelled(i, &truth, head, offset), ["even", "odd"][i as usize % 2]).unwrap();
        }
        let own = parts(first, n as usize);
        all.train.extend(own.train);
        all.validation.extend(own.validation);
        all.test.extend(own.test);
    }
    TrainingData { data: builder.finish(), parts: all }
}

pub const CONFIG: &str = r#"
[model]
architecture = "toy"
[data]
files = ["toy.extxyz"]
[reference_energies]
method = "given"
values = { H = -10.0, C = -60.0, O = -80.0 }
[loss]
energy_per_atom = { kind = "smooth_l1", weight = 1.0, beta = 0.1 }
forces = { kind = "l2", weight = 10.0 }
stress = { kind = "l2", weight = 1.0 }
charges = { kind = "l2", weight = 1.0 }
dipole = { kind = "l2", weight = 0.1 }
[optimizer]
lr = 0.02
weight_decay = 1e-4
clip_norm = 5.0
[schedule]
warmup_steps = 5
[ema]
decay = 0.95
[train]
epochs = 12
batch_size = 7
chunk_atoms = 12
log_every = 3
validate_every_epochs = 2
keep_best = 2
threads = 2
"#;

/// [`CONFIG`] for the data of [`two_sets`].
pub fn two_heads() -> String {
    let sets = r#"
[[heads]]
name = "low"
reference_energies = { method = "given", values = { H = -10.0, C = -60.0, O = -80.0 } }
[[heads]]
name = "high"
default = true
[[data.sets]]
name = "many"
head = "low"
files = ["toy.extxyz"]
sampling_weight = 0.7
[[data.sets]]
name = "few"
head = "high"
files = ["toy.extxyz"]
sampling_weight = 1.4
"#;
    let (model, rest) = CONFIG.split_once("[data]").unwrap();
    let rest = rest.split_once("[loss]").unwrap().1;
    format!("{model}{sets}[loss]{rest}")
}

/// Writes the weights as text.
pub struct TextWriter;

impl<R: Real> ModelWriter<R> for TextWriter {
    fn extension(&self) -> &str {
        "txt"
    }
    fn write(&self, path: &Path, model: &TrainedModel<R>) -> Result<()> {
        std::fs::write(path, format!("{} {:?}", model.step, model.network.parameters())).unwrap();
        Ok(())
    }
}

pub fn setup<R: Real>(folder: &Path, config: &str) -> Setup<R> {
    let config = Config::parse(config).unwrap();
    let data = match config.data.sets.len() {
        1 => data(50),
        _ => two_sets(50),
    };
    let heads = Heads::new(&config, None, &[]).unwrap();
    let references = heads.reference_energies(&config, &data).unwrap();
    let names: Vec<&str> = config.heads.iter().map(|h| h.name()).collect();
    let network = Box::new(Toy::<R>::with_heads(0.1, &names));
    Setup { config, data, network, heads, references, folder: folder.into(), writer: Box::new(TextWriter) }
}

/// Every file of a run with its bytes, by name.
pub fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap());
    let mut all: Vec<_> = entries
        .map(|e| (e.file_name().to_string_lossy().into_owned(), std::fs::read(e.path()).unwrap()))
        .collect();
    all.sort();
    all
}
