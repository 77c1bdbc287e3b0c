//! `freq`: harmonic vibrations and thermochemistry.

use oxidane_core::units::{AVOGADRO, ELEMENTARY_CHARGE, GIGAPASCAL, HARTREE, KCAL_PER_MOL};
use oxidane_core::{Error, Evaluation, Potential, Request, Result, System, elements};
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
use crate::results::finite;
use crate::structures::{self, Structure, formula};

/// In eV/angstrom^3.
const BAR: f64 = 1e-4 * GIGAPASCAL;

/// A force above this, in eV/angstrom, is no stationary point.
const AT_REST: f64 = 0.05;

/// A mode below this in 1/cm is imaginary; between it and zero lies noise, and such a mode counts as a real one of the same size.
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
    if compute.field.is_some() {
        return Err(
            Error::usage("--field has no sense in freq, whose molecules turn freely; leave it out").into()
        );
    }
    let model = Loaded::new(&compute, args.structure.force)?;
    model.require(Request::FORCES)?;
    // Each evaluation on a thread of its own.
    let alone = model.alone()?;
    interrupt::watch()?;
    let mut out = Out::new();
    let mut caveats = model.caveats(voice);
    let mut strangers = Strangers::new(voice);
    let (mut records, mut first) = (Vec::new(), true);
    for structure in structures::read(&args.files, &args.structure, voice)? {
        let structure = structure?;
        let found = vibrations(args, &*alone, &structure, voice)?;
        let system = &structure.frame.system;
        caveats.see(system);
        strangers.see(&structure.name(), system, &found.results);
        found.tell(&structure, voice);
        if args.json {
            records.push(json::compact(&found.record(&structure, model.conditions(), args)?)?);
            continue;
        }
        if std::mem::take(&mut first) && !voice.quiet {
            out.line(format_args!("model      {}", model.title()))?;
        }
        found.print(&mut out, &structure)?;
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
    wavenumbers: Vec<f64>,
    /// Displacements of each mode.
    modes: Vec<Vec<f64>>,
    /// Of molecules.
    gas: Option<(Gas, Thermochemistry)>,
}

