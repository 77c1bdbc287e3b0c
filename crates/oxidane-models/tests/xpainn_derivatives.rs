//! Derivatives of XPaiNN against central differences, in double precision, over all of its options.

use oxidane_core::check::{Part, check_forces, check_gradient_parts, check_virial, derivative};
use oxidane_core::{Cell, Potential, Request, System};
use oxidane_models::xpainn::{Embedding, OutputMode, Xpainn, XpainnConfig};
use oxidane_models::{Batch, Network, NetworkPotential, Outputs, Scratch};
use std::sync::Arc;

/// A small periodic cell with images closer than the cutoff, and a charged radical.
fn structures() -> Vec<System> {
    let crystal = System {
        numbers: vec![8, 1, 6, 7],
        positions: vec![[0.1, 0.2, -0.1], [1.0, 0.4, 0.2], [2.1, 2.6, 1.7], [-0.6, 1.9, 3.1]],
        cell: Some(Cell::new([[4.1, 0.2, 0.0], [-0.7, 4.4, 0.3], [0.4, -0.2, 4.9]])),
        charge: 0,
        unpaired: 0,
    };
    let ion = System {
        numbers: vec![6, 8, 1, 1, 1],
        positions: vec![
            [0.0, 0.1, 0.0],
            [1.2, 0.3, 0.2],
            [-0.5, 0.9, 0.3],
            [-0.6, -0.8, 0.5],
            [1.6, -0.4, -0.7],
        ],
        cell: None,
        charge: -1,
        unpaired: 2,
    };
    vec![crystal, ion]
}

fn configs() -> Vec<XpainnConfig> {
    let base = XpainnConfig {
        node_dim: 12,
        node_irreps: "12x0e+6x1o+4x2e".into(),
        num_basis: 6,
        cutoff: 4.0,
        embedding: Embedding::OneHot,
        action_blocks: 2,
        hidden_dim: 7,
        hidden_irreps: "6x0e+5x1o+3x2e".into(),
        output_modes: vec![OutputMode::Energy, OutputMode::Charges, OutputMode::Dipole, OutputMode::Polar],
        ..XpainnConfig::default()
    };
    let with = |f: &dyn Fn(&mut XpainnConfig)| {
        let mut c = base.clone();
        f(&mut c);
        c
    };
    vec![
        with(&|c| (c.charge_embed, c.spin_embed) = (true, true)),
        with(&|c| {
            c.layer_norm = false;
            c.rbf_kernel = "gaussian".into();
            c.cutoff_fn = "polynomial".into();
            c.activation = "softplus".into();
        }),
        with(&|c| {
            c.node_irreps = "5x0e+4x1o+3x2e+2x3o+2x4e".into();
            c.rbf_kernel = "expbern".into();
            c.cutoff_fn = "exponential".into();
            c.activation = "sigmoid".into();
        }),
        with(&|c| {
            c.output_modes = vec![OutputMode::Energy];
            c.rbf_kernel = "expnorm".into();
            c.cutoff_fn = "flat".into();
            c.action_blocks = 3;
            c.embedding = Embedding::Aux56;
        }),
        with(&|c| {
            c.output_modes = vec![OutputMode::Energy];
            c.node_irreps = "7x0e+3x2e".into();
            c.action_blocks = 1;
            c.cutoff_fn = "smooth".into();
        }),
        with(&|c| {
            c.embedding = Embedding::Aux28;
            c.activation = "leakyrelu".into();
            c.node_irreps = "4x0e+3x1o+3x2e+3x3o+3x4e".into();
            c.layer_norm = true;
        }),
        with(&|c| {
            c.activation = "relu".into();
            c.node_irreps = "4x0e+2x3o+2x4e".into();
            c.output_modes = vec![OutputMode::Energy];
            c.layer_norm = false;
        }),
    ]
}

/// Random weights, biases and norms included, so that nothing vanishes.
fn network(config: &XpainnConfig) -> Xpainn<f64> {
    let mut net = Xpainn::<f64>::random(config, 11).unwrap();
    let mut x = 0.37;
    for w in net.parameters_mut() {
        x = (x * 997.13_f64 + 0.123).fract();
        *w += 0.2 * (x - 0.5);
    }
    net
}

fn run(net: &Xpainn<f64>, systems: &[System]) -> Outputs {
    let parts: Vec<Batch> = systems.iter().map(|s| Batch::build(s, net.cutoff()).unwrap()).collect();
    let batch = Batch::concat(&parts.iter().collect::<Vec<_>>());
    net.run(&batch, net.capabilities(), &mut Scratch::default(), false).unwrap()
}

/// The step of differences. It must be small beside 1e-5, the width over which the model rounds off the length |V| near
/// zero (and beside the distance of a random network's features to the kink of a relu); rounding then leaves about
/// 1e-16 / 3e-6, 1e-10 of the function's scale.
const STEP: f64 = 6e-6;

