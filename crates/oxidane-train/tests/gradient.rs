//! The gradient of the whole loss against finite differences, and its independence of threads.

mod common;
use common::{CONFIG, Toy, data, two_heads, two_sets};
use oxidane_models::Network;
use oxidane_train::config::Config;
use oxidane_train::data::EdgeCache;
use oxidane_train::gradient::{Context, Gradient};
use oxidane_train::loss::Loss;
use oxidane_train::{Heads, ReferenceEnergies, TrainingData};

fn references(config: &Config, data: &TrainingData) -> Vec<ReferenceEnergies> {
    Heads::new(config, None).unwrap().reference_energies(config, data).unwrap()
}

/// Central differences with step 1e-5 on a loss of order 10, to 1e-7 relative: their own error is about 1e-8.
#[test]
fn gradient_of_the_loss_matches_finite_differences() {
    let (config, data) = (Config::parse(CONFIG).unwrap(), data(20));
    gradient_matches(&config, &data, Toy::new(0.2));
}

/// A batch of structures of two heads, mixed, each with the reference energies of its own.
#[test]
fn gradient_of_two_heads_matches_finite_differences() {
    let (config, data) = (Config::parse(&two_heads()).unwrap(), two_sets(12));
    gradient_matches(&config, &data, Toy::with_heads(0.2, &["low", "high"]));
}

fn gradient_matches(config: &Config, data: &TrainingData, mut network: Toy<f64>) {
    let references = references(config, data);
    let edges = EdgeCache::new(&data.data, 3.0, 4000);
    let loss = Loss::new(&config.loss);
    let context =
        Context { data: &data.data, edges: &edges, references: &references, loss: &loss, chunk_atoms: 12 };
    // In an order that mixes sets.
    let n = data.data.len();
    let frames: Vec<usize> = (0..n).map(|k| k * 7 % n).collect();
    let mut gradient = Gradient::default();
    gradient.compute(&context, &network, &frames).unwrap();
    let exact = gradient.get().to_vec();
    for k in 0..exact.len() {
        let mut at = |h: f64| {
            network.parameters_mut()[k] += h;
            let value = gradient.compute(&context, &network, &frames).unwrap().total();
            network.parameters_mut()[k] -= h;
            value
        };
        let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
        assert!((slope - exact[k]).abs() < 1e-7 * (1.0 + slope.abs()), "{k}: {slope} {}", exact[k]);
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
