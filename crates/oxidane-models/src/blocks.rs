//! Blocks of atoms: independent within a pass, so that they may run on any number of threads.

use oxidane_math::Real;
use rayon::prelude::*;

/// Calls `work` with each task.
pub fn run<T: Send>(parallel: bool, tasks: Vec<T>, work: impl Fn(T) + Sync + Send) {
    if parallel {
        tasks.into_par_iter().for_each(work);
    } else {
        tasks.into_iter().for_each(work);
    }
}

/// Like [`run`]; a weight gradient is a sum over all blocks, so with one the blocks go in order.
pub fn run_with<T: Send, R: Real>(
    parallel: bool,
    gradient: Option<&mut [R]>,
    tasks: Vec<T>,
    work: impl Fn(T, Option<&mut [R]>) + Sync + Send,
) {
    match gradient {
        Some(g) => tasks.into_iter().for_each(|t| work(t, Some(&mut *g))),
        None => run(parallel, tasks, |t| work(t, None)),
    }
}

/// Cuts an array of rows of `width` numbers at the rows `ends`, ascending.
pub fn cut<R>(mut all: &mut [R], ends: impl IntoIterator<Item = usize>, width: usize) -> Vec<&mut [R]> {
    let mut done = 0;
    ends.into_iter()
        .map(|end| {
            let (part, rest) = std::mem::take(&mut all).split_at_mut((end - done) * width);
            (all, done) = (rest, end);
            part
        })
        .collect()
}
