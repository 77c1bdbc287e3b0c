//! Heads: names, what grows from what, and headers of several levels of theory.

use oxidane_core::{Request, System};
use oxidane_math::Real;
use oxidane_models::file::{self, Dispersion, ErrorEntry, Header};
use oxidane_models::heads::{self, Origin, grow};
use oxidane_models::mpnice::{Mpnice, MpniceConfig};
use oxidane_models::registry::{self, Precise};
use oxidane_models::xpainn::{Xpainn, XpainnConfig};
use oxidane_models::{Batch, Model, Network, PotentialOptions, Scratch};
use serde_json::json;

fn networks(heads: &[&str]) -> [Box<dyn Network<f64>>; 2] {
    let heads: Vec<String> = heads.iter().map(|h| (*h).to_owned()).collect();
    let xpainn = XpainnConfig {
        node_dim: 8,
        node_irreps: "8x0e+4x1o".into(),
        hidden_dim: 4,
        heads: heads.clone(),
        ..XpainnConfig::default()
    };
    let mpnice = MpniceConfig {
        node_dim: 8,
        channels: 8,
        update_dim: 8,
        readout_dim: 4,
        heads,
        ..MpniceConfig::default()
    };
    [Box::new(Xpainn::random(&xpainn, 1).unwrap()), Box::new(Mpnice::random(&mpnice, 1).unwrap())]
}

fn water() -> System {
    System::molecule(vec![8, 1, 1], vec![[0.0; 3], [0.96, 0.0, 0.0], [-0.24, 0.93, 0.0]])
}

fn energy(net: &dyn Network<f64>, head: u32) -> f64 {
    let mut batch = Batch::build(&water(), net.cutoff()).unwrap();
    batch.heads[0] = head;
    net.run(&batch, Request::ENERGY, &mut Scratch::default(), false).unwrap().energy[0]
}

#[test]
fn names_are_levels_of_theory_and_nothing_that_breaks_tensor_names() {
    let check =
        |names: &[&str]| heads::check_names(&names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>());
    let longest = "x".repeat(64);
    for good in [
        "PBE",
        "wB97X-D3BJ/def2-TZVPD",
        "DLPNO-CCSD(T)/CBS",
        "PBE0/6-311++G(2df,2p)",
        "HF/6-31G(d)",
        &longest,
    ] {
        check(&[good]).unwrap();
    }
    check(&[]).unwrap();
    check(&["a", "A", "head"]).unwrap();
    let longer = "x".repeat(65);
    for bad in ["", "MP2.5", "a b", "-x", "(x)", "ωB97X", "a\n", "a\"", "a\\b", "6-31G*", &longer] {
        let error = check(&["good", bad]).unwrap_err().to_string();
        assert!(error.starts_with("heads: ") && !error.contains('\n'), "{error}");
    }
    assert!(check(&["a", "b", "a"]).unwrap_err().to_string().contains("a is named twice"));
    for name in ["PBE", "wB97X-D3BJ/def2-TZVPD"] {
        let tensor = heads::tensor_name(name, "readout.0.weight");
        assert_eq!(heads::split_tensor_name(&tensor), (Some(name), "readout.0.weight"));
    }
    assert_eq!(heads::split_tensor_name("readout.0.weight"), (None, "readout.0.weight"));
}

/// Levels of theory are of the energy.
#[test]
fn networks_without_an_energy_have_no_heads() {
    for (settings, word) in [
        (json!({ "output_modes": ["charges"], "heads": ["PBE"] }), "readouts of the energy"),
        (json!({ "heads": ["PBE", "PBE"] }), "twice"),
        (json!({ "heads": "PBE" }), "hyperparameters of xpainn"),
    ] {
        let error = registry::layout("xpainn", &settings).unwrap_err().to_string();
        assert!(error.contains(word) && !error.contains('\n'), "{error}");
    }
}

