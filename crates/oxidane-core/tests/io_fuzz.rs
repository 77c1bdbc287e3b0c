//! No input, however broken, makes a reader panic; what it does return is valid.

use oxidane_core::io::{Format, FrameIndex, FrameReader, unpack};
use proptest::prelude::*;
use std::io::{Cursor, Read};

const XYZ: &str = "2\nLattice=\"5 0 0 0 6 0 0 0 7\" Properties=species:S:1:pos:R:3:f:R:1:l:L:1:i:I:1 e=-1.5 a=[[1, 2], [3, 4]] s=\"_JSON [\\\"p\\\"]\" charge=1 mult=1 pbc=\"T F T\" k={1 2} q='x'\nNa 0 0 0 0.1 T 4\nO 1 1 1e0 -0.1 F 5\n1\nplain\nHe 0 0 0\n";
const POSCAR: &str = "salt\n-64.0\n4 0 0\n0 4 0\n0 0 4\nNa Cl\n1 1\nSelective\nDirect\n0 0 0 T T F\n0.5 0.5 0.5 T F T\n\n0 0 1\n0 0 0\n";
const CIF: &str = "data_s\n_cell_length_a 5.6(1)\n_cell_length_b 5\n_cell_length_c 5\n_cell_angle_alpha 90\n_cell_angle_beta 100\n_cell_angle_gamma 90\n_t\n;\ntext\n;\nloop_\n_symmetry_equiv_pos_as_xyz\nx,y,z\n'-x, y+1/2, -z'\nloop_\n_atom_site_label\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n_atom_site_occupancy\nNa1 Na1+ 0.0 0 0 1.0\nCl1 Cl 0.25(1) 0.2 0.25 1\n";
const SDF: &str = "n\n  program 3D\n\n  2  1  0  0  0  0  0  0  0  0999 V2000\n    0.0000    0.0000    0.0000 N   0  3  0  0\n    0.5900    0.5900    0.5900 H   0  0\n  1  2  1  0\nM  CHG  1   1   1\nM  RAD  1   1   2\nM  END\n> <f>\n1\n\n$$$$\no\n\nc\n  0  0  0     0  0            999 V3000\nM  V30 COUNTS 1 0 0 0 0\nM  V30 BEGIN ATOM\nM  V30 1 O 0 0 -\nM  V30 0 0 RAD=3\nM  V30 END ATOM\nM  END\n$$$$\n";
const FORMATS: [(Format, &str); 5] = [
    (Format::Xyz, XYZ),
    (Format::ExtXyz, XYZ),
    (Format::Poscar, POSCAR),
    (Format::Cif, CIF),
    (Format::Sdf, SDF),
];

fn read(bytes: &[u8], format: Format) -> bool {
    let mut all = true;
    for frame in FrameReader::new(Box::new(Cursor::new(bytes.to_vec())), format) {
        match frame {
            Ok(frame) => frame.system.validate().unwrap(),
            Err(e) => {
                assert!(!e.to_string().contains('\n'), "{e}");
                all = false;
            }
        }
    }
    all
}

#[test]
fn the_seeds_are_valid() {
    for (format, text) in FORMATS {
        // As plain XYZ the columns that Properties names are kept without a name.
        assert!(read(text.as_bytes(), format), "{format:?}");
    }
}

/// One change of a text: bytes overwritten, a piece cut out, doubled, or replaced by a word that hurts.
fn mutate(text: &str, changes: &[(u8, usize, usize, u8)]) -> Vec<u8> {
    const WORDS: [&str; 12] =
        ["nan", "1e999", "-1", "99999999999999999999", "\n", "\"", "=", " 0 ", "é", "[", "M  END\n", "'"];
    let mut bytes = text.as_bytes().to_vec();
    for &(kind, at, len, byte) in changes {
        let at = at % (bytes.len() + 1);
        let end = (at + len % 12).min(bytes.len());
        match kind % 4 {
            0 => bytes[at..end].fill(byte),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => drop(bytes.splice(at..end, WORDS[usize::from(byte) % WORDS.len()].bytes())),
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_files(which in 0..5usize, changes in prop::collection::vec(any::<(u8, usize, usize, u8)>(), 1..6)) {
        let (format, text) = FORMATS[which];
        read(&mutate(text, &changes), format);
    }

    #[test]
    fn arbitrary_bytes(which in 0..5usize, bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[ -~\n]{0,200}") {
        read(&bytes, FORMATS[which].0);
        read(text.as_bytes(), FORMATS[which].0);
        Format::from_content(&text);
    }

    #[test]
    fn damaged_compressed_files(magic in 0..3usize, body in prop::collection::vec(any::<u8>(), 0..80), flips in prop::collection::vec(any::<(usize, u8)>(), 0..4)) {
        let mut packed = match magic {
            0 => [&[0x1f, 0x8b, 8][..], &body].concat(),
            1 => include_bytes!("io_data/two.xyz.xz").to_vec(),
            _ => ruzstd::encoding::compress_to_vec(XYZ.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest),
        };
        for (at, byte) in flips {
            let n = packed.len();
            packed[at % n] ^= byte;
        }
        let mut out = Vec::new();
        if let Ok(source) = unpack(Box::new(Cursor::new(packed))) {
            let _ = source.take(1 << 20).read_to_end(&mut out);
        }
    }
}

#[test]
fn the_index_takes_broken_files_too() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.xyz");
    for seed in 0..200usize {
        let change = [(seed as u8, seed * 7919, seed, (seed / 4) as u8)];
        std::fs::write(&path, mutate(XYZ, &change)).unwrap();
        if let Ok(index) = FrameIndex::build(&path) {
            (0..index.len()).for_each(|i| drop(index.read_frame(i)));
        }
    }
}
