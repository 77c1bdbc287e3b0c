//! Settings of an optimisation and its convergence criteria.

use oxidane_core::units::{BOHR, HARTREE};
use oxidane_core::{Error, Result, System};

/// How the next geometry is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// L-BFGS (Liu and Nocedal, Math. Program. 45, 503 (1989)) started from a model Hessian of bonds, angles and torsions
    /// (Lindh et al., Chem. Phys. Lett. 241, 423 (1995)), within a trust radius.
    #[default]
    Lbfgs,
    /// L-BFGS started from a multiple of the unit matrix: for systems to which chemical bonds mean nothing.
    PlainLbfgs,
    /// FIRE 2.0 (Guenole et al., Comput. Mater. Sci. 175, 109584 (2020)): damped dynamics; many more steps, but no model
    /// of the surface to go wrong.
    Fire,
}

/// When an optimisation has converged: every criterion that is given must hold.
///
/// The criteria on energy and displacement look at the last accepted step. They are waived where all forces are a
/// hundred times smaller than asked, so that a minimum is recognised at once.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Convergence {
    /// Largest change of the energy, eV.
    pub energy: Option<f64>,
    /// Largest length of the force on an atom, eV/angstrom.
    pub force_max: Option<f64>,
    /// Root mean square of the force components, eV/angstrom.
    pub force_rms: Option<f64>,
    /// Largest displacement of an atom, angstrom.
    pub displacement_max: Option<f64>,
    /// Root mean square of the displacement components, angstrom.
    pub displacement_rms: Option<f64>,
    /// Largest component of the stress less the target, GPa; only with cell relaxation.
    pub stress: Option<f64>,
}

impl Convergence {
    /// Criteria in atomic units, as quantum chemistry programs state them.
    fn atomic(energy: f64, rms_g: f64, max_g: f64, rms_d: f64, max_d: f64, stress: f64) -> Self {
        Self {
            energy: Some(energy * HARTREE),
            force_max: Some(max_g * HARTREE / BOHR),
            force_rms: Some(rms_g * HARTREE / BOHR),
            displacement_max: Some(max_d * BOHR),
            displacement_rms: Some(rms_d * BOHR),
            stress: Some(stress),
        }
    }

    /// For a first look: ORCA's `LooseOpt` (3e-5 Eh; gradient rms 5e-4, max 2e-3 Eh/bohr; step rms 7e-3, max 1e-2 bohr);
    /// in the units here 8e-4 eV; 0.026, 0.10 eV/angstrom; 0.0037, 0.0053 angstrom; stress 0.5 GPa.
    pub fn loose() -> Self {
        Self::atomic(3e-5, 5e-4, 2e-3, 7e-3, 1e-2, 0.5)
    }

    /// The default: ORCA's `NormalOpt` (5e-6 Eh; 1e-4, 3e-4 Eh/bohr; 2e-3, 4e-3 bohr), about Gaussian's default; in the
    /// units here 1.4e-4 eV; 0.0051, 0.0154 eV/angstrom; 0.0011, 0.0021 angstrom; stress 0.1 GPa.
    pub fn normal() -> Self {
        Self::atomic(5e-6, 1e-4, 3e-4, 2e-3, 4e-3, 0.1)
    }

    /// Before frequencies: ORCA's `TightOpt` (1e-6 Eh; 3e-5, 1e-4 Eh/bohr; 6e-4, 1e-3 bohr); in the units here 2.7e-5 eV;
    /// 0.0015, 0.0051 eV/angstrom; 0.00032, 0.00053 angstrom; stress 0.03 GPa.
    pub fn tight() -> Self {
        Self::atomic(1e-6, 3e-5, 1e-4, 6e-4, 1e-3, 0.03)
    }

    /// ORCA's `VeryTightOpt` (2e-7 Eh; 8e-6, 3e-5 Eh/bohr; 1e-4, 2e-4 bohr); in the units here 5.4e-6 eV; 0.00041, 0.0015
    /// eV/angstrom; 0.00005, 0.0001 angstrom; stress 0.01 GPa. Single-precision forces may not reach it.
    pub fn very_tight() -> Self {
        Self::atomic(2e-7, 8e-6, 3e-5, 1e-4, 2e-4, 0.01)
    }

