//! Frequencies: against another program, on any number of threads, of what is no minimum, refusals.

mod common;
use common::Bench;
use serde_json::Value;

/// The minimum of GFN2-xTB by tblite 0.8.0 and SciPy.
const MINIMUM: &str = "3\nname=water\nO 0 0 0.105663\nH 0 0.772189 -0.463382\nH 0 -0.772189 -0.463382\n";

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

/// Wavenumbers from gradients of tblite 0.8.0 over the same differences: masses differ by 1e-4, other constants by less, which makes
/// 0.2 of 3651. The modes are orthogonal to translations, and the thermochemistry is that of the wavenumbers.
#[test]
fn water_is_as_by_tblite() {
    let bench = Bench::new();
    bench.write("min.xyz", MINIMUM);
    let run = ["freq", "min.xyz", "--model", "gfn2", "--symmetry", "2"];
    let record = bench.run(&[&run[..], &["--json"]].concat()).json()[0].take();
    let found = numbers(&record["wavenumbers"]);
    assert_eq!(found.len(), 3);
    for (found, expected) in found.iter().zip([1539.29, 3643.00, 3651.14]) {
        assert!((found - expected).abs() < 0.3, "{found} {expected}");
    }
    // h c in eV cm (CODATA).
    let zero_point = 0.5 * 1.239_841_984e-4 * found.iter().sum::<f64>();
    let gas = &record["thermochemistry"];
    assert!((gas["zero_point_energy"].as_f64().unwrap() - zero_point).abs() < 1e-9);
    // 188.8 J/(mol K) at 1 bar from measured numbers; geometry and pressure of 1 atm change it by some tenths.
    let number = |key: &str| gas[key].as_f64().unwrap();
    let entropy = number("entropy") * 96_485.332;
    assert!((entropy - 188.8).abs() < 0.6, "{entropy}");
    let gibbs =
        record["energy"].as_f64().unwrap() + number("enthalpy_correction") - 298.15 * number("entropy");
    assert!((number("gibbs_energy") - gibbs).abs() < 1e-9);
    for mode in record["modes"].as_array().unwrap() {
        let mode = numbers(mode);
        let drift: f64 =
            [15.999, 1.008, 1.008].iter().enumerate().map(|(atom, m)| m * mode[3 * atom + 2]).sum();
        assert!(drift.abs() < 1e-3, "{drift}");
    }
    let text = bench.run(&run).ok();
    for words in ["no imaginary mode", "3651.", "zero-point energy", "Gibbs energy"] {
        assert!(text.contains(words), "`{words}` is missing in\n{text}");
    }
}

#[test]
fn threads_change_no_bit() {
    let bench = Bench::new();
    for model in ["gfn2", "tiny.safetensors"] {
        let run =
            |n: &str| bench.run(&["freq", "water.xyz", "--json", "--model", model, "--threads", n]).ok();
        assert!(run("1") == run("3"), "{model}");
    }
}

/// Away from a minimum the numbers come with a note; a crystal has wavenumbers, but is no gas.
#[test]
fn what_is_no_minimum_is_told() {
    let bench = Bench::new();
    bench.write("long.xyz", "3\n\nO 0 0 0.1173\nH 0 0.9 -0.6\nH 0 -0.9 -0.6\n");
    let run = bench.run(&["freq", "long.xyz", "--model", "gfn2"]);
    assert!(run.err.contains("optimise it first"), "{}", run.err);
    run.ok();
    bench.write(
        "cell.extxyz",
        &MINIMUM.replace(
            "name=water",
            "Lattice=\"9 0 0 0 9 0 0 0 9\" pbc=\"T T T\" Properties=species:S:1:pos:R:3",
        ),
    );
    let record = bench.run(&["freq", "cell.extxyz", "--model", "gfn2", "--json"]).json()[0].take();
    assert_eq!(numbers(&record["wavenumbers"]).len(), 6, "turning a molecule in a cell costs energy");
    assert!(record["thermochemistry"].is_null());
    let run = bench.run(&["freq", "cell.extxyz", "--model", "gfn2", "--temp", "300"]);
    run.refused(2, &["cell.extxyz:1", "--temp", "no gas"]);
}

