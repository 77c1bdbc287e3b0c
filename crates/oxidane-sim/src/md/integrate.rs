//! The integrators: velocity Verlet and BAOAB, one step function for both.

use std::ops::ControlFlow;

use oxidane_core::units::{AMU_ANGSTROM2_PER_FS2, BOLTZMANN};
use oxidane_core::{Error, Evaluation, Potential, Request, Result};

use super::options::Ensemble;
use super::state::MdState;
use crate::observables::{center_of_mass, kinetic_energy, temperature};
use crate::selection::moving;
use crate::vector::{norm3, sub3};

/// Energies at one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MdRow {
    /// Steps taken.
    pub step: u64,
    /// Time in fs.
    pub time: f64,
    /// Potential energy in eV.
    pub potential_energy: f64,
    /// Kinetic energy in eV.
    pub kinetic_energy: f64,
    /// Potential plus kinetic energy in eV.
    pub total_energy: f64,
    /// Instantaneous temperature in K.
    pub temperature: f64,
    /// What the exact dynamics would keep constant, in eV: the total energy less the heat taken from the thermostat. Its
    /// drift measures the error of the time step.
    pub conserved: f64,
}

/// What an observer sees after a step.
#[derive(Debug, Clone, Copy)]
pub struct MdFrame<'a> {
    /// Energies.
    pub row: MdRow,
    /// Positions, velocities and all else that a restart needs.
    pub state: &'a MdState,
    /// The potential's results at these positions; energy and forces are always present.
    pub evaluation: &'a Evaluation,
}

/// A dynamics run in progress.
pub struct Dynamics<'p> {
    potential: &'p mut dyn Potential,
    state: MdState,
    request: Request,
    evaluation: Evaluation,
    energy: f64,
    moves: Vec<bool>,
    noise: Vec<f64>,
}

impl std::fmt::Debug for Dynamics<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dynamics")
            .field("potential", &self.potential.name())
            .field("state", &self.state)
            .finish()
    }
}

/// Largest difference (eV per atom) between the energy in a restart file and that of the potential which continues the
/// run: far above rounding, far below the difference between two models.
const RESUME_TOLERANCE: f64 = 1e-4;

impl<'p> Dynamics<'p> {
    /// Starts or continues a run: checks the system and computes the forces at its positions, once.
    ///
    /// An exact continuation needs a potential whose results depend on the positions and its memory alone (to the bit), as
    /// [`Potential`] demands; neighbour lists with a skin must not change the order of sums.
    pub fn new(potential: &'p mut dyn Potential, state: MdState) -> Result<Self> {
        Self::with_request(potential, state, Request::FORCES)
    }

    /// As [`Dynamics::new`], asking the potential at every step for more than energy and forces, e.g. dipoles.
    pub fn with_request(potential: &'p mut dyn Potential, state: MdState, request: Request) -> Result<Self> {
        state.validate()?;
        potential.check(&state.system)?;
        let moves = moving(state.system.len(), &state.options.fixed)?;
        let noise = vec![0.0; 3 * moves.iter().filter(|&&m| m).count()];
        let request = Request { energy: true, forces: true, ..request };
        request.within(potential.capabilities(), potential.name())?;
        let evaluation = Evaluation::default();
        potential.follow(true);
        potential.recall(&state.memory)?;
        let mut run = Self { potential, state, request, evaluation, energy: 0.0, moves, noise };
        run.evaluate()?;
        let energy = run.energy;
        if let Some(before) = run.state.potential_energy
            && (energy - before).abs() > RESUME_TOLERANCE * run.moves.len() as f64
        {
            return Err(Error::usage(format!(
                "the restart was written at a potential energy of {before:.6} eV but {} gives {energy:.6} eV there; \
                 continue with the same model and settings, or start a new run from this structure",
                run.potential.name()
            )));
        }
        run.state.potential_energy = Some(energy);
        Ok(run)
    }

    /// The present state, as a restart needs it.
    pub fn state(&self) -> &MdState {
        &self.state
    }

    /// The program's own record in the state, e.g. lengths of output files, to set before saving.
    pub fn notes(&mut self) -> &mut std::collections::BTreeMap<String, String> {
        &mut self.state.notes
    }

    /// Ends the run and hands back its state.
    pub fn into_state(self) -> MdState {
        self.state
    }

