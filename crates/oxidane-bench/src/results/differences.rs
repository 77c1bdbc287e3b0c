//! [`Differences`]: errors of differences of energies, by subset.

use oxidane_core::units::KCAL_PER_MOL;
use oxidane_math::statistics::Quality;
use serde::Serialize;

use super::{Headline, Missing, confidence, missing};
use crate::answers::{Energy, EnergyAnswer, Refusal};
use crate::plan::{Planned, Weighting};
use crate::sheet::{Cell, Figure, Panel, Sheet};
use crate::statistics::{Errors, wtmad2};

/// One difference with the value of each model.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Its name in the set.
    pub id: String,
    /// The part of the set.
    pub subset: String,
    /// Reference value in kcal/mol.
    pub reference: f64,
    /// Of each model, in kcal/mol; `null` where it has none.
    pub values: Vec<Option<f64>>,
    /// Standard deviation that each model expects of its value, in kcal/mol; `null` where it expects none.
    pub uncertainties: Vec<Option<f64>>,
    /// The first refusal of each model.
    #[serde(skip)]
    refusals: Vec<Option<Refusal>>,
}

/// Errors of one model over a part of the entries.
#[derive(Debug, Clone, Serialize)]
pub struct Scores {
    /// All entries; `None` without any.
    pub overall: Option<Errors>,
    /// By subset, in the order of the set.
    pub subsets: Vec<(String, Option<Errors>)>,
    /// The weighted overall number in kcal/mol, of sets that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wtmad2: Option<f64>,
    /// The same within groups of subsets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub wtmad2_of_categories: Vec<(String, Option<f64>)>,
}

/// Results of differences.
#[derive(Debug, Clone, Serialize)]
pub struct Differences {
    /// Errors of each model on what it computed.
    pub models: Vec<Scores>,
    /// Errors of each model on what all of them computed, where that is less.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub common: Option<Vec<Scores>>,
    /// How well the uncertainties of each model tell its errors, in kcal/mol; `null` where it has none.
    pub confidence: Vec<Option<Quality>>,
    /// Every entry.
    pub entries: Vec<Entry>,
    /// How many subsets and reactions the complete set has, of sets with a weighted number.
    #[serde(skip)]
    complete: Option<(usize, usize)>,
}

impl Differences {
    pub(super) fn new(
        planned: &[Planned],
        weighting: Option<&Weighting>,
        answers: &[&[EnergyAnswer]],
    ) -> Self {
        let entries: Vec<_> = planned.iter().map(|plan| Entry::new(plan, answers)).collect();
        let count = answers.len();
        let everything = |_: &Entry| true;
        let models = (0..count).map(|m| Scores::new(&entries, m, everything, weighting)).collect();
        let shared = |entry: &Entry| entry.values.iter().all(Option::is_some);
        let differ = entries.iter().any(|e| !shared(e) && e.values.iter().any(Option::is_some));
        let common = (count > 1 && differ)
            .then(|| (0..count).map(|m| Scores::new(&entries, m, shared, weighting)).collect());
        let complete = weighting.map(|w| (w.subsets, w.reactions));
        let confidence = (0..count).map(|m| confident(&entries, m)).collect();
        Self { models, common, confidence, entries, complete }
    }

    pub(super) fn headline(&self) -> Headline {
        let (what, value): (_, fn(&Scores) -> Option<f64>) = if self.complete.is_some() {
            ("WTMAD-2 / kcal/mol", |s| s.wtmad2)
        } else {
            ("MAE / kcal/mol", |s| s.overall.map(|e| e.mae))
        };
        Headline { what: what.into(), values: self.models.iter().map(value).collect() }
    }

    pub(super) fn missing(&self, models: &[String]) -> Vec<Missing> {
        let mut list = Vec::new();
        for (m, model) in models.iter().enumerate() {
            for entry in &self.entries {
                if let Some(refusal) = &entry.refusals[m] {
                    missing::add(&mut list, model, &entry.subset, &entry.id, refusal);
                }
            }
        }
        list
    }

