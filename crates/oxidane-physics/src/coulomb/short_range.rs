//! The part of a lattice sum in real space.

use super::blocks::{add, run, to_row};
use super::cache::Cache;
use super::forms::{Bilinear, Gradients, UPPER};
use super::kernel::{CLOSEST, Kernel, by_width};
use super::lattice::Lattice;
use super::pairs::coinciding;
use super::{Sites, values_of};
use crate::geometry::dot;
use oxidane_core::neighbors::NeighborList;
use oxidane_core::{Cell, Result};
use oxidane_math::Scalar;
use std::ops::Range;

/// Atoms handled as one unit of work.
const BLOCK: usize = 64;

/// Interactions of every atom with its neighbours and their images.
#[derive(Debug, Clone)]
pub struct ShortRange<S> {
    positions: Vec<[S; 3]>,
    rows: [[S; 3]; 3],
    widths: Vec<S>,
    blocks: Vec<Block>,
    parallel: bool,
}

/// The neighbours of a block of atoms.
#[derive(Debug, Clone, Default)]
struct Block {
    /// The first neighbour of each atom, and the end.
    first: Vec<usize>,
    neighbor: Vec<u32>,
    /// The cell each neighbour is in.
    shift: Vec<[i16; 3]>,
    /// Interactions and slopes, rows of scalars.
    value: Vec<f64>,
    slope: Vec<f64>,
}

/// A neighbour of an atom.
struct Edge<S> {
    neighbor: usize,
    /// From the neighbour to the atom.
    vector: [S; 3],
    /// Its place in its block.
    index: usize,
}

impl<S: Scalar<Real = f64>> ShortRange<S> {
    /// Of the kernel within `cutoff` (angstrom), from `cache` or searched anew. Errors: those of [`NeighborList::new`], and point charges that
    /// coincide.
    pub fn new(
        sites: &Sites<'_, S>,
        lattice: &Lattice<S>,
        kernel: Kernel,
        cutoff: f64,
        cache: Option<&mut Cache>,
        parallel: bool,
    ) -> Result<Self> {
        let (positions, cell) = (values_of(sites.positions), Cell::new(lattice.values()));
        let fresh;
        let list = match cache {
            Some(cache) => cache.list(&positions, &cell, cutoff)?,
            None => {
                // A little further, so that which neighbours count is decided here whatever list they come from.
                fresh = NeighborList::new(&positions, Some(&cell), cutoff * (1.0 + 1e-9))?;
                &fresh
            }
        };
        let n = positions.len();
        let mut sum = Self {
            positions: sites.positions.to_vec(),
            rows: lattice.rows,
            widths: sites.widths.to_vec(),
            blocks: Vec::new(),
            parallel,
        };
        let atoms = (0..n).step_by(BLOCK).map(|first| first..n.min(first + BLOCK)).collect();
        let blocks = run(parallel, atoms, |atoms| sum.block(list, atoms, kernel, cutoff));
        sum.blocks = blocks.into_iter().collect::<Result<_>>()?;
        Ok(sum)
    }

    /// The neighbours of a block within `cutoff`, in the order of the list, and their interactions.
    fn block(&self, list: &NeighborList, atoms: Range<usize>, kernel: Kernel, cutoff: f64) -> Result<Block> {
        let mut block = Block { first: vec![0], ..Block::default() };
        let (mut squares, mut widths) = (Vec::new(), Vec::new());
        for i in atoms {
            for e in list.edges_of(i) {
                // The list stores no larger numbers.
                let shift = list.shift(e).map(|n| n as i16);
                let edge = self.edge(i, list.neighbors()[e], shift, e);
                let [r2, g2] = self.squares(i, &edge);
                if r2.value() >= cutoff * cutoff {
                    continue;
                }
                if r2.value() < CLOSEST * CLOSEST && g2.value() < CLOSEST * CLOSEST {
                    return Err(coinciding(i, edge.neighbor));
                }
                block.neighbor.push(edge.neighbor as u32);
                block.shift.push(shift);
                squares.push(r2);
                widths.push(g2);
            }
            block.first.push(block.neighbor.len());
        }
        let n = squares.len();
        let [squares, widths] = [squares, widths].map(|v| to_row(v.into_iter()));
        block.value = vec![0.0; n * S::PLANES];
        block.slope = vec![0.0; n * S::PLANES];
        kernel.fill::<S>(n, &squares, &widths, &mut block.value, &mut block.slope);
        Ok(block)
    }

