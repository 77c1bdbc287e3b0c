//! The models that take part.

use std::path::Path;

use oxidane_core::{Error, Result};

use crate::args::{BenchArgs, ComputeArgs, ModelChoice, Precision};
use crate::model::{Loaded, is_gfn2};

/// A model that takes part, with its name in tables.
pub struct Contestant {
    /// Name in tables, of this model alone.
    pub name: String,
    /// The options that it was loaded with.
    pub compute: ComputeArgs,
    /// The model.
    pub model: Loaded,
}

/// Loads the models that the options name, the default one without.
///
/// # Errors
/// If one cannot be loaded, or two have the same name.
pub fn load(args: &BenchArgs) -> Result<Vec<Contestant>> {
    let default = [ModelChoice::default()];
    let choices = if args.models.is_empty() { &default[..] } else { &args.models[..] };
    // GFN2-xTB beside networks computes as it always does, whatever is said of their precision.
    let networks = choices.iter().any(|c| !is_gfn2(c.model.as_deref()));
    let mut contestants: Vec<Contestant> = Vec::new();
    for choice in choices {
        let mut compute = args.compute(choice);
        if networks && is_gfn2(choice.model.as_deref()) && args.precision == Some(Precision::F32) {
            compute.precision = None;
        }
        let model = Loaded::new(&compute, false)?;
        let name = choice.name.clone().unwrap_or_else(|| name(choice, &model));
        if contestants.iter().any(|c| c.name == name) {
            return Err(Error::usage(format!(
                "two models would be called {name} in the tables; tell them apart with name=, such as --model \
                 mine.oxidane,name=second"
            )));
        }
        contestants.push(Contestant { name, compute, model });
    }
    Ok(contestants)
}

/// The name of the file or model, with the level of theory and the dispersion.
fn name(choice: &ModelChoice, model: &Loaded) -> String {
    let base = choice.model.as_deref().map_or_else(
        || model.name().to_owned(),
        |given| Path::new(given).file_stem().and_then(|s| s.to_str()).unwrap_or(given).to_owned(),
    );
    let head = choice.head.as_ref().map_or(String::new(), |h| format!(":{h}"));
    let d3 = choice.d3.as_ref().map_or(String::new(), |_| "+D3".to_owned());
    format!("{base}{head}{d3}")
}
