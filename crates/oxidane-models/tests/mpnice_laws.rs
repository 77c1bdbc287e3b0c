//! Laws that MPNICE must obey.

mod common;
use common::{crystal, molecule, mpnice as config, potential, random};
use oxidane_core::check::check_symmetries;
use oxidane_core::{Evaluation, Potential, Request, System, io};
use oxidane_models::mpnice::{Mpnice, MpniceConfig, NAME};
use oxidane_models::registry;
use oxidane_models::{Batch, Model, Network, PotentialOptions, Precision, Scratch, file};
use std::path::Path;

fn single(double: &dyn Network<f64>) -> Box<dyn Network<f32>> {
    let weights = double.parameters().iter().map(|&w| w as f32).collect();
    registry::with_parameters(NAME, &double.hyperparameters(), weights).unwrap()
}

fn example(name: &str) -> System {
    io::read_first(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name)).unwrap().system
}

/// To the rounding of sums over a hundred edges; lattice sums of a supercell are split otherwise, to their accuracy.
#[test]
fn symmetries_hold() {
    let config = MpniceConfig { ewald_accuracy: 1e-12, ..config() };
    let mut p = potential(random::<f64>(NAME, &config, 3), false);
    for system in [crystal(), molecule(0), molecule(2)] {
        check_symmetries(&mut p, &system, 1e-9).unwrap();
    }
}

