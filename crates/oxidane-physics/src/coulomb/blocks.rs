//! Loops over blocks of atoms, on one thread or on several, with the same result.

use oxidane_math::Scalar;
use rayon::prelude::*;

/// Calls `work` with each task; the results in the order of the tasks.
pub fn run<T: Send, R: Send>(parallel: bool, tasks: Vec<T>, work: impl Fn(T) -> R + Sync + Send) -> Vec<R> {
    if parallel { tasks.into_par_iter().map(work).collect() } else { tasks.into_iter().map(work).collect() }
}

/// Scalars as a row of planes (see [`oxidane_math::scalar`]).
pub fn to_row<S: Scalar<Real = f64>>(scalars: impl ExactSizeIterator<Item = S>) -> Vec<f64> {
    let n = scalars.len();
    let mut row = vec![0.0; n * S::PLANES];
    {
        let mut out = S::row_mut(&mut row, n);
        for (k, x) in scalars.enumerate() {
            S::set(&mut out, k, x);
        }
    }
    row
}

/// Adds one array of scalars to another.
pub fn add<S: Scalar>(sum: &mut [S], terms: &[S]) {
    for (s, t) in sum.iter_mut().zip(terms) {
        *s += *t;
    }
}
