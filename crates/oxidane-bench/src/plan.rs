//! [`Plan`]: the structures that a benchmark computes, each once, and what is asked of them.

use std::collections::HashMap;

use oxidane_core::System;
use serde::Serialize;

use crate::selection::{Sample, Selection, Unit};

/// A structure in a difference, with its coefficient.
#[derive(Debug, Clone)]
pub struct Term {
    /// What its energy is multiplied by.
    pub coefficient: f64,
    /// The structure.
    pub system: System,
}

/// A sum of energies with coefficients that has a reference value: a reaction, an interaction, a lattice energy.
#[derive(Debug, Clone)]
pub struct Difference {
    /// Its name in the set.
    pub id: String,
    /// Other names by which it can be selected.
    pub aliases: Vec<String>,
    /// The part of the set that it belongs to.
    pub subset: String,
    /// The structures.
    pub terms: Vec<Term>,
    /// Reference value in kcal/mol.
    pub reference: f64,
}

/// A structure of a profile.
#[derive(Debug, Clone)]
pub struct Point {
    /// Where it is along the profile, such as an angle in degrees.
    pub x: f64,
    /// The structure.
    pub system: System,
    /// What its energy is multiplied by, such as one over the molecules in a cell.
    pub scale: f64,
    /// Reference energy in kcal/mol, up to a constant of the profile.
    pub reference: f64,
    /// Energies in kcal/mol by the methods of [`Plan::given`].
    pub given: Vec<f64>,
}

/// Structures of one composition whose energies are compared up to a constant: a torsion scan, a crystal landscape.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Its name in the set.
    pub id: String,
    /// The part of the set that it belongs to.
    pub subset: String,
    /// The structures.
    pub points: Vec<Point>,
}

/// A structure to be optimised.
#[derive(Debug, Clone)]
pub struct Start {
    /// Its name in the set.
    pub id: String,
    /// The geometry.
    pub system: System,
}

impl Unit for Difference {
    fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.id.as_str()).chain(self.aliases.iter().map(String::as_str))
    }
}

impl Unit for Profile {
    fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.id.as_str())
    }
}

impl Unit for Start {
    fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.id.as_str())
    }
}

/// Something that a set names but that cannot be computed, whatever the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The part of the set.
    pub subset: String,
    /// Its name in the set.
    pub id: String,
    /// What is wrong.
    pub reason: String,
}

/// How subsets are weighted into one number, see [`crate::statistics::wtmad2`].
#[derive(Debug, Clone, Default)]
pub struct Weighting {
    /// Mean absolute reference value in kcal/mol of each subset, over all that the set has.
    pub scales: Vec<(String, f64)>,
    /// Number of subsets that the complete set has.
    pub subsets: usize,
    /// Number of reactions that the complete set has.
    pub reactions: usize,
    /// Groups of subsets for which the number is given too: name, members.
    pub categories: Vec<(&'static str, Vec<&'static str>)>,
}

/// What is asked of the structures, which are meant by their places in [`Plan::systems`].
#[derive(Debug, Clone)]
pub enum Work {
    /// Differences of energies.
    Differences {
        /// By name, subset and reference, with (coefficient, structure).
        entries: Vec<Planned>,
        /// The weights of an overall number, of sets that have one.
        weighting: Option<Weighting>,
    },
    /// Energies up to a constant; the structures of [`Profile::points`] are left empty.
    Profiles {
        /// The profiles, with the place of each point's structure.
        profiles: Vec<(Profile, Vec<usize>)>,
        /// What the points are ranged by, with its unit.
        axis: &'static str,
    },
    /// Optimisations of the structures, in their order.
    Optimisations(Vec<String>),
}

/// A difference with the places of its structures.
#[derive(Debug, Clone)]
pub struct Planned {
    /// Its name in the set.
    pub id: String,
    /// The part of the set.
    pub subset: String,
    /// (coefficient, structure).
    pub terms: Vec<(f64, usize)>,
    /// Reference value in kcal/mol.
    pub reference: f64,
}

