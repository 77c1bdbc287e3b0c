//! [`ThreeBody`]: the Axilrod-Teller-Muto sum over triples.

use super::{Model, Reach, Weights, dot};
use crate::geometry::{Derivatives, Geometry};
use crate::lattice::Lattice;
use oxidane_math::simd;

/// Lanes of the innermost loop.
const LANES: usize = 8;
type Lanes = [f64; LANES];

/// E = s9 sum over triples of C9 f (1 + 3 cos a cos b cos c)/(r_ij r_jk r_ik)^3 in hartree with C9 = sqrt(C6_ij C6_jk
/// C6_ik) and f = 1/(1 + 6 (R_ij R_jk R_ik/(r_ij r_jk r_ik))^(16/3)) (S. Grimme et al., J. Chem. Phys. 2010, 132,
/// 154104, Eqs. 11 to 14), over the triples whose three distances are within `reach`, whose switch is a factor for each
/// of them.
pub(crate) struct ThreeBody<'a> {
    pub model: &'a Model,
    /// Powers R^(16/3) of the critical radii in bohr of two kinds, at `s * kinds + t`.
    pub radii: &'a [f64],
    pub s9: f64,
    pub reach: Reach,
}

/// The energy of a triple is a product of factors of its pairs, but for an angular and a damping term; this is what a
/// pair brings in.
#[derive(Clone, Copy)]
struct Pair {
    /// 1/r^2.
    inverse: f64,
    /// sqrt(C6)/r^3.
    strength: f64,
    /// (R/r)^(16/3).
    damping: f64,
}

impl Pair {
    #[inline(always)]
    fn new(square: f64, root_c6: f64, radius: f64) -> Self {
        // r^(-2/3), of which all else is made without a division.
        let root = inverse_cube_root(square);
        let inverse = root * root * root;
        Self {
            inverse,
            strength: root_c6 * inverse * inverse.sqrt(),
            damping: radius * (inverse * root) * (inverse * root),
        }
    }
}

/// x^(-1/3) for positive x, to 2e-16 relative: four Newton steps from a guess by thirding the exponent.
#[inline(always)]
fn inverse_cube_root(x: f64) -> f64 {
    // The upper half of the bits alone, so that 32-bit multiplications do.
    let third = (x.to_bits() >> 32).wrapping_mul(0x5555_5556) >> 32;
    let mut y = f64::from_bits(0x553E_F0FF_u64.wrapping_sub(third) << 32);
    for _ in 0..4 {
        y *= (4.0 / 3.0) - (x * (1.0 / 3.0)) * (y * y * y);
    }
    y
}

/// The images about one atom, in columns whose length is a multiple of [`LANES`], sorted by atom; fills up with far
/// atoms of no strength.
#[derive(Default)]
struct Surroundings {
    atoms: Vec<usize>,
    x: [Vec<f64>; 3],
    square: Vec<f64>,
    inverse: Vec<f64>,
    strength: Vec<f64>,
    damping: Vec<f64>,
    /// d ln s/d(r^2) of the switch s, which `strength` holds as a factor.
    fading: Vec<f64>,
    /// strength, less where a triple with an image of the central atom is met from several of its atoms.
    shared: Vec<f64>,
    /// dE/dx of each image.
    gradient: [Vec<f64>; 3],
    /// Sum of the energies of the triples with the center and this image.
    with_center: Vec<f64>,
    /// Of the triples with the current partner and this image.
    with_partner: Vec<f64>,
    /// sqrt(C6) and R^(16/3) with the current partner.
    root_c6: Vec<f64>,
    radius: Vec<f64>,
}

/// Sums over the lanes of the innermost loop.
#[derive(Default)]
struct Sums {
    energy: f64,
    /// dE/d(r_ij^2).
    by_square: f64,
    /// sum of dE/d(r_jk^2) (x_k - x_j).
    pull: [f64; 3],
}

