//! XequiNet checkpoints through the program: the published numbers come out.

mod common;
use common::Bench;
use oxidane_core::io::{Frame, Value as Item, write_frames};
use oxidane_core::{Cell, System};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../oxidane-models/tests/data").join(name)
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(list) => list.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap()],
    }
}

fn vectors(value: &Value) -> Vec<[f64; 3]> {
    numbers(value).chunks_exact(3).map(|v| [v[0], v[1], v[2]]).collect()
}

fn frame(line: &Value) -> Frame {
    let cell = line.get("cell").filter(|c| !c.is_null()).map(|c| Cell::new(vectors(c).try_into().unwrap()));
    let system = System {
        numbers: line["numbers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|z| u8::try_from(z.as_u64().unwrap()).unwrap())
            .collect(),
        positions: vectors(&line["positions"]),
        cell,
        charge: i32::try_from(line["charge"].as_i64().unwrap()).unwrap(),
        unpaired: u32::try_from(line["unpaired"].as_u64().unwrap()).unwrap(),
    };
    let mut frame = Frame::new(system);
    frame.info.insert("name".into(), Item::text(line["name"].as_str().unwrap()));
    frame
}

#[track_caller]
fn close(got: &Value, expected: &Value, tolerance: impl Fn(f64) -> f64) {
    let (got, expected) = (numbers(got), numbers(expected));
    assert_eq!(got.len(), expected.len());
    for (g, e) in got.iter().zip(&expected) {
        assert!((g - e).abs() <= tolerance(*e), "{g} where {e} belongs");
    }
}

/// Double precision against the reference implementation in double precision: energies to 1e-9 (relative), all else
/// to 1e-8 in its unit; both from the checkpoint itself and from the model file made of it.
#[test]
fn checkpoints_give_the_reference_numbers() {
    let bench = Bench::new();
    for name in ["small-charge-spin", "small-onehot-multi"] {
        let text = std::fs::read_to_string(reference(&format!("{name}.jsonl"))).unwrap();
        let lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let frames: Vec<Frame> = lines.iter().map(frame).collect();
        write_frames(bench.path("all.xyz"), &frames).unwrap();
        let checkpoint = reference(&format!("{name}.pt"));
        let checkpoint = checkpoint.to_str().unwrap();
        bench.run(&["import", "xequinet", checkpoint, "-o", "imported.safetensors"]).ok();
        let run = |model: &str| {
            bench.run(&["sp", "all.xyz", "--json", "--precision", "f64", "--model", model]).ok()
        };
        let direct = run(checkpoint);
        assert!(direct == run("imported.safetensors"), "a model file has the same bits as its checkpoint");

        let results: Vec<Value> = serde_json::from_str(&direct).unwrap();
        assert_eq!(results.len(), lines.len());
        for (got, line) in results.iter().zip(&lines) {
            assert_eq!(got["name"], line["name"]);
            close(&got["energy"], line["energy"].get(0).unwrap_or(&line["energy"]), |e| {
                1e-9 * e.abs().max(1.0)
            });
            for key in ["forces", "virial", "charges", "dipole", "polarizability"] {
                let Some(expected) = line.get(key).filter(|v| !v.is_null()) else { continue };
                close(&got[key], expected, |_| 1e-8);
            }
        }
    }
}
