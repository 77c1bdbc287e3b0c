//! Units as XequiNet's configurations name them.

use oxidane_core::units::{BOHR, HARTREE, KCAL_PER_MOL, KJ_PER_MOL};
use oxidane_core::{Error, Result};

/// A unit of energy in eV.
pub(super) fn energy(name: &str) -> Result<f64> {
    find(
        "energy",
        name,
        &[
            ("eV", 1.0),
            ("meV", 1e-3),
            ("Hartree", HARTREE),
            ("Ha", HARTREE),
            ("Eh", HARTREE),
            ("AU", HARTREE),
            ("a.u.", HARTREE),
            ("kcal/mol", KCAL_PER_MOL),
            ("kJ/mol", KJ_PER_MOL),
            ("kJoule/mol", KJ_PER_MOL),
        ],
    )
}

/// A unit of length in angstrom.
pub(super) fn length(name: &str) -> Result<f64> {
    find(
        "pos",
        name,
        &[
            ("Angstrom", 1.0),
            ("Ang", 1.0),
            ("Bohr", BOHR),
            ("a0", BOHR),
            ("AU", BOHR),
            ("a.u.", BOHR),
            ("nm", 10.0),
        ],
    )
}

fn find(key: &str, name: &str, known: &[(&str, f64)]) -> Result<f64> {
    let plain: String = name.chars().filter(|c| !c.is_whitespace()).collect();
    known.iter().find(|(n, _)| n.eq_ignore_ascii_case(&plain)).map(|(_, x)| *x).ok_or_else(|| {
        let names: Vec<_> = known.iter().map(|(n, _)| *n).collect();
        Error::model(format!("config: unknown unit '{name}' of {key}; known are {}", names.join(", ")))
    })
}
