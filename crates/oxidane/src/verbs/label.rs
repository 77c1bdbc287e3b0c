//! `label`: energies, forces and charges of structures, written beside what their files say of them.

use oxidane_core::io::{Format, frame_to_string};
use oxidane_core::{Error, Potential, Request, Result};

use crate::args::LabelArgs;
use crate::exit::Outcome;
use crate::interrupt;
use crate::model::{Loaded, Maker};
use crate::output::progress::Progress;
use crate::output::{Out, Voice};
use crate::record::{self, Content, Manner, Piece, Record, Settings, Start};
use crate::results;
use crate::structures::{self, Structure};

/// Runs `label`.
pub fn run(args: &LabelArgs, voice: Voice) -> Outcome {
    args.compute.apply_threads()?;
    let compute = &args.compute;
    record::refuse_names("label", &args.files, &args.out, Content::Labels, compute.model.as_deref())?;
    refuse_prefix(&args.prefix)?;
    let model = Loaded::new(compute, args.structure.force)?;
    let request = request(&model)?;
    let maker = model.maker();
    let own = vec![
        ("--model", maker.to_string()),
        ("--strict", compute.strict.to_string()),
        ("--prefix", args.prefix.clone()),
        ("--replace", args.replace.to_string()),
    ];
    let settings = Settings::new(&args.files, &args.structure, own)?;
    let start = Start::new(args.resume, args.overwrite);
    let mut record = Record::open(Content::Labels, &args.out, settings, start)?;
    interrupt::watch()?;
    let manner = Manner {
        keep_going: args.keep_going,
        caveats: Some(model.caveats(voice)),
        progress: Progress::endless("structures", voice),
        done: Record::taken,
        voice,
    };
    let all = structures::read(&args.files, &args.structure, voice)?;
    record::grow(&mut record, all, model.workers(compute)?, manner, |potential, structure, _| {
        let text = one(&mut **potential, structure, args, request, &maker)?;
        Ok(Piece { text, counts: Vec::new() })
    })?;
    report(args, &model, request, &record, voice)
}

/// One structure with its labels, as text.
fn one(
    potential: &mut dyn Potential,
    structure: &Structure,
    args: &LabelArgs,
    request: Request,
    maker: &Maker,
) -> Result<String> {
    let (frame, prefix) = (&structure.frame, args.prefix.as_str());
    results::refuse_labels(frame, prefix, args.replace)?;
    structure.check(&args.structure)?;
    potential.check(&frame.system)?;
    let repeats = frame.system.cell.is_some_and(|cell| cell.periodic.contains(&true));
    let request = Request { virial: request.virial && repeats, ..request };
    let results = results::finite(potential.evaluate(&frame.system, request)?)?;
    let maker = maker.of(&frame.system);
    frame_to_string(&results::beside(frame, prefix, &maker, &results), Format::ExtXyz)
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

/// Refuses what makes no names of labels.
fn refuse_prefix(prefix: &str) -> Result<()> {
    let fit = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if prefix.chars().all(fit) {
        return Ok(());
    }
    Err(Error::usage(format!("--prefix {prefix}: letters, digits and any of _ - . make names of labels")))
}

fn report(args: &LabelArgs, model: &Loaded, request: Request, record: &Record, voice: Voice) -> Outcome {
    if voice.quiet {
        return Ok(());
    }
    let mut out = Out::new();
    out.line(format_args!("model       {}", model.title()))?;
    out.line(format_args!("structures  {} labelled{}", record.written(), record.skipped()))?;
    let names = results::names(&args.prefix, Request { virial: false, ..request }).join(" ");
    let virial =
        if request.virial { format!("; of what repeats {}virial", args.prefix) } else { String::new() };
    out.line(format_args!("labels      {names}{virial}"))?;
    out.line(format_args!("\nwritten  {} {}", args.out.display(), record.beside().display()))?;
    out.flush()
}
