//! `freq`: harmonic vibrations and thermochemistry.

use oxidane_core::units::{AVOGADRO, ELEMENTARY_CHARGE, GIGAPASCAL, HARTREE, KCAL_PER_MOL};
use oxidane_core::{Error, Evaluation, Request, Result, System};
use oxidane_sim::parallel_hessian;
use oxidane_sim::sample::NormalModes;
use oxidane_sim::thermo::{Gas, Thermochemistry};
use serde_json::{Value, json};

use crate::args::{FreqArgs, Precision};
use crate::exit::{Failure, Outcome};
use crate::interrupt;
use crate::model::{Loaded, Strangers, is_gfn2};
use crate::output::progress::Progress;
use crate::output::table::{Column, Table};
use crate::output::{Out, Voice, json};
use crate::structures::{self, Structure, formula};

/// A force above this, in eV/angstrom, is no stationary point.
const AT_REST: f64 = 0.05;

/// A mode below this in 1/cm is imaginary; between it and zero lies noise.
const IMAGINARY: f64 = -20.0;

/// Wavenumbers on a line of the table.
const ACROSS: usize = 8;

/// Runs `freq`.
pub fn run(args: &FreqArgs, voice: Voice) -> Outcome {
    args.compute.apply_threads()?;
    let mut compute = args.compute.clone();
    if !is_gfn2(compute.model.as_deref()) {
        // Differences of forces want their digits.
        compute.precision.get_or_insert(Precision::F64);
    }
    let model = Loaded::new(&compute, args.structure.force)?;
    model.require(Request::FORCES)?;
    interrupt::watch()?;
    let mut out = Out::new();
    let mut caveats = model.caveats(voice);
    let mut strangers = Strangers::new(voice);
    let mut records = Vec::new();
    for structure in structures::read(&args.files, &args.structure, voice)? {
        let structure = structure?;
        let found = vibrations(args, &model, &structure, voice)?;
        let system = &structure.frame.system;
        caveats.see(system);
        strangers.see(&structure.name(), system, &found.results);
        found.tell(&structure, voice);
        if args.json {
            records.push(json::compact(&found.record(&structure, args))?);
            continue;
        }
        if records.is_empty() && !voice.quiet {
            out.line(format_args!("model      {}", model.title()))?;
            records.push(String::new());
        }
        found.print(&mut out, &structure, args)?;
        out.flush()?;
    }
    strangers.finish();
    if args.json {
        out.line(format_args!("[{}]", records.join(",\n ")))?;
    }
    out.flush()
}

/// What was found of a structure.
struct Found {
    results: Evaluation,
    hessian: Vec<f64>,
    modes: NormalModes,
    wavenumbers: Vec<f64>,
    /// Of molecules.
    thermochemistry: Option<Thermochemistry>,
}

fn vibrations(args: &FreqArgs, model: &Loaded, structure: &Structure, voice: Voice) -> Outcome<Found> {
    let system = &structure.frame.system;
    structure.check(&args.structure)?;
    let mut potential = model.whole();
    let request = Request { uncertainty: model.capabilities().uncertainty, ..Request::FORCES };
    let results = potential.check(system).and_then(|()| potential.evaluate(system, request));
    let results = results.map_err(|e| structure.place(e))?;
    let mut progress = Progress::new(0, 3 * system.len() as u64, "coordinates", voice);
    // Each evaluation on a thread of its own.
    let alone = model.alone()?;
    let hessian = parallel_hessian(&*alone, system, args.step, &mut |done| {
        progress.at(done as u64, || structure.name());
        if interrupt::asked() {
            return Err(Failure::Interrupted("a Hessian is not kept in parts; nothing is written".into()));
        }
        Ok(())
    });
    progress.finish();
    let hessian = hessian.map_err(|failure| match failure {
        Failure::Error(error) => Failure::Error(structure.place(error)),
        other => other,
    })?;
    let modes = NormalModes::of_hessian(&hessian, system).map_err(|e| structure.place(e))?;
    let wavenumbers = modes.wavenumbers();
    let thermochemistry = gas(system, args).map(|gas| Thermochemistry::new(system, &wavenumbers, gas));
    let thermochemistry = thermochemistry.transpose()?;
    Ok(Found { results, hessian, modes, wavenumbers, thermochemistry })
}

/// The gas of a molecule; crystals are none.
fn gas(system: &System, args: &FreqArgs) -> Option<Gas> {
    let repeats = system.cell.is_some_and(|cell| cell.periodic.contains(&true));
    (!repeats).then_some(Gas {
        temperature: args.temp,
        pressure: args.pressure * 1e-4 * GIGAPASCAL,
        symmetry_number: args.symmetry,
        rotor_cutoff: args.rotor_cutoff,
    })
}

impl Found {
    fn imaginary(&self) -> usize {
        self.wavenumbers.iter().filter(|w| **w < IMAGINARY).count()
    }

    fn energy(&self) -> Result<f64> {
        self.results.energy.ok_or_else(|| Error::model("the model gave no energy"))
    }

