//! Barriers of elementary reactions.

use std::collections::BTreeMap;

use oxidane_core::{Result, System};

use super::Benchmark;
use crate::data::{DataFolder, SetFile, number, whole, word};
use crate::plan::{Difference, Fault, Plan, Term};
use crate::selection::Selection;

const FILE: SetFile = SetFile { folder: "rdb7_barriers", name: "rdb7.extxyz" };

/// RDB7.
pub(super) const RDB7: Benchmark = Benchmark {
    name: "barriers",
    title: "RDB7: 11,926 barriers of elementary reactions of H, C, N, O",
    measures: "energy of the transition state less that of the reactant, on given geometries. The reference has the zero-point energies in \
               it, the models have not: a mean error of some kcal/mol (a model's barrier too high) is that",
    reference: "CCSD(T)-F12a/cc-pVDZ-F12 on geometries of wB97X-D3/def2-TZVP, with zero-point energies",
    source: "github.com/heid-lab/reaction_database, data/rdb7",
    licence: "MIT",
    files: &[FILE],
    published: &[],
    read,
};

fn read(data: &DataFolder, selection: &Selection) -> Result<Plan> {
    /// Reactant, transition state, barrier.
    type Reaction = (Option<System>, Option<System>, f64);
    let mut reactions: BTreeMap<i32, Reaction> = BTreeMap::new();
    for frame in data.frames(FILE)? {
        let role = word(&frame, "role")?;
        let entry = reactions.entry(whole(&frame, "rxn")?).or_default();
        entry.2 = number(&frame, "barrier_kcal_mol")?;
        match role.as_str() {
            "r" => entry.0 = Some(frame.system),
            "ts" => entry.1 = Some(frame.system),
            _ => {}
        }
    }
    let (mut all, mut faults) = (Vec::new(), Vec::new());
    for (id, (reactant, state, barrier)) in reactions {
        let (id, subset) = (id.to_string(), "RDB7".to_owned());
        let (Some(reactant), Some(state)) = (reactant, state) else {
            faults.push(Fault { subset, id, reason: "no reactant or no transition state".into() });
            continue;
        };
        let terms =
            vec![Term { coefficient: 1.0, system: state }, Term { coefficient: -1.0, system: reactant }];
        all.push(Difference { id, aliases: Vec::new(), subset, terms, reference: barrier });
    }
    Ok(Plan::differences(all, faults, None, selection))
}
