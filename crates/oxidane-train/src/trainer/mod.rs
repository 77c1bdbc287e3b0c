//! [`Trainer`]: the loop of steps, validations and checkpoints.
//!
//! A run is a function of configuration, data and architecture alone: order, batches and sums are fixed, the
//! schedule counts steps, and a checkpoint holds everything that the next step depends on. So a run that was
//! stopped or killed at any moment and resumed has the same bits as one that was not, for any number of threads.
//!
//! Files in the folder of a run: `checkpoint.safetensors`, `log.jsonl`, `validation.csv`, `best-*` (the best models),
//! and at the end `last` (averaged weights of the last step) and `model` (the best one, or the last without validation,
//! with its errors on the validation and test sets).

mod checks;
mod progress;
mod sets;

pub use progress::Best;

use crate::checkpoint;
use crate::config::Config;
use crate::data::{BatchSize, EdgeCache, Epoch, Plan, ReferenceEnergies, TrainingData};
use crate::evaluate::{Report, evaluate};
use crate::gradient::{Context, Gradient};
use crate::heads::Heads;
use crate::log::{self, Log, errors_json};
use crate::loss::{Loss, PerTerm};
use crate::observer::{Observer, StepEvent, ValidationEvent};
use crate::optimizer::{AdamW, Span, norm, spans, update_average};
use crate::schedule::learning_rate;
use crate::setup::pool;
use crate::uncertainty::{self, Fitted};
use checks::{check_capabilities, check_dipoles, check_folder, check_labels};
use oxidane_core::{Error, Result};
use oxidane_math::Real;
use oxidane_models::Network;
use progress::Progress;
use sets::{draws, monitored, set_titles};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Name of the checkpoint in the folder of a run.
pub const CHECKPOINT: &str = "checkpoint.safetensors";

/// Most pairs of label and prediction of a property among the errors of the final model.
pub const PARITY_POINTS: usize = 4000;

/// A model to be written: what it is and where it comes from.
pub struct TrainedModel<'a, R: Real> {
    /// Network with its (averaged) weights.
    pub network: &'a dyn Network<R>,
    /// Its heads.
    pub heads: &'a Heads,
    /// Added to the network's energies, for each head.
    pub references: &'a [ReferenceEnergies],
    /// The data.
    pub data: &'a TrainingData,
    /// The configuration.
    pub config: &'a Config,
    /// Steps done.
    pub step: u64,
    /// Errors, with the name of the set: `validation`, `test` or `training`.
    pub errors: &'a [(&'static str, Report)],
    /// Uncertainties of the heads, where they have been fitted.
    pub uncertainties: &'a [Option<Fitted>],
}

/// Writes model files, atomically; the same model must give the same bytes.
pub trait ModelWriter<R: Real>: Send + Sync {
    /// Extension of the files, without a dot.
    fn extension(&self) -> &str;
    /// Writes `model` to `path`.
    fn write(&self, path: &Path, model: &TrainedModel<R>) -> Result<()>;
}

/// Everything a run is made from.
pub struct Setup<R: Real> {
    /// The configuration.
    pub config: Config,
    /// The data.
    pub data: TrainingData,
    /// The network with its initial weights.
    pub network: Box<dyn Network<R>>,
    /// Its heads.
    pub heads: Heads,
    /// Reference energies of each head.
    pub references: Vec<ReferenceEnergies>,
    /// Folder of the run; must exist.
    pub folder: PathBuf,
    /// Writes the models.
    pub writer: Box<dyn ModelWriter<R>>,
}

/// How [`Trainer::run`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All steps are done.
    Finished,
    /// The monitored value stopped improving.
    StoppedEarly,
    /// The stop flag was set; resuming goes on.
    Interrupted,
    /// The time limit was reached; resuming goes on.
    OutOfTime,
}

