//! What is said about a run: a table while it runs, averages and a plot at its end.

use std::path::Path;

use oxidane_core::{Error, Result};
use oxidane_sim::md::MdRow;
use oxidane_sim::statistics::RunningStats;

use super::files::COLUMNS;
use crate::output::plot::{self, Panel, Series};
use crate::output::table::{Column, Table};

/// The table of energies shown while a run goes, with a column for the uncertainty of the potential energy if the model has one.
pub fn table(uncertain: bool) -> Table {
    let mut columns = vec![
        Column::number("step", 9),
        Column::number("time / ps", 10),
        Column::number("potential / eV", 16),
        Column::number("kinetic / eV", 13),
        Column::number("temperature / K", 15),
        Column::number("conserved / eV", 16),
    ];
    columns.extend(uncertain.then(|| Column::number("uncertainty / eV", 16)));
    Table::new(columns)
}

/// A row of it.
pub fn row(table: &Table, row: &MdRow, uncertainty: Option<f64>) -> String {
    let mut cells = vec![
        row.step.to_string(),
        format!("{:.4}", row.time * 1e-3),
        format!("{:.6}", row.potential_energy),
        format!("{:.6}", row.kinetic_energy),
        format!("{:.1}", row.temperature),
        format!("{:.6}", row.conserved),
    ];
    cells.extend(uncertainty.map(|u| format!("{u:.4}")));
    table.row(&cells)
}

/// The energies of a whole run, read back from its file: a resumed run reports on all of itself.
pub struct Energies {
    rows: Vec<[f64; 7]>,
}

impl Energies {
    /// Reads the file of energies.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::io(path, &e))?;
        let mut lines = text.lines().enumerate();
        let bad = |line: usize| Error::input(format!("expected {COLUMNS}")).at(path).on_line(line as u64 + 1);
        if lines.next().is_none_or(|(_, head)| head != COLUMNS) {
            return Err(bad(0));
        }
        let rows = lines.map(|(n, line)| {
            let numbers: Option<Vec<f64>> = line.split(',').map(|x| x.parse().ok()).collect();
            numbers.and_then(|v| v.try_into().ok()).ok_or_else(|| bad(n))
        });
        Ok(Self { rows: rows.collect::<Result<_>>()? })
    }

    /// Averages over the run.
    pub fn summary(&self, atoms: usize) -> String {
        let (mut temperature, mut potential, mut conserved) =
            (RunningStats::new(), RunningStats::new(), RunningStats::new());
        for [_, time, e, _, _, c, t] in &self.rows {
            let time = time * 1e-3;
            temperature.add(time, *t);
            potential.add(time, *e);
            conserved.add(time, *c);
        }
        #[allow(clippy::cast_precision_loss)] // atoms
        let drift = conserved.drift() * 1e3 / atoms as f64;
        format!(
            "temperature           {:.1} +/- {:.1} K (mean and its standard error)\n\
             potential energy      {:.5} +/- {:.5} eV\n\
             drift of the conserved energy   {drift:.5} meV/atom/ps",
            temperature.mean(),
            temperature.standard_error(),
            potential.mean(),
            potential.standard_error(),
        )
    }

    /// Draws energies and temperature.
    pub fn plot(&self, path: &Path, title: &str) -> Result<()> {
        let first = self.rows.first().copied().unwrap_or_default();
        let series = |name: &str, column: usize, origin: f64| Series {
            name: name.into(),
            points: self.rows.iter().map(|r| (r[1] * 1e-3, r[column] - origin)).collect(),
        };
        let panel = |y: &str, series| Panel { x: "time / ps".into(), y: y.into(), series, log: false };
        let energies = vec![
            series("potential, from its start", 2, first[2]),
            series("kinetic", 3, 0.0),
            series("conserved, from its start", 5, first[5]),
        ];
        let temperature = vec![series("temperature", 6, 0.0)];
        plot::lines(path, title, &[panel("energy / eV", energies), panel("temperature / K", temperature)])
    }
}
