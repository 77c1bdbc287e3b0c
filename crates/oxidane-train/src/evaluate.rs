//! Errors of a network on labelled structures, overall and by group, and the numbers of a parity plot.

use crate::config::{CHUNK_ATOMS, Losses};
use crate::data::{Dataset, EdgeCache, Labelled, ReferenceEnergies, by_family, with_references};
use crate::gradient::{Context, Loaded};
use crate::loss::{Loss, PerTerm};
use oxidane_core::{Request, Result};
use oxidane_math::Real;
use oxidane_models::{Network, Outputs, Scratch};
use rayon::prelude::*;
use serde::Serialize;

/// A property whose errors are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Property {
    /// Total energy, eV.
    Energy,
    /// Energy per atom, eV.
    EnergyPerAtom,
    /// Force components, eV/angstrom.
    Forces,
    /// Elements of the virial, eV.
    Virial,
    /// Elements of the stress, eV/angstrom^3.
    Stress,
    /// Atomic charges, e.
    Charges,
    /// Components of the dipole, e angstrom.
    Dipole,
    /// Elements of the polarisability, in the unit of the data.
    Polarizability,
    /// Differences of energies within families, eV.
    EnergyDifferences,
}

/// Number of properties.
pub const PROPERTIES: usize = 9;

impl Property {
    /// All, in the order of reports.
    pub const ALL: [Self; PROPERTIES] = [
        Self::Energy,
        Self::EnergyPerAtom,
        Self::Forces,
        Self::Virial,
        Self::Stress,
        Self::Charges,
        Self::Dipole,
        Self::Polarizability,
        Self::EnergyDifferences,
    ];

    /// Name as in logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Energy => "energy",
            Self::EnergyPerAtom => "energy_per_atom",
            Self::Forces => "forces",
            Self::Virial => "virial",
            Self::Stress => "stress",
            Self::Charges => "charges",
            Self::Dipole => "dipole",
            Self::Polarizability => "polarizability",
            Self::EnergyDifferences => "energy_differences",
        }
    }

    /// Unit of its errors.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Energy | Self::EnergyPerAtom | Self::EnergyDifferences | Self::Virial => "eV",
            Self::Forces => "eV/angstrom",
            Self::Stress => "eV/angstrom^3",
            Self::Charges => "e",
            Self::Dipole => "e angstrom",
            Self::Polarizability => "unit of the data",
        }
    }
}

/// Sums over the errors of one property.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Errors {
    /// Number of components.
    pub count: u64,
    absolute: f64,
    squared: f64,
    /// Largest absolute error.
    pub max: f64,
}

impl Errors {
    /// Adds one error.
    pub fn push(&mut self, error: f64) {
        self.count += 1;
        self.absolute += error.abs();
        self.squared += error * error;
        // Once not a number, always: `f64::max` would forget it.
        let forgotten = self.max.is_nan() || error.is_nan();
        self.max = if forgotten { f64::NAN } else { self.max.max(error.abs()) };
    }
    /// Mean absolute error.
    pub fn mae(&self) -> f64 {
        self.absolute / self.count as f64
    }
    /// Root of the mean squared error.
    pub fn rmse(&self) -> f64 {
        (self.squared / self.count as f64).sqrt()
    }
}

/// Errors by [`Property`].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ErrorTable([Errors; PROPERTIES]);

impl ErrorTable {
    /// Errors of a property, if any structure had its label.
    pub fn get(&self, property: Property) -> Option<Errors> {
        Some(self.0[property as usize]).filter(|e| e.count > 0)
    }
    /// The properties present.
    pub fn iter(&self) -> impl Iterator<Item = (Property, Errors)> + '_ {
        Property::ALL.into_iter().filter_map(|p| self.get(p).map(|e| (p, e)))
    }
}

/// Label and prediction of single components, for a plot.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parity {
    /// (label, prediction), at most as many as asked for, evenly spread over the data.
    pub pairs: Vec<(f64, f64)>,
    seen: u64,
    stride: u64,
}

