//! [`Confidence`]: how well the uncertainties of a model tell its errors.

use oxidane_math::statistics::Quality;
use serde::Serialize;

use crate::sheet::{Cell, Figure, Panel, Sheet};

/// Uncertainties of a model beside its errors, both in kcal/mol.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Confidence {
    /// How many numbers have both.
    pub numbers: usize,
    /// Root mean square uncertainty.
    pub uncertainty: f64,
    /// Root mean square error.
    pub error: f64,
    /// Error over uncertainty; above 1 the uncertainties are too small.
    pub ratio: f64,
    /// Spearman's rank correlation of uncertainty and absolute error; `null` if either is the same for all.
    pub rank_correlation: Option<f64>,
    /// Root mean squares of uncertainty and error in groups of equal size, by rising uncertainty.
    pub groups: Vec<(f64, f64)>,
}

impl Confidence {
    /// From pairs of uncertainty and error; `None` without any.
    pub(super) fn new(pairs: &[(f64, f64)]) -> Option<Self> {
        let quality = Quality::new(pairs)?;
        Some(Self {
            numbers: quality.pairs,
            uncertainty: quality.uncertainty,
            error: quality.error,
            ratio: quality.ratio,
            rank_correlation: quality.rank_correlation,
            groups: quality.groups,
        })
    }
}

/// A row per model that has uncertainties; `None` without any. `what` says what is uncertain.
pub(super) fn sheet(what: &str, models: &[String], all: &[Option<Confidence>]) -> Option<Sheet> {
    let known = models.iter().zip(all).filter_map(|(model, c)| Some((model, c.as_ref()?)));
    let rows: Vec<_> = known
        .map(|(model, c)| {
            vec![
                Cell::text(model),
                Cell::Count(c.numbers),
                Cell::Number(c.uncertainty, 3),
                Cell::Number(c.error, 3),
                Cell::Number(c.ratio, 2),
                Cell::maybe(c.rank_correlation, 2),
            ]
        })
        .collect();
    if rows.is_empty() {
        return None;
    }
    let heads = ["model", "numbers", "rms uncertainty", "rms error", "error / uncertainty", "rank corr."];
    Some(Sheet {
        title: format!("Uncertainty of {what}, kcal/mol"),
        heads: heads.map(String::from).into(),
        rows,
        remark: Some(
            "error / uncertainty: ideally 1; rank corr.: of uncertainty and absolute error (Spearman)".into(),
        ),
    })
}

/// Root mean square errors against root mean square uncertainties, in groups by rising uncertainty; `None` without any.
pub(super) fn figure(models: &[String], all: &[Option<Confidence>]) -> Option<Figure> {
    let known = models.iter().zip(all).filter_map(|(model, c)| Some((model, c.as_ref()?)));
    let panels: Vec<_> = known
        .map(|(model, c)| Panel {
            title: format!("{model}: root mean squares / (kcal/mol)"),
            x: "uncertainty".into(),
            y: "error".into(),
            series: vec![(String::new(), c.groups.clone())],
        })
        .collect();
    (!panels.is_empty()).then(|| Figure::Parity { title: "Uncertainty and error".into(), panels })
}
