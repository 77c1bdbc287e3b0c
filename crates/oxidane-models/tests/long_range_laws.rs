//! Laws of equilibrated charges and their electrostatics, in each architecture that has them.

mod common;
use common::{crystal, molecule, networks, potential, random, xpainn};
use oxidane_core::check::check_symmetries;
use oxidane_core::units::COULOMB;
use oxidane_core::{Evaluation, Potential, Request, System, elements, io};
use oxidane_math::erf::error_functions_f64;
use oxidane_models::charges::ElectrostaticsConfig;
use oxidane_models::xpainn::{Xpainn, XpainnConfig};
use oxidane_models::{Batch, Model, Scratch, file};
use std::path::Path;

fn example(name: &str) -> System {
    io::read_first(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name)).unwrap().system
}

/// To the rounding of sums over a hundred edges; lattice sums of a supercell are split otherwise, to their accuracy. (MPNICE alone:
/// its own tests.)
#[test]
fn symmetries_of_xpainn_with_charges_hold() {
    let electrostatics = Some(ElectrostaticsConfig { ewald_accuracy: 1e-12, ..Default::default() });
    let mut p = potential(random::<f64>("xpainn", &XpainnConfig { electrostatics, ..xpainn() }, 3), false);
    for system in [crystal(), molecule(0), molecule(2)] {
        check_symmetries(&mut p, &system, 1e-9).unwrap();
    }
}

/// In each structure of a batch: to 1e-12 in double precision, and to 1e-6 in single (which equilibrates in double).
#[test]
fn the_total_charge_is_exact() {
    let systems = [crystal(), molecule(-3), molecule(0), molecule(2), example("aspirin.xyz")];
    let parts: Vec<Batch> = systems.iter().map(|s| Batch::build(s, 4.0).unwrap()).collect();
    let batch = Batch::concat(&parts.iter().collect::<Vec<_>>());
    let request = Request { charges: true, ..Request::default() };
    for ((double, _), (single, _)) in networks::<f64>(5).into_iter().zip(networks::<f32>(5)) {
        let double = double.run(&batch, request, &mut Scratch::default(), false).unwrap();
        let single = single.run(&batch, request, &mut Scratch::default(), false).unwrap();
        for (s, system) in systems.iter().enumerate() {
            for (charges, tolerance) in [(&double.charges, 1e-12), (&single.charges, 1e-6)] {
                let sum: f64 = charges[batch.atoms_of(s)].iter().sum();
                assert!((sum - f64::from(system.charge)).abs() < tolerance, "{s}: {sum}");
            }
        }
        assert!(double.charges.iter().any(|q| q.abs() > 0.01), "no charge flows");
    }
}

/// With a readout of zero the energy is that of the charges, Gaussians of covalent radii, to rounding; the dipole is that of
/// the charges.
#[test]
fn charges_interact_as_gaussians() {
    for (mut network, name) in networks::<f64>(5) {
        let readout: Vec<_> =
            network.layout().entries.iter().filter(|e| e.name.starts_with(name)).map(|e| e.range()).collect();
        assert!(!readout.is_empty());
        readout.into_iter().for_each(|range| network.parameters_mut()[range].fill(0.0));
        let system = molecule(-1);
        let request = Request { charges: true, dipole: true, ..Request::ENERGY };
        let out = potential(network, false).evaluate(&system, request).unwrap();
        let (q, x) = (out.charges.unwrap(), &system.positions);
        let mut energy = 0.0;
        for i in 0..q.len() {
            for j in 0..i {
                let r = (0..3).map(|k| (x[i][k] - x[j][k]).powi(2)).sum::<f64>().sqrt();
                let s = |i: usize| elements::covalent_radius(system.numbers[i]);
                let g = s(i).hypot(s(j));
                energy += COULOMB * q[i] * q[j] * error_functions_f64(r / (2f64.sqrt() * g)).erf / r;
            }
        }
        assert!((out.energy.unwrap() - energy).abs() < 1e-12, "{:?} {energy}", out.energy);
        // The moment of an ion about the center of mass: that about the origin less the charge times the center.
        let mass: Vec<f64> = system.numbers.iter().map(|&z| elements::mass(z)).collect();
        for k in 0..3 {
            let center = (0..5).map(|i| mass[i] * x[i][k]).sum::<f64>() / mass.iter().sum::<f64>();
            let about_origin: f64 = (0..5).map(|i| q[i] * x[i][k]).sum();
            assert!((out.dipole.unwrap()[k] - (about_origin + center)).abs() < 1e-12);
        }
    }
}

/// Two equal neutral molecules share no charge, so that far apart they have twice the energy of one, but for their dipoles:
/// 14.4 eV angstrom (1 e angstrom)^2 / (300 angstrom)^3 is below 1e-6 eV. At 30 angstrom, far beyond the cutoff, they still
/// feel each other.
#[test]
fn equal_fragments_interact_beyond_the_cutoff() {
    let one = molecule(0);
    let two = |apart: f64| {
        let mut two = one.clone();
        two.numbers.extend(&one.numbers);
        two.positions.extend(one.positions.iter().map(|&[x, y, z]| [x + apart, y, z]));
        two
    };
    for (network, name) in networks::<f64>(5) {
        let mut p = potential(network, false);
        let mut energy = |s: &System| p.evaluate(s, Request::ENERGY).unwrap().energy.unwrap();
        let (alone, near, far) = (energy(&one), energy(&two(30.0)), energy(&two(300.0)));
        assert!((far - 2.0 * alone).abs() < 1e-6, "{name}: {alone} {far}");
        assert!((near - 2.0 * alone).abs() > 1e-7, "{name}: {alone} {near}");
    }
}

