//! POSCAR, CIF, mol and SDF: what is read, refused and written; formats told apart.

use oxidane_core::io::{
    Array, Data, Format, Frame, FrameReader, MOVE_MASK, frame_to_string, read_all, read_str,
};
use oxidane_core::{Cell, System};

fn read(text: &str, format: Format) -> Frame {
    let mut frames = read_str(text, format).unwrap_or_else(|e| panic!("{e}\n{text}"));
    assert_eq!(frames.len(), 1);
    frames.remove(0)
}

fn refused(text: &str, format: Format, want: &str) {
    let message = read_str(text, format).expect_err(text).to_string();
    assert!(message.contains(want) && !message.contains('\n'), "{text}\n{message}");
}

/// Largest distance between coordinates that must agree.
fn apart(a: &[[f64; 3]], b: &[[f64; 3]]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.as_flattened().iter().zip(b.as_flattened()).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max)
}

const SALT: &str = "salt\n1.0\n4 0 0\n0 4 0\n0 0 4\nNa Cl\n1 1\nDirect\n0 0 0\n0.5 0.5 0.5\n";

#[test]
fn poscar() {
    let f = read(SALT, Format::Poscar);
    assert_eq!((f.system.numbers.as_slice(), f.comment.as_str()), (&[11, 17][..], "salt"));
    assert_eq!(f.system.positions[1], [2.0; 3]);
    assert_eq!(f.system.cell.unwrap().periodic, [true; 3]);
    // Minus the volume; three factors; a factor also scales Cartesian positions.
    let volume = read(&SALT.replace("1.0", "-125"), Format::Poscar);
    assert!((volume.system.cell.unwrap().volume() - 125.0).abs() < 1e-12);
    assert_eq!(read(&SALT.replace("1.0", "1 2 0.5"), Format::Poscar).system.positions[1], [2.0, 4.0, 1.0]);
    let cartesian = SALT.replace("1.0", "2.0").replace("Direct", "kartesisch");
    assert_eq!(read(&cartesian, Format::Poscar).system.positions[1], [1.0; 3]);
    // POTCAR names, labels behind the positions, selective dynamics, velocities.
    let text = "x\n1.0 scale of 2 (angstrom)\n4 0 0\n0 4 0\n0 0 4\nNa_pv Cl/1a2b\n1 1\nSelective\nDirect\n0 0 0 T F T Na\n.5 .5 .5 F F F\n\n0 0 0\n1d-2 0 0\n\nrest\n";
    let f = read(text, Format::Poscar);
    assert_eq!(f.fixed().unwrap().unwrap(), [[false, true, false], [true; 3]]);
    assert_eq!(f.arrays["velocities"].data, Data::Real(vec![0.0, 0.0, 0.0, 0.01, 0.0, 0.0]));
    assert_eq!(f.notes.len(), 1);
}

#[test]
fn poscar_refusals() {
    for (from, to, want) in [
        ("Na Cl\n", "", "line 6: no species: this is a VASP 4 file; add a line"),
        ("Na Cl", "Na Qq", "line 6: unknown element `Qq`"),
        ("1 1", "1", "line 7: 1 counts for 2 species"),
        ("1 1", "1 x", "line 7: `x` is no number of atoms"),
        ("1 1", "1 99999999999", "more than a POSCAR can have"),
        ("1 1", "1 4000000", "line 11: the file ends where a position"),
        ("1.0", "0", "line 2: scale `0`"),
        ("1.0", "1.0 2.0", "line 2: scale `1.0 2.0`"),
        ("1.0", "1.0 inf", "line 2: scale"),
        ("1.0", "remark", "line 2: scale `remark`"),
        ("Direct\n0 0 0", "Selective\nDirect\n0 0 0 T F", "nothing where flag 3 of three belongs"),
        ("0 4 0", "0 nan 0", "line 4: `nan` is not a finite number"),
        ("0 4 0", "4 0 0", "no volume"),
        ("Direct", "Fractional", "line 8: `Fractional`: Direct or Cartesian"),
        ("0.5 0.5 0.5", "0.5 0.5", "line 10: atom 2: `0.5 0.5`: three numbers"),
        (
            "0.5 0.5 0.5",
            "0.5 0.5 0.5 Br",
            "line 10: atom 2: the line says Br but the species line makes it Cl",
        ),
    ] {
        refused(&SALT.replace(from, to), Format::Poscar, want);
    }
}

const CIF: &str = "\
# rock salt
data_salt
_cell_length_a 5.640(1)
_cell_length_b 5.640(1)
_cell_length_c 5.640
_cell_angle_alpha 90
_cell_angle_beta 90.0
_cell_angle_gamma 90.00(2)
_publ_section_title
;
 It's a 'title' with _tags and data_ in it
