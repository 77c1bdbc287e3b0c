//! The uncertainty of a trained head, from the features of its network (see [`oxidane_models::PredictionRigidity`]): quadratic forms over the
//! structures trained on, their size set by errors on structures that were not: of their energies, and of the differences within families.

use crate::data::{Differences, Labelled, TrainingData, by_family, with_references};
use crate::gradient::Context;
use faer::{Mat, Side};
use oxidane_core::{Error, Request, Result};
use oxidane_math::Real;
use oxidane_models::file::Calibration;
use oxidane_models::{Network, PredictionRigidity, Scratch, Tensor};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Most structures and most atoms trained on whose features are taken, evenly spread over all.
const MOST: [usize; 2] = [20_000, 100_000];

/// Chunks in memory at once; results are added up in order.
const WAVE: usize = 64;

/// Fewest errors that set the size of the uncertainty.
const LEAST: usize = 8;

/// An uncertainty and what it comes from.
#[derive(Debug, Clone)]
pub struct Fitted {
    /// The quadratic forms.
    pub layer: PredictionRigidity,
    /// What a model file says of them.
    pub calibration: Calibration,
}

/// The features of a structure, or a difference of those of several, as [`Form::project`] gives them, with the square of the error of its
/// energy.
type Known = (Vec<f64>, f64);

/// An energy or a difference of energies that means something, with the features that it comes from.
struct Energy {
    features: Vec<f64>,
    /// Predicted less labelled; NaN without a label.
    error: f64,
    kind: Kind,
}

/// The set that it is of, and whether it is a difference.
type Kind = (usize, bool);

/// Frames of one head: trained on, to set the size with, and to test it with.
pub struct Parts<'a> {
    /// Trained on.
    pub train: &'a [usize],
    /// Their errors set the size.
    pub calibrate: &'a [usize],
    /// Their errors test it.
    pub test: &'a [usize],
}

/// Fits the uncertainty of the energies of a head. `None` where the network has none, or where there are too few labelled energies
/// outside the training frames.
///
/// # Errors
/// The network refuses a structure.
pub fn fit<R: Real>(
    context: &Context,
    network: &dyn Network<R>,
    parts: &Parts<'_>,
) -> Result<Option<Fitted>> {
    let labelled = |frames: &[usize]| -> Vec<usize> {
        let known = |&i: &usize| {
            let labels = context.data.summary(i).labels;
            labels.energy || labels.energy_differences
        };
        frames.iter().copied().filter(known).collect()
    };
    let (calibrate, test) = (labelled(parts.calibrate), labelled(parts.test));
    if !network.capabilities().uncertainty || calibrate.len() < LEAST || parts.train.is_empty() {
        return Ok(None);
    }
    let train = spread(context, parts.train);
    let mut atoms = Vec::new();
    let trained = energies(context, network, &train, &mut |last| atoms.extend_from_slice(last))?;
    let width = atoms.len() / train.iter().map(|&i| context.data.atoms(i)).sum::<usize>().max(1);
    if width == 0 {
        return Ok(None);
    }
    let errors = |frames: &[usize]| -> Result<Vec<Energy>> {
        let mut errors = energies(context, network, frames, &mut |_| ())?;
        errors.retain(|e| e.error.is_finite());
        Ok(errors)
    };
    let known = errors(&calibrate)?;
    if known.len() < LEAST {
        return Ok(None);
    }
    // Nothing was learned of energies where all families are of one structure.
    let Some(first) = trained.first() else { return Ok(None) };
    let of_structures = Form::new(&rows(&trained, &known), first.features.len())?;
    let of_atoms = Form::new(&atoms, width)?;
    let project = |e: &Energy| -> Known { (of_structures.project(&e.features), e.error * e.error) };
    let known: Vec<_> = known.iter().map(project).collect();
    let Some((regularization, scale)) = of_structures.size(&known) else { return Ok(None) };
    // Single precision halves the file, and changes deviations by 1e-7 of themselves.
    let energy = of_structures.root(regularization, scale).into_iter().map(|x| f64::from(x as f32)).collect();
    let found: Vec<_> = errors(&test)?.iter().map(project).collect();
    let total = |f: &dyn Fn(&Known) -> f64| found.iter().map(f).sum::<f64>();
    let variance = total(&|(p, _)| scale * of_structures.form(p, regularization));
    let tested = (variance > 0.0).then(|| (total(&|(_, e)| *e) / variance).sqrt());

    let floor = ROUNDING * of_atoms.largest();
    let strangest = atoms.chunks_exact(width).map(|row| of_atoms.form(&of_atoms.project(row), floor));
    let strangest = strangest.fold(0.0, f64::max);
    let atoms = of_atoms.root(floor, 1.0 / strangest);
    Ok(Some(Fitted {
        layer: PredictionRigidity::new(&row(energy), &row(atoms))?,
        calibration: Calibration { trained: train.len() as u64, calibrated: known.len() as u64, tested },
    }))
}

