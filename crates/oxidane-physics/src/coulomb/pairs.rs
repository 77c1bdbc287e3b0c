//! Sums over all pairs of a molecule.

use super::blocks::{add, run, to_row};
use super::forms::{Bilinear, Gradients};
use super::kernel::{CLOSEST, Kernel, by_width};
use super::{Sites, values_of};
use oxidane_core::{Error, Result};
use oxidane_math::pack::{One, Pack};
use oxidane_math::{Scalar, simd};
use std::ops::Range;

/// Atoms handled as one unit of work.
const BLOCK: usize = 32;

/// Up to this many atoms the interactions of all pairs are kept, 16 bytes each (32 for duals); beyond they are computed anew for each sum.
const KEPT: usize = 2048;

/// The interactions between all atoms of a molecule.
#[derive(Debug, Clone)]
pub struct Pairs<S> {
    atoms: usize,
    /// A row of scalars per component.
    positions: [Vec<f64>; 3],
    widths: Vec<S>,
    /// The row of their squares.
    squares: Vec<f64>,
    kernel: Kernel,
    /// Interactions and slopes, a row of scalars per atom.
    kept: Option<[Vec<f64>; 2]>,
    parallel: bool,
}

/// Buffers for one row of pairs.
struct Buffers {
    squares: Vec<f64>,
    widths: Vec<f64>,
    value: Vec<f64>,
    slope: Vec<f64>,
}

impl<S: Scalar<Real = f64>> Pairs<S> {
    /// Refuses point charges that coincide.
    pub fn new(sites: &Sites<'_, S>, parallel: bool) -> Result<Self> {
        let n = sites.positions.len();
        refuse_coinciding(&values_of(sites.positions), sites.widths)?;
        let kernel =
            Kernel { screening: None, gaussian: sites.widths.iter().any(|s| s.value().abs() > CLOSEST) };
        let mut pairs = Self {
            atoms: n,
            positions: std::array::from_fn(|a| to_row(sites.positions.iter().map(|x| x[a]))),
            widths: sites.widths.to_vec(),
            squares: to_row(sites.widths.iter().map(|&s| s * s)),
            kernel,
            kept: None,
            parallel,
        };
        if n <= KEPT {
            pairs.keep();
        }
        Ok(pairs)
    }

    fn keep(&mut self) {
        let width = self.width();
        let mut value = vec![0.0; self.atoms * width];
        let mut slope = vec![0.0; self.atoms * width];
        let size = (BLOCK * width).max(1);
        let tasks: Vec<_> = value.chunks_mut(size).zip(slope.chunks_mut(size)).enumerate().collect();
        run(self.parallel, tasks, |(block, (value, slope))| {
            let mut buffers = self.buffers();
            let rows = value.chunks_exact_mut(width).zip(slope.chunks_exact_mut(width));
            for (k, (value, slope)) in rows.enumerate() {
                self.fill(block * BLOCK + k, &mut buffers);
                value.copy_from_slice(&buffers.value);
                slope.copy_from_slice(&buffers.slope);
            }
        });
        self.kept = Some([value, slope]);
    }

    /// Reals in a row.
    fn width(&self) -> usize {
        self.atoms * S::PLANES
    }

    fn buffers(&self) -> Buffers {
        let row = vec![0.0; self.width()];
        Buffers { squares: row.clone(), widths: row.clone(), value: row.clone(), slope: row }
    }

