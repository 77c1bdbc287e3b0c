//! Interaction energies of two molecules: the dimer less its two fragments, all in the dimer's geometry.

use std::collections::HashMap;

use oxidane_core::io::Frame;
use oxidane_core::units::KCAL_PER_MOL;
use oxidane_core::{Result, System};

use super::Benchmark;
use crate::data::{DataFolder, SetFile, missing, number, whole, word};
use crate::plan::{Difference, Plan, Point, Profile, Term};
use crate::selection::Selection;

const SAPT10K_FILE: SetFile = SetFile { folder: "so3lr_sapt10k", name: "sapt10k.extxyz" };
const COMP6_FILE: SetFile = SetFile { folder: "comp6_s66x8", name: "comp6_s66x8.extxyz" };
const SAPT10K_SOURCE: &str = "github.com/general-molecular-simulations/so3lr, examples/data/sapt10k.zip";

const fn atlas(name: &'static str) -> SetFile {
    SetFile { folder: "nciatlas", name }
}

const ATLAS_FILES: &[SetFile] = &[
    atlas("NCIA_HB375x10.extxyz"),
    atlas("NCIA_HB300SPXx10.extxyz"),
    atlas("NCIA_IHB100x10.extxyz"),
    atlas("NCIA_D442x10.extxyz"),
    atlas("NCIA_D1200.extxyz"),
    atlas("NCIA_SH250x10.extxyz"),
    atlas("NCIA_R739x5.extxyz"),
];

/// S66x8.
pub(super) const S66X8: Benchmark = Benchmark {
    name: "s66x8",
    title: "S66x8: 66 dimers of organic molecules at 8 distances",
    measures: "interaction energy, dimer less its fragments in the geometry of the dimer; by distance (0.90 to 2.00 of the \
               equilibrium)",
    reference: "benchmark interaction energies of S66x8 as they stand in SAPT10K (group S66x8), whose files do not state the level",
    source: SAPT10K_SOURCE,
    licence: "MIT",
    files: &[SAPT10K_FILE],
    published: &[],
    read: s66x8,
};

/// The curves of S66x8 in COMP6.
pub(super) const S66X8_CURVES: Benchmark = Benchmark {
    name: "s66x8-curves",
    title: "S66x8 of COMP6: 66 dissociation curves of 8 points",
    measures: "total energies along each curve, about their mean; the set has no energies of fragments",
    reference: "wB97X/6-31G* (no dispersion, a small basis: a check of models of that level, hardly of others)",
    source: "github.com/isayev/COMP6, COMP6v1/s66x8",
    licence: "MIT",
    files: &[COMP6_FILE],
    published: &[],
    read: s66x8_curves,
};

/// The Non-Covalent Interactions Atlas.
pub(super) const NCIATLAS: Benchmark = Benchmark {
    name: "nciatlas",
    title: "Non-Covalent Interactions Atlas: 19,565 dimers in 7 sets",
    measures: "interaction energy, dimer less its fragments in the geometry of the dimer; by set (hydrogen bonds, ionic hydrogen \
               bonds, dispersion, sigma holes, repulsive contacts)",
    reference: "CCSD(T)/CBS",
    source: "github.com/Honza-R/NCIAtlas; www.nciatlas.org",
    licence: "CC-BY by the site; no licence file in the repository",
    files: ATLAS_FILES,
    published: &[],
    read: nciatlas,
};

/// SAPT10K.
pub(super) const SAPT10K: Benchmark = Benchmark {
    name: "sapt10k",
    title: "SAPT10K: 9948 dimers from many sets",
    measures: "interaction energy, dimer less its fragments in the geometry of the dimer; by the set of origin. Dimers pulled apart \
               by 10,000 angstrom, which the file has too, are not read",
    reference: "benchmark interaction energies; the files do not state the level",
    source: SAPT10K_SOURCE,
    licence: "MIT",
    files: &[SAPT10K_FILE],
    published: &[],
    read: sapt10k,
};

fn nciatlas(data: &DataFolder, selection: &Selection) -> Result<Plan> {
    let mut all = Vec::new();
    for &file in ATLAS_FILES {
        let set = file.name.trim_start_matches("NCIA_").trim_end_matches(".extxyz");
        for frame in data.frames(file)? {
            let name = word(&frame, "name")?;
            let reference = number(&frame, "E_int_kcal_mol")?;
            let terms = dimer(&frame)?;
            let id = format!("{set}/{name}");
            all.push(Difference { id, aliases: vec![name], subset: set.to_owned(), terms, reference });
        }
    }
    Ok(Plan::differences(all, Vec::new(), None, selection))
}

