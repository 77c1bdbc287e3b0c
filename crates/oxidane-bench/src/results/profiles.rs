//! [`Profiles`]: errors of torsion scans, dissociation curves and crystal landscapes, up to a constant of each.

use oxidane_core::units::KCAL_PER_MOL;
use oxidane_math::statistics::Quality;
use serde::Serialize;

use super::{Headline, Missing, confidence, missing};
use crate::answers::{Energy, EnergyAnswer, Refusal};
use crate::plan::Profile;
use crate::sheet::{Cell, Figure, Panel, Sheet};
use crate::statistics::{ProfileErrors, mean, median};

/// So many of the worst profiles are listed for each model.
const WORST: usize = 5;
/// So many of them are drawn, of the first model.
const DRAWN: usize = 3;

/// One profile with the errors of each model.
#[derive(Debug, Clone, Serialize)]
pub struct Scan {
    /// Its name in the set.
    pub id: String,
    /// The part of the set.
    pub subset: String,
    /// Number of points.
    pub points: usize,
    /// Highest minus lowest reference energy in kcal/mol.
    pub height: f64,
    /// Of each model, in kcal/mol; `null` where a point has no energy.
    pub errors: Vec<Option<ProfileErrors>>,
    /// Root mean square over the points of the standard deviation that each model expects of an energy about their mean, in kcal/mol;
    /// `null` where it expects none.
    pub uncertainties: Vec<Option<f64>>,
    #[serde(skip)]
    refusals: Vec<Option<Refusal>>,
    #[serde(skip)]
    curves: Curves,
}

/// The numbers of a profile, for drawing.
#[derive(Debug, Clone)]
struct Curves {
    x: Vec<f64>,
    reference: Vec<f64>,
    values: Vec<Option<Vec<f64>>>,
    /// Of each point about the mean.
    uncertainties: Vec<Option<Vec<f64>>>,
}

/// Means over profiles.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Means {
    /// Number of profiles.
    pub profiles: usize,
    /// Mean over profiles of the mean-centred mean absolute error, kcal/mol.
    pub mae: f64,
    /// Its median over profiles.
    pub median_mae: f64,
    /// Mean over profiles of the mean-centred root mean square error, kcal/mol.
    pub rmse: f64,
    /// Mean absolute error of the heights, kcal/mol.
    pub barrier: f64,
    /// Mean signed error of the heights, kcal/mol.
    pub barrier_mean: f64,
    /// Mean rank correlation, of profiles that have one.
    pub rank_correlation: f64,
    /// Fraction of profiles whose lowest point is the reference's.
    pub same_lowest: f64,
}

/// Means of one model.
#[derive(Debug, Clone, Serialize)]
pub struct Scores {
    /// All profiles; `None` without any.
    pub overall: Option<Means>,
    /// By subset.
    pub subsets: Vec<(String, Option<Means>)>,
}

/// Results of profiles.
#[derive(Debug, Clone, Serialize)]
pub struct Profiles {
    /// Means of each model over what it computed.
    pub models: Vec<Scores>,
    /// Means of each model over what all of them computed, where that is less.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub common: Option<Vec<Scores>>,
    /// How well the uncertainties of each model tell its errors, both about the means of the profiles, in kcal/mol; `null` where it has none.
    pub confidence: Vec<Option<Quality>>,
    /// The same of whole profiles, by root mean squares over their points.
    pub confidence_of_profiles: Vec<Option<Quality>>,
    /// Every profile.
    pub profiles: Vec<Scan>,
    #[serde(skip)]
    axis: &'static str,
}

