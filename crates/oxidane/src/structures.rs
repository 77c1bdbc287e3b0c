//! Structures from the files a user names, with the charge and spin that file and command line state.

use std::path::{Path, PathBuf};

use oxidane_core::elements;
use oxidane_core::io::{Frame, FrameReader};
use oxidane_core::neighbors::refuse_close_atoms;
use oxidane_core::{Error, Result};

use crate::args::{Atoms, StructureArgs};
use crate::output::Voice;

/// A structure and where it came from.
pub struct Structure {
    /// The atoms with everything the file says.
    pub frame: Frame,
    /// The file.
    pub file: PathBuf,
    /// Place in the file, from 0.
    pub index: usize,
}

impl Structure {
    /// The title in the file if there is one, else the file's name without folder and extensions.
    pub fn name(&self) -> String {
        let title = ["name", "config_type", "label"].iter().find_map(|k| self.frame.info.get(*k)?.as_text());
        let comment = Some(self.frame.comment.trim()).filter(|c| !c.is_empty() && c.len() <= 40);
        title.or(comment).map_or_else(|| stem(&self.file), str::to_owned)
    }

    /// Refuses what no calculation should be run on, naming file and line.
    ///
    /// # Errors
    /// Atoms too close to each other, unless the user forces it.
    pub fn check(&self, args: &StructureArgs) -> Result<()> {
        if args.force { Ok(()) } else { refuse_close_atoms(&self.frame.system) }.map_err(|e| self.place(e))
    }

    /// Places an error at this structure's file and line.
    pub fn place(&self, error: Error) -> Error {
        self.frame.origin.place(error).at(&self.file)
    }
}

/// The name of a file without folder and without any extension of structures or compression.
pub fn stem(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let known = [".gz", ".xz", ".zst", ".xyz", ".extxyz", ".vasp", ".poscar", ".cif", ".sdf", ".mol"];
    let mut rest = name.as_str();
    while let Some(shorter) = known.iter().find_map(|e| rest.strip_suffix(e)).filter(|s| !s.is_empty()) {
        rest = shorter;
    }
    rest.to_owned()
}

/// A name that a user gave for output files, without the extensions that these get anyway.
fn without_extensions(given: &Path) -> PathBuf {
    let known = [".restart", ".csv", ".svg", ".xyz", ".extxyz", ".traj", ".vasp", ".cif"];
    let Some(mut name) = given.file_name().and_then(|n| n.to_str()) else { return given.to_path_buf() };
    while let Some(rest) = known.iter().find_map(|e| name.strip_suffix(e)).filter(|s| !s.is_empty()) {
        name = rest;
    }
    given.with_file_name(name)
}

/// Refuses output files that are the files read: `inputs` and, if it is one, the model file.
///
/// # Errors
/// Usage error that names the file.
pub fn refuse_overwriting(outputs: &[&Path], inputs: &[&Path], model: Option<&str>) -> Result<()> {
    let same = |a: &Path, b: &Path| match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b && a.is_file(),
        _ => false,
    };
    let inputs: Vec<_> = inputs.iter().copied().chain(model.map(Path::new)).collect();
    match outputs.iter().find(|output| inputs.iter().any(|input| same(output, input))) {
        Some(output) => {
            Err(Error::usage("this input would be overwritten by a result; give another --out").at(*output))
        }
        None => Ok(()),
    }
}

/// Name of an output file: what the user gave, or the input's stem and the verb's mark, with the extension behind it.
pub fn output_name(given: Option<&Path>, input: &Path, mark: &str, extension: &str) -> PathBuf {
    let base = given.map_or_else(|| PathBuf::from(stem(input) + mark), without_extensions);
    let mut name = base.into_os_string();
    name.push(extension);
    name.into()
}

