//! Every benchmark reads its format, from tiny made-up sets, and its numbers are those found by hand for a toy potential: the sum of
//! 1/r over pairs in eV, and -2 eV for a cell. It knows the elements up to argon.

use std::path::Path;

use oxidane_bench::{
    Answers, Cell, DataFolder, Energy, Plan, Report, Results, Selection, energy, named, relax,
};
use oxidane_core::units::KCAL_PER_MOL;
use oxidane_core::{Error, Evaluation, Potential, Request, Result, System, SystemView};

/// Rounding of sums of a few terms, in kcal/mol.
const ROUNDING: f64 = 1e-9;

struct Toy;

impl Potential for Toy {
    fn name(&self) -> &str {
        "toy"
    }
    fn capabilities(&self) -> Request {
        Request::FORCES
    }
    fn check(&self, system: &dyn SystemView) -> Result<()> {
        match system.numbers().iter().find(|&&z| z > 18) {
            Some(z) => Err(Error::domain(format!("element {z} is not known"))),
            None => Ok(()),
        }
    }
    fn evaluate(&mut self, system: &dyn SystemView, request: Request) -> Result<Evaluation> {
        self.check(system)?;
        let x = system.positions();
        let mut total = if system.cell().is_some() { -2.0 } else { 0.0 };
        let mut forces = vec![[0.0; 3]; x.len()];
        for i in 0..x.len() {
            for j in 0..i {
                let r: [f64; 3] = std::array::from_fn(|k| x[i][k] - x[j][k]);
                let length = r.iter().map(|c| c * c).sum::<f64>().sqrt();
                if system.cell().is_none() {
                    total += 1.0 / length;
                    for k in 0..3 {
                        forces[i][k] += r[k] / length.powi(3);
                        forces[j][k] -= r[k] / length.powi(3);
                    }
                }
            }
        }
        Ok(Evaluation {
            energy: Some(total),
            forces: request.forces.then_some(forces),
            ..Evaluation::default()
        })
    }
    fn fork(&self) -> Box<dyn Potential> {
        Box::new(Self)
    }
}

/// Writes files, and runs a benchmark on them.
struct Sets(tempfile::TempDir);

impl Sets {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap_or(Path::new(""))).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self(folder)
    }

    fn plan(&self, name: &str) -> Result<Plan> {
        named(name)?.plan(&DataFolder::new(self.0.path())?, &Selection::default())
    }

    fn report(&self, name: &str) -> Report {
        let plan = self.plan(name).unwrap();
        let answers = plan.systems.iter().map(|s| energy(&mut Toy, s).unwrap()).collect();
        plan.report(named(name).unwrap(), &[("toy".into(), Answers::Energies(answers))]).unwrap()
    }
}

/// The value of entry `i` for the toy, in eV.
#[track_caller]
fn value(report: &Report, i: usize) -> f64 {
    let Results::Differences(differences) = &report.results else { panic!("differences") };
    differences.entries[i].values[0].unwrap() * KCAL_PER_MOL
}

#[track_caller]
fn close(a: f64, b: f64) {
    assert!((a - b).abs() < ROUNDING, "{a} instead of {b}");
}

fn helium_pair(r: f64, keys: &str) -> String {
    format!(
        "2\nProperties=species:S:1:pos:R:3:fragment:R:1 charge=0 {keys} pbc=\"F F F\"\nHe 0 0 0 0\nHe 0 0 {r} 1\n"
    )
}

