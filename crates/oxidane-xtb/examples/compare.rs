//! Compares GFN2-xTB with reference results: `compare FILE.jsonl`, one structure a line with `name`, `numbers`, `positions` (angstrom),
//! `cell` (optional), `charge`, `unpaired` and, in atomic units, `energy`, `gradient`, `charges`, `dipole`, `virial` (dE/dstrain or its negative).
//! Prints the structures beyond the tolerances and the largest errors.

use std::io::{BufRead, BufReader};
use std::time::Instant;

use oxidane_core::{Cell, System};
use oxidane_xtb::{Gfn2, Gfn2Options};
use serde_json::Value;

/// Of energy (hartree), gradient (hartree/bohr), charges (e), dipole (e bohr), virial (hartree).
const TOLERANCES: [f64; 5] = [1e-7, 1e-6, 1e-5, 1e-4, 1e-5];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("give a file of reference results")?;
    let only = std::env::args().nth(2);
    let (mut worst, mut beyond, mut count, mut iterations) = ([0.0f64; 5], 0, 0, 0);
    let begin = Instant::now();
    for line in BufReader::new(std::fs::File::open(path)?).lines() {
        let row: Value = serde_json::from_str(&line?)?;
        let name = row["name"].as_str().unwrap_or("?");
        if only.as_deref().is_some_and(|o| !name.contains(o)) {
            continue;
        }
        let system = System {
            numbers: row["numbers"]
                .as_array()
                .ok_or("numbers")?
                .iter()
                .map(|z| z.as_u64().unwrap_or(0) as u8)
                .collect(),
            positions: vectors(&row["positions"]),
            cell: row.get("cell").map(|c| Cell::new(vectors(c).try_into().unwrap())),
            charge: row["charge"].as_i64().unwrap_or(0) as i32,
            unpaired: row["unpaired"].as_u64().unwrap_or(0) as u32,
        };
        count += 1;
        let start = Instant::now();
        let result = match Gfn2::new(Gfn2Options::default())?.calculate(&system, true) {
            Ok(result) => result,
            Err(error) => {
                println!("{name:<24} {error}");
                beyond += 1;
                continue;
            }
        };
        iterations += result.state.iterations;
        let bohr: Vec<[f64; 3]> =
            system.positions.iter().map(|x| x.map(|x| x / oxidane_core::units::BOHR)).collect();
        let derivatives = result.derivatives.as_ref().ok_or("derivatives")?;
        let mut errors = [0.0; 5];
        errors[0] = (result.energy - row["energy"].as_f64().unwrap_or(f64::NAN)).abs();
        errors[1] = largest(derivatives.gradient.as_flattened(), &numbers(&row["gradient"]));
        errors[2] = largest(&result.charges(), &numbers(&row["charges"]));
        if system.cell.is_none() {
            errors[3] = largest(&result.dipole(&bohr), &numbers(&row["dipole"]));
        }
        if let Some(virial) = row.get("virial") {
            let strain: Vec<f64> = derivatives.strain.as_flattened().to_vec();
            let negative: Vec<f64> = strain.iter().map(|x| -x).collect();
            let reference = numbers(virial);
            errors[4] = largest(&strain, &reference).min(largest(&negative, &reference));
        }
        if errors.iter().zip(TOLERANCES).any(|(e, t)| e.is_nan() || *e >= t) {
            beyond += 1;
            println!(
                "{name:<24} energy {:.1e} gradient {:.1e} charges {:.1e} dipole {:.1e} virial {:.1e} ({} iterations, {:.1} ms)",
                errors[0],
                errors[1],
                errors[2],
                errors[3],
                errors[4],
                result.state.iterations,
                start.elapsed().as_secs_f64() * 1e3
            );
        } else {
            worst.iter_mut().zip(errors).for_each(|(w, e)| *w = w.max(e));
        }
    }
    println!(
        "{count} structures, {beyond} beyond the tolerances; largest errors of the others: energy {:.1e}, gradient {:.1e}, charges {:.1e}, dipole {:.1e}, \
         virial {:.1e}; {:.1} iterations each; {:.2} s",
        worst[0],
        worst[1],
        worst[2],
        worst[3],
        worst[4],
        f64::from(iterations as u32) / f64::from(count),
        begin.elapsed().as_secs_f64()
    );
    Ok(())
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap_or(f64::NAN)],
    }
}

fn vectors(value: &Value) -> Vec<[f64; 3]> {
    numbers(value).chunks_exact(3).map(|v| [v[0], v[1], v[2]]).collect()
}

fn largest(a: &[f64], b: &[f64]) -> f64 {
    if a.len() != b.len() {
        return f64::NAN;
    }
    a.iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max)
}
