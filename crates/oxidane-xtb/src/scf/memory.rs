//! What calculations leave to the next one of a similar geometry.

use faer::linalg::solvers::Solve;
use faer::{Mat, Side};

use super::mixer::Step;
use super::moments::Moments;

/// How many geometries are kept: their moments are extrapolated.
const GEOMETRIES: usize = 3;
/// How many steps of the mixer are kept: the response of the charges to the potential changes little between
/// geometries.
const STEPS: usize = 30;
/// Regularisation of the extrapolation, relative to the squared distances of the geometries.
const REGULARISATION: f64 = 1e-6;

/// Self-consistent moments of the last geometries and the last steps of the mixer. A calculation that starts from it
/// depends on it within the tolerance of the iteration; all of that dependence is in here.
#[derive(Debug, Clone, PartialEq)]
pub struct Memory {
    /// The newest first, never empty.
    past: Vec<Past>,
    pub(super) steps: Vec<Step>,
}

/// A geometry (bohr) and its moments.
#[derive(Debug, Clone, PartialEq)]
struct Past {
    positions: Vec<[f64; 3]>,
    moments: Moments,
}

impl Memory {
    /// After a geometry at `positions` with these self-consistent `moments`, reached by these `steps`; `before` it.
    pub(super) fn new(
        before: Option<&Self>,
        positions: &[[f64; 3]],
        moments: &Moments,
        steps: &[Step],
    ) -> Self {
        let newest = Past { positions: positions.to_vec(), moments: moments.clone() };
        let fits = |past: &&Past| past.fits(positions.len(), moments.shells.len());
        let older = before.iter().flat_map(|m| &m.past).filter(fits).take(GEOMETRIES - 1).cloned();
        Self {
            past: std::iter::once(newest).chain(older).collect(),
            steps: steps[steps.len().saturating_sub(STEPS)..].to_vec(),
        }
    }

    /// Whether it is of a structure of so many atoms and shells.
    pub fn fits(&self, atoms: usize, shells: usize) -> bool {
        self.past[0].fits(atoms, shells)
    }

    /// Moments to expect at `positions`: of the past geometries, combined as the geometries must be to come nearest to
    /// it.
    pub fn expected(&self, positions: &[[f64; 3]]) -> Moments {
        let newest = &self.past[0];
        let older = &self.past[1..];
        let to_here = difference(positions, &newest.positions);
        let to_older: Vec<Vec<f64>> =
            older.iter().map(|past| difference(&past.positions, &newest.positions)).collect();
        let mut expected = newest.moments.clone();
        for (past, share) in older.iter().zip(shares(&to_older, &to_here)) {
            expected.add_difference(share, &past.moments, &newest.moments);
        }
        expected
    }

    /// As numbers: how many atoms, shells and geometries, then these, then each step.
    pub fn to_row(&self) -> Vec<f64> {
        let newest = &self.past[0];
        let counts = [newest.positions.len(), newest.moments.shells.len(), self.past.len()];
        let mut row: Vec<f64> = counts.iter().map(|&n| n as f64).collect();
        let mut moments = Vec::new();
        for past in &self.past {
            past.moments.write(&mut moments);
            row.extend_from_slice(past.positions.as_flattened());
            row.extend_from_slice(&moments);
        }
        for step in &self.steps {
            row.push(step.regularisation);
            row.extend_from_slice(&step.input);
            row.extend_from_slice(&step.residual);
        }
        row
    }