    /// The largest force alone (eV/angstrom), as ASE's `fmax`; with cell relaxation also a stress of 0.1 GPa.
    pub fn fmax(force_max: f64) -> Self {
        Self { force_max: Some(force_max), stress: Some(0.1), ..Self::default() }
    }

    fn validate(&self) -> Result<()> {
        let all = [
            ("energy change", self.energy),
            ("largest force", self.force_max),
            ("rms force", self.force_rms),
            ("largest displacement", self.displacement_max),
            ("rms displacement", self.displacement_rms),
            ("stress", self.stress),
        ];
        for (name, x) in all {
            if let Some(x) = x
                && !(x.is_finite() && x > 0.0)
            {
                return Err(Error::usage(format!(
                    "the convergence limit of the {name} is {x}; give a number above 0"
                )));
            }
        }
        if self.force_max.is_none() && self.force_rms.is_none() {
            return Err(Error::usage(
                "an optimisation needs a limit on the largest or the rms force to converge to",
            ));
        }
        Ok(())
    }
}

/// Which strains of the cell are relaxed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strain {
    /// Lengths and angles.
    #[default]
    Full,
    /// The size at constant shape.
    Isotropic,
}

/// Relaxation of the periodic cell. Directions that do not repeat are left as they are. The stress that is reported and
/// converged is (1/V) dE/dstrain with the volume V of the whole cell, the vacuum of a slab or wire included: there it
/// shrinks as the vacuum grows, so that a limit on it is looser than for a bulk.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CellRelaxation {
    /// Which strains.
    pub strain: Strain,
    /// Lattice vectors a, b, c that stay as they are (only with [`Strain::Full`]).
    pub fixed_axes: [bool; 3],
    /// Target pressure in GPa, positive under compression; other than 0 only if all directions repeat.
    pub pressure: f64,
}

/// Settings of an optimisation.
#[derive(Debug, Clone, PartialEq)]
pub struct OptOptions {
    /// How the next geometry is chosen.
    pub method: Method,
    /// When to stop.
    pub convergence: Convergence,
    /// Most evaluations after the first.
    pub max_steps: usize,
    /// Largest displacement of an atom in one step, angstrom (trust radius). Strain is limited alike: see
    /// [`optimize`](super::optimize).
    pub max_displacement: f64,
    /// Atoms (from 0) that do not move; when the cell is relaxed they keep their fractional coordinates.
    pub fixed: Vec<usize>,
    /// Relax the cell too.
    pub cell: Option<CellRelaxation>,
}

impl Default for OptOptions {
    fn default() -> Self {
        Self {
            method: Method::Lbfgs,
            convergence: Convergence::normal(),
            max_steps: 500,
            max_displacement: 0.3,
            fixed: Vec::new(),
            cell: None,
        }
    }
}

impl OptOptions {
    /// Refuses settings that make no sense for `system`.
    pub fn validate(&self, system: &System) -> Result<()> {
        self.convergence.validate()?;
        if !(self.max_displacement.is_finite() && self.max_displacement > 0.0) {
            return Err(Error::usage(format!(
                "the largest displacement is {} angstrom; give a number above 0",
                self.max_displacement
            )));
        }
        let Some(relaxation) = &self.cell else { return Ok(()) };
        let periodic = system.cell.map_or([false; 3], |c| c.periodic);
        if !periodic.contains(&true) {
            return Err(Error::usage("there is no periodic cell to relax; leave cell relaxation out"));
        }
        if !relaxation.pressure.is_finite() {
            return Err(Error::usage(format!("the pressure is {} GPa", relaxation.pressure)));
        }
        if relaxation.pressure != 0.0 && periodic.contains(&false) {
            return Err(Error::usage("a pressure needs a cell that repeats in all three directions"));
        }
        if relaxation.fixed_axes.contains(&true) && relaxation.strain == Strain::Isotropic {
            return Err(Error::usage(
                "isotropic relaxation scales all axes; fix none or relax the full cell",
            ));
        }
        if (0..3).all(|a| relaxation.fixed_axes[a] || !periodic[a]) {
            return Err(Error::usage("all periodic axes are fixed; leave cell relaxation out"));
        }
        Ok(())
    }
}
