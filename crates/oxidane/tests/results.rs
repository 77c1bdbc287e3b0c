//! What the verbs give when all is well.

mod common;
use common::{Bench, WATER, example};
use oxidane_core::io::read_all;
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(list) => list.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap()],
    }
}

#[test]
fn json_holds_everything_the_model_gives() {
    let bench = Bench::new();
    bench.write_model("all.safetensors", &["energy", "charges", "dipole", "polar"]);
    let urea = example("urea.cif");
    let all = bench
        .run(&["sp", "water.xyz", &urea, "--json", "--model", "all.safetensors", "--precision", "f64"])
        .json();
    let (water, crystal) = (&all[0], &all[1]);
    assert_eq!(water["name"], "water");
    assert_eq!(water["file"], "water.xyz");
    assert_eq!((&water["index"], &water["natoms"], &water["unpaired"]), (&0.into(), &3.into(), &0.into()));
    assert_eq!(numbers(&water["forces"]).len(), 9);
    assert_eq!(numbers(&water["virial"]).len(), 9);
    assert_eq!(numbers(&water["charges"]).len(), 3);
    assert_eq!(numbers(&water["dipole"]).len(), 3);
    assert_eq!(numbers(&water["polarizability"]).len(), 9);
    assert!(water.get("stress").is_none(), "a molecule has no stress");
    // Stress = -virial / volume.
    let volume = read_all(&urea).unwrap()[0].system.cell.unwrap().volume();
    for (s, v) in numbers(&crystal["stress"]).iter().zip(numbers(&crystal["virial"])) {
        assert!((s * volume + v).abs() < 1e-12 * v.abs().max(1.0));
    }
    // Charges sum to the total charge by construction.
    assert!(numbers(&water["charges"]).iter().sum::<f64>().abs() < 1e-9);
}

/// The energy alone, everything, f32 and f64, one and many: the same numbers.
#[test]
fn ways_to_ask_agree() {
    let bench = Bench::new();
    let energy = |arguments: &[&str]| numbers(&bench.tiny(arguments).json()[0]["energy"])[0];
    let exact = energy(&["sp", "water.xyz", "--json", "--precision", "f64"]);
    let single = energy(&["sp", "water.xyz", "--json"]);
    // f32 network, f64 sums: the tolerance that the engine states, per atom.
    assert!((exact - single).abs() < 3e-5, "{exact} {single}");
    let table = bench.tiny(&["sp", "water.xyz", "--precision", "f64"]).ok();
    assert!(table.contains(&format!("{exact:.6}")) && table.contains("H2O"), "{table}");
    let block = bench.tiny(&["sp", "water.xyz", "--precision", "f64", "--all"]).ok();
    assert!(
        block.contains(&format!("{exact:.6} eV")) && block.contains("multiplicity 1 (0 unpaired)"),
        "{block}"
    );
}

#[test]
fn threads_and_batches_change_no_bit() {
    let bench = Bench::new();
    let frames: String = (0..23)
        .map(|i| {
            WATER
                .replace("0.7572", &format!("0.{}", 7000 + 37 * i))
                .replace("name=water", &format!("name=w{i}"))
        })
        .collect();
    bench.write("many.xyz", &frames);
    let aspirin = example("aspirin.xyz");
    let run = |threads: &str| bench.tiny(&["sp", "many.xyz", &aspirin, "--json", "--threads", threads]).ok();
    let one = run("1");
    assert!(one == run("2") && one == run("7"), "the same bytes for any number of threads");
    let all: Value = serde_json::from_str(&one).unwrap();
    let names: Vec<_> =
        all.as_array().unwrap().iter().map(|r| r["name"].as_str().unwrap().to_owned()).collect();
    let expected: Vec<_> = (0..23).map(|i| format!("w{i}")).chain(["aspirin".into()]).collect();
    assert_eq!(names, expected, "in the order of the input");
    let alone = bench.tiny(&["sp", &aspirin, "--json", "--threads", "7"]).json();
    assert_eq!(alone[0], all[23], "alone or among others");
}

