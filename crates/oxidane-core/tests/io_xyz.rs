//! XYZ and extended XYZ: what is read, and what is refused and how.

use oxidane_core::Cell;
use oxidane_core::io::{
    Array, ChargeSpin, Data, Format, Frame, FrameIndex, FrameReader, LabelKeys, Value, read_all, read_first,
    read_str,
};

fn one(text: &str) -> Frame {
    let mut frames = read_str(text, Format::ExtXyz).unwrap();
    assert_eq!(frames.len(), 1);
    frames.remove(0)
}

fn error(text: &str) -> String {
    let message = read_str(text, Format::ExtXyz).unwrap_err().to_string();
    assert!(!message.contains('\n'), "{message}");
    message
}

const WATER: &str = "3\nwater\nO 0 0 0.119\nH 0 0.763 -0.477\nH 0 -0.763 -0.477\n";

#[test]
fn plain_xyz() {
    let f = one(WATER);
    assert_eq!(f.system.numbers, [8, 1, 1]);
    assert_eq!(f.system.positions[1], [0.0, 0.763, -0.477]);
    assert_eq!(
        (f.comment.as_str(), f.system.charge, f.system.unpaired, f.system.cell),
        ("water", 0, 0, None)
    );
    assert_eq!(f.stated, ChargeSpin::default());
    // Windows line ends, tabs, numbers for symbols, no last newline, blank lines behind.
    let g = one("3\r\nwater\r\n8\t0 0 0.119\r\nh 0 0.763 -0.477\r\nH 0 -0.763 -0.477");
    assert_eq!(f.system, g.system);
    assert_eq!(one(&format!("{WATER}\n  \n")).system, f.system);
    // Columns that nothing names are kept.
    let q = one("1\n\nHe 0 0 0 0.5 1");
    assert_eq!(q.arrays["extra"], Array { columns: 2, data: Data::Real(vec![0.5, 1.0]) });
    // A comment stays a comment: no pair in it, an odd quote, or a format that says so.
    assert_eq!(one("1\n it's -5.0 eV \nHe 0 0 0").comment, "it's -5.0 eV");
    let plain = read_str("1\ncharge=1 \nHe 0 0 0", Format::Xyz).unwrap();
    assert_eq!((plain[0].comment.as_str(), plain[0].system.charge), ("charge=1", 0));
}

#[test]
fn extended_xyz() {
    let f = one(concat!(
        "2\nLattice=\"5 0 0 0 6 0 0 0 7\" Properties=species:S:1:pos:R:3:forces:R:3:tag:I:1:on:L:1:name:S:2 ",
        "energy=-1.5 pbc=\"T T F\" stress='1 2 3 4 5 6' label=\"a \\\"b\\\"\" list=[1, 2] flag charge=-1 ",
        "spin_multiplicity=2\nNa 0 0 0 0.1 0.2 0.3 4 T x y\nCl 1 1 1 -0.1 -0.2 -0.3 5 F z w\n"
    ));
    let keys = LabelKeys::default();
    assert_eq!(f.system.cell.unwrap().vectors, [[5.0, 0.0, 0.0], [0.0, 6.0, 0.0], [0.0, 0.0, 7.0]]);
    assert_eq!(f.system.cell.unwrap().periodic, [true, true, false]);
    assert_eq!(f.energy(&keys).unwrap(), Some(-1.5));
    assert_eq!(f.forces(&keys).unwrap().unwrap()[1], [-0.1, -0.2, -0.3]);
    assert_eq!(f.stress(&keys).unwrap().unwrap(), [[1.0, 6.0, 5.0], [6.0, 2.0, 4.0], [5.0, 4.0, 3.0]]);
    // virial = -volume * stress with a volume of 210 angstrom^3.
    assert_eq!(f.virial(&keys).unwrap().unwrap()[2][1], -840.0);
    assert_eq!(f.arrays["tag"].data, Data::Int(vec![4, 5]));
    assert_eq!(f.arrays["on"].data, Data::Bool(vec![true, false]));
    assert_eq!(f.arrays["name"].columns, 2);
    assert_eq!(f.info["label"].as_text(), Some("a \"b\""));
    assert_eq!(f.info["list"], Value::vector(Data::Int(vec![1, 2])));
    assert_eq!(f.info["flag"].as_bool(), Some(true));
    assert_eq!((f.system.charge, f.system.unpaired), (-1, 1));
    assert!(f.charges(&keys).unwrap().is_none() && f.dipole(&keys).unwrap().is_none());
    assert!(f.missing_label("energy", "E").to_string().contains("it has energy, list, stress, forces, tag"));
}

