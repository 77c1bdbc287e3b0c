//! `train`: fits a model to labelled structures.

use std::path::{Path, PathBuf};

use oxidane_core::{Error, Result};
use oxidane_math::Real;
use oxidane_models::registry::Precise;
use oxidane_train::evaluate::{ErrorTable, Property, Report, SetReport};
use oxidane_train::{
    Config, Observer, Outcome as Ended, StepEvent, Trainer, TrainingData, ValidationEvent, config, prepare_on,
};

use crate::args::{Precision, TrainArgs};
use crate::exit::{Failure, Outcome};
use crate::interrupt;
use crate::model::base;
use crate::output::errors::{self, ByProperty, Part};
use crate::output::plot::{self, Panel, Series};
use crate::output::progress::Progress;
use crate::output::table::{Column, Table, fit};
use crate::output::{Out, Voice};

/// Runs `train`.
pub fn run(args: &TrainArgs, voice: Voice) -> Outcome {
    let mut config = Config::read(&args.config)?;
    if let Some(precision) = args.precision {
        config.train.precision = match precision {
            Precision::F32 => config::Precision::F32,
            Precision::F64 => config::Precision::F64,
        };
    }
    if let Some(threads) = args.threads {
        config.train.threads = threads.get();
    }
    let folder = args.out.clone().unwrap_or_else(|| {
        let stem = args.config.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        PathBuf::from(format!("{stem}.run"))
    });
    match config.train.precision {
        config::Precision::F32 => train::<f32>(config, &folder, args.resume, voice),
        config::Precision::F64 => train::<f64>(config, &folder, args.resume, voice),
    }
}

fn train<R: Precise>(config: Config, folder: &Path, resume: bool, voice: Voice) -> Outcome {
    // A run that was killed before its first checkpoint left a folder; going on means starting.
    let saved = folder.join(oxidane_train::CHECKPOINT).exists();
    if resume && !saved && !folder.is_dir() {
        return Err(Error::usage("there is no run to go on with here; leave --resume away")
            .at(folder)
            .into());
    }
    let setup = prepare_on::<R>(config, folder, &base::known())?;
    let mut trainer = if resume && saved { Trainer::resume(setup)? } else { Trainer::start(setup)? };
    interrupt::watch()?;
    let mut screen = Screen::new(&trainer, folder, voice)?;
    let ended = trainer.run(&mut screen, interrupt::flag());
    let mut out = screen.end()?;
    let ended = ended?;
    let (done, all) = (trainer.steps_done(), trainer.total_steps());
    let go_on = format!(
        "step {done} of {all} is saved in {}; the same command with --resume goes on",
        folder.display()
    );
    learning_curve(folder)?;
    match ended {
        Ended::Interrupted => return Err(Failure::Interrupted(go_on)),
        Ended::OutOfTime => {
            out.line(format_args!("\nthe time of train.max_time is up: {go_on}"))?;
            return out.flush();
        }
        Ended::StoppedEarly => out.line("\nstopped early: no improvement any more")?,
        Ended::Finished => {}
    }
    report(&mut trainer, folder, &mut out, voice)
}

/// The learning curve, from the table that the trainer keeps.
fn learning_curve(folder: &Path) -> Result<()> {
    let path = folder.join("validation.csv");
    let text = std::fs::read_to_string(&path).map_err(|e| Error::io(&path, &e))?;
    let mut lines = text.lines();
    let heads: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let rows: Vec<Vec<f64>> =
        lines.map(|l| l.split(',').map(|x| x.parse().unwrap_or(f64::NAN)).collect()).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let column = |head: &str| heads.iter().position(|h| *h == head);
    let series = |head: &str, name: &str, scale: f64| {
        let k = column(head)?;
        let points = rows.iter().filter_map(|r| Some((*r.first()?, r.get(k)? * scale)));
        let points: Vec<_> = points.filter(|p| p.1.is_finite()).collect();
        (!points.is_empty()).then(|| Series { name: name.into(), points })
    };
    // Columns of single sets, where there are several, have the set's title in front.
    let titles: Vec<&str> = heads.iter().filter_map(|h| h.strip_suffix(":loss")).collect();
    let validation = |head: &str, scale: f64| {
        let own = |title: &&str| series(&format!("{title}:{head}"), title, scale);
        let all = if titles.is_empty() { "validation" } else { "all sets" };
        std::iter::once(series(head, all, scale)).chain(titles.iter().map(own)).flatten().collect()
    };
    let panel = |y: &str, series: Vec<Series>| Panel { x: "step".into(), y: y.into(), series, log: true };
    let loss = [series("train_loss", "training", 1.0), series("validation_loss", "validation", 1.0)];
    let losses = titles.iter().map(|title| series(&format!("{title}:loss"), title, 1.0));
    let panels: Vec<_> = [
        panel("loss", loss.into_iter().chain(losses).flatten().collect()),
        panel("energy MAE / (meV/atom)", validation("energy_per_atom_mae", 1e3)),
        panel("force MAE / (meV/angstrom)", validation("forces_mae", 1e3)),
        panel("energy difference MAE / meV", validation("energy_differences_mae", 1e3)),
    ]
    .into_iter()
    .filter(|p| !p.series.is_empty())
    .collect();
    plot::lines(&folder.join("learning.svg"), "learning curve", &panels)
}