/// The dimer has 1/r, its atoms nothing.
#[test]
fn dimers_less_their_fragments() {
    let atlas = |n: usize| {
        let keys = format!(
            "name=1.0{n}_100 charge_a=0 charge_b=0 scaling=1.00 group=a E_int_kcal_mol=0.5 E_int_eV=0.0217"
        );
        helium_pair(2.0, &keys)
    };
    let names = ["HB375x10", "HB300SPXx10", "IHB100x10", "D442x10", "D1200", "SH250x10", "R739x5"];
    let files: Vec<_> =
        names.iter().enumerate().map(|(n, s)| (format!("nciatlas/NCIA_{s}.extxyz"), atlas(n))).collect();
    let files: Vec<_> = files.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let report = Sets::new(&files).report("nciatlas");
    close(value(&report, 0), 0.5);
    close(report.headline.values[0].unwrap(), 0.5 / KCAL_PER_MOL - 0.5);
    let Results::Differences(all) = &report.results else { panic!() };
    assert_eq!((all.entries.len(), all.models[0].subsets.len()), (7, 7));

    let sapt = |name: &str, kind: &str, group: &str, r: f64| {
        helium_pair(
            r,
            &format!("name={name} group={group} structure_type={kind} charge_a=0 charge_b=0 E_int_eV=0.4"),
        )
    };
    let text = sapt("S66x8-a-b-105-dimer.xyz", "dimer_original", "S66x8", 4.0)
        + &sapt("S66x8-a-b-105-dimer.xyz", "dimer_translated", "S66x8", 9.0)
        + &sapt("X-1-dimer.xyz", "dimer_original", "X", 2.0);
    let sets = Sets::new(&[("so3lr_sapt10k/sapt10k.extxyz", &text)]);
    let report = sets.report("s66x8");
    let Results::Differences(all) = &report.results else { panic!() };
    assert_eq!(all.entries.len(), 1, "what is pulled apart, and other groups, are left out");
    assert_eq!((&*all.entries[0].subset, &*all.entries[0].id), ("distance 1.05", "S66x8-a-b-105"));
    close(value(&report, 0), 0.25);
    assert_eq!(sets.plan("sapt10k").unwrap().sample.total, 2);
}

/// Fragments have the charges of the frame: ammonium and water, the proton gone with the ammonia.
#[test]
fn fragments_have_their_charges() {
    let text = "2\nProperties=species:S:1:pos:R:3:fragment:R:1 charge=1 name=S-1-dimer.xyz group=S structure_type=dimer_original \
                charge_a=1 charge_b=0 E_int_eV=0.1\nLi 0 0 0 0\nHe 0 0 2 1\n";
    let plan = Sets::new(&[("sapt10k.extxyz", text)]).plan("sapt10k").unwrap();
    let charges: Vec<_> = plan.systems.iter().map(|s| (s.numbers.clone(), s.charge, s.unpaired)).collect();
    assert_eq!(charges, [(vec![3, 2], 1, 0), (vec![3], 1, 0), (vec![2], 0, 0)]);
}

#[test]
fn ions_less_each_other() {
    let water = "4\nProperties=species:S:1:pos:R:3 charge=-1 ion=f E_int_eV=0.3\nO 0 0 0\nH 0 0 1\nH 0 1 0\nF 0 0 3\n";
    let pair = "2\nProperties=species:S:1:pos:R:3 charge=0 name=li_f_scan E_int_eV=0.3\nF 0 0 0\nLi 0 0 2\n";
    let three = "3\nProperties=species:S:1:pos:R:3 charge=0 name=mg_f2_scan E_int_eV=0.3\nF 0 0 -2\nMg 0 0 0\nF 0 0 2\n";
    let sets = Sets::new(&[
        ("ion_water_cmm/ion_water_dimers_aimd.extxyz", water),
        ("ion_water_cmm/ion_ion_scans.extxyz", &[pair, three].concat()),
    ]);
    let report = sets.report("ion-water");
    close(value(&report, 0), 1.0 / 3.0 + 1.0 / 2.0 + 1.0 / 10.0_f64.sqrt());
    let report = sets.report("ion-pairs");
    close(value(&report, 0), 0.5);
    close(value(&report, 1), 0.5 + 0.5 + 0.25);
    let Results::Differences(all) = &report.results else { panic!() };
    let subsets: Vec<_> = all.entries.iter().map(|e| &*e.subset).collect();
    assert_eq!(subsets, ["opposite charges", "three ions"]);

    let wrong = pair.replace("charge=0", "charge=2");
    let sets = Sets::new(&[("ion_ion_scans.extxyz", &wrong)]);
    let error = sets.plan("ion-pairs").unwrap_err().to_string();
    assert!(error.contains("ion_ion_scans.extxyz:1") && error.contains("charges add up"), "{error}");
}

