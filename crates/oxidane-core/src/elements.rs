//! Elements to Z = 118.
