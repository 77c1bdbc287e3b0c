//! The model a user asks for, ready to compute.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use oxidane_core::{Error, Potential, Request, Result, elements};
use oxidane_math::Real;
use oxidane_models::file::{self, Header, Tensors};
use oxidane_models::{Domain, Network, NetworkPotential, import, registry};

use crate::args::{ComputeArgs, Precision};

/// A model as a file holds it.
pub struct Opened {
    header: Header,
    tensors: Tensors,
    notes: Vec<String>,
    file: PathBuf,
}

/// Opens a model file, a checkpoint or a model inside the program; `None` is the default one.
pub fn open(model: Option<&str>) -> Result<Opened> {
    let Some(name) = model else {
        return Err(Error::model("no model is inside this build of the program; give one with --model"));
    };
    let path = Path::new(name);
    let mut start = [0; 2];
    let mut reader = std::fs::File::open(path).map_err(|e| Error::io(path, &e))?;
    let _ = std::io::Read::read(&mut reader, &mut start);
    if &start == b"PK" {
        return checkpoint(path);
    }
    let (header, tensors) = file::read(path)?;
    Ok(Opened { header, tensors, notes: Vec::new(), file: path.into() })
}

/// A XequiNet checkpoint.
pub fn checkpoint(path: &Path) -> Result<Opened> {
    let imported = import::xequinet::read(path)?;
    let hyperparameters =
        serde_json::to_value(&imported.config).map_err(|e| Error::model(e.to_string()).at(path))?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mut header = Header::new(name, "xpainn", hyperparameters);
    header.provenance.source =
        Some(format!("XequiNet checkpoint {}", path.file_name().unwrap_or_default().display()));
    Ok(Opened { header, tensors: imported.tensors, notes: imported.notes, file: path.into() })
}

/// Names of the models inside the program.
pub fn shipped_names() -> Vec<String> {
    Vec::new()
}

impl Opened {
    /// What the file says about the model.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The same for changing it.
    pub fn header_mut(&mut self) -> &mut Header {
        &mut self.header
    }

    /// What a user should know of how it was read.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Number of weights.
    pub fn weights(&self) -> usize {
        self.tensors.values().map(|t| t.data.len()).sum()
    }

    /// Writes a model file and gives its hash.
    pub fn save(&self, path: &Path) -> Result<String> {
        file::write(path, &self.header, &self.tensors)
    }

    fn network<R: Real>(&self) -> Result<Arc<dyn Network<R>>> {
        let (name, settings) = (&self.header.architecture, &self.header.hyperparameters);
        let build = || {
            let flat = file::join(&registry::layout(name, settings)?, &self.tensors)?;
            registry::with_parameters(name, settings, flat.into_iter().map(R::of).collect())
        };
        build().map(Arc::from).map_err(|mut e| {
            e.kind = oxidane_core::ErrorKind::Model;
            e.at(&self.file)
        })
    }

    fn domain(&self) -> Domain {
        let mut reference_energies = vec![0.0; 119];
        for (symbol, energy) in &self.header.reference_energies {
            if let Some(z) = elements::from_symbol(symbol) {
                reference_energies[usize::from(z)] = *energy;
            }
        }
        Domain {
            elements: self.header.elements.clone(),
            charges: self.header.charges.clone(),
            unpaired: self.header.unpaired.clone(),
            reference_energies,
        }
    }

    /// `parallel`: one evaluation is spread over all threads. `close`: atoms may come as close as they like.
    fn potential(&self, precision: Precision, parallel: bool, close: bool) -> Result<Box<dyn Potential>> {
        let (name, domain) = (&self.header.name, Arc::new(self.domain()));
        let double = self.network::<f64>()?;
        Ok(match precision {
            Precision::F64 => Box::new(NetworkPotential::new(name, domain, double, None, parallel, close)?),
            Precision::F32 => {
                let single = self.network::<f32>()?;
                Box::new(NetworkPotential::new(name, domain, single, Some(double), parallel, close)?)
            }
        })
    }
}

/// A model with the precision and permissiveness that the options ask for.
pub struct Loaded {
    opened: Opened,
    potential: Box<dyn Potential>,
    precision: Precision,
    close: bool,
}

impl Loaded {
    /// Loads the model that the options name. `close`: atoms may come as close as they like.
    ///
    /// # Errors
    /// If it cannot be read or used.
    pub fn new(args: &ComputeArgs, close: bool) -> Result<Self> {
        let opened = open(args.model.as_deref())?;
        let potential = opened.potential(args.precision, true, close)?;
        Ok(Self { opened, potential, precision: args.precision, close })
    }

    /// The potential for work on one structure, spread over all threads.
    pub fn whole(self) -> Box<dyn Potential> {
        self.potential
    }

    /// A copy of that potential.
    pub fn fork(&self) -> Box<dyn Potential> {
        self.potential.fork()
    }

    /// Potentials for work on several structures at once, one per thread.
    pub fn workers(&self, args: &ComputeArgs) -> Result<Vec<Box<dyn Potential>>> {
        let first = self.opened.potential(self.precision, false, self.close)?;
        let others: Vec<_> = (1..args.thread_count()).map(|_| first.fork()).collect();
        Ok(std::iter::once(first).chain(others).collect())
    }

    /// The model's name.
    pub fn name(&self) -> &str {
        &self.opened.header.name
    }

    /// Model and precision, beyond doubt: what a restart must agree with.
    pub fn identity(&self) -> String {
        let header = &self.opened.header;
        let hash = if header.hash.is_empty() { &header.name } else { &header.hash };
        format!("{hash} {}", self.precision.name())
    }

    /// One line for the head of tables.
    pub fn title(&self) -> String {
        let header = &self.opened.header;
        let theory = header.level_of_theory.as_deref().map(|t| format!(", {t}")).unwrap_or_default();
        format!("{} ({}{theory}), {}", header.name, header.architecture, self.precision.name())
    }

    /// What it gives.
    pub fn capabilities(&self) -> Request {
        self.potential.capabilities()
    }
}
