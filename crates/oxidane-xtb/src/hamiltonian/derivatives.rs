//! Derivatives of the electronic energy by positions, strain and coordination numbers.
//!
//! In the frame of a bond its energy is a sum of products of functions of the distance with components of the density
//! and the potentials. Along the bond these functions are differentiated; across it, turning the bond is turning
//! density and potentials the other way, so the derivative is a torque over the distance. No matrix of derivatives is
//! formed.

use oxidane_math::simd::dispatch;
use oxidane_physics::geometry::Derivatives;

use super::Hamiltonian;
use super::batches::{Batch, Image};
use super::core::{polynomials, radii, scaling};
use super::iteration::gather;
use super::potentials::{AtomPotentials, Potentials};
use crate::basis::Basis;
use crate::integrals::block::{Radial, by_components, into_frame, powers};
use crate::integrals::frame::{ABOUT_X, ABOUT_Y, Frame, Generator};
use crate::integrals::lanes::Lanes;
use crate::integrals::radial::Entry;
use crate::integrals::species::{ShellPair, SpeciesPair};
use crate::integrals::{MAX_ORBITALS, MAX_SHELLS, SQRT3};

impl Hamiltonian {
    /// Adds the derivatives of the electronic energy at constant occupation: tr P dH0 - tr W dS and the terms of the
    /// potentials (see the conventions of the [module](crate::hamiltonian)), by positions and strain to `derivatives`
    /// and by the coordination numbers of the atoms to `by_coordination`. `density` P and `energy_weighted` W = sum
    /// over i of f_i e_i c_i c_i^T are symmetric, row-major.
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
        let mut radial = Radial::new();
        let mut pairs = Pairs::ZERO;
        for batch in &self.batches.list {
            gather(basis, batch, density, &mut pairs.density);
            gather(basis, batch, energy_weighted, &mut pairs.energy_weighted);
            self.batch_levels(basis, batch, &mut pairs.levels);
            potentials.gather(basis, batch, &mut pairs.potentials);
            for image in &self.batches.images[batch.images.clone()] {
                let result = differentiate(batch.species, &pairs, image, &mut radial);
                result.scatter(batch, image, derivatives, by_coordination);
            }
        }
    }
}

/// What the derivatives of a batch depend on.
struct Pairs {
    density: [Lanes; MAX_ORBITALS * MAX_ORBITALS],
    energy_weighted: [Lanes; MAX_ORBITALS * MAX_ORBITALS],
    levels: [[Lanes; MAX_SHELLS]; 2],
    potentials: [AtomPotentials; 2],
}

