//! The file formats, and which one a file has.

use std::path::Path;

use crate::error::{Error, Result};

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// XYZ whose comment line is a comment, whatever it holds.
    Xyz,
    /// Extended XYZ; a comment line without `key=value` is a plain comment. Taken for every `.xyz` file.
    ExtXyz,
    /// VASP POSCAR or CONTCAR.
    Poscar,
    /// Crystallographic information file.
    Cif,
    /// MDL mol or SD file, V2000 or V3000.
    Sdf,
}

impl Format {
    /// The format's name as options spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Xyz => "xyz",
            Self::ExtXyz => "extxyz",
            Self::Poscar => "poscar",
            Self::Cif => "cif",
            Self::Sdf => "sdf",
        }
    }

    /// The format of that name.
    ///
    /// # Errors
    /// Usage error that lists the names.
    pub fn from_name(name: &str) -> Result<Self> {
        let all = [Self::Xyz, Self::ExtXyz, Self::Poscar, Self::Cif, Self::Sdf];
        all.into_iter().find(|f| f.name() == name).ok_or_else(|| {
            Error::usage(format!("unknown format `{name}`; give one of {}", all.map(Self::name).join(", ")))
        })
    }

    /// The format a file's name speaks of, beneath `.gz`, `.xz` or `.zst`; `None` if it speaks of none.
    pub fn from_path(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let lower = name.to_ascii_lowercase();
        let lower = [".gz", ".xz", ".zst"].iter().find_map(|end| lower.strip_suffix(end)).unwrap_or(&lower);
        match lower.rsplit_once('.').map(|(_, extension)| extension) {
            Some("xyz" | "extxyz") => Some(Self::ExtXyz),
            Some("vasp" | "poscar" | "contcar") => Some(Self::Poscar),
            Some("cif") => Some(Self::Cif),
            Some("sdf" | "mol" | "sd") => Some(Self::Sdf),
            _ if lower.starts_with("poscar") || lower.starts_with("contcar") => Some(Self::Poscar),
            _ => None,
        }
    }

    /// The format that the start of a file's text looks like; `None` if it looks like none.
    pub fn from_content(start: &str) -> Option<Self> {
        let start = start.trim_start_matches('\u{feff}');
        let lines: Vec<&str> = start.lines().take(64).collect();
        let is_counts = |l: &&str| l.trim_end().ends_with("V2000") || l.trim_end().ends_with("V3000");
        if lines.get(3).is_some_and(is_counts) {
            return Some(Self::Sdf);
        }
        let mut filled = lines.iter().map(|l| l.trim()).filter(|l| !l.is_empty());
        let first = filled.clone().next()?;
        if first.parse::<usize>().is_ok() && !looks_like_poscar(&lines) {
            return Some(Self::ExtXyz);
        }
        let data = |l: &str| l.get(..5).is_some_and(|s| s.eq_ignore_ascii_case("data_"));
        if filled.find(|l| !l.starts_with('#')).is_some_and(data) {
            return Some(Self::Cif);
        }
        looks_like_poscar(&lines).then_some(Self::Poscar)
    }

    /// The format from name and content together.
    ///
    /// # Errors
    /// If name and content speak of different formats, or neither speaks of one.
    pub fn detect(path: &Path, start: &str) -> Result<Self> {
        match (Self::from_path(path), Self::from_content(start)) {
            (Some(a), Some(b)) if a != b => Err(Error::input(format!(
                "the name says {} but the content looks like {}; rename the file or give the format",
                a.name(),
                b.name()
            ))
            .at(path)),
            (Some(format), _) | (None, Some(format)) => Ok(format),
            (None, None) => Err(Error::input(
                "unknown file format; readable are xyz, extxyz, POSCAR, cif, sdf and mol, also as .gz, .xz, .zst",
            )
            .at(path)),
        }
    }
}

/// A scale of one or three numbers in line 2 (a remark may follow), three lattice vectors in lines 3 to 5.
fn looks_like_poscar(lines: &[&str]) -> bool {
    let numbers = |line: &str| {
        let words: Vec<&str> =
            line.split_ascii_whitespace().take_while(|w| !w.starts_with(['!', '#'])).collect();
        if words.iter().all(|w| w.parse::<f64>().is_ok()) { words.len() } else { 0 }
    };
    let scale = |line: &str| line.split_ascii_whitespace().map_while(|w| w.parse::<f64>().ok()).count();
    lines.len() >= 7 && matches!(scale(lines[1]), 1 | 3) && lines[2..5].iter().all(|l| numbers(l) == 3)
}
