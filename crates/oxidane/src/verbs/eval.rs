//! `eval`: errors of a model on labelled structures.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use oxidane_core::io::{Data, Frame, LabelKeys};
use oxidane_core::{Error, Evaluation, Potential, Request, Result, System};
use oxidane_math::statistics::Quality;
use oxidane_train::evaluate::{Errors, PROPERTIES, Parity, Property};
use serde_json::{Map, Value, json};

use crate::args::EvalArgs;
use crate::exit::{Failure, Outcome};
use crate::interrupt;
use crate::model::Loaded;
use crate::output::errors::{self, ByProperty, Part};
use crate::output::json::stress;
use crate::output::progress::Progress;
use crate::output::{Out, Voice, plot};
use crate::parallel;
use crate::structures::{self, Structure};

/// Most points of a property in the plot.
const POINTS: usize = 4000;

/// Runs `eval`.
pub fn run(args: &EvalArgs, voice: Voice) -> Outcome {
    args.compute.apply_threads()?;
    let keys = keys(args);
    let model = Loaded::new(&args.compute, args.structure.force)?;
    let able = model.capabilities();
    let mut tally = Tally::default();
    let mut caveats = model.caveats(voice);
    interrupt::watch()?;
    let mut progress = Progress::endless("structures", voice);
    let all = structures::read(&args.files, &args.structure, voice)?;
    let work = |potential: &mut Box<dyn Potential>, structure: Structure| {
        compare(&mut **potential, able, &structure, args, &keys).map_err(|e| structure.place(e))
    };
    parallel::in_order(all, model.workers(&args.compute)?, work, |compared| {
        if interrupt::asked() {
            return Err(Failure::Interrupted(
                "no errors are known of all structures, nothing is written".into(),
            ));
        }
        progress.around(|| caveats.see(&compared.system));
        tally.add(&compared);
        progress.at(tally.structures, String::new);
        Ok(())
    })?;
    progress.finish();
    tally.refuse_missing(args, &keys)?;
    report(args, &model, &tally, voice)
}

/// The names of the labels.
fn keys(args: &EvalArgs) -> LabelKeys {
    let mut keys = LabelKeys::default();
    for given in &args.keys {
        let slot = match given.label.as_str() {
            "energy" => &mut keys.energy,
            "forces" => &mut keys.forces,
            "stress" => &mut keys.stress,
            "virial" => &mut keys.virial,
            "charges" => &mut keys.charges,
            "polarizability" => &mut keys.polarizability,
            _ => &mut keys.dipole,
        };
        slot.clone_from(&given.name);
    }
    keys
}

/// Labels and predictions of one structure.
struct Compared {
    /// Charge and spin: what caveats look at.
    system: System,
    group: String,
    /// By property: (label, prediction).
    pairs: [Vec<(f64, f64)>; PROPERTIES],
    /// Uncertainty and error of the energy, where both are known.
    uncertainty: Option<(f64, f64)>,
    /// Labels that the model has no prediction for.
    unmatched: Vec<Property>,
}

