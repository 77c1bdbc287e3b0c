//! Charge, spin and permissiveness of the structures read.

use clap::Args;
use oxidane_core::Result;
use oxidane_core::io::ChargeSpin;

/// Options of everything that reads structures.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Structure")]
pub struct StructureArgs {
    /// Total charge, before what the file says [default: the file's, else 0]
    #[arg(short, long, value_name = "CHARGE", allow_negative_numbers = true)]
    pub chrg: Option<i32>,
    /// Number of unpaired electrons [default: the file's, else 0 or 1 as the electron count demands]
    #[arg(short, long, value_name = "N", conflicts_with = "mult")]
    pub uhf: Option<u32>,
    /// Spin multiplicity 2S+1, another way to give --uhf (= multiplicity - 1)
    #[arg(long, value_name = "M", value_parser = clap::value_parser!(u32).range(1..))]
    pub mult: Option<u32>,
    /// Go on with atoms closer than 0.4 angstrom to each other
    #[arg(long)]
    pub force: bool,
}

impl StructureArgs {
    /// Charge and spin as far as the user states them.
    ///
    /// # Errors
    /// Never for arguments that were parsed (a multiplicity of 0 is refused there).
    pub fn charge_spin(&self) -> Result<ChargeSpin> {
        let stated = ChargeSpin::with_multiplicity(self.chrg, self.mult)?;
        Ok(ChargeSpin { unpaired: self.uhf.or(stated.unpaired), ..stated })
    }
}
