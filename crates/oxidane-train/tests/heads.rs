//! Several levels of theory: what sets, heads, reference energies and dispersion do to a run, from files on.

mod common;
use common::{CONFIG, Toy, files, structure, two_heads, two_sets};
use oxidane_core::io::{Frame, write_frames};
use oxidane_core::{Potential, Request, System};
use oxidane_models::heads::split_tensor_name;
use oxidane_models::registry::Precise;
use oxidane_models::{Batch, Model, Network, PotentialOptions, Scratch};
use oxidane_physics::D3Potential;
use oxidane_train::data::EdgeCache;
use oxidane_train::evaluate::{Property, evaluate};
use oxidane_train::gradient::Context;
use oxidane_train::loss::Loss;
use oxidane_train::{Config, Heads, Observer, Outcome, StepEvent, Trainer, prepare};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

const MPNICE: &str = r#"
[model]
architecture = "mpnice"
node_dim = 8
channels = 4
angular_channels = 3
num_basis = 6
num_angular_basis = 4
l_max = 1
update_dim = 8
readout_dim = 6
cutoff = 3.0
iterations = 2
ewald_accuracy = 1e-4
"#;

const SETS: &str = r#"
[[heads]]
name = "low"
level_of_theory = "pairs"
[[heads]]
name = "high"
level_of_theory = "pairs and dispersion"
d3 = "pbe"
default = true
[[data.sets]]
name = "many"
head = "low"
files = ["low.extxyz"]
sampling_weight = 0.5
split = { train_count = 20, validation_count = 5 }
[[data.sets]]
name = "few"
head = "high"
files = ["low.extxyz"]
energy = "high_energy"
forces = "high_forces"
split = { train_count = 8, validation_count = 5 }
"#;

const TRAINING: &str = r#"
[loss]
energy_per_atom = { kind = "l2", weight = 1.0 }
forces = { kind = "l2", weight = 10.0 }
[optimizer]
lr = 5e-3
weight_decay = 0.1
[train]
epochs = 4
batch_size = 6
threads = 2
"#;

/// Energies in both: those of pairs, and the same with dispersion, and with 0.3 eV per unit of nuclear charge.
fn write_data(folder: &Path) -> Vec<System> {
    let truth = Toy::<f64>::new(0.35);
    let mut d3 = D3Potential::new("pbe", false).unwrap();
    let systems: Vec<System> = (0..30).map(structure).collect();
    let frame = |system: &System| {
        let batch = Batch::build(system, 3.0).unwrap();
        let o = truth.run(&batch, Request::ALL, &mut Scratch::default(), false).unwrap();
        let dispersion = d3.evaluate(system, Request::FORCES).unwrap();
        let mut frame = Frame::new(system.clone());
        frame.set_energy(o.energy[0]);
        frame.set_forces(&o.forces);
        let charges: f64 = system.numbers.iter().map(|&z| f64::from(z)).sum();
        let high = o.energy[0] + dispersion.energy.unwrap() + 0.3 * charges;
        frame.info.insert("high_energy".into(), oxidane_core::io::Value::real(high));
        let forces = o.forces.iter().zip(dispersion.forces.unwrap());
        let forces = forces.flat_map(|(a, b)| (0..3).map(move |c| a[c] + b[c])).collect();
        let column = oxidane_core::io::Array { columns: 3, data: oxidane_core::io::Data::Real(forces) };
        frame.arrays.insert("high_forces".into(), column);
        frame
    };
    let frames: Vec<Frame> = systems.iter().map(frame).collect();
    write_frames(folder.join("low.extxyz"), &frames).unwrap();
    systems
}

fn config(folder: &Path, text: &str) -> oxidane_core::Result<Config> {
    let path = folder.join("train.toml");
    std::fs::write(&path, text).unwrap();
    Config::read(&path)
}

fn trained<R: Precise>(folder: &Path, run: &str, text: &str) -> Trainer<R> {
    let setup = prepare::<R>(config(folder, text).unwrap(), &folder.join(run)).unwrap();
    let mut trainer = Trainer::start(setup).unwrap();
    trainer.run(&mut (), &AtomicBool::new(false)).unwrap();
    trainer
}

