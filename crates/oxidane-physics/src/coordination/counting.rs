//! [`Counting`]: how much a neighbour counts at a distance.

use oxidane_math::special::exp_f64;

/// The counting functions f(r) of the methods; R is the sum of the covalent radii.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counting {
    /// s(10, R) s(20, R + 2 bohr) with s(k, R) = 1/(1 + exp(-k(R/r - 1))), up to 25 bohr: GFN2-xTB (C. Bannwarth, S.
    /// Ehlert, S. Grimme, J. Chem. Theory Comput. 2019, 15, 1652, Eq. 18).
    Gfn,
    /// s(16, R), up to 40 bohr: D3 (S. Grimme, J. Antony, S. Ehrlich, H. Krieg, J. Chem. Phys. 2010, 132, 154104, Eq.
    /// 15).
    D3,
    /// (d/2) (1 + erf(-7.5 (r/R - 1))), up to 30 bohr, where d falls with the difference of electronegativities: D4 (E.
    /// Caldeweyher et al., J. Chem. Phys. 2019, 150, 154122, Eq. 5).
    D4,
}

/// Two atoms at a distance.
pub(super) struct Pair {
    /// In bohr.
    pub distance: f64,
    /// Sum of the covalent radii in bohr.
    pub contact: f64,
    /// Difference of the electronegativities.
    pub polarity: f64,
}

/// Steepness of the error function of D4.
const STEEPNESS_D4: f64 = 7.5;

impl Counting {
    /// The distance in bohr up to which neighbours count whose covalent radii sum up to `contact` bohr.
    pub fn range(self, contact: f64) -> f64 {
        match self {
            Self::Gfn => 25.0,
            Self::D3 => 40.0,
            // Beyond, erfc(7.5 * 0.82) < 4e-18: lost when added to any number that matters.
            Self::D4 => (1.82 * contact).min(30.0),
        }
    }

    /// f and f'(r)/r (1/bohr^2).
    #[inline(always)]
    pub(super) fn count(self, &Pair { distance, contact, polarity }: &Pair) -> [f64; 2] {
        let [count, slope] = match self {
            Self::Gfn => {
                let [inner, inner_slope] = sigmoid(10.0, distance, contact);
                let [outer, outer_slope] = sigmoid(20.0, distance, contact + 2.0);
                [inner * outer, inner_slope * outer + inner * outer_slope]
            }
            Self::D3 => sigmoid(16.0, distance, contact),
            Self::D4 => {
                let square = (polarity + 19.08857) * (polarity + 19.08857);
                let weight = 0.5 * 4.10451 * exp_f64(-square / (2.0 * 11.28174 * 11.28174));
                let x = STEEPNESS_D4 * (distance / contact - 1.0);
                let slope = -std::f64::consts::FRAC_2_SQRT_PI * STEEPNESS_D4 / contact * exp_f64(-x * x);
                [weight * libm::erfc(x), weight * slope]
            }
        };
        [count, slope / distance]
    }
}

/// s(k, R) at r, and its derivative by r.
#[inline(always)]
fn sigmoid(k: f64, r: f64, contact: f64) -> [f64; 2] {
    let term = exp_f64(-k * (contact / r - 1.0));
    let count = 1.0 / (1.0 + term);
    // term * count^2 would overflow for large terms; (1 - count) * count would lose small counts.
    [count, -k * contact / (r * r) * (term * count) * count]
}
