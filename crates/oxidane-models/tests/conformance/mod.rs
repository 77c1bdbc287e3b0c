//! Checks of any network in double precision against central differences.

use oxidane_core::check::{Part, check_forces, check_gradient_parts, check_virial, derivative};
use oxidane_core::{Cell, Potential, Request, System};
use oxidane_models::{Batch, Network, NetworkPotential, Outputs, Scratch, heads, registry};
use std::sync::Arc;

/// The tests of an architecture: of its name, configurations and step of differences.
macro_rules! tests {
    ($name:expr, $configs:expr, $step:expr) => {
        fn networks() -> Vec<Box<dyn oxidane_models::Network<f64>>> {
            $configs.iter().map(|c| $crate::conformance::network($name, c)).collect()
        }

        #[test]
        fn forces_and_virial_are_derivatives_of_the_energy() {
            networks().into_iter().for_each(|n| $crate::conformance::forces_and_virial(n, $step));
        }

        #[test]
        fn loss_gradients_are_derivatives_of_the_loss() {
            networks().iter().for_each(|n| $crate::conformance::loss_gradients(&**n, $step));
        }

        #[test]
        fn hessian_products_are_derivatives_of_the_forces() {
            networks().iter().for_each(|n| $crate::conformance::hessian_products(&**n, $step));
        }

        #[test]
        fn a_batch_equals_its_structures() {
            networks().iter().for_each(|n| $crate::conformance::batches(&**n));
        }

        #[test]
        fn heads_have_weights_of_their_own() {
            let several: Vec<_> = networks().into_iter().filter(|n| !n.heads().is_empty()).collect();
            assert!(!several.is_empty(), "no configuration has heads");
            several.iter().for_each(|n| $crate::conformance::heads(&**n));
        }
    };
}
pub(crate) use tests;

/// An untrained network in which nothing vanishes.
pub fn network(name: &str, config: &impl serde::Serialize) -> Box<dyn Network<f64>> {
    let mut network = registry::build(name, &serde_json::to_value(config).unwrap(), 11).unwrap();
    perturb(&mut *network, 0.2);
    network
}

