//! Derivatives of XPaiNN against central differences, in double precision, over all of its options.

mod conformance;
use oxidane_models::charges::ElectrostaticsConfig;
use oxidane_models::xpainn::{Embedding, NAME, OutputMode, Xpainn, XpainnConfig};

fn configs() -> Vec<XpainnConfig> {
    let base = XpainnConfig {
        node_dim: 12,
        node_irreps: "12x0e+6x1o+4x2e".into(),
        num_basis: 6,
        cutoff: 4.0,
        embedding: Embedding::OneHot,
        action_blocks: 2,
        hidden_dim: 7,
        hidden_irreps: "6x0e+5x1o+3x2e".into(),
        output_modes: vec![OutputMode::Energy, OutputMode::Charges, OutputMode::Dipole, OutputMode::Polar],
        ..XpainnConfig::default()
    };
    let with = |f: &dyn Fn(&mut XpainnConfig)| {
        let mut c = base.clone();
        f(&mut c);
        c
    };
    vec![
        with(&|c| (c.charge_embed, c.spin_embed) = (true, true)),
        with(&|c| {
            c.layer_norm = false;
            c.rbf_kernel = "gaussian".into();
            c.cutoff_fn = "polynomial".into();
            c.activation = "softplus".into();
        }),
        with(&|c| {
            c.node_irreps = "5x0e+4x1o+3x2e+2x3o+2x4e".into();
            c.rbf_kernel = "expbern".into();
            c.cutoff_fn = "exponential".into();
            c.activation = "sigmoid".into();
        }),
        with(&|c| {
            c.output_modes = vec![OutputMode::Energy];
            c.rbf_kernel = "expnorm".into();
            c.cutoff_fn = "flat".into();
            c.action_blocks = 3;
            c.embedding = Embedding::Aux56;
        }),
        with(&|c| {
            c.output_modes = vec![OutputMode::Energy];
            c.node_irreps = "7x0e+3x2e".into();
            c.action_blocks = 1;
            c.cutoff_fn = "smooth".into();
        }),
        with(&|c| {
            c.embedding = Embedding::Aux28;
            c.activation = "leakyrelu".into();
            c.node_irreps = "4x0e+3x1o+3x2e+3x3o+3x4e".into();
            c.layer_norm = true;
        }),
        with(&|c| {
            c.activation = "relu".into();
            c.node_irreps = "4x0e+2x3o+2x4e".into();
            c.output_modes = vec![OutputMode::Energy];
            c.layer_norm = false;
        }),
        with(&|c| {
            c.output_modes = vec![OutputMode::Energy];
            // Lattice sums end somewhere: differences must not see it.
            let accuracy = ElectrostaticsConfig { ewald_accuracy: 1e-13, ..Default::default() };
            c.electrostatics = Some(accuracy);
        }),
        with(&|c| {
            c.output_modes = vec![OutputMode::Energy];
            c.charge_embed = true;
            c.length_epsilon = 0.1;
            c.electrostatics =
                Some(ElectrostaticsConfig { width_scale: 0.6, learn_widths: false, ewald_accuracy: 1e-13 });
        }),
        with(&|c| c.heads = vec!["PBE".into(), "wB97X-D3BJ/def2-TZVPD".into()]),
        with(&|c| {
            c.output_modes = vec![OutputMode::Energy];
            c.heads = vec!["PBE".into(), "wB97X-D3BJ/def2-TZVPD".into()];
            c.electrostatics = Some(ElectrostaticsConfig { ewald_accuracy: 1e-13, ..Default::default() });
        }),
    ]
}

/// The step of differences. It must be small beside 1e-5, the width over which the model rounds off the length |V| near
/// zero (and beside the distance of a random network's features to the kink of a relu); rounding then leaves about
/// 1e-16 / 3e-6, 1e-10 of the function's scale.
const STEP: f64 = 6e-6;

conformance::tests!(NAME, configs(), STEP);

#[test]
fn derivatives_hold_over_several_blocks_and_own_images() {
    let config = XpainnConfig {
        node_dim: 5,
        node_irreps: "5x0e+3x1o+2x2e".into(),
        num_basis: 4,
        cutoff: 4.0,
        action_blocks: 2,
        hidden_dim: 3,
        ..XpainnConfig::default()
    };
    conformance::several_blocks(conformance::network(NAME, &config), STEP);
}

/// The size of the published defaults: another count means another architecture than the checkpoints have.
#[test]
fn the_default_network_has_the_published_size() {
    let layout = Xpainn::<f32>::layout_of(&XpainnConfig::default()).unwrap();
    assert_eq!(layout.trainable(), 865_141);
}