/// A line bent by thousandths of an angstrom, as optimisations leave it, keeps four modes whatever way it points; one is missing if its two
/// bends are not both there.
#[test]
fn linear_molecules_have_one_mode_more() {
    let bench = Bench::new();
    for (name, tilt) in [("x.xyz", [1.0, 0.0, 0.0]), ("tilted.xyz", [0.904, 0.427, 0.0087])] {
        let at = |s: f64, bend: f64| {
            let [x, y, z] = tilt.map(|t| s * t);
            format!("{} {} {}", x - bend * tilt[1], y + bend * tilt[0], z)
        };
        bench
            .write(name, &format!("3\n\nO {}\nC {}\nO {}\n", at(-1.144, 0.0), at(0.0, 2e-3), at(1.144, 0.0)));
        let record = bench.run(&["freq", name, "--model", "gfn2", "--json"]).json()[0].take();
        let found = numbers(&record["wavenumbers"]);
        assert_eq!(found.len(), 4, "{found:?}");
        assert!((found[0] - found[1]).abs() < 5.0 && found[0] > 300.0, "the two bends are alike: {found:?}");
    }
}

/// The barrier of ammonia: one imaginary mode, which takes no part in the gas; an atom has no modes but is a gas.
#[test]
fn saddle_points_and_atoms() {
    let bench = Bench::new();
    let hydrogens: String = [0.0_f64, 120.0, 240.0]
        .iter()
        .map(|a| format!("H {} {} 0\n", a.to_radians().cos(), a.to_radians().sin()))
        .collect();
    bench.write("flat.xyz", &format!("4\n\nN 0 0 0\n{hydrogens}"));
    let run = bench.run(&["freq", "flat.xyz", "--model", "gfn2", "--json"]);
    assert!(run.err.contains("imaginary modes take no part"), "{}", run.err);
    let record = run.json()[0].take();
    assert_eq!(record["imaginary"], 1);
    let real = numbers(&record["wavenumbers"]).iter().filter(|w| **w > 0.0).sum::<f64>();
    let zero_point = record["thermochemistry"]["zero_point_energy"].as_f64().unwrap();
    assert!((zero_point - 0.5 * 1.239_841_984e-4 * real).abs() < 1e-9);
    bench.write("atom.xyz", "1\n\nHe 0 0 0\n");
    let record = bench.run(&["freq", "atom.xyz", "--model", "gfn2", "--json"]).json()[0].take();
    // Sackur and Tetrode at 1 atm: 126.04 J/(mol K) (CODATA key values 126.153 at 1 bar).
    let entropy = record["thermochemistry"]["entropy"].as_f64().unwrap() * 96_485.332;
    assert!((entropy - 126.04).abs() < 0.02, "{entropy}");
}

#[test]
fn wrong_use_is_refused() {
    let bench = Bench::new();
    for option in [
        ["--temp", "-1"],
        ["--temp", "0"],
        ["--pressure", "0"],
        ["--symmetry", "0"],
        ["--step", "nan"],
        ["--step", "0.2"],
    ] {
        let run = bench.run(&[&["freq", "water.xyz", "--model", "gfn2"][..], &option].concat());
        assert_eq!(run.code, Some(2), "{option:?} {run:?}");
    }
    bench.write_model("charges.safetensors", &["charges"]);
    bench.run(&["freq", "water.xyz", "--model", "charges.safetensors"]).refused(2, &["forces"]);
    bench
        .run(&["freq", "water.xyz", "--model", "tiny.safetensors", "--field", "0", "0", "1"])
        .refused(2, &["--field"]);
    bench.write("held.extxyz", "2\nProperties=species:S:1:pos:R:3:move_mask:L:1\nH 0 0 0 F\nH 0 0 0.75 T\n");
    bench.run(&["freq", "held.extxyz", "--model", "gfn2"]).refused(2, &["held.extxyz:1", "fixed"]);
}
