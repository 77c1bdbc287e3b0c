//! What derivatives of networks have in common: the direction of a dual run, the geometry of edges, and forces and
//! virials from the derivatives by edge vectors.

use crate::batch::Batch;
use crate::network::Outputs;
use oxidane_math::{Real, Scalar};
use oxidane_physics::coulomb::Gradients;

/// The direction of a dual run: how positions and strain move.
#[derive(Debug, Default)]
pub struct Direction {
    /// One per atom, or none.
    pub positions: Vec<[f64; 3]>,
    /// One symmetric strain per structure, or none.
    pub strains: Vec<[[f64; 3]; 3]>,
}

impl Direction {
    /// Nothing moves.
    pub const NONE: Self = Self { positions: Vec::new(), strains: Vec::new() };

    /// The direction along which the energy's derivative is that of a loss by forces and virials. A force is minus the
    /// derivative of the energy, so the direction is minus its seed; virials alike.
    pub fn of_loss(seeds: &Outputs) -> Self {
        Self {
            positions: seeds.forces.iter().map(|f| f.map(|x| -x)).collect(),
            strains: seeds.virial.iter().map(|v| symmetric(v.map(|row| row.map(|x| -x)))).collect(),
        }
    }

    /// Whether nothing moves.
    pub fn is_none(&self) -> bool {
        self.positions.is_empty() && self.strains.is_empty()
    }
}

/// The mean of a matrix and its transpose.
pub fn symmetric(a: [[f64; 3]; 3]) -> [[f64; 3]; 3] {
    std::array::from_fn(|i| std::array::from_fn(|j| 0.5 * (a[i][j] + a[j][i])))
}

/// What a vector gains by a strain.
fn strained(strain: &[[f64; 3]; 3], r: [f64; 3]) -> [f64; 3] {
    strain.map(|row| row[0] * r[0] + row[1] * r[1] + row[2] * r[2])
}

/// Tangents of edges, positions and cells along a [`Direction`].
pub struct Tangents<'a> {
    batch: &'a Batch,
    direction: &'a Direction,
    /// The structure of each atom, where strains move.
    structure_of: Vec<u32>,
    /// The center of each edge; empty for plain reals.
    centers: Vec<u32>,
}

impl<'a> Tangents<'a> {
    /// For computing with `S`; plain reals ask for no tangent of an edge.
    pub fn new<S: Scalar>(batch: &'a Batch, direction: &'a Direction) -> Self {
        let structure_of = if direction.strains.is_empty() {
            Vec::new()
        } else {
            (0..batch.structures()).flat_map(|s| batch.atoms_of(s).map(move |_| s as u32)).collect()
        };
        let centers = if S::PLANES == 2 {
            (0..batch.atoms()).flat_map(|i| batch.edges.edges_of(i).map(move |_| i as u32)).collect()
        } else {
            Vec::new()
        };
        Self { batch, direction, structure_of, centers }
    }

    fn strain_of(&self, atom: usize) -> Option<&[[f64; 3]; 3]> {
        self.structure_of.get(atom).and_then(|&s| self.direction.strains.get(s as usize))
    }

    /// The tangent of the vector of edge `e`.
    pub fn edge(&self, e: usize) -> [f64; 3] {
        let (i, j) = (self.centers[e] as usize, self.batch.edges.neighbor[e] as usize);
        let positions = &self.direction.positions;
        let mut t = [0.0; 3];
        if let (Some(a), Some(b)) = (positions.get(i), positions.get(j)) {
            t = [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
        }
        if let Some(strain) = self.strain_of(i) {
            let gain = strained(strain, self.batch.edges.vector[e]);
            (0..3).for_each(|k| t[k] += gain[k]);
        }
        t
    }

    /// The tangent of the position of atom `i`.
    pub fn position(&self, i: usize) -> [f64; 3] {
        let mut t = self.direction.positions.get(i).copied().unwrap_or([0.0; 3]);
        if let Some(strain) = self.strain_of(i) {
            let gain = strained(strain, self.batch.positions[i]);
            (0..3).for_each(|k| t[k] += gain[k]);
        }
        t
    }

    /// The tangent of a lattice vector of structure `s`.
    pub fn lattice_vector(&self, s: usize, vector: [f64; 3]) -> [f64; 3] {
        self.direction.strains.get(s).map_or([0.0; 3], |strain| strained(strain, vector))
    }
}

/// Distance and unit vector of an edge, computed in double precision before rounding to the network's.
#[inline(always)]
pub fn distance<S: Scalar>(v: [f64; 3], tangent: impl Fn() -> [f64; 3]) -> (S, [S; 3]) {
    let r = (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]).sqrt();
    let inverse = 1.0 / r;
    let u = v.map(|x| x * inverse);
    if S::PLANES == 1 {
        return (S::lit(r), u.map(S::lit));
    }
    let t = tangent();
    let dr = u[0] * t[0] + u[1] * t[1] + u[2] * t[2];
    let pair = |v: f64, d: f64| S::with_tangent(S::Real::of(v), S::Real::of(d));
    (pair(r, dr), std::array::from_fn(|k| pair(u[k], (t[k] - u[k] * dr) * inverse)))
}

