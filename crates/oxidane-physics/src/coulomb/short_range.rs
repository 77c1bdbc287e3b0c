//! The part of a lattice sum in real space.

use super::blocks::{add, run, to_row};
use super::forms::{Bilinear, Gradients, UPPER};
use super::kernel::{CLOSEST, Kernel, by_width};
use super::lattice::{Lattice, dot};
use super::pairs::coinciding;
use super::{Sites, values_of};
use oxidane_core::neighbors::NeighborList;
use oxidane_core::{Cell, Result};
use oxidane_math::Scalar;

/// Atoms handled as one unit of work.
const BLOCK: usize = 64;

/// Interactions of every atom with its neighbours and their images.
#[derive(Debug, Clone)]
pub struct ShortRange<S> {
    list: NeighborList,
    positions: Vec<[S; 3]>,
    rows: [[S; 3]; 3],
    widths: Vec<S>,
    /// Interactions of the edges of each center, a row of scalars a center.
    value: Vec<f64>,
    slope: Vec<f64>,
    parallel: bool,
}

impl<S: Scalar<Real = f64>> ShortRange<S> {
    /// Of the kernel within `cutoff` (angstrom). Errors: those of [`NeighborList::new`], and point charges that coincide.
    pub fn new(
        sites: &Sites<'_, S>,
        lattice: &Lattice<S>,
        kernel: Kernel,
        cutoff: f64,
        parallel: bool,
    ) -> Result<Self> {
        let cell = Cell::new(lattice.values());
        let list = NeighborList::new(&values_of(sites.positions), Some(&cell), cutoff)?;
        let edges = list.len() * S::PLANES;
        let mut sum = Self {
            list,
            positions: sites.positions.to_vec(),
            rows: lattice.rows,
            widths: sites.widths.to_vec(),
            value: vec![0.0; edges],
            slope: vec![0.0; edges],
            parallel,
        };
        sum.fill(kernel)?;
        Ok(sum)
    }

    fn fill(&mut self, kernel: Kernel) -> Result<()> {
        let (mut value, mut slope) = (std::mem::take(&mut self.value), std::mem::take(&mut self.slope));
        let tasks =
            self.blocks().into_iter().zip(self.split(&mut value).into_iter().zip(self.split(&mut slope)));
        let found = run(self.parallel, tasks.collect(), |(atoms, (value, slope))| {
            let mut start = 0;
            for i in atoms {
                let (mut squares, mut widths) = (Vec::new(), Vec::new());
                for e in self.list.edges_of(i) {
                    let [r2, g2] = self.squares(i, e);
                    if r2.value() < CLOSEST * CLOSEST && g2.value() < CLOSEST * CLOSEST {
                        return Err(coinciding(i, self.list.neighbors()[e] as usize));
                    }
                    squares.push(r2);
                    widths.push(g2);
                }
                let n = squares.len();
                let rows = [squares, widths].map(|v| to_row(v.into_iter()));
                let range = start..start + n * S::PLANES;
                kernel.fill::<S>(n, &rows[0], &rows[1], &mut value[range.clone()], &mut slope[range]);
                start += n * S::PLANES;
            }
            Ok(())
        });
        (self.value, self.slope) = (value, slope);
        found.into_iter().collect()
    }

    fn blocks(&self) -> Vec<std::ops::Range<usize>> {
        let n = self.positions.len();
        (0..n).step_by(BLOCK).map(|first| first..n.min(first + BLOCK)).collect()
    }