impl Parity {
    /// Adds a pair; of more than `limit` pairs only some are kept, evenly spread.
    pub fn push(&mut self, limit: usize, pair: (f64, f64)) {
        if limit == 0 {
            return;
        }
        let stride = self.stride.max(1);
        if self.seen.is_multiple_of(stride) {
            if self.pairs.len() == limit {
                // Full: keep every other pair and go on half as densely.
                let mut k = 0;
                self.pairs.retain(|_| {
                    k += 1;
                    k % 2 == 1
                });
                self.stride = 2 * stride;
            }
            if self.seen.is_multiple_of(self.stride.max(1)) {
                self.pairs.push(pair);
            }
        }
        self.seen += 1;
    }
}

/// Errors on the structures of one set.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SetReport {
    /// The set, an index into [`crate::data::Dataset::sets`].
    pub set: usize,
    /// Structures evaluated.
    pub structures: usize,
    /// The loss over them alone, by term; zero where a term has no label.
    pub loss: PerTerm,
    /// Errors over them.
    pub errors: ErrorTable,
    /// Parity data by [`Property`], in the order of [`Property::ALL`]. Where a head has dispersion of its own, labels and
    /// predictions are without it.
    pub parity: [Parity; PROPERTIES],
}

/// What [`evaluate`] finds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// Structures evaluated.
    pub structures: usize,
    /// The loss over all of them, by term; zero where a term has no label.
    pub loss: PerTerm,
    /// Errors over all structures.
    pub overall: ErrorTable,
    /// Errors by group, in the order of [`crate::data::Dataset::groups`]; empty tables for absent groups.
    pub groups: Vec<ErrorTable>,
    /// Errors by set, those that there are structures of.
    pub sets: Vec<SetReport>,
}

impl Report {
    /// The mean over the sets of what `value` gives of each; sets without it do not count. Every set has the same weight,
    /// however large it is. Not a number if no set has it.
    pub fn mean(&self, value: impl Fn(&SetReport) -> Option<f64>) -> f64 {
        let values: Vec<f64> = self.sets.iter().filter_map(value).collect();
        values.iter().sum::<f64>() / values.len() as f64
    }
}

/// Evaluates a network on the structures `frames`: every property that it has and that is labelled. `parity_limit`
/// pairs are kept for each property of each set (0: none). Deterministic for any number of threads.
pub fn evaluate<R: Real>(
    context: &Context,
    network: &dyn Network<R>,
    frames: &[usize],
    parity_limit: usize,
) -> Result<Report> {
    let groups = vec![ErrorTable::default(); context.data.groups().len()];
    let mut report = Report { structures: frames.len(), groups, ..Report::default() };
    let frames = &by_family(context.data, frames);
    let counts = context.counts(frames);
    for set in 0..context.data.sets().len() {
        let own: Vec<usize> = frames.iter().copied().filter(|&i| context.data.set(i) == set).collect();
        if own.is_empty() {
            continue;
        }
        evaluate_set(context, network, &own, parity_limit, &mut report)?;
        // The loss over all is a mean over their components, those of this set a part of them.
        let (part, of_set) =
            (context.counts(&own), report.sets.last().map_or(PerTerm::default(), |s| s.loss));
        for (k, sum) in report.loss.0.iter_mut().enumerate().filter(|(k, _)| counts.0[*k] > 0.0) {
            *sum += of_set.0[k] * (part.0[k] / counts.0[k]);
        }
    }
    Ok(report)
}

