//! `[data]` and `[[data.sets]]`: what is read, under which names the labels are found, how it is divided.

use super::checks::{at_most, require, within};
use oxidane_core::Result;
use oxidane_core::io::LabelKeys;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// `[data]`: the sets of structures. A file with one set has its keys in `[data]`, one with several has a `[[data.sets]]` for
/// each.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Data {
    /// Memory for structures, MB; the rest goes to a temporary file.
    pub memory_mb: usize,
    /// Memory for neighbour lists that are kept between epochs, MB; the rest is recomputed.
    pub cache_mb: usize,
    /// The method that the network corrects, where there are no `[[heads]]` to say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// The sets, at least one.
    pub sets: Vec<DataSet>,
}

/// One set of structures with the labels of one level of theory.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSet {
    /// Its name in reports; needed where there are several.
    pub name: Option<String>,
    /// Name of the head that it trains; needed where there are several.
    pub head: Option<String>,
    /// Files that are split (or trained on whole if there is no split).
    #[serde(default)]
    pub files: Vec<PathBuf>,
    /// Files that are only validated on.
    #[serde(default)]
    pub validation_files: Vec<PathBuf>,
    /// Files that are only tested on.
    #[serde(default)]
    pub test_files: Vec<PathBuf>,
    /// An epoch draws so many times as many frames as are trained on; absent: 1.
    pub sampling_weight: Option<f64>,
    /// Frame key of the total energy, eV; absent: `energy`, and so on.
    pub energy: Option<String>,
    /// Atom column of the forces, eV/angstrom.
    pub forces: Option<String>,
    /// Frame key of the stress, eV/angstrom^3, positive under tension.
    pub stress: Option<String>,
    /// Frame key of the virial -dE/dstrain, eV; used where there is no stress.
    pub virial: Option<String>,
    /// Atom column of the charges, e.
    pub charges: Option<String>,
    /// Frame key of the dipole moment, e angstrom.
    pub dipole: Option<String>,
    /// Frame key of the polarisability, in the unit that the model is to have.
    pub polarizability: Option<String>,
    /// What stands before the names of the labels of the method that the head corrects; absent: the method and `_`, such as
    /// `gfn2_`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_prefix: Option<String>,
    /// Frame key of a factor on a frame's part of the loss (1 where absent); absent: `weight`.
    pub weight: Option<String>,
    /// Frame key whose value says to which group (molecule, subset) a frame belongs.
    pub group: Option<String>,
    /// Differences of energies that are compared, for `loss.energy_differences`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub differences: Option<Differences>,
    /// How the frames of `files` are divided.
    #[serde(default)]
    pub split: Split,
}

/// `differences` of a set: which of its energies are compared with each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Differences {
    /// Frame key whose value says to which family a frame belongs: one scan, one reaction, one complex and its parts.
    pub within: String,
    /// At most so many frames of a family, 3 or more, are used together in training, others in each epoch; absent: all.
    pub size: Option<usize>,
    /// Frame key of the factors of a family's one difference, the sum of factor times energy; absent: each energy is compared with the mean
    /// of those used together.
    pub coefficient: Option<String>,
    /// Whether total energies of the set mean nothing: they enter neither the other terms of the loss nor reference energies.
    #[serde(default)]
    pub only: bool,
}

impl DataSet {
    /// These files, everything else at its default.
    pub fn new(files: Vec<PathBuf>) -> Self {
        Self { files, ..Self::default() }
    }
    /// The names of the labels.
    pub fn keys(&self) -> LabelKeys {
        let names = LabelKeys::default();
        let or = |given: &Option<String>, default: String| given.clone().unwrap_or(default);
        LabelKeys {
            energy: or(&self.energy, names.energy),
            forces: or(&self.forces, names.forces),
            stress: or(&self.stress, names.stress),
            virial: or(&self.virial, names.virial),
            charges: or(&self.charges, names.charges),
            dipole: or(&self.dipole, names.dipole),
            polarizability: or(&self.polarizability, names.polarizability),
        }
    }
    /// The name of the weights.
    pub fn weight_key(&self) -> &str {
        self.weight.as_deref().unwrap_or("weight")
    }
    /// All file names.
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let lists = [&mut self.split.train_list, &mut self.split.validation_list, &mut self.split.test_list];
        let files = self.files.iter_mut().chain(&mut self.validation_files).chain(&mut self.test_files);
        files.chain(lists.into_iter().flatten())
    }
    /// How many times its training frames an epoch draws.
    pub fn sampling(&self) -> f64 {
        self.sampling_weight.unwrap_or(1.0)
    }
}