fn sapt10k(data: &DataFolder, selection: &Selection) -> Result<Plan> {
    let all = sapt10k_dimers(data, |group, _| Some(group.to_owned()))?;
    Ok(Plan::differences(all, Vec::new(), None, selection))
}

/// Names of S66x8 end with the distance in per cent.
fn s66x8(data: &DataFolder, selection: &Selection) -> Result<Plan> {
    let distance = |name: &str| name.rsplit('-').next()?.parse::<u32>().ok();
    let mut all = sapt10k_dimers(data, |group, name| {
        let percent = distance(name)?;
        (group == "S66x8").then(|| format!("distance {}.{:02}", percent / 100, percent % 100))
    })?;
    all.sort_by(|a, b| a.subset.cmp(&b.subset));
    Ok(Plan::differences(all, Vec::new(), None, selection))
}

/// The dimers of SAPT10K to which `subset` gives a part by group and short name.
fn sapt10k_dimers(
    data: &DataFolder,
    subset: impl Fn(&str, &str) -> Option<String>,
) -> Result<Vec<Difference>> {
    let mut all = Vec::new();
    for frame in data.frames(SAPT10K_FILE)? {
        if word(&frame, "structure_type")? != "dimer_original" {
            continue;
        }
        let (group, name) = (word(&frame, "group")?, word(&frame, "name")?);
        let short = name.trim_end_matches(".xyz").trim_end_matches("-dimer");
        let Some(subset) = subset(&group, short) else { continue };
        let reference = number(&frame, "E_int_eV")? / KCAL_PER_MOL;
        let terms = dimer(&frame)?;
        all.push(Difference { id: short.to_owned(), aliases: vec![name.clone()], subset, terms, reference });
    }
    Ok(all)
}

/// The dimer less its fragments, which have the charges that the frame states and the fewest unpaired electrons.
fn dimer(frame: &Frame) -> Result<Vec<Term>> {
    let marks = frame.arrays.get("fragment").and_then(|a| a.data.to_reals());
    let marks = marks.ok_or_else(|| missing(frame, "fragment"))?;
    let mut terms = vec![Term { coefficient: 1.0, system: frame.system.clone() }];
    for (mark, key) in [(0.0, "charge_a"), (1.0, "charge_b")] {
        let atoms: Vec<_> = (0..frame.system.len()).filter(|&i| marks[i] == mark).collect();
        terms.push(Term { coefficient: -1.0, system: part(&frame.system, &atoms, whole(frame, key)?) });
    }
    let whole_of_it = terms[1].system.len() + terms[2].system.len() == frame.system.len();
    if !whole_of_it || terms.iter().any(|t| t.system.is_empty()) {
        return Err(missing(frame, "fragment"));
    }
    Ok(terms)
}

/// Some atoms of a molecule with a charge of their own.
pub(super) fn part(system: &System, atoms: &[usize], charge: i32) -> System {
    let mut part = System::molecule(
        atoms.iter().map(|&i| system.numbers[i]).collect(),
        atoms.iter().map(|&i| system.positions[i]).collect(),
    );
    part.charge = charge;
    part.unpaired = part.lowest_unpaired();
    part
}

fn s66x8_curves(data: &DataFolder, selection: &Selection) -> Result<Plan> {
    let mut profiles: Vec<Profile> = Vec::new();
    let mut places = HashMap::new();
    for frame in data.frames(COMP6_FILE)? {
        let id = word(&frame, "system")?;
        let (x, energy) = (number(&frame, "idx")?, number(&frame, "energy")?);
        let place = *places.entry(id.clone()).or_insert(profiles.len());
        if place == profiles.len() {
            profiles.push(Profile { id, subset: "curves".into(), points: Vec::new() });
        }
        let reference = energy / KCAL_PER_MOL;
        let point = Point { x, system: frame.system, scale: 1.0, reference, given: Vec::new() };
        profiles[place].points.push(point);
    }
    Ok(Plan::profiles(profiles, "point of the curve", Vec::new(), Vec::new(), selection))
}
