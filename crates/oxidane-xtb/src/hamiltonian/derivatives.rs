//! Derivatives of the electronic energy by positions, strain and coordination numbers.
//!
//! In the frame of a bond its energy is a sum of products of functions of the distance with components of the density
//! and the potentials. Along the bond these functions are differentiated; across it, turning the bond is turning density
//! and potentials the other way, so the derivative is a torque over the distance. No matrix of derivatives is formed.

use oxidane_math::simd::dispatch;
use oxidane_physics::geometry::Derivatives;

use super::Hamiltonian;
use super::batches::{Batch, Image};
use super::core::{polynomials, radii, scaling};
use super::iteration::gather;
use super::potentials::{AtomPotentials, Potentials};
use crate::basis::Basis;
use crate::integrals::block::{Square, functions_and_slopes, into_frame, powers};
use crate::integrals::frame::{ABOUT_X, ABOUT_Y, Frame, Generator};
use crate::integrals::lanes::Lanes;
use crate::integrals::species::{ShellPair, SpeciesPair};
use crate::integrals::{MAX_ORBITALS, MAX_SHELLS};

const SQRT3: f64 = 1.732_050_807_568_877_2;

impl Hamiltonian {
    /// Adds the derivatives of the electronic energy at constant occupation: tr P dH0 - tr W dS and the terms of the
    /// potentials (see the conventions of the [module](self)), by positions and strain to `derivatives` and by the
    /// coordination numbers of the atoms to `by_coordination`. `density` P and `energy_weighted` W = sum over i of
    /// f_i e_i c_i c_i^T are symmetric, row-major.
    pub fn add_derivatives(
        &self,
        basis: &Basis,
        density: &[f64],
        energy_weighted: &[f64],
        shell_potential: &[f64],
        dipole_potential: &[[f64; 3]],
        quadrupole_potential: &[[f64; 6]],
        derivatives: &mut Derivatives,
        by_coordination: &mut [f64],
    ) {
        let potentials =
            Potentials { shell: shell_potential, dipole: dipole_potential, quadrupole: quadrupole_potential };
        for batch in &self.batches.list {
            let pairs = Pairs {
                species: batch.species,
                density: gather(basis, batch, density),
                energy_weighted: gather(basis, batch, energy_weighted),
                levels: [0, 1].map(|side| self.batch_levels(basis, batch, side)),
                potentials: [0, 1].map(|side| potentials.gather(basis, batch, side)),
            };
            for image in &self.batches.images[batch.images.clone()] {
                let result = dispatch(|| differentiate(&pairs, image));
                result.scatter(batch, image, derivatives, by_coordination);
            }
        }
    }
}

/// What the derivatives of a batch depend on.
struct Pairs {
    species: &'static SpeciesPair,
    density: [Lanes; MAX_ORBITALS * MAX_ORBITALS],
    energy_weighted: [Lanes; MAX_ORBITALS * MAX_ORBITALS],
    levels: [[Lanes; MAX_SHELLS]; 2],
    potentials: [AtomPotentials; 2],
}

/// The derivatives of the energy of each pair of two atoms.
struct Result {
    /// By the vector from the first to the second atom.
    by_vector: [Lanes; 3],
    /// By the coordination numbers of the two atoms.
    by_coordination: [Lanes; 2],
}

impl Result {
    fn scatter(
        &self,
        batch: &Batch,
        image: &Image,
        derivatives: &mut Derivatives,
        by_coordination: &mut [f64],
    ) {
        // The images of an atom come in pairs of opposite vectors, each of which stands for half.
        let share = if batch.diagonal { 0.5 } else { 1.0 };
        for lane in 0..batch.count {
            let [a, b] = [0, 1].map(|side| batch.atoms[side][lane]);
            by_coordination[a] += share * self.by_coordination[0].0[lane];
            by_coordination[b] += share * self.by_coordination[1].0[lane];
            if !image.onsite {
                let vector = image.vector.map(|x| x.0[lane]);
                derivatives.add_pair(a, b, vector, self.by_vector.map(|x| share * x.0[lane]));
            }
        }
    }
}

/// The potentials of both atoms as potentials of overlap, dipole and quadrupole about the first atom, in the frame.
#[derive(Clone, Copy)]
struct Effective {
    zero: Lanes,
    first: [Lanes; 3],
    second: [Lanes; 5],
}

/// Potentials of dipole and quadrupole of one atom in the frame.
type Moments = ([Lanes; 3], [Lanes; 5]);

