//! Radial distribution functions of pairs of elements in periodic cells.

use crate::statistics::RunningStats;
use oxidane_core::neighbors::LinkedCells;
use oxidane_core::{Error, Result, System, elements};
use std::f64::consts::PI;

/// g_AB(r) = V / (N_A N_B 4 pi r^2 dr) times the number of pairs between r and r + dr, averaged over frames; N_B is one less where A
/// and B are the same element, so that g tends to 1 without correlation. All images of the cell count, also beyond half of it.
#[derive(Debug, Clone)]
pub struct RadialDistribution {
    pair: [u8; 2],
    reach: f64,
    /// g in each bin.
    values: Vec<RunningStats>,
    /// Sum over frames of the neighbours B of an A in each bin.
    neighbors: Vec<f64>,
    frames: u64,
}

/// One distance of a distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Middle of the bin, angstrom.
    pub distance: f64,
    /// g there.
    pub value: f64,
    /// Its standard error, with the correlation of frames; not a number for fewer than 32 frames.
    pub error: f64,
    /// Mean number of neighbours up to the end of the bin.
    pub coordination: f64,
}

impl RadialDistribution {
    /// Of neighbours of element `pair[1]` around atoms of element `pair[0]`, in `bins` equal bins up to `reach` angstrom.
    ///
    /// # Errors
    /// No bins, or a distance that is not positive.
    pub fn new(pair: [u8; 2], reach: f64, bins: usize) -> Result<Self> {
        if bins == 0 || !(reach > 0.0 && reach.is_finite()) {
            return Err(Error::usage(format!(
                "{bins} bins up to {reach} angstrom make no distribution; both must be positive"
            )));
        }
        Ok(Self {
            pair,
            reach,
            values: vec![RunningStats::new(); bins],
            neighbors: vec![0.0; bins],
            frames: 0,
        })
    }

    /// The elements.
    pub fn pair(&self) -> [u8; 2] {
        self.pair
    }

    /// Counts the pairs of a frame.
    ///
    /// # Errors
    /// The frame does not repeat in three directions, or has too few of the atoms.
    pub fn add(&mut self, system: &System) -> Result<()> {
        let volume = match &system.cell {
            Some(cell) if cell.periodic == [true; 3] => cell.volume().abs(),
            _ => {
                return Err(Error::input(
                    "a radial distribution needs a density: structures that repeat in three directions",
                ));
            }
        };
        let [a, b] = self.pair;
        let count = |z: u8| system.numbers.iter().filter(|&&x| x == z).count();
        let partners = count(b) - usize::from(a == b).min(count(b));
        if count(a) == 0 || partners == 0 {
            let (a, b) = (elements::symbol(a), elements::symbol(b));
            return Err(Error::input(format!("there is no pair of {a} and {b} in it")));
        }
        let bins = self.values.len();
        let mut found = vec![0u64; bins];
        let cells = LinkedCells::new(&system.positions, system.cell.as_ref(), self.reach)?;
        for i in (0..system.len()).filter(|&i| system.numbers[i] == a) {
            cells.for_each(i, |n| {
                if system.numbers[n.atom as usize] == b {
                    let bin = (n.distance2.sqrt() / self.reach * bins as f64) as usize;
                    found[bin.min(bins - 1)] += 1;
                }
            });
        }
        let (centers, density) = (count(a) as f64, partners as f64 / volume);
        for (k, n) in found.into_iter().enumerate() {
            let each = n as f64 / centers;
            self.neighbors[k] += each;
            let expected = density * self.shell(k);
            self.values[k].add(self.frames as f64, each / expected);
        }
        self.frames += 1;
        Ok(())
    }

    /// Volume of a bin's shell.
    fn shell(&self, k: usize) -> f64 {
        let edge = |k: usize| self.reach * k as f64 / self.values.len() as f64;
        4.0 / 3.0 * PI * (edge(k + 1).powi(3) - edge(k).powi(3))
    }

    /// The distribution over the frames so far; not numbers without any.
    pub fn points(&self) -> Vec<Point> {
        let width = self.reach / self.values.len() as f64;
        let mut coordination = 0.0;
        let rows = self.values.iter().zip(&self.neighbors).enumerate();
        rows.map(|(k, (value, n))| {
            coordination += n / self.frames as f64;
            let distance = (k as f64 + 0.5) * width;
            let value_and_error = (value.mean(), value.standard_error());
            Point { distance, value: value_and_error.0, error: value_and_error.1, coordination }
        })
        .collect()
    }