#[test]
fn labelled_structures_can_be_evaluated() {
    let bench = Bench::new();
    bench.write("many.xyz", &WATER.repeat(3));
    bench.tiny(&["sp", "many.xyz", "--out", "labelled.xyz"]).ok();
    let frames = read_all(bench.path("labelled.xyz")).unwrap();
    assert_eq!(frames.len(), 3);
    assert!(frames[0].info.contains_key("energy") && frames[0].arrays.contains_key("forces"));
    // The model against itself: exactly nothing.
    let report = bench.tiny(&["eval", "labelled.xyz", "--json"]).json();
    assert_eq!(report["errors"]["forces"]["max"], 0.0);
    assert_eq!(report["errors"]["energy"]["count"], 3);
    assert!(bench.read("labelled.eval.svg").starts_with("<svg"));
    let renamed = bench.read("labelled.xyz").replace("energy=", "E=").replace("forces:R", "F:R");
    bench.write("renamed.xyz", &renamed);
    let table = bench.tiny(&["eval", "renamed.xyz", "--keys", "energy=E,forces=F"]).ok();
    assert!(table.contains("forces") && table.contains("meV/angstrom"), "{table}");
}

/// What the file says beside its labels stays; labels are those of the model.
#[test]
fn results_stand_beside_what_the_file_says() {
    let bench = Bench::new();
    bench.write(
        "in.xyz",
        "2\nProperties=species:S:1:pos:R:3:forces:R:3:tag:I:1 config_type=pair energy=-1 dipole=\"1 2 3\"\n\
         C 0 0 0 9 9 9 4\nO 0 0 1.13 9 9 9 5\n",
    );
    bench.tiny(&["sp", "in.xyz", "--out", "out.xyz"]).ok();
    let frame = &read_all(bench.path("out.xyz")).unwrap()[0];
    assert_eq!(frame.info["config_type"].as_text(), Some("pair"));
    assert_eq!(frame.arrays["tag"].data, oxidane_core::io::Data::Int(vec![4, 5]));
    assert!(!frame.info.contains_key("dipole"), "a label that the model does not give");
    assert!(frame.info["energy"].as_real().unwrap() < -2000.0 && frame.info.contains_key("virial"));
    assert!(frame.arrays["forces"].data.to_reals().unwrap().iter().all(|f| f.abs() < 9.0));
}

/// Atoms that a POSCAR holds stay held in the next one, and a name with an extension names the same files.
#[test]
fn optimised_poscar_keeps_its_flags() {
    let bench = Bench::new();
    let poscar = "slab\n1.0 angstrom\n6 0 0\n0 6 0\n0 0 6\nO H\n1 2\nSelective\nDirect\n0 0 0 F F F\n\
         .16 0 0 T T T\n0 .16 0 T T T\n";
    bench.write("POSCAR", poscar);
    bench.tiny(&["opt", "POSCAR", "--fmax", "100", "-o", "next.vasp"]).ok();
    assert!(bench.files().contains(&"next.vasp".to_owned()));
    let frame = &read_all(bench.path("next.vasp")).unwrap()[0];
    assert_eq!(frame.fixed().unwrap().unwrap(), [[true; 3], [false; 3], [false; 3]]);
    bench.write("POSCAR", &poscar.replace("T T T\n0", "T F T\n0"));
    bench.tiny(&["opt", "POSCAR"]).refused(3, &["POSCAR", "atom 2", "F F F or T T T"]);
}

/// Under pressure the enthalpy is minimised, and said so.
#[test]
fn pressure_makes_an_enthalpy() {
    let bench = Bench::new();
    let ice = example("dry-ice.vasp");
    let run = |more: &[&str]| {
        bench.tiny(&[&["opt", &ice, "--cell", "--fmax", "100", "--max-steps", "1"], more].concat())
    };
    let text = run(&["--pressure", "1"]).out;
    assert!(text.contains("enthalpy / eV") && text.contains("(E + pV)"), "{text}");
    let text = run(&[]).out;
    assert!(text.contains("energy / eV") && !text.contains("enthalpy"), "{text}");
    let json: Value = serde_json::from_str(&run(&["--pressure", "1", "--json"]).out).unwrap();
    let cell: Vec<_> = numbers(&json["cell"]).chunks_exact(3).map(|v| [v[0], v[1], v[2]]).collect();
    let volume = oxidane_core::Cell::new([cell[0], cell[1], cell[2]]).volume().abs();
    let pv = oxidane_core::units::GIGAPASCAL * volume;
    let difference = numbers(&json["enthalpy"])[0] - numbers(&json["energy"])[0];
    assert!((difference - pv).abs() < 1e-9, "{difference} {pv}");
}