    pub(super) fn sheets(&self, models: &[String]) -> Vec<Sheet> {
        let mut sheets = vec![self.overall("All that each model computed, kcal/mol", models, &self.models)];
        if let Some(common) = &self.common {
            sheets.push(self.overall("What all models computed, kcal/mol", models, common));
        }
        if self.models.first().is_some_and(|s| s.subsets.len() > 1) {
            let all = self.by_subset("Mean absolute error by subset, kcal/mol", models, &self.models, false);
            sheets.push(all);
            if let Some(common) = &self.common {
                let title = "Mean absolute error by subset of what all models computed, kcal/mol";
                sheets.push(self.by_subset(title, models, common, true));
            }
        }
        sheets.extend(confidence::sheet("the differences", models, &[("differences", &self.confidence)]));
        sheets
    }

    /// A row per model.
    fn overall(&self, title: &str, models: &[String], scores: &[Scores]) -> Sheet {
        let mut heads: Vec<String> =
            ["model", "computed", "of", "MAE", "RMSE", "mean", "largest"].map(String::from).into();
        let mut categories = Vec::new();
        if self.complete.is_some() {
            heads.push("WTMAD-2".into());
            categories = scores.first().map_or(Vec::new(), |s| s.wtmad2_of_categories.clone());
            heads.extend(categories.iter().map(|(name, _)| name.clone()));
        }
        let rows = models.iter().zip(scores).map(|(model, s)| {
            let e = s.overall;
            let number = |of: fn(&Errors) -> f64| Cell::maybe(e.as_ref().map(of), 3);
            let computed = e.map_or(0, |e| e.count);
            let mut row = vec![Cell::text(model), Cell::Count(computed), Cell::Count(self.entries.len())];
            row.extend([number(|e| e.mae), number(|e| e.rmse), number(|e| e.mean), number(|e| e.max)]);
            if let Some((_, reactions)) = self.complete {
                let partial = computed < reactions;
                let weighted = |x: Option<f64>| match x {
                    Some(x) if partial => Cell::Part(x, 2),
                    x => Cell::maybe(x, 2),
                };
                row.push(weighted(s.wtmad2));
                row.extend(s.wtmad2_of_categories.iter().map(|(_, x)| weighted(*x)));
            }
            row
        });
        let rows: Vec<_> = rows.collect();
        Sheet { title: title.into(), heads, rows, remark: self.partial_remark(scores, &categories) }
    }

    fn partial_remark(&self, scores: &[Scores], categories: &[(String, Option<f64>)]) -> Option<String> {
        let (subsets, reactions) = self.complete?;
        let computed = scores.iter().filter_map(|s| s.overall).map(|e| e.count).min().unwrap_or(0);
        let present = self.models.first().map_or(0, |s| s.subsets.len());
        let mut text = "WTMAD-2 = sum of N_i MAE_i 56.84/|dE|_i over the subsets / sum of N_i, with |dE|_i from the reference values \
                        (Goerigk et al., PCCP 19, 32184 (2017))"
            .to_owned();
        if !categories.is_empty() {
            text.push_str("; behind it the same within the categories of that paper");
        }
        if computed < reactions {
            text.push_str(&format!(
                ". * partial: the complete set has {reactions} reactions in {subsets} subsets, here are {present} subsets"
            ));
        }
        Some(text)
    }

    /// A row per subset, a column per model. `common`: of what all models computed.
    fn by_subset(&self, title: &str, models: &[String], scores: &[Scores], common: bool) -> Sheet {
        let mut heads: Vec<String> = vec!["subset".into(), "number".into(), "mean |ref.|".into()];
        heads.extend(models.iter().cloned());
        let names = scores.first().map_or(&[][..], |s| &s.subsets[..]);
        let mut starred = false;
        let rows = names.iter().enumerate().map(|(k, (name, first))| {
            let members = || self.entries.iter().filter(|e| e.subset == *name);
            let total = members().count();
            let shown = if common { first.map_or(0, |e| e.count) } else { total };
            let scale = crate::statistics::mean(members().map(|e| e.reference.abs()));
            let mut row = vec![Cell::text(name), Cell::Count(shown), Cell::maybe(Some(scale), 2)];
            row.extend(scores.iter().map(|s| match s.subsets[k].1 {
                Some(e) if e.count < shown => {
                    starred = true;
                    Cell::Part(e.mae, 3)
                }
                e => Cell::maybe(e.map(|e| e.mae), 3),
            }));
            row
        });
        let rows: Vec<_> = rows.collect();
        let remark = starred.then(|| "* not all of the subset could be computed by this model".into());
        Sheet { title: title.into(), heads, rows, remark }
    }