#[test]
fn cells() {
    let atom = "\nHe 0 0 0\n";
    let periodic = |c: &str| one(&format!("1\n{c}{atom}")).system.cell;
    let box345 = Some(Cell::new([[3.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 5.0]]));
    assert_eq!(periodic("Lattice=\"3 4 5\""), box345);
    assert_eq!(periodic("lattice=\"3 4 5\" PBC=T"), box345);
    assert_eq!(periodic("Lattice=[[3,0,0],[0,4,0],[0,0,5]] pbc=[T,T,T]"), box345);
    assert_eq!(periodic("pbc=\"F F F\""), None);
    assert_eq!(periodic("Lattice=\"0 0 0 0 0 0 0 0 0\" pbc=\"F F F\""), None);
    assert!(error(&format!("1\nLattice=\"1 0 0 1 0 0 0 0 1\"{atom}")).contains("no volume"));
    assert!(error(&format!("1\nLattice=\"1 2\"{atom}")).starts_with("line 2: Lattice has 2 numbers"));
    assert!(error(&format!("1\npbc=\"T T T\"{atom}")).contains("no Lattice"));
    assert!(error(&format!("1\nLattice=\"1 1 1\" pbc=\"T T X\"{atom}")).contains("`X` is neither T nor F"));
}

#[test]
fn charge_and_spin_keys() {
    let read = |pairs: &str| {
        let s = one(&format!("1\n{pairs}\nO 0 0 0\n")).system;
        (s.charge, s.unpaired)
    };
    assert_eq!(read("charge=-1"), (-1, 1));
    assert_eq!(read("total_charge=1.0 mult=4"), (1, 3));
    assert_eq!(read("Charge=0 multiplicity=3"), (0, 2));
    assert_eq!(read("chrg=0 uhf=2"), (0, 2));
    assert_eq!(read("charge=0 spin=3 unpaired=2"), (0, 2));
    assert_eq!(read("q=5"), (0, 0));
    let refused = |pairs: &str| error(&format!("1\n{pairs}\nO 0 0 0\n"));
    assert!(refused("charge=0.5").contains("line 2: `charge` must be a whole number, not 0.5"));
    assert!(refused("charge=\"1 2\"").contains("whole number"));
    assert!(refused("charge=0 total_charge=1").contains("keep one of them"));
    assert!(refused("mult=3 uhf=0").contains("keep one of them"));
    assert!(refused("mult=0").contains("multiplicity 2S+1"));
    assert!(refused("uhf=-1").contains("0 or more"));
    assert!(refused("mult=2").contains("multiplicity 2"));
    assert!(refused("charge=9").contains("fewer than no electrons"));
    assert!(refused("charge=1 charge=1").contains("given twice"));
}

#[test]
fn a_users_word_goes_before_the_files() {
    let mut f = one("1\ncharge=1 mult=4\nO 0 0 0\n");
    ChargeSpin { charge: Some(-1), unpaired: None }.apply(&mut f).unwrap();
    assert_eq!((f.system.charge, f.system.unpaired), (-1, 3));
    let wrong = ChargeSpin::with_multiplicity(Some(0), None).unwrap().apply(&mut f);
    assert!(wrong.unwrap_err().to_string().contains("multiplicity 4"));
    ChargeSpin::with_multiplicity(Some(0), Some(3)).unwrap().apply(&mut f).unwrap();
    assert_eq!(f.system.unpaired, 2);
    assert!(ChargeSpin::with_multiplicity(None, Some(0)).is_err());
}

