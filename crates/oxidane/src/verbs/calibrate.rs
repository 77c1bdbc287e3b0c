//! `calibrate`: gives a trained model an uncertainty of its energies.

use oxidane_core::{Error, Result};
use oxidane_models::Model;
use oxidane_train::{Config, calibrate_on};

use crate::args::CalibrateArgs;
use crate::exit::Outcome;
use crate::model::base;
use crate::output::{Out, Voice};
use crate::structures;

/// Runs `calibrate`.
pub fn run(args: &CalibrateArgs, voice: Voice) -> Outcome {
    let mut config = Config::read(&args.config)?;
    if let Some(threads) = args.threads {
        config.train.threads = threads.get();
    }
    structures::refuse_overwriting(&[&args.out], &[&args.config, &args.model], None)?;
    let model = calibrate_on(config, &args.model, &base::known())?;
    fitted(&model)?;
    model.save(&args.out)?;
    let mut out = Out::new();
    for head in model.header().heads.iter().filter(|_| !voice.quiet) {
        let name = if head.name.is_empty() { String::new() } else { format!("head {}: ", head.name) };
        out.line(match &head.uncertainty {
            Some(u) => {
                let tested = u.tested.map_or("not tested".into(), |t| {
                    format!("error / uncertainty {t:.2} on the test set (ideal 1)")
                });
                format!(
                    "{name}{} structures trained on, {} errors on others; {tested}",
                    u.trained, u.calibrated
                )
            }
            None => format!("{name}no uncertainty: too few energies outside the training frames"),
        })?;
    }
    out.line(format_args!("written  {}", args.out.display()))?;
    out.flush()
}

/// Refuses to write the same model again.
fn fitted(model: &Model) -> Result<()> {
    if model.header().heads.iter().any(|head| head.uncertainty.is_some()) {
        return Ok(());
    }
    Err(Error::input(
        "no head has energies of 8 validation frames or more, which set the size of the uncertainty; give the split more",
    ))
}
