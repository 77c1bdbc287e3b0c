//! Losses and their exact derivatives with respect to the outputs of a network.
//!
//! The loss of a batch is L = sum_p w_p (1 / n_p) sum_k l_p(x_k), where p runs over the terms of the
//! configuration and x_k = prediction - label over the *components* of property p present in the batch:
//!
//! | term | component | n_p |
//! |---|---|---|
//! | `energy` | E of a structure | structures with an energy |
//! | `energy_per_atom` | E/N of a structure | structures with an energy |
//! | `forces` | x, y, z of every atom (the atom, for `norm`) | components (atoms) with forces |
//! | `virial`, `stress` | the nine elements | 9 x structures with the label |
//! | `charges` | every atom | atoms with charges |
//! | `dipole` | x, y, z (the structure, for `norm`) | components (structures) with a dipole |
//! | `polarizability` | the nine elements | 9 x structures with the label |
//! | `energy_differences` | E minus its mean over the family, or sum of factor times E of a family | these differences |
//!
//! Families are the runs of structures that belong together in a batch (see [`crate::data::Member`]); one structure alone has no
//! difference from the mean. Where factors make one difference of a family, all of its structures have the same weight.
//!
//! A component of a structure with weight w counts w times in the sum (not in n_p). Missing labels take no part. Structures of
//! all sets and heads count alike; the energy of each is that of its head with the head's reference energies.

use crate::config::{LossKind, LossTerm, Losses};
use crate::data::{
    Differences, Labelled, Present, ReferenceEnergies, Summary, runs, runs_of, with_references,
};
use oxidane_core::Request;
use oxidane_models::{Batch, Outputs};

/// Number of terms a loss can have.
pub const TERMS: usize = 9;

/// One number per term, in the order of [`Losses::named`].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PerTerm(pub [f64; TERMS]);

pub(crate) const ENERGY: usize = 0;
const ENERGY_PER_ATOM: usize = 1;
pub(crate) const FORCES: usize = 2;
const VIRIAL: usize = 3;
const STRESS: usize = 4;
const CHARGES: usize = 5;
const DIPOLE: usize = 6;
const POLARIZABILITY: usize = 7;
pub(crate) const ENERGY_DIFFERENCES: usize = 8;

impl PerTerm {
    /// Sum over the terms.
    pub fn total(&self) -> f64 {
        self.0.iter().sum()
    }
    /// Term by term.
    pub fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(a, b)| *a += b);
    }
}

/// A loss as configured.
#[derive(Debug, Clone)]
pub struct Loss {
    terms: [Option<LossTerm>; TERMS],
}

/// Value and derivative of one term's function at x.
fn penalty(term: &LossTerm, x: f64) -> (f64, f64) {
    let (a, beta) = (x.abs(), term.width());
    // The derivative of |x| at 0 is taken as 0.
    let sign = if x == 0.0 { 0.0 } else { x.signum() };
    match term.kind {
        LossKind::L1 | LossKind::Norm => (a, sign),
        LossKind::L2 => (x * x, 2.0 * x),
        LossKind::SmoothL1 if a < beta => (0.5 * x * x / beta, x / beta),
        LossKind::SmoothL1 => (a - 0.5 * beta, sign),
        LossKind::Huber if a < beta => (0.5 * x * x, x),
        LossKind::Huber => (beta * (a - 0.5 * beta), beta * sign),
    }
}

/// Adds the penalty of a 3-vector of differences; the derivative goes through `seed`.
fn vector(term: &LossTerm, factor: f64, difference: [f64; 3], seed: &mut [f64; 3]) -> f64 {
    if term.kind == LossKind::Norm {
        let norm = difference.iter().map(|x| x * x).sum::<f64>().sqrt();
        if norm > 0.0 {
            (0..3).for_each(|c| seed[c] += factor * difference[c] / norm);
        }
        return factor * norm;
    }
    let mut sum = 0.0;
    for c in 0..3 {
        let (value, slope) = penalty(term, difference[c]);
        sum += factor * value;
        seed[c] += factor * slope;
    }
    sum
}

/// Adds the penalty of `scale` times the difference of two matrices; the derivative by the prediction goes through `seed`.
fn matrix(
    term: &LossTerm,
    factor: f64,
    scale: f64,
    prediction: &[[f64; 3]; 3],
    label: &[[f64; 3]; 3],
    seed: &mut [[f64; 3]; 3],
) -> f64 {
    let mut sum = 0.0;
    for (a, b) in (0..9).map(|c| (c / 3, c % 3)) {
        let (value, slope) = penalty(term, scale * (prediction[a][b] - label[a][b]));
        sum += factor * value;
        seed[a][b] += factor * slope * scale;
    }
    sum
}

