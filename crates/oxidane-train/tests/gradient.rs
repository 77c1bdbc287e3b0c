//! The gradient of the whole loss against finite differences, and its independence of threads.

mod common;
use common::{CONFIG, Toy, data, two_heads, two_sets};
use oxidane_models::{Entry, Network, registry};
use oxidane_train::config::Config;
use oxidane_train::data::EdgeCache;
use oxidane_train::gradient::{Context, Gradient};
use oxidane_train::loss::Loss;
use oxidane_train::{Heads, ReferenceEnergies, TrainingData};

fn references(config: &Config, data: &TrainingData) -> Vec<ReferenceEnergies> {
    Heads::new(config, None, &[]).unwrap().reference_energies(config, data).unwrap()
}

/// Central differences with step 1e-5 on a loss of order 10, to 1e-7 relative: their own error is about 1e-8.
#[test]
fn gradient_of_the_loss_matches_finite_differences() {
    let (config, data) = (Config::parse(CONFIG).unwrap(), data(20));
    gradient_matches(&config, &data, &mut Toy::new(0.2), 1e-7);
}

/// A batch of structures of two heads, mixed, each with the reference energies of its own.
#[test]
fn gradient_of_two_heads_matches_finite_differences() {
    let (config, data) = (Config::parse(&two_heads()).unwrap(), two_sets(12));
    gradient_matches(&config, &data, &mut Toy::with_heads(0.2, &["low", "high"]), 1e-7);
}

/// The same with a network whose heads share charges: energies, forces, stresses, charges and dipoles of two heads at once. The
/// energies are larger and rounded more often: to 1e-6.
#[test]
fn gradient_of_two_heads_of_mpnice_matches_finite_differences() {
    let (config, data) = (Config::parse(&two_heads()).unwrap(), two_sets(8));
    let hyperparameters = serde_json::json!({
        "heads": ["low", "high"], "cutoff": 3.0, "iterations": 2, "node_dim": 6, "channels": 3, "angular_channels": 2,
        "num_basis": 4, "num_angular_basis": 3, "l_max": 1, "update_dim": 6, "readout_dim": 4,
        "ewald_accuracy": 1e-9,
    });
    let mut network = registry::build::<f64>("mpnice", &hyperparameters, 3).unwrap();
    gradient_matches(&config, &data, &mut *network, 1e-6);
}

/// Polarisabilities, of a network that has them.
#[test]
fn gradient_of_polarizabilities_matches_finite_differences() {
    let (before, rest) = CONFIG.split_once("[loss]").unwrap();
    let loss = "[loss]\npolarizability = { kind = \"l2\", weight = 0.1 }\n[optimizer]";
    let text = format!("{before}{loss}{}", rest.split_once("[optimizer]").unwrap().1);
    let hyperparameters = serde_json::json!({
        "output_modes": ["polar"], "cutoff": 3.0, "action_blocks": 2, "node_dim": 6, "node_irreps": "6x0e+3x1o+2x2e",
        "hidden_dim": 4, "hidden_irreps": "4x0e+2x1o+2x2e", "embedding": "one-hot", "length_epsilon": 0.1,
    });
    let mut network = registry::build::<f64>("xpainn", &hyperparameters, 3).unwrap();
    gradient_matches(&Config::parse(&text).unwrap(), &data(8), &mut *network, 1e-6);
}

/// Along every weight of a small network, else along a direction within each tensor.
fn directions(network: &dyn Network<f64>) -> Vec<Vec<(usize, f64)>> {
    let layout = network.layout();
    if layout.len < 50 {
        return (0..layout.len).map(|k| vec![(k, 1.0)]).collect();
    }
    let along = |e: &Entry| e.range().map(|k| (k, (1.3 * k as f64).cos())).collect();
    layout.entries.iter().filter(|e| e.trainable).map(along).collect()
}

fn gradient_matches(config: &Config, data: &TrainingData, network: &mut dyn Network<f64>, tolerance: f64) {
    let references = references(config, data);
    let edges = EdgeCache::new(&data.data, 3.0, 4000);
    let loss = Loss::new(&config.loss);
    let context =
        Context { data: &data.data, edges: &edges, references: &references, loss: &loss, chunk_atoms: 12 };
    // In an order that mixes sets.
    let n = data.data.len();
    let frames: Vec<usize> = (0..n).map(|k| k * 7 % n).collect();
    let mut gradient = Gradient::default();
    gradient.compute(&context, network, &frames).unwrap();
    let exact = gradient.get().to_vec();
    for direction in directions(network) {
        let want: f64 = direction.iter().map(|&(k, d)| d * exact[k]).sum();
        let start = network.parameters().to_vec();
        let mut at = |h: f64| {
            direction.iter().for_each(|&(k, d)| network.parameters_mut()[k] = start[k] + h * d);
            let value = gradient.compute(&context, network, &frames).unwrap().total();
            network.parameters_mut().copy_from_slice(&start);
            value
        };
        let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
        let first = direction[0].0;
        assert!((slope - want).abs() < tolerance * (1.0 + slope.abs()), "from {first}: {slope} {want}");
    }
}

/// A few small structures still make several units of work; large batches keep to the limit.
#[test]
fn small_batches_are_cut_finely() {
    let (config, data) = (Config::parse(CONFIG).unwrap(), data(200));
    let references = references(&config, &data);
    let edges = EdgeCache::new(&data.data, 3.0, 0);
    let loss = Loss::new(&config.loss);
    let of = |chunk_atoms| Context {
        data: &data.data,
        edges: &edges,
        references: &references,
        loss: &loss,
        chunk_atoms,
    };
    let frames: Vec<usize> = (0..200).collect();
    let atoms = |chunk: &[usize]| chunk.iter().map(|&i| data.data.atoms(i)).sum::<usize>();
    assert_eq!(of(128).chunks(&frames[..3]).len(), 1);
    // 20 structures of 3 to 9 atoms: 32 atoms to a chunk instead of all in one.
    let few = of(128).chunks(&frames[..20]);
    assert!(few.len() >= 3 && few.iter().all(|c| atoms(c) <= 32), "{few:?}");
    assert!(of(128).chunks(&frames).iter().all(|c| atoms(c) <= 128));
    assert!(of(12).chunks(&frames).iter().all(|c| atoms(c) <= 12));
}
