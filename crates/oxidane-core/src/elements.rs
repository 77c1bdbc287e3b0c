//! The elements to Z = 118: symbols, names, masses and radii.
//!
//! Masses are the IUPAC standard atomic weights of 2021, abridged to five figures (T. Prohaska et al.,
//! Pure Appl. Chem. 94, 573 (2022), table 2); for an element without stable isotopes the mass number of its
//! longest-lived isotope as printed in the IUPAC periodic table of May 2022. Covalent radii are the
//! single-bond radii of P. Pyykko and M. Atsumi, Chem. Eur. J. 15, 186 (2009).
//!
//! Deuterium and tritium are isotopes, not elements: `D` and `T` are not accepted as symbols. (A CIF may
//! still hold D; its reader says so, see [`crate::io`].)

use crate::error::{Error, Result};

/// The largest atomic number in the table.
pub const MAX_Z: u8 = 118;

struct Element {
    symbol: &'static str,
    name: &'static str,
    mass: f64,
    covalent_radius: f64,
}

const fn element(symbol: &'static str, name: &'static str, mass: f64, covalent_radius: f64) -> Element {
    Element { symbol, name, mass, covalent_radius }
}

fn get(z: u8) -> Option<&'static Element> {
    TABLE.get(usize::from(z).checked_sub(1)?)
}

/// Symbol of element `z`; `"?"` outside 1 to 118.
pub fn symbol(z: u8) -> &'static str {
    get(z).map_or("?", |e| e.symbol)
}

/// English IUPAC name of element `z`; `"?"` outside 1 to 118.
pub fn name(z: u8) -> &'static str {
    get(z).map_or("?", |e| e.name)
}

/// Standard atomic weight of element `z` in amu; NaN outside 1 to 118.
pub fn mass(z: u8) -> f64 {
    get(z).map_or(f64::NAN, |e| e.mass)
}

/// Single-bond covalent radius (Pyykko and Atsumi 2009) of element `z` in angstrom; NaN outside 1 to 118.
pub fn covalent_radius(z: u8) -> f64 {
    get(z).map_or(f64::NAN, |e| e.covalent_radius)
}

/// Atomic number of a symbol in any case (`Cl`, `CL`, `cl`); `None` for anything else, `D` and `T` included.
pub fn from_symbol(symbol: &str) -> Option<u8> {
    let at = TABLE.iter().position(|e| e.symbol.eq_ignore_ascii_case(symbol))?;
    u8::try_from(at + 1).ok()
}

/// Atomic number of a symbol (any case) or of an atomic number written in digits.
///
/// # Errors
/// Input error naming the token, with the nearest symbol or name where one is near.
pub fn parse(token: &str) -> Result<u8> {
    if let Some(z) = from_symbol(token) {
        return Ok(z);
    }
    if let Ok(z) = token.parse::<i64>() {
        return u8::try_from(z).ok().filter(|z| (1..=MAX_Z).contains(z)).ok_or_else(|| {
            Error::input(format!("there is no element with atomic number {z}; they run from 1 to {MAX_Z}"))
        });
    }
    if matches!(token, "D" | "T" | "d" | "t") {
        return Err(Error::input(format!(
            "unknown element `{token}`; write the isotopes of hydrogen as H (their mass is a setting of the calculation)"
        )));
    }
    let shown: String = token.chars().take(20).collect();
    Err(Error::input(match nearest(token) {
        Some(s) => format!("unknown element `{shown}`; did you mean {s}?"),
        None => format!("unknown element `{shown}`; give a symbol such as C or an atomic number"),
    }))
}

/// The symbol most likely meant: a full name, or the letters at the front of a label such as `C12` or `Fe3+`.
fn nearest(token: &str) -> Option<&'static str> {
    if let Some(e) = TABLE.iter().find(|e| e.name.eq_ignore_ascii_case(token)) {
        return Some(e.symbol);
    }
    let letters = token.bytes().take_while(u8::is_ascii_alphabetic).count();
    (1..=letters.min(2)).rev().find_map(|n| from_symbol(&token[..n])).map(symbol)
}

