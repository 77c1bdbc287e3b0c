//! How well the uncertainties of models tell their errors, in kcal/mol: a table and diagrams of [`Quality`].

use oxidane_math::statistics::Quality;

use crate::sheet::{Cell, Figure, Panel, Sheet};

/// A row per model that has uncertainties, and per kind of `all` (its name, and those of each model); `None` without any. `what` says what is
/// uncertain.
pub(super) fn sheet(what: &str, models: &[String], all: &[(&str, &[Option<Quality>])]) -> Option<Sheet> {
    let of_model = |m: usize| all.iter().filter_map(move |(kind, of)| Some((m, *kind, of[m].as_ref()?)));
    let rows: Vec<_> = (0..models.len())
        .flat_map(of_model)
        .map(|(m, kind, c)| {
            vec![
                Cell::text(&*models[m]),
                Cell::text(kind),
                Cell::Count(c.pairs),
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
    let heads =
        ["model", "of", "number", "rms uncertainty", "rms error", "error / uncertainty", "rank corr."];
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
pub(super) fn figure(models: &[String], all: &[Option<Quality>]) -> Option<Figure> {
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
