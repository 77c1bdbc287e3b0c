//! Electric fields and the response of dipoles, by the program.

mod common;
use common::{Bench, Run};
use oxidane_models::{file, registry};
use serde_json::{Value, json};

const HYDROXIDE: &str = "2\ncharge=-1\nO 0 0 0\nH 0 0 0.97\n";

fn bench() -> Bench {
    let bench = Bench::new();
    let settings = json!({ "node_dim": 8, "channels": 4, "angular_channels": 2, "update_dim": 6, "readout_dim": 4, "cutoff": 4.0 });
    let network = registry::build::<f64>("mpnice", &settings, 7).unwrap();
    let mut header = file::Header::new("charged", "mpnice", network.hyperparameters());
    let head = header.only_head_mut();
    (head.elements, head.charges) = (vec![1, 8], vec![-1, 0]);
    file::write(
        &bench.path("charged.safetensors"),
        &header,
        &file::split(network.layout(), network.parameters()),
    )
    .unwrap();
    bench
}

fn charged(bench: &Bench, arguments: &[&str]) -> Run {
    bench.run(&[arguments, &["--model", "charged.safetensors", "--precision", "f64"]].concat())
}

fn numbers(value: &Value) -> Vec<f64> {
    serde_json::from_value(value.clone()).unwrap()
}

/// The dipole and the forces change with the field as polarisability and Born charges say. Forces are quadratic in it: half the
/// difference between opposite fields is linear.
#[test]
fn fields_polarisability_and_born_charges_agree() {
    let bench = bench();
    let free = charged(&bench, &["sp", "water.xyz", "--json", "--polarizability", "--born-charges"]).json();
    let field = ["--field", "0", "-1e-3", "2e-3"];
    let bent = charged(&bench, &[&["sp", "water.xyz", "--json"], &field[..]].concat()).json();
    let opposite = ["sp", "water.xyz", "--json", "--field", "0", "1e-3", "-2e-3"];
    let opposite = charged(&bench, &opposite).json();
    let (free, bent, opposite) = (&free[0], &bent[0], &opposite[0]);
    assert_eq!(numbers(&bent["field"]), [0.0, -1e-3, 2e-3]);
    let f = [0.0, -1e-3, 2e-3];
    for a in 0..3 {
        let alpha = numbers(&free["polarizability"][a]);
        let grown = numbers(&bent["dipole"])[a] - numbers(&free["dipole"])[a];
        let want: f64 = (0..3).map(|b| alpha[b] * f[b]).sum();
        assert!((grown - want).abs() < 1e-12, "{grown} {want}");
    }
    for i in 0..3 {
        let force = |r: &Value| numbers(&r["forces"][i]);
        for b in 0..3 {
            let want: f64 = (0..3).map(|a| f[a] * numbers(&free["born_charges"][i][a])[b]).sum();
            let grown = 0.5 * (force(bent)[b] - force(opposite)[b]);
            assert!((grown - want).abs() < 1e-12, "{grown} {want}");
        }
    }
    // What takes several evaluations is given where it is asked for.
    let plain = charged(&bench, &["sp", "water.xyz", "--json"]).json();
    assert!(plain[0].get("polarizability").is_none() && plain[0].get("born_charges").is_none());
    let text = charged(&bench, &["sp", "water.xyz", "--polarizability", "--born-charges"]).ok();
    for word in ["e angstrom^2/V", "mean polarisability", "bohr^3", "Born charges", "zz"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let one_step = ["opt", "water.xyz", "--max-steps", "1", "--json"];
    let optimised = charged(&bench, &[&one_step, &field[..]].concat()).out;
    let optimised: Value = serde_json::from_str(&optimised).unwrap();
    assert_eq!(numbers(&optimised["field"]), f);
    assert!(optimised.get("born_charges").is_none() && optimised.get("charges").is_some());
    let text = charged(&bench, &[&["sp", "water.xyz"], &field[..]].concat()).ok();
    assert!(text.contains("in a field of 0 -0.001 0.002 V/angstrom"), "{text}");
    charged(&bench, &["sp", "water.xyz", "--born-charges", "--out", "labelled.xyz"]).ok();
    assert!(bench.read("labelled.xyz").contains("born_charges:R:9"));
}

/// The charge enters such a model: nothing is to be noted.
#[test]
fn ions_are_no_reason_for_a_note() {
    let bench = bench();
    bench.write("hydroxide.xyz", HYDROXIDE);
    let run = charged(&bench, &["sp", "hydroxide.xyz"]);
    assert!(!run.err.contains("does not enter"), "{run:?}");
    run.ok();
}

#[test]
fn what_has_no_response_is_refused() {
    let bench = bench();
    bench.write(
        "cell.xyz",
        "3\nLattice=\"6 0 0 0 6 0 0 0 6\"\nO 0 0 0.1173\nH 0 0.7572 -0.4692\nH 0 -0.7572 -0.4692\n",
    );
    bench.write("hydroxide.xyz", HYDROXIDE);
    for (arguments, word) in [
        (&["sp", "cell.xyz", "--polarizability"][..], "--polarizability"),
        (&["sp", "cell.xyz", "--born-charges"], "--born-charges"),
        (&["sp", "cell.xyz", "--field", "0", "0", "1"], "crystal"),
        (&["sp", "water.xyz", "--field", "0", "0", "1", "--polarizability"], "--field"),
        (&["sp", "water.xyz", "--field", "0", "0", "nan"], "finite"),
        (&["opt", "hydroxide.xyz", "--field", "0", "0", "1"], "ion"),
    ] {
        let run = charged(&bench, arguments);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.err.contains(word), "{run:?}");
    }
    for model in ["tiny.safetensors", "gfn2"] {
        for (option, word) in
            [(&["--field", "0", "0", "1"][..], "equilibrated"), (&["--born-charges"], "Born")]
        {
            let run = bench.run(&[&["sp", "water.xyz", "--model", model], option].concat());
            assert_eq!(run.code, Some(2), "{run:?}");
            assert!(run.err.contains(word), "{run:?}");
        }
    }
}
