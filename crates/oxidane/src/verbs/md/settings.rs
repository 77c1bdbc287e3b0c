//! From options (and a restart file) to the settings of a run.

use oxidane_core::io::Frame;
use oxidane_core::{Error, Result, elements};
use oxidane_sim::md::{Ensemble, MdOptions, MdState};

use crate::args::{EnsembleKind, MdArgs, Velocities};
use crate::structures;

/// Keys of what the program itself records in the restart file.
const MODEL: &str = "model";
const SAVE_EVERY: &str = "save_every_steps";
const LENGTH: &str = "length_steps";

/// How long a run is and how often it is recorded, in steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Steps from the very beginning to the end.
    pub length: u64,
    /// Steps between frames.
    pub save_every: u64,
}

/// A new run, nothing moved yet, and whether its velocities are those of the file. `model` names model and precision
/// beyond doubt.
pub fn fresh(args: &MdArgs, frame: &Frame, model: &str) -> Result<((MdState, Plan), bool)> {
    let temperature = args.temp.unwrap_or(300.0);
    let ensemble = match args.ensemble.unwrap_or(EnsembleKind::Langevin) {
        EnsembleKind::Langevin => Ensemble::Langevin { temperature, friction: args.friction.unwrap_or(1.0) },
        EnsembleKind::Nve if args.friction.is_some() => {
            return Err(Error::usage("--friction has no effect with --ensemble nve; leave one of them away"));
        }
        EnsembleKind::Nve => Ensemble::Nve,
    };
    let timestep = args.dt.unwrap_or(0.5);
    let options = MdOptions {
        timestep,
        ensemble,
        fixed: structures::fixed_atoms(args.fix.as_ref(), frame)?,
        ..MdOptions::default()
    };
    let plan = Plan {
        length: steps("--time", args.time.unwrap_or(0.0), timestep)?,
        save_every: args
            .save_every
            .map_or(Ok(usual_interval(timestep)), |time| steps("--save-every", time, timestep))?,
    };
    let masses: Vec<_> = frame.system.numbers.iter().map(|&z| elements::mass(z)).collect();
    let velocities = file_velocities(args, frame, &masses, ensemble)?;
    let mut state = MdState::new(frame.system.clone(), masses, options, args.seed.unwrap_or(0))?;
    let from_file = velocities.is_some();
    match velocities {
        Some(velocities) => state.set_velocities(velocities)?,
        None => state.set_temperature(temperature)?,
    }
    state.notes.insert(MODEL.into(), model.into());
    record(&mut state, plan);
    Ok(((state, plan), from_file))
}

/// The velocities in the file (angstrom/fs) if the run starts with them.
fn file_velocities(
    args: &MdArgs,
    frame: &Frame,
    masses: &[f64],
    ensemble: Ensemble,
) -> Result<Option<Vec<[f64; 3]>>> {
    if args.velocities == Some(Velocities::Random) {
        return Ok(None);
    }
    let velocities = frame.velocities(masses)?;
    if velocities.is_none() && args.velocities == Some(Velocities::File) {
        return Err(Error::usage("--velocities file: the file has neither velocities nor momenta"));
    }
    let without_effect = [("--temp", args.temp.is_some()), ("--seed", args.seed.is_some())];
    match without_effect.iter().find(|(_, given)| *given) {
        Some((option, _)) if velocities.is_some() && ensemble == Ensemble::Nve => Err(Error::usage(format!(
            "{option} has no effect at constant energy when the velocities are those of the file; leave it away, or draw \
             new ones with --velocities random"
        ))),
        _ => Ok(velocities),
    }
}

