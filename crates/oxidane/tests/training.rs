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

/// The same labels with another zero of energy for every other frame, which is said to be of another system.
fn shifted(bench: &Bench) {
    let text = std::fs::read_to_string(bench.path("data.extxyz")).unwrap();
    let mut frame = 0;
    let lines = text.lines().map(|line| match line.split_once("energy=") {
        Some((before, after)) => {
            let (energy, rest) = after.split_once(' ').unwrap();
            frame += 1;
            let energy = energy.parse::<f64>().unwrap() + 50.0 * f64::from(frame % 2);
            format!("{before}energy={energy} system=s{} {rest}\n", frame % 2)
        }
        None => format!("{line}\n"),
    });
    bench.write("data.extxyz", &lines.collect::<String>());
}

/// Energies whose zero is not known teach by their differences: the same as labels of one zero, and refused where they would have no
/// effect.
#[test]
fn differences_of_energies_teach() {
    let bench = Bench::new();
    data(&bench);
    shifted(&bench);
    let split = "split = { seed = 1, train_count = 12, validation_count = 4 }";
    let differences = "differences = { within = \"system\", size = 4, only = true }";
    let config = CONFIG.replace(split, &format!("{split}\n{differences}")).replace(
        "energy_per_atom = { kind = \"l2\", weight = 1.0 }",
        "energy_differences = { kind = \"l2\", weight = 10.0 }",
    );
    bench.write("fit.toml", &config);
    bench.run(&["train", "fit.toml"]).refused(3, &["total energy", "reference_energies"]);
    let config = format!("{config}[reference_energies]\nmethod = \"none\"\n");
    bench.write("fit.toml", &config);
    let out = bench.run(&["train", "fit.toml", "--threads", "1", "--out", "a"]).ok();
    assert!(out.contains("energy differences") && !out.contains("energy per atom"), "{out}");
    let log = std::fs::read_to_string(bench.path("a/log.jsonl")).unwrap();
    let mae = |line: &str| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        row["errors"]["energy_differences"]["mae"].as_f64()
    };
    let errors: Vec<f64> = log.lines().filter_map(mae).collect();
    // Of 50 eV between the zeros nothing is left, of the differences within the systems, some 0.1 eV, little.
    assert!(errors[0] > 3.0 * errors.last().unwrap() && errors[0] < 1.0, "{errors:?}");

    bench.run(&["train", "fit.toml", "--threads", "2", "--out", "again"]).ok();
    let model = |folder: &str| std::fs::read(bench.path(folder).join("model.safetensors")).unwrap();
    assert_eq!(model("a"), model("again"), "the same bits on any number of threads");

    let refused = |config: &str, words: &[&str]| {
        bench.write("bad.toml", config);
        bench.run(&["train", "bad.toml", "--out", "b"]).refused(2, words);
    };
    refused(&config.replace("energy_differences", "energy"), &["data.differences", "no effect"]);
    refused(&config.replace(differences, ""), &["energy_differences", "no set to train on"]);
    refused(&config.replace("size = 4,", "size = 2,"), &["size", "3 or more"]);
    refused(
        &config.replace("weight = 10.0 }\nforces", "weight = 0.0 }\nforces"),
        &["data.differences", "weight"],
    );
    refused(&config.replace("\"system\"", "\"\""), &["within"]);
    refused(&config.replace("size = 4,", "size = 4, coefficient = \"c\","), &["size", "whole family"]);
    let factors = config.replace("size = 4,", "coefficient = \"c\",");
    bench.write("bad.toml", &factors);
    bench.run(&["train", "bad.toml", "--out", "c"]).refused(3, &["data.extxyz", "`c`"]);
    let text = std::fs::read_to_string(bench.path("data.extxyz")).unwrap();
    bench.write("data.extxyz", &text.replace(" system=", " c=1 system="));
    refused(&factors, &["divides a family", "whole_groups"]);
    let whole = factors.replace(split, "group = \"system\"\nsplit = { train_fraction = 0.5, validation_fraction = 0.5, whole_groups = true }");
    bench.write("bad.toml", &whole);
    bench.run(&["train", "bad.toml", "--out", "d"]).refused(3, &["leave 20 of", "difference"]);
    // Factors 1 and -1 in turn, five of each in a family.
    let mut count = 0;
    let signed = text.split(" system=").map(|part| {
        count += 1;
        let sign = if (count / 2) % 2 == 0 { 1 } else { -1 };
        format!("{part} c={sign} system=")
    });
    let signed = signed.collect::<String>();
    bench.write("data.extxyz", signed.rsplit_once(" c=").unwrap().0);
    let out = bench.run(&["train", "bad.toml", "--out", "e"]).ok();
    assert!(out.contains("10 training, 10 validation") && out.contains("energy differences"), "{out}");
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
    assert!(info.contains("test") && info.contains("validation"), "{info}");
    assert!(info.contains("H O") && info.contains("energy per atom"), "{info}");
    bench.run(&["sp", "water.xyz", "--model", "fit.run/model.safetensors"]).ok();
    bench.write(
        "methane.xyz",
        "5\n\nC 0 0 0\nH .63 .63 .63\nH -.63 -.63 .63\nH -.63 .63 -.63\nH .63 -.63 -.63\n",
    );
    bench.run(&["sp", "methane.xyz", "--model", "fit.run/model.safetensors"]).refused(5, &["C"]);
    bench.run(&["train", "fit.toml"]).refused(2, &["fit.run"]);
}

