//! Writing: exact round trips, trajectories, random access, compressed input, failures of the disk.

use oxidane_core::io::{
    Array, Data, Format, Frame, FrameIndex, FrameWriter, Value, frame_to_string, read_all, read_str,
    write_atomically, write_frames,
};
use oxidane_core::{Cell, Error, ErrorKind, System};
use proptest::prelude::*;
use std::io::Write;

/// Five frames of water, every other with a helium atom and a cell.
fn sample() -> Vec<Frame> {
    let frame = |i: u32| {
        let x = 0.1 * f64::from(i);
        let mut s =
            System::molecule(vec![8, 1, 1], vec![[x, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0 / 3.0, 0.0]]);
        if i % 2 == 1 {
            s.numbers.push(2);
            s.positions.push([5.0; 3]);
            s.cell = Some(Cell::new([[9.0, 0.1, 0.0], [0.0, 9.0, 0.0], [0.0, 0.0, 9.0]]));
        }
        let mut f = Frame::new(s);
        f.set_energy(-1.0 / f64::from(i + 3));
        f.set_forces(&vec![[1e-300, -0.0, 2.0 / 3.0]; f.system.len()]);
        f.set_stress([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 0.1]]);
        f
    };
    (0..5).map(frame).collect()
}

#[test]
fn trajectories_and_random_access() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.xyz");
    let frames = sample();
    let mut w = FrameWriter::create(&path).unwrap();
    w.write(&frames[0]).unwrap();
    w.finish().unwrap();
    let mut w = FrameWriter::append(&path).unwrap();
    frames[1..].iter().for_each(|f| w.write(f).unwrap());
    w.finish().unwrap();
    assert_eq!(read_all(&path).unwrap(), frames);
    let index = FrameIndex::build(&path).unwrap();
    assert_eq!((index.len(), index.atoms(0), index.atoms(1), index.atoms(9)), (5, 3, 4, 0));
    for i in [3, 0, 4, 1, 2] {
        assert_eq!(index.read_frame(i).unwrap(), frames[i]);
    }
    assert!(index.read_frame(5).unwrap_err().to_string().contains("there is no frame 5"));
    std::fs::write(&path, "1\n\nHe 0 0 0\n").unwrap();
    assert!(index.read_frame(4).unwrap_err().to_string().contains("changed"));
}

fn gzip(t: &str) -> Vec<u8> {
    let mut e = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    e.write_all(t.as_bytes()).unwrap();
    e.finish().unwrap()
}

/// An xz stream that holds two frames, helium and neon.
const XZ: &[u8] = include_bytes!("io_data/two.xyz.xz");

fn zstd(t: &str) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(t.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest)
}

#[test]
fn compressed_files_are_known_by_content() {
    let dir = tempfile::tempdir().unwrap();
    let frames = sample();
    let text: String = frames.iter().map(|f| frame_to_string(f, Format::ExtXyz).unwrap()).collect();
    let half = frame_to_string(&frames[0], Format::ExtXyz).unwrap().len();
    // Two streams in one file each, under a name that says nothing of them.
    for pack in [gzip, zstd] {
        let packed = [pack(&text[..half]), pack(&text[half..])].concat();
        let path = dir.path().join("t.xyz");
        std::fs::write(&path, &packed).unwrap();
        assert_eq!(read_all(&path).unwrap(), frames);
        let index = FrameIndex::build(&path).unwrap();
        assert_eq!(index.read_frame(3).unwrap(), frames[3]);
        std::fs::write(&path, &packed[..packed.len() - 9]).unwrap();
        let message = read_all(&path).unwrap_err().to_string();
        assert!(message.contains("damaged or cut-off"), "{message}");
    }
}

#[test]
fn xz_files_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.xyz.xz");
    std::fs::write(&path, XZ).unwrap();
    let frames = read_all(&path).unwrap();
    assert_eq!((frames.len(), frames[0].system.numbers[0], frames[1].comment.as_str()), (2, 2, "second"));
    assert_eq!(FrameIndex::build(&path).unwrap().read_frame(1).unwrap(), frames[1]);
    std::fs::write(&path, &XZ[..XZ.len() - 9]).unwrap();
    assert!(read_all(&path).unwrap_err().to_string().contains("damaged or cut-off"));
}