fn refused(folder: &Path, text: &str) -> String {
    let error = config(folder, text)
        .and_then(|c| Trainer::start(prepare::<f32>(c, &folder.join("refused"))?).map(|_| ()))
        .unwrap_err();
    let message = error.to_string();
    assert!(!message.contains('\n'), "one line: {message}");
    message
}

/// Labels of two levels that differ by dispersion and a constant per element: the network is to learn the same for both. For
/// weights alike in both heads, errors and loss of the sets agree to the rounding of energies of some 100 eV, 1e-11 eV, times
/// a few for the fit of the reference energies.
#[test]
fn reference_energies_take_up_what_levels_differ_by() {
    let dir = tempfile::tempdir().unwrap();
    write_data(dir.path());
    let same = SETS.replace("sampling_weight = 0.5\n", "").replace("train_count = 8", "train_count = 20");
    let text = format!("{MPNICE}{same}{TRAINING}");
    let setup = prepare::<f64>(config(dir.path(), &text).unwrap(), &dir.path().join("run")).unwrap();
    let shift = |z: usize| setup.references[1].values[z] - setup.references[0].values[z];
    for z in [1, 6, 8] {
        assert!((shift(z) - 0.3 * z as f64).abs() < 1e-9, "element {z}: {}", shift(z));
    }
    let mut network = setup.network.boxed_clone();
    let layout = network.layout().clone();
    for entry in &layout.entries {
        if let (Some("high"), own) = split_tensor_name(&entry.name) {
            let twin = layout.find(&format!("head.low.{own}")).unwrap().range();
            network.parameters_mut().copy_within(twin, entry.offset);
        }
    }
    let edges = EdgeCache::new(&setup.data.data, 3.0, 0);
    let loss = Loss::new(&setup.config.loss);
    let (data, references) = (&setup.data.data, &setup.references);
    let context = Context { data, edges: &edges, references, loss: &loss, chunk_atoms: 40 };
    let all: Vec<usize> = (0..60).collect();
    let report = evaluate(&context, &*network, &all, 0).unwrap();
    let [low, high] = &report.sets[..] else { panic!("two sets") };
    assert_eq!((low.structures, high.structures, low.set, high.set), (30, 30, 0, 1));
    assert!((low.loss.total() - high.loss.total()).abs() < 1e-9 * low.loss.total());
    for property in [Property::Energy, Property::Forces] {
        let of = |t: &oxidane_train::evaluate::SetReport| t.errors.get(property).unwrap().mae();
        assert!((of(low) - of(high)).abs() < 1e-10, "{}: {} {}", property.name(), of(low), of(high));
    }
    // Sets of one size: their mean is the error over all.
    let mean = report.mean(|s| s.errors.get(Property::Energy).map(|e| e.mae()));
    assert!((mean - report.overall.get(Property::Energy).unwrap().mae()).abs() < 1e-12);
    assert!((report.mean(|s| Some(s.loss.total())) - report.loss.total()).abs() < 1e-9 * mean);
}

