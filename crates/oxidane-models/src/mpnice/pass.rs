//! One evaluation of the network: the forward pass, block of atoms by block of atoms, with an equilibration of all
//! charges after each of its blocks, and its reverse.

use super::electrostatics::Field;
use super::equilibration::{EquilibrationAdjoints, Equilibrium};
use super::message::{Sinks, Sources};
use super::{Architecture, BLOCK, readout};
use crate::batch::Batch;
use crate::blocks::{cut, run, run_with};
use crate::derivatives::{self, Direction, Tangents};
use crate::edges::EdgeFunctions;
use crate::layers::{MlpTape, add_assign};
use crate::network::{Outputs, Scratch};
use oxidane_core::Result;
use oxidane_math::{Real, Scalar};
use oxidane_physics::coulomb::Gradients;
use std::ops::Range;

/// What atoms of one unit of work keep between the passes.
struct Block<R> {
    atoms: Range<usize>,
    scratch: Scratch<R>,
    /// Features before the first update and after each, `[atoms, planes, F]`.
    features: Vec<Vec<R>>,
    steps: Vec<Step<R>>,
    readout: Option<(MlpTape<R>, Vec<R>)>,
    /// Adjoints of the features.
    adj: Vec<R>,
}

struct Step<R> {
    x: Vec<R>,
    moments: Vec<R>,
    update: MlpTape<R>,
}

/// A forward pass with what its reverse needs.
pub struct Pass<'a, S: Scalar> {
    net: &'a Architecture,
    p: &'a [S::Real],
    batch: &'a Batch,
    parallel: bool,
    functions: EdgeFunctions<S::Real>,
    field: Field<S::Double>,
    blocks: Vec<Block<S::Real>>,
    /// Compressed features of each step.
    compressed: Vec<Vec<S::Real>>,
    /// Charges after each step.
    equilibria: Vec<Equilibrium<S::Double>>,
    /// Their potentials, where somebody wants them.
    potentials: Vec<Vec<S::Double>>,
}

/// Derivatives of an energy by positions and strain, in parts.
pub struct Derivatives<S: Scalar> {
    /// Through the edges: minus the derivative by the vector of each, `[edges, planes, 3]`.
    pub vectors: Vec<S::Real>,
    /// Through the electrostatics of each structure.
    structures: Vec<Gradients<S::Double>>,
}

impl<'a, S: Scalar> Pass<'a, S> {
    /// Runs the network on the batch up to the charges, and to the energy if wanted.
    pub fn forward(
        net: &'a Architecture,
        p: &'a [S::Real],
        batch: &'a Batch,
        direction: &Direction,
        energy: bool,
        scratch: &mut Scratch<S::Real>,
        parallel: bool,
    ) -> Result<Self> {
        let tangents = Tangents::new::<S>(batch, direction);
        let field = net.electrostatics.prepare::<S>(p, batch, &tangents, parallel)?;
        let functions = net.basis.forward::<S>(&[], batch, &|e| tangents.edge(e), parallel, scratch);
        let (compressed, equilibria, potentials) = (Vec::new(), Vec::new(), Vec::new());
        let blocks = Vec::new();
        let mut pass =
            Self { net, p, batch, parallel, functions, field, blocks, compressed, equilibria, potentials };
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

    fn ends(&self) -> impl Iterator<Item = usize> + use<S> {
        let n = self.batch.atoms();
        (0..n).step_by(BLOCK).map(move |first| (first + BLOCK).min(n))
    }

    fn edge_ends(&self) -> impl Iterator<Item = usize> + use<'a, S> {
        let batch = self.batch;
        self.ends().map(|atom| batch.edges.first[atom] as usize)
    }

