//! `oxidane bench` on tiny made-up sets: numbers against those of `oxidane sp`, models side by side, files, refusals.

mod common;
use common::Bench;
use oxidane_core::units::KCAL_PER_MOL;
use serde_json::Value;

/// Energies are printed in full; sums of a few round by less than this, in kcal/mol.
const ROUNDING: f64 = 1e-6;

/// A dimer of two waters, the second `z` angstrom away.
fn dimer(z: f64, keys: &str) -> String {
    let mut text = format!("6\nProperties=species:S:1:pos:R:3:fragment:R:1 charge=0 {keys} pbc=\"F F F\"\n");
    for (shift, mark) in [(0.0, 0), (z, 1)] {
        for (symbol, y, height) in [("O", 0.0, 0.1173), ("H", 0.7572, -0.4692), ("H", -0.7572, -0.4692)] {
            text += &format!("{symbol} 0 {y} {} {mark}\n", height + shift);
        }
    }
    text
}

/// A file of S66x8 with two distances and a dimer of krypton, which the tiny model does not know.
fn s66x8(bench: &Bench, reference: f64) {
    let keys = |percent: &str| {
        format!(
            "name=S66x8-a-b-{percent}-dimer.xyz group=S66x8 structure_type=dimer_original charge_a=0 charge_b=0 E_int_eV={reference}"
        )
    };
    let krypton = "2\nProperties=species:S:1:pos:R:3:fragment:R:1 charge=0 name=S66x8-kr-kr-100-dimer.xyz group=S66x8 \
                   structure_type=dimer_original charge_a=0 charge_b=0 E_int_eV=0.0\nKr 0 0 0 0\nKr 0 0 4 1\n";
    bench.write("sapt10k.extxyz", &(dimer(3.0, &keys("100")) + &dimer(4.0, &keys("125")) + krypton));
}

fn energy(bench: &Bench, structure: &str) -> f64 {
    bench.write("s.extxyz", structure);
    bench.run(&["sp", "s.extxyz", "--json", "--model", "gfn2"]).json()[0]["energy"].as_f64().unwrap()
}

fn entry<'a>(report: &'a Value, id: &str) -> &'a Value {
    let entries = report["results"]["differences"]["entries"].as_array().unwrap();
    entries.iter().find(|e| e["id"] == id).unwrap_or_else(|| panic!("no {id} in {entries:?}"))
}

/// What the table says is what single points say, whatever the number of threads.
#[test]
fn interactions_are_those_of_single_points() {
    let bench = Bench::new();
    s66x8(&bench, -0.1);
    let arguments = ["bench", "s66x8", "--data", ".", "--model", "gfn2", "--json"];
    let first = bench.run(&[&arguments[..], &["--threads", "1"]].concat()).ok();
    let again = bench.run(&[&arguments[..], &["--threads", "3"]].concat()).ok();
    assert_eq!(first, again, "the same bytes on any number of threads");
    let report = &serde_json::from_str::<Value>(&first).unwrap()[0];
    let pair = energy(&bench, &dimer(3.0, ""));
    let waters = 2.0 * energy(&bench, common::WATER);
    let value = entry(report, "S66x8-a-b-100")["values"][0].as_f64().unwrap();
    assert!((value - (pair - waters) / KCAL_PER_MOL).abs() < ROUNDING, "{value}");
    assert_eq!(report["sample"]["taken"], 3);
    assert!(report["missing"].as_array().unwrap().is_empty(), "gfn2 knows krypton");
    assert!(!bench.files().iter().any(|f| f.ends_with(".svg")), "no files unless asked for");
}

