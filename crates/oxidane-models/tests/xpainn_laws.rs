//! Laws that a potential must obey, on imported checkpoints of XPaiNN.

mod common;
use common::crystal;
use oxidane_core::check::{check_forces, check_symmetries, check_virial};
use oxidane_core::{Cell, Evaluation, Potential, Request, System, io};
use oxidane_math::cutoff::Cutoff;
use oxidane_models::xpainn::{Embedding, NAME, XpainnConfig};
use oxidane_models::{Model, NetworkPotential, PotentialOptions, Precision, registry};
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn potential(name: &str, precision: Precision, parallel: bool) -> Box<dyn Potential> {
    let options = PotentialOptions { head: None, precision, parallel, allow_close: true };
    Model::load(&data(name)).unwrap().potential(options).unwrap()
}

const CHECKPOINTS: [&str; 2] = ["small-charge-spin", "small-onehot-multi"];

/// The structures and values that XequiNet computed in double precision.
fn references(name: &str) -> Vec<(System, f64, Vec<[f64; 3]>)> {
    let text = std::fs::read_to_string(data(&format!("{name}.jsonl"))).unwrap();
    text.lines()
        .map(|line| {
            let v: serde_json::Value = serde_json::from_str(line).unwrap();
            let cell: Option<[[f64; 3]; 3]> = serde_json::from_value(v["cell"].clone()).unwrap();
            let system = System {
                numbers: serde_json::from_value(v["numbers"].clone()).unwrap(),
                positions: serde_json::from_value(v["positions"].clone()).unwrap(),
                cell: cell.map(Cell::new),
                charge: v["charge"].as_i64().unwrap() as i32,
                unpaired: v["unpaired"].as_u64().unwrap() as u32,
            };
            let forces = serde_json::from_value(v["forces"].clone()).unwrap();
            (system, v["energy"][0].as_f64().unwrap(), forces)
        })
        .collect()
}

/// Single precision keeps 1e-5 eV per atom and 1e-4 eV/angstrom on every structure, the symmetric ones included,
/// which it redoes in double.
#[test]
fn single_precision_is_close_everywhere() {
    for name in CHECKPOINTS {
        let mut potential = potential(&format!("{name}.pt"), Precision::F32, false);
        for (system, energy, forces) in references(name) {
            let out = potential.evaluate(&system, Request::FORCES).unwrap();
            assert!((out.energy.unwrap() - energy).abs() < 1e-5 * system.len() as f64, "{name}");
            for (a, b) in out.forces.unwrap().iter().flatten().zip(forces.iter().flatten()) {
                assert!((a - b).abs() < 1e-4, "{name}: {a} {b}");
            }
            // The energy has the same bits whether forces are asked for or not, redone in double or not.
            let alone = potential.evaluate(&system, Request::ENERGY).unwrap();
            assert_eq!(alone.energy, out.energy, "{name}");
        }
    }
}

/// Forces and virial to 1e-8 of their scale (the step stays inside the kink of the length, 1e-5); symmetries
/// to the rounding of sums over a hundred edges.
#[test]
fn derivatives_and_symmetries_hold() {
    for name in CHECKPOINTS {
        let mut p = potential(&format!("{name}.pt"), Precision::F64, false);
        let molecule = System { cell: None, ..crystal() };
        for system in [crystal(), molecule] {
            check_forces(&mut *p, &system, 4e-6, 2e-8).unwrap();
            check_virial(&mut *p, &system, 4e-6, 2e-7).unwrap();
            check_symmetries(&mut *p, &system, 1e-9).unwrap();
        }
    }
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/water64.xyz");
    let water = io::read_first(file).unwrap().system;
    for precision in [Precision::F32, Precision::F64] {
        let results: Vec<Evaluation> = [1, 2, 7]
            .into_iter()
            .map(|threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let mut p = potential("small-charge-spin.pt", precision, threads > 1);
                pool.install(|| p.evaluate(&water, Request::STRESS).unwrap())
            })
            .collect();
        assert_eq!(results[0], results[1]);
        assert_eq!(results[0], results[2]);
    }
}

