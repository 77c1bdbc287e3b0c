//! Bad input of every kind: one line that names what is wrong, the documented exit code, no panic.

mod common;
use common::{Bench, WATER, example};

/// Structures that make no sense.
#[test]
fn structures() {
    let cases: &[(&str, &str, i32, &[&str])] = &[
        ("3\n\nO 0 0 nan\nH 0 0.76 -0.47\nH 0 -0.76 -0.47\n", "NaN", 3, &["bad.xyz:3"]),
        ("3\n\nO 0 0 inf\nH 0 0.76 -0.47\nH 0 -0.76 -0.47\n", "infinity", 3, &["bad.xyz:3"]),
        ("2\n\nO 0 0 0\nO 0 0 0\n", "coincident atoms", 3, &["bad.xyz", "atoms 1 and 2", "--force"]),
        ("2\n\nO 0 0 0\nO 0 0 0.3\n", "close atoms", 3, &["0.300", "--force"]),
        ("1\n\nXx 0 0 0\n", "unknown element", 3, &["bad.xyz:3", "Xx"]),
        ("3\n\nO 0 0 0\nH 0 0.76 -0.47\n", "too few lines", 3, &["bad.xyz"]),
        ("1\n\nO 0 0 0\nH 0 0.76 -0.47\n", "too many lines", 3, &["bad.xyz:4"]),
        ("two\n\nO 0 0 0\n", "a count that is none", 3, &["bad.xyz:1"]),
        (
            "3\nmultiplicity=2\nO 0 0 0.12\nH 0 0.76 -0.47\nH 0 -0.76 -0.47\n",
            "spin against parity",
            3,
            &["multiplicity 2"],
        ),
        ("2\ncharge=0 spin=1\nO 0 0 0\nH 0 0 0.97\n", "odd electrons as a singlet", 3, &["9 electrons"]),
        ("", "empty file", 3, &["bad.xyz", "empty"]),
        ("\n\n", "blank file", 3, &["bad.xyz", "empty"]),
        (
            "2\nLattice=\"1 0 0 2 0 0 0 0 1\" pbc=\"T T T\"\nO 0 0 0\nO 0 0 1.2\n",
            "zero-volume cell",
            3,
            &["bad.xyz", "volume"],
        ),
        (
            "1\nLattice=\"0.01 0 0 0 0.01 0 0 0 0.01\"\nO 0 0 0\n",
            "cell in another unit",
            3,
            &["bad.xyz", "1.000e-2 angstrom", "unit"],
        ),
        ("1\nLattice=\"1 0\"\nO 0 0 0\n", "cell of two numbers", 3, &["bad.xyz:2", "Lattice"]),
        ("1\nProperties=species:S:1:pos:Q:3\nO 0 0 0\n", "unknown column type", 3, &["bad.xyz:2"]),
        ("1\n\nHe 0 0 0\n", "element the model never saw", 5, &["bad.xyz", "He", "tiny"]),
        (
            "3\ncharge=2\nO 0 0 0.12\nH 0 0.76 -0.47\nH 0 -0.76 -0.47\n",
            "charge the model never saw",
            5,
            &["charge 2"],
        ),
        ("2\n\nO 0 0 0\nH 0 0 0.97\n", "spin the model never saw", 5, &["unpaired"]),
    ];
    let bench = Bench::new();
    for (text, what, code, words) in cases {
        println!("{what}");
        bench.write("bad.xyz", text);
        let before = bench.files();
        bench.tiny(&["sp", "bad.xyz"]).refused(*code, words);
        bench.tiny(&["sp", "bad.xyz", "--json", "--out", "results.xyz"]).refused(*code, words);
        bench.tiny(&["opt", "bad.xyz"]).refused(*code, words);
        bench.tiny(&["md", "bad.xyz", "--time", "10fs"]).refused(*code, words);
        assert_eq!(before, bench.files(), "{what}: nothing half-written");
    }
}

/// A factor that makes the cell vanish.
#[test]
fn poscar_scale() {
    let bench = Bench::new();
    bench.write("POSCAR", "ice\n0.001\n5 0 0\n0 5 0\n0 0 5\nO\n1\nDirect\n0 0 0\n");
    bench.tiny(&["sp", "POSCAR"]).refused(3, &["POSCAR", "angstrom", "scale"]);
}

/// The refusal comes at its place in the input; what came before is printed, but no half JSON.
#[test]
fn in_the_middle_of_many() {
    let bench = Bench::new();
    bench.write("bad.xyz", &format!("{WATER}{WATER}1\n\nHe 0 0 0\n{WATER}"));
    let run = bench.tiny(&["sp", "bad.xyz"]).refused(5, &["bad.xyz:11", "He"]);
    assert_eq!(run.out.matches("H2O").count(), 2, "{run:?}");
    let run = bench.tiny(&["sp", "bad.xyz", "--json"]).refused(5, &["He"]);
    assert_eq!(run.out, "");
}

