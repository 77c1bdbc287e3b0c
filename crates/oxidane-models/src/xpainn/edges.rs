//! The radial functions of XPaiNN.

use crate::edges::{EdgeFunctions, GEOMETRY, RadialColumns};
use crate::layers::top;
use oxidane_math::cutoff::Cutoff;
use oxidane_math::radial::RadialBasis;
use oxidane_math::{Real, Scalar, simd};

/// b_n f_cut for each n and then f_cut itself, so that a filter with bias is one matrix product.
#[derive(Debug, Clone)]
pub struct CutBasis {
    /// Radial functions.
    pub basis: RadialBasis,
    /// Cutoff function.
    pub cutoff_fn: Cutoff,
}

impl RadialColumns for CutBasis {
    fn columns(&self) -> usize {
        self.basis.size() + 1
    }

    #[inline(always)]
    fn evaluate<S: Scalar>(
        &self,
        parameters: &[S::Real],
        r: S,
        b: &mut S::RowMut<'_>,
        db: &mut S::RowMut<'_>,
    ) {
        let n = self.basis.size();
        let (f, df) = self.cutoff_fn.evaluate(S::Real::of(self.basis.cutoff()), r);
        {
            let mut b = S::part_mut(b, 0, n);
            let mut db = S::part_mut(db, 0, n);
            self.basis.evaluate::<S>(parameters, r, &mut b, &mut db);
            for k in 0..n {
                let (v, d) = (S::get_mut(&b, k), S::get_mut(&db, k));
                S::set(&mut b, k, v * f);
                S::set(&mut db, k, d * f + v * df);
            }
        }
        S::set(b, n, f);
        S::set(db, n, df);
    }
}

impl CutBasis {
    /// Adds the gradient of the basis parameters from the adjoints of the radial functions.
    pub fn gradient<S: Scalar>(
        &self,
        parameters: &[S::Real],
        functions: &EdgeFunctions<S::Real>,
        radial_adj: &[S::Real],
        gradient: &mut [S::Real],
    ) {
        let (nk, nb) = (self.columns(), self.basis.size());
        let mut sums = vec![S::zero(); gradient.len()];
        let mut scaled = vec![S::Real::of(0.0); nb * S::PLANES];
        simd::dispatch(
            #[inline(always)]
            || {
                for (e, adj) in radial_adj.chunks_exact(nk * S::PLANES).enumerate() {
                    let r = S::get(S::row(&functions.geometry[e * GEOMETRY * S::PLANES..], GEOMETRY), 0);
                    let f = S::get(S::row(&functions.radial[e * nk * S::PLANES..], nk), nb);
                    let adj = S::row(adj, nk);
                    {
                        let mut scaled = S::row_mut(&mut scaled, nb);
                        for k in 0..nb {
                            S::set(&mut scaled, k, S::get(adj, k) * f);
                        }
                    }
                    self.basis.reverse_parameters::<S>(parameters, r, S::row(&scaled, nb), &mut sums);
                }
            },
        );
        for (g, s) in gradient.iter_mut().zip(sums) {
            *g += top(s);
        }
    }
}