/// A training run.
pub struct Trainer<R: Real> {
    setup: Setup<R>,
    /// Carries the averaged weights.
    average: Box<dyn Network<R>>,
    /// The averaged weights of the best model; empty before there is one.
    best: Vec<R>,
    /// Errors of the final model, once they are known.
    final_errors: Vec<(&'static str, Report)>,
    adam: AdamW<R>,
    gradient: Gradient<R>,
    edges: EdgeCache,
    loss: Loss,
    plan: Plan,
    epoch: Epoch,
    spans: Vec<Span>,
    total_steps: u64,
    pool: rayon::ThreadPool,
    log: Log,
    progress: Progress,
}

impl<R: Real> Trainer<R> {
    /// A new run.
    ///
    /// # Errors
    /// The folder already holds a run or what is left of one; the configuration does not fit the data (no label for a term of the loss, no
    /// validation set for what needs one); the log cannot be created.
    pub fn start(setup: Setup<R>) -> Result<Self> {
        let path = setup.folder.join(CHECKPOINT);
        if path.exists() {
            return Err(
                Error::usage("this folder already holds a run: resume it, or name another folder").at(path)
            );
        }
        check_folder(&setup.folder, setup.writer.extension())?;
        remove_temporaries(&setup.folder)?;
        let progress = Progress::new(&setup);
        Self::assemble(setup, progress, None)
    }

    /// The run in the folder of `setup`, to be continued from its checkpoint. Weights and reference energies of
    /// `setup` are replaced by those of the checkpoint.
    ///
    /// # Errors
    /// There is no checkpoint, it is foreign or damaged, or configuration, data or architecture differ from those
    /// of the run.
    pub fn resume(mut setup: Setup<R>) -> Result<Self> {
        let path = setup.folder.join(CHECKPOINT);
        remove_temporaries(&setup.folder)?;
        let (progress, mut arrays) = checkpoint::read::<R, Progress>(&path)?;
        progress.check(&setup).map_err(|e| e.at(&path))?;
        let mut take = |name: &str, len: usize| match arrays.remove(name) {
            Some(a) if a.len() == len => Ok(a),
            _ => Err(Error::model(format!("array `{name}` is missing or has the wrong length")).at(&path)),
        };
        let n = setup.network.layout().len;
        setup.network.parameters_mut().copy_from_slice(&take("weights", n)?);
        let average = take("average", n)?;
        let best = take("best", if progress.best.is_empty() { 0 } else { n })?;
        let amsgrad = setup.config.optimizer.amsgrad;
        let adam = AdamW {
            first: take("first", n)?,
            second: take("second", n)?,
            largest: take("largest", if amsgrad { n } else { 0 })?,
        };
        for (references, saved) in setup.references.iter_mut().zip(&progress.references) {
            references.values = saved.iter().map(|&bits| f64::from_bits(bits)).collect();
        }
        let trainer = Self::assemble(setup, progress, Some(Arrays { average, best, adam }))?;
        trainer.remove_forgotten_models()?;
        Ok(trainer)
    }

    /// `saved`: the arrays of the checkpoint; a new run writes one first, before the logs, so that from then on it can
    /// be resumed whenever it is killed.
    fn assemble(setup: Setup<R>, progress: Progress, saved: Option<Arrays<R>>) -> Result<Self> {
        let (config, data) = (&setup.config, &setup.data);
        let loss = Loss::new(&config.loss);
        check_labels(config, data, &loss)?;
        check_capabilities(config, &*setup.network)?;
        check_dipoles(config, data, &*setup.network)?;
        let train = &config.train;
        let size =
            train.batch_size.map_or(BatchSize::Atoms(train.batch_atoms.unwrap_or(1)), BatchSize::Structures);
        let plan = Plan::new(train.seed, draws(config, data)?, size);
        let pool = pool(train)?;
        let freeze = config.finetune.as_ref().map_or(&[][..], |f| &f.freeze);
        let spans = spans(setup.network.layout(), freeze, &setup.heads.untrained(data))?;
        let total_steps = train.steps.map_or_else(|| plan.steps(train.epochs.unwrap_or(0)), Ok)?;
        let mut average = setup.network.boxed_clone();
        let (adam, best) = match saved {
            Some(arrays) => {
                average.parameters_mut().copy_from_slice(&arrays.average);
                (arrays.adam, arrays.best)
            }
            None => {
                let adam = AdamW::new(setup.network.layout().len, config.optimizer.amsgrad);
                write_checkpoint(&setup, &progress, &*average, &[], &adam)?;
                (adam, Vec::new())
            }
        };
        let first = serde_json::json!({
            "event": "start", "training": data.parts.train.len(), "validation": data.parts.validation.len(),
            "test": data.parts.test.len(), "weighted": weighted(data), "steps": total_steps,
            "sets": log::sets_json(&setup),
        });
        let columns = set_titles(&setup);
        Ok(Self {
            average,
            best,
            final_errors: Vec::new(),
            adam,
            gradient: Gradient::default(),
            edges: EdgeCache::new(&data.data, setup.network.cutoff(), config.data.cache_mb << 20),
            loss,
            epoch: plan.epoch(progress.epoch),
            spans,
            total_steps,
            plan,
            pool,
            log: Log::open(&setup.folder, progress.log, &first, &columns)?,
            progress,
            setup,
        })
    }

