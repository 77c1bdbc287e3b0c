//! Families: structures of which only differences of energies are compared, such as the points of a scan, or a complex and its parts.

use super::{Dataset, Origin, Parts, Summary};
use oxidane_core::{Error, Result};
use std::collections::BTreeMap;
use std::ops::Range;

/// What a structure is to the others of its family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Member {
    /// The family, an index that is its own in the whole data set.
    pub family: u32,
    /// Its factor in the one difference of the family, the sum of factor times energy; without it, each energy is compared with the mean
    /// of the family.
    pub coefficient: Option<f64>,
    /// Whether the energy means nothing but in differences.
    pub only: bool,
}

/// Runs of structures that belong together: neighbours of one family, each once; others alone. `of` gives membership and origin of the
/// `count` structures.
pub(crate) fn runs(count: usize, of: impl Fn(usize) -> (Option<Member>, Origin)) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for k in 0..count {
        let (member, origin) = of(k);
        let joins = runs.last().is_some_and(|run| {
            let family = member.map(|m| m.family);
            let same = family.is_some() && of(run.start).0.map(|m| m.family) == family;
            // A family that is drawn twice in a row is two runs.
            same && run.clone().all(|i| of(i).1 != origin)
        });
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

/// Families with factors are of use as a whole only.
pub(crate) fn refuse_divided(data: &Dataset, parts: &Parts) -> Result<()> {
    let mut owner = BTreeMap::new();
    for (part, frames) in [&parts.train, &parts.validation, &parts.test].into_iter().enumerate() {
        for &i in frames {
            let Some(Member { family, coefficient: Some(_), .. }) = data.summary(i).member else { continue };
            let (first, other) = *owner.entry(family).or_insert((part, i));
            if first != part {
                return Err(Error::usage(format!(
                    "the split divides a family of structures whose energies make one difference: {} and {} are in different parts; \
                     name the key of the families as group, too, and split with whole_groups = true",
                    data.describe(other),
                    data.describe(i)
                )));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_of_neighbours_each_once() {
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
}
