//! The checkpoint reader on hand-made pickles and archives: what it must understand, what it must refuse, and that
//! damage never makes it panic.

use oxidane_models::import::pickle::{Cursor, Kind, TorchFile, parse};
use proptest::prelude::*;
use std::io::Write;

/// A `.pt` archive with the given pickle and storages.
fn archive(pickle: &[u8], storages: &[(&str, &[u8])], byteorder: &str, deflate: bool) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let method = if deflate { zip::CompressionMethod::Deflated } else { zip::CompressionMethod::Stored };
    let options = zip::write::SimpleFileOptions::default().compression_method(method);
    let mut put = |name: String, data: &[u8]| {
        zip.start_file(name, options).unwrap();
        zip.write_all(data).unwrap();
    };
    put("m/data.pkl".into(), pickle);
    put("m/byteorder".into(), byteorder.as_bytes());
    for (key, data) in storages {
        put(format!("m/data/{key}"), data);
    }
    zip.finish().unwrap().into_inner()
}

fn short(s: &str) -> Vec<u8> {
    let mut v = vec![0x8c, s.len() as u8];
    v.extend_from_slice(s.as_bytes());
    v
}

fn global(module: &str, name: &str) -> Vec<u8> {
    format!("c{module}\n{name}\n").into_bytes()
}

/// The call that rebuilds a tensor: storage class, key, number of elements, offset, shape, stride.
fn tensor(class: &str, key: &str, len: u8, offset: u8, shape: &[u8], stride: &[u8]) -> Vec<u8> {
    let tuple = |items: &[u8]| {
        let mut v = vec![b'('];
        items.iter().for_each(|&i| v.extend([b'K', i]));
        v.push(b't');
        v
    };
    let mut v = global("torch._utils", "_rebuild_tensor_v2");
    v.extend(b"((");
    v.extend(short("storage"));
    v.extend(global("torch", class));
    v.extend(short(key));
    v.extend(short("cpu"));
    v.extend([b'K', len, b't', b'Q', b'K', offset]);
    v.extend(tuple(shape));
    v.extend(tuple(stride));
    v.extend([0x89]);
    v.extend(global("collections", "OrderedDict"));
    v.extend(b")RtR");
    v
}

fn program(body: &[u8]) -> Vec<u8> {
    [&[0x80, 2], body, b"."].concat()
}

fn read_one(body: &[u8], storages: &[(&str, &[u8])], byteorder: &str) -> oxidane_core::Result<Vec<f64>> {
    let file = TorchFile::from_bytes(archive(&program(body), storages, byteorder, true))?;
    let t = file.root().as_tensor().expect("a tensor").clone();
    Ok(file.tensors([("t".to_string(), &t)])?.remove("t").unwrap().data)
}

#[test]
fn values_of_every_kind() {
    let mut body = b"(N\x88\x89K\x07M\x00\x01J\xff\xff\xff\xff".to_vec();
    body.extend(b"\x8a\x00\x8a\x01\xff\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01");
    body.extend(b"G\x3f\xf8\x00\x00\x00\x00\x00\x00C\x02\x00\xff");
    body.extend(b"X\x02\x00\x00\x00\xc3\xa9](K\x01K\x02e}(K\x01K\x02u\x8f(K\x03\x90)t");
    let tree = parse(&program(&body)).unwrap();
    let items: Vec<Kind> =
        Cursor::new(&tree, tree.root()).elements().unwrap().map(|c| c.kind().clone()).collect();
    assert_eq!(items[..3], [Kind::None, Kind::Bool(true), Kind::Bool(false)]);
    assert_eq!(items[3..8], [7, 256, -1, 0, -1].map(Kind::Int));
    assert!(matches!(&items[8], Kind::BigInt(b) if b.len() == 9));
    assert_eq!(items[9..12], [Kind::Float(1.5), Kind::Bytes(vec![0, 255]), Kind::Str("é".into())]);
    assert!(matches!(&items[12], Kind::List(l) if l.len() == 2));
    assert!(matches!(&items[13], Kind::Dict(d) if d.len() == 1));
    assert!(matches!(&items[14], Kind::Set(s) if s.len() == 1));
    assert!(matches!(&items[15], Kind::Tuple(t) if t.is_empty()));
}

