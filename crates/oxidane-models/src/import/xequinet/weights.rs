//! A checkpoint's tensors in this program's shapes and units.

use super::config::Settings;
use crate::file::Tensors;
use crate::irreps::Irreps;
use crate::orbital::{self, AuxBasis};
use crate::parameters::Layout;
use crate::tensor::Tensor;
use crate::xpainn::{Embedding, OutputMode, Xpainn};
use oxidane_core::{Error, Result};

const TABLE: &str = "embedding.embedding.0.embed_ten";

/// Converts all tensors; those without information are checked and dropped, unknown ones refused.
pub(super) fn convert(settings: &Settings, raw: Tensors, notes: &mut Vec<String>) -> Result<Tensors> {
    let layout = Xpainn::<f64>::layout_of(&settings.config).map_err(|e| Error::model(e.message))?;
    let mut tensors = Tensors::new();
    for (name, tensor) in raw {
        if layout.find(&name).is_some() {
            if tensor.data.iter().any(|x| !x.is_finite()) {
                return Err(Error::model(format!("tensor {name} has a number that is not finite")));
            }
            tensors.insert(name, tensor);
        } else if !is_bookkeeping(&name, &tensor) {
            return Err(Error::model(format!(
                "tensor {name} of shape {:?} is not part of the model that the config describes",
                tensor.shape
            )));
        }
    }
    pad_tensor_heads(settings, &mut tensors)?;
    flatten_basis(&layout, &mut tensors);
    rescale_energy(settings, &mut tensors);
    rescale_length(settings, &mut tensors, notes)?;
    compare_table(settings.config.embedding, &tensors, notes);
    Ok(tensors)
}

/// Tensors that e3nn and the radial bases store without need: empty weights, masks of ones and zeros, index lists
/// and tables that follow from the hyperparameters.
fn is_bookkeeping(name: &str, t: &Tensor) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    let counts_up = |d: &[f64]| d.iter().enumerate().all(|(i, &x)| x == i as f64);
    match last {
        "output_mask" => t.data.iter().all(|&x| x == 0.0 || x == 1.0),
        "scalar_index" => counts_up(&t.data),
        "weight" | "bias" => t.data.is_empty(),
        "v" if name == "embedding.rbf.v" => counts_up(&t.data),
        "n" if name == "embedding.rbf.n" => counts_up(&t.data.iter().rev().copied().collect::<Vec<_>>()),
        "logc" if name == "embedding.rbf.logc" => is_log_binomials(&t.data),
        _ => false,
    }
}

/// ln binomial(n-1, v); 1e-4 allows for single precision.
fn is_log_binomials(data: &[f64]) -> bool {
    let mut want = 0.0;
    data.iter().enumerate().all(|(v, &x)| {
        let fits = (x - want).abs() < 1e-4;
        want += ((data.len() - 1 - v) as f64).ln() - ((v + 1) as f64).ln();
        fits
    })
}

/// Without `hidden_irreps`, XequiNet's tensor heads have irreps of their own, fewer than the configuration's. The
/// blocks they lack do not reach their output, so zeros there change nothing.
fn pad_tensor_heads(settings: &Settings, tensors: &mut Tensors) -> Result<()> {
    let config = &settings.config;
    let parse = |text: &str| text.parse::<Irreps>().map_err(|e| Error::model(e.message));
    let (node, hidden) = (parse(&config.node_irreps)?, parse(&config.hidden_irreps)?);
    for (mode, head, own) in [
        (OutputMode::Dipole, "output_dipole", &settings.dipole_irreps),
        (OutputMode::Polar, "output_polar", &settings.polar_irreps),
    ] {
        let Some(t) = tensors.get_mut(&format!("{head}.equi_out_mlp.0.weight")) else { continue };
        if !config.output_modes.contains(&mode) || *own == hidden {
            continue;
        }
        let (mut padded, mut place) = (vec![], 0);
        for l in 0..node.degrees() {
            let (have, want) = (node.channels(l) * own.channels(l), node.channels(l) * hidden.channels(l));
            match (have, want) {
                (0, n) => padded.resize(padded.len() + n, 0.0),
                (h, w) if h == w && place + h <= t.data.len() => {
                    padded.extend_from_slice(&t.data[place..place + h]);
                    place += h;
                }
                _ => return Err(Error::model(format!("{head}: the weights do not have the irreps {own}"))),
            }
        }
        if place != t.data.len() {
            return Err(Error::model(format!("{head}: the weights do not have the irreps {own}")));
        }
        *t = Tensor { shape: vec![padded.len()], data: padded };
    }
    Ok(())
}

