//! Hyperparameters of MPNICE, as they stand in model files and training configurations.

use crate::charges::ElectrostaticsConfig;
use crate::heads;
use crate::registry::Sees;
use oxidane_core::{Error, Request, Result};
use serde::{Deserialize, Serialize};

/// Which blocks see the angular part of an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Angular {
    /// All of them, with the features of that block.
    Every,
    /// The first, whose features are those of the elements: cheaper.
    First,
}

/// Hyperparameters of MPNICE. Missing keys take the defaults, which are this program's choice; unknown keys are refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MpniceConfig {
    /// Features of an atom, F.
    pub node_dim: usize,
    /// Channels to which neighbours' features are compressed, C.
    pub channels: usize,
    /// The first of them that enter the angular part.
    pub angular_channels: usize,
    /// Number of radial functions, K.
    pub num_basis: usize,
    /// Number of radial functions of the angular part.
    pub num_angular_basis: usize,
    /// Learned mixtures of the angular part's functions and channels, whose powers an atom sees; 0: the powers of the
    /// functions and channels themselves.
    pub angular_mixtures: usize,
    /// Largest degree of the angular part; degrees start at 1.
    pub l_max: usize,
    /// Cutoff in angstrom.
    pub cutoff: f64,
    /// Center of the first radial function in angstrom; the last is at the cutoff.
    pub basis_start: f64,
    /// Number of blocks, each with its own charges, T.
    pub iterations: usize,
    /// Which blocks see the angular part.
    pub angular: Angular,
    /// Whether the potential of the charges enters the next block.
    pub potential: bool,
    /// Widths of the Gaussian charges in covalent radii, before training.
    pub width_scale: f64,
    /// Whether training changes the widths, one of each element.
    pub learn_widths: bool,
    /// Hidden width of the updates.
    pub update_dim: usize,
    /// Hidden width of the readout.
    pub readout_dim: usize,
    /// Names of the heads, each a readout of its own for one level of theory; none for a single head without a name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub heads: Vec<String>,
    /// Accuracy of lattice sums, see [`oxidane_physics::coulomb::Coulomb::accuracy`].
    pub ewald_accuracy: f64,
}

impl Default for MpniceConfig {
    fn default() -> Self {
        Self {
            node_dim: 128,
            channels: 16,
            angular_channels: 8,
            num_basis: 16,
            num_angular_basis: 8,
            angular_mixtures: 32,
            l_max: 3,
            cutoff: 5.2,
            basis_start: 0.8,
            iterations: 3,
            angular: Angular::Every,
            potential: true,
            width_scale: 1.0,
            learn_widths: true,
            update_dim: 256,
            readout_dim: 64,
            heads: Vec::new(),
            ewald_accuracy: 1e-6,
        }
    }
}

impl MpniceConfig {
    /// What every such model gives.
    pub const CAPABILITIES: Request =
        Request { polarizability: false, born_charges: false, electronic: false, ..Request::ALL };
    /// What of the electrons every such model sees.
    pub const SEES: Sees = Sees { charge: true, spin: false, long_range: true };

    pub(super) fn check(&self) -> Result<()> {
        let bad = |key: &str, why: String| Err(Error::usage(format!("{key}: {why}")));
        for (key, value, most) in [
            ("node_dim", self.node_dim, 4096),
            ("channels", self.channels, 256),
            ("angular_channels", self.angular_channels, self.channels),
            ("num_basis", self.num_basis, 256),
            ("num_angular_basis", self.num_angular_basis, 256),
            ("l_max", self.l_max, 4),
            ("iterations", self.iterations, 64),
            ("update_dim", self.update_dim, 4096),
            ("readout_dim", self.readout_dim, 4096),
        ] {
            if !(1..=most).contains(&value) {
                return bad(key, format!("{value} is not between 1 and {most}"));
            }
        }
        if self.angular_mixtures > 4096 {
            return bad("angular_mixtures", format!("{} is more than 4096", self.angular_mixtures));
        }
        for (key, value, least, most) in
            [("cutoff", self.cutoff, 0.5, 50.0), ("basis_start", self.basis_start, 0.0, self.cutoff - 0.1)]
        {
            if !(value >= least && value <= most) {
                return bad(key, format!("{value} angstrom is not between {least} and {most}"));
            }
        }
        heads::check_names(&self.heads)?;
        self.electrostatics().check()
    }

    /// Powers of one degree.
    pub(super) fn angular_width(&self) -> usize {
        match self.angular_mixtures {
            0 => self.num_angular_basis * self.angular_channels,
            mixtures => mixtures,
        }
    }

    /// How the charges interact.
    pub(super) fn electrostatics(&self) -> ElectrostaticsConfig {
        ElectrostaticsConfig {
            width_scale: self.width_scale,
            learn_widths: self.learn_widths,
            ewald_accuracy: self.ewald_accuracy,
        }
    }

    /// Whether block `t` sees the angular part.
    pub(super) fn angular_in(&self, t: usize) -> bool {
        t == 0 || self.angular == Angular::Every
    }

    /// Whether block `t` sees charges: all but the first do.
    pub(super) fn charges_in(&self, t: usize) -> bool {
        t > 0
    }

    /// Whether block `t` sees a potential.
    pub(super) fn potential_in(&self, t: usize) -> bool {
        t > 0 && self.potential
    }
}
