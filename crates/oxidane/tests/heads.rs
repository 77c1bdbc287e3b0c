//! Models of several levels of theory: `--head`, dispersion as a part of a head, and what is said of charged cells and of dipoles of ions.

mod common;
use common::{Bench, example};
use oxidane_models::file::{self, Dispersion, ErrorEntry};
use oxidane_models::registry;
use serde_json::{Value, json};

/// `levels.safetensors`: an untrained MPNICE of the heads PBE, with dispersion and the default, and HF/CBS, which knows no carbon.
fn levels() -> Bench {
    let bench = Bench::new();
    let settings = json!({
        "node_dim": 8, "channels": 8, "update_dim": 8, "readout_dim": 4, "cutoff": 4.0, "iterations": 2,
        "heads": ["HF/CBS", "PBE"],
    });
    let network = registry::build::<f64>("mpnice", &settings, 7).unwrap();
    let mut header = file::Header::new("levels", "mpnice", network.hyperparameters());
    header.default_head = "PBE".into();
    for (head, elements) in header.heads.iter_mut().zip([vec![1, 8], vec![1, 6, 8]]) {
        head.elements = elements;
        head.charges = vec![0, 1];
        head.unpaired = vec![0];
    }
    header.heads[0].reference_energies = [("H".to_owned(), -13.0), ("O".to_owned(), -2000.0)].into();
    header.heads[1].level_of_theory = Some("PBE-D3(BJ)/def2-SVP".into());
    header.heads[1].dispersion = Some(Dispersion { functional: "pbe".into(), three_body: false });
    header.errors = vec![ErrorEntry {
        head: Some("HF/CBS".into()),
        dataset: "test".into(),
        property: "forces".into(),
        mae: 0.1,
        rmse: 0.2,
        unit: "eV/angstrom".into(),
        frames: 9,
    }];
    let tensors = file::split(network.layout(), network.parameters());
    file::write(&bench.path("levels.safetensors"), &header, &tensors).unwrap();
    header.heads[1].dispersion = None;
    file::write(&bench.path("bare.safetensors"), &header, &tensors).unwrap();
    bench
}

fn energy(bench: &Bench, file: &str, options: &[&str]) -> Value {
    let all = [&["sp", file, "--json", "--precision", "f64"], options].concat();
    bench.run(&all).json()[0].take()
}

#[test]
fn a_head_is_chosen_and_named() {
    let bench = levels();
    let of = |options: &[&str]| {
        energy(&bench, "water.xyz", &[&["--model", "levels.safetensors"], options].concat())
    };
    let (default, pbe, hf) = (of(&[]), of(&["--head", "PBE"]), of(&["--head", "HF/CBS"]));
    assert_eq!(default, pbe);
    assert_eq!((&pbe["head"], &pbe["level_of_theory"]), (&json!("PBE"), &json!("PBE-D3(BJ)/def2-SVP")));
    assert_eq!((&hf["head"], &hf["level_of_theory"]), (&json!("HF/CBS"), &Value::Null));
    // The reference energies of one head alone.
    assert!(hf["energy"].as_f64().unwrap() < -2000.0 && pbe["energy"].as_f64().unwrap() > -1000.0);
    let text = bench.run(&["sp", "water.xyz", "--model", "levels.safetensors"]).ok();
    assert!(text.contains("head PBE, PBE-D3(BJ)/def2-SVP, D3(BJ) of pbe in it"), "{text}");
    let opt =
        ["opt", "water.xyz", "--model", "levels.safetensors", "--fmax", "100", "--json", "--head", "HF/CBS"];
    assert_eq!(bench.run(&opt).json()["head"], "HF/CBS");
}

#[test]
fn heads_that_are_not_there_or_have_no_effect_are_refused() {
    let bench = levels();
    let run = |options: &[&str]| bench.run(&[&["sp", "water.xyz"], options].concat());
    run(&["--model", "levels.safetensors", "--head", "B3LYP"]).refused(2, &["B3LYP", "HF/CBS, PBE"]);
    run(&["--model", "levels.safetensors", "--head", ""]).refused(2, &["HF/CBS, PBE"]);
    run(&["--model", "gfn2", "--head", "PBE"]).refused(2, &["--head has no effect on gfn2"]);
    run(&["--model", "tiny.safetensors", "--head", "PBE"]).refused(2, &["--head has no effect on tiny"]);
    run(&["--model", "tiny.safetensors", "--head", ""]).refused(2, &["--head has no effect on tiny"]);
    let methane = "5\n\nC 0 0 0\nH .63 .63 .63\nH -.63 -.63 .63\nH .63 -.63 -.63\nH -.63 .63 -.63\n";
    bench.write("methane.xyz", methane);
    let run = |head: &str| bench.run(&["sp", "methane.xyz", "--model", "levels.safetensors", "--head", head]);
    run("PBE").ok();
    run("HF/CBS").refused(5, &["atom 1 is C", "HF/CBS", "H O"]);
}

