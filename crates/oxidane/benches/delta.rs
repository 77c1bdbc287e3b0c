//! What a network on top of GFN2-xTB costs: `cargo bench -p oxidane --bench delta [-- [--threads 2] FILE.xyz...]`.
//!
//! Energy and forces of GFN2-xTB alone and below an untrained network, of each architecture in its default size and a small one, in single
//! precision on one thread, or side by side on several. `cold`: from nothing but the structure. `warm`: one of 20 steps of 0.5 fs along velocities of 300 K,
//! started from what the steps before left. The potentials take turns; of each step the fastest round counts, and the mean over the steps
//! is shown.

use std::process::ExitCode;
use std::time::Instant;

use oxidane_core::io::read_first;
use oxidane_core::{Potential, Request, Result, SumPotential, System};
use oxidane_models::{NetworkPotential, registry};
use oxidane_sim::md::{MdOptions, MdState, standard_masses};
use oxidane_xtb::{Gfn2, Gfn2Options};
use serde_json::json;

const ROUNDS: usize = 12;
const STEPS: usize = 20;
/// fs.
const TIME_STEP: f64 = 0.5;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).filter(|a| a != "--bench");
    let (mut files, mut threads) = (Vec::new(), 1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--threads" => match arguments.next().and_then(|n| n.parse().ok()) {
                Some(n) => threads = n,
                None => {
                    eprintln!("delta: --threads needs a number");
                    return ExitCode::FAILURE;
                }
            },
            _ => files.push(argument),
        }
    }
    if let Err(error) = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global() {
        eprintln!("delta: {error}");
        return ExitCode::FAILURE;
    }
    if files.is_empty() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../");
        files = ["examples/aspirin.xyz", "benchmarks/structures/quinine48.xyz"]
            .map(|f| format!("{root}{f}"))
            .into();
    }
    println!(
        "{:<14} {:>5}  {:<18} {:>9} {:>7} {:>9} {:>7}",
        "structure", "atoms", "model", "cold / ms", "ratio", "warm / ms", "ratio"
    );
    for file in files {
        if let Err(error) = measure(&file, threads > 1) {
            eprintln!("delta: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// GFN2-xTB, and the sums with each network.
fn potentials(parallel: bool) -> Result<Vec<(String, Box<dyn Potential>)>> {
    let gfn2 = || -> Result<Box<dyn Potential>> { Ok(Box::new(Gfn2::new(Gfn2Options::default())?)) };
    let mut all = vec![("gfn2".to_owned(), gfn2()?)];
    let small = json!({ "iterations": 2, "angular": "first", "channels": 8, "update_dim": 128 });
    // The sizes of the model that ships.
    let organic = json!({ "node_dim": 64, "node_irreps": "64x0e+32x1o+16x2e", "hidden_dim": 32 });
    let networks = [
        ("xpainn", "xpainn", json!({})),
        ("organic-delta", "xpainn", organic),
        ("mpnice", "mpnice", json!({})),
        ("small mpnice", "mpnice", small),
    ];
    for (name, architecture, hyperparameters) in networks {
        let network = registry::build::<f32>(architecture, &hyperparameters, 1)?;
        let network = NetworkPotential::new(name, Default::default(), network.into(), None, false, false)?;
        let sum = SumPotential::new(vec![gfn2()?, Box::new(network)]).with_parallel(parallel);
        all.push((sum.name().to_owned(), Box::new(sum)));
    }
    Ok(all)
}

fn measure(file: &str, parallel: bool) -> Result<()> {
    let steps = steps(read_first(file)?.system)?;
    let mut potentials = potentials(parallel)?;
    let mut best = vec![[[f64::INFINITY; STEPS]; 2]; potentials.len()];
    for _ in 0..ROUNDS {
        for (k, (_, potential)) in potentials.iter_mut().enumerate() {
            for (warm, best) in best[k].iter_mut().enumerate() {
                potential.follow(warm == 1);
                potential.evaluate(&steps[0], Request::FORCES)?;
                for (system, best) in steps[1..].iter().zip(best) {
                    let begun = Instant::now();
                    potential.evaluate(system, Request::FORCES)?;
                    *best = best.min(begun.elapsed().as_secs_f64());
                }
            }
        }
    }
    let name = file.rsplit('/').next().unwrap_or(file).trim_end_matches(".xyz");
    let mean =
        |[cold, warm]: &[[f64; STEPS]; 2]| [cold, warm].map(|all| all.iter().sum::<f64>() / STEPS as f64);
    let (atoms, [base_cold, base_warm]) = (steps[0].len(), mean(&best[0]));
    for ((model, _), [cold, warm]) in potentials.iter().zip(best.iter().map(mean)) {
        println!(
            "{name:<14} {atoms:>5}  {model:<18} {:>9.3} {:>7.2} {:>9.3} {:>7.2}",
            1e3 * cold,
            cold / base_cold,
            1e3 * warm,
            warm / base_warm
        );
    }
    Ok(())
}

/// A structure and the next ones on straight paths.
fn steps(system: System) -> Result<Vec<System>> {
    let masses = standard_masses(&system);
    let mut state = MdState::new(system, masses, MdOptions::default(), 1)?;
    state.set_temperature(300.0)?;
    let after = |step: usize| {
        let mut system = state.system.clone();
        let coordinates = system.positions.as_flattened_mut().iter_mut().zip(state.velocities.as_flattened());
        coordinates.for_each(|(x, v)| *x += step as f64 * TIME_STEP * v);
        system
    };
    Ok((0..=STEPS).map(after).collect())
}
