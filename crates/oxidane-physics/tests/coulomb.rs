//! Electrostatics of charges against known constants, laws and finite differences.

mod charges;

use charges::{Charges, TRICLINIC, distance, flat, noise};
use oxidane_core::Cell;
use oxidane_core::check::derivative;
use oxidane_core::units::COULOMB;
use oxidane_physics::coulomb::{
    Cache, Coulomb, Form, Grid, Interactions, Method, Sites, Splitting, lattice_vectors,
};
use std::f64::consts::PI;

/// Converged to rounding.
const FINE: Coulomb = Coulomb { accuracy: 1e-12, method: Method::Ewald, parallel: false };

/// A crystal of cubic cell `edge` with charges 1 and -1 at fractions of it.
fn cubic(edge: f64, sites: &[([f64; 3], f64)]) -> Charges {
    Charges {
        positions: sites.iter().map(|(f, _)| f.map(|x| x * edge)).collect(),
        widths: vec![0.0; sites.len()],
        charges: sites.iter().map(|&(_, q)| q).collect(),
        lattice: Some([[edge, 0.0, 0.0], [0.0, edge, 0.0], [0.0, 0.0, edge]]),
    }
}

/// Anions shifted from face-centred cations by `shift`.
fn face_centred(shift: f64) -> Vec<([f64; 3], f64)> {
    let faces = [[0.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]];
    faces.into_iter().flat_map(|f| [(f, 1.0), (f.map(|x| x + shift), -1.0)]).collect()
}

/// Energies -k_e M / d per formula unit, with the constants M and the shortest distances d in units of the cell. The potentials at the
/// ions are of order 10 V, converged to 1e-12 of that and rounded.
#[test]
fn madelung_constants() {
    let chloride = vec![([0.0; 3], 1.0), ([0.5; 3], -1.0)];
    for (name, sites, closest, expected) in [
        ("rock salt", face_centred(0.5), 0.5, 1.747_564_594_633_182_2),
        ("caesium chloride", chloride, 0.75_f64.sqrt(), 1.762_674_773_070_989),
        ("zinc blende", face_centred(0.25), 0.75_f64.sqrt() / 2.0, 1.638_055_053_388_79),
    ] {
        let edge = 5.3;
        let crystal = cubic(edge, &sites);
        let per_unit = crystal.energy(&FINE) / (sites.len() / 2) as f64;
        let found = -per_unit * closest * edge / COULOMB;
        assert!((found - expected).abs() < 1e-11, "{name}: {found}");
        // Every ion sits where all forces cancel.
        let gradients = crystal.gradients(&FINE);
        assert!(gradients.positions.iter().flatten().all(|g| g.abs() < 1e-10), "{name}");
    }
}

/// Charges of a molecule summed pair by pair with the error function of libm.
#[test]
fn molecules_are_sums_of_pairs() {
    for molecule in [Charges::random(37, false), Charges::random(37, false).points()] {
        let found = molecule.potential(&Coulomb::default());
        for (i, x) in molecule.positions.iter().enumerate() {
            let mut expected = 0.0;
            for (j, y) in molecule.positions.iter().enumerate().filter(|&(j, _)| j != i) {
                let r = (0..3).map(|k| (x[k] - y[k]).powi(2)).sum::<f64>().sqrt();
                let g = molecule.widths[i].hypot(molecule.widths[j]);
                let overlap = if g > 0.0 { libm::erf(r / (2.0_f64.sqrt() * g)) } else { 1.0 };
                expected += COULOMB * molecule.charges[j] * overlap / r;
            }
            // Sums of numbers up to 10.
            assert!((found[i] - expected).abs() < 1e-13 * 100.0, "{i}: {} {expected}", found[i]);
        }
    }
}

