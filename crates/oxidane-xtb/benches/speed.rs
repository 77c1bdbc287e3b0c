//! Speed of GFN2-xTB: `cargo bench -p oxidane-xtb --bench speed -- FILE.xyz...`, one JSON object a structure.
//!
//! `cold_ms`: energy and gradient from nothing but the structure. `warm_ms`: one of 20 further steps of dynamics, 0.5 fs each, from the speeds
//! of 300 K, started from what the steps before left. The fastest of repeated calls of the first; of the second the mean over
//! the steps, each the fastest of three runs. One thread.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use oxidane_core::elements::mass;
use oxidane_core::io::read_first;
use oxidane_core::units::{AMU_ANGSTROM2_PER_FS2, BOHR, BOLTZMANN, HARTREE};
use oxidane_core::{Potential, Request, Result, System};
use oxidane_xtb::{Gfn2, Gfn2Options};

/// How long calls are repeated for the fastest one, at least three times.
const PATIENCE: Duration = Duration::from_secs(2);
const WARM_STEPS: usize = 20;
const WARM_RUNS: usize = 3;
/// fs.
const TIME_STEP: f64 = 0.5;

fn main() -> ExitCode {
    let files: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    if files.is_empty() {
        eprintln!(
            "speed: give structures, e.g. `cargo bench -p oxidane-xtb --bench speed -- examples/aspirin.xyz`"
        );
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
    let (warm, warm_iterations) = warm(&system)?;
    println!(
        "{{\"structure\": {file:?}, \"atoms\": {}, \"cold_ms\": {:.3}, \"warm_ms\": {:.3}, \"iterations\": {iterations}, \
         \"warm_iterations\": {warm_iterations:.1}}}",
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

/// The mean time of a warm-started step in seconds, and the mean number of its iterations.
fn warm(system: &System) -> Result<(f64, f64)> {
    let (mut best, iterations) = trajectory(system.clone())?;
    for _ in 1..WARM_RUNS {
        let (times, _) = trajectory(system.clone())?;
        best.iter_mut().zip(times).for_each(|(best, time)| *best = best.min(time));
    }
    let steps = WARM_STEPS as f64;
    Ok((best.iter().sum::<f64>() / steps, iterations as f64 / steps))
}

/// The times in seconds of the warm-started steps of a trajectory, and their iterations.
fn trajectory(mut system: System) -> Result<(Vec<f64>, usize)> {
    let mut potential = Gfn2::new(Gfn2Options::default())?;
    potential.follow(true);
    let mut speeds = speeds(&system);
    let (mut times, mut iterations) = (Vec::new(), 0);
    for step in 0..=WARM_STEPS {
        let start = Instant::now();
        let calculation = potential.calculate(&system, true)?;
        if step > 0 {
            times.push(start.elapsed().as_secs_f64());
            iterations += calculation.state.iterations;
        }
        // Leapfrog.
        let gradient = calculation.derivatives.map(|d| d.gradient).unwrap_or_default();
        for (((x, v), g), &z) in
            system.positions.iter_mut().zip(&mut speeds).zip(gradient).zip(&system.numbers)
        {
            for k in 0..3 {
                v[k] -= TIME_STEP * g[k] * HARTREE / BOHR / (mass(z) * AMU_ANGSTROM2_PER_FS2);
                x[k] += TIME_STEP * v[k];
            }
        }
    }
    Ok((times, iterations))
}

/// Speeds of 300 K in angstrom/fs, in directions without a pattern.
fn speeds(system: &System) -> Vec<[f64; 3]> {
    let mut angle = 0.0;
    let mut normal = || {
        angle += 1.0;
        let hash = |a: f64| ((a * 12.9898).sin() * 43758.5453).fract().abs().max(1e-9);
        (-2.0 * hash(angle).ln()).sqrt() * (std::f64::consts::TAU * hash(angle + 0.5)).cos()
    };
    let speed = |z: u8| (BOLTZMANN * 300.0 / (mass(z) * AMU_ANGSTROM2_PER_FS2)).sqrt();
    system.numbers.iter().map(|&z| [(); 3].map(|()| speed(z) * normal())).collect()
}
