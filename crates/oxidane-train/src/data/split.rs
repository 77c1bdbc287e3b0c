//! Division of the data into training, validation and test.

use super::Dataset;
use crate::config::Split;
use crate::random::shuffle;
use oxidane_core::{Error, Result};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

/// Frame numbers of each part, ascending; no frame is in two parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parts {
    /// Trained on.
    pub train: Vec<usize>,
    /// Validated on.
    pub validation: Vec<usize>,
    /// Tested on.
    pub test: Vec<usize>,
}

/// Divides the frames `pool` as `split` says. A shuffle with the split's seed comes first (one stream per group).
///
/// # Errors
/// More frames are asked for than there are, or a list names frames that do not exist or overlap. What is not about a file
/// begins with the key, `split`.
pub fn divide(data: &Dataset, pool: Range<usize>, split: &Split) -> Result<Parts> {
    let mut parts = Parts::default();
    let seed = split.seed.unwrap_or(0);
    if split.train_list.is_some() {
        parts = by_list(pool, split)?;
    } else if split.whole_groups {
        let members = by_group(data, pool);
        let sizes = amounts(split, members.len(), "groups")?;
        let mut groups: Vec<usize> = (0..members.len()).collect();
        shuffle(&mut groups, seed, 0);
        let frames_of = |groups: &[usize]| groups.iter().flat_map(|&k| members[k].1.clone()).collect();
        let [a, b, c] = cut(&groups, sizes);
        parts = Parts { train: frames_of(a), validation: frames_of(b), test: frames_of(c) };
    } else if split.train_per_group.is_some() {
        // Streams are numbered within the pool, so that sets of the same frames are divided alike.
        for (stream, (group, mut frames)) in by_group(data, pool).into_iter().enumerate() {
            shuffle(&mut frames, seed, stream as u64);
            let sizes = amounts(split, frames.len(), &format!("frames of group `{}`", data.groups()[group]))?;
            extend(&mut parts, &frames, sizes);
        }
    } else {
        let mut frames: Vec<usize> = pool.collect();
        shuffle(&mut frames, seed, 0);
        let sizes = amounts(split, frames.len(), "frames")?;
        extend(&mut parts, &frames, sizes);
    }
    for part in [&mut parts.train, &mut parts.validation, &mut parts.test] {
        part.sort_unstable();
    }
    if parts.train.is_empty() {
        return Err(Error::usage("split leaves no frame to train on: ask for more or add files"));
    }
    Ok(parts)
}

/// The groups that occur in `pool`, with their frames. Those of validation and test files alone are no matter of the
/// split.
fn by_group(data: &Dataset, pool: Range<usize>) -> Vec<(usize, Vec<usize>)> {
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    pool.for_each(|i| members.entry(data.group(i)).or_default().push(i));
    members.into_iter().collect()
}

fn cut(all: &[usize], [a, b, c]: [usize; 3]) -> [&[usize]; 3] {
    [&all[..a], &all[a..a + b], &all[a + b..a + b + c]]
}

fn extend(parts: &mut Parts, frames: &[usize], sizes: [usize; 3]) {
    let [a, b, c] = cut(frames, sizes);
    parts.train.extend(a);
    parts.validation.extend(b);
    parts.test.extend(c);
}

/// How many of `n` go to each part.
fn amounts(split: &Split, n: usize, what: &str) -> Result<[usize; 3]> {
    let part = |x: Option<f64>| x.map(|x| (x * n as f64).round() as usize);
    let (train, validation, test) = if split.train_per_group.is_some() {
        (split.train_per_group, split.validation_per_group, split.test_per_group)
    } else if split.train_count.is_some() {
        (split.train_count, split.validation_count, split.test_count)
    } else if split.train_fraction.is_some() {
        // Rounding must not ask for one frame too many.
        let a = part(split.train_fraction).unwrap_or(0).min(n);
        let b = part(split.validation_fraction).unwrap_or(0).min(n - a);
        (Some(a), Some(b), part(split.test_fraction).map(|c| c.min(n - a - b)))
    } else {
        (Some(n), None, Some(0))
    };
    let (a, b) = (train.unwrap_or(0), validation.unwrap_or(0));
    let asked = a.saturating_add(b).saturating_add(test.unwrap_or(0));
    if asked > n {
        return Err(Error::usage(format!(
            "split asks for {asked} {what} but there are {n}: lower the numbers or add files"
        )));
    }
    Ok([a, b, test.unwrap_or(n - a - b)])
}

