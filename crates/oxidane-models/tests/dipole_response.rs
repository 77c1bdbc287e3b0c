//! Polarisability, Born charges and energies in a field of every architecture with equilibrated charges, against differences and laws.

mod common;
use common::{crystal, molecule, networks, potential, random};
use oxidane_core::check::{check_forces, check_symmetries, derivative, strained};
use oxidane_core::{Evaluation, Potential, Request, System};
use oxidane_math::Real;
use oxidane_models::xpainn::XpainnConfig;
use oxidane_models::{Batch, Network, NetworkPotential, Scratch};

const RESPONSES: Request =
    Request { polarizability: true, born_charges: true, charges: true, dipole: true, ..Request::ENERGY };

/// Several volts over a molecule: far beyond rounding in every difference.
const FIELD: [f64; 3] = [0.3, -0.2, 0.25];

fn in_field<R: Real>(network: Box<dyn Network<R>>, field: [f64; 3]) -> NetworkPotential<R> {
    potential(network, false).in_field(field).unwrap()
}

/// sum_i q_i x_i, about the origin whatever the charge.
fn moment(system: &System, charges: &[f64]) -> [f64; 3] {
    std::array::from_fn(|k| charges.iter().zip(&system.positions).map(|(q, x)| q * x[k]).sum())
}

/// Moving all atoms together moves the total charge and nothing else: sum_i Z*_i = Q 1, to rounding.
#[test]
fn born_charges_sum_to_the_total_charge() {
    for (network, name) in networks::<f64>(5) {
        let mut p = potential(network, false);
        for charge in [-1, 0, 2] {
            let out = p.evaluate(&molecule(charge), RESPONSES).unwrap();
            let born = out.born_charges.unwrap();
            for (a, b) in (0..3).flat_map(|a| (0..3).map(move |b| (a, b))) {
                let sum: f64 = born.iter().map(|z| z[a][b]).sum();
                let want = if a == b { f64::from(charge) } else { 0.0 };
                assert!((sum - want).abs() < 1e-11, "{name} {charge} {a}{b}: {sum}");
            }
            // Charge flows: they are not the charges alone.
            let q = out.charges.unwrap();
            assert!((0..5).any(|i| (born[i][0][0] - q[i]).abs() > 1e-3), "{name}: no charge flows");
        }
    }
}

/// Central differences of the moment over 1e-4 angstrom, extrapolated: to 1e-8 e.
#[test]
fn born_charges_are_derivatives_of_the_moment() {
    for (network, name) in networks::<f64>(5) {
        let mut p = potential(network, false);
        for charge in [-1, 0] {
            let system = molecule(charge);
            let born = p.evaluate(&system, RESPONSES).unwrap().born_charges.unwrap();
            for (i, b) in [(0, 0), (1, 2), (4, 1)] {
                for a in 0..3 {
                    let along = |h: f64| {
                        let mut moved = system.clone();
                        moved.positions[i][b] += h;
                        let out = p.evaluate(&moved, RESPONSES)?;
                        Ok(moment(&moved, &out.charges.unwrap_or_default())[a])
                    };
                    let want = derivative(along, 2e-4).unwrap();
                    assert!(
                        (born[i][a][b] - want).abs() < 1e-8,
                        "{name} {i} {a}{b}: {} {want}",
                        born[i][a][b]
                    );
                }
            }
        }
    }
}

/// The dipole in a field (by duals) grows as the polarisability (by reverse passes) says, exactly: it is linear. Charges keep their
/// sum, and the polarisability has a positive trace: charge flows along the field.
#[test]
fn the_dipole_follows_the_field() {
    for ((network, name), (other, _)) in networks::<f64>(5).into_iter().zip(networks::<f64>(5)) {
        let mut p = potential(network, false);
        let mut q = in_field(other, FIELD);
        for charge in [-1, 0] {
            let system = molecule(charge);
            let free = p.evaluate(&system, RESPONSES).unwrap();
            let request = Request { charges: true, dipole: true, ..Request::default() };
            let out = q.evaluate(&system, request).unwrap();
            let (alpha, mu) = (free.polarizability.unwrap(), free.dipole.unwrap());
            for a in 0..3 {
                let want = mu[a] + (0..3).map(|b| alpha[a][b] * FIELD[b]).sum::<f64>();
                let got = out.dipole.unwrap()[a];
                assert!((got - want).abs() < 1e-11, "{name} {a}: {got} {want}");
            }
            let sum: f64 = out.charges.unwrap().iter().sum();
            assert!((sum - f64::from(charge)).abs() < 1e-12);
            assert!(alpha[0][0] + alpha[1][1] + alpha[2][2] > 0.1, "{name}: {alpha:?}");
        }
    }
}

