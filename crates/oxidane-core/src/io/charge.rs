//! Total charge and spin: the keys in use, and how a file's word and a user's word are combined.

use super::data::{Data, Shape, Value};
use super::frame::Frame;
use crate::System;
use crate::error::{Error, Result};

/// Total charge and unpaired electrons as far as somebody stated them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChargeSpin {
    /// Total charge in e.
    pub charge: Option<i32>,
    /// Number of unpaired electrons (multiplicity minus one).
    pub unpaired: Option<u32>,
}

impl ChargeSpin {
    /// From a charge and a multiplicity 2S + 1.
    ///
    /// # Errors
    /// If the multiplicity is 0.
    pub fn with_multiplicity(charge: Option<i32>, multiplicity: Option<u32>) -> Result<Self> {
        let unpaired = multiplicity
            .map(|m| {
                m.checked_sub(1).ok_or_else(|| Error::input("multiplicity 0; a singlet has multiplicity 1"))
            })
            .transpose()?;
        Ok(Self { charge, unpaired })
    }

    /// What `self` states, and for the rest what `other` does.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { charge: self.charge.or(other.charge), unpaired: self.unpaired.or(other.unpaired) }
    }

    /// Gives `system` the stated charge (else 0) and the stated unpaired electrons (else the fewest that the
    /// parity of the electron count allows), and validates it.
    ///
    /// # Errors
    /// Those of [`System::validate`]: above all a spin that does not fit the number of electrons.
    pub fn set(self, system: &mut System) -> Result<()> {
        system.charge = self.charge.unwrap_or(0);
        system.unpaired = self.unpaired.unwrap_or_else(|| system.lowest_unpaired());
        system.validate()
    }

    /// Overrides what the file of `frame` stated: a user's word goes before the file's, the file's before the
    /// default. A spin stated by the file is kept when only the charge is overridden, and must then fit.
    ///
    /// # Errors
    /// As [`ChargeSpin::set`], placed at the frame.
    pub fn apply(self, frame: &mut Frame) -> Result<()> {
        self.or(frame.stated).set(&mut frame.system).map_err(|e| frame.origin.place(e))
    }
}

/// What a per-frame key of extended XYZ says about charge or spin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Charge,
    Multiplicity,
    Unpaired,
}

/// Keys read as charge or spin, compared without regard to case:
/// - charge: `charge` (ASE, MACE, fairchem), `total_charge` (MACE, SchNetPack), `chrg` (xtb),
///   `molecular_charge` (QCSchema);
/// - multiplicity 2S + 1: `multiplicity`, `mult` (AIMNet), `spin_multiplicity` (SchNetPack),
///   `molecular_multiplicity` (QCSchema), `spin` (fairchem, Orb) and `total_spin` (MACE), both of which hold
///   the multiplicity in spite of their names;
/// - unpaired electrons: `unpaired`, `unpaired_electrons`, `uhf` (xtb).
///
/// `q`, `magmom` and others of more than one meaning are left in `info`.
pub(super) fn meaning(key: &str) -> Option<Meaning> {
    const KEYS: [(&str, Meaning); 13] = [
        ("charge", Meaning::Charge),
        ("total_charge", Meaning::Charge),
        ("chrg", Meaning::Charge),
        ("molecular_charge", Meaning::Charge),
        ("multiplicity", Meaning::Multiplicity),
        ("mult", Meaning::Multiplicity),
        ("spin_multiplicity", Meaning::Multiplicity),
        ("molecular_multiplicity", Meaning::Multiplicity),
        ("spin", Meaning::Multiplicity),
        ("total_spin", Meaning::Multiplicity),
        ("unpaired", Meaning::Unpaired),
        ("unpaired_electrons", Meaning::Unpaired),
        ("uhf", Meaning::Unpaired),
    ];
    KEYS.iter().find(|(k, _)| k.eq_ignore_ascii_case(key)).map(|&(_, m)| m)
}

/// Takes up one key of charge or spin; two keys that disagree are refused.
pub(super) fn state(stated: &mut ChargeSpin, key: &str, meaning: Meaning, value: &Value) -> Result<()> {
    let n = whole_number(key, value)?;
    if meaning == Meaning::Charge {
        let charge =
            i32::try_from(n).map_err(|_| Error::input(format!("{key}={n} is no charge of a structure")))?;
        return agree(&mut stated.charge, charge, key, "total charge");
    }
    let unpaired = if meaning == Meaning::Multiplicity { n - 1 } else { n };
    let unpaired = u32::try_from(unpaired).map_err(|_| {
        Error::input(match meaning {
            Meaning::Multiplicity => format!(
                "{key}={n}: `{key}` is the multiplicity 2S+1, at least 1; write unpaired=N for unpaired electrons"
            ),
            _ => format!("{key}={n}: the number of unpaired electrons is 0 or more"),
        })
    })?;
    agree(&mut stated.unpaired, unpaired, key, "number of unpaired electrons")
}

fn agree<T: PartialEq + std::fmt::Display + Copy>(
    slot: &mut Option<T>,
    new: T,
    key: &str,
    what: &str,
) -> Result<()> {
    match *slot {
        Some(old) if old != new => Err(Error::input(format!(
            "`{key}` gives the {what} as {new}, another key as {old}; keep one of them"
        ))),
        _ => {
            *slot = Some(new);
            Ok(())
        }
    }
}

/// An integer, or a real number that is one (`charge=-1.0`).
#[allow(clippy::cast_possible_truncation)]
fn whole_number(key: &str, value: &Value) -> Result<i64> {
    match (value.data(), value.shape()) {
        (Data::Int(v), Shape::Scalar) if v.len() == 1 => return Ok(v[0].clamp(-(1 << 40), 1 << 40)),
        (Data::Real(v), Shape::Scalar) if v.len() == 1 && v[0].fract() == 0.0 && v[0].abs() < 1e9 => {
            return Ok(v[0] as i64);
        }
        _ => {}
    }
    Err(Error::input(format!("`{key}` must be a whole number, not {}", super::keyvalue::show(value))))
}
