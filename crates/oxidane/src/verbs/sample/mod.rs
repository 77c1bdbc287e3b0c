//! `sample`: geometries around given ones, to learn from.

mod kinds;

use std::io::Write;
use std::path::PathBuf;

use oxidane_core::io::{Data, Format, Frame, Value, format_to_write, frame_to_string, write_atomically};
use oxidane_core::{Error, ErrorKind, Evaluation, Potential, Result};

use crate::args::{ComputeArgs, SampleArgs, SampleFiles, SampleKind};
use crate::exit::{Failure, Outcome};
use crate::interrupt;
use crate::model::Loaded;
use crate::output::progress::Progress;
use crate::output::{Out, Voice};
use crate::parallel;
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

/// Counts for the report.
#[derive(Default)]
struct Tally {
    structures: u64,
    geometries: u64,
    clashes: usize,
    skipped: u64,
}

fn sample(files: &SampleFiles, kind: &dyn Kind, compute: Option<&ComputeArgs>, voice: Voice) -> Outcome {
    if let Some(compute) = compute {
        compute.apply_threads()?;
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
    interrupt::watch()?;
    let (mut tally, mut ended) = (Tally::default(), Ok(()));
    let written = write_atomically(&files.out, |out| {
        write(files, kind, model.as_ref(), workers, voice, out, &mut tally).map_err(|failure| match failure {
            Failure::Error(error) => error,
            other => {
                ended = Err(other);
                Error::usage("stopped")
            }
        })
    });
    ended?;
    written?;
    report(files, model.as_ref(), &tally, voice)
}

/// Makes the geometries and writes them in the order of the structures.
fn write(
    files: &SampleFiles,
    kind: &dyn Kind,
    model: Option<&Loaded>,
    workers: Vec<Option<Box<dyn Potential>>>,
    voice: Voice,
    out: &mut dyn Write,
    tally: &mut Tally,
) -> Outcome {
    let mut caveats = model.map(|model| model.caveats(voice));
    let mut progress = Progress::endless("geometries", voice);
    let all = structures::read(&files.files, &files.structure, voice)?;
    let numbered = all.zip(0_u64..).map(|(structure, place)| Ok((structure?, place)));
    let work = |potential: &mut Option<Box<dyn Potential>>, (structure, place): (Structure, u64)| {
        let drawn = geometries(kind, potential, &structure, place, files).map_err(|e| structure.place(e));
        match drawn {
            Err(error) if !files.keep_going => Err(with_mend(error)),
            drawn => Ok(Made { structure, drawn }),
        }
    };
    let outcome = parallel::in_order(numbered, workers, work, |made| {
        if interrupt::asked() {
            let done = format!("after {} structures; --out is not written", tally.structures);
            return Err(Failure::Interrupted(done));
        }
        tally.structures += 1;
        let (frames, clashes) = match made.drawn {
            Ok(drawn) => drawn,
            Err(error) => {
                progress.around(|| voice.note(&format!("skipped: {error}")));
                tally.skipped += 1;
                return Ok(());
            }
        };
        if let Some(caveats) = &mut caveats {
            progress.around(|| caveats.see(&made.structure.frame.system));
        }
        tally.clashes += clashes;
        for frame in frames {
            let text = frame_to_string(&frame, Format::ExtXyz).map_err(|e| made.structure.place(e))?;
            out.write_all(text.as_bytes()).map_err(|e| Error::new(ErrorKind::Io, e.to_string()))?;
            tally.geometries += 1;
        }
        progress.at(tally.geometries, String::new);
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

fn report(files: &SampleFiles, model: Option<&Loaded>, tally: &Tally, voice: Voice) -> Outcome {
    if voice.quiet {
        return Ok(());
    }
    let mut out = Out::new();
    if let Some(model) = model {
        out.line(format_args!("model       {}", model.title()))?;
    }
    let skipped = if tally.skipped > 0 { format!(", {} skipped", tally.skipped) } else { String::new() };
    out.line(format_args!("structures  {}{skipped}", tally.structures))?;
    out.line(format_args!("geometries  {}", tally.geometries))?;
    if tally.clashes > 0 {
        out.line(format_args!("given up    {}, in which atoms clash", tally.clashes))?;
    }
    out.line(format_args!("\nwritten  {}", files.out.display()))?;
    out.flush()
}
