//! The interaction of the moments of two atoms along one vector.

use oxidane_physics::geometry::dot;

use crate::parameters::{MULTIPOLE_DAMPING_3, MULTIPOLE_DAMPING_5};

/// In a crystal the damping is switched off between these distances in bohr. Farther switches change the energy of a
/// cell by about 1e-8 hartree; between 25 and 40 it would be 3e-7.
pub const DAMPING_SWITCH: [f64; 2] = [40.0, 60.0];

/// The moments of an atom.
#[derive(Debug, Clone, Copy)]
pub struct Moments {
    /// Charge in e.
    pub charge: f64,
    /// Dipole in e bohr.
    pub dipole: [f64; 3],
    /// Quadrupole in e bohr^2: xx, xy, yy, xz, yz, zz.
    pub quadrupole: [f64; 6],
}

impl Moments {
    /// The product of the quadrupole and a vector.
    #[inline(always)]
    pub fn quadrupole_along(&self, vector: [f64; 3]) -> [f64; 3] {
        product(self.quadrupole, vector)
    }
}

/// A function of the distance r and of the damping radius R.
#[derive(Debug, Clone, Copy, Default)]
pub struct Term {
    /// The value.
    pub value: f64,
    /// The derivative by r, divided by r.
    pub slope: f64,
    /// The derivative by R.
    pub by_radius: f64,
}

/// The three functions of the distance that rule the interaction along a vector v,
///
/// ```text
/// E = A (q_j mu_i.v - q_i mu_j.v) + B mu_i.mu_j + C [v.(q_j Theta_i + q_i Theta_j).v - 3 (mu_i.v)(mu_j.v)],
/// ```
///
/// less B/3 times the trace of the bracket's quadrupole.
#[derive(Debug, Clone, Copy, Default)]
pub struct Radial {
    /// A, undamped 1/r^3.
    pub a: Term,
    /// B, undamped 1/r^3.
    pub b: Term,
    /// C, undamped 1/r^5.
    pub c: Term,
}

/// The derivatives of the energy of a pair.
#[derive(Debug, Clone, Copy)]
pub struct Slopes {
    /// By the vector from the first atom to the second.
    pub by_vector: [f64; 3],
    /// By the damping radius of the pair.
    pub by_radius: f64,
}

impl Radial {
    /// Damped as in a molecule: A = f3/r^3, B = f5/r^3, C = f5/r^5.
    #[inline(always)]
    pub fn damped(r2: f64, radius: f64) -> Self {
        let inverse2 = 1.0 / r2;
        let inverse3 = inverse2 * inverse2.sqrt();
        let ratio2 = radius * radius * inverse2;
        let three = Damping::new::<{ MULTIPOLE_DAMPING_3 as i32 }>(ratio2);
        let five = Damping::new::<{ MULTIPOLE_DAMPING_5 as i32 }>(ratio2);
        Self {
            a: three.times_power(3.0, inverse3, inverse2, radius),
            b: five.times_power(3.0, inverse3, inverse2, radius),
            c: five.times_power(5.0, inverse3 * inverse2, inverse2, radius),
        }
    }

    /// The screened part of undamped moments, from the screened powers of 1/r of an Ewald sum.
    #[inline(always)]
    pub fn screened([_, b3, b5, b7]: [f64; 4]) -> Self {
        let term = |value, slope| Term { value, slope, by_radius: 0.0 };
        Self { a: term(b3, -3.0 * b5), b: term(b3, -3.0 * b5), c: term(b5, -5.0 * b7) }
    }

    /// What the damping takes from undamped moments, switched off smoothly between [`DAMPING_SWITCH`]. The tail that is
    /// lost averages to zero over every sphere.
    #[inline(always)]
    pub fn correction(r2: f64, radius: f64) -> Self {
        let [inner, outer] = DAMPING_SWITCH;
        let inverse2 = 1.0 / r2;
        let inverse = inverse2.sqrt();
        let t = ((r2 * inverse - inner) * (1.0 / (outer - inner))).clamp(0.0, 1.0);
        let switch = 1.0 - t * t * t * (10.0 - t * (15.0 - 6.0 * t));
        let switch_slope = -30.0 / (outer - inner) * t * t * (1.0 - t) * (1.0 - t) * inverse;
        let damped = Self::damped(r2, radius);
        let term = |damped: Term, n: f64, power: f64| {
            let (value, slope) = (damped.value - power, damped.slope + n * power * inverse2);
            Term {
                value: value * switch,
                slope: slope * switch + value * switch_slope,
                by_radius: damped.by_radius * switch,
            }
        };
        let inverse3 = inverse2 * inverse;
        Self {
            a: term(damped.a, 3.0, inverse3),
            b: term(damped.b, 3.0, inverse3),
            c: term(damped.c, 5.0, inverse3 * inverse2),
        }
    }

