//! `md`: molecular dynamics.

mod files;
mod report;
mod settings;

use std::ops::ControlFlow;

use oxidane_core::{Error, ErrorKind, Potential, Request};
use oxidane_sim::md::{Dynamics, MdFrame, MdState};

use crate::args::MdArgs;
use crate::exit::{Failure, Outcome};
use crate::interrupt;
use crate::model::{Loaded, Strangers};
use crate::output::progress::Progress;
use crate::output::{Out, Voice};
use crate::structures;
use files::{Names, Record};
use settings::Plan;

/// Lines of energies shown during a run.
const LINES: u64 = 20;

/// Runs `md`.
pub fn run(args: &MdArgs, voice: Voice) -> Outcome {
    args.compute.apply_threads()?;
    let structure = structures::read_one(&args.file, &args.structure, voice)?;
    let model = Loaded::new(&args.compute, args.structure.force)?;
    model.require(Request::FORCES)?;
    let mut potential = model.whole();
    potential.check(&structure.frame.system).map_err(|e| structure.place(e))?;
    let names = Names::new(&args.file, args.out.as_deref());
    structures::refuse_overwriting(&names.all(), &[&args.file], args.compute.model.as_deref())?;
    if !args.restart && !args.overwrite && names.restart.exists() {
        return Err(Error::usage(
            "an earlier run can go on from here; give --restart for that, another --out to keep it, or --overwrite to \
             begin anew",
        )
        .at(&names.restart)
        .into());
    }
    let (state, plan) = if args.restart {
        let state = MdState::load(&names.restart)?;
        settings::resumed(args, &structure.frame, &model.identity(), state)
            .map_err(|e| e.at(&names.restart))?
    } else {
        let (fresh, from_file) = settings::fresh(args, &structure.frame, &model.identity())
            .map_err(|e| if e.kind == ErrorKind::Input { structure.place(e) } else { e })?;
        if from_file && args.velocities.is_none() {
            voice.note("starts with the velocities in the file; --velocities random draws new ones");
        }
        fresh
    };
    let atoms = state.system.len();

    let reopened = args.restart.then(|| Record::reopen(&names, &state.notes)).transpose()?;
    // Before files are made anew: a start that cannot be computed leaves those of an earlier run as they are.
    let mut dynamics = Dynamics::new(&mut *potential, state)
        .map_err(|e| if args.restart { e.at(&names.restart) } else { structure.place(e) })?;
    let mut record = match reopened {
        Some(record) => record,
        None => {
            // An old restart file must not be taken for one of this run.
            files::remove(&names.restart)?;
            Record::create(&names)?
        }
    };
    model.caveats(voice).see(&structure.frame.system);
    interrupt::watch()?;
    let mut screen = Screen::new(&model, &dynamics.frame(), plan, voice)?;
    if !args.restart {
        record.add(&dynamics.frame())?;
        record.settle(dynamics.notes())?;
        dynamics.state().save(&names.restart)?;
    }
    let outcome = advance(&mut dynamics, &mut record, &mut screen, plan, args.restart_every, &names);
    let mut out = screen.finish(outcome.is_ok());
    // Also after a failure: frames up to it are worth having. The restart file stays at its last good state.
    if outcome.is_err() {
        record.settle(dynamics.notes())?;
    }
    outcome?;

    let energies = report::Energies::read(&names.energies)?;
    energies.plot(&names.plot, &format!("{}: dynamics", structure.name()))?;
    if !voice.quiet {
        out.line(format_args!("\n{}", energies.summary(atoms)))?;
        out.line(format_args!(
            "written  {} {} {} {}",
            names.trajectory.display(),
            names.energies.display(),
            names.plot.display(),
            names.restart.display()
        ))?;
    }
    out.flush()
}

