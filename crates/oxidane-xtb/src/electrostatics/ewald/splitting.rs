//! How the reference program splits and cuts its Ewald sums.
//!
//! Its sums in reciprocal space are finite, over all vectors n1 b1 + n2 b2 + n3 b3 with |n| up to bounds that follow
//! from the cell and a tolerance. Where that tolerance is not small, as for multipoles, the bounds are a part of what
//! its energy means: these are the splitting parameter and the bounds of tblite 0.8.0.

use std::f64::consts::PI;

use oxidane_physics::geometry::{cross, dot};

/// The square root of the machine epsilon: the tolerance of the reference program.
const TOLERANCE: f64 = 1.490_116_119_384_765_6e-8;

/// Beyond this argument the screened parts are zero to rounding.
const SCREENED_AWAY: f64 = 30.0;

/// What is summed over a lattice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sum {
    /// Charges, whose smooth part decays as exp(-k^2/4 alpha^2)/k^2.
    Charges,
    /// Multipoles, whose smooth part has two powers of k more.
    Multipoles,
}

impl Sum {
    /// The splitting parameter alpha in 1/bohr: from four to five times the shortest reciprocal vector the smooth part
    /// falls by as much as the screened part from two to three times the shortest lattice vector. In cells so large
    /// that both are below the tolerance everywhere, some 300 angstrom for multipoles, it follows the shortest lattice
    /// vector d as sqrt(pi)/d. (The reference program takes 0.25 there, with which its bounds leave out much of the
    /// sum.)
    pub fn splitting(self, rows: &[[f64; 3]; 3]) -> f64 {
        let volume = volume(rows);
        let shortest =
            |rows: &[[f64; 3]; 3]| rows.iter().map(|&v| dot(v, v)).fold(f64::INFINITY, f64::min).sqrt();
        let (direct, reciprocal) = (shortest(rows), shortest(&reciprocal_rows(rows)));
        let excess = |alpha: f64| {
            let smooth = |k: f64| self.smooth(k, alpha, volume);
            let screened = |r: f64| self.screened(r, alpha);
            smooth(4.0 * reciprocal) - smooth(5.0 * reciprocal) - screened(2.0 * direct)
                + screened(3.0 * direct)
        };
        balance(excess).unwrap_or(PI.sqrt() / direct)
    }

    /// The bounds of n1, n2, n3 in reciprocal space: a parallelepiped about the sphere beyond which terms 4 pi/V
    /// exp(-k^2/4 alpha^2)/k^2 are below a tolerance, 1.5e-8 for charges and 1.5e-6 for multipoles.
    pub fn bounds(self, rows: &[[f64; 3]; 3], alpha: f64) -> [i32; 3] {
        let volume = volume(rows);
        let tolerance = match self {
            Self::Charges => TOLERANCE,
            Self::Multipoles => 100.0 * TOLERANCE,
        };
        let radius = decay(tolerance, |k| Self::Charges.smooth(k, alpha, volume));
        repetitions(&reciprocal_rows(rows), radius)
    }

    /// The smooth part at a reciprocal vector of length `k`.
    fn smooth(self, k: f64, alpha: f64, volume: f64) -> f64 {
        let charges = 4.0 * PI / volume * (-0.25 * k * k / (alpha * alpha)).exp() / (k * k);
        match self {
            Self::Charges => charges,
            Self::Multipoles => charges * k * k,
        }
    }

    /// The screened part at the distance `r`.
    fn screened(self, r: f64, alpha: f64) -> f64 {
        let x = alpha * r;
        if x > SCREENED_AWAY {
            return 0.0;
        }
        match self {
            Self::Charges => libm::erfc(x) / r,
            Self::Multipoles => (2.0 / PI.sqrt() * x * (-x * x).exp() + libm::erfc(x)) / (r * r * r),
        }
    }
}

/// The zero of a function that rises from below, by doubling from a tiny number until it is bracketed, and bisection
/// down to the tolerance. `None` if it is not reached in 31 steps.
fn balance(excess: impl Fn(f64) -> f64) -> Option<f64> {
    let double_until = |mut alpha: f64, enough: f64| {
        while excess(alpha) < enough && alpha < f64::MAX {
            alpha *= 2.0;
        }
        (alpha < f64::MAX).then_some(alpha)
    };
    let start = double_until(TOLERANCE, -TOLERANCE)?;
    let (mut low, mut high) = (0.5 * start, double_until(start, TOLERANCE)?);
    let mut alpha = 0.5 * (low + high);
    for _ in 0..31 {
        let value = excess(alpha);
        if value.abs() <= TOLERANCE {
            return Some(alpha);
        }
        *(if value < 0.0 { &mut low } else { &mut high }) = alpha;
        alpha = 0.5 * (low + high);
    }
    None
}

/// About where a falling function reaches the `tolerance`: the last point tried by a bisection that ends as soon as the
/// function differs by less than the tolerance over the bracket.
fn decay(tolerance: f64, value: impl Fn(f64) -> f64) -> f64 {
    let mut point = TOLERANCE;
    while value(point) > tolerance && point < f64::MAX {
        point *= 2.0;
    }
    let (mut near, mut far) = (0.5 * point, point);
    for _ in 0..30 {
        if value(near) - value(far) <= tolerance {
            break;
        }
        point = 0.5 * (near + far);
        *(if value(point) >= tolerance { &mut near } else { &mut far }) = point;
    }
    point
}

/// How many cells in either direction along each of three vectors make up a parallelepiped about a sphere of `radius`.
pub fn repetitions(rows: &[[f64; 3]; 3], radius: f64) -> [i32; 3] {
    std::array::from_fn(|a| {
        let normal = cross(rows[(a + 1) % 3], rows[(a + 2) % 3]);
        let height = dot(normal, rows[a]).abs() / dot(normal, normal).sqrt();
        (radius / height).ceil() as i32
    })
}

/// The reciprocal lattice vectors, with the factor 2 pi.
pub fn reciprocal_rows(rows: &[[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let signed = dot(rows[0], cross(rows[1], rows[2]));
    std::array::from_fn(|a| cross(rows[(a + 1) % 3], rows[(a + 2) % 3]).map(|x| 2.0 * PI * x / signed))
}

/// The volume of the cell in bohr^3.
pub fn volume(rows: &[[f64; 3]; 3]) -> f64 {
    dot(rows[0], cross(rows[1], rows[2])).abs()
}
