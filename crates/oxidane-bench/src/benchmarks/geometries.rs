//! Sets of starting geometries for optimisations.

use oxidane_core::Result;
use oxidane_core::io::{ChargeSpin, Frame};

use super::Benchmark;
use crate::data::{DataFolder, SetFile, word};
use crate::plan::{Plan, Start};
use crate::selection::Selection;

const BAKER_FILE: SetFile = SetFile { folder: "geomopt_sets", name: "baker.extxyz" };
const BIRKHOLZ_FILE: SetFile = SetFile { folder: "geomopt_sets", name: "birkholz.extxyz" };
const SOURCE: &str = "github.com/eljost/pysisyphus, pysisyphus/geom_library";
const MEASURES: &str =
    "optimisation to the default criteria of `oxidane opt`: steps, whether converged, final energies";

/// Baker's set.
pub(super) const BAKER: Benchmark = Benchmark {
    name: "baker",
    title: "Baker's set: 30 optimisations of small molecules (J. Comput. Chem. 14, 1085 (1993))",
    measures: MEASURES,
    reference: "none: steps and energies are the model's own",
    source: SOURCE,
    licence: "GPL-3",
    files: &[BAKER_FILE],
    published: &[],
    read: baker,
};

/// The set of Birkholz and Schlegel.
pub(super) const BIRKHOLZ: Benchmark = Benchmark {
    name: "birkholz",
    title: "The set of Birkholz and Schlegel: 20 optimisations of larger molecules (Theor. Chem. Acc. 135, 84 (2016))",
    measures: MEASURES,
    reference: "none: steps and energies are the model's own",
    source: SOURCE,
    licence: "GPL-3",
    files: &[BIRKHOLZ_FILE],
    published: &[],
    read: birkholz,
};

fn baker(data: &DataFolder, selection: &Selection) -> Result<Plan> {
    read(data, BAKER_FILE, selection)
}

fn birkholz(data: &DataFolder, selection: &Selection) -> Result<Plan> {
    read(data, BIRKHOLZ_FILE, selection)
}

fn read(data: &DataFolder, file: SetFile, selection: &Selection) -> Result<Plan> {
    let mut all = Vec::new();
    for mut frame in data.frames(file)? {
        stated(&frame)?.apply(&mut frame)?;
        all.push(Start { id: word(&frame, "name")?, system: frame.system });
    }
    Ok(Plan::optimisations(all, selection))
}

/// Charge and multiplicity where they are the comment of the frame, as in `0 1`.
fn stated(frame: &Frame) -> Result<ChargeSpin> {
    let words = frame.comment.trim_matches('"').split_whitespace();
    let numbers: Option<Vec<i32>> = words.map(|word| word.parse().ok()).collect();
    match numbers.as_deref() {
        Some(&[charge, multiplicity]) => {
            ChargeSpin::with_multiplicity(Some(charge), u32::try_from(multiplicity).ok())
        }
        _ => Ok(ChargeSpin::default()),
    }
}
