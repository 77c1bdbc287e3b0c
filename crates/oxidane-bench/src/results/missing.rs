//! [`Missing`]: what a model has not computed.

use serde::Serialize;

use crate::answers::Refusal;
use crate::sheet::{Cell, Sheet};

/// What a model has not computed in one subset for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// The model.
    pub model: String,
    /// The part of the set.
    pub subset: String,
    /// Why.
    pub reason: crate::answers::Reason,
    /// The names in the set.
    pub ids: Vec<String>,
    /// What the model said of the first one.
    pub message: String,
}

/// Adds one to the list: to the group of its model, subset and reason.
pub(super) fn add(list: &mut Vec<Missing>, model: &str, subset: &str, id: &str, refusal: &Refusal) {
    let group =
        list.iter_mut().find(|m| m.model == model && m.subset == subset && m.reason == refusal.reason);
    match group {
        Some(group) => group.ids.push(id.to_owned()),
        None => list.push(Missing {
            model: model.to_owned(),
            subset: subset.to_owned(),
            reason: refusal.reason,
            ids: vec![id.to_owned()],
            message: refusal.message.clone(),
        }),
    }
}

/// The first few names of a list.
pub(super) fn names(ids: &[&str]) -> String {
    const SHOWN: usize = 4;
    let mut text = ids.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    if ids.len() > SHOWN {
        text.push_str(", ...");
    }
    text
}

/// The table of what is missing, if anything is.
pub(super) fn sheet(missing: &[Missing]) -> Option<Sheet> {
    let rows = missing.iter().map(|m| {
        let ids: Vec<_> = m.ids.iter().map(String::as_str).collect();
        vec![
            Cell::text(&*m.model),
            Cell::text(&*m.subset),
            Cell::Count(m.ids.len()),
            Cell::text(m.reason.text()),
            Cell::text(names(&ids)),
            Cell::text(&*m.message),
        ]
    });
    let rows: Vec<_> = rows.collect();
    (!rows.is_empty()).then(|| Sheet {
        title: "Not computed by a model".into(),
        heads: ["model", "subset", "number", "why", "which", "what the model said first"]
            .map(String::from)
            .into(),
        rows,
        remark: None,
    })
}