/// More atoms than interactions are kept for, summed anew; and atoms at one place, which have the potential of a Gaussian's middle.
#[test]
fn large_molecules_and_atoms_at_one_place() {
    let n = 2100;
    let mut large = Charges::random(1, false);
    large.positions =
        (0..n).map(|i| [1.3 * (i % 13) as f64, 1.4 * (i / 13 % 13) as f64, 1.2 * (i / 169) as f64]).collect();
    large.widths = (0..n).map(|i| 0.5 + 0.1 * noise(i)).collect();
    large.charges = (0..n).map(noise).collect();
    let (whole, phi) = (large.energy(&Coulomb::default()), large.potential(&Coulomb::default()));
    assert!((Interactions::energy(&large.charges, &phi) - whole).abs() < 1e-9);
    // The energy without one atom differs by that atom's potential, and is summed from kept rows.
    let mut rest = large.clone();
    for _ in 0..100 {
        rest.positions.pop();
        rest.widths.pop();
        rest.charges.pop();
    }
    let mut removed = 0.0;
    for i in n - 100..n {
        removed += large.charges[i] * phi[i];
        for j in n - 100..n {
            if i != j {
                let r = (0..3)
                    .map(|k| (large.positions[i][k] - large.positions[j][k]).powi(2))
                    .sum::<f64>()
                    .sqrt();
                let g = large.widths[i].hypot(large.widths[j]);
                let k = COULOMB * libm::erf(r / (2.0_f64.sqrt() * g)) / r;
                removed -= 0.5 * large.charges[i] * large.charges[j] * k;
            }
        }
    }
    assert!((whole - removed - rest.energy(&Coulomb::default())).abs() < 1e-8);

    let mut pair = Charges::random(2, false);
    pair.positions[1] = pair.positions[0];
    pair.charges = vec![1.0, 1.0];
    pair.widths = vec![0.3, 0.4];
    let middle = COULOMB * (2.0 / PI).sqrt() / 0.5;
    assert!((pair.energy(&Coulomb::default()) / middle - 1.0).abs() < 1e-11);
    assert!(flat(&pair.gradients(&Coulomb::default())).iter().all(|g| g.is_finite()));
}

/// Three splittings of the same sums: neutral and charged cells, points and Gaussians; energies and all derivatives are of order 10.
#[test]
fn ewald_does_not_depend_on_its_split() {
    let crystal = Charges::random(9, true);
    for case in [
        crystal.clone(),
        crystal.clone().points(),
        crystal.clone().charged(1.7),
        crystal.clone().points().charged(1.7),
    ] {
        let results: Vec<Vec<f64>> = [8.0, 11.0, 15.0]
            .map(|cutoff| {
                let split = Splitting::with_cutoff(1e-13, 3.0, 0.9, cutoff).unwrap();
                let coulomb = Coulomb { method: Method::Split(split), ..FINE };
                let mut all = flat(&case.gradients(&coulomb));
                all.extend(case.potential(&coulomb));
                all.push(case.energy(&coulomb));
                all
            })
            .into();
        for other in &results[1..] {
            let d = distance(&results[0], other);
            assert!(d < 1e-10, "{d:e}");
        }
    }
}

/// The error that was asked for is kept, by the root mean square over the forces in the units of the accuracy, and by the potentials in
/// about these times the spacing; by an Ewald sum and by meshes, whose estimates assume many charges without order.
#[test]
fn accuracies_are_kept() {
    let many = Charges::random(9, true).repeated(3);
    let cases = [
        Charges::random(9, true),
        Charges::random(9, true).points().charged(0.5),
        cubic(5.3, &face_centred(0.5)),
        many.clone().points(),
        many,
    ];
    for case in cases {
        let exact = (case.gradients(&FINE), case.potential(&FINE));
        let n = case.charges.len() as f64;
        let unit = force_unit(&case);
        for method in [Method::Ewald, Method::Mesh, Method::Auto] {
            for accuracy in [1e-2, 1e-3, 1e-5, 1e-7, 1e-9] {
                if accuracy < 1e-8 && method == Method::Mesh && n > 100.0 {
                    continue; // a mesh of millions of points
                }
                let coulomb = Coulomb { accuracy, method, parallel: false };
                let found = (case.gradients(&coulomb), case.potential(&coulomb));
                let pairs = found.0.positions.iter().flatten().zip(exact.0.positions.iter().flatten());
                let error = (pairs.map(|(a, b)| (a - b).powi(2)).sum::<f64>() / n).sqrt() / unit;
                let potential = distance(&found.1, &exact.1) / unit;
                println!(
                    "{n} atoms, {method:?} {accuracy:.0e}: forces {error:.1e}, potential {potential:.1e}"
                );
                assert!(error < accuracy, "{error:e} {accuracy:e}");
                assert!(potential < 10.0 * accuracy, "{potential:e} {accuracy:e}");
            }
        }
    }
}