/// A model of charges: every verb takes it, and its charges have the sum asked for.
#[test]
fn a_trained_mpnice_serves() {
    let bench = Bench::new();
    data(&bench);
    let model = "architecture = \"mpnice\"\nnode_dim = 8\nupdate_dim = 8\nreadout_dim = 4\ncutoff = 3.0\n";
    let (head, rest) = CONFIG.split_once("architecture").unwrap();
    let rest = rest.split_once("[data]").unwrap().1;
    bench.write("fit.toml", &format!("{head}{model}[data]{rest}"));
    let out = bench.run(&["train", "fit.toml", "--threads", "1"]).ok();
    assert!(out.contains("mpnice") && out.contains("meV/angstrom"), "{out}");
    let trained =
        |arguments: &[&str]| bench.run(&[arguments, &["--model", "fit.run/model.safetensors"]].concat());
    let results = trained(&["sp", "water.xyz", "--all", "--json"]).json();
    let charges = results[0]["charges"].as_array().unwrap();
    let sum: f64 = charges.iter().map(|q| q.as_f64().unwrap()).sum();
    assert!(sum.abs() < 1e-9, "{results}");
    assert!(results[0]["dipole"].is_array(), "{results}");
    trained(&["opt", "water.xyz"]).ok();
    trained(&["md", "water.xyz", "--time", "10fs"]).ok();
    trained(&["eval", "data.extxyz"]).ok();
    let info = bench.run(&["info", "fit.run/model.safetensors"]).ok();
    assert!(info.contains("mpnice") && info.contains("H O"), "{info}");
    trained(&["sp", "water.xyz", "--chrg", "1", "--uhf", "1"]).refused(5, &["charge 1"]);
}

/// Killed when the log says that it is on its way: from the first steps, and later. Each time the run is unfinished.
#[cfg(unix)]
#[test]
fn killed_training_ends_in_the_same_bytes() {
    let bench = Bench::new();
    data(&bench);
    let often = CONFIG
        .replace("[train]", "[train]\nlog_every = 1\nkeep_best = 2")
        .replace("epochs = 30", "epochs = 120");
    bench.write("fit.toml", &often);
    bench.run(&["train", "fit.toml", "--out", "whole", "--threads", "2"]).ok();
    for step in [1, 60, 130] {
        let resume: &[&str] = if step > 1 { &["--resume"] } else { &[] };
        let mut child = bench
            .command(&[&["train", "fit.toml", "--out", "part", "--threads", "1"], resume].concat())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let sign = format!("\"step\":{step}");
        let begun = std::time::Instant::now();
        while !std::fs::read_to_string(bench.path("part/log.jsonl")).is_ok_and(|log| log.contains(&sign)) {
            assert!(begun.elapsed().as_secs() < 120, "step {step} never came");
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!bench.path("part/model.safetensors").exists(), "the run was over before it was killed");
        bench.write("part/.model.safetensors.7.0.tmp", "half");
    }
    bench.run(&["train", "fit.toml", "--out", "part", "--resume"]).ok();
    assert_eq!(names(&bench, "whole"), names(&bench, "part"));
    for file in names(&bench, "whole") {
        let (a, b) = (bench.bytes(&format!("whole/{file}")), bench.bytes(&format!("part/{file}")));
        assert!(a == b, "{file} differs");
    }
}