/// Forces from `[edges, planes, 3]`: for each edge the derivative with respect to its mirror's vector, or minus that with
/// respect to its own, which for the sum over both is the same (plane 1: minus Hessian times direction).
fn forces<S: Scalar>(batch: &Batch, vectors: &[S::Real], plane: usize) -> Vec<[f64; 3]> {
    let at =
        |e: usize| -> [f64; 3] { std::array::from_fn(|k| vectors[(e * S::PLANES + plane) * 3 + k].f64()) };
    (0..batch.atoms())
        .map(|i| {
            let mut f = [0.0; 3];
            for e in batch.edges.edges_of(i) {
                let (own, mirror) = (at(e), at(batch.edges.mirror[e] as usize));
                for k in 0..3 {
                    f[k] += own[k] - mirror[k];
                }
            }
            f
        })
        .collect()
}

/// Virial of each structure from what [`forces`] takes.
fn virial<S: Scalar>(batch: &Batch, vectors: &[S::Real], plane: usize) -> Vec<[[f64; 3]; 3]> {
    (0..batch.structures())
        .map(|s| {
            let mut w = [[0.0; 3]; 3];
            for e in batch.atoms_of(s).flat_map(|i| batch.edges.edges_of(i)) {
                let r = batch.edges.vector[e];
                for (a, row) in w.iter_mut().enumerate() {
                    let v = vectors[(e * S::PLANES + plane) * 3 + a].f64();
                    for (w, r) in row.iter_mut().zip(r) {
                        // The mirror's vector is -r, and the virial is minus the strain derivative.
                        *w += v * r;
                    }
                }
            }
            symmetric(w)
        })
        .collect()
}

/// Derivatives of an energy by positions and strain, in parts.
pub struct Derivatives<S: Scalar> {
    /// Through the edges: minus the derivative by the vector of each, `[edges, planes, 3]`, up to what the two edges of a pair may share
    /// out between them.
    pub vectors: Vec<S::Real>,
    /// Through the electrostatics of each structure; empty without.
    pub structures: Vec<Gradients<S::Double>>,
    /// By an external potential at each atom, in every equilibration of charges; empty without.
    pub external: Vec<S::Double>,
}

impl<S: Scalar> Derivatives<S> {
    /// Forces (plane 1: minus Hessian times direction).
    pub fn forces(&self, batch: &Batch, plane: usize) -> Vec<[f64; 3]> {
        let mut all = forces::<S>(batch, &self.vectors, plane);
        for (force, slope) in all.iter_mut().zip(self.structures.iter().flat_map(|g| &g.positions)) {
            (0..3).for_each(|k| force[k] -= in_plane(slope[k], plane));
        }
        all
    }

    /// The virial of each structure (plane 1: its tangent).
    pub fn virial(&self, batch: &Batch, plane: usize) -> Vec<[[f64; 3]; 3]> {
        let mut virials = virial::<S>(batch, &self.vectors, plane);
        for (virial, gradients) in virials.iter_mut().zip(&self.structures) {
            for (row, slope) in virial.iter_mut().zip(&gradients.strain) {
                (0..3).for_each(|k| row[k] -= in_plane(slope[k], plane));
            }
        }
        virials
    }
}

fn in_plane<D: Scalar<Real = f64>>(x: D, plane: usize) -> f64 {
    if plane == 1 { x.tangent() } else { x.value() }
}