/// The standard input, and options that every verb takes.
#[test]
fn standard_input_and_common_options() {
    use std::io::Write as _;
    let bench = Bench::new();
    let mut command = bench.command(&["--precision", "f64", "-q", "sp", "-", "--model", "tiny.safetensors"]);
    let pipes = command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = pipes.stderr(std::process::Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(WATER.as_bytes()).unwrap();
    let piped = common::Run::new(&child.wait_with_output().unwrap()).ok();
    let direct = bench.tiny(&["sp", "water.xyz", "-q", "--precision", "f64"]).ok();
    assert_eq!(piped, direct);
    assert!(piped.starts_with("     #"), "no blank line first: {piped}");
    for verb in [&["info", "tiny.safetensors"][..], &["models"], &["completions", "bash"]] {
        bench.run(&[verb, &["--precision", "f64"]].concat()).ok();
    }
}

/// What a model does not know of itself, or of charge and spin, is told once.
#[test]
fn models_with_open_domains_are_noted() {
    let bench = Bench::new();
    let (mut header, tensors) = oxidane_models::file::read(&bench.path("tiny.safetensors")).unwrap();
    let head = header.only_head_mut();
    (head.elements, head.charges, head.unpaired) = (Vec::new(), Vec::new(), Vec::new());
    oxidane_models::file::write(&bench.path("open.safetensors"), &header, &tensors).unwrap();
    bench.write("many.xyz", &WATER.replace("name=water", "charge=1").repeat(3));
    let run = bench.run(&["sp", "many.xyz", "--model", "open.safetensors"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.err.matches("are not known").count(), 1, "{run:?}");
    assert_eq!(run.err.matches("the charge +1 does not enter").count(), 1, "{run:?}");
    assert_eq!(run.err.lines().count(), 2, "{run:?}");
    let run = bench.run(&["opt", "water.xyz", "--fmax", "100", "--model", "open.safetensors"]);
    assert_eq!(run.err.lines().count(), 1, "{run:?}");
    assert_eq!(bench.tiny(&["sp", "water.xyz"]).err, "");
}

#[test]
fn info_says_what_a_model_is() {
    let bench = Bench::new();
    let text = bench.run(&["info", "tiny.safetensors"]).ok();
    for word in ["xpainn", "H C N O", "untrained", "hash", "cutoff", "-13.6"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert!(!text.contains("update_0.update_U.weight"));
    let text = bench.run(&["info", "tiny.safetensors", "--tensors"]).ok();
    assert!(text.contains("message_0.scalar_mlp") && text.contains("100 x 8"), "{text}");
    let json = bench.run(&["info", "tiny.safetensors", "--tensors", "--json"]).json();
    assert_eq!(json["tensors"][0]["name"], "embedding.embedding.weight");
    assert_eq!(json["tensors"][0]["shape"], serde_json::json!([100, 8]));
    let json = bench.run(&["info", "tiny.safetensors", "--json"]).json();
    assert_eq!(json["architecture"], "xpainn");
    assert!(json["weights"].as_u64().unwrap() > 100);
}

/// The forces of an untrained network still have a minimum near by to go to, or it says that there is none.
#[test]
fn optimisation_writes_its_files() {
    let bench = Bench::new();
    let run = bench.tiny(&["opt", "water.xyz", "--precision", "f64", "--max-steps", "2", "--fmax", "1e-9"]);
    let run = run.refused(6, &["not converged", "water.opt.xyz"]);
    assert!(run.out.contains("NOT converged") && run.out.contains("max |F|"), "{run:?}");
    assert_eq!(read_all(bench.path("water.opt.xyz")).unwrap().len(), 1);
    assert_eq!(read_all(bench.path("water.opt.traj.xyz")).unwrap().len(), 3);
    let json = bench.tiny(&["opt", "water.xyz", "--fmax", "100", "--json", "--fix", "1"]).json();
    assert_eq!(json["converged"], true);
    assert_eq!(numbers(&json["positions"])[2], 0.1173, "a fixed atom stays");
    let dry_ice = example("dry-ice.vasp");
    bench.tiny(&["opt", &dry_ice, "--cell", "--pressure", "1", "--fmax", "100", "--out", "ice"]);
    assert!(bench.files().contains(&"ice.vasp".to_owned()));
}

#[test]
fn completions_and_help() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(bench.run(&["completions", shell]).ok().contains("oxidane"));
    }
    for verb in ["sp", "opt", "md", "train", "eval", "info", "completions"] {
        let help = bench.run(&[verb, "--help"]).ok();
        assert!(help.contains("Examples:"), "{verb}");
    }
    assert!(bench.run(&["--help"]).ok().contains("130"), "exit codes");
    assert!(bench.run(&["--version"]).ok().starts_with("oxidane "));
}