/// Two scans of helium pairs, of which one is an ion; references are those of the toy shifted by a constant, but for one point
/// that is 0.3 eV too high: errors about their mean are 0.2, 0.1, 0.1 eV.
#[test]
fn torsions_up_to_a_constant() {
    let frame = |system: &str, charge: i32, angle: f64, r: f64, shift: f64| {
        format!(
            "2\nProperties=species:S:1:pos:R:3 energy={} charge={charge} system={system} torsion_angle={angle}\nHe 0 0 0\nHe 0 0 {r}\n",
            1.0 / r + shift
        )
    };
    let mut text = String::new();
    for (angle, r, more) in [(0.0, 1.0, -0.3), (60.0, 2.0, 0.0), (120.0, 4.0, 0.0)] {
        text += &frame("a-1", 0, angle, r, 7.0 + more);
        text += &frame("a-2", 2, angle, r, -5.0);
    }
    let sets = Sets::new(&[("schrodinger_mlff/TorsionTest2000.extxyz", &text)]);
    let report = sets.report("torsions");
    let Results::Profiles(profiles) = &report.results else { panic!() };
    let errors = profiles.profiles[0].errors[0].unwrap();
    close(errors.mae * KCAL_PER_MOL, 0.4 / 3.0);
    close(errors.rmse * KCAL_PER_MOL, 0.02_f64.sqrt());
    close(errors.barrier * KCAL_PER_MOL, 0.3);
    assert_eq!((errors.rank_correlation, errors.same_lowest), (Some(1.0), true));
    close(profiles.profiles[1].errors[0].unwrap().mae, 0.0);
    let subsets: Vec<_> = profiles.models[0].subsets.iter().map(|s| &*s.0).collect();
    assert_eq!(subsets, ["neutral", "charge +2"]);
    close(report.headline.values[0].unwrap() * KCAL_PER_MOL, 0.2 / 3.0);
    let sheets = report.sheets();
    let worst = sheets.iter().find(|s| s.title.starts_with("Worst")).unwrap();
    assert_eq!(worst.rows[0][1], Cell::text("a-1"));
}

/// Methods whose energies come with the set stand beside the models: the reference is CCSD(T), MP2 is off by 0.1 eV at a point.
#[test]
fn other_methods_of_the_set() {
    let frame = |angle: f64, r: f64, mp2: f64| {
        format!(
            "2\nProperties=species:S:1:pos:R:3 energy={} charge=0 torsion=0 angle={angle} energy_ccsdt_cbs={} \
             energy_b3lypd3bj_tzvppd={}\nHe 0 0 0\nHe 0 0 {r}\n",
            1.0 / r + mp2,
            1.0 / r + 1.0,
            1.0 / r - 3.0
        )
    };
    let text = frame(0.0, 1.0, 0.1) + &frame(15.0, 2.0, 0.0);
    let report = Sets::new(&[("torsions_mobley_mp2/mobley_torsions.extxyz", &text)]).report("torsions-ions");
    assert_eq!(report.models, ["toy", "MP2/heavy-aug-cc-pVTZ", "B3LYP-D3(BJ)/TZVPPD"]);
    let values: Vec<_> = report.headline.values.iter().map(|v| v.unwrap() * KCAL_PER_MOL).collect();
    close(values[0], 0.0);
    close(values[1], 0.05);
    close(values[2], 0.0);
    let curve = |idx: usize| {
        format!("1\nProperties=species:S:1:pos:R:3 energy={idx} system=mol00 idx={idx}\nHe 0 0 0\n")
    };
    let sets = Sets::new(&[("comp6_s66x8.extxyz", &(curve(0) + &curve(1)))]);
    close(sets.report("s66x8-curves").headline.values[0].unwrap() * KCAL_PER_MOL, 0.5);
}

