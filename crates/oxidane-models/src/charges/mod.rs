//! Charges of atoms and what they do, as parts for any architecture: an approximate equilibration in closed form from
//! features (the idea of MPNICE: Weber, Guha et al., arXiv:2505.06462, 2025), the electrostatic interaction of the charges, and their
//! dipole moments.
//!
//! A network makes chi_i and z_i of each atom, and `Hardness::equilibrate` makes charges of them whose sum in each structure is its
//! total charge; `Electrostatics::prepare` fixes the geometry for their potentials and energy. In the reverse pass the adjoints of the
//! charges are those that `Origin::seeds` makes of a loss, plus the seed of the energy times the potential; `Equilibrium::reverse`
//! gives from them those of chi and z, and `Field::gradients` the explicit derivatives by positions and strain.
//! A network that implements `Equilibrating` has the response of its dipole to fields and displacements by `dipole_responses` and can be
//! put into a field by `run_in_field`.
//! Everything is in double precision, whatever the network runs in.

mod config;
mod electrostatics;
mod equilibration;
mod moments;
mod response;

pub use config::ElectrostaticsConfig;
pub(crate) use electrostatics::{Electrostatics, Field};
pub(crate) use equilibration::{EquilibrationAdjoints, Equilibrium, Hardness};
pub(crate) use moments::{Origin, Seeds, dipoles};
pub use response::DipoleResponse;
pub(crate) use response::{ChargePass, Equilibrating, crystal_in_field, dipole_responses, run_in_field};

use oxidane_core::elements::MAX_Z;

/// Rows of tables of elements, by atomic number.
pub(crate) const ELEMENTS: usize = MAX_Z as usize + 1;