#[test]
fn writing_tells_of_failures_and_leaves_nothing_half_done() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.xyz");
    write_frames(&path, &sample()).unwrap();
    let before = std::fs::read(&path).unwrap();
    let failed: oxidane_core::Result<()> = write_atomically(&path, |out| {
        out.write_all(b"half").unwrap();
        Err(Error::input("no"))
    });
    assert!(failed.unwrap_err().to_string().contains("a.xyz: no"));
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "temporary files are removed");
    let nowhere = write_frames(dir.path().join("no/such/folder.xyz"), &sample()).unwrap_err();
    assert_eq!(nowhere.kind, ErrorKind::Io);
    assert!(write_frames(dir.path().join("a.sdf"), &sample()).is_err());
    assert!(
        write_frames(dir.path().join("a.xyz.gz"), &sample()).unwrap_err().to_string().contains("not written")
    );
    assert!(FrameWriter::create(dir.path()).is_err());
    assert!(frame_to_string(&sample()[1], Format::Xyz).unwrap_err().to_string().contains("extxyz"));
    let mut f = sample().remove(0);
    f.info.insert("charge".into(), Value::int(1));
    assert!(frame_to_string(&f, Format::ExtXyz).is_err());
    let mut f = sample().remove(0);
    f.arrays.insert("a".into(), Array::reals(vec![1.0]));
    assert!(frame_to_string(&f, Format::ExtXyz).unwrap_err().to_string().contains("1 values for 3 atoms"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_of() {
    let mut w = FrameWriter::create("/dev/full").unwrap();
    let result = sample().iter().try_for_each(|f| w.write(f)).and_then(|()| w.finish());
    let e = result.unwrap_err();
    assert_eq!(e.kind, ErrorKind::Io);
    assert!(e.to_string().starts_with("/dev/full: "), "{e}");
    let e = write_atomically("/dev/full", |out| out.write_all(b"x").map_err(|e| Error::io("/dev/full", &e)));
    assert!(e.unwrap_err().to_string().starts_with("/dev/full: "));
    assert!(std::path::Path::new("/dev/full").exists());
}

fn any_real() -> impl Strategy<Value = f64> {
    prop_oneof![-50.0..50.0, any::<f64>().prop_filter("finite", |x| x.is_finite())]
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{0,12}", "\\PC{0,8}", "[0-9TFe. \\\\\"'\\[\\]{},=\n_]{0,8}"]
}

fn any_data() -> impl Strategy<Value = Data> {
    let n = 1..7usize;
    prop_oneof![
        prop::collection::vec(any::<bool>(), n.clone()).prop_map(Data::Bool),
        prop::collection::vec(any::<i64>(), n.clone()).prop_map(Data::Int),
        prop::collection::vec(prop_oneof![any_real(), Just(f64::INFINITY)], n.clone()).prop_map(Data::Real),
        prop::collection::vec(any_text(), n).prop_map(Data::Text),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    let matrix = |(rows, d): (usize, Data)| {
        let n = d.len();
        let rows = if n.is_multiple_of(rows) { rows } else { 1 };
        Value::matrix(rows, n / rows, d).unwrap()
    };
    prop_oneof![
        any_text().prop_map(Value::text),
        any::<bool>().prop_map(Value::bool),
        any::<i64>().prop_map(Value::int),
        any_real().prop_map(Value::real),
        any_data().prop_map(Value::vector),
        (1..4usize, any_data()).prop_map(matrix),
    ]
}

prop_compose! {
    fn any_frame()(n in 1..5usize)(
        numbers in prop::collection::vec(1..=118u8, n),
        positions in prop::collection::vec(prop::array::uniform3(any_real()), n),
        cell in prop::option::of((prop::array::uniform3(1.0..30.0f64), any::<[bool; 3]>())),
        charge in prop::option::of(0..=1i32),
        info in prop::collection::btree_map("[a-z =\"\\[é]{1,5}", any_value(), 0..5),
        columns in 1..3usize,
        reals in prop::collection::vec(any_real(), n * 2),
        words in prop::collection::vec("[!-~é]{1,6}", n * 2),
        comment in any_text(),
    ) -> Frame {
        let mut f = Frame::new(System::molecule(numbers, positions));
        f.system.cell = cell.map(|(l, periodic)| {
            Cell { vectors: [[l[0], 0.5, 0.0], [0.0, l[1], 0.1], [0.0, 0.0, l[2]]], periodic }
        });
        f.stated.charge = charge;
        f.stated.set(&mut f.system).unwrap();
        let reserved = ["spin", "uhf", "mult", "chrg", "pbc"];
        f.info = info.into_iter().filter(|(k, _)| !reserved.contains(&k.as_str())).collect();
        let n = f.system.len();
        f.arrays.insert("forces".into(), Array { columns, data: Data::Real(reals[..n * columns].to_vec()) });
        f.arrays.insert("words".into(), Array { columns, data: Data::Text(words[..n * columns].to_vec()) });
        f.comment = comment;
        f
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_again_bit_for_bit(frame in any_frame()) {
        let text = frame_to_string(&frame, Format::ExtXyz).unwrap();
        let again = read_str(&text, Format::ExtXyz).unwrap().remove(0);
        prop_assert_eq!(&again, &frame, "{}", text);
        for (a, b) in again.system.positions.iter().zip(&frame.system.positions) {
            prop_assert_eq!(a.map(f64::to_bits), b.map(f64::to_bits));
        }
    }
}
