//! Everything in the energy that depends on the charges and moments of atoms.

use oxidane_core::Result;
use oxidane_physics::coordination::{Coordination, Counting};
use oxidane_physics::geometry::Derivatives;
use oxidane_physics::{D4, Damping, Geometry};

use crate::basis::Basis;
use crate::electrostatics::{Anisotropic, Isotropic, third_order};
use crate::scf::moments::Moments;

/// The charge-dependent terms of one geometry: isotropic electrostatics to third order, anisotropic electrostatics and
/// exchange-correlation, two-body dispersion.
#[derive(Debug)]
pub struct Interactions {
    isotropic: Isotropic,
    anisotropic: Anisotropic,
    dispersion: D4,
}

impl Interactions {
    /// Prepares the terms for a geometry with these coordination numbers.
    pub fn new(geometry: &Geometry<'_>, basis: &Basis, coordination: &Coordination) -> Result<Self> {
        Ok(Self {
            isotropic: Isotropic::new(geometry, basis)?,
            anisotropic: Anisotropic::new(geometry, basis, &coordination.values)?,
            dispersion: D4::new(geometry, Damping::GFN2)?,
        })
    }

    /// The energy in hartree at `moments`; its derivatives by them replace `potential`. The part of atomic charges is
    /// added to each shell of the atom.
    pub fn potential(&mut self, basis: &Basis, moments: &Moments, potential: &mut Moments) -> f64 {
        potential.clear();
        let charges = moments.atomic_charges(basis);
        let mut by_charge = vec![0.0; charges.len()];
        let mut energy = self.isotropic.potential(&moments.shells, &mut potential.shells);
        energy += third_order::potential(basis, &moments.shells, &mut potential.shells);
        energy += self.anisotropic.potential(
            &charges,
            &moments.dipoles,
            &moments.quadrupoles,
            &mut by_charge,
            &mut potential.dipoles,
            &mut potential.quadrupoles,
        );
        energy += self.dispersion.potential(&charges, &mut by_charge);
        for (shells, by_charge) in basis.shells_of.iter().zip(by_charge) {
            potential.shells[shells.clone()].iter_mut().for_each(|v| *v += by_charge);
        }
        energy
    }

    /// The three-body dispersion energy, which does not depend on charges.
    pub fn three_body(&self, derivatives: Option<&mut Derivatives>) -> f64 {
        self.dispersion.three_body(derivatives)
    }

    /// Adds the derivatives by positions and strain at fixed moments, and those by coordination numbers to `de_dcn`.
    pub fn add_derivatives(
        &mut self,
        geometry: &Geometry<'_>,
        basis: &Basis,
        moments: &Moments,
        derivatives: &mut Derivatives,
        de_dcn: &mut [f64],
    ) {
        let charges = moments.atomic_charges(basis);
        self.isotropic.add_derivatives(geometry, basis, &moments.shells, derivatives);
        self.anisotropic.add_derivatives(
            geometry,
            &charges,
            &moments.dipoles,
            &moments.quadrupoles,
            derivatives,
            de_dcn,
        );
        self.dispersion.add_derivatives(&charges, derivatives);
    }
}

/// The coordination numbers of GFN2-xTB.
pub fn coordination(geometry: &Geometry<'_>) -> Result<Coordination> {
    Coordination::new(geometry, Counting::Gfn)
}
