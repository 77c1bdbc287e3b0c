//! Derivatives of MPNICE against central differences, in double precision, over all of its options.

mod conformance;
use oxidane_models::mpnice::{Angular, Mpnice, MpniceConfig, NAME};

fn configs() -> Vec<MpniceConfig> {
    let base = MpniceConfig {
        node_dim: 10,
        channels: 5,
        angular_channels: 3,
        num_basis: 6,
        num_angular_basis: 4,
        angular_mixtures: 7,
        cutoff: 4.0,
        update_dim: 9,
        readout_dim: 7,
        // Lattice sums end somewhere: differences must not see it.
        ewald_accuracy: 1e-13,
        ..MpniceConfig::default()
    };
    let with = |f: &dyn Fn(&mut MpniceConfig)| {
        let mut c = base.clone();
        f(&mut c);
        c
    };
    vec![
        base.clone(),
        with(&|c| {
            (c.angular, c.potential, c.learn_widths) = (Angular::First, false, false);
            (c.angular_mixtures, c.l_max, c.iterations, c.width_scale) = (0, 4, 2, 0.7);
        }),
        with(&|c| {
            // Sizes of whole registers and beyond.
            (c.node_dim, c.channels, c.angular_channels, c.num_basis) = (17, 17, 16, 16);
            (c.num_angular_basis, c.angular_mixtures, c.l_max, c.iterations) = (1, 16, 1, 1);
            c.basis_start = 0.0;
        }),
        with(&|c| {
            c.heads = vec!["PBE".into(), "wB97X-D3BJ/def2-TZVPD".into()];
            c.iterations = 2;
        }),
    ]
}

/// The step of differences: the energy is smooth on the scale of 0.1 angstrom, so that what extrapolation leaves, of the order of the
/// fourth power of step / scale, stays near 1e-9.
const STEP: f64 = 5e-4;

conformance::tests!(NAME, configs(), STEP);

#[test]
fn derivatives_hold_over_several_blocks_and_own_images() {
    let config = MpniceConfig {
        node_dim: 4,
        channels: 2,
        angular_channels: 2,
        num_basis: 4,
        num_angular_basis: 2,
        angular_mixtures: 3,
        cutoff: 4.0,
        update_dim: 5,
        readout_dim: 3,
        iterations: 2,
        ewald_accuracy: 1e-13,
        ..MpniceConfig::default()
    };
    conformance::several_blocks(conformance::network(NAME, &config), STEP);
}

/// About as many weights as the published organic models are said to need; another number means another architecture than
/// trained files have.
#[test]
fn the_default_network_keeps_its_size() {
    let layout = Mpnice::<f32>::layout_of(&MpniceConfig::default()).unwrap();
    assert_eq!(layout.trainable(), 526_447);
}