    fn largest_force(&self) -> f64 {
        let forces = self.results.forces.as_deref().unwrap_or_default();
        forces.iter().map(|f| f.iter().map(|x| x * x).sum::<f64>().sqrt()).fold(0.0, f64::max)
    }

    /// What the numbers do not say of themselves.
    fn tell(&self, structure: &Structure, voice: Voice) {
        let (name, force) = (structure.name(), self.largest_force());
        if force > AT_REST {
            voice.note(&format!(
                "{name}: the largest force is {force:.3} eV/A: no minimum or saddle point of this model, so that wavenumbers mean \
                 little; optimise it first"
            ));
        }
        if self.thermochemistry.is_some() && self.imaginary() > 0 {
            voice.note(&format!("{name}: imaginary modes take no part in the thermochemistry"));
        }
    }

    fn print(&self, out: &mut Out, structure: &Structure, args: &FreqArgs) -> Outcome {
        let system = &structure.frame.system;
        out.line(format_args!(
            "\nstructure  {}  {}  {} atoms, charge {}, multiplicity {}",
            structure.name(),
            formula(&system.numbers),
            system.len(),
            system.charge,
            system.multiplicity()
        ))?;
        out.line(format_args!(
            "energy     {:.6} eV   largest force {:.5} eV/A\n",
            self.energy()?,
            self.largest_force()
        ))?;
        let imaginary = match self.imaginary() {
            0 => "no imaginary mode".to_owned(),
            1 => "1 imaginary mode (negative)".to_owned(),
            n => format!("{n} imaginary modes (negative)"),
        };
        out.line(format_args!("wavenumbers / cm^-1, {imaginary}"))?;
        for line in self.wavenumbers.chunks(ACROSS) {
            let cells: Vec<_> = line.iter().map(|w| format!("{w:10.2}")).collect();
            out.line(cells.concat())?;
        }
        if let Some(thermochemistry) = &self.thermochemistry {
            print_gas(out, self.energy()?, thermochemistry, args)?;
        }
        Ok(())
    }

    fn record(&self, structure: &Structure, args: &FreqArgs) -> Value {
        let system = &structure.frame.system;
        let n = 3 * system.len();
        let rows: Vec<&[f64]> = self.hessian.chunks_exact(n).collect();
        let gas = self.thermochemistry.map(|t| {
            json!({
                "temperature": args.temp, "pressure": args.pressure, "symmetry_number": args.symmetry,
                "rotor_cutoff": args.rotor_cutoff, "zero_point_energy": t.zero_point, "enthalpy": t.enthalpy,
                "entropy": t.entropy, "total_entropy": t.entropy.total(), "gibbs_energy": t.gibbs,
            })
        });
        json!({
            "file": structure.file, "index": structure.index, "name": structure.name(), "natoms": system.len(),
            "charge": system.charge, "multiplicity": system.multiplicity(), "energy": self.results.energy,
            "energy_uncertainty": self.results.uncertainty.as_ref().map(|u| u.energy),
            "largest_force": self.largest_force(), "wavenumbers": self.wavenumbers, "modes": self.modes.displacements(),
            "hessian": rows, "thermochemistry": gas,
        })
    }
}

/// The table of an ideal gas.
fn print_gas(out: &mut Out, energy: f64, found: &Thermochemistry, args: &FreqArgs) -> Outcome {
    out.line(format_args!(
        "\nideal gas at {} K and {} bar, symmetry number {}, free rotors below about {} cm^-1\n",
        args.temp, args.pressure, args.symmetry, args.rotor_cutoff
    ))?;
    let table = Table::new(vec![
        Column::text("", 30),
        Column::number("eV", 16),
        Column::number("Eh", 16),
        Column::number("kcal/mol", 14),
    ]);
    out.line(table.head())?;
    let heat = args.temp * found.entropy.total();
    for (what, value, absolute) in [
        ("zero-point energy", found.zero_point, false),
        ("enthalpy less energy", found.enthalpy, false),
        ("temperature times entropy", heat, false),
        ("Gibbs energy less energy", found.gibbs, false),
        ("energy and zero point", energy + found.zero_point, true),
        ("enthalpy", energy + found.enthalpy, true),
        ("Gibbs energy", energy + found.gibbs, true),
    ] {
        let kcal = if absolute { String::new() } else { format!("{:.4}", value / KCAL_PER_MOL) };
        out.line(table.row(&[what, &format!("{value:.6}"), &format!("{:.8}", value / HARTREE), &kcal]))?;
    }
    let joule = AVOGADRO * ELEMENTARY_CHARGE;
    let entropy = &found.entropy;
    out.line(format_args!(
        "\nentropy  {:.3} J/(mol K): translation {:.3}, rotation {:.3}, vibration {:.3}, spin {:.3}",
        entropy.total() * joule,
        entropy.translation * joule,
        entropy.rotation * joule,
        entropy.vibration * joule,
        entropy.spin * joule
    ))?;
    Ok(())
}
