//! Models that correct GFN2-xTB: their results, refusals and training.

mod common;
use common::{Bench, example};
use oxidane_core::check::{check_forces, check_virial};
use oxidane_core::{Potential, System};
use oxidane_models::file::{self, Base, Dispersion};
use oxidane_models::{Model, PotentialOptions, Precision, registry};
use oxidane_xtb::{Gfn2, Gfn2Options};
use serde_json::{Value, json};

fn gfn2() -> Base {
    Base { method: "gfn2".into(), version: oxidane_xtb::VERSION }
}

/// Small settings of both architectures.
fn settings(architecture: &str) -> Value {
    match architecture {
        "xpainn" => json!({
            "node_dim": 8, "node_irreps": "8x0e+4x1o+2x2e", "hidden_dim": 4, "hidden_irreps": "4x0e+2x1o+2x2e",
            "num_basis": 6, "cutoff": 4.0, "action_blocks": 2, "embedding": "one-hot",
            "cutoff_fn": "smooth", "length_epsilon": 0.1,
        }),
        _ => {
            json!({ "node_dim": 8, "channels": 8, "update_dim": 8, "readout_dim": 4, "cutoff": 4.0, "iterations": 2 })
        }
    }
}

/// Writes an untrained network that knows H, C, O and charges 0 and 1; all weights whose names begin with `zero` are 0.
fn write(bench: &Bench, name: &str, architecture: &str, base: Option<Base>, zero: Option<&str>) {
    let mut network = registry::build::<f64>(architecture, &settings(architecture), 7).unwrap();
    let layout = network.layout().clone();
    let silent = layout.entries.iter().filter(|e| zero.is_some_and(|start| e.name.starts_with(start)));
    let mut count = 0;
    for entry in silent {
        network.parameters_mut()[entry.range()].fill(0.0);
        count += 1;
    }
    assert_eq!(count > 0, zero.is_some(), "no weights begin with {zero:?}");
    let mut header = file::Header::new("correction", architecture, network.hyperparameters());
    let head = header.only_head_mut();
    (head.elements, head.charges, head.unpaired) = (vec![1, 6, 8], vec![0, 1], vec![0, 1]);
    head.base = base;
    let tensors = file::split(network.layout(), network.parameters());
    file::write(&bench.path(name), &header, &tensors).unwrap();
}

fn sp(bench: &Bench, file: &str, options: &[&str]) -> Value {
    bench.run(&[&["sp", file, "--json"], options].concat()).json()[0].take()
}

/// Numbers are printed in full: equal text is equal bits. The water molecule lies in no plane of the axes, so that no force is -0,
/// which a sum with 0 turns into +0.
#[test]
fn a_network_of_zeros_leaves_the_base_to_the_bit() {
    let bench = Bench::new();
    bench.write("bent.xyz", "3\n\nO 0.01 0.02 0.1173\nH 0.1 0.7572 -0.4692\nH -0.2 -0.7572 -0.4\n");
    write(&bench, "zero.safetensors", "xpainn", Some(gfn2()), Some("output_energy"));
    for options in [&[][..], &["--chrg", "1"], &["--precision", "f64"]] {
        let base = sp(&bench, "bent.xyz", &[options, &["--model", "gfn2"]].concat());
        let delta = sp(&bench, "bent.xyz", &[options, &["--model", "zero.safetensors"]].concat());
        // The network has no charges and no orbitals: those are the base's.
        for key in [
            "energy",
            "forces",
            "virial",
            "charges",
            "dipole",
            "homo",
            "lumo",
            "orbital_energies",
            "bond_orders",
        ] {
            assert!(!base[key].is_null(), "{key}");
            assert_eq!(base[key], delta[key], "{key}");
        }
    }
}

