//! From the heads' numbers per atom to properties of structures, and the seeds of the reverse pass.

use crate::batch::Batch;
use crate::network::Outputs;
use oxidane_math::{Real, Scalar};

use super::config::OutputMode;

/// Fills `outputs` from one head's numbers, `[atoms, planes, width]` (the value planes count).
pub fn read<S: Scalar>(mode: OutputMode, batch: &Batch, y: &[S::Real], width: usize, outputs: &mut Outputs) {
    let value = |i: usize, k: usize| y[i * S::PLANES * width + k].f64();
    match mode {
        OutputMode::Energy => {
            outputs.atomic_energies = (0..batch.atoms()).map(|i| value(i, 0)).collect();
            outputs.energy = (0..batch.structures())
                .map(|s| batch.atoms_of(s).map(|i| outputs.atomic_energies[i]).sum())
                .collect();
        }
        OutputMode::Charges => {
            outputs.charges = vec![0.0; batch.atoms()];
            for s in 0..batch.structures() {
                let atoms = batch.atoms_of(s);
                let sum: f64 = atoms.clone().map(|i| value(i, 0)).sum();
                let shift = (f64::from(batch.charge[s]) - sum) / atoms.len() as f64;
                for i in atoms {
                    outputs.charges[i] = value(i, 0) + shift;
                }
            }
        }
        OutputMode::Dipole => {
            outputs.dipole = (0..batch.structures())
                .map(|s| {
                    let [y, z, x]: [f64; 3] =
                        std::array::from_fn(|k| batch.atoms_of(s).map(|i| value(i, k)).sum());
                    [x, y, z]
                })
                .collect();
        }
        OutputMode::Polar => {
            outputs.polarizability = (0..batch.structures())
                .map(|s| {
                    let sums: [f64; 6] =
                        std::array::from_fn(|k| batch.atoms_of(s).map(|i| value(i, k)).sum());
                    polarizability(sums)
                })
                .collect();
        }
    }
}

/// alpha = a_0 1 + T with the |d| term that keeps the trace of T positive.
fn polarizability([a0, xy, yz, z2, zx, x2y2]: [f64; 6]) -> [[f64; 3]; 3] {
    let length = [xy, yz, z2, zx, x2y2].iter().map(|d| d * d).sum::<f64>().sqrt();
    let third = 3f64.sqrt().recip();
    let xx = third * (length - z2) + x2y2;
    let yy = third * (length - z2) - x2y2;
    let zz = third * (length + 2.0 * z2);
    [[a0 + xx, xy, zx], [xy, a0 + yy, yz], [zx, yz, a0 + zz]]
}

/// Adjoints of one head's numbers from the derivatives of a loss, `[atoms, planes, width]`. For duals they go
/// to the tangent plane, and the energy's value plane is one: the energy is what is differentiated.
pub fn seed<S: Scalar>(
    mode: OutputMode,
    batch: &Batch,
    y: &[S::Real],
    width: usize,
    seeds: &Outputs,
    y_adj: &mut [S::Real],
) {
    let lit = S::Real::of;
    let make = |loss: f64, value: f64| {
        if S::PLANES == 2 { S::with_tangent(lit(value), lit(loss)) } else { S::constant(lit(loss)) }
    };
    let mut put = |i: usize, k: usize, x: S| {
        S::set(&mut S::row_mut(&mut y_adj[i * S::PLANES * width..], width), k, x);
    };
    for s in 0..batch.structures() {
        let atoms = batch.atoms_of(s);
        match mode {
            OutputMode::Energy => {
                let a = make(seeds.energy.get(s).copied().unwrap_or(0.0), 1.0);
                atoms.for_each(|i| put(i, 0, a));
            }
            OutputMode::Charges => {
                let of = |i: usize| seeds.charges.get(i).copied().unwrap_or(0.0);
                let mean = atoms.clone().map(of).sum::<f64>() / atoms.len() as f64;
                atoms.for_each(|i| put(i, 0, make(of(i) - mean, 0.0)));
            }
            OutputMode::Dipole => {
                let [x, yy, z] = seeds.dipole.get(s).copied().unwrap_or([0.0; 3]);
                for i in atoms {
                    [yy, z, x].into_iter().enumerate().for_each(|(k, a)| put(i, k, make(a, 0.0)));
                }
            }
            OutputMode::Polar => {
                let a = seeds.polarizability.get(s).copied().unwrap_or([[0.0; 3]; 3]);
                let sums: [f64; 6] =
                    std::array::from_fn(|k| atoms.clone().map(|i| y[i * S::PLANES * width + k].f64()).sum());
                let adj = polarizability_reverse(sums, a);
                for i in atoms {
                    adj.into_iter().enumerate().for_each(|(k, a)| put(i, k, make(a, 0.0)));
                }
            }
        }
    }
}

fn polarizability_reverse(d: [f64; 6], a: [[f64; 3]; 3]) -> [f64; 6] {
    let third = 3f64.sqrt().recip();
    let trace = a[0][0] + a[1][1] + a[2][2];
    let length = d[1..].iter().map(|d| d * d).sum::<f64>().sqrt();
    let along = if length > 0.0 { trace * third / length } else { 0.0 };
    [
        trace,
        a[0][1] + a[1][0] + along * d[1],
        a[1][2] + a[2][1] + along * d[2],
        third * (2.0 * a[2][2] - a[0][0] - a[1][1]) + along * d[3],
        a[0][2] + a[2][0] + along * d[4],
        a[0][0] - a[1][1] + along * d[5],
    ]
}
