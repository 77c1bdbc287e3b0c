//! The integrals of two shells of eight pairs of atoms.
//!
//! Sizes are constants of the functions, `A` and `B` components of the shells, so that the compiler unrolls them.

use oxidane_math::simd::dispatch;
use oxidane_math::special::exp_f64;

use super::COMPONENTS;
use super::frame::Frame;
use super::lanes::{LANES, Lanes};
use super::radial::{Entry, MAX_FUNCTIONS, MAX_PRIMITIVES, MAX_ROWS, POWERS, ROW_BLOCK};
use super::species::{EXPONENT_CUTOFF, ShellPair};

/// Calls a function of the constants `A`, `B` for angular momenta known at run time.
macro_rules! by_components {
    ($pair:expr, $function:ident($($argument:expr),* $(,)?)) => {
        match $pair.l {
            [0, 0] => $function::<1, 1>($($argument),*),
            [0, 1] => $function::<1, 3>($($argument),*),
            [0, _] => $function::<1, 5>($($argument),*),
            [1, 0] => $function::<3, 1>($($argument),*),
            [1, 1] => $function::<3, 3>($($argument),*),
            [1, _] => $function::<3, 5>($($argument),*),
            [_, 0] => $function::<5, 1>($($argument),*),
            [_, 1] => $function::<5, 3>($($argument),*),
            [_, _] => $function::<5, 5>($($argument),*),
        }
    };
}
pub(crate) use by_components;

/// Integrals of two shells: `[component of the operator][row][column]`.
pub type Integrals<const A: usize, const B: usize> = [[[Lanes; B]; A]; COMPONENTS];

/// Functions of r of two shells and the scratch to compute them.
#[derive(Debug, Clone)]
pub struct Radial {
    /// The functions, as many as the shape has.
    pub value: [Lanes; MAX_FUNCTIONS],
    /// Their derivatives.
    pub slope: [Lanes; MAX_FUNCTIONS],
    exponentials: [Lanes; MAX_PRIMITIVES],
    decays: [Lanes; MAX_PRIMITIVES],
    sums: [Lanes; MAX_ROWS],
    slopes: [Lanes; MAX_ROWS],
}

/// The powers 0..=6 of the distance.
#[inline(always)]
pub fn powers(r: Lanes) -> [Lanes; POWERS] {
    let mut out = [Lanes::splat(1.0); POWERS];
    for n in 1..POWERS {
        out[n] = out[n - 1] * r;
    }
    out
}

impl Radial {
    /// Scratch for any two shells.
    pub fn new() -> Self {
        Self {
            value: [Lanes::ZERO; MAX_FUNCTIONS],
            slope: [Lanes::ZERO; MAX_FUNCTIONS],
            exponentials: [Lanes::ZERO; MAX_PRIMITIVES],
            decays: [Lanes::ZERO; MAX_PRIMITIVES],
            sums: [Lanes::ZERO; MAX_ROWS],
            slopes: [Lanes::ZERO; MAX_ROWS],
        }
    }

    /// Computes the functions of two shells.
    pub fn values(&mut self, pair: &ShellPair, powers: &[Lanes; POWERS]) {
        dispatch(
            #[inline(always)]
            || {
                let active = self.exponentials(&pair.weights.exponents, powers[2]);
                for (i, block) in pair.weights.blocks.iter().enumerate() {
                    contract(&block[..active], &self.exponentials, &mut self.sums, i * ROW_BLOCK);
                }
                for (value, function) in self.value.iter_mut().zip(&pair.shape.functions) {
                    let mut sum = Lanes::ZERO;
                    for row in function.rows.clone() {
                        sum = self.sums[row].times_plus(powers[pair.shape.powers[row]], sum);
                    }
                    *value = sum;
                }
            },
        )
    }

    /// Computes the functions of two shells and their derivatives.
    pub fn values_and_slopes(&mut self, pair: &ShellPair, powers: &[Lanes; POWERS]) {
        dispatch(
            #[inline(always)]
            || {
                let active = self.exponentials(&pair.weights.exponents, powers[2]);
                // d/dr exp(-x r^2) = -2 x r exp(-x r^2).
                for k in 0..active {
                    self.decays[k] = self.exponentials[k] * (-2.0 * pair.weights.exponents[k]);
                }
                for (i, block) in pair.weights.blocks.iter().enumerate() {
                    contract(&block[..active], &self.exponentials, &mut self.sums, i * ROW_BLOCK);
                    contract(&block[..active], &self.decays, &mut self.slopes, i * ROW_BLOCK);
                }
                for (i, function) in pair.shape.functions.iter().enumerate() {
                    let (mut value, mut slope) = (Lanes::ZERO, Lanes::ZERO);
                    for row in function.rows.clone() {
                        let n = pair.shape.powers[row];
                        value = self.sums[row].times_plus(powers[n], value);
                        slope = (self.slopes[row] * powers[1]).times_plus(powers[n], slope);
                        if n > 0 {
                            slope = (self.sums[row] * n as f64).times_plus(powers[n - 1], slope);
                        }
                    }
                    (self.value[i], self.slope[i]) = (value, slope);
                }
            },
        )
    }

