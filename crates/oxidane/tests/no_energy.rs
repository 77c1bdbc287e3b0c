//! A model without an energy: what it has is shown, and no energy of 0 appears anywhere.

mod common;
use common::Bench;
use oxidane_core::io::read_all;

/// A folder with a model of charges and dipole alone.
fn bench() -> Bench {
    let bench = Bench::new();
    bench.write_model("charges.safetensors", &["charges", "dipole"]);
    bench
}

const MODEL: [&str; 2] = ["--model", "charges.safetensors"];

#[test]
fn sp_shows_what_there_is() {
    let bench = bench();
    let with = |arguments: &[&str]| bench.run(&[arguments, &MODEL].concat());
    for options in [&["sp", "water.xyz"][..], &["sp", "water.xyz", "--all"], &["sp", "water.xyz", "--dipole"]]
    {
        let text = with(options).ok();
        assert!(text.contains("dipole") && !text.contains("energy"), "{text}");
    }
    assert!(with(&["sp", "water.xyz"]).ok().contains("charge / e"));
    let json = with(&["sp", "water.xyz", "--json"]).json();
    assert!(json[0].get("energy").is_none() && json[0].get("forces").is_none(), "{json}");
    assert_eq!(json[0]["charges"].as_array().unwrap().len(), 3);
    with(&["sp", "water.xyz", "--forces"]).refused(2, &["has no forces", "it gives charges, dipole"]);
}

#[test]
fn eval_compares_no_energy() {
    let bench = bench();
    bench.run(&[&["sp", "water.xyz", "--out", "labels.xyz"][..], &MODEL].concat()).ok();
    let frame = &read_all(bench.path("labels.xyz")).unwrap()[0];
    assert!(!frame.info.contains_key("energy") && frame.arrays.contains_key("charges"));
    let labelled = bench.read("labels.xyz").replace("dipole=", "energy=-1.5 dipole=");
    bench.write("labels.xyz", &labelled);
    let run = bench.run(&[&["eval", "labels.xyz", "--json"][..], &MODEL].concat());
    assert!(run.err.contains("labels of energy, which the model does not give"), "{run:?}");
    let report = run.json();
    assert!(report["errors"].get("energy").is_none() && report["errors"].get("energy_per_atom").is_none());
    assert_eq!(report["errors"]["charges"]["count"], 3);
    bench.tiny(&["sp", "water.xyz", "--out", "energies.xyz"]).ok();
    let run = bench.run(&[&["eval", "energies.xyz"][..], &MODEL].concat());
    run.refused(2, &["labels of energy", "does not give"]);
}

#[test]
fn opt_and_md_refuse_before_they_write() {
    let bench = bench();
    for verb in [&["opt", "water.xyz"][..], &["md", "water.xyz", "--time", "5fs"]] {
        let run = bench.run(&[verb, &MODEL].concat());
        run.refused(2, &["has no energy, forces", "it gives charges, dipole", "choose another model"]);
    }
    assert_eq!(bench.files(), ["charges.safetensors", "tiny.safetensors", "water.xyz"]);
}
