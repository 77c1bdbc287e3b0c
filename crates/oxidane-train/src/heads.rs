//! The heads of the network that is trained: those of the configuration, and those of the model that is fine-tuned.

use crate::config::{self, Config, ReferenceMethod};
use crate::data::{self, BaseLabels, Correction, ReferenceEnergies, Target, TrainingData};
use oxidane_core::{Error, Potential, Result, elements};
use oxidane_models::Network;
use oxidane_models::file::{Base, Dispersion, Head, Header};
use oxidane_models::heads::{Origin, grow};
use oxidane_models::registry::{self, Precise};
use serde_json::Value;
use std::collections::BTreeMap;

/// The heads of a network, in its order: those of the model that is fine-tuned, then new ones.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Heads {
    /// What is known of each before training: all of it for those that no set trains.
    entries: Vec<Head>,
    /// Names in the model that is fine-tuned.
    earlier: Vec<String>,
    /// For new ones, the place of the head whose readout is the start.
    init: Vec<Option<usize>>,
    /// The place of each head of the configuration.
    places: Vec<usize>,
    default: usize,
    /// The methods that a head can correct, in the versions that there are labels of.
    bases: Vec<Base>,
}

impl Heads {
    /// The heads that a configuration names, after those of `model`, the model to fine-tune, which are all kept. `bases`: the
    /// methods that they may correct.
    ///
    /// # Errors
    /// The configuration asks for what the model does not have, or contradicts it, or for a method that is not among `bases`.
    pub fn new(config: &Config, model: Option<&Header>, bases: &[Base]) -> Result<Self> {
        let mut heads = Self { bases: bases.to_vec(), ..Self::default() };
        if let Some(model) = model {
            heads.take_over(config, model)?;
        }
        for stated in config.heads() {
            let place = match heads.find(&stated)? {
                Some(place) => {
                    restate(&mut heads.entries[place], &stated)?;
                    place
                }
                None => heads.add(&stated)?,
            };
            if stated.default {
                heads.default = place;
            }
            heads.places.push(place);
        }
        heads.refuse_vague_neighbours()?;
        Ok(heads)
    }

    /// Of several heads each must state the reference energies of its elements, or the file could not be written in the end.
    fn refuse_vague_neighbours(&self) -> Result<()> {
        let known = &self.entries[..self.earlier.len()];
        let vague = |h: &&Head| {
            let lacks = |&z: &u8| !h.reference_energies.contains_key(elements::symbol(z));
            !h.reference_energies.is_empty() && (h.elements.is_empty() || h.elements.iter().any(lacks))
        };
        match known.iter().find(vague).filter(|_| self.entries.len() > 1) {
            Some(head) => Err(Error::usage(format!(
                "the model to fine-tune does not say for which elements its head \"{}\" has reference energies, so that \
                 no other can stand beside it; train that head on alone first",
                head.name
            ))),
            None => Ok(()),
        }
    }

    /// The heads of the model to fine-tune.
    fn take_over(&mut self, config: &Config, model: &Header) -> Result<()> {
        self.entries.clone_from(&model.heads);
        self.earlier = model.heads.iter().map(|h| h.name.clone()).collect();
        self.default = self.entries.iter().position(|h| h.name == model.default_head).unwrap_or(0);
        let name = config.finetune.as_ref().and_then(|f| f.head.as_ref());
        let nameless = self.entries.iter().position(|h| h.name.is_empty());
        match (nameless, name) {
            (Some(only), Some(name)) => self.entries[only].name.clone_from(name),
            (None, Some(name)) => {
                return Err(Error::usage(format!(
                    "finetune.head = \"{name}\" has no effect: the heads of the model have names, {}; leave it out",
                    self.names()
                )));
            }
            (Some(_), None) if config.heads.iter().any(|h| h.name.is_some()) => {
                return Err(Error::usage(
                    "the only head of the model to fine-tune has no name: give it one with finetune.head, under which it \
                     goes on beside those of [[heads]] (or is one of them)",
                ));
            }
            _ => {}
        }
        Ok(())
    }

