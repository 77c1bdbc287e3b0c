//! Families: structures of which only differences of energies are compared, such as the points of a scan, or a complex and its parts.

use super::{Dataset, Origin, Parts, Summary};
use oxidane_core::{Error, Result, elements};
use std::collections::BTreeMap;
use std::ops::Range;

/// What a structure is to the others of its family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Member {
    /// The family, an index that is its own in the whole data set.
    pub family: u32,
    /// Its factor in the one difference of the family, the sum of factor times energy; without it, each energy is compared with the mean
    /// of those compared with it.
    pub coefficient: Option<f64>,
    /// Whether the energy means nothing but in differences.
    pub only: bool,
}

/// Runs of structures that belong together: neighbours of one family in the order of the files; others alone. `of` gives membership and
/// origin of the `count` structures. A family, or another part of it, that follows a part of it begins with an earlier structure, as a rule, and so a
/// run of its own.
pub(crate) fn runs(count: usize, of: impl Fn(usize) -> (Option<Member>, Origin)) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for k in 0..count {
        let (member, origin) = of(k);
        let joins = k > 0 && {
            let (before, last) = of(k - 1);
            member.is_some() && before.map(|m| m.family) == member.map(|m| m.family) && last < origin
        };
        match runs.last_mut() {
            Some(run) if joins => run.end = k + 1,
            _ => runs.push(k..k + 1),
        }
    }
    runs
}

/// The runs of structures by their summaries.
pub(crate) fn runs_of(summaries: &[&Summary]) -> Vec<Range<usize>> {
    runs(summaries.len(), |k| (summaries[k].member, summaries[k].origin))
}

/// Frames in ascending order, those of a family side by side.
pub(crate) fn by_family(data: &Dataset, frames: &[usize]) -> Vec<usize> {
    let mut sorted = frames.to_vec();
    sorted.sort_by_key(|&i| {
        let summary = data.summary(i);
        (summary.set, summary.member.map(|m| m.family), i)
    });
    sorted
}

/// The differences of the energies of a run, a linear map.
pub(crate) enum Differences {
    /// Each less the mean.
    FromMean,
    /// The sum of factor times energy.
    Sum(Vec<f64>),
}

impl Differences {
    /// Of structures with these memberships, which are of one family; `None` if they have none.
    pub fn of(members: &[Option<Member>]) -> Option<Self> {
        let first = members.first().copied().flatten()?;
        if first.coefficient.is_some() {
            return Some(Self::Sum(
                members.iter().map(|m| m.and_then(|m| m.coefficient).unwrap_or(0.0)).collect(),
            ));
        }
        (members.len() > 1).then_some(Self::FromMean)
    }

    /// Of so many structures.
    pub fn count(&self, structures: usize) -> usize {
        match self {
            Self::FromMean => structures,
            Self::Sum(_) => 1,
        }
    }

    /// Of these energies.
    pub fn apply(&self, energies: &[f64]) -> Vec<f64> {
        match self {
            Self::FromMean => {
                let mean = energies.iter().sum::<f64>() / energies.len() as f64;
                energies.iter().map(|e| e - mean).collect()
            }
            Self::Sum(factors) => vec![factors.iter().zip(energies).map(|(c, e)| c * e).sum()],
        }
    }

    /// The derivatives by the energies of what has these derivatives by the differences.
    pub fn reverse(&self, slopes: &[f64]) -> Vec<f64> {
        match self {
            Self::FromMean => self.apply(slopes),
            Self::Sum(factors) => factors.iter().map(|c| c * slopes[0]).collect(),
        }
    }
}

/// Families with factors are of use as a whole only, and if the atoms of both sides are the same.
pub(crate) fn check_sums(data: &Dataset, parts: &Parts) -> Result<()> {
    let mut part_of = vec![None; data.len()];
    for (part, frames) in [&parts.train, &parts.validation, &parts.test].into_iter().enumerate() {
        frames.iter().for_each(|&i| part_of[i] = Some(part));
    }
    let mut families: BTreeMap<u32, Vec<(usize, f64)>> = BTreeMap::new();
    for i in 0..data.len() {
        if let Some(Member { family, coefficient: Some(c), .. }) = data.summary(i).member {
            families.entry(family).or_default().push((i, c));
        }
    }
    for members in families.values() {
        let (first, _) = members[0];
        let refuse =
            |what: String| Err(Error::input(format!("the family of {}: {what}", data.describe(first))));
        if let Some((other, _)) = members.iter().find(|(i, _)| part_of[*i] != part_of[first]) {
            return Err(Error::usage(format!(
                "the split divides a family of structures whose energies make one difference: {} and {} are in different parts; \
                 name the key of the families as group, too, and split with whole_groups = true",
                data.describe(first),
                data.describe(*other)
            )));
        }
        if members.iter().any(|(i, _)| data.summary(*i).weight != data.summary(first).weight) {
            return refuse(
                "its structures have different weights, but it has one difference; give them the same".into(),
            );
        }
        let mut atoms: BTreeMap<u8, f64> = BTreeMap::new();
        for &(i, c) in members {
            data.get(i)?.system.numbers.iter().for_each(|&z| *atoms.entry(z).or_default() += c);
        }
        // Factors are small rational numbers.
        if let Some((&z, left)) = atoms.iter().find(|(_, left)| left.abs() > 1e-6) {
            return refuse(format!(
                "factors times atoms leave {left} of {}, so that their energies make no difference; give all of its structures, \
                 products with positive and reactants with negative factors",
                elements::symbol(z)
            ));
        }
        if members.iter().all(|(_, c)| *c == 0.0) {
            return refuse("all of its factors are 0".into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_of_neighbours_in_order() {
        let member = |family: u32| Some(Member { family, coefficient: None, only: false });
        let frames = [
            (member(3), 0),
            (member(3), 1),
            (member(3), 0), // again: the family is drawn a second time
            (None, 5),
            (None, 6),
            (member(4), 7),
            (member(5), 8),
            (member(5), 9),
        ];
        let found = runs(frames.len(), |k| (frames[k].0, Origin { file: 0, frame: frames[k].1 }));
        assert_eq!(found, [0..2, 2..3, 3..4, 4..5, 5..6, 6..8]);
    }

    /// Both maps against their reverses: y . A x = x . A^T y, exact for halves and quarters.
    #[test]
    fn maps_and_their_reverses() {
        let member = |coefficient| Some(Member { family: 0, coefficient, only: true });
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
        let energies = [1.0, 2.5, -4.0, 8.5];
        let mean = Differences::of(&[member(None); 4]).unwrap();
        assert_eq!((mean.count(4), mean.apply(&energies)), (4, vec![-1.0, 0.5, -6.0, 6.5]));
        let slopes = [1.0, 0.0, -2.0, 3.0];
        assert_eq!(dot(&slopes, &mean.apply(&energies)), dot(&energies, &mean.reverse(&slopes)));
        let sum = Differences::of(&[1.0, -1.0, -1.0, 0.5].map(|c| member(Some(c)))).unwrap();
        assert_eq!((sum.count(4), sum.apply(&energies)), (1, vec![6.75]));
        assert_eq!(dot(&[2.0], &sum.apply(&energies)), dot(&energies, &sum.reverse(&[2.0])));
        assert!(Differences::of(&[member(None)]).is_none() && Differences::of(&[None]).is_none());
    }
}
