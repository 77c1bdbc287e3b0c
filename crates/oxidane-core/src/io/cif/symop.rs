//! Symmetry operations in the notation `-x+1/2, y, x-y`.

use crate::error::{Error, Result};

/// x' = rotation x + shift, in fractional coordinates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Operation {
    pub rotation: [[i32; 3]; 3],
    pub shift: [f64; 3],
}

impl Operation {
    /// The operation that changes nothing.
    pub const IDENTITY: Self = Self { rotation: [[1, 0, 0], [0, 1, 0], [0, 0, 1]], shift: [0.0; 3] };

    /// Reads one operation.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = || {
            let shown: String = text.chars().take(40).filter(|c| !c.is_control()).collect();
            Error::input(format!("`{shown}` is no symmetry operation; they are written like -x, y+1/2, -z"))
        };
        let mut out = Self { rotation: [[0; 3]; 3], shift: [0.0; 3] };
        let parts: Vec<&str> = text.split(',').collect();
        if parts.len() != 3 {
            return Err(bad());
        }
        for (k, part) in parts.iter().enumerate() {
            let compact: String = part.chars().filter(|c| !c.is_whitespace()).collect();
            (out.rotation[k], out.shift[k]) = row(&compact.to_ascii_lowercase()).ok_or_else(bad)?;
        }
        if determinant(&out.rotation).abs() == 1 { Ok(out) } else { Err(bad()) }
    }

    /// The image of a point.
    pub fn apply(&self, x: [f64; 3]) -> [f64; 3] {
        std::array::from_fn(|i| {
            (0..3).map(|j| f64::from(self.rotation[i][j]) * x[j]).sum::<f64>() + self.shift[i]
        })
    }
}

fn determinant(m: &[[i32; 3]; 3]) -> i32 {
    m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
        + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
}

/// One of the three expressions: signed terms, each a letter or a number.
fn row(text: &str) -> Option<([i32; 3], f64)> {
    let (mut rotation, mut shift) = ([0; 3], 0.0);
    let mut rest = text;
    while !rest.is_empty() {
        let negative = rest.starts_with('-');
        let signed = rest.starts_with(['+', '-']);
        if !signed && rest.len() != text.len() {
            return None;
        }
        rest = &rest[usize::from(signed)..];
        let end = rest.find(['+', '-']).unwrap_or(rest.len());
        let term = &rest[..end];
        rest = &rest[end..];
        let sign = if negative { -1 } else { 1 };
        let axis = ["x", "y", "z"].iter().position(|a| *a == term);
        match axis {
            Some(axis) if rotation[axis] == 0 => rotation[axis] = sign,
            Some(_) => return None,
            None => shift += f64::from(sign) * fraction(term)?,
        }
    }
    (!text.is_empty()).then_some((rotation, shift))
}

fn fraction(term: &str) -> Option<f64> {
    let number = |t: &str| {
        let plain = !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        if plain { t.parse::<f64>().ok() } else { None }
    };
    let value = match term.split_once('/') {
        Some((a, b)) => number(a)? / number(b)?,
        None => number(term)?,
    };
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notations_in_use() {
        let op = Operation::parse("-x+1/2, Y , 0.25+z").unwrap();
        assert_eq!(op.apply([0.1, 0.2, 0.3]), [0.4, 0.2, 0.55]);
        let op = Operation::parse("x-y,x,z+2/3").unwrap();
        assert_eq!(op.rotation, [[1, -1, 0], [1, 0, 0], [0, 0, 1]]);
        assert_eq!(Operation::parse("x,y,z").unwrap(), Operation::IDENTITY);
    }

    #[test]
    fn refused() {
        for text in [
            "",
            "x,y",
            "x,y,z,z",
            "x,y,w",
            "x,x,z",
            "x,y,",
            "xy,y,z",
            "x,y,z+1/0",
            "x,y,z+nan",
            "x+x,y,z",
            "1,2,3",
            "x,é,z",
        ] {
            assert!(Operation::parse(text).is_err(), "{text}");
        }
    }
}
