//! Multiply-adds of the architectures, counted from their hyperparameters as the equations stand.

use oxidane_models::irreps::Irreps;
use oxidane_models::mpnice::{Angular, MpniceConfig};
use oxidane_models::xpainn::XpainnConfig;

/// Floating-point operations (two for a multiply-add) of one evaluation of the energy.
///
/// Counted: the products of every layer on atoms, the filter's product on every edge, and the gating and summing
/// of messages. Not counted: nonlinearities, norms, radial functions, harmonics, electrostatics and neighbour lists.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Work {
    /// Products of the layers on atoms.
    pub atoms: f64,
    /// The filter, W b(r), of every edge and block, where there is one.
    pub filter: f64,
    /// Gates or functions of edges times neighbours, summed.
    pub gather: f64,
}

impl Work {
    /// The energy of `atoms` atoms with `edges` directed edges by XPaiNN.
    pub fn xpainn(config: &XpainnConfig, atoms: usize, edges: usize) -> Self {
        let irreps: Irreps = config.node_irreps.parse().unwrap_or_default();
        let (c, m, d) = (config.node_dim, irreps.count(), irreps.dim());
        let gates = c + 2 * m;
        let message = c * c + c * gates;
        let mixing: usize = (0..irreps.degrees()).map(|l| (2 * l + 1) * irreps.channels(l).pow(2)).sum();
        let update = 2 * mixing + (c + m) * c + c * (2 * c + m) + m * c;
        let readout = (c + 1) * config.hidden_dim;
        let blocks = config.action_blocks;
        let count = |n: usize, each: usize| 2.0 * n as f64 * each as f64;
        Self {
            atoms: count(atoms, blocks * (message + update) + readout),
            filter: count(edges, blocks * config.num_basis * gates),
            // h w, the scalar sum, and per component: the state's gate and the edge's.
            gather: count(edges, blocks * (gates + c + 2 * d)),
        }
    }

    /// The same by MPNICE.
    pub fn mpnice(config: &MpniceConfig, atoms: usize, edges: usize) -> Self {
        let (f, c, k) = (config.node_dim, config.channels, config.num_basis);
        let pairs = config.num_angular_basis * config.angular_channels;
        let (mut per_atom, mut per_edge) = ((f + 1) * config.readout_dim, 0);
        for t in 0..config.iterations {
            let angular = t == 0 || config.angular == Angular::Every;
            let mut width = f + k * c;
            per_edge += k * c;
            if angular {
                let mixtures = config.angular_mixtures;
                width += if mixtures == 0 { pairs } else { mixtures } * config.l_max;
                per_atom += mixtures * pairs * ((config.l_max + 1).pow(2) - 1);
                per_edge += pairs * (config.l_max + 1).pow(2);
            }
            if t > 0 {
                width += k + 1 + usize::from(config.potential);
                per_edge += k;
            }
            per_atom += f * c + (width + f) * config.update_dim + 2 * f;
        }
        let count = |n: usize, each: usize| 2.0 * n as f64 * each as f64;
        Self { atoms: count(atoms, per_atom), filter: 0.0, gather: count(edges, per_edge) }
    }

    /// Energy and forces. Each product has one more of the same size in the reverse pass, the adjoint of its
    /// input; so does each gating for either of its two factors.
    pub fn with_forces(self) -> Self {
        Self { atoms: 2.0 * self.atoms, filter: 2.0 * self.filter, gather: 3.0 * self.gather }
    }

    /// As written.
    pub fn total(self) -> f64 {
        self.atoms + self.filter + self.gather
    }

    /// With the filter read from a table instead of computed (the reading not counted).
    pub fn tabulated(self) -> f64 {
        self.atoms + self.gather
    }
}