/// The structures of several files one after another, read as they are asked for.
pub fn read(
    files: &[PathBuf],
    args: &StructureArgs,
    voice: Voice,
) -> Result<impl Iterator<Item = Result<Structure>> + use<>> {
    let stated = args.charge_spin()?;
    let files = files.to_vec();
    Ok(files.into_iter().flat_map(move |file| {
        let (file, opened) = open(file);
        let (frames, failed) = match opened {
            Ok(reader) => (Some(reader), None),
            Err(error) => (None, Some(Err(error))),
        };
        let structures = frames.into_iter().flatten().enumerate().map(move |(index, frame)| {
            let mut frame = frame?;
            stated.apply(&mut frame).map_err(|e| e.at(&file))?;
            for note in &frame.notes {
                voice.note(&format!("{}: {note}", file.display()));
            }
            Ok(Structure { frame, file: file.clone(), index })
        });
        failed.into_iter().chain(structures)
    }))
}

/// Opens a file, or the standard input for `-`, which then goes by a name that tells what it is.
fn open(file: PathBuf) -> (PathBuf, Result<FrameReader>) {
    if file == Path::new("-") {
        let name = PathBuf::from("stdin");
        let source = Box::new(std::io::BufReader::new(std::io::stdin()));
        let reader = FrameReader::of_stream(source, &name);
        return (name, reader);
    }
    let reader = FrameReader::open(&file);
    (file, reader)
}

/// The only structure of a file.
///
/// # Errors
/// If it cannot be read, or the file holds several.
pub fn read_one(file: &Path, args: &StructureArgs, voice: Voice) -> Result<Structure> {
    let mut structures = read(std::slice::from_ref(&file.to_path_buf()), args, voice)?;
    let first = structures.next().unwrap_or_else(|| Err(Error::input("the file is empty").at(file)))?;
    if structures.next().transpose()?.is_some() {
        return Err(Error::input("the file holds several structures; this command takes one").at(file));
    }
    first.check(args)?;
    Ok(first)
}

/// Atoms (from 0) that do not move: those of the option and those that the file marks.
///
/// # Errors
/// If the option names an atom that is not there, or the file fixes an atom in some directions only.
pub fn fixed_atoms(option: Option<&Atoms>, frame: &Frame) -> Result<Vec<usize>> {
    let count = frame.system.len();
    let beyond = |atom| Error::usage(format!("--fix: there is no atom {atom}, the structure has {count}"));
    let mut atoms = option.map_or(Ok(Vec::new()), |list| list.indices(count)).map_err(beyond)?;
    for (i, directions) in frame.fixed()?.unwrap_or_default().into_iter().enumerate() {
        match directions {
            [true, true, true] => atoms.push(i),
            [false, false, false] => {}
            _ => {
                let message = format!(
                    "atom {} is fixed in some directions only; only whole atoms can be fixed: give it F F F or T T T",
                    i + 1
                );
                return Err(frame.origin.place(Error::input(message)));
            }
        }
    }
    atoms.sort_unstable();
    atoms.dedup();
    Ok(atoms)
}

/// Molecular formula in Hill order: carbon, hydrogen, then by symbol; by symbol alone without carbon.
pub fn formula(numbers: &[u8]) -> String {
    let mut counts = std::collections::BTreeMap::new();
    for &z in numbers {
        *counts.entry(elements::symbol(z)).or_insert(0_usize) += 1;
    }
    let organic = counts.contains_key("C");
    let mut entries: Vec<_> = counts.into_iter().collect();
    entries.sort_by_key(|&(symbol, _)| match symbol {
        "C" if organic => (0, symbol),
        "H" if organic => (1, symbol),
        _ => (2, symbol),
    });
    let part = |(s, n): (&str, usize)| if n == 1 { s.to_owned() } else { format!("{s}{n}") };
    entries.into_iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_follow_hill() {
        assert_eq!(formula(&[8, 1, 6, 1, 1, 1]), "CH4O");
        assert_eq!(formula(&[1, 8, 1]), "H2O");
        assert_eq!(formula(&[17, 11]), "ClNa");
    }

    #[test]
    fn stems_lose_known_extensions() {
        assert_eq!(stem(Path::new("a/b.c.xyz.gz")), "b.c");
        assert_eq!(stem(Path::new("POSCAR")), "POSCAR");
        assert_eq!(stem(Path::new(".xyz")), ".xyz");
    }
}