    /// The opposite of [`Memory::to_row`]. `None` for rows that are not of a memory.
    pub fn from_row(row: &[f64]) -> Option<Self> {
        let (&counts, mut rest) = row.split_first_chunk::<3>()?;
        let is_count = |x: f64| x.fract() == 0.0 && (1.0..=rest.len() as f64).contains(&x);
        if !counts.into_iter().all(is_count) || !row.iter().all(|x| x.is_finite()) {
            return None;
        }
        let [atoms, shells, geometries] = counts.map(|x| x as usize);
        let length = shells + 9 * atoms;
        let mut past = Vec::with_capacity(geometries.min(GEOMETRIES));
        for _ in 0..geometries {
            let (positions, after) = rest.split_at_checked(3 * atoms)?;
            let (moments_row, after) = after.split_at_checked(length)?;
            let mut moments = Moments::of_size(shells, atoms);
            moments.read(moments_row);
            let positions = positions.chunks_exact(3).map(|x| [x[0], x[1], x[2]]).collect();
            past.push(Past { positions, moments });
            rest = after;
        }
        if rest.len() % (2 * length + 1) != 0 {
            return None;
        }
        let step = |row: &[f64]| {
            let (input, residual) = row[1..].split_at(length);
            Step { input: input.to_vec(), residual: residual.to_vec(), regularisation: row[0] }
        };
        Some(Self { past, steps: rest.chunks_exact(2 * length + 1).map(step).collect() })
    }
}

impl Past {
    fn fits(&self, atoms: usize, shells: usize) -> bool {
        self.positions.len() == atoms && self.moments.shells.len() == shells
    }
}

fn difference(a: &[[f64; 3]], b: &[[f64; 3]]) -> Vec<f64> {
    a.as_flattened().iter().zip(b.as_flattened()).map(|(a, b)| a - b).collect()
}

/// The combination of `vectors` that comes nearest to `target`.
fn shares(vectors: &[Vec<f64>], target: &[f64]) -> Vec<f64> {
    let m = vectors.len();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mut gram = Mat::from_fn(m, m, |i, j| dot(&vectors[i], &vectors[j]));
    let scale = (0..m).map(|i| gram[(i, i)]).fold(0.0, f64::max);
    for i in 0..m {
        gram[(i, i)] += REGULARISATION * scale;
    }
    let right = Mat::from_fn(m, 1, |i, _| dot(&vectors[i], target));
    match gram.llt(Side::Lower) {
        Ok(factor) if m > 0 => {
            let solution = factor.solve(&right);
            (0..m).map(|i| solution[(i, 0)]).collect()
        }
        _ => vec![0.0; m], // geometries that coincide: the newest alone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(t: f64) -> (Vec<[f64; 3]>, Moments) {
        let positions = vec![[t, t * t, 0.3], [1.0, -t, t * t]];
        let mut moments = Moments::of_size(3, 2);
        moments.shells = vec![0.2 + t, -0.1 * t * t, 0.7 * t];
        moments.dipoles[1][2] = 0.4 - t;
        (positions, moments)
    }

    fn after(times: &[f64]) -> Memory {
        let step = Step { input: vec![0.5; 21], residual: vec![-0.25; 21], regularisation: 1e-4 };
        let mut memory = None;
        for &t in times {
            let (positions, moments) = at(t);
            memory = Some(Memory::new(memory.as_ref(), &positions, &moments, std::slice::from_ref(&step)));
        }
        memory.unwrap()
    }

    /// Moments that are quadratic in time, as the positions are, are foreseen but for the regularisation.
    #[test]
    fn smooth_changes_are_foreseen() {
        let (positions, exact) = at(0.4);
        let expected = after(&[0.0, 0.1, 0.2, 0.3]).expected(&positions);
        for (a, b) in expected.shells.iter().zip(&exact.shells) {
            assert!((a - b).abs() < 3e-4, "{a} {b}");
        }
        let (_, last) = at(0.3);
        assert_eq!(after(&[0.3]).expected(&positions), last, "one geometry is taken as it is");
        assert_eq!(after(&[0.3, 0.3]).expected(&positions), last, "so are coinciding ones");
    }

    #[test]
    fn rows_keep_all_and_foreign_rows_are_refused() {
        let memory = after(&[0.0, 0.1, 0.2]);
        let row = memory.to_row();
        assert_eq!(Memory::from_row(&row), Some(memory));
        for bad in [
            &[][..],
            &[1.0],
            &row[..row.len() - 1],
            &[2.0, 3.0, 0.0],
            &[f64::NAN; 40],
            &[1e300, 1.0, 1.0, 0.0],
        ] {
            assert_eq!(Memory::from_row(bad), None, "{bad:?}");
        }
    }
}
