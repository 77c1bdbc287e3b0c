//! The ways in which geometries are made.

use std::ops::ControlFlow;

use oxidane_core::io::Value;
use oxidane_core::{Error, Potential, Result, System};
use oxidane_sim::md::{self, Ensemble, MdOptions, MdState, Random, standard_masses};
use oxidane_sim::sample::{Bonds, NormalModes, Statistics, clashes, displaced};

use crate::args::{DisplaceArgs, Draws, ModeStatistics, ModesArgs, SampleMdArgs, TorsionsArgs};

/// A geometry and what is said of it.
type Geometry = (System, Vec<(&'static str, Value)>);

/// What was made of one structure.
#[derive(Default)]
pub struct Drawn {
    /// The geometries.
    pub geometries: Vec<Geometry>,
    /// Those given up because atoms clash.
    pub clashes: usize,
}

/// A way of making geometries.
pub trait Kind: Sync {
    /// In the frames.
    fn name(&self) -> &'static str;
    /// What decides the geometries, as options in words.
    fn settings(&self) -> Vec<(&'static str, String)>;
    /// The geometries of a structure, which is the one at `place` of all. The potential is there if the kind needs one.
    fn draw(
        &self,
        potential: Option<&mut (dyn Potential + 'static)>,
        system: &System,
        place: u64,
    ) -> Result<Drawn>;
}

/// So many geometries may clash for each one that is kept.
const PATIENCE: usize = 20;

/// Draws until there are enough without clashes.
fn enough(count: u32, mut draw: impl FnMut() -> Geometry) -> Result<Drawn> {
    let mut drawn = Drawn::default();
    while drawn.geometries.len() < count as usize {
        let geometry = draw();
        if !clashes(&geometry.0)? {
            drawn.geometries.push(geometry);
            continue;
        }
        drawn.clashes += 1;
        if drawn.clashes > PATIENCE * (drawn.geometries.len() + 1) {
            return Err(Error::usage(
                "atoms clash in nearly all geometries: start from a better one, or give a smaller --sigma or --temp",
            ));
        }
    }
    Ok(drawn)
}

/// Settings of kinds that draw.
fn with_draws<const N: usize>(draws: Draws, own: [(&'static str, String); N]) -> Vec<(&'static str, String)> {
    let drawn = [("--count", draws.count.to_string()), ("--seed", draws.seed.to_string())];
    own.into_iter().chain(drawn).collect()
}

fn needed<'a>(potential: Option<&'a mut (dyn Potential + 'static)>) -> &'a mut dyn Potential {
    potential.expect("kinds that compute are given a potential")
}

fn integer(seed: u64) -> Value {
    i64::try_from(seed).map_or_else(|_| Value::text(seed.to_string()), Value::int)
}

/// Random displacements.
pub struct Displace {
    sigma: f64,
    draws: Draws,
}

impl Displace {
    pub fn new(args: &DisplaceArgs) -> Self {
        Self { sigma: args.sigma, draws: args.draws }
    }
}

impl Kind for Displace {
    fn name(&self) -> &'static str {
        "displacement"
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        with_draws(self.draws, [("sample", self.name().into()), ("--sigma", self.sigma.to_string())])
    }

    fn draw(&self, _: Option<&mut (dyn Potential + 'static)>, system: &System, place: u64) -> Result<Drawn> {
        let mut random = Random::stream(self.draws.seed, place);
        enough(self.draws.count, || {
            let facts = vec![("sigma", Value::real(self.sigma)), ("seed", integer(self.draws.seed))];
            (displaced(system, self.sigma, &mut random), facts)
        })
    }
}

/// Thermal vibrations in harmonic modes.
pub struct Modes {
    temperature: f64,
    statistics: Statistics,
    softest: f64,
    draws: Draws,
}

/// Step of the differences of forces that make a Hessian, angstrom: errors of the step, some (1 / angstrom x step)^2, and of
/// forces in single precision, 1e-5 eV/angstrom over the step, are both far below what anharmonicity does to the modes.
const STEP: f64 = 0.01;

impl Modes {
    pub fn new(args: &ModesArgs) -> Self {
        let statistics = match args.statistics {
            ModeStatistics::Classical => Statistics::Classical,
            ModeStatistics::Quantum => Statistics::Quantum,
        };
        let (temperature, softest) = (args.temp, args.softest);
        Self { temperature, statistics, softest, draws: args.draws }
    }
}

impl Kind for Modes {
    fn name(&self) -> &'static str {
        "modes"
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        let own = [
            ("sample", self.name().into()),
            ("--temp", self.temperature.to_string()),
            ("--statistics", format!("{:?}", self.statistics).to_lowercase()),
            ("--softest", self.softest.to_string()),
        ];
        with_draws(self.draws, own)
    }

    fn draw(
        &self,
        potential: Option<&mut (dyn Potential + 'static)>,
        system: &System,
        place: u64,
    ) -> Result<Drawn> {
        let modes = NormalModes::new(needed(potential), system, STEP)?;
        let mut random = Random::stream(self.draws.seed, place);
        enough(self.draws.count, || {
            let facts =
                vec![("temperature", Value::real(self.temperature)), ("seed", integer(self.draws.seed))];
            (modes.thermal(self.temperature, self.statistics, self.softest, &mut random), facts)
        })
    }
}

/// Short dynamics.
pub struct Dynamics {
    options: MdOptions,
    temperature: f64,
    friction: f64,
    /// Steps between geometries.
    every: u64,
    draws: Draws,
}

impl Dynamics {
    /// # Errors
    /// The time between geometries is no whole number of steps.
    pub fn new(args: &SampleMdArgs) -> Result<Self> {
        let steps = (args.every / args.dt).round();
        if !(1.0..1e9).contains(&steps) || (args.every / args.dt - steps).abs() > 1e-6 * steps {
            return Err(Error::usage(format!(
                "--every {}fs is no whole number of steps of {}fs; {}fs would be",
                args.every,
                args.dt,
                steps.max(1.0) * args.dt
            )));
        }
        let ensemble = Ensemble::Langevin { temperature: args.temp, friction: args.friction };
        let options = MdOptions { timestep: args.dt, ensemble, ..MdOptions::default() };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // within bounds, as checked
        let every = steps as u64;
        Ok(Self { options, temperature: args.temp, friction: args.friction, every, draws: args.draws })
    }
}

impl Kind for Dynamics {
    fn name(&self) -> &'static str {
        "dynamics"
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        let own = [
            ("sample", self.name().into()),
            ("--temp", self.temperature.to_string()),
            ("--friction", self.friction.to_string()),
            ("--dt", self.options.timestep.to_string()),
            ("--every", format!("{} steps", self.every)),
        ];
        with_draws(self.draws, own)
    }

    fn draw(
        &self,
        potential: Option<&mut (dyn Potential + 'static)>,
        system: &System,
        place: u64,
    ) -> Result<Drawn> {
        let masses = standard_masses(system);
        let mut state = MdState::new(system.clone(), masses, self.options.clone(), self.draws.seed)?;
        state.random = Random::stream(self.draws.seed, place);
        state.set_temperature(self.temperature)?;
        let mut run = md::Dynamics::new(needed(potential), state)?;
        let mut drawn = Drawn::default();
        for _ in 0..self.draws.count {
            let _ = run.run(self.every, &mut |_| ControlFlow::Continue(()))?;
            let frame = run.frame();
            let facts = vec![
                ("temperature", Value::real(self.temperature)),
                ("time", Value::real(frame.row.time)),
                ("seed", integer(self.draws.seed)),
            ];
            drawn.geometries.push((frame.state.system.clone(), facts));
        }
        Ok(drawn)
    }
}

/// Bonds turned once around, one at a time.
pub struct Torsions {
    bonds: Vec<[usize; 2]>,
    step: f64,
}

impl Torsions {
    pub fn new(args: &TorsionsArgs) -> Self {
        Self { bonds: args.bonds.clone(), step: args.step }
    }
}

impl Kind for Torsions {
    fn name(&self) -> &'static str {
        "torsion"
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        let bonds: Vec<_> = self.bonds.iter().map(|[a, b]| format!("{}-{}", a + 1, b + 1)).collect();
        let bonds = if bonds.is_empty() { "rotatable".into() } else { bonds.join(",") };
        vec![("sample", self.name().into()), ("--bonds", bonds), ("--step", self.step.to_string())]
    }

    /// The bonds must stay what they are: a geometry in which other atoms are bonded, or too close, is given up.
    fn draw(&self, _: Option<&mut (dyn Potential + 'static)>, system: &System, _: u64) -> Result<Drawn> {
        let bonds = Bonds::of(system)?;
        let turned = if self.bonds.is_empty() { bonds.rotatable(system) } else { self.bonds.clone() };
        let mut drawn = Drawn::default();
        for bond in turned {
            let angles = (1..).map(|k| f64::from(k) * self.step).take_while(|angle| *angle < 360.0 - 1e-9);
            for angle in angles {
                let geometry = bonds.turned(system, bond, angle)?;
                if clashes(&geometry)? || Bonds::of(&geometry)? != bonds {
                    drawn.clashes += 1;
                    continue;
                }
                let name = format!("{}-{}", bond[0] + 1, bond[1] + 1);
                drawn
                    .geometries
                    .push((geometry, vec![("bond", Value::text(name)), ("angle", Value::real(angle))]));
            }
        }
        Ok(drawn)
    }
}