/// Errors of the model written, on the test set, or on another if there is none.
fn report<R: Real>(trainer: &mut Trainer<R>, folder: &Path, out: &mut Out, voice: Voice) -> Outcome {
    // The last set is the one that says most of unseen structures.
    let Some((name, report)) = trainer.final_errors()?.last().cloned() else { return out.flush() };
    let parts = &trainer.data().parts;
    let frames = match name {
        "test" => &parts.test,
        "validation" => &parts.validation,
        _ => &parts.train,
    };
    let overall: ByProperty = report.overall.iter().collect();
    let title = format!("{} structures of the {name} set, model.safetensors", report.structures);
    let titles = trainer.set_titles();
    let several = titles.len() > 1;
    let of_set = |s: &SetReport| {
        let title = if several { titles[s.set].as_str() } else { "" };
        errors::parity_plots(title, &s.errors.iter().collect(), &s.parity)
    };
    let plots: Vec<_> = report.sets.iter().flat_map(of_set).collect();
    plot::parity(&folder.join("parity.svg"), &title, &plots)?;
    if !voice.quiet {
        out.line(format_args!("\n{title}"))?;
        out.line(errors::table(&overall))?;
        if several {
            out.line(format_args!("\n{}", errors::part_table("set", &sets(&titles, &report))))?;
        }
        let groups = groups(trainer, &report, frames);
        if groups.len() > report.sets.len() {
            out.line(format_args!("\n{}", errors::part_table("group", &groups)))?;
        }
        out.line(format_args!("\nwritten  {}", folder.join("model.safetensors").display()))?;
    }
    out.flush()
}

/// The errors of each set, and their mean over the sets, by which models are chosen.
fn sets(titles: &[String], report: &Report) -> Vec<Part> {
    let mut parts: Vec<Part> = report
        .sets
        .iter()
        .map(|s| Part::new(&titles[s.set], s.structures, &s.errors.iter().collect()))
        .collect();
    let mean = |p: Property| (p, report.mean(|s| s.errors.get(p).map(|e| e.mae())));
    let mae = report.overall.iter().map(|(p, _)| mean(p)).collect();
    parts.push(Part { name: "mean of the sets".into(), structures: report.structures, mae });
    parts
}

fn groups<R: Real>(trainer: &Trainer<R>, report: &Report, frames: &[usize]) -> Vec<Part> {
    let data = &trainer.data().data;
    let entry = |(g, errors): (usize, &ErrorTable)| {
        let count = frames.iter().filter(|&&i| data.group(i) == g).count();
        Part::new(&data.groups()[g], count, &errors.iter().collect())
    };
    report.groups.iter().enumerate().map(entry).filter(|part| part.structures > 0).collect()
}

/// The structures of each part of the data that are of these sets, in words.
fn sizes<R: Real>(trainer: &Trainer<R>, of: impl Fn(usize) -> bool) -> String {
    let TrainingData { data, parts } = trainer.data();
    let count = |part: &[usize]| part.iter().filter(|&&i| of(data.set(i))).count();
    format!(
        "{} training, {} validation, {} test",
        count(&parts.train),
        count(&parts.validation),
        count(&parts.test)
    )
}

/// Properties whose errors are shown while a run goes on, with the heads of their columns.
const SHOWN: [(Property, &str); 3] = [
    (Property::EnergyPerAtom, "E / (meV/atom)"),
    (Property::Forces, "F / (meV/A)"),
    (Property::EnergyDifferences, "dE / meV"),
];