    /// The head of the model to fine-tune that is meant, if it has it.
    fn find(&self, stated: &config::Head) -> Result<Option<usize>> {
        match (&stated.name, self.earlier.len()) {
            (None, 1) => Ok(Some(0)),
            (None, n) if n > 1 => Err(Error::usage(format!(
                "the model to fine-tune has the heads {}: name in [[heads]] those to be trained",
                self.names()
            ))),
            _ => Ok(self.place_of(stated.name())),
        }
    }

    /// The place of a head of the model to fine-tune.
    fn place_of(&self, name: &str) -> Option<usize> {
        self.entries[..self.earlier.len()].iter().position(|h| h.name == name)
    }

    /// A head that the model to fine-tune does not have.
    fn add(&mut self, stated: &config::Head) -> Result<usize> {
        let missing = |from: &String| {
            Error::usage(format!(
                "{}.init = \"{from}\": the model to fine-tune has no such head; it has {}",
                stated.place(),
                self.names()
            ))
        };
        let init = stated.init.as_ref().map(|from| self.place_of(from).ok_or_else(|| missing(from)));
        let init = init.transpose()?;
        let base = stated.base.as_ref().map(|method| self.base(method)).transpose()?;
        self.init.push(init);
        self.entries.push(Head {
            name: stated.name().into(),
            level_of_theory: stated.level_of_theory.clone(),
            base,
            dispersion: dispersion(stated),
            ..Head::default()
        });
        Ok(self.entries.len() - 1)
    }

    /// The method of that name, as it is at hand.
    fn base(&self, method: &str) -> Result<Base> {
        self.bases.iter().find(|base| base.method == method).cloned().ok_or_else(|| {
            let known: Vec<&str> = self.bases.iter().map(|base| base.method.as_str()).collect();
            let known = if known.is_empty() { "none here".into() } else { known.join(", ") };
            Error::usage(format!(
                "base = \"{method}\": networks correct {known}; write that, or drop the key"
            ))
        })
    }