/// Two models side by side; what one does not know is listed, and both are compared on the rest as well.
#[test]
fn models_stand_side_by_side() {
    let bench = Bench::new();
    s66x8(&bench, -0.1);
    let models = ["--model", "gfn2", "--model", "tiny.safetensors,name=small"];
    let run = [&["bench", "s66x8", "--data", "."][..], &models].concat();
    let text = bench.run(&run).ok();
    for words in [
        "gfn2",
        "small",
        "What all models computed",
        "Not computed by a model",
        "outside the domain",
        "S66x8-kr-kr-100",
    ] {
        assert!(text.contains(words), "`{words}` is missing in\n{text}");
    }
    let reports = bench.run(&[&run[..], &["--json"]].concat()).json();
    let results = &reports[0]["results"]["differences"];
    assert_eq!(reports[0]["models"], serde_json::json!(["gfn2", "small"]));
    assert_eq!(
        (&results["models"][0]["overall"]["count"], &results["models"][1]["overall"]["count"]),
        (&3.into(), &2.into())
    );
    assert_eq!(results["common"][0]["overall"]["count"], 2);
    assert_eq!(entry(&reports[0], "S66x8-kr-kr-100")["values"][1], Value::Null);
    bench
        .run(&["bench", "s66x8", "--data", ".", "--model", "gfn2", "--model", "gfn2"])
        .refused(2, &["gfn2", "name="]);
}

/// GFN2-xTB ranks crystals as `--kpoints auto` computes them, here in four cells of 2.6 angstrom, and not at the Gamma point.
#[test]
fn crystals_are_computed_with_k_points() {
    let bench = Bench::new();
    let chain = |name: &str, c: f64| {
        format!(
            "2\nLattice=\"10.1 0 0 0 10.2 0 0 0 {c}\" Properties=species:S:1:pos:R:3 name={name} geometry=i pbc=\"T T T\"\nF 0 0 0\nH 0 0 0.95\n"
        )
    };
    bench.write("polymorph.extxyz", &(chain("i-expt", 2.6) + &chain("i-b", 2.75)));
    let reference =
        r#"{"header":[],"reactions":[{"stoich":[[1.0,"i-b"],[-1.0,"i-expt"]],"ref_kcal_mol":1.0}]}"#;
    bench.write("polymorph_reference.json", reference);
    let run = bench.run(&["bench", "polymorphs", "--data", ".", "--model", "gfn2", "--json"]);
    let found = run.json()[0]["results"]["profiles"]["profiles"][0]["errors"][0]["barrier"].as_f64().unwrap();
    let height = |options: &[&str]| {
        let sp = ["sp", "polymorph.extxyz", "--model", "gfn2", "--json"];
        let all = bench.run(&[&sp[..], options].concat()).json();
        let energy = |k: usize| all[k]["energy"].as_f64().unwrap() / KCAL_PER_MOL;
        (energy(1) - energy(0)).abs()
    };
    let (meshed, gamma) = (height(&["--kpoints", "auto"]), height(&[]));
    assert!((found + 1.0 - meshed).abs() < 1e-9, "{found} {meshed}");
    assert!((meshed - gamma).abs() > 0.01, "{meshed} {gamma}");
}

/// A model with uncertainties shows how they compare with its errors.
#[test]
fn uncertainties_stand_beside_errors() {
    let bench = Bench::new();
    let keys = "name=S66x8-a-b-100-dimer.xyz group=S66x8 structure_type=dimer_original charge_a=0 charge_b=0 E_int_eV=-0.1";
    bench.write("sapt10k.extxyz", &dimer(3.0, keys));
    let arguments = ["bench", "s66x8", "--data", ".", "--model", "rmd17-mpnice", "--out", "plot"];
    let text = bench.run(&arguments).ok();
    assert!(text.contains("Uncertainty of the differences"), "{text}");
    assert!(bench.read("plot.s66x8.2.svg").contains("uncertainty"));
    let json = bench.run(&[&arguments[..6], &["--json"]].concat()).json();
    let found = entry(&json[0], "S66x8-a-b-100")["uncertainties"][0].as_f64().unwrap() * KCAL_PER_MOL;
    assert!(found > 0.0, "{found}");
}

