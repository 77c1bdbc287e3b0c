//! The Oxidane program: arguments, progress, tables, plots and exit codes. The science lives in the crates below.

mod args;
mod exit;
mod growing;
mod interrupt;
mod model;
mod output;
mod parallel;
mod record;
mod results;
mod structures;
mod verbs;

use std::process::ExitCode;

use args::{Cli, Verb};

fn main() -> ExitCode {
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(error) => return exit::refuse_arguments(&error),
    };
    let (voice, start) = (cli.voice, std::time::Instant::now());
    let outcome = match cli.verb {
        Verb::Sp(args) => verbs::sp::run(&args, voice),
        Verb::Opt(args) => verbs::opt::run(&args, voice),
        Verb::Md(args) => verbs::md::run(&args, voice),
        Verb::Freq(args) => verbs::freq::run(&args, voice),
        Verb::Train(args) => verbs::train::run(&args, voice),
        Verb::Calibrate(args) => verbs::calibrate::run(&args, voice),
        Verb::Eval(args) => verbs::eval::run(&args, voice),
        Verb::Rdf(args) => verbs::rdf::run(&args, voice),
        Verb::Label(args) => verbs::label::run(&args, voice),
        Verb::Sample(args) => verbs::sample::run(&args, voice),
        Verb::Bench(args) => verbs::bench::run(&args, voice),
        Verb::Import(args) => verbs::import::run(&args, voice),
        Verb::Info(args) => verbs::info::run(&args),
        Verb::Models(args) => verbs::info::list(&args),
        Verb::Completions(args) => verbs::completions::run(&args),
    };
    voice.detail(&format!("took {}", output::table::duration(start.elapsed().as_secs_f64())));
    exit::conclude(outcome)
}
