//! Dynamics: exact continuation, interruption, the files.

mod common;
use common::Bench;
use oxidane_core::io::{Array, Frame, read_all, write_frames};
use oxidane_core::{elements, units};

const FILES: [&str; 4] = ["traj.xyz", "csv", "svg", "restart"];

#[track_caller]
fn same_files(bench: &Bench, a: &str, b: &str) {
    for file in FILES {
        assert!(bench.bytes(&format!("{a}.{file}")) == bench.bytes(&format!("{b}.{file}")), "{file} differs");
    }
}

/// A run in two parts ends in the same bytes as one in a piece, for both ensembles and any number of threads.
#[test]
fn resumed_runs_end_in_the_same_bytes() {
    let bench = Bench::new();
    for ensemble in ["nve", "langevin"] {
        let start = [
            "md",
            "water.xyz",
            "--temp",
            "50",
            "--ensemble",
            ensemble,
            "--seed",
            "5",
            "--save-every",
            "1.5fs",
        ];
        let anew = [&start[..], &["--overwrite"]].concat();
        let whole = [&anew[..], &["--time", "60fs", "--out", "whole", "--threads", "2"]].concat();
        bench.tiny(&whole).ok();
        bench.tiny(&[&anew[..], &["--time", "31fs", "--out", "part", "--threads", "1"]].concat()).ok();
        bench.tiny(&["md", "water.xyz", "--restart", "--time", "60fs", "--out", "part"]).ok();
        same_files(&bench, "whole", "part");
        assert_eq!(read_all(bench.path("whole.traj.xyz")).unwrap().len(), 41);
    }
}

/// Killed without warning: the restart file is older than the others, which are cut back.
#[cfg(unix)]
#[test]
fn killed_runs_end_in_the_same_bytes() {
    let bench = Bench::new();
    let options = [
        "md",
        "water.xyz",
        "--temp",
        "50",
        "--time",
        "1ps",
        "--restart-every",
        "37",
        "--model",
        "tiny.safetensors",
    ];
    bench.run(&[&options[..], &["--out", "whole"]].concat()).ok();
    for delay in [150, 60, 200, 110] {
        let resume: &[&str] = if bench.path("part.restart").exists() { &["--restart"] } else { &[] };
        let mut child = bench
            .command(&[&options[..], &["--out", "part"], resume].concat())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(delay));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let resume: &[&str] = if bench.path("part.restart").exists() { &["--restart"] } else { &[] };
    bench.run(&[&options[..], &["--out", "part"], resume].concat()).ok();
    same_files(&bench, "whole", "part");
}

/// Ctrl-C: the step is finished, the restart file written, the code is 130, and the run goes on from there.
#[cfg(unix)]
#[test]
fn interrupted_runs_go_on() {
    let bench = Bench::new();
    let options =
        ["md", "water.xyz", "--temp", "50", "--time", "200ps", "--out", "run", "--model", "tiny.safetensors"];
    let child = bench
        .command(&options)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    while !bench.path("run.restart").exists() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    std::thread::sleep(std::time::Duration::from_millis(100));
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let run = common::Run::new(&child.wait_with_output().unwrap());
    assert_eq!(run.code, Some(130), "{run:?}");
    assert!(run.err.contains("interrupted: step") && run.err.contains("--restart"), "{run:?}");
    let text = bench.read("run.restart");
    let step: u64 = text.split("\"step\": ").nth(1).unwrap().split(',').next().unwrap().parse().unwrap();
    let time = format!("{}fs", (step + 20) as f64 * 0.5);
    bench.tiny(&["md", "water.xyz", "--restart", "--time", &time, "--out", "run"]).ok();
}

/// What is given with --restart must agree with the run.
#[test]
fn restarts_refuse_other_settings() {
    let bench = Bench::new();
    bench.tiny(&["md", "water.xyz", "--temp", "50", "--time", "20fs"]).ok();
    let resume =
        |more: &[&str]| bench.tiny(&[&["md", "water.xyz", "--restart", "--time", "40fs"], more].concat());
    resume(&["--dt", "1"]).refused(2, &["--dt", "0.5"]);
    resume(&["--temp", "60"]).refused(2, &["--temp", "50"]);
    resume(&["--ensemble", "nve"]).refused(2, &["langevin"]);
    resume(&["--friction", "3"]).refused(2, &["--friction"]);
    resume(&["--save-every", "1fs"]).refused(2, &["--save-every"]);
    resume(&["--seed", "1"]).refused(2, &["--seed"]);
    resume(&["--fix", "1"]).refused(2, &["--fix"]);
    resume(&["--precision", "f64"]).refused(2, &["f32"]);
    bench.tiny(&["md", "water.xyz", "--restart", "--time", "10fs"]).refused(2, &["--time"]);
    std::fs::write(bench.path("water.md.csv"), "").unwrap();
    resume(&[]).refused(3, &["water.md.csv"]);
    std::fs::write(bench.path("water.md.restart"), "{}").unwrap();
    resume(&[]).refused(3, &["water.md.restart"]);
    resume(&["--dt", "1"]).refused(3, &["water.md.restart"]);
}

