//! Whole runs: they learn, and they have the same bits however they are cut up.

mod common;
use common::{CONFIG, files, setup, two_heads};
use oxidane_core::ErrorKind;
use oxidane_math::Real;
use oxidane_train::evaluate::Property;
use oxidane_train::{Observer, Outcome, StepEvent, Trainer, ValidationEvent};
use std::cell::RefCell;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Sets the stop flag after certain steps.
struct StopAt<'a>(&'a [u64], &'a AtomicBool);

impl Observer for StopAt<'_> {
    fn step(&mut self, e: &StepEvent) {
        self.1.store(self.0.contains(&e.step), Ordering::Relaxed);
    }
}

fn uninterrupted<R: Real>(folder: &Path, config: &str) -> Trainer<R> {
    let mut trainer = Trainer::<R>::start(setup(folder, config)).unwrap();
    assert_eq!(trainer.run(&mut (), &AtomicBool::new(false)).unwrap(), Outcome::Finished);
    trainer
}

#[test]
fn a_run_recovers_the_network_that_made_the_data() {
    let dir = tempfile::tempdir().unwrap();
    let config = CONFIG.replace("epochs = 12", "epochs = 400");
    let trainer = uninterrupted::<f64>(dir.path(), &config);
    let test = trainer.evaluate(&trainer.data().parts.test, 100).unwrap();
    for (property, limit) in
        [(Property::EnergyPerAtom, 2e-3), (Property::Forces, 1e-2), (Property::Charges, 1e-3)]
    {
        let mae = test.overall.get(property).unwrap().mae();
        assert!(mae < limit, "{}: {mae}", property.name());
    }
    assert_eq!(test.groups.len(), 2);
    assert!(test.sets.len() == 1 && test.sets[0].parity[2].pairs.len() > 30);
    assert!(trainer.best().len() == 2 && trainer.best()[0].value <= trainer.best()[1].value);
    let names: Vec<String> = files(dir.path()).into_iter().map(|f| f.0).collect();
    assert_eq!(names.len(), 7, "{names:?}");
}

/// Bitwise, every file of the run: weights, optimiser, averages, best models, logs.
#[test]
fn interrupted_and_resumed_runs_have_the_same_bits() {
    fn check<R: Real>(config: &str) {
        let whole = tempfile::tempdir().unwrap();
        uninterrupted::<R>(whole.path(), config);
        let parts = tempfile::tempdir().unwrap();
        let stop = AtomicBool::new(false);
        let stops = [1, 4, 5, 20, 21, 48];
        let mut trainer = Trainer::<R>::start(setup(parts.path(), config)).unwrap();
        let mut interruptions = 0;
        while trainer.run(&mut StopAt(&stops, &stop), &stop).unwrap() == Outcome::Interrupted {
            interruptions += 1;
            drop(trainer);
            stop.store(false, Ordering::Relaxed);
            trainer = Trainer::<R>::resume(setup(parts.path(), config)).unwrap();
        }
        assert_eq!(interruptions, stops.len());
        same(&files(whole.path()), &files(parts.path()));
    }
    check::<f32>(CONFIG);
    check::<f32>(&two_heads());
    let atoms = CONFIG.replace("batch_size = 7", "batch_atoms = 40");
    let plateau = "amsgrad = true\n[schedule]\nkind = \"plateau\"\npatience = 1";
    check::<f64>(&atoms.replace("[schedule]", plateau));
    let atoms = two_heads().replace("batch_size = 7", "batch_atoms = 40");
    check::<f64>(&atoms.replace("[schedule]", plateau));
}

fn same(a: &[(String, Vec<u8>)], b: &[(String, Vec<u8>)]) {
    let names = |f: &[(String, Vec<u8>)]| f.iter().map(|f| f.0.clone()).collect::<Vec<_>>();
    assert_eq!(names(a), names(b));
    for (x, y) in a.iter().zip(b) {
        assert!(x.1 == y.1, "{} differs", x.0);
    }
}

/// A killed process leaves the last checkpoint, longer logs and perhaps a best model too many. The folder is copied
/// as it is in the middle of the run, after each step, and each copy is taken to the end.
#[test]
fn killed_runs_go_on_from_the_checkpoint() {
    killed_runs_go_on(CONFIG);
    killed_runs_go_on(&two_heads());
}

