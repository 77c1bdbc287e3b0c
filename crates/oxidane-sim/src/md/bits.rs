//! Floating-point numbers as text that loses no bit: sixteen hexadecimal digits of the IEEE 754 pattern each.

use oxidane_core::{Error, Result};

/// The numbers, separated by spaces.
pub(super) fn encode(values: &[f64]) -> String {
    values.iter().map(|x| format!("{:016x}", x.to_bits())).collect::<Vec<_>>().join(" ")
}

/// The numbers in a text made by [`encode`]; refused if it is anything else. `what` names them in the error.
pub(super) fn decode(text: &str, what: &str) -> Result<Vec<f64>> {
    text.split_whitespace()
        .map(|word| {
            u64::from_str_radix(word, 16)
                .ok()
                .filter(|_| word.len() == 16)
                .map(f64::from_bits)
                .ok_or_else(|| Error::input(format!("{what}: {word:?} is not sixteen hexadecimal digits")))
        })
        .collect()
}

/// As [`decode`], for exactly `N` numbers.
pub(super) fn decode_array<const N: usize>(text: &str, what: &str) -> Result<[f64; N]> {
    decode(text, what)?
        .try_into()
        .map_err(|v: Vec<f64>| Error::input(format!("{what}: {} numbers where {N} belong", v.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_comes_back() {
        let x = [0.1, -0.0, 1e-310, f64::MAX, std::f64::consts::PI];
        let back: [f64; 5] = decode_array(&encode(&x), "x").unwrap();
        assert!(x.iter().zip(&back).all(|(a, b)| a.to_bits() == b.to_bits()));
        assert!(decode("3ff", "x").is_err());
        assert!(decode_array::<2>(&encode(&x), "x").is_err());
    }
}
