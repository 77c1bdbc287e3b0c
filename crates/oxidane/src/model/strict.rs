//! What is done about structures unlike any that a model was trained on.

use oxidane_core::{
    Error, Evaluation, Potential, Request, Result, System, SystemView, Uncertainty, elements,
};

use crate::output::Voice;

/// The strangest atom, if it is stranger than any that was trained on: its place and how many times as strange.
fn strangest(uncertainty: &Uncertainty) -> Option<(usize, f64)> {
    let atoms = uncertainty.strangeness.iter().copied().enumerate();
    atoms.max_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, times)| *times > 1.0)
}

fn describe(atom: usize, number: u8, times: f64) -> String {
    format!(
        "atom {} ({}) has surroundings {times:.1} times as strange as the strangest that the model was trained on",
        atom + 1,
        elements::symbol(number)
    )
}

/// A potential that refuses structures unlike any that it was trained on.
pub struct Strict(Box<dyn Potential>);

impl Strict {
    /// Wraps a potential that knows its uncertainty.
    ///
    /// # Errors
    /// It does not.
    pub fn boxed(potential: Box<dyn Potential>) -> Result<Box<dyn Potential>> {
        if !potential.capabilities().uncertainty {
            return Err(Error::usage(format!(
                "--strict has no effect on {}, which has no uncertainty; leave it out",
                potential.name()
            )));
        }
        Ok(Box::new(Self(potential)))
    }
}

impl Potential for Strict {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn capabilities(&self) -> Request {
        self.0.capabilities()
    }

    fn check(&self, system: &dyn SystemView) -> Result<()> {
        self.0.check(system)
    }

    fn evaluate(&mut self, system: &dyn SystemView, request: Request) -> Result<Evaluation> {
        let results = self.0.evaluate(system, Request { uncertainty: true, ..request })?;
        if let Some((atom, times)) = results.uncertainty.as_ref().and_then(strangest) {
            let what = describe(atom, system.numbers()[atom], times);
            return Err(Error::domain(format!("{what}; leave out --strict to compute it all the same")));
        }
        let uncertainty = results.uncertainty.filter(|_| request.uncertainty);
        Ok(Evaluation { uncertainty, ..results })
    }

    fn fork(&self) -> Box<dyn Potential> {
        Box::new(Self(self.0.fork()))
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

/// Tells the user of structures unlike any trained on: the first in words, the others as a number.
pub struct Strangers {
    voice: Voice,
    count: usize,
}

impl Strangers {
    /// None so far.
    pub fn new(voice: Voice) -> Self {
        Self { voice, count: 0 }
    }

    /// Looks at a structure of this name.
    pub fn see(&mut self, name: &str, system: &System, results: &Evaluation) {
        let Some((atom, times)) = results.uncertainty.as_ref().and_then(strangest) else { return };
        self.count += 1;
        if self.count == 1 {
            let what = describe(atom, system.numbers[atom], times);
            self.voice.note(&format!("{name}: {what}: the energy and its uncertainty are extrapolations"));
        }
    }

    /// To be called after the last structure.
    pub fn finish(self) {
        if self.count > 1 {
            self.voice.note(&format!("{} structures in all have such surroundings", self.count));
        }
    }
}
