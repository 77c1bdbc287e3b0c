//! Self-consistency: orbitals whose charges and moments give the potential that they are orbitals of.

mod interactions;
mod memory;
mod mixer;
mod moments;
mod occupation;
mod orbitals;

use oxidane_core::{Error, Result};

use crate::basis::Basis;
use crate::hamiltonian::Hamiltonian;

pub use interactions::{Interactions, coordination};
pub use memory::Memory;
pub use moments::Moments;
pub use occupation::{BOLTZMANN, Occupation, occupy};
pub use orbitals::{Orbitals, symmetric};

use mixer::{Broyden, Mixing, Step};
use orbitals::{Blocks, OrbitalSolver, weighted_density};

/// Root mean square of the change of charges and moments (atomic units) at which they count as self-consistent. The
/// energy is then right to about its square, the gradient in proportion.
const TOLERANCE: f64 = 5e-8;

/// Orbitals are rotated instead of solved for where the gap is at least this many times the thermal energy, so that
/// occupation numbers are whole to 1e-17...
const WHOLE_GAP: f64 = 40.0;
/// ... and at least this wide in hartree, so that perturbation theory is trusted.
const LEAST_GAP: f64 = 0.05;
/// The largest angle by which a rotation is still taken as good as a full solution.
const LARGEST_ANGLE: f64 = 0.3;
/// Levels of empty orbitals are kept up to date while the residual is above this.
const REFRESH_ERROR: f64 = 3e-3;
/// A rotation is repeated until its angle is below this share of the residual.
const ANGLE_SHARE: f64 = 0.3;

/// How many electrons of each spin there are, and how hot they are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Electrons {
    /// Of the more frequent spin.
    pub alpha: f64,
    /// Of the other.
    pub beta: f64,
    /// Electronic temperature in K.
    pub temperature: f64,
}

/// A self-consistent state.
#[derive(Debug, Clone)]
pub struct State {
    /// Electronic energy with all charge-dependent terms and -TS, in hartree.
    pub energy: f64,
    /// Charges and moments of the orbitals.
    pub moments: Moments,
    /// Derivatives of the energy by them.
    pub potential: Moments,
    /// The orbitals, or, if there are `blocks`, orbitals that span the occupied and the empty ones.
    orbitals: Orbitals,
    blocks: Option<Blocks>,
    /// Their occupation.
    pub occupation: Occupation,
    /// The density matrix, row-major.
    pub density: Vec<f64>,
    /// Iterations it took, all attempts together.
    pub iterations: usize,
    /// The steps of the mixer that led here.
    steps: Vec<Step>,
}

/// One way to iterate.
struct Attempt {
    mixing: Mixing,
    iterations: usize,
    /// Electronic temperatures in K that are gone through before the one asked for.
    hotter: &'static [f64],
    /// Iterations after which orbitals may be rotated instead of solved for.
    full: usize,
}

/// From the memory of a similar geometry: the orbitals of the first iteration are good, and the steps that led to them
/// still are.
const CONTINUATION: Attempt =
    Attempt { mixing: Mixing { damping: 0.5, history: 60 }, iterations: 40, hotter: &[], full: 1 };

/// What is tried in turn: the usual, then more damping, then hot electrons that cool down.
const ATTEMPTS: [Attempt; 4] = [
    Attempt { mixing: Mixing { damping: 0.4, history: 250 }, iterations: 250, hotter: &[], full: 2 },
    Attempt { mixing: Mixing { damping: 0.15, history: 12 }, iterations: 150, hotter: &[], full: usize::MAX },
    Attempt {
        mixing: Mixing { damping: 0.2, history: 10 },
        iterations: 150,
        hotter: &[5000.0, 2500.0, 1200.0, 600.0],
        full: usize::MAX,
    },
    Attempt {
        mixing: Mixing { damping: 0.03, history: 4 },
        iterations: 600,
        hotter: &[10000.0, 4000.0, 1500.0],
        full: usize::MAX,
    },
];

/// Iterates one structure to self-consistency.
pub struct SelfConsistency<'a> {
    basis: &'a Basis,
    hamiltonian: &'a Hamiltonian,
    interactions: &'a mut Interactions,
    electrons: Electrons,
    solver: OrbitalSolver,
    fock: Vec<f64>,
    density: Vec<f64>,
    potential: Moments,
    output: Moments,
    iterations: usize,
}

impl<'a> SelfConsistency<'a> {
    /// Prepares the iteration. Refuses overlaps that are not positive definite.
    pub fn new(
        basis: &'a Basis,
        hamiltonian: &'a Hamiltonian,
        interactions: &'a mut Interactions,
        electrons: Electrons,
    ) -> Result<Self> {
        let n = basis.orbitals;
        Ok(Self {
            basis,
            hamiltonian,
            interactions,
            electrons,
            solver: OrbitalSolver::new(&hamiltonian.overlap, n)?,
            fock: vec![0.0; n * n],
            density: vec![0.0; n * n],
            potential: Moments::zero(basis),
            output: Moments::zero(basis),
            iterations: 0,
        })
    }

