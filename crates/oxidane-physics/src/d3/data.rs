//! References and van der Waals radii of the elements for D3; `data/README.md` describes the file.

use crate::dispersion::{Centers, REFERENCES, References};
use crate::elements::LAST;
use oxidane_core::units::BOHR;

static DATA: &[u8] = include_bytes!("../../data/d3.bin");

/// Where the parts of the file lie: counts, coordination numbers, C6, radii.
struct Layout {
    /// Number of references of all elements.
    references: usize,
}

impl Layout {
    fn new() -> Self {
        Self { references: before(LAST + 1) }
    }

    fn cn(&self, reference: usize) -> f64 {
        decimal(LAST.into(), reference)
    }

    /// C6 of two references, numbered through all elements.
    fn c6(&self, a: usize, b: usize) -> f64 {
        decimal(usize::from(LAST) + 4 * self.references, triangle(a, b))
    }

    fn radius(&self, a: u8, b: u8) -> f64 {
        let start = usize::from(LAST) + 4 * self.references + 4 * triangle(self.references, 0);
        let at = start + 2 * triangle(usize::from(a) - 1, usize::from(b) - 1);
        f64::from(u16::from_le_bytes([DATA[at], DATA[at + 1]])) / 1e4
    }
}

/// The place of (a, b) in the lower triangle of a symmetric matrix, row after row.
fn triangle(a: usize, b: usize) -> usize {
    let (a, b) = (a.max(b), a.min(b));
    a * (a + 1) / 2 + b
}

/// Number `index` of those with four decimals from byte `start` on.
fn decimal(start: usize, index: usize) -> f64 {
    let at = start + 4 * index;
    f64::from(u32::from_le_bytes(std::array::from_fn(|b| DATA[at + b]))) / 1e4
}

/// The number of references of the elements before `number`.
fn before(number: u8) -> usize {
    DATA[..usize::from(number) - 1].iter().map(|&c| usize::from(c)).sum()
}

fn count(number: u8) -> usize {
    usize::from(DATA[usize::from(number) - 1])
}

/// The references of an element in 1..=[`LAST`].
pub(super) fn centers(number: u8) -> Centers {
    let (layout, first, count) = (Layout::new(), before(number), count(number));
    let cn = std::array::from_fn(|r| if r < count { layout.cn(first + r) } else { 0.0 });
    Centers { count, cn, gaussians: [1; REFERENCES] }
}

/// C6 between the references of two elements in hartree bohr^6.
pub(super) fn c6(a: u8, b: u8) -> [References; REFERENCES] {
    let (layout, first_a, first_b) = (Layout::new(), before(a), before(b));
    let mut table = [[0.0; REFERENCES]; REFERENCES];
    for (r, row) in table.iter_mut().enumerate().take(count(a)) {
        for (s, c6) in row.iter_mut().enumerate().take(count(b)) {
            *c6 = layout.c6(first_a + r, first_b + s);
        }
    }
    table
}

/// The distance at which two atoms touch (cutoff radius of the zero damping) in bohr.
pub(super) fn van_der_waals(a: u8, b: u8) -> f64 {
    Layout::new().radius(a, b) / BOHR
}