;
_symmetry_space_group_name_H-M 'I m -3 m'
loop_
_symmetry_equiv_pos_site_id
_symmetry_equiv_pos_as_xyz
1 'x+1/2, y+1/2, z+1/2'
2 x,y,z
3 -x,-y,-z
loop_
_atom_site_label _atom_site_type_symbol _atom_site_fract_x
_atom_site_fract_y _atom_site_fract_z _atom_site_occupancy
Na1 Na1+ 0.0 0 0 1.0
Cl1 Cl1- 0.25(1) 0.25 0.25 1
";

#[test]
fn cif_with_symmetry() {
    // Na on the origin: one image by centring. Cl at 1/4: 3/4 by centring, and again by inversion.
    let f = read(CIF, Format::Cif);
    let a = 5.640;
    assert_eq!((f.system.numbers.as_slice(), f.comment.as_str()), (&[11, 11, 17, 17][..], "salt"));
    assert!(apart(&f.system.positions, &[[0.0; 3], [a / 2.0; 3], [a / 4.0; 3], [0.75 * a; 3]]) < 1e-12);
    // A twofold axis instead of the inversion brings a third one.
    assert_eq!(read(&CIF.replace("3 -x,-y,-z", "3 -x,-y,z"), Format::Cif).system.len(), 5);
}

#[test]
fn cif_refusals_and_notes() {
    let p1 = CIF.replace("loop_\n_symmetry_equiv_pos_site_id\n_symmetry_equiv_pos_as_xyz\n1 'x+1/2, y+1/2, z+1/2'\n2 x,y,z\n3 -x,-y,-z\n", "");
    refused(&p1, Format::Cif, "line 13: space group `I m -3 m` without its operations; add");
    assert_eq!(read(&p1.replace("'I m -3 m'", "'P 1'"), Format::Cif).system.len(), 2);
    let unnamed = read(&p1.replace("_symmetry_space_group_name_H-M 'I m -3 m'\n", ""), Format::Cif);
    assert!(unnamed.notes[0].contains("P1"));
    for (from, to, want) in [
        ("0.25 1\n", "0.25 0.5\n", "line 24: atom Cl1: occupancy 0.5"),
        ("Cl1-", "Xx", "atom Cl1: unknown element `Xx`"),
        ("0.25(1)", "?", "line 24: atom Cl1: `?` is not a finite number"),
        ("0.25(1)", "nan", "not a finite number"),
        ("0.25(1)", "0.25(", "not a finite number"),
        ("0.25(1) 0.25 0.25", "0.02 0.02 0.02", "atom Cl1"),
        ("0.25(1) 0.25 0.25", "0 0 0", "Cl1 and another atom (Na) are on the same place"),
        ("90.00(2)", "0", "no volume"),
        ("_cell_length_c 5.640", "_cell_length_c 0", "no volume"),
        ("_cell_length_c 5.640\n", "", "no _cell_length_c"),
        ("3 -x,-y,-z", "3 -x,-y,-w", "line 19: `-x,-y,-w` is no symmetry operation"),
        ("2 x,y,z", "2 x,y,z+1/3", "lack the identity"),
        ("Na1 Na1+ 0.0 0 0 1.0", "Na1 Na1+ 0.0 0 0", "line 20: a loop of 6 columns with 11 values"),
        ("data_salt\n", "", "before the first data_ block"),
        ("'I m -3 m'", "'I m -3 m", "line 13: no closing '"),
    ] {
        // An atom 0.2 angstrom off the centre of inversion has an image too near.
        let text = CIF.replace(from, to);
        assert_ne!(text, CIF, "{from}");
        refused(&text, Format::Cif, if want == "atom Cl1" { "Cl1 and its own symmetry image" } else { want });
    }
    let d = read(&CIF.replace("Na1+", "D"), Format::Cif);
    assert!(d.system.numbers[0] == 1 && d.notes[0].contains("1 atoms D are taken as H"));
    refused(
        &CIF.replace("_atom_site_type_symbol ", "")
            .replace(" Na1+", "")
            .replace(" Cl1-", "")
            .replace("Cl1 ", "CL1 "),
        Format::Cif,
        "may be C or CL",
    );
    refused("data_x\n_cell_length_a 1\n", Format::Cif, "no atoms");
}

#[test]
fn cif_merges_what_symmetry_repeats() {
    // The same chlorine twice, once as listed and once as its image.
    let f = read(&format!("{CIF}Cl2 Cl 0.75 0.75 0.75 .\n"), Format::Cif);
    let same = read(CIF, Format::Cif);
    assert_eq!(f.system.len(), same.system.len());
    assert!(f.notes[0].contains("merged"));
}

