//! The central cell of a crystal, to which the finite sums of the reference program refer.

use std::array::from_fn;

use oxidane_physics::geometry::{cross, dot};

/// How far outside the cell an atom, in fractional coordinates, counts as being on its rim, for coordinates that are
/// zero but for rounding.
const RIM: f64 = 1e-9;

/// The image of each position with fractional coordinates from 0 to 1 along the lattice vectors `rows`.
pub fn central_cell(positions: &[[f64; 3]], rows: &[[f64; 3]; 3]) -> Vec<[f64; 3]> {
    let volume = dot(rows[0], cross(rows[1], rows[2]));
    let normals: [[f64; 3]; 3] = from_fn(|a| cross(rows[(a + 1) % 3], rows[(a + 2) % 3]).map(|x| x / volume));
    let image = |&x: &[f64; 3]| {
        let cells = normals.map(|n| cells_outside(dot(x, n)));
        from_fn(|k| x[k] - cells[0] * rows[0][k] - cells[1] * rows[1][k] - cells[2] * rows[2][k])
    };
    positions.iter().map(image).collect()
}

/// The whole part of a fractional coordinate.
fn cells_outside(fraction: f64) -> f64 {
    if (-RIM..0.0).contains(&fraction) {
        0.0
    } else if (fraction - 1.0).abs() < RIM {
        1.0
    } else {
        fraction.floor()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_moved_by_whole_cells() {
        let rows = [[4.0, 0.0, 0.0], [1.0, 5.0, 0.0], [0.0, -1.0, 6.0]];
        let inside = [3.1, 2.0, 4.5];
        let outside = from_fn(|k| inside[k] - 2.0 * rows[0][k] + rows[1][k] + 3.0 * rows[2][k]);
        let [a, b, origin] = central_cell(&[inside, outside, [-1e-12, 0.0, 0.0]], &rows)[..] else {
            panic!()
        };
        for k in 0..3 {
            // Rounding.
            assert!((a[k] - inside[k]).abs() < 1e-14 && (b[k] - inside[k]).abs() < 1e-13);
        }
        assert_eq!(origin[0], -1e-12);
    }
}