    /// Squares of the distances and joint widths of atom `i` and all atoms.
    fn squares(&self, i: usize, buffers: &mut Buffers) {
        let n = self.atoms;
        let [x, y, z] = [0, 1, 2].map(|a| S::row(&self.positions[a], n));
        let widths = S::row(&self.squares, n);
        let (at, own) = ([x, y, z].map(|x| S::get(x, i)), S::get(widths, i));
        let Buffers { squares, widths: joint, .. } = buffers;
        simd::dispatch(
            #[inline(always)]
            move || {
                let (mut r2, mut g2) = (S::row_mut(squares, n), S::row_mut(joint, n));
                for j in 0..n {
                    let d = [at[0] - S::get(x, j), at[1] - S::get(y, j), at[2] - S::get(z, j)];
                    S::set(&mut r2, j, d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
                    S::set(&mut g2, j, own + S::get(widths, j));
                }
            },
        );
    }

    /// Interactions and slopes of atom `i` with all atoms, zero with itself.
    fn fill(&self, i: usize, buffers: &mut Buffers) {
        self.squares(i, buffers);
        let Buffers { squares, widths, value, slope } = buffers;
        self.kernel.fill::<S>(self.atoms, squares, widths, value, slope);
        for row in [value, slope] {
            S::set(&mut S::row_mut(row, self.atoms), i, S::zero());
        }
    }

    /// Interactions and slopes, kept or computed.
    fn row<'a>(&'a self, i: usize, buffers: &'a mut Buffers) -> [&'a [f64]; 2] {
        match &self.kept {
            Some(kept) => [0, 1].map(|k| &kept[k][i * self.width()..(i + 1) * self.width()]),
            None => {
                self.fill(i, buffers);
                [&buffers.value, &buffers.slope]
            }
        }
    }

    /// phi_i = sum_j K_ij q_j in V.
    pub fn potential(&self, charges: &[S], out: &mut [S]) {
        let charges = to_row(charges.iter().copied());
        let tasks: Vec<_> = out.chunks_mut(BLOCK).enumerate().collect();
        run(self.parallel, tasks, |(block, out)| {
            let mut buffers = self.buffers();
            for (k, phi) in out.iter_mut().enumerate() {
                let [value, _] = self.row(block * BLOCK + k, &mut buffers);
                *phi = dot::<S>(self.atoms, value, &charges);
            }
        });
    }

    /// Adds the derivatives of forms.
    pub fn gradients(&self, forms: &[Bilinear<S>], sum: &mut Gradients<S>) {
        let rows: Vec<[Vec<f64>; 2]> =
            forms.iter().map(|f| [&f.left, &f.right].map(|v| to_row(v.iter().copied()))).collect();
        let mut widths = sum.widths.chunks_mut(BLOCK);
        let tasks: Vec<_> = sum
            .positions
            .chunks_mut(BLOCK)
            .enumerate()
            .map(|(block, positions)| (block, positions, widths.next()))
            .collect();
        let strains = run(self.parallel, tasks, |(block, positions, mut widths)| {
            let (mut buffers, mut weights) = (self.buffers(), vec![0.0; self.width()]);
            let mut strain = [S::zero(); 6];
            for (k, gradient) in positions.iter_mut().enumerate() {
                let i = block * BLOCK + k;
                weigh::<S>(self.atoms, i, &rows, &mut weights);
                let [_, slope] = self.row(i, &mut buffers);
                let [x, y, z, own @ ..] = self.reduce(i, &weights, slope);
                *gradient = [x, y, z];
                add(&mut strain, &own);
                if let Some(widths) = &mut widths {
                    widths[k] = self.by_width(i, &weights, &mut buffers);
                }
            }
            strain
        });
        for strain in strains {
            // Every pair was met from both ends.
            sum.add_strain(strain.map(|x| x.scale(0.5)));
        }
    }

    /// Sums over j of w_ij s_ij d and w_ij s_ij d_a d_b, d = x_i - x_j.
    fn reduce(&self, i: usize, weights: &[f64], slope: &[f64]) -> [S; 9] {
        let n = self.atoms;
        let rows = [&self.positions[0], &self.positions[1], &self.positions[2], weights, slope]
            .map(|row| S::row(row, n));
        let at = [0, 1, 2].map(|a| S::get(rows[a], i));
        simd::dispatch(
            #[inline(always)]
            || {
                let bulk = n - n % S::Pack::WIDTH;
                let mut sums = moments::<S, S::Pack>(0..bulk, rows, at);
                add(&mut sums, &moments::<S, One<S>>(bulk..n, rows, at));
                sums
            },
        )
    }

