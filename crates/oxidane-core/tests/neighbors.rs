//! Neighbour lists against brute force. Sets of edges are compared exactly: both sides decide with the same
//! rounded expression for the distance, so not even an edge on the cutoff may differ.

use oxidane_core::neighbors::{Edges, LinkedCells, NO_MIRROR, NeighborList, SkinnedList, refuse_close_atoms};
use oxidane_core::{Cell, System, SystemView};
use proptest::prelude::*;

type Edge = (usize, usize, [i32; 3]);

fn vector(xi: [f64; 3], xj: [f64; 3], shift: [i32; 3], cell: Option<&Cell>) -> [f64; 3] {
    let s = cell.filter(|_| shift != [0; 3]).map_or([0.0; 3], |c| c.shift_vector(shift));
    std::array::from_fn(|k| (xi[k] - xj[k]) - s[k])
}

fn length2(r: [f64; 3]) -> f64 {
    r[0] * r[0] + r[1] * r[1] + r[2] * r[2]
}

fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

fn cube(a: f64) -> Cell {
    Cell::new([[a, 0.0, 0.0], [0.0, a, 0.0], [0.0, 0.0, a]])
}

/// Every edge by trying every image between the lattice planes that a sphere of the cutoff touches, in order.
fn brute_force(positions: &[[f64; 3]], cell: Option<&Cell>, cutoff: f64) -> Vec<Edge> {
    let mut edges = Vec::new();
    for (i, &xi) in positions.iter().enumerate() {
        for (j, &xj) in positions.iter().enumerate() {
            let d: [f64; 3] = std::array::from_fn(|k| xi[k] - xj[k]);
            let range: [(i32, i32); 3] = std::array::from_fn(|a| match cell {
                Some(c) if c.periodic[a] => {
                    let v = with_normals(c);
                    let g = cross(v[(a + 1) % 3], v[(a + 2) % 3]);
                    let volume: f64 = (0..3).map(|k| v[a][k] * g[k]).sum();
                    let f = (0..3).map(|k| d[k] * g[k]).sum::<f64>() / volume;
                    let w = cutoff * length2(g).sqrt() / volume.abs();
                    ((f - w).floor() as i32 - 1, (f + w).ceil() as i32 + 1)
                }
                _ => (0, 0),
            });
            for a in range[0].0..=range[0].1 {
                for b in range[1].0..=range[1].1 {
                    for c in range[2].0..=range[2].1 {
                        let s = [a, b, c];
                        let inside = length2(vector(xi, xj, s, cell)) < cutoff * cutoff;
                        if inside && !(i == j && s == [0; 3]) {
                            edges.push((i, j, s));
                        }
                    }
                }
            }
        }
    }
    edges
}

/// The vectors of a cell, those that do not repeat replaced by normals to those that do.
fn with_normals(cell: &Cell) -> [[f64; 3]; 3] {
    let mut v = cell.vectors;
    let open: Vec<usize> = (0..3).filter(|&a| !cell.periodic[a]).collect();
    match open[..] {
        [a] => v[a] = cross(v[(a + 1) % 3], v[(a + 2) % 3]),
        [a, b] => {
            let p = v[3 - a - b];
            let along_x = p[0].abs() > 0.5 * length2(p).sqrt();
            v[a] = cross(p, if along_x { [0.0, 1.0, 0.0] } else { [1.0, 0.0, 0.0] });
            v[b] = cross(p, v[a]);
        }
        _ => {}
    }
    v
}

fn edges_of_list(list: &NeighborList) -> Vec<Edge> {
    (0..list.atoms())
        .flat_map(|i| list.edges_of(i).map(move |e| (i, list.neighbors()[e] as usize, list.shift(e))))
        .collect()
}

