//! The exponential integral.

/// E1(x), the integral of e^-t / t from x > 0 to infinity: by its power series up to 1, beyond by the continued
/// fraction e^-x / (x + 1 - 1/(x + 3 - 4/(x + 5 - 9/(x + 7 - ...)))), evaluated forward (M. Abramowitz, I. A. Stegun,
/// Handbook of Mathematical Functions, 5.1.11 and 5.1.22). The relative error is below 1e-14.
pub fn exponential_integral(x: f64) -> f64 {
    if x <= 1.0 { series(x) } else { (-x).exp() * fraction(x) }
}

/// -gamma - ln x + x - x^2/(2 2!) + x^3/(3 3!) - ...
fn series(x: f64) -> f64 {
    const EULER: f64 = 0.577_215_664_901_532_9;
    let mut sum = -EULER - x.ln();
    let mut power = -1.0;
    for k in 1..=20 {
        power *= -x / f64::from(k);
        sum += power / f64::from(k);
    }
    sum
}

/// The ratio of successive convergents multiplies up to the value; 100 terms are enough from 1 on.
fn fraction(x: f64) -> f64 {
    let mut denominator = x + 1.0;
    let (mut ratio_a, mut ratio_b) = (f64::INFINITY, 1.0 / denominator);
    let mut value = ratio_b;
    for k in 1..=100 {
        let numerator = -f64::from(k * k);
        denominator += 2.0;
        ratio_b = 1.0 / (denominator + numerator * ratio_b);
        ratio_a = denominator + numerator / ratio_a;
        let change = ratio_a * ratio_b;
        value *= change;
        if (change - 1.0).abs() < 1e-16 {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of Abramowitz and Stegun, table 5.1, and of their asymptotic form at 10.
    #[test]
    fn known_values() {
        for (x, value) in [
            (0.01, 4.037_929_576_538_113),
            (0.5, 0.559_773_594_776_160_8),
            (1.0, 0.219_383_934_395_520_27),
            (2.0, 0.048_900_510_708_061_12),
            (10.0, 4.156_968_929_685_324e-6),
        ] {
            let found = exponential_integral(x);
            assert!((found / value - 1.0).abs() < 1e-14, "E1({x}) = {found}");
        }
    }
}
