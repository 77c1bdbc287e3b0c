//! Rank correlation.

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
}
