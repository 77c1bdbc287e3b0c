//! `import`: models of other programs become model files.

use oxidane_core::{Error, Result, elements};
use oxidane_models::Model;

use crate::args::{ImportArgs, ImportFrom, XequinetArgs};
use crate::exit::Outcome;
use crate::output::{Out, Voice};
use crate::structures;

/// Runs `import`.
pub fn run(args: &ImportArgs, voice: Voice) -> Outcome {
    match &args.from {
        ImportFrom::Xequinet(args) => xequinet(args, voice),
    }
}

fn xequinet(args: &XequinetArgs, voice: Voice) -> Outcome {
    let mut model = Model::load(&args.checkpoint)?;
    if !model.header().hash.is_empty() {
        return Err(Error::model("this is a model file of this program already").at(&args.checkpoint).into());
    }
    structures::refuse_overwriting(&[&args.out], &[&args.checkpoint], None)?;
    let mut domain: Vec<u8> =
        args.elements.iter().map(|s| elements::parse(s.trim())).collect::<Result<_>>()?;
    domain.sort_unstable();
    domain.dedup();
    let header = model.header_mut();
    let head = header.only_head_mut();
    head.elements = domain;
    head.charges = sorted(&args.charges);
    head.unpaired = sorted(&args.unpaired);
    head.level_of_theory.clone_from(&args.level_of_theory);
    let unknown = head.elements.is_empty();
    if let Some(name) = &args.name {
        header.name.clone_from(name);
    }
    header.provenance.licence.clone_from(&args.licence);
    let hash = model.save(&args.out)?;
    // After the file is written: an error is to be the only line.
    for note in model.notes() {
        voice.note(note);
    }
    if unknown {
        voice.note("the elements it was trained on are not known: it will refuse none; give --elements to state them");
    }
    let mut out = Out::new();
    if !voice.quiet {
        out.line(format_args!("written  {}  {}", args.out.display(), hash))?;
    }
    out.flush()
}

fn sorted<T: Copy + Ord>(values: &[T]) -> Vec<T> {
    let mut values = values.to_vec();
    values.sort_unstable();
    values.dedup();
    values
}
