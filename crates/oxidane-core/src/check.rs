//! Checks that any [`Potential`] must pass: forces and virial against finite differences, and the symmetries of
//! space; and gradients by weights or anything else against finite differences. Every potential's and network's tests
//! use these, so that there is one definition of "the derivatives are right".
//!
//! A check returns its worst [`Deviation`] when it passes and an [`Error`] naming the worst component when it
//! fails, so a test is one line: `check_forces(&mut potential, &system, 1e-3, 1e-8).unwrap();`

use crate::error::{Error, Result};
use crate::potential::{DipoleOrigin, Evaluation, Potential, Request, Uncertainty};
use crate::system::{Cell, System};

/// The component that agrees least in a check.
#[derive(Debug, Clone, PartialEq)]
pub struct Deviation {
    /// What was compared, e.g. `force on atom 3, y` (atoms from 1).
    pub component: String,
    /// The value under test.
    pub found: f64,
    /// The value it should have.
    pub expected: f64,
    /// |found - expected|, infinite if either is not finite.
    pub difference: f64,
}

impl Deviation {
    /// No deviation: the start of a search for the worst.
    fn none() -> Self {
        Self { component: "nothing compared".into(), found: 0.0, expected: 0.0, difference: 0.0 }
    }

    /// Keeps the larger of two deviations.
    fn note(&mut self, found: f64, expected: f64, component: impl FnOnce() -> String) {
        let difference = (found - expected).abs();
        let difference = if difference.is_finite() { difference } else { f64::INFINITY };
        if difference > self.difference {
            *self = Self { component: component(), found, expected, difference };
        }
    }

    /// The deviation itself if it is within `tolerance`, else an error that describes it.
    fn within(self, tolerance: f64, check: &str) -> Result<Self> {
        if self.difference <= tolerance {
            return Ok(self);
        }
        Err(Error::model(format!(
            "{check}: {} is {:.12e}, expected {:.12e} (difference {:.3e}, tolerance {tolerance:.1e})",
            self.component, self.found, self.expected, self.difference
        )))
    }
}

/// Derivative at 0 of `value` by central differences with steps `step` and `step / 2`, the leading error removed by
/// Richardson extrapolation: (4 D(h/2) - D(h)) / 3, exact to O(h^4).
pub fn derivative(mut value: impl FnMut(f64) -> Result<f64>, step: f64) -> Result<f64> {
    let mut central = |h: f64| -> Result<f64> { Ok((value(h)? - value(-h)?) / (2.0 * h)) };
    let (coarse, fine) = (central(step)?, central(0.5 * step)?);
    Ok((4.0 * fine - coarse) / 3.0)
}

/// Compares `gradient` with [`derivative`]s of `value` in the components `which` of the vector `at`
/// (positions, weights, ...). `step` is the step in each component, `tolerance` the largest difference allowed.
pub fn check_gradient(
    mut value: impl FnMut(&[f64]) -> Result<f64>,
    at: &[f64],
    gradient: &[f64],
    which: impl IntoIterator<Item = usize>,
    step: f64,
    tolerance: f64,
) -> Result<Deviation> {
    let mut point = at.to_vec();
    let mut worst = Deviation::none();
    for i in which {
        let numeric = derivative(
            |h| {
                point[i] = at[i] + h;
                value(&point)
            },
            step,
        )?;
        point[i] = at[i];
        worst.note(gradient[i], numeric, || format!("gradient component {i}"));
    }
    worst.within(tolerance, "gradient against finite differences")
}

/// A part of a gradient that [`check_gradient_parts`] looks at as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Its name in messages, e.g. that of a tensor of weights.
    pub name: String,
    /// Its place in the vector.
    pub range: std::ops::Range<usize>,
}