impl Profiles {
    pub(super) fn new(
        planned: &[(Profile, Vec<usize>)],
        axis: &'static str,
        answers: &[&[EnergyAnswer]],
        given: usize,
    ) -> Self {
        let scans: Vec<_> = planned.iter().map(|(p, places)| Scan::new(p, places, answers, given)).collect();
        let count = answers.len() + given;
        let shared = |scan: &Scan| scan.errors.iter().all(Option::is_some);
        let differ = scans.iter().any(|s| !shared(s) && s.errors.iter().any(Option::is_some));
        let common =
            (count > 1 && differ).then(|| (0..count).map(|m| Scores::new(&scans, m, shared)).collect());
        let models = (0..count).map(|m| Scores::new(&scans, m, |_| true)).collect();
        let confidence = (0..count).map(|m| confident(&scans, m)).collect();
        let whole = |m: usize| -> Vec<_> {
            scans.iter().filter_map(|s| Some((s.uncertainties[m]?, s.errors[m]?.rmse))).collect()
        };
        let confidence_of_profiles = (0..count).map(|m| Quality::new(&whole(m))).collect();
        Self { models, common, confidence, confidence_of_profiles, profiles: scans, axis }
    }

    pub(super) fn headline(&self) -> Headline {
        let values = self.models.iter().map(|s| s.overall.map(|e| e.mae)).collect();
        Headline { what: "mean-centred MAE / kcal/mol".into(), values }
    }

    pub(super) fn missing(&self, models: &[String]) -> Vec<Missing> {
        let mut list = Vec::new();
        for (m, model) in models.iter().enumerate() {
            for scan in &self.profiles {
                if let Some(refusal) = &scan.refusals[m] {
                    missing::add(&mut list, model, &scan.subset, &scan.id, refusal);
                }
            }
        }
        list
    }

    pub(super) fn sheets(&self, models: &[String]) -> Vec<Sheet> {
        let title = "Means over profiles, each about its own mean, kcal/mol";
        let mut sheets = vec![self.means(title, models, &self.models)];
        if let Some(common) = &self.common {
            let title = "Means over the profiles that all models computed, kcal/mol";
            sheets.push(self.means(title, models, common));
        }
        sheets.push(self.worst(models));
        sheets.extend(confidence::sheet(
            "energies about the means of their profiles",
            models,
            &[("points", &self.confidence), ("profiles", &self.confidence_of_profiles)],
        ));
        sheets
    }

    fn means(&self, title: &str, models: &[String], scores: &[Scores]) -> Sheet {
        let heads = [
            "model",
            "subset",
            "profiles",
            "MAE",
            "median",
            "RMSE",
            "height MAE",
            "height mean",
            "rank corr.",
            "lowest",
        ];
        let mut rows = Vec::new();
        for (model, s) in models.iter().zip(scores) {
            let subsets = if s.subsets.len() > 1 { &s.subsets[..] } else { &[] };
            let all = std::iter::once(("all", &s.overall)).chain(subsets.iter().map(|(n, e)| (&**n, e)));
            for (subset, means) in all {
                let number = |of: fn(&Means) -> f64, decimals| Cell::maybe(means.as_ref().map(of), decimals);
                rows.push(vec![
                    Cell::text(model),
                    Cell::text(subset),
                    Cell::Count(means.map_or(0, |m| m.profiles)),
                    number(|m| m.mae, 3),
                    number(|m| m.median_mae, 3),
                    number(|m| m.rmse, 3),
                    number(|m| m.barrier, 3),
                    number(|m| m.barrier_mean, 3),
                    number(|m| m.rank_correlation, 3),
                    number(|m| m.same_lowest, 2),
                ]);
            }
        }
        let remark = "height: highest minus lowest energy of a profile; lowest: fraction of profiles whose lowest point is the \
                      reference's";
        Sheet {
            title: title.into(),
            heads: heads.map(String::from).into(),
            rows,
            remark: Some(remark.into()),
        }
    }

    /// The profiles of a model with the largest errors, worst first.
    fn worst_of(&self, model: usize) -> Vec<(&Scan, ProfileErrors)> {
        let mut all: Vec<_> = self.profiles.iter().filter_map(|s| Some((s, s.errors[model]?))).collect();
        all.sort_by(|a, b| b.1.mae.total_cmp(&a.1.mae));
        all
    }