/// Diagrams and the report are written when they are asked for; the report needs nothing from elsewhere.
#[test]
fn report_is_one_file() {
    let bench = Bench::new();
    s66x8(&bench, -0.1);
    let torsion = |angle: u32, r: f64| {
        format!(
            "2\nProperties=species:S:1:pos:R:3 energy={r} charge=0 system=t torsion_angle={angle}\nH 0 0 0\nH 0 0 {r}\n"
        )
    };
    bench.write("TorsionTest2000.extxyz", &(torsion(0, 0.7) + &torsion(60, 0.8) + &torsion(120, 0.9)));
    let baker = "3\nProperties=species:S:1:pos:R:3 name=00_water comment=water pbc=\"F F F\"\nO 0 0 0.1\nH 0 0.7 -0.4\nH 0 -0.8 -0.4\n";
    bench.write("baker.extxyz", baker);
    let text = bench
        .run(&["bench", "all", "--data", ".", "--model", "gfn2", "--report", "r.html", "--out", "b"])
        .ok();
    for words in ["== torsions", "== s66x8", "== baker", "== summary", "steps in all", "written"] {
        assert!(text.contains(words), "`{words}` is missing in\n{text}");
    }
    let html = bench.read("r.html");
    assert!(html.starts_with("<!DOCTYPE html>") && html.trim_end().ends_with("</html>"));
    assert!(html.matches("<svg").count() >= 5 && html.matches("<table").count() >= 6);
    for foreign in ["<script", "src=", "<link", "@import", "url("] {
        assert!(!html.contains(foreign), "{foreign}");
    }
    for name in ["b.torsions.1.svg", "b.s66x8.1.svg", "b.baker.1.svg"] {
        assert!(bench.read(name).starts_with("<svg"), "{name}");
    }
}

/// A part of a set is marked as one.
#[test]
fn parts_are_marked() {
    let bench = Bench::new();
    s66x8(&bench, -0.1);
    let gfn2 = ["bench", "s66x8", "--data", ".", "--model", "gfn2"];
    let run = |more: &[&str]| bench.run(&[&gfn2[..], more].concat());
    assert!(run(&["--limit", "1"]).ok().contains("A PART OF THE SET: 1 of 3 (at most 1, evenly spaced)"));
    bench.write("trained.txt", "S66x8-a-b-100 # seen\n\nelsewhere\n");
    let text = run(&["--exclude", "trained.txt"]).ok();
    assert!(text.contains("A PART OF THE SET: 2 of 3 (1 left out by name)"), "{text}");
    assert!(!run(&[]).ok().contains("A PART"));
    bench.write("others.txt", "elsewhere\n");
    run(&["--exclude", "others.txt"]).refused(2, &["others.txt", "no effect"]);
    run(&["--only", "others.txt"]).refused(3, &["nothing", "s66x8"]);
    run(&["--limit", "1", "--every", "2"]).refused(2, &["--limit", "--every"]);
}

#[test]
fn list_explains_every_benchmark() {
    let bench = Bench::new();
    let text = bench.run(&["bench", "list"]).ok();
    for words in [
        "torsions\n",
        "s66x8\n",
        "gmtkn55\n",
        "birkholz\n",
        "licence: MIT",
        "nciatlas/NCIA_D1200.extxyz",
        "CCSD(T)",
    ] {
        assert!(text.contains(words), "`{words}` is missing");
    }
    let list = bench.run(&["bench", "list", "--json"]).json();
    assert!(list.as_array().unwrap().iter().all(|b| b["files"].as_array().is_some_and(|f| !f.is_empty())));
}

#[test]
fn wrong_use_is_refused() {
    let bench = Bench::new();
    s66x8(&bench, -0.1);
    bench.run(&["bench", "s66x8"]).refused(2, &["--data", "bench list"]);
    bench.run(&["bench", "s66x8", "--data", "nowhere"]).refused(7, &["nowhere"]);
    bench.run(&["bench", "nothing", "--data", "."]).refused(2, &["nothing", "torsions"]);
    bench.run(&["bench", "s66x8", "s66x8", "--data", "."]).refused(2, &["twice"]);
    bench.run(&["bench", "list", "s66x8"]).refused(2, &["alone"]);
    bench
        .run(&["bench", "gmtkn55", "--data", ".", "--model", "gfn2"])
        .refused(7, &["gmtkn55_structures.extxyz"]);
    bench.run(&["bench", "s66x8", "--data", ".", "--model", "gfn2,d3=pbe"]).refused(2, &["twice"]);
    bench.run(&["bench", "s66x8", "--data", ".", "--model", "gfn2,colour=red"]).refused(2, &["colour=red"]);
}
