//! `info` and `models`: what a model is.

use oxidane_core::{Error, elements};
use oxidane_models::file::{Base, Head, Header};
use oxidane_models::shipped::SHIPPED;
use oxidane_models::{Entry, Layout};
use serde_json::{Value, json};

use crate::args::{InfoArgs, ModelsArgs};
use crate::exit::Outcome;
use crate::model::{self, GFN2, GFN2_SUMMARY};
use crate::output::table::{Column, Table};
use crate::output::{Out, json};

/// Prints what a model is.
pub fn run(args: &InfoArgs) -> Outcome {
    if model::is_gfn2(args.model.as_deref()) {
        return gfn2(args);
    }
    let model = model::open(args.model.as_deref())?;
    let (header, weights) = (model.header(), model.trainable());
    let mut out = Out::new();
    if args.json {
        let mut all = serde_json::to_value(header).unwrap_or(Value::Null);
        all["weights"] = json!(weights);
        if args.tensors {
            let entry = |e: &Entry| json!({ "name": e.name, "shape": e.shape, "trainable": e.trainable });
            all["tensors"] = json!(model.layout()?.entries.iter().map(entry).collect::<Vec<_>>());
        }
        out.line(json::pretty(&all)?)?;
    } else {
        describe(&mut out, header, weights)?;
        if args.tensors {
            tensors(&mut out, &model.layout()?)?;
        }
    }
    out.flush()
}

fn describe(out: &mut Out, header: &Header, weights: usize) -> Outcome {
    let provenance = &header.provenance;
    let mut lines = vec![
        ("name", header.name.clone()),
        ("architecture", header.architecture.clone()),
        ("size", format!("{weights} trainable weights")),
    ];
    let several = header.heads.len() > 1;
    if !several {
        lines.extend(header.heads.iter().flat_map(level));
    }
    lines.extend([
        ("units", format!("{}, {}", header.units.energy, header.units.length)),
        ("hash", header.hash.clone()),
        ("format", format!("version {}", header.format_version)),
    ]);
    for (name, value) in lines.iter().filter(|(_, value)| !value.is_empty()) {
        out.line(format_args!("{name:<17}{value}"))?;
    }
    for head in header.heads.iter().filter(|_| several) {
        let mark = if head.name == header.default_head { "  (default)" } else { "" };
        out.line(format_args!("head {}{mark}", head.name))?;
        for (name, value) in level(head) {
            out.line(format_args!("  {name:<18} {value}"))?;
        }
    }
    out.line("hyperparameters")?;
    for (key, value) in header.hyperparameters.as_object().into_iter().flatten() {
        let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        out.line(format_args!("  {key:<18} {shown}"))?;
    }
    for head in header.heads.iter().filter(|head| !head.reference_energies.is_empty()) {
        let of = if several { format!(" of {}", head.name) } else { String::new() };
        out.line(format_args!("reference energies{of} / eV"))?;
        for (symbol, energy) in &head.reference_energies {
            out.line(format_args!("  {symbol:<3} {energy:18.8}"))?;
        }
        if head.charge_energy != 0.0 {
            out.line(format_args!("  per unit of charge {:8.4}", head.charge_energy))?;
        }
    }
    errors(out, header)?;
    let origin = [
        ("created", Some(&provenance.created).filter(|c| !c.is_empty()).cloned()),
        ("program", Some(provenance.program_version.clone())),
        ("seed", provenance.seed.map(|s| s.to_string())),
        ("data", provenance.data.clone()),
        ("source", provenance.source.clone()),
        ("licence", provenance.licence.clone()),
    ];
    out.line("origin")?;
    for (name, value) in origin {
        if let Some(value) = value {
            out.line(format_args!("  {name:<18} {value}"))?;
        }
    }
    if provenance.config.is_some() {
        out.line("  configuration      in the file; --json prints it")?;
    }
    Ok(())
}