#[test]
fn close_atoms_can_be_forced() {
    let bench = Bench::new();
    bench.write("close.xyz", "2\n\nO 0 0 0\nO 0 0 0.3\n");
    bench.tiny(&["sp", "close.xyz", "--force"]).ok();
}

#[test]
fn charge_and_spin_of_the_command_line() {
    let bench = Bench::new();
    bench.tiny(&["sp", "water.xyz", "--uhf", "1"]).refused(3, &["--uhf"]);
    bench.tiny(&["sp", "water.xyz", "--chrg", "1"]).refused(5, &["charge 1"]);
    bench.tiny(&["sp", "water.xyz", "--chrg", "-1", "--mult", "1"]).refused(3, &["11 electrons"]);
    bench.tiny(&["sp", "water.xyz", "--mult", "0"]).refused(2, &["--mult"]);
    bench.tiny(&["sp", "water.xyz", "--mult", "1", "--uhf", "0"]).refused(2, &["--uhf"]);
    let all = bench.tiny(&["sp", "water.xyz", "--mult", "1", "--chrg", "0", "--json"]).json();
    assert_eq!((&all[0]["charge"], &all[0]["multiplicity"]), (&0.into(), &1.into()));
}

#[test]
fn models() {
    let bench = Bench::new();
    let sp = |model: &str| bench.run(&["sp", "water.xyz", "--model", model]);
    let whole = bench.bytes("tiny.safetensors");
    for length in [0, 7, 100, whole.len() / 2, whole.len() - 1] {
        std::fs::write(bench.path("cut.safetensors"), &whole[..length]).unwrap();
        sp("cut.safetensors").refused(4, &["cut.safetensors"]);
    }
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    std::fs::write(bench.path("flipped.safetensors"), flipped).unwrap();
    sp("flipped.safetensors").refused(4, &["flipped.safetensors"]);
    sp("water.xyz").refused(4, &["water.xyz"]);
    std::fs::write(bench.path("foreign.pt"), b"PK\x03\x04 not really a zip file").unwrap();
    sp("foreign.pt").refused(4, &["foreign.pt"]);
    bench.run(&["import", "xequinet", "foreign.pt", "-o", "m"]).refused(4, &["foreign.pt"]);
    sp("nowhere.safetensors").refused(7, &["nowhere.safetensors"]);
    bench.run(&["info", "nowhere.safetensors"]).refused(7, &["nowhere.safetensors"]);
}

/// A model whose header asks for other shapes than its tensors have.
#[test]
fn shapes_that_do_not_fit() {
    let bench = Bench::new();
    let (mut header, tensors) = oxidane_models::file::read(&bench.path("tiny.safetensors")).unwrap();
    header.hyperparameters["num_basis"] = 9.into();
    oxidane_models::file::write(&bench.path("odd.safetensors"), &header, &tensors).unwrap();
    bench.run(&["sp", "water.xyz", "--model", "odd.safetensors"]).refused(4, &["odd.safetensors", "shape"]);
}

#[test]
fn options() {
    let bench = Bench::new();
    bench.run(&["sp"]).refused(2, &["FILE"]);
    bench.run(&["fly"]).refused(2, &["fly"]);
    bench.tiny(&["sp", "water.xyz", "--forced"]).refused(2, &["--forced"]);
    bench.tiny(&["sp", "water.xyz", "--precision", "f16"]).refused(2, &["f16", "f32"]);
    bench.tiny(&["sp", "water.xyz", "--threads", "0"]).refused(2, &["--threads"]);
    bench.tiny(&["sp", "water.xyz", "--dipole"]).refused(2, &["dipole"]);
    bench.tiny(&["sp", "water.xyz", "--stress"]).refused(2, &["--stress"]);
    bench.tiny(&["opt", "water.xyz", "--pressure", "1"]).refused(2, &["--cell"]);
    bench.tiny(&["opt", "water.xyz", "--cell"]).refused(2, &["cell"]);
    bench.tiny(&["opt", "water.xyz", "--fix", "1,9"]).refused(2, &["9"]);
    bench.tiny(&["opt", "water.xyz", "--fix", "1-3"]).refused(2, &["fixed"]);
    bench.tiny(&["opt", "water.xyz", "--fmax", "0.1", "--convergence", "tight"]).refused(2, &["--fmax"]);
    bench.tiny(&["md", "water.xyz"]).refused(2, &["--time"]);
    bench.tiny(&["md", "water.xyz", "--time", "10"]).refused(2, &["unit"]);
    bench.tiny(&["md", "water.xyz", "--time", "10.2fs"]).refused(2, &["whole number"]);
    bench
        .tiny(&["md", "water.xyz", "--time", "10fs", "--ensemble", "nve", "--friction", "1"])
        .refused(2, &["--friction"]);
    bench.tiny(&["md", "water.xyz", "--restart"]).refused(7, &["water.md.restart"]);
}

