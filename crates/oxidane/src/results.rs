//! Structures with the results of a calculation in place of whatever labels their file had.

use oxidane_core::io::{Array, Data, Frame, LabelKeys, Value};
use oxidane_core::{Error, Evaluation, Request, Result, System};

use crate::output::json;

/// Results that programs write besides those of [`LabelKeys`]; none of them holds for a new calculation.
const OTHER_LABELS: [&str; 8] = [
    "energy_uncertainty",
    "free_energy",
    "energies",
    "stresses",
    "born_charges",
    "magmom",
    "magmoms",
    "dipoles",
];

/// `from` with another geometry: everything the file says is kept, except for the labels, which become `results`.
pub fn labelled(from: &Frame, system: &System, results: &Evaluation) -> Frame {
    let mut frame = from.clone();
    frame.system.clone_from(system);
    let LabelKeys { energy, forces, stress, virial, charges, dipole, polarizability } = LabelKeys::default();
    let labels = [energy, forces, stress, virial, charges, dipole, polarizability];
    for key in labels.iter().map(String::as_str).chain(OTHER_LABELS) {
        frame.info.remove(key);
        frame.arrays.remove(key);
    }
    if let Some(energy) = results.energy {
        frame.set_energy(energy);
    }
    if let Some(uncertainty) = &results.uncertainty {
        frame.info.insert("energy_uncertainty".into(), Value::real(uncertainty.energy));
    }
    if let Some(forces) = &results.forces {
        frame.set_forces(forces);
    }
    match (json::stress(system, results), results.virial) {
        (Some(stress), _) => frame.set_stress(stress),
        (None, Some(virial)) => drop(frame.info.insert("virial".into(), Value::matrix3(virial))),
        (None, None) => {}
    }
    if let Some(charges) = &results.charges {
        frame.arrays.insert("charges".into(), Array::reals(charges.clone()));
    }
    if let Some(dipole) = results.dipole {
        frame.info.insert("dipole".into(), Value::vector(Data::Real(dipole.to_vec())));
    }
    if let Some(tensor) = results.polarizability {
        frame.info.insert("polarizability".into(), Value::matrix3(tensor));
    }
    if let Some(born) = &results.born_charges {
        let data = Data::Real(born.as_flattened().concat());
        frame.arrays.insert("born_charges".into(), Array { columns: 9, data });
    }
    frame
}

/// What made the labels of a frame stands under this name behind their prefix.
const MAKER: &str = "method";

/// Names of the labels that [`beside`] writes, behind a prefix.
pub fn names(prefix: &str, request: Request) -> Vec<String> {
    let LabelKeys { energy, forces, virial, charges, .. } = LabelKeys::default();
    let all = [
        (request.energy, energy),
        (request.forces, forces),
        (request.virial, virial),
        (request.charges, charges),
        (true, MAKER.into()),
    ];
    all.into_iter().filter(|(written, _)| *written).map(|(_, name)| format!("{prefix}{name}")).collect()
}

/// Every name behind a prefix that holds a label, or what made it.
fn reserved(prefix: &str) -> impl Iterator<Item = String> {
    let LabelKeys { energy, forces, stress, virial, charges, dipole, polarizability } = LabelKeys::default();
    let all = [energy, forces, stress, virial, charges, dipole, polarizability, MAKER.into()];
    all.into_iter().map(move |name| format!("{prefix}{name}"))
}

/// Refuses a frame that has labels behind this prefix already: those of two methods would mix. Without effect if they are to be
/// replaced.
pub fn refuse_labels(frame: &Frame, prefix: &str, replace: bool) -> Result<()> {
    let there = |name: &String| frame.info.contains_key(name) || frame.arrays.contains_key(name);
    match reserved(prefix).find(there).filter(|_| !replace) {
        Some(name) => Err(Error::usage(format!(
            "the frame has `{name}` already; give another --prefix to write beside it, or --replace"
        ))),
        None => Ok(()),
    }
}

/// A frame with results as labels behind a prefix, and what made them; all else that it says stays.
pub fn beside(frame: &Frame, prefix: &str, maker: &str, results: &Evaluation) -> Frame {
    let mut frame = frame.clone();
    for name in reserved(prefix) {
        frame.info.remove(&name);
        frame.arrays.remove(&name);
    }
    let LabelKeys { energy, forces, virial, charges, .. } = LabelKeys::default();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            frame.info.insert(format!("{prefix}{name}"), value);
        }
    };
    set(&energy, results.energy.map(Value::real));
    set(&virial, results.virial.map(Value::matrix3));
    set(MAKER, Some(Value::text(maker)));
    if let Some(values) = &results.forces {
        frame.arrays.insert(format!("{prefix}{forces}"), Array::vectors(values));
    }
    if let Some(values) = &results.charges {
        frame.arrays.insert(format!("{prefix}{charges}"), Array::reals(values.clone()));
    }
    frame
}

/// Refuses results that are no numbers.
pub fn finite(results: Evaluation) -> Result<Evaluation> {
    let vectors = results.forces.iter().flatten().flatten().chain(results.dipole.iter().flatten());
    let electronic = results.electronic.as_ref();
    let matrices = [results.virial, results.polarizability, electronic.and_then(|e| e.quadrupole)];
    let orbitals = electronic.into_iter().flat_map(|e| e.orbital_energies.iter().chain(&e.occupations));
    let shells = electronic.into_iter().flat_map(|e| e.shell_charges.iter().flatten().map(|(_, q)| q));
    let bonds = electronic.into_iter().flat_map(|e| e.bond_orders.iter().map(|(_, _, order)| order));
    let mut all = vectors
        .chain(results.charges.iter().flatten())
        .chain(matrices.iter().flatten().flatten().flatten())
        .chain(results.born_charges.iter().flatten().flatten().flatten())
        .chain(orbitals)
        .chain(shells)
        .chain(bonds);
    if results.energy.is_none_or(f64::is_finite) && all.all(|x| x.is_finite()) {
        return Ok(results);
    }
    Err(Error::domain(
        "the model's result is not a finite number: the structure is far from anything it knows",
    ))
}

/// The failure of one structure of many, with the option that leaves it out.
pub fn with_mend(mut error: Error) -> Error {
    error.message.push_str("; --keep-going leaves such structures out");
    error
}