fn vibrations(
    args: &FreqArgs,
    potential: &dyn Potential,
    structure: &Structure,
    voice: Voice,
) -> Outcome<Found> {
    let system = &structure.frame.system;
    structure.check(&args.structure)?;
    let gas = gas(system, args).map_err(|e| structure.place(e))?;
    if !structures::fixed_atoms(None, &structure.frame)?.is_empty() {
        let message = "the file holds atoms fixed, but freq moves all of them; take the marks away";
        return Err(structure.place(Error::usage(message)).into());
    }
    let mut single = potential.fork();
    let request = Request { uncertainty: potential.capabilities().uncertainty, ..Request::FORCES };
    let results = single.check(system).and_then(|()| single.evaluate(system, request)).and_then(finite);
    let results = results.map_err(|e| structure.place(e))?;
    let mut progress = Progress::new(0, 3 * system.len() as u64, "coordinates", voice);
    let hessian = parallel_hessian(potential, system, args.step, &mut |done| {
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
    let (mut wavenumbers, mut modes) = (Vec::new(), Vec::new());
    // A single atom of a gas has none.
    if system.len() > 1 || gas.is_none() {
        let normal = NormalModes::of_hessian(&hessian, system).map_err(|e| structure.place(e))?;
        (wavenumbers, modes) = (normal.wavenumbers(), normal.displacements());
    }
    let counted = |w: &f64| if *w > IMAGINARY { w.abs() } else { *w };
    let counted: Vec<f64> = wavenumbers.iter().map(counted).collect();
    let gas = gas.map(|gas| Thermochemistry::new(system, &counted, gas).map(|found| (gas, found)));
    Ok(Found { results, hessian, wavenumbers, modes, gas: gas.transpose()? })
}

/// The gas of a molecule; crystals are none, and refuse what would describe one.
fn gas(system: &System, args: &FreqArgs) -> Result<Option<Gas>> {
    let given = [
        ("--temp", args.temp.is_some()),
        ("--pressure", args.pressure.is_some()),
        ("--symmetry", args.symmetry.is_some()),
        ("--rotor-cutoff", args.rotor_cutoff.is_some()),
    ];
    if system.cell.is_some_and(|cell| cell.periodic.contains(&true)) {
        return match given.iter().find(|(_, given)| *given) {
            Some((option, _)) => Err(Error::usage(format!(
                "{option} has no effect: a structure that repeats is no gas; leave it out"
            ))),
            None => Ok(None),
        };
    }
    Ok(Some(Gas {
        temperature: args.temp.unwrap_or(298.15),
        pressure: args.pressure.unwrap_or(1.01325) * BAR,
        symmetry_number: args.symmetry.unwrap_or(1),
        rotor_cutoff: args.rotor_cutoff.unwrap_or(50.0),
    }))
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
        if self.gas.is_none() {
            voice.note(&format!("{name}: the modes are those in which all cells move alike (Gamma point); no gas, so no thermochemistry"));
        }
        if self.gas.is_some() && self.imaginary() > 0 {
            voice.note(&format!("{name}: imaginary modes take no part in the thermochemistry"));
        }
    }

    fn print(&self, out: &mut Out, structure: &Structure) -> Outcome {
        let system = &structure.frame.system;
        out.line(format_args!(
            "\nstructure  {}  {}  {} atoms, charge {}, multiplicity {}",
            structure.name(),
            formula(&system.numbers),
            system.len(),
            system.charge,
            system.multiplicity()
        ))?;
        let uncertainty = self.results.uncertainty.as_ref();
        out.line(format_args!(
            "energy     {:.6} eV{}   largest force {:.5} eV/A\n",
            self.energy()?,
            uncertainty.map_or(String::new(), |u| format!("   +/- {:.4} eV", u.energy)),
            self.largest_force()
        ))?;
        let imaginary = match self.imaginary() {
            0 => "no imaginary mode".to_owned(),
            1 => "1 imaginary mode (negative)".to_owned(),
            n => format!("{n} imaginary modes (negative)"),
        };
        out.line(format_args!("{} wavenumbers / cm^-1, {imaginary}", self.wavenumbers.len()))?;
        for line in self.wavenumbers.chunks(ACROSS) {
            let cells: Vec<_> = line.iter().map(|w| format!("{w:10.2}")).collect();
            out.line(cells.concat())?;
        }
        if let Some((gas, found)) = &self.gas {
            print_gas(out, self.energy()?, gas, found)?;
        }
        Ok(())
    }

    fn record(
        &self,
        structure: &Structure,
        conditions: json::Conditions<'_>,
        args: &FreqArgs,
    ) -> Result<Value> {
        let (system, energy) = (&structure.frame.system, self.energy()?);
        let rows: Vec<&[f64]> = self.hessian.chunks_exact(3 * system.len()).collect();
        let symbols: Vec<_> = system.numbers.iter().map(|&z| elements::symbol(z)).collect();
        let gas = self.gas.map(|(gas, found)| {
            json!({
                "temperature": gas.temperature, "pressure": gas.pressure / BAR, "symmetry_number": gas.symmetry_number,
                "rotor_cutoff": gas.rotor_cutoff, "zero_point_energy": found.zero_point,
                "enthalpy_correction": found.enthalpy, "gibbs_correction": found.gibbs,
                "enthalpy": energy + found.enthalpy, "gibbs_energy": energy + found.gibbs,
                "entropy": found.entropy.total(), "entropy_parts": found.entropy,
            })
        });
        let mut record = json!({
            "file": structure.file, "index": structure.index, "name": structure.name(), "natoms": system.len(),
            "charge": system.charge, "multiplicity": system.multiplicity(), "unpaired": system.unpaired,
            "elements": symbols, "positions": system.positions, "energy": energy,
            "largest_force": self.largest_force(), "step": args.step, "wavenumbers": self.wavenumbers,
            "imaginary": self.imaginary(), "modes": self.modes, "hessian": rows, "thermochemistry": gas,
        });
        if let Some(u) = &self.results.uncertainty {
            (record["energy_uncertainty"], record["strangeness"]) = (json!(u.energy), json!(u.strangeness));
        }
        conditions.say(&mut record)?;
        if let Some(kpoints) = conditions.kpoints(system) {
            record["kpoints"] = json!(kpoints);
        }
        Ok(record)
    }
}

/// The table of an ideal gas.
fn print_gas(out: &mut Out, energy: f64, gas: &Gas, found: &Thermochemistry) -> Outcome {
    let rotors = match gas.rotor_cutoff {
        0.0 => "all vibrations harmonic".to_owned(),
        cutoff => format!("free rotors below about {cutoff} cm^-1"),
    };
    out.line(format_args!(
        "\nideal gas at {} K and {:.5} bar, symmetry number {}, {rotors}\n",
        gas.temperature,
        gas.pressure / BAR,
        gas.symmetry_number
    ))?;
    let table = Table::new(vec![
        Column::text("", 30),
        Column::number("eV", 16),
        Column::number("Eh", 16),
        Column::number("kcal/mol", 14),
    ]);
    out.line(table.head())?;
    let heat = gas.temperature * found.entropy.total();
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