/// k_e <q^2> / d^2.
fn force_unit(case: &Charges) -> f64 {
    let n = case.charges.len() as f64;
    let volume = Cell::new(case.lattice.unwrap()).volume().abs();
    COULOMB * case.charges.iter().map(|q| q * q).sum::<f64>() / n * (n / volume).powf(2.0 / 3.0)
}

/// In a cubic box of volume V the energy of a neutral molecule of dipole mu is lower by 2 pi k_e mu^2 / 3V, and by terms of order V^(-5/3)
/// (G. Makov and M. C. Payne, Phys. Rev. B 1995, 51, 4014).
#[test]
fn a_molecule_in_a_growing_box() {
    let free = Charges::random(7, false);
    let alone = free.energy(&FINE);
    let mu: [f64; 3] =
        std::array::from_fn(|k| free.positions.iter().zip(&free.charges).map(|(x, q)| x[k] * q).sum());
    let coefficient = -2.0 * PI / 3.0 * COULOMB * mu.iter().map(|m| m * m).sum::<f64>();
    assert!(coefficient.abs() > 10.0);
    let mut errors = Vec::new();
    for edge in [20.0, 40.0, 80.0] {
        let lattice = Some([[edge, 0.0, 0.0], [0.0, edge, 0.0], [0.0, 0.0, edge]]);
        let found = Charges { lattice, ..free.clone() }.energy(&FINE);
        errors.push(((found - alone) * edge.powi(3) / coefficient - 1.0).abs());
    }
    assert!(errors[2] < 5e-3 && errors[1] / errors[2] > 3.5 && errors[0] / errors[1] > 3.0, "{errors:?}");
}

/// Molecules and crystals with all methods: what all tests of derivatives run over.
fn cases() -> Vec<(Charges, Coulomb)> {
    let split = Splitting::with_cutoff(1e-13, 3.0, 0.9, 10.0).unwrap();
    let grid = |order| Grid { order, points: [12, 15, 10] };
    let mesh = |order| Coulomb { method: Method::Grid(split, grid(order)), ..FINE };
    let (even, odd) = (mesh(8), mesh(7));
    let split = Coulomb { method: Method::Split(split), ..FINE };
    vec![
        (Charges::random(7, false), FINE),
        (Charges::random(19, false).points(), FINE),
        (Charges::random(6, true).charged(0.8), split),
        (Charges::random(5, true).points(), split),
        (Charges::random(6, true).charged(0.8), even),
        (Charges::random(5, true).points(), odd),
    ]
}

/// Differences with Richardson extrapolation err by some 1e-12 of derivatives of order 10 to 1000.
#[test]
fn derivatives_match_differences() {
    for (case, coulomb) in cases() {
        let found = case.gradients(&coulomb);
        let slope =
            |moved: &dyn Fn(f64) -> Charges| derivative(|h| Ok(moved(h).energy(&coulomb)), 2e-3).unwrap();
        for i in 0..case.charges.len() {
            for a in 0..3 {
                let expected = slope(&|h| {
                    let mut moved = case.clone();
                    moved.positions[i][a] += h;
                    moved
                });
                let g = found.positions[i][a];
                assert!((g - expected).abs() < 1e-8, "position {i} {a}: {g} {expected}");
            }
            let expected = slope(&|h| {
                let mut moved = case.clone();
                moved.charges[i] += h;
                moved
            });
            let phi = case.potential(&coulomb)[i];
            assert!((phi - expected).abs() < 1e-9, "charge {i}: {phi} {expected}");
            if case.widths[i] > 0.0 {
                let expected = slope(&|h| {
                    let mut moved = case.clone();
                    moved.widths[i] += h;
                    moved
                });
                let g = found.widths[i];
                assert!((g - expected).abs() < 1e-8, "width {i}: {g} {expected}");
            } else {
                assert_eq!(found.widths[i], 0.0);
            }
        }
        for (a, b) in [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)] {
            let expected = slope(&|h| {
                let mut strain = [[0.0; 3]; 3];
                strain[a][b] += 0.25 * h;
                strain[b][a] += 0.25 * h;
                case.strained(strain)
            }) * 2.0;
            let g = found.strain[a][b];
            assert!((g - expected).abs() < 1e-7, "strain {a}{b}: {g} {expected}");
            assert_eq!(g, found.strain[b][a]);
        }
    }
}