fn names(bench: &Bench, folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(bench.path(folder)).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Killed before anything was saved: going on is starting. What holds results but no checkpoint is left alone.
#[test]
fn folders_without_a_checkpoint() {
    let bench = Bench::new();
    data(&bench);
    bench.run(&["train", "fit.toml", "--resume"]).refused(2, &["--resume"]);
    std::fs::create_dir(bench.path("fit.run")).unwrap();
    bench.run(&["train", "fit.toml", "--resume"]).ok();
    std::fs::remove_file(bench.path("fit.run/checkpoint.safetensors")).unwrap();
    bench.run(&["train", "fit.toml"]).refused(2, &["fit.run", "log.jsonl"]);
    bench.run(&["train", "fit.toml", "--resume"]).refused(2, &["fit.run", "log.jsonl"]);
}

/// Two sets for two levels of theory, one with dispersion: every set is reported with its head, and the model has both.
#[test]
fn two_levels_of_theory() {
    let bench = Bench::new();
    data(&bench);
    bench.run(&["sp", "frames.xyz", "--model", "gfn2", "--forces", "--out", "gfn2.extxyz"]).ok();
    let (model, rest) = CONFIG.split_once("[data]").unwrap();
    let rest = rest.split_once("[loss]").unwrap().1;
    let sets = r#"
[[heads]]
name = "low"
[[heads]]
name = "high"
d3 = "pbe"
[[data.sets]]
name = "many"
head = "low"
files = ["data.extxyz"]
split = { train_count = 12, validation_count = 4 }
[[data.sets]]
name = "few"
head = "high"
files = ["gfn2.extxyz"]
sampling_weight = 1.5
split = { train_count = 4, validation_count = 2 }
"#;
    bench.write("fit.toml", &format!("{model}{sets}[loss]{rest}"));
    let out = bench.run(&["train", "fit.toml", "--threads", "1"]).ok();
    for words in [
        "16 training, 6 validation, 18 test",
        "4 training, 2 validation, 14 test",
        "many@low",
        "few@high",
        "mean of the sets",
    ] {
        assert!(out.contains(words), "{words}: {out}");
    }
    for plot in ["parity.svg", "learning.svg"] {
        let text = String::from_utf8(bench.bytes(&format!("fit.run/{plot}"))).unwrap();
        assert!(text.contains("few@high"), "{plot}");
    }
    let info = bench.run(&["info", "fit.run/model.safetensors", "--json"]).json();
    assert_eq!((&info["heads"][1]["name"], &info["default_head"]), (&"high".into(), &"low".into()));
    assert_eq!(info["heads"][1]["dispersion"]["functional"], "pbe");
    bench.run(&["sp", "water.xyz", "--model", "fit.run/model.safetensors"]).ok();
    bench.write(
        "fit.toml",
        &format!("{model}{sets}[loss]{rest}").replace("head = \"high\"", "head = \"hihg\""),
    );
    bench.run(&["train", "fit.toml", "--out", "other"]).refused(2, &["hihg", "[[heads]]"]);
}

/// A trained model says how far its energies may be off, and which structures are unlike those it was trained on.
#[test]
fn errors_are_foreseen() {
    let bench = Bench::new();
    data(&bench);
    bench.write(
        "fit.toml",
        &CONFIG.replace("train_count = 12, validation_count = 4", "train_count = 8, validation_count = 8"),
    );
    bench.run(&["train", "fit.toml", "--threads", "1"]).ok();
    let with =
        |arguments: &[&str]| bench.run(&[arguments, &["--model", "fit.run/model.safetensors"]].concat());
    let info = bench.run(&["info", "fit.run/model.safetensors"]).ok();
    assert!(info.contains("8 structures trained on and 8 errors"), "{info}");
    assert!(with(&["sp", "water.xyz"]).ok().contains("+/-"));
    let results = with(&["sp", "water.xyz", "--json", "--strict"]).json();
    let off = results[0]["energy_uncertainty"].as_f64().unwrap();
    assert!(off > 0.0 && off.is_finite(), "{results}");
    assert_eq!(results[0]["strangeness"].as_array().unwrap().len(), 3, "{results}");
    with(&["sp", "frames.xyz", "--out", "again.extxyz"]).ok();
    assert!(bench.read("again.extxyz").contains("energy_uncertainty="));
    assert!(with(&["opt", "water.xyz", "--convergence", "loose", "--out", "o"]).ok().contains("+/-"));
    let errors = with(&["eval", "data.extxyz"]).ok();
    assert!(
        errors.contains("error / uncertainty") && bench.path("data.uncertainty.svg").exists(),
        "{errors}"
    );

    // Half as long again: told, and refused where that is asked for.
    bench.write("long.xyz", &WATER.replace("0.7572", "1.5").replace("0.7572", "1.5"));
    let told = with(&["sp", "long.xyz"]);
    assert!(told.err.contains("strange"), "{}", told.err);
    with(&["sp", "long.xyz", "--strict"]).refused(5, &["atom", "--strict"]);
    bench.run(&["sp", "water.xyz", "--strict", "--model", "rmd17"]).refused(2, &["--strict has no effect"]);

    bench.write("fit.toml", &format!("{CONFIG}uncertainty = false\n"));
    bench.run(&["train", "fit.toml", "--threads", "1", "--out", "without"]).ok();
    let info = bench.run(&["info", "without/model.safetensors"]).ok();
    assert!(!info.contains("uncertainty"), "{info}");
}

/// An uncertainty can be given to a model afterwards: the same as at the end of its training.
#[test]
fn a_model_is_calibrated_afterwards() {
    let bench = Bench::new();
    data(&bench);
    let config =
        CONFIG.replace("train_count = 12, validation_count = 4", "train_count = 8, validation_count = 8");
    bench.write("fit.toml", &config);
    bench.write("bare.toml", &format!("{config}uncertainty = false\n"));
    for name in ["fit", "bare"] {
        bench.run(&["train", &format!("{name}.toml"), "--threads", "1"]).ok();
    }
    let calibrate = |config: &str, out: &str| {
        bench.run(&["calibrate", config, "--model", "bare.run/model.safetensors", "--out", out])
    };
    let said = calibrate("bare.toml", "later.safetensors").ok();
    assert!(said.contains("8 structures trained on, 8 errors"), "{said}");
    let off = |model: &str| {
        bench.run(&["sp", "water.xyz", "--json", "--model", model]).json()[0]["energy_uncertainty"].clone()
    };
    assert_eq!(off("later.safetensors"), off("fit.run/model.safetensors"));
    assert!(off("bare.run/model.safetensors").is_null());

    // A head that was added in fine-tuning is there already, with its energies.
    let more = config.replace("epochs = 30", "epochs = 1").replace(
        "[data]\n",
        "[finetune]\nmodel = \"bare.run/model.safetensors\"\nhead = \"old\"\n[[heads]]\nname = \"new\"\ninit = \"old\"\n\
         reference_energies = { method = \"least_squares\" }\n[[data.sets]]\n",
    );
    bench.write("more.toml", &more);
    bench.run(&["train", "more.toml", "--threads", "1"]).ok();
    let again =
        ["calibrate", "more.toml", "--model", "more.run/model.safetensors", "--out", "again.safetensors"];
    assert!(bench.run(&again).ok().contains("head new: 8 structures trained on, 8 errors"));
    let new = |model: &str| {
        let run = ["sp", "water.xyz", "--json", "--head", "new", "--model", model];
        bench.run(&run).json()[0]["energy_uncertainty"].clone()
    };
    assert_eq!(new("again.safetensors"), new("more.run/model.safetensors"));

    calibrate("bare.toml", "bare.run/model.safetensors").refused(2, &["overwritten"]);
    bench.write("few.toml", &config.replace("validation_count = 8", "validation_count = 2"));
    calibrate("few.toml", "x.safetensors").refused(3, &["8 validation frames"]);
    bench.write("other.toml", &config.replace("cutoff = 3.0", "cutoff = 4.0"));
    calibrate("other.toml", "x.safetensors").refused(2, &["cutoff"]);
    assert!(!bench.path("x.safetensors").exists());
}