/// Charges of XPaiNN minimise a quadratic functional: alpha is symmetric, and no direction gains energy by flowing against the field.
/// (Of MPNICE neither holds exactly, since charges feed back into features.)
#[test]
fn the_polarizability_of_a_variational_charge_model_is_symmetric_and_positive() {
    let [_, (network, _)] = networks::<f64>(5);
    let mut p = potential(network, false);
    for charge in [-1, 0] {
        let alpha = p.evaluate(&molecule(charge), RESPONSES).unwrap().polarizability.unwrap();
        for (a, b) in [(0, 1), (0, 2), (1, 2)] {
            assert!((alpha[a][b] - alpha[b][a]).abs() < 1e-12);
            assert!(alpha[a][a] * alpha[b][b] - alpha[a][b] * alpha[b][a] >= 0.0);
        }
    }
}

/// -dE/dF at no field is the dipole (about the origin, for ions too), and in one that of the dipole there, with the symmetric part of alpha: to
/// the rounding of differences of a quadratic function.
#[test]
fn the_energy_in_a_field_has_the_dipole_as_slope() {
    for k in 0..2 {
        let network = || networks::<f64>(5).into_iter().nth(k).unwrap().0;
        for charge in [-1, 0] {
            let system = molecule(charge);
            let free = potential(network(), false).evaluate(&system, RESPONSES).unwrap();
            let (alpha, mu) = (free.polarizability.unwrap(), moment(&system, &free.charges.unwrap()));
            let energy = |field| {
                in_field(network(), field).evaluate(&system, Request::ENERGY).unwrap().energy.unwrap()
            };
            assert!((energy([0.0; 3]) - free.energy.unwrap()).abs() < 1e-12);
            for at in [[0.0; 3], FIELD] {
                for a in 0..3 {
                    let h = 0.01;
                    let moved = |h: f64| std::array::from_fn(|b| at[b] + if a == b { h } else { 0.0 });
                    let slope = (energy(moved(h)) - energy(moved(-h))) / (2.0 * h);
                    let want = mu[a] + (0..3).map(|b| 0.5 * (alpha[a][b] + alpha[b][a]) * at[b]).sum::<f64>();
                    assert!((slope + want).abs() < 1e-10, "{k} {charge} {a}: {slope} {want}");
                }
            }
        }
    }
}

/// By symmetric strains: a field holds the axes, so that turning the molecule changes the energy too.
fn check_symmetric_virial(p: &mut dyn Potential, system: &System, tolerance: f64) {
    let virial = p.evaluate(system, Request::STRESS).unwrap().virial.unwrap();
    for (a, b) in (0..3).flat_map(|a| (0..3).map(move |b| (a, b))) {
        let along = |h: f64| {
            let mut strain = [[0.0; 3]; 3];
            strain[a][b] += 0.5 * h;
            strain[b][a] += 0.5 * h;
            Ok(p.evaluate(&strained(system, &strain), Request::ENERGY)?.energy.unwrap_or(f64::NAN))
        };
        let want = -derivative(along, 1e-4).unwrap();
        assert!((virial[a][b] - want).abs() < tolerance, "virial {a}{b}: {} {want}", virial[a][b]);
    }
}

/// Forces and virials in a field are derivatives of the energy in it; on an ion they add up to charge times field.
#[test]
fn forces_in_a_field_are_derivatives() {
    for (network, name) in networks::<f64>(5) {
        let mut p = in_field(network, FIELD);
        for charge in [-1, 0, 2] {
            let system = molecule(charge);
            let forces = p.evaluate(&system, Request::FORCES).unwrap().forces.unwrap();
            let scale = 1.0 + forces.iter().flatten().fold(0.0f64, |m, f| m.max(f.abs()));
            check_forces(&mut p, &system, 5e-4, 1e-8 * scale).unwrap();
            check_symmetric_virial(&mut p, &system, 1e-7 * scale);
            for k in 0..3 {
                let sum: f64 = forces.iter().map(|f| f[k]).sum();
                assert!((sum - f64::from(charge) * FIELD[k]).abs() < 1e-10 * scale, "{name} {charge}: {sum}");
            }
        }
    }
}

