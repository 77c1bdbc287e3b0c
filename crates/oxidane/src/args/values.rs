//! Values with units and lists of atoms, as people write them.

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;

use super::Kpoints;

/// A number of bins, 1 to 100,000.
pub fn bins(text: &str) -> Result<usize, String> {
    let n = text.parse().map_err(|_| format!("{text} is not a whole number"))?;
    if (1..=100_000).contains(&n) { Ok(n) } else { Err(format!("{n} is not between 1 and 100000")) }
}

/// An element by its symbol.
pub fn element(text: &str) -> Result<u8, String> {
    oxidane_core::elements::from_symbol(text).ok_or_else(|| format!("{text} is no element; use H, He, ..."))
}

/// A length of time in fs, written with its unit: `500fs`, `10ps`, `1.5ns`.
pub fn time(text: &str) -> Result<f64, String> {
    let text = text.trim();
    let units = [("fs", 1.0), ("ps", 1e3), ("ns", 1e6), ("us", 1e9)];
    let found = units.iter().find_map(|(unit, size)| Some((text.strip_suffix(unit)?, size)));
    let (number, size) = found.ok_or_else(|| format!("`{text}` needs a unit: fs, ps or ns, such as 10ps"))?;
    let value: f64 =
        number.trim().parse().map_err(|_| format!("`{number}` is not a number; write such as 10ps"))?;
    let femtoseconds = value * size;
    if femtoseconds.is_finite() && femtoseconds > 0.0 {
        Ok(femtoseconds)
    } else {
        Err("give a time above 0".into())
    }
}

/// A time step in fs, with a unit or as a plain number of fs.
pub fn timestep(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(value) if value.is_finite() && value > 0.0 => Ok(value),
        Ok(_) => Err("give a time step above 0".into()),
        Err(_) => time(text),
    }
}

/// A finite number of at least 0.
pub fn not_negative(text: &str) -> Result<f64, String> {
    let value: f64 = text.trim().parse().map_err(|_| format!("`{text}` is not a number"))?;
    if value.is_finite() && value >= 0.0 { Ok(value) } else { Err("give a number of at least 0".into()) }
}

/// A finite number above 0.
pub fn positive(text: &str) -> Result<f64, String> {
    not_negative(text).and_then(|x| if x > 0.0 { Ok(x) } else { Err("give a number above 0".into()) })
}

/// A small displacement in angstrom.
pub fn displacement(text: &str) -> Result<f64, String> {
    positive(text).and_then(|x| if x <= 0.1 { Ok(x) } else { Err("must be at most 0.1 angstrom".into()) })
}

/// A number of threads: more than any machine has is a slip.
pub fn threads(text: &str) -> Result<NonZeroUsize, String> {
    match text.trim().parse::<NonZeroUsize>() {
        Ok(n) if n.get() <= 1024 => Ok(n),
        _ => Err("give a number from 1 to 1024".into()),
    }
}

/// Three numbers of k-points, or `auto`.
pub fn kpoints(text: &str) -> Result<Kpoints, String> {
    if text.trim() == "auto" {
        return Ok(Kpoints::Auto);
    }
    let numbers: Result<Vec<u32>, _> = text.split(',').map(|n| n.trim().parse()).collect();
    match numbers.as_deref() {
        Ok(&[a, b, c]) if [a, b, c].iter().all(|n| (1..=32).contains(n)) => Ok(Kpoints::Of([a, b, c])),
        _ => Err("give three numbers from 1 to 32, such as 2,2,3, or auto".into()),
    }
}

/// A finite number.
pub fn finite(text: &str) -> Result<f64, String> {
    let value: f64 = text.trim().parse().map_err(|_| format!("`{text}` is not a number"))?;
    if value.is_finite() { Ok(value) } else { Err("give a finite number".into()) }
}

/// Atoms counted from 1, as single numbers and ranges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Atoms(Vec<RangeInclusive<usize>>);

impl Atoms {
    /// The atoms counted from 0, ascending, each once, of a structure of `count` atoms.
    ///
    /// # Errors
    /// The first atom, counted from 1, that the structure does not have.
    pub fn indices(&self, count: usize) -> Result<Vec<usize>, usize> {
        if let Some(beyond) = self.0.iter().find(|r| *r.end() > count) {
            return Err(*beyond.start().max(&(count + 1)));
        }
        let mut atoms: Vec<_> = self.0.iter().cloned().flatten().map(|i| i - 1).collect();
        atoms.sort_unstable();
        atoms.dedup();
        Ok(atoms)
    }
}

/// Reads `1-5,8`.
pub fn atoms(text: &str) -> Result<Atoms, String> {
    let number = |word: &str| match word.trim().parse::<usize>() {
        Ok(i) if (1..=100_000_000).contains(&i) => Ok(i),
        _ => Err(format!("`{word}` is no atom number; atoms are counted from 1, such as 1-5,8")),
    };
    let mut list = Vec::new();
    for part in text.split(',') {
        match part.split_once('-') {
            None => {
                let atom = number(part)?;
                list.push(atom..=atom);
            }
            Some((first, last)) => {
                let (first, last) = (number(first)?, number(last)?);
                if first > last {
                    return Err(format!("`{part}` runs backwards"));
                }
                list.push(first..=last);
            }
        }
    }
    Ok(Atoms(list))
}

