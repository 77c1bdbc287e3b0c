//! Speed and memory of an architecture in its default size, next to the floor that its multiply-adds set.
//!
//! `cargo bench -p oxidane-models --bench speed -- --help` lists the options; `BENCHMARKS.md` holds results.

mod electrostatics;
mod flops;
mod options;
mod products;
mod report;
mod structures;
mod timing;
mod training;

use flops::Work;
use options::{Options, Section};
use oxidane_core::{Error, Potential, Request, Result, System};
use oxidane_models::mpnice::{self, MpniceConfig};
use oxidane_models::xpainn::XpainnConfig;
use oxidane_models::{Batch, Exact, Network, NetworkPotential, Scratch, registry};
use oxidane_physics::coulomb::Coulomb;
use report::{Report, row};
use std::process::ExitCode;
use std::sync::Arc;
use timing::{measure, memory};

fn main() -> ExitCode {
    match Options::from_args(std::env::args().skip(1)) {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(options)) => conclude(run(&options).map_err(|e| e.to_string())),
        Err(message) => conclude(Err(message)),
    }
}

fn conclude(result: std::result::Result<(), String>) -> ExitCode {
    result.map_or_else(
        |message| {
            eprintln!("speed: {message}");
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}

fn run(options: &Options) -> Result<()> {
    // The only pool of this process; a second one cannot exist, so this cannot fail.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(options.threads).build_global();
    let bench = Bench::new(options)?;
    if options.has(Section::Products) {
        bench.products();
    }
    if options.has(Section::Energy) {
        for path in &options.files {
            let system = structures::first(path)?;
            bench.energy(&structures::name(path), &system, &BOTH, options.repeats)?;
        }
    }
    if options.has(Section::Electrostatics) {
        for path in &options.files {
            bench.electrostatics(&structures::name(path), &structures::first(path)?)?;
        }
    }
    if options.has(Section::Training) {
        bench.training()?;
    }
    if options.has(Section::Scaling) {
        bench.scaling()?;
    }
    Ok(())
}

/// What is asked of the potential.
const BOTH: [(&str, Request); 2] = [("energy", Request::ENERGY), ("energy+forces", Request::FORCES)];

/// The network under test, the floor's rate, and where results go.
struct Bench<'a> {
    options: &'a Options,
    report: Report,
    network: Arc<dyn Network<f32>>,
    /// GFLOP/s of one thread, over a large square.
    rate: f64,
}

impl<'a> Bench<'a> {
    fn new(options: &'a Options) -> Result<Self> {
        let network = registry::build::<f32>(&options.architecture, &options.hyperparameters, 1)?.into();
        let report = Report::new(options.json);
        let rate = options.rate.unwrap_or_else(|| products::square().gflops);
        report.line(
            &format!("floor: {rate:.0} GFLOP/s for each of {} thread(s)", options.threads),
            &row!("what" => "rate", "gflops" => rate, "threads" => options.threads),
        );
        Ok(Self { options, report, network, rate })
    }

    fn products(&self) {
        for product in products::of_model(&XpainnConfig::default()) {
            self.report.line(
                &format!(
                    "product {:<24} {:>5} x {:>4} x {:>4}  {:>6.1} GFLOP/s",
                    product.name, product.shape[0], product.shape[1], product.shape[2], product.gflops
                ),
                &row!("what" => "product", "name" => product.name, "shape" => product.shape,
                    "gflops" => product.gflops),
            );
        }
    }

    fn potential(&self) -> Result<NetworkPotential<f32>> {
        // As a model file's potential is made: structures that single precision cannot do are redone in double.
        let network = self.network.clone();
        let exact = Arc::new(Exact::new(move || {
            let weights = network.parameters().iter().map(|&w| w.into()).collect();
            registry::with_parameters(network.architecture(), &network.hyperparameters(), weights)
        }));
        let parallel = self.options.threads > 1;
        NetworkPotential::new("bench", Arc::default(), self.network.clone(), Some(exact), parallel, false)
    }

    fn work(&self, atoms: usize, edges: usize) -> Result<Work> {
        let hyperparameters = self.network.hyperparameters();
        let bad = |e: serde_json::Error| Error::usage(e.to_string());
        Ok(match self.network.architecture() {
            mpnice::NAME => {
                Work::mpnice(&serde_json::from_value(hyperparameters).map_err(bad)?, atoms, edges)
            }
            _ => Work::xpainn(&serde_json::from_value(hyperparameters).map_err(bad)?, atoms, edges),
        })
    }

    /// Time of the electrostatics of a crystal by each method.
    fn electrostatics(&self, name: &str, system: &System) -> Result<()> {
        if system.cell.is_none() {
            return Ok(());
        }
        let config = MpniceConfig::default();
        let repeats = self.options.repeats.unwrap_or_else(|| timing::repeats_for(system.len()));
        for (method, what) in electrostatics::METHODS {
            let coulomb =
                Coulomb { accuracy: config.ewald_accuracy, method, parallel: self.options.threads > 1 };
            let mut step = electrostatics::Step::new(system, coulomb, config.iterations);
            let time = measure(repeats, || step.run())?;
            self.report.line(
                &format!(
                    "{name:<12} {:>6} atoms  electrostatics {what:<8} min {:>9.3} ms  median {:>9.3} ms  \
                     processor {:>9.3} ms  {:>7.2} us/atom",
                    system.len(),
                    time.min,
                    time.median,
                    time.processor,
                    time.processor * 1e3 / system.len() as f64,
                ),
                &row!("what" => "electrostatics", "structure" => name, "atoms" => system.len(), "method" => what,
                    "threads" => self.options.threads, "min_ms" => time.min, "median_ms" => time.median,
                    "processor_ms" => time.processor),
            );
        }
        Ok(())
    }

    /// Time of each request, with atoms moved before each call.
    fn energy(
        &self,
        name: &str,
        system: &System,
        requests: &[(&str, Request)],
        repeats: Option<usize>,
    ) -> Result<()> {
        let batch = Batch::build(system, self.network.cutoff())?;
        let probe = self.network.run(&batch, Request::FORCES, &mut Scratch::default(), false)?;
        let edges = batch.edges.len();
        drop(batch);
        memory::reset_peak();
        let work = self.work(system.len(), edges)?;
        let repeats = repeats.unwrap_or_else(|| timing::repeats_for(system.len()));
        for &(what, request) in requests {
            let mut potential = self.potential()?;
            let mut moving = structures::Moving::new(system);
            let time = measure(repeats, || potential.evaluate(moving.step(), request).map(|_| ()))?;
            let work = if request.forces { work.with_forces() } else { work };
            let floor = work.total() / self.rate / 1e6 / self.options.threads as f64;
            let least = work.tabulated() / self.rate / 1e6 / self.options.threads as f64;
            let peak = memory::peak_mb();
            self.report.line(
                &format!(
                    "{name:<12} {:>6} atoms {edges:>8} edges  {what:<13}  min {:>9.3} ms  median {:>9.3} ms  \
                     processor {:>9.3} ms  first {:>9.3} ms  {:>7.2} us/atom  floor {floor:>8.3} ms, ratio {:>5.2} \
                     (tabulated {least:>8.3} ms, {:>5.2})  {:>7.2} GFLOP  peak {peak:>5.0} MB{}",
                    system.len(),
                    time.min,
                    time.median,
                    time.processor,
                    time.first,
                    time.min * 1e3 / system.len() as f64,
                    time.min / floor,
                    time.min / least,
                    work.total() / 1e9,
                    if probe.ill_conditioned { "  (ill-conditioned: redone in f64)" } else { "" },
                ),
                &row!("what" => what, "structure" => name, "atoms" => system.len(), "edges" => edges,
                    "threads" => self.options.threads, "min_ms" => time.min, "median_ms" => time.median,
                    "processor_ms" => time.processor, "first_ms" => time.first, "floor_ms" => floor, "tabulated_floor_ms" => least,
                    "gflop" => work.total() / 1e9, "peak_mb" => peak),
            );
        }
        Ok(())
    }

    /// Structures a second through the gradient of a loss on energy and forces.
    fn training(&self) -> Result<()> {
        let frames = structures::all(&self.options.training_file)?;
        memory::reset_peak();
        let mut step = training::Step::new(&*self.network, &frames, self.options.chunk_atoms)?;
        let time = measure(self.options.repeats.unwrap_or(5), || step.run(&*self.network))?;
        let rate = frames.len() as f64 / time.min * 1e3;
        let peak = memory::peak_mb();
        self.report.line(
            &format!(
                "training     {:>6} structures, chunks of {} atoms  min {:>9.2} ms  median {:>9.2} ms  \
                 processor {:>9.2} ms  {rate:>6.1} structures/s  peak {peak:>5.0} MB",
                frames.len(),
                self.options.chunk_atoms,
                time.min,
                time.median,
                time.processor
            ),
            &row!("what" => "training", "structures" => frames.len(), "threads" => self.options.threads,
                "min_ms" => time.min, "median_ms" => time.median, "processor_ms" => time.processor, "structures_per_s" => rate, "peak_mb" => peak),
        );
        Ok(())
    }

    /// Replicas of the last file given, up to about `--atoms` atoms.
    fn scaling(&self) -> Result<()> {
        let Some(path) = self.options.files.last() else { return Ok(()) };
        let unit = structures::first(path)?;
        for copies in structures::replicas(unit.len(), self.options.atoms) {
            let system = structures::replicate(&unit, copies);
            let [a, b, c] = copies;
            let name = format!("{a}x{b}x{c}");
            self.energy(&name, &system, &BOTH[1..], self.options.repeats)?;
            if self.options.has(Section::Electrostatics) {
                self.electrostatics(&name, &system)?;
            }
        }
        Ok(())
    }
}