/// `[data.split]`: at most one family of keys (`*_fraction`, `*_count`, `*_per_group`, `*_list`).
/// Without any, all frames of `files` are trained on. Where the test set is not stated it is what remains
/// (nothing for lists); where the validation set is not stated it is empty.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// Seed of the shuffle that precedes the division; absent: 0. Lists are not shuffled and refuse it.
    pub seed: Option<u64>,
    /// Fraction trained on.
    pub train_fraction: Option<f64>,
    /// Fraction validated on.
    pub validation_fraction: Option<f64>,
    /// Fraction tested on.
    pub test_fraction: Option<f64>,
    /// Number of frames trained on.
    pub train_count: Option<usize>,
    /// Number of frames validated on.
    pub validation_count: Option<usize>,
    /// Number of frames tested on.
    pub test_count: Option<usize>,
    /// Frames of each group trained on.
    pub train_per_group: Option<usize>,
    /// Frames of each group validated on.
    pub validation_per_group: Option<usize>,
    /// Frames of each group tested on.
    pub test_per_group: Option<usize>,
    /// File with the indices (from 0, over all `files` in order) of the frames trained on.
    pub train_list: Option<PathBuf>,
    /// File with the indices of the frames validated on.
    pub validation_list: Option<PathBuf>,
    /// File with the indices of the frames tested on.
    pub test_list: Option<PathBuf>,
    /// With fractions: whole groups go to one of the sets, so that the test speaks about unseen groups.
    #[serde(default)]
    pub whole_groups: bool,
}

/// Default of `memory_mb`.
const MEMORY_MB: usize = 4096;
/// Default of `cache_mb`.
const CACHE_MB: usize = 2048;

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Section {
            memory_mb: Option<usize>,
            cache_mb: Option<usize>,
            base: Option<String>,
            sets: Option<Vec<DataSet>>,
            #[serde(flatten)]
            rest: toml::Table,
        }
        let section = Section::deserialize(deserializer)?;
        let sets = match section.sets {
            Some(sets) if section.rest.is_empty() => sets,
            Some(_) => {
                let keys: Vec<&str> = section.rest.keys().map(String::as_str).collect();
                return Err(D::Error::custom(format!(
                    "data.{} stands beside [[data.sets]]: move it into the sets that it is meant for",
                    keys.join(", data.")
                )));
            }
            None => {
                let set = DataSet::deserialize(section.rest);
                vec![set.map_err(|e| D::Error::custom(format!("[data]: {}", e.to_string().trim())))?]
            }
        };
        let or = |given: Option<usize>, default| given.unwrap_or(default);
        Ok(Self {
            memory_mb: or(section.memory_mb, MEMORY_MB),
            cache_mb: or(section.cache_mb, CACHE_MB),
            base: section.base,
            sets,
        })
    }
}

/// A petabyte, so that bytes can be counted.
const MOST_MEGABYTES: u64 = 1_000_000_000;
/// Epochs that draw a frame more often than this are meant to be several.
const MOST_SAMPLING: f64 = 1000.0;

