//! The model Hessian of Lindh, Bernhardsson, Karlstroem and Malmqvist (Chem. Phys. Lett. 241, 423 (1995)): force constants
//! of stretches, bends and torsions from distances alone. It knows no bonds: every term fades out with distance, so
//! it is defined for any system, reactions included.
//!
//! k_ij = 0.45 rho_ij, k_ijk = 0.15 rho_ij rho_jk, k_ijkl = 0.005 rho_ij rho_jk rho_kl (hartree/bohr^2 and hartree/rad^2),
//! rho_ij = exp(alpha_ij (r_ref,ij^2 - r_ij^2)), with alpha and r_ref by rows of the periodic table (equations 1 to 3).

use oxidane_core::System;
use oxidane_core::neighbors::NeighborList;
use oxidane_core::units::{BOHR, HARTREE};

use super::sparse::{BlockMatrix, BlockSolver};
use crate::vector::{IDENTITY, cross, dot3, norm3, sub3};

/// alpha in 1/bohr^2 by rows of the periodic table: H and He; Li to Ne; the rest.
const ALPHA: [[f64; 3]; 3] = [[1.0, 0.3949, 0.3949], [0.3949, 0.28, 0.28], [0.3949, 0.28, 0.28]];
/// r_ref in bohr, by rows.
const REFERENCE: [[f64; 3]; 3] = [[1.35, 2.10, 2.53], [2.10, 2.87, 3.40], [2.53, 3.40, 3.40]];
/// Force constants: stretch (hartree/bohr^2), bend and torsion (hartree/rad^2).
const STRETCH: f64 = 0.45;
const BEND: f64 = 0.15;
const TORSION: f64 = 0.005;

/// Terms with a smaller product of rho are left out: stretches, bends, torsions.
const LEAST: [f64; 3] = [1e-3, 0.05, 0.2];
/// Distance (angstrom) beyond which every rho is below [`LEAST`].
const CUTOFF: f64 = 3.3;
/// Sine of the angle below which three atoms count as on a line.
const STRAIGHT: f64 = 0.1;
/// Stiffness added to every coordinate, eV/angstrom^2: what holds atoms that no term reaches.
const GROUND: f64 = 1.0;

/// The model Hessian of the free atoms, ready to be solved; cell coordinates have one stiffness each.
pub(super) struct ModelHessian {
    atoms: BlockSolver,
    atom_coordinates: usize,
    cell_stiffness: Option<f64>,
}

impl ModelHessian {
    /// The model at the geometry of `system`; `None` if it cannot be made (which leaves plain L-BFGS).
    pub fn new(system: &System, free: &[usize], cell_stiffness: Option<f64>) -> Option<Self> {
        let mut terms = Terms::new(system, free)?;
        terms.stretches();
        terms.bends();
        terms.torsions();
        Some(Self { atoms: terms.sum.solver()?, atom_coordinates: 3 * free.len(), cell_stiffness })
    }

    /// Replaces a gradient by the step that would make it vanish (sign aside).
    pub fn solve(&self, v: &mut [f64]) {
        let (atoms, cell) = v.split_at_mut(self.atom_coordinates);
        if !atoms.is_empty() {
            self.atoms.solve(atoms);
        }
        if let Some(stiffness) = self.cell_stiffness {
            cell.iter_mut().for_each(|c| *c /= stiffness);
        }
    }
}

/// A neighbour: atom, vector from the center (angstrom), rho.
#[derive(Clone, Copy)]
struct Near {
    atom: usize,
    vector: [f64; 3],
    rho: f64,
}

/// The sum of terms as blocks between free atoms.
struct Terms {
    near: Vec<Vec<Near>>,
    /// Index among the free atoms.
    place: Vec<Option<usize>>,
    sum: BlockMatrix,
}

impl Terms {
    fn new(system: &System, free: &[usize]) -> Option<Self> {
        let (x, cell) = (&system.positions, system.cell.as_ref());
        let list = NeighborList::new(x, cell, CUTOFF).ok()?;
        let near = (0..x.len())
            .map(|i| {
                list.edges_of(i)
                    .filter_map(|e| {
                        let atom = list.neighbors()[e] as usize;
                        let vector = list.vector(i, e, x, cell).map(|d| -d); // from the center to the neighbour
                        let rho = rho(system.numbers[i], system.numbers[atom], dot3(&vector, &vector));
                        (rho > LEAST[0]).then_some(Near { atom, vector, rho })
                    })
                    .collect()
            })
            .collect();
        let mut place = vec![None; x.len()];
        free.iter().enumerate().for_each(|(k, &i)| place[i] = Some(k));
        let mut sum = BlockMatrix::zero(free.len());
        (0..free.len()).for_each(|k| sum.add(k, k, &IDENTITY.map(|row| row.map(|x| GROUND * x))));
        Some(Self { near, place, sum })
    }

