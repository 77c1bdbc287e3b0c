//! Geometry optimisation.