/// Old heads keep their energies to the bit, copies begin with those of their origin, fresh ones with others.
#[test]
fn networks_grow_heads() {
    for donor in networks(&[]) {
        let two = grow(&*donor, &[("PBE", Origin::Head("")), ("PBE0", Origin::Fresh)], 7).unwrap();
        assert_eq!(two.heads(), ["PBE", "PBE0"]);
        assert_eq!(energy(&*two, 0), energy(&*donor, 0));
        assert_ne!(energy(&*two, 1), energy(&*donor, 0));
        let again = grow(&*donor, &[("PBE", Origin::Head("")), ("PBE0", Origin::Fresh)], 7).unwrap();
        assert_eq!(again.parameters(), two.parameters());
        let three =
            [("new", Origin::Head("PBE0")), ("PBE0", Origin::Head("PBE0")), ("PBE", Origin::Head("PBE"))];
        let three = grow(&*two, &three, 8).unwrap();
        assert_eq!(energy(&*three, 2), energy(&*two, 0));
        assert_eq!(energy(&*three, 1), energy(&*two, 1));
        assert_eq!(energy(&*three, 0), energy(&*two, 1));
        let refused = |heads: &[(&str, Origin<'_>)]| match grow(&*two, heads, 7) {
            Ok(_) => panic!("{heads:?}"),
            Err(e) => e.to_string(),
        };
        assert!(refused(&[]).contains("name at least one"));
        assert!(refused(&[("x", Origin::Head("B3LYP"))]).contains("there are PBE, PBE0"));
        assert!(refused(&[("x", Origin::Fresh), ("x", Origin::Fresh)]).contains("twice"));
        assert!(refused(&[("", Origin::Head("PBE"))]).contains("name"));
    }
}

fn described(net: &dyn Network<f64>) -> Header {
    let mut header = Header::new("levels", net.architecture(), net.hyperparameters());
    for (k, head) in header.heads.iter_mut().enumerate() {
        head.elements = vec![1, 8];
        head.reference_energies = [("H".to_owned(), -13.0 - k as f64), ("O".to_owned(), -2000.0)].into();
    }
    header
}

/// Each head has its reference energies; an unknown one is refused with a list of those that are.
#[test]
fn a_model_of_several_levels_answers_by_head() {
    for net in networks(&["PBE", "PBE0"]) {
        let header = Header { default_head: "PBE0".into(), ..described(&*net) };
        let bytes = file::to_bytes(&header, &file::split(net.layout(), net.parameters())).unwrap();
        let model = Model::from_bytes(&bytes).unwrap();
        let of = |head: Option<&str>| {
            let head = Some(model.header().head(head).unwrap().0);
            let options = PotentialOptions {
                head,
                precision: oxidane_models::Precision::F64,
                ..PotentialOptions::default()
            };
            model.potential(options).unwrap().evaluate(&water(), Request::ENERGY).unwrap().energy.unwrap()
        };
        let references = [-2026.0, -2028.0];
        for (k, name) in ["PBE", "PBE0"].into_iter().enumerate() {
            assert_eq!(of(Some(name)), energy(&*net, k as u32) + references[k]);
        }
        assert_eq!(of(None), of(Some("PBE0")));
        let error = model.header().head(Some("B3LYP")).unwrap_err().to_string();
        assert!(error.contains("model levels: no head is called \"B3LYP\"; there are PBE, PBE0"), "{error}");
        assert!(model.potential(PotentialOptions { head: Some(2), ..PotentialOptions::default() }).is_err());
    }
}

#[test]
fn headers_describe_the_heads_of_the_network() {
    let [net, _] = networks(&["PBE", "PBE0"]);
    let tensors = file::split(net.layout(), net.parameters());
    let entry = ErrorEntry {
        head: Some("B3LYP".into()),
        dataset: "test".into(),
        property: "energy".into(),
        mae: 0.1,
        rmse: 0.1,
        unit: "eV".into(),
        frames: 1,
    };
    let unknown = Dispersion { functional: "nothing".into(), three_body: false };
    type Change<'a> = &'a dyn Fn(&mut Header);
    let cases: [(&str, Change<'_>); 9] = [
        ("not those of the hyperparameters", &|h| h.heads.truncate(1)),
        ("not those of the hyperparameters", &|h| h.heads.reverse()),
        ("not those of the hyperparameters", &|h| h.heads[0].name = String::new()),
        ("default head", &|h| h.default_head = "B3LYP".into()),
        ("default head", &|h| h.default_head = String::new()),
        ("no reference energy of C", &|h| h.heads[1].elements = vec![1, 6]),
        ("no elements", &|h| h.heads[1].elements = vec![]),
        ("B3LYP", &|h| h.errors = vec![entry.clone()]),
        ("no parameters for functional", &|h| h.heads[0].dispersion = Some(unknown.clone())),
    ];
    for (what, change) in cases {
        let mut header = described(&*net);
        change(&mut header);
        let error = file::to_bytes(&header, &tensors).unwrap_err().to_string();
        assert!(error.contains(what) && !error.contains('\n'), "{error}");
        assert!(Model::new(header, &tensors).is_err(), "{what}");
    }
}

/// Waters of many shapes, each asking for a head, in more than one block of atoms.
fn mixed<R: Real>(net: &dyn Network<R>) -> (Vec<System>, Batch) {
    let stretched = |k: usize| {
        let mut system = water();
        system.positions[1][0] += 0.003 * k as f64;
        system
    };
    let systems: Vec<System> = (0..60).map(stretched).collect();
    let parts: Vec<Batch> = systems.iter().map(|s| Batch::build(s, net.cutoff()).unwrap()).collect();
    let mut batch = Batch::concat(&parts.iter().collect::<Vec<_>>());
    batch.heads = (0..60).map(|k: u32| k * k % 3 % 2).collect();
    (systems, batch)
}

/// `tolerance`: rounding of an energy, of some sums over features; a thousand times that of forces.
fn mixed_batches<R: Precise>(net: &dyn Network<R>, tolerance: f64) {
    let (systems, batch) = mixed(net);
    let run = |batch: &Batch, parallel: bool| {
        net.run(batch, Request::STRESS, &mut Scratch::default(), parallel).unwrap()
    };
    let all = run(&batch, false);
    for threads in [1, 2, 7] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(|| run(&batch, true)), all, "{threads} threads");
    }
    for (k, system) in systems.iter().enumerate() {
        let mut one = Batch::build(system, net.cutoff()).unwrap();
        one.heads[0] = batch.heads[k];
        let one = run(&one, false);
        assert!((one.energy[0] - all.energy[k]).abs() < tolerance, "{} {}", one.energy[0], all.energy[k]);
        let forces = all.forces[batch.atoms_of(k)].iter().flatten();
        for (a, b) in one.forces.iter().flatten().zip(forces) {
            assert!((a - b).abs() < 1e3 * tolerance, "{a} {b}");
        }
    }
}

