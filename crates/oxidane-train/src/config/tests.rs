use super::*;

const MINIMAL: &str = r#"
[model]
architecture = "toy"
width = 3
[data]
files = ["a.extxyz", "b.extxyz"]
[loss]
forces = { kind = "l1", weight = 100 }
[train]
epochs = 2
batch_size = 4
max_time = "90min"
"#;

#[test]
fn minimal_configuration_has_defaults() {
    let c = Config::parse(MINIMAL).unwrap();
    assert_eq!(c.model.architecture, "toy");
    assert_eq!(c.model.hyperparameters["width"], 3);
    assert_eq!(c.train.max_time.unwrap().milliseconds, 90 * 60_000);
    assert_eq!(c.optimizer.lr, 5e-4);
    assert_eq!(c.data.sets, [DataSet::new(vec!["a.extxyz".into(), "b.extxyz".into()])]);
    assert_eq!(c.heads(), [Head::default()]);
}

/// Each broken configuration is refused with a message that names the key.
#[test]
fn refusals_name_the_key() {
    let cases = [
        (MINIMAL.replace("epochs = 2", "epochs = 2\nlerning = 1"), "lerning"),
        (MINIMAL.replace("epochs = 2", "epochs = 2\nsteps = 5"), "train.epochs"),
        (MINIMAL.replace("batch_size = 4", ""), "train.batch_size"),
        (MINIMAL.replace("\"l1\"", "\"l3\""), "l3"),
        (MINIMAL.replace("\"l1\", weight = 100", "\"l1\", weight = -1"), "loss.forces.weight"),
        (
            MINIMAL.replace("forces = {", "energy = { kind = \"norm\", weight = 1 }\nforces = {"),
            "loss.energy.kind",
        ),
        (MINIMAL.replace("[loss]", "split = { train_per_group = 3 }\n[loss]"), "data.group"),
        (MINIMAL.replace("[loss]", "split = { validation_count = 3 }\n[loss]"), "train_count"),
        (MINIMAL.replace("90min", "90 parsecs"), "90 parsecs"),
        (format!("{MINIMAL}\n[optimizer]\nlr = 0.0\n"), "optimizer.lr"),
        (MINIMAL.replace("weight = 100", "weight = 0"), "loss"),
        (MINIMAL.replace("weight = 100", "weight = 1, beta = 0.1"), "loss.forces.beta"),
        (MINIMAL.replace("epochs = 2", "epochs = 9000000000000000000"), "train.epochs"),
        (MINIMAL.replace("epochs = 2", "steps = 9000000000000000000"), "train.steps"),
        (MINIMAL.replace("[loss]", "memory_mb = 9000000000000000000\n[loss]"), "data.memory_mb"),
        (MINIMAL.replace("[loss]", "split = { train_list = \"a\", seed = 1 }\n[loss]"), "data.split.seed"),
        (format!("{MINIMAL}\n[schedule]\npatience = 5\n"), "schedule.patience"),
        (format!("{MINIMAL}\n[schedule]\nkind = \"constant\"\nfactor = 0.1\n"), "schedule.factor"),
        (format!("{MINIMAL}\n[schedule]\nkind = \"constant\"\nmin_lr = 1e-6\n"), "schedule.min_lr"),
        (format!("{MINIMAL}\n[schedule]\nmin_lr = 1.0\n"), "optimizer.lr"),
        (format!("{MINIMAL}\n[schedule]\nkind = \"plateau\"\npatience = 0\n"), "schedule.patience"),
        (format!("{MINIMAL}\n[ema]\ndecay = 1.5\n"), "ema.decay"),
        (format!("{MINIMAL}\n[reference_energies]\nmethod = \"given\"\n"), "reference_energies.values"),
        (format!("{MINIMAL}\n[reference_energies]\nmethod = \"model\"\n"), "finetune"),
    ];
    for (text, word) in cases {
        let message = Config::parse(&text).unwrap_err().to_string();
        assert!(message.contains(word), "`{message}` should name `{word}`");
        assert!(!message.contains('\n'), "one line: {message}");
    }
}

#[test]
fn errors_carry_file_and_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("train.toml");
    std::fs::write(&path, MINIMAL.replace("width = 3", "width = 3\n\n= 5")).unwrap();
    let e = Config::read(&path).unwrap_err();
    assert_eq!((e.path.as_deref(), e.line), (Some(path.as_path()), Some(6)));
    std::fs::write(&path, MINIMAL).unwrap();
    assert_eq!(Config::read(&path).unwrap().data.sets[0].files[0], dir.path().join("a.extxyz"));
}

/// A bare word that is no file in the folder is the name of a model inside the program.
#[test]
fn finetuning_takes_files_and_names() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("train.toml");
    let model = |word: &str| {
        std::fs::write(&path, format!("{MINIMAL}\n[finetune]\nmodel = \"{word}\"\n")).unwrap();
        let config = Config::read(&path).unwrap();
        config.finetune.unwrap().model
    };
    assert_eq!(model("rmd17"), PathBuf::from("rmd17"));
    assert_eq!(model("a.pt"), dir.path().join("a.pt"));
    std::fs::write(dir.path().join("rmd17"), "").unwrap();
    assert_eq!(model("rmd17"), dir.path().join("rmd17"));
}

/// Threads and time limits may differ between a run and its resumption; the learning rate may not.
#[test]
fn fingerprint_covers_what_decides_the_result() {
    let a = Config::parse(MINIMAL).unwrap();
    let mut b = a.clone();
    b.train.threads = 7;
    b.train.max_time = None;
    assert_eq!(a.fingerprint(), b.fingerprint());
    b.optimizer.lr = 1e-3;
    assert_ne!(a.fingerprint(), b.fingerprint());
}
