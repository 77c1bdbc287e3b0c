//! How far an energy may be off, from the features of one network (Bigi, Chong, Ceriotti and Grasselli, Mach. Learn.: Sci. Technol. 2024, 5,
//! 045018): the energy is linear in the last weights, E = w.f with f = sum_i f_i over the atoms, so that as a linear
//! regression it has the variance alpha^2 f^T (sum_t f_t f_t^T + sigma^2 1)^-1 f, t over what was trained on; alpha and sigma
//! come from errors on structures that were not. Beyond the paper, f holds the scalar features after each block as well: few features of the last layer
//! cannot tell most structures apart. The same form of the last features of one atom, summed over the atoms trained on, tells how strange its
//! environment is.

use crate::file::{Header, Tensors};
use crate::heads;
use crate::network::Features;
use crate::tensor::Tensor;
use oxidane_core::{Error, Result, Uncertainty};

/// The two quadratic forms of a head, as matrices whose product with features has the length that counts.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictionRigidity {
    /// `[F, F]`: with the features of a structure, the standard deviation of its energy in eV. F is the number of all features, or of those of the
    /// last layer.
    energy: Square,
    /// `[L, L]`: with the last features of an atom, its strangeness; 1 is the largest among the atoms trained on.
    atoms: Square,
}

impl PredictionRigidity {
    /// From two square matrices, the first no smaller than the second; of a triangular one the upper triangle, row by row.
    ///
    /// # Errors
    /// They are not.
    pub fn new(energy: &Tensor, atoms: &Tensor) -> Result<Self> {
        match (Square::new(energy), Square::new(atoms)) {
            (Some(energy), Some(atoms)) if energy.width >= atoms.width => Ok(Self { energy, atoms }),
            _ => Err(Error::model(format!(
                "the matrices of the uncertainty have shapes {:?} and {:?}; they must be square, or upper triangles, the first no smaller",
                energy.shape, atoms.shape
            ))),
        }
    }

    /// Of a structure of so many atoms with these features.
    ///
    /// # Errors
    /// They have another width.
    pub fn evaluate(&self, atoms: usize, features: &Features) -> Result<Uncertainty> {
        let sum = features.sum(0..atoms, atoms);
        let last = features.last.len() / atoms.max(1);
        let whole = [&features.last, &features.inner].iter().all(|f| f.len().is_multiple_of(atoms.max(1)));
        if !whole || last != self.atoms.width || ![last, sum.len()].contains(&self.energy.width) {
            return Err(Error::model(format!(
                "the uncertainty is of {} features, {} of them of the last layer, the network has {} and {last}: they do not belong together",
                self.energy.width,
                self.atoms.width,
                sum.len()
            )));
        }
        let strange = |row| norm(self.atoms.product(row));
        let components: Vec<f64> = self.energy.product(&sum[..self.energy.width]).collect();
        Ok(Uncertainty {
            energy: norm(components.iter().copied()),
            components,
            strangeness: features.last.chunks_exact(last).map(strange).collect(),
        })
    }

    /// The matrices as they stand in a model file, with their names there, for the head of this name.
    pub fn tensors(&self, head: &str) -> [(String, Tensor); 2] {
        let [energy, atoms] = names(head);
        [(energy, self.energy.tensor()), (atoms, self.atoms.tensor())]
    }
}

/// A square matrix, row by row: the whole, or the upper triangle with zeros below it.
#[derive(Debug, Clone, PartialEq)]
struct Square {
    width: usize,
    triangle: bool,
    values: Vec<f64>,
}

impl Square {
    /// From a tensor `[F, F]`, or the upper triangle as a row, `[F (F + 1) / 2]`; `None` of other shapes.
    fn new(tensor: &Tensor) -> Option<Self> {
        let (width, triangle) = match tensor.shape[..] {
            [rows, columns] if rows == columns => (rows, false),
            [length] => ((1..=length).find(|n| n * (n + 1) / 2 >= length)?, true),
            _ => return None,
        };
        let length = if triangle { width * (width + 1) / 2 } else { width * width };
        let fits = width > 0 && tensor.data.len() == length;
        fits.then(|| Self { width, triangle, values: tensor.data.clone() })
    }

    fn tensor(&self) -> Tensor {
        let shape = if self.triangle { vec![self.values.len()] } else { vec![self.width; 2] };
        Tensor { shape, data: self.values.clone() }
    }

