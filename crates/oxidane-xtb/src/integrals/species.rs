//! What the integrals of two elements share, computed once per process.

use std::sync::OnceLock;

use super::radial::{Shape, Weights, shape};
use crate::gaussians::contractions;
use crate::parameters::{
    self, ELECTRONEGATIVITY_SCALE, Element, LAST_ELEMENT, SLATER_EXPONENT, ShellParameters, shell_scaling,
};

/// Pairs of primitives are dropped where exp(-x r^2) is below exp(-40) = 4e-18.
pub const EXPONENT_CUTOFF: f64 = 40.0;

/// All pairs of atoms are dropped beyond this distance in bohr, as in tblite 0.8.0. It matters for the diffuse orbitals
/// of metals, whose overlaps are below 1e-6 here: cut at 70 bohr, the energy of a cell of rock salt is another by 1e-5
/// hartree.
const LONGEST_REACH: f64 = 40.0;

/// The integrals of two elements.
#[derive(Debug)]
pub struct SpeciesPair {
    /// The elements.
    pub elements: [&'static Element; 2],
    /// Number of orbitals of each.
    pub orbitals: [usize; 2],
    /// All pairs of a shell of the first with a shell of the second.
    pub shells: Vec<ShellPair>,
    /// Distance in bohr beyond which nothing is left.
    pub cutoff: f64,
}

/// The integrals of two shells.
#[derive(Debug)]
pub struct ShellPair {
    /// The shells within their atoms.
    pub shells: [usize; 2],
    /// Their angular momenta.
    pub l: [usize; 2],
    /// Their first orbitals within the atoms.
    pub first: [usize; 2],
    /// Which integrals do not vanish.
    pub shape: &'static Shape,
    /// The radial functions.
    pub weights: Weights,
    /// What scales the mean of two levels in the core Hamiltonian, up to the polynomial in the distance (C. Bannwarth,
    /// S. Ehlert, S. Grimme, J. Chem. Theory Comput. 2019, 15, 1652, eq. 10 to 13): angular momenta, Slater exponents
    /// and electronegativities.
    pub scale: f64,
}

/// The integrals of the elements of atomic numbers `first` <= `second`, both at most [`LAST_ELEMENT`].
pub fn species_pair(first: u8, second: u8) -> &'static SpeciesPair {
    static CACHE: OnceLock<Vec<OnceLock<Box<SpeciesPair>>>> = OnceLock::new();
    let side = usize::from(LAST_ELEMENT) + 1;
    let cache = CACHE.get_or_init(|| (0..side * (side + 1) / 2).map(|_| OnceLock::new()).collect());
    let (low, high) = (usize::from(first), usize::from(second));
    cache[high * (high + 1) / 2 + low].get_or_init(|| Box::new(SpeciesPair::new(first, second)))
}

impl SpeciesPair {
    fn new(first: u8, second: u8) -> Self {
        let elements =
            [first, second].map(|z| parameters::element(z).expect("the basis refuses other elements"));
        let mut shells = Vec::new();
        let mut offset = [0; 2];
        for (i, a) in elements[0].shells.iter().enumerate() {
            offset[1] = 0;
            for (j, b) in elements[1].shells.iter().enumerate() {
                let l = [usize::from(a.l), usize::from(b.l)];
                let contractions = [&contractions(first)[i], &contractions(second)[j]];
                shells.push(ShellPair {
                    shells: [i, j],
                    l,
                    first: offset,
                    shape: shape(l[0], l[1]),
                    weights: Weights::new(contractions[0], l[0], contractions[1], l[1]),
                    scale: scale(elements, [a, b]),
                });
                offset[1] += 2 * l[1] + 1;
            }
            offset[0] += 2 * usize::from(a.l) + 1;
        }
        let softest = shells.iter().map(|s| s.weights.exponents[0]).fold(f64::INFINITY, f64::min);
        Self {
            elements,
            orbitals: offset,
            shells,
            cutoff: (EXPONENT_CUTOFF / softest).sqrt().min(LONGEST_REACH),
        }
    }
}

fn scale(elements: [&Element; 2], shells: [&ShellParameters; 2]) -> f64 {
    let [za, zb] = shells.map(|s| s.slater);
    let ratio = (2.0 * (za * zb).sqrt() / (za + zb)).powf(SLATER_EXPONENT);
    let difference = elements[0].electronegativity - elements[1].electronegativity;
    let polarity = 1.0 + ELECTRONEGATIVITY_SCALE * difference * difference;
    ratio * polarity * shell_scaling(shells[0].l, shells[1].l)
}
