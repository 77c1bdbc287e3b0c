//! [`LinkedCells`]: the neighbours of every atom in O(N), for molecules and any periodic cell.

use std::ops::{Range, RangeInclusive};

use super::edge_vector;
use super::lattice::SearchBasis;
use crate::vector::dot;
use crate::{Cell, Error, Result};

/// Molecules up to this size are searched in one bin: all pairs are faster than a grid.
const SMALL_MOLECULE: usize = 200;

/// Candidates pre-selected at a time.
const PIECE: usize = 128;

/// One neighbour found by [`LinkedCells::for_each`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbor {
    /// The neighbour's index.
    pub atom: u32,
    /// Periodic image of the neighbour, counted in lattice vectors from the position it was given at.
    pub shift: [i32; 3],
    /// `x_i - x_j - shift . cell` (angstrom).
    pub vector: [f64; 3],
    /// Squared length of `vector` (angstrom^2).
    pub distance2: f64,
    /// Image counted between the atoms as wrapped into the box; orders the images of a neighbour as `shift` does.
    pub(super) image: [i32; 3],
}

/// Atoms sorted into bins about half a cutoff wide. Answers "who is near atom `i`" without storing edges: for
/// long-range pair terms whose full list would not fit into memory.
#[derive(Debug)]
pub struct LinkedCells<'a> {
    positions: &'a [[f64; 3]],
    cell: Option<Cell>,
    cutoff: f64,
    /// Cutoff widened by what rounding in the wrapped coordinates may cost; only pre-selects.
    reach: f64,
    basis: SearchBasis,
    bins: [i64; 3],
    /// How many bins away a neighbour can be.
    span: [i64; 3],
    grid: Grid,
    /// Where every atom is, in units of bins.
    place: Vec<[f64; 3]>,
    /// Lattice translation taken off every atom to wrap it, in the cell's own vectors. Empty without period.
    wrap: Vec<[i32; 3]>,
    /// First entry of every bin in `sorted`, and the end.
    first: Vec<u32>,
    /// Atoms by bin, ascending within one.
    sorted: Vec<u32>,
    /// Wrapped coordinates in the order of the atoms.
    wrapped: Vec<[f64; 3]>,
    /// Wrapped coordinates in the order of `sorted`.
    by_bin: Vec<[f64; 3]>,
}

impl<'a> LinkedCells<'a> {
    /// Sorts the atoms at `positions` for neighbours closer than `cutoff` (all in angstrom).
    ///
    /// Errors: a cutoff that is not positive and finite, a coordinate that is not finite, a periodic cell without
    /// volume or with millions of images or neighbours within reach, an atom more than a thousand million cells away
    /// from the box.
    pub fn new(positions: &'a [[f64; 3]], cell: Option<&Cell>, cutoff: f64) -> Result<Self> {
        if !(cutoff > 0.0 && cutoff.is_finite()) {
            return Err(Error::usage(format!("a cutoff of {cutoff} angstrom; give a positive number")));
        }
        if u32::try_from(positions.len()).is_err() {
            return Err(Error::input(format!(
                "{} atoms are more than a neighbour list holds",
                positions.len()
            )));
        }
        let mut farthest = 0.0f64;
        for (i, p) in positions.iter().enumerate() {
            if let Some(x) = p.iter().find(|x| !x.is_finite()) {
                return Err(Error::input(format!("atom {}: coordinate {x} is not a finite number", i + 1)));
            }
            farthest = p.iter().fold(farthest, |m, x| m.max(x.abs()));
        }
        let basis = SearchBasis::new(cell)?;
        // The largest number that took part in the wrapped coordinates sets their rounding.
        let skew: f64 = cell.filter(|_| basis.periodic.contains(&true)).map_or(0.0, |c| {
            let largest = c.vectors.iter().flatten().fold(0.0f64, |m, x| m.max(x.abs()));
            basis.transform.iter().flatten().map(|&t| t.abs() as f64 * largest).sum()
        });
        let reach = cutoff + 1e-8 + 1e-12 * (farthest + skew + cutoff);

        let mut fractions: Vec<[f64; 3]> = positions.iter().map(|&x| basis.fractions(x)).collect();
        let mut wrapped = positions.to_vec();
        let wrap = wrap_atoms(&basis, &mut fractions, &mut wrapped)?;
        let (origin, extent) = bounds(&basis, &fractions);
        let bins = choose_bins(&basis, extent, reach, positions.len());
        let span = std::array::from_fn(|a| {
            let width = extent[a] * basis.heights[a] / bins[a] as f64;
            let far = (reach / width).ceil();
            if basis.periodic[a] { far as i64 } else { far.min((bins[a] - 1) as f64) as i64 }
        });
        refuse_far_images(&basis, bins, span)?;
        refuse_many_images(&basis, positions.len(), reach)?;
        let place: Vec<[f64; 3]> = fractions
            .iter()
            .map(|f| {
                std::array::from_fn(|a| {
                    ((f[a] - origin[a]) / extent[a] * bins[a] as f64).clamp(0.0, bins[a] as f64)
                })
            })
            .collect();
        let (first, sorted) = sort_into_bins(&place, bins);
        let grid =
            Grid::new(std::array::from_fn(|a| basis.vectors[a].map(|x| x * extent[a] / bins[a] as f64)));
        let by_bin = sorted.iter().map(|&i| wrapped[i as usize]).collect();
        let cell = cell.copied().filter(|_| basis.periodic.contains(&true));
        Ok(Self {
            positions,
            cell,
            cutoff,
            reach,
            basis,
            bins,
            span,
            grid,
            place,
            wrap,
            first,
            sorted,
            wrapped,
            by_bin,
        })
    }

