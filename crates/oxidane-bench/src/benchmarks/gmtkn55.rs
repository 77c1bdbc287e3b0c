//! GMTKN55: general main-group thermochemistry, kinetics and non-covalent interactions.

use std::collections::{BTreeMap, HashMap};

use oxidane_core::{Result, System};

use super::{Benchmark, Published};
use crate::data::{DataFolder, Reactions, SetFile, stem, word};
use crate::plan::{Difference, Fault, Plan, Term, Weighting};
use crate::selection::Selection;
use crate::statistics::mean;

const STRUCTURES: SetFile = SetFile { folder: "gmtkn55", name: "gmtkn55_structures.extxyz" };
const REACTIONS: SetFile = SetFile { folder: "gmtkn55", name: "gmtkn55_reactions.json" };
const REFERENCE: &str = "high-level coupled cluster (W4, CCSD(T)/CBS and the like), as in the paper of the set (Goerigk et al., PCCP 19, \
                         32184 (2017))";
const SOURCE: &str = "github.com/aoterodelaroza/refdata, folders 10_din and 30_collection-GMTKN55; originals at \
                      github.com/grimme-lab/GMTKN55";
const LICENCE: &str = "GPL-3 (refdata); none stated for the originals";

/// Subsets and reactions of the complete set.
const SUBSETS: usize = 55;
const COMPLETE: usize = 1505;

/// The categories of the paper with their subsets, under the names of the files.
const CATEGORIES: [(&str, &[&str]); 5] = [
    (
        "basic properties",
        &[
            "w4-11",
            "g21ea",
            "g21ip",
            "dipcs10",
            "pa26",
            "sie4x4",
            "alkbde10",
            "ybde18",
            "al2x6",
            "heavysb11",
            "nbprc",
            "alk8",
            "rc21",
            "g2rc",
            "bh76rc",
            "fh51",
            "taut15",
            "dc13",
        ],
    ),
    ("large systems", &["mb16-43", "darc", "rse43", "bsr36", "cdie20", "iso34", "isol24", "c60iso", "parel"]),
    ("barriers", &["bh76", "bhperi", "bhdiv10", "inv24", "bhrot27", "px13", "wcpt18"]),
    (
        "intermolecular",
        &[
            "rg18", "adim6", "s22", "s66", "heavy28", "water27", "carbhb12", "pnico23", "hal59", "ahb21",
            "chb6", "il16",
        ],
    ),
    (
        "intramolecular",
        &["idisp", "iconf", "aconf", "amino20x4", "pconf21", "mconf", "sconf", "upu23", "but14diol"],
    ),
];

/// The whole set.
pub(super) const GMTKN55: Benchmark = Benchmark {
    name: "gmtkn55",
    title: "GMTKN55: thermochemistry, kinetics, interactions and conformers",
    measures: "reaction energies on given geometries: MAE by subset and WTMAD-2. The files have 53 of the 55 subsets (no S22, S66) and \
               leave out reactions that symmetry repeats; sets in them that are not of GMTKN55 are not read",
    reference: REFERENCE,
    source: SOURCE,
    licence: LICENCE,
    files: &[STRUCTURES, REACTIONS],
    published: &[Published {
        method: "g-xTB",
        what: "WTMAD-2 / kcal/mol, all 55 subsets",
        value: 9.3,
        source: "Froitzheim, Mueller, Hansen, Grimme, ChemRxiv 2025 (abstract)",
    }],
    read: all,
};

/// Its conformers.
pub(super) const CONFORMERS: Benchmark = Benchmark {
    name: "conformers",
    title: "Conformers: the eight conformer subsets of GMTKN55",
    measures: "energies of conformers against the lowest one or each other, on given geometries: MAE by subset",
    reference: REFERENCE,
    source: SOURCE,
    licence: LICENCE,
    files: &[STRUCTURES, REACTIONS],
    published: &[],
    read: conformers,
};

/// Its tautomers.
pub(super) const TAUTOMERS: Benchmark = Benchmark {
    name: "tautomers",
    title: "Tautomers: the subset TAUT15 of GMTKN55",
    measures: "energies of tautomers against each other, on given geometries",
    reference: REFERENCE,
    source: SOURCE,
    licence: LICENCE,
    files: &[STRUCTURES, REACTIONS],
    published: &[],
    read: tautomers,
};

fn all(data: &DataFolder, selection: &Selection) -> Result<Plan> {
    let of_set: Vec<_> = CATEGORIES.iter().flat_map(|(_, members)| members.iter().copied()).collect();
    let (reactions, faults) = read(data, &of_set)?;
    let mut scales: Vec<(String, f64)> = Vec::new();
    for reaction in &reactions {
        if scales.last().is_none_or(|(name, _)| *name != reaction.subset) {
            let same = reactions.iter().filter(|r| r.subset == reaction.subset);
            scales.push((reaction.subset.clone(), mean(same.map(|r| r.reference.abs()))));
        }
    }
    let categories = CATEGORIES.iter().map(|(name, members)| (*name, members.to_vec())).collect();
    let weighting = Weighting { scales, subsets: SUBSETS, reactions: COMPLETE, categories };
    Ok(Plan::differences(reactions, faults, Some(weighting), selection))
}

fn conformers(data: &DataFolder, selection: &Selection) -> Result<Plan> {
    let subsets = ["aconf", "amino20x4", "but14diol", "iconf", "mconf", "pconf21", "sconf", "upu23"];
    let (reactions, faults) = read(data, &subsets)?;
    Ok(Plan::differences(reactions, faults, None, selection))
}

fn tautomers(data: &DataFolder, selection: &Selection) -> Result<Plan> {
    let (reactions, faults) = read(data, &["taut15"])?;
    Ok(Plan::differences(reactions, faults, None, selection))
}

/// The reactions of some subsets, subset by subset.
fn read(data: &DataFolder, subsets: &[&str]) -> Result<(Vec<Difference>, Vec<Fault>)> {
    let mut structures: HashMap<String, System> = HashMap::new();
    for frame in data.frames(STRUCTURES)? {
        structures.insert(word(&frame, "name")?, frame.system);
    }
    let by_subset: BTreeMap<String, Reactions> = data.json(REACTIONS)?;
    let (mut all, mut faults) = (Vec::new(), Vec::new());
    for (subset, list) in by_subset.into_iter().filter(|(name, _)| subsets.contains(&&**name)) {
        for (i, reaction) in list.reactions.into_iter().enumerate() {
            let id = format!("{subset}/{}", i + 1);
            if let Some((_, name)) = reaction.stoich.iter().find(|(_, name)| !structures.contains_key(name)) {
                let reason = format!("no structure {name}");
                faults.push(Fault { subset: subset.clone(), id, reason });
                continue;
            }
            let terms = reaction.stoich.iter().map(|(coefficient, name)| Term {
                coefficient: *coefficient,
                system: structures[name].clone(),
            });
            all.push(Difference {
                terms: terms.collect(),
                aliases: reaction.stoich.iter().flat_map(|(_, n)| [n.clone(), stem(n).to_owned()]).collect(),
                id,
                subset: subset.clone(),
                reference: reaction.ref_kcal_mol,
            });
        }
    }
    Ok((all, faults))
}