/// The whole way: files, run, model file, and back to potentials, whose energies are those that were evaluated.
#[test]
fn two_levels_make_a_model_of_two_heads() {
    let dir = tempfile::tempdir().unwrap();
    let systems = write_data(dir.path());
    let text = format!("{MPNICE}{SETS}{TRAINING}");
    let mut trainer = trained::<f64>(dir.path(), "run", &text);
    // Half of 20, and 8, make 3 batches of 6.
    assert_eq!(trainer.total_steps(), 12);
    assert_eq!(trainer.set_titles(), ["many@low", "few@high"]);
    let test = trainer.final_errors().unwrap()[1].1.clone();
    assert_eq!((test.sets[0].structures, test.sets[1].structures), (5, 17));

    let model = Model::open(Some(&dir.path().join("run/model.safetensors"))).unwrap();
    let header = model.header();
    assert_eq!((header.heads[0].name.as_str(), header.default_head.as_str()), ("low", "high"));
    assert_eq!(header.heads[1].level_of_theory.as_deref(), Some("pairs and dispersion"));
    assert_eq!(header.heads[1].dispersion.as_ref().unwrap().functional, "pbe");
    assert!(header.heads[0].dispersion.is_none());
    for (k, head) in header.heads.iter().enumerate() {
        assert_eq!(head.elements, [1, 6, 8]);
        assert_eq!(head.reference_energies["C"], trainer.references()[k].values[6]);
    }
    let entry = |dataset: &str| header.errors.iter().find(|e| e.dataset == dataset && e.property == "forces");
    assert_eq!(entry("test, few").unwrap().head.as_deref(), Some("high"));
    assert_eq!(entry("validation, many").unwrap().head.as_deref(), Some("low"));
    assert!(entry("test, all sets").unwrap().head.is_none());

    // Mean absolute errors of the test frames by the potentials of the file: the same sums in another order.
    let precision = oxidane_models::Precision::F64;
    for (k, key) in [(0, "energy"), (1, "high_energy")] {
        let options = PotentialOptions { head: Some(k), precision, ..PotentialOptions::default() };
        let mut potential = model.potential(options).unwrap();
        let frames = oxidane_core::io::read_all(dir.path().join("low.extxyz")).unwrap();
        let set = trainer.data().parts.test.iter().filter(|&&i| trainer.data().data.set(i) == k as usize);
        let errors: Vec<f64> = set
            .map(|&i| {
                let place = i % systems.len();
                let energy = potential.evaluate(&systems[place], Request::ENERGY).unwrap().energy.unwrap();
                (energy - frames[place].info[key].as_real().unwrap()).abs()
            })
            .collect();
        let mae = errors.iter().sum::<f64>() / errors.len() as f64;
        let want = test.sets[k as usize].errors.get(Property::Energy).unwrap().mae();
        assert!((mae - want).abs() < 1e-7, "head {k}: {mae} by the potential, {want} in the report");
    }
    let csv = std::fs::read_to_string(dir.path().join("run/validation.csv")).unwrap();
    assert!(csv.lines().next().unwrap().contains(",many@low:loss,many@low:energy_mae,"), "{csv}");
    let log = std::fs::read_to_string(dir.path().join("run/log.jsonl")).unwrap();
    assert!(log.contains(r#""name":"few""#) && log.contains(r#""few@high":{"#), "{log}");
}

/// One set in a table of its own is the same run, to the byte.
#[test]
fn a_set_of_its_own_changes_no_byte() {
    let dir = tempfile::tempdir().unwrap();
    write_data(dir.path());
    let keys = "files = [\"low.extxyz\"]\nsplit = { train_count = 20, validation_count = 5 }";
    for (run, section) in [("plain", "[data]"), ("table", "[[data.sets]]")] {
        trained::<f32>(dir.path(), run, &format!("{MPNICE}{section}\n{keys}\n{TRAINING}"));
    }
    assert!(files(&dir.path().join("plain")) == files(&dir.path().join("table")));
}

/// A network of two heads, one with dispersion: every file of the run has the same bits on 1, 2 and 7 threads, and when it is
/// stopped in the middle of an epoch and resumed.
#[test]
fn two_heads_have_the_same_bits_however_they_are_trained() {
    struct StopAfter<'a>(u64, &'a AtomicBool);
    impl Observer for StopAfter<'_> {
        fn step(&mut self, e: &StepEvent) {
            self.1.store(e.step == self.0, Ordering::Relaxed);
        }
    }
    let dir = tempfile::tempdir().unwrap();
    write_data(dir.path());
    let run = |threads: usize, stop_after: u64| {
        let text =
            format!("{MPNICE}{SETS}{TRAINING}").replace("threads = 2", &format!("threads = {threads}"));
        let folder = dir.path().join(format!("run{threads}_{stop_after}"));
        let setup = || prepare::<f32>(config(dir.path(), &text).unwrap(), &folder).unwrap();
        let stop = AtomicBool::new(false);
        let mut trainer = Trainer::start(setup()).unwrap();
        if trainer.run(&mut StopAfter(stop_after, &stop), &stop).unwrap() == Outcome::Interrupted {
            trainer = Trainer::resume(setup()).unwrap();
            trainer.run(&mut (), &AtomicBool::new(false)).unwrap();
        }
        files(&folder)
    };
    let want = run(1, 0);
    assert!(want.len() >= 6);
    for (threads, stop_after) in [(2, 0), (7, 0), (2, 5), (1, 7)] {
        assert!(run(threads, stop_after) == want, "{threads} threads, stopped after {stop_after} steps");
    }
}

