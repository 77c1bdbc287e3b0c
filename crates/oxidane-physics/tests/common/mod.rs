//! What the tests share: structures and reference numbers from lines of JSON, and finite differences.
#![allow(dead_code)] // each test program uses a part

use oxidane_physics::{Derivatives, Geometry};
use serde_json::Value;

/// A structure that owns its arrays, with the line it came from.
#[derive(Clone)]
pub struct Row {
    pub numbers: Vec<u8>,
    pub positions: Vec<[f64; 3]>,
    pub lattice: Option<[[f64; 3]; 3]>,
    pub json: Value,
}

impl Row {
    pub fn geometry(&self) -> Geometry<'_> {
        Geometry { numbers: &self.numbers, positions: &self.positions, lattice: self.lattice }
    }

    pub fn name(&self) -> &str {
        self.json["name"].as_str().unwrap()
    }

    pub fn list(&self, key: &str) -> Vec<f64> {
        floats(&self.json[key])
    }

    /// The same structure, strained: x -> (1 + strain) x.
    fn strained(&self, strain: [[f64; 3]; 3]) -> Self {
        let apply = |v: [f64; 3]| -> [f64; 3] {
            std::array::from_fn(|a| v[a] + (0..3).map(|b| strain[a][b] * v[b]).sum::<f64>())
        };
        let mut row = self.clone();
        row.positions = row.positions.into_iter().map(apply).collect();
        row.lattice = row.lattice.map(|l| l.map(apply));
        row
    }

    /// The same crystal, described by a cell that is doubled along each lattice vector of `along`.
    pub fn doubled(&self, along: &[usize]) -> Self {
        let mut row = self.clone();
        for &a in along {
            let lattice = row.lattice.as_mut().unwrap();
            let shift = lattice[a];
            lattice[a] = shift.map(|x| 2.0 * x);
            row.numbers.extend_from_within(..);
            let copies: Vec<_> =
                row.positions.iter().map(|p| std::array::from_fn(|k| p[k] + shift[k])).collect();
            row.positions.extend(copies);
        }
        row
    }
}

pub fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

pub fn vectors(value: &Value) -> Vec<[f64; 3]> {
    value.as_array().unwrap().iter().map(|v| floats(v).try_into().unwrap()).collect()
}

/// All structures of a file of tests/data.
pub fn rows(text: &str) -> Vec<Row> {
    let row = |line: &str| {
        let json: Value = serde_json::from_str(line).unwrap();
        Row {
            numbers: floats(&json["numbers"]).iter().map(|&n| n as u8).collect(),
            positions: vectors(&json["positions"]),
            lattice: json.get("lattice").map(|l| vectors(l).try_into().unwrap()),
            json,
        }
    };
    text.lines().filter(|l| !l.starts_with('#')).map(row).collect()
}

/// Compares `derivatives` of `energy` at `row` with central differences: of a few atoms' positions, and of the strain.
/// `tolerance` is absolute.
pub fn check_derivatives(
    row: &Row,
    derivatives: &Derivatives,
    tolerance: f64,
    mut energy: impl FnMut(&Geometry) -> f64,
) {
    // With steps of 1e-3 bohr, the fourth-order formula errs by some 1e-12 times the fifth derivative, rounding by
    // 1e-13 times the energy.
    let step = 1e-3;
    let mut slope = |moved: &dyn Fn(f64) -> Row| {
        let mut at = |h: f64| energy(&moved(h).geometry());
        (8.0 * (at(step) - at(-step)) - (at(2.0 * step) - at(-2.0 * step))) / (12.0 * step)
    };
    let stride = row.numbers.len().div_ceil(3);
    for atom in (0..row.numbers.len()).step_by(stride) {
        for a in 0..3 {
            let expected = slope(&|h| {
                let mut moved = row.clone();
                moved.positions[atom][a] += h;
                moved
            });
            let found = derivatives.gradient[atom][a];
            assert!((found - expected).abs() < tolerance, "{}: atom {atom}: {found} {expected}", row.name());
        }
    }
    for (a, b) in [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)] {
        let expected = slope(&|h| {
            let mut strain = [[0.0; 3]; 3];
            strain[a][b] += 0.05 * h;
            strain[b][a] += 0.05 * h;
            row.strained(strain)
        }) / 0.1;
        let found = derivatives.strain[a][b];
        assert!(
            (found - expected).abs() < 20.0 * tolerance,
            "{}: strain {a}{b}: {found} {expected}",
            row.name()
        );
        assert_eq!(found, derivatives.strain[b][a]);
    }
}
