//! GFN2-xTB in the program: its results, optimisation, dynamics, and what it covers. Reference numbers are those of tblite
//! 0.8.0 (accuracy 0.01).

mod common;
use common::{Bench, example};
use oxidane_core::io::read_all;
use oxidane_core::units::{BOHR, HARTREE};
use serde_json::Value;

/// Water of the G2 set, the geometry of the reference numbers.
const WATER: &str = "3\nname=water\nO 0 0 0.119262\nH 0 0.763239 -0.477047\nH 0 -0.763239 -0.477047\n";

/// Energy of that water in hartree.
const WATER_ENERGY: f64 = -5.070_222_289_309_923;
/// Energy of water at its minimum in hartree, and the bond there in angstrom.
const WATER_MINIMUM: f64 = -5.070_544_450_584;
const WATER_BOND: f64 = 0.959_212;

/// A folder with that water.
fn bench() -> Bench {
    let bench = Bench::new();
    bench.write("water.xyz", WATER);
    bench
}

fn gfn2(bench: &Bench, arguments: &[&str]) -> common::Run {
    bench.run(&[arguments, &["--model", "gfn2"]].concat())
}

/// Writes a structure and computes it.
fn single(bench: &Bench, structure: &str, options: &[&str]) -> common::Run {
    bench.write("s.xyz", structure);
    gfn2(bench, &[&["sp", "s.xyz", "--json"], options].concat())
}

/// Its energy in hartree.
#[track_caller]
fn energy(bench: &Bench, structure: &str, options: &[&str]) -> f64 {
    single(bench, structure, options).json()[0]["energy"].as_f64().unwrap() / HARTREE
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(list) => list.iter().flat_map(numbers).collect(),
        Value::String(_) => Vec::new(),
        other => vec![other.as_f64().unwrap_or_else(|| panic!("{other} is no number"))],
    }
}

#[track_caller]
fn close(got: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len(), "{got:?}");
    for (x, y) in got.iter().zip(expected) {
        assert!((x - y).abs() < tolerance, "{got:?} instead of {expected:?}");
    }
}

/// Tolerances: both programs stop iterating at an error of 1e-7 or so in charges and moments, to which energies are
/// quadratic and all else is linear.
#[test]
fn json_holds_everything_with_the_numbers_of_the_reference() {
    let bench = bench();
    let all = gfn2(&bench, &["sp", "water.xyz", "--json"]).json();
    let water = &all[0];
    let get = |key: &str| numbers(&water[key]);
    close(&get("energy"), &[WATER_ENERGY * HARTREE], 1e-7);
    let gradient = [
        [0.0, 0.0, 0.014_575_742_156_278_165],
        [0.0, 0.002_985_139_335_741_485_8, -0.007_287_871_078_139_027],
        [0.0, -0.002_985_139_335_741_534_8, -0.007_287_871_078_139_152],
    ];
    let forces: Vec<_> = gradient.as_flattened().iter().map(|g| -g * HARTREE / BOHR).collect();
    close(&get("forces"), &forces, 1e-5);
    close(&get("charges"), &[-0.561_053_376, 0.280_526_688, 0.280_526_688], 1e-6);
    close(&get("dipole"), &[0.0, 0.0, -0.476_018_553], 1e-6);
    close(
        &get("orbital_energies"),
        &[-18.511_264_597, -15.377_679_088, -14.015_250_172, -12.166_332_938, 2.011_077_234, 6.062_260_435],
        1e-5,
    );
    close(&get("occupations"), &[2.0, 2.0, 2.0, 2.0, 0.0, 0.0], 1e-12);
    close(&[get("homo"), get("lumo")].concat(), &[-12.166_332_938, 2.011_077_234], 1e-5);
    close(&get("gap"), &[2.011_077_234 + 12.166_332_938], 1e-5);
    close(&get("shell_charges"), &[0.251_848_871, -0.812_902_248, 0.280_526_688, 0.280_526_688], 1e-6);
    assert_eq!(water["shell_charges"][0][1][0], "2p");
    // Hydrogen to hydrogen, 0.0004, is below what is listed.
    close(&get("bond_orders"), &[0.0, 1.0, 0.920_889_087, 0.0, 2.0, 0.920_889_087], 1e-6);
    let (xx, yy, zz) = (-0.356_236_679, 0.399_311_243, -0.043_074_564);
    close(&get("quadrupole"), &[xx, 0.0, 0.0, 0.0, yy, 0.0, 0.0, 0.0, zz], 1e-6);
    assert!((2..30).contains(&water["iterations"].as_u64().unwrap()));
    assert_eq!(get("virial").len(), 9);
    assert!(water.get("stress").is_none() && water.get("polarizability").is_none());
}

