//! What the end-to-end tests share: the program, a folder to run it in, and a tiny untrained model.
#![allow(dead_code)] // each test file uses its part

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use oxidane_models::{file, registry};
use serde_json::{Value, json};

/// A folder with a model of few weights, `tiny.safetensors`, that knows H, C, N, O, charges -1 and 0.
pub struct Bench {
    folder: tempfile::TempDir,
}

/// Water, and its line of energies must not change without notice.
pub const WATER: &str = "3\nname=water\nO 0 0 0.1173\nH 0 0.7572 -0.4692\nH 0 -0.7572 -0.4692\n";

impl Bench {
    pub fn new() -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        bench.write_model("tiny.safetensors", &["energy"]);
        bench.write("water.xyz", WATER);
        bench
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// Writes an untrained model with the given heads.
    pub fn write_model(&self, name: &str, heads: &[&str]) {
        let settings = json!({
            "node_dim": 8, "node_irreps": "8x0e+4x1o+2x2e", "hidden_dim": 4, "hidden_irreps": "4x0e+2x1o+2x2e",
            "num_basis": 6, "cutoff": 4.0, "action_blocks": 2, "embedding": "one-hot", "output_modes": heads,
        });
        let network = registry::build::<f64>("xpainn", &settings, 7).unwrap();
        let mut header = file::Header::new("tiny", "xpainn", network.hyperparameters());
        let head = header.only_head_mut();
        head.elements = vec![1, 6, 7, 8];
        head.charges = vec![-1, 0];
        head.unpaired = vec![0];
        head.level_of_theory = Some("untrained".into());
        head.reference_energies = [("H".to_owned(), -13.6), ("O".to_owned(), -2040.0)].into();
        file::write(&self.path(name), &header, &file::split(network.layout(), network.parameters())).unwrap();
    }

    /// Runs the program in the folder.
    pub fn run(&self, arguments: &[&str]) -> Run {
        let output = self.command(arguments).output().unwrap();
        Run::new(&output)
    }

    /// The same with the tiny model.
    pub fn tiny(&self, arguments: &[&str]) -> Run {
        self.run(&[arguments, &["--model", "tiny.safetensors"]].concat())
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oxidane"));
        command.args(arguments).current_dir(self.folder.path());
        command
    }

    /// Names of the files in the folder.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Run {
    pub fn new(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// The output of a run that went well.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    #[track_caller]
    pub fn json(self) -> Value {
        serde_json::from_str(&self.ok()).unwrap()
    }

    /// A refusal: the code, one line, and every word in it.
    #[track_caller]
    pub fn refused(self, code: i32, words: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(self.err.starts_with("error: "), "{self:?}");
        assert_eq!(self.err.matches('\n').count(), 1, "one line: {self:?}");
        for word in words {
            assert!(self.err.contains(word), "`{word}` is missing: {self:?}");
        }
        self
    }
}

/// A command whose file grows with a record of this ending, with `count` structures to take: killed without warning once it has recorded
/// something, and interrupted, it goes on to the bytes of a whole run.
#[cfg(unix)]
pub fn stopped_runs_go_on(bench: &Bench, command: &[&str], ending: &str, count: u64) {
    use std::process::Stdio;
    let run = |out: &str, options: &[&str]| bench.command(&[command, &["--out", out], options].concat());
    let record = |out: &str| format!("{out}{ending}");
    assert!(run("whole.xyz", &[]).output().unwrap().status.success());
    let mut before = 0;
    for signal in ["-KILL", "-INT"] {
        let resume: &[&str] = if before > 0 { &["--resume"] } else { &[] };
        let silent = |out| run(out, resume).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut child = silent("part.xyz").unwrap();
        let begun = std::time::Instant::now();
        // Beyond what the run before did.
        let taken = || -> u64 {
            let text = std::fs::read_to_string(bench.path(&record("part.xyz"))).unwrap_or_default();
            serde_json::from_str::<Value>(&text).ok().and_then(|r| r["taken"].as_u64()).unwrap_or(0)
        };
        while taken() <= before {
            assert!(begun.elapsed().as_secs() < 60, "nothing was recorded");
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(sent.unwrap().success());
        let status = child.wait().unwrap();
        assert_eq!(status.code(), if signal == "-INT" { Some(130) } else { None }, "stopped before its end");
        before = taken();
        assert!(before < count, "{before}");
    }
    assert!(run("part.xyz", &["--resume"]).output().unwrap().status.success());
    assert!(bench.bytes("part.xyz") == bench.bytes("whole.xyz"));
    let [part, whole] = ["part.xyz", "whole.xyz"].map(|out| bench.read(&record(out)));
    assert_eq!(part.replace("part.xyz", "whole.xyz"), whole, "also the record");
}

/// The repository's folder of examples.
pub fn example(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name).to_string_lossy().into_owned()
}
