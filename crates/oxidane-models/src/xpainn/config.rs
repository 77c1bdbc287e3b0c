//! Hyperparameters of XPaiNN, as they stand in model files and training configurations.

use crate::charges::ElectrostaticsConfig;
use crate::heads;
use crate::irreps::Irreps;
use crate::layers::Activation;
use crate::registry::Sees;
use oxidane_core::{Error, Request, Result};
use oxidane_math::UnknownName;
use oxidane_math::cutoff::Cutoff;
use oxidane_math::radial::BasisKind;
use serde::{Deserialize, Serialize};

/// How the scalar features of an atom start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Embedding {
    /// Overlaps of the GFN2-xTB valence orbitals with 56 even-tempered functions, then an affine map.
    #[serde(rename = "aux56")]
    Aux56,
    /// The same with 28 functions.
    #[serde(rename = "aux28")]
    Aux28,
    /// A learned row per element.
    #[serde(rename = "one-hot")]
    OneHot,
}

impl Embedding {
    /// Rows and columns of the table.
    pub fn table_shape(self, node_dim: usize) -> [usize; 2] {
        match self {
            Self::Aux56 => [87, 56],
            Self::Aux28 => [87, 28],
            Self::OneHot => [100, node_dim],
        }
    }
}

/// A property that the model predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputMode {
    /// Total energy as a sum over atoms; forces and virial follow.
    Energy,
    /// Atomic charges that sum to the total charge.
    Charges,
    /// Dipole moment.
    Dipole,
    /// Dipole polarisability.
    #[serde(alias = "polarizability")]
    Polar,
}

/// Hyperparameters of XPaiNN. Missing keys take the published defaults; unknown keys are refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct XpainnConfig {
    /// Scalar channels, C.
    pub node_dim: usize,
    /// Equivariant channels, such as `128x0e+64x1o+32x2e`.
    pub node_irreps: String,
    /// Start of the scalar features.
    pub embedding: Embedding,
    /// Number of radial functions, B.
    pub num_basis: usize,
    /// Radial functions: bessel, gaussian, expnorm or expbern.
    pub rbf_kernel: String,
    /// Cutoff in angstrom.
    pub cutoff: f64,
    /// Cutoff function: cosine, polynomial, exponential, flat or smooth.
    pub cutoff_fn: String,
    /// Nonlinearity: silu, relu, leakyrelu, softplus or sigmoid.
    pub activation: String,
    /// Whether features are normalised before each message and update.
    pub layer_norm: bool,
    /// Rounding of the length of an irrep, sqrt(|V|^2 + e^2) - e. The published 1e-5 leaves a kink that amplifies
    /// rounding and makes force training noisy; 0.1 is smooth.
    pub length_epsilon: f64,
    /// Number of message and update blocks.
    pub action_blocks: usize,
    /// Whether the total charge enters the first features.
    pub charge_embed: bool,
    /// Whether the number of unpaired electrons enters the first features.
    pub spin_embed: bool,
    /// Properties predicted.
    pub output_modes: Vec<OutputMode>,
    /// Names of the heads of the energy, each a readout of its own for one level of theory; none for a single head without a
    /// name. Other properties have one readout for all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub heads: Vec<String>,
    /// Hidden width of the scalar heads.
    pub hidden_dim: usize,
    /// Hidden irreps of the dipole and polarisability heads.
    pub hidden_irreps: String,
    /// Equilibrated charges that interact over all distances; `None` (the published architecture), or `false`, is without. Charges,
    /// dipole and polarisability are then those of the equilibration and not `output_modes`.
    #[serde(deserialize_with = "ElectrostaticsConfig::switch", skip_serializing_if = "Option::is_none")]
    pub electrostatics: Option<ElectrostaticsConfig>,
}

impl Default for XpainnConfig {
    fn default() -> Self {
        Self {
            node_dim: 128,
            node_irreps: "128x0e+64x1o+32x2e".into(),
            embedding: Embedding::Aux56,
            num_basis: 20,
            rbf_kernel: "bessel".into(),
            cutoff: 5.0,
            cutoff_fn: "cosine".into(),
            activation: "silu".into(),
            layer_norm: true,
            length_epsilon: 1e-5,
            action_blocks: 3,
            charge_embed: false,
            spin_embed: false,
            output_modes: vec![OutputMode::Energy],
            heads: Vec::new(),
            hidden_dim: 64,
            hidden_irreps: "64x0e+32x1o+16x2e".into(),
            electrostatics: None,
        }
    }
}

