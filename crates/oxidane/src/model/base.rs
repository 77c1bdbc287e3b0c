//! The methods that networks may correct.

use oxidane_core::{Error, Mesh, Potential, Repeated, Result};
use oxidane_models::file::Base;
use oxidane_xtb::{Gfn2, Gfn2Options};

use super::GFN2;

/// The methods at hand, in the versions of this program.
pub fn known() -> Vec<Base> {
    vec![gfn2()]
}

/// GFN2-xTB as it is computed here.
pub fn gfn2() -> Base {
    Base { method: GFN2.into(), version: oxidane_xtb::VERSION }
}

/// GFN2-xTB with a mesh of k-points, if there is one.
pub fn gfn2_potential(options: Gfn2Options, mesh: Option<Mesh>) -> Result<Box<dyn Potential>> {
    let gamma = Box::new(Gfn2::new(options)?);
    Ok(match mesh {
        Some(mesh) => Box::new(Repeated::new(gamma, mesh)),
        None => gamma,
    })
}

/// The method below a network, at the settings that its labels were computed with.
///
/// # Errors
/// It is not known, or in another version: the sum would be of two things that do not belong together.
pub fn potential(base: &Base, allow_close: bool, mesh: Option<Mesh>) -> Result<Box<dyn Potential>> {
    let known = known();
    if known.contains(base) {
        return gfn2_potential(Gfn2Options { allow_close, ..Gfn2Options::default() }, mesh);
    }
    Err(match known.iter().find(|own| own.method == base.method) {
        Some(own) => Error::model(format!(
            "its network corrects version {} of {}, and this program has version {}; use the program that the model was \
             trained with, or label the data again and train it anew",
            base.version, base.method, own.version
        )),
        None => Error::model(format!(
            "its network corrects {}, a method that this program does not have; update the program",
            base.method
        )),
    })
}
