//! The frame of a bond: z' along the vector between two atoms; how solid harmonics turn between it and the laboratory.
//!
//! Solid harmonics are real, in Racah's normalisation, ordered m = -l..=l:
//! l = 1: y, z, x; l = 2: sqrt(3) x y, sqrt(3) y z, z^2 - (x^2 + y^2) / 2, sqrt(3) x z, sqrt(3)/2 (x^2 - y^2).

use super::SQRT3;
use super::lanes::Lanes;

/// Frames of eight bonds.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The vectors, from the first atom to the second, in the laboratory: x, y, z.
    pub vector: [Lanes; 3],
    /// Their lengths r.
    pub length: Lanes,
    /// 1 / r; zero for a vector of length zero.
    pub inverse: Lanes,
    /// `turn[l][m][m']`: the laboratory component m of the harmonic of rank l that is m' in the frame.
    pub turn: [[[Lanes; 5]; 5]; 3],
}

impl Frame {
    /// The frames of eight vectors. A vector of length zero gets the axes of the laboratory.
    #[inline(always)]
    pub fn new(vector: [Lanes; 3]) -> Self {
        let [x, y, z] = vector;
        let square = x.times_plus(x, y.times_plus(y, z * z));
        let length = square.map(f64::sqrt);
        let inverse = length.map(|r| if r > 0.0 { 1.0 / r } else { 0.0 });
        let origin = length.map(|r| if r > 0.0 { 0.0 } else { 1.0 });
        let w = [x * inverse, y * inverse, z.times_plus(inverse, origin)];
        let (u, v) = perpendicular(w);
        let mut turn = [[[Lanes::ZERO; 5]; 5]; 3];
        turn[0][0][0] = Lanes::splat(1.0);
        for (row, axis) in [(0, 1), (1, 2), (2, 0)] {
            turn[1][row][0] = v[axis];
            turn[1][row][1] = w[axis];
            turn[1][row][2] = u[axis];
        }
        let columns = second_rank(u, v, w);
        for m in 0..5 {
            for n in 0..5 {
                turn[2][m][n] = columns[n][m];
            }
        }
        Self { vector, length, inverse, turn }
    }

    /// The axes x' and y' of the frame as vectors of the laboratory.
    #[inline(always)]
    pub fn axes(&self) -> ([Lanes; 3], [Lanes; 3]) {
        let [y, z, x, ..] = &self.turn[1];
        ([x[2], y[2], z[2]], [x[0], y[0], z[0]])
    }

    /// Components in the frame of a vector of the laboratory (both as y, z, x).
    #[inline(always)]
    pub fn first_rank(&self, lab: &[Lanes; 3]) -> [Lanes; 3] {
        into_frame(&self.turn[1], lab)
    }

    /// Components in the frame of a harmonic of second rank of the laboratory.
    #[inline(always)]
    pub fn second_rank(&self, lab: &[Lanes; 5]) -> [Lanes; 5] {
        into_frame(&self.turn[2], lab)
    }
}

/// Multiplies by the transposed turn of rank l.
#[inline(always)]
fn into_frame<const N: usize>(turn: &[[Lanes; 5]; 5], lab: &[Lanes; N]) -> [Lanes; N] {
    let mut out = [Lanes::ZERO; N];
    for m in 0..N {
        for n in 0..N {
            out[n] = turn[m][n].times_plus(lab[m], out[n]);
        }
    }
    out
}

/// Two unit vectors u, v with u x v = w, without a branch (T. Duff et al., J. Comput. Graph. Tech. 2017, 6, 1). Which
/// ones does not matter: what is turned is symmetric about w.
#[inline(always)]
fn perpendicular(w: [Lanes; 3]) -> ([Lanes; 3], [Lanes; 3]) {
    let [x, y, z] = w;
    let sign = z.map(|z| 1.0f64.copysign(z));
    let a = (sign + z).map(|s| -1.0 / s);
    let b = x * y * a;
    let u = [(sign * x * x).times_plus(a, Lanes::splat(1.0)), sign * b, -(sign * x)];
    let v = [b, (y * y).times_plus(a, sign), -y];
    (u, v)
}

/// The columns of the turn of rank 2 from the axes of the frame: the harmonics of a dyadic product of two axes.
#[inline(always)]
fn second_rank(u: [Lanes; 3], v: [Lanes; 3], w: [Lanes; 3]) -> [[Lanes; 5]; 5] {
    let (uu, vv) = (product(u, u), product(v, v));
    let mut columns = [product(u, v), product(v, w), product(w, w), product(u, w), uu];
    for m in 0..5 {
        for n in [0, 1, 3] {
            columns[n][m] = columns[n][m] * (2.0 / SQRT3);
        }
        columns[4][m] = (uu[m] - vv[m]) * (1.0 / SQRT3);
    }
    columns
}

/// The symmetric bilinear forms whose diagonals are the harmonics of rank 2: `product(a, a)` are the harmonics of the
/// vector a, and those of a + b are `product(a, a) + 2 product(a, b) + product(b, b)`.
#[inline(always)]
pub fn product(a: [Lanes; 3], b: [Lanes; 3]) -> [Lanes; 5] {
    const H: f64 = 0.5 * SQRT3;
    let (x, y, z) = (a[0] * b[0], a[1] * b[1], a[2] * b[2]);
    let xy = a[0].times_plus(b[1], a[1] * b[0]) * H;
    let yz = a[1].times_plus(b[2], a[2] * b[1]) * H;
    let xz = a[0].times_plus(b[2], a[2] * b[0]) * H;
    [xy, yz, (x + y).scaled_plus(-0.5, z), xz, (x - y) * H]
}

/// Infinitesimal rotations as lists of (row m, column m', value) for l = 0, 1, 2: the change of the components of a
/// harmonic by the rotation of the object about an axis per radian.
pub type Generator = &'static [(usize, usize, f64)];

/// [`Generator`]s of rotations about x, by rank.
pub const ABOUT_X: [Generator; 3] = [
    &[],
    &[(0, 1, -1.0), (1, 0, 1.0)],
    &[(0, 3, -1.0), (1, 2, -SQRT3), (1, 4, -1.0), (2, 1, SQRT3), (3, 0, 1.0), (4, 1, 1.0)],
];

/// [`Generator`]s of rotations about y, by rank.
pub const ABOUT_Y: [Generator; 3] = [
    &[],
    &[(2, 1, 1.0), (1, 2, -1.0)],
    &[(0, 1, 1.0), (1, 0, -1.0), (2, 3, -SQRT3), (3, 2, SQRT3), (3, 4, -1.0), (4, 3, 1.0)],
];
