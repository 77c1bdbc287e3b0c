//! D3(BJ) added to a model by `--d3`.

mod common;
use common::{Bench, example};
use oxidane_core::units::{BOHR, HARTREE};
use serde_json::Value;

fn ethanol(bench: &Bench, options: &[&str]) -> Value {
    bench.run(&[&["sp", &example("ethanol.xyz"), "--json", "--precision", "f64"], options].concat()).json()[0]
        .take()
}

fn difference(a: &Value, b: &Value) -> f64 {
    a.as_f64().unwrap() - b.as_f64().unwrap()
}

/// Energies and forces of the reference program, s-dftd3 1.2 (PyPI: dftd3), to the digits it was asked for.
#[test]
fn it_adds_the_numbers_of_the_reference() {
    let bench = Bench::new();
    let alone = ethanol(&bench, &[]);
    for (options, energy, gradient) in [
        (&["--d3", "pbe"][..], -0.004_258_313_302, 0.000_081_231_150),
        (&["--d3", "PBE", "--d3-atm"], -0.004_255_575_744, 0.000_081_466_853),
    ] {
        let sum = ethanol(&bench, options);
        assert!((difference(&sum["energy"], &alone["energy"]) / HARTREE - energy).abs() < 1e-11);
        let force = difference(&sum["forces"][0][0], &alone["forces"][0][0]);
        assert!((force + gradient * HARTREE / BOHR).abs() < 1e-10, "{force}");
    }
}

#[test]
fn what_has_no_effect_or_sense_is_refused() {
    let bench = Bench::new();
    let run = |options: &[&str]| bench.run(&[&["sp", "water.xyz"], options].concat());
    run(&["--d3", "b3lyx"]).refused(2, &["no parameters for functional 'b3lyx'"]);
    run(&["--d3-atm"]).refused(2, &["--d3"]);
    run(&["--model", "gfn2", "--d3", "pbe"]).refused(2, &["twice", "D4"]);
    bench.write_model("charges.safetensors", &["charges"]);
    run(&["--model", "charges.safetensors", "--d3", "pbe"]).refused(2, &["no energy"]);
}

/// A run goes on with what it began with.
#[test]
fn restarts_keep_it() {
    let bench = Bench::new();
    let run = ["md", &example("ethanol.xyz"), "--out", "run"];
    bench.run(&[&run[..], &["--time", "5fs", "--d3", "pbe"]].concat()).ok();
    bench.run(&[&run[..], &["--time", "8fs", "--restart"]].concat()).refused(2, &["d3-pbe"]);
    bench.run(&[&run[..], &["--time", "8fs", "--restart", "--d3", "pbe"]].concat()).ok();
    assert!(
        bench
            .run(&["sp", "water.xyz", "--d3", "pbe", "--model", "tiny.safetensors"])
            .ok()
            .contains("+ d3-pbe")
    );
}
