//! A file of structures that grows, and the record beside it of how far it is, from which a run that was stopped goes on to the same bytes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use oxidane_core::io::{Format, format_to_write, write_atomically};
use oxidane_core::{Error, Result, System};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::args::StructureArgs;
use crate::exit::{Failure, Outcome};
use crate::growing::Growing;
use crate::interrupt;
use crate::model::Caveats;
use crate::output::Voice;
use crate::output::json;
use crate::output::progress::Progress;
use crate::parallel;
use crate::results::with_mend;
use crate::structures::{self, Structure};

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
        // What is made before how it is made.
        let (what, how): (Vec<_>, Vec<_>) =
            self.options.iter().partition(|(option, _)| !option.starts_with("--"));
        for (option, value) in what.into_iter().chain(how) {
            let before = was.options.get(option).map(|before| format!("{option} \"{before}\""));
            let before = before.unwrap_or_else(|| format!("no {option}"));
            if before != format!("{option} \"{value}\"") {
                return Err(Error::usage(format!(
                    "the {noun} were begun with {before}, not \"{value}\"; give the same, or begin anew with --overwrite"
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
const PAUSE: Duration = Duration::from_millis(250);

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

/// The files of a run. They come to be with the first structure that is dealt with: until then nothing of an earlier run is touched.
pub struct Record {
    content: Content,
    out: PathBuf,
    file: Option<Growing>,
    state: State,
}

impl Record {
    /// Goes on with the files of an earlier run, or gets ready to start them.
    ///
    /// # Errors
    /// There is nothing to go on with, or something that would be lost.
    pub fn open(content: Content, out: &Path, settings: Settings, how: Start) -> Result<Self> {
        if how == Start::Resume {
            return Self::resume(content, out, settings);
        }
        let record = content.record_of(out);
        if how == Start::New && (out.exists() || record.exists()) {
            let (file, mend) = match (out.exists(), record.exists()) {
                (true, true) => (
                    out,
                    "give --resume to go on with it, another --out to keep it, or --overwrite to begin anew",
                ),
                (true, false) => (out, "give another --out to keep it, or --overwrite to replace it"),
                (false, _) => {
                    (&*record, "it is the record of a file that is gone: give another --out, or --overwrite")
                }
            };
            return Err(Error::usage(format!("the file exists: {mend}")).at(file));
        }
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
        Ok(Self { content, out: out.to_path_buf(), file: None, state })
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
        let file = Some(Growing::reopen(out, state.bytes)?);
        Ok(Self { content, out: out.to_path_buf(), file, state })
    }

    /// The file, which is made if it is not there yet.
    fn file(&mut self) -> Result<&mut Growing> {
        if self.file.is_none() {
            // An old record must not be taken for one of the new file.
            let path = self.beside();
            if path.exists() {
                std::fs::remove_file(&path).map_err(|e| Error::io(&path, &e))?;
            }
        }
        match &mut self.file {
            Some(file) => Ok(file),
            none => Ok(none.insert(Growing::create(&self.out)?)),
        }
    }

    /// Adds what was made of a structure.
    fn add(&mut self, piece: &Piece) -> Result<()> {
        self.file()?.write(&piece.text)?;
        for (what, more) in &piece.counts {
            *self.state.counts.entry((*what).to_owned()).or_default() += more;
        }
        self.state.taken += 1;
        Ok(())
    }

    /// Leaves a structure out.
    fn skip(&mut self, error: &Error) -> Result<()> {
        self.file()?;
        self.state.taken += 1;
        self.state.skipped.push(error.to_string());
        Ok(())
    }

    /// Brings the file to the disk, then the record of it.
    fn save(&mut self, complete: bool) -> Result<()> {
        self.state.bytes = self.file()?.settle()?;
        self.state.complete = complete;
        let (text, path) = (json::pretty(&self.state)?, self.beside());
        write_atomically(&path, |out| writeln!(out, "{text}").map_err(|e| Error::io(&path, &e)))
    }

    /// What was counted.
    pub fn counted(&self, what: &str) -> u64 {
        self.state.counts.get(what).copied().unwrap_or(0)
    }

    /// Structures of the input that are dealt with.
    pub fn taken(&self) -> u64 {
        self.state.taken
    }

    /// Structures that something was made of.
    pub fn written(&self) -> u64 {
        self.taken() - self.state.skipped.len() as u64
    }

    /// Where the record is.
    pub fn beside(&self) -> PathBuf {
        self.content.record_of(&self.out)
    }

    /// What the report says of structures left out; nothing without any.
    pub fn skipped(&self) -> String {
        match self.state.skipped.len() {
            0 => String::new(),
            n => format!(", {n} skipped, which {} lists", self.beside().display()),
        }
    }

    fn interrupted(&self) -> Failure {
        Failure::Interrupted(match self.taken() {
            0 => "before the first structure was done; nothing is written".into(),
            n => format!(
                "{n} structures are done in {}; the same command with --resume goes on",
                self.out.display()
            ),
        })
    }
}

/// What is made of one structure.
pub struct Piece {
    /// As it stands in the file.
    pub text: String,
    /// What it adds to the counts of the record.
    pub counts: Vec<(&'static str, u64)>,
}

/// How the work is done and shown.
pub struct Manner<'a> {
    /// Leave out structures that nothing can be made of.
    pub keep_going: bool,
    /// Of the model, if there is one.
    pub caveats: Option<Caveats<'a>>,
    /// Shows how much is done.
    pub progress: Progress,
    /// How much that is.
    pub done: fn(&Record) -> u64,
    /// Where notes go.
    pub voice: Voice,
}

/// Refuses files that cannot be read twice or written like this.
///
/// # Errors
/// The standard input among those to be read, an output that is no extended xyz, or one that is an input.
pub fn refuse_names(
    verb: &str,
    files: &[PathBuf],
    out: &Path,
    content: Content,
    model: Option<&str>,
) -> Result<()> {
    if files.iter().any(|file| file == Path::new("-")) {
        return Err(Error::usage(format!(
            "{verb} reads files and not the standard input, which cannot be read again when the work is resumed"
        )));
    }
    if format_to_write(out)? != Format::ExtXyz {
        let message =
            format!("{} are written as extended xyz; end the name in .xyz or .extxyz", content.noun());
        return Err(Error::usage(message).at(out));
    }
    let inputs: Vec<_> = files.iter().map(PathBuf::as_path).collect();
    structures::refuse_overwriting(&[out, &content.record_of(out)], &inputs, model)
}

/// Makes a piece of each structure that is left, several at once, and adds them in order. The record is saved now and then, and at the end however
/// that comes.
pub fn grow<W: Send>(
    record: &mut Record,
    all: impl Iterator<Item = Result<Structure>>,
    workers: Vec<W>,
    mut manner: Manner<'_>,
    make: impl Fn(&mut W, &Structure, u64) -> Result<Piece> + Sync,
) -> Outcome {
    let numbered = all.zip(0_u64..).map(|(structure, place)| Ok((structure?, place)));
    let left = numbered.skip(usize::try_from(record.taken()).unwrap_or(usize::MAX));
    let keep_going = manner.keep_going;
    let work = |worker: &mut W, (structure, place): (Structure, u64)| match make(worker, &structure, place)
        .map_err(|e| structure.place(e))
    {
        Err(error) if !keep_going => Err(with_mend(error)),
        made => Ok((structure.frame.system, made)),
    };
    let mut saved = Instant::now();
    let outcome = parallel::in_order(left, workers, work, |(system, made): (System, Result<Piece>)| {
        if interrupt::asked() {
            return Err(record.interrupted());
        }
        match made {
            Ok(piece) => {
                if let Some(caveats) = &mut manner.caveats {
                    manner.progress.around(|| caveats.see(&system));
                }
                record.add(&piece)?;
            }
            Err(error) => {
                manner.progress.around(|| manner.voice.note(&format!("skipped: {error}")));
                record.skip(&error)?;
            }
        }
        if saved.elapsed() >= PAUSE {
            record.save(false)?;
            saved = Instant::now();
        }
        manner.progress.at((manner.done)(record), String::new);
        Ok(())
    });
    manner.progress.finish();
    // Also after a failure: what is done need not be done again.
    let ended = if outcome.is_ok() || record.taken() > 0 { record.save(outcome.is_ok()) } else { Ok(()) };
    outcome?;
    Ok(ended?)
}
