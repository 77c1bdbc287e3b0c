//! The fixed element tables from which XPaiNN's scalar features start: overlaps of an atom's GFN2-xTB valence orbitals
//! with an even-tempered auxiliary set on the same centre (`data/README.md` has the recipe).

use std::sync::LazyLock;

/// Rows of a table: element 0 (empty), then hydrogen to radon.
pub const ELEMENTS: usize = 87;

/// The auxiliary set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuxBasis {
    /// 32 s, 16 p and 8 d functions.
    Aux56,
    /// 16 s, 8 p and 4 d functions.
    Aux28,
}

impl AuxBasis {
    /// Number of functions, the columns of the table.
    pub fn len(self) -> usize {
        match self {
            Self::Aux56 => 56,
            Self::Aux28 => 28,
        }
    }
    /// Never; a set has functions.
    pub fn is_empty(self) -> bool {
        false
    }
}

/// The table of a set: [`ELEMENTS`] rows by [`AuxBasis::len`] columns, row-major. Dimensionless; each number is an
/// overlap of the sum of an atom's valence orbitals of one angular momentum with one normalised function.
pub fn table(basis: AuxBasis) -> &'static [f32] {
    static AUX56: LazyLock<Vec<f32>> = LazyLock::new(|| {
        let bytes = include_bytes!("../../data/gfn2_aux56.f32");
        bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
    });
    // Every second function of the larger set: s and d from the first, p from the second.
    static AUX28: LazyLock<Vec<f32>> = LazyLock::new(|| {
        let columns = || (0..32).step_by(2).chain((33..48).step_by(2)).chain((48..56).step_by(2));
        AUX56.chunks_exact(56).flat_map(|row| columns().map(|k| row[k])).collect()
    });
    match basis {
        AuxBasis::Aux56 => &AUX56,
        AuxBasis::Aux28 => &AUX28,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    /// Exponents (per bohr^2) of the set's functions of angular momentum l.
    fn exponents(basis: AuxBasis, l: usize) -> Vec<f64> {
        let (first, ratio, n): (f64, f64, usize) = match (basis, l) {
            (AuxBasis::Aux56, 0) => (128.0, 0.5f64.sqrt(), 32),
            (AuxBasis::Aux56, 1) => (64.0, 0.5, 16),
            (AuxBasis::Aux28, 0) => (128.0, 0.5, 16),
            (AuxBasis::Aux28, 1) => (32.0, 0.25, 8),
            _ => unreachable!(),
        };
        (0..n).map(|k| first * ratio.powi(k as i32)).collect()
    }

    /// Overlap of two s Gaussians exp(-a r^2), normalised both.
    fn s_overlap(a: f64, b: f64) -> f64 {
        (2.0 * (a * b).sqrt() / (a + b)).powf(1.5)
    }

    /// The recipe for hydrogen: a 1s Slater function of exponent 1.23 in three Gaussians (Stewart 1970), its bare
    /// coefficients taken for those of normalised primitives.
    fn hydrogen(b: f64) -> f64 {
        let d = [0.154_328_97, 0.535_328_14, 0.444_634_54];
        let a = [2.227_660_584, 0.405_771_156_2, 0.109_817_510_4].map(|a: f64| a * 1.23 * 1.23);
        let c: Vec<f64> = d.iter().zip(a).map(|(d, a)| d * (2.0 * a / PI).powf(0.75)).collect();
        let pairs = (0..3).flat_map(|p| (0..3).map(move |q| (p, q)));
        let norm: f64 = pairs.map(|(p, q)| c[p] * c[q] * s_overlap(a[p], a[q])).sum();
        (0..3).map(|p| c[p] * s_overlap(a[p], b)).sum::<f64>() / norm.sqrt()
    }

    #[test]
    fn hydrogen_follows_from_its_slater_function() {
        for basis in [AuxBasis::Aux56, AuxBasis::Aux28] {
            let row = &table(basis)[basis.len()..2 * basis.len()];
            let exponents = exponents(basis, 0);
            for (k, &b) in exponents.iter().enumerate() {
                // 1e-6: the table has single precision, the expansion nine digits.
                assert!((f64::from(row[k]) - hydrogen(b)).abs() < 1e-6, "{basis:?} {k}");
            }
            assert!(row[exponents.len()..].iter().all(|&x| x == 0.0), "hydrogen has only an s shell");
        }
    }

    /// Helium's empty 2p shell: a Slater exponent of 1.5 in four Gaussians (Stewart 1970).
    #[test]
    fn helium_p_follows_from_its_slater_function() {
        let d = [0.057_131_702_55, 0.285_745_551_5, 0.551_787_310_5, 0.263_231_492_4];
        let a = [1.798_260_992, 0.466_262_222_8, 0.164_371_862, 0.065_439_270_65].map(|a: f64| a * 1.5 * 1.5);
        let overlap = |a: f64, b: f64| (2.0 * (a * b).sqrt() / (a + b)).powf(2.5);
        let c: Vec<f64> = (0..4).map(|p| d[p] * a[p].powf(1.25)).collect();
        let pairs = (0..4).flat_map(|p| (0..4).map(move |q| (p, q)));
        let norm: f64 = pairs.map(|(p, q)| c[p] * c[q] * overlap(a[p], a[q])).sum();
        for basis in [AuxBasis::Aux56, AuxBasis::Aux28] {
            let n = basis.len();
            let first = n * 2 + exponents(basis, 0).len();
            for (k, &b) in exponents(basis, 1).iter().enumerate() {
                let want = (0..4).map(|p| c[p] * overlap(a[p], b)).sum::<f64>() / norm.sqrt();
                assert!((f64::from(table(basis)[first + k]) - want).abs() < 1e-6, "{basis:?} {k}");
            }
        }
    }

    #[test]
    fn tables_have_their_shapes_and_known_numbers() {
        for basis in [AuxBasis::Aux56, AuxBasis::Aux28] {
            let t = table(basis);
            assert_eq!(t.len(), ELEMENTS * basis.len());
            assert!(t[..basis.len()].iter().all(|&x| x == 0.0));
            assert!(t.chunks_exact(basis.len()).skip(1).all(|row| row.iter().any(|&x| x != 0.0)));
            // Normalised orbitals of one shell per angular momentum overlap by at most one.
            assert!(t.iter().all(|x| x.abs() <= 1.0));
        }
        // Copied from the table that travels in published checkpoints.
        for (z, k, want) in [
            (1, 0, 0.11941681),
            (1, 16, 0.8972626),
            (6, 0, -0.39895058),
            (6, 20, 0.59612787),
            (6, 36, 0.89288276),
            (17, 48, 0.89382184),
            (26, 50, 0.94647026),
            (53, 40, 0.47129425),
            (86, 55, 0.2354711),
        ] {
            assert_eq!(table(AuxBasis::Aux56)[z * 56 + k], want, "element {z}, function {k}");
        }
    }
}
