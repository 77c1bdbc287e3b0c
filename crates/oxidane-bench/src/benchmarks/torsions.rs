//! Torsion scans: relaxed scans about one bond, single points on their geometries.

use std::collections::HashMap;

use oxidane_core::Result;
use oxidane_core::io::Frame;
use oxidane_core::units::KCAL_PER_MOL;

use super::Benchmark;
use crate::data::{DataFolder, SetFile, number, word};
use crate::plan::{Plan, Point, Profile};
use crate::selection::Selection;

const TORSION_TEST_FILE: SetFile = SetFile { folder: "schrodinger_mlff", name: "TorsionTest2000.extxyz" };
const MOBLEY_FILE: SetFile = SetFile { folder: "torsions_mobley_mp2", name: "mobley_torsions.extxyz" };
const AXIS: &str = "torsion angle / degree";

/// TorsionTest2000.
pub(super) const TORSION_TEST: Benchmark = Benchmark {
    name: "torsions",
    title: "TorsionTest2000: 2109 torsion scans of drug-like molecules",
    measures: "energies along scans of about 24 points, each scan about its own mean: MAE and RMSE, error of the height (highest \
               minus lowest), rank correlation; charged molecules apart",
    reference: "wB97X-D3(BJ)/def2-TZVPD",
    source: "github.com/leifjacobson/MLFF_test_data, folder TorsionTest2000",
    licence: "MIT",
    files: &[TORSION_TEST_FILE],
    published: &[],
    read: torsion_test,
};

/// The torsions of the Mobley group.
pub(super) const MOBLEY: Benchmark = Benchmark {
    name: "torsions-ions",
    title: "59 torsion scans, 28 of them of ions",
    measures: "as torsions; MP2 and B3LYP-D3(BJ), whose energies are in the set, stand beside the models",
    reference: "CCSD(T)/CBS (MP2/CBS and a CCSD(T) correction) on geometries of MP2/heavy-aug-cc-pVTZ",
    source: "github.com/MobleyLab/qm-theory-benchmark",
    licence: "MIT",
    files: &[MOBLEY_FILE],
    published: &[],
    read: mobley,
};

fn torsion_test(data: &DataFolder, selection: &Selection) -> Result<Plan> {
    let profiles = scans(data.frames(TORSION_TEST_FILE)?, "system", |frame| {
        Ok((number(frame, "torsion_angle")?, number(frame, "energy")?, Vec::new()))
    })?;
    Ok(Plan::profiles(profiles, AXIS, Vec::new(), Vec::new(), selection))
}

fn mobley(data: &DataFolder, selection: &Selection) -> Result<Plan> {
    let profiles = scans(data.frames(MOBLEY_FILE)?, "torsion", |frame| {
        let given = vec![number(frame, "energy")?, number(frame, "energy_b3lypd3bj_tzvppd")?];
        Ok((number(frame, "angle")?, number(frame, "energy_ccsdt_cbs")?, given))
    })?;
    let given = ["MP2/heavy-aug-cc-pVTZ", "B3LYP-D3(BJ)/TZVPPD"].map(String::from).into();
    Ok(Plan::profiles(profiles, AXIS, given, Vec::new(), selection))
}

/// Gathers frames into scans by the word under `key`. `read` gives angle, reference and the energies of other methods, in eV.
fn scans(
    frames: Vec<Frame>,
    key: &str,
    read: impl Fn(&Frame) -> Result<(f64, f64, Vec<f64>)>,
) -> Result<Vec<Profile>> {
    let mut profiles: Vec<Profile> = Vec::new();
    let mut places = HashMap::new();
    for frame in frames {
        let id = word(&frame, key)?;
        let (x, reference, given) = read(&frame)?;
        let place = *places.entry(id.clone()).or_insert(profiles.len());
        if place == profiles.len() {
            profiles.push(Profile { id, subset: charge_class(frame.system.charge), points: Vec::new() });
        }
        profiles[place].points.push(Point {
            x,
            reference: reference / KCAL_PER_MOL,
            given: given.into_iter().map(|e| e / KCAL_PER_MOL).collect(),
            system: frame.system,
            scale: 1.0,
        });
    }
    Ok(profiles)
}

fn charge_class(charge: i32) -> String {
    if charge == 0 { "neutral".into() } else { format!("charge {charge:+}") }
}