/// Energies, forces and virials add, to the bit; charges are the base's, and of the network's nothing is told.
#[test]
fn the_parts_add() {
    let bench = Bench::new();
    let ethanol = example("ethanol.xyz");
    let base = sp(&bench, &ethanol, &["--model", "gfn2"]);
    for architecture in ["xpainn", "mpnice"] {
        write(&bench, "delta.safetensors", architecture, Some(gfn2()), None);
        write(&bench, "alone.safetensors", architecture, None, None);
        let delta = sp(&bench, &ethanol, &["--model", "delta.safetensors"]);
        let alone = sp(&bench, &ethanol, &["--model", "alone.safetensors"]);
        let add = |a: &Value, b: &Value| a.as_f64().unwrap() + b.as_f64().unwrap();
        assert_eq!(delta["energy"], add(&base["energy"], &alone["energy"]));
        for key in ["forces", "virial"] {
            for (k, row) in base[key].as_array().unwrap().iter().enumerate() {
                (0..3).for_each(|c| {
                    assert_eq!(delta[key][k][c], add(&row[c], &alone[key][k][c]), "{key} {k} {c}")
                });
            }
        }
        assert_eq!(delta["charges"], base["charges"]);
        assert_eq!(delta["dipole"], base["dipole"]);
        bench
            .run(&["sp", &ethanol, "--model", "delta.safetensors", "--born-charges"])
            .refused(2, &["Born charges"]);
    }
}

/// The energy of the charge stands in the file and is added to the network's, here all zeros: nothing for a molecule, once for its cation.
#[test]
fn the_charge_has_its_energy() {
    let bench = Bench::new();
    write(&bench, "zero.safetensors", "xpainn", None, Some("output_energy"));
    let (mut header, tensors) = file::read(&bench.path("zero.safetensors")).unwrap();
    header.only_head_mut().charge_energy = 2.5;
    file::write(&bench.path("ion.safetensors"), &header, &tensors).unwrap();
    let energy =
        |options: &[&str]| sp(&bench, "water.xyz", &[options, &["--model", "ion.safetensors"]].concat());
    assert_eq!(energy(&[])["energy"], 0.0);
    assert_eq!(energy(&["--chrg", "1"])["energy"], 2.5);
    assert!(bench.run(&["info", "ion.safetensors", "--json"]).ok().contains("\"charge_energy\": 2.5"));
}

/// Dispersion of a head stands beside its base: the same as added by an option.
#[test]
fn dispersion_adds_to_a_base() {
    let bench = Bench::new();
    write(&bench, "delta.safetensors", "mpnice", Some(gfn2()), None);
    let (mut header, tensors) = file::read(&bench.path("delta.safetensors")).unwrap();
    header.only_head_mut().dispersion = Some(Dispersion { functional: "pbe".into(), three_body: false });
    file::write(&bench.path("d3.safetensors"), &header, &tensors).unwrap();
    let ethanol = example("ethanol.xyz");
    let within = sp(&bench, &ethanol, &["--model", "d3.safetensors"]);
    let added = sp(&bench, &ethanol, &["--model", "delta.safetensors", "--d3", "pbe"]);
    for key in ["energy", "forces", "virial", "charges"] {
        assert_eq!(within[key], added[key], "{key}");
    }
    bench.run(&["sp", &ethanol, "--model", "d3.safetensors", "--d3", "pbe"]).refused(2, &["twice"]);
}

