//! `sample`: geometries around given ones, to learn from.

mod kinds;

use std::path::{Path, PathBuf};
use std::time::Instant;

use oxidane_core::io::{Data, Format, Frame, Value, format_to_write, frame_to_string};
use oxidane_core::{Error, Evaluation, Potential, Result};

use crate::args::{ComputeArgs, SampleArgs, SampleFiles, SampleKind};
use crate::exit::{Failure, Outcome};
use crate::interrupt;
use crate::model::Loaded;
use crate::output::progress::Progress;
use crate::output::{Out, Voice};
use crate::parallel;
use crate::record::{Content, PAUSE, Record, Settings, Start};
use crate::results::{labelled, with_mend};
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

/// What was made of one structure.
struct Made {
    structure: Structure,
    /// Its geometries, or why there are none.
    drawn: Result<(Vec<Frame>, usize)>,
}

/// What a record counts beside structures.
const GEOMETRIES: &str = "geometries";
const CLASHES: &str = "clashes";

fn sample(files: &SampleFiles, kind: &dyn Kind, compute: Option<&ComputeArgs>, voice: Voice) -> Outcome {
    if let Some(compute) = compute {
        compute.apply_threads()?;
    }
    if files.files.iter().any(|file| file == Path::new("-")) {
        return Err(Error::usage(
            "sample reads files and not the standard input, which cannot be read again when the work is resumed",
        )
        .into());
    }
    if format_to_write(&files.out)? != Format::ExtXyz {
        let message = "geometries are written as extended xyz; end the name in .xyz or .extxyz";
        return Err(Error::usage(message).at(&files.out).into());
    }
    let inputs: Vec<_> = files.files.iter().map(PathBuf::as_path).collect();
    let model = compute.and_then(|compute| compute.model.as_deref());
    structures::refuse_overwriting(&[&files.out], &inputs, model)?;
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
    let mut own = kind.settings();
    own.push(("--parents", files.parents.to_string()));
    own.extend(model.as_ref().map(|model| ("--model", model.maker())));
    let settings = Settings::new(&files.files, &files.structure, own)?;
    let start = Start::new(files.resume, files.overwrite);
    let mut record = Record::open(Content::Samples, &files.out, settings, start)?;
    interrupt::watch()?;
    let outcome = write(files, kind, model.as_ref(), workers, voice, &mut record);
    // Also after a failure: what is done need not be done again.
    record.end(outcome.is_ok())?;
    outcome?;
    report(files, model.as_ref(), &record, voice)
}

/// Makes the geometries and writes them in the order of the structures.
fn write(
    files: &SampleFiles,
    kind: &dyn Kind,
    model: Option<&Loaded>,
    workers: Vec<Option<Box<dyn Potential>>>,
    voice: Voice,
    record: &mut Record,
) -> Outcome {
    let mut caveats = model.map(|model| model.caveats(voice));
    let mut progress = Progress::endless("geometries", voice);
    let all = structures::read(&files.files, &files.structure, voice)?;
    let numbered = all.zip(0_u64..).map(|(structure, place)| Ok((structure?, place)));
    let left = numbered.skip(usize::try_from(record.taken()).unwrap_or(usize::MAX));
    let work = |potential: &mut Option<Box<dyn Potential>>, (structure, place): (Structure, u64)| {
        let drawn = geometries(kind, potential, &structure, place, files).map_err(|e| structure.place(e));
        match drawn {
            Err(error) if !files.keep_going => Err(with_mend(error)),
            drawn => Ok(Made { structure, drawn }),
        }
    };
    let mut saved = Instant::now();
    let outcome = parallel::in_order(left, workers, work, |made| {
        if interrupt::asked() {
            let how = format!(
                "{} structures are done in {}; the same command with --resume goes on",
                record.taken(),
                files.out.display()
            );
            return Err(Failure::Interrupted(how));
        }
        let (frames, clashes) = match made.drawn {
            Ok(drawn) => drawn,
            Err(error) => {
                progress.around(|| voice.note(&format!("skipped: {error}")));
                record.skip(&error);
                return Ok(());
            }
        };
        if let Some(caveats) = &mut caveats {
            progress.around(|| caveats.see(&made.structure.frame.system));
        }
        let texts = frames.iter().map(|frame| frame_to_string(frame, Format::ExtXyz));
        let text = texts.collect::<Result<String>>().map_err(|e| made.structure.place(e))?;
        record.add(&text)?;
        record.count(GEOMETRIES, frames.len() as u64);
        record.count(CLASHES, clashes as u64);
        if saved.elapsed() >= PAUSE {
            record.save(false)?;
            saved = Instant::now();
        }
        progress.at(record.counted(GEOMETRIES), String::new);
        Ok(())
    });
    progress.finish();
    outcome
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
    let beside = Content::Samples.record_of(&files.out);
    let skipped = match record.skipped() {
        0 => String::new(),
        n => format!(", {n} skipped, which {} lists", beside.display()),
    };
    out.line(format_args!("structures  {}{skipped}", record.taken()))?;
    out.line(format_args!("geometries  {}", record.counted(GEOMETRIES)))?;
    let clashes = record.counted(CLASHES);
    if clashes > 0 {
        out.line(format_args!("given up    {clashes}, in which atoms clash"))?;
    }
    out.line(format_args!("\nwritten  {} {}", files.out.display(), beside.display()))?;
    out.flush()
}
