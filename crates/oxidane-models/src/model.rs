//! [`Model`]: a network with its header, from a file, a foreign checkpoint or the program itself.

use crate::file::{self, Base, Calibration, Head, Header, Tensors};
use crate::import::xequinet;
use crate::potential::{Domain, Exact, NetworkPotential};
use crate::registry::Precise;
use crate::{Layout, Network, PredictionRigidity, registry, shipped, uncertainty};
use oxidane_core::{Error, Potential, Result, SumPotential, elements};
use oxidane_math::Real;
use std::path::Path;
use std::sync::Arc;

/// Arithmetic of the network. Geometry, sums and energies are in double precision in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// Single precision; structures whose features cancel by symmetry are redone in double. Results step by the rounding
    /// of single precision (within 1e-5 eV per atom and 1e-4 eV/angstrom) where a structure passes from one to the other.
    #[default]
    F32,
    /// Double precision.
    F64,
}

/// How a potential made from a [`Model`] computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PotentialOptions {
    /// The head that answers, by its place (see [`Header::head`]); `None` is the model's default.
    pub head: Option<u32>,
    /// Arithmetic of the network.
    pub precision: Precision,
    /// Spread one evaluation over the threads of the rayon pool.
    pub parallel: bool,
    /// Accept atoms closer than [`oxidane_core::neighbors::CLOSEST_APPROACH`].
    pub allow_close: bool,
}

/// A model: header and weights.
#[derive(Debug, Clone)]
pub struct Model {
    header: Header,
    weights: Arc<[f64]>,
    /// Of each head, where it has one.
    uncertainties: Vec<Option<Arc<PredictionRigidity>>>,
    notes: Vec<String>,
}

impl Model {
    /// Opens a model as users name it: a model file, a XequiNet checkpoint, or a model inside the program by its name;
    /// `None` is the default one. What looks like a file name (it exists, or has a folder or an extension) is one.
    ///
    /// # Errors
    /// As [`Model::load`] and [`Model::shipped`].
    pub fn open(model: Option<&Path>) -> Result<Self> {
        match model {
            Some(path) if path.exists() || path.extension().is_some() || path.components().count() > 1 => {
                Self::load(path)
            }
            _ => Self::shipped(model.map(|name| name.to_string_lossy()).as_deref()),
        }
    }