/// Forces and virial are the derivatives of the energy. The limits are twice those of GFN2-xTB alone, which rounding sets: its energy
/// is right to 1e-12 eV, and differences over 1e-4 angstrom to some 1e-6 eV/angstrom.
#[test]
fn derivatives_are_those_of_the_energy() {
    let bench = Bench::new();
    let molecule = System::molecule(
        vec![8, 6, 1, 1],
        vec![[0.0, 0.05, 1.2], [0.02, 0.0, 0.0], [0.9, 0.3, -0.5], [-0.95, 0.1, -0.6]],
    );
    for architecture in ["xpainn", "mpnice"] {
        write(&bench, "delta.safetensors", architecture, Some(gfn2()), None);
        let model = Model::load(&bench.path("delta.safetensors")).unwrap();
        let options = PotentialOptions { precision: Precision::F64, ..PotentialOptions::default() };
        let refused = model.potential(options).err().unwrap().to_string();
        assert!(refused.contains("gfn2-v1"), "without its base it is nothing: {refused}");
        let base = |_: &Base| Ok(Box::new(Gfn2::new(Gfn2Options::default())?) as Box<dyn Potential>);
        let mut potential = model.potential_on(options, None, &base).unwrap();
        check_forces(&mut *potential, &molecule, 1e-4, 1e-5).unwrap();
        check_virial(&mut *potential, &molecule, 1e-4, 6e-6).unwrap();
    }
}

/// Dynamics start from the charges before, through the sum: a run that is stopped ends in the same bits.
#[test]
fn dynamics_go_on_to_the_same_bytes() {
    let bench = Bench::new();
    write(&bench, "delta.safetensors", "xpainn", Some(gfn2()), None);
    let run = |out: &str, options: &[&str]| {
        let all = [
            "md",
            "water.xyz",
            "--model",
            "delta.safetensors",
            "--temp",
            "300",
            "--save-every",
            "1fs",
            "--out",
            out,
        ];
        bench.run(&[&all[..], options].concat())
    };
    run("whole", &["--time", "10fs", "--threads", "1"]).ok();
    run("part", &["--time", "6fs", "--threads", "2"]).ok();
    assert!(bench.read("part.restart").contains("\"memory\": \""), "the base is remembered");
    run("part", &["--time", "10fs", "--restart"]).ok();
    assert_eq!(bench.bytes("whole.traj.xyz"), bench.bytes("part.traj.xyz"));
    // The memory is that of a sum, not of its base.
    let gfn2 = ["md", "water.xyz", "--model", "gfn2", "--out", "part", "--time", "12fs", "--restart"];
    bench.run(&gfn2).refused(2, &["the run was made with model"]);
}

#[test]
fn every_verb_takes_it() {
    let bench = Bench::new();
    write(&bench, "delta.safetensors", "xpainn", Some(gfn2()), Some("output_energy"));
    let delta = |arguments: &[&str]| bench.run(&[arguments, &["--model", "delta.safetensors"]].concat());
    let text = delta(&["sp", "water.xyz"]).ok();
    assert!(text.contains("correction (gfn2 + xpainn), f32"), "{text}");
    let opt = |model: &str| bench.run(&["opt", "water.xyz", "--json", "--model", model]).json();
    assert_eq!(opt("delta.safetensors")["energy"], opt("gfn2")["energy"]);
    let freq = |model: &str| bench.run(&["freq", "water.xyz", "--json", "--model", model]).json();
    assert_eq!(freq("delta.safetensors")[0]["hessian"], freq("gfn2")[0]["hessian"]);
    delta(&["sp", "water.xyz", "--out", "labels.extxyz"]).ok();
    let errors = bench.run(&["eval", "labels.extxyz", "--model", "gfn2", "--json"]).json();
    assert_eq!(errors["errors"]["energy"]["mae"], 0.0, "{errors}");
    delta(&["eval", "labels.extxyz"]).ok();
    assert_ne!(
        sp(&bench, "water.xyz", &["--model", "delta.safetensors", "--d3", "pbe"])["energy"],
        errors["energy"]
    );
    let info = bench.run(&["info", "delta.safetensors"]).ok();
    assert!(info.contains("gfn2, version 1; the network's energy is added to it"), "{info}");
    let info = bench.run(&["info", "delta.safetensors", "--json"]).json();
    assert_eq!(info["heads"][0]["base"], json!({ "method": "gfn2", "version": oxidane_xtb::VERSION }));
}