#[test]
fn files_that_are_not_there() {
    let bench = Bench::new();
    bench.tiny(&["sp", "nothing.xyz"]).refused(7, &["nothing.xyz"]);
    bench.run(&["train", "nothing.toml"]).refused(7, &["nothing.toml"]);
    bench.tiny(&["eval", "nothing.extxyz"]).refused(7, &["nothing.extxyz"]);
    bench.run(&["import", "xequinet", "nothing.pt", "-o", "m"]).refused(7, &["nothing.pt"]);
}

#[test]
fn unwritable_output() {
    let bench = Bench::new();
    bench.tiny(&["sp", "water.xyz", "--out", "no/such/folder.xyz"]).refused(7, &["no/such/folder.xyz"]);
    bench.tiny(&["opt", "water.xyz", "--out", "no/such/name"]).refused(7, &["no/such/name"]);
    bench.tiny(&["md", "water.xyz", "--time", "10fs", "--out", "no/such/name"]).refused(7, &["no/such/name"]);
    bench.run(&["import", "xequinet", "tiny.safetensors", "-o", "x"]).refused(4, &["tiny.safetensors"]);
}

/// A device that is always full.
#[cfg(target_os = "linux")]
#[test]
fn full_disk() {
    let bench = Bench::new();
    let to_full = |arguments: &[&str]| {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = bench.command(arguments).stdout(full).output().unwrap();
        common::Run::new(&output)
    };
    to_full(&["sp", "water.xyz", "--json", "--model", "tiny.safetensors"]).refused(7, &["standard output"]);
    to_full(&["sp", "water.xyz", "--forces", "--model", "tiny.safetensors"]).refused(7, &["standard output"]);
    to_full(&["info", "tiny.safetensors"]).refused(7, &["standard output"]);
    to_full(&["completions", "bash"]).refused(7, &["standard output"]);
    bench.tiny(&["sp", "water.xyz", "--out", "/dev/full"]).refused(7, &["/dev/full"]);
    let checkpoint =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../oxidane-models/tests/data/small-onehot-multi.pt");
    bench.run(&["import", "xequinet", checkpoint, "-o", "/dev/full"]).refused(7, &["/dev/full"]);
    bench.run(&["import", "xequinet", checkpoint, "-o", "no/such/model"]).refused(7, &["no/such/model"]);
    for (link, verb) in [("a.traj.xyz", "opt"), ("b.traj.xyz", "md"), ("c.csv", "md")] {
        std::os::unix::fs::symlink("/dev/full", bench.path(link)).unwrap();
        let name = &link[..1];
        let time: &[&str] = if verb == "md" { &["--time", "50fs"] } else { &[] };
        bench.tiny(&[&[verb, "water.xyz", "--out", name], time].concat()).refused(7, &[link]);
    }
}