/// New heads on a trained model: what is not trained keeps its bits and its description, weight decay or not.
#[test]
fn fine_tuning_adds_heads_and_keeps_the_others() {
    let dir = tempfile::tempdir().unwrap();
    write_data(dir.path());
    let first = trained::<f32>(dir.path(), "run", &format!("{MPNICE}{SETS}{TRAINING}"));
    let before = Model::open(Some(&dir.path().join("run/last.safetensors"))).unwrap();
    let tune = |finetune: &str, head: &str| {
        let sets = "[[data.sets]]\nhead = \"new\"\nfiles = [\"low.extxyz\"]\n";
        format!(
            "[model]\narchitecture = \"mpnice\"\n[[heads]]\nname = \"new\"\n{head}\n{sets}{TRAINING}[finetune]\n{finetune}\n"
        )
    };
    let model = "model = \"run/last.safetensors\"";
    let frozen = format!("{model}\nfreeze = [\"!head.new.*\"]");
    for (run, finetune, init) in [("open", model, "init = \"low\""), ("frozen", frozen.as_str(), "")] {
        let tuned = trained::<f32>(dir.path(), run, &tune(finetune, init));
        let (old, new) = (first.network(), tuned.network());
        assert_eq!(new.heads(), ["low", "high", "new"]);
        for entry in &old.layout().entries {
            let place = new.layout().find(&entry.name).unwrap().range();
            let same = old.parameters()[entry.range()] == new.parameters()[place];
            let shared = split_tensor_name(&entry.name).0.is_none();
            let moves = shared && run == "open" && entry.name.contains("block_0.update");
            assert!(same != moves || (shared && run == "open"), "{run}: {}", entry.name);
        }
        let after = Model::open(Some(&dir.path().join(run).join("model.safetensors"))).unwrap();
        assert_eq!(after.header().heads[..2], before.header().heads[..]);
        assert_eq!(after.header().default_head, "high");
        assert_eq!(after.header().heads[2].elements, [1, 6, 8]);
    }
    // The start of a copied head is what it was copied from.
    let text = tune(model, "init = \"high\"");
    let setup = prepare::<f32>(config(dir.path(), &text).unwrap(), &dir.path().join("start")).unwrap();
    for entry in &setup.network.layout().entries {
        if let (Some("new"), own) = split_tensor_name(&entry.name) {
            let twin = first.network().layout().find(&format!("head.high.{own}")).unwrap().range();
            assert_eq!(setup.network.parameters()[entry.range()], first.network().parameters()[twin]);
        }
    }
    let again = |head: &str| tune(model, head).replace("\"new\"", "\"high\"");
    let tuned = prepare::<f32>(config(dir.path(), &again("")).unwrap(), &dir.path().join("start")).unwrap();
    assert_eq!(tuned.references[1], first.references()[1], "those of the model");
    for (text, words) in [
        (tune(model, "init = \"middle\""), ["heads \"new\".init", "low, high"]),
        (again("init = \"low\""), ["heads \"high\".init", "no effect"]),
        (again("d3 = \"b3lyp\""), ["d3-pbe", "d3-b3lyp"]),
        (tune(&format!("{model}\nhead = \"x\""), ""), ["finetune.head", "low, high"]),
        (
            tune(model, "")
                .replace("[[heads]]\nname = \"new\"", "")
                .replace("[[data.sets]]\nhead = \"new\"", "[data]"),
            ["low, high", "[[heads]]"],
        ),
    ] {
        let message = refused(dir.path(), &text);
        assert!(words.iter().all(|w| message.contains(w)), "{message}");
    }
}

