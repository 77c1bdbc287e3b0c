//! Lattice energies: E(molecule) - E(crystal)/Z, with Z molecules in the cell.

use oxidane_core::io::{self, Format, Frame};
use oxidane_core::{Result, System};

use super::Benchmark;
use crate::data::{DataFolder, Reactions, SetFile, word};
use crate::molecules::only_molecule;
use crate::plan::{Difference, Fault, Plan, Term};
use crate::selection::Selection;

const fn file(name: &'static str) -> SetFile {
    SetFile { folder: "crystals_refdata", name }
}

const X23: [SetFile; 2] = [file("x23.extxyz"), file("x23_reference.json")];
const ICE13: [SetFile; 2] = [file("ice13.extxyz"), file("ice13_reference.json")];
const HALCRYS4: [SetFile; 2] = [file("halcrys4.extxyz"), file("halcrys4_reference.json")];

/// Lattice energies.
pub(super) const LATTICE: Benchmark = Benchmark {
    name: "lattice",
    title: "Lattice energies: X23, ICE13, HalCrys4",
    measures: "E(molecule) - E(crystal)/Z on given geometries. The molecule is taken out of the crystal as it is there, not relaxed (of ice: \
               the molecule of the set), so that the energy to deform it is not in the numbers",
    reference: "X23b (experiment, corrected back; Dolgonos et al., PCCP 21, 24333 (2019)); ICE13: diffusion Monte Carlo (Della Pia et al., \
                J. Chem. Phys. 157, 134701 (2022)); HalCrys4: experiment, corrected back",
    source: "github.com/aoterodelaroza/refdata, folders 25_x23, 20_ice13, 20_halcrys4",
    licence: "GPL-3",
    files: &[X23[0], X23[1], ICE13[0], ICE13[1], HALCRYS4[0], HALCRYS4[1]],
    published: &[],
    read,
};

/// What was read so far.
#[derive(Default)]
struct Set {
    entries: Vec<Difference>,
    faults: Vec<Fault>,
}

fn read(data: &DataFolder, selection: &Selection) -> Result<Plan> {
    let mut set = Set::default();
    let x23 = named(data.frames(X23[0])?)?;
    for (geometry, subset) in
        [("b86bpbe-xdm", "X23 (B86bPBE-XDM geometries)"), ("expt", "X23 (experimental geometries)")]
    {
        let of_kind: Vec<_> = x23.iter().filter(|s| s.geometry == geometry).collect();
        set.add(subset, data.json(X23[1])?, &of_kind)?;
    }
    let ice = named(ice(data)?)?;
    set.add("ICE13", data.json(ICE13[1])?, &ice.iter().collect::<Vec<_>>())?;
    let halogens = named(data.frames(HALCRYS4[0])?)?;
    set.add("HalCrys4", data.json(HALCRYS4[1])?, &halogens.iter().collect::<Vec<_>>())?;
    Ok(Plan::differences(set.entries, set.faults, None, selection))
}

/// A structure with its names.
struct Named {
    name: String,
    geometry: String,
    system: System,
}

fn named(frames: Vec<Frame>) -> Result<Vec<Named>> {
    let name = |frame: Frame| {
        Ok(Named { name: word(&frame, "name")?, geometry: word(&frame, "geometry")?, system: frame.system })
    };
    frames.into_iter().map(name).collect()
}

/// The molecules in this file have a lattice of zeros, which stands for none.
fn ice(data: &DataFolder) -> Result<Vec<Frame>> {
    let (path, text) = data.text(ICE13[0])?;
    let free = |line: &str| match line.strip_prefix("Lattice=\"0 0 0 0 0 0 0 0 0\"") {
        Some(rest) => rest.replace("pbc=\"T T T\"", "pbc=\"F F F\"").trim_start().to_owned(),
        None => line.to_owned(),
    };
    let text: Vec<_> = text.lines().map(free).collect();
    io::read_str(&(text.join("\n") + "\n"), Format::ExtXyz).map_err(|e| e.at(path))
}

impl Set {
    fn add(&mut self, subset: &str, list: Reactions, structures: &[&Named]) -> Result<()> {
        let mut seen: Vec<String> = Vec::new();
        for reaction in list.reactions {
            let Some((coefficient, crystal)) = reaction.stoich.iter().find(|(c, _)| *c < 0.0) else {
                continue;
            };
            let id = crystal.clone();
            if seen.contains(&id) {
                let reason = "listed twice in the reference file, counted once".into();
                self.faults.push(Fault { subset: subset.into(), id, reason });
                continue;
            }
            seen.push(id.clone());
            let other = reaction.stoich.iter().find(|(c, _)| *c > 0.0).map(|(_, name)| name.as_str());
            match terms(*coefficient, crystal, other, structures)? {
                Ok(terms) => self.entries.push(Difference {
                    aliases: vec![id.clone()],
                    id: format!("{subset}/{id}"),
                    subset: subset.into(),
                    terms,
                    reference: reaction.ref_kcal_mol,
                }),
                Err(reason) => self.faults.push(Fault { subset: subset.into(), id, reason }),
            }
        }
        Ok(())
    }
}

/// The crystal and its molecule with their coefficients, or why there is none.
fn terms(
    coefficient: f64,
    crystal: &str,
    molecule: Option<&str>,
    structures: &[&Named],
) -> Result<std::result::Result<Vec<Term>, String>> {
    let find = |name: &str| structures.iter().find(|s| s.name == name).map(|s| &s.system);
    let Some(cell) = find(crystal) else { return Ok(Err(format!("no structure {crystal}"))) };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // molecules in a cell
    let count = (1.0 / -coefficient).round() as usize;
    // The molecule of the set, if it is one without a cell.
    let given = molecule.and_then(find).filter(|m| m.cell.is_none());
    let molecule = match given {
        Some(molecule) => Some(molecule.clone()),
        None => only_molecule(cell, count)?,
    };
    let Some(molecule) = molecule.filter(|m| m.len() * count == cell.len()) else {
        return Ok(Err(format!("the cell does not hold {count} molecules of one formula")));
    };
    #[allow(clippy::cast_precision_loss)] // molecules in a cell
    let share = 1.0 / count as f64;
    Ok(Ok(vec![
        Term { coefficient: 1.0, system: molecule },
        Term { coefficient: -share, system: cell.clone() },
    ]))
}
