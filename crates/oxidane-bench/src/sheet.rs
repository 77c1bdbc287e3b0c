//! [`Sheet`] and [`Figure`]: tables and diagrams as data, to be shown by whoever shows things.

/// A cell of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Words.
    Text(String),
    /// A number and how many decimals are shown.
    Number(f64, usize),
    /// A whole number.
    Count(usize),
    /// A number and its decimals, marked as not of everything.
    Part(f64, usize),
    /// There is none.
    Empty,
}

impl Cell {
    /// Words.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A number that may not be there.
    pub fn maybe(value: Option<f64>, decimals: usize) -> Self {
        value.filter(|x| x.is_finite()).map_or(Self::Empty, |x| Self::Number(x, decimals))
    }

    /// As it is shown.
    pub fn show(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(x, decimals) => format!("{x:.decimals$}"),
            Self::Part(x, decimals) => format!("{x:.decimals$}*"),
            Self::Count(n) => n.to_string(),
            Self::Empty => "-".into(),
        }
    }

    /// Whether it stands to the left, as words do.
    pub fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }
}

/// A table.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// What it shows, with the unit.
    pub title: String,
    /// Heads of the columns.
    pub heads: Vec<String>,
    /// Rows, a cell for each head.
    pub rows: Vec<Vec<Cell>>,
    /// What a reader must know, below it.
    pub remark: Option<String>,
}

/// One diagram with its axes.
#[derive(Debug, Clone)]
pub struct Panel {
    /// Title of the diagram.
    pub title: String,
    /// Quantity and unit of the x axis.
    pub x: String,
    /// Quantity and unit of the y axis.
    pub y: String,
    /// Named rows of points.
    pub series: Vec<(String, Vec<(f64, f64)>)>,
}

/// A figure.
#[derive(Debug, Clone)]
pub enum Figure {
    /// Lines in panels below each other.
    Lines {
        /// Title.
        title: String,
        /// The panels.
        panels: Vec<Panel>,
    },
    /// Predictions (y) against references (x), a panel for each model, which is its title.
    Parity {
        /// Title.
        title: String,
        /// The panels, with one series each.
        panels: Vec<Panel>,
    },
    /// Bars in groups.
    Bars {
        /// Title.
        title: String,
        /// Quantity and unit.
        y: String,
        /// Names of the groups.
        groups: Vec<String>,
        /// For each name a bar in each group, where there is one.
        series: Vec<(String, Vec<Option<f64>>)>,
    },
}