    /// Times a vector.
    fn product<'a>(&'a self, x: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        let mut rest = &self.values[..];
        (0..self.width).map(move |k| {
            let x = if self.triangle { &x[k..] } else { x };
            let (row, after) = rest.split_at(x.len());
            rest = after;
            row.iter().zip(x).map(|(a, b)| a * b).sum()
        })
    }
}

fn norm(x: impl Iterator<Item = f64>) -> f64 {
    x.map(|y| y * y).sum::<f64>().sqrt()
}

fn names(head: &str) -> [String; 2] {
    ["uncertainty.energy", "uncertainty.atoms"].map(|name| match head {
        "" => name.into(),
        _ => heads::tensor_name(head, name),
    })
}

/// Takes the uncertainties of the heads out of the tensors of a model file, for those heads whose header speaks of one.
pub(crate) fn take(header: &Header, tensors: &mut Tensors) -> Result<Vec<Option<PredictionRigidity>>> {
    let of_head = |head: &crate::file::Head| {
        if head.uncertainty.is_none() {
            return Ok(None);
        }
        let mut part = |name: String| {
            tensors.remove(&name).ok_or_else(|| {
                Error::model(format!(
                    "tensor {name} is missing, which the header speaks of; copy the file again"
                ))
            })
        };
        let [energy, atoms] = names(&head.name);
        PredictionRigidity::new(&part(energy)?, &part(atoms)?).map(Some)
    };
    header.heads.iter().map(of_head).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagonal(values: &[f64]) -> Tensor {
        let n = values.len();
        let at = |k: usize| if k / n == k % n { values[k / n] } else { 0.0 };
        Tensor { shape: vec![n, n], data: (0..n * n).map(at).collect() }
    }

    /// By hand: the matrices are diagonal, and features of atoms add up.
    #[test]
    fn lengths_are_those_of_the_products() {
        let features = |inner: &[f64]| Features { last: vec![1.0, 1.0, 0.0, 1.0], inner: inner.to_vec() };
        let layer = PredictionRigidity::new(&diagonal(&[3.0, 2.0]), &diagonal(&[1.0, 0.5])).unwrap();
        let found = layer.evaluate(2, &features(&[])).unwrap();
        assert_eq!((found.energy, &found.components[..]), (5.0, &[3.0, 4.0][..]));
        assert_eq!(found.strangeness, [1.25f64.sqrt(), 0.5]);
        assert_eq!(layer.evaluate(2, &features(&[7.0; 4])).unwrap(), found, "of the last layer alone");
        assert!(layer.evaluate(1, &features(&[])).is_err());

        let layer = PredictionRigidity::new(&diagonal(&[3.0, 2.0, 4.0]), &diagonal(&[1.0, 0.5])).unwrap();
        let found = layer.evaluate(2, &features(&[1.0, 2.0])).unwrap();
        assert_eq!((found.energy, &found.components[..]), (13.0, &[3.0, 4.0, 12.0][..]));
        assert_eq!(found.strangeness, [1.25f64.sqrt(), 0.5]);
        assert!(layer.evaluate(2, &features(&[1.0; 4])).is_err());
    }

    /// By hand: (1, 2, 3; 0, 4, 5; 0, 0, 6) times (1, 1, -1) is (0, -1, -6).
    #[test]
    fn triangles_are_matrices() {
        let triangle = Tensor { shape: vec![6], data: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0] };
        let one = Tensor { shape: vec![1], data: vec![2.0] };
        let layer = PredictionRigidity::new(&triangle, &one).unwrap();
        let features = Features { last: vec![1.0], inner: vec![1.0, -1.0] };
        let found = layer.evaluate(1, &features).unwrap();
        assert_eq!((&found.components[..], &found.strangeness[..]), (&[0.0, -1.0, -6.0][..], &[2.0][..]));
        assert_eq!(layer.tensors("").map(|t| t.1), [triangle, one]);
    }

    #[test]
    fn matrices_of_other_shapes_are_refused() {
        let line = Tensor { shape: vec![1, 4], data: vec![0.0; 4] };
        for length in [0, 2, 4, 5] {
            let row = Tensor { shape: vec![length], data: vec![0.0; length] };
            assert!(PredictionRigidity::new(&row, &diagonal(&[1.0])).is_err(), "{length}");
        }
        assert!(PredictionRigidity::new(&diagonal(&[1.0; 2]), &line).is_err());
        assert!(PredictionRigidity::new(&line, &diagonal(&[1.0])).is_err());
        assert!(PredictionRigidity::new(&diagonal(&[1.0]), &diagonal(&[1.0; 2])).is_err());
    }
}