impl Effective {
    /// With the moments about the second atom at distance r along z' as D - r S z' and so on.
    #[inline(always)]
    fn new(r: Lanes, a: &Moments, b: &Moments) -> Self {
        let mut first: [Lanes; 3] = std::array::from_fn(|m| a.0[m] + b.0[m]);
        first[0] = first[0] - r * b.1[1] * SQRT3;
        first[1] = first[1] - r * b.1[2] * 2.0;
        first[2] = first[2] - r * b.1[3] * SQRT3;
        let zero = r * (r * b.1[2] - b.0[1]);
        Self { zero, first, second: std::array::from_fn(|m| a.1[m] + b.1[m]) }
    }

    /// Its derivative by r; there is none of second rank.
    #[inline(always)]
    fn slope(r: Lanes, b: &Moments) -> (Lanes, [Lanes; 3]) {
        (r * b.1[2] * 2.0 - b.0[1], [b.1[1] * -SQRT3, b.1[2] * -2.0, b.1[3] * -SQRT3])
    }
}

/// The change of density and potentials, seen from the frame, by turning the frame about one of its axes.
struct Turned {
    generators: [Generator; 3],
    potentials: Effective,
}

impl Turned {
    #[inline(always)]
    fn new(generators: [Generator; 3], r: Lanes, a: &Moments, b: &Moments) -> Self {
        let turned = |v: &Moments| (turn_vector(generators[1], &v.0), turn_vector(generators[2], &v.1));
        Self { generators, potentials: Effective::new(r, &turned(a), &turned(b)) }
    }
}

#[inline(always)]
fn turn_vector<const N: usize>(generator: Generator, v: &[Lanes; N]) -> [Lanes; N] {
    let mut out = [Lanes::ZERO; N];
    for &(m, n, x) in generator {
        out[m] = v[n].scaled_plus(-x, out[m]);
    }
    out
}

/// The change of a matrix between two shells.
#[inline(always)]
fn turn_square(generators: &[Generator; 3], l: [usize; 2], p: &Square) -> Square {
    let mut out = [[Lanes::ZERO; 5]; 5];
    for &(m, n, x) in generators[l[0]] {
        for b in 0..=2 * l[1] {
            out[m][b] = p[n][b].scaled_plus(-x, out[m][b]);
        }
    }
    for &(m, n, x) in generators[l[1]] {
        for a in 0..=2 * l[0] {
            out[a][m] = p[a][n].scaled_plus(-x, out[a][m]);
        }
    }
    out
}

/// Sums over shells: derivative along the bond, torques about x' and y', derivative by coordination.
struct Sums {
    along: Lanes,
    torque: [Lanes; 2],
    by_coordination: [Lanes; 2],
}

#[inline(always)]
fn differentiate(pairs: &Pairs, image: &Image) -> Result {
    let frame = Frame::new(image.vector);
    let r = frame.length;
    let [a, b] = [0, 1].map(|side| {
        let p = &pairs.potentials[side];
        (frame.first_rank(&p.first), frame.second_rank(&p.second))
    });
    let bond = Bond {
        powers: powers(r),
        square: r * r,
        root: (r * (1.0 / radii(pairs.species))).map(f64::sqrt),
        potentials: Effective::new(r, &a, &b),
        slope: Effective::slope(r, &b),
        turned: [Turned::new(ABOUT_X, r, &a, &b), Turned::new(ABOUT_Y, r, &a, &b)],
        onsite: image.onsite,
        frame,
    };
    let mut sums = Sums { along: Lanes::ZERO, torque: [Lanes::ZERO; 2], by_coordination: [Lanes::ZERO; 2] };
    for pair in &pairs.species.shells {
        bond.add_shells(pairs, pair, &mut sums);
    }
    let (x, y) = bond.frame.axes();
    // Turning z' about x' moves its end towards -y', about y' towards x'.
    let (across_x, across_y) = (sums.torque[1] * bond.frame.inverse, -(sums.torque[0] * bond.frame.inverse));
    let along = sums.along * bond.frame.inverse;
    let by_vector = std::array::from_fn(|axis| {
        let across = x[axis].times_plus(across_x, y[axis] * across_y);
        bond.frame.vector[axis].times_plus(along, across)
    });
    Result { by_vector, by_coordination: sums.by_coordination }
}

/// What all pairs of shells of eight bonds share.
struct Bond {
    frame: Frame,
    square: Lanes,
    powers: [Lanes; 7],
    root: Lanes,
    potentials: Effective,
    slope: (Lanes, [Lanes; 3]),
    turned: [Turned; 2],
    onsite: bool,
}