    /// exp(-x r^2) for the leading exponents x that matter to any lane; returns how many they are.
    #[inline(always)]
    fn exponentials(&mut self, exponents: &[f64], square: Lanes) -> usize {
        let mut nearest = square.0[0];
        for k in 1..LANES {
            nearest = nearest.min(square.0[k]);
        }
        let mut active = 0;
        while active < exponents.len() && exponents[active] * nearest <= EXPONENT_CUTOFF {
            let x = -exponents[active];
            let out = &mut self.exponentials[active].0;
            for k in 0..LANES {
                out[k] = exp_f64(square.0[k] * x);
            }
            active += 1;
        }
        active
    }
}

impl Default for Radial {
    fn default() -> Self {
        Self::new()
    }
}

/// Products of a block of rows of weights with the exponentials, into the rows from `at`.
#[inline(always)]
fn contract(
    weights: &[[f64; ROW_BLOCK]],
    exponentials: &[Lanes; MAX_PRIMITIVES],
    out: &mut [Lanes; MAX_ROWS],
    at: usize,
) {
    let mut sums = [Lanes::ZERO; ROW_BLOCK];
    for (w, e) in weights.iter().zip(exponentials) {
        for j in 0..ROW_BLOCK {
            sums[j] = e.scaled_plus(w[j], sums[j]);
        }
    }
    out[at..at + ROW_BLOCK].copy_from_slice(&sums);
}

/// The integrals of two shells in the laboratory, the operators about the first atom.
#[inline(always)]
pub fn integrals<const A: usize, const B: usize>(
    pair: &ShellPair,
    frame: &Frame,
    functions: &[Lanes; MAX_FUNCTIONS],
    out: &mut Integrals<A, B>,
) {
    let [overlap, dipole @ .., _, _, _, _, _] = out;
    into_laboratory(&pair.shape.entries[0], functions, frame, std::array::from_mut(overlap));
    into_laboratory(&pair.shape.entries[1], functions, frame, dipole);
    let [_, _, _, _, quadrupole @ ..] = out;
    into_laboratory(&pair.shape.entries[2], functions, frame, quadrupole);
}

/// Turns the three indices of the integrals of an operator of `Q` components, one after another.
#[inline(always)]
fn into_laboratory<const A: usize, const Q: usize, const B: usize>(
    entries: &[Entry],
    functions: &[Lanes; MAX_FUNCTIONS],
    frame: &Frame,
    out: &mut [[[Lanes; B]; A]; Q],
) {
    let [turn_a, turn_q, turn_b] = [&frame.turn[A / 2], &frame.turn[Q / 2], &frame.turn[B / 2]];
    let mut columns = [[[Lanes::ZERO; B]; A]; Q];
    for e in entries {
        let value = functions[e.function] * e.sign;
        for b in 0..B {
            let x = &mut columns[e.q][e.a][b];
            *x = if B == 1 { *x + value } else { value.times_plus(turn_b[b][e.b], *x) };
        }
    }
    for a in 0..A {
        for b in 0..B {
            if Q > 1 {
                let mut turned = [Lanes::ZERO; Q];
                for p in 0..Q {
                    for q in 0..Q {
                        turned[q] = turn_q[q][p].times_plus(columns[p][a][b], turned[q]);
                    }
                }
                for q in 0..Q {
                    columns[q][a][b] = turned[q];
                }
            }
        }
    }
    for q in 0..Q {
        for b in 0..B {
            let mut turned = [Lanes::ZERO; A];
            for p in 0..A {
                for a in 0..A {
                    turned[a] = if A == 1 {
                        columns[q][p][b]
                    } else {
                        turn_a[a][p].times_plus(columns[q][p][b], turned[a])
                    };
                }
            }
            for a in 0..A {
                out[q][a][b] = turned[a];
            }
        }
    }
}

/// Matrix elements of two shells turned from the laboratory into the frame.
#[inline(always)]
pub fn into_frame<const A: usize, const B: usize>(frame: &Frame, lab: &[[Lanes; B]; A]) -> [[Lanes; B]; A] {
    let [turn_a, turn_b] = [&frame.turn[A / 2], &frame.turn[B / 2]];
    let mut half = *lab;
    if B > 1 {
        for a in 0..A {
            let mut turned = [Lanes::ZERO; B];
            for p in 0..B {
                for b in 0..B {
                    turned[b] = turn_b[p][b].times_plus(lab[a][p], turned[b]);
                }
            }
            half[a] = turned;
        }
    }
    if A == 1 {
        return half;
    }
    let mut out = [[Lanes::ZERO; B]; A];
    for p in 0..A {
        for a in 0..A {
            for b in 0..B {
                out[a][b] = turn_a[p][a].times_plus(half[p][b], out[a][b]);
            }
        }
    }
    out
}
