//! D3(BJ) taken off the labels of a head whose model has it as a term: the network learns what is left.

use super::Labelled;
use oxidane_core::{Potential, Request, Result};
use oxidane_physics::D3Potential;

/// D3(BJ) of a functional, to be taken off labels.
#[derive(Debug, Clone)]
pub struct Correction(D3Potential);

impl Correction {
    /// Of a functional, with or without the three-body term.
    ///
    /// # Errors
    /// The functional has no published parameters.
    pub fn new(functional: &str, three_body: bool) -> Result<Self> {
        D3Potential::new(functional, three_body).map(Self)
    }

    /// Takes the dispersion off energy, forces and virial, those that the structure has.
    ///
    /// # Errors
    /// The structure has elements without parameters, or repeats in one or two directions.
    pub fn subtract(&mut self, frame: &mut Labelled) -> Result<()> {
        let request = Request {
            energy: frame.energy.is_some(),
            forces: frame.forces.is_some(),
            virial: frame.virial.is_some(),
            ..Request::default()
        };
        if request == Request::default() {
            return Ok(());
        }
        let dispersion = self.0.evaluate(&frame.system, request)?;
        frame.take_off(&dispersion);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oxidane_core::{Cell, System};

    /// Labels minus the dispersion, for what there is: exactly the potential's numbers, as it is the same sum.
    #[test]
    fn what_is_left_and_the_dispersion_are_the_label() {
        let mut system = System::molecule(vec![18, 18], vec![[0.0; 3], [3.7, 0.1, 0.0]]);
        system.cell = Some(Cell::new([[9.0, 0.0, 0.0], [0.0, 9.5, 0.0], [0.5, 0.0, 9.0]]));
        let mut frame = Labelled {
            energy: Some(-1.0),
            forces: Some(vec![[0.1, 0.2, 0.3], [-0.1, -0.2, -0.3]]),
            virial: Some([[1.0; 3]; 3]),
            ..Labelled::new(system.clone())
        };
        let d3 = D3Potential::new("pbe", true).unwrap().evaluate(&system, Request::STRESS).unwrap();
        Correction::new("PBE", true).unwrap().subtract(&mut frame).unwrap();
        let energy = d3.energy.unwrap();
        assert!(energy < -0.01, "two argon atoms attract each other: {energy}");
        assert_eq!(frame.energy.unwrap(), -1.0 - energy);
        assert_eq!(frame.forces.unwrap()[1][0], -0.1 - d3.forces.unwrap()[1][0]);
        assert_eq!(frame.virial.unwrap()[2][1], 1.0 - d3.virial.unwrap()[2][1]);

        let bare = Labelled { charges: Some(vec![0.0; 2]), ..Labelled::new(system) };
        let mut frame = bare.clone();
        Correction::new("pbe", false).unwrap().subtract(&mut frame).unwrap();
        assert_eq!(frame, bare);
        assert!(Correction::new("pbf", false).is_err());
    }
}
