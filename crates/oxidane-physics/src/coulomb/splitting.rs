//! How a lattice sum is split, for a requested accuracy.
//!
//! For charges without order the root mean square error of the forces, in units of k_e <q^2> / d^2 with d = (V/N)^(1/3) the mean spacing, is
//! 2 sqrt(a d / X) exp(-X^2) where screened interactions erfc(a r)/r are cut off at X/a, and the same where the sum in reciprocal space ends at
//! 2 a X (J. Kolafa and J. W. Perram, Mol. Simul. 1992, 9, 351, eqs. 18 and 32, here for both with integrals over spheres).

use oxidane_core::{Error, Result};
use std::f64::consts::PI;

/// Accuracies that can be asked for.
pub const ACCURACIES: std::ops::RangeInclusive<f64> = 1e-13..=1e-2;

/// The part of the requested error that each cut may have: two of them, and the order in crystals that makes the errors of many
/// charges add up.
pub const SHARE: f64 = 0.4;

/// The time of a pair in real space in units of that of an atom at a reciprocal vector.
const PAIR_COST: f64 = 25.0;

/// The time of an atom at a reciprocal vector (of one half of them) in ns.
const WAVE_TIME: f64 = 2.0;

/// The parameters of an Ewald sum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Splitting {
    /// The splitting parameter alpha in 1/angstrom.
    pub alpha: f64,
    /// Where the sum in real space ends, in angstrom.
    pub cutoff: f64,
    /// Where the sum in reciprocal space ends, in 1/angstrom.
    pub wave_cutoff: f64,
}

impl Splitting {
    /// The splitting for which both sums take about the same time, for `atoms` atoms of widths up to `widest` (angstrom) in a cell of `volume`
    /// (angstrom^3).
    pub fn balanced(accuracy: f64, atoms: usize, volume: f64, widest: f64) -> Result<Self> {
        let n = atoms.max(1) as f64;
        let alpha = (2.0 * PI.powi(3) * PAIR_COST * n / (volume * volume)).powf(1.0 / 6.0);
        let spacing = (volume / n).cbrt();
        Self::with_cutoff(accuracy, spacing, widest, reach(alpha * spacing, part(accuracy)?) / alpha)
    }

    /// Refuses what is not a splitting.
    pub(super) fn validate(&self) -> Result<()> {
        let Self { alpha, cutoff, wave_cutoff } = *self;
        if [alpha, cutoff, wave_cutoff].iter().all(|x| x.is_finite() && *x > 0.0) {
            return Ok(());
        }
        Err(Error::usage(format!(
            "an Ewald sum with alpha {alpha}/angstrom, cut off at {cutoff} angstrom and {wave_cutoff}/angstrom; give positive \
             numbers"
        )))
    }

    /// An estimate of the time of an Ewald sum in ns.
    pub(super) fn time(&self, atoms: usize, volume: f64) -> f64 {
        let n = atoms as f64;
        let pairs = n * n / volume * 4.0 / 3.0 * PI * self.cutoff.powi(3);
        let waves = n * volume * self.wave_cutoff.powi(3) / (12.0 * PI * PI);
        WAVE_TIME * (PAIR_COST * pairs + waves)
    }

    /// The splitting that needs a sum in real space up to `cutoff` (angstrom), or further where the tails of Gaussian charges need it.
    pub fn with_cutoff(accuracy: f64, spacing: f64, widest: f64, cutoff: f64) -> Result<Self> {
        let error = part(accuracy)?;
        let cutoff = cutoff.max(gaussian_reach(error, spacing, widest));
        let start = reach(1.0, error) / cutoff;
        let alpha = settle(start, |alpha| reach(alpha * spacing, error) / cutoff);
        Ok(Self { alpha, cutoff, wave_cutoff: 2.0 * alpha * alpha * cutoff })
    }
}

/// Where the interaction of Gaussian charges has become that of points.
fn gaussian_reach(error: f64, spacing: f64, widest: f64) -> f64 {
    if widest <= 0.0 {
        return 0.0;
    }
    let sharpness = 0.5 / widest;
    reach(sharpness * spacing, error) / sharpness
}

/// X with 2 sqrt(`sharpness` / X) exp(-X^2) = `error`, at least 1.
fn reach(sharpness: f64, error: f64) -> f64 {
    settle(4.0, |x| (2.0 * (sharpness / x).sqrt() / error).ln().max(1.0).sqrt())
}

/// What repeating a map that depends on its argument as the root of a logarithm comes to: a few rounds settle it.
fn settle(mut x: f64, map: impl Fn(f64) -> f64) -> f64 {
    for _ in 0..20 {
        let next = map(x);
        if next == x {
            break;
        }
        x = next;
    }
    x
}

fn part(accuracy: f64) -> Result<f64> {
    if !ACCURACIES.contains(&accuracy) {
        return Err(Error::usage(format!(
            "an accuracy of {accuracy:e} for electrostatics; give one from {:e} to {:e}",
            ACCURACIES.start(),
            ACCURACIES.end()
        )));
    }
    Ok(SHARE * accuracy)
}
