//! Crystal landscapes: energies per molecule of the crystal structures of one compound.

use std::collections::{BTreeMap, HashMap};

use oxidane_core::units::KCAL_PER_MOL;
use oxidane_core::{Result, System};

use super::Benchmark;
use crate::data::{DataFolder, Reactions, SetFile, number, word};
use crate::plan::{Fault, Plan, Point, Profile};
use crate::selection::Selection;

const POLYMORPH: [SetFile; 2] = [
    SetFile { folder: "crystals_refdata", name: "polymorph.extxyz" },
    SetFile { folder: "crystals_refdata", name: "polymorph_reference.json" },
];
const PREDICTED_FILE: SetFile = SetFile { folder: "schrodinger_mlff", name: "OrganicCrystals_PBE-D3.extxyz" };
const OBSERVED_FILE: SetFile =
    SetFile { folder: "schrodinger_mlff", name: "OrganicCrystals_PBE-D3_experimental_structures.extxyz" };
const AXIS: &str = "reference energy per molecule / (kcal/mol)";
const MEASURES: &str = "energy per molecule on given geometries and cells, about the mean of each compound: MAE, rank correlation, whether \
                        the lowest structure is the reference's";
const SOURCE: &str = "github.com/leifjacobson/MLFF_test_data, folders OrganicCrystals_*";

/// The candidates of the blind tests.
pub(super) const POLYMORPHS: Benchmark = Benchmark {
    name: "polymorphs",
    title: "Candidates of the crystal structure prediction blind tests: 448 structures of 14 compounds",
    measures: MEASURES,
    reference: "B86bPBE-XDM (Whittleton et al., J. Chem. Theory Comput. 13, 441 (2017))",
    source: "github.com/aoterodelaroza/refdata, folder 25_polymorph",
    licence: "GPL-3",
    files: &POLYMORPH,
    published: &[],
    read: polymorphs,
};

/// Predicted and observed structures.
pub(super) const LANDSCAPES: Benchmark = Benchmark {
    name: "landscapes",
    title: "Crystal landscapes of DUDZIL, GLYCIN, QQQAUG and VIPKIO: 1457 predicted structures with the observed forms",
    measures: MEASURES,
    reference: "PBE-D3",
    source: SOURCE,
    licence: "MIT",
    files: &[PREDICTED_FILE, OBSERVED_FILE],
    published: &[],
    read: landscapes,
};

/// Observed structures alone.
pub(super) const OBSERVED: Benchmark = Benchmark {
    name: "observed-forms",
    title: "Observed polymorphs: 57 structures of 13 compounds",
    measures: MEASURES,
    reference: "PBE-D3",
    source: SOURCE,
    licence: "MIT",
    files: &[OBSERVED_FILE],
    published: &[],
    read: observed,
};

fn polymorphs(data: &DataFolder, selection: &Selection) -> Result<Plan> {
    let mut structures: HashMap<String, System> = HashMap::new();
    for frame in data.frames(POLYMORPH[0])? {
        structures.entry(word(&frame, "name")?).or_insert(frame.system);
    }
    let list: Reactions = data.json(POLYMORPH[1])?;
    let (mut compounds, mut faults) = (BTreeMap::<String, Profile>::new(), Vec::new());
    for reaction in list.reactions {
        let term = |sign: f64| reaction.stoich.iter().find(|(c, _)| c * sign > 0.0);
        let (Some((share, name)), Some((zero_share, zero))) = (term(1.0), term(-1.0)) else { continue };
        let compound = zero.split('-').next().unwrap_or(zero);
        let (Some(system), Some(zero_system)) = (structures.get(name), structures.get(zero)) else {
            let reason = "no structure of that name".into();
            faults.push(Fault { subset: compound.into(), id: name.clone(), reason });
            continue;
        };
        let point = |scale: f64, reference: f64, system: &System| Point {
            x: reference,
            system: system.clone(),
            scale,
            reference,
            given: Vec::new(),
        };
        let profile = compounds.entry(compound.into()).or_insert_with(|| Profile {
            id: compound.into(),
            subset: "candidates".into(),
            points: vec![point(-zero_share, 0.0, zero_system)],
        });
        profile.points.push(point(*share, reaction.ref_kcal_mol, system));
    }
    Ok(Plan::profiles(compounds.into_values().collect(), AXIS, Vec::new(), faults, selection))
}

fn landscapes(data: &DataFolder, selection: &Selection) -> Result<Plan> {
    let mut compounds = read(data, PREDICTED_FILE, "predicted and observed")?;
    for (id, profile) in read(data, OBSERVED_FILE, "")? {
        if let Some(predicted) = compounds.get_mut(&id) {
            predicted.points.extend(profile.points);
        }
    }
    let profiles = compounds.into_values().map(from_lowest).collect();
    Ok(Plan::profiles(profiles, AXIS, Vec::new(), Vec::new(), selection))
}

fn observed(data: &DataFolder, selection: &Selection) -> Result<Plan> {
    let compounds = read(data, OBSERVED_FILE, "observed")?;
    let (several, single): (Vec<_>, Vec<_>) = compounds.into_values().partition(|p| p.points.len() > 1);
    let alone =
        |p: Profile| Fault { subset: p.subset, id: p.id, reason: "one form only: nothing to rank".into() };
    let faults = single.into_iter().map(alone).collect();
    let profiles = several.into_iter().map(from_lowest).collect();
    Ok(Plan::profiles(profiles, AXIS, Vec::new(), faults, selection))
}

/// Reference energies from the lowest one on, which is also what the points are ranged by.
fn from_lowest(mut profile: Profile) -> Profile {
    let lowest = profile.points.iter().fold(f64::INFINITY, |low, p| low.min(p.reference));
    for point in &mut profile.points {
        point.reference -= lowest;
        point.x = point.reference;
    }
    profile
}

/// The structures by compound, with total energies per molecule.
fn read(data: &DataFolder, file: SetFile, subset: &str) -> Result<BTreeMap<String, Profile>> {
    let mut compounds = BTreeMap::<String, Profile>::new();
    for frame in data.frames(file)? {
        let id = word(&frame, "system")?;
        let scale = 1.0 / number(&frame, "number_of_molecules")?;
        let reference = scale * number(&frame, "energy")? / KCAL_PER_MOL;
        let profile = compounds.entry(id.clone()).or_insert_with(|| Profile {
            id,
            subset: subset.to_owned(),
            points: Vec::new(),
        });
        let system = frame.system;
        profile.points.push(Point { x: reference, system, scale, reference, given: Vec::new() });
    }
    Ok(compounds)
}