fn compare(
    potential: &mut dyn Potential,
    able: Request,
    structure: &Structure,
    args: &EvalArgs,
    keys: &LabelKeys,
) -> Result<Compared> {
    let frame = &structure.frame;
    let (energy, forces, virial) = (frame.energy(keys)?, frame.forces(keys)?, frame.virial(keys)?);
    let (charges, dipole) = (frame.charges(keys)?, frame.dipole(keys)?);
    let polarizability = frame.polarizability(keys)?;
    let asked = Request {
        energy: energy.is_some(),
        forces: forces.is_some(),
        virial: virial.is_some(),
        charges: charges.is_some(),
        dipole: dipole.is_some(),
        polarizability: polarizability.is_some(),
        born_charges: false,
        electronic: false,
        uncertainty: energy.is_some(),
    };
    structure.check(&args.structure)?;
    let results = potential.evaluate(&frame.system, asked.and(able))?;

    let errors = results.energy.zip(energy).map(|(e, label)| e - label);
    let mut compared = Compared {
        system: frame.system.clone(),
        group: group(structure, args)?,
        pairs: Default::default(),
        uncertainty: results.uncertainty.as_ref().map(|u| u.energy).zip(errors),
        unmatched: Vec::new(),
    };
    let flat = |v: Option<Vec<[f64; 3]>>| v.map(|v| v.concat());
    let volume = Evaluation { virial, ..Evaluation::default() };
    #[allow(clippy::cast_precision_loss)] // atoms
    let atoms = frame.system.len() as f64;
    let per_atom = energy.map(|e| vec![e / atoms]);
    compared.add(Property::Energy, energy.map(|e| vec![e]), results.energy.map(|e| vec![e]));
    compared.add(Property::EnergyPerAtom, per_atom, results.energy.map(|e| vec![e / atoms]));
    compared.add(
        Property::Stress,
        stress(&frame.system, &volume).map(|m| m.concat()),
        stress(&frame.system, &results).map(|m| m.concat()),
    );
    compared.add(Property::Forces, flat(forces), flat(results.forces));
    compared.add(Property::Virial, virial.map(|m| m.concat()), results.virial.map(|m| m.concat()));
    compared.add(Property::Charges, charges, results.charges);
    compared.add(Property::Dipole, dipole.map(|d| d.to_vec()), results.dipole.map(|d| d.to_vec()));
    compared.add(
        Property::Polarizability,
        polarizability.map(|m| m.concat()),
        results.polarizability.map(|m| m.concat()),
    );
    Ok(compared)
}

impl Compared {
    fn add(&mut self, property: Property, labels: Option<Vec<f64>>, predictions: Option<Vec<f64>>) {
        match (labels, predictions) {
            (Some(labels), Some(predictions)) => {
                self.pairs[property as usize] = labels.into_iter().zip(predictions).collect();
            }
            (Some(_), None) => self.unmatched.push(property),
            (None, _) => {}
        }
    }
}

/// The group of a structure: the value of the key asked for, else its file.
fn group(structure: &Structure, args: &EvalArgs) -> Result<String> {
    let Some(key) = &args.group else { return Ok(structure.file.display().to_string()) };
    text(&structure.frame, key).ok_or_else(|| {
        Error::input(format!("the frame has no text or whole number under `{key}`, which --group names"))
    })
}

fn text(frame: &Frame, key: &str) -> Option<String> {
    let value = frame.info.get(key)?;
    match value.data() {
        Data::Text(t) if t.len() == 1 => Some(t[0].clone()),
        _ => value.as_int().map(|i| i.to_string()),
    }
}

/// Errors so far.
#[derive(Default)]
struct Tally {
    structures: u64,
    overall: [Errors; PROPERTIES],
    groups: BTreeMap<String, (usize, [Errors; PROPERTIES])>,
    parity: [Parity; PROPERTIES],
    unmatched: [u64; PROPERTIES],
    uncertainties: Vec<(f64, f64)>,
}

impl Tally {
    fn add(&mut self, compared: &Compared) {
        self.structures += 1;
        let group = self.groups.entry(compared.group.clone()).or_default();
        group.0 += 1;
        for (p, pairs) in compared.pairs.iter().enumerate() {
            for &(label, prediction) in pairs {
                self.overall[p].push(prediction - label);
                group.1[p].push(prediction - label);
                self.parity[p].push(POINTS, (label, prediction));
            }
        }
        compared.unmatched.iter().for_each(|&p| self.unmatched[p as usize] += 1);
        self.uncertainties.extend(compared.uncertainty);
    }