    /// The present frame.
    pub fn frame(&self) -> MdFrame<'_> {
        let kinetic = kinetic_energy(&self.state.masses, &self.state.velocities);
        let total = self.energy + kinetic;
        let row = MdRow {
            step: self.state.step,
            time: self.state.step as f64 * self.state.options.timestep,
            potential_energy: self.energy,
            kinetic_energy: kinetic,
            total_energy: total,
            temperature: temperature(kinetic, self.state.degrees_of_freedom()),
            conserved: total - self.state.heat,
        };
        MdFrame { row, state: &self.state, evaluation: &self.evaluation }
    }

    /// Takes `steps` steps, showing the observer each; stops early if it breaks. `Break` says that it did.
    pub fn run(
        &mut self,
        steps: u64,
        observer: &mut dyn FnMut(&MdFrame<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>> {
        for _ in 0..steps {
            self.step()?;
            if observer(&self.frame()).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// One step: half a kick, half a drift, the thermostat if there is one, half a drift, forces, half a kick.
    /// Without a thermostat the drift is one, and this is velocity Verlet.
    pub fn step(&mut self) -> Result<()> {
        let dt = self.state.options.timestep;
        self.state.step += 1;
        self.kick(0.5 * dt);
        match self.state.options.ensemble {
            Ensemble::Nve => self.drift(dt)?,
            Ensemble::Langevin { temperature, friction } => {
                self.drift(0.5 * dt)?;
                self.thermalise(temperature, friction * 1e-3); // 1/ps to 1/fs
                self.drift(0.5 * dt)?;
            }
        }
        self.evaluate()?;
        self.state.potential_energy = Some(self.energy);
        self.kick(0.5 * dt);
        Ok(())
    }

    /// v += F t / m.
    fn kick(&mut self, time: f64) {
        let Some(forces) = &self.evaluation.forces else { return };
        for (i, f) in forces.iter().enumerate().filter(|(i, _)| self.moves[*i]) {
            let scale = time / (self.state.masses[i] * AMU_ANGSTROM2_PER_FS2);
            (0..3).for_each(|k| self.state.velocities[i][k] += scale * f[k]);
        }
    }

    /// x += v t, refused if an atom flies off.
    fn drift(&mut self, time: f64) -> Result<()> {
        let farthest = self.state.options.max_displacement;
        for (i, v) in self.state.velocities.iter().enumerate() {
            let length = norm3(v) * time;
            if length > farthest || length.is_nan() {
                return Err(runaway(
                    self.state.step,
                    &format!("atom {} moves {length:.3} angstrom in one step (limit {farthest})", i + 1),
                ));
            }
            (0..3).for_each(|k| self.state.system.positions[i][k] += time * v[k]);
        }
        Ok(())
    }

    /// The exact Ornstein-Uhlenbeck step: v = c v + sqrt((1 - c^2) kT/m) xi with c = exp(-friction t), without net
    /// momentum if the centre of mass is to rest. `rate` in 1/fs.
    fn thermalise(&mut self, temperature: f64, rate: f64) {
        let state = &mut self.state;
        let before = kinetic_energy(&state.masses, &state.velocities);
        let keep = (-rate * state.options.timestep).exp();
        let width = ((1.0 - keep * keep) * BOLTZMANN * temperature / AMU_ANGSTROM2_PER_FS2).sqrt();
        state.random.fill_normal(&mut self.noise);
        let moving = self.moves.iter().enumerate().filter(|(_, m)| **m).map(|(i, _)| i);
        for (i, xi) in moving.zip(self.noise.chunks_exact(3)) {
            let own = width / state.masses[i].sqrt();
            (0..3).for_each(|k| state.velocities[i][k] = keep * state.velocities[i][k] + own * xi[k]);
        }
        if state.center_rests() {
            let drift = center_of_mass(&state.masses, &state.velocities);
            state.velocities.iter_mut().for_each(|v| *v = sub3(v, &drift));
        }
        state.heat += kinetic_energy(&state.masses, &state.velocities) - before;
    }

    /// Energy and forces at the present positions, refused if they are not finite.
    fn evaluate(&mut self) -> Result<()> {
        let step = self.state.step;
        self.state.memory = self.potential.memory(); // a continued run computes these forces again
        let result = self.potential.evaluate(&self.state.system, self.request).map_err(|mut e| {
            e.message = format!("dynamics stopped at step {step}: {}", e.message);
            e
        })?;
        let missing = |what: &str| Error::model(format!("{} gave no {what}", self.potential.name()));
        let energy = result.energy.ok_or_else(|| missing("energy"))?;
        if !energy.is_finite() {
            return Err(runaway(step, &format!("the energy is {energy}")));
        }
        match &result.forces {
            Some(f) if f.len() == self.state.system.len() => {
                if let Some(i) = f.iter().position(|f| !f.iter().all(|x| x.is_finite())) {
                    return Err(runaway(step, &format!("the force on atom {} is not finite", i + 1)));
                }
            }
            _ => return Err(missing("forces for these atoms")),
        }
        (self.evaluation, self.energy) = (result, energy);
        Ok(())
    }
}

/// The error of a run that left all sense.
fn runaway(step: u64, reason: &str) -> Error {
    Error::not_converged(format!(
        "dynamics ran away at step {step}: {reason}; use a shorter time step, a lower temperature or a relaxed structure"
    ))
}