    /// The highest point, and the lowest one behind it within the distances counted: the first shell and its end.
    pub fn first_shell(points: &[Point]) -> Option<(Point, Point)> {
        let by_value = |a: &&Point, b: &&Point| a.value.total_cmp(&b.value);
        let top = points.iter().filter(|p| p.value.is_finite()).max_by(by_value)?;
        // The lowest up to where the next shell rises: three halves of the distance are beyond the first minimum of liquids.
        let behind = points.iter().filter(|p| p.distance > top.distance && p.distance < 1.6 * top.distance);
        Some((*top, *behind.min_by(by_value)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oxidane_core::Cell;

    fn rock_salt() -> System {
        let a = 5.64;
        let at = |x: f64, y: f64, z: f64| [x * a, y * a, z * a];
        let mut positions = vec![at(0.0, 0.0, 0.0), at(0.5, 0.5, 0.0), at(0.5, 0.0, 0.5), at(0.0, 0.5, 0.5)];
        positions.extend([at(0.5, 0.0, 0.0), at(0.0, 0.5, 0.0), at(0.0, 0.0, 0.5), at(0.5, 0.5, 0.5)]);
        let cell = Cell { vectors: [[a, 0.0, 0.0], [0.0, a, 0.0], [0.0, 0.0, a]], periodic: [true; 3] };
        System { cell: Some(cell), ..System::molecule(vec![11, 11, 11, 11, 17, 17, 17, 17], positions) }
    }

    /// Shells of rock salt from one cell: 6 neighbours Cl of Na at a/2 and 8 at a sqrt(3)/2; 12 Na of Na at a/sqrt(2).
    #[test]
    fn shells_of_rock_salt() {
        let a = 5.64;
        let mut rdf = RadialDistribution::new([11, 17], 6.0, 600).unwrap();
        rdf.add(&rock_salt()).unwrap();
        let points = rdf.points();
        let up_to = |points: &[Point], r: f64| {
            points.iter().rfind(|p| p.distance < r).map(|p| p.coordination).unwrap()
        };
        assert_eq!(up_to(&points, 0.5 * a + 0.1), 6.0);
        assert_eq!(up_to(&points, 0.866 * a + 0.1), 14.0);
        let mut rdf = RadialDistribution::new([11, 11], 6.0, 600).unwrap();
        rdf.add(&rock_salt()).unwrap();
        assert_eq!(up_to(&rdf.points(), a / 2f64.sqrt() + 0.1), 12.0);
    }

    /// The vectors of a cell may be left-handed, its volume is positive all the same.
    #[test]
    fn the_order_of_cell_vectors_does_not_matter() {
        let of = |system: &System| {
            let mut rdf = RadialDistribution::new([11, 17], 6.0, 60).unwrap();
            rdf.add(system).unwrap();
            rdf.points().iter().map(|p| (p.value, p.coordination)).collect::<Vec<_>>()
        };
        let right = rock_salt();
        let mut left = right.clone();
        left.cell.as_mut().unwrap().vectors.swap(0, 1);
        assert_eq!(of(&left), of(&right));
    }

    /// Atoms without correlation have g = 1: 400 random frames of 64 atoms, three standard errors (of about 0.003 beyond 2 angstrom).
    #[test]
    fn an_ideal_gas_has_no_structure() {
        let cell =
            Cell { vectors: [[9.0, 0.0, 0.0], [2.0, 8.0, 0.0], [-1.0, 3.0, 10.0]], periodic: [true; 3] };
        let mut rdf = RadialDistribution::new([18, 18], 6.0, 6).unwrap();
        let mut state = 1u64;
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        for _ in 0..400 {
            let position = |f: [f64; 3]| -> [f64; 3] {
                std::array::from_fn(|k| (0..3).map(|a| f[a] * cell.vectors[a][k]).sum())
            };
            let positions = (0..64).map(|_| position([uniform(), uniform(), uniform()])).collect();
            rdf.add(&System { cell: Some(cell), ..System::molecule(vec![18; 64], positions) }).unwrap();
        }
        for p in rdf.points().iter().skip(1) {
            assert!((p.value - 1.0).abs() < 3.0 * p.error.max(0.003), "{p:?}");
        }
    }

    #[test]
    fn what_has_no_density_is_refused() {
        let mut rdf = RadialDistribution::new([1, 8], 5.0, 10).unwrap();
        let gas = System::molecule(vec![8, 1], vec![[0.0; 3], [1.0, 0.0, 0.0]]);
        assert!(rdf.add(&gas).unwrap_err().to_string().contains("density"));
        assert!(rdf.add(&rock_salt()).unwrap_err().to_string().contains("no pair of H and O"));
        assert!(RadialDistribution::new([1, 8], -1.0, 10).is_err());
    }
}