impl Data {
    /// Where the keys of set `k` stand, for messages.
    pub fn place(&self, k: usize) -> String {
        match (self.sets.len(), &self.sets[k].name) {
            (1, _) => "data".into(),
            (_, Some(name)) => format!("data.sets \"{name}\""),
            (_, None) => format!("data.sets number {}", k + 1),
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        at_most("data.memory_mb", self.memory_mb as u64, MOST_MEGABYTES)?;
        at_most("data.cache_mb", self.cache_mb as u64, MOST_MEGABYTES)?;
        require(self.sets.iter().any(|s| !s.files.is_empty()), || {
            "data.files is empty: name at least one file to train on".to_string()
        })?;
        let mut names = BTreeSet::new();
        for (k, set) in self.sets.iter().enumerate() {
            let place = self.place(k);
            match &set.name {
                Some(name) => {
                    check_name(&place, name)?;
                    require(names.insert(name), || {
                        format!("two of data.sets have the name \"{name}\": rename one")
                    })?;
                }
                None => require(self.sets.len() == 1, || {
                    format!("{place} has no name: give each of several sets one, such as name = \"water\"")
                })?,
            }
            set.check(&place)?;
        }
        Ok(())
    }
}

/// Names of sets are column heads and parts of titles.
fn check_name(place: &str, name: &str) -> Result<()> {
    let fit = |c: char| c.is_alphanumeric() || "-_.+()".contains(c);
    require(!name.is_empty() && name.chars().all(fit), || {
        format!("{place}: a name consists of letters, digits and any of - _ . + ( )")
    })
}

impl DataSet {
    fn check(&self, place: &str) -> Result<()> {
        let trained = !self.files.is_empty();
        require(trained || !self.validation_files.is_empty() || !self.test_files.is_empty(), || {
            format!("{place} names no file: give files, validation_files or test_files")
        })?;
        require(trained || self.split == Split::default(), || {
            format!("{place}.split has no effect without files: name files, or drop it")
        })?;
        require(trained || self.sampling_weight.is_none(), || {
            format!(
                "{place}.sampling_weight has no effect on a set that is not trained on: name files, or drop it"
            )
        })?;
        if let Some(w) = self.sampling_weight {
            require(w > 0.0 && w <= MOST_SAMPLING, || {
                format!("{place}.sampling_weight = {w}: give a number above 0 and up to {MOST_SAMPLING}")
            })?;
        }
        if let Some(differences) = &self.differences {
            differences.check(place)?;
        }
        self.split.check(place, self.group.is_some())
    }
}

impl Differences {
    fn check(&self, place: &str) -> Result<()> {
        require(self.size.is_none_or(|n| n >= 3), || {
            format!(
                "{place}.differences.size: families cut so small would leave single frames, which have no differences; give 3 or more, \
                 or leave it out"
            )
        })?;
        let keys = [Some(&self.within), self.coefficient.as_ref()];
        require(keys.iter().flatten().all(|key| !key.is_empty()) && keys[1] != keys[0], || {
            format!("{place}.differences: within and coefficient are the names of two keys of the frames")
        })?;
        require(self.size.is_none() || self.coefficient.is_none(), || {
            format!(
                "{place}.differences.size has no effect with factors, which need the whole family: drop it"
            )
        })
    }
}

impl Split {
    fn check(&self, place: &str, grouped: bool) -> Result<()> {
        let fractions = [self.train_fraction, self.validation_fraction, self.test_fraction];
        let families = [
            ("train_fraction", fractions.map(|x| x.is_some())),
            ("train_count", [self.train_count, self.validation_count, self.test_count].map(|x| x.is_some())),
            (
                "train_per_group",
                [self.train_per_group, self.validation_per_group, self.test_per_group].map(|x| x.is_some()),
            ),
            (
                "train_list",
                [self.train_list.is_some(), self.validation_list.is_some(), self.test_list.is_some()],
            ),
        ];
        let used: Vec<_> = families.iter().filter(|(_, given)| given.contains(&true)).collect();
        require(used.len() <= 1, || {
            format!(
                "{place}.split mixes ways of splitting: keep the keys ending in one of _fraction, _count, _per_group, _list"
            )
        })?;
        if let Some((key, given)) = used.first() {
            require(given[0], || format!("{place}.split.{key} is missing: say how much is trained on"))?;
        }
        for x in fractions.into_iter().flatten() {
            within(&format!("{place}.split.*_fraction"), x, 0.0, 1.0 + 1e-12)?;
        }
        require(fractions.iter().flatten().sum::<f64>() <= 1.0 + 1e-9, || {
            format!("the fractions in {place}.split sum to more than 1: lower one of them")
        })?;
        require(self.seed.is_none() || self.train_list.is_none(), || {
            format!("{place}.split.seed has no effect with lists of frames: drop it")
        })?;
        require(grouped || !(self.whole_groups || self.train_per_group.is_some()), || {
            format!(
                "{place}.split goes by group but {place}.group is missing: name the frame key that holds the group, \
                 such as `system`"
            )
        })?;
        require(!self.whole_groups || self.train_fraction.is_some(), || {
            format!("{place}.split.whole_groups needs {place}.split.train_fraction")
        })
    }
}
