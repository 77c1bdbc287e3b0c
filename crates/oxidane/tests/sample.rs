//! `sample`: how many geometries, what they say of themselves, and the same bytes on any number of threads.

mod common;
use common::{Bench, WATER, example};
use oxidane_core::io::{Frame, read_all};

fn frames(bench: &Bench, name: &str) -> Vec<Frame> {
    read_all(bench.path(name)).unwrap()
}

fn text<'a>(frame: &'a Frame, key: &str) -> &'a str {
    frame.info[key].as_text().unwrap()
}

/// Results at the parent's geometry are gone, what is said of the molecule stays.
#[test]
fn displacements_say_where_they_come_from() {
    let bench = Bench::new();
    let labelled = "3\nProperties=species:S:1:pos:R:3:forces:R:3:tags:I:1 charge=1 spin_multiplicity=2 energy=-5.5 dft_gap=1.5 set=b\n\
         O 0 0 0.12 0.5 0.5 0.5 1\nH 0 0.76 -0.48 0 0 0 2\nH 0 -0.76 -0.48 0 0 0 3\n";
    bench.write("two.xyz", &format!("{WATER}{labelled}"));
    let run = |out: &str, seed: &str| {
        let all = [
            "sample", "displace", "two.xyz", "--sigma", "0.04", "--count", "5", "--seed", seed, "--out", out,
        ];
        bench.run(&all).ok()
    };
    let report = run("a.xyz", "3");
    assert!(report.contains("structures  2\n") && report.contains("geometries  10\n"), "{report}");
    run("b.xyz", "3");
    run("c.xyz", "4");
    assert_eq!(bench.bytes("a.xyz"), bench.bytes("b.xyz"));
    assert_ne!(bench.bytes("a.xyz"), bench.bytes("c.xyz"));
    let all = frames(&bench, "a.xyz");
    let (first, second) = (&all[0], &all[5]);
    assert_eq!((text(first, "parent"), text(second, "parent")), ("two#0", "two#1"));
    assert_eq!((text(first, "name"), text(second, "set")), ("water", "b"));
    assert_eq!((second.system.charge, second.system.unpaired), (1, 1));
    assert_eq!((text(second, "sample"), second.info["seed"].as_int()), ("displacement", Some(3)));
    assert_eq!(second.info["sigma"].as_real(), Some(0.04));
    assert!(second.arrays.contains_key("tags") && !second.arrays.contains_key("forces"));
    assert!(!second.info.contains_key("energy") && !second.info.contains_key("dft_gap"));
    let apart = |a: &Frame, b: &Frame| a.system.positions[0][0] - b.system.positions[0][0];
    assert!(apart(first, &all[1]) != 0.0 && apart(first, second) != 0.0, "each is drawn anew");
    // Samples of samples keep their first parent.
    bench.run(&["sample", "displace", "a.xyz", "--count", "1", "--parents", "--out", "d.xyz"]).ok();
    let again = &frames(&bench, "d.xyz");
    assert_eq!(again.len(), 20);
    assert_eq!(
        (text(&again[19], "parent"), text(&again[19], "sample")),
        ("two#1", "displacement+displacement")
    );
    assert_eq!(again[18].system, all[9].system, "itself, first");
}

/// Ethanol turns about C-O; about C-C, a methyl group, only if asked.
#[test]
fn torsions_go_once_around() {
    let bench = Bench::new();
    let ethanol = example("ethanol.xyz");
    let run = |options: &[&str]| {
        bench.run(&[&["sample", "torsions", &ethanol, "--out", "t.xyz", "--overwrite"], options].concat())
    };
    let report = run(&[]).ok();
    assert!(report.contains("geometries  11\n"), "{report}");
    let all = frames(&bench, "t.xyz");
    assert_eq!((text(&all[0], "bond"), text(&all[0], "sample")), ("2-3", "torsion"));
    let angles: Vec<f64> = all.iter().map(|f| f.info["angle"].as_real().unwrap()).collect();
    assert_eq!(angles, (1..12).map(|k| f64::from(30 * k)).collect::<Vec<_>>());
    run(&["--bonds", "1-2,3-2", "--step", "90", "--parents"]).ok();
    assert_eq!(frames(&bench, "t.xyz").len(), 7);
    run(&["--bonds", "1-3"]).refused(2, &["bond 1-3", "not bonded"]);
    run(&["--bonds", "1"]).refused(2, &["3-4"]);
    bench.run(&["sample", "torsions", &example("urea.cif"), "--out", "u.xyz"]).refused(3, &["repeats"]);
}