/// A small charged cell with images closer than the cutoff, a charged radical, and an ion without edges.
pub fn structures() -> Vec<System> {
    let crystal = System {
        numbers: vec![8, 1, 6, 7],
        positions: vec![[0.1, 0.2, -0.1], [1.0, 0.4, 0.2], [2.1, 2.6, 1.7], [-0.6, 1.9, 3.1]],
        cell: Some(Cell::new([[4.1, 0.2, 0.0], [-0.7, 4.4, 0.3], [0.4, -0.2, 4.9]])),
        charge: 1,
        unpaired: 1,
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
    let apart =
        System { charge: 1, unpaired: 0, ..System::molecule(vec![1, 8], vec![[0.0; 3], [3.0, 5.0, 7.0]]) };
    vec![crystal, ion, apart]
}

/// Moves all weights by up to `amount` / 2, biases and norms included, so that nothing vanishes.
pub fn perturb(network: &mut dyn Network<f64>, amount: f64) {
    let mut x = 0.37;
    for w in network.parameters_mut() {
        x = (x * 997.13_f64 + 0.123).fract();
        *w += amount * (x - 0.5);
    }
}

/// The head that structure `k` asks for: all of them in turn, so that a batch of several is mixed.
fn head(network: &dyn Network<f64>, k: usize) -> u32 {
    (k % network.heads().len().max(1)) as u32
}

/// The structures as one batch.
pub fn batch(network: &dyn Network<f64>, systems: &[System]) -> Batch {
    let one = |(k, system): (usize, &System)| {
        let mut batch = Batch::build(system, network.cutoff()).unwrap();
        batch.heads = vec![head(network, k)];
        batch
    };
    let parts: Vec<Batch> = systems.iter().enumerate().map(one).collect();
    Batch::concat(&parts.iter().collect::<Vec<_>>())
}

/// All outputs of one batch.
pub fn run(network: &dyn Network<f64>, systems: &[System]) -> Outputs {
    let batch = batch(network, systems);
    network.run(&batch, network.capabilities(), &mut Scratch::default(), false).unwrap()
}

/// Forces to 2e-9 and virials to 1e-8 of the size of the forces, for a `step` that leaves differences as exact.
pub fn forces_and_virial(network: Box<dyn Network<f64>>, step: f64) {
    let network: Arc<dyn Network<f64>> = network.into();
    for (k, system) in structures().into_iter().enumerate() {
        let head = head(&*network, k);
        let p = NetworkPotential::new("test", Arc::default(), network.clone(), None, false, true).unwrap();
        let mut p = p.with_head(head);
        let out = p.evaluate(&system, Request::STRESS).unwrap();
        let scale = 1.0 + out.forces.iter().flatten().flatten().fold(0.0f64, |m, f| m.max(f.abs()));
        check_forces(&mut p, &system, step, 2e-9 * scale).unwrap();
        check_virial(&mut p, &system, step, 1e-8 * scale).unwrap();
    }
}

/// A loss in which every output enters that is a number, not linearly.
fn loss(out: &Outputs) -> (f64, Outputs) {
    let mut seeds = Outputs::default();
    let mut total = 0.0;
    let mut k = 0.0;
    let mut term = |x: f64| {
        k += 1.0;
        if !x.is_finite() {
            return 0.0;
        }
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

/// The gradient of a loss on all outputs, of one without forces and virials, and of one on a batch without edges, tensor by
/// tensor.
pub fn loss_gradients(net: &dyn Network<f64>, step: f64) {
    let (all, apart) = (structures(), structures().split_off(2));
    for (systems, forces) in [(&all, true), (&all, false), (&apart, true)] {
        loss_gradient(net, systems, forces, step);
    }
}

fn loss_gradient(net: &dyn Network<f64>, systems: &[System], forces: bool, step: f64) {
    let batch = batch(net, systems);
    let loss = |out: &Outputs| {
        let mut out = out.clone();
        if !forces {
            (out.forces, out.virial) = (Vec::new(), Vec::new());
        }
        loss(&out)
    };
    let (_, seeds) = loss(&run(net, systems));
    let mut gradient = vec![0.0; net.layout().len];
    net.loss_gradient(&batch, &seeds, &mut Scratch::default(), &mut gradient).unwrap();
    let tensors = net.layout().entries.iter().filter(|e| e.trainable && !e.is_empty());
    let parts = tensors.map(|e| Part { name: e.name.clone(), range: e.range() });
    let at = net.parameters().to_vec();
    let mut moved = net.boxed_clone();
    let mut value = |weights: &[f64]| {
        moved.parameters_mut().copy_from_slice(weights);
        Ok(loss(&run(&*moved, systems)).0)
    };
    // The loss is of order 1e2 to 1e5 here; its rounding over the step bounds the difference.
    let rounding = 1e-9 * value(&at).unwrap().max(1.0);
    let tolerance = |expected: f64| 1e-6 * expected.abs() + rounding;
    check_gradient_parts(value, &at, &gradient, parts, step, tolerance)
        .unwrap_or_else(|e| panic!("{}: {e}", net.hyperparameters()));
}

/// Hessian-vector products to 1e-6 of their size.
pub fn hessian_products(net: &dyn Network<f64>, step: f64) {
    structures().iter().for_each(|system| hessian_product(net, system, step));
}

fn hessian_product(net: &dyn Network<f64>, system: &System, step: f64) {
    let v: Vec<[f64; 3]> =
        (0..system.len()).map(|i| std::array::from_fn(|k| ((3 * i + k) as f64).cos())).collect();
    let one = batch(net, std::slice::from_ref(system));
    let got = net.hessian_vector(&one, &v, &mut Scratch::default()).unwrap();
    for i in 0..system.len() {
        for k in 0..3 {
            let along = |h: f64| {
                let mut s = system.clone();
                for (x, v) in s.positions.iter_mut().flatten().zip(v.iter().flatten()) {
                    *x += h * v;
                }
                Ok(-run(net, std::slice::from_ref(&s)).forces[i][k])
            };
            let want = derivative(along, step).unwrap();
            let name = net.hyperparameters();
            assert!((got[i][k] - want).abs() < 1e-6 * (1.0 + want.abs()), "{i} {k} {name}");
        }
    }
}

/// The derivatives of more atoms than a block takes, in a cell that is shorter than the cutoff: pairs within blocks and across, and of an
/// atom with its own images.
pub fn several_blocks(net: Box<dyn Network<f64>>, step: f64) {
    let lengths = [3.6, 8.4, 19.2];
    let counts = [2, 4, 9];
    let place = |k: usize| {
        let cells = [k % counts[0], k / counts[0] % counts[1], k / (counts[0] * counts[1])];
        std::array::from_fn(|d| {
            let shake = 0.2 * ((7 * k + 3 * d) as f64).sin();
            cells[d] as f64 * lengths[d] / counts[d] as f64 + shake
        })
    };
    let atoms = counts.iter().product();
    let system = System {
        numbers: (0..atoms).map(|k| [6, 1, 8, 7][k % 4]).collect(),
        positions: (0..atoms).map(place).collect(),
        cell: Some(Cell::new([[lengths[0], 0.0, 0.0], [0.1, lengths[1], 0.0], [0.0, -0.2, lengths[2]]])),
        charge: 0,
        unpaired: 0,
    };
    assert!(net.cutoff() > lengths[0], "no atom sees its own images");
    loss_gradient(&*net, std::slice::from_ref(&system), true, step);
    hessian_product(&*net, &system, step);
    let net: Arc<dyn Network<f64>> = net.into();
    let mut p = NetworkPotential::new("test", Arc::default(), net, None, false, true).unwrap();
    let out = p.evaluate(&system, Request::STRESS).unwrap();
    let scale = 1.0 + out.forces.iter().flatten().flatten().fold(0.0f64, |m, f| m.max(f.abs()));
    check_forces(&mut p, &system, step, 2e-9 * scale).unwrap();
    check_virial(&mut p, &system, step, 1e-8 * scale).unwrap();
}

/// A batch gives what its structures give alone, each with its head; only the blocks of matrix products differ. Another head
/// gives another energy and the same charges.
pub fn batches(net: &dyn Network<f64>) {
    let systems = structures();
    let all = run(net, &systems);
    let mut atom = 0;
    for (k, system) in systems.iter().enumerate() {
        let mut batch = Batch::build(system, net.cutoff()).unwrap();
        let mut with = |head: u32| {
            batch.heads = vec![head];
            net.run(&batch, net.capabilities(), &mut Scratch::default(), false).unwrap()
        };
        let one = with(head(net, k));
        if net.heads().len() > 1 {
            let other = with(head(net, k + 1));
            assert!((one.energy[0] - other.energy[0]).abs() > 1e-3, "{}", net.hyperparameters());
            assert_eq!(one.charges, other.charges);
        }
        assert!((one.energy[0] - all.energy[k]).abs() < 1e-11 * (1.0 + one.energy[0].abs()));
        for (a, b) in one.forces.iter().flatten().zip(all.forces[atom..].iter().flatten()) {
            assert!((a - b).abs() < 1e-9 * (1.0 + a.abs()));
        }
        for (a, b) in one.charges.iter().zip(&all.charges[atom.min(all.charges.len())..]) {
            assert!((a - b).abs() < 1e-11 * (1.0 + a.abs()));
        }
        atom += system.len();
    }
}

/// Heads beyond those of the network are refused; the weights of a head that no structure asks for have no gradient, those of the
/// others have one.
pub fn heads(net: &dyn Network<f64>) {
    let mut batch = batch(net, &structures());
    let mut scratch = Scratch::default();
    let last = net.heads().len() as u32 - 1;
    batch.heads.fill(last);
    let seeds = Outputs { energy: vec![1.0; 3], ..Outputs::default() };
    let mut gradient = vec![0.0; net.layout().len];
    net.loss_gradient(&batch, &seeds, &mut scratch, &mut gradient).unwrap();
    for entry in &net.layout().entries {
        let (head, _) = heads::split_tensor_name(&entry.name);
        let felt = gradient[entry.range()].iter().any(|&g| g != 0.0);
        if let Some(head) = head {
            assert_eq!(felt, head == net.heads()[last as usize], "{}", entry.name);
        }
    }
    batch.heads[1] = last + 1;
    let error = net.run(&batch, Request::ENERGY, &mut scratch, false).unwrap_err().to_string();
    assert!(error.contains("structure 2 of the batch asks for head 2, but the network has 2"), "{error}");
}