    /// Reads a model file, or a XequiNet checkpoint (a `.pt` file: a zip archive).
    ///
    /// # Errors
    /// The file cannot be read, is damaged, foreign, or does not fit its architecture; the error names it.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| Error::io(path, &e))?;
        let model = if bytes.starts_with(b"PK") {
            let name = path.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
            xequinet::read_bytes(bytes).and_then(|imported| Self::from_xequinet(&name, &imported))
        } else {
            Self::from_bytes(&bytes)
        };
        model.map_err(|e| e.at(path))
    }

    /// Reads a model from the bytes of a model file.
    ///
    /// # Errors
    /// As [`Model::load`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let (header, tensors) = file::read_bytes(bytes)?;
        Self::new(header, &tensors)
    }

    /// The model of that name inside the program; `None` asks for the default.
    ///
    /// # Errors
    /// No such model ships; the error lists those that do.
    pub fn shipped(name: Option<&str>) -> Result<Self> {
        Self::from_bytes(shipped::bytes(name)?)
    }

    /// A model from its parts.
    ///
    /// # Errors
    /// The tensors do not fit the architecture, or the header names an unknown element.
    pub fn new(header: Header, tensors: &Tensors) -> Result<Self> {
        let layout = registry::layout(&header.architecture, &header.hyperparameters)
            .map_err(|e| Error::model(e.message))?;
        let mut tensors = tensors.clone();
        let uncertainties = uncertainty::take(&header, &mut tensors)?;
        let uncertainties = uncertainties.into_iter().map(|u| u.map(Arc::new)).collect();
        let weights = file::join(&layout, &tensors)?.into();
        header.check()?;
        for head in &header.heads {
            domain(head)?;
        }
        Ok(Self { header, weights, uncertainties, notes: Vec::new() })
    }

    fn from_xequinet(name: &str, imported: &xequinet::ImportedXpainn) -> Result<Self> {
        let hyperparameters =
            serde_json::to_value(&imported.config).map_err(|e| Error::model(e.to_string()))?;
        let mut header = Header::new(name, crate::xpainn::NAME, hyperparameters);
        header.provenance.data = Some("imported from a XequiNet checkpoint".into());
        let mut model = Self::new(header, &imported.tensors)?;
        model.notes.clone_from(&imported.notes);
        Ok(model)
    }

    /// What the model is.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The same for stating what a foreign checkpoint does not: elements, charges, level of theory.
    pub fn header_mut(&mut self) -> &mut Header {
        &mut self.header
    }

    /// What a user should know about how the model was read.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Names and shapes of the weights.
    ///
    /// # Errors
    /// None for a model that has been made: its hyperparameters have been checked.
    pub fn layout(&self) -> Result<Layout> {
        registry::layout(&self.header.architecture, &self.header.hyperparameters)
    }

    /// Number of weights, fixed tables not counted.
    pub fn trainable(&self) -> usize {
        self.layout().map(|l| l.trainable()).unwrap_or_default()
    }

    /// The network in the precision asked for.
    pub fn network<R: Precise>(&self) -> Result<Box<dyn Network<R>>> {
        let weights = self.weights.iter().map(|&w| R::of(w)).collect();
        registry::with_parameters(&self.header.architecture, &self.header.hyperparameters, weights)
    }

    /// What a head may be asked about; the default one if none is named.
    ///
    /// # Errors
    /// There is no such head; the error lists those that are.
    pub fn domain(&self, head: Option<&str>) -> Result<Domain> {
        domain(self.header.head(head)?.1)
    }

    /// A potential of one head: the network, and with it the head's dispersion, if it has any.
    ///
    /// # Errors
    /// There is no such head, or it has a base, see [`Model::potential_on`].
    pub fn potential(&self, options: PotentialOptions) -> Result<Box<dyn Potential>> {
        self.potential_in_field(options, None)
    }

    /// A potential of one head in a uniform electric field in V/angstrom, see [`NetworkPotential::in_field`].
    ///
    /// # Errors
    /// As there, and as [`Model::potential`].
    pub fn potential_in_field(
        &self,
        options: PotentialOptions,
        field: Option<[f64; 3]>,
    ) -> Result<Box<dyn Potential>> {
        self.potential_on(options, field, &|base| {
            Err(Error::usage(format!(
                "model {} is a correction to {base}, which is not at hand here",
                self.header.name
            )))
        })
    }

    /// A potential of one head on its base: the sum of the method that `base` makes, the network and the head's dispersion,
    /// those that there are, in this order. `base` is asked only for a head that has one, and refuses methods and versions that
    /// it does not know.
    ///
    /// # Errors
    /// Those of `base` and [`NetworkPotential::in_field`]; there is no such head; a field on a head with a base, which does not
    /// feel it.
    pub fn potential_on(
        &self,
        options: PotentialOptions,
        field: Option<[f64; 3]>,
        base: &dyn Fn(&Base) -> Result<Box<dyn Potential>>,
    ) -> Result<Box<dyn Potential>> {
        let (place, head) = self.header.head_at(options.head)?;
        let mut terms = Vec::new();
        if let Some(below) = &head.base {
            if field.is_some() {
                return Err(Error::usage(format!(
                    "a field has no effect on {}, which is below the network of model {}; choose a model without",
                    below.method, self.header.name
                )));
            }
            terms.push(
                base(below).map_err(|e| Error {
                    message: format!("model {}: {}", self.header.name, e.message),
                    ..e
                })?,
            );
        }
        let several = self.header.heads.len() > 1;
        let name =
            if several { format!("{}[{}]", self.header.name, head.name) } else { self.header.name.clone() };
        let network: Box<dyn Potential> = match options.precision {
            Precision::F64 => boxed(self.bare::<f64>(&name, place, None, options)?, field)?,
            Precision::F32 => {
                let (header, weights) = (self.header.clone(), self.weights.clone());
                let exact = Exact::new(move || {
                    registry::with_parameters(&header.architecture, &header.hyperparameters, weights.to_vec())
                });
                boxed(self.bare::<f32>(&name, place, Some(Arc::new(exact)), options)?, field)?
            }
        };
        terms.push(network);
        if let Some(dispersion) = &head.dispersion {
            terms.push(Box::new(dispersion.potential()?.with_parallel(options.parallel)));
        }
        Ok(match terms.len() {
            1 => terms.remove(0),
            _ => Box::new(SumPotential::new(terms).with_parallel(options.parallel)),
        })
    }

    fn bare<R: Precise>(
        &self,
        name: &str,
        place: u32,
        exact: Option<Arc<Exact>>,
        options: PotentialOptions,
    ) -> Result<NetworkPotential<R>> {
        let domain = Arc::new(domain(&self.header.heads[place as usize])?);
        let network = self.network::<R>()?.into();
        let potential =
            NetworkPotential::new(name, domain, network, exact, options.parallel, options.allow_close)?;
        let uncertainty = self.uncertainties[place as usize].clone();
        let correction = self.header.heads[place as usize].base.is_some();
        Ok(potential.with_head(place).with_uncertainty(uncertainty).as_correction(correction))
    }

    /// The same with an uncertainty of the head at `place`.
    ///
    /// # Panics
    /// If there is no such head.
    #[must_use]
    pub fn with_uncertainty(
        mut self,
        place: usize,
        layer: PredictionRigidity,
        calibration: Calibration,
    ) -> Self {
        self.uncertainties[place] = Some(Arc::new(layer));
        self.header.heads[place].uncertainty = Some(calibration);
        self
    }

    /// Writes the model file, atomically, and returns its hash.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: &Path) -> Result<String> {
        let layout = self.layout()?;
        let mut tensors = file::split(&layout, &self.weights);
        for (head, uncertainty) in self.header.heads.iter().zip(&self.uncertainties) {
            tensors.extend(uncertainty.iter().flat_map(|u| u.tensors(&head.name)));
        }
        file::write(path, &self.header, &tensors)
    }
}

fn boxed<R: Real>(potential: NetworkPotential<R>, field: Option<[f64; 3]>) -> Result<Box<dyn Potential>> {
    Ok(match field {
        Some(field) => Box::new(potential.in_field(field)?),
        None => Box::new(potential),
    })
}

fn domain(head: &Head) -> Result<Domain> {
    let mut reference_energies = Vec::new();
    for (symbol, &energy) in &head.reference_energies {
        let z = elements::from_symbol(symbol)
            .ok_or_else(|| Error::model(format!("reference energy of an unknown element \"{symbol}\"")))?;
        let z = usize::from(z);
        if reference_energies.len() <= z {
            reference_energies.resize(z + 1, 0.0);
        }
        reference_energies[z] = energy;
    }
    Ok(Domain {
        elements: head.elements.clone(),
        charges: head.charges.clone(),
        unpaired: head.unpaired.clone(),
        reference_energies,
        charge_energy: head.charge_energy,
    })
}
