//! `sp`: energies and other properties of structures as they are.

mod list;

use std::io::Write;
use std::path::Path;

use oxidane_core::io::{Format, format_to_write, frame_to_string, write_atomically};
use oxidane_core::{Error, Evaluation, Potential, Request, Result};

use crate::args::SpArgs;
use crate::exit::{Failure, Outcome};
use crate::interrupt;
use crate::model::{Loaded, Strangers};
use crate::output::{Out, Voice, json};
use crate::parallel;
use crate::results::{finite, labelled};
use crate::structures::{self, Structure};
use list::List;

/// A structure with its results.
struct Done {
    structure: Structure,
    results: Evaluation,
}

/// Runs `sp`.
pub fn run(args: &SpArgs, voice: Voice) -> Outcome {
    args.compute.apply_threads()?;
    let model = Loaded::new(&args.compute, args.structure.force)?;
    let request = request(args, &model)?;
    let Some(path) = &args.out else {
        return report(args, &model, request, voice, None);
    };
    refuse_format(path)?;
    let inputs: Vec<_> = args.files.iter().map(std::path::PathBuf::as_path).collect();
    structures::refuse_overwriting(&[path], &inputs, args.compute.model.as_deref())?;
    interrupt::watch()?;
    // The report follows the file: what is shown has been computed, and the file is whole or absent.
    let mut ended = Ok(());
    let written = write_atomically(path, |file| {
        report(args, &model, request, voice, Some(file)).map_err(|failure| match failure {
            Failure::Error(error) => error,
            other => {
                ended = Err(other);
                Error::usage("stopped")
            }
        })
    });
    ended?;
    Ok(written?)
}

/// Refuses a name that speaks of another format than the one that holds results. Devices and pipes take anything.
fn refuse_format(path: &Path) -> Result<()> {
    let file = std::fs::metadata(path).map_or(true, |m| m.is_file());
    if file && !matches!(format_to_write(path), Ok(Format::ExtXyz)) {
        return Err(
            Error::usage("results are written as extended xyz; end the name in .xyz or .extxyz").at(path)
        );
    }
    Ok(())
}

/// What is computed: what is shown, or everything (but for derivatives of the dipole, which take several evaluations) for JSON,
/// `--out` and `--all`, and for a model without an energy when nothing is named; refuses what the model does not have.
fn request(args: &SpArgs, model: &Loaded) -> Result<Request> {
    let (show, has) = (&args.show, model.capabilities());
    let asked = Request {
        energy: has.energy,
        forces: show.forces,
        virial: show.virial || show.stress,
        charges: show.charges,
        dipole: show.dipole,
        polarizability: show.polar,
        born_charges: show.born_charges,
        electronic: false,
        uncertainty: has.uncertainty,
    };
    if args.compute.field.is_some() && (show.polar || show.born_charges) {
        return Err(Error::usage(
            "--polarizability and --born-charges are given without a field; leave out --field or them",
        ));
    }
    model.require(asked)?;
    let everything = show.all
        || args.json
        || args.out.is_some()
        || Request { uncertainty: false, ..asked } == Request::default();
    let easy = model.easy();
    let all = Request {
        polarizability: asked.polarizability || easy.polarizability,
        born_charges: asked.born_charges,
        ..easy
    };
    Ok(if everything { all } else { asked })
}

/// Computes and prints.
fn report(
    args: &SpArgs,
    model: &Loaded,
    request: Request,
    voice: Voice,
    mut file: Option<&mut dyn Write>,
) -> Outcome {
    let mut out = if args.out.is_some() { Out::lasting() } else { Out::new() };
    let mut caveats = model.caveats(voice);
    let mut strangers = Strangers::new(voice);
    let mut records = Vec::new();
    let mut list = List::new(args, request, model.capabilities().born_charges, voice.quiet);
    let mut count = 0;
    evaluate_all(args, model, request, voice, |done| {
        if interrupt::asked() {
            let done = format!("after {count} structures; --out is not written");
            return Err(Failure::Interrupted(done));
        }
        count += 1;
        caveats.see(&done.structure.frame.system);
        strangers.see(&done.structure.name(), &done.structure.frame.system, &done.results);
        if let Some(file) = file.as_mut() {
            write_labelled(*file, &done)?;
        }
        if args.json {
            records.push(record(&done, model.conditions())?);
            return Ok(());
        }
        if count == 1 && !voice.quiet {
            out.line(format_args!("model  {}", model.title()))?;
        }
        list.print(&mut out, &done)
    })?;
    strangers.finish();
    if args.json {
        // Printed at the end only: half a list is no JSON.
        out.line(format_args!("[{}]", records.join(",\n ")))?;
    }
    out.flush()
}

/// One structure is spread over all threads; of several each thread takes one at a time.
fn evaluate_all(
    args: &SpArgs,
    model: &Loaded,
    request: Request,
    voice: Voice,
    mut sink: impl FnMut(Done) -> Outcome,
) -> Outcome {
    let mut structures = structures::read(&args.files, &args.structure, voice)?;
    let work = |potential: &mut Box<dyn Potential>, structure: Structure| {
        evaluate(&mut **potential, structure, args, request)
    };
    let Some(first) = structures.next() else { return Ok(()) };
    let second = structures.next();
    if second.is_none() {
        return sink(work(&mut model.whole(), first?)?);
    }
    let all = std::iter::once(first).chain(second).chain(structures);
    parallel::in_order(all, model.workers(&args.compute)?, work, sink)
}

fn evaluate(
    potential: &mut dyn Potential,
    structure: Structure,
    args: &SpArgs,
    request: Request,
) -> Result<Done> {
    let system = &structure.frame.system;
    if args.show.stress && system.cell.is_none_or(|c| c.periodic != [true; 3]) {
        return Err(structure.place(Error::usage(
            "--stress is for structures that repeat in three directions; use --virial, or give a cell",
        )));
    }
    // Before neighbours are searched as far as the network looks: coinciding atoms could be very many.
    structure.check(&args.structure)?;
    let results = potential.check(system).and_then(|()| potential.evaluate(system, request));
    let results = results.and_then(finite).map_err(|e| structure.place(e))?;
    if args.show.dipole && results.dipole.is_none() {
        return Err(structure.place(Error::usage(
            "--dipole: a crystal has no dipole moment of its own, it depends on the choice of the cell; leave the option out",
        )));
    }
    for (asked, given, option) in [
        (args.show.polar, results.polarizability.is_some(), "--polarizability"),
        (args.show.born_charges, results.born_charges.is_some(), "--born-charges"),
    ] {
        if asked && !given {
            return Err(structure.place(Error::usage(format!(
                "{option}: a crystal has no dipole moment of its own, nor derivatives of one; leave the option out"
            ))));
        }
    }
    Ok(Done { structure, results })
}

fn record(done: &Done, conditions: json::Conditions<'_>) -> Result<String> {
    let s = &done.structure;
    json::compact(&json::Record::new(&s.file, s.index, s.name(), conditions, &s.frame.system, &done.results))
}

/// The structure with its results as an extended xyz frame.
fn write_labelled(file: &mut dyn Write, done: &Done) -> Result<()> {
    let frame = &done.structure.frame;
    let text = frame_to_string(&labelled(frame, &frame.system, &done.results), Format::ExtXyz)
        .map_err(|e| done.structure.place(e))?;
    file.write_all(text.as_bytes()).map_err(|e| Error::new(oxidane_core::ErrorKind::Io, e.to_string()))
}