/// XPaiNN alone: MPNICE has a test of its own.
#[test]
fn the_same_bits_on_any_number_of_threads() {
    let water = example("water64.xyz");
    let (double, single) = (random::<f64>("xpainn", &xpainn(), 1), random::<f32>("xpainn", &xpainn(), 1));
    let evaluate = |threads: usize| -> [Evaluation; 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let request = Request { uncertainty: false, ..double.capabilities() };
        let mut a = potential(single.boxed_clone(), threads > 1);
        let mut b = potential(double.boxed_clone(), threads > 1);
        pool.install(|| [a.evaluate(&water, request).unwrap(), b.evaluate(&water, request).unwrap()])
    };
    let one = evaluate(1);
    assert!(one == evaluate(2) && one == evaluate(7));
}

/// Nothing jumps where an atom passes the cutoff of another, at the end of the real part of a lattice sum either: across it the
/// trapezium of the forces gives the energy difference to third order in the step.
#[test]
fn xpainn_with_charges_is_smooth_through_the_cutoff() {
    let mut p = potential(random::<f64>("xpainn", &xpainn(), 3), false);
    let edge = (4.0 * 4.0 - 0.3 * 0.3 - 0.2 * 0.2f64).sqrt();
    let mut at = |d: f64| {
        let positions = vec![[0.0, 0.0, 0.0], [0.9, 0.2, 0.1], [1.2, 1.1, 0.2], [d, 0.3, -0.2]];
        let system = System::molecule(vec![8, 1, 1, 6], positions);
        let out = p.evaluate(&system, Request::FORCES).unwrap();
        (out.energy.unwrap(), out.forces.unwrap()[3][0])
    };
    let h = 1e-5;
    let ((e0, f0), (e1, f1)) = (at(edge - h), at(edge + h));
    assert!((e1 - e0 + h * (f0 + f1)).abs() < 1e-11, "{e0} {e1} {f0} {f1}");
    assert!((f1 - f0).abs() < 1e-3, "{f0} {f1}");
}

/// The key is a switch or a table; without it the file says nothing, as files from before it.
#[test]
fn a_configuration_asks_for_charges() {
    let parse = |text: &str| serde_json::from_str::<XpainnConfig>(text);
    let keys = |text: &str| parse(text).unwrap().electrostatics;
    assert_eq!(keys("{}"), None);
    assert_eq!(keys("{\"electrostatics\": false}"), None);
    assert_eq!(keys("{\"electrostatics\": true}"), Some(ElectrostaticsConfig::default()));
    let learn = ElectrostaticsConfig { learn_widths: false, ..Default::default() };
    assert_eq!(keys("{\"electrostatics\": {\"learn_widths\": false}}"), Some(learn));
    let written = serde_json::to_value(parse("{}").unwrap()).unwrap();
    assert!(written.get("electrostatics").is_none());
    for (text, part) in [
        ("{\"electrostatics\": 3}", "a table with width_scale"),
        ("{\"electrostatics\": {\"width\": 3}}", "width"),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    for (text, part) in [
        ("{\"electrostatics\": {\"width_scale\": 0}}", "width_scale"),
        ("{\"electrostatics\": {\"ewald_accuracy\": 1}}", "ewald_accuracy"),
        ("{\"electrostatics\": true, \"output_modes\": [\"energy\", \"charges\"]}", "charges"),
        ("{\"electrostatics\": true, \"output_modes\": [\"energy\", \"dipole\"]}", "dipole"),
        ("{\"electrostatics\": true, \"output_modes\": [\"energy\", \"polar\"]}", "polar"),
    ] {
        let error = Xpainn::<f32>::layout_of(&parse(text).unwrap()).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    let can = xpainn().capabilities();
    assert!(can.charges && can.dipole && can.energy);
}

/// Cells that repeat in some directions only are refused, and a model file brings back the same model.
#[test]
fn xpainn_with_charges_is_refused_slabs_and_kept_in_files() {
    let network = random::<f32>("xpainn", &xpainn(), 9);
    let header = file::Header::new("tiny", network.architecture(), network.hyperparameters());
    let weights: Vec<f64> = network.parameters().iter().map(|&w| w.into()).collect();
    let model = Model::new(header, &file::split(network.layout(), &weights)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    model.save(&path).unwrap();
    let read = Model::load(&path).unwrap().network::<f32>().unwrap();
    let request = Request { uncertainty: false, ..network.capabilities() };
    let mut p = potential(network, false);
    let want = p.evaluate(&molecule(1), request).unwrap();
    assert_eq!(potential(read, false).evaluate(&molecule(1), request).unwrap(), want);
    let mut slab = crystal();
    slab.cell.as_mut().unwrap().periodic[2] = false;
    let error = p.evaluate(&slab, Request::ENERGY).unwrap_err().to_string();
    assert!(error.contains("slabs"), "{error}");
}