/// A dual run along a direction in which everything moves, against differences of the run itself.
#[test]
fn duals_match_differences() {
    for (case, coulomb) in cases() {
        let mut direction = case.direction();
        if case.widths[0] == 0.0 {
            direction.widths.fill(0.0);
        }
        let (potential, gradients) = case.dual(&direction, &coulomb);
        let found = flat(&gradients);
        let values: Vec<f64> = found.iter().map(|x| x.v).collect();
        assert!(distance(&values, &flat(&case.gradients(&coulomb))) < 1e-11);
        let slopes = |of: &dyn Fn(&Charges) -> Vec<f64>| {
            let count = of(&case).len();
            let mut all = Vec::with_capacity(count);
            let at = |h: f64| of(&case.moved(&direction, h));
            let h = 1e-3;
            let (up, down, far_up, far_down) = (at(h), at(-h), at(2.0 * h), at(-2.0 * h));
            for k in 0..count {
                all.push((8.0 * (up[k] - down[k]) - (far_up[k] - far_down[k])) / (12.0 * h));
            }
            all
        };
        let expected = slopes(&|moved| flat(&moved.gradients(&coulomb)));
        let tangents: Vec<f64> = found.iter().map(|x| x.d).collect();
        assert!(distance(&tangents, &expected) < 1e-7, "{:e}", distance(&tangents, &expected));
        let expected = slopes(&|moved| moved.potential(&coulomb));
        let tangents: Vec<f64> = potential.iter().map(|x| x.d).collect();
        assert!(distance(&tangents, &expected) < 1e-8, "{:e}", distance(&tangents, &expected));
    }
}

/// The reverse pass of a potential: with adjoints a, the energy of charges q + h a has the slope sum_i a_i phi_i(q) in h; so its gradients
/// are half the difference of those of the energy, which is quadratic in h.
#[test]
fn adjoints_of_potentials() {
    for (case, coulomb) in cases() {
        let adjoint: Vec<f64> = (0..case.charges.len()).map(|i| noise(3 * i + 1)).collect();
        let with = |h: f64| {
            let mut moved = case.clone();
            moved.charges.iter_mut().zip(&adjoint).for_each(|(q, a)| *q += h * a);
            flat(&moved.gradients(&coulomb))
        };
        let expected: Vec<f64> = with(1.0).iter().zip(&with(-1.0)).map(|(a, b)| 0.5 * (a - b)).collect();
        let interactions = case.prepare(&coulomb).unwrap();
        let form = Form::Potential { charges: &case.charges, adjoint: &adjoint };
        let found = flat(&interactions.gradients(&[form], true));
        assert!(distance(&found, &expected) < 1e-10);
        // Several forms at once are the sum of each.
        let energy = Form::Energy { charges: &case.charges, seed: -0.7 };
        let both = flat(&interactions.gradients(&[form, energy], true));
        let sum: Vec<f64> =
            found.iter().zip(flat(&case.gradients(&coulomb))).map(|(f, g)| f - 0.7 * g).collect();
        assert!(distance(&both, &sum) < 1e-10);
        // The matrix is symmetric: a . A q = q . A a.
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let forward = dot(&adjoint, &interactions.potential(&case.charges));
        assert!((forward - dot(&case.charges, &interactions.potential(&adjoint))).abs() < 1e-10);
        // What these potentials left for derivatives changes no bit of them.
        assert_eq!(flat(&interactions.gradients(&[form, energy], true)), both);
    }
}