/// Vibrations and dynamics: what a model computes, the same on any number of threads. The mean potential energy of classical
/// vibrations at 20 K is kT/2 in each of the three modes of water, 2.6 meV: within a factor of 2 for 30 draws, whose mean has a
/// standard error of 15 per cent, of a geometry that is relaxed.
#[test]
fn vibrations_and_dynamics_follow_a_model() {
    let bench = Bench::new();
    bench.run(&["opt", "water.xyz", "--model", "gfn2", "--convergence", "tight"]).ok();
    bench.write("three.xyz", &bench.read("water.opt.xyz").repeat(3));
    for (kind, options) in [
        ("modes", &["--temp", "20", "--count", "30"][..]),
        ("modes", &["--temp", "300", "--statistics", "quantum", "--softest", "50"]),
        ("md", &["--temp", "300", "--every", "2fs", "--count", "4"]),
    ] {
        for threads in ["1", "7"] {
            let all = [
                "sample",
                kind,
                "three.xyz",
                "--model",
                "gfn2",
                "--threads",
                threads,
                "--overwrite",
                "--out",
            ];
            bench.run(&[&all[..], &[&format!("{kind}{threads}.xyz")], options].concat()).ok();
        }
        assert!(bench.bytes(&format!("{kind}1.xyz")) == bench.bytes(&format!("{kind}7.xyz")), "{kind}");
        let frames = frames(&bench, &format!("{kind}1.xyz"));
        let per = frames.len() / 3;
        assert_ne!(frames[0].system, frames[per].system, "each structure has random numbers of its own");
        if options.contains(&"20") {
            let energies = bench.run(&["sp", "modes1.xyz", "--model", "gfn2", "--json"]).json();
            let least = bench.run(&["sp", "water.opt.xyz", "--model", "gfn2", "--json"]).json();
            let energy = |all: &serde_json::Value, k: usize| all[k]["energy"].as_f64().unwrap();
            let mean = (0..30).map(|k| energy(&energies, k) - energy(&least, 0)).sum::<f64>() / 30.0;
            assert!((1.3e-3..5.2e-3).contains(&mean), "{mean}");
        }
    }
    let last = &frames(&bench, "md1.xyz")[3];
    assert_eq!((text(last, "sample"), last.info["time"].as_real()), ("dynamics", Some(8.0)));
}

#[test]
fn what_has_no_sense_is_refused_or_left_out() {
    let bench = Bench::new();
    let aspirin = example("aspirin.xyz");
    let displace = |options: &[&str]| {
        bench.run(&[&["sample", "displace", &aspirin, "--out", "s.xyz"], options].concat())
    };
    displace(&["--sigma", "0.5"]).refused(2, &["aspirin.xyz:1", "clash", "--sigma"]);
    assert!(!bench.path("s.xyz").exists() && !bench.path("s.xyz.sample").exists());
    let left = displace(&["--sigma", "0.5", "--keep-going"]);
    assert!(left.err.contains("skipped: ") && left.err.contains("aspirin.xyz:1"), "{left:?}");
    assert!(left.ok().contains("1, 1 skipped"));
    displace(&["--sigma", "0"]).refused(2, &["above 0"]);
    displace(&["--sigma", "0.5", "--keep-going"]).refused(2, &["s.xyz", "the file exists", "--resume"]);
    displace(&["--sigma", "0.4", "--keep-going", "--resume"])
        .refused(2, &["s.xyz.sample", "--sigma \"0.5\"", "\"0.4\""]);
    displace(&["--sigma", "0.5", "--resume"]).ok();
    bench
        .run(&["sample", "torsions", &aspirin, "--out", "s.xyz", "--resume"])
        .refused(2, &["sample \"displacement\"", "\"torsion\""]);
    // A run that fails at its first structure touches nothing of the one before.
    let before = (bench.bytes("s.xyz"), bench.bytes("s.xyz.sample"));
    displace(&["--sigma", "0.5", "--overwrite"]).refused(2, &["clash"]);
    assert!((bench.bytes("s.xyz"), bench.bytes("s.xyz.sample")) == before);
    std::fs::remove_file(bench.path("s.xyz")).unwrap();
    displace(&[]).refused(2, &["s.xyz.sample", "record", "--overwrite"]);
    bench.run(&["sample", "displace", "-", "--out", "i.xyz"]).refused(2, &["standard input"]);
    bench.run(&["sample", "displace", "water.xyz", "--out", "water.xyz"]).refused(2, &["overwritten"]);
    bench.run(&["sample", "displace", "water.xyz", "--out", "s.cif"]).refused(2, &["extended xyz"]);
    let md = ["sample", "md", "water.xyz", "--model", "gfn2", "--out", "m.xyz", "--every", "1.3fs"];
    bench.run(&md).refused(2, &["--every", "1.5fs would be"]);
    bench.write("helium.xyz", "1\n\nHe 0 0 0\n");
    bench
        .run(&["sample", "modes", "helium.xyz", "--model", "gfn2", "--out", "m.xyz"])
        .refused(3, &["vibrate"]);
}

/// Killed without warning once it has recorded something, and interrupted: each time it goes on to the bytes of a whole run.
#[cfg(unix)]
#[test]
fn stopped_samples_end_in_the_same_bytes() {
    let bench = Bench::new();
    let count = 400;
    let shape = |i: u64| WATER.replace("0.7572", &format!("0.75{:04}", 9 * i));
    let far = "2\n\nH 0 0 0\nH 0 0 0.2\n";
    bench.write(
        "many.xyz",
        &(0..count).map(|i| if i % 9 == 4 { far.into() } else { shape(i) }).collect::<String>(),
    );
    let md = [
        "sample",
        "md",
        "many.xyz",
        "--model",
        "gfn2",
        "--every",
        "5fs",
        "--count",
        "4",
        "--threads",
        "2",
        "--keep-going",
        "--parents",
    ];
    common::stopped_runs_go_on(&bench, &md, ".sample", count);
}