    /// The self-consistent state: near what `memory` expects at `positions` (bohr), else reached from the charge spread
    /// over the atoms. An error says that nothing converged: an energy that is not self-consistent is never returned.
    pub fn run(mut self, memory: Option<&Memory>, positions: &[[f64; 3]]) -> Result<State> {
        if let Some(memory) = memory
            && let Some(state) = self.attempt(&CONTINUATION, memory.expected(positions), &memory.steps)?
        {
            return Ok(state);
        }
        let Electrons { alpha, beta, .. } = self.electrons;
        let start = Moments::start(self.basis, self.basis.valence_electrons() - alpha - beta);
        for attempt in &ATTEMPTS {
            if let Some(state) = self.attempt(attempt, start.clone(), &[])? {
                return Ok(state);
            }
        }
        Err(Error::not_converged(format!(
            "GFN2-xTB: charges did not become self-consistent in {} iterations, with more damping and hotter electrons tried; check \
             geometry, charge and number of unpaired electrons, or raise the electronic temperature",
            self.iterations
        )))
    }

    /// One way from `moments`, through hotter electrons if it wants them. `None`: it did not converge.
    fn attempt(&mut self, attempt: &Attempt, mut moments: Moments, steps: &[Step]) -> Result<Option<State>> {
        let last = self.electrons.temperature;
        for &temperature in attempt.hotter.iter().filter(|t| **t > last) {
            if self.iterate(attempt, temperature, &mut moments, &[])?.is_none() {
                return Ok(None);
            }
        }
        let reached = self.iterate(attempt, last, &mut moments, steps)?;
        Ok(reached.map(|reached| self.finish(reached)))
    }

    /// Iterates at one temperature. `None`: it did not converge. `moments` are left at the last input.
    fn iterate(
        &mut self,
        attempt: &Attempt,
        temperature: f64,
        moments: &mut Moments,
        steps: &[Step],
    ) -> Result<Option<Reached>> {
        let electrons = Electrons { temperature, ..self.electrons };
        let mut mixer = Broyden::new(attempt.mixing, steps);
        let (mut input, mut residual) = (Vec::new(), Vec::new());
        let mut orbitals: Option<Orbitals> = None;
        let mut error = f64::INFINITY;
        for iteration in 0..attempt.iterations {
            self.iterations += 1;
            self.interactions.potential(self.basis, moments, &mut self.potential);
            self.build_fock();
            let whole = if iteration >= attempt.full { self.whole_pairs(electrons) } else { None };
            let (current, occupation, rotated) = self.orbitals(orbitals.take(), whole, electrons, error)?;
            weighted_density(&current, &occupation.numbers, &mut self.density);
            self.take_moments();
            moments.write_invariant(&mut input);
            self.output.write_invariant(&mut residual);
            residual.iter_mut().zip(&input).for_each(|(out, x)| *out -= x);
            error = (residual.iter().map(|r| r * r).sum::<f64>() / residual.len() as f64).sqrt();
            if !error.is_finite() {
                let lost = || {
                    Error::not_converged(
                        "GFN2-xTB: the interactions are not finite numbers; mend the geometry",
                    )
                };
                return if iteration == 0 { Err(lost()) } else { Ok(None) };
            }
            if error < TOLERANCE {
                let blocks = rotated.map(|pairs| self.settle(&current, pairs, temperature));
                if blocks.as_ref().is_none_or(Option::is_some) {
                    let (blocks, steps) = (blocks.flatten(), mixer.into_steps());
                    return Ok(Some(Reached { orbitals: current, occupation, blocks, steps }));
                }
                orbitals = None; // the levels crossed: on from full solutions
                continue;
            }
            mixer.next(&mut input, &residual);
            moments.read_invariant(&input);
            orbitals = Some(current);
        }
        Ok(None)
    }

    /// The number of doubly occupied orbitals of a closed shell.
    fn whole_pairs(&self, electrons: Electrons) -> Option<usize> {
        let pairs = electrons.alpha;
        let inside = pairs > 0.0 && (pairs as usize) < self.basis.orbitals;
        (electrons.beta == pairs && pairs.fract() == 0.0 && inside).then_some(pairs as usize)
    }

    /// Orbitals of the present Fock matrix with their occupation: by rotation of `previous` where `pairs` are given and
    /// the gap allows, else by a full solution. The last result says how many are occupied if they were rotated.
    fn orbitals(
        &mut self,
        previous: Option<Orbitals>,
        pairs: Option<usize>,
        electrons: Electrons,
        error: f64,
    ) -> Result<(Orbitals, Occupation, Option<usize>)> {
        if let (Some(mut orbitals), Some(pairs)) = (previous, pairs)
            && self.rotate(&mut orbitals, pairs, electrons.temperature, error)
        {
            let numbers = (0..self.basis.orbitals).map(|i| if i < pairs { 2.0 } else { 0.0 }).collect();
            return Ok((orbitals, Occupation { numbers, entropy_energy: 0.0 }, Some(pairs)));
        }
        let orbitals = self.solver.solve(&self.fock)?;
        let occupation = occupy(&orbitals.levels, electrons.alpha, electrons.beta, electrons.temperature);
        Ok((orbitals, occupation, None))
    }