impl Loss {
    /// The loss of a configuration. Terms of weight 0 are dropped.
    pub fn new(config: &Losses) -> Self {
        Self { terms: config.named().map(|(_, t)| t.filter(|t| t.weight > 0.0)) }
    }

    /// What a network must compute for structures with these labels.
    pub fn request(&self, labels: impl Iterator<Item = Present>) -> Request {
        let has = |k: usize| self.terms[k].is_some();
        let mut request = Request::default();
        for l in labels {
            request.energy |= (has(ENERGY) || has(ENERGY_PER_ATOM)) && l.energy;
            request.energy |= has(ENERGY_DIFFERENCES) && l.energy_differences;
            request.forces |= has(FORCES) && l.forces;
            request.virial |= (has(VIRIAL) && l.virial) || (has(STRESS) && l.stress);
            request.charges |= has(CHARGES) && l.charges;
            request.dipole |= has(DIPOLE) && l.dipole;
            request.polarizability |= has(POLARIZABILITY) && l.polarizability;
        }
        request
    }

    /// The number of components n_p of each term in a batch.
    pub fn counts<'a>(&self, frames: impl Iterator<Item = &'a Summary>) -> PerTerm {
        let is_norm = |k: usize| self.terms[k].is_some_and(|t: LossTerm| t.kind == LossKind::Norm);
        let vector = |k: usize| if is_norm(k) { 1.0 } else { 3.0 };
        let mut n = PerTerm::default();
        let frames: Vec<_> = frames.collect();
        for run in runs_of(&frames) {
            let members: Vec<_> = frames[run.clone()].iter().map(|f| f.member).collect();
            n.0[ENERGY_DIFFERENCES] += Differences::of(&members).map_or(0, |d| d.count(run.len())) as f64;
        }
        for f in frames {
            let (l, atoms) = (f.labels, f64::from(f.atoms));
            let components = [
                (l.energy, 1.0),
                (l.energy, 1.0),
                (l.forces, vector(FORCES) * atoms),
                (l.virial, 9.0),
                (l.stress, 9.0),
                (l.charges, atoms),
                (l.dipole, vector(DIPOLE)),
                (l.polarizability, 9.0),
            ];
            n.0.iter_mut().zip(components).for_each(|(n, (there, c))| *n += if there { c } else { 0.0 });
        }
        n
    }

    /// The part of the loss (by term, weights included) that the structures of `batch` contribute, and its
    /// derivatives with respect to `outputs`. `frames` are the structures of `batch` in order, `counts` the n_p
    /// of the whole batch of which `batch` may be a part, `references` the reference energies of each head.
    pub fn evaluate(
        &self,
        batch: &Batch,
        frames: &[&Labelled],
        references: &[ReferenceEnergies],
        outputs: &Outputs,
        counts: &PerTerm,
    ) -> (PerTerm, Outputs) {
        let mut sum = PerTerm::default();
        let mut seeds = zeros(outputs);
        for (s, frame) in frames.iter().enumerate() {
            let atoms = batch.atoms_of(s);
            // Term and factor where both the term and the label are there.
            let of = |k: usize| self.terms[k].map(|t| (t, t.weight * frame.weight / counts.0[k]));
            if let Some(label) = frame.total_energy().filter(|_| !outputs.energy.is_empty()) {
                let x = with_references(outputs.energy[s], frame, references) - label;
                for (k, scale) in [(ENERGY, 1.0), (ENERGY_PER_ATOM, 1.0 / atoms.len() as f64)] {
                    let Some((term, factor)) = of(k) else { continue };
                    let (value, slope) = penalty(&term, scale * x);
                    sum.0[k] += factor * value;
                    seeds.energy[s] += factor * slope * scale;
                }
            }
            if let (Some(labels), Some((term, factor))) = (&frame.forces, of(FORCES)) {
                for (i, label) in atoms.clone().zip(labels) {
                    let x = std::array::from_fn(|c| outputs.forces[i][c] - label[c]);
                    sum.0[FORCES] += vector(&term, factor, x, &mut seeds.forces[i]);
                }
            }
            if let Some(label) = &frame.virial {
                let stress = frame.stress_factor().unwrap_or(0.0);
                for (k, scale) in [(VIRIAL, 1.0), (STRESS, stress)] {
                    let Some((term, factor)) = of(k).filter(|_| scale != 0.0) else { continue };
                    let (prediction, seed) = (&outputs.virial[s], &mut seeds.virial[s]);
                    sum.0[k] += matrix(&term, factor, scale, prediction, label, seed);
                }
            }
            if let (Some(labels), Some((term, factor))) = (&frame.charges, of(CHARGES)) {
                for (i, label) in atoms.zip(labels) {
                    let (value, slope) = penalty(&term, outputs.charges[i] - label);
                    sum.0[CHARGES] += factor * value;
                    seeds.charges[i] += factor * slope;
                }
            }
            if let (Some(label), Some((term, factor))) = (&frame.dipole, of(DIPOLE)) {
                let x = std::array::from_fn(|c| outputs.dipole[s][c] - label[c]);
                sum.0[DIPOLE] += vector(&term, factor, x, &mut seeds.dipole[s]);
            }
            if let (Some(label), Some((term, factor))) = (&frame.polarizability, of(POLARIZABILITY)) {
                let (prediction, seed) = (&outputs.polarizability[s], &mut seeds.polarizability[s]);
                sum.0[POLARIZABILITY] += matrix(&term, factor, 1.0, prediction, label, seed);
            }
        }
        (sum, seeds)
    }

    /// The same of the differences of energies of structures that belong together; their derivatives are added to `seeds`.
    pub fn evaluate_differences(
        &self,
        frames: &[&Labelled],
        references: &[ReferenceEnergies],
        outputs: &Outputs,
        counts: &PerTerm,
        seeds: &mut Outputs,
    ) -> f64 {
        let (Some(term), false) = (self.terms[ENERGY_DIFFERENCES], outputs.energy.is_empty()) else {
            return 0.0;
        };
        let (mut sum, scale) = (0.0, term.weight / counts.0[ENERGY_DIFFERENCES]);
        let members: Vec<_> = frames.iter().map(|f| f.member).collect();
        for run in runs(frames.len(), |s| (frames[s].member, frames[s].origin)) {
            let Some(differences) = Differences::of(&members[run.clone()]) else { continue };
            let error = |s: usize| {
                with_references(outputs.energy[s], frames[s], references)
                    - frames[s].energy.unwrap_or(f64::NAN)
            };
            let errors: Vec<f64> = run.clone().map(error).collect();
            let (value, slopes) = penalties(&term, scale, &frames[run.clone()], &differences.apply(&errors));
            sum += value;
            seeds.energy[run].iter_mut().zip(differences.reverse(&slopes)).for_each(|(seed, s)| *seed += s);
        }
        sum
    }

    /// The part of the loss of errors `x` of the differences of energies of `frames`.
    pub fn value_of_differences(&self, frames: &[&Labelled], x: &[f64], counts: &PerTerm) -> PerTerm {
        let mut sum = PerTerm::default();
        if let Some(term) = self.terms[ENERGY_DIFFERENCES] {
            let scale = term.weight / counts.0[ENERGY_DIFFERENCES];
            sum.0[ENERGY_DIFFERENCES] = penalties(&term, scale, frames, x).0;
        }
        sum
    }
}

