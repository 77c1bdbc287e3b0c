//! The reverse of a forward pass, network block by network block from the last: adjoints of features, charges and edge
//! functions, weight gradients, and derivatives by positions and strain.

use super::message::{Sinks, Sources};
use super::pass::{Block, Pass};
use crate::blocks::{cut, run_with};
use crate::charges::{EquilibrationAdjoints, Origin, Seeds};
use crate::derivatives::Derivatives;
use crate::edges::DistanceAdjoint;
use crate::layers::add_assign;
use crate::network::Scratch;
use oxidane_math::Scalar;

impl<S: Scalar> Pass<'_, S> {
    /// The reverse pass. Adds weight gradients if asked; derivatives by positions if `positions`.
    pub fn reverse(
        &mut self,
        origin: &Origin<'_, S::Double>,
        mut gradient: Option<&mut [S::Real]>,
        positions: bool,
        scratch: &mut Scratch<S::Real>,
    ) -> Derivatives<S> {
        let (net, p, batch) = (self.net, self.p, self.batch);
        let Seeds { energy: seeds, charges: mut adj } = origin.seeds(batch);
        self.reverse_readout(&seeds, gradient.as_deref_mut());
        // Empty if the energy was not computed.
        let mut potential = self.last_potential().iter();
        for (s, &seed) in seeds.iter().enumerate() {
            adj[batch.atoms_of(s)].iter_mut().zip(&mut potential).for_each(|(a, &phi)| *a += seed * phi);
        }
        let mut external = vec![S::Double::zero(); batch.atoms()];
        let edges = batch.edges.len() * S::PLANES;
        let mut radial = scratch.zeros(edges * net.basis.radial());
        let mut harmonics = scratch.zeros(edges * net.basis.harmonics());
        // Adjoints of the potential of the charges after step t.
        let mut potentials = vec![Vec::new(); net.layers.len()];
        for t in (0..net.layers.len()).rev() {
            let heads = self.equilibria[t].reverse(batch, &adj);
            external.iter_mut().zip(&heads.electronegativity).for_each(|(sum, &a)| *sum += a);
            if let Some(g) = gradient.as_deref_mut() {
                net.hardness.gradient::<S>(p, batch, &heads, g);
            }
            // The first features do not depend on positions: nothing but weights wants their adjoints.
            let upstream = t > 0 || gradient.is_some();
            let width = if upstream { S::PLANES * net.layers[t].message.neighbor_width() } else { 0 };
            let mut neighbors = scratch.dirty(batch.edges.len() * width);
            let sinks = Sinks { radial: &mut radial, harmonics: &mut harmonics, neighbors: &mut neighbors };
            let (charges, potential) =
                self.reverse_centers(t, &heads, sinks, upstream, gradient.as_deref_mut());
            adj = charges;
            if upstream {
                self.reverse_neighbors(t, &neighbors, &mut adj, gradient.as_deref_mut());
            }
            scratch.put(neighbors);
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
            let radial = DistanceAdjoint::OfRadial(&radial);
            net.basis.reverse::<S>(&self.functions, radial, &harmonics, &mut vectors, self.parallel);
        }
        [radial, harmonics].into_iter().for_each(|v| scratch.put(v));
        Derivatives { vectors, structures, external }
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
                let h = &b.features[net.layers.len()];
                b.scratch.put(std::mem::take(&mut b.adj));
                let Some((tape, y)) = &mut b.readout else {
                    b.adj = b.scratch.zeros(h.len());
                    return;
                };
                // The energies have been read: their place takes their adjoints.
                for (y, i) in y.chunks_exact_mut(S::PLANES).zip(b.atoms.clone()) {
                    S::set(&mut S::row_mut(y, 1), 0, of_atom[i]);
                }
                b.adj = b.scratch.dirty(h.len());
                let (adj, scratch) = (&mut b.adj, &mut b.scratch);
                net.readout.reverse::<S>(p, h, tape, y, adj, false, gradient, scratch);
            },
        );
    }

    /// The part of step `t` that each atom does for itself, from the adjoints of the charges after it: adds to the features' adjoints
    /// and to those of its edges, and gives those of the charges and potentials that the step read. The features' are completed only if `upstream`.
    fn reverse_centers(
        &mut self,
        t: usize,
        heads: &EquilibrationAdjoints<S::Double>,
        sinks: Sinks<'_, S::Real>,
        upstream: bool,
        gradient: Option<&mut [S::Real]>,
    ) -> (Vec<S::Double>, Vec<S::Double>) {
        let (net, p, batch, layer) = (self.net, self.p, self.batch, &self.net.layers[t]);
        let (f, columns, n) = (net.config.node_dim, layer.message.columns, batch.atoms());
        let (w, of) = (columns.width, |there: Option<usize>| usize::from(there.is_some()));
        let mut charges = vec![S::Double::zero(); n * of(columns.charge)];
        let mut potential = vec![S::Double::zero(); n * of(columns.potential)];
        let before = self.charges_before(t);
        let source =
            Sources { batch, edges: &self.functions, compressed: &self.compressed[t], charges: &before };
        let atoms = cut(&mut charges, self.ends(), of(columns.charge)).into_iter().zip(cut(
            &mut potential,
            self.ends(),
            of(columns.potential),
        ));
        let sinks = sinks.cut(batch.edges.len(), || self.edge_ends());
        let tasks: Vec<_> = self.blocks.iter_mut().zip(sinks.into_iter().zip(atoms)).collect();
        run_with(self.parallel, gradient, tasks, |(b, (sinks, (charges, potential))), mut gradient| {
            let (rows, step) = (b.atoms.len(), &b.steps[t]);
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
            let (mut x, own) = (b.scratch.dirty(rows * S::PLANES * w), &mut b.scratch);
            layer.update.reverse_from::<S>(
                p,
                rows,
                &step.x,
                &step.update,
                0,
                &b.adj,
                &mut x,
                false,
                gradient.as_deref_mut(),
                own,
            );
            let powers = layer.powers.as_ref();
            let moments =
                powers.map(|of| of.reverse::<S>(p, rows, &x, step, gradient, own)).unwrap_or_default();
            layer.message.reverse::<S>(&source, b.atoms.clone(), &x, &moments, sinks, own);
            own.put(moments);
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
        });
        (charges, potential)
    }

    /// The part of step `t` that neighbours' centers did: adds to the features' adjoints and to `charges`, those of the charges that
    /// the step read (empty if it read none).
    fn reverse_neighbors(
        &mut self,
        t: usize,
        neighbors: &[S::Real],
        charges: &mut [S::Double],
        gradient: Option<&mut [S::Real]>,
    ) {
        let (p, batch, layer, c) = (self.p, self.batch, &self.net.layers[t], self.net.config.channels);
        let width = layer.message.neighbor_width() * S::PLANES;
        let per_atom = usize::from(!charges.is_empty());
        let parts = cut(charges, self.ends(), per_atom);
        let tasks: Vec<_> = self.blocks.iter_mut().zip(parts).collect();
        run_with(self.parallel, gradient, tasks, |(b, charges), gradient| {
            let rows = b.atoms.len();
            let mut sums = b.scratch.dirty(rows * width);
            layer.message.collect::<S>(batch, b.atoms.clone(), neighbors, &mut sums);
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
}
