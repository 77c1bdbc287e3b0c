//! Rate of matrix products on this machine, one thread, single precision.

use crate::timing::{Time, measure};
use oxidane_math::gemm::{Mat, gemm};
use oxidane_models::irreps::Irreps;
use oxidane_models::xpainn::XpainnConfig;
use std::convert::Infallible;

/// A measured product.
pub struct Product {
    /// What it is in the model.
    pub name: &'static str,
    /// Rows, inner dimension, columns.
    pub shape: [usize; 3],
    /// Billions of operations per second, two per multiply-add.
    pub gflops: f64,
}

/// A large square product: the rate that floors are stated with.
pub fn square() -> Product {
    product("large square", [1024, 1024, 1024], Right::Columns, 50)
}

/// Products of the shapes that the model makes on blocks of atoms and tiles of pairs.
pub fn of_model(config: &XpainnConfig) -> Vec<Product> {
    const ATOMS: usize = 32;
    const EDGES: usize = 48;
    let irreps: Irreps = config.node_irreps.parse().unwrap_or_default();
    let (c, m, b) = (config.node_dim, irreps.count(), config.num_basis + 1);
    let gates = c + 2 * m;
    let vectors = irreps.channels(1);
    let repeats = 200;
    vec![
        square(),
        product("filter of pairs", [EDGES, b, gates], Right::Rows, repeats),
        product("filter, training", [EDGES, gates, b], Right::Columns, repeats),
        product("message, first layer", [ATOMS, c, c], Right::Columns, repeats),
        product("message, second layer", [ATOMS, c, gates], Right::Columns, repeats),
        product("update, mixing l = 1", [3 * ATOMS, vectors, vectors], Right::Columns, repeats),
        product("update, first layer", [ATOMS, c + m, c], Right::Columns, repeats),
        product("update, second layer", [ATOMS, c, 2 * c + m], Right::Columns, repeats),
    ]
}

/// How the right factor is stored: by rows, or as weights are, by columns.
enum Right {
    Rows,
    Columns,
}

fn product(name: &'static str, shape: [usize; 3], right: Right, repeats: usize) -> Product {
    let [m, k, n] = shape;
    // Small products in fours, so that reading the clock does not count.
    let calls = if m * k * n < 1 << 24 { 4 } else { 1 };
    let (a, b, mut out) = (vec![1.0f32; m * k], vec![1.0f32; n * k], vec![0.0f32; m * n]);
    let a = Mat::full(&a, m, k);
    let b = match right {
        Right::Rows => Mat::full(&b, k, n),
        Right::Columns => Mat::full(&b, n, k).t(),
    };
    let Ok(Time { min, .. }) = measure(repeats, || {
        (0..calls).for_each(|_| gemm(&mut out, n, 0.0, a, b, 1.0));
        std::hint::black_box(&out);
        Ok::<_, Infallible>(())
    });
    Product { name, shape, gflops: 2.0 * (calls * m * n * k) as f64 / min / 1e6 }
}