impl ThreeBody<'_> {
    /// The energy. Where asked, adds the derivatives at constant weights, and dE/dCN to `de_dcn`.
    pub fn evaluate(
        &self,
        weights: &Weights,
        geometry: &Geometry,
        lattice: &Lattice,
        mut derivatives: Option<(&mut Derivatives, &mut [f64])>,
    ) -> f64 {
        let n = geometry.numbers.len();
        let halfway = self.model.halfway(&weights.values);
        let kinds = &self.model.kinds;
        let seen = |i: usize, j: usize| &halfway[j * kinds.numbers.len() + kinds.of_atom[i]];
        let mut c6 = vec![0.0; n * n];
        for i in 0..n {
            for j in i..n {
                c6[i * n + j] = dot(&weights.values[i], seen(i, j));
                c6[j * n + i] = c6[i * n + j];
            }
        }
        let root_c6: Vec<f64> = c6.iter().map(|c: &f64| c.sqrt()).collect();
        // Sums of the energies of the triples that hold i and j.
        let mut shares = vec![0.0; if derivatives.is_some() { n * n } else { 0 }];
        let mut energy = 0.0;
        let mut around = Surroundings::default();
        for i in 0..n {
            around.gather(self, i, geometry, lattice, &root_c6);
            energy += simd::dispatch(
                #[inline(always)]
                || match derivatives {
                    None => self.triples::<false>(&mut around, i, &root_c6, &mut shares),
                    Some(_) => self.triples::<true>(&mut around, i, &root_c6, &mut shares),
                },
            );
            if let Some((derivatives, _)) = &mut derivatives {
                around.add_gradient(self.s9, i, derivatives);
            }
        }
        if let Some((_, de_dcn)) = derivatives {
            for i in 0..n {
                for j in i..n {
                    let share = shares[i * n + j] + if i == j { 0.0 } else { shares[j * n + i] };
                    if share != 0.0 {
                        let by_c6 = 0.5 * self.s9 * share / c6[i * n + j];
                        de_dcn[i] += by_c6 * dot(&weights.by_cn[i], seen(i, j));
                        de_dcn[j] += by_c6 * dot(&weights.by_cn[j], seen(j, i));
                    }
                }
            }
        }
        self.s9 * energy
    }

    /// The energy (before s9) of the triples of atom `i` and two images about it.
    #[inline(always)]
    fn triples<const GRADIENT: bool>(
        &self,
        around: &mut Surroundings,
        i: usize,
        root_c6: &[f64],
        shares: &mut [f64],
    ) -> f64 {
        let n = self.model.kinds.of_atom.len();
        let mut energy = 0.0;
        let mut first = 0;
        while first < around.atoms.len() {
            let j = around.atoms[first];
            let block = around.atoms[first..].partition_point(|&a| a == j) + first;
            around.meet(self, first, j, &root_c6[j * n..(j + 1) * n], i);
            let mut with_j = 0.0;
            for partner in first..block {
                let sums = around.row::<GRADIENT>(partner, self.reach);
                energy += sums.energy;
                with_j += sums.energy;
                if GRADIENT {
                    for k in 0..3 {
                        around.gradient[k][partner] +=
                            2.0 * (sums.by_square * around.x[k][partner] - sums.pull[k]);
                    }
                }
            }
            if GRADIENT {
                shares[i * n + j] += with_j;
                for (&k, e) in around.atoms.iter().zip(&around.with_partner).skip(first) {
                    shares[j * n + k] += e;
                }
            }
            first = block;
        }
        if GRADIENT {
            for (&k, e) in around.atoms.iter().zip(&around.with_center) {
                shares[i * n + k] += e;
            }
        }
        energy
    }
}