/// The compacted edges must be exactly what brute force finds: same order, same vectors, mirrors that invert.
fn check_edges(edges: &Edges, positions: &[[f64; 3]], cell: Option<&Cell>, cutoff: f64) {
    let expected = brute_force(positions, cell, cutoff);
    assert_eq!((edges.len(), edges.atoms()), (expected.len(), positions.len()));
    for i in 0..positions.len() {
        for e in edges.edges_of(i) {
            let (c, j, s) = expected[e];
            let r = vector(positions[c], positions[j], s, cell);
            assert_eq!((i, edges.neighbor[e] as usize, edges.vector[e]), (c, j, r));
            assert_eq!(edges.distance[e], length2(r).sqrt());
            let m = edges.mirror[e] as usize;
            assert_eq!(expected[m], (j, c, s.map(|x| -x)));
            assert_eq!(edges.mirror[m] as usize, e);
            assert_eq!(edges.vector[m], r.map(|x| -x));
            assert_eq!(edges.distance[m].to_bits(), edges.distance[e].to_bits());
        }
    }
}

fn check(positions: &[[f64; 3]], cell: Option<&Cell>, cutoff: f64) {
    let list = NeighborList::new(positions, cell, cutoff).unwrap();
    let expected = brute_force(positions, cell, cutoff);
    assert_eq!(edges_of_list(&list), expected);
    let mirrors = list.mirrors();
    for (e, &(i, j, s)) in expected.iter().enumerate() {
        assert_eq!(expected[mirrors[e] as usize], (j, i, s.map(|x| -x)));
    }
    let mut edges = Edges::default();
    edges.fill(&list, cutoff, positions, cell).unwrap();
    check_edges(&edges, positions, cell, cutoff);
    edges.fill(&list, 0.7 * cutoff, positions, cell).unwrap();
    check_edges(&edges, positions, cell, 0.7 * cutoff);

    let cells = LinkedCells::new(positions, cell, cutoff).unwrap();
    let mut streamed = Vec::new();
    for i in 0..cells.atoms() {
        cells.for_each(i, |n| {
            assert_eq!(n.vector, vector(positions[i], positions[n.atom as usize], n.shift, cell));
            streamed.push((i, n.atom as usize, n.shift));
        });
    }
    streamed.sort_unstable();
    assert_eq!(streamed, expected);
}

/// Cells with vectors of 1 to 12 angstrom in any direction, either hand, not flatter than brute force can bear.
fn cells() -> impl Strategy<Value = Cell> {
    let direction = prop::array::uniform3(-1.0..1.0f64);
    (prop::array::uniform3(direction), prop::array::uniform3(1.0..12.0f64), any::<[bool; 3]>())
        .prop_map(|(d, l, periodic)| {
            let vectors = std::array::from_fn(|a| {
                let n = length2(d[a]).sqrt().max(1e-3);
                d[a].map(|x| x / n * l[a])
            });
            Cell { vectors, periodic }
        })
        .prop_filter("flat", |c| {
            let lengths: f64 = c.vectors.iter().map(|&v| length2(v).sqrt()).product();
            c.volume().abs() > 0.1 * lengths && c.volume().abs() > 3.0
        })
}

