//! Training from the command line: the files, and the same bytes after an interruption.

mod common;
use common::{Bench, WATER};

const CONFIG: &str = r#"
[model]
architecture = "xpainn"
node_dim = 8
node_irreps = "8x0e+4x1o"
hidden_dim = 4
embedding = "one-hot"
cutoff = 3.0
action_blocks = 1
[data]
files = ["data.extxyz"]
split = { seed = 1, train_count = 12, validation_count = 4 }
[loss]
energy_per_atom = { kind = "l2", weight = 1.0 }
forces = { kind = "l2", weight = 10.0 }
[train]
epochs = 30
batch_size = 4
"#;

/// Labels of another model.
fn data(bench: &Bench) {
    let frames: String = (0..20).map(|i| WATER.replace("0.7572", &format!("0.{}", 6900 + 61 * i))).collect();
    bench.write("frames.xyz", &frames);
    bench.tiny(&["sp", "frames.xyz", "--out", "data.extxyz", "--precision", "f64"]).ok();
    bench.write("fit.toml", CONFIG);
}

#[test]
fn a_trained_model_serves() {
    let bench = Bench::new();
    data(&bench);
    let out = bench.run(&["train", "fit.toml", "--threads", "1"]).ok();
    assert!(out.contains("12 training, 4 validation, 4 test") && out.contains("meV/angstrom"), "{out}");
    for file in
        ["model.safetensors", "checkpoint.safetensors", "validation.csv", "learning.svg", "parity.svg"]
    {
        assert!(bench.path("fit.run").join(file).exists(), "{file}");
    }
    let info = bench.run(&["info", "fit.run/model.safetensors"]).ok();
    assert!(info.contains("H O") && info.contains("energy per atom"), "{info}");
    bench.run(&["sp", "water.xyz", "--model", "fit.run/model.safetensors"]).ok();
    bench.write(
        "methane.xyz",
        "5\n\nC 0 0 0\nH .63 .63 .63\nH -.63 -.63 .63\nH -.63 .63 -.63\nH .63 -.63 -.63\n",
    );
    bench.run(&["sp", "methane.xyz", "--model", "fit.run/model.safetensors"]).refused(5, &["C"]);
    bench.run(&["train", "fit.toml"]).refused(2, &["fit.run"]);
}

#[cfg(unix)]
#[test]
fn killed_training_ends_in_the_same_bytes() {
    let bench = Bench::new();
    data(&bench);
    bench.run(&["train", "fit.toml", "--out", "whole", "--threads", "2"]).ok();
    for delay in [60, 120] {
        let resume: &[&str] =
            if bench.path("part/checkpoint.safetensors").exists() { &["--resume"] } else { &[] };
        let mut child = bench
            .command(&[&["train", "fit.toml", "--out", "part", "--threads", "1"], resume].concat())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(delay));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let resume: &[&str] =
        if bench.path("part/checkpoint.safetensors").exists() { &["--resume"] } else { &[] };
    bench.run(&[&["train", "fit.toml", "--out", "part"], resume].concat()).ok();
    for file in ["model.safetensors", "checkpoint.safetensors", "validation.csv", "log.jsonl"] {
        let (a, b) = (bench.bytes(&format!("whole/{file}")), bench.bytes(&format!("part/{file}")));
        assert!(a == b, "{file} differs");
    }
}
