//! How long the dispersion of water clusters takes: `cargo test --release -p oxidane-physics --test timing -- --ignored
//! --nocapture`.

use oxidane_physics::{Coordination, Counting, D4, Damping, Derivatives, Geometry};
use std::hint::black_box;
use std::time::Instant;

/// The least of ten times, in microseconds.
fn least(mut work: impl FnMut()) -> f64 {
    let time = |_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64() * 1e6
    };
    (0..10).map(time).fold(f64::INFINITY, f64::min)
}

/// Water molecules of alternating orientation on a cubic grid with the density of the liquid, in bohr.
fn water(molecules: usize) -> (Vec<u8>, Vec<[f64; 3]>) {
    let edge = (molecules as f64).cbrt().ceil() as usize;
    let (mut numbers, mut positions) = (Vec::new(), Vec::new());
    for m in 0..molecules {
        let origin = [m % edge, m / edge % edge, m / edge / edge].map(|k| 5.87 * k as f64);
        let turn = 1.3 * m as f64;
        for (number, angle, distance) in [(8, 0.0, 0.0), (1, turn, 1.81), (1, turn + 1.82, 1.81)] {
            numbers.push(number);
            positions.push([
                origin[0] + distance * f64::cos(angle),
                origin[1] + distance * f64::sin(angle),
                origin[2] + 0.1 * turn.sin(),
            ]);
        }
    }
    (numbers, positions)
}

#[test]
#[ignore = "a measurement"]
fn dispersion_of_water() {
    for (molecules, edge) in [(7, None), (34, None), (100, None), (8, Some(11.74)), (64, Some(23.48))] {
        let (numbers, positions) = water(molecules);
        let lattice = edge.map(|a| [[a, 0.0, 0.0], [0.0, a, 0.0], [0.0, 0.0, a]]);
        let geometry = Geometry { numbers: &numbers, positions: &positions, lattice };
        let n = numbers.len();
        let charges: Vec<f64> = (0..n).map(|i| if i % 3 == 0 { -0.6 } else { 0.3 }).collect();
        let mut potential = vec![0.0; n];
        let mut sum = Derivatives::zero(n);
        let mut energy = 0.0;
        let mut d4 = D4::new(&geometry, Damping::GFN2).unwrap();
        let cn = Coordination::new(&geometry, Counting::Gfn).unwrap();
        println!(
            "{n} atoms, periodic {}: GFN counting {:.0} us, D4 new {:.0} us, potential {:.1} us, two-body derivatives {:.0} us, three-body energy {:.0} us, with derivatives {:.0} us",
            edge.is_some(),
            least(|| cn.add_derivatives(&geometry, black_box(&charges), &mut sum)),
            least(|| drop(black_box(D4::new(&geometry, Damping::GFN2)))),
            least(|| energy += d4.potential(&charges, &mut potential)),
            least(|| d4.add_derivatives(&charges, &mut sum)),
            least(|| energy += d4.three_body(None)),
            least(|| energy += d4.three_body(Some(&mut sum))),
        );
        black_box((energy, &sum));
    }
}