/// Three reactions of two subsets. By hand: |dE| are 28.42 and 56.84; the toy's values are 1/2 eV and 0 eV, and the third reaction is of
/// an element that it does not know.
#[test]
fn gmtkn55_counts_what_is_missing() {
    let structures = "2\nProperties=species:S:1:pos:R:3 charge=0 spin_multiplicity=1 name=x/aconf/pair\nHe 0 0 0\nHe 0 0 2\n\
                      1\nProperties=species:S:1:pos:R:3 charge=0 spin_multiplicity=1 name=x/aconf/atom\nHe 0 0 0\n\
                      1\nProperties=species:S:1:pos:R:3 charge=0 spin_multiplicity=1 name=x/rg18/kr\nKr 0 0 0\n";
    let reactions = r#"{"aconf":{"header":"h","n":1,"rms_ref":1.0,"reactions":[
        {"stoich":[[1.0,"x/aconf/pair"],[-2.0,"x/aconf/atom"]],"ref_kcal_mol":28.42}]},
      "rg18":{"header":"h","n":3,"rms_ref":1.0,"reactions":[
        {"stoich":[[1.0,"x/aconf/atom"]],"ref_kcal_mol":-56.84},
        {"stoich":[[1.0,"x/rg18/kr"]],"ref_kcal_mol":56.84},
        {"stoich":[[1.0,"x/nowhere"]],"ref_kcal_mol":1.0}]},
      "cyconf":{"header":"not of GMTKN55","n":1,"rms_ref":1.0,"reactions":[
        {"stoich":[[1.0,"x/aconf/atom"]],"ref_kcal_mol":1.0}]}}"#;
    let sets = Sets::new(&[
        ("gmtkn55/gmtkn55_structures.extxyz", structures),
        ("gmtkn55/gmtkn55_reactions.json", reactions),
    ]);
    let report = sets.report("gmtkn55");
    let Results::Differences(all) = &report.results else { panic!() };
    let first = (0.5 / KCAL_PER_MOL - 28.42).abs();
    let expected = (first * 56.84 / 28.42 + 56.84 * 56.84 / 56.84) / 2.0;
    close(all.models[0].wtmad2.unwrap(), expected);
    assert_eq!(all.entries.len(), 3);
    let missing = report.missing();
    assert_eq!(
        (missing.len(), &*missing[0].subset, &missing[0].ids[..]),
        (1, "rg18", &["rg18/2".to_owned()][..])
    );
    assert_eq!((report.faults.len(), &*report.faults[0].id), (1, "rg18/3"));
    let sheets = report.sheets();
    let place = sheets[0].heads.iter().position(|h| h == "WTMAD-2").unwrap();
    assert!(
        matches!(sheets[0].rows[0][place], Cell::Part(x, _) if x == all.models[0].wtmad2.unwrap()),
        "partial"
    );
    assert!(sheets.iter().any(|s| s.title.contains("Not computed by a model")));
    assert_eq!(sets.plan("conformers").unwrap().sample.total, 1);
    assert!(sets.plan("tautomers").is_err(), "nothing is left");
}

/// Two models, one of which has no krypton, are compared on the common part as well.
#[test]
fn models_are_compared_on_what_both_have() {
    let frame = |symbol: &str| {
        helium_pair(2.0, &format!("name=X-{symbol}-dimer.xyz group=X structure_type=dimer_original charge_a=0 charge_b=0 E_int_eV=0.5"))
            .replace("He", symbol)
    };
    let plan = Sets::new(&[("sapt10k.extxyz", &(frame("He") + &frame("Kr")))]).plan("sapt10k").unwrap();
    let toy = plan.systems.iter().map(|s| energy(&mut Toy, s).unwrap()).collect();
    let zero = plan.systems.iter().map(|s| Ok(f64::from(u8::from(s.numbers == [36, 36])).into())).collect();
    let answers = [("toy".into(), Answers::Energies(toy)), ("zero".into(), Answers::Energies(zero))];
    let report = plan.report(named("sapt10k").unwrap(), &answers).unwrap();
    let Results::Differences(all) = &report.results else { panic!() };
    close(all.models[0].overall.unwrap().mae, 0.0);
    close(all.models[1].overall.unwrap().mae * KCAL_PER_MOL, 0.5);
    let common = all.common.as_ref().unwrap();
    assert_eq!(common.iter().map(|s| s.overall.unwrap().count).collect::<Vec<_>>(), [1, 1]);
    close(common[1].overall.unwrap().mean * KCAL_PER_MOL, -0.5);
}