/// Doubled cells, atoms in other cells, another order, another frame: rounding and what is cut off.
#[test]
fn laws_of_space() {
    let turn = [[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]];
    let rotate = |v: [f64; 3]| -> [f64; 3] { turn.map(|row| (0..3).map(|k| row[k] * v[k]).sum()) };
    for (case, coulomb) in cases() {
        let (energy, gradients) = (case.energy(&coulomb), case.gradients(&coulomb));
        let mut turned = case.clone();
        turned.positions = turned.positions.into_iter().map(rotate).collect();
        turned.lattice = turned.lattice.map(|l| l.map(rotate));
        assert!((turned.energy(&coulomb) - energy).abs() < 1e-11);
        for (a, &b) in turned.gradients(&coulomb).positions.iter().zip(&gradients.positions) {
            assert!(distance(a, &rotate(b)) < 1e-10);
        }
        let mut reversed = case.clone();
        reversed.positions.reverse();
        reversed.widths.reverse();
        reversed.charges.reverse();
        assert!((reversed.energy(&coulomb) - energy).abs() < 1e-11);
        let Some(lattice) = case.lattice else { continue };
        let mut shifted = case.clone();
        for (i, x) in shifted.positions.iter_mut().enumerate() {
            let n = [i as f64 - 2.0, -3.0, 5.0 * noise(i).round()];
            *x = std::array::from_fn(|k| x[k] + (0..3).map(|a| n[a] * lattice[a][k]).sum::<f64>());
        }
        assert!((shifted.energy(&coulomb) - energy).abs() < 1e-10);
        shifted.positions.iter_mut().for_each(|x| x[1] += 0.3);
        // A mesh of this spacing errs by some 1e-6 of the energies of order 10.
        let on_mesh = matches!(coulomb.method, Method::Grid(..));
        let tolerance = if on_mesh { 1e-4 } else { 1e-10 };
        assert!((shifted.energy(&coulomb) - energy).abs() < tolerance);
        let mut double = case.clone();
        double.lattice = Some([lattice[0].map(|x| 2.0 * x), lattice[1], lattice[2]]);
        double.positions.extend(
            case.positions.iter().map(|x| -> [f64; 3] { std::array::from_fn(|k| x[k] + lattice[0][k]) }),
        );
        double.widths.extend_from_within(..);
        double.charges.extend_from_within(..);
        let mut coulomb = coulomb;
        if let Method::Grid(_, grid) = &mut coulomb.method {
            grid.points[0] *= 2;
        }
        assert!((double.energy(&coulomb) - 2.0 * energy).abs() < 1e-10);
    }
}

/// A cell sheared into long vectors describes the same crystal.
#[test]
fn skewed_cells() {
    let case = Charges::random(6, true);
    let mut skewed = case.clone();
    let [a, b, c] = TRICLINIC;
    let add =
        |x: [f64; 3], times: f64, y: [f64; 3]| -> [f64; 3] { std::array::from_fn(|k| x[k] + times * y[k]) };
    skewed.lattice = Some([add(a, 40.0, b), b, add(add(c, -25.0, a), 9.0, b)]);
    for method in [Method::Ewald, Method::Mesh] {
        let coulomb = Coulomb { accuracy: 1e-9, method, parallel: false };
        let (expected, found) = (case.gradients(&coulomb), skewed.gradients(&coulomb));
        assert!(distance(&flat(&expected), &flat(&found)) < 1e-6, "{method:?}");
        assert!((case.energy(&coulomb) - skewed.energy(&coulomb)).abs() < 1e-6, "{method:?}");
    }
}

/// A walk of atoms and volume in steps that keep the neighbours, and a jump: the same bits as without a cache.
#[test]
fn caches_do_not_show() {
    for method in [Method::Ewald, Method::Mesh] {
        let coulomb = Coulomb { accuracy: 1e-5, method, parallel: false };
        let mut cache = Cache::new(0.8);
        let mut case = Charges::random(9, true).repeated(2);
        for step in 0..5 {
            let size = if step == 3 { 0.3 } else { 0.02 };
            case.positions.iter_mut().enumerate().for_each(|(i, x)| x[i % 3] += size * noise(i + 100 * step));
            let swell = 1e-4 * noise(step);
            case = case.strained([[swell, 0.0, 0.0], [0.0, swell, 0.0], [0.0, 0.0, swell]]);
            let sites = Sites { positions: &case.positions, widths: &case.widths, lattice: case.lattice };
            let interactions = coulomb.prepare_with(&sites, &mut cache).unwrap();
            let form = Form::Energy { charges: &case.charges, seed: 1.0 };
            let found = flat(&interactions.gradients(&[form], true));
            let expected = flat(&case.gradients(&coulomb));
            assert!(
                found.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits()),
                "{method:?} {step}"
            );
            assert_eq!(interactions.potential(&case.charges), case.potential(&coulomb));
        }
    }
}

#[test]
fn nothing_has_no_energy() {
    for lattice in [None, Some(TRICLINIC)] {
        for method in [Method::Ewald, Method::Mesh, Method::Auto] {
            let nothing = Charges { positions: vec![], widths: vec![], charges: vec![], lattice };
            let coulomb = Coulomb { method, ..Coulomb::default() };
            assert_eq!(nothing.energy(&coulomb), 0.0);
            assert!(nothing.gradients(&coulomb).positions.is_empty());
        }
    }
}

