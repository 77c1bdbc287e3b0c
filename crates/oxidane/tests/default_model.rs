//! The model that is taken where none is named: what chemists know of small molecules, its uncertainty, where it ends.

mod common;
use common::{Bench, example};
use oxidane_core::units::KCAL_PER_MOL;
use serde_json::Value;

/// The two conformers of butane, about 0.02 angstrom off.
const ANTI: &str = "14\n\nC 1.94 -0.02 0.14\nC 0.52 0.05 -0.40\nC -0.52 -0.05 0.72\nC -1.94 0.02 0.19\nH 2.13 0.79 0.85\nH 2.66 0.06 -0.68\n\
H 2.11 -0.97 0.65\nH 0.36 -0.75 -1.12\nH 0.38 1.00 -0.93\nH -0.36 0.75 1.45\nH -0.38 -1.00 1.26\nH -2.66 -0.06 1.01\n\
H -2.13 -0.79 -0.52\nH -2.11 0.97 -0.33\n";
const GAUCHE: &str = "14\n\nC 1.97 -0.01 0.10\nC 0.53 0.06 -0.39\nC -0.51 -0.04 0.73\nC -0.43 1.09 1.74\nH 2.23 0.85 0.72\nH 2.65 -0.03 -0.75\n\
H 2.13 -0.92 0.69\nH 0.36 -0.76 -1.10\nH 0.38 1.00 -0.94\nH -0.39 -1.00 1.26\nH -1.51 -0.05 0.29\nH -1.25 1.01 2.46\n\
H -0.51 2.07 1.24\nH 0.50 1.07 2.30\n";
const AMMONIUM: &str =
    "5\ncharge=1\nN 0 0 0\nH .59 .59 .59\nH -.59 -.59 .59\nH -.59 .59 -.59\nH .59 -.59 -.59\n";
/// Two waters, one hydrogen pointing to the other's oxygen.
const DIMER: &str =
    "6\n\nO 0 0 0\nH 0.96 0 0\nH -0.24 0.93 0\nO 2.91 0 0\nH 3.25 -0.45 0.76\nH 3.25 -0.45 -0.76\n";

fn optimised(bench: &Bench, name: &str, structure: &str) -> f64 {
    bench.write(name, structure);
    bench.run(&["opt", name, "--json"]).json()["energy"].as_f64().unwrap() / KCAL_PER_MOL
}

/// Gauche butane is 0.598 kcal/mol above anti (CCSD(T)/CBS; Gruzman, Karton and Martin, J. Phys. Chem. A 2009, 113, 11974). The model's error of
/// profiles is 0.2; with a cutoff of three of these a wrong order or a mangled profile is found.
#[test]
fn butane_turns_as_it_does() {
    let bench = Bench::new();
    let rise = optimised(&bench, "gauche.xyz", GAUCHE) - optimised(&bench, "anti.xyz", ANTI);
    assert!((rise - 0.598).abs() < 0.4, "{rise}");
}

/// The energy of a proton at ammonia is 211.9 kcal/mol (PA26 of GMTKN55, without zero point). The model's mean error of such is 6, GFN2-xTB
/// has 187: the network and the energy of the charge must be right for the neutral, the ion and the bare proton.
#[test]
fn protons_bind_as_they_do() {
    let bench = Bench::new();
    bench.write("ammonia.xyz", "4\n\nN 0 0 0.11\nH 0 0.94 -0.27\nH 0.81 -0.47 -0.27\nH -0.81 -0.47 -0.27\n");
    bench.write("proton.xyz", "1\ncharge=1\nH 0 0 0\n");
    bench.write("ammonium.xyz", AMMONIUM);
    let energies = |model: &[&str]| -> f64 {
        let run = [&["sp", "ammonia.xyz", "proton.xyz", "ammonium.xyz", "--json"], model].concat();
        let list = bench.run(&run).json();
        let energy = |k: usize| list[k]["energy"].as_f64().unwrap() / KCAL_PER_MOL;
        energy(0) + energy(1) - energy(2)
    };
    let (affinity, base) = (energies(&[]), energies(&["--model", "gfn2"]));
    assert!((affinity - 211.9).abs() < 12.0 && (base - 211.9).abs() > 20.0, "{affinity} {base}");
}

/// The water dimer is bound by 5.0 kcal/mol (CCSD(T)/CBS 4.98 to 5.02); the model's mean error of interactions is 0.3, and 0.5 of held-out kinds.
#[test]
fn water_binds_water() {
    let bench = Bench::new();
    let bound = optimised(&bench, "dimer.xyz", DIMER) - 2.0 * optimised(&bench, "one.xyz", common::WATER);
    assert!((bound + 5.0).abs() < 0.5, "{bound}");
}

/// Every energy comes with how far it may be off, charges are those of GFN2-xTB, and ions are welcome.
#[test]
fn it_says_what_it_is_and_how_sure() {
    let bench = Bench::new();
    let aspirin = example("aspirin.xyz");
    let text = bench.run(&["sp", &aspirin]).ok();
    assert!(text.contains("organic-delta (gfn2 + xpainn") && text.contains("+/-"), "{text}");
    let of =
        |options: &[&str]| -> Value { bench.run(&[&["sp", "--json"], options].concat()).json()[0].take() };
    let found = of(&[&aspirin]);
    let uncertainty = found["energy_uncertainty"].as_f64().unwrap();
    assert!(uncertainty > 0.0 && uncertainty < 1.0, "{uncertainty}");
    assert_eq!(found["charges"], of(&[&aspirin, "--model", "gfn2"])["charges"]);
    bench.write(
        "ammonium.xyz",
        "5\ncharge=1\nN 0 0 0\nH .59 .59 .59\nH -.59 -.59 .59\nH -.59 .59 -.59\nH .59 -.59 -.59\n",
    );
    bench.run(&["sp", "ammonium.xyz", "--strict"]).ok();
    bench.run(&["sp", "water.xyz", "--mult", "3"]).refused(5, &["unpaired", "--model gfn2 covers"]);
}