    fn names(&self) -> String {
        self.entries[..self.earlier.len()].iter().map(|h| h.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// What was known of each before training.
    pub fn entries(&self) -> &[Head] {
        &self.entries
    }

    /// Name of the head that the model answers with where none is asked for.
    pub fn default_name(&self) -> &str {
        &self.entries[self.default].name
    }

    /// Names of the heads that no set trains.
    pub(crate) fn untrained(&self, data: &TrainingData) -> Vec<String> {
        let trained = |k: usize| data.parts.train.iter().any(|&i| data.data.summary(i).head as usize == k);
        let names =
            self.entries.iter().enumerate().filter(|(k, _)| !trained(*k)).map(|(_, h)| h.name.clone());
        names.filter(|name| !name.is_empty()).collect()
    }

    /// What the reader of each set must know.
    ///
    /// # Errors
    /// A functional has no parameters; the method below a head is there in another version, or a set speaks of one below a head
    /// without.
    pub fn targets(&self, config: &Config) -> Result<Vec<Target>> {
        let target = |(k, set): (usize, &config::DataSet)| {
            let place = self.places[config.head_of(set)];
            let head = &self.entries[place];
            let base = match &head.base {
                Some(base) => Some(BaseLabels::new(self.present(base)?, set, &config.data.place(k))?),
                None if set.base_prefix.is_some() => {
                    return Err(Error::usage(format!(
                        "{}.base_prefix has no effect on a head without a base: drop it",
                        config.data.place(k)
                    )));
                }
                None => None,
            };
            let correction = head.dispersion.as_ref();
            let correction = correction.map(|d| Correction::new(&d.functional, d.three_body)).transpose()?;
            Ok(Target { head: place as u32, base, correction })
        };
        config.data.sets.iter().enumerate().map(target).collect()
    }

    /// The base of a head, which a model to fine-tune may have in another version than the labels.
    fn present(&self, base: &Base) -> Result<Base> {
        if self.bases.contains(base) {
            return Ok(base.clone());
        }
        Err(Error::usage(format!(
            "the head of the model to fine-tune corrects version {} of {}, which this program does not have; train a new \
             head, under another name",
            base.version, base.method
        )))
    }

    /// The network with these heads and its initial weights; `donor` is that of the model to fine-tune.
    ///
    /// # Errors
    /// Hyperparameters or names of heads make no sense.
    pub fn network<R: Precise>(
        &self,
        config: &Config,
        donor: Option<Box<dyn Network<R>>>,
    ) -> Result<Box<dyn Network<R>>> {
        let names: Vec<&str> =
            self.entries.iter().map(|h| h.name.as_str()).filter(|n| !n.is_empty()).collect();
        let seed = config.train.seed;
        let Some(donor) = donor else {
            let mut hyperparameters = config.model.hyperparameters.clone();
            if !names.is_empty() {
                hyperparameters.insert("heads".into(), names.into());
            }
            return registry::build(&config.model.architecture, &Value::Object(hyperparameters), seed);
        };
        if donor.heads() == names {
            return Ok(donor);
        }
        let earlier = self.earlier.iter().map(|name| Origin::Head(name));
        let new = self.init.iter().map(|init| init.map_or(Origin::Fresh, |k| Origin::Head(&self.earlier[k])));
        let origins: Vec<_> = self.entries.iter().map(|h| h.name.as_str()).zip(earlier.chain(new)).collect();
        grow(&*donor, &origins, seed)
    }

    /// The reference energies of each head: as configured, or those of the model that is fine-tuned.
    ///
    /// # Errors
    /// An element symbol is unknown, an element of a head's training data has no energy, or nothing can be fitted.
    pub fn reference_energies(&self, config: &Config, data: &TrainingData) -> Result<Vec<ReferenceEnergies>> {
        let stated = config.heads();
        let of = |place: usize| {
            let frames = data.trained_on(place as u32);
            match self.places.iter().position(|&p| p == place) {
                Some(k) if !frames.is_empty() => self.references(place, &stated[k], data, &frames),
                Some(k) => self.kept(place, &stated[k]),
                None => self.of_model(place),
            }
        };
        (0..self.entries.len()).map(of).collect()
    }

    /// Those of a head that sets validate or test but none trains: it must be one of the model that is fine-tuned.
    fn kept(&self, place: usize, stated: &config::Head) -> Result<ReferenceEnergies> {
        if place >= self.earlier.len() {
            return Err(Error::usage(format!(
                "{}: no set trains it; name files to train on in one of its sets, or drop the head",
                stated.place()
            )));
        }
        if stated.reference_energies != config::ReferenceEnergies::default() {
            return Err(Error::usage(format!(
                "{0}.reference_energies has no effect, as no set trains {0}: drop it",
                stated.place()
            )));
        }
        self.of_model(place)
    }

    /// Those of a head of the model that is fine-tuned.
    fn of_model(&self, place: usize) -> Result<ReferenceEnergies> {
        let head = &self.entries[place];
        let atoms = data::by_symbol("reference_energies", &head.reference_energies)?;
        Ok(ReferenceEnergies { charge: head.charge_energy, ..atoms })
    }

    fn references(
        &self,
        place: usize,
        stated: &config::Head,
        data: &TrainingData,
        frames: &[usize],
    ) -> Result<ReferenceEnergies> {
        let section = &stated.reference_energies;
        let key = stated.name.as_ref().map(|_| format!("{}.", stated.place())).unwrap_or_default();
        let key = format!("{key}reference_energies");
        let known = place < self.earlier.len();
        let default = if known { ReferenceMethod::Model } else { ReferenceMethod::LeastSquares };
        let method = section.method.unwrap_or(default);
        if section.charge && method != ReferenceMethod::LeastSquares {
            return Err(Error::usage(format!(
                "{key}.charge has no effect on the energies of the model to fine-tune: set {key}.method = \"least_squares\", or drop it"
            )));
        }
        let charged = known && self.entries[place].charge_energy != 0.0;
        if charged && method != ReferenceMethod::Model && !section.charge {
            return Err(Error::usage(format!(
                "{key} would lose the energy of the charge, {} eV, that the model to fine-tune has: set charge = true with method = \
                 \"least_squares\", or leave the energies as they are",
                self.entries[place].charge_energy
            )));
        }
        match method {
            ReferenceMethod::None => Ok(ReferenceEnergies::default()),
            ReferenceMethod::LeastSquares => {
                data::fit(&data.data, frames, section.charge).map_err(|e| Error {
                    message: if key.starts_with("heads") {
                        format!("{key}: {}", e.message)
                    } else {
                        e.message
                    },
                    ..e
                })
            }
            ReferenceMethod::Model => {
                let from = if known { Some(place) } else { self.init[place - self.earlier.len()] };
                let from = from.ok_or_else(|| {
                    Error::usage(format!(
                        "{key}.method = \"model\" needs a head of the model to fine-tune: start from one with `init`, or \
                         use another method"
                    ))
                })?;
                let head = &self.entries[from];
                let atoms = covering(&key, &head.reference_energies, data, frames, |symbol, frame| {
                    format!(
                        "the model to fine-tune has no reference energy of {symbol}, which {frame} contains: set \
                         {key}.method = \"least_squares\", or \"given\" with values"
                    )
                })?;
                Ok(ReferenceEnergies { charge: head.charge_energy, ..atoms })
            }
            ReferenceMethod::Given => covering(&key, &section.values, data, frames, |symbol, frame| {
                format!("{key}.values.{symbol} is missing but {frame} contains {symbol}: add it")
            }),
        }
    }
}

/// The dispersion that a head of a configuration states.
fn dispersion(stated: &config::Head) -> Option<Dispersion> {
    let functional = stated.d3.clone()?;
    Some(Dispersion { functional, three_body: stated.d3_atm.unwrap_or(false) })
}

/// What a configuration says of a head that the model to fine-tune has.
fn restate(entry: &mut Head, stated: &config::Head) -> Result<()> {
    if stated.init.is_some() {
        return Err(Error::usage(format!(
            "{}.init has no effect: the model to fine-tune has the head, which goes on as it is; drop the key",
            stated.place()
        )));
    }
    if let Some(wanted) = &stated.base
        && entry.base.as_ref().map(|base| &base.method) != Some(wanted)
    {
        return Err(Error::usage(format!(
            "base = \"{wanted}\": the head of the model to fine-tune corrects {}; leave the key out, or train a new head",
            entry.base.as_ref().map_or("no method", |base| base.method.as_str())
        )));
    }
    if let Some(wanted) = dispersion(stated) {
        let name = |d: &Dispersion| d.potential().map(|p| p.name().to_owned());
        let has = entry.dispersion.as_ref().map(name).transpose()?;
        let wanted = name(&wanted)?;
        if has.as_ref() != Some(&wanted) {
            return Err(Error::usage(format!(
                "{}.d3: the head of the model to fine-tune has {}, not {wanted}; leave the key out, or train a new head",
                stated.place(),
                has.as_deref().unwrap_or("no dispersion")
            )));
        }
    }
    if stated.level_of_theory.is_some() {
        entry.level_of_theory.clone_from(&stated.level_of_theory);
    }
    Ok(())
}

/// Reference energies from a table by element symbol, which must have every element trained on; `missing` words the
/// error from symbol and structure.
fn covering(
    key: &str,
    values: &BTreeMap<String, f64>,
    data: &TrainingData,
    frames: &[usize],
    missing: impl Fn(&str, &str) -> String,
) -> Result<ReferenceEnergies> {
    let energies = data::by_symbol(key, values)?;
    for &i in frames {
        let frame = data.data.get(i)?;
        let mut symbols = frame.system.numbers.iter().map(|&z| elements::symbol(z));
        if let Some(symbol) = symbols.find(|&symbol| !values.contains_key(symbol)) {
            return Err(Error::usage(missing(symbol, &data.data.describe(i))));
        }
    }
    Ok(energies)
}