    /// Steps of the whole run.
    pub fn total_steps(&self) -> u64 {
        self.total_steps
    }
    /// Steps done.
    pub fn steps_done(&self) -> u64 {
        self.progress.step
    }
    /// The network with the averaged weights of the last step, as it is validated and written.
    pub fn network(&self) -> &dyn Network<R> {
        &*self.average
    }
    /// The reference energies of each head.
    pub fn references(&self) -> &[ReferenceEnergies] {
        &self.setup.references
    }
    /// The heads of the network.
    pub fn heads(&self) -> &Heads {
        &self.setup.heads
    }
    /// A title of each set: its name and, where heads have names, that of its head, as `water@PBE0`.
    pub fn set_titles(&self) -> Vec<String> {
        set_titles(&self.setup)
    }
    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.setup.config
    }
    /// The data.
    pub fn data(&self) -> &TrainingData {
        &self.setup.data
    }
    /// Number of structures trained on whose weight in the loss is not 1.
    pub fn weighted(&self) -> usize {
        weighted(&self.setup.data)
    }
    /// The best models, best first.
    pub fn best(&self) -> &[Best] {
        &self.progress.best
    }

    /// Runs to the end, or until `stop` is set (the step in progress is finished and a checkpoint written).
    ///
    /// # Errors
    /// Loss or gradient not finite (step and structures are named; the last checkpoint stays), a network that
    /// refuses a structure, or a file that cannot be written.
    pub fn run(&mut self, observer: &mut dyn Observer, stop: &AtomicBool) -> Result<Outcome> {
        let start = Instant::now();
        let (mut saved, mut steps_here) = (Instant::now(), 0);
        while !self.progress.finished {
            if stop.load(Ordering::Relaxed) {
                self.save(observer)?;
                return Ok(Outcome::Interrupted);
            }
            if self.setup.config.train.max_time.is_some_and(|limit| start.elapsed() >= limit.std()) {
                self.save(observer)?;
                return Ok(Outcome::OutOfTime);
            }
            let mut event = self.step()?;
            steps_here += 1;
            (event.steps_here, event.seconds_here) = (steps_here, start.elapsed().as_secs_f64());
            observer.step(&event);
            let validated = self.validation_due() && self.validate(&event, observer)?;
            self.progress.finished = self.progress.stopped_early || self.progress.step >= self.total_steps;
            if self.progress.finished {
                self.write_final_models()?;
            }
            let waited = saved.elapsed() >= self.setup.config.train.checkpoint_every.std();
            if validated || self.progress.finished || waited {
                self.save(observer)?;
                saved = Instant::now();
            }
        }
        Ok(if self.progress.stopped_early { Outcome::StoppedEarly } else { Outcome::Finished })
    }

    /// The network of the final model: the best one, or the averaged weights of the last step without validation.
    pub fn final_network(&self) -> Box<dyn Network<R>> {
        let mut network = self.average.boxed_clone();
        if !self.best.is_empty() {
            network.parameters_mut().copy_from_slice(&self.best);
        }
        network
    }

    /// Errors of the final model with the names of the sets: `validation` and `test`, those that there are, else
    /// `training`; with at most [`PARITY_POINTS`] pairs for each property. They are in the header of the model file.
    pub fn final_errors(&mut self) -> Result<&[(&'static str, Report)]> {
        if self.final_errors.is_empty() {
            let parts = &self.setup.data.parts;
            let all = [("validation", &parts.validation), ("test", &parts.test), ("training", &parts.train)];
            let there = all.iter().filter(|(name, frames)| *name != "training" && !frames.is_empty()).count();
            let sets = all
                .into_iter()
                .filter(|(name, frames)| !frames.is_empty() && (*name != "training" || there == 0));
            let network = self.final_network();
            let evaluated = sets.map(|(name, frames)| {
                let work = || evaluate(&self.context(), &*network, frames, PARITY_POINTS);
                Ok((name, self.pool.install(work)?))
            });
            self.final_errors = evaluated.collect::<Result<_>>()?;
        }
        Ok(&self.final_errors)
    }

    /// Evaluates the averaged weights of the last step on any structures of the data, for reports and parity plots.
    pub fn evaluate(&self, frames: &[usize], parity_limit: usize) -> Result<Report> {
        self.pool.install(|| evaluate(&self.context(), &*self.average, frames, parity_limit))
    }

    fn context(&self) -> Context<'_> {
        context(&self.setup, &self.edges, &self.loss)
    }