fn atoms(n: std::ops::Range<usize>, extent: f64) -> impl Strategy<Value = Vec<[f64; 3]>> {
    prop::collection::vec(prop::array::uniform3(-extent..extent), n)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn equals_brute_force_in_any_cell(x in atoms(1..21, 30.0), cell in cells(), cutoff in 1.0..8.0f64) {
        // A long cutoff in a tiny crowded cell only makes brute force slow.
        let edges = 4.2 * cutoff.powi(3) / cell.volume().abs() * (x.len() * x.len()) as f64;
        let cutoff = cutoff * (3e4 / edges).cbrt().min(1.0);
        check(&x, Some(&cell), cutoff);
    }

    #[test]
    fn equals_brute_force_for_molecules(x in atoms(1..260, 8.0), cutoff in 1.0..8.0f64) {
        check(&x, None, cutoff);
    }

    #[test]
    fn equals_brute_force_on_lattice_points(
        a in 1.0..4.0f64, cutoff in 1usize..4, n in prop::array::uniform3(1usize..4), far in -40i32..40,
    ) {
        // Many edges on the cutoff up to rounding: both ends must decide alike.
        let length = n.map(|n| n as f64 * a);
        let mut x = Vec::new();
        for i in 0..n[0] {
            for j in 0..n[1] {
                for k in 0..n[2] {
                    x.push([i as f64 * a, j as f64 * a + f64::from(far) * length[1], k as f64 * a]);
                }
            }
        }
        let cell = Cell::new([[length[0], 0.0, 0.0], [0.0, length[1], 0.0], [0.0, 0.0, length[2]]]);
        check(&x, Some(&cell), cutoff as f64 * a);
    }

    #[test]
    fn a_skinned_list_never_misses_an_edge(
        x in atoms(1..13, 6.0), cell in cells(), periodic in any::<bool>(), skin in 0.0..1.5f64,
        steps in prop::collection::vec((0.0..0.4f64, 1..u64::MAX, 0.0..0.02f64), 12),
    ) {
        let cutoff = 2.5;
        let mut system = System::molecule(vec![1; x.len()], x);
        system.cell = periodic.then_some(cell);
        let mut list = SkinnedList::new(cutoff, skin).unwrap();
        let mut edges = Edges::default();
        for (size, mut state, strain) in steps {
            let mut random = || {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 11) as f64 / (1u64 << 53) as f64 * 2.0 - 1.0
            };
            system.positions.iter_mut().flatten().for_each(|x| *x += size * random());
            if let Some(cell) = &mut system.cell {
                // The atoms stay where they are when the cell is strained, the harder case.
                cell.vectors.iter_mut().flatten().for_each(|v| *v *= 1.0 + strain * random());
            }
            list.edges(&system, &mut edges).unwrap();
            check_edges(&edges, &system.positions, system.cell.as_ref(), cutoff);
        }
    }
}

#[test]
fn one_atom_sees_its_own_images() {
    let cell = cube(3.0);
    let x = [[100.0, -7.0, 0.5]];
    // 6 at 3 and 12 at 3 sqrt 2; the next 8 are at 3 sqrt 3 = 5.2.
    assert_eq!(NeighborList::new(&x, Some(&cell), 4.5).unwrap().len(), 18);
    check(&x, Some(&cell), 4.5);
    check(&x, Some(&Cell { periodic: [false; 3], ..cell }), 4.5);
    assert_eq!(NeighborList::new(&x, None, 4.5).unwrap().len(), 0);
    assert_eq!(NeighborList::new(&[], None, 4.5).unwrap().atoms(), 0);
}

#[test]
fn two_atoms_are_each_others_mirror() {
    let x = [[0.0; 3], [0.0, 0.0, 1.0]];
    let list = NeighborList::new(&x, None, 1.5).unwrap();
    assert_eq!((list.neighbors(), list.mirrors()), (&[1, 0][..], vec![1, 0]));
    assert_eq!(list.vector(0, 0, &x, None), [0.0, 0.0, -1.0]);
    // The cutoff is exclusive.
    assert!(NeighborList::new(&x, None, 1.0).unwrap().is_empty());
}

#[test]
fn a_skewed_cell_equals_its_compact_equivalent() {
    let compact = Cell::new([[4.0, 0.0, 0.0], [0.0, 5.0, 0.0], [0.0, 0.0, 6.0]]);
    let skewed = Cell::new([[4.0, 0.0, 0.0], [400.0, 5.0, 0.0], [-1200.0, 250.0, 6.0]]);
    let x = [[0.1, 0.2, 0.3], [2.0, 2.5, 1.0], [-60.0, 3.0, 9.0]];
    let lengths = |cell: &Cell| {
        let list = NeighborList::new(&x, Some(cell), 6.5).unwrap();
        let mut found = Vec::new();
        for i in 0..x.len() {
            for e in list.edges_of(i) {
                // Rounded to 1e-6, since the two cells sum different lattice vectors.
                let d2 = length2(list.vector(i, e, &x, Some(cell)));
                found.push((i, list.neighbors()[e], (d2 * 1e6).round() as i64));
            }
        }
        found.sort_unstable();
        found
    };
    assert_eq!(lengths(&compact), lengths(&skewed));
}