    /// The derivative by the width of atom `i`.
    fn by_width(&self, i: usize, weights: &[f64], buffers: &mut Buffers) -> S {
        let n = self.atoms;
        self.squares(i, buffers);
        let Buffers { squares, widths, value, .. } = buffers;
        simd::dispatch(
            #[inline(always)]
            move || {
                let (r2, g2) = (S::row(squares, n), S::row(widths, n));
                let mut out = S::row_mut(value, n);
                for j in 0..n {
                    S::set(&mut out, j, by_width(S::get(r2, j), S::get(g2, j)));
                }
                S::set(&mut out, i, S::zero());
            },
        );
        dot::<S>(n, &buffers.value, weights) * self.widths[i].scale(2.0)
    }
}

/// The weights of the pairs of atom `i`, summed over forms.
fn weigh<S: Scalar<Real = f64>>(n: usize, i: usize, forms: &[[Vec<f64>; 2]], weights: &mut [f64]) {
    weights.fill(0.0);
    for [left, right] in forms {
        let (left, right) = (S::row(left, n), S::row(right, n));
        let (own_left, own_right) = (S::get(left, i), S::get(right, i));
        let weights = &mut *weights;
        simd::dispatch(
            #[inline(always)]
            move || {
                let mut weights = S::row_mut(weights, n);
                for j in 0..n {
                    let w = own_left * S::get(right, j) + own_right * S::get(left, j);
                    let sum = S::get_mut(&weights, j) + w;
                    S::set(&mut weights, j, sum);
                }
            },
        );
    }
}

#[inline(always)]
fn moments<S: Scalar<Real = f64>, P: Pack<S>>(
    range: Range<usize>,
    [x, y, z, weights, slope]: [S::Row<'_>; 5],
    at: [S; 3],
) -> [S; 9] {
    let mut sums = [P::splat(S::zero()); 9];
    let (minus, at) = (P::splat(S::lit(-1.0)), at.map(P::splat));
    for j in range.step_by(P::WIDTH) {
        let w = P::load(weights, j).times(P::load(slope, j));
        let d = [
            P::load(x, j).times_plus(minus, at[0]),
            P::load(y, j).times_plus(minus, at[1]),
            P::load(z, j).times_plus(minus, at[2]),
        ];
        let f = d.map(|d| d.times(w));
        let one = P::splat(S::lit(1.0));
        for a in 0..3 {
            sums[a] = f[a].times_plus(one, sums[a]);
        }
        for (k, (a, b)) in super::forms::UPPER.into_iter().enumerate() {
            sums[3 + k] = f[a].times_plus(d[b], sums[3 + k]);
        }
    }
    sums.map(P::sum)
}

/// The sum of products of two rows, in a fixed order.
fn dot<S: Scalar<Real = f64>>(n: usize, a: &[f64], b: &[f64]) -> S {
    #[inline(always)]
    fn part<S: Scalar, P: Pack<S>>(range: Range<usize>, a: S::Row<'_>, b: S::Row<'_>) -> S {
        let mut sum = P::splat(S::zero());
        for j in range.step_by(P::WIDTH) {
            sum = P::load(a, j).times_plus(P::load(b, j), sum);
        }
        sum.sum()
    }
    let (a, b) = (S::row(a, n), S::row(b, n));
    simd::dispatch(
        #[inline(always)]
        || {
            let bulk = n - n % S::Pack::WIDTH;
            part::<S, S::Pack>(0..bulk, a, b) + part::<S, One<S>>(bulk..n, a, b)
        },
    )
}

/// Refuses two point charges at one place.
fn refuse_coinciding<S: Scalar<Real = f64>>(positions: &[[f64; 3]], widths: &[S]) -> Result<()> {
    let points: Vec<usize> = (0..positions.len()).filter(|&i| widths[i].value() < CLOSEST).collect();
    for (k, &i) in points.iter().enumerate() {
        for &j in &points[..k] {
            let square: f64 = (0..3).map(|a| (positions[i][a] - positions[j][a]).powi(2)).sum();
            if square < CLOSEST * CLOSEST {
                return Err(coinciding(j, i));
            }
        }
    }
    Ok(())
}

/// The refusal, for atoms counted from 0.
pub fn coinciding(i: usize, j: usize) -> Error {
    Error::input(format!(
        "atoms {} and {} are point charges at the same place; move one of them or give them widths",
        i + 1,
        j + 1
    ))
}
