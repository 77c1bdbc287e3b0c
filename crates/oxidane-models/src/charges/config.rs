//! How charges interact, as it stands in model files and training configurations.

use oxidane_core::{Error, Result};
use oxidane_physics::coulomb::ACCURACIES;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// The interaction of equilibrated charges. Missing keys take the defaults; unknown keys are refused.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ElectrostaticsConfig {
    /// Widths of the Gaussian charges in covalent radii, before training.
    pub width_scale: f64,
    /// Whether training changes the widths, one of each element.
    pub learn_widths: bool,
    /// Accuracy of lattice sums, see [`oxidane_physics::coulomb::Coulomb::accuracy`].
    pub ewald_accuracy: f64,
}

impl Default for ElectrostaticsConfig {
    fn default() -> Self {
        Self { width_scale: 1.0, learn_widths: true, ewald_accuracy: 1e-6 }
    }
}

impl ElectrostaticsConfig {
    /// Refuses numbers out of range by the name of their key.
    pub(crate) fn check(&self) -> Result<()> {
        for (key, value, least, most) in [
            ("width_scale", self.width_scale, 0.05, 10.0),
            ("ewald_accuracy", self.ewald_accuracy, *ACCURACIES.start(), *ACCURACIES.end()),
        ] {
            if !(value >= least && value <= most) {
                return Err(Error::usage(format!("{key}: {value} is not between {least} and {most}")));
            }
        }
        Ok(())
    }

    /// Reads `true` (the defaults), `false` (none) or a table of keys, for an architecture in which charges are an option.
    pub(crate) fn switch<'de, D: Deserializer<'de>>(input: D) -> std::result::Result<Option<Self>, D::Error> {
        struct Switch;
        impl<'de> Visitor<'de> for Switch {
            type Value = Option<ElectrostaticsConfig>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false or a table with width_scale, learn_widths, ewald_accuracy")
            }
            fn visit_bool<E>(self, on: bool) -> std::result::Result<Self::Value, E> {
                Ok(on.then(ElectrostaticsConfig::default))
            }
            fn visit_unit<E>(self) -> std::result::Result<Self::Value, E> {
                Ok(None)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> std::result::Result<Self::Value, A::Error> {
                ElectrostaticsConfig::deserialize(MapAccessDeserializer::new(map)).map(Some)
            }
        }
        input.deserialize_any(Switch)
    }
}