#[test]
fn what_does_not_fit_is_refused() {
    let bench = Bench::new();
    write(&bench, "delta.safetensors", "mpnice", Some(gfn2()), None);
    let run = |file: &str, options: &[&str]| {
        bench.run(&[&["sp", file, "--model", "delta.safetensors"], options].concat())
    };
    run("water.xyz", &["--etemp", "400"]).refused(2, &["--etemp", "gfn2 at its own temperature"]);
    run("water.xyz", &["--field", "0", "0", "0.1"]).refused(2, &["field", "gfn2"]);
    // What both cover: the network has seen no nitrogen and no dianions, the base takes no slabs.
    bench.write("nitrogen.xyz", "2\n\nN 0 0 0\nN 0 0 1.1\n");
    run("nitrogen.xyz", &[]).refused(5, &["atom 1 is N", "correction"]);
    run("water.xyz", &["--chrg", "-2"]).refused(5, &["charge -2"]);
    bench.write(
        "slab.xyz",
        "3\nLattice=\"5 0 0 0 5 0 0 0 9\" pbc=\"T T F\"\nO 0 0 0\nH .76 0 .59\nH -.76 0 .59\n",
    );
    run("slab.xyz", &[]).refused(5, &["slabs"]);
    for (base, words) in [
        (Base { version: 9, ..gfn2() }, ["version 9 of gfn2", "this program has version 1"]),
        (Base { method: "am1".into(), version: 1 }, ["am1", "update the program"]),
    ] {
        write(&bench, "delta.safetensors", "xpainn", Some(base), None);
        run("water.xyz", &[]).refused(4, &words);
    }
}

const TRAINING: &str = r#"
[loss]
energy_per_atom = { kind = "l2", weight = 1.0 }
forces = { kind = "l2", weight = 10.0 }
[train]
epochs = 6
batch_size = 4
"#;

const NETWORK: &str = r#"
[model]
architecture = "xpainn"
node_dim = 8
node_irreps = "8x0e+4x1o"
hidden_dim = 4
embedding = "one-hot"
cutoff = 3.0
action_blocks = 1
"#;

/// `data.extxyz`: waters and hydrogen molecules with labels of the tiny model.
fn data(bench: &Bench) {
    let hydrogen = "2\nname=hydrogen\nH 0 0 0\nH 0 0.7572 0.05\n";
    let both = [common::WATER, hydrogen];
    let frames: String =
        (0..24).map(|i| both[i % 2].replace("0.7572", &format!("0.{}", 6900 + 61 * i))).collect();
    bench.write("frames.xyz", &frames);
    bench.tiny(&["label", "frames.xyz", "--out", "data.extxyz", "--precision", "f64"]).ok();
}