    fn step(&mut self) -> Result<StepEvent> {
        let start = Instant::now();
        let frames = &self.epoch.order[self.epoch.batches[self.progress.batch].clone()];
        let t = self.progress.step + 1;
        let config = &self.setup.config;
        let lr = learning_rate(
            &config.schedule,
            config.optimizer.lr,
            t,
            self.total_steps,
            self.progress.plateau.factor,
        );
        let (loss, norm) = self.pool.install(|| {
            let context = context(&self.setup, &self.edges, &self.loss);
            let loss = self.gradient.compute(&context, &*self.setup.network, frames)?;
            Ok((loss, norm(self.gradient.get(), &self.spans)))
        })?;
        if !(loss.total().is_finite() && norm.is_finite()) {
            return Err(self.describe_failure(t, loss));
        }
        let scale =
            config.optimizer.clip_norm.map_or(1.0, |limit| if norm > limit { limit / norm } else { 1.0 });
        let decay = config.ema.decay.min((1 + t) as f64 / (10 + t) as f64);
        let average = if config.ema.decay > 0.0 { decay } else { 0.0 };
        self.pool.install(|| {
            let weights = self.setup.network.parameters_mut();
            self.adam.step(&config.optimizer, &self.spans, t, lr, scale, self.gradient.get(), weights);
            for s in &self.spans {
                update_average(
                    &mut self.average.parameters_mut()[s.range.clone()],
                    &weights[s.range.clone()],
                    average,
                );
            }
        });
        let structures = frames.len();
        let atoms = frames.iter().map(|&i| self.setup.data.data.atoms(i)).sum();
        self.advance(loss.total());
        let event = StepEvent {
            step: t,
            total_steps: self.total_steps,
            epoch: self.epochs_done(),
            lr,
            loss,
            gradient_norm: norm,
            structures,
            atoms,
            seconds: start.elapsed().as_secs_f64(),
            steps_here: 0,
            seconds_here: 0.0,
        };
        self.log_step(&event)?;
        Ok(event)
    }

    fn advance(&mut self, loss: f64) {
        let p = &mut self.progress;
        p.step += 1;
        p.loss_sum += loss;
        p.loss_steps += 1;
        p.batch += 1;
        if p.batch == self.epoch.batches.len() {
            (p.epoch, p.batch) = (p.epoch + 1, 0);
            self.epoch = self.plan.epoch(p.epoch);
        }
    }

    fn epochs_done(&self) -> f64 {
        self.progress.epoch as f64 + self.progress.batch as f64 / self.epoch.batches.len() as f64
    }

    fn log_step(&mut self, event: &StepEvent) -> Result<()> {
        if !event.step.is_multiple_of(self.setup.config.train.log_every) && event.step != self.total_steps {
            return Ok(());
        }
        self.log.line(&serde_json::json!({
            "event": "step", "step": event.step, "epoch": event.epoch, "lr": event.lr, "loss": event.loss.total(),
            "terms": self.terms_json(&event.loss), "gradient_norm": event.gradient_norm,
        }))
    }

    fn terms_json(&self, values: &PerTerm) -> serde_json::Value {
        let named = self.setup.config.loss.named();
        let terms = named.iter().zip(values.0).filter(|((_, term), _)| term.is_some());
        serde_json::Value::Object(terms.map(|((name, _), v)| ((*name).to_string(), v.into())).collect())
    }

    fn validation_due(&self) -> bool {
        let (p, train) = (&self.progress, &self.setup.config.train);
        let due = match train.validate_every_steps {
            Some(n) => p.step % n == 0,
            None => p.batch == 0 && p.epoch % train.validate_every_epochs.unwrap_or(1) == 0,
        };
        (due || p.step >= self.total_steps) && !self.setup.data.parts.validation.is_empty()
    }