/// The only head of a model may be without a name; others need one for it.
#[test]
fn a_head_without_a_name_gets_one() {
    let dir = tempfile::tempdir().unwrap();
    write_data(dir.path());
    let one = "[data]\nfiles = [\"low.extxyz\"]\n";
    let first = trained::<f32>(dir.path(), "run", &format!("{MPNICE}{one}{TRAINING}"));
    let tune = |finetune: &str| {
        format!(
            "[model]\narchitecture = \"mpnice\"\n[[heads]]\nname = \"new\"\n[[data.sets]]\nhead = \"new\"\n\
             files = [\"low.extxyz\"]\n{TRAINING}[finetune]\nmodel = \"run/last.safetensors\"\n{finetune}"
        )
    };
    let message = refused(dir.path(), &tune(""));
    assert!(message.contains("finetune.head"), "{message}");
    let setup = prepare::<f32>(config(dir.path(), &tune("head = \"old\"")).unwrap(), &dir.path().join("two"))
        .unwrap();
    assert_eq!(setup.network.heads(), ["old", "new"]);
    assert_eq!(setup.references[0], first.references()[0]);
    assert_eq!(setup.heads.default_name(), "old");
    let renamed = tune("head = \"new\"");
    let setup = prepare::<f32>(config(dir.path(), &renamed).unwrap(), &dir.path().join("renamed")).unwrap();
    assert_eq!(setup.network.heads(), ["new"]);
    assert_eq!(setup.network.parameters(), first.network().parameters());
}

/// One level with dispersion of its own: a head without a name.
#[test]
fn a_single_head_may_have_dispersion() {
    let dir = tempfile::tempdir().unwrap();
    write_data(dir.path());
    let keys = "[data]\nfiles = [\"low.extxyz\"]\nenergy = \"high_energy\"\nforces = \"high_forces\"\n";
    let text = |head: &str| format!("{MPNICE}{head}\n{keys}{TRAINING}");
    let read = |head: &str| {
        prepare::<f64>(config(dir.path(), &text(head)).unwrap(), &dir.path().join("run")).unwrap()
    };
    let (plain, with) = (read(""), read("[[heads]]\nd3 = \"PBE\"\nd3_atm = false"));
    assert_eq!(plain.network.parameters(), with.network.parameters());
    let mut d3 = D3Potential::new("pbe", false).unwrap();
    for i in 0..30 {
        let (a, b) = (plain.data.data.get(i).unwrap(), with.data.data.get(i).unwrap());
        let part = d3.evaluate(&a.system, Request::FORCES).unwrap();
        assert_eq!(b.energy.unwrap(), a.energy.unwrap() - part.energy.unwrap());
        let (f, g) = (a.forces.as_ref().unwrap(), b.forces.as_ref().unwrap());
        assert_eq!(g[1][2], f[1][2] - part.forces.unwrap()[1][2]);
    }
    assert_ne!(plain.data.data.hash(), with.data.data.hash());
}