/// The radial basis keeps its parameters as rows `[1, B]` or single numbers; here they are lists.
fn flatten_basis(layout: &Layout, tensors: &mut Tensors) {
    for (name, t) in tensors.iter_mut().filter(|(name, _)| name.starts_with("embedding.rbf.")) {
        let wanted = layout.find(name).map_or(&[][..], |e| &e.shape);
        let without_ones = |shape: &[usize]| shape.iter().copied().filter(|&n| n != 1).collect::<Vec<_>>();
        if without_ones(&t.shape) == without_ones(wanted) {
            t.shape = wanted.to_vec();
        }
    }
}

fn scale(tensors: &mut Tensors, name: &str, factor: f64) {
    if let Some(t) = tensors.get_mut(name) {
        t.data.iter_mut().for_each(|x| *x *= factor);
    }
}

/// The energy is linear in the last layer of its head.
fn rescale_energy(settings: &Settings, tensors: &mut Tensors) {
    if settings.energy_scale != 1.0 {
        scale(tensors, "output_energy.out_mlp.2.weight", settings.energy_scale);
        scale(tensors, "output_energy.out_mlp.2.bias", settings.energy_scale);
    }
}

/// The width added to the Gaussians, in the unit of length.
const EPSILON: f64 = 1e-5;

/// Rescales the radial basis from the checkpoint's unit of L angstrom; a common factor goes into the filters.
fn rescale_length(settings: &Settings, tensors: &mut Tensors, notes: &mut Vec<String>) -> Result<()> {
    let scale_l = settings.length_scale;
    if scale_l == 1.0 {
        return Ok(());
    }
    let filter = match settings.config.rbf_kernel.as_str() {
        // sqrt(2/c) sin(f r)/(r + eps): f is 1/length, the rest length^(-3/2).
        "bessel" => {
            scale(tensors, "embedding.rbf.freq", 1.0 / scale_l);
            notes.push(
                "the Bessel functions' offset of 1e-5 stays in angstrom: filters differ by 1e-5 at most"
                    .into(),
            );
            scale_l.powf(1.5)
        }
        // exp(-((r - mean)/s)^2/2)/(s sqrt(2 pi)) with s = |std| + eps.
        "gaussian" => {
            scale(tensors, "embedding.rbf.mean", scale_l);
            if let Some(t) = tensors.get_mut("embedding.rbf.std") {
                t.data.iter_mut().for_each(|x| *x = scale_l * (x.abs() + EPSILON) - EPSILON);
                if t.data.iter().any(|&x| x < 0.0) {
                    return Err(Error::model(
                        "embedding.rbf.std: a width that cannot be converted to angstrom",
                    ));
                }
            }
            scale_l
        }
        // Functions of alpha r with alpha = softplus(_alpha).
        "expbern" => {
            if let Some(t) = tensors.get_mut("embedding.rbf._alpha") {
                t.data.iter_mut().for_each(|x| *x = inverse_softplus(softplus(*x) / scale_l));
            }
            1.0
        }
        other => {
            return Err(Error::model(format!(
                "config: the radial basis '{other}' has no form in angstrom for a model trained in another unit"
            )));
        }
    };
    for block in 0..settings.config.action_blocks {
        scale(tensors, &format!("message_{block}.rbf_lin.weight"), filter);
    }
    Ok(())
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn inverse_softplus(y: f64) -> f64 {
    y + (-(-y).exp_m1()).ln()
}

/// The checkpoint's table counts; a user should know where it is not the published one.
fn compare_table(embedding: Embedding, tensors: &Tensors, notes: &mut Vec<String>) {
    let ours = match embedding {
        Embedding::Aux56 => orbital::table(AuxBasis::Aux56),
        Embedding::Aux28 => orbital::table(AuxBasis::Aux28),
        Embedding::OneHot => return,
    };
    let Some(t) = tensors.get(TABLE) else { return };
    let furthest = t.data.iter().zip(ours).map(|(a, &b)| (a - f64::from(b)).abs()).fold(0.0, f64::max);
    if furthest > 1e-5 {
        notes.push(format!("the table of orbital overlaps differs from the published one by up to {furthest:.1e}; it was kept"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Network;
    use crate::xpainn::XpainnConfig;

    #[test]
    fn softplus_is_undone() {
        for x in [-5.0, 0.0, 0.3, 20.0] {
            assert!((inverse_softplus(softplus(x)) - x).abs() < 1e-9);
        }
    }

    #[test]
    fn tables_of_the_bernstein_basis_are_known() {
        let t = |data: Vec<f64>| Tensor { shape: vec![data.len()], data };
        let logc = t(vec![0.0, 3f64.ln(), 3f64.ln(), 0.0]);
        assert!(is_bookkeeping("embedding.rbf.logc", &logc));
        assert!(is_bookkeeping("embedding.rbf.n", &t(vec![3.0, 2.0, 1.0, 0.0])));
        assert!(is_bookkeeping("embedding.rbf.v", &t(vec![0.0, 1.0, 2.0, 3.0])));
        assert!(!is_bookkeeping("embedding.rbf.logc", &t(vec![0.0, 1.0, 0.0])));
        assert!(!is_bookkeeping("message_0.extra.weight", &t(vec![1.0])));
    }

    /// The dipole of water by a network with the given hyperparameters and weights.
    fn dipole(config: &XpainnConfig, tensors: &Tensors) -> [f64; 3] {
        let flat = crate::file::join(&Xpainn::<f64>::layout_of(config).unwrap(), tensors).unwrap();
        let network = Xpainn::with_parameters(config, flat).unwrap();
        let system = oxidane_core::System {
            numbers: vec![8, 1, 1],
            positions: vec![[0.0, 0.1, 0.2], [0.1, 0.7, -0.4], [0.0, -0.8, -0.5]],
            cell: None,
            charge: 0,
            unpaired: 0,
        };
        let batch = crate::Batch::build(&system, config.cutoff).unwrap();
        let request = oxidane_core::Request { dipole: true, ..Default::default() };
        network.run(&batch, request, &mut crate::Scratch::default(), false).unwrap().dipole[0]
    }

    #[test]
    fn heads_with_fewer_irreps_give_the_same_in_the_common_ones() {
        let own = XpainnConfig {
            node_dim: 8,
            node_irreps: "8x0e+4x1o+2x2e".into(),
            embedding: Embedding::OneHot,
            output_modes: vec![OutputMode::Dipole],
            hidden_irreps: "5x1o".into(),
            hidden_dim: 4,
            action_blocks: 1,
            ..XpainnConfig::default()
        };
        let common = XpainnConfig { hidden_irreps: "3x0e+5x1o+2x2e".into(), ..own.clone() };
        let network = Xpainn::<f64>::random(&own, 1).unwrap();
        let raw = crate::file::split(network.layout(), network.parameters());
        let settings = Settings {
            config: common.clone(),
            dipole_irreps: "5x1o".parse().unwrap(),
            polar_irreps: Irreps::default(),
            energy_scale: 1.0,
            length_scale: 1.0,
            notes: vec![],
        };
        let padded = convert(&settings, raw.clone(), &mut vec![]).unwrap();
        let (a, b) = (dipole(&own, &raw), dipole(&common, &padded));
        for k in 0..3 {
            assert!((a[k] - b[k]).abs() < 1e-14 && a.iter().any(|x| x.abs() > 1e-6), "{a:?} {b:?}");
        }
    }
}