/// Adds the structures `frames`, all of one set, to a report.
fn evaluate_set<R: Real>(
    context: &Context,
    network: &dyn Network<R>,
    frames: &[usize],
    parity_limit: usize,
    report: &mut Report,
) -> Result<()> {
    /// Chunks in memory at once; results are added up in order.
    const WAVE: usize = 64;
    let counts = context.counts(frames);
    let mut energies = Vec::new();
    let mut own =
        SetReport { set: context.data.set(frames[0]), structures: frames.len(), ..SetReport::default() };
    for wave in context.chunks(frames).chunks(WAVE) {
        let results: Vec<Result<(Loaded, PerTerm, Outputs)>> = wave
            .par_iter()
            .map_init(Scratch::default, |scratch, chunk| {
                let loaded = context.load(chunk)?;
                let labelled = loaded.labelled();
                let request = labels(&labelled).and(network.capabilities());
                let outputs = context.outputs(network, &loaded, request, scratch)?;
                let value =
                    context.loss.evaluate(&loaded.batch, &labelled, context.references, &outputs, &counts).0;
                Ok((loaded, value, outputs))
            })
            .collect();
        for result in results {
            let (loaded, value, outputs) = result?;
            own.loss.add(&value);
            if !outputs.energy.is_empty() {
                let each = loaded.frames.iter().zip(&outputs.energy);
                energies.extend(each.map(|(frame, energy)| {
                    let prediction = with_references(*energy, frame, context.references);
                    [frame.energy.unwrap_or(f64::NAN), prediction]
                }));
            }
            collect(context, &loaded, &outputs, report, &mut own, parity_limit);
        }
    }
    // All or none of the frames of a set with families have an energy.
    if energies.len() == frames.len() {
        collect_differences(context, frames, &energies, report, &mut own, parity_limit)?;
    }
    report.sets.push(own);
    Ok(())
}

/// Evaluates a network on a whole data set, such as [`crate::data::read_dataset`] gives; `references` are those of each
/// head. The report's loss is zero.
pub fn evaluate_dataset<R: Real>(
    network: &dyn Network<R>,
    references: &[ReferenceEnergies],
    data: &Dataset,
    parity_limit: usize,
) -> Result<Report> {
    let edges = EdgeCache::new(data, network.cutoff(), 0);
    let loss = Loss::new(&Losses::default());
    let context = Context { data, edges: &edges, references, loss: &loss, chunk_atoms: CHUNK_ATOMS };
    evaluate(&context, network, &(0..data.len()).collect::<Vec<_>>(), parity_limit)
}

/// What the labels allow to compare.
fn labels(frames: &[&Labelled]) -> Request {
    Request {
        energy: frames.iter().any(|f| f.energy.is_some()),
        forces: frames.iter().any(|f| f.forces.is_some()),
        virial: frames.iter().any(|f| f.virial.is_some()),
        charges: frames.iter().any(|f| f.charges.is_some()),
        dipole: frames.iter().any(|f| f.dipole.is_some()),
        polarizability: frames.iter().any(|f| f.polarizability.is_some()),
        ..Request::default()
    }
}

