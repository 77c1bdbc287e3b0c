//! `label`: what is written, that nothing is lost, and that a stopped run ends in the same bytes.

mod common;
use common::{Bench, WATER, example};
use oxidane_core::io::{Frame, LabelKeys, read_all};
use serde_json::Value;

/// A frame that says all that a file can say.
const RICH: &str = "3
Properties=species:S:1:pos:R:3:REF_forces:R:3:tags:I:1:move_mask:L:1 charge=-1 spin_multiplicity=1 energy=-77.5 REF_energy=-5.25 group=\"set b\" weight=0.5 n=3 flag=T comment=\"amide\"
N 0.0 0.02 0.1 0.5 0.25 0.125 1 T
H 0.8 0.0 0.61 -0.5 0.0 0.0 2 F
H -0.8 0.1 0.6 0.0 -0.25 0.0 3 T
";

fn frames(bench: &Bench, name: &str) -> Vec<Frame> {
    read_all(bench.path(name)).unwrap()
}

fn prefixed(prefix: &str) -> LabelKeys {
    let name = |label: &str| format!("{prefix}{label}");
    LabelKeys {
        energy: name("energy"),
        forces: name("forces"),
        virial: name("virial"),
        charges: name("charges"),
        ..LabelKeys::default()
    }
}

/// Labels are the results of `sp`, to the bit, and everything else of the frame is as it was.
#[test]
fn labels_stand_beside_what_is_there() {
    let bench = Bench::new();
    bench.write("rich.xyz", &format!("{RICH}{WATER}"));
    let all = ["label", "rich.xyz", "--model", "gfn2", "--prefix", "gfn2_", "--out", "out.extxyz"];
    let text = bench.run(&all).ok();
    assert!(text.contains("2 labelled") && text.contains("gfn2_energy gfn2_forces"), "{text}");
    let results = bench.run(&["sp", "rich.xyz", "--model", "gfn2", "--json"]).json();
    let keys = prefixed("gfn2_");
    for (k, mut frame) in frames(&bench, "out.extxyz").into_iter().enumerate() {
        assert_eq!(results[k]["energy"], frame.energy(&keys).unwrap().unwrap());
        let vectors = |v: Vec<[f64; 3]>| serde_json::json!(v);
        assert_eq!(results[k]["forces"], vectors(frame.forces(&keys).unwrap().unwrap()));
        assert_eq!(results[k]["charges"], serde_json::json!(frame.charges(&keys).unwrap().unwrap()));
        assert_eq!(frame.virial(&keys).unwrap(), None, "of molecules the forces say it");
        assert_eq!(
            frame.info["gfn2_method"].as_text(),
            Some(format!("gfn2-v{}", oxidane_xtb::VERSION).as_str())
        );
        frame.info.retain(|key, _| !key.starts_with("gfn2_"));
        frame.arrays.retain(|key, _| !key.starts_with("gfn2_"));
        assert_eq!(frame, frames(&bench, "rich.xyz")[k]);
    }
    // The labels of another model beside those of the first; the same ones again only if asked.
    bench
        .run(&["label", "out.extxyz", "--model", "tiny.safetensors", "--prefix", "t_", "--out", "b.xyz"])
        .ok();
    let both = &frames(&bench, "b.xyz")[1];
    assert!(both.info.contains_key("gfn2_energy") && both.info.contains_key("t_energy"));
    assert!(both.info["t_method"].as_text().unwrap().ends_with(" f32"));
    let again = ["label", "out.extxyz", "--model", "gfn2", "--prefix", "gfn2_", "--out", "c.xyz"];
    bench.run(&again).refused(2, &["out.extxyz:1", "`gfn2_energy` already", "--replace"]);
    bench.run(&[&again[..], &["--replace", "--overwrite"]].concat()).ok();
    assert_eq!(bench.bytes("c.xyz"), bench.bytes("out.extxyz"));
}

/// New data: the usual names, and the virial of what repeats.
#[test]
fn without_a_prefix_labels_have_the_usual_names() {
    let bench = Bench::new();
    bench.write("a.xyz", WATER);
    bench.write(
        "b.xyz",
        "3\nLattice=\"6 0 0 0 6 0 0 0 6\" pbc=\"T T T\"\nO 0 0 0\nH .76 0 .59\nH -.76 0 .59\n",
    );
    bench.run(&["label", "a.xyz", "b.xyz", "--model", "gfn2", "--out", "all.extxyz"]).ok();
    let errors = bench.run(&["eval", "all.extxyz", "--model", "gfn2", "--json"]).json();
    for property in ["energy", "forces", "charges", "stress"] {
        assert_eq!(errors["errors"][property]["mae"], 0.0, "{errors}");
    }
    bench.write("rich.xyz", RICH);
    let rich = ["label", "rich.xyz", "--model", "gfn2", "--out", "new.xyz"];
    bench.run(&rich).refused(2, &["`energy` already", "--prefix"]);
    // Electrons at another temperature are another method.
    bench.run(&["label", "a.xyz", "--model", "gfn2", "--etemp", "900", "--out", "hot.xyz"]).ok();
    assert_eq!(frames(&bench, "hot.xyz")[0].info["method"].as_text(), Some("gfn2-v1 at 900 K"));
}

/// Waters of many shapes.
fn waters(count: usize) -> String {
    (0..count).map(|i| WATER.replace("0.7572", &format!("0.7{:04}", 13 * i % 10_000))).collect()
}