#[test]
fn spread_out_molecules_need_no_absurd_grid() {
    let mut x: Vec<[f64; 3]> = (0..300).map(|i| [f64::from(i) * 0.9, 0.0, f64::from(i % 3)]).collect();
    x.push([1e12, -1e12, 1e12]);
    x.push([1e12, -1e12, 1e12 + 2.0]);
    check(&x, None, 3.0);
    // The same on a periodic wire.
    x.truncate(300);
    x[7][1] = 1e9;
    let wire = Cell { vectors: [[271.0, 0.0, 0.0], [0.0; 3], [0.0; 3]], periodic: [true, false, false] };
    let list = NeighborList::new(&x, Some(&wire), 3.0).unwrap();
    assert!(list.edges_of(0).any(|e| list.shift(e) == [-1, 0, 0]));
    assert!(list.edges_of(7).is_empty());
    check(&x, Some(&wire), 3.0);
}

#[test]
fn threads_do_not_change_a_bit() {
    let mut x = Vec::new();
    for i in 0..20 {
        for j in 0..20 {
            for k in 0..20 {
                let wobble = f64::from((i * 7 + j * 13 + k * 29) % 11) * 0.03;
                x.push([f64::from(i) * 1.9 + wobble, f64::from(j) * 1.9 - wobble, f64::from(k) * 1.9]);
            }
        }
    }
    let cell = Cell::new([[38.0, 0.0, 0.0], [5.0, 38.0, 0.0], [0.0, -4.0, 38.0]]);
    let run = |threads| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
            let list = NeighborList::new(&x, Some(&cell), 5.0).unwrap();
            let mut edges = Edges::default();
            edges.fill(&list, 4.0, &x, Some(&cell)).unwrap();
            (list, edges)
        })
    };
    let one = run(1);
    assert!(one.0.len() > 400_000);
    assert_eq!(one, run(3));
}

#[test]
fn the_skin_is_used_and_changes_rebuild() {
    let mut s = System::molecule(vec![8, 1, 1], vec![[0.0; 3], [0.96, 0.0, 0.0], [-0.24, 0.93, 0.0]]);
    s.cell = Some(cube(6.0));
    let mut list = SkinnedList::new(3.0, 1.0).unwrap();
    assert!(list.update(&s).unwrap());
    assert!(!list.update(&s).unwrap());
    s.positions[0][0] += 0.9;
    assert!(!list.update(&s).unwrap(), "one atom alone may use the whole skin");
    s.positions[1][2] += 0.2;
    assert!(list.update(&s).unwrap());
    // A strain of 1% with the atoms following takes about 0.07 of a skin of 1.
    for v in s.cell.as_mut().unwrap().vectors.iter_mut().chain(&mut s.positions).flatten() {
        *v *= 1.01;
    }
    assert!(!list.update(&s).unwrap());
    s.numbers[1] = 3;
    assert!(list.update(&s).unwrap());
    s.cell.as_mut().unwrap().periodic[2] = false;
    assert!(list.update(&s).unwrap());
    s.cell = None;
    assert!(list.update(&s).unwrap());
    s.numbers.push(2);
    s.positions.push([3.0; 3]);
    assert!(list.update(&s).unwrap());
    s.positions[3][1] = f64::NAN;
    assert!(list.update(&s).unwrap_err().message.contains("atom 4"));
    s.positions[3][1] = 3.0;
    assert!(list.update(&s).unwrap(), "a failed update must not leave an old list in use");

    let mut still = SkinnedList::new(3.0, 0.0).unwrap();
    assert!(still.update(&s).unwrap());
    assert!(!still.update(&s).unwrap());
    s.positions[0][0] += 1e-6;
    assert!(still.update(&s).unwrap());
}

