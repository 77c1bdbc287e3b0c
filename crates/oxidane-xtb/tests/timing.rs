//! Times of the matrices and their derivatives, on request:
//! `STRUCTURES="a.xyz b.xyz" cargo test --release -p oxidane-xtb --test timing -- --ignored --nocapture`.

use std::time::Instant;

use oxidane_core::elements::from_symbol;
use oxidane_physics::geometry::{Derivatives, Geometry};
use oxidane_xtb::basis::Basis;
use oxidane_xtb::hamiltonian::Hamiltonian;

/// Bohr per angstrom.
const BOHR: f64 = 1.0 / 0.529_177_210_903;

/// Numbers, positions and, where the second line has `Lattice="..."`, the cell of an extended XYZ file.
#[allow(clippy::type_complexity)]
fn read(path: &str) -> (Vec<u8>, Vec<[f64; 3]>, Option<[[f64; 3]; 3]>) {
    let text = std::fs::read_to_string(path).unwrap();
    let lattice = text.lines().nth(1).unwrap().split("Lattice=\"").nth(1).map(|rest| {
        let words = rest.split('"').next().unwrap().split_whitespace();
        let x: Vec<f64> = words.map(|w| w.parse::<f64>().unwrap() * BOHR).collect();
        [0, 3, 6].map(|i| [x[i], x[i + 1], x[i + 2]])
    });
    let atoms: usize = text.lines().next().unwrap().trim().parse().unwrap();
    let atom = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let x = std::array::from_fn(|i| words[i + 1].parse::<f64>().unwrap() * BOHR);
        (from_symbol(words[0]).unwrap(), x)
    };
    let (numbers, positions) = text.lines().skip(2).take(atoms).map(atom).unzip();
    (numbers, positions, lattice)
}

/// The median time of a call in milliseconds.
fn median(mut f: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..21)
        .map(|_| {
            let start = Instant::now();
            f();
            1e3 * start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

#[test]
#[ignore = "a measurement"]
fn times() {
    for path in std::env::var("STRUCTURES").unwrap().split_whitespace() {
        let (numbers, positions, lattice) = read(path);
        let geometry = Geometry { numbers: &numbers, positions: &positions, lattice };
        let basis = Basis::new(&numbers).unwrap();
        let (n, atoms) = (basis.orbitals, basis.atoms());
        let coordination = vec![2.0; atoms];
        let start = Instant::now();
        let hamiltonian = Hamiltonian::new(&geometry, &basis, &coordination).unwrap();
        let first = 1e3 * start.elapsed().as_secs_f64();
        let p: Vec<f64> = (0..n * n).map(|i| ((i / n + i % n) as f64).sin()).collect();
        let (v, d, q) = (vec![0.1; basis.shells.len()], vec![[0.1; 3]; atoms], vec![[0.1; 6]; atoms]);
        let build = median(|| {
            std::hint::black_box(Hamiltonian::new(&geometry, &basis, &coordination).unwrap());
        });
        let mut out = (Derivatives::zero(atoms), vec![0.0; atoms]);
        let derivatives =
            median(|| hamiltonian.add_derivatives(&basis, &p, &p, &v, &d, &q, &mut out.0, &mut out.1));
        let mut fock = vec![0.0; n * n];
        let fock = median(|| hamiltonian.fock(&basis, &v, &d, &q, &mut fock));
        let mut moments = (v.clone(), d.clone(), q.clone());
        let populations =
            median(|| hamiltonian.populations(&basis, &p, &mut moments.0, &mut moments.1, &mut moments.2));
        println!(
            "{path}: {atoms} atoms, {n} orbitals; ms: first {first:.3}, matrices {build:.3}, derivatives {derivatives:.3}, Fock {fock:.3}, populations {populations:.3}"
        );
    }
}
