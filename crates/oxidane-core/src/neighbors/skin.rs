//! [`SkinnedList`]: a neighbour list that outlives small movements.

use super::edges::Edges;
use super::lattice::deformation;
use super::list::NeighborList;
use crate::{Cell, Error, Result, SystemView};

/// Held back from the skin (angstrom) so that rounding cannot hide an edge.
const MARGIN: f64 = 1e-9;

/// A [`NeighborList`] for `cutoff + skin` that is rebuilt only when an edge could otherwise be missed.
///
/// With `F` the deformation from the cell of the last build to the present one (x -> x F, rows) and
/// `u_i = x_i - x0_i F` what atom `i` moved besides, an edge vector now is `r = r0 F + u_i - u_j`, so
/// `|r| >= s |r0| - u1 - u2` with `s` the least stretch of `F` (bounded by `1 - |F - 1|`, Frobenius norm) and
/// `u1`, `u2` the two largest `|u|`. A pair not in the list had `|r0| >= cutoff + skin`: it stays outside the cutoff
/// as long as `u1 + u2 <= s (cutoff + skin) - cutoff`. For a fixed cell that is the familiar rule that the two
/// largest displacements must not exceed the skin together.
///
/// Rebuilt also when the number of atoms (or of owned ones), the elements or the periodic directions change.
#[derive(Debug, Clone)]
pub struct SkinnedList {
    cutoff: f64,
    skin: f64,
    list: NeighborList,
    built: bool,
    owned: usize,
    numbers: Vec<u8>,
    positions: Vec<[f64; 3]>,
    cell: Option<Cell>,
}

impl SkinnedList {
    /// An empty list for a cutoff and a skin in angstrom; the first [`SkinnedList::update`] builds it. A skin of 0
    /// means rebuilding after every movement. Refuses a cutoff that is not positive and a negative skin.
    pub fn new(cutoff: f64, skin: f64) -> Result<Self> {
        if !(cutoff > 0.0 && cutoff.is_finite() && skin >= 0.0 && skin.is_finite()) {
            return Err(Error::usage(format!(
                "a neighbour list with cutoff {cutoff} and skin {skin} angstrom; give a positive cutoff and a skin \
                 that is not negative"
            )));
        }
        Ok(Self {
            cutoff,
            skin,
            list: NeighborList::default(),
            built: false,
            owned: 0,
            numbers: Vec::new(),
            positions: Vec::new(),
            cell: None,
        })
    }

    /// The cutoff in angstrom, without the skin.
    pub fn cutoff(&self) -> f64 {
        self.cutoff
    }

    /// The skin in angstrom.
    pub fn skin(&self) -> f64 {
        self.skin
    }

    /// The list as last built, reaching to `cutoff + skin` at the positions of that time.
    pub fn list(&self) -> &NeighborList {
        &self.list
    }

    /// Makes sure that the list holds every edge within the cutoff of `system`; tells whether it was rebuilt.
    /// Errors are those of [`NeighborList::new`]; after one, the next update rebuilds.
    pub fn update(&mut self, system: &dyn SystemView) -> Result<bool> {
        if self.covers(system) {
            return Ok(false);
        }
        self.built = false;
        let (positions, cell) = (system.positions(), system.cell());
        self.list.build(positions, cell, system.owned(), self.cutoff + self.skin)?;
        self.owned = system.owned();
        self.cell = cell.copied();
        self.numbers.clear();
        self.numbers.extend_from_slice(system.numbers());
        self.positions.clear();
        self.positions.extend_from_slice(positions);
        self.built = true;
        Ok(true)
    }

    /// Updates the list and fills `edges` with what is within the cutoff; tells whether the list was rebuilt.
    pub fn edges(&mut self, system: &dyn SystemView, edges: &mut Edges) -> Result<bool> {
        let rebuilt = self.update(system)?;
        edges.fill(&self.list, self.cutoff, system.positions(), system.cell())?;
        Ok(rebuilt)
    }

    /// Whether no edge within the cutoff of `system` can be missing.
    fn covers(&self, system: &dyn SystemView) -> bool {
        if !self.built
            || system.positions().len() != self.positions.len()
            || system.owned() != self.owned
            || system.numbers() != self.numbers
        {
            return false;
        }
        let Some(f) = deformation(self.cell.as_ref(), system.cell()) else { return false };
        let stretch = 1.0 - distance_to_identity(f);
        let moved = self.two_largest_displacements(system.positions(), f);
        let room = stretch * (self.cutoff + self.skin) - self.cutoff - MARGIN;
        // Not a number compares false: rebuilt, and refused there by name.
        moved <= room || (moved == 0.0 && stretch == 1.0)
    }

    /// `u1 + u2` of the rebuild rule (angstrom); not a number if a position is none.
    fn two_largest_displacements(&self, positions: &[[f64; 3]], f: [[f64; 3]; 3]) -> f64 {
        let (mut largest, mut second) = (0.0f64, 0.0f64);
        for (x, x0) in positions.iter().zip(&self.positions) {
            let mut d2 = 0.0;
            for l in 0..3 {
                let u = x[l] - (x0[0] * f[0][l] + x0[1] * f[1][l] + x0[2] * f[2][l]);
                d2 += u * u;
            }
            if d2.is_nan() {
                return f64::NAN;
            }
            if d2 > largest {
                (largest, second) = (d2, largest);
            } else if d2 > second {
                second = d2;
            }
        }
        largest.sqrt() + second.sqrt()
    }
}

/// Frobenius norm of `F - 1`, an upper bound of its spectral norm.
fn distance_to_identity(f: [[f64; 3]; 3]) -> f64 {
    let mut sum = 0.0;
    for k in 0..3 {
        for l in 0..3 {
            let d = f[k][l] - f64::from(u8::from(k == l));
            sum += d * d;
        }
    }
    sum.sqrt()
}
