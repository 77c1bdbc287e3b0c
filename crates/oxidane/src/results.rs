//! Structures with the results of a calculation in place of whatever labels their file had.

use oxidane_core::io::{Array, Data, Frame, LabelKeys, Value};
use oxidane_core::{Evaluation, System};

use crate::output::json;

/// Results that programs write besides those of [`LabelKeys`]; none of them holds for a new calculation.
const OTHER_LABELS: [&str; 7] =
    ["free_energy", "energies", "stresses", "born_charges", "magmom", "magmoms", "dipoles"];

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
