//! A file of structures that grows, and the record beside it of how far it is, from which a run that was stopped goes on to the same bytes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use oxidane_core::io::write_atomically;
use oxidane_core::{Error, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::args::StructureArgs;
use crate::growing::Growing;
use crate::output::json;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Structures with labels.
    Labels,
    /// Geometries made from structures.
    Samples,
}

impl Content {
    fn noun(self) -> &'static str {
        match self {
            Self::Labels => "labels",
            Self::Samples => "geometries",
        }
    }

    fn format(self) -> &'static str {
        match self {
            Self::Labels => "oxidane labels",
            Self::Samples => "oxidane samples",
        }
    }

    /// The name of the record of a file.
    pub fn record_of(self, out: &Path) -> PathBuf {
        let mut name = out.as_os_str().to_owned();
        name.push(match self {
            Self::Labels => ".label",
            Self::Samples => ".sample",
        });
        name.into()
    }
}

/// What decides the bytes of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Options in words, by what they are about.
    options: BTreeMap<String, String>,
    /// SHA-256 of the files read, in their order.
    inputs: Vec<Input>,
}

/// A file that is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    file: PathBuf,
    sha256: String,
}

impl Settings {
    /// The settings of a command with options of its own, in words.
    ///
    /// # Errors
    /// A file cannot be read, or is the standard input, which cannot be read again.
    pub fn new(
        files: &[PathBuf],
        structure: &StructureArgs,
        own: Vec<(&'static str, String)>,
    ) -> Result<Self> {
        let stated = structure.charge_spin()?;
        let given = |value: Option<String>| value.unwrap_or_else(|| "as in the files".into());
        let shared = [
            ("--force", structure.force.to_string()),
            ("--chrg", given(stated.charge.map(|q| q.to_string()))),
            ("--uhf", given(stated.unpaired.map(|n| n.to_string()))),
        ];
        let options =
            own.into_iter().chain(shared).map(|(option, value)| (option.to_owned(), value)).collect();
        let input = |file: &PathBuf| Ok(Input { file: file.clone(), sha256: hash(file)? });
        Ok(Self { options, inputs: files.iter().map(input).collect::<Result<_>>()? })
    }

    /// Refuses to go on with what other settings began. Files may have moved, but not changed.
    fn agree(&self, was: &Self, noun: &str) -> Result<()> {
        for (option, value) in &self.options {
            let before = was.options.get(option).map_or("", String::as_str);
            if before != value {
                return Err(Error::usage(format!(
                    "the {noun} were begun with {option} \"{before}\", not \"{value}\"; give the same, or begin anew with \
                     --overwrite"
                )));
            }
        }
        let (now, before) = (self.inputs.len(), was.inputs.len());
        if now != before {
            return Err(Error::usage(format!(
                "the {noun} were begun with {before} files, not {now}; give the same ones in the same order"
            )));
        }
        match self.inputs.iter().zip(&was.inputs).find(|(now, was)| now.sha256 != was.sha256) {
            Some((now, _)) => Err(Error::usage(format!(
                "the file is not the one that the {noun} were begun with; give that one, or begin anew with --overwrite"
            ))
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

/// How a run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With a file that is not there yet.
    New,
    /// Where an earlier run stopped.
    Resume,
    /// Anew, whatever there is.
    Overwrite,
}

impl Start {
    /// As the options say.
    pub fn new(resume: bool, overwrite: bool) -> Self {
        match (resume, overwrite) {
            (true, _) => Self::Resume,
            (false, true) => Self::Overwrite,
            (false, false) => Self::New,
        }
    }
}

/// Time between writings of a record: what a kill may cost.
pub const PAUSE: Duration = Duration::from_millis(250);

/// The record as it stands in its file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    format: String,
    version: u32,
    settings: Settings,
    /// Structures of the input that are dealt with.
    taken: u64,
    /// Length of the file.
    bytes: u64,
    /// Structures that could not be computed: where they are and why.
    skipped: Vec<String>,
    complete: bool,
    /// What else was counted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    counts: BTreeMap<String, u64>,
}

const VERSION: u32 = 1;

/// The files of a run.
pub struct Record {
    file: Growing,
    path: PathBuf,
    state: State,
}

impl Record {
    /// Goes on with the files of an earlier run, or starts them.
    ///
    /// # Errors
    /// There is nothing to go on with, or something that would be lost.
    pub fn open(content: Content, out: &Path, settings: Settings, how: Start) -> Result<Self> {
        match how {
            Start::Resume => Self::resume(content, out, settings),
            Start::New if out.exists() => {
                let mend = match content.record_of(out).exists() {
                    true => {
                        "give --resume to go on with it, another --out to keep it, or --overwrite to begin anew"
                    }
                    false => "give another --out to keep it, or --overwrite to replace it",
                };
                Err(Error::usage(format!("the file exists: {mend}")).at(out))
            }
            Start::New | Start::Overwrite => Self::create(content, out, settings),
        }
    }

    /// Starts the files anew.
    fn create(content: Content, out: &Path, settings: Settings) -> Result<Self> {
        let state = State {
            format: content.format().into(),
            version: VERSION,
            settings,
            taken: 0,
            bytes: 0,
            skipped: Vec::new(),
            complete: false,
            counts: BTreeMap::new(),
        };
        // The old record must not be taken for one of the new file.
        let path = content.record_of(out);
        if path.exists() {
            std::fs::remove_file(&path).map_err(|e| Error::io(&path, &e))?;
        }
        let mut record = Self { file: Growing::create(out)?, path, state };
        record.save(false)?;
        Ok(record)
    }

    /// The files of the run that wrote `out`, if its settings were these.
    fn resume(content: Content, out: &Path, settings: Settings) -> Result<Self> {
        let (path, noun) = (content.record_of(out), content.noun());
        if !path.exists() {
            let message = format!("there are no {noun} to go on with here; leave --resume away");
            return Err(Error::usage(message).at(path));
        }
        let text = std::fs::read_to_string(&path).map_err(|e| Error::io(&path, &e))?;
        let foreign = |what: String| Error::input(format!("no record of {noun} ({what})")).at(&path);
        let mut state: State = serde_json::from_str(&text).map_err(|e| foreign(e.to_string()))?;
        if state.format != content.format() || state.version != VERSION {
            return Err(foreign(format!("{} of version {}", state.format, state.version)));
        }
        settings.agree(&state.settings, noun).map_err(|e| e.at(&path))?;
        state.settings = settings;
        Ok(Self { file: Growing::reopen(out, state.bytes)?, path, state })
    }

    /// Adds what was made of a structure.
    pub fn add(&mut self, text: &str) -> Result<()> {
        self.file.write(text)?;
        self.state.taken += 1;
        Ok(())
    }

    /// Leaves a structure out.
    pub fn skip(&mut self, error: &Error) {
        self.state.taken += 1;
        self.state.skipped.push(error.to_string());
    }

    /// Counts something else.
    pub fn count(&mut self, what: &str, more: u64) {
        *self.state.counts.entry(what.to_owned()).or_default() += more;
    }

    /// What was counted.
    pub fn counted(&self, what: &str) -> u64 {
        self.state.counts.get(what).copied().unwrap_or(0)
    }

    /// Brings the file to the disk, then the record of them.
    pub fn save(&mut self, complete: bool) -> Result<()> {
        self.state.bytes = self.file.settle()?;
        self.state.complete = complete;
        let text = json::pretty(&self.state)?;
        write_atomically(&self.path, |out| writeln!(out, "{text}").map_err(|e| Error::io(&self.path, &e)))
    }

    /// [`Record::save`] after a run that went well or not: of one that failed before its first structure nothing stays.
    pub fn end(&mut self, well: bool) -> Result<()> {
        self.save(well)?;
        if well || self.taken() > 0 {
            return Ok(());
        }
        for path in [&self.path, self.file.path()] {
            std::fs::remove_file(path).map_err(|e| Error::io(path, &e))?;
        }
        Ok(())
    }

    /// Structures of the input that are dealt with.
    pub fn taken(&self) -> u64 {
        self.state.taken
    }

    /// Structures left out.
    pub fn skipped(&self) -> u64 {
        self.state.skipped.len() as u64
    }

    /// Structures that something was made of.
    pub fn written(&self) -> u64 {
        self.taken() - self.skipped()
    }
}
