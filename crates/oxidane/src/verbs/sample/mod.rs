//! `sample`: geometries around given ones, to learn from.

mod kinds;

use oxidane_core::io::{Data, Format, Frame, Value, frame_to_string};
use oxidane_core::{Evaluation, Potential, Result};

use crate::args::{ComputeArgs, SampleArgs, SampleFiles, SampleKind};
use crate::exit::Outcome;
use crate::interrupt;
use crate::model::Loaded;
use crate::output::progress::Progress;
use crate::output::{Out, Voice};
use crate::record::{self, Content, Manner, Piece, Record, Settings, Start};
use crate::results::labelled;
use crate::structures::{self, Structure};
use kinds::{Displace, Dynamics, Kind, Modes, Torsions};

/// Frame key of the structure that a geometry was made from.
const PARENT: &str = "parent";
/// Frame key of what was done.
const SAMPLE: &str = "sample";

/// Runs `sample`.
pub fn run(args: &SampleArgs, voice: Voice) -> Outcome {
    match &args.kind {
        SampleKind::Displace(own) => sample(&own.files, &Displace::new(own), None, voice),
        SampleKind::Torsions(own) => sample(&own.files, &Torsions::new(own), None, voice),
        SampleKind::Modes(own) => sample(&own.files, &Modes::new(own), Some(&own.compute), voice),
        SampleKind::Md(own) => sample(&own.files, &Dynamics::new(own)?, Some(&own.compute), voice),
    }
}

/// What a record counts beside structures.
const GEOMETRIES: &str = "geometries";
const CLASHES: &str = "clashes";

fn sample(files: &SampleFiles, kind: &dyn Kind, compute: Option<&ComputeArgs>, voice: Voice) -> Outcome {
    if let Some(compute) = compute {
        compute.apply_threads()?;
    }
    let model = compute.and_then(|compute| compute.model.as_deref());
    record::refuse_names("sample", &files.files, &files.out, Content::Samples, model)?;
    let model = compute.map(|compute| Loaded::new(compute, files.structure.force)).transpose()?;
    if let Some(model) = &model {
        model.require(oxidane_core::Request::FORCES)?;
    }
    let workers: Vec<Option<Box<dyn Potential>>> = match (&model, compute) {
        (Some(model), Some(compute)) => model.workers(compute)?.into_iter().map(Some).collect(),
        _ => (0..std::thread::available_parallelism().map_or(1, std::num::NonZero::get))
            .map(|_| None)
            .collect(),
    };
    let settings = Settings::new(&files.files, &files.structure, own(files, kind, compute, model.as_ref()))?;
    let start = Start::new(files.resume, files.overwrite);
    let mut record = Record::open(Content::Samples, &files.out, settings, start)?;
    interrupt::watch()?;
    let manner = Manner {
        keep_going: files.keep_going,
        caveats: model.as_ref().map(|model| model.caveats(voice)),
        progress: Progress::endless("geometries", voice),
        done: |record| record.counted(GEOMETRIES),
        voice,
    };
    let all = structures::read(&files.files, &files.structure, voice)?;
    record::grow(&mut record, all, workers, manner, |potential, structure, place| {
        let (frames, clashes) = geometries(kind, potential, structure, place, files)?;
        let texts = frames.iter().map(|frame| frame_to_string(frame, Format::ExtXyz));
        let counts = vec![(GEOMETRIES, frames.len() as u64), (CLASHES, clashes as u64)];
        Ok(Piece { text: texts.collect::<Result<String>>()?, counts })
    })?;
    report(files, model.as_ref(), &record, voice)
}

/// What decides the geometries, as options in words.
fn own(
    files: &SampleFiles,
    kind: &dyn Kind,
    compute: Option<&ComputeArgs>,
    model: Option<&Loaded>,
) -> Vec<(&'static str, String)> {
    let mut own = kind.settings();
    own.push(("--parents", files.parents.to_string()));
    // They are in the names of the parents.
    let stems: Vec<_> = files.files.iter().map(|file| structures::stem(file)).collect();
    own.push(("files", stems.join(" ")));
    own.extend(model.map(|model| ("--model", model.maker().to_string())));
    own.extend(compute.map(|compute| ("--strict", compute.strict.to_string())));
    own
}

/// The geometries of one structure as frames, and how many were given up because atoms clash.
fn geometries(
    kind: &dyn Kind,
    potential: &mut Option<Box<dyn Potential>>,
    structure: &Structure,
    place: u64,
    files: &SampleFiles,
) -> Result<(Vec<Frame>, usize)> {
    let (parent, system) = (origin(structure), &structure.frame.system);
    structure.check(&files.structure)?;
    if let Some(potential) = potential {
        potential.check(system)?;
    }
    let drawn = kind.draw(potential.as_deref_mut(), system, place)?;
    let before = structure.frame.info.get(SAMPLE).and_then(Value::as_text);
    let done = before.map_or(kind.name().into(), |before| format!("{before}+{}", kind.name()));
    let mut frames = Vec::new();
    if files.parents {
        frames.push(parent.clone());
    }
    for (system, facts) in drawn.geometries {
        let mut frame = Frame { system, ..parent.clone() };
        frame.info.insert(SAMPLE.into(), Value::text(&done));
        frame.info.extend(facts.into_iter().map(|(key, value)| (key.to_owned(), value)));
        frames.push(frame);
    }
    Ok((frames, drawn.clashes))
}

/// What every geometry of a structure says: all that the structure does but for real numbers, which are results at its own
/// geometry, and its name as the parent.
fn origin(structure: &Structure) -> Frame {
    let mut frame = labelled(&structure.frame, &structure.frame.system, &Evaluation::default());
    frame.info.retain(|_, value| !matches!(value.data(), Data::Real(_)));
    frame.arrays.retain(|_, array| !matches!(array.data, Data::Real(_)));
    let own = || Value::text(format!("{}#{}", structures::stem(&structure.file), structure.index));
    frame.info.entry(PARENT.into()).or_insert_with(own);
    frame
}

fn report(files: &SampleFiles, model: Option<&Loaded>, record: &Record, voice: Voice) -> Outcome {
    if voice.quiet {
        return Ok(());
    }
    let mut out = Out::new();
    if let Some(model) = model {
        out.line(format_args!("model       {}", model.title()))?;
    }
    out.line(format_args!("structures  {}{}", record.taken(), record.skipped()))?;
    out.line(format_args!("geometries  {}", record.counted(GEOMETRIES)))?;
    let clashes = record.counted(CLASHES);
    if clashes > 0 {
        out.line(format_args!("given up    {clashes}, in which atoms clash"))?;
    }
    out.line(format_args!("\nwritten  {} {}", files.out.display(), record.beside().display()))?;
    out.flush()
}