impl Bond {
    #[inline(always)]
    fn add_shells(&self, pairs: &Pairs, pair: &ShellPair, sums: &mut Sums) {
        let (f, slope) = functions_and_slopes(pair, self.square, &self.powers);
        let p = into_frame(pair, &self.frame, &shells(pairs.species, pair, &pairs.density));
        let w = into_frame(pair, &self.frame, &shells(pairs.species, pair, &pairs.energy_weighted));
        let turned_p = [0, 1].map(|axis| turn_square(&self.turned[axis].generators, pair.l, &p));
        let turned_w = [0, 1].map(|axis| turn_square(&self.turned[axis].generators, pair.l, &w));

        // The energy of the pair: sum of (P k - 2 W) S - P u1 D - P u2 Q, with k = 2 h - V_A - V_B - u0.
        let (scale, scale_slope) = self.scaling(pairs.species, pair);
        let mean = (pairs.levels[0][pair.shells[0]] + pairs.levels[1][pair.shells[1]]) * 0.5;
        let shift = pairs.potentials[0].shell[pair.shells[0]] + pairs.potentials[1].shell[pair.shells[1]];
        let k = mean * scale * 2.0 - shift - self.potentials.zero;
        let k_slope = mean * scale_slope * 2.0 - self.slope.0;

        let mut overlap = Lanes::ZERO;
        for e in &pair.shape.entries[0] {
            let (s, ds) = (f[0][e.function], slope[0][e.function]);
            let (p, w) = (p[e.a][e.b], w[e.a][e.b]);
            overlap = p.times_plus(s, overlap);
            sums.along = w.scaled_plus(-2.0, p * k).times_plus(ds, sums.along);
            for axis in 0..2 {
                let (tp, tw) = (turned_p[axis][e.a][e.b], turned_w[axis][e.a][e.b]);
                let x = tw.scaled_plus(-2.0, tp * k) - p * self.turned[axis].potentials.zero;
                sums.torque[axis] = x.times_plus(s, sums.torque[axis]);
            }
        }
        sums.along = overlap.times_plus(k_slope, sums.along);
        for side in 0..2 {
            let shift = pairs.species.elements[side].shells[pair.shells[side]].coordination_shift;
            sums.by_coordination[side] = (overlap * scale).scaled_plus(-shift, sums.by_coordination[side]);
        }

        for e in &pair.shape.entries[1] {
            let (u, du) = (self.potentials.first[e.q], self.slope.1[e.q]);
            let (d, dd) = (f[1][e.function] * -e.sign, slope[1][e.function] * -e.sign);
            let p = p[e.a][e.b];
            sums.along = (p * u).times_plus(dd, (p * du).times_plus(d, sums.along));
            for axis in 0..2 {
                let x = turned_p[axis][e.a][e.b].times_plus(u, p * self.turned[axis].potentials.first[e.q]);
                sums.torque[axis] = x.times_plus(d, sums.torque[axis]);
            }
        }
        for e in &pair.shape.entries[2] {
            let u = self.potentials.second[e.q];
            let (q, dq) = (f[2][e.function] * -e.sign, slope[2][e.function] * -e.sign);
            let p = p[e.a][e.b];
            sums.along = (p * u).times_plus(dq, sums.along);
            for axis in 0..2 {
                let x = turned_p[axis][e.a][e.b].times_plus(u, p * self.turned[axis].potentials.second[e.q]);
                sums.torque[axis] = x.times_plus(q, sums.torque[axis]);
            }
        }
    }

    /// The scaling of the mean level and its derivative by the distance.
    #[inline(always)]
    fn scaling(&self, species: &SpeciesPair, pair: &ShellPair) -> (Lanes, Lanes) {
        if self.onsite {
            return (Lanes::splat(1.0), Lanes::ZERO);
        }
        let [a, b] = polynomials(species, pair);
        // d root / dr = root / (2 r).
        let by_root = self.root.scaled_plus(2.0 * a * b, Lanes::splat(a + b));
        let slope = by_root * self.root * self.frame.inverse * (0.5 * pair.scale);
        (scaling(species, pair, self.root), slope)
    }
}

/// The part of a block of two atoms that belongs to two shells.
#[inline(always)]
fn shells(species: &SpeciesPair, pair: &ShellPair, block: &[Lanes]) -> Square {
    let columns = species.orbitals[1];
    let mut out = [[Lanes::ZERO; 5]; 5];
    for a in 0..=2 * pair.l[0] {
        for b in 0..=2 * pair.l[1] {
            out[a][b] = block[(pair.first[0] + a) * columns + pair.first[1] + b];
        }
    }
    out
}