/// The uncertainty of each head that a setup's data train: its validation frames set the size, its test frames test it.
///
/// # Errors
/// As [`fit`].
pub fn fit_heads<R: Real>(
    context: &Context,
    network: &dyn Network<R>,
    data: &TrainingData,
    heads: u32,
) -> Result<Vec<Option<Fitted>>> {
    let of_head = |head: u32| {
        let own = |frames: &[usize]| -> Vec<usize> {
            frames.iter().copied().filter(|&i| data.data.summary(i).head == head).collect()
        };
        let (train, calibrate, test) =
            (data.trained_on(head), own(&data.parts.validation), own(&data.parts.test));
        fit(context, network, &Parts { train: &train, calibrate: &calibrate, test: &test })
    };
    (0..heads).map(of_head).collect()
}

/// Variance relative to the mean that counts where features say less, in the choice of the regularisation: the features of a complex whose parts are far
/// apart are those of the parts, but its base or its labels have errors.
const LEAST_VARIANCE: f64 = 0.01;

/// Directions in which the features of atoms vary less than this, relative to the largest, are rounding of single precision.
const ROUNDING: f64 = 1e-11;

/// At most about as many frames as [`MOST`] allows, evenly spread; families stay whole.
fn spread(context: &Context, frames: &[usize]) -> Vec<usize> {
    let frames = by_family(context.data, frames);
    let atoms: usize = frames.iter().map(|&i| context.data.atoms(i)).sum();
    let parts = frames.len().div_ceil(MOST[0]).max(atoms.div_ceil(MOST[1])).max(1);
    let runs = context.runs(&frames).into_iter().step_by(parts);
    runs.flat_map(|run| frames[run].to_vec()).collect()
}

/// The features of what was learned, one after another, as a regression weighs it: by the mean square error of its kind on structures not
/// trained on. (Energies within a torsion scan are known far better than the energy of the molecule.) Structures of which forces alone were learned count as
/// energies do on the mean.
fn rows(trained: &[Energy], known: &[Energy]) -> Vec<f64> {
    let mut squares: BTreeMap<Kind, (f64, f64)> = BTreeMap::new();
    for e in known {
        let (count, sum) = squares.entry(e.kind).or_default();
        *count += 1.0;
        *sum += e.error * e.error;
    }
    let (count, sum) = squares.values().fold((0.0, 0.0), |(c, s), x| (c + x.0, s + x.1));
    let usual = sum / count;
    let weight = |kind: &Kind| match squares.get(kind) {
        Some(&(count, sum)) if count >= LEAST as f64 && usual > 0.0 => {
            usual / (sum / count).max(LEAST_VARIANCE * usual)
        }
        _ => 1.0,
    };
    trained
        .iter()
        .flat_map(|e| {
            let root = weight(&e.kind).sqrt();
            e.features.iter().map(move |x| root * x)
        })
        .collect()
}

/// The energies that mean something by themselves, and all differences. `atoms` gets the last features of the atoms of each frame.
fn energies<R: Real>(
    context: &Context,
    network: &dyn Network<R>,
    frames: &[usize],
    atoms: &mut dyn FnMut(&[f64]),
) -> Result<Vec<Energy>> {
    let frames = by_family(context.data, frames);
    let (mut each, mut all) = (Vec::with_capacity(frames.len()), Vec::new());
    visit(context, network, &frames, |last, features, frame, energy| {
        atoms(last);
        let error = energy - frame.energy.unwrap_or(f64::NAN);
        if frame.member.is_none_or(|m| !m.only) {
            all.push(Energy { features: features.clone(), error, kind: (frame.set as usize, false) });
        }
        each.push((features, error));
    })?;
    for (run, differences) in context.differences(&frames) {
        let kind = (context.data.set(frames[run.start]), true);
        let found = differ(&differences, &each[run]).into_iter();
        all.extend(found.map(|(features, error)| Energy { features, error, kind }));
    }
    Ok(all)
}

