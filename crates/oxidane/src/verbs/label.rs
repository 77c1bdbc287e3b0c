//! `label`: energies, forces and charges of structures, written beside what their files say of them.

use std::path::{Path, PathBuf};
use std::time::Instant;

use oxidane_core::io::{Format, format_to_write, frame_to_string};
use oxidane_core::{Error, Potential, Request, Result};

use crate::args::LabelArgs;
use crate::exit::{Failure, Outcome};
use crate::interrupt;
use crate::model::Loaded;
use crate::output::progress::Progress;
use crate::output::{Out, Voice};
use crate::parallel;
use crate::record::{Content, PAUSE, Record, Settings, Start};
use crate::results;
use crate::structures::{self, Structure};

/// Runs `label`.
pub fn run(args: &LabelArgs, voice: Voice) -> Outcome {
    args.compute.apply_threads()?;
    refuse_names(args)?;
    let model = Loaded::new(&args.compute, args.structure.force)?;
    let request = request(&model)?;
    let own = vec![
        ("--model", model.maker()),
        ("--prefix", args.prefix.clone()),
        ("--replace", args.replace.to_string()),
    ];
    let settings = Settings::new(&args.files, &args.structure, own)?;
    let start = Start::new(args.resume, args.overwrite);
    let mut record = Record::open(Content::Labels, &args.out, settings, start)?;
    interrupt::watch()?;
    let outcome = label(args, &model, request, &mut record, voice);
    // Also after a failure: what is done need not be done again.
    record.end(outcome.is_ok())?;
    outcome?;
    report(args, &model, request, &record, voice)
}

/// Labels what is left to do.
fn label(args: &LabelArgs, model: &Loaded, request: Request, record: &mut Record, voice: Voice) -> Outcome {
    let mut caveats = model.caveats(voice);
    let mut progress = Progress::endless("structures", voice);
    let all = structures::read(&args.files, &args.structure, voice)?;
    let left = all.skip(usize::try_from(record.taken()).unwrap_or(usize::MAX));
    let (prefix, maker) = (args.prefix.as_str(), model.maker());
    let work = |potential: &mut Box<dyn Potential>, structure: Structure| {
        let text = one(&mut **potential, &structure, args, request, prefix, &maker);
        let text = text.map_err(|e| structure.place(e));
        match text {
            Err(error) if !args.keep_going => Err(results::with_mend(error)),
            text => Ok((structure.frame.system, text)),
        }
    };
    let mut saved = Instant::now();
    let outcome = parallel::in_order(left, model.workers(&args.compute)?, work, |(system, text)| {
        if interrupt::asked() {
            let how = format!(
                "{} structures are labelled in {}; the same command with --resume goes on",
                record.taken(),
                args.out.display()
            );
            return Err(Failure::Interrupted(how));
        }
        match text {
            Ok(text) => {
                progress.around(|| caveats.see(&system));
                record.add(&text)?;
            }
            Err(error) => {
                progress.around(|| voice.note(&format!("skipped: {error}")));
                record.skip(&error);
            }
        }
        if saved.elapsed() >= PAUSE {
            record.save(false)?;
            saved = Instant::now();
        }
        progress.at(record.taken(), String::new);
        Ok(())
    });
    progress.finish();
    outcome
}

/// One structure with its labels, as text.
fn one(
    potential: &mut dyn Potential,
    structure: &Structure,
    args: &LabelArgs,
    request: Request,
    prefix: &str,
    maker: &str,
) -> Result<String> {
    let frame = &structure.frame;
    results::refuse_labels(frame, prefix, args.replace)?;
    structure.check(&args.structure)?;
    potential.check(&frame.system)?;
    let repeats = frame.system.cell.is_some_and(|cell| cell.periodic.contains(&true));
    let request = Request { virial: request.virial && repeats, ..request };
    let results = results::finite(potential.evaluate(&frame.system, request)?)?;
    frame_to_string(&results::beside(frame, prefix, maker, &results), Format::ExtXyz)
}

/// What is computed: of energy, forces, virial and charges what the model has.
fn request(model: &Loaded) -> Result<Request> {
    let wanted = Request { charges: true, ..Request::STRESS };
    let request = wanted.and(model.capabilities());
    if request == Request::default() {
        let name = model.name();
        return Err(Error::usage(format!(
            "{name} has none of energy, forces and charges; choose another --model"
        )));
    }
    Ok(request)
}

/// Refuses files that cannot be read twice or written like this.
fn refuse_names(args: &LabelArgs) -> Result<()> {
    if args.files.iter().any(|file| file == Path::new("-")) {
        return Err(Error::usage(
            "label reads files and not the standard input, which cannot be read again when the work is resumed",
        ));
    }
    if format_to_write(&args.out)? != Format::ExtXyz {
        return Err(
            Error::usage("labels are written as extended xyz; end the name in .xyz or .extxyz").at(&args.out)
        );
    }
    let fit = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if !args.prefix.chars().all(fit) {
        return Err(Error::usage(format!(
            "--prefix {}: letters, digits and any of _ - . make names of labels",
            args.prefix
        )));
    }
    let inputs: Vec<_> = args.files.iter().map(PathBuf::as_path).collect();
    structures::refuse_overwriting(&[&args.out], &inputs, args.compute.model.as_deref())
}

fn report(args: &LabelArgs, model: &Loaded, request: Request, record: &Record, voice: Voice) -> Outcome {
    if voice.quiet {
        return Ok(());
    }
    let mut out = Out::new();
    let skipped = match record.skipped() {
        0 => String::new(),
        n => format!(", {n} skipped, which {} lists", Content::Labels.record_of(&args.out).display()),
    };
    out.line(format_args!("model       {}", model.title()))?;
    out.line(format_args!("structures  {} labelled{skipped}", record.written()))?;
    let names = results::names(&args.prefix, Request { virial: false, ..request }).join(" ");
    let virial =
        if request.virial { format!("; of what repeats {}virial", args.prefix) } else { String::new() };
    out.line(format_args!("labels      {names}{virial}"))?;
    out.line(format_args!(
        "\nwritten  {} {}",
        args.out.display(),
        Content::Labels.record_of(&args.out).display()
    ))?;
    out.flush()
}