    /// Rotates until the angles are small beside the residual of the moments. False: a full solution is needed.
    fn rotate(&mut self, orbitals: &mut Orbitals, pairs: usize, temperature: f64, error: f64) -> bool {
        let gap = LEAST_GAP.max(WHOLE_GAP * BOLTZMANN * temperature);
        let refresh = error > REFRESH_ERROR;
        for _ in 0..3 {
            match self.solver.rotate(&self.fock, orbitals, pairs, gap, refresh) {
                None => return false,
                Some(angle) if angle > LARGEST_ANGLE => return false,
                Some(angle) if angle * angle < ANGLE_SHARE * error => return true,
                Some(_) => {}
            }
        }
        false
    }

    /// The blocks of rotated orbitals at convergence. `None` where they turn out not to be the lowest ones.
    fn settle(&self, orbitals: &Orbitals, pairs: usize, temperature: f64) -> Option<Blocks> {
        let blocks = Blocks::new(&self.fock, orbitals, pairs);
        blocks.are_apart(WHOLE_GAP * BOLTZMANN * temperature).then_some(blocks)
    }

    fn build_fock(&mut self) {
        let v = &self.potential;
        self.hamiltonian.fock(self.basis, &v.shells, &v.dipoles, &v.quadrupoles, &mut self.fock);
    }

    /// The charges and moments of the present density.
    fn take_moments(&mut self) {
        let out = &mut self.output;
        self.hamiltonian.populations(
            self.basis,
            &self.density,
            &mut out.shells,
            &mut out.dipoles,
            &mut out.quadrupoles,
        );
        for (charge, shell) in out.shells.iter_mut().zip(&self.basis.shells) {
            *charge = shell.parameters.occupation - *charge;
        }
    }

    /// The state of the present density: energy and potential at its own moments.
    fn finish(&mut self, reached: Reached) -> State {
        let Reached { orbitals, occupation, blocks, steps } = reached;
        let interaction = self.interactions.potential(self.basis, &self.output, &mut self.potential);
        let core: f64 = self.density.iter().zip(&self.hamiltonian.core).map(|(p, h)| p * h).sum();
        State {
            energy: core + interaction + occupation.entropy_energy,
            moments: std::mem::take(&mut self.output),
            potential: std::mem::take(&mut self.potential),
            orbitals,
            blocks,
            occupation,
            density: std::mem::take(&mut self.density),
            iterations: self.iterations,
            steps,
        }
    }
}

/// Where an iteration ended.
struct Reached {
    orbitals: Orbitals,
    occupation: Occupation,
    /// Of rotated orbitals.
    blocks: Option<Blocks>,
    steps: Vec<Step>,
}

impl State {
    /// What the next calculation of a geometry similar to this one, `positions` in bohr, may start from; `before` this
    /// one.
    pub fn memory(&self, before: Option<&Memory>, positions: &[[f64; 3]]) -> Memory {
        Memory::new(before, positions, &self.moments, &self.steps)
    }

    /// The energies of all orbitals in hartree, ascending.
    pub fn levels(&self) -> Result<Vec<f64>> {
        self.blocks.as_ref().map_or_else(|| Ok(self.orbitals.levels.clone()), Blocks::levels)
    }

    /// The energy-weighted density matrix, sum of f e c c^T, row-major.
    pub fn energy_weighted_density(&self) -> Vec<f64> {
        let mut out = vec![0.0; self.density.len()];
        if let Some(blocks) = &self.blocks {
            blocks.weighted_density(&self.orbitals, &mut out);
        } else {
            let of = |(f, e): (&f64, &f64)| f * e;
            let weights: Vec<f64> =
                self.occupation.numbers.iter().zip(&self.orbitals.levels).map(of).collect();
            weighted_density(&self.orbitals, &weights, &mut out);
        }
        out
    }

    /// The density of alpha less that of beta electrons, row-major. Of fully solved orbitals: those of closed shells
    /// alone are not.
    pub fn spin_density(&self, electrons: Electrons) -> Vec<f64> {
        let Electrons { alpha, beta, temperature } = electrons;
        let of = |count| occupy(&self.orbitals.levels, count, 0.0, temperature).numbers;
        let excess: Vec<_> = of(alpha).iter().zip(of(beta)).map(|(a, b)| a - b).collect();
        let mut density = vec![0.0; self.density.len()];
        weighted_density(&self.orbitals, &excess, &mut density);
        density
    }
}