    /// Number of atoms.
    pub fn atoms(&self) -> usize {
        self.positions.len()
    }

    /// Whether any direction repeats.
    pub fn is_periodic(&self) -> bool {
        self.cell.is_some()
    }

    /// Calls `visit` once for every neighbour of atom `i`, own images included, in an order that depends on the
    /// positions alone (not the order of a [`super::NeighborList`]).
    ///
    /// # Panics
    /// If there is no atom `i`.
    pub fn for_each(&self, i: usize, mut visit: impl FnMut(Neighbor)) {
        let (grid, at) = (&self.grid, self.place[i]);
        let mut hits = [0u32; PIECE];
        for b0 in self.around(0, at[0]) {
            let (c0, n0) = self.home(0, b0);
            for b1 in self.around(1, at[1]) {
                let Some((start, end)) = grid.run([b0, b1], at, self.reach) else { continue };
                let (c1, n1) = self.home(1, b1);
                let row = (c0 * self.bins[1] + c1) * self.bins[2];
                let around = self.around(2, at[2]);
                let (mut b2, last) = (start.max(*around.start()), end.min(*around.end()));
                // Bins along the last axis follow each other in memory until the period ends.
                while b2 <= last {
                    let (c2, n2) = self.home(2, b2);
                    let run = (self.bins[2] - c2).min(last - b2 + 1);
                    let from = self.first[(row + c2) as usize] as usize;
                    let to = self.first[(row + c2 + run) as usize] as usize;
                    if from < to {
                        self.scan(i, from..to, [n0, n1, n2], &mut hits, &mut visit);
                    }
                    b2 += run;
                }
            }
        }
    }

    /// Bins along axis `a` that can hold neighbours of an atom at `place`, images counted on.
    fn around(&self, a: usize, place: f64) -> RangeInclusive<i64> {
        let b = (place as i64).min(self.bins[a] - 1);
        let (lo, hi) = (b - self.span[a], b + self.span[a]);
        if self.basis.periodic[a] { lo..=hi } else { lo.max(0)..=hi.min(self.bins[a] - 1) }
    }

    /// The bin inside the box and the image of a bin counted on.
    fn home(&self, a: usize, b: i64) -> (i64, i64) {
        if (0..self.bins[a]).contains(&b) {
            return (b, 0); // nearly always: spare the divisions
        }
        (b.rem_euclid(self.bins[a]), b.div_euclid(self.bins[a]))
    }

    /// Visits the neighbours of `i` among the sorted atoms `from..to` in one image.
    fn scan(
        &self,
        i: usize,
        run: Range<usize>,
        image: [i64; 3],
        hits: &mut [u32; PIECE],
        visit: &mut impl FnMut(Neighbor),
    ) {
        let offset = self.basis.combine(image);
        let at: [f64; 3] = std::array::from_fn(|k| self.wrapped[i][k] - offset[k]);
        let image = self.basis.in_cell(image).map(|n| n as i32);
        let limit = self.reach * self.reach;
        let mut begin = run.start;
        while begin < run.end {
            let end = run.end.min(begin + PIECE);
            // Pre-selection without branches: most candidates of a bin are beyond the cutoff.
            let mut found = 0;
            for (k, x) in self.by_bin[begin..end].iter().enumerate() {
                let d = [at[0] - x[0], at[1] - x[1], at[2] - x[2]];
                hits[found % PIECE] = k as u32;
                found += usize::from(dot(d, d) < limit);
            }
            for &k in &hits[..found] {
                let j = self.sorted[begin + k as usize];
                if let Some(neighbor) = self.check(i, j, image) {
                    visit(neighbor);
                }
            }
            begin = end;
        }
    }

    /// The shift from `i` to `j`, for the image counted between the wrapped atoms.
    #[inline]
    pub(super) fn shift(&self, i: usize, j: usize, image: [i32; 3]) -> [i32; 3] {
        if self.wrap.is_empty() {
            return image;
        }
        std::array::from_fn(|k| image[k] + self.wrap[i][k] - self.wrap[j][k])
    }