    /// Adds k b b^T for an internal coordinate with derivatives `b` by the positions of some atoms.
    fn add(&mut self, stiffness: f64, b: &[(usize, [f64; 3])]) {
        for (i, bi) in b {
            for (j, bj) in b {
                if let (Some(i), Some(j)) = (self.place[*i], self.place[*j]) {
                    let block = bi.map(|x| bj.map(|y| stiffness * x * y));
                    self.sum.add(i, j, &block);
                }
            }
        }
    }

    fn stretches(&mut self) {
        let unit = HARTREE / (BOHR * BOHR);
        for i in 0..self.near.len() {
            for n in self.near[i].clone() {
                let u = scaled(&n.vector, 1.0 / norm3(&n.vector));
                // Every pair is listed from both ends: half from each.
                self.add(0.5 * STRETCH * unit * n.rho, &[(i, scaled(&u, -1.0)), (n.atom, u)]);
            }
        }
    }

    fn bends(&mut self) {
        for j in 0..self.near.len() {
            let near = self.near[j].clone();
            for (m, p) in near.iter().enumerate() {
                for q in &near[m + 1..] {
                    let rho = p.rho * q.rho;
                    if rho < LEAST[1] {
                        continue;
                    }
                    for (dp, dq) in bend_derivatives(&p.vector, &q.vector) {
                        let dj = std::array::from_fn(|k| -dp[k] - dq[k]);
                        self.add(BEND * HARTREE * rho, &[(p.atom, dp), (j, dj), (q.atom, dq)]);
                    }
                }
            }
        }
    }

    fn torsions(&mut self) {
        for j in 0..self.near.len() {
            for middle in self.near[j].clone() {
                // Each torsion i-j-k-l is met from both of its ends: half from each.
                let k = middle.atom;
                for p in self.near[j].clone() {
                    if p.rho * middle.rho < LEAST[2] {
                        continue;
                    }
                    for q in self.near[k].clone() {
                        let rho = p.rho * middle.rho * q.rho;
                        if rho < LEAST[2] {
                            continue;
                        }
                        if let Some([di, dj, dk, dl]) =
                            torsion_derivatives(&p.vector, &middle.vector, &q.vector)
                        {
                            self.add(
                                0.5 * TORSION * HARTREE * rho,
                                &[(p.atom, di), (j, dj), (k, dk), (q.atom, dl)],
                            );
                        }
                    }
                }
            }
        }
    }
}

/// rho of two atoms at a squared distance in angstrom^2.
fn rho(a: u8, b: u8, square: f64) -> f64 {
    let row = |z: u8| match z {
        0..=2 => 0,
        3..=10 => 1,
        _ => 2,
    };
    let (a, b) = (row(a), row(b));
    let r_ref = REFERENCE[a][b];
    (ALPHA[a][b] * (r_ref * r_ref - square / (BOHR * BOHR))).exp()
}

fn scaled(v: &[f64; 3], factor: f64) -> [f64; 3] {
    v.map(|x| factor * x)
}

/// Derivatives of the angle between two arms by their ends (Wilson's s vectors); for arms on a line the two bends
/// perpendicular to it. Arms that fall on each other bend nowhere.
fn bend_derivatives(p: &[f64; 3], q: &[f64; 3]) -> Vec<([f64; 3], [f64; 3])> {
    let (rp, rq) = (norm3(p), norm3(q));
    let (u, v) = (scaled(p, 1.0 / rp), scaled(q, 1.0 / rq));
    let cos = dot3(&u, &v);
    let sin = norm3(&cross(&u, &v));
    if sin > STRAIGHT {
        let along = |a: &[f64; 3], b: &[f64; 3], r: f64| -> [f64; 3] {
            std::array::from_fn(|k| (cos * a[k] - b[k]) / (r * sin))
        };
        return vec![(along(&u, &v, rp), along(&v, &u, rq))];
    }
    if cos > 0.0 {
        return Vec::new();
    }
    // Any direction across the line, and the one across both.
    let least = (0..3).min_by(|&a, &b| u[a].abs().total_cmp(&u[b].abs())).unwrap_or(0);
    let mut axis = [0.0; 3];
    axis[least] = 1.0;
    let first = cross(&u, &axis);
    let first = scaled(&first, 1.0 / norm3(&first));
    let second = cross(&u, &first);
    [first, second].iter().map(|n| (scaled(n, -1.0 / rp), scaled(n, -1.0 / rq))).collect()
}