    /// Charges that step `t` reads.
    fn charges_before(&self, t: usize) -> Vec<S> {
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
            let mut x = b.scratch.zeros(rows * S::PLANES * w);
            let mut moments = b.scratch.zeros(rows * S::PLANES * layer.message.moments());
            for (x, h) in x.chunks_exact_mut(w).zip(b.features[t].chunks_exact(f)) {
                x[..f].copy_from_slice(h);
            }
            for (x, i) in x.chunks_exact_mut(w * S::PLANES).zip(b.atoms.clone()) {
                let mut x = S::row_mut(x, w);
                columns.charge.into_iter().for_each(|at| S::set(&mut x, at, charges[i]));
                columns.potential.into_iter().for_each(|at| S::set(&mut x, at, S::from_double(potential[i])));
            }
            layer.message.forward::<S>(&source, b.atoms.clone(), &mut x, &mut moments);
            let mut h = b.scratch.dirty(rows * S::PLANES * f);
            let update = layer.update.forward_from::<S>(p, rows, &x, 0, &mut h, &mut b.scratch);
            add_assign(&mut h, &b.features[t]);
            layer.charges.forward::<S>(p, rows, &h, heads);
            b.features.push(h);
            b.steps.push(Step { x, moments, update });
        });
        let head = |k: usize| -> Vec<S::Double> {
            heads.chunks_exact(2 * S::PLANES).map(|y| S::get(S::row(y, 2), k).double()).collect()
        };
        let equilibrium = net.hardness.equilibrate::<S>(p, batch, &head(0), head(1));
        let wanted = if t + 1 == net.layers.len() { energy } else { net.config.potential };
        let potential = if wanted { self.field.potential(batch, &equilibrium.charges) } else { Vec::new() };
        self.potentials.push(potential);
        self.equilibria.push(equilibrium);
        self.compressed.push(compressed);
        scratch.put(heads);
    }

    /// The energies of the atoms without electrostatics.
    fn read(&mut self) {
        let (net, p) = (self.net, self.p);
        run(self.parallel, self.blocks.iter_mut().collect(), |b: &mut Block<S::Real>| {
            let rows = b.atoms.len();
            let mut y = b.scratch.dirty(rows * S::PLANES);
            let h = &b.features[net.layers.len()];
            let tape = net.readout.forward_from::<S>(p, rows, h, 0, &mut y, &mut b.scratch);
            b.readout = Some((tape, y));
        });
    }

    fn last_charges(&self) -> &[S::Double] {
        self.equilibria.last().map_or(&[], |e| &e.charges)
    }

    fn last_potential(&self) -> &[S::Double] {
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
        let dipole = readout::dipoles(batch, &charges);
        Outputs { energy, atomic_energies, charges, dipole, ..Outputs::default() }
    }

    /// The reverse pass of an energy. Adds weight gradients if asked; derivatives by positions if `positions`.
    pub fn reverse(
        &mut self,
        loss: &Outputs,
        mut gradient: Option<&mut [S::Real]>,
        positions: bool,
        scratch: &mut Scratch<S::Real>,
    ) -> Derivatives<S> {
        let (net, p, batch) = (self.net, self.p, self.batch);
        let readout::Seeds { energy: seeds, charges: mut adj } = readout::seeds::<S::Double>(batch, loss);
        self.reverse_readout(&seeds, gradient.as_deref_mut());
        let potential = self.last_potential();
        for (s, &seed) in seeds.iter().enumerate() {
            batch.atoms_of(s).for_each(|i| adj[i] += seed * potential[i]);
        }
        let edges = batch.edges.len() * S::PLANES;
        let mut radial = scratch.zeros(edges * net.basis.radial());
        let mut harmonics = scratch.zeros(edges * net.basis.harmonics());
        // Adjoints of the potential of the charges after step t.
        let mut potentials = vec![Vec::new(); net.layers.len()];
        for t in (0..net.layers.len()).rev() {
            let heads = self.equilibria[t].reverse(batch, &adj);
            if let Some(g) = gradient.as_deref_mut() {
                net.hardness.gradient::<S>(p, batch, &heads, g);
            }
            let sinks = (&mut radial[..], &mut harmonics[..]);
            let (charges, potential) = self.reverse_step(t, &heads, sinks, gradient.as_deref_mut(), scratch);
            adj = charges;
            if !potential.is_empty() {
                let through = self.field.potential(batch, &potential);
                adj.iter_mut().zip(through).for_each(|(a, x)| *a += x);
                potentials[t - 1] = potential;
            }
        }
        let widths = gradient.is_some() && net.electrostatics.learned();
        let mut structures = Vec::new();
        if positions || widths {
            let forms: Vec<_> = self.equilibria.iter().zip(&potentials).collect();
            let forms: Vec<_> = forms
                .into_iter()
                .filter(|(_, adj)| !adj.is_empty())
                .map(|(e, adj)| (&e.charges[..], &adj[..]))
                .collect();
            structures = self.field.gradients(batch, (self.last_charges(), &seeds), &forms, widths);
        }
        if let Some(g) = gradient {
            for b in &self.blocks {
                net.start.gradient::<S>(&batch.numbers[b.atoms.clone()], &b.adj, g);
            }
            if widths {
                net.electrostatics.gradient::<S>(batch, &self.field, &structures, g);
            }
        }
        let mut vectors = Vec::new();
        if positions {
            vectors = scratch.dirty(edges * 3);
            net.basis.reverse::<S>(&self.functions, &radial, &harmonics, &mut vectors, self.parallel);
        }
        [radial, harmonics].into_iter().for_each(|v| scratch.put(v));
        Derivatives { vectors, structures }
    }

    fn reverse_readout(&mut self, seeds: &[S::Double], gradient: Option<&mut [S::Real]>) {
        let (net, p, batch) = (self.net, self.p, self.batch);
        let of_atom: Vec<S> = (0..batch.structures())
            .flat_map(|s| batch.atoms_of(s).map(move |_| S::from_double(seeds[s])))
            .collect();
        run_with(
            self.parallel,
            gradient,
            self.blocks.iter_mut().collect(),
            |b: &mut Block<S::Real>, gradient| {
                let rows = b.atoms.len();
                let Some((tape, y)) = &mut b.readout else { return };
                // The energies have been read: their place takes their adjoints.
                for (y, i) in y.chunks_exact_mut(S::PLANES).zip(b.atoms.clone()) {
                    S::set(&mut S::row_mut(y, 1), 0, of_atom[i]);
                }
                let h = &b.features[net.layers.len()];
                b.adj = b.scratch.dirty(h.len());
                net.readout.reverse_from::<S>(
                    p,
                    rows,
                    h,
                    tape,
                    0,
                    y,
                    &mut b.adj,
                    false,
                    gradient,
                    &mut b.scratch,
                );
            },
        );
    }

    /// From the adjoints of the charges after step `t` and of its features to those before: gives the adjoints of the charges
    /// that the step read, without what their potential makes of them, and those of the potential.
    fn reverse_step(
        &mut self,
        t: usize,
        heads: &EquilibrationAdjoints<S::Double>,
        edges: (&mut [S::Real], &mut [S::Real]),
        mut gradient: Option<&mut [S::Real]>,
        scratch: &mut Scratch<S::Real>,
    ) -> (Vec<S::Double>, Vec<S::Double>) {
        let (net, p, batch, layer) = (self.net, self.p, self.batch, &self.net.layers[t]);
        let (f, c, columns) = (net.config.node_dim, net.config.channels, layer.message.columns);
        let (w, n) = (columns.width, batch.atoms());
        let of = |there: Option<usize>| usize::from(there.is_some());
        let mut charges = vec![S::Double::zero(); n * of(columns.charge)];
        let mut potential = vec![S::Double::zero(); n * of(columns.potential)];
        // The first features do not depend on positions: nothing but weights wants their adjoints.
        let upstream = t > 0 || gradient.is_some();
        let width = if upstream { S::PLANES * layer.message.neighbor_width() } else { 0 };
        let mut neighbors = scratch.dirty(batch.edges.len() * width);
        let before = self.charges_before(t);
        let source =
            Sources { batch, edges: &self.functions, compressed: &self.compressed[t], charges: &before };
        let per_edge = [net.basis.radial() * S::PLANES, net.basis.harmonics() * S::PLANES, width];
        let sinks = cut(edges.0, self.edge_ends(), per_edge[0])
            .into_iter()
            .zip(cut(edges.1, self.edge_ends(), per_edge[1]))
            .zip(cut(&mut neighbors, self.edge_ends(), per_edge[2]))
            .map(|((radial, harmonics), neighbors)| Sinks { radial, harmonics, neighbors });
        let atoms = cut(&mut charges, self.ends(), of(columns.charge)).into_iter().zip(cut(
            &mut potential,
            self.ends(),
            of(columns.potential),
        ));
        let ends = self.ends();
        let tasks: Vec<_> = self.blocks.iter_mut().zip(sinks.zip(atoms)).collect();
        run_with(
            self.parallel,
            gradient.as_deref_mut(),
            tasks,
            |(b, (sinks, (charges, potential))), mut gradient| {
                let rows = b.atoms.len();
                let mut y = b.scratch.dirty(rows * S::PLANES * 2);
                for (y, i) in y.chunks_exact_mut(S::PLANES * 2).zip(b.atoms.clone()) {
                    let mut y = S::row_mut(y, 2);
                    S::set(&mut y, 0, S::from_double(heads.electronegativity[i]));
                    S::set(&mut y, 1, S::from_double(heads.argument[i]));
                }
                layer.charges.reverse::<S>(p, rows, &y, &mut b.adj, true);
                if let Some(g) = gradient.as_deref_mut() {
                    layer.charges.gradient::<S>(rows, &b.features[t + 1], &y, g);
                }
                let step = &b.steps[t];
                let mut x = b.scratch.dirty(rows * S::PLANES * w);
                let own = &mut b.scratch;
                layer.update.reverse_from::<S>(
                    p,
                    rows,
                    &step.x,
                    &step.update,
                    0,
                    &b.adj,
                    &mut x,
                    false,
                    gradient,
                    own,
                );
                layer.message.reverse::<S>(&source, b.atoms.clone(), &x, &step.moments, sinks, own);
                if upstream {
                    for (adj, x) in b.adj.chunks_exact_mut(f).zip(x.chunks_exact(w)) {
                        add_assign(adj, &x[..f]);
                    }
                }
                for (row, x) in x.chunks_exact(w * S::PLANES).enumerate() {
                    let x = S::row(x, w);
                    columns.charge.into_iter().for_each(|at| charges[row] = S::get(x, at).double());
                    columns.potential.into_iter().for_each(|at| potential[row] = S::get(x, at).double());
                }
                [x, y].into_iter().for_each(|v| b.scratch.put(v));
            },
        );
        if upstream {
            let parts = cut(&mut charges, ends, of(columns.charge));
            let tasks: Vec<_> = self.blocks.iter_mut().zip(parts).collect();
            run_with(self.parallel, gradient, tasks, |(b, charges), gradient| {
                let rows = b.atoms.len();
                let mut sums = b.scratch.dirty(rows * width);
                layer.message.collect::<S>(batch, b.atoms.clone(), &neighbors, &mut sums);
                let mut adj = b.scratch.dirty(rows * S::PLANES * c);
                for (adj, sum) in adj.chunks_exact_mut(c).zip(sums.chunks_exact(c + 1)) {
                    adj.copy_from_slice(&sum[..c]);
                }
                for (q, sum) in charges.iter_mut().zip(sums.chunks_exact(width)) {
                    *q += S::get(S::row(sum, c + 1), c).double();
                }
                layer.compress.reverse::<S>(p, rows, &adj, &mut b.adj, true);
                if let Some(g) = gradient {
                    layer.compress.gradient::<S>(rows, &b.features[t], &adj, g);
                }
                [adj, sums].into_iter().for_each(|v| b.scratch.put(v));
            });
        }
        scratch.put(neighbors);
        (charges, potential)
    }

    /// Returns all buffers.
    pub fn recycle(self, scratch: &mut Scratch<S::Real>) {
        self.functions.recycle(scratch);
        self.compressed.into_iter().for_each(|v| scratch.put(v));
        for mut b in self.blocks.into_iter().rev() {
            for step in b.steps {
                step.update.recycle(&mut b.scratch);
                [step.x, step.moments].into_iter().for_each(|v| b.scratch.put(v));
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

impl<S: Scalar> Derivatives<S> {
    /// Forces (plane 1: minus Hessian times direction).
    pub fn forces(&self, batch: &Batch, plane: usize) -> Vec<[f64; 3]> {
        let mut forces = derivatives::forces::<S>(batch, &self.vectors, plane);
        let pick = |x: S::Double| if plane == 1 { x.tangent() } else { x.value() };
        for (force, slope) in forces.iter_mut().zip(self.structures.iter().flat_map(|g| &g.positions)) {
            (0..3).for_each(|k| force[k] -= pick(slope[k]));
        }
        forces
    }

    /// The virial of each structure.
    pub fn virial(&self, batch: &Batch) -> Vec<[[f64; 3]; 3]> {
        let mut virials = derivatives::virial::<S>(batch, &self.vectors);
        for (virial, gradients) in virials.iter_mut().zip(&self.structures) {
            for (row, slope) in virial.iter_mut().zip(&gradients.strain) {
                (0..3).for_each(|k| row[k] -= slope[k].value());
            }
        }
        virials
    }
}