/// Bits on 1, 2 and 7 threads, and on none of the pool's.
#[test]
fn the_same_on_any_number_of_threads() {
    for n in [150, 300] {
        let mut case = Charges::random(1, false);
        case.positions = (0..n)
            .map(|i| [1.9 * (i % 7) as f64, 1.8 * (i / 7 % 7) as f64, 2.0 * (i / 49) as f64 + 0.1 * noise(i)])
            .collect();
        case.widths = vec![0.6; n];
        case.charges = (0..n).map(|i| noise(7 * i)).collect();
        let cell = [[13.3, 0.0, 0.0], [0.0, 12.6, 0.0], [1.0, 0.0, 2.0 * (n / 49 + 1) as f64]];
        for lattice in [None, Some(cell)] {
            case.lattice = lattice;
            for method in [Method::Mesh, Method::Ewald] {
                let results = |parallel| {
                    let coulomb = Coulomb { accuracy: 1e-6, method, parallel };
                    let mut all = flat(&case.gradients(&coulomb));
                    all.extend(case.potential(&coulomb));
                    all
                };
                let expected = results(false);
                for threads in [1, 2, 7] {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                    let found = pool.install(|| results(true));
                    let same = found.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits());
                    assert!(same, "{n} atoms, {threads} threads, {lattice:?}");
                }
            }
        }
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let message = |case: &Charges, coulomb: &Coulomb| case.prepare(coulomb).unwrap_err().to_string();
    let crystal = Charges::random(4, true);
    for accuracy in [0.0, 1e-14, 0.1, f64::NAN] {
        assert!(message(&crystal, &Coulomb { accuracy, ..FINE }).contains("give one from"), "{accuracy}");
    }
    let mut flat = crystal.clone();
    flat.lattice = Some([TRICLINIC[0], TRICLINIC[1], TRICLINIC[0]]);
    assert!(message(&flat, &FINE).contains("no volume"));
    for lattice in [None, Some(TRICLINIC)] {
        let mut same = Charges { lattice, ..crystal.clone() }.points();
        same.positions[3] = same.positions[1];
        let message = message(&same, &FINE);
        assert!(message.contains("atoms 2 and 4 are point charges at the same place"), "{message}");
    }
    // In another cell as well.
    let mut same = crystal.clone().points();
    same.positions[3] = std::array::from_fn(|k| same.positions[1][k] + TRICLINIC[2][k]);
    assert!(message(&same, &FINE).contains("at the same place"));
    let mut odd = crystal.clone();
    odd.positions[2][1] = f64::NAN;
    assert!(message(&odd, &FINE).contains("atom 3: coordinate NaN"));
    let mut odd = crystal.clone();
    odd.widths[0] = -0.1;
    assert!(message(&odd, &FINE).contains("atom 1: a width of -0.1"));
    odd.widths.pop();
    assert!(message(&odd, &FINE).contains("4 positions but 3 widths"));
    let split = Splitting::balanced(1e-6, 4, 300.0, 0.9).unwrap();
    for (order, points, part) in [
        (3, [16; 3], "splines of order 3"),
        (8, [16, 16, 7], "16 x 16 x 7 points for splines of order 8"),
        (6, [4000; 3], "too many mesh points"),
    ] {
        let method = Method::Grid(split, Grid { order, points });
        let message = message(&crystal, &Coulomb { method, ..FINE });
        assert!(message.contains(part), "{message}");
    }
    let method = Method::Split(Splitting { alpha: 0.0, ..split });
    assert!(message(&crystal, &Coulomb { method, ..FINE }).contains("alpha 0/angstrom"));
    let slab = Cell { vectors: TRICLINIC, periodic: [true, true, false] };
    let refusal = lattice_vectors::<f64>(Some(&slab)).unwrap_err().to_string();
    assert!(refusal.contains("slabs and wires"), "{refusal}");
    assert!(lattice_vectors::<f64>(None).unwrap().is_none());
    assert_eq!(lattice_vectors::<f64>(Some(&Cell::new(TRICLINIC))).unwrap(), Some(TRICLINIC));
}
