//! [`D3Potential`]: D3(BJ) as a potential, a term of sums.

use super::{D3, functionals};
use crate::elements::LAST;
use crate::geometry::{Derivatives, Geometry};
use oxidane_core::units::{BOHR, HARTREE};
use oxidane_core::{Error, Evaluation, Potential, Request, Result, SystemView};

/// D3(BJ) of a functional in eV and angstrom, for molecules and crystals that repeat in all three directions.
#[derive(Debug, Clone)]
pub struct D3Potential {
    name: String,
    d3: D3,
}

impl D3Potential {
    /// Of a functional by its name (see [`D3::of`]); called `d3-pbe` or, with the three-body term, `d3-pbe-atm`.
    pub fn new(functional: &str, three_body: bool) -> Result<Self> {
        let (canonical, _) = functionals::find(functional)?;
        let name = format!("d3-{canonical}{}", if three_body { "-atm" } else { "" });
        Ok(Self { name, d3: D3::of(functional, three_body)? })
    }

    /// The same, on the threads of the rayon pool if `parallel`.
    #[must_use]
    pub fn with_parallel(mut self, parallel: bool) -> Self {
        self.d3.parallel = parallel;
        self
    }
}

impl Potential for D3Potential {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Request {
        Request::STRESS
    }

    fn check(&self, system: &dyn SystemView) -> Result<()> {
        if let Some((i, n)) = system.numbers().iter().enumerate().find(|(_, n)| !(1..=LAST).contains(*n)) {
            return Err(Error::domain(format!(
                "atom {}: {} has no data of element {n}; it knows the elements 1 to {LAST}",
                i + 1,
                self.name
            )));
        }
        if system.owned() != system.numbers().len() {
            return Err(Error::domain(format!("{} cannot take ghost atoms", self.name)));
        }
        let partly = |p: [bool; 3]| p.contains(&true) && p.contains(&false);
        if system.cell().is_some_and(|cell| partly(cell.periodic)) {
            return Err(Error::domain(format!(
                "{} knows molecules and cells that repeat in all three directions; set pbc to TTT or FFF",
                self.name
            )));
        }
        Ok(())
    }

    fn evaluate(&mut self, system: &dyn SystemView, request: Request) -> Result<Evaluation> {
        request.within(self.capabilities(), &self.name)?;
        self.check(system)?;
        if request == Request::default() {
            return Ok(Evaluation::default());
        }
        let scaled = |v: &[f64; 3]| v.map(|x| x / BOHR);
        let positions: Vec<_> = system.positions().iter().map(scaled).collect();
        let cell = system.cell().filter(|cell| cell.periodic == [true; 3]);
        let lattice = cell.map(|cell| cell.vectors.map(|v| scaled(&v)));
        let geometry = Geometry { numbers: system.numbers(), positions: &positions, lattice };
        let wanted = request.forces || request.virial;
        let mut derivatives = wanted.then(|| Derivatives::zero(positions.len()));
        let energy = self.d3.evaluate(&geometry, derivatives.as_mut())?;
        let forces = |d: &Derivatives| d.gradient.iter().map(|g| g.map(|x| -x * HARTREE / BOHR)).collect();
        let virial = |d: &Derivatives| d.strain.map(|row| row.map(|x| -x * HARTREE));
        let derivatives = derivatives.as_ref();
        Ok(Evaluation {
            energy: request.energy.then_some(energy * HARTREE),
            forces: derivatives.filter(|_| request.forces).map(forces),
            virial: derivatives.filter(|_| request.virial).map(virial),
            ..Evaluation::default()
        })
    }

    fn fork(&self) -> Box<dyn Potential> {
        Box::new(self.clone())
    }
}