/// Moving an atom through the cutoff of another changes energy and force without a jump: across the cutoff the
/// trapezium of the forces gives the energy difference to third order in the step. For imported checkpoints, whose
/// weights are those of a real model.
#[test]
fn the_energy_of_checkpoints_is_smooth_through_the_cutoff() {
    for name in CHECKPOINTS {
        let mut p = potential(&format!("{name}.pt"), Precision::F64, false);
        let mut at = |d: f64| {
            let system = System::molecule(
                vec![8, 1, 1, 6],
                vec![[0.0, 0.0, 0.0], [0.9, 0.2, 0.1], [-0.3, 0.9, 0.2], [d, 0.3, -0.2]],
            );
            let system = System { unpaired: 0, ..system };
            let out = p.evaluate(&system, Request::FORCES).unwrap();
            (out.energy.unwrap(), out.forces.unwrap()[3][0])
        };
        let cutoff = if name == "small-charge-spin" { 5.0 } else { 4.5 };
        let edge = (cutoff * cutoff - 0.3 * 0.3 - 0.2 * 0.2f64).sqrt();
        let h = 1e-6;
        let ((e0, f0), (e1, f1)) = (at(edge - h), at(edge + h));
        assert!((e1 - e0 + h * (f0 + f1)).abs() < 1e-11, "{name}: {e0} {e1} {f0} {f1}");
        assert!((f1 - f0).abs() < 1e-4, "{name}: {f0} {f1}");
    }
}

/// For every cutoff function the force is continuous through the cutoff: its change |F(c + h) - F(c - h)| is bounded by
/// C h and goes to zero with h. C is the change per h at the largest h, doubled for its curvature; seven halvings make
/// the change about 128 times smaller, where a jump would leave it as it is.
#[test]
fn forces_go_continuously_through_every_cutoff() {
    for name in Cutoff::ALL.map(Cutoff::name) {
        let config = XpainnConfig {
            node_dim: 12,
            node_irreps: "12x0e+6x1o+4x2e".into(),
            num_basis: 6,
            cutoff: 4.0,
            cutoff_fn: name.into(),
            embedding: Embedding::OneHot,
            action_blocks: 2,
            length_epsilon: 0.1,
            hidden_dim: 7,
            ..XpainnConfig::default()
        };
        let network = registry::build::<f64>(NAME, &serde_json::to_value(config).unwrap(), 3).unwrap().into();
        let mut p = NetworkPotential::new(name, Arc::default(), network, None, false, true).unwrap();
        // The last atom passes the cutoff of the first along x; its distances to the others stay inside.
        let edge = (4.0 * 4.0 - 0.3 * 0.3 - 0.2 * 0.2f64).sqrt();
        let mut forces = |d: f64| {
            let positions = vec![[0.0, 0.0, 0.0], [0.9, 0.2, 0.1], [1.2, 1.1, 0.2], [d, 0.3, -0.2]];
            let system = System::molecule(vec![8, 1, 1, 6], positions);
            p.evaluate(&system, Request::FORCES).unwrap().forces.unwrap()
        };
        let mut change = |h: f64| {
            let (inside, outside) = (forces(edge - h), forces(edge + h));
            let pairs = inside.iter().flatten().zip(outside.iter().flatten());
            pairs.fold(0.0f64, |most, (a, b)| most.max((a - b).abs()))
        };
        let h = 2e-3;
        let first = change(h);
        assert!(first > 1e-9, "{name}: the cutoff is not felt");
        for k in 1..8 {
            let (h_k, change) = (h * 0.5f64.powi(k), change(h * 0.5f64.powi(k)));
            assert!(change <= 2.0 * first / h * h_k + 1e-12, "{name} {h_k}: {change} after {first}");
        }
    }
}
