//! Tables for people: columns with a head, a unit and a width.

use std::fmt::Write;

/// A column: its head, and how wide it is. Text is left-aligned, numbers right-aligned.
pub struct Column {
    head: String,
    width: usize,
    left: bool,
}

impl Column {
    /// A column of numbers.
    pub fn number(head: impl Into<String>, width: usize) -> Self {
        let head = head.into();
        Self { width: width.max(head.chars().count()), head, left: false }
    }

    /// A column of text.
    pub fn text(head: impl Into<String>, width: usize) -> Self {
        Self { left: true, ..Self::number(head, width) }
    }
}

/// A table whose rows can be printed one by one.
pub struct Table {
    columns: Vec<Column>,
}

impl Table {
    /// A table of these columns.
    pub fn new(columns: Vec<Column>) -> Self {
        Self { columns }
    }

    /// Heads and the line below them.
    pub fn head(&self) -> String {
        let head = self.row(&self.columns.iter().map(|c| c.head.clone()).collect::<Vec<_>>());
        format!("{head}\n{}", "-".repeat(self.columns.iter().map(|c| c.width + 2).sum()))
    }

    /// One row; one cell for each column.
    pub fn row<S: AsRef<str>>(&self, cells: &[S]) -> String {
        let mut line = String::new();
        for (column, cell) in self.columns.iter().zip(cells) {
            let (cell, width) = (cell.as_ref(), column.width);
            // Writing to a String cannot fail.
            let _ =
                if column.left { write!(line, "  {cell:<width$}") } else { write!(line, "  {cell:>width$}") };
        }
        line.trim_end().to_owned()
    }
}

/// Text cut to a width, with a mark where something is missing.
pub fn fit(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['~']).collect()
}

/// A duration as a person says it.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 1e-3 => format!("{:.0} us", s * 1e6),
        s if s < 1.0 => format!("{:.1} ms", s * 1e3),
        s if s < 120.0 => format!("{s:.1} s"),
        s if s < 7200.0 => format!("{:.0} min {:.0} s", (s / 60.0).floor(), s % 60.0),
        s => format!("{:.0} h {:.0} min", (s / 3600.0).floor(), (s % 3600.0) / 60.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_line_up_under_their_heads() {
        let table = Table::new(vec![Column::text("atom", 6), Column::number("energy / eV", 6)]);
        assert_eq!(table.head(), "  atom    energy / eV\n---------------------");
        assert_eq!(table.row(&["C", "-1.5"]), "  C              -1.5");
        assert_eq!(fit("acetylsalicylic", 8), "acetyls~");
    }
}
