//! Dispersion that options add to a model.

use oxidane_core::{Error, Potential, Result, SumPotential};
use oxidane_physics::D3Potential;

use super::Source;
use crate::args::ComputeArgs;

/// The dispersion that the options ask for.
///
/// # Errors
/// If the functional is not known, or nothing can be added to what computes.
pub fn of(args: &ComputeArgs, source: &Source, potential: &dyn Potential) -> Result<Option<D3Potential>> {
    let Some(functional) = &args.d3 else { return Ok(None) };
    if matches!(source, Source::Gfn2(_)) {
        return Err(Error::usage("--d3 would count dispersion twice: gfn2 has D4 of its own; leave it out"));
    }
    if !potential.capabilities().energy {
        let name = source.name();
        return Err(Error::usage(format!("--d3 has no effect on {name}, which has no energy; leave it out")));
    }
    if let Source::Network { model, head, .. } = source
        && let Some(own) = &head.dispersion
    {
        let name = &model.header().name;
        return Err(Error::usage(format!(
            "--d3 would count dispersion twice: {name} has {own} already; leave it out"
        )));
    }
    D3Potential::new(functional, args.d3_atm).map(Some)
}

/// The potential with the dispersion added to it, on all threads if `parallel`.
pub fn add(
    potential: Box<dyn Potential>,
    dispersion: Option<&D3Potential>,
    parallel: bool,
) -> Box<dyn Potential> {
    match dispersion {
        Some(d3) => {
            let d3 = d3.clone().with_parallel(parallel);
            Box::new(SumPotential::new(vec![potential, Box::new(d3)]).with_parallel(parallel))
        }
        None => potential,
    }
}

/// Whether the name of a level of theory says that dispersion is a part of it.
pub fn is_in(theory: &str) -> bool {
    let theory = theory.to_lowercase();
    ["d2", "d3", "d4", "vv10", "vdw", "-d", "-v", "mbd", "tkatchenko", "ccsd", "mp2", "gfn2", "xtb", "3c"]
        .iter()
        .any(|word| theory.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_with_dispersion() {
        for theory in [
            "PBE-D3(BJ)/def2-TZVP",
            "wB97M-V/def2-TZVPD",
            "vdW-DF2",
            "DLPNO-CCSD(T)/CBS",
            "r2SCAN-3c",
            "B97-D",
        ] {
            assert!(is_in(theory), "{theory}");
        }
        for theory in ["PBE/def2-SVP", "wB97X/6-31G*", "B3LYP/def2-TZVP", "r2SCAN"] {
            assert!(!is_in(theory), "{theory}");
        }
    }
}