fn collect(
    context: &Context,
    chunk: &Loaded,
    outputs: &Outputs,
    report: &mut Report,
    set: &mut SetReport,
    limit: usize,
) {
    for (s, frame) in chunk.frames.iter().enumerate() {
        let atoms = chunk.batch.atoms_of(s);
        let (overall, group) = (&mut report.overall, &mut report.groups[frame.group as usize]);
        let (of_set, parity) = (&mut set.errors, &mut set.parity);
        let mut push = |p: Property, label: f64, prediction: f64| {
            overall.0[p as usize].push(prediction - label);
            group.0[p as usize].push(prediction - label);
            of_set.0[p as usize].push(prediction - label);
            parity[p as usize].push(limit, (label, prediction));
        };
        if let Some(label) = frame.total_energy().filter(|_| !outputs.energy.is_empty()) {
            let prediction = with_references(outputs.energy[s], frame, context.references);
            let n = atoms.len() as f64;
            push(Property::Energy, label, prediction);
            push(Property::EnergyPerAtom, label / n, prediction / n);
        }
        if let Some(labels) = frame.forces.as_ref().filter(|_| !outputs.forces.is_empty()) {
            for (label, prediction) in labels.iter().zip(&outputs.forces[atoms.clone()]) {
                (0..3).for_each(|c| push(Property::Forces, label[c], prediction[c]));
            }
        }
        if let Some(label) = frame.virial.filter(|_| !outputs.virial.is_empty()) {
            for (a, b) in (0..9).map(|c| (c / 3, c % 3)) {
                let prediction = outputs.virial[s][a][b];
                push(Property::Virial, label[a][b], prediction);
                if let Some(f) = frame.stress_factor() {
                    push(Property::Stress, f * label[a][b], f * prediction);
                }
            }
        }
        if let Some(labels) = frame.charges.as_ref().filter(|_| !outputs.charges.is_empty()) {
            for (&label, &prediction) in labels.iter().zip(&outputs.charges[atoms.clone()]) {
                push(Property::Charges, label, prediction);
            }
        }
        // Charges of a crystal have no dipole, whatever its label says.
        let none = frame.system.cell.is_some_and(|cell| cell.periodic.contains(&true))
            && outputs.dipole.get(s).is_some_and(|d| d.iter().all(|x| x.is_nan()));
        if let Some(label) = frame.dipole.filter(|_| !outputs.dipole.is_empty() && !none) {
            (0..3).for_each(|c| push(Property::Dipole, label[c], outputs.dipole[s][c]));
        }
        if let Some(label) = frame.polarizability.filter(|_| !outputs.polarizability.is_empty()) {
            for (a, b) in (0..9).map(|c| (c / 3, c % 3)) {
                push(Property::Polarizability, label[a][b], outputs.polarizability[s][a][b]);
            }
        }
    }
}

/// Adds the differences of the energies of families, which are compared as a whole. `energies`: label and prediction of each of `frames`; empty if
/// the network has none.
fn collect_differences(
    context: &Context,
    frames: &[usize],
    energies: &[[f64; 2]],
    report: &mut Report,
    set: &mut SetReport,
    limit: usize,
) -> Result<()> {
    let counts = context.counts(frames);
    if energies.is_empty() {
        return Ok(());
    }
    for (run, differences) in context.differences(frames) {
        let [labels, predictions] = [0, 1]
            .map(|k| differences.apply(&energies[run.clone()].iter().map(|e| e[k]).collect::<Vec<_>>()));
        let labelled =
            frames[run.clone()].iter().map(|&i| context.data.get(i)).collect::<Result<Vec<_>>>()?;
        let labelled: Vec<_> = labelled.iter().map(AsRef::as_ref).collect();
        let errors: Vec<f64> = predictions.iter().zip(&labels).map(|(p, l)| p - l).collect();
        set.loss.add(&context.loss.value_of_differences(&labelled, &errors, &counts));
        // One difference of a whole family counts for the group of its first structure.
        for ((error, frame), pair) in errors.iter().zip(labelled).zip(labels.iter().zip(&predictions)) {
            for table in [&mut report.overall, &mut report.groups[frame.group as usize], &mut set.errors] {
                table.0[Property::EnergyDifferences as usize].push(*error);
            }
            set.parity[Property::EnergyDifferences as usize].push(limit, (*pair.0, *pair.1));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parity_is_spread_evenly_and_bounded() {
        let mut p = Parity::default();
        (0..1000).for_each(|k| p.push(10, (f64::from(k), 0.0)));
        let firsts: Vec<f64> = p.pairs.iter().map(|x| x.0).collect();
        assert!(firsts.len() <= 10 && firsts.len() >= 5, "{firsts:?}");
        assert!(firsts.windows(2).all(|w| w[1] - w[0] == firsts[1] - firsts[0]), "{firsts:?}");
    }

    #[test]
    fn errors_in_numbers() {
        let mut e = Errors::default();
        [3.0, -4.0].into_iter().for_each(|x| e.push(x));
        assert_eq!((e.mae(), e.rmse(), e.max), (3.5, 12.5f64.sqrt(), 4.0));
        [f64::NAN, 1.0].into_iter().for_each(|x| e.push(x));
        assert!(e.max.is_nan() && e.mae().is_nan(), "an error that is not a number is not forgotten");
    }
}
