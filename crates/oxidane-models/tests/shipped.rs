//! The models inside the program.

use oxidane_core::{ErrorKind, Request, System, io};
use oxidane_models::{Model, PotentialOptions, Precision, shipped};
use std::path::Path;

fn example(name: &str) -> System {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    io::read_first(file).unwrap().system
}

#[test]
fn every_shipped_model_states_what_it_is() {
    assert!(!shipped::SHIPPED.is_empty());
    for s in &shipped::SHIPPED {
        let model = Model::shipped(Some(s.name)).unwrap();
        let header = model.header();
        assert_eq!(header.name, s.name);
        for head in &header.heads {
            assert!(!head.elements.is_empty() && !head.charges.is_empty() && !head.unpaired.is_empty());
            assert!(head.level_of_theory.is_some());
        }
        assert!(!header.errors.is_empty());
        assert!(header.provenance.seed.is_some() && header.provenance.config.is_some());
        assert!(header.provenance.data.is_some() && header.provenance.licence.is_some());
    }
    assert_eq!(Model::shipped(Some("nothing")).unwrap_err().kind, ErrorKind::Model);
}

/// Files of the first format are brought up to the present one: one head without a name, hash and results as they were. The model
/// inside the program is such a file; written again it has the present format and the same numbers.
#[test]
fn files_of_version_1_stay_readable() {
    let old = Model::shipped(Some("rmd17")).unwrap();
    let header = old.header();
    assert_eq!(header.format_version, 1);
    assert_eq!(header.hash, "adabcffff279c3a48ffec127bbcea989e1395f35b0e41d7d71e7efbad4229816");
    assert_eq!(
        (header.heads.len(), header.default_head.as_str(), header.heads[0].name.as_str()),
        (1, "", "")
    );
    assert_eq!(header.heads[0].elements, [1, 6, 7, 8]);
    assert_eq!(header.heads[0].level_of_theory.as_deref(), Some("PBE/def2-SVP"));
    assert_eq!(header.heads[0].reference_energies.len(), 4);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.safetensors");
    old.save(&path).unwrap();
    let new = Model::load(&path).unwrap();
    assert_eq!(new.header().format_version, oxidane_models::file::FORMAT_VERSION);
    assert_eq!(new.header().heads, header.heads);
    assert_eq!(new.network::<f64>().unwrap().parameters(), old.network::<f64>().unwrap().parameters());
}

/// The model of rMD17 knows aspirin: a geometry from another method is within the forces that thermal motion brings, and
/// single precision agrees with double within its promise.
#[test]
fn rmd17_knows_aspirin() {
    let model = Model::shipped(Some("rmd17")).unwrap();
    let aspirin = example("aspirin.xyz");
    let mut results = [Precision::F64, Precision::F32].map(|precision| {
        let options = PotentialOptions { precision, ..PotentialOptions::default() };
        model.potential(options).unwrap().evaluate(&aspirin, Request::FORCES).unwrap()
    });
    let [exact, single] = &mut results;
    let forces = exact.forces.take().unwrap();
    assert!(forces.iter().flatten().all(|f| f.abs() < 3.0), "a foreign equilibrium has forces of a few eV/A");
    for (a, b) in forces.iter().flatten().zip(single.forces.take().unwrap().iter().flatten()) {
        assert!((a - b).abs() < 1e-4, "{a} {b}");
    }
}

#[test]
fn rmd17_refuses_what_it_never_saw() {
    let potential = Model::shipped(Some("rmd17")).unwrap().potential(PotentialOptions::default()).unwrap();
    let water = System::molecule(vec![8, 1, 1], vec![[0.0; 3], [0.96, 0.0, 0.0], [-0.24, 0.93, 0.0]]);
    assert!(potential.check(&water).is_ok());
    let mut sulfide = water.clone();
    sulfide.numbers[0] = 16;
    let mut cation = water.clone();
    (cation.charge, cation.unpaired) = (1, 1);
    let mut triplet = water;
    triplet.unpaired = 2;
    for bad in [sulfide, cation, triplet] {
        assert_eq!(potential.check(&bad).unwrap_err().kind, ErrorKind::Domain);
    }
}