/// What is shown of a run.
struct Screen {
    out: Out,
    table: Table,
    progress: Progress,
    /// The properties whose errors are columns.
    shown: Vec<Property>,
    /// Titles of the sets, where there are several.
    sets: Vec<String>,
    quiet: bool,
    /// The first failure to print: the trainer asks no one whether to go on.
    failure: Option<Failure>,
}

impl Screen {
    fn new<R: Real>(trainer: &Trainer<R>, folder: &Path, voice: Voice) -> Outcome<Self> {
        let mut out = Out::lasting();
        let titles = trainer.set_titles();
        let sets = if titles.len() > 1 { titles } else { Vec::new() };
        let mut columns = vec![
            Column::number("step", 9),
            Column::number("epoch", 8),
            Column::number("learning rate", 13),
            Column::number("training loss", 13),
        ];
        let differences = trainer.config().loss.energy_differences.is_some();
        let shown: Vec<_> =
            SHOWN.iter().filter(|(p, _)| *p != Property::EnergyDifferences || differences).collect();
        columns.extend(shown.iter().map(|(_, head)| Column::number(*head, head.len())));
        columns.push(Column::text("", 4));
        if !sets.is_empty() {
            columns.push(Column::text("set", 24));
        }
        let table = Table::new(columns);
        if !voice.quiet {
            let network = trainer.network();
            out.line(format_args!(
                "model       {}, {} weights",
                network.architecture(),
                network.parameters().len()
            ))?;
            out.line(format_args!("structures  {}", sizes(trainer, |_| true)))?;
            for (k, title) in sets.iter().enumerate() {
                out.line(format_args!("  {title:<24}  {}", sizes(trainer, |set| set == k)))?;
            }
            for head in trainer.heads().entries() {
                let of = if head.name.is_empty() { String::new() } else { format!(" of head {}", head.name) };
                if let Some(base) = &head.base {
                    out.line(format_args!("base        {base}, taken off the labels{of}"))?;
                }
            }
            let weighted = trainer.weighted();
            if weighted > 0 {
                let all = trainer.data().parts.train.len();
                out.line(format_args!(
                    "weights     {weighted} of {all} training structures count by a factor other than 1"
                ))?;
            }
            out.line(format_args!("steps       {} to {}", trainer.steps_done() + 1, trainer.total_steps()))?;
            out.line(format_args!("folder      {}\n\nvalidation (mean absolute errors)", folder.display()))?;
            out.line(table.head())?;
            out.flush()?;
        }
        let progress = Progress::new(trainer.steps_done(), trainer.total_steps(), "steps", voice);
        let shown = shown.into_iter().map(|(property, _)| *property).collect();
        Ok(Self { out, table, progress, shown, sets, quiet: voice.quiet, failure: None })
    }

    /// The output, with the progress out of the way.
    fn end(self) -> Outcome<Out> {
        self.progress.finish();
        self.failure.map_or(Ok(self.out), Err)
    }
}

impl Observer for Screen {
    fn step(&mut self, event: &StepEvent) {
        self.progress.at(event.step, || format!("epoch {:.1}  loss {:.4}", event.epoch, event.loss.total()));
    }

    fn validation(&mut self, event: &ValidationEvent) {
        if self.quiet {
            return;
        }
        let shown = |mae: f64| if mae.is_nan() { "-".into() } else { format!("{:.3}", mae * 1e3) };
        let of = |s: &SetReport, property: Property| s.errors.get(property).map(|e| e.mae());
        let mean = |property: Property| shown(event.report.mean(|s| of(s, property)));
        let mut cells = vec![
            event.step.to_string(),
            format!("{:.2}", event.epoch),
            format!("{:.3e}", event.lr),
            format!("{:.5}", event.train_loss),
        ];
        cells.extend(self.shown.iter().map(|&p| mean(p)));
        cells.push(if event.best { "best".into() } else { String::new() });
        if !self.sets.is_empty() {
            cells.push("mean of the sets".into());
        }
        let mut lines = vec![self.table.row(&cells)];
        for s in event.report.sets.iter().filter(|_| !self.sets.is_empty()) {
            let own = |property: &Property| shown(of(s, *property).unwrap_or(f64::NAN));
            let mut cells = vec![String::new(); 4];
            cells.extend(self.shown.iter().map(own));
            cells.extend([String::new(), fit(&self.sets[s.set], 24)]);
            lines.push(self.table.row(&cells));
        }
        let (out, text) = (&mut self.out, lines.join("\n"));
        if let Err(failure) = self.progress.around(|| out.line(text).and_then(|()| out.flush())) {
            self.failure.get_or_insert(failure);
        }
    }
}
