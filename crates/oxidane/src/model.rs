//! The model a user asks for, ready to compute.

use oxidane_core::{Error, Potential, Request, Result};

use crate::args::ComputeArgs;

/// A model and the potentials made from it.
pub struct Loaded {
    potential: Box<dyn Potential>,
}

impl Loaded {
    /// Loads the model that the options name.
    ///
    /// # Errors
    /// If it cannot be read or used.
    pub fn new(_args: &ComputeArgs) -> Result<Self> {
        Err(Error::model("no model is inside this build of the program"))
    }

    /// The potential for work on one structure, spread over all threads.
    pub fn whole(&self) -> Result<Box<dyn Potential>> {
        Ok(self.potential.fork())
    }

    /// Potentials for work on several structures at once, one per thread.
    pub fn workers(&self, count: usize) -> Result<Vec<Box<dyn Potential>>> {
        Ok((0..count).map(|_| self.potential.fork()).collect())
    }

    /// Model and precision, beyond doubt: what a restart must agree with.
    pub fn identity(&self) -> String {
        self.potential.name().to_owned()
    }

    /// One line for the head of tables.
    pub fn title(&self) -> String {
        self.potential.name().to_owned()
    }

    /// What it gives.
    pub fn capabilities(&self) -> Request {
        self.potential.capabilities()
    }
}