/// Derivatives of the dihedral angle i-j-k-l by the four positions, from the vectors j to i, j to k, k to l (Blondel and
/// Karplus, J. Comput. Chem. 17, 1132 (1996)); `None` where three of the atoms are nearly on a line.
fn torsion_derivatives(ji: &[f64; 3], jk: &[f64; 3], kl: &[f64; 3]) -> Option<[[f64; 3]; 4]> {
    let r = norm3(jk);
    let (a, b) = (cross(ji, jk), cross(kl, jk));
    let (aa, bb) = (dot3(&a, &a), dot3(&b, &b));
    let straight = |square: f64, arm: &[f64; 3]| square <= (STRAIGHT * r).powi(2) * dot3(arm, arm);
    // The ends may be one atom (a ring of three), which turns about nothing.
    let ends: [f64; 3] = std::array::from_fn(|k| jk[k] + kl[k] - ji[k]);
    if straight(aa, ji) || straight(bb, kl) || norm3(&ends) < 0.1 {
        return None;
    }
    let di = scaled(&a, -r / aa);
    let dl = scaled(&b, r / bb);
    let (f, g) = (dot3(ji, jk) / (r * r), dot3(kl, jk) / (r * r));
    let shared: [f64; 3] = std::array::from_fn(|k| f * di[k] + g * dl[k]);
    let dj = sub3(&shared, &di);
    let dk: [f64; 3] = std::array::from_fn(|k| -di[k] - dj[k] - dl[k]);
    Some([di, dj, dk, dl])
}

#[cfg(test)]
mod tests {
    use super::*;
    use oxidane_core::check::check_gradient;

    fn vectors(x: &[f64]) -> Vec<[f64; 3]> {
        x.as_chunks::<3>().0.to_vec()
    }

    #[test]
    fn bend_derivatives_are_those_of_the_angle() {
        let x = [0.9, 0.1, -0.3, 0.0, 0.0, 0.0, -0.4, 1.1, 0.2];
        let angle = |x: &[f64]| {
            let v = vectors(x);
            let (p, q) = (sub3(&v[0], &v[1]), sub3(&v[2], &v[1]));
            Ok((dot3(&p, &q) / (norm3(&p) * norm3(&q))).acos())
        };
        let v = vectors(&x);
        let (dp, dq) = bend_derivatives(&sub3(&v[0], &v[1]), &sub3(&v[2], &v[1]))[0];
        let dj: [f64; 3] = std::array::from_fn(|k| -dp[k] - dq[k]);
        // Truncation h^4 of a smooth function of order one, h = 1e-2.
        check_gradient(angle, &x, [dp, dj, dq].as_flattened(), 0..9, 1e-2, 1e-7).unwrap();
    }

    #[test]
    fn torsion_derivatives_are_those_of_the_dihedral() {
        let x = [0.9, 0.8, -0.3, 0.0, 0.1, 0.0, -0.4, 0.1, 1.4, -1.0, 1.2, 1.9];
        let dihedral = |x: &[f64]| {
            let v = vectors(x);
            let (a, b) = (sub3(&v[0], &v[1]), sub3(&v[3], &v[2]));
            let axis = sub3(&v[2], &v[1]);
            let (m, n) = (cross(&a, &axis), cross(&b, &axis));
            Ok((dot3(&cross(&m, &n), &axis) / norm3(&axis)).atan2(dot3(&m, &n)))
        };
        let v = vectors(&x);
        let d = torsion_derivatives(&sub3(&v[0], &v[1]), &sub3(&v[2], &v[1]), &sub3(&v[3], &v[2])).unwrap();
        let signed = d.as_flattened();
        let flipped: Vec<f64> = signed.iter().map(|x| -x).collect(); // the sense of rotation does not matter to k b b^T
        let check = |g: &[f64]| check_gradient(dihedral, &x, g, 0..12, 1e-2, 1e-6);
        check(signed).or_else(|_| check(&flipped)).unwrap();
    }

    #[test]
    fn cutoff_covers_all_terms() {
        for z in [1, 6, 14] {
            for w in [1, 6, 14] {
                assert!(rho(z, w, CUTOFF * CUTOFF) < LEAST[0], "{z} {w}");
            }
        }
    }
}
