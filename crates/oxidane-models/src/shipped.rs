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
pub const SHIPPED: [Shipped; 7] = [
    Shipped {
        name: "organic-delta",
        summary: "XPaiNN on GFN2-xTB for organic molecules and ions (wB97X-D3BJ; interactions CCSD(T)): H B C N O F Si P S Cl Br I",
        bytes: include_bytes!("../models/organic-delta.safetensors"),
    },
    Shipped {
        name: "organic",
        summary: "MPNICE for the same molecules, by itself: several times as fast, less exact; its head gfn2 stands for GFN2-xTB",
        bytes: include_bytes!("../models/organic.safetensors"),
    },
    Shipped {
        name: "rmd17",
        summary: "XPaiNN for ten small organic molecules (rMD17, PBE/def2-SVP): H C N O, neutral singlets",
        bytes: include_bytes!("../models/rmd17.safetensors"),
    },
    Shipped {
        name: "rmd17-mpnice",
        summary: "MPNICE for the same molecules: twice as fast or more, with charges and uncertainties",
        bytes: include_bytes!("../models/rmd17-mpnice.safetensors"),
    },
    Shipped {
        name: "water",
        summary: "MPNICE for liquid water and its ions (DC-r2SCAN), in neutral cells",
        bytes: include_bytes!("../models/water.safetensors"),
    },
    Shipped {
        name: "x23",
        summary: "MPNICE for the molecular crystals of X23, aspirin and squaric acid (vdW-DF2), with stress",
        bytes: include_bytes!("../models/x23.safetensors"),
    },
    Shipped {
        name: "metals",
        summary: "MPNICE for Li, Cu, Ni, Mo, Si, Ge, Ni-Mo and Nb-Mo-Ta-W alloys (PBE), with stress",
        bytes: include_bytes!("../models/metals.safetensors"),
    },
];

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
