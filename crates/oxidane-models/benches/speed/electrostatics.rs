//! The electrostatics of one step of MPNICE, without the network: what each step of a crystal spends on it.

use crate::structures::Moving;
use oxidane_core::{Error, Result, System, elements};
use oxidane_physics::coulomb::{Cache, Coulomb, Form, Method, Sites, lattice_vectors};

/// Methods that are compared.
pub const METHODS: [(Method, &str); 3] =
    [(Method::Auto, "auto"), (Method::Ewald, "ewald"), (Method::Mesh, "mesh")];

/// How far atoms move before neighbours are searched again, as networks have it.
const SKIN: f64 = 1.0;

/// Charges that move.
pub struct Step {
    moving: Moving,
    widths: Vec<f64>,
    /// A vector for each block of the network, and adjoints for each but the last.
    charges: Vec<Vec<f64>>,
    coulomb: Coulomb,
    cache: Cache,
}

impl Step {
    /// Of a network of so many `blocks`.
    pub fn new(system: &System, coulomb: Coulomb, blocks: usize) -> Self {
        let n = system.len();
        let charge = |i: usize, t: usize| (1.7 * i as f64 + 0.3 * t as f64).sin();
        Self {
            moving: Moving::new(system),
            widths: system.numbers.iter().map(|&z| elements::covalent_radius(z)).collect(),
            charges: (0..2 * blocks - 1).map(|t| (0..n).map(|i| charge(i, t)).collect()).collect(),
            coulomb,
            cache: Cache::new(SKIN),
        }
    }

    /// All potentials of energy and forces, forward and in reverse, and the derivatives.
    pub fn run(&mut self) -> Result<()> {
        let system = self.moving.step();
        let lattice = lattice_vectors(system.cell.as_ref())?;
        let sites = Sites { positions: &system.positions, widths: &self.widths, lattice };
        let interactions = self.coulomb.prepare_with(&sites, &mut self.cache)?;
        for charges in &self.charges {
            std::hint::black_box(interactions.potential(charges));
        }
        let (charges, adjoints) = self.charges.split_at(self.charges.len() / 2 + 1);
        let (last, others) = charges.split_last().ok_or_else(|| Error::usage("a network without blocks"))?;
        let mut forms = vec![Form::Energy { charges: last, seed: 1.0 }];
        forms.extend(
            others.iter().zip(adjoints).map(|(charges, adjoint)| Form::Potential { charges, adjoint }),
        );
        std::hint::black_box(interactions.gradients(&forms, false));
        Ok(())
    }
}
