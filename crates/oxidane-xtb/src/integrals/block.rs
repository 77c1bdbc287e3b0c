//! The integrals of two shells of eight pairs of atoms.

use oxidane_math::special::exp_f64;

use super::frame::Frame;
use super::lanes::{LANES, Lanes};
use super::radial::{Entry, MAX_FUNCTIONS, MAX_PRIMITIVES, MAX_ROWS, POWERS, ROW_BLOCK};
use super::species::{EXPONENT_CUTOFF, ShellPair};
use super::{COMPONENTS, FIRST};

/// Components of a shell at most.
const SIDE: usize = 5;

/// Values of the functions of r of two shells, `[rank][function]`.
pub type Functions = [[Lanes; MAX_FUNCTIONS]; 3];

/// Integrals of two shells: `[component of the operator][row][column]`.
pub type Integrals = [[[Lanes; SIDE]; SIDE]; COMPONENTS];

/// Matrix elements of two shells: `[row][column]`.
pub type Square = [[Lanes; SIDE]; SIDE];

/// The powers 0..=6 of the distance.
#[inline(always)]
pub fn powers(r: Lanes) -> [Lanes; POWERS] {
    let mut out = [Lanes::splat(1.0); POWERS];
    for n in 1..POWERS {
        out[n] = out[n - 1] * r;
    }
    out
}

/// exp(-x r^2) for the leading exponents x that matter to any lane; returns how many they are.
#[inline(always)]
fn exponentials(exponents: &[f64], square: Lanes, out: &mut [Lanes; MAX_PRIMITIVES]) -> usize {
    let nearest = square.0.iter().fold(f64::INFINITY, |a, &b| a.min(b));
    let active = exponents.partition_point(|x| x * nearest <= EXPONENT_CUTOFF);
    for (e, x) in out.iter_mut().zip(&exponents[..active]) {
        *e = square * -x;
    }
    for e in &mut out[..active] {
        for k in 0..LANES {
            e.0[k] = exp_f64(e.0[k]);
        }
    }
    active
}

/// The functions of r of two shells.
#[inline(always)]
pub fn functions(pair: &ShellPair, square: Lanes, powers: &[Lanes; POWERS]) -> Functions {
    let mut e = [Lanes::ZERO; MAX_PRIMITIVES];
    let active = exponentials(&pair.weights.exponents, square, &mut e);
    let mut sums = [Lanes::ZERO; MAX_ROWS];
    for (block, sums) in pair.weights.blocks.iter().zip(sums.as_chunks_mut::<ROW_BLOCK>().0) {
        *sums = contract(&block[..active], &e);
    }
    let mut out = [[Lanes::ZERO; MAX_FUNCTIONS]; 3];
    for (row, &sum) in pair.shape.rows.iter().zip(&sums) {
        let f = &mut out[row.rank][row.function];
        *f = sum.times_plus(powers[row.power], *f);
    }
    out
}

/// The functions of r of two shells and their derivatives.
#[inline(always)]
pub fn functions_and_slopes(
    pair: &ShellPair,
    square: Lanes,
    powers: &[Lanes; POWERS],
) -> (Functions, Functions) {
    let mut e = [Lanes::ZERO; MAX_PRIMITIVES];
    let active = exponentials(&pair.weights.exponents, square, &mut e);
    // d/dr exp(-x r^2) = -2 x r exp(-x r^2).
    let mut d = [Lanes::ZERO; MAX_PRIMITIVES];
    for ((d, &e), x) in d.iter_mut().zip(&e[..active]).zip(&pair.weights.exponents) {
        *d = e * (-2.0 * x);
    }
    let (mut sums, mut slopes) = ([Lanes::ZERO; MAX_ROWS], [Lanes::ZERO; MAX_ROWS]);
    for (i, block) in pair.weights.blocks.iter().enumerate() {
        let at = i * ROW_BLOCK;
        sums[at..at + ROW_BLOCK].copy_from_slice(&contract(&block[..active], &e));
        slopes[at..at + ROW_BLOCK].copy_from_slice(&contract(&block[..active], &d));
    }
    let (mut f, mut df) = ([[Lanes::ZERO; MAX_FUNCTIONS]; 3], [[Lanes::ZERO; MAX_FUNCTIONS]; 3]);
    for (i, row) in pair.shape.rows.iter().enumerate() {
        let (f, df) = (&mut f[row.rank][row.function], &mut df[row.rank][row.function]);
        *f = sums[i].times_plus(powers[row.power], *f);
        *df = (slopes[i] * powers[1]).times_plus(powers[row.power], *df);
        if row.power > 0 {
            *df = sums[i].times_plus(powers[row.power - 1] * row.power as f64, *df);
        }
    }
    (f, df)
}

