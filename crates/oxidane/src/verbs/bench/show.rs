//! Results of benchmarks on the terminal and as JSON.

use oxidane_bench::{Cell, Report, Sheet};
use oxidane_core::{Error, Result};
use serde_json::{Value, json};

use super::models::Contestant;
use crate::args::BenchArgs;
use crate::exit::Outcome;
use crate::output::Out;
use crate::output::table::{Column, Table, fit};

/// Text in a table is cut to this width.
const WIDEST: usize = 60;

/// How much of the set it is, if not all.
pub fn part(report: &Report, args: &BenchArgs) -> Option<String> {
    let sample = report.sample;
    if !sample.is_part() {
        return None;
    }
    let mut how = Vec::new();
    if sample.by_name > 0 {
        how.push(format!("{} left out by name", sample.by_name));
    }
    how.extend(args.every.map(|n| format!("one of every {n}")));
    how.extend(args.limit.map(|n| format!("at most {n}, evenly spaced")));
    Some(format!("A PART OF THE SET: {} of {} ({})", sample.taken, sample.total, how.join("; ")))
}

/// One benchmark.
pub fn report(out: &mut Out, report: &Report, args: &BenchArgs) -> Outcome {
    let benchmark = report.benchmark;
    out.line(format_args!("\n== {}: {}", benchmark.name, benchmark.title))?;
    out.line(format_args!("reference: {}", benchmark.reference))?;
    if let Some(part) = part(report, args) {
        out.line(part)?;
    }
    for sheet in &report.sheets() {
        out.line(format_args!("\n{}", text(sheet)))?;
    }
    if !benchmark.published.is_empty() {
        out.line("\nOther methods, as published")?;
    }
    for p in benchmark.published {
        out.line(format_args!("  {}: {} {} ({})", p.method, p.value, p.what, p.source))?;
    }
    Ok(())
}

/// The number that stands for each benchmark.
pub fn summary(out: &mut Out, reports: &[Report]) -> Outcome {
    out.line(format_args!("\n== summary\n{}", text(&summary_sheet(reports))))
}

/// A row per benchmark, a column per model.
pub fn summary_sheet(reports: &[Report]) -> Sheet {
    let mut models: Vec<&String> = Vec::new();
    for model in reports.iter().flat_map(|r| &r.models) {
        if !models.contains(&model) {
            models.push(model);
        }
    }
    let rows = reports.iter().map(|r| {
        let mut row = vec![Cell::text(r.benchmark.name), Cell::text(&*r.headline.what)];
        row.extend(models.iter().map(|model| {
            let place = r.models.iter().position(|m| m == *model);
            let value = place.and_then(|k| r.headline.values.get(k).copied().flatten());
            let whole = value.is_some_and(|v| v.fract() == 0.0 && r.headline.what.contains("steps"));
            Cell::maybe(value, if whole { 0 } else { 3 })
        }));
        row
    });
    Sheet {
        title: "Each benchmark in one number, over what each model computed".into(),
        heads: ["benchmark", "number"]
            .map(String::from)
            .into_iter()
            .chain(models.iter().map(|m| (*m).clone()))
            .collect(),
        rows: rows.collect(),
        remark: None,
    }
}

fn text(sheet: &Sheet) -> String {
    let shown: Vec<Vec<String>> =
        sheet.rows.iter().map(|row| row.iter().map(|c| fit(&c.show(), WIDEST)).collect()).collect();
    let columns = sheet.heads.iter().enumerate().map(|(k, head)| {
        let width = shown.iter().filter_map(|row| row.get(k)).map(|c| c.chars().count()).max().unwrap_or(0);
        let words = sheet.rows.iter().any(|row| row.get(k).is_some_and(Cell::is_text));
        if words { Column::text(head, width) } else { Column::number(head, width) }
    });
    let table = Table::new(columns.collect());
    let mut lines = vec![sheet.title.clone(), table.head()];
    lines.extend(shown.iter().map(|row| table.row(row)));
    lines.extend(sheet.remark.iter().map(|r| format!("  {r}")));
    lines.join("\n")
}

/// Every number of a benchmark.
pub fn to_json(report: &Report, args: &BenchArgs, contestants: &[Contestant]) -> Result<Value> {
    let mut value =
        serde_json::to_value(report).map_err(|e| Error::input(format!("cannot be written as JSON: {e}")))?;
    value["unit"] = json!("kcal/mol; of optimisations eV and eV/angstrom");
    value["missing"] = json!(report.missing());
    value["part"] = json!(part(report, args));
    value["descriptions"] = contestants.iter().map(|c| json!(c.model.title())).collect();
    Ok(value)
}