/// A model with dispersion is the bare one with `--d3`, and takes no `--d3` itself.
#[test]
fn dispersion_of_a_head_is_in_its_results() {
    let bench = levels();
    let ethanol = example("ethanol.xyz");
    let within = energy(&bench, &ethanol, &["--model", "levels.safetensors"]);
    let added = energy(&bench, &ethanol, &["--model", "bare.safetensors", "--d3", "pbe"]);
    let bare = energy(&bench, &ethanol, &["--model", "bare.safetensors"]);
    for key in ["energy", "forces", "virial"] {
        assert_eq!(within[key], added[key], "{key}");
        assert_ne!(within[key], bare[key], "{key}");
    }
    assert_eq!(within["charges"], bare["charges"]);
    let twice = ["sp", &ethanol, "--model", "levels.safetensors", "--d3", "pbe"];
    bench.run(&twice).refused(2, &["twice", "levels has D3(BJ) of pbe already"]);
    energy(&bench, "water.xyz", &["--model", "levels.safetensors", "--head", "HF/CBS", "--d3", "hf"]);
}

/// A run goes on with the head that it began with, on any number of threads to the same bytes.
#[test]
fn restarts_keep_the_head() {
    let bench = levels();
    let run = |out: &str, time: &str, options: &[&str]| {
        let all = ["md", "water.xyz", "--model", "levels.safetensors", "--out", out, "--time", time];
        bench.run(&[&all[..], options].concat())
    };
    run("a", "5fs", &["--head", "HF/CBS", "--threads", "1", "--seed", "3"]).ok();
    run("a", "8fs", &["--restart"]).refused(2, &["head HF/CBS"]);
    run("a", "8fs", &["--restart", "--head", "HF/CBS", "--threads", "2"]).ok();
    run("b", "8fs", &["--head", "HF/CBS", "--threads", "7", "--seed", "3"]).ok();
    assert_eq!(bench.bytes("a.traj.xyz"), bench.bytes("b.traj.xyz"));
}

#[test]
fn info_lists_the_heads() {
    let bench = levels();
    let text = bench.run(&["info", "levels.safetensors"]).ok();
    let words =
        ["head HF/CBS\n", "head PBE  (default)", "H C O", "D3(BJ) of pbe", "energies of HF/CBS", "  HF/CBS"];
    for word in words {
        assert!(text.contains(word), "{word}: {text}");
    }
    let json = bench.run(&["info", "levels.safetensors", "--json"]).json();
    assert_eq!(json["default_head"], "PBE");
    assert_eq!(json["heads"][0]["elements"], json!([1, 8]));
    assert_eq!(json["heads"][1]["dispersion"], json!({ "functional": "pbe", "three_body": false }));
}

/// Said once, by methods with long-range electrostatics alone.
#[test]
fn charged_cells_are_announced() {
    let bench = levels();
    let cell = "Lattice=\"8 0 0 0 8 0 0 0 8\" pbc=\"T T T\"";
    bench.write("neutral.xyz", &format!("3\n{cell}\nO 0 0 0\nH .76 0 .59\nH -.76 0 .59\n"));
    let ion = format!("4\n{cell} charge=1\nO 0 0 .1\nH .9 0 0\nH -.5 .8 0\nH -.5 -.8 0\n");
    bench.write("ion.xyz", &ion.repeat(2));
    for model in ["gfn2", "levels.safetensors"] {
        let run = |file: &str| bench.run(&["sp", file, "--model", model]);
        let neutral = run("neutral.xyz");
        assert_eq!((neutral.code, neutral.err.as_str()), (Some(0), ""), "{neutral:?}");
        let ion = run("ion.xyz");
        assert_eq!(ion.err.matches("uniform background").count(), 1, "{ion:?}");
        assert_eq!((ion.code, ion.err.lines().count()), (Some(0), 1), "{ion:?}");
    }
}

/// The dipole of an ion depends on the point that it is about, which is then named.
#[test]
fn dipoles_of_ions_name_their_origin() {
    let bench = levels();
    bench.write("hydroxonium.xyz", "4\ncharge=1\nO 5 0 .1\nH 5.9 0 0\nH 4.5 .8 0\nH 4.5 -.8 0\n");
    for (model, origin) in [("gfn2", "origin of the coordinates"), ("levels.safetensors", "center of mass")] {
        let model = ["--model", model];
        let ion = energy(&bench, "hydroxonium.xyz", &model);
        assert_eq!(ion["dipole_origin"], origin);
        let water = energy(&bench, "water.xyz", &model);
        assert!(water["dipole"].is_array() && water["dipole_origin"].is_null());
        let text = bench.run(&[&["sp", "hydroxonium.xyz", "--dipole"], &model[..]].concat()).ok();
        assert!(text.contains(&format!("about: {origin}")), "{text}");
    }
}