/// Products of a block of rows of weights with the exponentials.
#[inline(always)]
fn contract(weights: &[[f64; ROW_BLOCK]], e: &[Lanes; MAX_PRIMITIVES]) -> [Lanes; ROW_BLOCK] {
    let mut sums = [Lanes::ZERO; ROW_BLOCK];
    for (w, e) in weights.iter().zip(e) {
        for j in 0..ROW_BLOCK {
            sums[j] = e.scaled_plus(w[j], sums[j]);
        }
    }
    sums
}

/// The integrals of two shells in the laboratory, the operators about the first atom.
#[inline(always)]
pub fn integrals(pair: &ShellPair, frame: &Frame, square: Lanes, powers: &[Lanes; POWERS]) -> Integrals {
    let f = functions(pair, square, powers);
    let mut out = [[[Lanes::ZERO; SIDE]; SIDE]; COMPONENTS];
    for rank in 0..3 {
        let l = [pair.l[0], rank, pair.l[1]];
        let components = &mut out[FIRST[rank]..FIRST[rank] + 2 * rank + 1];
        into_laboratory(&pair.shape.entries[rank], &f[rank], l, frame, components);
    }
    out
}

/// Turns the three indices of the integrals of an operator, one after another.
#[inline(always)]
fn into_laboratory(
    entries: &[Entry],
    f: &[Lanes; MAX_FUNCTIONS],
    l: [usize; 3],
    frame: &Frame,
    out: &mut [Square],
) {
    let [na, nq, nb] = l.map(|l| 2 * l + 1);
    let [turn_a, turn_q, turn_b] = l.map(|l| &frame.turn[l]);
    let mut columns = [[[Lanes::ZERO; SIDE]; SIDE]; SIDE];
    for e in entries {
        let value = f[e.function] * e.sign;
        for b in 0..nb {
            let x = &mut columns[e.q][e.a][b];
            *x = value.times_plus(turn_b[b][e.b], *x);
        }
    }
    let mut operators = [[[Lanes::ZERO; SIDE]; SIDE]; SIDE];
    for q in 0..nq {
        for a in 0..na {
            for b in 0..nb {
                let mut sum = Lanes::ZERO;
                for p in 0..nq {
                    sum = turn_q[q][p].times_plus(columns[p][a][b], sum);
                }
                operators[q][a][b] = sum;
            }
        }
    }
    for q in 0..nq {
        for a in 0..na {
            for b in 0..nb {
                let mut sum = Lanes::ZERO;
                for p in 0..na {
                    sum = turn_a[a][p].times_plus(operators[q][p][b], sum);
                }
                out[q][a][b] = sum;
            }
        }
    }
}

/// Matrix elements of two shells turned from the laboratory into the frame.
#[inline(always)]
pub fn into_frame(pair: &ShellPair, frame: &Frame, lab: &Square) -> Square {
    let [na, nb] = pair.l.map(|l| 2 * l + 1);
    let [turn_a, turn_b] = pair.l.map(|l| &frame.turn[l]);
    let mut half = [[Lanes::ZERO; SIDE]; SIDE];
    for a in 0..na {
        for b in 0..nb {
            for p in 0..nb {
                half[a][b] = turn_b[p][b].times_plus(lab[a][p], half[a][b]);
            }
        }
    }
    let mut out = [[Lanes::ZERO; SIDE]; SIDE];
    for a in 0..na {
        for b in 0..nb {
            for p in 0..na {
                out[a][b] = turn_a[p][a].times_plus(half[p][b], out[a][b]);
            }
        }
    }
    out
}