fn by_list(pool: Range<usize>, split: &Split) -> Result<Parts> {
    let mut owner = vec![0u8; pool.len()];
    let mut lists = [Vec::new(), Vec::new(), Vec::new()];
    let paths = [&split.train_list, &split.validation_list, &split.test_list];
    for (k, path) in paths.into_iter().enumerate() {
        let Some(path) = path else { continue };
        lists[k] = read_list(path)?;
        for &i in &lists[k] {
            let place = owner.get_mut(i).ok_or_else(|| {
                Error::input(format!(
                    "index {i} is too large: the files hold {} frames, numbered from 0",
                    pool.len()
                ))
                .at(path)
            })?;
            if std::mem::replace(place, 1) != 0 {
                return Err(
                    Error::input(format!("frame {i} is listed twice; list every frame once")).at(path)
                );
            }
        }
    }
    let [train, validation, test] = lists.map(|l| l.into_iter().map(|i| i + pool.start).collect());
    Ok(Parts { train, validation, test })
}

/// Reads frame numbers (from 0) separated by blanks, commas or line ends; `#` starts a comment.
pub fn read_list(path: &Path) -> Result<Vec<usize>> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::io(path, &e))?;
    let mut indices = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or("");
        for word in line.split([' ', '\t', ',']).filter(|w| !w.is_empty()) {
            indices.push(word.parse().map_err(|_| {
                Error::input(format!("`{word}` is not a frame number (0, 1, 2, ...)"))
                    .at(path)
                    .on_line(n as u64 + 1)
            })?);
        }
    }
    Ok(indices)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Builder, Labelled};
    use oxidane_core::System;

    fn data() -> Dataset {
        let mut b = Builder::default();
        for i in 0..30 {
            let frame = Labelled::new(System::molecule(vec![2], vec![[f64::from(i), 0.0, 0.0]]));
            b.add(frame, ["x", "y", "z"][i as usize % 3]).unwrap();
        }
        b.finish()
    }

    fn lengths(p: &Parts) -> [usize; 3] {
        let mut all: Vec<usize> = [p.train.clone(), p.validation.clone(), p.test.clone()].concat();
        let n = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), n, "parts overlap");
        [p.train.len(), p.validation.len(), p.test.len()]
    }

    #[test]
    fn each_way_of_splitting() {
        let d = data();
        let per_group = Split { train_per_group: Some(6), validation_per_group: Some(1), ..Split::default() };
        let p = divide(&d, 0..30, &per_group).unwrap();
        assert_eq!(lengths(&p), [18, 3, 9]);
        assert!((0..3).all(|g| p.train.iter().filter(|&&i| d.group(i) == g).count() == 6));
        let fractions =
            Split { train_fraction: Some(0.5), validation_fraction: Some(0.25), ..Split::default() };
        assert_eq!(lengths(&divide(&d, 0..30, &fractions).unwrap()), [15, 8, 7]);
        let other = Split { seed: Some(1), ..fractions.clone() };
        assert_ne!(divide(&d, 0..30, &fractions).unwrap(), divide(&d, 0..30, &other).unwrap());
        let whole = Split { whole_groups: true, train_fraction: Some(0.67), ..Split::default() };
        let p = divide(&d, 0..30, &whole).unwrap();
        assert_eq!(lengths(&p), [20, 0, 10]);
        assert!(p.test.iter().all(|&i| d.group(i) == d.group(p.test[0])));
        assert_eq!(lengths(&divide(&d, 0..30, &Split::default()).unwrap()), [30, 0, 0]);
        // Frames 0 and 1 hold two of the three groups: one without frames is not counted.
        let halves = Split { whole_groups: true, train_fraction: Some(0.5), ..Split::default() };
        assert_eq!(lengths(&divide(&d, 0..2, &halves).unwrap()), [1, 0, 1]);
        let one_each = Split { train_per_group: Some(1), ..Split::default() };
        assert_eq!(lengths(&divide(&d, 0..2, &one_each).unwrap()), [2, 0, 0]);
        let huge = Split { train_count: Some(usize::MAX), test_count: Some(usize::MAX), ..Split::default() };
        assert!(divide(&d, 0..30, &huge).is_err());
        let too_many = Split { train_count: Some(31), ..Split::default() };
        assert!(divide(&d, 0..30, &too_many).unwrap_err().to_string().contains("31 frames"));
    }

    #[test]
    fn lists_are_checked() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            Some(path)
        };
        let good = Split {
            train_list: write("a", "0 2, 4 # even\n6"),
            validation_list: write("b", "1"),
            ..Split::default()
        };
        let p = divide(&data(), 10..30, &good).unwrap();
        assert_eq!((p.train, p.validation, p.test), (vec![10, 12, 14, 16], vec![11], vec![]));
        for text in ["0 2 2", "20", "0 x"] {
            let bad = Split { train_list: write("c", text), ..Split::default() };
            assert!(divide(&data(), 10..30, &bad).unwrap_err().path.is_some(), "{text}");
        }
    }
}