/// Each mistake has one line that names the key and says what to do.
#[test]
fn mistakes_are_named() {
    let dir = tempfile::tempdir().unwrap();
    write_data(dir.path());
    let all = format!("{MPNICE}{SETS}{TRAINING}");
    let with = |from: &str, to: &str| {
        assert!(all.contains(from), "{from}");
        all.replacen(from, to, 1)
    };
    let tested = "test_files = [\"low.extxyz\"]\n";
    let untrained = |more: &str| {
        let (before, few) = all.split_once("name = \"few\"").unwrap();
        let rest = few.split_once("[loss]").unwrap().1;
        format!(
            "{before}name = \"few\"\nhead = \"high\"\nenergy = \"high_energy\"\n{tested}{more}[loss]{rest}"
        )
    };
    let third = "[[data.sets]]\nname = \"third\"\nhead = \"low\"\nfiles = [\"low.extxyz\"]\n[loss]";
    let cases: [(String, &[&str]); 20] = [
        (with("head = \"high\"", "head = \"hihg\""), &["data.sets \"few\".head", "[[heads]]"]),
        (with("head = \"high\"\n", ""), &["data.sets \"few\".head", "low, high"]),
        (with("head = \"high\"", "head = \"low\""), &["heads \"high\" has no set"]),
        (with("name = \"few\"", "name = \"many\""), &["data.sets", "\"many\"", "rename"]),
        (with("name = \"few\"\n", ""), &["data.sets number 2", "name"]),
        (with("name = \"few\"", "name = \"a b\""), &["letters"]),
        (with("name = \"low\"", "name = \"high\""), &["heads", "high"]),
        (with("name = \"low\"\n", ""), &["heads number 1"]),
        (with("[loss]", third), &["data.sets \"many\".files", "data.sets \"third\".files", "once"]),
        (
            with("energy = \"high_energy\"", "energy = \"x\""),
            &["heads \"high\"", "no training frame has a total energy"],
        ),
        (
            with("d3 = \"pbe\"", "reference_energies = { method = \"none\" }").replace(
                "energy = \"high_energy\"\nforces = \"high_forces\"",
                "energy = \"x\"\nforces = \"y\"",
            ),
            &["\"few\"", "label"],
        ),
        (untrained("sampling_weight = 0.5\n"), &["data.sets \"few\".sampling_weight", "no effect"]),
        (untrained("split = { train_count = 3 }\n"), &["data.sets \"few\".split", "no effect"]),
        (untrained(""), &["heads \"high\"", "no set trains it"]),
        (with("sampling_weight = 0.5", "sampling_weight = 0.01"), &["sampling_weight", "none of its 20"]),
        (with("sampling_weight = 0.5", "sampling_weight = -1"), &["data.sets \"many\".sampling_weight"]),
        (with("[[heads]]", "[data]\nfiles = [\"low.extxyz\"]\n[[heads]]"), &["data.files", "[[data.sets]]"]),
        (with("d3 = \"pbe\"", "d3 = \"pbf\""), &["heads \"high\".d3", "pbf"]),
        (with("d3 = \"pbe\"", "d3_atm = true"), &["heads \"high\".d3_atm"]),
        (with("train_count = 8", "train_count = 80"), &["data.sets \"few\".split", "85"]),
    ];
    for (text, words) in cases {
        let message = refused(dir.path(), &text);
        assert!(words.iter().all(|w| message.contains(w)), "{message} should name {words:?}");
    }
    let more = [
        (format!("{all}[reference_energies]\nmethod = \"none\"\n"), "[reference_energies]"),
        (format!("{all}[card]\nlevel_of_theory = \"x\"\n"), "card.level_of_theory"),
        (with("cutoff = 3.0", "cutoff = 3.0\nheads = [\"a\"]"), "model.heads"),
        (with("default = true", "init = \"low\""), "[finetune]"),
        (with("level_of_theory = \"pairs\"\n", "default = true\n"), "default = true"),
    ];
    for (text, word) in more {
        let message = refused(dir.path(), &text);
        assert!(message.contains(word), "{message} should name {word}");
    }
}

/// What is watched is the mean over the sets, however many structures each has.
#[test]
fn the_monitored_value_is_the_mean_over_the_sets() {
    let dir = tempfile::tempdir().unwrap();
    let text = two_heads().replace("[train]", "[train]\nmonitor = \"forces_mae\"");
    let mut trainer = Trainer::<f64>::start(common::setup(dir.path(), &text)).unwrap();
    trainer.run(&mut (), &AtomicBool::new(false)).unwrap();
    let value = trainer.best()[0].value;
    let report = &trainer.final_errors().unwrap()[0].1;
    let of = |k: usize| report.sets[k].errors.get(Property::Forces).unwrap().mae();
    assert_eq!((report.sets[0].structures, report.sets[1].structures), (10, 5));
    assert_eq!(value, (of(0) + of(1)) / 2.0);
    assert_ne!(value, report.overall.get(Property::Forces).unwrap().mae());
    // A configuration of one head does not fit data of two.
    assert_eq!(Heads::new(&Config::parse(CONFIG).unwrap(), None, &[]).unwrap().entries().len(), 1);
    assert_eq!(two_sets(10).data.sets().len(), 2);
}