impl Surroundings {
    /// Takes in the images of the atoms from `i` on within the cutoff about atom `i`: every triple is met from its
    /// first atom alone, or from each of its atoms `i`.
    fn gather(&mut self, sum: &ThreeBody, i: usize, geometry: &Geometry, lattice: &Lattice, root_c6: &[f64]) {
        let n = geometry.numbers.len();
        let center = geometry.positions[i];
        self.atoms.clear();
        for column in self.columns() {
            column.clear();
        }
        for (j, position) in geometry.positions.iter().enumerate().skip(i) {
            let vector = std::array::from_fn(|k| position[k] - center[k]);
            lattice.for_each_image(vector, sum.reach.cutoff, |v, square| {
                let [switch, switch_slope] = sum.reach.switch(square);
                let switched = switch > 0.0;
                let pair = Pair::new(square, root_c6[i * n + j], sum.radii[sum.model.pair(i, j)]);
                self.atoms.push(j);
                for k in 0..3 {
                    self.x[k].push(v[k]);
                }
                self.square.push(square);
                self.inverse.push(pair.inverse);
                self.strength.push(pair.strength * switch);
                self.fading.push(if switched { switch_slope / switch } else { 0.0 });
                self.damping.push(pair.damping);
            });
        }
        let full = self.atoms.len().next_multiple_of(LANES);
        for column in self.columns() {
            column.resize(full, 0.0);
        }
        self.radius.fill(1.0); // where no partner sets it, the damping must stay finite
        // Beyond any cutoff from all others, at distance 1 from the center where numbers stay finite.
        for k in self.atoms.len()..full {
            (self.x[0][k], self.square[k], self.inverse[k]) = (1e6, 1.0, 1.0);
        }
    }

    fn columns(&mut self) -> impl Iterator<Item = &mut Vec<f64>> {
        let single = [
            &mut self.square,
            &mut self.inverse,
            &mut self.strength,
            &mut self.damping,
            &mut self.fading,
            &mut self.shared,
            &mut self.with_center,
            &mut self.with_partner,
            &mut self.root_c6,
            &mut self.radius,
        ];
        single.into_iter().chain(&mut self.x).chain(&mut self.gradient)
    }

    /// Prepares the rows of the partners that are images of atom `j`, the first of which is at `first`; the center is
    /// atom `i`.
    fn meet(&mut self, sum: &ThreeBody, first: usize, j: usize, root_c6: &[f64], i: usize) {
        let kinds = &sum.model.kinds;
        let radii = &sum.radii[kinds.of_atom[j] * kinds.numbers.len()..];
        let atoms = &self.atoms[first..];
        for ((&k, root), radius) in
            atoms.iter().zip(&mut self.root_c6[first..]).zip(&mut self.radius[first..])
        {
            *root = root_c6[k];
            *radius = radii[kinds.of_atom[k]];
        }
        self.with_partner[first..].fill(0.0);
        self.shared[first..].copy_from_slice(&self.strength[first..]);
        if j == i {
            for (&k, shared) in atoms.iter().zip(&mut self.shared[first..]) {
                *shared /= if k == i { 3.0 } else { 2.0 };
            }
        }
    }