/// Two atoms, counted from 0.
pub type Bond = [usize; 2];

/// Reads `3-4`, atoms counted from 1.
pub fn bond(text: &str) -> Result<Bond, String> {
    let known = || format!("`{text}` is no bond; write two atoms counted from 1, such as 3-4");
    let (a, b) = text.split_once('-').ok_or_else(known)?;
    let atom =
        |word: &str| word.trim().parse::<usize>().ok().and_then(|i| i.checked_sub(1)).ok_or_else(known);
    let (a, b) = (atom(a)?, atom(b)?);
    if a == b { Err(known()) } else { Ok([a, b]) }
}

/// A step of angles in degrees: above 0, and at least once in a full turn.
pub fn angle(text: &str) -> Result<f64, String> {
    positive(text)
        .and_then(|x| if (1.0..=180.0).contains(&x) { Ok(x) } else { Err("give 1 to 180 degrees".into()) })
}

/// The name under which a file holds one label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelName {
    /// The label: energy, forces, stress, virial, charges, dipole or polarizability.
    pub label: String,
    /// Its name in the file.
    pub name: String,
}

/// Reads `energy=REF_energy`.
pub fn label_name(text: &str) -> Result<LabelName, String> {
    const LABELS: [&str; 7] = ["energy", "forces", "stress", "virial", "charges", "dipole", "polarizability"];
    let known = || format!("write LABEL=NAME, with a LABEL of {}", LABELS.join(", "));
    let (label, name) = text.split_once('=').ok_or_else(known)?;
    if !LABELS.contains(&label) || name.is_empty() {
        return Err(known());
    }
    Ok(LabelName { label: label.into(), name: name.into() })
}

/// A model with what is to be taken of it and added to it, as `bench` takes several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelChoice {
    /// File or name; `None` for the default model.
    pub model: Option<String>,
    /// Level of theory, of a model that has several.
    pub head: Option<String>,
    /// Functional of the dispersion D3 that is added.
    pub d3: Option<String>,
    /// With its three-body term.
    pub atm: bool,
    /// What tables call it.
    pub name: Option<String>,
}

/// Reads `mine.oxidane,d3=pbe,name=mine`.
pub fn model_choice(text: &str) -> Result<ModelChoice, String> {
    let mut words = text.split(',');
    let model = words.next().filter(|m| !m.is_empty()).ok_or("give a model file or name")?;
    let mut choice = ModelChoice { model: Some(model.to_owned()), ..ModelChoice::default() };
    for word in words {
        let (key, value) = word.split_once('=').map_or((word, None), |(k, v)| (k, Some(v.to_owned())));
        match (key, value.filter(|v| !v.is_empty())) {
            ("head", Some(v)) => choice.head = Some(v),
            ("d3", Some(v)) => choice.d3 = Some(v),
            ("name", Some(v)) => choice.name = Some(v),
            ("atm", None) if word == "atm" => choice.atm = true,
            _ => return Err(format!("`{word}` is none of head=NAME, d3=FUNCTIONAL, atm, name=NAME")),
        }
    }
    if choice.atm && choice.d3.is_none() {
        return Err("atm has no effect without d3=FUNCTIONAL".into());
    }
    Ok(choice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(time("10ps"), Ok(10_000.0));
        assert_eq!(time("0.5 fs"), Ok(0.5));
        assert_eq!(time("1e-3ns"), Ok(1000.0));
        assert_eq!(timestep("0.25"), Ok(0.25));
        for bad in ["10", "ps", "-1ps", "0fs", "nanps", "infns", "1 hour"] {
            assert!(time(bad).is_err(), "{bad}");
        }
        assert!(timestep("-1").is_err() && timestep("nan").is_err());
    }

    #[test]
    fn bonds_are_pairs() {
        assert_eq!(bond("3-4"), Ok([2, 3]));
        for bad in ["3", "3-", "0-1", "2-2", "a-b", "1-2-3"] {
            assert!(bond(bad).is_err(), "{bad}");
        }
        assert!(angle("0.5").is_err() && angle("181").is_err() && angle("nan").is_err());
    }

    #[test]
    fn models_with_what_belongs_to_them() {
        let choice = model_choice("a/b.oxidane,d3=pbe,atm,head=x,name=mine").unwrap();
        let some = |s: &str| Some(s.to_owned());
        let (model, head, d3, name) = (some("a/b.oxidane"), some("x"), some("pbe"), some("mine"));
        assert_eq!(choice, ModelChoice { model, head, d3, atm: true, name });
        assert_eq!(model_choice("gfn2").unwrap().model, some("gfn2"));
        for bad in ["", ",d3=pbe", "a,d3", "a,d3=", "a,atm", "a,atm=1,d3=pbe", "a,colour=red", "a,"] {
            assert!(model_choice(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn atoms_are_counted_from_one() {
        let list = atoms("8,1-3,2").unwrap();
        assert_eq!(list.indices(8), Ok(vec![0, 1, 2, 7]));
        assert_eq!(list.indices(7), Err(8));
        assert_eq!(atoms("1-100000000").unwrap().indices(3), Err(4));
        for bad in ["", "0", "3-1", "1-", "a", "1,,2", "1-99999999999"] {
            assert!(atoms(bad).is_err(), "{bad}");
        }
    }
}
