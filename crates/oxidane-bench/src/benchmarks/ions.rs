//! Single ions with water and with each other.

use oxidane_core::io::Frame;
use oxidane_core::units::KCAL_PER_MOL;
use oxidane_core::{Error, Result, elements};

use super::Benchmark;
use super::dimers::part;
use crate::data::{DataFolder, SetFile, number, word};
use crate::plan::{Difference, Plan, Term};
use crate::selection::Selection;

const WATER_FILE: SetFile = SetFile { folder: "ion_water_cmm", name: "ion_water_dimers_aimd.extxyz" };
const PAIRS_FILE: SetFile = SetFile { folder: "ion_water_cmm", name: "ion_ion_scans.extxyz" };
const SOURCE: &str = "github.com/THGLab/CMM_Data, folder ion_water";
const REFERENCE: &str = "wB97X-V/def2-QZVPPD";

/// Ions with one water molecule.
pub(super) const ION_WATER: Benchmark = Benchmark {
    name: "ion-water",
    title: "35,200 pairs of an ion and a water molecule from dynamics",
    measures: "interaction energy, pair less ion and water; by ion",
    reference: REFERENCE,
    source: SOURCE,
    licence: "CC0",
    files: &[WATER_FILE],
    published: &[],
    read: ion_water,
};

/// Two or three ions.
pub(super) const ION_PAIRS: Benchmark = Benchmark {
    name: "ion-pairs",
    title: "12,186 structures of two or three ions from scans of distances and angles",
    measures: "interaction energy, all ions less each of them; opposite charges, like charges and three ions apart",
    reference: REFERENCE,
    source: SOURCE,
    licence: "CC0",
    files: &[PAIRS_FILE],
    published: &[],
    read: ion_pairs,
};

/// The charge of the ions that the sets have.
fn charge(z: u8) -> Option<i32> {
    match z {
        9 | 17 | 35 | 53 => Some(-1),
        3 | 11 | 19 | 37 | 55 => Some(1),
        12 | 20 => Some(2),
        _ => None,
    }
}

fn ion_water(data: &DataFolder, selection: &Selection) -> Result<Plan> {
    let mut all = Vec::new();
    for (i, frame) in data.frames(WATER_FILE)?.into_iter().enumerate() {
        let ions: Vec<_> =
            (0..frame.system.len()).filter(|&i| charge(frame.system.numbers[i]).is_some()).collect();
        let water: Vec<_> = (0..frame.system.len()).filter(|i| !ions.contains(i)).collect();
        let [ion] = ions[..] else { return Err(unexpected(&frame, "one ion and water")) };
        if water.is_empty() {
            return Err(unexpected(&frame, "one ion and water"));
        }
        let symbol = elements::symbol(frame.system.numbers[ion]);
        let id = format!("{symbol}/{}", i + 1);
        all.push(interaction(
            &frame,
            id,
            symbol.to_owned(),
            &[(vec![ion], frame.system.charge), (water, 0)],
        )?);
    }
    Ok(Plan::differences(all, Vec::new(), None, selection))
}

fn ion_pairs(data: &DataFolder, selection: &Selection) -> Result<Plan> {
    let mut all = Vec::new();
    for (i, frame) in data.frames(PAIRS_FILE)?.into_iter().enumerate() {
        let charges: Option<Vec<_>> = frame.system.numbers.iter().map(|&z| charge(z)).collect();
        let charges = charges.filter(|q| q.iter().sum::<i32>() == frame.system.charge);
        let charges = charges.ok_or_else(|| unexpected(&frame, "ions whose charges add up"))?;
        let subset = match charges[..] {
            [a, b] if a * b < 0 => "opposite charges",
            [_, _] => "like charges",
            _ => "three ions",
        };
        let id = format!("{}/{}", word(&frame, "name")?.trim_end_matches("_scan"), i + 1);
        let ions: Vec<_> = charges.iter().enumerate().map(|(i, &q)| (vec![i], q)).collect();
        all.push(interaction(&frame, id, subset.into(), &ions)?);
    }
    Ok(Plan::differences(all, Vec::new(), None, selection))
}

/// The whole less its parts, given by their atoms and charges.
fn interaction(frame: &Frame, id: String, subset: String, parts: &[(Vec<usize>, i32)]) -> Result<Difference> {
    let reference = number(frame, "E_int_eV")? / KCAL_PER_MOL;
    let mut terms = vec![Term { coefficient: 1.0, system: frame.system.clone() }];
    let part = |(atoms, charge): &(Vec<usize>, i32)| part(&frame.system, atoms, *charge);
    terms.extend(parts.iter().map(|p| Term { coefficient: -1.0, system: part(p) }));
    Ok(Difference { id, aliases: Vec::new(), subset, terms, reference })
}

fn unexpected(frame: &Frame, expected: &str) -> Error {
    frame.origin.place(Error::input(format!("this is not {expected}, as the frames of this set are")))
}