    /// A label that was named must be somewhere; and without any label there is nothing to compare.
    fn refuse_missing(&self, args: &EvalArgs, keys: &LabelKeys) -> Result<()> {
        let there = |label: &str| {
            let index = match label {
                "energy" => Property::Energy,
                "forces" => Property::Forces,
                "stress" | "virial" => Property::Virial,
                "charges" => Property::Charges,
                "polarizability" => Property::Polarizability,
                _ => Property::Dipole,
            } as usize;
            self.overall[index].count > 0 || self.unmatched[index] > 0
        };
        if let Some(given) = args.keys.iter().find(|k| !there(&k.label)) {
            return Err(Error::input(format!(
                "no frame has `{}`, which --keys names for the {}",
                given.name, given.label
            )));
        }
        let compared = self.overall.iter().any(|e| e.count > 0);
        if !compared && self.unmatched.iter().any(|&n| n > 0) {
            let names: Vec<_> =
                Property::ALL.into_iter().filter(|&p| self.unmatched[p as usize] > 0).collect();
            let names: Vec<_> = names.into_iter().map(Property::name).collect();
            return Err(Error::usage(format!(
                "nothing to compare: the structures have labels of {}, which the model does not give; choose another --model",
                names.join(", ")
            )));
        }
        if !compared {
            let LabelKeys { energy, forces, stress, virial, charges, dipole, polarizability } = keys;
            let names = [energy, forces, stress, virial, charges, dipole, polarizability];
            let names = names.map(String::as_str);
            let message = format!(
                "nothing to compare: no frame has any of {}; name them with --keys",
                names.join(", ")
            );
            return Err(Error::input(message).at(args.files.first().cloned().unwrap_or_default()));
        }
        Ok(())
    }
}

fn present(errors: &[Errors; PROPERTIES]) -> ByProperty {
    Property::ALL.into_iter().map(|p| (p, errors[p as usize])).filter(|(_, e)| e.count > 0).collect()
}

fn report(args: &EvalArgs, model: &Loaded, tally: &Tally, voice: Voice) -> Outcome {
    for p in Property::ALL.into_iter().filter(|&p| tally.unmatched[p as usize] > 0) {
        voice.note(&format!(
            "{} structures have labels of {}, which the model does not give",
            tally.unmatched[p as usize],
            p.name()
        ));
    }
    let overall = present(&tally.overall);
    let groups: Vec<_> = tally.groups.iter().map(|(name, (n, e))| (name.clone(), *n, present(e))).collect();
    let first = args.files.first().map_or(Path::new(""), PathBuf::as_path);
    let svg = structures::output_name(args.out.as_deref(), first, ".eval", ".svg");
    plot::parity(
        &svg,
        &format!("{} on {} structures", model.name(), tally.structures),
        &errors::parity_plots("", &overall, &tally.parity),
    )?;

    let quality = Quality::new(&tally.uncertainties);
    let calibration = structures::output_name(args.out.as_deref(), first, ".uncertainty", ".svg");
    if let Some(quality) = &quality {
        let title = format!("{}: uncertainty and error of {} energies", model.name(), quality.pairs);
        plot::parity(&calibration, &title, &[errors::calibration_plot(quality)])?;
    }

    let mut out = Out::new();
    if args.json {
        let by_group: Map<String, Value> = groups
            .iter()
            .map(|(name, n, e)| (name.clone(), json!({ "structures": n, "errors": errors::to_json(e) })))
            .collect();
        let mut all = json!({ "model": model.name(), "structures": tally.structures, "errors": errors::to_json(&overall), "groups": by_group, "plot": svg });
        model.conditions().say(&mut all)?;
        if let Some(q) = &quality {
            all["uncertainty"] = json!({ "structures": q.pairs, "error_over_uncertainty": q.ratio, "rank_correlation": q.rank_correlation, "groups": q.groups, "plot": calibration });
        }
        out.line(crate::output::json::pretty(&all)?)?;
    } else {
        out.line(format_args!("model       {}", model.title()))?;
        out.line(format_args!("structures  {}\n", tally.structures))?;
        out.line(errors::table(&overall))?;
        if groups.len() > 1 {
            let parts: Vec<_> = groups.iter().map(|(name, n, e)| Part::new(name, *n, e)).collect();
            out.line(format_args!("\n{}", errors::part_table("group", &parts)))?;
        }
        if let Some(q) = &quality {
            out.line(format_args!(
                "\nuncertainty of the energy   error / uncertainty {:.2} (ideal 1)   rank correlation with the error {}",
                q.ratio,
                errors::rank_correlation(q)
            ))?;
        }
        if !voice.quiet {
            let second = quality.map_or(String::new(), |_| format!(" {}", calibration.display()));
            out.line(format_args!("\nwritten  {}{second}", svg.display()))?;
        }
    }
    out.flush()
}