#[test]
fn calls_stay_inert() {
    let mut body = global("os", "system");
    body.extend(short("true"));
    body.extend(b"\x85R");
    let tree = parse(&program(&body)).unwrap();
    let Kind::Object { class, .. } = tree.kind(tree.root()) else { panic!("not an object") };
    assert_eq!(class, "os.system");
}

#[test]
fn a_list_inside_itself_is_read() {
    let tree = parse(&program(b"]q\x00h\x00a")).unwrap();
    assert!(matches!(tree.kind(tree.root()), Kind::List(l) if l[0] == tree.root()));
}

#[test]
fn numpy_scalars_become_numbers() {
    let mut body = global("numpy.core.multiarray", "scalar");
    body.extend(global("numpy", "dtype"));
    body.extend(short("f8"));
    body.extend(b"\x89\x88\x87R(K\x03");
    body.extend(short("<"));
    body.extend(b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tbC\x08");
    body.extend(2.5f64.to_le_bytes());
    body.extend(b"\x86R");
    let tree = parse(&program(&body)).unwrap();
    assert_eq!(*tree.kind(tree.root()), Kind::Float(2.5));
}

#[test]
fn tensors_of_every_type() {
    let numbers = [1.0, -2.0, 3.0];
    let cases: [(&str, Vec<u8>); 8] = [
        ("FloatStorage", numbers.iter().flat_map(|&x| (x as f32).to_le_bytes()).collect()),
        ("DoubleStorage", numbers.iter().flat_map(|&x: &f64| x.to_le_bytes()).collect()),
        ("LongStorage", numbers.iter().flat_map(|&x| (x as i64).to_le_bytes()).collect()),
        ("IntStorage", numbers.iter().flat_map(|&x| (x as i32).to_le_bytes()).collect()),
        ("ShortStorage", numbers.iter().flat_map(|&x| (x as i16).to_le_bytes()).collect()),
        ("CharStorage", numbers.iter().flat_map(|&x| (x as i8).to_le_bytes()).collect()),
        ("HalfStorage", [0x3c00u16, 0xc000, 0x4200].iter().flat_map(|x| x.to_le_bytes()).collect()),
        ("BFloat16Storage", [0x3f80u16, 0xc000, 0x4040].iter().flat_map(|x| x.to_le_bytes()).collect()),
    ];
    for (class, bytes) in cases {
        let body = tensor(class, "0", 3, 0, &[3], &[1]);
        assert_eq!(read_one(&body, &[("0", &bytes)], "little").unwrap(), numbers, "{class}");
    }
    for (class, want) in [("ByteStorage", [0.0, 1.0, 255.0]), ("BoolStorage", [0.0, 1.0, 1.0])] {
        let body = tensor(class, "0", 3, 0, &[3], &[1]);
        assert_eq!(read_one(&body, &[("0", &[0, 1, 255])], "little").unwrap(), want, "{class}");
    }
}

#[test]
fn strides_offsets_and_byte_order() {
    let bytes: Vec<u8> = (0..7u8).flat_map(|x| f32::from(x).to_be_bytes()).collect();
    // A transposed 2 x 3 view that starts at the second element.
    let body = tensor("FloatStorage", "0", 7, 1, &[2, 3], &[1, 2]);
    assert_eq!(read_one(&body, &[("0", &bytes)], "big").unwrap(), [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
}

#[test]
fn impossible_tensors_are_refused() {
    let bytes = [0u8; 16];
    for (body, word) in [
        (tensor("FloatStorage", "0", 4, 0, &[5], &[1]), "larger than its storage"),
        (tensor("FloatStorage", "0", 4, 1, &[4], &[1]), "reaches past"),
        (tensor("FloatStorage", "0", 4, 0, &[2, 2], &[3, 1]), "reaches past"),
        (tensor("FloatStorage", "0", 4, 0, &[200, 200], &[0, 0]), "larger than its storage"),
        (tensor("FloatStorage", "0", 3, 0, &[3], &[1]), "longer than 12 bytes"),
        (tensor("FloatStorage", "0", 5, 0, &[5], &[1]), "16 bytes instead of 20"),
        (tensor("FloatStorage", "1", 4, 0, &[4], &[1]), "entry 'm/data/1'"),
    ] {
        let error = read_one(&body, &[("0", &bytes)], "little").unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
        assert!(!error.contains('\n'));
    }
    let body = tensor("ComplexFloatStorage", "0", 2, 0, &[2], &[1]);
    assert!(read_one(&body, &[("0", &bytes)], "little").unwrap_err().to_string().contains("ComplexFloat"));
}

#[test]
fn foreign_files_are_named() {
    let compiled = {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default();
        for name in ["m/data.pkl", "m/constants.pkl", "m/code/a.py"] {
            zip.start_file(name, options).unwrap();
        }
        zip.finish().unwrap().into_inner()
    };
    let mut tar = vec![0u8; 512];
    tar[257..262].copy_from_slice(b"ustar");
    for (bytes, word) in [
        (vec![], "empty"),
        (b"\x80\x02\x8a\x0al\xfc".to_vec(), "before 1.6"),
        (tar, "tar"),
        (b"hello".to_vec(), "no zip archive"),
        (compiled, "TorchScript"),
        (b"PK\x03\x04".to_vec(), "damaged"),
    ] {
        let error = TorchFile::from_bytes(bytes).unwrap_err();
        assert_eq!(error.kind, oxidane_core::ErrorKind::Model);
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn repetition_is_rationed() {
    // A long name stored once and called thousands of times would otherwise copy it every time.
    let mut body = global("m", &"x".repeat(20_000));
    body.extend(b"q\x00");
    for _ in 0..20_000 {
        body.extend(b"h\x00)R0");
    }
    assert!(parse(&program(&body)).unwrap_err().to_string().contains("absurdly often"));
}

/// A small archive with most instructions in it.
fn sample(deflate: bool) -> Vec<u8> {
    let mut body = b"}(".to_vec();
    for (i, class) in ["FloatStorage", "DoubleStorage", "LongStorage"].iter().enumerate() {
        body.extend(short(&format!("tensor{i}")));
        body.extend(tensor(class, &i.to_string(), 6, 0, &[2, 3], &[3, 1]));
    }
    body.extend(short("object"));
    body.extend(global("omegaconf", "AnyNode"));
    body.extend(b")\x81}(");
    body.extend(short("_val"));
    body.extend(b"K\x05ubu");
    archive(&program(&body), &[("0", &[1; 24]), ("1", &[2; 48]), ("2", &[3; 48])], "little", deflate)
}

fn read_everything(bytes: Vec<u8>) {
    let Ok(file) = TorchFile::from_bytes(bytes) else { return };
    let Some(entries) = file.root().entries() else { return };
    let tensors: Vec<_> = entries.filter_map(|(_, v)| v.as_tensor()).cloned().collect();
    for t in tensors {
        let _ = file.tensors([("t".to_string(), &t)]);
    }
}

#[test]
fn every_truncation_is_an_error() {
    let whole = sample(false);
    assert_eq!(TorchFile::from_bytes(whole.clone()).unwrap().root().entries().unwrap().count(), 4);
    for n in 0..whole.len() {
        assert!(TorchFile::from_bytes(whole[..n].to_vec()).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        deflate in any::<bool>(),
    ) {
        let mut bytes = sample(deflate);
        for (i, b) in changes {
            let n = bytes.len();
            bytes[i.index(n)] = b;
        }
        read_everything(bytes);
    }

    #[test]
    fn damaged_pickles_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut body = tensor("FloatStorage", "0", 6, 0, &[2, 3], &[3, 1]);
        for (i, b) in changes {
            let n = body.len();
            body[i.index(n)] = b;
        }
        read_everything(archive(&program(&body), &[("0", &[1; 24])], "little", false));
    }

    #[test]
    fn random_instructions_never_panic(
        body in prop::collection::vec(prop::sample::select(&b"(.012NKJMGXBC)]}tldaeusqrhjcRobQ\x80\x81\x85\x86\x87\x88\x8a\x8c\x8f\x90\x91\x92\x93\x94\x00\x01\x02"[..]), 0..200),
    ) {
        let _ = parse(&body);
    }
}