/// As [`check_gradient`], for vectors too long to move every component: each part is moved along one fixed direction
/// of length 1 in which no component is zero, so that a wrong component shows. `tolerance` is the largest difference
/// allowed, given the derivative expected.
pub fn check_gradient_parts(
    mut value: impl FnMut(&[f64]) -> Result<f64>,
    at: &[f64],
    gradient: &[f64],
    parts: impl IntoIterator<Item = Part>,
    step: f64,
    tolerance: impl Fn(f64) -> f64,
) -> Result<Deviation> {
    let mut point = at.to_vec();
    let mut worst = Deviation::none();
    for Part { name, range } in parts {
        let length = (range.len() as f64).sqrt();
        // The sine of a whole number is never zero; its mean square is one half.
        let direction: Vec<f64> = (0..range.len())
            .map(|i| std::f64::consts::SQRT_2 * ((37 * i + 11) as f64).sin() / length)
            .collect();
        let numeric = derivative(
            |h| {
                for (k, d) in range.clone().zip(&direction) {
                    point[k] = at[k] + h * d;
                }
                value(&point)
            },
            step,
        )?;
        point[range.clone()].copy_from_slice(&at[range.clone()]);
        let found: f64 = gradient[range].iter().zip(&direction).map(|(g, d)| g * d).sum();
        let mut own = Deviation::none();
        own.note(found, numeric, || format!("gradient along {name}"));
        let own = own.within(tolerance(numeric), "gradient against finite differences")?;
        if own.difference > worst.difference {
            worst = own;
        }
    }
    Ok(worst)
}

/// Compares forces with finite differences of the energy: `step` in angstrom, `tolerance` in eV/angstrom.
/// Costs 12 energies per atom.
pub fn check_forces(
    potential: &mut dyn Potential,
    system: &System,
    step: f64,
    tolerance: f64,
) -> Result<Deviation> {
    let forces = forces_of(potential.evaluate(system, Request::FORCES)?, system)?;
    let mut moved = system.clone();
    let mut worst = Deviation::none();
    for (atom, force) in forces.iter().enumerate() {
        for k in 0..3 {
            let slope = derivative(
                |h| {
                    moved.positions[atom][k] = system.positions[atom][k] + h;
                    energy_of(potential, &moved)
                },
                step,
            )?;
            moved.positions[atom][k] = system.positions[atom][k];
            worst.note(force[k], -slope, || format!("force on atom {}, {}", atom + 1, AXES[k]));
        }
    }
    worst.within(tolerance, "forces against finite differences")
}

/// Compares the virial -dE/dstrain with finite differences over all nine strain components: `step` is the strain
/// (no unit), `tolerance` in eV.
pub fn check_virial(
    potential: &mut dyn Potential,
    system: &System,
    step: f64,
    tolerance: f64,
) -> Result<Deviation> {
    let virial = potential
        .evaluate(system, Request::STRESS)?
        .virial
        .ok_or_else(|| Error::model(format!("{} gave no virial", potential.name())))?;
    let mut worst = Deviation::none();
    for a in 0..3 {
        for b in 0..3 {
            let slope = derivative(
                |h| {
                    let mut strain = [[0.0; 3]; 3];
                    strain[a][b] = h;
                    energy_of(potential, &strained(system, &strain))
                },
                step,
            )?;
            worst.note(virial[a][b], -slope, || format!("virial {}{}", AXES[a], AXES[b]));
        }
    }
    worst.within(tolerance, "virial against finite differences")
}

/// All symmetries that apply to `system`: [`check_rotation`], [`check_translation`], [`check_permutation`] and, with
/// a periodic cell, [`check_supercell`]. `tolerance` is in each quantity's own unit, times the size of the values
/// compared where that is above 1.
pub fn check_symmetries(potential: &mut dyn Potential, system: &System, tolerance: f64) -> Result<Deviation> {
    let mut worst = check_rotation(potential, system, tolerance)?;
    let mut keep = |d: Deviation| {
        if d.difference > worst.difference {
            worst = d;
        }
    };
    keep(check_translation(potential, system, tolerance)?);
    keep(check_permutation(potential, system, tolerance)?);
    if let Some(cell) = &system.cell
        && cell.periodic.contains(&true)
    {
        let repeats = cell.periodic.map(|p| if p { 2 } else { 1 });
        keep(check_supercell(potential, system, repeats, tolerance)?);
    }
    Ok(worst)
}

