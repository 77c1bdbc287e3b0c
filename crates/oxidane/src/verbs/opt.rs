//! `opt`: geometry optimisation.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use oxidane_core::io::{Format, Frame, FrameWriter, write_frames};
use oxidane_core::units::HARTREE;
use oxidane_core::{Error, Evaluation, Potential, Request, Result};
use oxidane_sim::opt::{
    CellRelaxation, Convergence, Method, OptOptions, OptResult, OptRow, OptStatus, OptStep, Strain, optimize,
};
use serde::Serialize;

use crate::args::{CellMode, Level, OptArgs, Optimizer};
use crate::exit::{Failure, Outcome};
use crate::interrupt;
use crate::model::{Loaded, Strangers};
use crate::output::table::{Column, Table};
use crate::output::{Out, Voice, json};
use crate::results::labelled;
use crate::structures::{self, Structure, formula};

/// Runs `opt`.
pub fn run(args: &OptArgs, voice: Voice) -> Outcome {
    args.compute.apply_threads()?;
    let structure = structures::read_one(&args.file, &args.structure, voice)?;
    let options = options(args, &structure.frame)?;
    options.validate(&structure.frame.system).map_err(|e| structure.place(e))?;
    let model = Loaded::new(&args.compute, args.structure.force)?;
    if model.conditions().field.is_some_and(|f| f != [0.0; 3]) && structure.frame.system.charge != 0 {
        return Err(structure
            .place(Error::usage(
                "an ion in an electric field has no geometry of lowest energy; leave out --field",
            ))
            .into());
    }
    model.require(if options.cell.is_some() { Request::STRESS } else { Request::FORCES })?;
    if options.cell.is_some() {
        args.compute.refuse_changing_mesh()?;
    }
    let mut potential = model.whole();
    potential.follow(true);
    potential.check(&structure.frame.system).map_err(|e| structure.place(e))?;

    let names = Names::new(args);
    let outputs = [names.geometry.as_path(), &names.trajectory];
    structures::refuse_overwriting(&outputs, &[&args.file], args.compute.model.as_deref())?;
    let mut trajectory = None;
    let mut screen = Screen::new(&options, voice.quiet || args.json);
    screen.head(&model.title(), &structure, &options)?;
    model.caveats(voice).see(&structure.frame.system);
    interrupt::watch()?;
    let mut failure = None;
    let system = structure.frame.system.clone();
    let result = optimize(&mut *potential, system, &options, &mut |step| {
        let done = observe(step, &names, &mut trajectory, &mut screen);
        failure = done.err();
        if failure.is_some() || interrupt::asked() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    trajectory.map_or(Ok(()), FrameWriter::finish)?;
    if let Some(failure) = failure {
        return Err(failure);
    }
    let mut result = result.map_err(|e| structure.place(e))?;
    foresee(&mut result, &mut *potential).map_err(|e| structure.place(e))?;
    let mut strangers = Strangers::new(voice);
    strangers.see(&structure.name(), &result.system, &result.evaluation);
    write_frames(&names.geometry, &[at_rest(&structure.frame, &result)])?;
    if args.json {
        add_properties(&mut result, &mut *potential, model.easy()).map_err(|e| structure.place(e))?;
        let summary = Summary::new(&structure, model.conditions(), &options, &result, &names);
        screen.out.line(json::pretty(&summary)?)?;
    }
    screen.end(&result, &names)?;
    conclude(&result, &options, &names)
}

/// The settings that the options mean.
fn options(args: &OptArgs, frame: &Frame) -> Result<OptOptions> {
    let convergence = match (args.fmax, args.convergence) {
        (Some(fmax), _) => Convergence::fmax(fmax),
        (None, Level::Loose) => Convergence::loose(),
        (None, Level::Normal) => Convergence::normal(),
        (None, Level::Tight) => Convergence::tight(),
        (None, Level::VeryTight) => Convergence::very_tight(),
    };
    let method = match args.optimizer {
        Optimizer::Lbfgs => Method::Lbfgs,
        Optimizer::PlainLbfgs => Method::PlainLbfgs,
        Optimizer::Fire => Method::Fire,
    };
    let cell = args.cell.map(|mode| CellRelaxation {
        strain: if mode == CellMode::Full { Strain::Full } else { Strain::Isotropic },
        pressure: args.pressure.unwrap_or(0.0),
        ..CellRelaxation::default()
    });
    let fixed = structures::fixed_atoms(args.fix.as_ref(), frame)?;
    Ok(OptOptions { method, convergence, max_steps: args.max_steps, fixed, cell, ..OptOptions::default() })
}

/// Whether there is a pressure to work against.
fn under_pressure(options: &OptOptions) -> bool {
    options.cell.as_ref().is_some_and(|c| c.pressure != 0.0)
}

/// Names of the files.
struct Names {
    geometry: PathBuf,
    trajectory: PathBuf,
}

impl Names {
    fn new(args: &OptArgs) -> Self {
        let with =
            |extension: &str| structures::output_name(args.out.as_deref(), &args.file, ".opt", extension);
        let extension = match Format::from_path(&args.file) {
            Some(Format::Poscar) => ".vasp",
            Some(Format::Cif) => ".cif",
            _ => ".xyz",
        };
        Self { geometry: with(extension), trajectory: with(".traj.xyz") }
    }
}

/// How far the final energy may be off, where the model knows.
fn foresee(result: &mut OptResult, potential: &mut dyn Potential) -> Result<()> {
    let request = Request { uncertainty: true, ..Request::default() };
    if potential.capabilities().uncertainty {
        result.evaluation.uncertainty = potential.evaluate(&result.system, request)?.uncertainty;
    }
    Ok(())
}

/// What the model has of the final geometry beyond what the optimisation asked for; energy and forces stay as they converged.
fn add_properties(result: &mut OptResult, potential: &mut dyn Potential, able: Request) -> Result<()> {
    let have = result.evaluation.clone();
    let all = potential.evaluate(&result.system, able)?;
    result.evaluation =
        Evaluation { energy: have.energy, forces: have.forces, virial: have.virial.or(all.virial), ..all };
    Ok(())
}

/// The final geometry: what the file says of the structure, without the motion it had.
fn at_rest(from: &Frame, result: &OptResult) -> Frame {
    let mut frame = labelled(from, &result.system, &result.evaluation);
    frame.arrays.retain(|name, _| !matches!(name.as_str(), "velocities" | "momenta"));
    frame
}

/// Records a step. The trajectory begins with the first one: a start that cannot be computed leaves an earlier file as it is.
fn observe(
    step: &OptStep<'_>,
    names: &Names,
    trajectory: &mut Option<FrameWriter>,
    screen: &mut Screen,
) -> Outcome {
    let trajectory = match trajectory {
        Some(open) => open,
        None => trajectory.insert(FrameWriter::create(&names.trajectory)?),
    };
    trajectory.write(&labelled(&Frame::default(), step.system, step.evaluation))?;
    trajectory.flush()?;
    screen.step(&step.row)
}

/// Converged or not: the files are written in any case.
fn conclude(result: &OptResult, options: &OptOptions, names: &Names) -> Outcome {
    let geometry = names.geometry.display();
    let reason = match result.status {
        OptStatus::Converged => return Ok(()),
        OptStatus::Interrupted => {
            return Err(Failure::Interrupted(format!(
                "the geometry after {} steps is in {geometry}",
                result.steps
            )));
        }
        OptStatus::MaxSteps => format!("after {} steps", options.max_steps),
        OptStatus::Stalled => "and no step leads downhill any more (try --precision f64)".into(),
    };
    let force = result.row.force_max;
    let message =
        format!("not converged {reason}: largest force {force:.4} eV/angstrom; go on from {geometry}");
    Err(Error::not_converged(message).into())
}

/// The final state for other programs.
#[derive(Serialize)]
struct Summary<'a> {
    converged: bool,
    steps: usize,
    force_max: f64,
    /// E + pV (eV), for a cell under pressure.
    #[serde(skip_serializing_if = "Option::is_none")]
    enthalpy: Option<f64>,
    geometry: &'a Path,
    trajectory: &'a Path,
    #[serde(flatten)]
    record: json::Record<'a>,
    positions: &'a [[f64; 3]],
    #[serde(skip_serializing_if = "Option::is_none")]
    cell: Option<[[f64; 3]; 3]>,
}

impl<'a> Summary<'a> {
    fn new(
        structure: &'a Structure,
        conditions: json::Conditions<'a>,
        options: &OptOptions,
        result: &'a OptResult,
        names: &'a Names,
    ) -> Self {
        let (file, index, name) = (&structure.file, structure.index, structure.name());
        Self {
            converged: result.converged(),
            steps: result.steps,
            force_max: result.row.force_max,
            enthalpy: under_pressure(options).then_some(result.row.energy),
            geometry: &names.geometry,
            trajectory: &names.trajectory,
            record: json::Record::new(file, index, name, conditions, &result.system, &result.evaluation),
            positions: &result.system.positions,
            cell: result.system.cell.map(|c| c.vectors),
        }
    }
}

/// What is shown.
struct Screen {
    out: Out,
    table: Table,
    quiet: bool,
    /// Whether the enthalpy is more than the energy.
    pressure: bool,
}

impl Screen {
    fn new(options: &OptOptions, quiet: bool) -> Self {
        // What is minimised under pressure is E + pV.
        let what = if under_pressure(options) { "enthalpy / eV" } else { "energy / eV" };
        let mut columns = vec![
            Column::number("step", 5),
            Column::number(what, 16),
            Column::number("change / eV", 12),
            Column::number("max |F| / (eV/A)", 16),
            Column::number("rms F", 9),
            Column::number("max step / A", 12),
        ];
        if options.cell.is_some() {
            columns.push(Column::number("stress / GPa", 12));
        }
        columns.push(Column::text("", 8));
        Self { out: Out::lasting(), table: Table::new(columns), quiet, pressure: under_pressure(options) }
    }

    fn head(&mut self, title: &str, structure: &Structure, options: &OptOptions) -> Outcome {
        if self.quiet {
            return Ok(());
        }
        let system = &structure.frame.system;
        self.out.line(format_args!("model      {title}"))?;
        self.out.line(format_args!(
            "structure  {}  {}  {} atoms, {} fixed, charge {}, multiplicity {}",
            structure.name(),
            formula(&system.numbers),
            system.len(),
            options.fixed.len(),
            system.charge,
            system.multiplicity()
        ))?;
        let limits = &options.convergence;
        let parts = [
            (limits.force_max, "max |F|", "eV/A"),
            (limits.force_rms, "rms F", "eV/A"),
            (limits.energy, "change", "eV"),
            (limits.displacement_max, "max step", "A"),
            (limits.stress.filter(|_| options.cell.is_some()), "stress", "GPa"),
        ];
        let text: Vec<_> = parts
            .iter()
            .filter_map(|(x, what, unit)| x.map(|x| format!("{what} < {x:.2e} {unit}")))
            .collect();
        self.out.line(format_args!("converged  when {}\n", text.join(", ")))?;
        self.out.line(self.table.head())
    }

    fn step(&mut self, row: &OptRow) -> Outcome {
        if self.quiet {
            return Ok(());
        }
        let or_empty =
            |x: Option<f64>, decimals: usize| x.map_or(String::new(), |x| format!("{x:.decimals$}"));
        let mut cells = vec![
            row.step.to_string(),
            format!("{:.6}", row.energy),
            or_empty(row.energy_change, 6),
            format!("{:.5}", row.force_max),
            format!("{:.5}", row.force_rms),
            or_empty(row.displacement_max, 5),
        ];
        if row.stress.is_some() {
            cells.push(or_empty(row.stress, 4));
        }
        cells.push(if row.accepted { String::new() } else { "rejected".into() });
        self.out.line(self.table.row(&cells))?;
        self.out.flush()
    }

    fn end(&mut self, result: &OptResult, names: &Names) -> Outcome {
        if !self.quiet {
            let how = if result.converged() { "converged" } else { "NOT converged" };
            let energy =
                result.evaluation.energy.map(|e| format!("   energy {e:.6} eV   {:.8} Eh", e / HARTREE));
            let energy = energy.unwrap_or_default();
            let off = result.evaluation.uncertainty.as_ref();
            let off = off.map_or(String::new(), |u| format!("   +/- {:.4} eV", u.energy));
            self.out.line(format_args!("\n{how} in {} steps{energy}{off}", result.steps))?;
            if self.pressure {
                self.out.line(format_args!("enthalpy {:.6} eV (E + pV)", result.row.energy))?;
            }
            self.out.line(format_args!(
                "written  {} {}",
                names.geometry.display(),
                names.trajectory.display()
            ))?;
        }
        self.out.flush()
    }
}