/// What a head is and what it saw.
fn level(head: &Head) -> Vec<(&'static str, String)> {
    fn list(items: impl Iterator<Item = String>) -> String {
        let items: Vec<String> = items.collect();
        if items.is_empty() { "not stated".into() } else { items.join(" ") }
    }
    let mut lines = vec![
        ("level of theory", head.level_of_theory.clone().unwrap_or_else(|| "not stated".into())),
        ("elements", list(head.elements.iter().map(|&z| elements::symbol(z).to_owned()))),
        ("charges", list(head.charges.iter().map(ToString::to_string))),
        ("unpaired", list(head.unpaired.iter().map(ToString::to_string))),
    ];
    lines.extend(head.base.iter().map(|base| {
        let Base { method, version } = base;
        ("base", format!("{method}, version {version}; the network's energy is added to it"))
    }));
    lines.extend(
        head.dispersion.iter().map(|d3| ("dispersion", format!("{d3}, added to the network's energy"))),
    );
    lines.extend(head.uncertainty.iter().map(|u| {
        let tested =
            u.tested.map(|t| format!("; error / uncertainty {t:.2} on the test set")).unwrap_or_default();
        let (trained, calibrated) = (u.trained, u.calibrated);
        let from = format!("{trained} structures trained on and {calibrated} errors on others");
        ("uncertainty", format!("of energies; from {from}{tested}"))
    }));
    lines
}

/// Names as `freeze` in a training configuration takes them.
fn tensors(out: &mut Out, layout: &Layout) -> Outcome {
    out.line("tensors")?;
    for entry in &layout.entries {
        let shape = entry.shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(" x ");
        let fixed = if entry.trainable { "" } else { "   fixed table" };
        out.line(format_args!("  {:<48} {shape}{fixed}", entry.name))?;
    }
    Ok(())
}

fn errors(out: &mut Out, header: &Header) -> Outcome {
    if header.errors.is_empty() {
        return Ok(());
    }
    let widest = header.errors.iter().filter_map(|e| e.head.as_ref()).map(String::len).max();
    let mut columns: Vec<Column> =
        widest.map(|width| Column::text("head", width.max(4))).into_iter().collect();
    columns.extend([
        Column::text("errors on", 24),
        Column::text("property", 18),
        Column::number("MAE", 12),
        Column::number("RMSE", 12),
        Column::text("unit", 16),
        Column::number("structures", 10),
    ]);
    let table = Table::new(columns);
    out.line(format_args!("\n{}", table.head()))?;
    for e in &header.errors {
        let number = |x: f64| format!("{x:.6}");
        let mut cells: Vec<String> = widest.map(|_| e.head.clone().unwrap_or_default()).into_iter().collect();
        cells.extend([
            e.dataset.clone(),
            e.property.clone(),
            number(e.mae),
            number(e.rmse),
            e.unit.clone(),
            e.frames.to_string(),
        ]);
        out.line(table.row(&cells))?;
    }
    out.line("")
}

/// Prints what GFN2-xTB is.
fn gfn2(args: &InfoArgs) -> Outcome {
    if args.tensors {
        return Err(Error::usage(format!("--tensors: {GFN2} is a method without weights")).into());
    }
    let facts = [
        ("name", GFN2),
        ("method", "GFN2-xTB, self-consistent tight binding with multipole electrostatics and D4 dispersion"),
        ("version", &oxidane_xtb::VERSION.to_string()),
        ("elements", "H to Rn (1 to 86)"),
        ("charges", "any"),
        ("unpaired", "any that fits the valence electrons (lanthanides keep f electrons in the core)"),
        ("periodicity", "molecules and crystals (at the Gamma point, or with --kpoints)"),
        ("gives", "energy, forces, virial, stress, charges, dipole, quadrupole, orbitals, bond orders"),
        ("not in it", "solvents, slabs and wires, ghost atoms"),
        ("precision", "f64"),
        ("source", "C. Bannwarth, S. Ehlert, S. Grimme, J. Chem. Theory Comput. 2019, 15, 1652"),
    ];
    let mut out = Out::new();
    if args.json {
        let map: serde_json::Map<_, _> = facts.iter().map(|(k, v)| ((*k).to_owned(), json!(v))).collect();
        out.line(json::pretty(&map)?)?;
    } else {
        for (name, value) in facts {
            out.line(format_args!("{name:<17}{value}"))?;
        }
    }
    out.flush()
}

/// Prints the models and methods inside the program.
pub fn list(args: &ModelsArgs) -> Outcome {
    let trained = SHIPPED.iter().map(|s| (s.name, s.summary));
    let all = trained.chain([(GFN2, GFN2_SUMMARY)]);
    let mut out = Out::new();
    if args.json {
        let entry = |(name, summary)| json!({ "name": name, "summary": summary });
        out.line(json::pretty(&all.map(entry).collect::<Vec<_>>())?)?;
    } else {
        for (k, (name, summary)) in all.enumerate() {
            let mark = if k == 0 && !SHIPPED.is_empty() { "  (default)" } else { "" };
            out.line(format_args!("{name:<16}{summary}{mark}"))?;
        }
    }
    out.flush()
}
