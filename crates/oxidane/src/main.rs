//! The Oxidane program.
fn main() {}
