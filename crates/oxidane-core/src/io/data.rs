//! [`Data`], [`Value`] and [`Array`]: what a file says beside the structure itself.

/// Values of one type, in a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// Logical values (`L` columns).
    Bool(Vec<bool>),
    /// Integers (`I` columns).
    Int(Vec<i64>),
    /// Real numbers (`R` columns).
    Real(Vec<f64>),
    /// Strings (`S` columns).
    Text(Vec<String>),
}

impl Data {
    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::Bool(v) => v.len(),
            Self::Int(v) => v.len(),
            Self::Real(v) => v.len(),
            Self::Text(v) => v.len(),
        }
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values as real numbers (integers are converted); `None` for logical values and strings.
    #[allow(clippy::cast_precision_loss)]
    pub fn to_reals(&self) -> Option<Vec<f64>> {
        match self {
            Self::Real(v) => Some(v.clone()),
            Self::Int(v) => Some(v.iter().map(|&i| i as f64).collect()),
            Self::Bool(_) | Self::Text(_) => None,
        }
    }
}

/// Shape of a [`Value`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One value.
    Scalar,
    /// A row of values.
    Vector,
    /// Rows of equal length, stored one after another.
    Matrix {
        /// Number of rows.
        rows: usize,
        /// Number of columns.
        columns: usize,
    },
}

/// One per-frame value: a scalar, a vector or a matrix of one type.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    shape: Shape,
    data: Data,
}

impl Value {
    /// A scalar logical value.
    pub fn bool(value: bool) -> Self {
        Self { shape: Shape::Scalar, data: Data::Bool(vec![value]) }
    }

    /// A scalar integer.
    pub fn int(value: i64) -> Self {
        Self { shape: Shape::Scalar, data: Data::Int(vec![value]) }
    }

    /// A scalar real number.
    pub fn real(value: f64) -> Self {
        Self { shape: Shape::Scalar, data: Data::Real(vec![value]) }
    }

    /// A string.
    pub fn text(value: impl Into<String>) -> Self {
        Self { shape: Shape::Scalar, data: Data::Text(vec![value.into()]) }
    }

    /// A vector.
    pub fn vector(data: Data) -> Self {
        Self { shape: Shape::Vector, data }
    }

    /// A matrix from its rows one after another; `None` if `data` is not `rows` times `columns` long.
    pub fn matrix(rows: usize, columns: usize, data: Data) -> Option<Self> {
        (rows.checked_mul(columns)? == data.len())
            .then_some(Self { shape: Shape::Matrix { rows, columns }, data })
    }

    /// A 3 x 3 matrix of real numbers.
    pub fn matrix3(m: [[f64; 3]; 3]) -> Self {
        Self { shape: Shape::Matrix { rows: 3, columns: 3 }, data: Data::Real(m.concat()) }
    }

    /// The shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The values, row after row.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// A scalar number as a real; `None` for anything else.
    #[allow(clippy::cast_precision_loss)]
    pub fn as_real(&self) -> Option<f64> {
        match (&self.data, self.shape) {
            (Data::Real(v), Shape::Scalar) => v.first().copied(),
            (Data::Int(v), Shape::Scalar) => v.first().map(|&i| i as f64),
            _ => None,
        }
    }

    /// A scalar integer; `None` for anything else.
    pub fn as_int(&self) -> Option<i64> {
        match (&self.data, self.shape) {
            (Data::Int(v), Shape::Scalar) => v.first().copied(),
            _ => None,
        }
    }

    /// A scalar logical value; `None` for anything else.
    pub fn as_bool(&self) -> Option<bool> {
        match (&self.data, self.shape) {
            (Data::Bool(v), Shape::Scalar) => v.first().copied(),
            _ => None,
        }
    }

    /// A string; `None` for anything else.
    pub fn as_text(&self) -> Option<&str> {
        match (&self.data, self.shape) {
            (Data::Text(v), Shape::Scalar) => v.first().map(String::as_str),
            _ => None,
        }
    }
}

/// One per-atom property: `columns` values for each atom, atom after atom.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Values per atom, at least 1.
    pub columns: usize,
    /// The values, atom after atom; atoms times `columns` of them.
    pub data: Data,
}

impl Array {
    /// One real number per atom.
    pub fn reals(values: Vec<f64>) -> Self {
        Self { columns: 1, data: Data::Real(values) }
    }

    /// One Cartesian vector per atom.
    pub fn vectors(values: &[[f64; 3]]) -> Self {
        Self { columns: 3, data: Data::Real(values.concat()) }
    }
}
