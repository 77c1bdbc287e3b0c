//! A potential as the program uses it: with refusals that help.

use oxidane_core::{Error, ErrorKind, Evaluation, Potential, Request, Result, SystemView};
use oxidane_models::{Domain, Model};
use oxidane_xtb::{Gfn2, Gfn2Options};

use super::{GFN2, strange};
use std::sync::OnceLock;

/// The models inside the program for molecules in general, best first.
const GENERAL: [&str; 2] = ["organic-delta", "organic"];

/// A potential whose refusals name the models that cover the structure: those for molecules in general and GFN2-xTB. It may refuse
/// structures unlike any that it was trained on.
pub struct Guarded {
    inner: Box<dyn Potential>,
    /// Whether others are a choice.
    advise: bool,
    strict: bool,
}

impl Guarded {
    /// Wraps a potential; `advise` where other models are a choice, `strict` to refuse what is unlike all training data.
    ///
    /// # Errors
    /// If it is to be strict but has no uncertainty.
    pub fn boxed(inner: Box<dyn Potential>, advise: bool, strict: bool) -> Result<Box<dyn Potential>> {
        if strict && !inner.capabilities().uncertainty {
            return Err(Error::usage(format!(
                "--strict has no effect on {}, which has no uncertainty; leave it out",
                inner.name()
            )));
        }
        Ok(Box::new(Self { inner, advise, strict }))
    }

    /// The error with the mend that fits.
    fn advised(&self, system: &dyn SystemView, mut error: Error) -> Error {
        if !self.advise || error.kind != ErrorKind::Domain {
            return error;
        }
        let covering = covering(system);
        if !covering.is_empty() {
            let fault = error.message.trim_end_matches("; choose another model with --model");
            error.message = format!("{fault}; --model {} covers this structure", covering.join(" or "));
        }
        error
    }
}

/// What covers a structure; of networks those for molecules alone.
fn covering(system: &dyn SystemView) -> Vec<&'static str> {
    // Read once: a benchmark may refuse many structures.
    static DOMAINS: OnceLock<Vec<(&str, Domain)>> = OnceLock::new();
    let domains = DOMAINS.get_or_init(|| {
        let domain = |name| Some((name, Model::shipped(Some(name)).ok()?.domain(None).ok()?));
        GENERAL.into_iter().filter_map(domain).collect()
    });
    let mut names = Vec::new();
    if system.cell().is_none() {
        let covers = domains.iter().filter(|(name, domain)| domain.check(name, system).is_ok());
        names.extend(covers.map(|(name, _)| *name));
    }
    let gfn2 = Gfn2::new(Gfn2Options { allow_close: true, ..Gfn2Options::default() });
    names.extend(gfn2.is_ok_and(|g| g.check(system).is_ok()).then_some(GFN2));
    names
}

impl Potential for Guarded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn capabilities(&self) -> Request {
        self.inner.capabilities()
    }

    fn check(&self, system: &dyn SystemView) -> Result<()> {
        self.inner.check(system).map_err(|e| self.advised(system, e))
    }

    fn evaluate(&mut self, system: &dyn SystemView, request: Request) -> Result<Evaluation> {
        let with = Request { uncertainty: request.uncertainty || self.strict, ..request };
        let results = self.inner.evaluate(system, with).map_err(|e| self.advised(system, e))?;
        if self.strict
            && let Some(what) =
                results.uncertainty.as_ref().and_then(|u| strange::describe(u, system.numbers()))
        {
            return Err(Error::domain(format!("{what}; leave out --strict to compute it all the same")));
        }
        let uncertainty = results.uncertainty.filter(|_| request.uncertainty);
        Ok(Evaluation { uncertainty, ..results })
    }

    fn fork(&self) -> Box<dyn Potential> {
        Box::new(Self { inner: self.inner.fork(), advise: self.advise, strict: self.strict })
    }

    fn follow(&mut self, on: bool) {
        self.inner.follow(on);
    }

    fn memory(&self) -> Vec<f64> {
        self.inner.memory()
    }

    fn recall(&mut self, memory: &[f64]) -> Result<()> {
        self.inner.recall(memory)
    }
}