/// The configuration with its texts resolved and its numbers checked.
#[derive(Debug, Clone)]
pub(super) struct Resolved {
    pub irreps: Irreps,
    pub hidden_irreps: Irreps,
    pub basis: BasisKind,
    pub cutoff_fn: Cutoff,
    pub activation: Activation,
}

impl XpainnConfig {
    /// What a model with these heads can give.
    pub fn capabilities(&self) -> Request {
        let has = |mode| self.output_modes.contains(&mode);
        Request {
            energy: has(OutputMode::Energy),
            forces: has(OutputMode::Energy),
            virial: has(OutputMode::Energy),
            charges: has(OutputMode::Charges) || self.electrostatics.is_some(),
            dipole: has(OutputMode::Dipole) || self.electrostatics.is_some(),
            polarizability: has(OutputMode::Polar),
            born_charges: false,
            electronic: false,
            uncertainty: has(OutputMode::Energy),
        }
    }

    /// What of the electrons such a model sees.
    pub fn sees(&self) -> Sees {
        let long_range = self.electrostatics.is_some();
        Sees { charge: self.charge_embed || long_range, spin: self.spin_embed, long_range }
    }

    pub(super) fn resolve(&self) -> Result<Resolved> {
        let bad = |key: &str, why: String| Error::usage(format!("{key}: {why}"));
        for (key, value, most) in [
            ("node_dim", self.node_dim, 4096),
            ("num_basis", self.num_basis, 512),
            ("action_blocks", self.action_blocks, 64),
            ("hidden_dim", self.hidden_dim, 4096),
        ] {
            if !(1..=most).contains(&value) {
                return Err(bad(key, format!("{value} is not between 1 and {most}")));
            }
        }
        if !(self.cutoff > 0.5 && self.cutoff <= 50.0) {
            return Err(bad("cutoff", format!("{} angstrom is not between 0.5 and 50", self.cutoff)));
        }
        if !(self.length_epsilon >= 1e-8 && self.length_epsilon <= 10.0) {
            return Err(bad("length_epsilon", format!("{} is not between 1e-8 and 10", self.length_epsilon)));
        }
        if self.output_modes.is_empty() {
            return Err(bad("output_modes", "name at least one of energy, charges, dipole, polar".into()));
        }
        for (k, mode) in self.output_modes.iter().enumerate() {
            if self.output_modes[..k].contains(mode) {
                return Err(bad("output_modes", format!("{mode:?} is named twice").to_lowercase()));
            }
        }
        self.check_electrostatics()?;
        let resolved = Resolved {
            irreps: self.node_irreps.parse().map_err(|e: Error| bad("node_irreps", e.message))?,
            hidden_irreps: self.hidden_irreps.parse().map_err(|e: Error| bad("hidden_irreps", e.message))?,
            basis: self.rbf_kernel.parse().map_err(|e: UnknownName| bad("rbf_kernel", e.to_string()))?,
            cutoff_fn: self.cutoff_fn.parse().map_err(|e: UnknownName| bad("cutoff_fn", e.to_string()))?,
            activation: Activation::from_name(&self.activation)?,
        };
        heads::check_names(&self.heads)?;
        if !self.heads.is_empty() && !self.output_modes.contains(&OutputMode::Energy) {
            return Err(bad(
                "heads",
                "they are readouts of the energy, which is not among output_modes".into(),
            ));
        }
        let needs = |l: usize| resolved.irreps.channels(l) > 0 && resolved.hidden_irreps.channels(l) > 0;
        if self.output_modes.contains(&OutputMode::Dipole) && !needs(1) {
            return Err(bad(
                "output_modes",
                "a dipole needs 1o channels in node_irreps and hidden_irreps".into(),
            ));
        }
        if self.output_modes.contains(&OutputMode::Polar) && !(needs(0) && needs(2)) {
            return Err(bad(
                "output_modes",
                "polar needs 0e and 2e channels in node_irreps and hidden_irreps".into(),
            ));
        }
        Ok(resolved)
    }

    /// Refuses what contradicts equilibrated charges.
    fn check_electrostatics(&self) -> Result<()> {
        let Some(electrostatics) = &self.electrostatics else { return Ok(()) };
        let modes =
            [(OutputMode::Charges, "charges"), (OutputMode::Dipole, "dipole"), (OutputMode::Polar, "polar")];
        for (mode, name) in modes {
            if self.output_modes.contains(&mode) {
                return Err(Error::usage(format!(
                    "output_modes: with electrostatics charges, dipole and polarisability are those of its charges; leave out \"{name}\""
                )));
            }
        }
        if !self.output_modes.contains(&OutputMode::Energy) {
            return Err(Error::usage(
                "electrostatics is a part of the energy; name \"energy\" in output_modes",
            ));
        }
        electrostatics.check()
    }
}