    fn worst(&self, models: &[String]) -> Sheet {
        let mut rows = Vec::new();
        for (m, model) in models.iter().enumerate() {
            for (scan, errors) in self.worst_of(m).into_iter().take(WORST) {
                rows.push(vec![
                    Cell::text(model),
                    Cell::text(&*scan.id),
                    Cell::text(&*scan.subset),
                    Cell::Number(scan.height, 2),
                    Cell::Number(errors.mae, 3),
                    Cell::Number(errors.barrier, 3),
                    Cell::maybe(errors.rank_correlation, 3),
                ]);
            }
        }
        let heads = ["model", "profile", "subset", "height", "MAE", "height error", "rank corr."];
        Sheet {
            title: "Worst profiles, kcal/mol".into(),
            heads: heads.map(String::from).into(),
            rows,
            remark: None,
        }
    }

    pub(super) fn figures(&self, models: &[String]) -> Vec<Figure> {
        let quantiles = models.iter().enumerate().map(|(m, name)| {
            let mut sorted: Vec<_> = self.worst_of(m).into_iter().map(|(_, e)| e.mae).collect();
            sorted.reverse();
            #[allow(clippy::cast_precision_loss)] // profiles
            let percent = |i: usize| 100.0 * (i + 1) as f64 / sorted.len() as f64;
            (name.clone(), sorted.iter().enumerate().map(|(i, &mae)| (percent(i), mae)).collect())
        });
        let share = Panel {
            title: "How many profiles have at most this error".into(),
            x: "profiles / %".into(),
            y: "mean-centred MAE / (kcal/mol)".into(),
            series: quantiles.collect(),
        };
        let worst = self.worst_of(0);
        let drawn = worst.iter().take(DRAWN).map(|(scan, _)| {
            let first = models.first().map_or("", |name| name);
            scan.panel(self.axis, &format!("{}, among the worst of {first}", scan.id), models)
        });
        let lines = [("Errors of the profiles", vec![share]), ("Worst profiles", drawn.collect())];
        let lines = lines.map(|(title, panels)| Figure::Lines { title: title.into(), panels });
        lines.into_iter().chain(confidence::figure(models, &self.confidence)).collect()
    }
}

/// Uncertainties of a model against its errors, by point and about the means.
fn confident(scans: &[Scan], model: usize) -> Option<Quality> {
    let mut pairs = Vec::new();
    for curves in scans.iter().map(|s| &s.curves) {
        let (Some(values), Some(uncertainties)) = (&curves.values[model], &curves.uncertainties[model])
        else {
            continue;
        };
        let errors: Vec<_> = values.iter().zip(&curves.reference).map(|(v, r)| v - r).collect();
        let centre = mean(errors.iter().copied());
        pairs.extend(uncertainties.iter().zip(&errors).map(|(u, e)| (*u, e - centre)));
    }
    Quality::new(&pairs)
}

/// The standard deviations of energies about their mean, in kcal/mol; `None` where they are not known.
#[allow(clippy::cast_precision_loss)] // points
fn about_the_mean(energies: &[Energy]) -> Option<Vec<f64>> {
    let mut centre = Energy::from(0.0);
    energies.iter().for_each(|e| centre.add(1.0 / energies.len() as f64, e));
    let centred = energies.iter().map(|e| {
        let mut difference = e.clone();
        difference.add(-1.0, &centre);
        Some(difference.uncertainty()? / KCAL_PER_MOL)
    });
    centred.collect()
}

