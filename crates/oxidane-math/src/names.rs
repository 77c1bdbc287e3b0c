//! Names of the functions a model file chooses from.

use std::fmt;

/// A name that no function has; the message lists those there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    what: &'static str,
    given: String,
    known: Vec<&'static str>,
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown {} '{}': use one of {}", self.what, self.given, self.known.join(", "))
    }
}

impl std::error::Error for UnknownName {}

/// The item of `all` whose name is `given`.
pub(crate) fn find<T: Copy>(
    what: &'static str,
    given: &str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<T, UnknownName> {
    all.iter().copied().find(|&x| name(x) == given).ok_or_else(|| UnknownName {
        what,
        given: given.to_owned(),
        known: all.iter().map(|&x| name(x)).collect(),
    })
}