    /// The decision on one candidate, from the positions as given.
    #[inline(always)]
    fn check(&self, i: usize, j: u32, image: [i32; 3]) -> Option<Neighbor> {
        let jj = j as usize;
        let shift = self.shift(i, jj, image);
        if i == jj && shift == [0; 3] {
            return None;
        }
        let vector = edge_vector(self.positions[i], self.positions[jj], shift, self.cell.as_ref());
        let distance2 = dot(vector, vector);
        (distance2 < self.cutoff * self.cutoff).then_some(Neighbor {
            atom: j,
            shift,
            vector,
            distance2,
            image,
        })
    }
}

/// Refuses a cell so skewed that the images within reach, counted in its own vectors, overflow.
fn refuse_far_images(basis: &SearchBasis, bins: [i64; 3], span: [i64; 3]) -> Result<()> {
    let images: [f64; 3] = std::array::from_fn(|a| (span[a] / bins[a] + 1) as f64);
    let far =
        (0..3).any(|b| (0..3).map(|a| images[a] * basis.transform[a][b].abs() as f64).sum::<f64>() > 1e9);
    if far {
        return Err(Error::input(
            "the cell is too skewed or too small for the cutoff; give the same lattice by shorter vectors",
        ));
    }
    Ok(())
}

/// Refuses what would not end or not fit: more images within reach, or more neighbours of an atom, than any structure
/// has. Estimated before anything is searched.
fn refuse_many_images(basis: &SearchBasis, atoms: usize, reach: f64) -> Result<()> {
    const MOST: f64 = 2e6;
    let repeats = |a: usize| if basis.periodic[a] { 2.0 * reach / basis.heights[a] + 1.0 } else { 1.0 };
    let images: f64 = (0..3).map(repeats).product();
    let neighbors = if basis.periodic == [true; 3] {
        let volume: f64 = basis.heights[2] * norm_of_cross(basis.vectors[0], basis.vectors[1]);
        atoms as f64 * 4.0 / 3.0 * std::f64::consts::PI * reach.powi(3) / volume
    } else {
        0.0
    };
    if images.max(neighbors) > MOST {
        return Err(Error::input(format!(
            "the cell is too small for a reach of {reach:.1} angstrom: about {:.0e} {}; is the cell in angstrom?",
            images.max(neighbors),
            if images > neighbors { "of its images lie within" } else { "neighbours for every atom" },
        )));
    }
    Ok(())
}

/// Area of the parallelogram of two vectors.
fn norm_of_cross(a: [f64; 3], b: [f64; 3]) -> f64 {
    let along = dot(a, b);
    (dot(a, a) * dot(b, b) - along * along).max(0.0).sqrt()
}

/// Moves atoms into the box along periodic directions (fractions and coordinates) and returns the translations in
/// the cell's own vectors; none if no atom is outside.
fn wrap_atoms(
    basis: &SearchBasis,
    fractions: &mut [[f64; 3]],
    positions: &mut [[f64; 3]],
) -> Result<Vec<[i32; 3]>> {
    const FARTHEST: f64 = 1e9;
    let mut wrap = Vec::new();
    let atoms = fractions.len();
    for (i, (f, x)) in fractions.iter_mut().zip(positions).enumerate() {
        let whole: [f64; 3] = std::array::from_fn(|a| if basis.periodic[a] { f[a].floor() } else { 0.0 });
        if whole == [0.0; 3] {
            continue;
        }
        let far = || {
            Error::input(format!(
                "atom {} is too many cells away from the box; wrap the coordinates into the cell",
                i + 1
            ))
        };
        if whole.iter().any(|w| w.abs() > FARTHEST) {
            return Err(far());
        }
        let n = whole.map(|w| w as i64);
        let in_cell = basis.in_cell(n);
        if in_cell.iter().any(|w| w.unsigned_abs() > FARTHEST as u64) {
            return Err(far());
        }
        let offset = basis.combine(n);
        for k in 0..3 {
            f[k] -= whole[k];
            x[k] -= offset[k];
        }
        if wrap.is_empty() {
            wrap.resize(atoms, [0; 3]);
        }
        wrap[i] = in_cell.map(|w| w as i32);
    }
    Ok(wrap)
}

/// Lower end and length, in fractions, of what the bins cover: the box, or the atoms' bounds where nothing repeats.
fn bounds(basis: &SearchBasis, fractions: &[[f64; 3]]) -> ([f64; 3], [f64; 3]) {
    let (mut origin, mut extent) = ([0.0; 3], [1.0; 3]);
    for a in (0..3).filter(|&a| !basis.periodic[a]) {
        let lo = fractions.iter().map(|f| f[a]).fold(f64::INFINITY, f64::min);
        let hi = fractions.iter().map(|f| f[a]).fold(f64::NEG_INFINITY, f64::max);
        if lo <= hi {
            origin[a] = lo;
            extent[a] = (hi - lo).clamp(1e-3, f64::MAX);
        }
    }
    (origin, extent)
}

