//! Model files: nothing is lost, and every kind of damage is refused in one line with the mend.

use oxidane_core::ErrorKind;
use oxidane_models::file::{self, ErrorEntry, Header, Tensors};
use oxidane_models::{Layout, Model, Tensor};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use std::collections::HashMap;

fn model() -> (Header, Tensors) {
    let hyperparameters = serde_json::json!({"cutoff": 0.1 + 0.2, "node_dim": 128, "activation": "silu"});
    let mut header = Header::new("water", "xpainn", hyperparameters);
    let head = header.only_head_mut();
    head.elements = vec![1, 8];
    head.charges = vec![-1, 0];
    head.unpaired = vec![0];
    head.level_of_theory = Some("PBE0/def2-TZVP".into());
    // Numbers with no short decimal form: they must come back to the last bit.
    head.reference_energies.insert("H".into(), -13.605_693_122_994_234);
    head.reference_energies.insert("O".into(), -1.0 / 3.0 * 1e3);
    header.errors.push(ErrorEntry {
        head: None,
        dataset: "test".into(),
        property: "energy per atom".into(),
        mae: 1e-3 / 7.0,
        rmse: 2e-3 / 7.0,
        unit: "eV".into(),
        frames: 100,
    });
    header.provenance.created = "2026-01-01".into();
    header.provenance.seed = Some(u64::MAX);
    let tensors = Tensors::from([
        (
            "a.weight".into(),
            Tensor { shape: vec![2, 3], data: vec![0.5, -1.0, 0.0, -0.0, 3.0, 1e-30f32.into()] },
        ),
        ("b.table".into(), Tensor { shape: vec![2], data: vec![0.1, 1.0 / 3.0] }),
        ("c.empty".into(), Tensor { shape: vec![0, 4], data: vec![] }),
    ]);
    (header, tensors)
}

fn refusal(bytes: &[u8]) -> String {
    let error = file::read_bytes(bytes).unwrap_err();
    assert_eq!(error.kind, oxidane_core::ErrorKind::Model);
    let text = error.to_string();
    assert!(!text.contains('\n'), "{text}");
    text
}