fn killed_runs_go_on(config: &str) {
    struct Copies<'a>(&'a Path, RefCell<Vec<tempfile::TempDir>>);
    impl Observer for Copies<'_> {
        fn step(&mut self, e: &StepEvent) {
            if [11, 13, 23, 50].contains(&e.step) {
                let copy = tempfile::tempdir().unwrap();
                for (name, bytes) in files(self.0) {
                    std::fs::write(copy.path().join(name), bytes).unwrap();
                }
                std::fs::write(copy.path().join("best-000000999.txt"), "of a later step").unwrap();
                std::fs::write(copy.path().join(".checkpoint.safetensors.1.0.tmp"), "half").unwrap();
                self.1.borrow_mut().push(copy);
            }
        }
    }
    let whole = tempfile::tempdir().unwrap();
    let mut copies = Copies(whole.path(), RefCell::default());
    let mut trainer = Trainer::<f64>::start(setup(whole.path(), config)).unwrap();
    trainer.run(&mut copies, &AtomicBool::new(false)).unwrap();
    let want = files(whole.path());
    for copy in copies.1.into_inner() {
        Trainer::<f64>::resume(setup(copy.path(), config))
            .unwrap()
            .run(&mut (), &AtomicBool::new(false))
            .unwrap();
        same(&want, &files(copy.path()));
    }
}

#[test]
fn threads_do_not_change_the_bits() {
    for config in [CONFIG, &two_heads()] {
        let run = |threads: usize| {
            let dir = tempfile::tempdir().unwrap();
            uninterrupted::<f32>(dir.path(), &config.replace("threads = 2", &format!("threads = {threads}")));
            files(dir.path())
        };
        let one = run(1);
        same(&one, &run(2));
        same(&one, &run(7));
    }
}

#[test]
fn resumption_refuses_what_changed() {
    let dir = tempfile::tempdir().unwrap();
    let stop = AtomicBool::new(false);
    let mut trainer = Trainer::<f64>::start(setup(dir.path(), CONFIG)).unwrap();
    trainer.run(&mut StopAt(&[3], &stop), &stop).unwrap();
    let refused = |setup| Trainer::<f64>::resume(setup).err().unwrap().to_string();
    assert!(refused(setup(dir.path(), &CONFIG.replace("lr = 0.02", "lr = 0.03"))).contains("configuration"));
    let mut other = setup::<f64>(dir.path(), CONFIG);
    other.data.parts.train.pop();
    assert!(refused(other).contains("the data"));
    assert!(
        Trainer::<f32>::resume(setup(dir.path(), CONFIG)).err().unwrap().to_string().contains("precision")
    );
    assert!(Trainer::<f64>::start(setup(dir.path(), CONFIG)).err().unwrap().to_string().contains("resume"));
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(Trainer::<f64>::resume(setup(empty.path(), CONFIG)).err().unwrap().kind, ErrorKind::Io);
    std::fs::write(dir.path().join("log.jsonl"), "").unwrap();
    assert!(refused(setup(dir.path(), CONFIG)).contains("log"));
}

#[test]
fn configuration_must_fit_the_data() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |s| Trainer::<f64>::start(s).err().unwrap().to_string();
    let mut s = setup::<f64>(dir.path(), CONFIG);
    s.data.parts.train.retain(|i| i % 3 != 0);
    assert!(refused(s).contains("loss.stress"));
    let mut s = setup::<f64>(dir.path(), &CONFIG.replace("keep_best", "early_stop = 3\nkeep_best"));
    s.data.parts.validation.clear();
    assert!(refused(s).contains("early_stop"));
}

#[test]
fn limits_stop_a_run() {
    let dir = tempfile::tempdir().unwrap();
    let config = CONFIG.replace("threads = 2", "threads = 1\nmax_time = \"0s\"");
    let mut trainer = Trainer::<f64>::start(setup(dir.path(), &config)).unwrap();
    assert_eq!(trainer.run(&mut (), &AtomicBool::new(false)).unwrap(), Outcome::OutOfTime);
    // A time limit may change between a run and its resumption.
    let mut trainer = Trainer::<f64>::resume(setup(dir.path(), CONFIG)).unwrap();
    assert_eq!(trainer.run(&mut (), &AtomicBool::new(false)).unwrap(), Outcome::Finished);

    struct Count(u64);
    impl Observer for Count {
        fn validation(&mut self, _: &ValidationEvent) {
            self.0 += 1;
        }
    }
    let dir = tempfile::tempdir().unwrap();
    // A learning rate that decays to nothing within the first steps cannot improve for ever.
    let config = CONFIG
        .replace("epochs = 12", "epochs = 4000\nearly_stop = 2")
        .replace("[schedule]", "[schedule]\nkind = \"plateau\"\nfactor = 0.1\npatience = 1")
        .replace("lr = 0.02", "lr = 0.5");
    let mut trainer = Trainer::<f64>::start(setup(dir.path(), &config)).unwrap();
    let mut count = Count(0);
    assert_eq!(trainer.run(&mut count, &AtomicBool::new(false)).unwrap(), Outcome::StoppedEarly);
    assert!(count.0 > 2 && trainer.steps_done() < trainer.total_steps());
}