/// Row `Z - 1` is element `Z`.
#[rustfmt::skip]
static TABLE: [Element; MAX_Z as usize] = [
    element("H", "Hydrogen", 1.0080, 0.32),
    element("He", "Helium", 4.0026, 0.46),
    element("Li", "Lithium", 6.94, 1.33),
    element("Be", "Beryllium", 9.0122, 1.02),
    element("B", "Boron", 10.81, 0.85),
    element("C", "Carbon", 12.011, 0.75),
    element("N", "Nitrogen", 14.007, 0.71),
    element("O", "Oxygen", 15.999, 0.63),
    element("F", "Fluorine", 18.998, 0.64),
    element("Ne", "Neon", 20.180, 0.67),
    element("Na", "Sodium", 22.990, 1.55),
    element("Mg", "Magnesium", 24.305, 1.39),
    element("Al", "Aluminium", 26.982, 1.26),
    element("Si", "Silicon", 28.085, 1.16),
    element("P", "Phosphorus", 30.974, 1.11),
    element("S", "Sulfur", 32.06, 1.03),
    element("Cl", "Chlorine", 35.45, 0.99),
    element("Ar", "Argon", 39.95, 0.96),
    element("K", "Potassium", 39.098, 1.96),
    element("Ca", "Calcium", 40.078, 1.71),
    element("Sc", "Scandium", 44.956, 1.48),
    element("Ti", "Titanium", 47.867, 1.36),
    element("V", "Vanadium", 50.942, 1.34),
    element("Cr", "Chromium", 51.996, 1.22),
    element("Mn", "Manganese", 54.938, 1.19),
    element("Fe", "Iron", 55.845, 1.16),
    element("Co", "Cobalt", 58.933, 1.11),
    element("Ni", "Nickel", 58.693, 1.10),
    element("Cu", "Copper", 63.546, 1.12),
    element("Zn", "Zinc", 65.38, 1.18),
    element("Ga", "Gallium", 69.723, 1.24),
    element("Ge", "Germanium", 72.630, 1.21),
    element("As", "Arsenic", 74.922, 1.21),
    element("Se", "Selenium", 78.971, 1.16),
    element("Br", "Bromine", 79.904, 1.14),
    element("Kr", "Krypton", 83.798, 1.17),
    element("Rb", "Rubidium", 85.468, 2.10),
    element("Sr", "Strontium", 87.62, 1.85),
    element("Y", "Yttrium", 88.906, 1.63),
    element("Zr", "Zirconium", 91.224, 1.54),
    element("Nb", "Niobium", 92.906, 1.47),
    element("Mo", "Molybdenum", 95.95, 1.38),
    element("Tc", "Technetium", 97.0, 1.28),
    element("Ru", "Ruthenium", 101.07, 1.25),
    element("Rh", "Rhodium", 102.91, 1.25),
    element("Pd", "Palladium", 106.42, 1.20),
    element("Ag", "Silver", 107.87, 1.28),
    element("Cd", "Cadmium", 112.41, 1.36),
    element("In", "Indium", 114.82, 1.42),
    element("Sn", "Tin", 118.71, 1.40),
    element("Sb", "Antimony", 121.76, 1.40),
    element("Te", "Tellurium", 127.60, 1.36),
    element("I", "Iodine", 126.90, 1.33),
    element("Xe", "Xenon", 131.29, 1.31),
    element("Cs", "Caesium", 132.91, 2.32),
    element("Ba", "Barium", 137.33, 1.96),
    element("La", "Lanthanum", 138.91, 1.80),
    element("Ce", "Cerium", 140.12, 1.63),
    element("Pr", "Praseodymium", 140.91, 1.76),
    element("Nd", "Neodymium", 144.24, 1.74),
    element("Pm", "Promethium", 145.0, 1.73),
    element("Sm", "Samarium", 150.36, 1.72),
    element("Eu", "Europium", 151.96, 1.68),
    element("Gd", "Gadolinium", 157.25, 1.69),
    element("Tb", "Terbium", 158.93, 1.68),
    element("Dy", "Dysprosium", 162.50, 1.67),
    element("Ho", "Holmium", 164.93, 1.66),
    element("Er", "Erbium", 167.26, 1.65),
    element("Tm", "Thulium", 168.93, 1.64),
    element("Yb", "Ytterbium", 173.05, 1.70),
    element("Lu", "Lutetium", 174.97, 1.62),
    element("Hf", "Hafnium", 178.49, 1.52),
    element("Ta", "Tantalum", 180.95, 1.46),
    element("W", "Tungsten", 183.84, 1.37),
    element("Re", "Rhenium", 186.21, 1.31),
    element("Os", "Osmium", 190.23, 1.29),
    element("Ir", "Iridium", 192.22, 1.22),
    element("Pt", "Platinum", 195.08, 1.23),
    element("Au", "Gold", 196.97, 1.24),
    element("Hg", "Mercury", 200.59, 1.33),
    element("Tl", "Thallium", 204.38, 1.44),
    element("Pb", "Lead", 207.2, 1.44),
    element("Bi", "Bismuth", 208.98, 1.51),
    element("Po", "Polonium", 209.0, 1.45),
    element("At", "Astatine", 210.0, 1.47),
    element("Rn", "Radon", 222.0, 1.42),
    element("Fr", "Francium", 223.0, 2.23),
    element("Ra", "Radium", 226.0, 2.01),
    element("Ac", "Actinium", 227.0, 1.86),
    element("Th", "Thorium", 232.04, 1.75),
    element("Pa", "Protactinium", 231.04, 1.69),
    element("U", "Uranium", 238.03, 1.70),
    element("Np", "Neptunium", 237.0, 1.71),
    element("Pu", "Plutonium", 244.0, 1.72),
    element("Am", "Americium", 243.0, 1.66),
    element("Cm", "Curium", 247.0, 1.66),
    element("Bk", "Berkelium", 247.0, 1.68),
    element("Cf", "Californium", 251.0, 1.68),
    element("Es", "Einsteinium", 252.0, 1.65),
    element("Fm", "Fermium", 257.0, 1.67),
    element("Md", "Mendelevium", 258.0, 1.73),
    element("No", "Nobelium", 259.0, 1.76),
    element("Lr", "Lawrencium", 262.0, 1.61),
    element("Rf", "Rutherfordium", 267.0, 1.57),
    element("Db", "Dubnium", 268.0, 1.49),
    element("Sg", "Seaborgium", 269.0, 1.43),
    element("Bh", "Bohrium", 270.0, 1.41),
    element("Hs", "Hassium", 269.0, 1.34),
    element("Mt", "Meitnerium", 277.0, 1.29),
    element("Ds", "Darmstadtium", 281.0, 1.28),
    element("Rg", "Roentgenium", 282.0, 1.21),
    element("Cn", "Copernicium", 285.0, 1.22),
    element("Nh", "Nihonium", 286.0, 1.36),
    element("Fl", "Flerovium", 290.0, 1.43),
    element("Mc", "Moscovium", 290.0, 1.62),
    element("Lv", "Livermorium", 293.0, 1.75),
    element("Ts", "Tennessine", 294.0, 1.65),
    element("Og", "Oganesson", 294.0, 1.57),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_round_trip_in_any_case() {
        for z in 1..=MAX_Z {
            assert_eq!(from_symbol(symbol(z)), Some(z));
            assert_eq!(from_symbol(&symbol(z).to_uppercase()), Some(z));
            assert_eq!(parse(&z.to_string()).unwrap(), z);
        }
    }

    #[test]
    fn masses_grow_but_for_the_known_inversions() {
        // Ar/K, Co/Ni, Te/I are the classic inversions; the rest are choices of a longest-lived isotope.
        let inverted: Vec<u8> = (1..MAX_Z).filter(|&z| mass(z) > mass(z + 1)).collect();
        assert_eq!(inverted, [18, 27, 52, 90, 92, 94, 107]);
        assert!((1..=MAX_Z).all(|z| (0.3..2.4).contains(&covalent_radius(z))));
    }

    #[test]
    fn outside_the_table() {
        assert_eq!((symbol(0), symbol(119), name(255)), ("?", "?", "?"));
        assert!(mass(0).is_nan() && covalent_radius(119).is_nan());
    }

    #[test]
    fn errors_name_the_mend() {
        let message = |s: &str| parse(s).unwrap_err().to_string();
        assert!(message("C12").contains("did you mean C?"));
        assert!(message("Fe3+").contains("did you mean Fe?"));
        assert!(message("sodium").contains("did you mean Na?"));
        assert!(message("D").contains("isotopes of hydrogen as H"));
        assert!(message("0").contains("from 1 to 118"));
        assert!(message("-6").contains("from 1 to 118"));
        assert!(message("é").contains("unknown element"));
    }
}
