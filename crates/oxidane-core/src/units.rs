//! Physical constants (CODATA 2022; exact SI values where the SI defines them) and unit conversions.
//! Everything inside the program is in eV, angstrom, fs, e, K and amu.

/// Elementary charge in coulomb (exact).
pub const ELEMENTARY_CHARGE: f64 = 1.602_176_634e-19;
/// Avogadro constant in 1/mol (exact).
pub const AVOGADRO: f64 = 6.022_140_76e23;
/// Boltzmann constant in eV/K (exact SI value over the elementary charge).
pub const BOLTZMANN: f64 = 1.380_649e-23 / ELEMENTARY_CHARGE;
/// Planck constant in eV fs (exact SI value over the elementary charge).
pub const PLANCK: f64 = 6.626_070_15e-34 / ELEMENTARY_CHARGE * 1e15;
/// Speed of light in angstrom/fs (exact).
pub const SPEED_OF_LIGHT: f64 = 2_997.924_58;
/// Hartree energy in eV (CODATA 2022).
pub const HARTREE: f64 = 27.211_386_245_981;
/// Bohr radius in angstrom (CODATA 2022).
pub const BOHR: f64 = 0.529_177_210_544;
/// Atomic mass constant in kg (CODATA 2022).
pub const ATOMIC_MASS_KG: f64 = 1.660_539_068_92e-27;
/// 1 kcal/mol (thermochemical) in eV.
pub const KCAL_PER_MOL: f64 = 4184.0 / (AVOGADRO * ELEMENTARY_CHARGE);
/// 1 kJ/mol in eV.
pub const KJ_PER_MOL: f64 = 1000.0 / (AVOGADRO * ELEMENTARY_CHARGE);
/// 1 GPa in eV/angstrom^3.
pub const GIGAPASCAL: f64 = 1e9 * 1e-30 / ELEMENTARY_CHARGE;
/// 1 debye in e angstrom (1 D = 1e-21 C m^2/s / c).
pub const DEBYE: f64 = 1e-21 / 299_792_458.0 / ELEMENTARY_CHARGE * 1e10;
/// Mass times velocity squared: 1 amu angstrom^2/fs^2 in eV.
pub const AMU_ANGSTROM2_PER_FS2: f64 = ATOMIC_MASS_KG * 1e10 / ELEMENTARY_CHARGE;
/// Coulomb constant k_e = e^2/(4 pi eps_0) in eV angstrom / e^2: hartree times bohr.
pub const COULOMB: f64 = HARTREE * BOHR;
