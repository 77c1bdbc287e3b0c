//! Errors of a model against reference data: a table, JSON, parity plots.

use oxidane_math::statistics::Quality;
use oxidane_train::evaluate::{Errors, PROPERTIES, Parity, Property};
use serde_json::{Map, Value, json};

use super::plot;
use super::table::{Column, Table, fit};

/// Errors by property of one set of structures.
pub type ByProperty = Vec<(Property, Errors)>;

/// How a property is shown: its unit there, and what a number in the program's unit is multiplied by.
fn shown(property: Property) -> (&'static str, f64) {
    match property {
        Property::Energy => ("meV", 1e3),
        Property::EnergyPerAtom => ("meV/atom", 1e3),
        Property::EnergyDifferences => ("meV", 1e3),
        Property::Forces => ("meV/angstrom", 1e3),
        Property::Virial => ("meV", 1e3),
        Property::Stress => ("meV/angstrom^3", 1e3),
        Property::Charges => ("me", 1e3),
        Property::Dipole => ("me angstrom", 1e3),
        Property::Polarizability => (property.unit(), 1.0),
    }
}

fn title(property: Property) -> String {
    property.name().replace('_', " ")
}

/// A unit as a divisor.
fn parenthesised(unit: &str) -> String {
    if unit.contains(['/', ' ']) { format!("({unit})") } else { unit.to_owned() }
}

/// A line per property.
pub fn table(errors: &ByProperty) -> String {
    let table = Table::new(vec![
        Column::text("property", 18),
        Column::number("MAE", 12),
        Column::number("RMSE", 12),
        Column::number("largest", 12),
        Column::text("unit", 16),
        Column::number("numbers", 10),
    ]);
    let rows = errors.iter().map(|(property, e)| {
        let (unit, scale) = shown(*property);
        let number = |x: f64| format!("{:.4}", x * scale);
        let cells = [
            title(*property),
            number(e.mae()),
            number(e.rmse()),
            number(e.max),
            unit.into(),
            e.count.to_string(),
        ];
        table.row(&cells)
    });
    std::iter::once(table.head()).chain(rows).collect::<Vec<_>>().join("\n")
}

/// Mean absolute errors by property of a named part of the structures, and their number.
pub struct Part {
    /// What the line is called.
    pub name: String,
    /// Structures in it.
    pub structures: usize,
    /// Mean absolute error of each property present.
    pub mae: Vec<(Property, f64)>,
}

impl Part {
    /// Of these errors.
    pub fn new(name: impl Into<String>, structures: usize, errors: &ByProperty) -> Self {
        Self { name: name.into(), structures, mae: errors.iter().map(|(p, e)| (*p, e.mae())).collect() }
    }
}

/// A line per part: the mean absolute error of every property. `kind` says what the parts are, such as groups.
pub fn part_table(kind: &str, parts: &[Part]) -> String {
    let present: Vec<_> =
        Property::ALL.into_iter().filter(|p| parts.iter().any(|g| g.mae.iter().any(|e| e.0 == *p))).collect();
    let mut columns = vec![Column::text(format!("{kind} (MAE)"), 24), Column::number("structures", 10)];
    columns.extend(present.iter().map(|p| Column::number(format!("{} / {}", title(*p), shown(*p).0), 10)));
    let table = Table::new(columns);
    let rows = parts.iter().map(|part| {
        let mut cells = vec![fit(&part.name, 24), part.structures.to_string()];
        cells.extend(present.iter().map(|p| {
            let found = part.mae.iter().find(|e| e.0 == *p);
            found.map_or("-".into(), |(p, mae)| format!("{:.4}", mae * shown(*p).1))
        }));
        table.row(&cells)
    });
    std::iter::once(table.head()).chain(rows).collect::<Vec<_>>().join("\n")
}

/// Errors for other programs, in eV, angstrom and e.
pub fn to_json(errors: &ByProperty) -> Value {
    let entries = errors.iter().map(|(p, e)| {
        let numbers =
            json!({ "mae": e.mae(), "rmse": e.rmse(), "max": e.max, "count": e.count, "unit": p.unit() });
        (p.name().to_owned(), numbers)
    });
    Value::Object(entries.collect::<Map<_, _>>())
}

/// Parity plots of the properties present; `of` says of what in front, if it is not empty.
pub fn parity_plots(of: &str, errors: &ByProperty, parity: &[Parity; PROPERTIES]) -> Vec<plot::Parity> {
    let of = if of.is_empty() { String::new() } else { format!("{of}: ") };
    let plots = errors.iter().map(|(property, e)| {
        let (unit, scale) = shown(*property);
        plot::Parity {
            axes: ["reference", "model"].map(String::from),
            property: format!("{of}{} / {}", title(*property), parenthesised(property.unit())),
            points: parity[*property as usize].pairs.clone(),
            remark: format!("MAE {:.3} {unit}\nRMSE {:.3} {unit}", e.mae() * scale, e.rmse() * scale),
        }
    });
    plots.collect()
}

/// Root mean square errors against root mean square uncertainties, in groups by rising uncertainty.
pub fn calibration_plot(quality: &Quality) -> plot::Parity {
    plot::Parity {
        property: "root mean squares / eV".into(),
        axes: ["uncertainty", "error"].map(String::from),
        points: quality.groups.clone(),
        remark: format!(
            "error / uncertainty {:.2}\nrank correlation {}",
            quality.ratio,
            rank_correlation(quality)
        ),
    }
}

/// The rank correlation of uncertainties and errors, as in tables.
pub fn rank_correlation(quality: &Quality) -> String {
    quality.rank_correlation.map_or("-".into(), |r| format!("{r:.2}"))
}
