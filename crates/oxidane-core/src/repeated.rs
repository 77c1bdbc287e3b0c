//! [`Repeated`]: k-points for a method that computes crystals at the Gamma point alone.

use crate::error::{Error, Result};
use crate::potential::{Evaluation, Potential, Request};
use crate::system::{Cell, System, SystemView};

/// A mesh of k-points around Gamma, or the repeated cell that is the same thing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mesh {
    /// So many along a, b and c, of every structure.
    Of([u32; 3]),
    /// As many as make the cell this wide in every direction, in angstrom; none for molecules. The number changes with the cell: for single
    /// points and cells that stay.
    Wide(f64),
}

impl Mesh {
    /// Copies along a, b and c of a structure that repeats in all of them; `None` of others.
    pub fn copies(self, system: &dyn SystemView) -> Option<[u32; 3]> {
        let cell = system.cell().filter(|cell| cell.periodic == [true; 3])?;
        Some(match self {
            Self::Of(copies) => copies.map(|n| n.max(1)),
            // A cell that just misses the width by rounding has it.
            Self::Wide(width) => cell.widths().map(|w| (width / w - 1e-9).ceil().max(1.0) as u32),
        })
    }
}

/// Most atoms of a repeated cell: more are a slip, and would not fit into memory.
const MOST_ATOMS: u64 = 20_000;

/// A potential whose crystals are computed in repeated cells: per cell, what it gives at the Gamma point of the large cell is what it would
/// give with a mesh of k-points in the small one. Of repeated cells there are no orbitals. Where the cell has the fewest unpaired electrons that
/// its parity allows, so has the large one; else as many in each copy.
pub struct Repeated {
    inner: Box<dyn Potential>,
    mesh: Mesh,
}

impl Repeated {
    /// Wraps a potential.
    pub fn new(inner: Box<dyn Potential>, mesh: Mesh) -> Self {
        Self { inner, mesh }
    }

    /// Copies along a, b and c; `None` of what does not repeat.
    fn copies(&self, system: &dyn SystemView) -> Result<Option<[u32; 3]>> {
        let Some(copies) = self.mesh.copies(system) else {
            return match self.mesh {
                Mesh::Wide(_) => Ok(None),
                Mesh::Of(_) => Err(Error::usage(
                    "k-points have no effect on a structure that does not repeat in three directions; leave out --kpoints for it",
                )),
            };
        };
        let atoms = copies.iter().fold(system.numbers().len() as u64, |n, &c| n.saturating_mul(c.into()));
        if atoms > MOST_ATOMS {
            let [a, b, c] = copies;
            return Err(Error::usage(format!(
                "{a},{b},{c} k-points make a cell of {atoms} atoms, more than {MOST_ATOMS}; give fewer with --kpoints"
            )));
        }
        Ok(Some(copies))
    }
}

/// The cell and its copies, the first copy first.
fn enlarged(system: &dyn SystemView, cell: &Cell, copies: [u32; 3]) -> System {
    // Within the bounds of the atoms.
    let [a, b, c] = copies.map(|n| n as i32);
    let shifts = (0..a).flat_map(|i| (0..b).flat_map(move |j| (0..c).map(move |k| [i, j, k])));
    let (mut numbers, mut positions) = (Vec::new(), Vec::new());
    for shift in shifts {
        let by = cell.shift_vector(shift);
        numbers.extend_from_slice(system.numbers());
        positions.extend(system.positions().iter().map(|x| std::array::from_fn(|k| x[k] + by[k])));
    }
    let vectors: [[f64; 3]; 3] = std::array::from_fn(|k| cell.vectors[k].map(|x| x * f64::from(copies[k])));
    let charge = system.charge() * a * b * c;
    let mut large = System { numbers, positions, cell: Some(Cell { vectors, ..*cell }), charge, unpaired: 0 };
    large.unpaired = if system.unpaired() == system.lowest_unpaired() {
        large.lowest_unpaired()
    } else {
        system.unpaired() * copies.iter().product::<u32>()
    };
    large
}

/// Means over copies of rows that stand one copy after another.
fn mean<const N: usize>(rows: &[[f64; N]], atoms: usize) -> Vec<[f64; N]> {
    let copies = (rows.len() / atoms) as f64;
    let of =
        |atom: usize, k: usize| rows.iter().skip(atom).step_by(atoms).map(|row| row[k]).sum::<f64>() / copies;
    (0..atoms).map(|atom| std::array::from_fn(|k| of(atom, k))).collect()
}

impl Potential for Repeated {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn capabilities(&self) -> Request {
        Request { polarizability: false, born_charges: false, ..self.inner.capabilities() }
    }

    fn check(&self, system: &dyn SystemView) -> Result<()> {
        self.inner.check(system)?;
        self.copies(system).map(|_| ())
    }

    fn evaluate(&mut self, system: &dyn SystemView, request: Request) -> Result<Evaluation> {
        request.within(self.capabilities(), self.name())?;
        let copies = self.copies(system)?.filter(|copies| *copies != [1; 3]);
        let (Some(copies), Some(cell)) = (copies, system.cell()) else {
            return self.inner.evaluate(system, request);
        };
        // What is wrong is said of the cell that was given.
        self.inner.check(system)?;
        let request = Request { electronic: false, dipole: false, ..request };
        let large = self.inner.evaluate(&enlarged(system, cell, copies), request)?;
        let (atoms, count) = (system.numbers().len(), f64::from(copies.iter().product::<u32>()));
        let charges = large.charges.map(|q| q.into_iter().map(|q| [q]).collect::<Vec<_>>());
        Ok(Evaluation {
            energy: large.energy.map(|e| e / count),
            forces: large.forces.map(|f| mean(&f, atoms)),
            virial: large.virial.map(|v| v.map(|row| row.map(|x| x / count))),
            charges: charges.map(|q| mean(&q, atoms).into_iter().map(|[q]| q).collect()),
            ..Evaluation::default()
        })
    }

    fn fork(&self) -> Box<dyn Potential> {
        Box::new(Self { inner: self.inner.fork(), mesh: self.mesh })
    }

    fn follow(&mut self, on: bool) {
        self.inner.follow(on);
    }

    fn memory(&self) -> Vec<f64> {
        self.inner.memory()
    }

    fn recall(&mut self, memory: &[f64]) -> Result<()> {
        self.inner.recall(memory)
    }
}