/// Turns and mirrors the whole system: energy and charges stay, forces and dipole turn along, virial,
/// polarisability and Born charges turn on both sides. Tolerance as in [`check_symmetries`].
pub fn check_rotation(potential: &mut dyn Potential, system: &System, tolerance: f64) -> Result<Deviation> {
    let request = Request { electronic: false, ..potential.capabilities() };
    let before = potential.evaluate(system, request)?;
    let mut worst = Deviation::none();
    for (map, check) in [(TURN, "rotation"), (TURN.map(|row| row.map(|x| -x)), "rotation and inversion")] {
        let turn_tensor = |t: [[f64; 3]; 3]| multiply(&multiply(&map, &t), &transpose(&map));
        let expected = Evaluation {
            energy: before.energy,
            forces: before.forces.as_ref().map(|f| f.iter().map(|f| apply(&map, f)).collect()),
            virial: before.virial.map(turn_tensor),
            charges: before.charges.clone(),
            dipole: before.dipole.map(|d| apply(&map, &d)),
            dipole_origin: before.dipole_origin,
            polarizability: before.polarizability.map(turn_tensor),
            born_charges: before.born_charges.as_ref().map(|z| z.iter().map(|&z| turn_tensor(z)).collect()),
            electronic: None,
            uncertainty: before.uncertainty.clone(),
        };
        let found = potential.evaluate(&mapped(system, &map), request)?;
        let found = compare(&found, &expected, tolerance, check)?;
        if found.difference > worst.difference {
            worst = found;
        }
    }
    Ok(worst)
}

/// Moves the whole system and, in a cell, each atom by lattice vectors of its own: nothing changes but the dipole of an ion
/// about the origin of the coordinates, which must change by its charge times the shift. In a cell dipoles are not compared.
pub fn check_translation(
    potential: &mut dyn Potential,
    system: &System,
    tolerance: f64,
) -> Result<Deviation> {
    let request = Request { electronic: false, ..potential.capabilities() };
    let mut expected = potential.evaluate(system, request)?;
    let mut moved = system.clone();
    let shift = [1.37, -2.11, 0.73];
    for (i, x) in moved.positions.iter_mut().enumerate() {
        let image = system.cell.map_or([0.0; 3], |cell| {
            let i = i as i32; // the lattice vectors differ from atom to atom, in both directions
            let steps = [i % 3 - 1, (i / 3) % 3 - 1, (i / 2) % 3 - 1];
            cell.shift_vector(std::array::from_fn(|a| if cell.periodic[a] { steps[a] } else { 0 }))
        });
        for k in 0..3 {
            x[k] += shift[k] + image[k];
        }
    }
    let mut found = potential.evaluate(&moved, request)?;
    if system.cell.is_some() {
        (expected.dipole, found.dipole) = (None, None);
    }
    if let (Some(dipole), Some(DipoleOrigin::Coordinates)) = (&mut expected.dipole, expected.dipole_origin) {
        dipole.iter_mut().zip(shift).for_each(|(d, x)| *d += f64::from(system.charge) * x);
    }
    compare(&found, &expected, tolerance, "translation")
}

/// Reorders the atoms: per-atom results are reordered alike, the others stay.
pub fn check_permutation(
    potential: &mut dyn Potential,
    system: &System,
    tolerance: f64,
) -> Result<Deviation> {
    let request = Request { electronic: false, ..potential.capabilities() };
    let before = potential.evaluate(system, request)?;
    // Odd places backwards, then even places: no atom but perhaps one keeps its neighbours in the list.
    let n = system.len();
    let order: Vec<usize> =
        (0..n).rev().filter(|i| i % 2 == 1).chain((0..n).filter(|i| i % 2 == 0)).collect();
    let shuffled = System {
        numbers: order.iter().map(|&i| system.numbers[i]).collect(),
        positions: order.iter().map(|&i| system.positions[i]).collect(),
        ..system.clone()
    };
    let expected = Evaluation {
        forces: before.forces.as_ref().map(|f| order.iter().map(|&i| f[i]).collect()),
        charges: before.charges.as_ref().map(|q| order.iter().map(|&i| q[i]).collect()),
        born_charges: before.born_charges.as_ref().map(|z| order.iter().map(|&i| z[i]).collect()),
        ..before.clone()
    };
    let found = potential.evaluate(&shuffled, request)?;
    compare(&found, &expected, tolerance, "permutation")
}

