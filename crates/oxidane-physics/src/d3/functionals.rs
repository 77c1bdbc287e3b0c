//! Parameters of the functionals by name.

use crate::dispersion::Damping;
use oxidane_core::{Error, Result};

static TABLE: &str = include_str!("../../data/d3bj.txt");

/// The parameters of `functional`, whatever its case and hyphens. Refuses unknown names, and names some that it might
/// have been.
pub(super) fn find(functional: &str) -> Result<(String, Damping)> {
    let name: String =
        functional.to_lowercase().chars().filter(|c| !matches!(c, '-' | '_' | '/' | ' ')).collect();
    let Some(words) = line(&name) else { return Err(unknown(functional, &name)) };
    // An alias has a line of two words.
    let words = if words.len() == 2 { line(words[1]).unwrap_or_default() } else { words };
    let numbers: Vec<f64> = words.iter().skip(1).filter_map(|w| w.parse().ok()).collect();
    let &[s6, s8, a1, a2] = &numbers[..] else { return Err(unknown(functional, &name)) };
    Ok((words[0].to_owned(), Damping { s6, s8, s9: 1.0, a1, a2 }))
}

fn lines() -> impl Iterator<Item = &'static str> {
    TABLE.lines().filter(|l| !l.starts_with('#'))
}

fn line(name: &str) -> Option<Vec<&'static str>> {
    lines().map(|l| l.split(' ').collect::<Vec<_>>()).find(|words| words[0] == name)
}

fn unknown(given: &str, name: &str) -> Error {
    let known = || lines().filter_map(|l| l.split(' ').next());
    let near: Vec<&str> =
        known().filter(|k| name.len() > 1 && (k.contains(name) || name.contains(k))).take(8).collect();
    let some = if near.is_empty() { "pbe, pbe0, b3lyp, r2scan".to_owned() } else { near.join(", ") };
    Error::usage(format!("D3(BJ) has no parameters for functional '{given}'; known are for instance {some}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_can_be_found() {
        for entry in lines() {
            let name = entry.split(' ').next().unwrap();
            assert!(find(name).is_ok(), "{entry}");
        }
    }

    #[test]
    fn spellings_and_aliases() {
        let published = Damping { s6: 1.0, s8: 0.7875, s9: 1.0, a1: 0.4289, a2: 4.4407 };
        assert_eq!(find("PBE").unwrap(), ("pbe".into(), published));
        assert_eq!(find("CAM-B3LYP").unwrap(), find("camb3lyp").unwrap());
        assert_eq!(find("BP86").unwrap().0, "bp");
        assert!(find("b3lyx").unwrap_err().to_string().contains("no parameters for functional 'b3lyx'"));
    }
}