/// Pairs that start just beyond the list and come straight in, the worst case of the rebuild rule.
#[test]
fn pairs_that_close_in_are_noticed_in_time() {
    let (cutoff, skin) = (3.0, 0.8);
    let outside = (cutoff + skin) * 1.0001;
    let pair = vec![[-0.5 * outside, 0.1, 0.0], [0.5 * outside, 0.1, 0.0]];
    let lone = vec![[0.4, 0.1, 0.0]];
    // (atoms, cell, whether the atoms are squeezed, whether the cell is)
    let cases = [
        (pair.clone(), None, true, false),
        (pair.clone(), Some(cube(20.0)), true, false),
        (pair, Some(cube(20.0)), true, true),
        (lone.clone(), Some(cube(outside)), false, true),
        (lone, Some(cube(outside)), true, true),
    ];
    for (x, cell, squeeze_atoms, squeeze_cell) in cases {
        let mut system = System::molecule(vec![1; x.len()], x);
        system.cell = cell;
        let (mut list, mut edges) = (SkinnedList::new(cutoff, skin).unwrap(), Edges::default());
        let mut rebuilt = 0;
        for _ in 0..100 {
            rebuilt += usize::from(list.edges(&system, &mut edges).unwrap());
            check_edges(&edges, &system.positions, system.cell.as_ref(), cutoff);
            if squeeze_atoms {
                system.positions.iter_mut().for_each(|x| x[0] *= 0.995);
            }
            if let Some(cell) = system.cell.as_mut().filter(|_| squeeze_cell) {
                cell.vectors[0][0] *= 0.995;
            }
        }
        assert!(!edges.is_empty() && rebuilt < 10, "{} edges, {rebuilt} times", edges.len());
    }
}

#[test]
fn close_atoms_are_refused_by_name() {
    let mut s = System::molecule(vec![1; 3], vec![[0.0; 3], [5.0, 0.0, 0.0], [5.0, 0.3, 0.0]]);
    let message = refuse_close_atoms(&s).unwrap_err().message;
    assert!(message.contains("atoms 2 and 3 are 0.300 angstrom") && message.contains("--force"), "{message}");
    let list = NeighborList::new(&s.positions, None, 2.0).unwrap();
    let mut edges = Edges::default();
    edges.fill(&list, 2.0, &s.positions, None).unwrap();
    assert_eq!(edges.refuse_close_atoms().unwrap_err().message, message);
    s.positions[2][1] = 0.4;
    refuse_close_atoms(&s).unwrap();
    s.positions[0][1] = 9.0;
    s.cell = Some(Cell { vectors: [[0.2, 0.0, 0.0], [0.0; 3], [0.0; 3]], periodic: [true, false, false] });
    assert!(refuse_close_atoms(&s).unwrap_err().message.contains("atom 1 and its own periodic image"));
    s.cell = None;
    s.positions[1] = s.positions[0];
    assert!(refuse_close_atoms(&s).unwrap_err().message.contains("atoms 1 and 2 are 0.000"));
}

/// A view whose atoms from `.1` on are ghosts.
struct Ghosts(System, usize);

impl SystemView for Ghosts {
    fn numbers(&self) -> &[u8] {
        &self.0.numbers
    }
    fn positions(&self) -> &[[f64; 3]] {
        &self.0.positions
    }
    fn cell(&self) -> Option<&Cell> {
        None
    }
    fn charge(&self) -> i32 {
        0
    }
    fn unpaired(&self) -> u32 {
        0
    }
    fn owned(&self) -> usize {
        self.1
    }
}

#[test]
fn ghosts_are_neighbours_but_not_centers() {
    let x = vec![[0.0; 3], [1.0, 0.0, 0.0], [2.0, 0.0, 0.0], [1.0, 1.0, 0.0]];
    let view = Ghosts(System::molecule(vec![1; 4], x), 2);
    let (mut list, mut edges) = (SkinnedList::new(1.2, 0.5).unwrap(), Edges::default());
    list.edges(&view, &mut edges).unwrap();
    assert_eq!(edges.first, [0, 1, 4, 4, 4]);
    assert_eq!(edges.neighbor, [1, 0, 2, 3]);
    assert_eq!(edges.mirror, [1, 0, NO_MIRROR, NO_MIRROR]);
}

