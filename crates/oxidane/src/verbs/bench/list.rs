//! `bench list`: what each benchmark is, and where its data come from.

use oxidane_bench::ALL;
use oxidane_core::Error;

use crate::args::BenchArgs;
use crate::exit::Outcome;
use crate::output::{Out, json};

/// Explains every benchmark.
pub fn run(args: &BenchArgs) -> Outcome {
    let idle = args.names.len() > 1
        || args.data.is_some()
        || !args.models.is_empty()
        || args.report.is_some()
        || args.out.is_some()
        || args.only.is_some()
        || args.exclude.is_some()
        || args.every.is_some()
        || args.limit.is_some();
    if idle {
        return Err(Error::usage("`list` goes alone, with --json at most: it computes nothing").into());
    }
    let mut out = Out::new();
    if args.json {
        out.line(json::pretty(&ALL)?)?;
        return out.flush();
    }
    for benchmark in ALL {
        out.line(format_args!("{}\n  {}", benchmark.name, benchmark.title))?;
        out.line(format_args!("  measures   {}", benchmark.measures))?;
        out.line(format_args!("  reference  {}", benchmark.reference))?;
        out.line(format_args!("  source     {} (licence: {})", benchmark.source, benchmark.licence))?;
        let files: Vec<_> = benchmark.files.iter().map(|f| format!("{}/{}", f.folder, f.name)).collect();
        out.line(format_args!("  files      {}\n", files.join(", ")))?;
    }
    out.line(
        "Files are looked for in the folder that --data names, in the folders above or in it directly, with .xz, .gz, .zst or\n\
         nothing behind the name. They are extended xyz (angstrom, eV) with the keys that each set needs; see docs/benchmarks.md.",
    )?;
    out.flush()
}