#[test]
fn everything_comes_back_bit_for_bit() {
    let (header, tensors) = model();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    let hash = file::write(&path, &header, &tensors).unwrap();
    let (back, numbers) = file::read(&path).unwrap();
    assert_eq!(back, Header { hash, ..header.clone() });
    assert_eq!(numbers, tensors);
    assert!(numbers["a.weight"].data[3].is_sign_negative());
    assert_eq!(
        std::fs::read(&path).unwrap(),
        file::to_bytes(&back, &numbers).unwrap(),
        "the same bytes again"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn single_precision_is_stored_as_such() {
    let (header, tensors) = model();
    let bytes = file::to_bytes(&header, &tensors).unwrap();
    let stored = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(stored.tensor("a.weight").unwrap().dtype(), Dtype::F32);
    assert_eq!(stored.tensor("b.table").unwrap().dtype(), Dtype::F64);
}

#[test]
fn every_truncation_and_every_changed_byte_is_refused() {
    let (header, tensors) = model();
    let whole = file::to_bytes(&header, &tensors).unwrap();
    for n in 0..whole.len() {
        assert!(file::read_bytes(&whole[..n]).is_err(), "{n} bytes");
    }
    assert!(refusal(&whole[..whole.len() - 1]).contains("truncated"));
    for i in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[i] ^= 1;
        // A change that leaves the same model (white space at the JSON's end) is the only one let through.
        if let Ok(read) = file::read_bytes(&bytes) {
            assert_eq!(read.1, tensors, "byte {i}");
            assert_eq!(Header { hash: String::new(), ..read.0 }, header, "byte {i}");
        }
    }
    let mut bytes = whole.clone();
    *bytes.last_mut().unwrap() ^= 1;
    assert!(refusal(&bytes).contains("hash"));
}

fn foreign(metadata: Option<&str>) -> Vec<u8> {
    let view = TensorView::new(Dtype::F32, vec![1], &[0; 4]).unwrap();
    let metadata = metadata.map(|m| HashMap::from([("oxidane".to_string(), m.to_string())]));
    safetensors::serialize([("x", view)], metadata).unwrap()
}

#[test]
fn foreign_and_newer_files_are_named() {
    assert!(refusal(b"").contains("not a model file"));
    assert!(refusal(b"PK\x03\x04").contains("import"));
    assert!(refusal(b"hello, this is a text").contains("not a model file"));
    assert!(refusal(&foreign(None)).contains("another program"));
    assert!(refusal(&foreign(Some("{"))).contains("header"));
    assert!(refusal(&foreign(Some("{}"))).contains("format version"));
    assert!(refusal(&foreign(Some(r#"{"format_version": 99}"#))).contains("update the program"));
    assert!(refusal(&foreign(Some(r#"{"format_version": 0}"#))).contains("format version"));
    assert!(refusal(&foreign(Some(r#"{"format_version": 1, "colour": 3}"#))).contains("colour"));
    assert!(refusal(&foreign(Some(r#"{"format_version": 1, "heads": []}"#))).contains("heads"));
    assert!(refusal(&foreign(Some(r#"{"format_version": 2, "elements": [1]}"#))).contains("elements"));
}

#[test]
fn senseless_models_are_not_written() {
    let (header, tensors) = model();
    let mut nan = tensors.clone();
    nan.get_mut("b.table").unwrap().data[0] = f64::NAN;
    assert!(file::to_bytes(&header, &nan).unwrap_err().to_string().contains("diverged"));
    let mut short = tensors.clone();
    short.get_mut("b.table").unwrap().data.pop();
    assert!(file::to_bytes(&header, &short).is_err());
    for change in [
        |h: &mut Header| h.units.energy = "hartree".into(),
        |h: &mut Header| h.heads[0].elements = vec![0],
        |h: &mut Header| h.heads[0].elements = vec![8, 1],
        |h: &mut Header| h.heads[0].reference_energies.extend([("Xx".into(), 0.0)]),
        |h: &mut Header| h.heads[0].reference_energies.extend([("H".into(), f64::INFINITY)]),
    ] {
        let mut h = header.clone();
        change(&mut h);
        assert!(file::to_bytes(&h, &tensors).is_err());
    }
}

#[test]
fn weights_fit_their_layout_or_are_refused() {
    let (_, tensors) = model();
    let mut layout = Layout::default();
    for (name, t) in &tensors {
        layout.add(name.clone(), &t.shape, true, true);
    }
    let flat = file::join(&layout, &tensors).unwrap();
    assert_eq!(file::split(&layout, &flat), tensors);
    let mut missing = tensors.clone();
    missing.remove("a.weight");
    assert!(file::join(&layout, &missing).unwrap_err().to_string().contains("a.weight is missing"));
    let mut turned = tensors.clone();
    turned.get_mut("a.weight").unwrap().shape = vec![3, 2];
    assert!(file::join(&layout, &turned).unwrap_err().to_string().contains("[3, 2] instead of [2, 3]"));
    let mut more = tensors;
    more.insert("z".into(), Tensor::default());
    assert!(file::join(&layout, &more).unwrap_err().to_string().contains("z is not part"));
}

/// Loading names the file and says in one line why it cannot be used, whatever it is.
#[test]
fn loading_refuses_in_one_line_that_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let refuse = |name: &str, bytes: Option<&[u8]>, kind: ErrorKind| {
        let path = folder.path().join(name);
        if let Some(bytes) = bytes {
            std::fs::write(&path, bytes).unwrap();
        }
        let error = Model::load(&path).unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        let text = error.to_string();
        assert!(text.contains(name) && !text.contains('\n'), "{text}");
    };
    refuse("absent.safetensors", None, ErrorKind::Io);
    refuse("empty.safetensors", Some(b""), ErrorKind::Model);
    refuse("text.safetensors", Some(b"not a model"), ErrorKind::Model);
    refuse("zip.pt", Some(b"PK\x03\x04 and no archive"), ErrorKind::Model);
    // Whole as a file, but its tensors are not those of the architecture in the header.
    let (header, tensors) = model();
    let bytes = file::to_bytes(&header, &tensors).unwrap();
    refuse("foreign.safetensors", Some(&bytes), ErrorKind::Model);
    refuse("short.safetensors", Some(&bytes[..bytes.len() - 1]), ErrorKind::Model);
    let unknown = Header { architecture: "unheard-of".into(), ..header };
    let bytes = file::to_bytes(&unknown, &tensors).unwrap();
    refuse("unknown.safetensors", Some(&bytes), ErrorKind::Model);
}