/// All that a benchmark needs from a model.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The structures to compute, each once.
    pub systems: Vec<System>,
    /// What is asked of them.
    pub work: Work,
    /// Methods whose energies come with the set, for comparison.
    pub given: Vec<String>,
    /// What cannot be computed by anyone.
    pub faults: Vec<Fault>,
    /// Which part of the set this is.
    pub sample: Sample,
}

impl Plan {
    /// Of differences.
    pub fn differences(
        all: Vec<Difference>,
        faults: Vec<Fault>,
        weighting: Option<Weighting>,
        selection: &Selection,
    ) -> Self {
        let (chosen, sample) = selection.take(all);
        let mut pool = Pool::default();
        let entries = chosen.into_iter().map(|d| Planned {
            id: d.id,
            subset: d.subset,
            terms: d.terms.into_iter().map(|t| (t.coefficient, pool.place(t.system))).collect(),
            reference: d.reference,
        });
        let entries = entries.collect();
        let work = Work::Differences { entries, weighting };
        Self { systems: pool.systems, work, given: Vec::new(), faults, sample }
    }

    /// Of profiles; `axis` says what the points are ranged by, `given` which methods came with the set.
    pub fn profiles(
        all: Vec<Profile>,
        axis: &'static str,
        given: Vec<String>,
        faults: Vec<Fault>,
        selection: &Selection,
    ) -> Self {
        let (chosen, sample) = selection.take(all);
        let mut pool = Pool::default();
        let profiles = chosen.into_iter().map(|mut profile| {
            let take = |p: &mut Point| pool.place(std::mem::take(&mut p.system));
            let places = profile.points.iter_mut().map(take).collect();
            (profile, places)
        });
        let profiles = profiles.collect();
        Self { systems: pool.systems, work: Work::Profiles { profiles, axis }, given, faults, sample }
    }

    /// Of optimisations.
    pub fn optimisations(all: Vec<Start>, selection: &Selection) -> Self {
        let (chosen, sample) = selection.take(all);
        let (names, systems) = chosen.into_iter().map(|s| (s.id, s.system)).unzip();
        Self { systems, work: Work::Optimisations(names), given: Vec::new(), faults: Vec::new(), sample }
    }
}

/// Structures, each once: the same bits have the same place. Single atoms are the same wherever they are.
#[derive(Default)]
struct Pool {
    systems: Vec<System>,
    places: HashMap<Vec<u64>, usize>,
}

impl Pool {
    fn place(&mut self, mut system: System) -> usize {
        if system.len() == 1 && system.cell.is_none() {
            system.positions[0] = [0.0; 3];
        }
        let systems = &mut self.systems;
        *self.places.entry(bits(&system)).or_insert_with(|| {
            systems.push(system);
            systems.len() - 1
        })
    }
}

#[allow(clippy::cast_sign_loss)] // one value for one value
fn bits(system: &System) -> Vec<u64> {
    let mut key = vec![i64::from(system.charge) as u64, u64::from(system.unpaired)];
    key.extend(system.numbers.iter().map(|&z| u64::from(z)));
    key.extend(system.positions.iter().flatten().map(|x| x.to_bits()));
    if let Some(cell) = &system.cell {
        key.extend(cell.periodic.map(u64::from));
        key.extend(cell.vectors.iter().flatten().map(|x| x.to_bits()));
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_structure_is_computed_once() {
        let atom = |x: f64| System::molecule(vec![2], vec![[x, 0.0, 0.0]]);
        let pair = System::molecule(vec![2, 2], vec![[0.0; 3], [3.0, 0.0, 0.0]]);
        let ion = System { charge: 1, unpaired: 1, ..atom(0.0) };
        let terms = [pair.clone(), atom(0.0), atom(3.0), ion, pair];
        let difference = Difference {
            id: "a".into(),
            aliases: Vec::new(),
            subset: "s".into(),
            terms: terms.into_iter().map(|system| Term { coefficient: 1.0, system }).collect(),
            reference: 0.0,
        };
        let plan = Plan::differences(vec![difference], Vec::new(), None, &Selection::default());
        let Work::Differences { entries, .. } = &plan.work else { panic!("differences") };
        let places: Vec<_> = entries[0].terms.iter().map(|t| t.1).collect();
        assert_eq!(places, [0, 1, 1, 2, 0]);
        assert_eq!(plan.systems.len(), 3);
    }
}