/// Ethanol as in the examples. The printed precision of the reference is 1e-6.
#[test]
fn ethanol_has_the_bonds_of_the_reference() {
    let bench = bench();
    let all = gfn2(&bench, &["sp", &example("ethanol.xyz"), "--json"]).json();
    let ethanol = &all[0];
    let get = |key: &str| numbers(&ethanol[key]);
    close(&get("energy"), &[-11.391_424_651_107_236 * HARTREE], 1e-6);
    close(&[get("homo"), get("lumo")].concat(), &[-11.136_030, 1.139_774], 1e-5);
    close(&get("gap"), &[12.275_804], 1e-5);
    let heavy = [-0.107_755_878, 0.089_829_565, -0.441_882_954, 0.280_445_692];
    close(&get("charges")[..4], &heavy, 1e-6);
    let bonds = [
        (0, 1, 1.021_080),
        (0, 3, 0.010_569),
        (0, 6, 0.985_669),
        (0, 7, 0.985_539),
        (0, 8, 0.985_539),
        (1, 2, 0.989_566),
        (1, 4, 0.972_847),
        (1, 5, 0.972_847),
        (2, 3, 0.908_551),
        (2, 4, 0.016_230),
        (2, 5, 0.016_230),
    ];
    let bonds: Vec<f64> =
        bonds.iter().flat_map(|&(i, j, order)| [f64::from(i), f64::from(j), order]).collect();
    close(&get("bond_orders"), &bonds, 2e-6);
}

/// Bond order, frontier orbitals and charge of the first atom. Degenerate orbitals share their electrons: the frontier lies
/// between them. With unpaired electrons the bond order is Mayer's: that of oxygen is 2, not the 1.5 of the density of all.
#[test]
fn closed_and_open_shells_have_the_bonds_of_the_reference() {
    let bench = bench();
    let ion = WATER.replace("name=water", "charge=1 multiplicity=2");
    for (structure, order, frontier, charge) in [
        ("2\n\nC 0 0 0\nO 0 0 1.128\n", &[2.611_095][..], [-12.882_274, -7.667_762], 0.049_057_401),
        ("2\n\nN 0 0 0\nO 0 0 1.15\n", &[2.133_242], [-9.615_210, -9.615_210], 0.061_498_988),
        ("2\nmultiplicity=3\nO 0 0 0\nO 0 0 1.21\n", &[2.0], [-12.053_252, 3.364_374], 0.0),
        (&ion, &[0.764_751], [-24.450_709, -7.553_565], 0.032_755_906),
        ("1\n\nB 0 0 0\n", &[], [-7.419_002, -7.419_002], 0.0),
    ] {
        let all = single(&bench, structure, &[]).json();
        let got = &all[0];
        let orders = got["bond_orders"].as_array().unwrap();
        close(&numbers(orders.first().map_or(&Value::Array(vec![]), |bond| &bond[2])), order, 2e-6);
        close(&[numbers(&got["homo"]), numbers(&got["lumo"])].concat(), &frontier, 1e-5);
        close(&numbers(&got["gap"]), &[frontier[1] - frontier[0]], 1e-5);
        close(&numbers(&got["charges"])[..1], &[charge], 1e-6);
    }
}