/// A model that knows how far it may be off says so along the way; one that does not has no such column.
#[test]
fn uncertainties_are_shown() {
    let bench = Bench::new();
    let short = ["md", "water.xyz", "--temp", "50", "--time", "5fs"];
    let text = bench.run(&[&short[..], &["--model", "rmd17-mpnice"]].concat()).ok();
    let head = text.lines().position(|l| l.contains("uncertainty / eV")).unwrap();
    let last = text.lines().nth(head + 2).unwrap().split_whitespace().last().unwrap();
    let results = bench.run(&["sp", "water.xyz", "--json", "--model", "rmd17-mpnice"]).json();
    let expected = results[0]["energy_uncertainty"].as_f64().unwrap();
    // A file whose uncertainty is of the last layer alone stays readable: what it gave when it was made.
    let ethanol =
        bench.run(&["sp", &common::example("ethanol.xyz"), "--json", "--model", "rmd17-mpnice"]).json();
    let of_ethanol = ethanol[0]["energy_uncertainty"].as_f64().unwrap();
    assert!((of_ethanol - 0.008_453_38).abs() < 1e-6, "{of_ethanol}");
    assert!(
        (last.parse::<f64>().unwrap() - expected).abs() <= 5e-5,
        "shown with four decimals: {last} {expected}"
    );
    assert!(!bench.tiny(&[&short[..], &["--out", "tiny"]].concat()).ok().contains("uncertainty"));
}

/// A run that can still go on is not lost by a slip.
#[test]
fn earlier_runs_are_kept() {
    let bench = Bench::new();
    let start = ["md", "water.xyz", "--temp", "50", "--time", "20fs"];
    bench.tiny(&start).ok();
    let before = bench.bytes("water.md.traj.xyz");
    let again = bench.tiny(&[&start[..], &["--seed", "3"]].concat());
    again.refused(2, &["water.md.restart", "--restart", "--out", "--overwrite"]);
    assert!(before == bench.bytes("water.md.traj.xyz"));
    bench.tiny(&[&start[..], &["--seed", "3", "--overwrite"]].concat()).ok();
    assert!(before != bench.bytes("water.md.traj.xyz"));
    bench.tiny(&[&start[..], &["--overwrite", "--restart"]].concat()).refused(2, &["--overwrite"]);
}

/// The usual interval between frames is near 10 fs for any time step.
#[test]
fn every_time_step_has_an_interval() {
    let bench = Bench::new();
    for (dt, time, frames) in [("0.3", "30fs", 4), ("0.7", "14fs", 2), ("20fs", "40fs", 3)] {
        let run = ["md", "water.xyz", "--temp", "1", "--dt", dt, "--time", time, "--overwrite"];
        bench.tiny(&run).ok();
        assert_eq!(read_all(bench.path("water.md.traj.xyz")).unwrap().len(), frames, "{dt}");
    }
}

/// A frame of a trajectory goes on with its velocities: two runs in a row pass through the same states as one, to the
/// digits of the file. Options that would then do nothing are refused.
#[test]
fn velocities_of_the_file_are_used() {
    let bench = Bench::new();
    let nve = ["--ensemble", "nve", "--save-every", "1fs"];
    let whole = ["md", "water.xyz", "--time", "8fs", "--temp", "50", "--out", "whole", "--precision", "f64"];
    bench.tiny(&[&whole[..], &nve].concat()).ok();
    let frames = read_all(bench.path("whole.traj.xyz")).unwrap();
    write_frames(bench.path("half.xyz"), &frames[4..5]).unwrap();
    let half = ["md", "half.xyz", "--time", "4fs", "--out", "half", "--precision", "f64"];
    let run = bench.tiny(&[&half[..], &nve].concat());
    assert!(run.err.contains("starts with the velocities in the file"), "{run:?}");
    run.ok();
    let (a, b) = (&frames[8], &read_all(bench.path("half.traj.xyz")).unwrap()[4]);
    for (x, y) in a.system.positions.iter().flatten().zip(b.system.positions.iter().flatten()) {
        assert!((x - y).abs() < 1e-6, "{x} {y}");
    }
    // ASE's momenta: p = m v in sqrt(amu eV).
    let masses: Vec<f64> = a.system.numbers.iter().map(|&z| elements::mass(z)).collect();
    let v = a.velocities(&masses).unwrap().unwrap();
    let mut ase = Frame::new(a.system.clone());
    let unit = units::AMU_ANGSTROM2_PER_FS2.sqrt();
    let momenta: Vec<_> = v.iter().zip(&masses).map(|(v, m)| v.map(|v| v * m * unit)).collect();
    ase.arrays.insert("momenta".into(), Array::vectors(&momenta));
    for (v, w) in v.iter().flatten().zip(ase.velocities(&masses).unwrap().unwrap().iter().flatten()) {
        assert!((v - w).abs() < 1e-15);
    }
    bench
        .tiny(&[&half[..], &nve, &["--overwrite", "--temp", "300"]].concat())
        .refused(2, &["--temp", "--velocities random"]);
    bench
        .tiny(&[&half[..], &nve, &["--overwrite", "--seed", "3"]].concat())
        .refused(2, &["--seed", "--velocities random"]);
    bench.tiny(&[&half[..], &nve, &["--overwrite", "--temp", "300", "--velocities", "random"]].concat()).ok();
    bench
        .tiny(&[&whole[..], &nve, &["--overwrite", "--velocities", "file"]].concat())
        .refused(2, &["neither velocities"]);
    bench.tiny(&[&half[..], &["--overwrite", "--fix", "1"]].concat()).refused(3, &["atom 1 is fixed"]);
}
