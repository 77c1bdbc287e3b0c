//! Rank correlation, and how well uncertainties tell errors.

use serde::Serialize;

/// Spearman's rank correlation of pairs, equal values sharing the mean of their ranks; `None` where one side has one value only.
pub fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    let (a, b) = (ranks(a), ranks(b));
    // Ranks from 0 have this mean, whether values are equal or not.
    let mean = (a.len() as f64 - 1.0) / 2.0;
    let product = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| (x - mean) * (y - mean)).sum::<f64>();
    let spread = product(&a, &a) * product(&b, &b);
    (spread > 0.0).then(|| product(&a, &b) / spread.sqrt())
}

/// The rank of each value from 0, equal values sharing the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for tied in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let mean = first as f64 + (tied.len() - 1) as f64 / 2.0;
        tied.iter().for_each(|&i| ranks[i] = mean);
        first += tied.len();
    }
    ranks
}

/// How well uncertainties tell errors, from pairs of both.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Quality {
    /// Number of pairs.
    pub pairs: usize,
    /// Root mean square uncertainty.
    pub uncertainty: f64,
    /// Root mean square error.
    pub error: f64,
    /// `error` over `uncertainty`: 1 is ideal, above 1 the uncertainties are too small.
    pub ratio: f64,
    /// Spearman's rank correlation of uncertainty and absolute error; `None` if either is the same for all.
    pub rank_correlation: Option<f64>,
    /// Root mean squares of uncertainty and error in groups of equal size, by rising uncertainty.
    pub groups: Vec<(f64, f64)>,
}

/// Groups of [`Quality::groups`], as far as there are that many pairs.
const GROUPS: usize = 10;

impl Quality {
    /// From pairs of uncertainty and error; `None` without any.
    pub fn new(pairs: &[(f64, f64)]) -> Option<Self> {
        if pairs.is_empty() {
            return None;
        }
        let mut sorted = pairs.to_vec();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let size = sorted.len().div_ceil(GROUPS);
        let groups = sorted.chunks(size).map(|g| (rms(g.iter().map(|p| p.0)), rms(g.iter().map(|p| p.1))));
        let (foreseen, found): (Vec<_>, Vec<_>) = pairs.iter().map(|p| (p.0, p.1.abs())).unzip();
        let (uncertainty, error) = (rms(pairs.iter().map(|p| p.0)), rms(pairs.iter().map(|p| p.1)));
        Some(Self {
            pairs: pairs.len(),
            uncertainty,
            error,
            ratio: error / uncertainty,
            rank_correlation: spearman(&foreseen, &found),
            groups: groups.collect(),
        })
    }
}

fn rms(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = values.len() as f64;
    (values.map(|x| x * x).sum::<f64>() / n).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: ranks 0 1 2 3 and 0 1.5 1.5 3 about their mean 1.5 give 4.5/sqrt(5*4.5).
    #[test]
    fn ranks_with_equals() {
        assert_eq!(spearman(&[1.0, 2.0, 3.0], &[10.0, 20.0, 30.0]), Some(1.0));
        assert_eq!(spearman(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]), Some(-1.0));
        let tied = spearman(&[1.0, 2.0, 3.0, 4.0], &[0.0, 5.0, 5.0, 9.0]).unwrap();
        assert!((tied - 4.5 / (5.0_f64 * 4.5).sqrt()).abs() < 1e-15);
        assert_eq!(spearman(&[1.0, 1.0], &[0.0, 1.0]), None);
    }

    /// By hand: ranks 0 1.5 1.5 3 against 0 2 1 3 have covariance 4.5 and variances 4.5 and 5.
    #[test]
    fn quality_by_hand() {
        let found = Quality::new(&[(1.0, 0.1), (2.0, -3.0), (2.0, 2.0), (5.0, 4.0)]).unwrap();
        assert!((found.rank_correlation.unwrap() - 4.5 / (4.5f64 * 5.0).sqrt()).abs() < 1e-14);
        assert!((found.ratio - (29.01f64 / 34.0).sqrt()).abs() < 1e-14);
        assert_eq!(found.groups.len(), 4);
        assert!(Quality::new(&[]).is_none());
        assert!(Quality::new(&[(1.0, 2.0)]).unwrap().rank_correlation.is_none());
    }
}