/// Penalties of errors of differences and their slopes, weights included.
fn penalties(term: &LossTerm, scale: f64, frames: &[&Labelled], x: &[f64]) -> (f64, Vec<f64>) {
    let each = x.iter().zip(frames).map(|(&x, frame)| {
        let (value, slope) = penalty(term, x);
        (scale * frame.weight * value, scale * frame.weight * slope)
    });
    let (values, slopes): (Vec<_>, Vec<_>) = each.unzip();
    (values.into_iter().sum(), slopes)
}

/// Outputs of zeros for what `like` holds, atomic energies left out.
fn zeros(like: &Outputs) -> Outputs {
    Outputs {
        energy: vec![0.0; like.energy.len()],
        forces: vec![[0.0; 3]; like.forces.len()],
        virial: vec![[[0.0; 3]; 3]; like.virial.len()],
        charges: vec![0.0; like.charges.len()],
        dipole: vec![[0.0; 3]; like.dipole.len()],
        polarizability: vec![[[0.0; 3]; 3]; like.polarizability.len()],
        ..Outputs::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Member, Origin};
    use oxidane_core::{Cell, System};

    fn frame() -> Labelled {
        let mut system = System::molecule(vec![8, 1, 1], vec![[0.0; 3], [1.0, 0.0, 0.0], [0.0, 1.0, 0.1]]);
        system.cell = Some(Cell::new([[4.0, 0.0, 0.0], [0.5, 5.0, 0.0], [0.0, 0.0, 6.0]]));
        Labelled {
            energy: Some(-3.0),
            forces: Some(vec![[0.1, -0.2, 0.3], [0.0, 0.5, 0.4], [-0.9, 0.2, 0.1]]),
            virial: Some([[0.3, 0.1, 0.0], [0.1, -0.2, 0.4], [0.0, 0.4, 0.7]]),
            charges: Some(vec![-0.4, 0.3, 0.1]),
            dipole: Some([0.3, 0.1, -0.2]),
            polarizability: Some([[1.3, 0.1, 0.0], [0.1, 1.2, 0.4], [0.0, 0.4, 1.7]]),
            weight: 1.5,
            ..Labelled::new(system)
        }
    }

    /// All terms and their derivatives.
    fn both(
        loss: &Loss,
        batch: &Batch,
        frames: &[&Labelled],
        references: &[ReferenceEnergies],
        outputs: &Outputs,
        counts: &PerTerm,
    ) -> (f64, Outputs) {
        let (sum, mut seeds) = loss.evaluate(batch, frames, references, outputs, counts);
        let differences = loss.evaluate_differences(frames, references, outputs, counts, &mut seeds);
        (sum.total() + differences, seeds)
    }

    fn summary(f: &Labelled) -> Summary {
        let (member, origin, labels) = (f.member, f.origin, f.present());
        Summary {
            atoms: f.system.len() as u32,
            labels,
            weight: f.weight,
            member,
            origin,
            ..Summary::default()
        }
    }

    fn joined(frames: &[&Labelled; 2]) -> Batch {
        let [a, b] = frames.map(|f| Batch::build(&f.system, 2.0).unwrap());
        Batch::concat(&[&a, &b])
    }

    fn outputs() -> Outputs {
        let wave = |k: usize| (1.7 * k as f64 + 0.3).sin();
        Outputs {
            energy: vec![0.4, -0.3],
            forces: (0..6).map(|i| std::array::from_fn(|c| wave(3 * i + c))).collect(),
            virial: (0..2)
                .map(|s| std::array::from_fn(|a| std::array::from_fn(|b| wave(40 + 9 * s + a + b))))
                .collect(),
            charges: (0..6).map(|i| wave(70 + i)).collect(),
            dipole: (0..2).map(|s| std::array::from_fn(|c| wave(90 + 3 * s + c))).collect(),
            polarizability: (0..2)
                .map(|s| std::array::from_fn(|a| std::array::from_fn(|b| wave(120 + 9 * s + a + b))))
                .collect(),
            ..Outputs::default()
        }
    }

    fn numbers(o: &mut Outputs) -> Vec<&mut f64> {
        let Outputs { energy, forces, virial, charges, dipole, polarizability, .. } = o;
        let flat =
            energy.iter_mut().chain(forces.iter_mut().flatten()).chain(virial.iter_mut().flatten().flatten());
        let flat = flat.chain(charges).chain(dipole.iter_mut().flatten());
        flat.chain(polarizability.iter_mut().flatten().flatten()).collect()
    }

    /// Every kind on every property against central differences, to 1e-7: step 1e-6 on losses of order 1 to 100 leaves
    /// an error of up to 1e-8 (rounding), and a factor of ten is allowed for; the kinks of L1 are farther than the
    /// step from all differences here.
    #[test]
    fn seeds_are_the_derivatives() {
        let full = frame();
        let partial = Labelled { forces: None, virial: None, charges: None, head: 1, ..frame() };
        let of_family = |f: &Labelled, only, coefficient, origin| Labelled {
            member: Some(Member { family: 3, coefficient, only }),
            origin: Origin { file: 0, frame: origin },
            ..f.clone()
        };
        let pairs = [
            [full.clone(), partial.clone()],
            [of_family(&full, false, None, 0), of_family(&partial, true, None, 1)],
            [of_family(&full, false, Some(2.0), 0), of_family(&partial, false, Some(-1.0), 1)],
        ];
        for pair in &pairs {
            seeds_of(pair);
        }
    }

    fn seeds_of(pair: &[Labelled; 2]) {
        let frames = [&pair[0], &pair[1]];
        let batch = joined(&frames);
        let mut references = vec![ReferenceEnergies::default(); 2];
        (references[0].values[1], references[0].values[8], references[1].values[8]) = (-0.5, -1.0, -1.7);
        for kind in [LossKind::L1, LossKind::L2, LossKind::SmoothL1, LossKind::Huber, LossKind::Norm] {
            let of = |weight: f64| Some(LossTerm { kind, weight, beta: Some(0.6) });
            let other = |weight: f64| {
                of(weight)
                    .map(|t| LossTerm { kind: if kind == LossKind::Norm { LossKind::L2 } else { kind }, ..t })
            };
            let loss = Loss::new(&Losses {
                energy: other(0.5),
                energy_per_atom: other(2.0),
                forces: of(3.0),
                virial: other(0.7),
                stress: other(10.0),
                charges: other(5.0),
                dipole: of(4.0),
                polarizability: other(0.3),
                energy_differences: other(0.9),
            });
            let counts = loss.counts(frames.map(summary).iter());
            let value = |o: &Outputs| both(&loss, &batch, &frames, &references, o, &counts).0;
            let mut o = outputs();
            let mut seeds = both(&loss, &batch, &frames, &references, &o, &counts).1;
            let seeds: Vec<f64> = numbers(&mut seeds).into_iter().map(|x| *x).collect();
            for k in 0..seeds.len() {
                let at = |o: &mut Outputs, h: f64| {
                    *numbers(o)[k] += h;
                    let v = value(o);
                    *numbers(o)[k] -= h;
                    v
                };
                let slope = (at(&mut o, 1e-6) - at(&mut o, -1e-6)) / 2e-6;
                assert!((slope - seeds[k]).abs() < 1e-7, "{kind:?} {k}: {slope} {}", seeds[k]);
            }
        }
    }

    /// Constants of a family do not count, and factors make one difference: 2 x 0.4 + 4 x (-0.3) = -0.4 against 2 x (-3) + 4 x 1 = -2.
    #[test]
    fn differences_in_numbers() {
        let member = |coefficient| Some(Member { family: 0, coefficient, only: true });
        let of = |energy, coefficient, origin| Labelled {
            energy: Some(energy),
            member: member(coefficient),
            weight: 1.0,
            origin: Origin { file: 0, frame: origin },
            ..frame()
        };
        let l1 = |weight| Some(LossTerm { kind: LossKind::L1, weight, beta: None });
        let loss = Loss::new(&Losses { energy: l1(7.0), energy_differences: l1(1.0), ..Losses::default() });
        let value = |pair: [Labelled; 2]| {
            let frames = [&pair[0], &pair[1]];
            let counts = loss.counts(frames.map(summary).iter());
            let references = [ReferenceEnergies::default()];
            let outputs = Outputs { energy: vec![0.4, -0.3], ..Outputs::default() };
            both(&loss, &joined(&frames), &frames, &references, &outputs, &counts).0
        };
        // Predictions differ by 0.7, labels by -5: each is half of 5.7 off the mean, whatever the constant.
        for constant in [0.0, 100.0] {
            let pair = [of(constant - 5.0, None, 0), of(constant, None, 1)];
            assert!((value(pair) - 2.85).abs() < 1e-12);
        }
        assert!((value([of(-3.0, Some(2.0), 0), of(1.0, Some(4.0), 1)]) - 1.6).abs() < 1e-12);
        // The same structure twice is two runs of one.
        assert_eq!(value([of(-5.0, None, 0), of(0.0, None, 0)]), 0.0);
    }

    /// The definitions in numbers: two structures, one without forces.
    #[test]
    fn means_run_over_what_is_present() {
        let (full, bare) = (frame(), Labelled { forces: None, weight: 1.0, ..frame() });
        let full = Labelled { weight: 1.0, ..full };
        let frames = [&full, &bare];
        let batch = joined(&frames);
        let l1 = |weight| Some(LossTerm { kind: LossKind::L1, weight, beta: None });
        let loss = Loss::new(&Losses { energy: l1(1.0), forces: l1(10.0), ..Losses::default() });
        let counts = loss.counts(frames.map(summary).iter());
        let o = Outputs { energy: vec![-2.0, -6.0], forces: vec![[1.0; 3]; 6], ..Outputs::default() };
        let (value, _) = loss.evaluate(&batch, &frames, &[ReferenceEnergies::default()], &o, &counts);
        let forces: f64 = full.forces.iter().flatten().flatten().map(|x| (1.0 - x).abs()).sum();
        assert!((value.0[0] - (1.0 + 3.0) / 2.0).abs() < 1e-14);
        assert!((value.0[2] - 10.0 * forces / 9.0).abs() < 1e-13);
    }
}
