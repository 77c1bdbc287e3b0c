//! Checkpoints of the reference implementation: what it computes from them is in the `.jsonl` beside each (made in
//! double precision). The import must give the same values, and refuse what it cannot give exactly.

use oxidane_core::{Cell, System};
use oxidane_models::import::xequinet;
use oxidane_models::{Batch, Outputs, Scratch};
use serde_json::Value;
use std::io::{Cursor, Read, Write};
use std::path::PathBuf;

fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn rows(value: &Value) -> Vec<[f64; 3]> {
    serde_json::from_value(value.clone()).unwrap()
}

fn system(line: &Value) -> System {
    System {
        numbers: serde_json::from_value(line["numbers"].clone()).unwrap(),
        positions: rows(&line["positions"]),
        cell: line.get("cell").filter(|c| !c.is_null()).map(|c| Cell::new(rows(c).try_into().unwrap())),
        charge: line["charge"].as_i64().unwrap() as i32,
        unpaired: line["unpaired"].as_u64().unwrap() as u32,
    }
}

/// All numbers of nested lists, in order.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

fn run(model: &xequinet::ImportedXpainn, system: &System) -> Outputs {
    let network = model.network::<f64>().unwrap();
    let batch = Batch::build(system, network.cutoff()).unwrap();
    network.run(&batch, network.capabilities(), &mut Scratch::default(), false).unwrap()
}

#[test]
fn imported_models_compute_the_reference_values() {
    for name in ["small-charge-spin", "small-onehot-multi"] {
        let model = xequinet::read(&data(&format!("{name}.pt"))).unwrap();
        assert_eq!((model.energy_scale, model.length_scale, model.epoch), (1.0, 1.0, Some(1)));
        assert!(model.notes.is_empty(), "{:?}", model.notes);
        let text = std::fs::read_to_string(data(&format!("{name}.jsonl"))).unwrap();
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let out = run(&model, &system(&line));
            let flat = |rows: &[[f64; 3]]| rows.as_flattened().to_vec();
            for (key, got) in [
                ("energy", out.energy.clone()),
                ("atomic_energies", out.atomic_energies.clone()),
                ("forces", flat(&out.forces)),
                ("virial", flat(out.virial.as_flattened())),
                ("atomic_charges", out.charges.clone()),
                ("dipole", flat(&out.dipole)),
                ("polarizability", flat(out.polarizability.as_flattened())),
            ] {
                let Some(want) = line.get(key).map(numbers) else { continue };
                assert_eq!(got.len(), want.len(), "{name} {}: {key}", line["name"]);
                for (g, w) in got.iter().zip(want) {
                    // The reference sums in another order; its figures agree with any other to about 1e-12.
                    let off = (g - w).abs();
                    assert!(off <= 1e-9 * w.abs().max(1.0), "{name} {}: {key} off by {off:e}", line["name"]);
                }
            }
        }
    }
}

/// The checkpoint with a text of its pickle replaced by another of the same length.
fn edited(name: &str, changes: &[(&str, &str)]) -> Vec<u8> {
    edited_bytes(name, &changes.iter().map(|(a, b)| (a.as_bytes(), b.as_bytes())).collect::<Vec<_>>())
}

fn edited_bytes(name: &str, changes: &[(&[u8], &[u8])]) -> Vec<u8> {
    let bytes = std::fs::read(data(name)).unwrap();
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for i in 0..zip.len() {
        let mut entry = zip.by_index(i).unwrap();
        let entry_name = entry.name().unwrap().to_string();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        if entry_name.ends_with("data.pkl") {
            for (from, to) in changes {
                assert_eq!(from.len(), to.len());
                let places: Vec<usize> =
                    (0..content.len() - from.len()).filter(|&i| content[i..].starts_with(from)).collect();
                assert!(!places.is_empty(), "{:?} is not there", String::from_utf8_lossy(from));
                places.iter().for_each(|&i| content[i..i + to.len()].copy_from_slice(to));
            }
        }
        out.start_file(entry_name, zip::write::SimpleFileOptions::default()).unwrap();
        out.write_all(&content).unwrap();
    }
    out.finish().unwrap().into_inner()
}