/// Responses turn with the molecule, do not see its place, and follow the order of its atoms.
#[test]
fn symmetries_hold() {
    for (network, _) in networks::<f64>(3) {
        let mut p = potential(network, false);
        assert!(p.capabilities().polarizability && p.capabilities().born_charges);
        for charge in [0, 2] {
            check_symmetries(&mut p, &molecule(charge), 1e-9).unwrap();
        }
    }
}

/// Single precision keeps what it keeps of energies and forces; the same bits on 1, 2 and 7 threads.
#[test]
fn single_precision_is_close_and_threads_do_not_matter() {
    let system = molecule(-1);
    let pairs = networks::<f64>(5).into_iter().zip(networks::<f32>(5));
    for ((double, _), (single, _)) in pairs {
        let evaluate = |threads: usize| -> [Evaluation; 2] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut free = potential(single.boxed_clone(), threads > 1);
            let mut bent = potential(single.boxed_clone(), threads > 1).in_field(FIELD).unwrap();
            let stress = Request { charges: true, dipole: true, ..Request::STRESS };
            pool.install(|| {
                [free.evaluate(&system, RESPONSES).unwrap(), bent.evaluate(&system, stress).unwrap()]
            })
        };
        let one = evaluate(1);
        assert!(one == evaluate(2) && one == evaluate(7));
        let exact = potential(double, false).evaluate(&system, RESPONSES).unwrap();
        let numbers = |e: &Evaluation| -> Vec<f64> {
            let born = e.born_charges.iter().flatten().flatten().flatten();
            born.chain(e.polarizability.iter().flatten().flatten()).copied().collect()
        };
        for (a, b) in numbers(&one[0]).into_iter().zip(numbers(&exact)) {
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
    }
}

/// Each structure of a batch has its own response: that alone, to the rounding of matrix products.
#[test]
fn a_batch_equals_its_structures() {
    let systems = [molecule(0), crystal(), molecule(2)];
    for (network, name) in networks::<f64>(5) {
        let parts: Vec<Batch> = systems.iter().map(|s| Batch::build(s, network.cutoff()).unwrap()).collect();
        let respond =
            |batch: &Batch| network.dipole_responses(batch, &mut Scratch::default(), false).unwrap();
        let all = respond(&Batch::concat(&parts.iter().collect::<Vec<_>>()));
        assert_eq!(all.len(), 3);
        for k in [0, 2] {
            let one = &respond(&parts[k])[0];
            for (a, b) in one.polarizability.iter().flatten().zip(all[k].polarizability.iter().flatten()) {
                assert!((a - b).abs() < 1e-11, "{name}: {a} {b}");
            }
            let pairs = one
                .born_charges
                .iter()
                .flatten()
                .flatten()
                .zip(all[k].born_charges.iter().flatten().flatten());
            pairs.for_each(|(a, b)| assert!((a - b).abs() < 1e-11, "{name}: {a} {b}"));
        }
        assert!(all[1].polarizability[0][0].is_nan() && all[1].born_charges[3][2][2].is_nan());
    }
}

#[test]
fn what_has_no_response_is_refused() {
    for (network, _) in networks::<f64>(5) {
        let mut p = potential(network.boxed_clone(), false);
        let out = p.evaluate(&crystal(), RESPONSES).unwrap();
        assert!(out.polarizability.is_none() && out.born_charges.is_none() && out.energy.is_some());
        let mut p = in_field(network.boxed_clone(), FIELD);
        let error = p.evaluate(&crystal(), Request::ENERGY).unwrap_err().to_string();
        assert!(error.contains("crystal"), "{error}");
        assert!(!p.capabilities().born_charges && !p.capabilities().polarizability);
        let error = potential(network, false).in_field([0.0, f64::NAN, 0.0]).err().unwrap().to_string();
        assert!(error.contains("finite"), "{error}");
    }
    let plain = XpainnConfig { electrostatics: None, ..common::xpainn() };
    let network = || random::<f64>("xpainn", &plain, 3);
    let mut p = potential(network(), false);
    let error = p.evaluate(&molecule(0), RESPONSES).unwrap_err().to_string();
    assert!(error.contains("polarisability, Born charges"), "{error}");
    let error = potential(network(), false).in_field(FIELD).err().unwrap().to_string();
    assert!(error.contains("equilibrated charges"), "{error}");
}
