//! Pairs of atoms within the range of the overlap, eight of the same elements and of similar distance together.

use std::ops::Range;

use oxidane_core::Result;
use oxidane_physics::geometry::{Geometry, dot};
use oxidane_physics::lattice::Lattice;

use crate::integrals::lanes::{LANES, Lanes};
use crate::integrals::species::{SpeciesPair, species_pair};

/// Where lanes without a pair are put, in bohr: no overlap reaches so far.
const NOWHERE: f64 = 1e3;

/// Eight pairs of atoms of the same elements, the first not heavier than the second.
#[derive(Debug, Clone)]
pub struct Batch {
    /// What the pairs share.
    pub species: &'static SpeciesPair,
    /// The first and the second atoms; lanes beyond `count` repeat lane 0.
    pub atoms: [[usize; LANES]; 2],
    /// Number of pairs.
    pub count: usize,
    /// Whether each pair is an atom with itself (and its own images).
    pub diagonal: bool,
    /// Its range in [`Batches::images`].
    pub images: Range<usize>,
    /// Where its integrals begin in the storage of the Hamiltonian.
    pub storage: usize,
}

/// One vector from the first atom to an image of the second for each pair of a batch.
#[derive(Debug, Clone)]
pub struct Image {
    /// x, y, z in bohr; far away in lanes without a pair.
    pub vector: [Lanes; 3],
    /// Whether all vectors are zero: atoms with themselves.
    pub onsite: bool,
}

/// All pairs of a structure.
#[derive(Debug, Clone, Default)]
pub struct Batches {
    /// The batches.
    pub list: Vec<Batch>,
    /// The images of all batches.
    pub images: Vec<Image>,
}

/// A pair before it is put into a batch.
struct Pair {
    atoms: [usize; 2],
    /// Range in the list of vectors, nearest first.
    vectors: Range<usize>,
    /// Squared distance of the nearest image.
    nearest: f64,
}

impl Batches {
    /// The pairs of a structure. Refuses lattice vectors that span no volume.
    pub fn new(geometry: &Geometry) -> Result<Self> {
        let lattice = Lattice::new(geometry.lattice)?;
        let mut species = geometry.numbers.to_vec();
        species.sort_unstable();
        species.dedup();
        let mut members = vec![Vec::new(); species.len()];
        for (atom, z) in geometry.numbers.iter().enumerate() {
            if let Ok(s) = species.binary_search(z) {
                members[s].push(atom);
            }
        }
        let pairs = |i: usize, j: usize| species_pair(species[i], species[j]);
        let all = (0..species.len()).flat_map(|i| (i..species.len()).map(move |j| (i, j)));
        let mut batches = Self::default();
        for (i, j) in all {
            batches.add(pairs(i, j), geometry, &lattice, &members[i], &members[j], i == j);
        }
        Ok(batches)
    }

    /// Adds the pairs of two elements.
    fn add(
        &mut self,
        species: &'static SpeciesPair,
        geometry: &Geometry,
        lattice: &Lattice,
        first: &[usize],
        second: &[usize],
        same: bool,
    ) {
        let mut vectors = Vec::new();
        let (mut onsite, mut pairs) = (Vec::new(), Vec::new());
        for (i, &a) in first.iter().enumerate() {
            let others = if same { &second[..=i] } else { second };
            for &b in others {
                if let Some(pair) = pair(geometry, lattice, species.cutoff, [a, b], &mut vectors) {
                    if a == b { &mut onsite } else { &mut pairs }.push(pair);
                }
            }
        }
        pairs.sort_unstable_by(|x, y| x.nearest.total_cmp(&y.nearest).then(x.atoms.cmp(&y.atoms)));
        for (list, diagonal) in [(&onsite, true), (&pairs, false)] {
            for pairs in list.chunks(LANES) {
                self.push(species, pairs, &vectors, diagonal);
            }
        }
    }

    fn push(&mut self, species: &'static SpeciesPair, pairs: &[Pair], vectors: &[[f64; 3]], diagonal: bool) {
        let most = pairs.iter().map(|p| p.vectors.len()).max().unwrap_or(0);
        let start = self.images.len();
        for k in 0..most {
            let mut vector = [Lanes::ZERO, Lanes::ZERO, Lanes::splat(NOWHERE)];
            for (lane, pair) in pairs.iter().enumerate() {
                if let Some(v) = vectors[pair.vectors.clone()].get(k) {
                    for axis in 0..3 {
                        vector[axis].0[lane] = v[axis];
                    }
                }
            }
            let onsite = diagonal && k == 0;
            if onsite {
                vector = [Lanes::ZERO; 3];
            }
            self.images.push(Image { vector, onsite });
        }
        let storage = self.list.last().map_or(0, |b| b.storage + b.size());
        self.list.push(Batch {
            species,
            atoms: [0, 1]
                .map(|side| std::array::from_fn(|lane| pairs.get(lane).unwrap_or(&pairs[0]).atoms[side])),
            count: pairs.len(),
            diagonal,
            images: start..self.images.len(),
            storage,
        });
    }

    /// Length of the storage of all integrals.
    pub fn storage(&self) -> usize {
        self.list.last().map_or(0, |b| b.storage + b.size())
    }
}

/// Matrices kept for each pair of atoms: the overlap; dipole and quadrupole about the first atom; about the second.
pub const MATRICES: usize = 17;

impl Batch {
    /// Matrix elements of a pair of atoms.
    pub fn elements(&self) -> usize {
        self.species.orbitals[0] * self.species.orbitals[1]
    }

    /// Length of its storage.
    pub fn size(&self) -> usize {
        MATRICES * self.elements()
    }
}

/// The vectors from `a` to the images of `b` within the cutoff, nearest first; `None` if there are none.
fn pair(
    geometry: &Geometry,
    lattice: &Lattice,
    cutoff: f64,
    [a, b]: [usize; 2],
    vectors: &mut Vec<[f64; 3]>,
) -> Option<Pair> {
    let start = vectors.len();
    if a == b {
        vectors.push([0.0; 3]);
    }
    let (from, to) = (geometry.positions[a], geometry.positions[b]);
    let vector = std::array::from_fn(|axis| to[axis] - from[axis]);
    lattice.for_each_image(vector, cutoff, |v, _| vectors.push(v));
    if vectors.len() > start + 1 {
        // Stable: images of the same distance keep their order.
        vectors[start..].sort_by(|v, w| dot(*v, *v).total_cmp(&dot(*w, *w)));
    }
    let nearest = vectors.get(start).map(|v| dot(*v, *v))?;
    Some(Pair { atoms: [a, b], vectors: start..vectors.len(), nearest })
}
