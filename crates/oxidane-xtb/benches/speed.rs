//! Speed of GFN2-xTB: `cargo bench -p oxidane-xtb --bench speed -- FILE.xyz...`, one JSON object a structure.
//!
//! `cold_ms`: energy and gradient from nothing but the structure. `warm_ms`: one of 20 further steps of 0.5 fs at the speeds of 300 K,
//! started from the charges of the step before. The fastest of repeated calls of the first, the median of the second; one thread.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use oxidane_core::elements::mass;
use oxidane_core::io::read_first;
use oxidane_core::units::{AMU_ANGSTROM2_PER_FS2, BOLTZMANN};
use oxidane_core::{Potential, Request, Result, System};
use oxidane_xtb::{Gfn2, Gfn2Options};

/// How long calls are repeated for the fastest one, at least three times.
const PATIENCE: Duration = Duration::from_secs(2);
const WARM_STEPS: usize = 20;
/// fs.
const TIME_STEP: f64 = 0.5;

fn main() -> ExitCode {
    let files: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    if files.is_empty() {
        eprintln!("speed: give structures, e.g. `cargo bench -p oxidane-xtb --bench speed -- examples/aspirin.xyz`");
        return ExitCode::FAILURE;
    }
    for file in files {
        if let Err(error) = measure(&file) {
            eprintln!("speed: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn measure(file: &str) -> Result<()> {
    let system = read_first(file)?.system;
    let iterations = Gfn2::new(Gfn2Options::default())?.calculate(&system, true)?.state.iterations;
    let cold = cold(&system)?;
    let warm = warm(system.clone())?;
    println!(
        "{{\"structure\": {file:?}, \"atoms\": {}, \"cold_ms\": {:.3}, \"warm_ms\": {:.3}, \"iterations\": {iterations}}}",
        system.len(),
        1e3 * cold,
        1e3 * warm
    );
    Ok(())
}

/// The fastest cold call in seconds.
fn cold(system: &System) -> Result<f64> {
    let (begin, mut best, mut calls) = (Instant::now(), f64::INFINITY, 0);
    while calls < 3 || begin.elapsed() < PATIENCE {
        let mut potential = Gfn2::new(Gfn2Options::default())?;
        let start = Instant::now();
        std::hint::black_box(potential.evaluate(system, Request::FORCES)?);
        best = best.min(start.elapsed().as_secs_f64());
        calls += 1;
    }
    Ok(best)
}

/// The median time of a warm-started step in seconds.
fn warm(mut system: System) -> Result<f64> {
    let mut potential = Gfn2::new(Gfn2Options::default())?;
    potential.follow(true);
    let moves = moves(&system);
    let mut times = Vec::new();
    for step in 0..=WARM_STEPS {
        let start = Instant::now();
        std::hint::black_box(potential.evaluate(&system, Request::FORCES)?);
        if step > 0 {
            times.push(start.elapsed().as_secs_f64());
        }
        for (x, d) in system.positions.iter_mut().flatten().zip(moves.as_flattened()) {
            *x += d;
        }
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

/// How far each atom goes in a time step at the speeds of 300 K, in angstrom, in directions without a pattern.
fn moves(system: &System) -> Vec<[f64; 3]> {
    let mut angle = 0.0;
    let mut normal = || {
        angle += 1.0;
        let hash = |a: f64| ((a * 12.9898).sin() * 43758.5453).fract().abs().max(1e-9);
        (-2.0 * hash(angle).ln()).sqrt() * (std::f64::consts::TAU * hash(angle + 0.5)).cos()
    };
    let speed = |z: u8| (BOLTZMANN * 300.0 / (mass(z) * AMU_ANGSTROM2_PER_FS2)).sqrt();
    system.numbers.iter().map(|&z| [(); 3].map(|()| TIME_STEP * speed(z) * normal())).collect()
}
