//! The mesh for a requested accuracy.
//!
//! For charges without order, with spline order p, splitting parameter a and distance h of mesh points, the root mean square error of the forces is, in
//! the units of [`Splitting`], sqrt(a d) e_p(a h). From the sum over aliases of R. W. Hockney and J. W. Eastwood (Computer simulation
//! using particles, 1988, eq. 8-23; for derivatives of splines, with every alias' own wave vector),
//! e_p^2 = 1/8 pi^3 int d^3k [G^2 (sum_m U_m^2)(sum_m k_m^2 U_m^2) - 2 G sum_m k_m^2 U_m^2 R_m + sum_m k_m^2 R_m^2] over the waves of the mesh, with aliases k_m, U the
//! transform of the spline, R = 4 pi exp(-k^2/4)/k^2 and G = R/(sum_m U_m)^2, in units of a.

use super::super::splitting::{SHARE, Splitting};
use super::spline::ORDERS;
use oxidane_core::{Error, Result};

/// The mesh of smooth particle-mesh Ewald.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// The order of the splines, 4 to 8; one more than the degree of their polynomials.
    pub order: usize,
    /// Mesh points along each lattice vector, at least the order.
    pub points: [usize; 3],
}

impl Grid {
    /// Refuses orders that are not implemented, and meshes too coarse for the splines or too large.
    pub(in super::super) fn validate(&self) -> Result<()> {
        if !ORDERS.contains(&self.order) {
            return Err(Error::usage(format!(
                "splines of order {} for electrostatics; give {} to {}",
                self.order,
                ORDERS.start(),
                ORDERS.end()
            )));
        }
        if self.points.iter().any(|&n| n < self.order) {
            let [a, b, c] = self.points;
            return Err(Error::usage(format!(
                "a mesh of {a} x {b} x {c} points for splines of order {}; give at least that many along each axis",
                self.order
            )));
        }
        if self.points.iter().map(|&n| n as f64).product::<f64>() > MOST_POINTS {
            return Err(Error::input(
                "electrostatics of this cell needs too many mesh points; ask for a lower accuracy, or is the cell in \
                 another unit than angstrom?",
            ));
        }
        Ok(())
    }
}

/// A mesh with more points would take more than 16 GB.
const MOST_POINTS: f64 = 1e9;

/// Values of a h.
const SPACINGS: [f64; 10] = [0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.2];

/// log10 of e_p at these, for orders 4 to 8.
const ERRORS: [[f64; 10]; 5] = [
    [-3.13, -2.86, -2.63, -2.42, -2.04, -1.71, -1.42, -1.17, -0.80, -0.54],
    [-4.12, -3.76, -3.44, -3.13, -2.61, -2.13, -1.73, -1.40, -0.93, -0.62],
    [-4.99, -4.52, -4.10, -3.71, -3.01, -2.41, -1.91, -1.53, -1.00, -0.66],
    [-5.82, -5.24, -4.72, -4.24, -3.36, -2.62, -2.05, -1.62, -1.05, -0.69],
    [-6.57, -5.88, -5.25, -4.68, -3.62, -2.77, -2.14, -1.68, -1.08, -0.71],
];

/// The time of a pair in real space, of a mesh point under a spline, and of a mesh point in the transforms and products, in ns: of one geometry with a few
/// potentials and one gradient.
const COSTS: [f64; 3] = [45.0, 3.0, 60.0];

/// Distances at which interactions in real space may end, in units of the mean spacing: from the first, by a factor.
const CUTOFFS: (f64, f64, usize) = (1.5, 1.05, 40);

/// The splitting and the mesh that take the least time for `atoms` atoms of widths up to `widest` (angstrom) in a cell of `volume` (angstrom^3) with lattice vectors of
/// these `lengths` (angstrom), and an estimate of that time in ns.
pub fn mesh_splitting(
    accuracy: f64,
    atoms: usize,
    volume: f64,
    lengths: [f64; 3],
    widest: f64,
) -> Result<(Splitting, Grid, f64)> {
    let n = atoms.max(1) as f64;
    let spacing = (volume / n).cbrt();
    let mut best: Option<(Splitting, Grid, f64)> = None;
    let (mut cutoff, mut last) = (CUTOFFS.0 * spacing, None);
    for _ in 0..CUTOFFS.2 {
        let splitting = Splitting::with_cutoff(accuracy, spacing, widest, cutoff)?;
        cutoff *= CUTOFFS.1;
        // The tails of Gaussian charges make many of the first the same.
        if last == Some(splitting) {
            continue;
        }
        last = Some(splitting);
        let pairs = n * n / volume * 4.19 * splitting.cutoff.powi(3);
        for order in ORDERS {
            let error = SHARE * accuracy / (splitting.alpha * spacing).sqrt();
            let step = widest_step(order, error) / splitting.alpha;
            let points = lengths.map(|a| ((a / step).ceil() as usize).max(order));
            let count: f64 = points.iter().map(|&k| k as f64).product();
            let time = COSTS[0] * pairs + COSTS[1] * n * order.pow(3) as f64 + COSTS[2] * count;
            if best.is_none_or(|(_, _, least)| time < least) {
                best = Some((splitting, Grid { order, points }, time));
            }
        }
    }
    let (splitting, grid, time) = best.ok_or_else(|| Error::usage("no mesh for electrostatics"))?;
    Ok((splitting, Grid { points: grid.points.map(smooth), ..grid }, time))
}

/// The largest a h at which e_p is at most `error`.
fn widest_step(order: usize, error: f64) -> f64 {
    let errors = &ERRORS[order - ORDERS.start()];
    let target = error.log10();
    let Some(above) = errors.iter().position(|&e| e > target) else { return SPACINGS[SPACINGS.len() - 1] };
    if above == 0 {
        // Errors fall with the power p - 1 of the step.
        return SPACINGS[0] * 10.0_f64.powf((target - errors[0]) / (order - 1) as f64);
    }
    let (low, high) = (errors[above - 1], errors[above]);
    let share = (target - low) / (high - low);
    SPACINGS[above - 1] * (SPACINGS[above] / SPACINGS[above - 1]).powf(share)
}

/// The next number with no prime factor above 7, which transforms are fast for.
fn smooth(n: usize) -> usize {
    let is_smooth = |n: usize| {
        let mut rest = n;
        for prime in [2, 3, 5, 7] {
            while rest.is_multiple_of(prime) {
                rest /= prime;
            }
        }
        rest == 1
    };
    (n..).find(|&k| is_smooth(k)).unwrap_or(n)
}
