//! The Klopman-Ohno kernel far away: inverse odd powers and a remainder that vanishes fast.

/// How many inverse odd powers are taken apart.
const POWERS: usize = 4;

/// The remainder is switched off between these multiples of h.
const SWITCH: [f64; 2] = [6.0, 10.0];

/// The integral over x from 6 on of x^2 times the remainder for h = 1 times one less the switch.
const TAIL: f64 = 2.0846556484141e-07;

/// (r^2 + h^2)^(-1/2) where h is the inverse of a hardness.
#[derive(Debug, Clone, Copy)]
pub struct KlopmanOhno {
    h: f64,
}

impl KlopmanOhno {
    /// For shells of mean hardness `hardness` in hartree.
    pub fn new(hardness: f64) -> Self {
        Self { h: 1.0 / hardness }
    }

    /// At a squared distance.
    pub fn value(&self, r2: f64) -> f64 {
        1.0 / (r2 + self.h * self.h).sqrt()
    }

    /// The coefficients of 1/r, 1/r^3, 1/r^5, 1/r^7 in its expansion in h/r.
    pub fn expansion(&self) -> [f64; POWERS] {
        let h2 = self.h * self.h;
        [1.0, -0.5 * h2, 0.375 * h2 * h2, -0.3125 * h2 * h2 * h2]
    }

    /// Beyond this distance the remainder is nothing.
    pub fn cutoff(&self) -> f64 {
        SWITCH[1] * self.h
    }

    /// The value less the expansion, switched off smoothly, and its derivative by the distance divided by the distance.
    #[inline(always)]
    pub fn remainder(&self, r2: f64) -> (f64, f64) {
        if r2 >= self.cutoff() * self.cutoff() {
            return (0.0, 0.0);
        }
        let inverse2 = 1.0 / r2;
        let exact = self.value(r2);
        let (mut value, mut slope) = (exact, -exact * exact * exact);
        let mut power = inverse2.sqrt();
        for (n, coefficient) in self.expansion().into_iter().enumerate() {
            value -= coefficient * power;
            power *= inverse2;
            slope += (2 * n + 1) as f64 * coefficient * power;
        }
        let r = r2.sqrt();
        let width = (SWITCH[1] - SWITCH[0]) * self.h;
        let t = ((r - SWITCH[0] * self.h) / width).max(0.0);
        let switch = 1.0 - t * t * t * (10.0 - t * (15.0 - 6.0 * t));
        let switch_slope = -30.0 * t * t * (1.0 - t) * (1.0 - t) / (width * r);
        (value * switch, slope * switch + value * switch_slope)
    }

    /// What the switch takes off, integrated over space: over the volume of the cell, this is its lattice sum but for
    /// Fourier components of the switched tail, below 1e-8.
    pub fn tail(&self) -> f64 {
        4.0 * std::f64::consts::PI * self.h * self.h * TAIL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The remainder is what is left of the kernel, up to the switch; beyond, TAIL by Simpson's rule, the rest of the
    /// integral from its leading terms 35/128 x^-9 - 63/256 x^-11 + 231/1024 x^-13.
    #[test]
    fn remainder_and_tail_make_up_the_kernel() {
        let unit = KlopmanOhno::new(1.0);
        let full = |x: f64| {
            let inverse2 = 1.0 / (x * x);
            // From the series: the difference itself would lose its digits here.
            let series = [
                35.0 / 128.0,
                -63.0 / 256.0,
                231.0 / 1024.0,
                -429.0 / 2048.0,
                6435.0 / 32768.0,
                -12155.0 / 65536.0,
            ];
            series.iter().rev().fold(0.0, |sum, c| sum * inverse2 + c) * inverse2.powi(4) / x
        };
        for x in [4.0, 5.0, 5.9] {
            assert!((unit.remainder(x * x).0 - full(x)).abs() < 1e-10);
        }
        let steps = 400;
        let width = (SWITCH[1] - SWITCH[0]) / f64::from(steps);
        let mut sum = 0.0;
        for k in 0..=steps {
            let weight = if k == 0 || k == steps { 1.0 } else { f64::from(2 + 2 * (k % 2)) };
            let x = SWITCH[0] + width * f64::from(k);
            sum += weight * width / 3.0 * x * x * (full(x) - unit.remainder(x * x).0);
        }
        let x: f64 = SWITCH[1];
        sum += 35.0 / 128.0 / 6.0 / x.powi(6) - 63.0 / 256.0 / 8.0 / x.powi(8)
            + 231.0 / 1024.0 / 10.0 / x.powi(10);
        assert!((sum / TAIL - 1.0).abs() < 1e-6, "{sum}");
    }
}