/// A run to go on with: options that are given must agree with it, except for its length.
pub fn resumed(args: &MdArgs, frame: &Frame, model: &str, mut state: MdState) -> Result<(MdState, Plan)> {
    let (system, was) = (&frame.system, &state.system);
    if system.numbers != was.numbers || system.charge != was.charge || system.unpaired != was.unpaired {
        return Err(Error::usage(
            "the structure has other atoms, charge or spin than the run; give the one it began with",
        ));
    }
    let differs = |what: &str, was: String| {
        Error::usage(format!("the run was made with {what} {was}; leave the option away"))
    };
    let note = |key: &str| state.notes.get(key).cloned().unwrap_or_default();
    let number = |key: &str| {
        note(key).parse::<u64>().map_err(|_| Error::input(format!("the restart file lacks `{key}`")))
    };
    if note(MODEL) != model {
        return Err(Error::usage(format!(
            "the run was made with model {}, not {model}; give the same one",
            note(MODEL)
        )));
    }
    let timestep = state.options.timestep;
    if args.dt.is_some_and(|dt| dt != timestep) {
        return Err(differs("--dt", format!("{timestep}fs")));
    }
    agree_ensemble(args, state.options.ensemble)?;
    if args.fix.is_some() && structures::fixed_atoms(args.fix.as_ref(), frame)? != state.options.fixed {
        return Err(differs(
            "--fix",
            format!("{:?}", state.options.fixed.iter().map(|i| i + 1).collect::<Vec<_>>()),
        ));
    }
    let save_every = number(SAVE_EVERY)?;
    if let Some(asked) = args.save_every
        && steps("--save-every", asked, timestep)? != save_every
    {
        return Err(differs("--save-every", format!("{save_every} steps")));
    }
    let length = match args.time {
        Some(time) => steps("--time", time, timestep)?,
        None => number(LENGTH)?,
    };
    if length < state.step {
        return Err(Error::usage(format!(
            "the run is at step {} already, --time ends at step {length}",
            state.step
        )));
    }
    let plan = Plan { length, save_every };
    record(&mut state, plan);
    Ok((state, plan))
}

fn agree_ensemble(args: &MdArgs, was: Ensemble) -> Result<()> {
    let differs = |what: &str, was: &str| {
        Err(Error::usage(format!("the run was made with {what} {was}; leave the option away")))
    };
    match was {
        Ensemble::Nve if args.ensemble == Some(EnsembleKind::Langevin) => differs("--ensemble", "nve"),
        Ensemble::Nve if args.temp.is_some() => {
            Err(Error::usage("--temp has no effect when a run at constant energy goes on; leave it away"))
        }
        Ensemble::Nve if args.friction.is_some() => differs("--ensemble", "nve, without --friction"),
        Ensemble::Langevin { .. } if args.ensemble == Some(EnsembleKind::Nve) => {
            differs("--ensemble", "langevin")
        }
        Ensemble::Langevin { temperature, .. } if args.temp.is_some_and(|t| t != temperature) => {
            differs("--temp", &temperature.to_string())
        }
        Ensemble::Langevin { friction, .. } if args.friction.is_some_and(|f| f != friction) => {
            differs("--friction", &friction.to_string())
        }
        _ => Ok(()),
    }
}

fn record(state: &mut MdState, plan: Plan) {
    state.notes.insert(SAVE_EVERY.into(), plan.save_every.to_string());
    state.notes.insert(LENGTH.into(), plan.length.to_string());
}

/// Steps between frames where nothing is said: about 10 fs, whatever the time step.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // casts saturate
fn usual_interval(timestep: f64) -> u64 {
    ((10.0 / timestep).round() as u64).max(1)
}

/// A time in fs as a whole number of steps, at least 1.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
fn steps(option: &str, time: f64, timestep: f64) -> Result<u64> {
    let ratio = time / timestep;
    let whole = ratio.round();
    if !(1.0..1e15).contains(&whole) || (ratio - whole).abs() > 1e-6 * whole.max(1.0) {
        let near = whole.max(1.0) * timestep;
        let message =
            format!("{option} {time}fs is no whole number of steps of {timestep}fs; {near}fs would be");
        return Err(Error::usage(message));
    }
    Ok(whole as u64)
}