    pub(super) fn figures(&self, models: &[String]) -> Vec<Figure> {
        let mut figures = Vec::new();
        let subsets = self.models.first().map_or(&[][..], |s| &s.subsets[..]);
        if subsets.len() > 1 {
            let series = models
                .iter()
                .zip(&self.models)
                .map(|(name, s)| (name.clone(), s.subsets.iter().map(|(_, e)| e.map(|e| e.mae)).collect()));
            figures.push(Figure::Bars {
                title: "Mean absolute error by subset".into(),
                y: "MAE / (kcal/mol)".into(),
                groups: subsets.iter().map(|(name, _)| name.clone()).collect(),
                series: series.collect(),
            });
        }
        let panels = models.iter().enumerate().map(|(m, name)| {
            let pairs = self.entries.iter().filter_map(|e| e.values[m].map(|v| (e.reference, v)));
            Panel {
                title: format!("{name}: energy / (kcal/mol)"),
                x: "reference".into(),
                y: "model".into(),
                series: vec![(String::new(), pairs.collect())],
            }
        });
        figures.push(Figure::Parity { title: "Against the reference".into(), panels: panels.collect() });
        figures.extend(confidence::figure(models, &self.confidence));
        figures
    }
}

/// Uncertainties of a model against its errors.
fn confident(entries: &[Entry], model: usize) -> Option<Quality> {
    let pairs =
        entries.iter().filter_map(|e| Some((e.uncertainties[model]?, e.values[model]? - e.reference)));
    Quality::new(&pairs.collect::<Vec<_>>())
}

impl Entry {
    fn new(plan: &Planned, answers: &[&[EnergyAnswer]]) -> Self {
        let sum = |energies: &[EnergyAnswer]| -> EnergyAnswer {
            let mut total = Energy::from(0.0);
            for &(coefficient, place) in &plan.terms {
                total.add(coefficient, energies[place].as_ref().map_err(Clone::clone)?);
            }
            Ok(total)
        };
        let values: Vec<EnergyAnswer> = answers.iter().map(|e| sum(e)).collect();
        let known = |value: &EnergyAnswer| Some(value.as_ref().ok()?.uncertainty()? / KCAL_PER_MOL);
        Self {
            id: plan.id.clone(),
            subset: plan.subset.clone(),
            reference: plan.reference,
            refusals: values.iter().map(|v| v.as_ref().err().cloned()).collect(),
            uncertainties: values.iter().map(known).collect(),
            values: values.into_iter().map(|v| v.ok().map(|e| e.value / KCAL_PER_MOL)).collect(),
        }
    }
}

impl Scores {
    fn new(
        entries: &[Entry],
        model: usize,
        counts: impl Fn(&Entry) -> bool,
        weighting: Option<&Weighting>,
    ) -> Self {
        let mut names: Vec<&str> = Vec::new();
        for entry in entries {
            if !names.contains(&&*entry.subset) {
                names.push(&entry.subset);
            }
        }
        let errors = |subset: Option<&str>| {
            let within = entries.iter().filter(|e| subset.is_none_or(|s| e.subset == s) && counts(e));
            let list: Vec<_> = within.filter_map(|e| Some(e.values[model]? - e.reference)).collect();
            Errors::of(&list)
        };
        let subsets: Vec<_> = names.iter().map(|&name| (name.to_owned(), errors(Some(name)))).collect();
        let weighted = |members: Option<&[&str]>| {
            let scales = &weighting?.scales;
            let inside = subsets.iter().filter(|(name, _)| members.is_none_or(|m| m.contains(&&**name)));
            wtmad2(inside.filter_map(|(name, errors)| {
                let scale = scales.iter().find(|s| s.0 == *name)?.1;
                errors.map(|e| (e.count, e.mae, scale))
            }))
        };
        let categories = weighting.map_or(&[][..], |w| &w.categories[..]);
        Self {
            overall: errors(None),
            wtmad2: weighted(None),
            wtmad2_of_categories: categories
                .iter()
                .map(|(name, members)| ((*name).to_owned(), weighted(Some(members))))
                .collect(),
            subsets,
        }
    }
}