#[test]
fn written_crystals_are_read_again() {
    // Left-handed and skewed: nothing may be mirrored.
    let cell = Cell::new([[0.3, 5.0, 0.2], [6.0, 0.1, -0.4], [0.5, 0.7, 7.0]]);
    assert!(cell.volume() < 0.0);
    let mut system = System::molecule(
        vec![6, 8, 8, 1],
        vec![[0.1, 0.2, 0.3], [1.3, 0.2, 0.4], [-1.0, 0.5, 0.1], [0.0, 1.0 / 3.0, 1.5]],
    );
    system.numbers[3] = 1;
    system.cell = Some(cell);
    system.unpaired = system.lowest_unpaired();
    let mut f = Frame::new(system.clone());
    f.arrays.insert(MOVE_MASK.into(), Array { columns: 1, data: Data::Bool(vec![true, false, true, true]) });
    let again = read(&frame_to_string(&f, Format::Poscar).unwrap(), Format::Poscar);
    assert_eq!(again.system, system);
    assert_eq!(again.fixed().unwrap(), f.fixed().unwrap());
    // CIF turns the cell, so what must agree is the triple products and distances of atoms: a chirality check.
    let text = frame_to_string(&Frame::new(system.clone()), Format::Cif).unwrap();
    let again = read(&text, Format::Cif).system;
    let chirality = |s: &System| {
        let p = &s.positions;
        let d: Vec<[f64; 3]> = (1..4).map(|i| std::array::from_fn(|k| p[i][k] - p[0][k])).collect();
        let lengths: Vec<f64> = d.iter().map(|v| v.iter().map(|x| x * x).sum::<f64>().sqrt()).collect();
        (Cell::new([d[0], d[1], d[2]]).volume(), lengths)
    };
    let ((v1, l1), (v2, l2)) = (chirality(&system), chirality(&again));
    // Fractional coordinates and angles are rounded to f64: a few ulp of 10 angstrom.
    assert!((v1 - v2).abs() < 1e-12 && l1.iter().zip(&l2).all(|(a, b)| (a - b).abs() < 1e-13));
    let molecule = Frame::new(System::molecule(vec![2], vec![[0.0; 3]]));
    assert!(
        frame_to_string(&molecule, Format::Cif).is_err()
            && frame_to_string(&molecule, Format::Poscar).is_err()
    );
}

const AMMONIUM: &str = "\
ammonium
  program 3D

  5  4  0  0  0  0  0  0  0  0999 V2000
    0.0000    0.0000    0.0000 N   0  3  0  0
    0.5900    0.5900    0.5900 H   0  0
   -0.5900   -0.5900    0.5900 H   0  0
   -0.5900    0.5900   -0.5900 H   0  0
    0.5900   -0.5900   -0.5900 D   0  0
  1  2  1  0
  1  3  1  0
  1  4  1  0
  1  5  1  0
M  END
> <energy text>
-5.0
two lines

$$$$
";

const OXYGEN_V3000: &str = "\
oxygen

comment
  0  0  0     0  0            999 V3000
M  V30 BEGIN CTAB
M  V30 COUNTS 2 1 0 0 0
M  V30 BEGIN ATOM
M  V30 7 O 0 0 -
M  V30 0 0 RAD=2
M  V30 2 O 1.2 0 0.1 0 RAD=2 CHG=0
M  V30 END ATOM
M  V30 BEGIN BOND
M  V30 1 1 7 2
M  V30 END BOND
M  V30 END CTAB
M  END
$$$$
";

#[test]
fn sd_files() {
    let frames = read_str(&format!("{AMMONIUM}{OXYGEN_V3000}"), Format::Sdf).unwrap();
    assert_eq!(frames.len(), 2);
    let f = &frames[0];
    assert_eq!(
        (f.system.numbers.as_slice(), f.system.charge, f.system.unpaired),
        (&[7, 1, 1, 1, 1][..], 1, 0)
    );
    assert_eq!(f.system.positions[2], [-0.59, -0.59, 0.59]);
    assert_eq!(f.info["energy text"].as_text(), Some("-5.0\ntwo lines"));
    assert!(f.notes[0].contains("D is taken as H"));
    let f = &frames[1];
    assert_eq!((f.system.len(), f.system.charge, f.system.unpaired), (2, 0, 2));
    assert!(f.notes[0].contains("2 radical centres"));
    // M  CHG replaces what the atom block says; a mol file without $$$$ is a file of one record.
    let mol = &AMMONIUM[..AMMONIUM.find("> <").unwrap()];
    let replaced = mol.replace("M  END", "M  CHG  2   1   2   2  -1\nM  END");
    assert_eq!(read(&replaced, Format::Sdf).system.charge, 1);
    let radical = mol.replace("M  END", "M  RAD  1   1   2\nM  CHG  0\nM  END");
    assert_eq!(
        (read(&radical, Format::Sdf).system.charge, read(&radical, Format::Sdf).system.unpaired),
        (0, 1)
    );
}