/// The differences of features and errors of the structures of a family.
fn differ(differences: &Differences, structures: &[(Vec<f64>, f64)]) -> Vec<(Vec<f64>, f64)> {
    let errors = differences.apply(&structures.iter().map(|s| s.1).collect::<Vec<_>>());
    let width = structures.first().map_or(0, |s| s.0.len());
    let columns: Vec<Vec<f64>> = (0..width)
        .map(|k| differences.apply(&structures.iter().map(|s| s.0[k]).collect::<Vec<_>>()))
        .collect();
    let row = |(place, error): (usize, f64)| (columns.iter().map(|c| c[place]).collect(), error);
    errors.into_iter().enumerate().map(row).collect()
}

/// Calls `each` with the last features of each frame's atoms, the sum of all features over them, the frame and its energy, in order.
fn visit<R: Real>(
    context: &Context,
    network: &dyn Network<R>,
    frames: &[usize],
    mut each: impl FnMut(&[f64], Vec<f64>, &Labelled, f64),
) -> Result<()> {
    let request = Request { energy: true, uncertainty: true, ..Request::default() };
    for wave in context.chunks(frames).chunks(WAVE) {
        let results: Vec<Result<_>> = wave
            .par_iter()
            .map_init(Scratch::default, |scratch, chunk| {
                let loaded = context.load(chunk)?;
                let outputs = context.outputs(network, &loaded, request, scratch)?;
                Ok((loaded, outputs))
            })
            .collect();
        for result in results {
            let (loaded, outputs) = result?;
            let (features, all) = (&outputs.features, loaded.batch.atoms());
            let width = features.last.len() / all.max(1);
            for (s, frame) in loaded.frames.iter().enumerate() {
                let atoms = loaded.batch.atoms_of(s);
                let energy = with_references(outputs.energy[s], frame, context.references);
                let last = &features.last[atoms.start * width..atoms.end * width];
                each(last, features.sum(atoms, all), frame, energy);
            }
        }
    }
    Ok(())
}

/// sum_t f_t f_t^T in its eigenvectors.
struct Form {
    values: Vec<f64>,
    vectors: Mat<f64>,
}

impl Form {
    /// Of these rows.
    fn new(rows: &[f64], width: usize) -> Result<Self> {
        let mut sum = vec![0.0; width * width];
        for row in rows.chunks_exact(width) {
            for (line, &x) in sum.chunks_exact_mut(width).zip(row) {
                line.iter_mut().zip(row).for_each(|(s, y)| *s += x * y);
            }
        }
        let matrix = Mat::from_fn(width, width, |i, j| sum[i * width + j]);
        let eigen = matrix
            .self_adjoint_eigen(Side::Lower)
            .map_err(|_| Error::not_converged("the fit of the uncertainty did not converge"))?;
        let values = (0..width).map(|k| eigen.S().column_vector()[k].max(0.0)).collect();
        Ok(Self { values, vectors: eigen.U().to_owned() })
    }

    fn largest(&self) -> f64 {
        self.values.iter().copied().fold(f64::MIN_POSITIVE, f64::max)
    }

    /// The squares of the components of `f` along the eigenvectors.
    fn project(&self, f: &[f64]) -> Vec<f64> {
        let along = |k: usize| f.iter().enumerate().map(|(i, x)| self.vectors[(i, k)] * x).sum::<f64>();
        (0..self.values.len()).map(|k| along(k).powi(2)).collect()
    }

    /// f^T (F + regularization 1)^-1 f.
    fn form(&self, projected: &[f64], regularization: f64) -> f64 {
        projected.iter().zip(&self.values).map(|(p, v)| p / (v + regularization)).sum()
    }

    /// The regularisation, of a few to a decade, under which squared errors are the likeliest as those of a normal
    /// distribution, and the factor alpha^2 to it, which makes the mean square uncertainty that of the errors.
    /// `None` if there are no errors, or no features that tell them.
    fn size(&self, known: &[Known]) -> Option<(f64, f64)> {
        let (mut best, mut found) = (f64::NEG_INFINITY, None);
        for k in 0..40 {
            let regularization = self.largest() * 10f64.powf(-1.0 - f64::from(k) / 4.0);
            let forms: Vec<f64> = known.iter().map(|(p, _)| self.form(p, regularization)).collect();
            let mean = forms.iter().sum::<f64>() / known.len() as f64;
            let scale = known.iter().map(|(_, e)| e).sum::<f64>()
                / known.len() as f64
                / mean
                / (1.0 + LEAST_VARIANCE);
            let variances = forms.iter().map(|s| scale * (s + LEAST_VARIANCE * mean));
            let terms = known.iter().zip(variances).map(|((_, e), v)| -v.ln() - e / v);
            let likelihood = terms.sum::<f64>();
            if scale > 0.0 && likelihood > best {
                (best, found) = (likelihood, Some((regularization, scale)));
            }
        }
        found
    }