    /// The neighbour `neighbor` of atom `i` in the cell `shift`.
    #[inline(always)]
    fn edge(&self, i: usize, neighbor: u32, shift: [i16; 3], index: usize) -> Edge<S> {
        let neighbor = neighbor as usize;
        let (a, b) = (self.positions[i], self.positions[neighbor]);
        let mut vector = [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
        if shift != [0; 3] {
            let n = shift.map(f64::from);
            for c in 0..3 {
                let part = |a: usize| self.rows[a][c].scale(n[a]);
                vector[c] -= part(0) + part(1) + part(2);
            }
        }
        Edge { neighbor, vector, index }
    }

    /// The neighbours of atom `i`, the `k`th of its block.
    #[inline(always)]
    fn edges<'a>(&'a self, block: &'a Block, i: usize, k: usize) -> impl Iterator<Item = Edge<S>> + 'a {
        let range = block.first[k]..block.first[k + 1];
        range.map(move |e| self.edge(i, block.neighbor[e], block.shift[e], e))
    }

    /// Squares of the distance and of the joint width.
    #[inline(always)]
    fn squares(&self, i: usize, edge: &Edge<S>) -> [S; 2] {
        let (s, t) = (self.widths[i], self.widths[edge.neighbor]);
        [dot(edge.vector, edge.vector), s * s + t * t]
    }

    /// Adds the potential in V.
    pub fn add_potential(&self, charges: &[S], out: &mut [S]) {
        let tasks: Vec<_> = out.chunks_mut(BLOCK).zip(&self.blocks).collect();
        run(self.parallel, tasks, |(out, block)| {
            let row = S::row(&block.value, block.neighbor.len());
            for (phi, range) in out.iter_mut().zip(block.first.windows(2)) {
                let mut sum = S::zero();
                for e in range[0]..range[1] {
                    sum += S::get(row, e) * charges[block.neighbor[e] as usize];
                }
                *phi += sum;
            }
        });
    }

    /// Adds the derivatives of forms.
    pub fn add_gradients(&self, forms: &[Bilinear<S>], sum: &mut Gradients<S>) {
        let mut widths = sum.widths.chunks_mut(BLOCK);
        let tasks: Vec<_> = (sum.positions.chunks_mut(BLOCK).zip(&self.blocks).enumerate())
            .map(|(b, (positions, block))| (b * BLOCK, block, positions, widths.next()))
            .collect();
        let strains = run(self.parallel, tasks, |(start, block, positions, mut widths)| {
            let mut strain = [S::zero(); 6];
            for (k, gradient) in positions.iter_mut().enumerate() {
                let (force, own) = self.reduce(block, start + k, k, forms);
                add(gradient, &force);
                add(&mut strain, &own);
                if let Some(widths) = &mut widths {
                    widths[k] += self.by_width(block, start + k, k, forms);
                }
            }
            strain
        });
        for strain in strains {
            // Every pair was met from both ends.
            sum.add_strain(strain.map(|x| x.scale(0.5)));
        }
    }

    fn reduce(&self, block: &Block, i: usize, k: usize, forms: &[Bilinear<S>]) -> ([S; 3], [S; 6]) {
        let row = S::row(&block.slope, block.neighbor.len());
        let (mut gradient, mut strain) = ([S::zero(); 3], [S::zero(); 6]);
        for edge in self.edges(block, i, k) {
            let weight = weight(forms, i, edge.neighbor) * S::get(row, edge.index);
            let f = edge.vector.map(|x| x * weight);
            add(&mut gradient, &f);
            for (s, (a, b)) in strain.iter_mut().zip(UPPER) {
                *s += f[a] * edge.vector[b];
            }
        }
        (gradient, strain)
    }

    fn by_width(&self, block: &Block, i: usize, k: usize, forms: &[Bilinear<S>]) -> S {
        let mut sum = S::zero();
        for edge in self.edges(block, i, k) {
            let [r2, g2] = self.squares(i, &edge);
            sum += weight(forms, i, edge.neighbor) * by_width(r2, g2);
        }
        sum * self.widths[i].scale(2.0)
    }
}

/// The weight of the pair i, j, summed over forms.
#[inline(always)]
fn weight<S: Scalar>(forms: &[Bilinear<S>], i: usize, j: usize) -> S {
    forms.iter().fold(S::zero(), |sum, form| sum + form.pair(i, j))
}