/// Bins about half the reach wide, but never many more than atoms: a sparse system gets wider ones.
fn choose_bins(basis: &SearchBasis, extent: [f64; 3], reach: f64, atoms: usize) -> [i64; 3] {
    if !basis.periodic.contains(&true) && atoms <= SMALL_MOLECULE {
        return [1; 3];
    }
    let mut bins: [i64; 3] = std::array::from_fn(|a| {
        (extent[a] * basis.heights[a] / (0.5 * reach)).clamp(1.0, f64::from(1 << 20)) as i64
    });
    while bins.iter().product::<i64>() > 4 * atoms as i64 {
        let widest = (0..3).max_by_key(|&a| bins[a]).unwrap_or(0);
        if bins[widest] == 1 {
            break;
        }
        bins[widest] /= 2;
    }
    bins
}

/// Counting sort: the start of every bin (and the end), and the atoms by bin.
fn sort_into_bins(place: &[[f64; 3]], bins: [i64; 3]) -> (Vec<u32>, Vec<u32>) {
    let flat =
        |p: &[f64; 3]| (0..3).fold(0, |index, a| index * bins[a] + (p[a] as i64).min(bins[a] - 1)) as usize;
    let mut first = vec![0u32; bins.iter().product::<i64>() as usize + 1];
    for p in place {
        first[flat(p) + 1] += 1;
    }
    for k in 1..first.len() {
        first[k] += first[k - 1];
    }
    let mut next = first.clone();
    let mut sorted = vec![0u32; place.len()];
    for (i, p) in place.iter().enumerate() {
        let slot = &mut next[flat(p)];
        sorted[*slot as usize] = i as u32;
        *slot += 1;
    }
    (first, sorted)
}

/// The shape of a bin, resolved along three orthogonal directions: the normal of its second and third edge, the
/// normal of the third edge in their plane, and the third edge. Row `a` of `edge` is edge `a` in that frame, so the
/// matrix is lower triangular.
#[derive(Debug)]
struct Grid {
    edge: [[f64; 3]; 3],
    /// Bins per angstrom along the third edge.
    per_length: f64,
}

impl Grid {
    fn new(w: [[f64; 3]; 3]) -> Self {
        let unit = |v: [f64; 3]| v.map(|x| x / dot(v, v).sqrt());
        let third = unit(w[2]);
        let along = dot(w[1], third);
        let second = unit(std::array::from_fn(|k| w[1][k] - along * third[k]));
        let first = [
            second[1] * third[2] - second[2] * third[1],
            second[2] * third[0] - second[0] * third[2],
            second[0] * third[1] - second[1] * third[0],
        ];
        let edge = w.map(|v| [dot(v, first), dot(v, second), dot(v, third)]);
        Self { edge, per_length: 1.0 / edge[2][2] }
    }

    /// First and last bin along the third axis, of the row of bins `b`, that come within `reach` of `place` (in
    /// units of bins); none if the row stays away. What the first two directions take of the reach is not left
    /// for the third.
    #[inline]
    fn run(&self, b: [i64; 2], place: [f64; 3], reach: f64) -> Option<(i64, i64)> {
        let [e0, e1, _] = &self.edge;
        let far = |a: usize| {
            let lo = b[a] as f64 - place[a];
            (lo, lo + 1.0)
        };
        let (d0, d1) = (far(0), far(1));
        let x = nearest(scaled(d0, e0[0]));
        let y = nearest(sum(scaled(d0, e0[1]), scaled(d1, e1[1])));
        let left = reach * reach - x * x - y * y;
        if left < 0.0 {
            return None;
        }
        let left = left.sqrt();
        let z = sum(scaled(d0, e0[2]), scaled(d1, e1[2]));
        let (lo, hi) =
            ((-left - z.1) * self.per_length + place[2], (left - z.0) * self.per_length + place[2]);
        // Rounded outwards by the casts: one bin more at most, and no call to a floor function.
        Some((lo as i64 - i64::from(lo < 0.0), hi as i64))
    }
}

/// The interval `d` times `by`, ends in order.
#[inline]
fn scaled(d: (f64, f64), by: f64) -> (f64, f64) {
    let (a, b) = (d.0 * by, d.1 * by);
    (a.min(b), a.max(b))
}

#[inline]
fn sum(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    (a.0 + b.0, a.1 + b.1)
}

/// The least distance of an interval from zero.
#[inline]
fn nearest(d: (f64, f64)) -> f64 {
    d.0.max(-d.1).max(0.0)
}
