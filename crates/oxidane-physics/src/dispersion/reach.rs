//! [`Reach`]: how far a sum over pairs or triples goes.

/// A cutoff in bohr, hard or with a switch: s(r) = x^3 (10 - 15 x + 6 x^2), x = (cutoff - r)/width, in the last `width`
/// bohr before it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reach {
    /// Nothing counts beyond.
    pub cutoff: f64,
    /// 0 for a hard cutoff.
    pub width: f64,
}

impl Reach {
    /// Whether something at r^2 = `square`, within the cutoff, is subject to the switch.
    #[inline(always)]
    pub fn is_rim(&self, square: f64) -> bool {
        let inner = self.cutoff - self.width;
        square > inner * inner
    }

    /// s and ds/d(r^2) at r^2 = `square`.
    #[inline(always)]
    pub fn switch(&self, square: f64) -> [f64; 2] {
        if self.width == 0.0 || !self.is_rim(square) {
            return [f64::from(square <= self.cutoff * self.cutoff), 0.0];
        }
        let r = square.sqrt();
        let x = ((self.cutoff - r) / self.width).max(0.0);
        let rest = x * (1.0 - x);
        [x * x * x * (10.0 - x * (15.0 - 6.0 * x)), -15.0 * rest * rest / (self.width * r)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_switch_is_smooth_and_its_slope_a_derivative() {
        let reach = Reach { cutoff: 25.0, width: 0.05 };
        assert_eq!(reach.switch(24.94 * 24.94), [1.0, 0.0]);
        assert_eq!(reach.switch(25.1 * 25.1)[0], 0.0);
        assert!((reach.switch(24.975 * 24.975)[0] - 0.5).abs() < 1e-12);
        for r in [24.96_f64, 24.98, 24.99] {
            let (square, h) = (r * r, 1e-3);
            let expected = (reach.switch(square + h)[0] - reach.switch(square - h)[0]) / (2.0 * h);
            // h^2/6 times a third derivative of order (width * 2r)^-3.
            assert!((reach.switch(square)[1] - expected).abs() < 1e-5);
        }
    }
}