/// By hand: a pair with the row (3, 1) less twice an atom with (1, -0.5) has (1, 2): what both know of each other does not add up as for
/// strangers.
#[test]
fn uncertainties_of_differences_are_those_of_the_sum() {
    let keys = "name=X-He-dimer.xyz group=X structure_type=dimer_original charge_a=0 charge_b=0 E_int_eV=0.5";
    let plan = Sets::new(&[("sapt10k.extxyz", &helium_pair(2.0, keys))]).plan("sapt10k").unwrap();
    let row = |s: &System| if s.len() == 2 { vec![3.0, 1.0] } else { vec![1.0, -0.5] };
    let answers = plan.systems.iter().map(|s| Ok(Energy { value: 0.0, deviation: row(s) })).collect();
    let silent = plan.systems.iter().map(|_| Ok(0.0.into())).collect();
    let answers = [("toy".into(), Answers::Energies(answers)), ("silent".into(), Answers::Energies(silent))];
    let report = plan.report(named("sapt10k").unwrap(), &answers).unwrap();
    let Results::Differences(all) = &report.results else { panic!() };
    close(all.entries[0].uncertainties[0].unwrap() * KCAL_PER_MOL, 5.0f64.sqrt());
    assert_eq!(all.entries[0].uncertainties[1], None);
    let confidence = all.confidence[0].as_ref().unwrap();
    close(confidence.ratio, 0.5 / 5.0f64.sqrt());
    assert!(all.confidence[1].is_none());
    let sheets = report.sheets();
    let sheet = sheets.iter().find(|s| s.title.starts_with("Uncertainty")).unwrap();
    assert_eq!(sheet.rows.len(), 1);
}

#[test]
fn barriers_from_reactant_to_transition_state() {
    let frame = |role: &str, r: f64, rxn: usize| {
        format!(
            "2\nProperties=species:S:1:pos:R:3 charge=0 spin_multiplicity=1 rxn={rxn} role={role} barrier_kcal_mol=5.0\nHe 0 0 0\nHe 0 0 {r}\n"
        )
    };
    let text = frame("p", 8.0, 0) + &frame("r", 4.0, 0) + &frame("ts", 2.0, 0) + &frame("r", 4.0, 1);
    let report = Sets::new(&[("rdb7_barriers/rdb7.extxyz", &text)]).report("barriers");
    close(value(&report, 0), 0.25);
    assert_eq!(report.faults.len(), 1);
}

