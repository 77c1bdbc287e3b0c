//! Irreducible representations of O(3) in a feature row: how many channels of each degree l.

use oxidane_core::{Error, Result};
use std::fmt;
use std::str::FromStr;

/// The largest degree supported.
pub const L_MAX: usize = 4;

/// Channels by degree: `n_0 x 0e + n_1 x 1o + n_2 x 2e + ...` with natural parity (-1)^l.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Irreps {
    channels: Vec<usize>,
}

impl Irreps {
    /// From the channels of each degree, l = 0 first.
    pub fn new(mut channels: Vec<usize>) -> Self {
        while channels.last() == Some(&0) {
            channels.pop();
        }
        Self { channels }
    }
    /// Number of degrees stored (largest l plus one).
    #[inline(always)]
    pub fn degrees(&self) -> usize {
        self.channels.len()
    }
    /// Largest degree present.
    pub fn l_max(&self) -> usize {
        self.degrees().saturating_sub(1)
    }
    /// Channels of degree `l`.
    #[inline(always)]
    pub fn channels(&self, l: usize) -> usize {
        self.channels.get(l).copied().unwrap_or(0)
    }
    /// Number of irreps, M.
    pub fn count(&self) -> usize {
        self.first_irrep(self.degrees())
    }
    /// Number of components, D.
    pub fn dim(&self) -> usize {
        self.first_component(self.degrees())
    }
    /// Irreps of lower degree than `l`.
    #[inline(always)]
    pub fn first_irrep(&self, l: usize) -> usize {
        self.channels[..l].iter().sum()
    }
    /// Components of lower degree than `l`.
    #[inline(always)]
    pub fn first_component(&self, l: usize) -> usize {
        self.channels[..l].iter().enumerate().map(|(l, n)| (2 * l + 1) * n).sum()
    }
}

impl fmt::Display for Irreps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for (l, n) in self.channels.iter().enumerate().filter(|(_, n)| **n > 0) {
            let parity = if l.is_multiple_of(2) { 'e' } else { 'o' };
            write!(f, "{}{n}x{l}{parity}", if first { "" } else { "+" })?;
            first = false;
        }
        Ok(())
    }
}

impl FromStr for Irreps {
    type Err = Error;

    /// Reads `128x0e + 64x1o + 32x2e`; degrees in rising order, natural parity only.
    fn from_str(text: &str) -> Result<Self> {
        let bad = |why: &str| {
            Error::usage(format!("irreps \"{text}\": {why}; write them like \"128x0e + 64x1o + 32x2e\""))
        };
        let mut channels: Vec<usize> = Vec::new();
        for term in text.split('+').map(str::trim) {
            let (n, irrep) = term.split_once('x').ok_or_else(|| bad(&format!("\"{term}\" has no \"x\"")))?;
            let n: usize = n.trim().parse().map_err(|_| bad(&format!("\"{n}\" is not a channel count")))?;
            let irrep = irrep.trim();
            let parity = irrep.chars().last().ok_or_else(|| bad("a degree is missing"))?;
            let l: usize = irrep[..irrep.len() - parity.len_utf8()]
                .parse()
                .map_err(|_| bad(&format!("\"{irrep}\" is not a degree and a parity")))?;
            if l > L_MAX {
                return Err(bad(&format!("degree {l} is above the largest supported, {L_MAX}")));
            }
            if parity != if l.is_multiple_of(2) { 'e' } else { 'o' } {
                return Err(bad(&format!("\"{irrep}\" does not have the natural parity of its degree")));
            }
            if l < channels.len() {
                return Err(bad("degrees must rise and not repeat"));
            }
            if n == 0 || n > 4096 {
                return Err(bad("a channel count must lie between 1 and 4096"));
            }
            channels.resize(l, 0);
            channels.push(n);
        }
        Ok(Self::new(channels))
    }
}

/// How a block of equivariant rows is stored. In both, one atom's degree `l` is `2l+1` rows of planes of
/// `channels(l)` numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Atom after atom, all degrees together: what edges gather.
    Atom,
    /// Degree after degree within the block, all atoms together: what matrix products take.
    Degree,
}

impl Order {
    /// Where degree `l` of atom `i` begins in a block of `rows` atoms, for `planes` planes.
    #[inline(always)]
    pub fn start(self, irreps: &Irreps, rows: usize, planes: usize, l: usize, i: usize) -> usize {
        match self {
            Self::Atom => planes * (i * irreps.dim() + irreps.first_component(l)),
            Self::Degree => {
                planes * (rows * irreps.first_component(l) + i * (2 * l + 1) * irreps.channels(l))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn irreps_read_and_print() {
        let i: Irreps = "128x0e + 64x1o+32x2e".parse().unwrap();
        assert_eq!((i.count(), i.dim(), i.l_max()), (224, 480, 2));
        assert_eq!(i.to_string(), "128x0e+64x1o+32x2e");
        let i: Irreps = "8x1o+2x3o".parse().unwrap();
        assert_eq!((i.channels(0), i.channels(2), i.dim()), (0, 0, 24 + 14));
        for bad in ["", "8x", "x1o", "8x1e", "4x1o+8x0e", "2x1o+2x1o", "0x0e", "8x9o", "8x", "1xé"] {
            assert!(bad.parse::<Irreps>().is_err(), "{bad}");
        }
    }
}