/// What is said to a run without the labels of the base is the command that makes them; the model that comes out names its base,
/// and its errors are those of the sum: found again by `eval`, to the digits of energies of 2000 eV.
#[test]
fn a_correction_is_trained_on_the_difference() {
    let bench = Bench::new();
    data(&bench);
    let whole = bench.read("data.extxyz");
    // Frames have 5 and 4 lines in turn.
    let lines: Vec<&str> = whole.lines().collect();
    bench.write("data.extxyz", &(lines[..72].join("\n") + "\n"));
    bench.write("new.extxyz", &(lines[72..].join("\n") + "\n"));
    let sets = "[data]\nbase = \"gfn2\"\nfiles = [\"data.extxyz\"]\nvalidation_files = [\"new.extxyz\"]\n";
    let config = format!("{NETWORK}{sets}{TRAINING}[card]\nname = \"delta\"\n");
    bench.write("fit.toml", &config);
    let mut named = config.clone();
    for file in ["data.extxyz", "new.extxyz"] {
        let refused = bench.run(&["train", "fit.toml"]).refused(3, &[&format!("{file}:1"), "`gfn2_method`"]);
        let command = refused.err.split('`').find(|part| part.starts_with("oxidane label")).unwrap();
        let words: Vec<&str> = command.split(' ').skip(1).collect();
        bench.run(&words).ok();
        named = named.replace(&format!("\"{file}\""), &format!("\"{}\"", words.last().unwrap()));
        bench.write("fit.toml", &named);
    }
    let out = bench.run(&["train", "fit.toml", "--precision", "f64", "--threads", "1"]).ok();
    assert!(out.contains("gfn2-v1, taken off the labels\n"), "{out}");

    let info = bench.run(&["info", "fit.run/model.safetensors", "--json"]).json();
    assert_eq!(info["heads"][0]["base"], json!({ "method": "gfn2", "version": oxidane_xtb::VERSION }));
    let model = ["--model", "fit.run/model.safetensors", "--precision", "f64"];
    let eval = bench.run(&[&["eval", "new.extxyz", "--json"], &model[..]].concat()).json();
    for property in ["energy", "forces"] {
        let errors = info["errors"].as_array().unwrap();
        let entry =
            errors.iter().find(|e| e["dataset"] == "validation" && e["property"] == property).unwrap();
        let (a, b) = (entry["mae"].as_f64().unwrap(), eval["errors"][property]["mae"].as_f64().unwrap());
        assert!(a > 1e-3 && (a - b).abs() < 1e-9, "{property}: {a} {b}");
    }
    // The network knows the error of the sum: its size was set on these eight frames.
    let quality = &eval["uncertainty"];
    assert_eq!(quality["structures"], 8, "{quality}");
    let ratio = quality["error_over_uncertainty"].as_f64().unwrap();
    assert!((ratio - 1.0).abs() < 0.2, "{quality}");
    let new = bench.run(&[&["sp", "new.extxyz", "--json"], &model[..]].concat()).json();
    assert!(new[0]["energy_uncertainty"].as_f64().unwrap() > 0.0);
    bench.run(&[&["sp", "new.extxyz", "--strict"], &model[..]].concat()).refused(5, &["strange"]);

    let hot = [
        "label",
        "data.extxyz",
        "--model",
        "gfn2",
        "--etemp",
        "900",
        "--prefix",
        "gfn2_",
        "--out",
        "hot.extxyz",
    ];
    bench.run(&hot).ok();
    bench.write("fit.toml", &config.replace("data.extxyz", "hot.extxyz"));
    let refused = bench.run(&["train", "fit.toml", "--out", "b"]);
    refused.refused(3, &["gfn2-v1 at 900 K", "oxidane label"]);
}

/// Labels that differ from those of the base by energies of atoms alone: these are the reference energies, and nothing is left to
/// learn, so that a network of zeros has no error. Energies of water are some 140 eV: rounding and the fit leave 1e-9 of that.
#[test]
fn reference_energies_are_those_of_the_difference() {
    let bench = Bench::new();
    data(&bench);
    bench.run(&["label", "frames.xyz", "--model", "gfn2", "--prefix", "gfn2_", "--out", "base.extxyz"]).ok();
    let mut frames = oxidane_core::io::read_all(bench.path("base.extxyz")).unwrap();
    for frame in &mut frames {
        let shift: f64 = frame.system.numbers.iter().map(|z| if *z == 1 { -3.0 } else { -1700.0 }).sum();
        let energy = frame.info["gfn2_energy"].as_real().unwrap() + shift;
        frame.set_energy(energy);
        frame.arrays.insert("forces".into(), frame.arrays["gfn2_forces"].clone());
    }
    oxidane_core::io::write_frames(bench.path("data.extxyz"), &frames).unwrap();
    let sets = "[[heads]]\nbase = \"gfn2\"\n[data]\nfiles = [\"data.extxyz\"]\nsplit = { train_count = 16, validation_count = 8 }\n";
    let still =
        TRAINING.replace("[train]", "[optimizer]\nlr = 1e-12\n[train]").replace("epochs = 6", "epochs = 1");
    bench.write("fit.toml", &format!("{NETWORK}{sets}{still}"));
    bench.run(&["train", "fit.toml", "--precision", "f64"]).ok();
    let info = bench.run(&["info", "fit.run/model.safetensors", "--json"]).json();
    let energies = &info["heads"][0]["reference_energies"];
    for (symbol, expected) in [("H", -3.0), ("O", -1700.0)] {
        let found = energies[symbol].as_f64().unwrap();
        assert!((found - expected).abs() < 2e-7, "{symbol}: {found}");
    }
}