#[test]
fn sd_refusals() {
    let mol = &AMMONIUM[..AMMONIUM.find("> <").unwrap()];
    for (from, to, want) in [
        ("V2000", "V1000", "line 4: `5  4  0"),
        ("  5  4", "  x  4", "line 4: `x` is no number of atoms"),
        ("  5  4", "  6  4", "line 10"),
        ("  5  4", "  5  5", "line 14: fewer than 5 bonds"),
        (" N   0  3", " Q   0  3", "line 5: unknown element `Q`"),
        (" N   0  3", " N   0  9", "line 5: `9` is no charge code"),
        ("    0.0000    0.0000    0.0000 N", "       nan    0.0000    0.0000 N", "line 5: `nan`"),
        ("M  END", "M  CHG  1   9   1\nM  END", "line 14: there is no atom 9"),
        ("M  END", "M  CHG  1   1  99\nM  END", "`99` is no formal charge"),
        ("M  END\n", "", "ends where M  END"),
    ] {
        let text = mol.replace(from, to);
        assert_ne!(text, mol);
        refused(&text, Format::Sdf, want);
    }
    refused(&OXYGEN_V3000.replace("COUNTS 2", "COUNTS 3"), Format::Sdf, "3 atoms declared, 2 given");
    refused(
        &OXYGEN_V3000.replace("M  V30 2 O", "M  V30 7 O"),
        Format::Sdf,
        "line 10: atom `7` is given twice",
    );
    let flat = "x\n     RDKit          2D\n\n  2  0  0  0  0  0  0  0  0  0999 V2000\n    0.0000    0.0000    0.0000 H   0  0\n    0.7400    0.0000    0.0000 H   0  0\nM  END\n";
    refused(flat, Format::Sdf, "line 2: a flat drawing");
    assert_eq!(read(&flat.replace("2D", "3D"), Format::Sdf).system.len(), 2);
}

#[test]
fn formats_are_told_by_name_and_content() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        read_all(&path).map(|f| f[0].system.len()).map_err(|e| e.to_string())
    };
    for name in ["POSCAR", "CONTCAR.2", "a.vasp", "nothing"] {
        assert_eq!(at(name, SALT), Ok(2), "{name}");
    }
    for name in ["a.cif", "noname"] {
        assert_eq!(at(name, CIF), Ok(4), "{name}");
    }
    for name in ["a.sdf", "a.mol", "unnamed"] {
        assert_eq!(at(name, AMMONIUM), Ok(5), "{name}");
    }
    assert_eq!(at("plain", "1\n\nHe 0 0 0\n"), Ok(1));
    assert!(
        at("a.xyz", SALT).unwrap_err().contains("the name says extxyz but the content looks like poscar")
    );
    assert!(at("prose", "To be or not to be\n").unwrap_err().contains("unknown file format"));
    let path = dir.path().join("a.xyz");
    std::fs::write(&path, SALT).unwrap();
    assert!(FrameReader::open_as(&path, Some(Format::Poscar)).unwrap().next().unwrap().is_ok());
    assert!(Format::from_name("poscar").is_ok() && Format::from_name("pdb").is_err());
}

#[test]
fn the_examples_are_read() {
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    for (name, atoms, formula) in [
        ("aspirin.xyz", 21, "C9H8O4"),
        ("ethanol.xyz", 9, "C2H6O1"),
        ("water64.xyz", 192, "H128O64"),
        ("dry-ice.vasp", 12, "C4O8"),
        ("urea.cif", 16, "C2H8N4O2"),
    ] {
        let frames = read_all(examples.join(name)).unwrap();
        assert_eq!((frames.len(), frames[0].system.len()), (1, atoms), "{name}");
        let count = |z| frames[0].system.numbers.iter().filter(|&&n| n == z).count();
        let parts = [(6, "C"), (1, "H"), (7, "N"), (8, "O")];
        let found: String =
            parts.iter().filter(|(z, _)| count(*z) > 0).map(|(z, s)| format!("{s}{}", count(*z))).collect();
        assert_eq!(found, formula, "{name}");
    }
}
