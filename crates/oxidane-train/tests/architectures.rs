//! From files to a trained network of each architecture and on to its fine-tuning, as the program does it.

mod common;
use common::{data, files};
use oxidane_core::io::{Data, Frame, Value, read_all, write_frames};
use oxidane_models::{file, registry};
use oxidane_train::data::read_dataset;
use oxidane_train::evaluate::{Property, Report, evaluate_dataset};
use oxidane_train::{
    Config, Heads, ModelFiles, Observer, Outcome, ReferenceEnergies, Setup, StepEvent, Trainer, prepare,
};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

const XPAINN: &str = r#"
architecture = "xpainn"
node_dim = 12
node_irreps = "12x0e+6x1o+4x2e"
hidden_dim = 8
embedding = "one-hot"
cutoff = 3.0
action_blocks = 2
"#;

const MPNICE: &str = r#"
architecture = "mpnice"
node_dim = 12
channels = 4
angular_channels = 3
num_basis = 6
num_angular_basis = 4
l_max = 2
update_dim = 16
readout_dim = 8
cutoff = 3.0
iterations = 2
ewald_accuracy = 1e-4
"#;

const TRAINING: &str = r#"
[data]
files = ["toy.extxyz"]
group = "parity"
split = { seed = 5, train_per_group = 12, validation_per_group = 4 }
[loss]
energy_per_atom = { kind = "smooth_l1", weight = 1.0, beta = 0.1 }
forces = { kind = "norm", weight = 10.0 }
[optimizer]
lr = 5e-3
[schedule]
warmup_steps = 5
[ema]
decay = 0.9
[train]
epochs = 50
batch_size = 6
threads = 2
[card]
name = "toy"
level_of_theory = "pair potential"
"#;

fn training_of(model: &str) -> String {
    format!("[model]{model}{TRAINING}")
}

fn write_data(folder: &Path) {
    let data = data(40);
    let frames: Vec<Frame> = (0..40)
        .map(|i| {
            let label = data.data.get(i).unwrap();
            let mut frame = Frame::new(label.system.clone());
            frame.set_energy(label.energy.unwrap());
            if let Some(forces) = &label.forces {
                frame.set_forces(forces);
            }
            frame.info.insert("parity".into(), Value::text(["even", "odd"][i % 2]));
            frame
        })
        .collect();
    write_frames(folder.join("toy.extxyz"), &frames).unwrap();
}

fn config(folder: &Path, text: &str) -> Config {
    let path = folder.join("train.toml");
    std::fs::write(&path, text).unwrap();
    Config::read(&path).unwrap()
}

#[test]
fn xpainn_trains_writes_and_fine_tunes() {
    trains_writes_and_fine_tunes(XPAINN, "update_0.update");
}

#[test]
fn xpainn_with_charges_trains_writes_and_fine_tunes() {
    trains_writes_and_fine_tunes(&format!("{XPAINN}electrostatics = true\n"), "output_long_range");
}

#[test]
fn mpnice_trains_writes_and_fine_tunes() {
    trains_writes_and_fine_tunes(MPNICE, "block_0.update");
}

