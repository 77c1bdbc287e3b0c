//! One evaluation of the network: the forward pass, block of atoms by block of atoms, with an equilibration of all
//! charges after each of the network's blocks. Its reverse is in `reverse`.

use super::message::Sources;
use super::{Architecture, BLOCK};
use crate::batch::Batch;
use crate::blocks::{cut, run};
use crate::charges::{self, Equilibrium, Field};
use crate::derivatives::{Direction, Tangents};
use crate::edges::EdgeFunctions;
use crate::layers::{HeadedTape, MlpTape, add_assign};
use crate::network::{Features, Outputs, Scratch};
use oxidane_core::Result;
use oxidane_math::{Real, Scalar};
use std::ops::Range;

/// What atoms of one unit of work keep between the passes.
pub(super) struct Block<R> {
    pub(super) atoms: Range<usize>,
    pub(super) scratch: Scratch<R>,
    /// Features before the first update and after each, `[atoms, planes, F]`.
    pub(super) features: Vec<Vec<R>>,
    pub(super) steps: Vec<Step<R>>,
    pub(super) readout: Option<(HeadedTape<R>, Vec<R>)>,
    /// Adjoints of the features.
    pub(super) adj: Vec<R>,
}

pub(super) struct Step<R> {
    pub(super) x: Vec<R>,
    /// A and its learned mixtures.
    pub(super) moments: Vec<R>,
    pub(super) mixtures: Vec<R>,
    pub(super) update: MlpTape<R>,
}

/// A forward pass with what its reverse needs.
pub struct Pass<'a, S: Scalar> {
    pub(super) net: &'a Architecture,
    pub(super) p: &'a [S::Real],
    pub(super) batch: &'a Batch,
    pub(super) parallel: bool,
    pub(super) functions: EdgeFunctions<S::Real>,
    pub(super) field: Field<S::Double>,
    /// A potential at each atom from outside; empty for none.
    external: Vec<S::Double>,
    pub(super) blocks: Vec<Block<S::Real>>,
    /// Compressed features of each step.
    pub(super) compressed: Vec<Vec<S::Real>>,
    /// Charges after each step.
    pub(super) equilibria: Vec<Equilibrium<S::Double>>,
    /// Their potentials, where somebody wants them.
    pub(super) potentials: Vec<Vec<S::Double>>,
}

impl<'a, S: Scalar> Pass<'a, S> {
    /// Runs the network on the batch up to the charges, and to the energy if wanted. `external`: a potential in V at each atom, which
    /// adds to every electronegativity; empty for none.
    pub(super) fn forward(
        net: &'a Architecture,
        p: &'a [S::Real],
        batch: &'a Batch,
        direction: &Direction,
        external: Vec<S::Double>,
        energy: bool,
        scratch: &mut Scratch<S::Real>,
        parallel: bool,
    ) -> Result<Self> {
        let tangents = Tangents::new::<S>(batch, direction);
        let field = net.electrostatics.prepare::<S>(p, batch, &tangents, parallel, scratch.lattice_sums())?;
        let functions = net.basis.forward::<S>(&[], batch, &|e| tangents.edge(e), parallel, scratch);
        let (compressed, equilibria, potentials) = (Vec::new(), Vec::new(), Vec::new());
        let blocks = Vec::new();
        let mut pass = Self {
            net,
            p,
            batch,
            parallel,
            functions,
            field,
            external,
            blocks,
            compressed,
            equilibria,
            potentials,
        };
        pass.start(scratch);
        for t in 0..net.layers.len() {
            pass.advance(t, energy, scratch);
        }
        if energy {
            pass.read();
        }
        Ok(pass)
    }

