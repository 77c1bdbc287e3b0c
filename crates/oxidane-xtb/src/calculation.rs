//! One GFN2-xTB calculation: from a geometry to energy, derivatives and properties, in atomic units.

use oxidane_core::{Error, Result};
use oxidane_physics::Geometry;
use oxidane_physics::geometry::Derivatives;

use crate::basis::Basis;
use crate::hamiltonian::Hamiltonian;
use crate::parameters;
use crate::repulsion;
use crate::scf::{Electrons, Interactions, Memory, SelfConsistency, State, coordination};

/// What the electrons of a calculation are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Total charge in e.
    pub charge: i32,
    /// Unpaired valence electrons.
    pub unpaired: u32,
    /// Electronic temperature in K; GFN2-xTB was fitted at 300.
    pub temperature: f64,
}

/// The results of a calculation.
#[derive(Debug, Clone)]
pub struct Calculation {
    /// The basis.
    pub basis: Basis,
    /// Total energy in hartree.
    pub energy: f64,
    /// Repulsion energy in hartree, a part of the total.
    pub repulsion: f64,
    /// Energy of the three-body dispersion in hartree, a part of the total.
    pub three_body: f64,
    /// The electrons.
    pub electrons: Electrons,
    /// The self-consistent state.
    pub state: State,
    /// Gradient and strain derivative, if asked for.
    pub derivatives: Option<Derivatives>,
    /// The overlap matrix, row-major.
    pub overlap: Vec<f64>,
}

impl Calculation {
    /// Computes a geometry. The iteration starts from `memory` where it fits the structure, else from the total
    /// charge spread over the atoms.
    pub fn run(
        geometry: &Geometry<'_>,
        settings: Settings,
        memory: Option<&Memory>,
        derivatives: bool,
    ) -> Result<Self> {
        let basis = Basis::new(geometry.numbers)?;
        let electrons = electrons(geometry.numbers, settings)?;
        let coordination = coordination(geometry)?;
        let hamiltonian = Hamiltonian::new(geometry, &basis, &coordination.values)?;
        let mut interactions = Interactions::new(geometry, &basis, &coordination)?;
        let memory = memory.filter(|m| m.fits(basis.atoms(), basis.shells.len()));
        let state = SelfConsistency::new(&basis, &hamiltonian, &mut interactions, electrons)?
            .run(memory, geometry.positions)?;
        let mut all = derivatives.then(|| Derivatives::zero(basis.atoms()));
        let repulsion = repulsion::energy(geometry, &basis, all.as_mut())?;
        let three_body = interactions.three_body(all.as_mut());
        if let Some(all) = &mut all {
            let mut de_dcn = vec![0.0; basis.atoms()];
            interactions.add_derivatives(geometry, &basis, &state.moments, all, &mut de_dcn);
            hamiltonian.add_derivatives(
                &basis,
                &state.density,
                &state.energy_weighted_density(),
                &state.potential.shells,
                &state.potential.dipoles,
                &state.potential.quadrupoles,
                all,
                &mut de_dcn,
            );
            coordination.add_derivatives(geometry, &de_dcn, all);
        }
        Ok(Self {
            energy: state.energy + repulsion + three_body,
            repulsion,
            three_body,
            electrons,
            state,
            derivatives: all,
            overlap: hamiltonian.overlap,
            basis,
        })
    }
}

/// How many electrons of either spin the valence shells of these atoms hold. Refuses impossible charges and spins.
pub(crate) fn electrons(numbers: &[u8], settings: Settings) -> Result<Electrons> {
    let Settings { charge, unpaired, temperature } = settings;
    let shells = || numbers.iter().filter_map(|&z| parameters::element(z)).flat_map(|e| &e.shells);
    let valence: f64 = shells().map(|s| s.occupation).sum();
    let orbitals: i64 = shells().map(|s| 2 * i64::from(s.l) + 1).sum();
    let count = valence.round() as i64 - i64::from(charge);
    let unpaired = i64::from(unpaired);
    if count < 0 {
        return Err(Error::input(format!(
            "charge {charge} takes more than the {} valence electrons of GFN2-xTB; give another --chrg",
            count + i64::from(charge)
        )));
    }
    if unpaired > count || (count - unpaired) % 2 != 0 {
        return Err(Error::input(format!(
            "{count} valence electrons (charge {charge}) cannot have {unpaired} unpaired (multiplicity {}); give --chrg and --uhf or \
             --mult that fit (GFN2-xTB keeps f electrons of the lanthanides in the core)",
            unpaired + 1
        )));
    }
    let (alpha, beta) = ((count + unpaired) / 2, (count - unpaired) / 2);
    if alpha > orbitals {
        return Err(Error::input(format!(
            "{alpha} electrons of one spin do not fit into the {orbitals} valence orbitals of GFN2-xTB; give another --chrg or --uhf"
        )));
    }
    Ok(Electrons { alpha: alpha as f64, beta: beta as f64, temperature })
}