    /// The triples of the center i, the image j at `partner` and the images k behind it.
    #[inline(always)]
    fn row<const GRADIENT: bool>(&mut self, partner: usize, reach: Reach) -> Sums {
        let limit = reach.cutoff * reach.cutoff;
        let of_partner = |column: &[f64]| column[partner];
        let at: [f64; 3] = std::array::from_fn(|k| of_partner(&self.x[k]));
        let (u, inverse_u) = (of_partner(&self.square), of_partner(&self.inverse));
        let (strength_u, damping_u, fading_u) =
            (of_partner(&self.strength), of_partner(&self.damping), of_partner(&self.fading));
        let mut sums = [[0.0; LANES]; 5];
        for start in ((partner + 1) / LANES * LANES..self.square.len()).step_by(LANES) {
            // Local copies, which the compiler can tell apart from what is written.
            let load = |column: &[f64]| -> Lanes { std::array::from_fn(|l| column[start..start + LANES][l]) };
            let x: [Lanes; 3] = std::array::from_fn(|k| load(&self.x[k]));
            let mut squares = [0.0; LANES];
            for l in 0..LANES {
                let d = [x[0][l] - at[0], x[1][l] - at[1], x[2][l] - at[2]];
                squares[l] = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
            }
            // Half of all are beyond the cutoff, neighbours often together.
            if squares.iter().all(|square| *square > limit) {
                continue;
            }
            let (square, inverse) = (load(&self.square), load(&self.inverse));
            let (shared, damping) = (load(&self.shared), load(&self.damping));
            let (mut root_c6, radius) = (load(&self.root_c6), load(&self.radius));
            let mut fading_w = [0.0; LANES];
            if GRADIENT {
                fading_w = load(&self.fading);
            }
            let fading_v = fade(reach, &squares, &mut root_c6);
            let mut gradient = [[0.0; LANES]; 3];
            let mut energies = [0.0; LANES];
            for l in 0..LANES {
                let d = [x[0][l] - at[0], x[1][l] - at[1], x[2][l] - at[2]];
                let v = squares[l];
                // Lanes up to the partner itself are none of its triples.
                let counts = (v <= limit) & (start + l > partner);
                let v = if counts { v } else { 1.0 };
                let pair = Pair::new(v, if counts { root_c6[l] } else { 0.0 }, radius[l]);
                let w = square[l];
                let product = strength_u * pair.strength * shared[l];
                let ratio = damping_u * pair.damping * damping[l];
                let damped = 1.0 / (1.0 + 6.0 * ratio);
                // Twice the products of sides and cosines.
                let (a, b, c) = (u + v - w, u - v + w, v + w - u);
                let scale = 0.375 * inverse_u * pair.inverse * inverse[l];
                let angular = 1.0 + scale * a * b * c;
                let factor = product * damped;
                energies[l] = factor * angular;
                if GRADIENT {
                    // d ln/d ln(r^2) of the powers of the three distances, alike for all pairs.
                    let radial = (16.0 * damped * ratio - 2.5) * angular + 1.0;
                    let (ab, bc, ac) = (a * b, b * c, a * c);
                    let du = factor * (inverse_u * radial + scale * (bc + ac - ab) + fading_u * angular);
                    let dv =
                        factor * (pair.inverse * radial + scale * (bc + ab - ac) + fading_v[l] * angular);
                    let dw = factor * (inverse[l] * radial + scale * (ab + ac - bc) + fading_w[l] * angular);
                    sums[1][l] += du;
                    for k in 0..3 {
                        let pull = dv * d[k];
                        sums[2 + k][l] += pull;
                        gradient[k][l] = 2.0 * (dw * x[k][l] + pull);
                    }
                }
            }
            add(&mut sums[0], &energies);
            if GRADIENT {
                add(&mut self.with_center[start..start + LANES], &energies);
                add(&mut self.with_partner[start..start + LANES], &energies);
                for k in 0..3 {
                    add(&mut self.gradient[k][start..start + LANES], &gradient[k]);
                }
            }
        }
        let [energy, by_square, x, y, z] = sums.map(|s| s.iter().sum::<f64>());
        Sums { energy, by_square, pull: [x, y, z] }
    }

    /// Adds the gradient on the images and on the center `i`, and its strain derivative.
    fn add_gradient(&self, s9: f64, i: usize, derivatives: &mut Derivatives) {
        for (place, &j) in self.atoms.iter().enumerate() {
            let vector = std::array::from_fn(|k| self.x[k][place]);
            derivatives.add_pair(i, j, vector, std::array::from_fn(|k| s9 * self.gradient[k][place]));
        }
    }
}

/// Takes the switch at squared distances as a factor into `root_c6`, and gives d ln s/d(r^2). Few images lie on the
/// rim.
#[inline(always)]
fn fade(reach: Reach, squares: &Lanes, root_c6: &mut Lanes) -> Lanes {
    let mut fading = [0.0; LANES];
    let (inner, outer) = (reach.cutoff - reach.width, reach.cutoff);
    let mut rim = false;
    for square in squares {
        rim |= (*square > inner * inner) & (*square < outer * outer);
    }
    if rim {
        for l in 0..LANES {
            let [switch, slope] = reach.switch(squares[l]);
            root_c6[l] *= switch;
            fading[l] = if switch > 0.0 { slope / switch } else { 0.0 };
        }
    }
    fading
}

#[inline(always)]
fn add(sums: &mut [f64], terms: &Lanes) {
    for (s, t) in sums.iter_mut().zip(terms) {
        *s += t;
    }
}

#[cfg(test)]
mod tests {
    use super::inverse_cube_root;

    #[test]
    fn inverse_cube_roots_are_those_of_the_library() {
        for n in -600..600 {
            let x = 1.037_f64.powi(n);
            let error = inverse_cube_root(x) * x.cbrt() - 1.0;
            // Four roundings.
            assert!(error.abs() < 1e-15, "{x} {error}");
        }
    }
}