#[test]
fn threads_change_no_byte() {
    let bench = Bench::new();
    bench.write("many.xyz", &waters(40));
    for threads in ["1", "2", "7"] {
        let out = format!("{threads}.xyz");
        bench.run(&["label", "many.xyz", "--model", "gfn2", "--threads", threads, "--out", &out]).ok();
        assert_eq!(bench.bytes(&out), bench.bytes("1.xyz"));
    }
}

/// What cannot be computed ends the work, or is left out and listed.
#[test]
fn failures_are_errors_or_listed() {
    let bench = Bench::new();
    let far = "2\n\nH 0 0 0\nH 0 0 0.2\n";
    bench.write("some.xyz", &format!("{WATER}{far}{WATER}"));
    let label = ["label", "some.xyz", "--model", "gfn2", "--out", "out.xyz"];
    bench.run(&label).refused(3, &["some.xyz:6", "0.200 angstrom apart", "--keep-going"]);
    assert_eq!(frames(&bench, "out.xyz").len(), 1, "what was done before is kept");
    let text = bench.run(&[&label[..], &["--keep-going", "--resume"]].concat());
    assert!(text.err.contains("skipped: some.xyz:6"), "{text:?}");
    assert!(text.ok().contains("2 labelled, 1 skipped"));
    assert_eq!(frames(&bench, "out.xyz").len(), 2);
    let record: Value = serde_json::from_str(&bench.read("out.xyz.label")).unwrap();
    assert_eq!((&record["taken"], &record["complete"]), (&3.into(), &true.into()));
    assert!(record["skipped"][0].as_str().unwrap().contains("some.xyz:6"));
}

#[test]
fn what_has_no_effect_or_sense_is_refused() {
    let bench = Bench::new();
    let run = |options: &[&str]| bench.run(&[&["label", "water.xyz", "--model", "gfn2"], options].concat());
    run(&["--out", "a.xyz.gz"]).refused(2, &["compressed"]);
    run(&["--out", "a.cif"]).refused(2, &["extended xyz"]);
    run(&["--out", "water.xyz"]).refused(2, &["overwritten"]);
    run(&["--out", "a.xyz", "--prefix", "a b"]).refused(2, &["--prefix"]);
    run(&["--out", "a.xyz", "--resume"]).refused(2, &["a.xyz.label", "--resume"]);
    bench.run(&["label", "-", "--model", "gfn2", "--out", "a.xyz"]).refused(2, &["standard input"]);
    run(&["--out", "a.xyz"]).ok();
    run(&["--out", "a.xyz"]).refused(2, &["the file exists", "--resume"]);
    // Complete: nothing is left to do, and nothing changes.
    let before = bench.bytes("a.xyz");
    run(&["--out", "a.xyz", "--resume"]).ok();
    assert_eq!(bench.bytes("a.xyz"), before);
    run(&["--out", "a.xyz", "--resume", "--prefix", "p_"]).refused(2, &["--prefix", "\"p_\"", "--overwrite"]);
    run(&["--out", "a.xyz", "--resume", "--etemp", "500"]).refused(2, &["--model", "500 K"]);
    bench.write("water.xyz", &WATER.replace("0.7572", "0.7573"));
    run(&["--out", "a.xyz", "--resume"]).refused(2, &["water.xyz", "not the one"]);
}

/// Killed without warning once it has recorded something, and interrupted: each time it goes on to the bytes of a whole run.
#[cfg(unix)]
#[test]
fn stopped_labels_end_in_the_same_bytes() {
    let bench = Bench::new();
    let ethanol = std::fs::read_to_string(example("ethanol.xyz")).unwrap();
    let count = 700;
    let shape = |i: u64| ethanol.replace("1.168181", &format!("1.16{:04}", 9 * i));
    bench.write("many.xyz", &(0..count).map(shape).collect::<String>());
    let label = ["label", "many.xyz", "--model", "gfn2", "--prefix", "g_", "--threads", "1"];
    common::stopped_runs_go_on(&bench, &label, ".label", count);
}

/// k-points are part of what made the labels of a crystal, and not of a molecule's.
#[test]
fn labels_say_their_k_points() {
    let bench = Bench::new();
    let fluoride = "2\nLattice=\"3.1 0 0 0 3.2 0 0 0 2.6\" pbc=\"T T T\" Properties=species:S:1:pos:R:3\nF 0 0 0\nH 0 0 0.95\n";
    bench.write("both.xyz", &format!("{WATER}{fluoride}"));
    let label = ["label", "both.xyz", "--model", "gfn2", "--out", "out.xyz", "--kpoints"];
    bench.run(&[&label[..], &["2,2,2"]].concat()).refused(2, &["both.xyz", "k-points", "--kpoints"]);
    bench.run(&[&label[..6], &["--kpoints", "1,1,2", "--keep-going", "--overwrite"]].concat()).ok();
    let of_crystal = &frames(&bench, "out.xyz")[0].info["method"];
    assert_eq!(of_crystal.as_text(), Some("gfn2-v1, k-points 1,1,2"));
    bench.write("water.xyz", WATER);
    bench.run(&["label", "water.xyz", "--model", "gfn2", "--kpoints", "auto", "--out", "w.xyz"]).ok();
    assert_eq!(frames(&bench, "w.xyz")[0].info["method"].as_text(), Some("gfn2-v1"));
}
