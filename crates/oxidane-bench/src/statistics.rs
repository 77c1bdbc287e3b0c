//! Statistics of errors and profiles.

use oxidane_math::statistics::spearman;
use serde::Serialize;

/// Errors (model minus reference) of a set.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Errors {
    /// Number of values.
    pub count: usize,
    /// Mean absolute error.
    pub mae: f64,
    /// Root mean square error.
    pub rmse: f64,
    /// Mean signed error.
    pub mean: f64,
    /// Largest absolute error.
    pub max: f64,
}

impl Errors {
    /// Of these errors; `None` of none.
    pub fn of(errors: &[f64]) -> Option<Self> {
        if errors.is_empty() {
            return None;
        }
        Some(Self {
            count: errors.len(),
            mae: mean(errors.iter().map(|e| e.abs())),
            rmse: mean(errors.iter().map(|e| e * e)).sqrt(),
            mean: mean(errors.iter().copied()),
            max: errors.iter().fold(0.0, |m, e| m.max(e.abs())),
        })
    }
}

/// The mean; NaN of nothing.
#[allow(clippy::cast_precision_loss)] // counts
pub fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_usize), |(sum, n), x| (sum + x, n + 1));
    sum / count as f64
}

/// The median; NaN of nothing.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<_> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    if n == 0 {
        return f64::NAN;
    }
    0.5 * (sorted[(n - 1) / 2] + sorted[n / 2])
}

/// Errors of one profile.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ProfileErrors {
    /// Mean absolute error after the mean of the errors is taken off: the constant of a profile has no meaning.
    pub mae: f64,
    /// Root mean square error, likewise.
    pub rmse: f64,
    /// Error (model minus reference) of the height, highest minus lowest energy.
    pub barrier: f64,
    /// Rank correlation (Spearman); `None` where one side has one value only.
    pub rank_correlation: Option<f64>,
    /// Whether both have their lowest energy at the same point.
    pub same_lowest: bool,
}

impl ProfileErrors {
    /// Of the energies of a model against the references, point by point.
    pub fn of(values: &[f64], references: &[f64]) -> Self {
        let errors: Vec<_> = values.iter().zip(references).map(|(v, r)| v - r).collect();
        let offset = mean(errors.iter().copied());
        let centred = || errors.iter().map(|e| e - offset);
        Self {
            mae: mean(centred().map(f64::abs)),
            rmse: mean(centred().map(|e| e * e)).sqrt(),
            barrier: height(values) - height(references),
            rank_correlation: spearman(values, references),
            same_lowest: lowest(values) == lowest(references),
        }
    }
}

/// Highest minus lowest value.
fn height(values: &[f64]) -> f64 {
    let (low, high) =
        values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
    high - low
}

/// The place of the lowest value, the first of equals.
fn lowest(values: &[f64]) -> Option<usize> {
    (0..values.len()).min_by(|&a, &b| values[a].total_cmp(&values[b]))
}

/// The weight scale of [`wtmad2`] in kcal/mol: the mean of the mean absolute reference energies over the subsets of GMTKN55.
pub const WTMAD2_SCALE: f64 = 56.84;

/// The weighted total mean absolute deviation of Goerigk et al., Phys. Chem. Chem. Phys. 19, 32184 (2017), second scheme: the sum
/// over subsets of N MAE 56.84/|dE|, divided by the sum of N. Of each subset: N, the mean absolute error, and the mean
/// absolute reference value |dE|, both in kcal/mol. `None` of no subset.
#[allow(clippy::cast_precision_loss)] // counts
pub fn wtmad2(subsets: impl Iterator<Item = (usize, f64, f64)>) -> Option<f64> {
    let (sum, count) = subsets.fold((0.0, 0_usize), |(sum, count), (n, mae, scale)| {
        (sum + n as f64 * mae * WTMAD2_SCALE / scale, count + n)
    });
    (count > 0).then(|| sum / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand; sums of a few halves are exact.
    #[test]
    fn errors_of_a_few_numbers() {
        let errors = Errors::of(&[1.0, -2.0, 0.5, 0.5]).unwrap();
        assert_eq!((errors.count, errors.mae, errors.mean, errors.max), (4, 1.0, 0.0, 2.0));
        assert_eq!(errors.rmse, (5.5_f64 / 4.0).sqrt());
        assert_eq!(Errors::of(&[]), None);
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), 2.5);
    }

    /// A constant does not count: errors 10, 11, 12 are -1, 0, 1 about their mean; heights are 3 and 1.
    #[test]
    fn profiles_are_compared_up_to_a_constant() {
        let errors = ProfileErrors::of(&[10.0, 12.0, 13.0], &[0.0, 1.0, 1.0]);
        assert!((errors.mae - 2.0 / 3.0).abs() < 1e-15);
        assert!((errors.rmse - (2.0_f64 / 3.0).sqrt()).abs() < 1e-15);
        assert_eq!(errors.barrier, 2.0);
        assert!(errors.same_lowest);
    }

    /// By hand: (2 * 3 * 56.84/28.42 + 1 * 1 * 56.84/56.84) / 3 = 13/3.
    #[test]
    fn wtmad2_of_two_subsets() {
        let value = wtmad2([(2, 3.0, 28.42), (1, 1.0, 56.84)].into_iter()).unwrap();
        assert!((value - 13.0 / 3.0).abs() < 1e-14);
        assert_eq!(wtmad2(std::iter::empty()), None);
    }
}
