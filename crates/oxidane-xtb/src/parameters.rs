//! The parameters of GFN2-xTB (C. Bannwarth, S. Ehlert, S. Grimme, J. Chem. Theory Comput. 2019, 15, 1652), in atomic
//! units.

use std::sync::OnceLock;

/// Hartree in eV as the parametrisation used it (levels are tabulated in eV).
const HARTREE: f64 = 27.21138505;

/// Off-diagonal scaling of shells with angular momenta `l` and `m` (eq. 13): 1.85 for ss, 2.23 for pp and dd, their
/// mean for sp, 2 for sd and pd.
pub fn shell_scaling(l: u8, m: u8) -> f64 {
    match (l.min(m), l.max(m)) {
        (0, 0) => 1.85,
        (0, 1) => 0.5 * (1.85 + 2.23),
        (0, 2) | (1, 2) => 2.0,
        _ => 2.23,
    }
}

/// Exponent of the ratio of Slater exponents in the scaling of the Hamiltonian.
pub const SLATER_EXPONENT: f64 = 0.5;
/// Factor of the squared difference of electronegativities in the scaling of the Hamiltonian.
pub const ELECTRONEGATIVITY_SCALE: f64 = 0.02;
/// Exponent of the distance in the repulsion; for pairs of H and He [`REPULSION_EXPONENT_LIGHT`].
pub const REPULSION_EXPONENT: f64 = 1.5;
/// Exponent of the distance in the repulsion between H and He.
pub const REPULSION_EXPONENT_LIGHT: f64 = 1.0;
/// Damping exponent of charge-dipole interactions.
pub const MULTIPOLE_DAMPING_3: f64 = 3.0;
/// Damping exponent of dipole-dipole and charge-quadrupole interactions.
pub const MULTIPOLE_DAMPING_5: f64 = 4.0;
/// Steepness of the multipole radius as a function of the coordination number.
pub const MULTIPOLE_STEEPNESS: f64 = 4.0;
/// Shift of the coordination number in the multipole radius.
pub const MULTIPOLE_SHIFT: f64 = 1.2;
/// Largest multipole radius in bohr.
pub const MULTIPOLE_RADIUS_MAX: f64 = 5.0;

/// The highest atomic number that has parameters.
pub const LAST_ELEMENT: u8 = 86;

/// Parameters of an element.
#[derive(Debug, Clone)]
pub struct Element {
    /// Chemical hardness in hartree.
    pub hardness: f64,
    /// Derivative of the hardness by the charge (third order), before the factor of the shell.
    pub hardness_derivative: f64,
    /// Effective nuclear charge of the repulsion.
    pub nuclear_charge: f64,
    /// Exponent of the repulsion.
    pub repulsion: f64,
    /// Pauling electronegativity.
    pub electronegativity: f64,
    /// On-site anisotropic exchange-correlation of the dipole.
    pub dipole_kernel: f64,
    /// On-site anisotropic exchange-correlation of the quadrupole.
    pub quadrupole_kernel: f64,
    /// Base multipole radius in bohr.
    pub multipole_radius: f64,
    /// Valence coordination number.
    pub valence_coordination: f64,
    /// Atomic radius of the shell polynomial in bohr.
    pub radius: f64,
    /// The shells, in the order of the parametrisation.
    pub shells: Vec<ShellParameters>,
}

/// Parameters of a shell of an element.
#[derive(Debug, Clone)]
pub struct ShellParameters {
    /// Principal quantum number.
    pub n: u8,
    /// Angular momentum: 0 for s, 1 for p, 2 for d.
    pub l: u8,
    /// Level in hartree.
    pub level: f64,
    /// Slater exponent in 1/bohr.
    pub slater: f64,
    /// Number of Gaussians.
    pub gaussians: usize,
    /// Occupation of the free atom.
    pub occupation: f64,
    /// Coefficient of the shell polynomial.
    pub polynomial: f64,
    /// The level falls by this many hartree per unit of coordination number.
    pub coordination_shift: f64,
    /// Hardness in hartree.
    pub hardness: f64,
    /// Third-order parameter (hardness derivative times 1, 1/2, 1/4 for s, p, d).
    pub third_order: f64,
}

/// The parameters of the element of atomic number `z`, 1 to 86.
pub fn element(z: u8) -> Option<&'static Element> {
    static TABLE: OnceLock<Vec<Element>> = OnceLock::new();
    let table = TABLE.get_or_init(|| parse(include_str!("../data/gfn2.txt")));
    table.get(usize::from(z).checked_sub(1)?)
}

/// Reads the table; its format is stated at the top of the file.
fn parse(text: &str) -> Vec<Element> {
    let mut elements: Vec<Element> = Vec::with_capacity(usize::from(LAST_ELEMENT));
    for line in text.lines().filter(|l| !l.starts_with('#')) {
        let mut words = line.split_whitespace();
        if line.starts_with(' ') {
            let element = elements.last_mut().expect("a shell follows its element");
            let shell = parse_shell(words, element);
            element.shells.push(shell);
        } else {
            let [_, _] = [words.next(), words.next()];
            let x: Vec<f64> = words.map(number).collect();
            elements.push(Element {
                hardness: x[0],
                hardness_derivative: x[1],
                nuclear_charge: x[2],
                repulsion: x[3],
                electronegativity: x[4],
                dipole_kernel: x[5],
                quadrupole_kernel: x[6],
                multipole_radius: x[7],
                valence_coordination: x[8],
                radius: x[9],
                shells: Vec::with_capacity(3),
            });
        }
    }
    elements
}

fn parse_shell<'a>(mut words: impl Iterator<Item = &'a str>, element: &Element) -> ShellParameters {
    let label = words.next().expect("a label such as 2p").as_bytes();
    let l = match label[1] {
        b's' => 0,
        b'p' => 1,
        _ => 2,
    };
    let x: Vec<f64> = words.map(number).collect();
    ShellParameters {
        n: label[0] - b'0',
        l,
        level: x[0] / HARTREE,
        slater: x[1],
        gaussians: x[2] as usize,
        occupation: x[3],
        polynomial: x[4],
        coordination_shift: x[5] / HARTREE,
        hardness: element.hardness * x[6],
        third_order: element.hardness_derivative * [1.0, 0.5, 0.25][usize::from(l)],
    }
}

fn number(word: &str) -> f64 {
    word.parse().expect("the table holds numbers")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_has_its_shells() {
        for z in 1..=LAST_ELEMENT {
            let shells = &element(z).unwrap().shells;
            assert!((1..=3).contains(&shells.len()));
            assert!(shells.iter().all(|s| s.slater > 0.0 && s.n > s.l && [3, 4, 6].contains(&s.gaussians)));
        }
        assert!(element(0).is_none() && element(87).is_none());
    }

    /// Valence electrons: the group in the main groups, f electrons in the core for the lanthanides.
    #[test]
    fn occupations_are_the_valence_electrons() {
        let electrons = |z| element(z).unwrap().shells.iter().map(|s| s.occupation).sum::<f64>();
        for (z, expected) in
            [(1, 1.0), (6, 4.0), (8, 6.0), (26, 8.0), (30, 2.0), (57, 3.0), (63, 3.0), (79, 11.0), (86, 8.0)]
        {
            assert_eq!(electrons(z), expected, "Z = {z}");
        }
    }
}