/// `moving`: part of the names of tensors that fine-tuning must change.
fn trains_writes_and_fine_tunes(model: &str, moving: &str) {
    let text = training_of(model);
    let dir = tempfile::tempdir().unwrap();
    write_data(dir.path());
    let go = AtomicBool::new(false);
    let run = dir.path().join("run");
    let mut trainer = Trainer::start(prepare::<f32>(config(dir.path(), &text), &run).unwrap()).unwrap();
    let parts = trainer.data().parts.clone();
    assert_eq!((parts.train.len(), parts.validation.len(), parts.test.len()), (24, 8, 8));
    let mae =
        |t: &Trainer<f32>| t.evaluate(&parts.test, 0).unwrap().overall.get(Property::Forces).unwrap().mae();
    let before = mae(&trainer);
    trainer.run(&mut (), &go).unwrap();
    let after = mae(&trainer);
    assert!(after < 0.7 * before, "force MAE {before} before, {after} after");

    let (header, tensors) = file::read(&run.join("model.safetensors")).unwrap();
    assert_eq!((header.name.as_str(), header.heads[0].elements.as_slice()), ("toy", &[1u8, 6, 8][..]));
    assert!(header.errors.iter().any(|e| e.property == "forces"));
    assert!(!header.provenance.config.unwrap().contains(dir.path().to_str().unwrap()));

    // All 40 structures from the file, by group, equal to what the trainer finds on its own copy.
    let names = oxidane_train::config::DataSet {
        group: Some("parity".into()),
        ..oxidane_train::config::DataSet::new(vec![dir.path().join("toy.extxyz")])
    };
    let whole = read_dataset(&names.files, &names).unwrap();
    let report = evaluate_dataset(trainer.network(), trainer.references(), &whole, 10).unwrap();
    let same = trainer.evaluate(&(0..40).collect::<Vec<_>>(), 10).unwrap();
    let parity = |r: &Report| r.sets[0].parity.clone();
    assert_eq!(
        (report.overall, &report.groups, parity(&report)),
        (same.overall, &same.groups, parity(&same))
    );
    assert_eq!(report.groups.len(), 2);

    let mut tensors = tensors;
    tensors.retain(|name, _| !name.contains("uncertainty"));
    let weights = file::join(trainer.network().layout(), &tensors).unwrap();
    assert_eq!(weights.len(), trainer.network().parameters().len());

    // Fine-tuning starts where the model ended, with its reference energies, and leaves alone what is frozen.
    let tune = text
        .replace("[loss]", "[reference_energies]\nmethod = \"model\"\n[loss]")
        .replace("epochs = 50", "epochs = 1")
        + "[finetune]\nmodel = \"run/last.safetensors\"\nfreeze = [\"embedding*\"]\n";
    let again = dir.path().join("again");
    let mut tuned = Trainer::start(prepare::<f32>(config(dir.path(), &tune), &again).unwrap()).unwrap();
    assert_eq!(tuned.references(), trainer.references());
    assert_eq!(tuned.network().parameters(), trainer.network().parameters());
    tuned.run(&mut (), &go).unwrap();
    // Weights that nothing depends on (norms of features that are still zero) stay too.
    for e in &tuned.network().layout().entries {
        let same = tuned.network().parameters()[e.range()] == trainer.network().parameters()[e.range()];
        assert!(same || (e.trainable && !e.name.starts_with("embedding")), "{}", e.name);
        assert!(!same || !e.name.contains(moving), "{}", e.name);
    }
    assert!(files(&again).iter().any(|f| f.0 == "validation.csv"));
    let other = tune.replace("node_dim = 12", "node_dim = 16").replace("12x0e", "16x0e");
    let error = prepare::<f32>(config(dir.path(), &other), &again).err().unwrap().to_string();
    assert!(error.contains("model.node_dim"), "{error}");
}

#[test]
fn xpainn_runs_have_the_same_bits_however_they_are_done() {
    runs_have_the_same_bits(XPAINN);
}

#[test]
fn mpnice_runs_have_the_same_bits_however_they_are_done() {
    runs_have_the_same_bits(MPNICE);
}

/// The real network, single precision: every file of the run has the same bits on 1, 2 and 7 threads and when it is
/// stopped half-way.
fn runs_have_the_same_bits(model: &str) {
    struct StopAfter<'a>(u64, &'a AtomicBool);
    impl Observer for StopAfter<'_> {
        fn step(&mut self, e: &StepEvent) {
            self.1.store(e.step == self.0, Ordering::Relaxed);
        }
    }
    let dir = tempfile::tempdir().unwrap();
    write_data(dir.path());
    let run = |threads: usize, stop_after: u64| {
        let text = training_of(model)
            .replace("epochs = 50", "epochs = 3")
            .replace("threads = 2", &format!("threads = {threads}"));
        let folder = dir.path().join(format!("run{threads}_{stop_after}"));
        let setup = || prepare::<f32>(config(dir.path(), &text), &folder).unwrap();
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
    for (threads, stop_after) in [(2, 0), (7, 0), (2, 5), (1, 8)] {
        assert!(run(threads, stop_after) == want, "{threads} threads, stopped after {stop_after} steps");
    }
}

/// Networks without an energy, on structures that have energy labels: the energies take no part, and asking for them is
/// refused.
#[test]
fn networks_without_an_energy_train() {
    let dir = tempfile::tempdir().unwrap();
    let setup = |head: &str, loss: &str, monitor: &str| {
        let text = training_of(XPAINN)
            .replace("action_blocks = 2", &format!("action_blocks = 1\noutput_modes = [\"{head}\"]"))
            .replace("epochs = 50", &format!("epochs = 4\nmonitor = \"{monitor}\""));
        let (before, rest) = text.split_once("[loss]").unwrap();
        let after = rest.split_once("[optimizer]").unwrap().1;
        let config = Config::parse(&format!("{before}[loss]\n{loss}\n[optimizer]{after}")).unwrap();
        let hyperparameters = serde_json::Value::Object(config.model.hyperparameters.clone());
        let folder = dir.path().join(head);
        std::fs::create_dir_all(&folder).unwrap();
        Setup::<f32> {
            config,
            data: data(40),
            network: registry::build("xpainn", &hyperparameters, 0).unwrap(),
            heads: Heads::new(&Config::parse(&training_of(XPAINN)).unwrap(), None, &[]).unwrap(),
            references: vec![ReferenceEnergies::default()],
            folder,
            writer: Box::new(ModelFiles),
        }
    };
    let heads = [
        ("dipole", "dipole", Property::Dipole),
        ("charges", "charges", Property::Charges),
        ("polar", "polarizability", Property::Polarizability),
    ];
    for (head, key, property) in heads {
        let term = format!("{key} = {{ kind = \"l2\", weight = 1.0 }}");
        let energy = "energy = { kind = \"l2\", weight = 1.0 }";
        for (loss, monitor, key) in [(energy, "loss", "loss.energy"), (&term, "energy_mae", "train.monitor")]
        {
            let refused = Trainer::start(setup(head, loss, monitor)).err().unwrap().to_string();
            assert!(refused.contains(key), "{refused}");
        }
        let mut trainer = Trainer::start(setup(head, &term, "loss")).unwrap();
        assert_eq!(trainer.run(&mut (), &AtomicBool::new(false)).unwrap(), Outcome::Finished);
        let errors = trainer.final_errors().unwrap();
        let properties: Vec<Property> = errors[1].1.overall.iter().map(|e| e.0).collect();
        assert_eq!(properties, [property]);
    }
}

