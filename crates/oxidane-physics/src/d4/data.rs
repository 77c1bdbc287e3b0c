//! References of the elements for D4 with charges of GFN2-xTB; `data/README.md` describes the file.

use crate::dispersion::{Centers, REFERENCES, References};
use crate::elements::{LAST_D4, effective_charge, hardness};

static DATA: &[u8] = include_bytes!("../../data/d4.bin");

/// Imaginary frequencies of the polarisabilities.
const FREQUENCIES: usize = 23;

/// Numbers of a record: Gaussians, coordination number, charge, polarisabilities.
const RECORD: usize = 3 + FREQUENCIES;

/// Trapezoidal weights of the frequencies 1e-6, 0.05, 0.1, 0.2, ... 1.2, 1.4, ... 2.0, 2.5, 3, 4, 5, 7.5, 10 hartree.
const QUADRATURE: [f64; FREQUENCIES] = [
    0.0249995, 0.0499995, 0.075, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.15, 0.2, 0.2, 0.2, 0.2, 0.35, 0.5,
    0.75, 1.0, 1.75, 2.5, 1.25,
];

/// The references of one element.
#[derive(Debug, Clone)]
pub(super) struct Element {
    /// Where they stand among coordination numbers.
    pub centers: Centers,
    /// Effective nuclear charge plus partial charge in the reference system.
    pub charge: References,
    /// Effective nuclear charge.
    pub effective_charge: f64,
    /// Chemical hardness in hartree.
    pub hardness: f64,
    /// Polarisabilities of each in bohr^3.
    polarizability: [[f64; FREQUENCIES]; REFERENCES],
}

impl Element {
    /// Decodes one element. `number` is in 1..=[`LAST_D4`].
    pub fn new(number: u8) -> Self {
        let (counts, records) = DATA.split_at(usize::from(LAST_D4));
        let before: usize = counts[..usize::from(number) - 1].iter().map(|&c| usize::from(c)).sum();
        let count = usize::from(counts[usize::from(number) - 1]);
        let value = |reference: usize, column: usize| {
            let at = 8 * ((before + reference) * RECORD + column);
            f64::from_le_bytes(std::array::from_fn(|b| records[at + b]))
        };
        let column = |c| std::array::from_fn(|r| if r < count { value(r, c) } else { 0.0 });
        let effective_charge = effective_charge(number);
        Self {
            centers: Centers { count, cn: column(1), gaussians: column(0).map(|g| g as u8) },
            charge: column(2).map(|q| effective_charge + q),
            effective_charge,
            hardness: hardness(number),
            polarizability: std::array::from_fn(|r| {
                std::array::from_fn(|f| if r < count { value(r, 3 + f) } else { 0.0 })
            }),
        }
    }

    /// C6 between the references of two elements in hartree bohr^6: (3/pi) integral of the product of the
    /// polarisabilities over the imaginary frequency (Casimir and Polder).
    pub fn c6(&self, other: &Self) -> [References; REFERENCES] {
        let mut table = [[0.0; REFERENCES]; REFERENCES];
        for (row, a) in table.iter_mut().zip(&self.polarizability[..self.centers.count]) {
            for (c6, b) in row.iter_mut().zip(&other.polarizability[..other.centers.count]) {
                let integral: f64 =
                    QUADRATURE.iter().zip(a.iter().zip(b)).map(|(w, (a, b))| w * (a * b)).sum();
                *c6 = 3.0 / std::f64::consts::PI * integral;
            }
        }
        table
    }
}