    /// The upper triangle, row by row, of a matrix whose product with features has the squared length scale * f^T (F + regularization 1)^-1 f.
    fn root(&self, regularization: f64, scale: f64) -> Vec<f64> {
        let n = self.values.len();
        let factor = |k: usize| (scale / (self.values[k] + regularization)).sqrt();
        let root = Mat::from_fn(n, n, |k, i| factor(k) * self.vectors[(i, k)]);
        let qr = root.qr();
        let triangle = qr.R();
        (0..n).flat_map(|i| (i..n).map(move |j| triangle[(i, j)])).collect()
    }
}

/// As it stands in a file.
fn row(data: Vec<f64>) -> Tensor {
    Tensor { shape: vec![data.len()], data }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the inverse of a two by two matrix by hand, and errors that are as large as the form says.
    #[test]
    fn forms_are_inverses_and_have_the_right_size() {
        // Sum of the outer products of (2, 0), (1, 1): [[5, 1], [1, 1]]; with 1 on the diagonal its inverse is [[2, -1], [-1, 6]] / 11.
        let form = Form::new(&[2.0, 0.0, 1.0, 1.0], 2).unwrap();
        let projected = form.project(&[1.0, 2.0]);
        let expected = (2.0 - 4.0 + 24.0) / 11.0;
        assert!((form.form(&projected, 1.0) - expected).abs() < 1e-13);
        let root = form.root(1.0, 4.0);
        let product = [root[0] + 2.0 * root[1], 2.0 * root[2]];
        assert!((product[0].powi(2) + product[1].powi(2) - 4.0 * expected).abs() < 1e-12);

        let regularization = form.largest() * 10f64.powf(-2.5);
        let known: Vec<_> =
            (1..20).map(|k| (form.project(&[f64::from(k % 5) + 1.0, f64::from(k % 7) - 3.0]), 0.0)).collect();
        let forms: Vec<f64> = known.iter().map(|(p, _)| form.form(p, regularization)).collect();
        let least = LEAST_VARIANCE * forms.iter().sum::<f64>() / forms.len() as f64;
        let known: Vec<_> =
            known.into_iter().zip(&forms).map(|((p, _), s)| (p, 0.09 * (s + least))).collect();
        let (found, scale) = form.size(&known).unwrap();
        assert!(
            (found / regularization - 1.0).abs() < 1e-9 && (scale / 0.09 - 1.0).abs() < 1e-9,
            "{found} {scale}"
        );
    }

    /// Squared errors of energies are 4 and of differences 1 (8 of each): the mean is 2.5, so that energies count 2.5 / 4 and differences 2.5; a
    /// kind without errors counts 1.
    #[test]
    fn kinds_count_by_their_errors() {
        let of = |kind: Kind, error: f64| Energy { features: vec![1.0, -2.0], error, kind };
        let kinds = [(0, false), (0, true), (1, false)];
        let known: Vec<_> = (0..LEAST).flat_map(|_| [of(kinds[0], -2.0), of(kinds[1], 1.0)]).collect();
        let rows = rows(&kinds.map(|kind| of(kind, f64::NAN)), &known);
        let roots = [(2.5f64 / 4.0).sqrt(), 2.5f64.sqrt(), 1.0];
        let expected: Vec<_> = roots.iter().flat_map(|r| [*r, -2.0 * r]).collect();
        assert!(rows.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-14), "{rows:?}");
    }

    /// By hand: about the mean, and as a sum with factors.
    #[test]
    fn differences_of_features_and_errors() {
        let structures = [(vec![1.0, 0.0], 0.5), (vec![3.0, 2.0], 1.0)];
        let about_mean = differ(&Differences::FromMean, &structures);
        assert_eq!(about_mean, [(vec![-1.0, -1.0], -0.25), (vec![1.0, 1.0], 0.25)]);
        let sum = differ(&Differences::Sum(vec![2.0, -1.0]), &structures);
        assert_eq!(sum, [(vec![-1.0, -2.0], 0.0)]);
    }
}
