//! Fractional coordination numbers CN_i = sum over neighbours j of f(r_ij), smooth in the positions.

mod counting;

pub use counting::Counting;

use crate::elements::{LAST, covalent_radius, electronegativity};
use crate::geometry::{Derivatives, Geometry};
use crate::lattice::Lattice;
use counting::Pair;
use oxidane_core::{Error, Result};
use oxidane_math::simd;

/// The coordination numbers of all atoms of a geometry.
///
/// ```
/// use oxidane_physics::{Coordination, Counting, Geometry};
/// let positions = [[0.0, 0.0, 0.0], [0.0, 0.0, 1.4]];
/// let h2 = Geometry { numbers: &[1, 1], positions: &positions, lattice: None };
/// let cn = Coordination::new(&h2, Counting::Gfn)?;
/// assert!(cn.values[0] > 0.8 && cn.values[0] < 1.0 && cn.values[0] == cn.values[1]);
/// # Ok::<(), oxidane_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Coordination {
    /// One per atom.
    pub values: Vec<f64>,
    counting: Counting,
    atoms: Atoms,
}

impl Coordination {
    /// Counts the neighbours of every atom. Refuses elements beyond [`LAST`] and lattices without a volume.
    pub fn new(geometry: &Geometry, counting: Counting) -> Result<Self> {
        let atoms = Atoms::new(geometry)?;
        let mut values = vec![0.0; geometry.numbers.len()];
        atoms.for_each_count(geometry, counting, |i, j, _, [count, _]| {
            values[i] += count;
            if i != j {
                values[j] += count;
            }
        });
        Ok(Self { values, counting, atoms })
    }

    /// Adds what an energy owes to the coordination numbers: `de_dcn` is dE/dCN in hartree, one per atom; `geometry` is
    /// the one the numbers were made of.
    pub fn add_derivatives(&self, geometry: &Geometry, de_dcn: &[f64], derivatives: &mut Derivatives) {
        self.atoms.for_each_count(geometry, self.counting, |i, j, vector, [_, slope]| {
            let by_count = if i == j { de_dcn[i] } else { de_dcn[i] + de_dcn[j] };
            derivatives.add_pair(i, j, vector, vector.map(|x| x * by_count * slope));
        });
    }
}

/// What counting needs of each atom.
#[derive(Debug, Clone)]
struct Atoms {
    radii: Vec<f64>,
    electronegativities: Vec<f64>,
    lattice: Lattice,
}

impl Atoms {
    fn new(geometry: &Geometry) -> Result<Self> {
        if let Some(number) = geometry.numbers.iter().find(|n| !(1..=LAST).contains(*n)) {
            return Err(Error::domain(format!(
                "no covalent radius for element {number}; only 1 to {LAST} have one"
            )));
        }
        Ok(Self {
            radii: geometry.numbers.iter().map(|&n| covalent_radius(n)).collect(),
            electronegativities: geometry.numbers.iter().map(|&n| electronegativity(n)).collect(),
            lattice: Lattice::new(geometry.lattice)?,
        })
    }

    /// Calls `visit(i, j, vector, [f, f'(r)/r])` for all pairs that count, i <= j, in a fixed order. An atom i and its
    /// own images come as i = j, with both T and -T.
    fn for_each_count(
        &self,
        geometry: &Geometry,
        counting: Counting,
        mut visit: impl FnMut(usize, usize, [f64; 3], [f64; 2]),
    ) {
        let largest = self.radii.iter().fold(0.0_f64, |a, &b| a.max(b));
        let reach = counting.range(2.0 * largest);
        let own = usize::from(!self.lattice.is_periodic());
        let mut neighbors = Neighbors::default();
        for (i, a) in geometry.positions.iter().enumerate() {
            neighbors.clear();
            for (j, b) in geometry.positions.iter().enumerate().skip(i + own) {
                let contact = self.radii[i] + self.radii[j];
                let range = reach.min(counting.range(contact));
                let polarity = (self.electronegativities[i] - self.electronegativities[j]).abs();
                let vector = std::array::from_fn(|k| b[k] - a[k]);
                self.lattice.for_each_image(vector, range, |v, square| {
                    neighbors.images.push((j, v));
                    neighbors.pairs.push(Pair { distance: square.sqrt(), contact, polarity });
                });
            }
            neighbors.count(counting);
            for (&(j, vector), &count) in neighbors.images.iter().zip(&neighbors.counts) {
                visit(i, j, vector, count);
            }
        }
    }
}

/// The neighbours of one atom.
#[derive(Default)]
struct Neighbors {
    images: Vec<(usize, [f64; 3])>,
    pairs: Vec<Pair>,
    /// f and f'(r)/r.
    counts: Vec<[f64; 2]>,
}

impl Neighbors {
    fn clear(&mut self) {
        self.images.clear();
        self.pairs.clear();
    }

    fn count(&mut self, counting: Counting) {
        self.counts.clear();
        let pairs = &self.pairs;
        let counts = &mut self.counts;
        simd::dispatch(
            #[inline(always)]
            || {
                // One loop a kind, so that each vectorises.
                match counting {
                    Counting::Gfn => counts.extend(pairs.iter().map(|p| Counting::Gfn.count(p))),
                    Counting::D3 => counts.extend(pairs.iter().map(|p| Counting::D3.count(p))),
                    Counting::D4 => counts.extend(pairs.iter().map(|p| Counting::D4.count(p))),
                }
            },
        );
    }
}
