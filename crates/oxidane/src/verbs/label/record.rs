//! The growing file of labels and the record of how far it is, from which a run that was stopped goes on to the same bytes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use oxidane_core::io::write_atomically;
use oxidane_core::{Error, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::args::LabelArgs;
use crate::growing::Growing;
use crate::output::json;

/// The name of the record of a file of labels.
pub fn name(out: &Path) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(".label");
    name.into()
}

/// What decides the bytes of the labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Options in words, by what they are about.
    options: BTreeMap<String, String>,
    /// SHA-256 of the files read, in their order.
    inputs: Vec<Input>,
}

/// A file that is labelled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    file: PathBuf,
    sha256: String,
}

impl Settings {
    /// The settings of a command whose labels `maker` makes.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn new(args: &LabelArgs, maker: String) -> Result<Self> {
        let stated = args.structure.charge_spin()?;
        let given = |value: Option<String>| value.unwrap_or_else(|| "as in the files".into());
        let options = [
            ("--model", maker),
            ("--prefix", args.prefix.clone()),
            ("--replace", args.replace.to_string()),
            ("--force", args.structure.force.to_string()),
            ("--chrg", given(stated.charge.map(|q| q.to_string()))),
            ("--uhf", given(stated.unpaired.map(|n| n.to_string()))),
        ];
        let options = options.into_iter().map(|(option, value)| (option.to_owned(), value)).collect();
        let input = |file: &PathBuf| Ok(Input { file: file.clone(), sha256: hash(file)? });
        Ok(Self { options, inputs: args.files.iter().map(input).collect::<Result<_>>()? })
    }

    /// Refuses to go on with what other settings began. Files may have moved, but not changed.
    fn agree(&self, was: &Self) -> Result<()> {
        for (option, value) in &self.options {
            let before = was.options.get(option).map_or("", String::as_str);
            if before != value {
                return Err(Error::usage(format!(
                    "the labels were begun with {option} \"{before}\", not \"{value}\"; give the same, or begin anew with \
                     --overwrite"
                )));
            }
        }
        let (now, before) = (self.inputs.len(), was.inputs.len());
        if now != before {
            return Err(Error::usage(format!(
                "the labels were begun with {before} files, not {now}; give the same ones in the same order"
            )));
        }
        match self.inputs.iter().zip(&was.inputs).find(|(now, was)| now.sha256 != was.sha256) {
            Some((now, _)) => Err(Error::usage(
                "the file is not the one that the labels were begun with; give that one, or begin anew with --overwrite",
            )
            .at(&now.file)),
            None => Ok(()),
        }
    }
}

/// SHA-256 of a file, hexadecimal.
fn hash(path: &Path) -> Result<String> {
    let failed = |e: std::io::Error| Error::io(path, &e);
    let mut file = File::open(path).map_err(failed)?;
    let (mut sha, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer).map_err(failed)? {
            0 => break,
            n => sha.update(&buffer[..n]),
        }
    }
    Ok(sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The record as it stands in its file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    format: String,
    version: u32,
    settings: Settings,
    /// Structures of the input that are dealt with.
    taken: u64,
    /// Length of the file of labels.
    bytes: u64,
    /// Structures that could not be computed: where they are and why.
    skipped: Vec<String>,
    complete: bool,
}

const FORMAT: &str = "oxidane labels";
const VERSION: u32 = 1;

/// The files of a run.
pub struct Record {
    labels: Growing,
    path: PathBuf,
    state: State,
}

impl Record {
    /// Starts the files anew.
    pub fn create(out: &Path, settings: Settings) -> Result<Self> {
        let (format, skipped) = (FORMAT.into(), Vec::new());
        let state =
            State { format, version: VERSION, settings, taken: 0, bytes: 0, skipped, complete: false };
        // The old record must not be taken for one of the new file.
        let path = name(out);
        if path.exists() {
            std::fs::remove_file(&path).map_err(|e| Error::io(&path, &e))?;
        }
        let mut record = Self { labels: Growing::create(out)?, path, state };
        record.save(false)?;
        Ok(record)
    }

    /// The files of the run that wrote `out`, if its settings were these.
    pub fn resume(out: &Path, settings: Settings) -> Result<Self> {
        let path = name(out);
        if !path.exists() {
            let message = "there are no labels to go on with here; leave --resume away";
            return Err(Error::usage(message).at(path));
        }
        let text = std::fs::read_to_string(&path).map_err(|e| Error::io(&path, &e))?;
        let foreign = |what: String| Error::input(format!("no record of labels ({what})")).at(&path);
        let mut state: State = serde_json::from_str(&text).map_err(|e| foreign(e.to_string()))?;
        if state.format != FORMAT || state.version != VERSION {
            return Err(foreign(format!("{} of version {}", state.format, state.version)));
        }
        settings.agree(&state.settings).map_err(|e| e.at(&path))?;
        state.settings = settings;
        Ok(Self { labels: Growing::reopen(out, state.bytes)?, path, state })
    }

    /// Adds a structure with its labels.
    pub fn add(&mut self, text: &str) -> Result<()> {
        self.labels.write(text)?;
        self.state.taken += 1;
        Ok(())
    }

    /// Leaves a structure out.
    pub fn skip(&mut self, error: &Error) {
        self.state.taken += 1;
        self.state.skipped.push(error.to_string());
    }

    /// Brings the labels to the disk, then the record of them.
    pub fn save(&mut self, complete: bool) -> Result<()> {
        self.state.bytes = self.labels.settle()?;
        self.state.complete = complete;
        let text = json::pretty(&self.state)?;
        write_atomically(&self.path, |out| writeln!(out, "{text}").map_err(|e| Error::io(&self.path, &e)))
    }

    /// Structures of the input that are dealt with.
    pub fn taken(&self) -> u64 {
        self.state.taken
    }

    /// Structures left out.
    pub fn skipped(&self) -> u64 {
        self.state.skipped.len() as u64
    }

    /// Structures in the file.
    pub fn written(&self) -> u64 {
        self.taken() - self.skipped()
    }
}