#[test]
fn bad_input_is_refused_in_words() {
    let x = [[0.0; 3], [f64::INFINITY, 0.0, 0.0]];
    let message = |x: &[[f64; 3]], cell: Option<&Cell>, cutoff| {
        NeighborList::new(x, cell, cutoff).map(|l| l.len()).unwrap_err().message
    };
    assert!(message(&x, None, 3.0).contains("atom 2"));
    assert!(message(&x[..1], None, f64::NAN).contains("cutoff"));
    assert!(message(&x[..1], None, 0.0).contains("cutoff"));
    let flat = Cell::new([[1.0, 0.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 1.0]]);
    assert!(message(&x[..1], Some(&flat), 3.0).contains("no volume"));
    assert!(message(&[[0.0; 3], [1e6, 0.0, 0.0]], Some(&cube(1.0)), 2.0).contains("wrap"));
    assert!(message(&[[0.0; 3], [1e300, 0.0, 0.0]], Some(&cube(1.0)), 2.0).contains("wrap"));
    assert!(SkinnedList::new(5.0, -1.0).is_err());
    let list = NeighborList::new(&x[..1], None, 3.0).unwrap();
    let mut edges = Edges::default();
    assert!(edges.fill(&list, 3.0, &[[0.0; 3]; 2], None).is_err());
    assert!(edges.fill(&list, 3.1, &[[0.0; 3]], None).is_err());
}

/// The density of water, 103 823 atoms, 5 + 1 angstrom, one thread:
/// `cargo test --release -p oxidane-core --test neighbors -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn time_of_a_large_list() {
    let n = 47;
    let a = 2.154; // 0.1 atoms per cubic angstrom
    let mut x = Vec::new();
    for i in 0..n * n * n {
        let wobble = f64::from((i * 7919) % 101) * 0.006;
        let at = |m: i32| f64::from(m) * a;
        x.push([at(i / (n * n)) + wobble, at(i / n % n) - wobble, at(i % n) + 0.5 * wobble]);
    }
    let mut s = System::molecule(vec![1; x.len()], x);
    s.cell = Some(cube(f64::from(n) * a));
    rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap().install(|| {
        let (mut list, mut edges) = (SkinnedList::new(5.0, 1.0).unwrap(), Edges::default());
        for _ in 0..3 {
            let t = std::time::Instant::now();
            s.numbers[0] = 3 - s.numbers[0]; // forces a rebuild
            assert!(list.update(&s).unwrap());
            let built = t.elapsed();
            list.edges(&s, &mut edges).unwrap();
            let filled = t.elapsed() - built;
            println!("{} listed in {built:?}; {} edges filled in {filled:?}", list.list().len(), edges.len());
        }
    });
}

/// Cells that no structure has are refused by name, before memory or time are spent on their images.
#[test]
fn vanishing_cells_are_refused() {
    let cube = |a: f64| Cell::new([[a, 0.0, 0.0], [0.0, a, 0.0], [0.0, 0.0, a]]);
    let atom = vec![[0.0; 3]];
    let system = |cell| System { cell: Some(cell), ..System::molecule(vec![8], vec![[0.0; 3]]) };
    assert!(system(cube(0.39)).validate().unwrap_err().message.contains("3.900e-1 angstrom"));
    assert!(system(cube(0.41)).validate().is_ok());
    // Long vectors of a lattice that repeats every 0.1 angstrom.
    let skewed = Cell::new([[5.0, 0.0, 0.0], [5.1, 0.0, 0.1], [0.0, 5.0, 0.0]]);
    assert!(system(skewed).validate().unwrap_err().message.contains("unit"));
    let error = LinkedCells::new(&atom, Some(&cube(0.01)), 6.0).unwrap_err();
    assert!(error.message.contains("too small"), "{}", error.message);
    let wire = Cell { vectors: cube(1e-6).vectors, periodic: [false, false, true] };
    assert!(LinkedCells::new(&atom, Some(&wire), 6.0).is_err());
    // Only what repeats is looked at.
    let slab = Cell { vectors: [[5.0, 0.0, 0.0], [0.0, 5.0, 0.0], [0.0; 3]], periodic: [true, true, false] };
    assert!(system(slab).validate().is_ok());
}
