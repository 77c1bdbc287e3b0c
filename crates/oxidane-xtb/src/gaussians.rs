//! Slater functions expanded in Gaussians (R. F. Stewart, J. Chem. Phys. 1970, 52, 431).

use std::sync::OnceLock;

use crate::parameters::{self, LAST_ELEMENT, ShellParameters};

/// A contraction of Gaussians of one angular momentum: sum over k of c_k C_lm(r) exp(-a_k r^2) with the solid harmonics
/// C_lm in Racah's normalisation (s: 1; p: y, z, x; d: sqrt(3) x y, sqrt(3) y z, z^2 - (x^2 + y^2) / 2, sqrt(3) x z,
/// sqrt(3)/2 (x^2 - y^2)).
#[derive(Debug, Clone)]
pub struct Contraction {
    /// Exponents a_k in 1/bohr^2.
    pub exponents: Vec<f64>,
    /// Coefficients c_k, the norms of the primitives included. The sum itself is normalised only to the digits of the
    /// published expansion, about 1e-9, as in the reference implementation of GFN2-xTB.
    pub coefficients: Vec<f64>,
}

/// A row of the table of expansions, for a Slater exponent of 1.
struct Expansion {
    gaussians: usize,
    n: u8,
    l: u8,
    exponents: Vec<f64>,
    coefficients: Vec<f64>,
}

/// The contractions of the shells of the element of atomic number `z`, in the order of its shells; empty for elements
/// without parameters.
pub fn contractions(z: u8) -> &'static [Contraction] {
    static TABLE: OnceLock<Vec<Vec<Contraction>>> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        let expansions = parse(include_str!("../data/sto_ng.txt"));
        let of = |z| parameters::element(z).map_or(&[][..], |e| &e.shells);
        (1..=LAST_ELEMENT).map(|z| of(z).iter().map(|s| contract(s, &expansions)).collect()).collect()
    });
    usize::from(z).checked_sub(1).and_then(|i| table.get(i)).map_or(&[], |c| c)
}

/// Scales the expansion of a shell to its Slater exponent and includes the norms of the primitives:
/// N^2 = (2 a / pi)^(3/2) (4 a)^l / (2 l - 1)!!.
fn contract(shell: &ShellParameters, expansions: &[Expansion]) -> Contraction {
    let row = expansions
        .iter()
        .find(|e| (e.gaussians, e.n, e.l) == (shell.gaussians, shell.n, shell.l))
        .expect("the table has a row for every shell of the parametrisation");
    let exponents: Vec<f64> = row.exponents.iter().map(|a| a * shell.slater * shell.slater).collect();
    let double_factorial = [1.0, 1.0, 3.0][usize::from(shell.l)];
    let norm = |a: f64| {
        let square = (4.0 * a).powi(i32::from(shell.l)) / double_factorial;
        (2.0 * a / std::f64::consts::PI).powf(0.75) * square.sqrt()
    };
    let coefficients = row.coefficients.iter().zip(&exponents).map(|(c, &a)| c * norm(a)).collect();
    Contraction { exponents, coefficients }
}

/// Reads the table; its format is stated at the top of the file.
fn parse(text: &str) -> Vec<Expansion> {
    let row = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let gaussians: usize = words[0].parse().expect("a count");
        let label = words[1].as_bytes();
        let l = b"spd".iter().position(|&c| c == label[1]).expect("s, p or d") as u8;
        let x: Vec<f64> = words[2..].iter().map(|w| w.parse().expect("a number")).collect();
        let (exponents, coefficients) = x.split_at(gaussians);
        Expansion {
            gaussians,
            n: label[0] - b'0',
            l,
            exponents: exponents.to_vec(),
            coefficients: coefficients.to_vec(),
        }
    };
    text.lines().filter(|line| !line.starts_with('#')).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every contraction is normalised to the digits of the published expansions: 1e-8 leaves room for the nine digits
    /// of the 6s row, whose coefficients are of order one and alternate in sign.
    #[test]
    fn contractions_are_normalised() {
        for z in 1..=LAST_ELEMENT {
            let shells = &parameters::element(z).unwrap().shells;
            let all = contractions(z);
            assert_eq!(all.len(), shells.len());
            for (shell, c) in shells.iter().zip(all) {
                let l = f64::from(shell.l);
                let mut norm = 0.0;
                for (a, x) in c.exponents.iter().zip(&c.coefficients) {
                    for (b, y) in c.exponents.iter().zip(&c.coefficients) {
                        let p = a + b;
                        // <C_lm | C_lm> over exp(-p r^2): (pi/p)^(3/2) (2 l - 1)!! / (2 p)^l.
                        let angular = [1.0, 1.0, 3.0][usize::from(shell.l)] / (2.0 * p).powf(l);
                        norm += x * y * (std::f64::consts::PI / p).powf(1.5) * angular;
                    }
                }
                assert!((norm - 1.0).abs() < 1e-8, "Z = {z}, l = {l}: {norm}");
            }
        }
        assert!(contractions(0).is_empty() && contractions(87).is_empty());
    }
}
