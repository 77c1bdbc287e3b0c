//! Heads: readouts of the energy for several levels of theory on one network. Embeddings, messages, charges and electrostatics are
//! shared; what is not are the last layers, from an atom's features to its energy.
//!
//! A network has the heads that its hyperparameter `heads` names, or one without a name. Tensors of a named head carry its
//! name in front of their own: `readout.0.weight` is `head.PBE0.readout.0.weight` in head `PBE0`.

use crate::batch::Batch;
use crate::network::Network;
use crate::registry::{self, Precise};
use oxidane_core::{Error, Result};
use serde_json::Value;

/// The longest name of a head.
const LONGEST: usize = 64;

/// The most heads of a network.
const MOST: usize = 256;

/// The mark of tensors of named heads.
const MARK: &str = "head.";

/// Refuses names of heads that cannot be part of a tensor's name or of a command line, and names that are there twice. Names
/// have 1 to 64 letters, digits and `+-_/(),`, and begin with a letter or digit. No dot: it ends the name within that of a
/// tensor.
pub fn check_names(names: &[String]) -> Result<()> {
    let bad = |what: String| Err(Error::usage(format!("heads: {what}")));
    if names.len() > MOST {
        return bad(format!("{} of them, more than {MOST}", names.len()));
    }
    for (k, name) in names.iter().enumerate() {
        let known = |c: char| c.is_ascii_alphanumeric() || "+-_/(),".contains(c);
        if let Some(c) = name.chars().find(|&c| !known(c)) {
            return bad(format!("{c:?} in the name {name:?}; use letters, digits and + - _ / ( ) ,"));
        }
        if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return bad(format!("the name {name:?} does not begin with a letter or digit"));
        }
        if name.len() > LONGEST {
            return bad(format!("the name {name} has more than {LONGEST} characters"));
        }
        if names[..k].contains(name) {
            return bad(format!("{name} is named twice"));
        }
    }
    Ok(())
}

/// Refuses a batch that asks for heads which a network with these `names` does not have.
pub(crate) fn check_batch(batch: &Batch, names: &[String]) -> Result<()> {
    let most = names.len().max(1);
    match (0..batch.structures()).find(|&s| batch.head(s) as usize >= most) {
        Some(s) => Err(Error::usage(format!(
            "structure {} of the batch asks for head {}, but the network has {most}, counted from 0",
            s + 1,
            batch.head(s)
        ))),
        None => Ok(()),
    }
}

/// The name of a tensor, or of a group of them, in a head; the same for the head without a name.
pub fn tensor_name(head: &str, name: &str) -> String {
    if head.is_empty() { name.into() } else { format!("{MARK}{head}.{name}") }
}

/// The head (if it has a name) that a tensor belongs to, and the tensor's own name.
pub fn split_tensor_name(name: &str) -> (Option<&str>, &str) {
    match name.strip_prefix(MARK).and_then(|rest| rest.split_once('.')) {
        Some((head, own)) => (Some(head), own),
        None => (None, name),
    }
}

/// Where the weights of a head of a grown network come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin<'a> {
    /// A head of the donor by its name; empty for a head without one.
    Head(&'a str),
    /// Drawn from the seed.
    Fresh,
}

/// A network with these named heads, in this order, on the trunk of `donor`: hyperparameters are the donor's but for `heads`,
/// tensors outside the heads are the donor's, and those of a head come from where its [`Origin`] says. To add a head, list
/// the donor's heads, each with itself as origin, and the new one.
///
/// # Errors
/// No head at all, a name that is not allowed or is there twice, or an origin that the donor does not have.
pub fn grow<R: Precise>(
    donor: &dyn Network<R>,
    heads: &[(&str, Origin<'_>)],
    seed: u64,
) -> Result<Box<dyn Network<R>>> {
    let names: Vec<String> = heads.iter().map(|(name, _)| (*name).to_owned()).collect();
    if names.is_empty() {
        return Err(Error::usage("heads: name at least one"));
    }
    check_names(&names)?;
    for (name, origin) in heads {
        if let Origin::Head(from) = origin {
            find(donor.heads(), Some(from))
                .map_err(|e| Error::usage(format!("head {name}: {}", e.message)))?;
        }
    }
    let mut hyperparameters = donor.hyperparameters();
    if let Some(keys) = hyperparameters.as_object_mut() {
        keys.insert("heads".into(), Value::from(names));
    }
    let mut network = registry::build::<R>(donor.architecture(), &hyperparameters, seed)?;
    let copies: Vec<_> = network
        .layout()
        .entries
        .iter()
        .filter_map(|entry| {
            let source = match split_tensor_name(&entry.name) {
                (None, own) => own.to_owned(),
                (Some(head), own) => match heads.iter().find(|(name, _)| *name == head)? {
                    (_, Origin::Head(from)) => tensor_name(from, own),
                    (_, Origin::Fresh) => return None,
                },
            };
            Some((donor.layout().find(&source)?.range(), entry.range()))
        })
        .collect();
    for (from, to) in copies {
        network.parameters_mut()[to].copy_from_slice(&donor.parameters()[from]);
    }
    Ok(network)
}

/// The place of the head of that `name` (the first if none is asked for) among those of a network; the head without a name, where
/// there is no other, is asked for as `""`.
///
/// # Errors
/// There is no such head; the error lists those that are.
pub fn find(heads: &[String], name: Option<&str>) -> Result<u32> {
    let Some(name) = name else { return Ok(0) };
    if heads.iter().all(String::is_empty) {
        return match name {
            "" => Ok(0),
            _ => {
                Err(Error::usage(format!("no head is called {name:?}: there is one head, which has no name")))
            }
        };
    }
    match heads.iter().position(|head| head == name) {
        Some(k) => Ok(k as u32),
        None => Err(Error::usage(format!("no head is called {name:?}; there are {}", heads.join(", ")))),
    }
}