/// Repeats the cell (see [`supercell`]): energy and virial grow with it, forces and charges repeat. The dipole and its
/// derivatives are not compared.
pub fn check_supercell(
    potential: &mut dyn Potential,
    system: &System,
    repeats: [usize; 3],
    tolerance: f64,
) -> Result<Deviation> {
    let request = Request { electronic: false, ..potential.capabilities() };
    let one = potential.evaluate(system, request)?;
    let copies = repeats.iter().product::<usize>();
    let n = copies as f64;
    let expected = Evaluation {
        energy: one.energy.map(|e| n * e),
        forces: one.forces.map(|f| f.repeat(copies)),
        virial: one.virial.map(|w| w.map(|row| row.map(|x| n * x))),
        charges: one.charges.map(|q| q.repeat(copies)),
        // Errors of copies are the same error, and add up.
        uncertainty: one.uncertainty.map(|u| Uncertainty {
            energy: n * u.energy,
            components: u.components.iter().map(|c| n * c).collect(),
            strangeness: u.strangeness.repeat(copies),
        }),
        ..Evaluation::default()
    };
    let found = potential.evaluate(&supercell(system, repeats)?, request)?;
    let found = Evaluation { dipole: None, polarizability: None, born_charges: None, ..found };
    compare(&found, &expected, tolerance, "supercell")
}

/// The system repeated along its lattice vectors, atoms in whole copies of the original list; charge and unpaired
/// electrons grow with the number of copies. Refused for a direction that does not repeat.
pub fn supercell(system: &System, repeats: [usize; 3]) -> Result<System> {
    let cell = system.cell.ok_or_else(|| Error::usage("a supercell needs a cell"))?;
    for a in 0..3 {
        if repeats[a] == 0 || (repeats[a] > 1 && !cell.periodic[a]) {
            return Err(Error::usage(format!(
                "cannot repeat the cell {} times along {}: use 1 or more, and 1 where it is not periodic",
                repeats[a],
                ["a", "b", "c"][a]
            )));
        }
    }
    let mut out = System { numbers: Vec::new(), positions: Vec::new(), ..system.clone() };
    for i in 0..repeats[0] {
        for j in 0..repeats[1] {
            for k in 0..repeats[2] {
                let shift = cell.shift_vector([i as i32, j as i32, k as i32]);
                out.numbers.extend(&system.numbers);
                out.positions.extend(
                    system.positions.iter().map(|x| std::array::from_fn::<_, 3, _>(|d| x[d] + shift[d])),
                );
            }
        }
    }
    let copies = repeats.iter().product::<usize>();
    out.charge *= copies as i32;
    out.unpaired *= copies as u32;
    out.cell = Some(Cell {
        vectors: std::array::from_fn(|a| cell.vectors[a].map(|x| x * repeats[a] as f64)),
        periodic: cell.periodic,
    });
    Ok(out)
}

