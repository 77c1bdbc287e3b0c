//! What is kept from one geometry to the next.

use super::mesh::{Buffers, Grid};
use super::{Coulomb, Splitting};
use oxidane_core::neighbors::{NeighborList, SkinnedList};
use oxidane_core::{Cell, Result, SystemView};
use std::sync::Arc;

/// How much further than asked a kept list reaches, so that it outlives changes of the volume, as a factor.
const MARGIN: f64 = 1.02;

/// Neighbours and memory kept from one geometry of a crystal to the next, as in dynamics: see [`super::Coulomb::prepare_with`]. Results do not
/// depend on what it holds.
#[derive(Debug, Clone)]
pub struct Cache {
    skin: f64,
    list: Option<SkinnedList>,
    pub(super) buffers: Arc<Buffers>,
    plan: Option<(Circumstances, Plan)>,
}

/// What a plan depends on: what is asked for, the number of atoms, the volume, the lengths of lattice vectors, the largest width.
pub type Circumstances = (Coulomb, usize, f64, [f64; 3], f64);

/// How a lattice sum is split, and its mesh if it has one.
pub type Plan = (Splitting, Option<Grid>);

impl Cache {
    /// An empty one; neighbours are searched anew when atoms may have moved further than `skin` (angstrom, zero or more) allows.
    pub fn new(skin: f64) -> Self {
        Self { skin, list: None, buffers: Arc::default(), plan: None }
    }

    /// The plan, made anew for other circumstances than the last.
    pub(super) fn plan(
        &mut self,
        circumstances: Circumstances,
        make: impl FnOnce() -> Result<Plan>,
    ) -> Result<Plan> {
        match self.plan {
            Some((of, plan)) if of == circumstances => Ok(plan),
            _ => {
                let plan = make()?;
                self.plan = Some((circumstances, plan));
                Ok(plan)
            }
        }
    }

    /// A list that holds all neighbours within `cutoff`, and perhaps others.
    pub(super) fn list(&mut self, positions: &[[f64; 3]], cell: &Cell, cutoff: f64) -> Result<&NeighborList> {
        let fits = |list: &SkinnedList| (cutoff..cutoff * MARGIN * MARGIN).contains(&list.cutoff());
        let list = match self.list.take().filter(fits) {
            Some(list) => list,
            None => SkinnedList::new(cutoff * MARGIN, self.skin)?,
        };
        let list = self.list.insert(list);
        list.update(&Atoms { numbers: vec![1; positions.len()], positions, cell })?;
        Ok(list.list())
    }
}

/// Atoms of no particular kind.
struct Atoms<'a> {
    numbers: Vec<u8>,
    positions: &'a [[f64; 3]],
    cell: &'a Cell,
}

impl SystemView for Atoms<'_> {
    fn numbers(&self) -> &[u8] {
        &self.numbers
    }
    fn positions(&self) -> &[[f64; 3]] {
        self.positions
    }
    fn cell(&self) -> Option<&Cell> {
        Some(self.cell)
    }
    fn charge(&self) -> i32 {
        0
    }
    fn unpaired(&self) -> u32 {
        0
    }
}