    /// The vector S and the tensor D (see [`Tensors`](super::tensors::Tensors)) of a source and a target, `vector`
    /// apart.
    #[inline(always)]
    pub fn tensors(&self, [x, y, z]: [f64; 3]) -> ([f64; 3], [f64; 6]) {
        let (a, b, c) = (self.a.value, self.b.value, -3.0 * self.c.value);
        (
            [a * x, a * y, a * z],
            [c * x * x + b, c * x * y, c * y * y + b, c * x * z, c * y * z, c * z * z + b],
        )
    }

    /// The derivatives of the energy of two atoms, where `vector` points from the first to the second.
    #[inline(always)]
    pub fn derivatives(&self, vector: [f64; 3], coupling: &Coupling) -> Slopes {
        let [x, y, z] = vector;
        let [mx, my, mz] = coupling.dipole;
        let [qx, qy, qz] = product(coupling.quadrupole, vector);
        let with_a = mx * x + my * y + mz * z;
        let with_b = coupling.scalar;
        let with_c = qx * x + qy * y + qz * z;
        let radial = self.a.slope * with_a + self.b.slope * with_b + self.c.slope * with_c;
        let (a, c) = (self.a.value, 2.0 * self.c.value);
        Slopes {
            by_vector: [
                a * mx + c * qx + radial * x,
                a * my + c * qy + radial * y,
                a * mz + c * qz + radial * z,
            ],
            by_radius: self.a.by_radius * with_a + self.b.by_radius * with_b + self.c.by_radius * with_c,
        }
    }
}

/// What the moments of two atoms bring to their energy, which is A d.v + B s + C v.Q.v.
pub struct Coupling {
    dipole: [f64; 3],
    scalar: f64,
    quadrupole: [f64; 6],
}

impl Coupling {
    /// Of a first and a second atom.
    #[inline(always)]
    pub fn new(i: &Moments, j: &Moments) -> Self {
        let between: [f64; 6] =
            std::array::from_fn(|a| j.charge * i.quadrupole[a] + i.charge * j.quadrupole[a]);
        let ([a, b, c], [p, q, r]) = (i.dipole, j.dipole);
        let dipoles =
            [a * p, 0.5 * (a * q + b * p), b * q, 0.5 * (a * r + c * p), 0.5 * (b * r + c * q), c * r];
        Self {
            dipole: std::array::from_fn(|k| j.charge * i.dipole[k] - i.charge * j.dipole[k]),
            scalar: dot(i.dipole, j.dipole) - (between[0] + between[2] + between[5]) / 3.0,
            quadrupole: std::array::from_fn(|k| between[k] - 3.0 * dipoles[k]),
        }
    }
}

/// The damping f = 1 / (1 + 6 (R/r)^k) (J. Chem. Theory Comput. 2019, 15, 1652).
struct Damping {
    value: f64,
    /// d ln f / d ln r = k (1 - f), which is also -d ln f / d ln R.
    power: f64,
}

impl Damping {
    #[inline(always)]
    fn new<const K: i32>(ratio2: f64) -> Self {
        let ratio = power::<K>(ratio2);
        let value = 1.0 / (1.0 + 6.0 * ratio);
        Self { value, power: f64::from(K) * (1.0 - value) }
    }

    /// f r^-n, of which `inverse` is the second factor.
    #[inline(always)]
    fn times_power(&self, n: f64, inverse: f64, inverse2: f64, radius: f64) -> Term {
        let value = self.value * inverse;
        Term {
            value,
            slope: value * (self.power - n) * inverse2,
            by_radius: -value * self.power * (1.0 / radius),
        }
    }
}

/// x^(K/2), without a loop.
#[inline(always)]
fn power<const K: i32>(x: f64) -> f64 {
    match K {
        3 => x * x.sqrt(),
        4 => x * x,
        _ => x.powf(0.5 * f64::from(K)),
    }
}

/// The product of a quadrupole and a vector.
#[inline(always)]
fn product([xx, xy, yy, xz, yz, zz]: [f64; 6], vector: [f64; 3]) -> [f64; 3] {
    [dot([xx, xy, xz], vector), dot([xy, yy, yz], vector), dot([xz, yz, zz], vector)]
}
