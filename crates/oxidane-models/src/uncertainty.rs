//! How far an energy may be off, from the last layer alone (Bigi, Chong, Ceriotti and Grasselli, Mach. Learn.: Sci. Technol. 2024, 5,
//! 045018): the energy is linear in the last weights, E = w.f with f = sum_i f_i over the atoms, so that as a linear
//! regression it has the variance alpha^2 f^T (sum_t f_t f_t^T + sigma^2 1)^-1 f, t over the structures trained on; alpha and sigma
//! come from errors on structures that were not. The same form of the features of one atom, summed over the atoms trained on, tells how
//! strange its environment is.

use crate::file::{Header, Tensors};
use crate::heads;
use crate::tensor::Tensor;
use oxidane_core::{Error, Result, Uncertainty};

/// The two quadratic forms of a head, as matrices whose product with features has the length that counts.
#[derive(Debug, Clone, PartialEq)]
pub struct LastLayer {
    /// Number of features of an atom, F.
    width: usize,
    /// `[F, F]`: with the features of a structure, the standard deviation of its energy in eV.
    energy: Vec<f64>,
    /// `[F, F]`: with the features of an atom, its strangeness; 1 is the largest among the atoms trained on.
    atoms: Vec<f64>,
}

impl LastLayer {
    /// From two square matrices of the same size.
    ///
    /// # Errors
    /// They are not.
    pub fn new(energy: &Tensor, atoms: &Tensor) -> Result<Self> {
        let width = energy.shape.first().copied().unwrap_or(0);
        if width == 0 || energy.shape != [width, width] || atoms.shape != energy.shape {
            return Err(Error::model(format!(
                "the matrices of the uncertainty have shapes {:?} and {:?}; they must be square and of one size",
                energy.shape, atoms.shape
            )));
        }
        Ok(Self { width, energy: energy.data.clone(), atoms: atoms.data.clone() })
    }

    /// Of a structure with these features, `[atoms, F]`.
    ///
    /// # Errors
    /// They have another width.
    pub fn evaluate(&self, atoms: usize, features: &[f64]) -> Result<Uncertainty> {
        if features.len() != atoms * self.width {
            return Err(Error::model(format!(
                "the uncertainty is of {} features, the network has {}: they do not belong together",
                self.width,
                features.len() / atoms.max(1)
            )));
        }
        let mut sum = vec![0.0; self.width];
        for row in features.chunks_exact(self.width) {
            sum.iter_mut().zip(row).for_each(|(s, x)| *s += x);
        }
        let strange = |row| norm(product(&self.atoms, row));
        let components: Vec<f64> = product(&self.energy, &sum).collect();
        Ok(Uncertainty {
            energy: norm(components.iter().copied()),
            components,
            strangeness: features.chunks_exact(self.width).map(strange).collect(),
        })
    }

    /// The matrices as they stand in a model file, with their names there, for the head of this name.
    pub fn tensors(&self, head: &str) -> [(String, Tensor); 2] {
        let [energy, atoms] = names(head);
        let tensor = |data: &[f64]| Tensor { shape: vec![self.width; 2], data: data.to_vec() };
        [(energy, tensor(&self.energy)), (atoms, tensor(&self.atoms))]
    }
}

/// A square matrix times a vector.
fn product<'a>(matrix: &'a [f64], x: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
    matrix.chunks_exact(x.len()).map(move |row| row.iter().zip(x).map(|(a, b)| a * b).sum())
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
pub(crate) fn take(header: &Header, tensors: &mut Tensors) -> Result<Vec<Option<LastLayer>>> {
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
        LastLayer::new(&part(energy)?, &part(atoms)?).map(Some)
    };
    header.heads.iter().map(of_head).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: the matrices are diagonal, and features of atoms add up.
    #[test]
    fn lengths_are_those_of_the_products() {
        let tensor = |a: f64, b: f64| Tensor { shape: vec![2, 2], data: vec![a, 0.0, 0.0, b] };
        let layer = LastLayer::new(&tensor(3.0, 2.0), &tensor(1.0, 0.5)).unwrap();
        let found = layer.evaluate(2, &[1.0, 1.0, 0.0, 1.0]).unwrap();
        assert_eq!((found.energy, &found.components[..]), (5.0, &[3.0, 4.0][..]));
        assert_eq!(found.strangeness, [1.25f64.sqrt(), 0.5]);
        assert!(layer.evaluate(2, &[1.0; 6]).is_err());
        assert!(
            LastLayer::new(&tensor(1.0, 1.0), &Tensor { shape: vec![1, 4], data: vec![0.0; 4] }).is_err()
        );
    }
}