/// Single precision keeps 1e-5 eV per atom and 1e-4 eV/angstrom, beside forces of several eV/angstrom.
#[test]
fn single_precision_is_close() {
    let double = random::<f64>(NAME, &MpniceConfig::default(), 7);
    let (mut single, mut double) = (potential(single(&*double), false), potential(double, false));
    for system in [crystal(), molecule(1), example("aspirin.xyz"), example("dry-ice.vasp")] {
        let (a, b) = (
            single.evaluate(&system, Request::STRESS).unwrap(),
            double.evaluate(&system, Request::STRESS).unwrap(),
        );
        let difference = (a.energy.unwrap() - b.energy.unwrap()).abs();
        assert!(difference < 1e-5 * system.len() as f64, "{difference}");
        for (a, b) in a.forces.iter().flatten().flatten().zip(b.forces.iter().flatten().flatten()) {
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
    }
}

/// What is kept from one geometry to the next changes no bit.
#[test]
fn results_do_not_depend_on_what_came_before() {
    let network = random::<f32>(NAME, &config(), 1);
    let fresh =
        |system: &System| potential(network.boxed_clone(), false).evaluate(system, Request::STRESS).unwrap();
    let mut kept = potential(network.boxed_clone(), false);
    let mut system = example("water64.xyz");
    for step in 0..4 {
        assert!(kept.evaluate(&system, Request::STRESS).unwrap() == fresh(&system), "{step}");
        system.positions.iter_mut().enumerate().for_each(|(i, x)| x[i % 3] += 0.1);
        if step == 1 {
            system.cell.as_mut().unwrap().vectors[0][0] *= 1.01;
        }
    }
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    let water = example("water64.xyz");
    let double = random::<f64>(NAME, &config(), 1);
    let single = single(&*double);
    let evaluate = |threads: usize| -> [Evaluation; 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let request = Request { uncertainty: false, ..MpniceConfig::CAPABILITIES };
        let (mut a, mut b) =
            (potential(single.boxed_clone(), threads > 1), potential(double.boxed_clone(), threads > 1));
        pool.install(|| [a.evaluate(&water, request).unwrap(), b.evaluate(&water, request).unwrap()])
    };
    let one = evaluate(1);
    assert!(one == evaluate(2) && one == evaluate(7));
}

/// Forces and second derivatives go continuously through the cutoff: their change over 2 h is bounded by C h. C is the change
/// per h at the largest h, doubled for its curvature; each halving must halve the bound, where a jump would stay.
#[test]
fn second_derivatives_go_continuously_through_the_cutoff() {
    let config = MpniceConfig { potential: false, ..config() };
    let network = random::<f64>(NAME, &config, 3);
    let edge = (4.0 * 4.0 - 0.3 * 0.3 - 0.2 * 0.2f64).sqrt();
    let at = |d: f64| {
        let positions = vec![[0.0, 0.0, 0.0], [0.9, 0.2, 0.1], [1.2, 1.1, 0.2], [d, 0.3, -0.2]];
        let system = System::molecule(vec![8, 1, 1, 6], positions);
        // One list for both sides, so that the electrostatics moves alike.
        let batch = Batch::build(&system, network.cutoff()).unwrap();
        let mut scratch = Scratch::default();
        let forces = network.run(&batch, Request::FORCES, &mut scratch, false).unwrap().forces;
        let along = [[0.0; 3], [0.0; 3], [0.0; 3], [1.0, 0.0, 0.0]];
        let hessian = network.hessian_vector(&batch, &along, &mut scratch).unwrap();
        (batch.edges.len(), [forces, hessian])
    };
    let change = |h: f64| {
        let ((near, inside), (far, outside)) = (at(edge - h), at(edge + h));
        assert!(near == 12 && far == 10, "the atom crosses the cutoff");
        [0, 1].map(|k| {
            let pairs = inside[k].iter().flatten().zip(outside[k].iter().flatten());
            pairs.fold(0.0f64, |most, (a, b)| most.max((a - b).abs()))
        })
    };
    let h = 2e-2;
    let first = change(h);
    for k in 1..10 {
        let h_k = h * 0.5f64.powi(k);
        let now = change(h_k);
        for (now, first) in now.into_iter().zip(first) {
            assert!(now <= 2.0 * first / h * h_k + 1e-12, "{h_k}: {now} after {first}");
        }
    }
}

/// A model file brings back the same model: the same bits of everything.
#[test]
fn model_files_round_trip() {
    let network = random::<f32>(NAME, &config(), 9);
    let mut header = file::Header::new("tiny", network.architecture(), network.hyperparameters());
    header.only_head_mut().charges = vec![0, 1];
    let weights: Vec<f64> = network.parameters().iter().map(|&w| w.into()).collect();
    let model = Model::new(header, &file::split(network.layout(), &weights)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    model.save(&path).unwrap();
    let read = Model::load(&path).unwrap();
    assert_eq!(read.trainable(), network.layout().trainable());
    let options =
        PotentialOptions { head: None, precision: Precision::F32, parallel: false, allow_close: true };
    let mut back = read.potential(options).unwrap();
    let request = Request { uncertainty: false, ..MpniceConfig::CAPABILITIES };
    let want = potential(network, false).evaluate(&molecule(1), request).unwrap();
    assert_eq!(back.evaluate(&molecule(1), request).unwrap(), want);
    let refused = back.evaluate(&molecule(-1), request).unwrap_err().to_string();
    assert!(refused.contains("charge -1"), "{refused}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let parse = |text: &str| serde_json::from_str::<MpniceConfig>(text);
    assert!(parse("{\"cutof\": 5.0}").unwrap_err().to_string().contains("cutof"));
    assert!(parse("{\"angular\": \"never\"}").is_err());
    for (text, key) in [
        ("{\"channels\": 4}", "angular_channels"),
        ("{\"l_max\": 5}", "l_max"),
        ("{\"iterations\": 0}", "iterations"),
        ("{\"cutoff\": 0.3}", "cutoff"),
        ("{\"basis_start\": 5.2}", "basis_start"),
        ("{\"width_scale\": 0}", "width_scale"),
        ("{\"ewald_accuracy\": 1}", "ewald_accuracy"),
    ] {
        let error = Mpnice::<f32>::layout_of(&parse(text).unwrap()).unwrap_err().to_string();
        assert!(error.contains(key), "{error}");
    }
    let mut p = potential(random::<f64>(NAME, &config(), 3), false);
    let mut slab = crystal();
    slab.cell.as_mut().unwrap().periodic[2] = false;
    let error = p.evaluate(&slab, Request::ENERGY).unwrap_err().to_string();
    assert!(error.contains("slabs"), "{error}");
    // No dipole of a crystal is given: it would depend on the choice of images.
    let request = Request { dipole: true, ..Request::ENERGY };
    assert_eq!(p.evaluate(&crystal(), request).unwrap().dipole, None);
}