/// A label so large that the loss overflows: step and frame are named, the checkpoint stays as it was.
#[test]
fn infinite_losses_name_the_frame() {
    let dir = tempfile::tempdir().unwrap();
    let config = CONFIG.replace("smooth_l1", "l2").replace(", beta = 0.1", "");
    let with_bad_frame = || {
        let mut s = setup::<f64>(dir.path(), &config);
        let mut builder = oxidane_train::data::Builder::default();
        builder.file("toy.extxyz");
        for i in 0..s.data.data.len() {
            let mut f = (*s.data.data.get(i).unwrap()).clone();
            if i == 17 {
                f.energy = Some(1e300);
            }
            builder.add(f, "all").unwrap();
        }
        s.data.data = builder.finish();
        s
    };
    let mut trainer = Trainer::<f64>::start(with_bad_frame()).unwrap();
    let error = trainer.run(&mut (), &AtomicBool::new(false)).unwrap_err().to_string();
    assert!(error.contains("toy.extxyz frame 17") && error.contains("step "), "{error}");
    assert!(!error.contains("frame 16"), "{error}");
}

#[test]
fn frozen_tensors_stay() {
    let dir = tempfile::tempdir().unwrap();
    let config = format!("{CONFIG}\n[finetune]\nmodel = \"m\"\nfreeze = [\"pair.1\", \"cha*\"]\n");
    let before = setup::<f64>(dir.path(), &config).network.parameters().to_vec();
    let trainer = uninterrupted::<f64>(dir.path(), &config);
    for e in &trainer.network().layout().entries {
        let same = before[e.range()] == trainer.network().parameters()[e.range()];
        let frozen = !e.trainable || ["pair.1", "charge"].contains(&e.name.as_str());
        assert_eq!(same, frozen, "{}", e.name);
    }
}

/// Killed as soon as the checkpoint of the start is there, before any log: resumption starts from the beginning.
#[test]
fn a_run_can_be_resumed_from_its_first_moment() {
    let whole = tempfile::tempdir().unwrap();
    uninterrupted::<f64>(whole.path(), CONFIG);
    let killed = tempfile::tempdir().unwrap();
    drop(Trainer::<f64>::start(setup(killed.path(), CONFIG)).unwrap());
    for log in ["log.jsonl", "validation.csv"] {
        std::fs::remove_file(killed.path().join(log)).unwrap();
    }
    let mut trainer = Trainer::<f64>::resume(setup(killed.path(), CONFIG)).unwrap();
    trainer.run(&mut (), &AtomicBool::new(false)).unwrap();
    same(&files(whole.path()), &files(killed.path()));
    std::fs::remove_file(killed.path().join("checkpoint.safetensors")).unwrap();
    let refused = Trainer::<f64>::start(setup(killed.path(), CONFIG)).err().unwrap().to_string();
    assert!(refused.contains("log.jsonl") && refused.contains("another folder"), "{refused}");
}

/// What is written as the model is the best one, and its errors are those of the best one, after a resumption too.
#[test]
fn the_final_errors_are_those_of_the_best_model() {
    let dir = tempfile::tempdir().unwrap();
    // A learning rate that rises until it throws the weights about: the last step is not the best.
    let config = CONFIG.replace("lr = 0.02", "lr = 5.0").replace("decay = 0.95", "decay = 0.0");
    let config = config.replace("warmup_steps = 5", "warmup_steps = 60");
    let mut trainer = uninterrupted::<f64>(dir.path(), &config);
    let (best, value) = (trainer.best()[0].step, trainer.best()[0].value);
    assert_ne!(best, trainer.steps_done());
    let text = std::fs::read_to_string(dir.path().join("model.txt")).unwrap();
    assert_eq!(text, format!("{best} {:?}", trainer.final_network().parameters()));
    assert_ne!(trainer.final_network().parameters(), trainer.network().parameters());
    let errors = trainer.final_errors().unwrap().to_vec();
    assert_eq!(errors.iter().map(|e| e.0).collect::<Vec<_>>(), ["validation", "test"]);
    assert_eq!(errors[0].1.loss.total(), value);
    let mut again = Trainer::<f64>::resume(setup(dir.path(), &config)).unwrap();
    assert_eq!(again.final_errors().unwrap(), errors);
}

#[test]
fn weights_of_zero_are_refused_and_others_told() {
    let dir = tempfile::tempdir().unwrap();
    let weighted = |weight: f64| {
        let mut s = setup::<f64>(dir.path(), CONFIG);
        let mut builder = oxidane_train::data::Builder::default();
        for i in 0..s.data.data.len() {
            let mut f = (*s.data.data.get(i).unwrap()).clone();
            f.weight = weight;
            builder.add(f, "all").unwrap();
        }
        s.data.data = builder.finish();
        s
    };
    let refused = Trainer::<f64>::start(weighted(0.0)).err().unwrap().to_string();
    assert!(refused.contains("weight"), "{refused}");
    assert_eq!(Trainer::<f64>::start(weighted(2.0)).unwrap().weighted(), 30);
    let log = std::fs::read_to_string(dir.path().join("log.jsonl")).unwrap();
    assert!(log.contains("\"weighted\":30"), "{log}");
}