#[test]
fn forces_and_virial_are_derivatives_of_the_energy() {
    for config in configs() {
        let network = Arc::new(network(&config));
        let mut p = NetworkPotential::new("test", Arc::default(), network, None, false, true).unwrap();
        for system in structures() {
            let out = p.evaluate(&system, Request::STRESS).unwrap();
            let scale = 1.0 + out.forces.iter().flatten().flatten().fold(0.0f64, |m, f| m.max(f.abs()));
            check_forces(&mut p, &system, STEP, 2e-9 * scale).unwrap_or_else(|e| panic!("{config:?}: {e}"));
            check_virial(&mut p, &system, STEP, 1e-8 * scale).unwrap_or_else(|e| panic!("{config:?}: {e}"));
        }
    }
}

/// Every output enters, with a non-linear loss.
fn loss(out: &Outputs) -> (f64, Outputs) {
    let mut seeds = Outputs::default();
    let mut total = 0.0;
    let mut k = 0.0;
    let mut term = |x: f64| {
        k += 1.0;
        let target = (k * 1.7f64).sin();
        total += 0.5 * (x - target) * (x - target) * (1.0 + 0.1 * k);
        (x - target) * (1.0 + 0.1 * k)
    };
    seeds.energy = out.energy.iter().map(|&x| term(x)).collect();
    seeds.forces = out.forces.iter().map(|f| f.map(&mut term)).collect();
    seeds.virial = out.virial.iter().map(|v| v.map(|r| r.map(&mut term))).collect();
    seeds.charges = out.charges.iter().map(|&x| term(x)).collect();
    seeds.dipole = out.dipole.iter().map(|d| d.map(&mut term)).collect();
    seeds.polarizability = out.polarizability.iter().map(|v| v.map(|r| r.map(&mut term))).collect();
    (total, seeds)
}

#[test]
fn loss_gradients_are_derivatives_of_the_loss() {
    for config in configs() {
        let net = network(&config);
        let systems = structures();
        let parts: Vec<Batch> = systems.iter().map(|s| Batch::build(s, net.cutoff()).unwrap()).collect();
        let batch = Batch::concat(&parts.iter().collect::<Vec<_>>());
        for forces in [true, false] {
            let loss = |out: &Outputs| {
                let mut out = out.clone();
                if !forces {
                    (out.forces, out.virial) = (Vec::new(), Vec::new());
                }
                loss(&out)
            };
            let (_, seeds) = loss(&run(&net, &systems));
            let mut gradient = vec![0.0; net.layout().len];
            net.loss_gradient(&batch, &seeds, &mut Scratch::default(), &mut gradient).unwrap();
            let tensors = net.layout().entries.iter().filter(|e| e.trainable && !e.is_empty());
            let parts = tensors.map(|e| Part { name: e.name.clone(), range: e.range() });
            let at = net.parameters().to_vec();
            let value = |weights: &[f64]| {
                let net = Xpainn::with_parameters(&config, weights.to_vec())?;
                Ok(loss(&run(&net, &systems)).0)
            };
            // The loss is of order 1e2 to 1e5 here; its rounding over the step bounds the difference.
            let rounding = 1e-9 * value(&at).unwrap().max(1.0);
            let tolerance = |expected: f64| 1e-6 * expected.abs() + rounding;
            check_gradient_parts(value, &at, &gradient, parts, STEP, tolerance)
                .unwrap_or_else(|e| panic!("{config:?}: {e}"));
        }
    }
}

#[test]
fn hessian_products_are_derivatives_of_the_forces() {
    for config in configs() {
        let net = network(&config);
        for system in structures() {
            let v: Vec<[f64; 3]> =
                (0..system.len()).map(|i| std::array::from_fn(|k| ((3 * i + k) as f64).cos())).collect();
            let batch = Batch::build(&system, net.cutoff()).unwrap();
            let got = net.hessian_vector(&batch, &v, &mut Scratch::default()).unwrap();
            for i in 0..system.len() {
                for k in 0..3 {
                    let along = |h: f64| {
                        let mut s = system.clone();
                        for (x, v) in s.positions.iter_mut().flatten().zip(v.iter().flatten()) {
                            *x += h * v;
                        }
                        Ok(-run(&net, std::slice::from_ref(&s)).forces[i][k])
                    };
                    let want = derivative(along, STEP).unwrap();
                    assert!((got[i][k] - want).abs() < 1e-6 * (1.0 + want.abs()), "{i} {k} {config:?}");
                }
            }
        }
    }
}

/// A batch gives what its structures give alone; only the blocks of matrix products differ.
#[test]
fn a_batch_equals_its_structures() {
    for config in configs() {
        let net = network(&config);
        let systems = structures();
        let all = run(&net, &systems);
        let mut atom = 0;
        for (k, system) in systems.iter().enumerate() {
            let one = run(&net, std::slice::from_ref(system));
            assert!((one.energy[0] - all.energy[k]).abs() < 1e-11 * (1.0 + one.energy[0].abs()));
            for (a, b) in one.forces.iter().flatten().zip(all.forces[atom..].iter().flatten()) {
                assert!((a - b).abs() < 1e-9 * (1.0 + a.abs()));
            }
            atom += system.len();
        }
    }
}

/// The size of the published defaults: another count means another architecture than the checkpoints have.
#[test]
fn the_default_network_has_the_published_size() {
    let layout = Xpainn::<f32>::layout_of(&XpainnConfig::default()).unwrap();
    assert_eq!(layout.trainable(), 865_141);
}
