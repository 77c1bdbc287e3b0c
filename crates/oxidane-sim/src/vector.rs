//! Small vector and matrix helpers on `[f64; 3]`, 3x3 matrices and slices.

/// A 3x3 matrix, rows first.
pub(crate) type Matrix = [[f64; 3]; 3];

pub(crate) const IDENTITY: Matrix = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

pub(crate) fn dot3(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub(crate) fn norm3(a: &[f64; 3]) -> f64 {
    dot3(a, a).sqrt()
}

pub(crate) fn cross(a: &[f64; 3], b: &[f64; 3]) -> [f64; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

pub(crate) fn sub3(a: &[f64; 3], b: &[f64; 3]) -> [f64; 3] {
    std::array::from_fn(|k| a[k] - b[k])
}

/// M x.
pub(crate) fn apply(m: &Matrix, x: &[f64; 3]) -> [f64; 3] {
    m.map(|row| dot3(&row, x))
}

pub(crate) fn transpose(m: &Matrix) -> Matrix {
    std::array::from_fn(|i| std::array::from_fn(|j| m[j][i]))
}

pub(crate) fn multiply(a: &Matrix, b: &Matrix) -> Matrix {
    a.map(|row| std::array::from_fn(|j| (0..3).map(|k| row[k] * b[k][j]).sum()))
}

/// The inverse, or `None` if the determinant vanishes or is not finite.
pub(crate) fn inverse(m: &Matrix) -> Option<Matrix> {
    let cofactor_rows = [cross(&m[1], &m[2]), cross(&m[2], &m[0]), cross(&m[0], &m[1])];
    let determinant = dot3(&m[0], &cofactor_rows[0]);
    (determinant.is_finite() && determinant != 0.0)
        .then(|| transpose(&cofactor_rows.map(|row| row.map(|x| x / determinant))))
}

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// y += a x.
pub(crate) fn axpy(a: f64, x: &[f64], y: &mut [f64]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += a * x);
}

/// Eigenvalues (ascending) and eigenvectors (as rows) of a symmetric 3x3 matrix; `None` if it has entries that are
/// not finite.
pub(crate) fn eigen_symmetric(m: &Matrix) -> Option<([f64; 3], Matrix)> {
    let eigen = faer::Mat::from_fn(3, 3, |i, j| m[i][j]).self_adjoint_eigen(faer::Side::Lower).ok()?;
    let values = std::array::from_fn(|i| eigen.S()[i]);
    Some((values, std::array::from_fn(|i| std::array::from_fn(|k| eigen.U()[(k, i)]))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eigenvectors_diagonalise() {
        let m = [[2.0, -1.0, 0.3], [-1.0, 3.0, 0.7], [0.3, 0.7, -1.5]];
        let (values, vectors) = eigen_symmetric(&m).unwrap();
        for (value, v) in values.iter().zip(&vectors) {
            let mv = apply(&m, v);
            // Rounding of numbers of order one.
            (0..3).for_each(|k| assert!((mv[k] - value * v[k]).abs() < 1e-14));
        }
    }

    #[test]
    fn inverse_undoes() {
        let m = [[2.0, -1.0, 0.3], [0.5, 3.0, 0.7], [0.3, 0.2, -1.5]];
        let product = multiply(&m, &inverse(&m).unwrap());
        (0..9).for_each(|i| assert!((product[i / 3][i % 3] - IDENTITY[i / 3][i % 3]).abs() < 1e-15));
        assert!(inverse(&[[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.0, 1.0, 0.0]]).is_none());
    }
}