impl Pairs {
    const ZERO: Self = Self {
        density: [Lanes::ZERO; MAX_ORBITALS * MAX_ORBITALS],
        energy_weighted: [Lanes::ZERO; MAX_ORBITALS * MAX_ORBITALS],
        levels: [[Lanes::ZERO; MAX_SHELLS]; 2],
        potentials: [AtomPotentials::ZERO; 2],
    };
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
        let mut first = [a.0[0] + b.0[0], a.0[1] + b.0[1], a.0[2] + b.0[2]];
        let mut second = a.1;
        for m in 0..5 {
            second[m] += b.1[m];
        }
        first[0] = first[0] - r * b.1[1] * SQRT3;
        first[1] = first[1] - r * b.1[2] * 2.0;
        first[2] = first[2] - r * b.1[3] * SQRT3;
        let zero = r * (r * b.1[2] - b.0[1]);
        Self { zero, first, second }
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
        let a = (turn_vector(generators[1], &a.0), turn_vector(generators[2], &a.1));
        let b = (turn_vector(generators[1], &b.0), turn_vector(generators[2], &b.1));
        Self { generators, potentials: Effective::new(r, &a, &b) }
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
fn turn_square<const A: usize, const B: usize>(
    generators: &[Generator; 3],
    p: &[[Lanes; B]; A],
) -> [[Lanes; B]; A] {
    let mut out = [[Lanes::ZERO; B]; A];
    for &(m, n, x) in generators[A / 2] {
        for b in 0..B {
            out[m][b] = p[n][b].scaled_plus(-x, out[m][b]);
        }
    }
    for &(m, n, x) in generators[B / 2] {
        for a in 0..A {
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

fn differentiate(species: &SpeciesPair, pairs: &Pairs, image: &Image, radial: &mut Radial) -> Result {
    let bond = dispatch(
        #[inline(always)]
        || Bond::new(species, pairs, image),
    );
    let mut sums = Sums { along: Lanes::ZERO, torque: [Lanes::ZERO; 2], by_coordination: [Lanes::ZERO; 2] };
    let powers = powers(bond.frame.length);
    for pair in &species.shells {
        radial.values_and_slopes(pair, &powers);
        by_components!(pair, add_shells(&bond, species, pairs, pair, radial, &mut sums));
    }
    bond.result(&sums)
}

/// What all pairs of shells of eight bonds share.
struct Bond {
    frame: Frame,
    root: Lanes,
    potentials: Effective,
    slope: (Lanes, [Lanes; 3]),
    turned: [Turned; 2],
    onsite: bool,
}

impl Bond {
    #[inline(always)]
    fn new(species: &SpeciesPair, pairs: &Pairs, image: &Image) -> Self {
        let frame = Frame::new(image.vector);
        let r = frame.length;
        let [a, b] = &pairs.potentials;
        let a = (frame.first_rank(&a.first), frame.second_rank(&a.second));
        let b = (frame.first_rank(&b.first), frame.second_rank(&b.second));
        Self {
            root: (r * (1.0 / radii(species))).map(f64::sqrt),
            potentials: Effective::new(r, &a, &b),
            slope: Effective::slope(r, &b),
            turned: [Turned::new(ABOUT_X, r, &a, &b), Turned::new(ABOUT_Y, r, &a, &b)],
            onsite: image.onsite,
            frame,
        }
    }

    /// The derivatives from the sums over all shells. Turning z' about x' moves its end towards -y', about y' towards
    /// x'.
    fn result(&self, sums: &Sums) -> Result {
        let (x, y) = self.frame.axes();
        let inverse = self.frame.inverse;
        let (along, across_x, across_y) =
            (sums.along * inverse, sums.torque[1] * inverse, -(sums.torque[0] * inverse));
        let by_vector = std::array::from_fn(|axis| {
            self.frame.vector[axis] * along + x[axis] * across_x + y[axis] * across_y
        });
        Result { by_vector, by_coordination: sums.by_coordination }
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

/// Adds what two shells contribute. The energy is the sum of (P k - 2 W) S - P u1 D - P u2 Q with the effective
/// potentials u and k = 2 h - V_A - V_B - u0, h the scaled mean of the levels.
fn add_shells<const A: usize, const B: usize>(
    bond: &Bond,
    species: &SpeciesPair,
    pairs: &Pairs,
    pair: &ShellPair,
    radial: &Radial,
    sums: &mut Sums,
) {
    dispatch(
        #[inline(always)]
        || {
            let p = into_frame::<A, B>(&bond.frame, &shells(species, pair, &pairs.density));
            let w = into_frame::<A, B>(&bond.frame, &shells(species, pair, &pairs.energy_weighted));
            let [about_x, about_y] = &bond.turned;
            let turned_p = [turn_square(&about_x.generators, &p), turn_square(&about_y.generators, &p)];
            let turned_w = [turn_square(&about_x.generators, &w), turn_square(&about_y.generators, &w)];

            let (scale, scale_slope) = bond.scaling(species, pair);
            let [i, j] = pair.shells;
            let mean = (pairs.levels[0][i] + pairs.levels[1][j]) * 0.5;
            let shift = pairs.potentials[0].shell[i] + pairs.potentials[1].shell[j];
            let k = mean * scale * 2.0 - shift - bond.potentials.zero;
            let k_slope = mean * scale_slope * 2.0 - bond.slope.0;

            let mut overlap = Lanes::ZERO;
            for e in &pair.shape.entries[0] {
                let (s, slope) = (radial.value[e.function], radial.slope[e.function]);
                let (p, w) = (p[e.a][e.b], w[e.a][e.b]);
                overlap = p.times_plus(s, overlap);
                sums.along = w.scaled_plus(-2.0, p * k).times_plus(slope, sums.along);
                for axis in 0..2 {
                    let (tp, tw) = (turned_p[axis][e.a][e.b], turned_w[axis][e.a][e.b]);
                    let x = tw.scaled_plus(-2.0, tp * k) - p * bond.turned[axis].potentials.zero;
                    sums.torque[axis] = x.times_plus(s, sums.torque[axis]);
                }
            }
            sums.along = overlap.times_plus(k_slope, sums.along);
            for side in 0..2 {
                let shift = species.elements[side].shells[pair.shells[side]].coordination_shift;
                sums.by_coordination[side] =
                    (overlap * scale).scaled_plus(-shift, sums.by_coordination[side]);
            }

            let [u, ux, uy] = [&bond.potentials, &about_x.potentials, &about_y.potentials];
            let [_, dipole, quadrupole] = &pair.shape.entries;
            let p = [&p, &turned_p[0], &turned_p[1]];
            add_moments(dipole, radial, p, [&u.first, &ux.first, &uy.first], &bond.slope.1, sums);
            let constant = [Lanes::ZERO; 5];
            add_moments(quadrupole, radial, p, [&u.second, &ux.second, &uy.second], &constant, sums);
        },
    )
}

/// Adds - P u M for a moment M of `Q` components: densities and potentials as they are and turned about x' and y', and
/// the derivative of the potential by the distance.
#[inline(always)]
fn add_moments<const A: usize, const B: usize, const Q: usize>(
    entries: &[Entry],
    radial: &Radial,
    density: [&[[Lanes; B]; A]; 3],
    potential: [&[Lanes; Q]; 3],
    slope: &[Lanes; Q],
    sums: &mut Sums,
) {
    for e in entries {
        let value = radial.value[e.function] * -e.sign;
        let value_slope = radial.slope[e.function] * -e.sign;
        let (p, u) = (density[0][e.a][e.b], potential[0][e.q]);
        sums.along = (p * u).times_plus(value_slope, (p * slope[e.q]).times_plus(value, sums.along));
        for axis in 0..2 {
            let turned = density[axis + 1][e.a][e.b].times_plus(u, p * potential[axis + 1][e.q]);
            sums.torque[axis] = turned.times_plus(value, sums.torque[axis]);
        }
    }
}

/// The part of a block of two atoms that belongs to two shells.
#[inline(always)]
fn shells<const A: usize, const B: usize>(
    species: &SpeciesPair,
    pair: &ShellPair,
    block: &[Lanes],
) -> [[Lanes; B]; A] {
    let columns = species.orbitals[1];
    let mut out = [[Lanes::ZERO; B]; A];
    for a in 0..A {
        for b in 0..B {
            out[a][b] = block[(pair.first[0] + a) * columns + pair.first[1] + b];
        }
    }
    out
}