#[test]
fn what_cannot_be_computed_exactly_is_refused_by_name() {
    let multi = "small-onehot-multi.pt";
    for (changes, words) in [
        (vec![("layer_norm", "layer_morn")], "layer_morn"),
        (vec![("polynomial", "polynomiax")], "polynomiax"),
        (vec![("gaussian", "gaussiam")], "gaussiam"),
        (vec![("one-hot", "two-hot")], "two-hot"),
        (vec![("xpainn", "ypainn")], "ypainn"),
        (vec![("output_polar", "output_solar")], "output_solar"),
        (vec![("mods.", "nods.")], "nods."),
        (vec![("message_1.rbf_lin", "message_7.rbf_lin")], "message_7.rbf_lin"),
        (vec![("12x1o", "12x1e")], "parity"),
        (vec![("Ang", "Ohm")], "Ohm"),
        (vec![("eV", "eW")], "eW"),
        (vec![("config", "gonfic")], "config"),
        // The weights' shapes decide over the hyperparameters.
        (vec![("24x0e+12x1o", "24x0e+13x1o")], "shape"),
        (vec![("16x0e+8x1o+4x2e", "17x0e+8x1o+4x2e")], "shape"),
    ] {
        let error = xequinet::read_bytes(edited(multi, &changes)).unwrap_err();
        assert_eq!(error.kind, oxidane_core::ErrorKind::Model, "{error}");
        let text = error.to_string();
        assert!(text.contains(words) && !text.contains('\n'), "{changes:?}: {text}");
    }
}

#[test]
fn energies_in_other_units_are_converted() {
    let name = "small-onehot-multi";
    let line: Value = serde_json::from_str(
        std::fs::read_to_string(data(&format!("{name}.jsonl"))).unwrap().lines().next().unwrap(),
    )
    .unwrap();
    let system = system(&line);
    let model = xequinet::read_bytes(edited(&format!("{name}.pt"), &[("eV", "Ha")])).unwrap();
    let hartree = oxidane_core::units::HARTREE;
    assert_eq!(model.energy_scale, hartree);
    assert_eq!(model.notes.len(), 1);
    let want = line["energy"][0].as_f64().unwrap() * hartree;
    assert!((run(&model, &system).energy[0] - want).abs() < 1e-9 * want.abs());
}

#[test]
fn lengths_in_other_units_are_converted() {
    // The same weights for lengths in bohr: the same energies where the same figures are lengths in bohr.
    let name = "small-onehot-multi";
    let text = std::fs::read_to_string(data(&format!("{name}.jsonl"))).unwrap();
    let line: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    // "a0" for "Ang", the rest of the place filled with instructions that copy and drop it.
    let change: (&[u8], &[u8]) = (b"X\x03\x00\x00\x00Ang", b"\x8c\x02a0\x32\x30\x32\x30");
    let model = xequinet::read_bytes(edited_bytes(&format!("{name}.pt"), &[change])).unwrap();
    let bohr = oxidane_core::units::BOHR;
    assert_eq!((model.length_scale, model.config.cutoff), (bohr, 4.5 * bohr));
    let mut system = system(&line);
    system.positions.iter_mut().flatten().for_each(|x| *x *= bohr);
    let want = line["energy"][0].as_f64().unwrap();
    let off = (run(&model, &system).energy[0] - want).abs();
    assert!(off < 1e-9 * want.abs(), "off by {off:e}");
}

#[test]
fn damaged_checkpoints_never_panic() {
    let whole = std::fs::read(data("small-onehot-multi.pt")).unwrap();
    // A fixed sequence of single-byte changes spread over the pickle and the directory.
    for i in (0..whole.len()).step_by(whole.len() / 150) {
        let mut bytes = whole.clone();
        bytes[i] = bytes[i].wrapping_mul(3).wrapping_add(41);
        let _ = xequinet::read_bytes(bytes);
        assert!(xequinet::read_bytes(whole[..i].to_vec()).is_err());
    }
}