/// `oxidane ... | head`: no panic, no complaint.
#[cfg(unix)]
#[test]
fn closed_pipe() {
    let bench = Bench::new();
    bench.write("many.xyz", &WATER.repeat(400));
    let arguments = ["sp", "many.xyz", "--forces", "--model", "tiny.safetensors"];
    let mut child = bench
        .command(&arguments)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

/// `oxidane md ... | head`: who reads the table goes away, the run is done all the same.
#[cfg(unix)]
#[test]
fn closed_pipe_ends_no_run() {
    let bench = Bench::new();
    let silent = |arguments: &[&str]| {
        let all = [arguments, &["--model", "tiny.safetensors"]].concat();
        let mut command = bench.command(&all);
        let pipes = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let mut child = pipes.spawn().unwrap();
        drop(child.stdout.take());
        common::Run::new(&child.wait_with_output().unwrap())
    };
    silent(&["md", "water.xyz", "--temp", "50", "--time", "200fs"]).ok();
    assert!(bench.read("water.md.csv").contains("\n400,200.000,") && bench.path("water.md.svg").exists());
    silent(&["opt", "water.xyz", "--fmax", "1e-9", "--max-steps", "3"]).refused(6, &["not converged"]);
    assert!(bench.path("water.opt.xyz").exists());
    bench.write("many.xyz", &WATER.repeat(400));
    silent(&["sp", "many.xyz", "--forces", "--out", "all.xyz"]).ok();
    assert_eq!(bench.read("all.xyz").matches("name=water").count(), 400);
}

/// No result takes the place of what it was computed from.
#[test]
fn inputs_are_not_overwritten() {
    let bench = Bench::new();
    let before = bench.files();
    bench.tiny(&["opt", "water.xyz", "-o", "water"]).refused(2, &["water.xyz", "--out"]);
    bench.tiny(&["opt", "water.xyz", "-o", "./water.xyz"]).refused(2, &["water.xyz", "--out"]);
    bench.tiny(&["sp", "water.xyz", "-o", "water.xyz"]).refused(2, &["water.xyz", "--out"]);
    bench.write("a.traj.xyz", WATER);
    bench.tiny(&["md", "a.traj.xyz", "-o", "a", "--time", "10fs"]).refused(2, &["a.traj.xyz", "--out"]);
    std::fs::remove_file(bench.path("a.traj.xyz")).unwrap();
    assert_eq!((before, bench.read("water.xyz").as_str()), (bench.files(), WATER));
}

/// Numbers out of range are answered, not taken for options.
#[test]
fn numbers_out_of_range() {
    let bench = Bench::new();
    bench.tiny(&["md", "water.xyz", "--time", "10fs", "--temp", "-5"]).refused(2, &["--temp", "at least 0"]);
    bench.tiny(&["md", "water.xyz", "--time", "-10fs"]).refused(2, &["--time", "above 0"]);
    bench.tiny(&["md", "water.xyz", "--time", "10fs", "--dt", "-1"]).refused(2, &["--dt", "above 0"]);
    bench.tiny(&["opt", "water.xyz", "--fmax", "-0.1"]).refused(2, &["--fmax", "at least 0"]);
    bench.tiny(&["sp", "water.xyz", "--threads", "1025"]).refused(2, &["--threads", "1024"]);
    let before = bench.files();
    bench
        .tiny(&["md", "water.xyz", "--time", "10fs", "--fix", "2-100000000"])
        .refused(2, &["--fix", "atom 4"]);
    assert_eq!(before, bench.files());
}

#[test]
fn training_configurations_and_data() {
    let bench = Bench::new();
    bench.write("data.extxyz", WATER);
    let config = |rest: &str| {
        format!(
            "[model]\narchitecture = \"xpainn\"\n[data]\nfiles = [\"data.extxyz\"]\n[loss]\nenergy = {{ kind = \"l1\", weight = 1 }}\n\
             [train]\nepochs = 1\nbatch_size = 1\n{rest}\n"
        )
    };
    bench.write("a.toml", &config("lerning_rate = 1"));
    bench.run(&["train", "a.toml"]).refused(2, &["a.toml:10", "lerning_rate"]);
    bench.write("a.toml", "[model\n");
    bench.run(&["train", "a.toml"]).refused(2, &["a.toml:1"]);
    bench.write("a.toml", &config("").replace("xpainn", "painnx"));
    bench.run(&["train", "a.toml"]).refused(2, &["painnx", "xpainn"]);
    bench.write("a.toml", &config(""));
    let unlabelled = bench.run(&["train", "a.toml"]);
    assert!(matches!(unlabelled.code, Some(2 | 3)) && unlabelled.err.contains("energy"), "{unlabelled:?}");
    let line = WATER.lines().nth(1).unwrap();
    let labelled = WATER.replacen(&format!("{line}\n"), &format!("{line} energy=-1.5\n"), 1);
    bench.write("data.extxyz", &labelled);
    // Without a run to go on with, one begins: a script may always say --resume.
    bench.run(&["train", "a.toml", "--resume"]).ok();
}

#[test]
fn data_without_labels() {
    let bench = Bench::new();
    bench.tiny(&["eval", "water.xyz"]).refused(3, &["water.xyz", "--keys"]);
    bench.tiny(&["eval", "water.xyz", "--keys", "energy=E"]).refused(3, &["`E`"]);
    bench.tiny(&["eval", "water.xyz", "--keys", "enthalpy=E"]).refused(2, &["enthalpy", "forces"]);
    bench.write("absurd.xyz", &WATER.replace("name=water", "energy=1e300"));
    bench.tiny(&["eval", "absurd.xyz"]).refused(3, &["absurd.xyz:1", "`energy`", "1e300"]);
    bench.tiny(&["eval", "water.xyz", "--group", "set"]).refused(3, &["water.xyz:1", "`set`"]);
}

/// Results have a place in one format only.
#[test]
fn results_in_other_formats() {
    let bench = Bench::new();
    let before = bench.files();
    for name in ["out.vasp", "out.cif", "out.xyz.gz", "out.sdf", "out"] {
        bench.tiny(&["sp", "water.xyz", "--out", name]).refused(2, &[name, ".extxyz"]);
    }
    assert_eq!(before, bench.files());
}

/// One structure is asked for and the file has many.
#[test]
fn several_structures_for_one() {
    let bench = Bench::new();
    bench.write("two.xyz", &WATER.repeat(2));
    bench.tiny(&["opt", "two.xyz"]).refused(3, &["two.xyz", "several"]);
    bench.tiny(&["sp", &example("aspirin.xyz")]).ok();
}
