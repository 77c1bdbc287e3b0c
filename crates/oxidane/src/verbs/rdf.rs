//! `rdf`: radial distribution functions of frames.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use oxidane_core::io::write_atomically;
use oxidane_core::{Error, Result, elements};
use oxidane_sim::rdf::{Point, RadialDistribution};
use serde_json::json;

use crate::args::{RdfArgs, StructureArgs};
use crate::exit::{Failure, Outcome};
use crate::interrupt;
use crate::output::plot::{Panel, Series};
use crate::output::progress::Progress;
use crate::output::table::{Column, Table};
use crate::output::{Out, Voice, json as write_json, plot};
use crate::structures;

/// Runs `rdf`.
pub fn run(args: &RdfArgs, voice: Voice) -> Outcome {
    let pairs = args.pair.chunks_exact(2).map(|p| [p[0], p[1]]);
    let mut all =
        pairs.map(|pair| RadialDistribution::new(pair, args.rmax, args.bins)).collect::<Result<Vec<_>>>()?;
    interrupt::watch()?;
    let mut progress = Progress::endless("frames", voice);
    let mut frames = 0;
    let mut left_out = 0;
    for structure in structures::read(&args.files, &StructureArgs::default(), voice)? {
        let structure = structure?;
        if interrupt::asked() {
            return Err(Failure::Interrupted("nothing is written".into()));
        }
        if left_out < args.skip {
            left_out += 1;
            continue;
        }
        for rdf in &mut all {
            rdf.add(&structure.frame.system).map_err(|e| structure.place(e))?;
        }
        frames += 1;
        progress.at(frames, String::new);
    }
    progress.finish();
    if frames == 0 {
        return Err(Error::usage(format!("--skip {} leaves no frame of {left_out}", args.skip)).into());
    }
    report(args, &all, frames, voice)
}

fn title(rdf: &RadialDistribution) -> String {
    let [a, b] = rdf.pair().map(elements::symbol);
    format!("{a}-{b}")
}

fn report(args: &RdfArgs, all: &[RadialDistribution], frames: u64, voice: Voice) -> Outcome {
    let results: Vec<(String, Vec<Point>)> = all.iter().map(|rdf| (title(rdf), rdf.points())).collect();
    let first = args.files.first().map_or(Path::new(""), PathBuf::as_path);
    let name = |extension| structures::output_name(args.out.as_deref(), first, ".rdf", extension);
    let (csv, svg) = (name(".csv"), name(".svg"));
    let text = table(&results);
    write_atomically(&csv, |file| file.write_all(text.as_bytes()).map_err(|e| Error::io(&csv, &e)))?;
    let line = |(name, points): &(String, Vec<Point>)| Series {
        name: name.clone(),
        points: points.iter().map(|p| (p.distance, p.value)).collect(),
    };
    let series = results.iter().map(line).collect();
    let panel = Panel { x: "r / angstrom".into(), y: "g(r)".into(), series, log: false };
    plot::lines(&svg, &format!("radial distribution, {frames} frames"), &[panel])?;

    let mut out = Out::new();
    if args.json {
        let of = |(name, points): &(String, Vec<Point>)| {
            let column = |f: fn(&Point) -> f64| points.iter().map(f).collect::<Vec<_>>();
            json!({ "pair": name, "r": column(|p| p.distance), "g": column(|p| p.value),
                "error": column(|p| p.error), "coordination": column(|p| p.coordination) })
        };
        let pairs: Vec<_> = results.iter().map(of).collect();
        out.line(write_json::pretty(&json!({ "frames": frames, "pairs": pairs }))?)?;
        return out.flush();
    }
    let columns = ["first max / A", "g", "then min / A", "g", "neighbours"].map(|c| Column::number(c, 13));
    let table = Table::new(std::iter::once(Column::text("pair", 8)).chain(columns).collect());
    out.line(format_args!("frames  {frames}\n\n{}", table.head()))?;
    for (name, points) in &results {
        let mut cells = vec![name.clone()];
        if let Some((top, low)) = RadialDistribution::first_shell(points) {
            cells.push(format!("{:.3}", top.distance));
            cells.push(format!("{:.3}", top.value));
            cells.push(format!("{:.3}", low.distance));
            cells.push(format!("{:.3}", low.value));
            cells.push(format!("{:.2}", low.coordination));
        } else {
            cells.extend(["-"; 5].map(String::from));
        }
        out.line(table.row(&cells))?;
    }
    if !voice.quiet {
        out.line(format_args!("\nwritten  {} {}", csv.display(), svg.display()))?;
    }
    out.flush()
}

/// The functions as comma-separated columns; empty where an error is not known.
fn table(results: &[(String, Vec<Point>)]) -> String {
    let mut text = String::from("r_angstrom");
    for (name, _) in results {
        let _ = write!(text, ",g_{name},error_{name},coordination_{name}"); // to a string: cannot fail
    }
    let rows = results.first().map_or(0, |(_, points)| points.len());
    for k in 0..rows {
        let _ = write!(text, "\n{:.5}", results[0].1[k].distance);
        for (_, points) in results {
            let p = points[k];
            let error = if p.error.is_finite() { format!("{:.5}", p.error) } else { String::new() };
            let _ = write!(text, ",{:.5},{error},{:.5}", p.value, p.coordination);
        }
    }
    text.push('\n');
    text
}