    /// Always true: that it took place.
    fn validate(&mut self, last: &StepEvent, observer: &mut dyn Observer) -> Result<bool> {
        let report = self.evaluate(&self.setup.data.parts.validation, 0)?;
        let config = &self.setup.config;
        let monitored = monitored(config.train.monitor, &report);
        if !monitored.is_finite() {
            return Err(Error::not_converged(format!(
                "step {}: the validation result is not finite; lower optimizer.lr or clip the gradient",
                last.step
            )));
        }
        let p = &mut self.progress;
        let train_loss = p.loss_sum / p.loss_steps as f64;
        (p.loss_sum, p.loss_steps) = (0.0, 0);
        let best = p.monitor.follow(monitored);
        p.plateau.follow(&config.schedule, monitored);
        p.stopped_early = config.train.early_stop.is_some_and(|n| p.monitor.waited >= n);
        self.log.line(&serde_json::json!({
            "event": "validation", "step": last.step, "epoch": last.epoch, "train_loss": train_loss,
            "loss": report.loss.total(), "terms": self.terms_json(&report.loss), "monitored": monitored, "best": best,
            "errors": errors_json(&report.overall), "sets": log::reports_json(&report, &self.set_titles()),
        }))?;
        self.log.row(last.step, last.epoch, last.lr, train_loss, &report)?;
        self.keep_if_good(monitored, &report)?;
        observer.validation(&ValidationEvent {
            step: last.step,
            epoch: last.epoch,
            lr: last.lr,
            train_loss,
            report: &report,
            monitored,
            best,
        });
        Ok(true)
    }

    /// Writes the model if it is among the best. Models that drop out are deleted after the next checkpoint.
    fn keep_if_good(&mut self, value: f64, report: &Report) -> Result<()> {
        let (keep, step) = (self.setup.config.train.keep_best, self.progress.step);
        let place = self.progress.best.iter().take_while(|b| b.value <= value).count();
        if place < keep {
            let file = format!("{BEST}{step:09}.{}", self.setup.writer.extension());
            self.write_model(&file, &*self.average, step, &[("validation", report.clone())], &[])?;
            if place == 0 {
                self.best = self.average.parameters().to_vec();
            }
            self.progress.best.insert(place, Best { value, step, file });
            self.progress.best.truncate(keep);
        }
        Ok(())
    }