    /// Cuts an array over edges into those of the blocks.
    fn split<'a>(&self, mut edges: &'a mut [f64]) -> Vec<&'a mut [f64]> {
        let mut parts = Vec::new();
        for atoms in self.blocks() {
            let count = self.list.first()[atoms.end] - self.list.first()[atoms.start];
            let (part, rest) = edges.split_at_mut(count as usize * S::PLANES);
            parts.push(part);
            edges = rest;
        }
        parts
    }

    /// x_i - x_j - shift . cell of edge `e`.
    #[inline(always)]
    fn vector(&self, i: usize, e: usize) -> [S; 3] {
        let (a, b) = (self.positions[i], self.positions[self.list.neighbors()[e] as usize]);
        let shift = self.list.shift(e);
        let mut d = [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
        if shift != [0; 3] {
            let n = shift.map(f64::from);
            for k in 0..3 {
                d[k] -= (0..3).fold(S::zero(), |sum, a| sum + self.rows[a][k].scale(n[a]));
            }
        }
        d
    }

    /// Squares of the distance and of the joint width of edge `e`.
    #[inline(always)]
    fn squares(&self, i: usize, e: usize) -> [S; 2] {
        let d = self.vector(i, e);
        let (s, t) = (self.widths[i], self.widths[self.list.neighbors()[e] as usize]);
        [dot(d, d), s * s + t * t]
    }

    /// The rows of values of the edges of center `i`.
    fn row<'a>(&self, edges: &'a [f64], i: usize) -> S::Row<'a> {
        let range = self.list.edges_of(i);
        S::row(&edges[range.start * S::PLANES..], range.len())
    }

    /// Adds the potential in V.
    pub fn add_potential(&self, charges: &[S], out: &mut [S]) {
        let tasks: Vec<_> = out.chunks_mut(BLOCK).enumerate().collect();
        run(self.parallel, tasks, |(block, out)| {
            for (k, phi) in out.iter_mut().enumerate() {
                let i = block * BLOCK + k;
                let row = self.row(&self.value, i);
                let neighbors = &self.list.neighbors()[self.list.edges_of(i)];
                let mut sum = S::zero();
                for (e, &j) in neighbors.iter().enumerate() {
                    sum += S::get(row, e) * charges[j as usize];
                }
                *phi += sum;
            }
        });
    }

    /// Adds the derivatives of forms.
    pub fn add_gradients(&self, forms: &[Bilinear<S>], sum: &mut Gradients<S>) {
        let mut widths = sum.widths.chunks_mut(BLOCK);
        let tasks: Vec<_> = sum
            .positions
            .chunks_mut(BLOCK)
            .enumerate()
            .map(|(block, positions)| (block, positions, widths.next()))
            .collect();
        let strains = run(self.parallel, tasks, |(block, positions, mut widths)| {
            let mut strain = [S::zero(); 6];
            for (k, gradient) in positions.iter_mut().enumerate() {
                let i = block * BLOCK + k;
                let (force, own) = self.reduce(i, forms);
                add(gradient, &force);
                add(&mut strain, &own);
                if let Some(widths) = &mut widths {
                    widths[k] += self.by_width(i, forms);
                }
            }
            strain
        });
        for strain in strains {
            // Every pair was met from both ends.
            sum.add_strain(strain.map(|x| x.scale(0.5)));
        }
    }

    fn reduce(&self, i: usize, forms: &[Bilinear<S>]) -> ([S; 3], [S; 6]) {
        let row = self.row(&self.slope, i);
        let (mut gradient, mut strain) = ([S::zero(); 3], [S::zero(); 6]);
        for (k, e) in self.list.edges_of(i).enumerate() {
            let j = self.list.neighbors()[e] as usize;
            let weight = weight(forms, i, j) * S::get(row, k);
            let d = self.vector(i, e);
            let f = d.map(|x| x * weight);
            add(&mut gradient, &f);
            for (s, (a, b)) in strain.iter_mut().zip(UPPER) {
                *s += f[a] * d[b];
            }
        }
        (gradient, strain)
    }

    fn by_width(&self, i: usize, forms: &[Bilinear<S>]) -> S {
        let mut sum = S::zero();
        for e in self.list.edges_of(i) {
            let [r2, g2] = self.squares(i, e);
            sum += weight(forms, i, self.list.neighbors()[e] as usize) * by_width(r2, g2);
        }
        sum * self.widths[i].scale(2.0)
    }
}

/// The weight of the pair i, j, summed over forms.
#[inline(always)]
fn weight<S: Scalar>(forms: &[Bilinear<S>], i: usize, j: usize) -> S {
    forms.iter().fold(S::zero(), |sum, form| sum + form.pair(i, j))
}
