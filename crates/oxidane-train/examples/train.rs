//! Trains as a configuration says: `train CONFIG FOLDER [resume]`. Ctrl-C kills it; it goes on from the last checkpoint.

use oxidane_core::{Error, Result};
use oxidane_models::registry::Precise;
use oxidane_train::config::Precision;
use oxidane_train::{Config, Observer, StepEvent, Trainer, ValidationEvent, prepare};
use std::path::Path;

struct Print;

impl Observer for Print {
    fn step(&mut self, e: &StepEvent) {
        if e.step.is_multiple_of(20) {
            let left = e.seconds_here / e.steps_here as f64 * (e.total_steps - e.step) as f64;
            println!(
                "step {} of {}  epoch {:.2}  lr {:.2e}  loss {:.4}  gradient {:.2}  {:.1} structures/s  {:.0} min left",
                e.step,
                e.total_steps,
                e.epoch,
                e.lr,
                e.loss.total(),
                e.gradient_norm,
                e.structures as f64 / e.seconds,
                left / 60.0
            );
        }
    }
    fn validation(&mut self, e: &ValidationEvent) {
        print!(
            "validation at step {}: loss {:.5}{}",
            e.step,
            e.report.loss.total(),
            if e.best { " *" } else { "" }
        );
        e.report.overall.iter().for_each(|(p, x)| print!("  {} MAE {:.5} {}", p.name(), x.mae(), p.unit()));
        println!();
    }
}

fn train<R: Precise>(config: Config, folder: &Path, resume: bool) -> Result<()> {
    let setup = prepare::<R>(config, folder)?;
    let mut trainer = if resume { Trainer::resume(setup)? } else { Trainer::start(setup)? };
    let outcome = trainer.run(&mut Print, &false.into())?;
    println!("{outcome:?}");
    let parts = &trainer.data().parts;
    let report = trainer.evaluate(&parts.test, 0)?;
    for (name, table) in trainer.data().data.groups().iter().zip(&report.groups) {
        table.iter().for_each(|(p, e)| println!("test {name}: {} MAE {:.5} {}", p.name(), e.mae(), p.unit()));
    }
    Ok(())
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let [_, config, folder, rest @ ..] = args.as_slice() else {
        return Err(Error::usage("give a configuration and a folder for the run"));
    };
    let (config, resume) = (Config::read(config.as_ref())?, rest == ["resume"]);
    match config.train.precision {
        Precision::F32 => train::<f32>(config, folder.as_ref(), resume),
        Precision::F64 => train::<f64>(config, folder.as_ref(), resume),
    }
}
