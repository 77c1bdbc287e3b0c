//! Tensors as a pickle describes them, and their numbers.

use crate::tensor::{Tensor, bf16_to_f64, f16_to_f64};
use oxidane_core::{Error, Result};

/// Element type of a storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dtype {
    /// 64-bit float.
    F64,
    /// 32-bit float.
    F32,
    /// 16-bit float (IEEE half).
    F16,
    /// 16-bit float with the exponent of 32 bits.
    BF16,
    /// Signed 64-bit integer.
    I64,
    /// Signed 32-bit integer.
    I32,
    /// Signed 16-bit integer.
    I16,
    /// Signed byte.
    I8,
    /// Unsigned byte.
    U8,
    /// Boolean byte.
    Bool,
}

impl Dtype {
    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            Dtype::F64 | Dtype::I64 => 8,
            Dtype::F32 | Dtype::I32 => 4,
            Dtype::F16 | Dtype::BF16 | Dtype::I16 => 2,
            Dtype::I8 | Dtype::U8 | Dtype::Bool => 1,
        }
    }
    /// From a storage class such as `torch.FloatStorage`.
    pub(super) fn from_storage_class(name: &str) -> Option<Dtype> {
        Some(match name.strip_prefix("torch.")? {
            "DoubleStorage" => Dtype::F64,
            "FloatStorage" => Dtype::F32,
            "HalfStorage" => Dtype::F16,
            "BFloat16Storage" => Dtype::BF16,
            "LongStorage" => Dtype::I64,
            "IntStorage" => Dtype::I32,
            "ShortStorage" => Dtype::I16,
            "CharStorage" => Dtype::I8,
            "ByteStorage" => Dtype::U8,
            "BoolStorage" => Dtype::Bool,
            _ => return None,
        })
    }
    /// From a type object such as `torch.float32`.
    pub(super) fn from_type_object(name: &str) -> Option<Dtype> {
        Some(match name.strip_prefix("torch.")? {
            "float64" | "double" => Dtype::F64,
            "float32" | "float" => Dtype::F32,
            "float16" | "half" => Dtype::F16,
            "bfloat16" => Dtype::BF16,
            "int64" | "long" => Dtype::I64,
            "int32" | "int" => Dtype::I32,
            "int16" | "short" => Dtype::I16,
            "int8" => Dtype::I8,
            "uint8" => Dtype::U8,
            "bool" => Dtype::Bool,
            _ => return None,
        })
    }
    /// One element from its little-endian bytes.
    fn decode(self, b: &[u8]) -> f64 {
        match self {
            Dtype::F64 => f64::from_le_bytes(b.try_into().unwrap()),
            Dtype::F32 => f32::from_le_bytes(b.try_into().unwrap()).into(),
            Dtype::F16 => f16_to_f64(u16::from_le_bytes(b.try_into().unwrap())),
            Dtype::BF16 => bf16_to_f64(u16::from_le_bytes(b.try_into().unwrap())),
            Dtype::I64 => i64::from_le_bytes(b.try_into().unwrap()) as f64,
            Dtype::I32 => i32::from_le_bytes(b.try_into().unwrap()).into(),
            Dtype::I16 => i16::from_le_bytes(b.try_into().unwrap()).into(),
            Dtype::I8 => (b[0] as i8).into(),
            Dtype::U8 => b[0].into(),
            Dtype::Bool => f64::from(b[0] != 0),
        }
    }
}

/// A tensor as the pickle describes it: a strided view into a storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorRef {
    /// Element type.
    pub dtype: Dtype,
    /// The storage's entry below `data/`.
    pub key: String,
    /// The storage's number of elements.
    pub storage_len: u64,
    /// First element within the storage.
    pub offset: u64,
    /// Shape.
    pub shape: Vec<u64>,
    /// Elements from one index to the next, per dimension.
    pub stride: Vec<u64>,
}

impl TensorRef {
    /// Number of elements, checked: no larger than the storage (which refuses expanded views) and inside it.
    pub(super) fn checked_len(&self) -> Result<usize> {
        let bad = |what: &str| {
            Error::model(format!("tensor of storage '{}' {what}; the file is damaged", self.key))
        };
        let mut len = 1u64;
        for &n in &self.shape {
            len = len.checked_mul(n).ok_or_else(|| bad("has an absurd shape"))?;
        }
        if len > self.storage_len {
            return Err(bad("is larger than its storage"));
        }
        if len > 0 {
            let mut last = self.offset;
            for (&n, &s) in self.shape.iter().zip(&self.stride) {
                last = (n - 1)
                    .checked_mul(s)
                    .and_then(|d| last.checked_add(d))
                    .ok_or_else(|| bad("has absurd strides"))?;
            }
            if last >= self.storage_len {
                return Err(bad("reaches past the end of its storage"));
            }
        }
        usize::try_from(len).map_err(|_| bad("is too large for this machine"))
    }

    /// The numbers in row-major order, from the storage's bytes (little-endian, `storage_len` elements).
    pub(super) fn gather(&self, bytes: &[u8]) -> Result<Tensor> {
        let len = self.checked_len()?;
        let size = self.dtype.size();
        let mut data = Vec::with_capacity(len);
        let mut index = vec![0u64; self.shape.len()];
        // Wrapping: the step past a dimension's end, taken back at once, may leave the range of the numbers.
        let mut place = self.offset;
        for _ in 0..len {
            let start = place as usize * size;
            data.push(self.dtype.decode(&bytes[start..start + size]));
            // Odometer: step the last dimension, carrying into the ones before it.
            for d in (0..index.len()).rev() {
                index[d] += 1;
                place = place.wrapping_add(self.stride[d]);
                if index[d] < self.shape[d] {
                    break;
                }
                place = place.wrapping_sub(self.stride[d].wrapping_mul(self.shape[d]));
                index[d] = 0;
            }
        }
        Ok(Tensor { shape: self.shape.iter().map(|&n| n as usize).collect(), data })
    }
}
