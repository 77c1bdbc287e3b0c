//! Speed of the electrostatics of charges: `cargo bench -p oxidane-physics --bench coulomb -- [ACCURACY]`, one JSON object for each size and method.
//!
//! Boxes of water of the density of the liquid, Gaussian charges -0.8 and 0.4 of widths 0.66 and 0.31 angstrom; the fastest of repeated calls on one
//! thread, in milliseconds: `prepare_ms` all that does not depend on charges, `cached_ms` the same
//! with neighbours and memory kept from the last time, `potential_ms` one potential, `gradients_ms` the
//! derivatives of the energy by positions and strain; `us_per_atom` the sum without `cached_ms`, in microseconds.

use std::time::{Duration, Instant};

use oxidane_physics::coulomb::{Cache, Coulomb, Form, Method, Sites};

/// How long calls are repeated for the fastest one, at least three times.
const PATIENCE: Duration = Duration::from_secs(1);

fn main() {
    let accuracy = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(1e-6);
    for molecules in [8, 27, 64, 216, 512, 1728] {
        for method in [Method::Ewald, Method::Mesh] {
            measure(molecules, Coulomb { accuracy, method, parallel: false });
        }
    }
}

fn measure(molecules: usize, coulomb: Coulomb) {
    let (positions, edge) = water(molecules);
    let atoms = positions.len();
    let of_atom = |oxygen: f64, hydrogen: f64| -> Vec<f64> {
        (0..atoms).map(|i| if i % 3 == 0 { oxygen } else { hydrogen }).collect()
    };
    let (charges, widths) = (of_atom(-0.8, 0.4), of_atom(0.66, 0.31));
    let lattice = Some([[edge, 0.0, 0.0], [0.0, edge, 0.0], [0.0, 0.0, edge]]);
    let sites = Sites { positions: &positions, widths: &widths, lattice };
    let prepare = || coulomb.prepare(&sites).expect("water is well made");
    let interactions = prepare();
    let form = [Form::Energy { charges: &charges, seed: 1.0 }];
    let mut cache = Cache::new(1.0);
    let times = [
        fastest(|| drop(std::hint::black_box(prepare()))),
        fastest(|| drop(std::hint::black_box(coulomb.prepare_with(&sites, &mut cache)))),
        fastest(|| drop(std::hint::black_box(interactions.potential(&charges)))),
        fastest(|| drop(std::hint::black_box(interactions.gradients(&form, false)))),
    ];
    println!(
        "{{\"atoms\": {atoms}, \"method\": \"{:?}\", \"accuracy\": {:e}, \"prepare_ms\": {:.3}, \"cached_ms\": {:.3}, \"potential_ms\": {:.3}, \
         \"gradients_ms\": {:.3}, \"us_per_atom\": {:.3}}}",
        coulomb.method,
        coulomb.accuracy,
        times[0],
        times[1],
        times[2],
        times[3],
        1e3 * (times[0] + times[2] + times[3]) / atoms as f64
    );
}

/// The fastest call in milliseconds.
fn fastest(mut work: impl FnMut()) -> f64 {
    let (begin, mut best, mut calls) = (Instant::now(), f64::INFINITY, 0);
    while calls < 3 || begin.elapsed() < PATIENCE {
        let start = Instant::now();
        work();
        best = best.min(start.elapsed().as_secs_f64() * 1e3);
        calls += 1;
    }
    best
}

/// Water molecules of alternating orientation on a cubic grid in a box of the edge returned, in angstrom; O, H, H.
fn water(molecules: usize) -> (Vec<[f64; 3]>, f64) {
    let edge = (molecules as f64).cbrt().round() as usize;
    let mut positions = Vec::new();
    for m in 0..molecules {
        let origin = [m % edge, m / edge % edge, m / edge / edge].map(|k| 3.104 * k as f64);
        let turn = 1.3 * m as f64;
        for (angle, distance) in [(0.0, 0.0), (turn, 0.958), (turn + 1.82, 0.958)] {
            let step = [f64::cos(angle), f64::sin(angle), 0.3 * f64::sin(2.0 * turn + angle)];
            let length = step.iter().map(|x| x * x).sum::<f64>().sqrt();
            positions.push(std::array::from_fn(|k| origin[k] + distance / length * step[k]));
        }
    }
    (positions, 3.104 * edge as f64)
}
