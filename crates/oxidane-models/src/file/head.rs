//! What a model file says about a head of its model.

use oxidane_core::{Error, Result, elements};
use oxidane_physics::D3Potential;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A head: a level of theory, the reference energies that belong to it, and what was seen of it in training.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Its name among the heads of the network (hyperparameter `heads`); empty for a single head without one.
    pub name: String,
    /// Level of theory of its training data, dispersion included.
    pub level_of_theory: Option<String>,
    /// Energy of a free atom by element symbol, in eV, added to the network's energy.
    pub reference_energies: BTreeMap<String, f64>,
    /// Energy in eV per unit of the total charge, added likewise.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub charge_energy: f64,
    /// The method whose energy the network corrects: the network was trained on what it leaves of the labels, and answers
    /// together with it. `None` for a network that stands for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Base>,
    /// Dispersion that is added to the network's energy: the network was trained on what is left without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispersion: Option<Dispersion>,
    /// That the file has an uncertainty of this head's energies, and where it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncertainty: Option<Calibration>,
    /// Atomic numbers of the elements seen in training, ascending; empty if unknown.
    pub elements: Vec<u8>,
    /// Total charges seen, in e; empty if unknown.
    pub charges: Vec<i32>,
    /// Numbers of unpaired electrons seen; empty if unknown.
    pub unpaired: Vec<u32>,
}

/// A method below a network (delta learning; R. Ramakrishnan, P. O. Dral, M. Rupp, O. A. von Lilienfeld, J. Chem. Theory
/// Comput. 2015, 11, 2087): the model's energy is the method's and the network's. Networks do not know the methods; whoever makes
/// a potential brings them, see [`crate::Model::potential_on`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Base {
    /// Name of the method, such as `gfn2`.
    pub method: String,
    /// Version of its parameters and implementation: another one gives other energies.
    pub version: u32,
}

impl fmt::Display for Base {
    /// Such as `gfn2-v1`: how labels say what made them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-v{}", self.method, self.version)
    }
}

/// Where the uncertainty of a head's energies comes from, see [`crate::PredictionRigidity`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Structures trained on whose features are in it.
    pub trained: u64,
    /// Errors of energies and of differences, on structures not trained on, that set its size.
    pub calibrated: u64,
    /// Root mean square error over root mean square uncertainty of structures that are in neither, where there are any: 1 is ideal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tested: Option<f64>,
}

/// Dispersion D3(BJ) as a part of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dispersion {
    /// The functional whose damping parameters it has, as [`D3Potential::new`] takes it.
    pub functional: String,
    /// Whether the three-body term of Axilrod, Teller and Muto is in it.
    pub three_body: bool,
}

impl Dispersion {
    /// The potential that is added.
    ///
    /// # Errors
    /// The functional is not known.
    pub fn potential(&self) -> Result<D3Potential> {
        D3Potential::new(&self.functional, self.three_body)
    }
}

impl fmt::Display for Dispersion {
    /// Such as `D3(BJ) of pbe`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let triples = if self.three_body { " with the three-body term" } else { "" };
        write!(f, "D3(BJ) of {}{triples}", self.functional)
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde calls it
fn is_zero(x: &f64) -> bool {
    *x == 0.0
}

impl Head {
    /// Whether it makes sense, the name aside; `several`: as one of several heads, which must have reference energies of
    /// their own for all of their elements, or none at all.
    pub(super) fn check(&self, several: bool) -> Result<()> {
        let bad = |what: String| Err(Error::model(what));
        if let Some(z) = self.elements.iter().find(|z| !(1..=elements::MAX_Z).contains(*z)) {
            return bad(format!("element {z} does not exist"));
        }
        if !self.elements.is_sorted_by(|a, b| a < b) {
            return bad("elements are not in ascending order".into());
        }
        for (symbol, energy) in &self.reference_energies {
            if elements::from_symbol(symbol).is_none() {
                return bad(format!("reference energy of unknown element '{symbol}'"));
            }
            if !energy.is_finite() {
                return bad(format!("reference energy of {symbol} is not a finite number"));
            }
        }
        if !self.charge_energy.is_finite() {
            return bad("energy of the charge is not a finite number".into());
        }
        if several && !self.reference_energies.is_empty() {
            let lacks = |z: &&u8| !self.reference_energies.contains_key(elements::symbol(**z));
            if let Some(&z) = self.elements.iter().find(lacks) {
                return bad(format!("head {} has no reference energy of {}", self.name, elements::symbol(z)));
            }
            if self.elements.is_empty() {
                return bad(format!("head {} has reference energies but no elements", self.name));
            }
        }
        if self.base.as_ref().is_some_and(|base| base.method.is_empty()) {
            return bad("the method below the network has no name".into());
        }
        match &self.dispersion {
            Some(dispersion) => dispersion.potential().map(|_| ()),
            None => Ok(()),
        }
    }
}