impl Scan {
    fn new(profile: &Profile, places: &[usize], answers: &[&[EnergyAnswer]], given: usize) -> Self {
        let reference: Vec<_> = profile.points.iter().map(|p| p.reference).collect();
        let computed = answers.iter().map(|energies| {
            let point = |(p, &place): (&crate::plan::Point, &usize)| {
                let mut scaled = Energy::from(0.0);
                energies[place].as_ref().map(|e| scaled.add(p.scale, e)).map_err(Clone::clone)?;
                Ok(scaled)
            };
            profile.points.iter().zip(places).map(point).collect::<std::result::Result<Vec<_>, Refusal>>()
        });
        let computed: Vec<_> = computed.collect();
        let uncertainties = computed.iter().map(|e| about_the_mean(e.as_ref().ok()?));
        let uncertainties: Vec<_> = uncertainties.chain((0..given).map(|_| None)).collect();
        let in_kcal = |energies: Vec<Energy>| energies.iter().map(|e| e.value / KCAL_PER_MOL).collect();
        let with_set = (0..given).map(|g| Ok(profile.points.iter().map(|p| p.given[g]).collect()));
        let values: Vec<_> = computed.into_iter().map(|e| e.map(in_kcal)).chain(with_set).collect();
        let root_mean_square = |u: &Option<Vec<f64>>| Some(mean(u.as_ref()?.iter().map(|x| x * x)).sqrt());
        let of = |v: &std::result::Result<Vec<f64>, Refusal>| {
            v.as_ref().ok().map(|v| ProfileErrors::of(v, &reference))
        };
        let (low, high) =
            reference.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &r| (l.min(r), h.max(r)));
        Self {
            id: profile.id.clone(),
            subset: profile.subset.clone(),
            points: places.len(),
            height: high - low,
            errors: values.iter().map(of).collect(),
            uncertainties: uncertainties.iter().map(root_mean_square).collect(),
            refusals: values.iter().map(|v| v.as_ref().err().cloned()).collect(),
            curves: Curves {
                x: profile.points.iter().map(|p| p.x).collect(),
                reference,
                values: values.into_iter().map(std::result::Result::ok).collect(),
                uncertainties,
            },
        }
    }

    /// The energies about their means, by x.
    fn panel(&self, axis: &str, title: &str, models: &[String]) -> Panel {
        let curve = |values: &[f64]| {
            let centre = mean(values.iter().copied());
            let mut points: Vec<_> =
                self.curves.x.iter().zip(values).map(|(&x, v)| (x, v - centre)).collect();
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            points
        };
        let computed = models.iter().zip(&self.curves.values);
        let computed = computed.filter_map(|(name, v)| Some((name.clone(), curve(v.as_ref()?))));
        Panel {
            title: title.into(),
            x: axis.into(),
            y: "energy / (kcal/mol)".into(),
            series: std::iter::once(("reference".into(), curve(&self.curves.reference)))
                .chain(computed)
                .collect(),
        }
    }
}

impl Scores {
    fn new(scans: &[Scan], model: usize, counts: impl Fn(&Scan) -> bool) -> Self {
        let mut names: Vec<&str> = Vec::new();
        for scan in scans {
            if !names.contains(&&*scan.subset) {
                names.push(&scan.subset);
            }
        }
        let means = |subset: Option<&str>| {
            let within = scans.iter().filter(|s| subset.is_none_or(|n| s.subset == n) && counts(s));
            Means::of(&within.filter_map(|s| s.errors[model]).collect::<Vec<_>>())
        };
        let subsets = names.iter().map(|&name| (name.to_owned(), means(Some(name)))).collect();
        Self { overall: means(None), subsets }
    }
}

impl Means {
    fn of(errors: &[ProfileErrors]) -> Option<Self> {
        if errors.is_empty() {
            return None;
        }
        let over = |of: fn(&ProfileErrors) -> f64| mean(errors.iter().map(of));
        Some(Self {
            profiles: errors.len(),
            mae: over(|e| e.mae),
            median_mae: median(errors.iter().map(|e| e.mae)),
            rmse: over(|e| e.rmse),
            barrier: over(|e| e.barrier.abs()),
            barrier_mean: over(|e| e.barrier),
            rank_correlation: mean(errors.iter().filter_map(|e| e.rank_correlation)),
            same_lowest: over(|e| f64::from(u8::from(e.same_lowest))),
        })
    }
}