/// A cell of two H2 has -2 eV, its molecule 1/0.74: the lattice energy is 1/0.74 + 2/2. The ice file gives its molecule with a lattice of
/// zeros; a crystal that is not made of the molecules named is told apart.
#[test]
fn lattice_energies() {
    let cell = |name: &str, geometry: &str| {
        format!(
            "4\nLattice=\"5 0 0 0 5 0 0 0 5\" Properties=species:S:1:pos:R:3 charge=0 name={name} geometry={geometry} pbc=\"T T T\"\n\
             H 0 0 4.9\nH 0 0 0.64\nH 2 2 2\nH 2 2.74 2\n"
        )
    };
    let reference = |entries: &[(f64, &str)]| {
        let list: Vec<_> = entries
            .iter()
            .map(|(c, n)| format!(r#"{{"stoich":[[{c},"{n}"],[1.0,"mol_{n}"]],"ref_kcal_mol":10.0}}"#))
            .collect();
        format!(r#"{{"header":["h"],"reactions":[{}]}}"#, list.join(","))
    };
    let ice = cell("ice", "ice")
        + "2\nLattice=\"0 0 0 0 0 0 0 0 0\" Properties=species:S:1:pos:R:3 charge=0 name=mol_ice geometry=mol_ice pbc=\"T T T\"\n\
           H 0 0 0\nH 0 0 1\n";
    let x23 = cell("h2", "b86bpbe-xdm") + &cell("h2", "expt") + &cell("odd", "expt");
    let sets = Sets::new(&[
        ("crystals_refdata/x23.extxyz", &x23),
        ("crystals_refdata/x23_reference.json", &reference(&[(-0.5, "h2"), (-1.0, "odd")])),
        ("crystals_refdata/ice13.extxyz", &ice),
        ("crystals_refdata/ice13_reference.json", &reference(&[(-0.5, "ice"), (-0.5, "ice")])),
        ("crystals_refdata/halcrys4.extxyz", &cell("a", "a")),
        ("crystals_refdata/halcrys4_reference.json", &reference(&[(-0.5, "a")])),
    ]);
    let report = sets.report("lattice");
    let Results::Differences(all) = &report.results else { panic!() };
    let ids: Vec<_> = all.entries.iter().map(|e| &*e.id).collect();
    assert_eq!(
        ids,
        ["X23 (B86bPBE-XDM geometries)/h2", "X23 (experimental geometries)/h2", "ICE13/ice", "HalCrys4/a"]
    );
    close(value(&report, 0), 1.0 / 0.74 + 1.0);
    close(value(&report, 2), 1.0 + 1.0);
    let faults: Vec<_> = report.faults.iter().map(|f| (&*f.id, &*f.reason)).collect();
    assert_eq!(faults.len(), 3, "{faults:?}");
    assert!(faults[1].1.contains("1 molecules") && faults[2].1.contains("twice"), "{faults:?}");
}

/// Two scans of two points: rows (2) and (0), (0.5) and (0) about their means have the deviations 1 and 0.25 eV at each point; errors of 0.1 and 0.2 eV are
/// 0.05 and 0.1 about the means. So the whole profiles have these pairs, and the ranks are opposite.
#[test]
fn uncertainties_of_whole_profiles() {
    let frame = |system: &str, angle: f64, energy: f64| {
        format!(
            "2\nProperties=species:S:1:pos:R:3 energy={energy} charge=0 system={system} torsion_angle={angle}\nHe 0 0 0\nHe 0 0 {angle}\n"
        )
    };
    let text = [("a-1", 5.0, 0.1), ("a-1", 10.0, 0.0), ("a-2", 20.0, 0.2), ("a-2", 30.0, 0.0)];
    let text: String = text.iter().map(|&(system, angle, energy)| frame(system, angle, energy)).collect();
    let plan = Sets::new(&[("schrodinger_mlff/TorsionTest2000.extxyz", &text)]).plan("torsions").unwrap();
    let row = |s: &System| match s.positions[1][2] {
        r if r < 6.0 => 2.0,
        r if r > 15.0 && r < 25.0 => 0.5,
        _ => 0.0,
    };
    let answers = plan.systems.iter().map(|s| Ok(Energy { value: 0.0, deviation: vec![row(s)] })).collect();
    let report =
        plan.report(named("torsions").unwrap(), &[("toy".into(), Answers::Energies(answers))]).unwrap();
    let Results::Profiles(all) = &report.results else { panic!() };
    let whole = all.confidence_of_profiles[0].as_ref().unwrap();
    assert_eq!((whole.pairs, whole.rank_correlation), (2, Some(-1.0)));
    close(whole.uncertainty * KCAL_PER_MOL, ((1.0 + 0.0625f64) / 2.0).sqrt());
    close(whole.error * KCAL_PER_MOL, ((0.0025 + 0.01f64) / 2.0).sqrt());
    close(all.confidence[0].as_ref().unwrap().ratio, whole.ratio);
    let sheets = report.sheets();
    let sheet = sheets.iter().find(|s| s.title.starts_with("Uncertainty")).unwrap();
    assert_eq!(sheet.rows.len(), 2);
}

/// Energies per molecule: cells of one and two molecules with the toy's -2 eV have -2 and -1 eV.
#[test]
fn landscapes_per_molecule() {
    let cell = |keys: &str| {
        format!(
            "1\nLattice=\"5 0 0 0 5 0 0 0 5\" Properties=species:S:1:pos:R:3 charge=0 {keys} pbc=\"T T T\"\nHe 0 0 0\n"
        )
    };
    let frame = |n: usize, energy: f64| cell(&format!("energy={energy} system=A number_of_molecules={n}"));
    let sets = Sets::new(&[
        ("schrodinger_mlff/OrganicCrystals_PBE-D3.extxyz", &(frame(1, -7.0) + &frame(2, -12.0))),
        ("schrodinger_mlff/OrganicCrystals_PBE-D3_experimental_structures.extxyz", &(frame(2, -13.0))),
    ]);
    let report = sets.report("landscapes");
    let Results::Profiles(all) = &report.results else { panic!() };
    // References from the lowest: 0, 1, 0.5; the toy from its lowest: 0, 1, 1; errors 0, 0, 0.5 about 1/6.
    close(all.profiles[0].errors[0].unwrap().mae * KCAL_PER_MOL, (1.0 / 6.0 + 1.0 / 6.0 + 1.0 / 3.0) / 3.0);
    assert_eq!(all.profiles[0].points, 3);
    assert!(sets.plan("observed-forms").is_err(), "one form cannot be ranked");

    let named = |name: &str| cell(&format!("name={name} geometry=i"));
    let reference =
        r#"{"header":[],"reactions":[{"stoich":[[0.5,"i-b"],[-1.0,"i-expt"]],"ref_kcal_mol":1.0}]}"#;
    let sets = Sets::new(&[
        (
            "crystals_refdata/polymorph.extxyz",
            &(named("i-expt") + &named("i-b").replace("5 0 0 0", "6 0 0 0")),
        ),
        ("crystals_refdata/polymorph_reference.json", reference),
    ]);
    let report = sets.report("polymorphs");
    close(report.headline.values[0].unwrap(), 0.5 * (1.0 / KCAL_PER_MOL - 1.0));
}

/// Charges and spins of Birkholz' set are in the comment. Atoms that only repel each other never converge, and are counted.
#[test]
fn optimisations_are_counted() {
    let text =
        "2\nProperties=species:S:1:pos:R:3 name=zn comment=\"1 2\" pbc=\"F F F\"\nHe 0 0 0\nHe 0 0 1\n";
    let sets = Sets::new(&[
        ("geomopt_sets/birkholz.extxyz", text),
        ("geomopt_sets/baker.extxyz", &text.replace("1 2", "zn")),
    ]);
    let plan = sets.plan("birkholz").unwrap();
    assert_eq!((plan.systems[0].charge, plan.systems[0].unpaired), (1, 1));
    assert_eq!(sets.plan("baker").unwrap().systems[0].charge, 0);
    let answers = plan.systems.iter().map(|s| relax(&Toy, s).unwrap()).collect();
    let report =
        plan.report(named("birkholz").unwrap(), &[("toy".into(), Answers::Relaxed(answers))]).unwrap();
    let Results::Optimisations(all) = &report.results else { panic!() };
    assert_eq!(all.models[0].molecules, 1);
    assert!(all.molecules[0].results[0].unwrap().energy < 1.0, "downhill");
}

#[test]
fn missing_files_and_keys_are_named() {
    let sets = Sets::new(&[]);
    let error = sets.plan("torsions").unwrap_err().to_string();
    assert!(error.contains("TorsionTest2000.extxyz") && error.contains("bench list"), "{error}");
    let text = "1\nProperties=species:S:1:pos:R:3 energy=1.0 torsion_angle=0\nHe 0 0 0\n";
    let error = Sets::new(&[("TorsionTest2000.extxyz", text)]).plan("torsions").unwrap_err().to_string();
    assert!(error.contains("TorsionTest2000.extxyz:1") && error.contains("`system`"), "{error}");
    assert!(named("nothing").unwrap_err().to_string().contains("s66x8"));
}