/// Files may bring dipoles of crystals, which charges do not give: they take no part in the errors (a model file refuses those that are
/// no numbers), and a loss on them is refused.
#[test]
fn dipoles_of_crystals_take_no_part() {
    let dir = tempfile::tempdir().unwrap();
    write_data(dir.path());
    let path = dir.path().join("toy.extxyz");
    let mut frames = read_all(path.clone()).unwrap();
    for frame in &mut frames {
        frame.info.insert("dipole".into(), Value::vector(Data::Real(vec![0.1, 0.2, 0.3])));
    }
    write_frames(path.clone(), &frames).unwrap();
    let text = training_of(MPNICE).replace("epochs = 50", "epochs = 1");
    let start = |text: &str, folder: &str| {
        Trainer::start(prepare::<f32>(config(dir.path(), text), &dir.path().join(folder)).unwrap())
    };
    let mut trainer = start(&text, "run").unwrap();
    trainer.run(&mut (), &AtomicBool::new(false)).unwrap();
    let errors = trainer.final_errors().unwrap()[1].1.overall.get(Property::Dipole).unwrap();
    assert!(errors.mae().is_finite() && errors.count < 3 * 8, "{errors:?}");
    let term = "[loss]\ndipole = { kind = \"l2\", weight = 1.0 }";
    let refused = start(&text.replace("[loss]", term), "refused").err().unwrap().to_string();
    assert!(refused.contains("loss.dipole") && refused.contains("crystal"), "{refused}");
}

/// What a network does not take, here a cell that repeats in two directions, is named with its file and frame.
#[test]
fn a_structure_that_the_network_refuses_is_named() {
    let dir = tempfile::tempdir().unwrap();
    write_data(dir.path());
    let path = dir.path().join("toy.extxyz");
    let mut frames = read_all(path.clone()).unwrap();
    for cell in frames.iter_mut().filter_map(|f| f.system.cell.as_mut()) {
        cell.periodic[2] = false;
    }
    write_frames(path, &frames).unwrap();
    let setup = prepare::<f32>(config(dir.path(), &training_of(MPNICE)), &dir.path().join("run")).unwrap();
    let error =
        Trainer::start(setup).unwrap().run(&mut (), &AtomicBool::new(false)).err().unwrap().to_string();
    assert!(error.contains("toy.extxyz frame ") && error.contains("slabs"), "{error}");
}

/// What `--model` takes is a start, and an element that the model has no energy of is refused.
#[test]
fn fine_tuning_needs_the_reference_energies() {
    let dir = tempfile::tempdir().unwrap();
    write_data(dir.path());
    let network = registry::build::<f64>(
        "xpainn",
        &serde_json::json!({ "node_dim": 8, "node_irreps": "8x0e+4x1o", "hidden_dim": 4, "embedding": "one-hot" }),
        1,
    )
    .unwrap();
    let mut header = file::Header::new("part", "xpainn", network.hyperparameters());
    header.heads[0].reference_energies = [("H".to_string(), -13.0), ("C".to_string(), -1000.0)].into();
    let weights = file::split(network.layout(), network.parameters());
    let all = training_of(XPAINN);
    let (head, rest) = all.split_once("node_dim").unwrap();
    let text =
        format!("{head}[data]{}[finetune]\nmodel = \"part.st\"\n", rest.split_once("[data]").unwrap().1);
    let prepared = |header: &file::Header, text: &str| {
        file::write(&dir.path().join("part.st"), header, &weights).unwrap();
        prepare::<f32>(config(dir.path(), text), &dir.path().join("run"))
    };
    let refused = prepared(&header, &text).err().unwrap().to_string();
    assert!(refused.contains("no reference energy of O"), "{refused}");
    header.heads[0].reference_energies.insert("O".into(), -2000.0);
    assert_eq!(prepared(&header, &text).unwrap().references[0].values[8], -2000.0);
    let unknown = prepared(&header, &text.replace("part.st", "nomodel")).err().unwrap().to_string();
    assert!(unknown.contains("nomodel"), "{unknown}");
}