#[test]
fn all_is_shown() {
    let bench = bench();
    let run = gfn2(&bench, &["sp", "water.xyz", "--all"]);
    assert_eq!(run.err, "");
    let text = run.ok();
    for words in [
        "gfn2 (GFN2-xTB), electronic temperature 300 K",
        "-5.07022229 Eh",
        "HOMO -12.1663 eV   LUMO 2.0111 eV   gap 14.1774 eV",
        "bond orders  O1-H2 0.921   O1-H3 0.921",
        "charge / e",
        "-0.56105",
        "virial",
        "|mu| 0.47602 e angstrom",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(gfn2(&bench, &["sp", "water.xyz"]).ok().contains("-5.07022229"));
    gfn2(&bench, &["sp", "water.xyz", "--polar"]).refused(2, &["gfn2 has no polarisability", "orbitals"]);
}

/// At the default thresholds, max |F| of 0.015 eV/angstrom, bonds of some 50 eV/angstrom^2 are right to 3e-4 angstrom.
#[test]
fn distorted_molecules_are_optimised() {
    let bench = bench();
    bench.write("bent.xyz", "3\n\nO 0 0 0.2\nH 0.1 0.6 -0.6\nH 0 -0.9 -0.3\n");
    let result = gfn2(&bench, &["opt", "bent.xyz", "--json"]).json();
    assert_eq!(result["converged"], true);
    close(&numbers(&result["energy"]), &[WATER_MINIMUM * HARTREE], 1e-4);
    for key in ["forces", "virial", "charges", "dipole", "bond_orders", "gap", "positions"] {
        assert!(!numbers(&result[key]).is_empty(), "{key}");
    }
    let x = &read_all(bench.path("bent.opt.xyz")).unwrap()[0].system.positions;
    for h in [1, 2] {
        let d = (0..3).map(|k| (x[0][k] - x[h][k]).powi(2)).sum::<f64>().sqrt();
        assert!((d - WATER_BOND).abs() < 1e-3, "{d}");
    }
    let text = gfn2(&bench, &["opt", &example("ethanol.xyz"), "--out", "ethanol"]).ok();
    assert!(text.contains("converged in") && !text.contains("NOT"), "{text}");
}

const RUN: [&str; 7] = ["md", "water.xyz", "--temp", "300", "--restart-every", "9", "--overwrite"];

#[track_caller]
fn same_files(bench: &Bench, a: &str, b: &str) {
    for file in ["traj.xyz", "csv", "svg", "restart"] {
        assert!(bench.bytes(&format!("{a}.{file}")) == bench.bytes(&format!("{b}.{file}")), "{file} differs");
    }
}

/// Every step starts from the charges of the one before; a run that goes on starts from the same ones, which the restart file
/// holds: without them the last bits differ.
#[test]
fn resumed_dynamics_end_in_the_same_bytes() {
    let bench = bench();
    for ensemble in ["nve", "langevin"] {
        let options = ["--ensemble", ensemble, "--save-every", "1fs"];
        let start = |more: &[&str]| gfn2(&bench, &[&RUN[..], &options, more].concat()).ok();
        start(&["--time", "40fs", "--out", "whole", "--threads", "2"]);
        start(&["--time", "21fs", "--out", "part", "--threads", "1"]);
        let saved = bench.read("part.restart");
        assert!(saved.contains("\"memory\": \""), "{saved}");
        for name in ["traj.xyz", "csv"] {
            std::fs::copy(bench.path(&format!("part.{name}")), bench.path(&format!("cold.{name}"))).unwrap();
        }
        let resume = |out: &str| {
            gfn2(
                &bench,
                &["md", "water.xyz", "--restart", "--time", "40fs", "--restart-every", "9", "--out", out],
            )
        };
        resume("part").ok();
        same_files(&bench, "whole", "part");
        let cold: String =
            saved.lines().filter(|l| !l.contains("\"memory\"")).map(|l| format!("{l}\n")).collect();
        bench.write("cold.restart", &cold);
        resume("cold").ok();
        assert!(bench.bytes("cold.restart") != bench.bytes("whole.restart"), "the memory matters");
        let key = "\"memory\": \"";
        bench.write("cold.restart", &saved.replace(key, &format!("{key}7ff8000000000000 ")));
        resume("cold").refused(3, &["cold.restart", "not one of GFN2-xTB"]);
    }
}

/// The last step that a restart file holds; none if there is no file.
fn saved_step(bench: &Bench, file: &str) -> Option<u64> {
    let text = std::fs::read_to_string(bench.path(file)).ok()?;
    text.split("\"step\": ").nth(1)?.split(',').next()?.parse().ok()
}

/// Killed without warning, several times, each time on its way.
#[cfg(unix)]
#[test]
fn killed_dynamics_end_in_the_same_bytes() {
    let bench = bench();
    let options =
        ["md", "water.xyz", "--temp", "300", "--restart-every", "9", "--time", "400fs", "--model", "gfn2"];
    bench.run(&[&options[..], &["--out", "whole"]].concat()).ok();
    let last = saved_step(&bench, "whole.restart").unwrap();
    let part = || {
        let resume: &[&str] = if bench.path("part.restart").exists() { &["--restart"] } else { &[] };
        [&options[..], &["--out", "part"], resume].concat()
    };
    for step in [0, 100, 300] {
        let mut command = bench.command(&part());
        let silent = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let mut child = silent.spawn().unwrap();
        let begun = std::time::Instant::now();
        while saved_step(&bench, "part.restart").is_none_or(|saved| saved < step) {
            assert!(begun.elapsed().as_secs() < 120, "step {step} never came");
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(saved_step(&bench, "part.restart").unwrap() < last, "the run was over before it was killed");
    }
    bench.run(&part()).ok();
    same_files(&bench, "whole", "part");
}

#[test]
fn resumed_dynamics_keep_their_temperature_of_electrons() {
    let bench = bench();
    let run = ["md", "water.xyz", "--time", "5fs", "--out", "run"];
    gfn2(&bench, &[&run[..], &["--etemp", "500"]].concat()).ok();
    let resume = ["md", "water.xyz", "--time", "8fs", "--out", "run", "--restart"];
    gfn2(&bench, &resume).refused(2, &["run.restart", "gfn2 500 K", "gfn2 300 K"]);
    gfn2(&bench, &[&resume[..], &["--etemp", "500"]].concat()).ok();
}

/// In urea, 4.7 A along its hydrogen bonds, k-points change the energy by 0.5 eV a cell; without them a note says so.
#[test]
fn narrow_cells_want_k_points() {
    let (bench, urea) = (bench(), example("urea.cif"));
    let sp = |more: &[&str]| gfn2(&bench, &[&["sp", &urea, "--json"], more].concat());
    let gamma = sp(&[]);
    assert!(gamma.err.contains("--kpoints 2,2,3"), "{}", gamma.err);
    let meshed = sp(&["--kpoints", "1,1,2"]);
    assert!(meshed.err.contains("5.6 A wide"), "{}", meshed.err);
    let [gamma, meshed] = [gamma, meshed].map(|run| run.json()[0]["energy"].as_f64().unwrap());
    // tblite 0.8.0, accuracy 0.01: half of the energy of two cells along c. Both are self-consistent to better than 1e-7 Eh.
    assert!((meshed / HARTREE + 28.253_496_851).abs() < 1e-7, "{meshed}");
    assert!((meshed - gamma).abs() > 0.3, "{gamma} {meshed}");
    assert!(sp(&["--kpoints", "1,1,1"]).json()[0]["energy"].as_f64() == Some(gamma));

    let water = ["sp", "water.xyz", "--kpoints", "2,2,2"];
    gfn2(&bench, &water).refused(2, &["water.xyz", "k-points", "--kpoints"]);
    gfn2(&bench, &["sp", "water.xyz", "--kpoints", "auto"]).ok();
    bench
        .run(&["sp", &urea, "--model", "organic", "--kpoints", "auto"])
        .refused(2, &["--kpoints", "organic"]);
    gfn2(&bench, &["opt", &urea, "--cell", "--kpoints", "auto"])
        .refused(2, &["--kpoints auto", "three numbers"]);
    for bad in ["2", "2,2", "0,1,1", "a,b,c", "2,2,99"] {
        gfn2(&bench, &["sp", &urea, "--kpoints", bad]).refused(2, &["--kpoints", "2,2,3"]);
    }
}

/// Neither threads nor company change a bit: no structure starts from the charges of another.
#[test]
fn threads_and_batches_change_no_bit() {
    let bench = bench();
    let frames: String =
        (0..17).map(|i| WATER.replace("0.763239", &format!("0.{}", 7000 + 61 * i))).collect();
    bench.write("many.xyz", &frames);
    let ethanol = example("ethanol.xyz");
    let run =
        |threads: &str| gfn2(&bench, &["sp", "many.xyz", &ethanol, "--json", "--threads", threads]).ok();
    let one = run("1");
    assert!(one == run("2") && one == run("7"), "the same bytes for any number of threads");
    let all: Value = serde_json::from_str(&one).unwrap();
    assert_eq!(all.as_array().unwrap().len(), 18);
    for (file, threads, index) in [(ethanol.as_str(), "7", 17), ("many.xyz", "2", 0)] {
        let alone = gfn2(&bench, &["sp", file, "--json", "--threads", threads]).json();
        assert_eq!(alone[0], all[index], "alone or among others");
    }
}

#[test]
fn it_describes_itself() {
    let bench = bench();
    for words in ["GFN2-xTB", "H to Rn", "Bannwarth", "f64"] {
        assert!(bench.run(&["info", "gfn2"]).ok().contains(words), "{words}");
    }
    let json = bench.run(&["info", "GFN2", "--json"]).json();
    assert_eq!((&json["name"], &json["precision"]), (&"gfn2".into(), &"f64".into()));
    for name in ["gfn2-xtb", "GFN2-xTB"] {
        assert!(bench.run(&["sp", "water.xyz", "--model", name]).ok().contains("-5.07022229"));
    }
    bench
        .run(&["sp", "water.xyz", "--model", "gnf2"])
        .refused(4, &["gnf2", "organic-delta, organic, rmd17, rmd17-mpnice, water, x23, metals, gfn2"]);
    bench.run(&["info", "gfn2", "--tensors"]).refused(2, &["--tensors", "without weights"]);
    let models = bench.run(&["models"]).ok();
    let lines: Vec<_> = models.lines().collect();
    assert!(lines[0].ends_with("(default)") && lines.last().unwrap().starts_with("gfn2 "), "{models}");
    let json = bench.run(&["models", "--json"]).json();
    assert_eq!(json.as_array().unwrap().last().unwrap()["name"], "gfn2");
    assert!(bench.run(&["--help"]).ok().contains("gfn2"));
    for verb in ["sp", "opt", "md", "eval", "info"] {
        let example = if verb == "info" { "info gfn2" } else { "--model gfn2" };
        assert!(bench.run(&[verb, "--help"]).ok().contains(example), "{verb}");
    }
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(bench.run(&["completions", shell]).ok().contains("etemp"), "{shell}");
    }
}

#[test]
fn options_that_do_nothing_or_make_no_sense_are_refused() {
    let bench = bench();
    gfn2(&bench, &["sp", "water.xyz", "--precision", "f32"]).refused(2, &["--precision f32", "gfn2", "f64"]);
    let double = gfn2(&bench, &["sp", "water.xyz", "--json", "--precision", "f64"]).ok();
    assert_eq!(double, gfn2(&bench, &["sp", "water.xyz", "--json"]).ok());
    bench.tiny(&["sp", "water.xyz", "--etemp", "300"]).refused(2, &["--etemp", "tiny", "gfn2"]);
    bench.run(&["sp", "water.xyz", "--etemp", "300"]).refused(2, &["--etemp", "organic-delta", "gfn2"]);
    for bad in ["0", "-300", "nan", "inf", "1e-4", "1e7"] {
        gfn2(&bench, &["sp", "water.xyz", "--etemp", bad]).refused(2, &["electronic temperature", "300"]);
    }
    gfn2(&bench, &["sp", "water.xyz", "--etemp", "warm"]).refused(2, &["--etemp"]);
    // Hot electrons leave a wide gap alone, and have entropy in an oxygen atom.
    let hot = |kelvin: &str, structure: &str| energy(&bench, structure, &["--etemp", kelvin]);
    assert!((hot("5000", WATER) - -5.070_222_293_893_044).abs() < 1e-8);
    assert!(hot("5000", "1\nmultiplicity=3\nO 0 0 0\n") < hot("300", "1\nmultiplicity=3\nO 0 0 0\n") - 1e-3);
}

/// A file of that name is what is meant; a folder is not.
#[test]
fn a_file_of_that_name_comes_first() {
    let bench = bench();
    std::fs::create_dir(bench.path("gfn2")).unwrap();
    assert!(gfn2(&bench, &["sp", "water.xyz"]).ok().contains("-5.07022229"));
    std::fs::remove_dir(bench.path("gfn2")).unwrap();
    std::fs::copy(bench.path("tiny.safetensors"), bench.path("gfn2")).unwrap();
    assert!(gfn2(&bench, &["sp", "water.xyz"]).ok().contains("tiny"));
}

/// Where a trained model ends, its refusal names the method that goes on.
#[test]
fn refusals_of_trained_models_name_it() {
    let bench = bench();
    bench.write(
        "germane.xyz",
        "5\n\nGe 0 0 0\nH .88 .88 .88\nH -.88 -.88 .88\nH -.88 .88 -.88\nH .88 -.88 -.88\n",
    );
    bench.write("uranium.xyz", "1\nmultiplicity=5\nU 0 0 0\n");
    let advice = "--model gfn2 covers this structure";
    bench.run(&["sp", "germane.xyz"]).refused(5, &["germane.xyz:1", "Ge", "organic-delta", advice]);
    bench.run(&["sp", "germane.xyz", "germane.xyz"]).refused(5, &["Ge", advice]);
    bench.run(&["opt", "germane.xyz"]).refused(5, &["Ge", advice]);
    bench.run(&["md", "germane.xyz", "--time", "5fs"]).refused(5, &["Ge", advice]);
    bench.run(&["sp", "water.xyz", "--chrg", "4"]).refused(5, &["charge 4", "organic-delta", advice]);
    // Of several that cover it all are named, the best first.
    let protonated = "9\n\nN 0 0 0\nN 1.45 0 0\nH -.4 .9 .3\nH -.4 -.2 -.9\nH -.4 -.8 .5\nH 1.8 .9 .3\nH 1.8 -.2 -.9\nH 1.8 -.8 .5\nF 5 5 5\n";
    bench.write("ions.xyz", protonated);
    bench
        .run(&["sp", "ions.xyz", "--chrg", "2", "--uhf", "1"])
        .refused(5, &["charge 2", "; --model gfn2 covers this"]);
    bench.write("dication.xyz", &protonated.replacen("9", "8", 1).replace("F 5 5 5\n", ""));
    bench
        .run(&["sp", "dication.xyz", "--chrg", "2"])
        .refused(5, &["charge 2", "; --model organic or gfn2 covers this"]);
    // The same water has too few valence electrons for this charge: then it is not advised.
    for (file, charge) in [("uranium.xyz", "0"), ("water.xyz", "10")] {
        let run = bench.run(&["sp", file, "--chrg", charge, "--model", "rmd17"]);
        assert!(!run.err.contains(advice), "{run:?}");
        run.refused(5, &["rmd17"]);
    }
    gfn2(&bench, &["sp", "germane.xyz"]).ok();
}

#[test]
fn structures_beyond_it_are_refused() {
    let bench = bench();
    single(&bench, "1\nmultiplicity=5\nU 0 0 0\n", &[])
        .refused(5, &["s.xyz:1", "atom 1", "U", "hydrogen to radon"]);
    let slab = "1\nLattice=\"5 0 0 0 5 0 0 0 20\" pbc=\"T T F\"\nAr 0 0 0\n";
    single(&bench, slab, &[]).refused(5, &["s.xyz:1", "slabs", "vacuum"]);
    let close = "2\n\nO 0 0 0\nO 0 0 0.3\n";
    single(&bench, close, &[]).refused(3, &["0.300", "--force"]);
    single(&bench, WATER, &["--chrg", "9", "--uhf", "1"])
        .refused(3, &["charge 9", "8 valence electrons", "--chrg"]);
    single(&bench, WATER, &["--uhf", "1"]).refused(3, &["multiplicity 2"]);
    single(&bench, "2\n\nO 0 0 0\nH 0 0 1\n", &["--uhf", "0"]).refused(3, &["9 electrons"]);
    // Hydrogen has one orbital; helium's 2p shell takes a second electron of the same spin.
    single(&bench, "1\n\nH 0 0 0\n", &["--chrg", "-1", "--uhf", "2"])
        .refused(3, &["electrons", "valence orbitals"]);
    single(&bench, "1\n\nH 0 0 0\n", &["--chrg", "-3"]).refused(3, &["valence orbitals"]);
    single(&bench, "1\n\nLi 0 0 0\n", &["--chrg", "2"]).refused(3, &["charge 2", "1 valence electrons"]);
    single(&bench, WATER, &["--chrg", "-2147483648"]).refused(3, &["valence orbitals"]);
    for verb in [&["opt", "s.xyz"][..], &["md", "s.xyz", "--time", "5fs"]] {
        gfn2(&bench, &[verb, &["--chrg", "9", "--uhf", "1"]].concat()).refused(3, &["s.xyz:1", "charge 9"]);
    }
    assert_eq!(bench.files(), ["s.xyz", "tiny.safetensors", "water.xyz"]);
}

/// Forced, atoms on top of each other give a number or an error, and nothing half-written.
#[test]
fn overlapping_atoms_can_be_forced() {
    let bench = bench();
    for distance in ["0.3", "0.1", "0.01", "1e-4", "1e-8", "0"] {
        for pair in [["O", "O"], ["H", "H"], ["Au", "C"]] {
            let text = format!("2\n\n{} 0 0 0\n{} 0 0 {distance}\n", pair[0], pair[1]);
            let run = single(&bench, &text, &["--force"]);
            assert!(run.code != Some(101) && !run.err.contains("mistake in it"), "{text} {run:?}");
            if run.code == Some(0) {
                numbers(&run.json()[0]["forces"]);
            } else {
                assert!(run.err.starts_with("error: s.xyz") && run.err.lines().count() == 1, "{run:?}");
                assert_eq!(run.out, "");
            }
        }
    }
    let exact = energy(&bench, "2\n\nO 0 0 0\nO 0 0 0.3\n", &["--force"]);
    assert!((exact - 25.196_807_197).abs() < 1e-6, "{exact}");
}

/// Energies of the reference program: no electrons, closed shells, one open shell.
#[test]
fn the_smallest_systems() {
    let bench = bench();
    for (structure, options, expected) in [
        ("1\n\nH 0 0 0\n", &["--chrg", "1"][..], 0.229_552_166_667),
        ("1\n\nH 0 0 0\n", &["--chrg", "-1"], -0.610_746_694_538),
        ("1\n\nH 0 0 0\n", &[], -0.393_482_763_932),
        ("1\n\nHe 0 0 0\n", &[], -1.743_126_632_946),
        ("2\n\nH 0 0 0\nH 0 0 0.74\n", &[], -0.981_983_694_666),
    ] {
        let run = single(&bench, structure, options).json();
        let energy = run[0]["energy"].as_f64().unwrap() / HARTREE;
        assert!((energy - expected).abs() < 1e-8, "{structure} {options:?}: {energy}");
        for key in ["forces", "charges", "dipole", "orbital_energies", "occupations", "quadrupole"] {
            numbers(&run[0][key]);
        }
        gfn2(&bench, &[&["sp", "s.xyz", "--all"], options].concat()).ok();
    }
}

/// The f electron of cerium is in the core: all electrons together would give a doublet, its 24 valence electrons a singlet.
/// Where the two differ, a note says with which it computes.
#[test]
fn lanthanides_count_their_valence_electrons() {
    let bench = bench();
    let h = 2.208_364_779_650_318_5;
    let trichloride = format!("4\n\nCe 0 0 0\nCl 2.55 0 0\nCl -1.275 {h} 0\nCl -1.275 -{h} 0\n");
    for (options, expected) in [
        (&[][..], -14.881_261_837_79),
        (&["--uhf", "0"], -14.881_261_837_79),
        (&["--uhf", "1"], -14.881_261_837_79),
        (&["--uhf", "2"], -14.796_034_562_87),
    ] {
        let got = energy(&bench, &trichloride, options);
        assert!((got - expected).abs() < 1e-7, "{options:?}: {got}");
    }
    for (options, noted) in [(&[][..], true), (&["--uhf", "1"], true), (&["--uhf", "0"], false)] {
        let err = single(&bench, &trichloride, options).err;
        assert_eq!(err.contains("with 0 in the valence shells"), noted, "{options:?}: {err}");
    }
    single(&bench, &trichloride, &["--uhf", "3"])
        .refused(3, &["24 valence electrons", "3 unpaired", "lanthanides"]);
}

#[test]
fn crystals_have_stress_and_no_dipole() {
    let bench = bench();
    let urea = example("urea.cif");
    let crystal = &gfn2(&bench, &["sp", &urea, "--json"]).json()[0];
    assert_eq!(numbers(&crystal["stress"]).len(), 9);
    assert!(crystal.get("dipole").is_none() && crystal.get("quadrupole").is_none());
    assert!(numbers(&crystal["charges"]).iter().sum::<f64>().abs() < 1e-9);
    gfn2(&bench, &["sp", &urea, "--dipole"]).refused(2, &["urea.cif", "--dipole", "crystal"]);
    gfn2(&bench, &["sp", &urea, "--all"]).ok();
}

/// Against labels: its own, exactly nothing; shifted ones, the shift.
#[test]
fn errors_on_labels() {
    let bench = bench();
    bench.write("many.xyz", &format!("{WATER}{}", WATER.replace("0.763239", "0.77")));
    gfn2(&bench, &["sp", "many.xyz", "--out", "labelled.xyz"]).ok();
    let report = gfn2(&bench, &["eval", "labelled.xyz", "--json"]).json();
    for property in ["energy", "forces", "charges", "dipole", "virial"] {
        assert_eq!(report["errors"][property]["max"], 0.0, "{property}: {report}");
    }
    let mut frames = read_all(bench.path("labelled.xyz")).unwrap();
    frames[0].set_energy(WATER_ENERGY * HARTREE - 0.5);
    oxidane_core::io::write_frames(bench.path("labelled.xyz"), &frames).unwrap();
    let report = gfn2(&bench, &["eval", "labelled.xyz", "--json"]).json();
    let max = report["errors"]["energy"]["max"].as_f64().unwrap();
    assert!((max - 500.0).abs() < 1e-3 || (max - 0.5).abs() < 1e-6, "{report}");
}
