//! Vectors in space.

/// a . b
#[inline]
pub(crate) fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// a x b
pub(crate) fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

/// |a|
pub(crate) fn norm(a: [f64; 3]) -> f64 {
    dot(a, a).sqrt()
}

/// Signed volume a . (b x c) of three rows.
pub(crate) fn volume([a, b, c]: [[f64; 3]; 3]) -> f64 {
    dot(a, cross(b, c))
}

/// The reciprocal rows of three rows: each is normal to two of them, with a product of 1 with the third.
pub(crate) fn reciprocal(rows: [[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let volume = volume(rows);
    std::array::from_fn(|k| cross(rows[(k + 1) % 3], rows[(k + 2) % 3]).map(|x| x / volume))
}