    fn start(&mut self, scratch: &mut Scratch<S::Real>) {
        let (n, f) = (self.batch.atoms(), self.net.config.node_dim);
        for first in (0..n).step_by(BLOCK) {
            let atoms = first..(first + BLOCK).min(n);
            let mut own = scratch.child();
            let mut h = own.dirty(atoms.len() * S::PLANES * f);
            self.net.start.forward::<S>(self.p, &self.batch.numbers[atoms.clone()], &mut h);
            self.blocks.push(Block {
                atoms,
                scratch: own,
                features: vec![h],
                steps: Vec::new(),
                readout: None,
                adj: Vec::new(),
            });
        }
    }

    pub(super) fn ends(&self) -> impl Iterator<Item = usize> + use<S> {
        let n = self.batch.atoms();
        (0..n).step_by(BLOCK).map(move |first| (first + BLOCK).min(n))
    }

    pub(super) fn edge_ends(&self) -> impl Iterator<Item = usize> + use<'a, S> {
        let batch = self.batch;
        self.ends().map(|atom| batch.edges.first[atom] as usize)
    }

    /// Charges that step `t` reads.
    pub(super) fn charges_before(&self, t: usize) -> Vec<S> {
        let last = t.checked_sub(1).map(|t| &self.equilibria[t].charges);
        last.into_iter().flatten().map(|&q| S::from_double(q)).collect()
    }

    /// Update `t` and the charges after it.
    fn advance(&mut self, t: usize, energy: bool, scratch: &mut Scratch<S::Real>) {
        let (net, p, batch, layer) = (self.net, self.p, self.batch, &self.net.layers[t]);
        let (f, c, w) = (net.config.node_dim, net.config.channels, layer.message.columns.width);
        let mut compressed = scratch.dirty(batch.atoms() * S::PLANES * c);
        let parts = cut(&mut compressed, self.ends(), S::PLANES * c);
        run(self.parallel, self.blocks.iter_mut().zip(parts).collect(), |(b, part)| {
            layer.compress.forward::<S>(p, b.atoms.len(), &b.features[t], part);
        });
        let charges = self.charges_before(t);
        let potential: &[S::Double] = match t {
            0 => &[],
            _ => &self.potentials[t - 1],
        };
        let source = Sources { batch, edges: &self.functions, compressed: &compressed, charges: &charges };
        let mut heads = scratch.dirty(batch.atoms() * S::PLANES * 2);
        let parts = cut(&mut heads, self.ends(), S::PLANES * 2);
        let tasks = self.blocks.iter_mut().zip(parts).collect();
        run(self.parallel, tasks, |(b, heads): (&mut Block<S::Real>, &mut [S::Real])| {
            let (rows, columns) = (b.atoms.len(), &layer.message.columns);
            let mut x = b.scratch.dirty(rows * S::PLANES * w);
            let mut moments = b.scratch.dirty(rows * S::PLANES * layer.message.moments());
            for (x, h) in x.chunks_exact_mut(w).zip(b.features[t].chunks_exact(f)) {
                x[..f].copy_from_slice(h);
            }
            for (x, i) in x.chunks_exact_mut(w * S::PLANES).zip(b.atoms.clone()) {
                let mut x = S::row_mut(x, w);
                columns.charge.into_iter().for_each(|at| S::set(&mut x, at, charges[i]));
                columns.potential.into_iter().for_each(|at| S::set(&mut x, at, S::from_double(potential[i])));
            }
            layer.message.forward::<S>(&source, b.atoms.clone(), &mut x, &mut moments, &mut b.scratch);
            let powers = layer.powers.as_ref();
            let mixtures = powers.map(|of| of.forward::<S>(p, rows, &moments, &mut x, &mut b.scratch));
            let mut h = b.scratch.dirty(rows * S::PLANES * f);
            let update = layer.update.forward_from::<S>(p, rows, &x, 0, &mut h, &mut b.scratch);
            add_assign(&mut h, &b.features[t]);
            layer.charges.forward::<S>(p, rows, &h, heads);
            b.features.push(h);
            b.steps.push(Step { x, moments, mixtures: mixtures.unwrap_or_default(), update });
        });
        let head = |k: usize| -> Vec<S::Double> {
            heads.chunks_exact(2 * S::PLANES).map(|y| S::get(S::row(y, 2), k).double()).collect()
        };
        let equilibrium = net.hardness.equilibrate::<S>(p, batch, head(0), head(1), &self.external);
        let wanted = if t + 1 == net.layers.len() { energy } else { net.config.potential };
        let potential = if wanted { self.field.potential(batch, &equilibrium.charges) } else { Vec::new() };
        self.potentials.push(potential);
        self.equilibria.push(equilibrium);
        self.compressed.push(compressed);
        scratch.put(heads);
    }

    /// The energies of the atoms without electrostatics.
    fn read(&mut self) {
        let (net, p, batch) = (self.net, self.p, self.batch);
        run(self.parallel, self.blocks.iter_mut().collect(), |b: &mut Block<S::Real>| {
            let mut y = b.scratch.dirty(b.atoms.len() * S::PLANES);
            let h = &b.features[net.layers.len()];
            let tape = net.readout.forward::<S>(p, batch, b.atoms.clone(), h, &mut y, &mut b.scratch);
            b.readout = Some((tape, y));
        });
    }

    pub(super) fn last_charges(&self) -> &[S::Double] {
        self.equilibria.last().map_or(&[], |e| &e.charges)
    }

    pub(super) fn last_potential(&self) -> &[S::Double] {
        self.potentials.last().map_or(&[], |v| v)
    }

    /// Energies (if computed), charges and dipoles. The energy of an atom has half of its charge's electrostatic energy.
    pub fn outputs(&self) -> Outputs {
        let batch = self.batch;
        let values = |x: &[S::Double]| x.iter().map(|x| x.value()).collect::<Vec<f64>>();
        let (charges, potential) = (values(self.last_charges()), values(self.last_potential()));
        let read = self.blocks.iter().filter_map(|b| b.readout.as_ref());
        let read = read.flat_map(|(_, y)| y.chunks_exact(S::PLANES).map(|y| y[0].f64()));
        let atomic_energies: Vec<f64> =
            read.zip(charges.iter().zip(&potential)).map(|(e, (q, phi))| e + 0.5 * q * phi).collect();
        let energy = |s: usize| -> f64 { atomic_energies[batch.atoms_of(s)].iter().sum() };
        let energy = if self.blocks.iter().all(|b| b.readout.is_some()) {
            (0..batch.structures()).map(energy).collect()
        } else {
            Vec::new()
        };
        let dipole = charges::dipoles(batch, &charges);
        Outputs { energy, atomic_energies, charges, dipole, ..Outputs::default() }
    }

    /// What the energy without electrostatics comes from; empty if it was not computed.
    pub fn features(&self) -> Features {
        let mut features = Features::default();
        let width = self.net.config.node_dim;
        for block in &self.blocks {
            let Some((tape, _)) = &block.readout else { continue };
            tape.features::<S>(&mut features.last);
            for atom in 0..block.atoms.len() {
                for h in &block.features[1..] {
                    features.inner.extend(h[atom * width * S::PLANES..][..width].iter().map(|x| x.f64()));
                }
            }
        }
        features
    }

    /// Returns all buffers.
    pub fn recycle(self, scratch: &mut Scratch<S::Real>) {
        self.functions.recycle(scratch);
        self.compressed.into_iter().for_each(|v| scratch.put(v));
        for mut b in self.blocks.into_iter().rev() {
            for step in b.steps {
                step.update.recycle(&mut b.scratch);
                [step.x, step.moments, step.mixtures].into_iter().for_each(|v| b.scratch.put(v));
            }
            if let Some((tape, y)) = b.readout {
                tape.recycle(&mut b.scratch);
                b.scratch.put(y);
            }
            b.features.into_iter().chain([b.adj]).for_each(|v| b.scratch.put(v));
            scratch.put_child(b.scratch);
        }
    }
}
