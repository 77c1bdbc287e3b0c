//! The files of `bench`: diagrams, and a report of everything.

use std::path::PathBuf;

use oxidane_bench::{Figure, Panel, Report, Results, Sheet};
use oxidane_core::io::write_atomically;
use oxidane_core::{Error, Result};

use super::models::Contestant;
use super::show;
use crate::args::BenchArgs;
use crate::output::{html, plot};
use crate::structures;

/// Points of a diagram beyond this number are thinned: a report with many stays small.
const POINTS: usize = 1500;

/// Writes the files that are asked for and names them.
///
/// # Errors
/// If one cannot be drawn or written.
pub fn write(args: &BenchArgs, contestants: &[Contestant], reports: &[Report]) -> Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    if args.out.is_none() && args.report.is_none() {
        return Ok(written);
    }
    let mut drawings = Vec::new();
    for report in reports {
        drawings.push(report.figures().iter().map(svg).collect::<Result<Vec<_>>>()?);
    }
    if let Some(out) = &args.out {
        for (report, svgs) in reports.iter().zip(&drawings) {
            for (k, drawing) in svgs.iter().enumerate() {
                let end = format!(".{}.{}.svg", report.benchmark.name, k + 1);
                let path = structures::output_name(Some(out), out, "", &end);
                plot::save(&path, Ok(drawing.clone()))?;
                written.push(path);
            }
        }
    }
    if let Some(path) = &args.report {
        let page = page(args, contestants, reports, &drawings);
        write_atomically(path, |file| file.write_all(page.as_bytes()).map_err(|e| Error::io(path, &e)))?;
        written.push(path.clone());
    }
    Ok(written)
}

fn svg(figure: &Figure) -> Result<String> {
    match figure {
        Figure::Lines { title, panels } => {
            let panels: Vec<_> = panels.iter().map(line_panel).collect();
            plot::lines_svg(title, &panels)
        }
        Figure::Parity { title, panels } => {
            let panels: Vec<_> = panels.iter().map(parity_panel).collect();
            plot::parity_svg(title, &panels)
        }
        Figure::Bars { title, y, groups, series } => {
            let bars = plot::Bars { quantity: y.clone(), groups: groups.clone(), series: series.clone() };
            plot::bars_svg(title, &bars)
        }
    }
}

fn line_panel(panel: &Panel) -> plot::Panel {
    let series =
        panel.series.iter().map(|(name, points)| plot::Series { name: name.clone(), points: thin(points) });
    plot::Panel {
        x: format!("{}   ({})", panel.x, panel.title),
        y: panel.y.clone(),
        series: series.collect(),
        log: false,
    }
}

fn parity_panel(panel: &Panel) -> plot::Parity {
    let points = panel.series.first().map_or(&[][..], |s| &s.1[..]);
    let remark = if points.len() > POINTS {
        format!("{} points, thinned", points.len())
    } else {
        format!("{} points", points.len())
    };
    let axes = [panel.x.clone(), panel.y.clone()];
    plot::Parity { property: panel.title.clone(), axes, points: thin(points), remark }
}

fn thin(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    points.iter().step_by(points.len().div_ceil(POINTS).max(1)).copied().collect()
}

/// The whole report.
fn page(
    args: &BenchArgs,
    contestants: &[Contestant],
    reports: &[Report],
    drawings: &[Vec<String>],
) -> String {
    let mut body = String::from("<h2>Models</h2>\n<dl>\n");
    for contestant in contestants {
        let (name, title) = (html::escape(&contestant.name), html::escape(&contestant.model.title()));
        body.push_str(&format!("<dt>{name}</dt><dd>{title}</dd>\n"));
    }
    body.push_str("</dl>\n<h2>Summary</h2>\n");
    body.push_str(&sheet(&show::summary_sheet(reports)));
    for (report, svgs) in reports.iter().zip(drawings) {
        body.push_str(&section(args, report, svgs));
    }
    body.push_str(&format!("<p class=\"remark\">Made by Oxidane {}.</p>\n", env!("CARGO_PKG_VERSION")));
    html::page("Benchmarks", &body)
}

fn section(args: &BenchArgs, report: &Report, svgs: &[String]) -> String {
    let benchmark = report.benchmark;
    let mut body = format!("<h2>{}: {}</h2>\n", html::escape(benchmark.name), html::escape(benchmark.title));
    if let Some(part) = show::part(report, args) {
        body.push_str(&format!("<p class=\"part\">{}</p>\n", html::escape(&part)));
    }
    let said = [
        ("measures", benchmark.measures.to_owned()),
        ("reference", benchmark.reference.to_owned()),
        ("source", format!("{} (licence: {})", benchmark.source, benchmark.licence)),
    ];
    body.push_str("<dl>\n");
    for (what, text) in said {
        body.push_str(&format!("<dt>{what}</dt><dd>{}</dd>\n", html::escape(&text)));
    }
    body.push_str("</dl>\n");
    report.sheets().iter().for_each(|s| body.push_str(&sheet(s)));
    if !benchmark.published.is_empty() {
        body.push_str("<h3>Other methods, as published</h3>\n<ul>\n");
        for p in benchmark.published {
            let text = format!("{}: {} {} ({})", p.method, p.value, p.what, p.source);
            body.push_str(&format!("<li>{}</li>\n", html::escape(&text)));
        }
        body.push_str("</ul>\n");
    }
    svgs.iter().for_each(|svg| body.push_str(&format!("<p>{svg}</p>\n")));
    if matches!(report.results, Results::Profiles(_)) {
        body.push_str("<p class=\"remark\">The numbers of every profile are in the output of --json.</p>\n");
    }
    body
}

fn sheet(sheet: &Sheet) -> String {
    let rows: Vec<Vec<_>> =
        sheet.rows.iter().map(|row| row.iter().map(|c| (c.show(), c.is_text())).collect()).collect();
    let remark = sheet
        .remark
        .as_ref()
        .map_or(String::new(), |r| format!("<p class=\"remark\">{}</p>\n", html::escape(r)));
    format!("<h3>{}</h3>\n{}{remark}", html::escape(&sheet.title), html::table(&sheet.heads, &rows))
}