/// Runs to the end, from one writing of the restart file to the next.
fn advance(
    dynamics: &mut Dynamics<'_>,
    record: &mut Record,
    screen: &mut Screen,
    plan: Plan,
    restart_every: u64,
    names: &Names,
) -> Outcome {
    loop {
        let step = dynamics.state().step;
        let until = plan.length.min((step / restart_every + 1) * restart_every);
        let mut failure = None;
        let flow = dynamics.run(until - step, &mut |frame| {
            let done = observe(frame, record, screen, plan);
            failure = done.err();
            if failure.is_some() || interrupt::asked() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        if let Some(failure) = failure {
            return Err(failure);
        }
        record.settle(dynamics.notes())?;
        dynamics.state().save(&names.restart)?;
        let step = dynamics.state().step;
        if step == plan.length {
            return Ok(());
        }
        if flow.is_break() {
            let (length, restart) = (plan.length, names.restart.display());
            let how = format!(
                "step {step} of {length} is saved in {restart}; the same command with --restart goes on"
            );
            return Err(Failure::Interrupted(how));
        }
    }
}

fn observe(frame: &MdFrame<'_>, record: &mut Record, screen: &mut Screen, plan: Plan) -> Outcome {
    if frame.row.step.is_multiple_of(plan.save_every) {
        record.add(frame)?;
    }
    screen.show(frame)
}

/// The table and the progress of a run.
struct Screen {
    out: Out,
    table: crate::output::table::Table,
    progress: Progress,
    every: u64,
    quiet: bool,
    /// Tells the uncertainty of what is shown, apart from the run; for models that have one.
    judge: Option<Box<dyn Potential>>,
    strangers: Option<Strangers>,
}

impl Screen {
    fn new(model: &Loaded, frame: &MdFrame<'_>, plan: Plan, voice: Voice) -> Outcome<Self> {
        let uncertain = !voice.quiet && model.capabilities().uncertainty;
        let mut screen = Self {
            out: Out::lasting(),
            table: report::table(uncertain),
            progress: Progress::new(frame.row.step, plan.length, "steps", voice),
            every: (plan.length / LINES).max(1),
            quiet: voice.quiet,
            judge: uncertain.then(|| model.whole()),
            strangers: uncertain.then(|| Strangers::new(voice)),
        };
        if !screen.quiet {
            screen.head(&model.title(), frame)?;
        }
        Ok(screen)
    }

    fn head(&mut self, title: &str, frame: &MdFrame<'_>) -> Outcome {
        let line = self.row(frame)?;
        let out = &mut self.out;
        let options = &frame.state.options;
        out.line(format_args!("model     {title}"))?;
        out.line(format_args!(
            "dynamics  {}, time step {} fs",
            ensemble(options.ensemble),
            options.timestep
        ))?;
        out.line(format_args!(
            "system    {} atoms, {} fixed, charge {}, multiplicity {}\n",
            frame.state.system.len(),
            options.fixed.len(),
            frame.state.system.charge,
            frame.state.system.multiplicity()
        ))?;
        out.line(self.table.head())?;
        out.line(line)?;
        out.flush()
    }

    /// A line of the table.
    fn row(&mut self, frame: &MdFrame<'_>) -> Outcome<String> {
        let request = Request { uncertainty: true, ..Request::default() };
        let system = &frame.state.system;
        let judged = self.judge.as_mut().map(|judge| judge.evaluate(system, request)).transpose()?;
        if let (Some(strangers), Some(results)) = (&mut self.strangers, &judged) {
            let name = format!("step {}", frame.row.step);
            self.progress.around(|| strangers.see(&name, system, results));
        }
        let uncertainty = judged.and_then(|r| r.uncertainty).map(|u| u.energy);
        Ok(report::row(&self.table, &frame.row, uncertainty))
    }

    /// The progress ends, and what is left is the output. After an error that is to be the only line.
    fn finish(self, well: bool) -> Out {
        self.progress.finish();
        if let Some(strangers) = self.strangers.filter(|_| well) {
            strangers.finish();
        }
        self.out
    }

    fn show(&mut self, frame: &MdFrame<'_>) -> Outcome {
        let row = &frame.row;
        if !self.quiet && row.step.is_multiple_of(self.every) {
            let line = self.row(frame)?;
            let out = &mut self.out;
            self.progress.around(|| out.line(line).and_then(|()| out.flush()))?;
        }
        self.progress.at(row.step, || format!("{:.0} K  {:.4} eV", row.temperature, row.potential_energy));
        Ok(())
    }
}

fn ensemble(ensemble: oxidane_sim::md::Ensemble) -> String {
    use oxidane_sim::md::Ensemble;
    match ensemble {
        Ensemble::Nve => "constant energy (velocity Verlet)".into(),
        Ensemble::Langevin { temperature, friction } => {
            format!("Langevin (BAOAB) at {temperature} K, friction {friction} /ps")
        }
    }
}