/// One head corrects GFN2-xTB, the other stands for itself; both are fine-tuned, and what contradicts the model is refused.
#[test]
fn heads_with_and_without_a_base() {
    let bench = Bench::new();
    data(&bench);
    bench.run(&["label", "data.extxyz", "--model", "gfn2", "--prefix", "low_", "--out", "both.extxyz"]).ok();
    let heads = r#"
[[heads]]
name = "direct"
[[heads]]
name = "delta"
base = "gfn2"
default = true
[[data.sets]]
name = "a"
head = "direct"
files = ["data.extxyz"]
split = { train_count = 8, validation_count = 4 }
[[data.sets]]
name = "b"
head = "delta"
files = ["both.extxyz"]
base_prefix = "low_"
split = { train_count = 8, validation_count = 4 }
"#;
    bench.write("fit.toml", &format!("{NETWORK}{heads}{TRAINING}"));
    bench.run(&["train", "fit.toml"]).ok();
    let model = "fit.run/model.safetensors";
    let info = bench.run(&["info", model]).ok();
    assert_eq!(info.matches("gfn2, version 1").count(), 1, "{info}");
    let water = |model: &str, head: &str| sp(&bench, "water.xyz", &["--model", model, "--head", head]);
    // Trained on the same labels, they are near each other, and only one has orbitals.
    let (direct, delta) = (water(model, "direct"), water(model, "delta"));
    let [a, b] = [&direct, &delta].map(|r| r["energy"].as_f64().unwrap());
    assert!((a - b).abs() < 5.0, "{a} {b}");
    assert!(direct["homo"].is_null() && delta["homo"].is_number());

    let tune = heads.replace("base = \"gfn2\"\n", "")
        + TRAINING
        + "[finetune]\nmodel = \"fit.run/model.safetensors\"\n";
    bench.write("tune.toml", &format!("[model]\narchitecture = \"xpainn\"\n{tune}"));
    bench.run(&["train", "tune.toml"]).ok();
    let tuned = bench.run(&["info", "tune.run/model.safetensors", "--json"]).json();
    assert!(tuned["heads"][0]["base"].is_null() && tuned["heads"][1]["base"]["method"] == "gfn2");
    water("tune.run/model.safetensors", "delta");

    let refused = |text: String, words: &[&str]| {
        bench.write("bad.toml", &format!("[model]\narchitecture = \"xpainn\"\n{text}"));
        bench.run(&["train", "bad.toml"]).refused(2, words);
    };
    let direct = "name = \"direct\"\n";
    refused(tune.replace(direct, &format!("{direct}base = \"gfn2\"\n")), &["gfn2", "no method"]);
    let new = "name = \"new\"\n";
    let other = tune.replace("\"direct\"", "\"new\"").replace(new, &format!("{new}base = \"pm3\"\n"));
    refused(other, &["pm3", "gfn2"]);
    let prefix = "base_prefix = \"low_\"\n";
    let head = "head = \"direct\"\n";
    refused(tune.replace(head, &format!("{head}{prefix}")), &["base_prefix", "no effect"]);
    refused(tune.replace(prefix, "base_prefix = \"\"\n"), &["base_prefix", "energy"]);
    let set = "[[data.sets]]\nname = \"a\"";
    refused(tune.replace(set, &format!("[data]\nbase = \"gfn2\"\n{set}")), &["data.base", "[[heads]]"]);
}
