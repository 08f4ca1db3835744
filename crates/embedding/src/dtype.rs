//! The types of the numbers in tables and results.

use half::{bf16, f16};

/// The type of the values of a table and of what comes out of it. Sums are computed in `f32` whatever it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DType {
    /// 32-bit floats.
    #[default]
    F32,
    /// The upper half of a 32-bit float.
    BF16,
    /// 16-bit floats of IEEE 754.
    F16,
}

impl DType {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::F32, Self::BF16, Self::F16];

    /// The name in options and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::BF16 => "bf16",
            Self::F16 => "f16",
        }
    }

    /// The type of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dtype| dtype.name() == name)
    }

    /// Bytes of one value.
    pub fn size(self) -> usize {
        match self {
            Self::F32 => size_of::<f32>(),
            Self::BF16 => size_of::<bf16>(),
            Self::F16 => size_of::<f16>(),
        }
    }
}