    fn write_model(
        &self,
        file: &str,
        network: &dyn Network<R>,
        step: u64,
        errors: &[(&'static str, Report)],
        uncertainties: &[Option<Fitted>],
    ) -> Result<()> {
        let Setup { heads, references, data, config, .. } = &self.setup;
        let model = TrainedModel { network, heads, references, data, config, step, errors, uncertainties };
        self.setup.writer.write(&self.setup.folder.join(file), &model)
    }

    fn write_final_models(&mut self) -> Result<()> {
        let name = |stem: &str| format!("{stem}.{}", self.setup.writer.extension());
        let (last, model) = (name("last"), name("model"));
        self.write_model(&last, &*self.average, self.progress.step, &[], &[])?;
        let step = self.progress.best.first().map_or(self.progress.step, |b| b.step);
        self.final_errors()?;
        let network = self.final_network();
        let uncertainties = self.pool.install(|| self.uncertainties(&*network))?;
        self.write_model(&model, &*network, step, &self.final_errors, &uncertainties)
    }

    /// The uncertainty of each head that was trained, unless the configuration wants none.
    fn uncertainties(&self, network: &dyn Network<R>) -> Result<Vec<Option<Fitted>>> {
        if !self.setup.config.train.uncertainty {
            return Ok(Vec::new());
        }
        let heads = self.setup.heads.entries().len() as u32;
        uncertainty::fit_heads(&self.context(), network, &self.setup.data, heads)
    }

    fn save(&mut self, observer: &mut dyn Observer) -> Result<()> {
        self.progress.log = self.log.position()?;
        write_checkpoint(&self.setup, &self.progress, &*self.average, &self.best, &self.adam)?;
        self.remove_forgotten_models()?;
        observer.checkpoint(self.progress.step);
        Ok(())
    }

    /// Deletes best models that the checkpoint does not list.
    fn remove_forgotten_models(&self) -> Result<()> {
        let folder = &self.setup.folder;
        for entry in std::fs::read_dir(folder).map_err(|e| Error::io(folder, &e))? {
            let entry = entry.map_err(|e| Error::io(folder, &e))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let ours = name.strip_prefix(BEST).and_then(|n| n.strip_suffix(self.setup.writer.extension()));
            let digits = ours.is_some_and(|n| n.len() == 10 && n[..9].bytes().all(|b| b.is_ascii_digit()));
            if digits && !self.progress.best.iter().any(|b| b.file == name) {
                std::fs::remove_file(entry.path()).map_err(|e| Error::io(entry.path(), &e))?;
            }
        }
        Ok(())
    }

    /// Finds out which structures of the batch, or families of them, make loss or gradient infinite.
    fn describe_failure(&mut self, step: u64, loss: PerTerm) -> Error {
        let frames = self.epoch.order[self.epoch.batches[self.progress.batch].clone()].to_vec();
        let mut bad = Vec::new();
        let runs = context(&self.setup, &self.edges, &self.loss).runs(&frames);
        for run in runs {
            let context = context(&self.setup, &self.edges, &self.loss);
            let alone = self.gradient.compute(&context, &*self.setup.network, &frames[run.clone()]);
            let fine = alone
                .is_ok_and(|l| l.total().is_finite() && norm(self.gradient.get(), &self.spans).is_finite());
            if !fine {
                let first = self.setup.data.data.describe(frames[run.start]);
                bad.push(if run.len() > 1 { format!("the family of {first}") } else { first });
            }
        }
        let what = if loss.total().is_finite() { "gradient" } else { "loss" };
        let structures = match bad.len() {
            0 => "each structure of the batch alone is finite".into(),
            n if n > 3 => format!("{n} structures, the first {}", bad[0]),
            _ => bad.join(", "),
        };
        Error::not_converged(format!(
            "step {step}: the {what} is not finite ({structures}); lower optimizer.lr, set optimizer.clip_norm or drop \
             these frames; the checkpoint is untouched"
        ))
    }
}

fn weighted(data: &TrainingData) -> usize {
    data.parts.train.iter().filter(|&&i| data.data.summary(i).weight != 1.0).count()
}

/// The arrays of a checkpoint but the weights.
struct Arrays<R> {
    average: Vec<R>,
    best: Vec<R>,
    adam: AdamW<R>,
}

fn write_checkpoint<R: Real>(
    setup: &Setup<R>,
    progress: &Progress,
    average: &dyn Network<R>,
    best: &[R],
    adam: &AdamW<R>,
) -> Result<()> {
    let arrays = [
        ("weights", setup.network.parameters()),
        ("average", average.parameters()),
        ("best", best),
        ("first", &adam.first),
        ("second", &adam.second),
        ("largest", &adam.largest),
    ];
    checkpoint::write(&setup.folder.join(CHECKPOINT), progress, &arrays)
}

/// Deletes what a process killed while it wrote left in the folder: hidden files `.NAME.PROCESS.NUMBER.tmp` of the
/// files of a run.
fn remove_temporaries(folder: &Path) -> Result<()> {
    let number =
        |part: Option<&str>| part.is_some_and(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
    let ours = |name: &str| {
        ["checkpoint.", "model.", "last.", BEST, "learning.", "parity."]
            .iter()
            .any(|stem| name.starts_with(stem))
    };
    for entry in std::fs::read_dir(folder).map_err(|e| Error::io(folder, &e))? {
        let entry = entry.map_err(|e| Error::io(folder, &e))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(middle) = name.strip_prefix('.').and_then(|n| n.strip_suffix(".tmp")) else { continue };
        let mut parts = middle.rsplitn(3, '.');
        let numbered = number(parts.next()) && number(parts.next());
        if numbered && parts.next().is_some_and(ours) {
            std::fs::remove_file(entry.path()).map_err(|e| Error::io(entry.path(), &e))?;
        }
    }
    Ok(())
}

/// Start of the names of the best models; nine digits of the step follow.
const BEST: &str = "best-";

fn context<'a, R: Real>(setup: &'a Setup<R>, edges: &'a EdgeCache, loss: &'a Loss) -> Context<'a> {
    Context {
        data: &setup.data.data,
        edges,
        references: &setup.references,
        loss,
        chunk_atoms: setup.config.train.chunk_atoms,
    }
}