#[test]
fn a_mixed_batch_is_its_structures_on_any_number_of_threads() {
    for net in networks(&["PBE", "PBE0"]) {
        mixed_batches(&*net, 1e-12);
        let weights = net.parameters().iter().map(|&w| w as f32).collect();
        let single =
            registry::with_parameters::<f32>(net.architecture(), &net.hyperparameters(), weights).unwrap();
        mixed_batches(&*single, 1e-5);
    }
}

/// Of each atom the hidden features and a 1, and the scalars after each block; sums over the atoms of a structure are the same in a batch as alone, to
/// the rounding of products of matrices of other sizes.
#[test]
fn features_are_of_each_structure() {
    for net in networks(&[]) {
        let (net, blocks) = (&*net, 3);
        let ethene = System::molecule(
            vec![6, 6, 1, 1, 1, 1],
            vec![
                [0.0; 3],
                [1.33, 0.0, 0.0],
                [-0.56, 0.93, 0.0],
                [-0.56, -0.93, 0.0],
                [1.89, 0.93, 0.0],
                [1.89, -0.93, 0.0],
            ],
        );
        let alone = [&water(), &ethene].map(|s| Batch::build(s, net.cutoff()).unwrap());
        let request = Request { uncertainty: true, ..Request::ENERGY };
        let run = |batch: &Batch| net.run(batch, request, &mut Scratch::default(), false).unwrap();
        let both = Batch::concat(&[&alone[0], &alone[1]]);
        let (found, atoms) = (run(&both).features, both.atoms());
        for (s, batch) in alone.iter().enumerate() {
            let own = run(batch).features;
            let n = batch.atoms();
            assert_eq!((own.last.len(), own.inner.len()), (n * (4 + 1), n * blocks * 8));
            let expected = own.sum(0..n, n);
            let sum = found.sum(both.atoms_of(s), atoms);
            assert_eq!((sum.len(), sum[4]), (5 + 8 * blocks, n as f64), "a 1 for the bias of each atom");
            sum.iter().zip(&expected).for_each(|(a, b)| assert!((a - b).abs() < 1e-12, "{a} {b}"));
            assert!(expected[5..].iter().any(|x| x.abs() > 1e-3));
        }
    }
}
