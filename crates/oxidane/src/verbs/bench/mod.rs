//! `bench`: named benchmarks of models side by side.

mod list;
mod models;
mod report;
mod show;

use std::path::Path;

use oxidane_bench::{
    Answers, Benchmark, DataFolder, Ids, Plan, Report, Selection, Work, energy, named, relax,
};
use oxidane_core::{Error, Potential, Request, Result, System};
use serde_json::Value;

use crate::args::{BenchArgs, ModelChoice};
use crate::exit::{Failure, Outcome};
use crate::interrupt;
use crate::output::progress::Progress;
use crate::output::{Out, Voice, json};
use crate::parallel;
use models::Contestant;

/// Runs `bench`.
pub fn run(args: &BenchArgs, voice: Voice) -> Outcome {
    if args.names.iter().any(|name| name == "list") {
        return list::run(args);
    }
    args.compute(&ModelChoice::default()).apply_threads()?;
    let folder = args.data.as_deref();
    let folder = folder.ok_or_else(|| {
        Error::usage("the benchmarks need their data: give the folder of the sets with --data (see `oxidane bench list`)")
    })?;
    let data = DataFolder::new(folder)?;
    let benchmarks = chosen(args, &data)?;
    let contestants = models::load(args)?;
    let selection = selection(args)?;
    // All sets are read before anything is computed: what is wrong with one of them is said at once.
    let plans = benchmarks.into_iter().map(|b| Ok((b, b.plan(&data, &selection)?)));
    let plans = plans.collect::<Result<Vec<_>>>()?;
    refuse_idle_list(args, plans.iter().map(|(_, plan)| plan.sample.by_name).sum())?;
    interrupt::watch()?;
    let mut out = Out::new();
    if !args.json {
        for contestant in &contestants {
            out.line(format_args!("model  {:<16}  {}", contestant.name, contestant.model.title()))?;
        }
    }
    let mut reports = Vec::new();
    for (benchmark, plan) in plans {
        let report = compute(benchmark, &plan, &contestants, voice)?;
        if !args.json {
            // What is done is shown at once: the next one may take hours.
            show::report(&mut out, &report, args)?;
            out.flush()?;
        }
        reports.push(report);
    }
    conclude(&mut out, args, &contestants, &reports, voice)
}

/// The benchmarks that are named.
fn chosen(args: &BenchArgs, data: &DataFolder) -> Result<Vec<&'static Benchmark>> {
    if args.names.iter().any(|name| name == "all") {
        if args.names.len() > 1 {
            return Err(Error::usage("`all` goes alone"));
        }
        let present: Vec<_> = oxidane_bench::ALL.iter().filter(|b| b.is_in(data)).collect();
        if present.is_empty() {
            return Err(Error::usage("the folder holds none of the sets (see `oxidane bench list`)"));
        }
        return Ok(present);
    }
    let mut list: Vec<&Benchmark> = Vec::new();
    for name in &args.names {
        let benchmark = named(name)?;
        if list.iter().any(|b| b.name == benchmark.name) {
            return Err(Error::usage(format!("`{name}` is named twice")));
        }
        list.push(benchmark);
    }
    Ok(list)
}

fn selection(args: &BenchArgs) -> Result<Selection> {
    let ids = |path: Option<&Path>| path.map(read_ids).transpose();
    Ok(Selection {
        exclude: ids(args.exclude.as_deref())?,
        only: ids(args.only.as_deref())?,
        every: args.every,
        limit: args.limit,
    })
}

/// The lines of a file, without remarks and blanks.
fn read_ids(path: &Path) -> Result<Ids> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::io(path, &e))?;
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or("").trim());
    let ids: Ids = lines.filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if ids.is_empty() {
        return Err(Error::input("the file names no system, one on a line").at(path));
    }
    Ok(ids)
}

/// A list of systems to leave out that leaves out nothing is a slip.
fn refuse_idle_list(args: &BenchArgs, by_name: usize) -> Result<()> {
    match &args.exclude {
        Some(path) if by_name == 0 => {
            let message = "--exclude has no effect: none of its names is in these benchmarks; leave it out";
            Err(Error::usage(message).at(path))
        }
        _ => Ok(()),
    }
}

/// Lets every model answer.
fn compute(
    benchmark: &'static Benchmark,
    plan: &Plan,
    contestants: &[Contestant],
    voice: Voice,
) -> Outcome<Report> {
    let total = plan.systems.len() * contestants.len();
    let mut progress = Progress::new(0, total as u64, "structures", voice);
    let mut done = 0;
    let mut answers = Vec::new();
    for contestant in contestants {
        let mut caveats = contestant.model.caveats(voice);
        let mut each = |system: &System, progress: &mut Progress, computed: bool| {
            if interrupt::asked() {
                let how = "this benchmark is not finished, no file is written; --limit takes fewer structures of each";
                return Err(Failure::Interrupted(how.into()));
            }
            if computed {
                progress.around(|| caveats.see(system));
            }
            done += 1;
            progress.at(done, || format!("{} {}", benchmark.name, contestant.name));
            Ok(())
        };
        let workers = || contestant.model.workers(&contestant.compute);
        let given = if matches!(plan.work, Work::Optimisations(_)) {
            contestant.model.require(Request::FORCES)?;
            let work = |p: &mut Box<dyn Potential>, system: &System| relax(&**p, system);
            Answers::Relaxed(answer_all(plan, workers()?, work, &mut progress, &mut each)?)
        } else {
            contestant.model.require(Request::ENERGY)?;
            let work = |p: &mut Box<dyn Potential>, system: &System| energy(&mut **p, system);
            Answers::Energies(answer_all(plan, workers()?, work, &mut progress, &mut each)?)
        };
        answers.push((contestant.name.clone(), given));
    }
    progress.finish();
    Ok(plan.report(benchmark, &answers)?)
}

/// The answers of one model to all structures.
fn answer_all<T: Send, E: Send>(
    plan: &Plan,
    workers: Vec<Box<dyn Potential>>,
    work: impl Fn(&mut Box<dyn Potential>, &System) -> Result<std::result::Result<T, E>> + Sync,
    progress: &mut Progress,
    each: &mut impl FnMut(&System, &mut Progress, bool) -> Outcome,
) -> Outcome<Vec<std::result::Result<T, E>>> {
    let mut answers = Vec::with_capacity(plan.systems.len());
    parallel::in_order(plan.systems.iter().map(Ok), workers, work, |answer| {
        each(&plan.systems[answers.len()], progress, answer.is_ok())?;
        answers.push(answer);
        Ok(())
    })?;
    Ok(answers)
}

/// The JSON or the summary, and the files.
fn conclude(
    out: &mut Out,
    args: &BenchArgs,
    contestants: &[Contestant],
    reports: &[Report],
    voice: Voice,
) -> Outcome {
    let written = report::write(args, contestants, reports)?;
    if args.json {
        let list =
            reports.iter().map(|r| show::to_json(r, args, contestants)).collect::<Result<Vec<Value>>>()?;
        out.line(json::compact(&list)?)?;
        return out.flush();
    }
    if reports.len() > 1 {
        show::summary(out, reports)?;
    }
    if !voice.quiet && !written.is_empty() {
        let names: Vec<_> = written.iter().map(|p| p.display().to_string()).collect();
        out.line(format_args!("\nwritten  {}", names.join(", ")))?;
    }
    out.flush()
}