const AXES: [&str; 3] = ["x", "y", "z"];
const IDENTITY: [[f64; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

/// A proper rotation without special angles: the matrix of the unit quaternion (2, 4, -5, 6) / 9.
const TURN: [[f64; 3]; 3] = [
    [-41.0 / 81.0, -64.0 / 81.0, 28.0 / 81.0],
    [-16.0 / 81.0, -23.0 / 81.0, -76.0 / 81.0],
    [68.0 / 81.0, -44.0 / 81.0, -1.0 / 81.0],
];

/// The system under the strain e: positions and lattice vectors become x + e x.
pub fn strained(system: &System, strain: &[[f64; 3]; 3]) -> System {
    let map = std::array::from_fn(|i| std::array::from_fn(|j| IDENTITY[i][j] + strain[i][j]));
    mapped(system, &map)
}

/// Positions and lattice vectors under the linear map x -> map x.
fn mapped(system: &System, map: &[[f64; 3]; 3]) -> System {
    System {
        positions: system.positions.iter().map(|x| apply(map, x)).collect(),
        cell: system.cell.map(|c| Cell { vectors: c.vectors.map(|v| apply(map, &v)), ..c }),
        ..system.clone()
    }
}

fn apply(m: &[[f64; 3]; 3], x: &[f64; 3]) -> [f64; 3] {
    m.map(|row| row[0] * x[0] + row[1] * x[1] + row[2] * x[2])
}

fn multiply(a: &[[f64; 3]; 3], b: &[[f64; 3]; 3]) -> [[f64; 3]; 3] {
    a.map(|row| std::array::from_fn(|j| (0..3).map(|k| row[k] * b[k][j]).sum()))
}

fn transpose(m: &[[f64; 3]; 3]) -> [[f64; 3]; 3] {
    std::array::from_fn(|i| std::array::from_fn(|j| m[j][i]))
}

fn energy_of(potential: &mut dyn Potential, system: &System) -> Result<f64> {
    let energy = potential.evaluate(system, Request::ENERGY)?.energy;
    energy.ok_or_else(|| Error::model(format!("{} gave no energy", potential.name())))
}

fn forces_of(evaluation: Evaluation, system: &System) -> Result<Vec<[f64; 3]>> {
    match evaluation.forces {
        Some(f) if f.len() == system.len() => Ok(f),
        Some(f) => Err(Error::model(format!("{} forces for {} atoms", f.len(), system.len()))),
        None => Err(Error::model("the potential gave no forces")),
    }
}

/// The worst deviation between two evaluations, refused above `tolerance` (times the size of the values above 1).
fn compare(found: &Evaluation, expected: &Evaluation, tolerance: f64, check: &str) -> Result<Deviation> {
    let tensor = |t: &Option<[[f64; 3]; 3]>| t.map(|t| t.as_flattened().to_vec());
    let tensors = |t: &Option<Vec<[[f64; 3]; 3]>>| -> Option<Vec<f64>> {
        t.as_ref().map(|t| t.as_flattened().as_flattened().to_vec())
    };
    let lists = [
        ("energy", 0, found.energy.map(|e| vec![e]), expected.energy.map(|e| vec![e])),
        (
            "force",
            3,
            found.forces.as_ref().map(|f| f.as_flattened().to_vec()),
            expected.forces.as_ref().map(|f| f.as_flattened().to_vec()),
        ),
        ("virial", 0, tensor(&found.virial), tensor(&expected.virial)),
        ("charge", 1, found.charges.clone(), expected.charges.clone()),
        ("dipole", 0, found.dipole.map(|d| d.to_vec()), expected.dipole.map(|d| d.to_vec())),
        ("polarisability", 0, tensor(&found.polarizability), tensor(&expected.polarizability)),
        ("Born charge", 9, tensors(&found.born_charges), tensors(&expected.born_charges)),
    ];
    let mut worst = Deviation::none();
    for (name, per_atom, found, expected) in lists {
        let (found, expected) = match (found, expected) {
            (None, None) => continue,
            (Some(f), Some(e)) if f.len() == e.len() => (f, e),
            _ => return Err(Error::model(format!("{check}: {name} is missing or has another length"))),
        };
        let scale = expected.iter().fold(1.0_f64, |m, x| m.max(x.abs()));
        let mut own = Deviation::none();
        for (i, (f, e)) in found.iter().zip(&expected).enumerate() {
            own.note(*f, *e, || match per_atom {
                0 => format!("{name} component {}", i + 1),
                1 | 9 => format!("{name} of atom {}", i / per_atom + 1),
                _ => format!("{name} on atom {}, {}", i / 3 + 1, AXES[i % 3]),
            });
        }
        let own = own.within(tolerance * scale, check)?;
        if own.difference > worst.difference {
            worst = own;
        }
    }
    Ok(worst)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::SystemView;

    /// Springs of rest length 2 angstrom between all atoms, with a fault added to one force and one strain.
    struct Springs {
        fault: f64,
    }

    impl Potential for Springs {
        fn name(&self) -> &str {
            "springs"
        }
        fn capabilities(&self) -> Request {
            Request::STRESS
        }
        fn check(&self, _: &dyn SystemView) -> Result<()> {
            Ok(())
        }
        fn evaluate(&mut self, system: &dyn SystemView, _: Request) -> Result<Evaluation> {
            let x = system.positions();
            let mut forces = vec![[0.0; 3]; x.len()];
            let mut virial = [[0.0; 3]; 3];
            let mut energy = 0.0;
            for i in 0..x.len() {
                for j in 0..i {
                    let d: [f64; 3] = std::array::from_fn(|k| x[i][k] - x[j][k]);
                    let r = d.iter().map(|d| d * d).sum::<f64>().sqrt();
                    energy += (r - 2.0).powi(2);
                    for a in 0..3 {
                        let f = -2.0 * (r - 2.0) * d[a] / r;
                        forces[i][a] += f;
                        forces[j][a] -= f;
                        for b in 0..3 {
                            virial[a][b] += f * d[b];
                        }
                    }
                }
            }
            forces[1][2] += self.fault;
            virial[0][1] += self.fault;
            Ok(Evaluation {
                energy: Some(energy),
                forces: Some(forces),
                virial: Some(virial),
                ..Evaluation::default()
            })
        }
        fn fork(&self) -> Box<dyn Potential> {
            Box::new(Self { ..*self })
        }
    }

    fn triatomic() -> System {
        System::molecule(vec![8, 1, 1], vec![[0.1, 0.2, -0.3], [1.5, 0.4, 0.2], [-0.6, 1.9, 0.8]])
    }

    #[test]
    fn right_derivatives_pass() {
        let mut springs = Springs { fault: 0.0 };
        // Rounding of the energy over the step: 1e-15 / 1e-2; the truncation is h^4 = 1e-8 times a fifth derivative
        // that is small next to it after the factor 1/480 of the Richardson scheme.
        check_forces(&mut springs, &triatomic(), 1e-2, 1e-9).unwrap();
        check_virial(&mut springs, &triatomic(), 1e-2, 1e-9).unwrap();
        check_symmetries(&mut springs, &triatomic(), 1e-13).unwrap();
    }

    #[test]
    fn faults_are_found_and_named() {
        let mut springs = Springs { fault: 1e-6 };
        let message = |r: Result<Deviation>| r.unwrap_err().to_string();
        assert!(message(check_forces(&mut springs, &triatomic(), 1e-2, 1e-8)).contains("force on atom 2, z"));
        assert!(message(check_virial(&mut springs, &triatomic(), 1e-2, 1e-8)).contains("virial xy"));
        assert!(check_rotation(&mut springs, &triatomic(), 1e-8).is_err());
        assert!(check_permutation(&mut springs, &triatomic(), 1e-8).is_err());
        springs.fault = f64::NAN;
        assert!(check_forces(&mut springs, &triatomic(), 1e-2, 1e-8).is_err());
    }

    #[test]
    fn gradients_of_any_function() {
        let value = |x: &[f64]| Ok(x[0].sin() * x[1].exp());
        let at = [0.3_f64, -0.2];
        let gradient = [at[0].cos() * at[1].exp(), at[0].sin() * at[1].exp()];
        check_gradient(value, &at, &gradient, 0..2, 1e-2, 1e-10).unwrap();
        check_gradient(value, &at, &[gradient[0], 0.0], 0..2, 1e-2, 1e-10).unwrap_err();
        let parts =
            || [Part { name: "both".into(), range: 0..2 }, Part { name: "second".into(), range: 1..2 }];
        check_gradient_parts(value, &at, &gradient, parts(), 1e-2, |_| 1e-9).unwrap();
        let wrong = [gradient[0], gradient[1] + 1e-3];
        let error = check_gradient_parts(value, &at, &wrong, parts(), 1e-2, |_| 1e-9).unwrap_err();
        assert!(error.to_string().contains("along both"), "{error}");
    }

    #[test]
    fn supercells_repeat_the_atoms() {
        let mut s = triatomic();
        assert!(supercell(&s, [2, 1, 1]).is_err());
        s.cell = Some(Cell {
            vectors: [[4.0, 0.0, 0.0], [1.0, 5.0, 0.0], [0.0, 0.0, 9.0]],
            periodic: [true, true, false],
        });
        assert!(supercell(&s, [1, 1, 2]).is_err());
        let big = supercell(&s, [2, 3, 1]).unwrap();
        assert_eq!(big.len(), 18);
        assert_eq!(big.positions[3], [1.1, 5.2, -0.3]);
        assert_eq!(big.cell.unwrap().volume(), 6.0 * s.cell.unwrap().volume());
    }
}
