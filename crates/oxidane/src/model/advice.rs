//! What to do about a structure that a trained model does not cover.

use oxidane_core::{Error, ErrorKind, Evaluation, Potential, Request, Result, SystemView};
use oxidane_xtb::{Gfn2, Gfn2Options};

use super::GFN2;

/// A trained model whose refusals name GFN2-xTB where that method covers the structure.
pub struct Advised(Box<dyn Potential>);

impl Advised {
    /// Wraps a potential.
    pub fn boxed(potential: Box<dyn Potential>) -> Box<dyn Potential> {
        Box::new(Self(potential))
    }

    fn advise(system: &dyn SystemView, mut error: Error) -> Error {
        let covered = || {
            Gfn2::new(Gfn2Options { allow_close: true, ..Gfn2Options::default() })
                .is_ok_and(|g| g.check(system).is_ok())
        };
        if error.kind == ErrorKind::Domain && covered() {
            let fault = error.message.trim_end_matches("; choose another model with --model");
            error.message = format!("{fault}; --model {GFN2} covers this structure");
        }
        error
    }
}

impl Potential for Advised {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn capabilities(&self) -> Request {
        self.0.capabilities()
    }

    fn check(&self, system: &dyn SystemView) -> Result<()> {
        self.0.check(system).map_err(|e| Self::advise(system, e))
    }

    fn evaluate(&mut self, system: &dyn SystemView, request: Request) -> Result<Evaluation> {
        self.0.evaluate(system, request).map_err(|e| Self::advise(system, e))
    }

    fn fork(&self) -> Box<dyn Potential> {
        Self::boxed(self.0.fork())
    }

    fn follow(&mut self, on: bool) {
        self.0.follow(on);
    }

    fn memory(&self) -> Vec<f64> {
        self.0.memory()
    }

    fn recall(&mut self, memory: &[f64]) -> Result<()> {
        self.0.recall(memory)
    }
}
