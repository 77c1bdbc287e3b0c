//! The interaction tensors of all pairs of atoms, stored for the contraction with moments in every iteration.

use oxidane_math::simd;

use super::MULTIPLICITY;

/// Planes per source: three charge-dipole and six dipole-dipole elements.
const PLANES: usize = 9;

/// For a source s and a target t, the vector S and the symmetric tensor D of the energy
/// q_t S.mu_s - mu_t.S q_s + mu_t.D.mu_s - 1/3 (q_t D:Theta_s + Theta_t:D q_s).
///
/// Stored as `[element][source][target]`, elements S_x, S_y, S_z, D_xx, D_xy, D_yy, D_xz, D_yz, D_zz: every loop of the
/// contraction runs over contiguous targets.
#[derive(Debug, Clone)]
pub struct Tensors {
    atoms: usize,
    planes: Vec<f64>,
}

impl Tensors {
    /// No interaction of `atoms` atoms.
    pub fn zero(atoms: usize) -> Self {
        Self { atoms, planes: vec![0.0; PLANES * atoms * atoms] }
    }

    /// Adds S and D of source `i` and target `j`, and so -S and D of source `j` and target `i`. An atom's own images,
    /// seen in both directions, add up to no S.
    #[inline(always)]
    pub fn add(&mut self, i: usize, j: usize, s: [f64; 3], d: [f64; 6]) {
        let n = self.atoms;
        for (element, &value) in s.iter().chain(&d).enumerate() {
            let plane = self.plane_mut(element);
            plane[i * n + j] += value;
            if i != j {
                plane[j * n + i] += if element < 3 { -value } else { value };
            }
        }
    }

    /// One element of all pairs: a row per source.
    pub fn plane_mut(&mut self, element: usize) -> &mut [f64] {
        let size = self.atoms * self.atoms;
        &mut self.planes[element * size..(element + 1) * size]
    }

    /// The derivatives of the energy by the moments of the targets.
    pub fn contract(&self, charges: &[f64], dipoles: &[[f64; 3]], quadrupoles: &[[f64; 6]]) -> Potentials {
        let n = self.atoms;
        let mut sums = vec![0.0; 10 * n];
        if n == 0 {
            return Potentials { atoms: n, planes: sums };
        }
        simd::dispatch(
            #[inline(always)]
            || {
                for source in 0..n {
                    let row = |element: usize| &self.planes[(element * n + source) * n..][..n];
                    add_source(row, charges[source], dipoles[source], quadrupoles[source], &mut sums);
                }
            },
        );
        Potentials { atoms: n, planes: sums }
    }
}

/// Derivatives by charges (one plane), dipoles (three) and quadrupoles (six).
pub struct Potentials {
    atoms: usize,
    planes: Vec<f64>,
}

impl Potentials {
    /// By the charge of atom `i`.
    pub fn by_charge(&self, i: usize) -> f64 {
        self.planes[i]
    }

    /// By the dipole of atom `i`.
    pub fn by_dipole(&self, i: usize) -> [f64; 3] {
        std::array::from_fn(|a| self.planes[(1 + a) * self.atoms + i])
    }

    /// By the stored elements of the quadrupole of atom `i`.
    pub fn by_quadrupole(&self, i: usize) -> [f64; 6] {
        std::array::from_fn(|a| self.planes[(4 + a) * self.atoms + i])
    }
}

/// Adds what one source does to all targets; `row` gives each element of its tensors.
#[inline(always)]
fn add_source<'a>(
    row: impl Fn(usize) -> &'a [f64],
    charge: f64,
    dipole: [f64; 3],
    quadrupole: [f64; 6],
    sums: &mut [f64],
) {
    let [x, y, z] = dipole;
    let theta: [f64; 6] = std::array::from_fn(|a| -MULTIPLICITY[a] / 3.0 * quadrupole[a]);
    let mut outputs = sums.chunks_exact_mut(row(0).len());
    let mut output = || outputs.next().expect("ten planes");
    accumulate(
        output(),
        std::array::from_fn::<_, PLANES, _>(&row),
        [x, y, z, theta[0], theta[1], theta[2], theta[3], theta[4], theta[5]],
    );
    // The rows of D among the stored elements.
    for (a, elements) in [[3, 4, 6], [4, 5, 7], [6, 7, 8]].into_iter().enumerate() {
        let [p, q, r] = elements.map(&row);
        accumulate(output(), [row(a), p, q, r], [-charge, x, y, z]);
    }
    for a in 0..6 {
        accumulate(output(), [row(3 + a)], [-MULTIPLICITY[a] / 3.0 * charge]);
    }
}

/// Adds a linear combination of `N` planes.
#[inline(always)]
fn accumulate<const N: usize>(sum: &mut [f64], planes: [&[f64]; N], factors: [f64; N]) {
    let planes = planes.map(|p| &p[..sum.len()]);
    for (t, sum) in sum.iter_mut().enumerate() {
        let mut total = *sum;
        for k in 0..N {
            total += factors[k] * planes[k][t];
        }
        *sum = total;
    }
}
