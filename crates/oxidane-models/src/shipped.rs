//! The models inside the program.

use oxidane_core::{Error, Result};

/// A model inside the program.
pub struct Shipped {
    /// Its name for `--model`.
    pub name: &'static str,
    /// What it is for, in one line.
    pub summary: &'static str,
    bytes: &'static [u8],
}

/// All models inside the program; the first is the default.
pub const SHIPPED: [Shipped; 1] = [Shipped {
    name: "rmd17",
    summary: "XPaiNN for ten small organic molecules (rMD17, PBE/def2-SVP): H C N O, neutral singlets",
    bytes: include_bytes!("../models/rmd17.safetensors"),
}];

/// The model file of that name, or of the default.
pub(crate) fn bytes(name: Option<&str>) -> Result<&'static [u8]> {
    let found = match name {
        None => SHIPPED.first(),
        Some(name) => SHIPPED.iter().find(|s| s.name == name),
    };
    found.map(|s| s.bytes).ok_or_else(|| {
        let known: Vec<_> = SHIPPED.iter().map(|s| s.name).collect();
        Error::model(match name {
            None => "no model is inside this build of the program; give one with --model".into(),
            Some(name) => {
                format!("there is no model \"{name}\"; give a file, or one of {}", known.join(", "))
            }
        })
    })
}