#[test]
fn what_is_refused_names_its_line() {
    for (text, want) in [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ("0\n\n", "line 1: a frame of 0 atoms"),
        ("x\n\n", "line 1: expected the number of atoms, found `x`"),
        ("-3\n\n", "line 1: expected the number"),
        ("3", "line 2: the file ends where the comment line"),
        ("3\n\nO 0 0 0\n", "line 4: the file ends after 1 of 3 atoms"),
        ("4000000000\n\nO 0 0 0\n", "line 4: the file ends after 1 of 4000000000"),
        ("99999999999999999999\n\nO 0 0 0\n", "line 1: expected the number"),
        ("1\n\nO 0 0 0\nO 1 0 0\n", "line 4: expected the number of atoms, found `O 1 0 0`"),
        ("1\n\nQq 0 0 0\n", "line 3: atom 1 of 1: unknown element `Qq`"),
        ("1\n\nC1 0 0 0\n", "did you mean C?"),
        ("1\n\nO 0 nan 0\n", "line 3: atom 1 of 1: pos: `nan` is not a finite number"),
        ("1\n\nO 0 1e999 0\n", "not a finite number"),
        ("1\n\nO 0 abc 0\n", "pos: `abc` is not a number"),
        ("1\n\nO 0 0\n", "line 3: atom 1 of 1: 3 columns, 4 expected"),
        ("2\n\nO 0 0 0\nO 1 0 0 5\n", "line 4: atom 2 of 2: 5 columns, 4 expected"),
        ("1\nProperties=species:S:1:pos:R:3\nO 0 0 0 5\n", "5 columns, 4 expected"),
        ("1\nProperties=species:S:1:pos:R:2\nO 0 0\n", "`pos` must be pos:R:3"),
        ("1\nProperties=species:S:1\nO\n", "no positions"),
        ("1\nProperties=pos:R:3\n0 0 0\n", "no elements"),
        (
            "1\nProperties=species:S:1:pos:R:3:pos:R:3\nO 0 0 0 0 0 0\n",
            "line 2: Properties: `pos` is given twice",
        ),
        ("1\nProperties=species:S:1:pos:R:3:f:R:1:f:R:1\nO 0 0 0 0 0\n", "`f` is given twice"),
        ("1\nProperties=species:S:1:pos:Q:3\nO 0 0 0\n", "`Q` is no type"),
        ("1\nProperties=species:S:1:pos:R\nO 0 0 0\n", "not triples"),
        ("1\nProperties=species:S:1:pos:R:99999999999\nO 0 0 0\n", "is no number of columns"),
        ("1\nProperties=species:S:1:Z:I:1:pos:R:3\nO 6 0 0 0\n", "another element"),
        ("1\nProperties=species:S:1:pos:R:3 a=\"b\nO 0 0 0\n", "line 2: `\"b`: no closing \""),
    ] {
        let message = error(text);
        assert!(message.contains(want), "{text:?}: {message}");
    }
    let bytes = std::io::Cursor::new(b"1\n\xff\xfe\nO 0 0 0\n".to_vec());
    let message = FrameReader::new(Box::new(bytes), Format::ExtXyz).next().unwrap().unwrap_err().to_string();
    assert!(message.starts_with("line 2: not UTF-8"), "{message}");
}

#[test]
fn errors_name_the_file_and_the_reader_ends() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bad.xyz");
    std::fs::write(&path, format!("{WATER}2\n\nO 0 0 0\nQq 0 0 1\n{WATER}")).unwrap();
    let mut reader = FrameReader::open(&path).unwrap();
    assert!(reader.next().unwrap().is_ok());
    let message = reader.next().unwrap().unwrap_err().to_string();
    assert!(message.starts_with(&format!("{}:9: atom 2 of 2", path.display())), "{message}");
    assert!(reader.next().is_none());
    let index = FrameIndex::build(&path).unwrap();
    assert!(index.read_frame(1).unwrap_err().to_string().starts_with(&format!("{}:9: ", path.display())));
    assert!(read_first(dir.path().join("none.xyz")).unwrap_err().to_string().contains("none.xyz: "));
    assert!(read_first(dir.path()).unwrap_err().to_string().contains("folder"));
    std::fs::write(&path, "").unwrap();
    assert!(read_all(&path).unwrap_err().to_string().ends_with("bad.xyz: the file is empty"));
    assert!(FrameIndex::build(&path).err().unwrap().to_string().contains("empty"));
}

#[test]
fn labels_that_are_no_numbers_are_refused() {
    let keys = LabelKeys::default();
    let f = one(concat!(
        "1\nenergy=nan stress=\"1 2\" dipole=3 Properties=species:S:1:pos:R:3:forces:R:3:charges:S:1\n",
        "O 0 0 0 inf 0 0 x\n"
    ));
    assert!(f.energy(&keys).unwrap_err().to_string().contains("line 1: `energy` holds NaN"));
    assert!(f.forces(&keys).unwrap_err().to_string().contains("`forces` holds inf"));
    assert!(f.stress(&keys).unwrap_err().to_string().contains("neither nine numbers nor six"));
    assert!(f.dipole(&keys).unwrap_err().to_string().contains("not three numbers"));
    assert!(f.charges(&keys).is_err());
    let f = one("1\nenergy=abc virial=\"1 2 3 4 5 6\"\nO 0 0 0\n");
    assert!(f.energy(&keys).is_err());
    assert!(f.stress(&keys).unwrap_err().to_string().contains("needs a cell"));
}
