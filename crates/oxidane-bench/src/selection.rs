//! [`Selection`]: which part of a set is computed.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use serde::Serialize;

/// Names of systems.
pub type Ids = BTreeSet<String>;

/// Something that is taken or left as a whole: a reaction, a dimer, a scan, a molecule.
pub trait Unit {
    /// The names that it goes by: its own first.
    fn names(&self) -> impl Iterator<Item = &str>;
}

/// Which units of a set are computed: first by name, then evenly spaced.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Leave out what goes by one of these names, such as systems that a model was trained on.
    pub exclude: Option<Ids>,
    /// Take nothing but these.
    pub only: Option<Ids>,
    /// Take the first of every so many.
    pub every: Option<NonZeroUsize>,
    /// Take at most so many, evenly spaced.
    pub limit: Option<NonZeroUsize>,
}

/// What a selection made of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Sample {
    /// Units of the set.
    pub total: usize,
    /// Left out by name.
    pub by_name: usize,
    /// Computed.
    pub taken: usize,
}

impl Sample {
    /// Whether something was left out.
    pub fn is_part(&self) -> bool {
        self.taken < self.total
    }
}

impl Selection {
    /// The units to compute, in their order.
    pub fn take<T: Unit>(&self, units: Vec<T>) -> (Vec<T>, Sample) {
        let total = units.len();
        let among = |unit: &T, ids: &Ids| unit.names().any(|name| ids.contains(name));
        let mut kept: Vec<_> = units
            .into_iter()
            .filter(|unit| self.only.as_ref().is_none_or(|ids| among(unit, ids)))
            .filter(|unit| !self.exclude.as_ref().is_some_and(|ids| among(unit, ids)))
            .collect();
        let by_name = total - kept.len();
        if let Some(every) = self.every {
            kept = kept.into_iter().step_by(every.get()).collect();
        }
        if let Some(limit) = self.limit.filter(|limit| limit.get() < kept.len()) {
            let (n, limit) = (kept.len(), limit.get());
            let places: BTreeSet<_> = (0..limit).map(|k| k * n / limit).collect();
            let numbered = kept.into_iter().enumerate();
            kept = numbered.filter(|(i, _)| places.contains(i)).map(|(_, unit)| unit).collect();
        }
        let taken = kept.len();
        (kept, Sample { total, by_name, taken })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Unit for String {
        fn names(&self) -> impl Iterator<Item = &str> {
            std::iter::once(self.as_str())
        }
    }

    fn taken(selection: &Selection, n: usize) -> (Vec<String>, Sample) {
        selection.take((0..n).map(|i| i.to_string()).collect())
    }

    #[test]
    fn samples_are_evenly_spaced() {
        let every = Selection { every: NonZeroUsize::new(4), ..Selection::default() };
        assert_eq!(taken(&every, 10).0, ["0", "4", "8"]);
        let limit = Selection { limit: NonZeroUsize::new(4), ..Selection::default() };
        assert_eq!(taken(&limit, 10).0, ["0", "2", "5", "7"]);
        let (all, sample) = taken(&limit, 3);
        assert_eq!(all.len(), 3);
        assert!(!sample.is_part());
    }

    #[test]
    fn names_go_before_numbers() {
        let ids = |list: &[&str]| Some(list.iter().map(|&s| s.to_owned()).collect::<Ids>());
        let selection =
            Selection { exclude: ids(&["0", "3"]), every: NonZeroUsize::new(2), ..Selection::default() };
        let (left, sample) = taken(&selection, 6);
        assert_eq!(left, ["1", "4"]);
        assert_eq!(sample, Sample { total: 6, by_name: 2, taken: 2 });
        let selection = Selection { only: ids(&["5", "1", "nowhere"]), ..Selection::default() };
        assert_eq!(taken(&selection, 6).0, ["1", "5"]);
    }
}
