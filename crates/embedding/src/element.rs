//! What a kernel has to know of a value type.

use candle_core::{CpuStorage, Layout, WithDType};
use half::slice::HalfBitsSliceExt;
use half::{bf16, f16};

use crate::{DType, Error, Result};

/// A value of a table: `f32`, or one of the two halves, which are widened for every computation and rounded to the nearest
/// (ties to even) after it.
pub trait Element: WithDType + sealed::Sealed {
    /// Its name at run time.
    const TYPE: DType;

    /// The same number, exactly.
    fn widen(self) -> f32;

    /// The nearest number of this type, the even one of two.
    fn narrow(value: f32) -> Self;

    /// The values of a storage of this type.
    fn of(storage: &CpuStorage) -> Option<&[Self]>;

    /// The values of a storage of this type, to be changed.
    fn of_mut(storage: &mut CpuStorage) -> Option<&mut Vec<Self>>;

    /// The array, when it takes values of this type.
    fn of_values(values: ValuesMut<'_>) -> Option<&mut [Self]>;

    /// A storage of these values.
    fn store(values: Vec<Self>) -> CpuStorage;

    /// Appends the little-endian bytes of `values`.
    fn append_bytes(values: &[Self], out: &mut Vec<u8>);
}

/// An array to write values into.
#[derive(Debug)]
pub enum ValuesMut<'a> {
    /// For `f32`.
    F32(&'a mut [f32]),
    /// For `bf16`.
    BF16(&'a mut [bf16]),
    /// For `f16`.
    F16(&'a mut [f16]),
    /// For the bits of either half.
    Bits(&'a mut [u16]),
}

impl ValuesMut<'_> {
    /// How many values it takes.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::BF16(values) => values.len(),
            Self::F16(values) => values.len(),
            Self::Bits(values) => values.len(),
        }
    }

    /// Whether it takes none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Itself, when it takes `len` values of type `dtype`.
    ///
    /// # Errors
    /// [`Error::WrongType`] and [`Error::LengthMismatch`].
    pub(crate) fn checked(self, dtype: DType, len: usize) -> Result<Self> {
        let actual = match self {
            Self::F32(_) => DType::F32,
            Self::Bits(_) if dtype == DType::F16 => DType::F16,
            Self::F16(_) => DType::F16,
            Self::BF16(_) | Self::Bits(_) => DType::BF16,
        };
        if actual != dtype {
            return Err(Error::WrongType { expected: dtype, actual });
        }
        if self.len() != len {
            return Err(Error::LengthMismatch { expected: len, actual: self.len() });
        }
        Ok(self)
    }
}

impl<'a> From<&'a mut [f32]> for ValuesMut<'a> {
    fn from(values: &'a mut [f32]) -> Self {
        Self::F32(values)
    }
}

impl<'a> From<&'a mut [bf16]> for ValuesMut<'a> {
    fn from(values: &'a mut [bf16]) -> Self {
        Self::BF16(values)
    }
}

impl<'a> From<&'a mut [f16]> for ValuesMut<'a> {
    fn from(values: &'a mut [f16]) -> Self {
        Self::F16(values)
    }
}

mod sealed {
    use half::{bf16, f16};

    use super::Element;
    use crate::cpu::Halves;

    /// Several numbers at a time.
    pub trait Sealed: Sized {
        /// [`Element::widen`] of each.
        fn widen_all<const N: usize>(values: &[Self; N], halves: impl Halves) -> [f32; N];

        /// [`Element::narrow`] of each.
        fn narrow_all<const N: usize>(values: &[f32; N], halves: impl Halves) -> [Self; N];
    }

    impl Sealed for f32 {
        #[inline(always)]
        fn widen_all<const N: usize>(values: &[Self; N], _: impl Halves) -> [f32; N] {
            *values
        }

        #[inline(always)]
        fn narrow_all<const N: usize>(values: &[f32; N], _: impl Halves) -> [Self; N] {
            *values
        }
    }

    impl Sealed for bf16 {
        #[inline(always)]
        fn widen_all<const N: usize>(values: &[Self; N], halves: impl Halves) -> [f32; N] {
            halves.widen_upper(values)
        }

        #[inline(always)]
        fn narrow_all<const N: usize>(values: &[f32; N], _: impl Halves) -> [Self; N] {
            let mut halves = [Self::ZERO; N];
            for at in 0..N {
                halves[at] = Element::narrow(values[at]);
            }
            halves
        }
    }

    impl Sealed for f16 {
        #[inline(always)]
        fn widen_all<const N: usize>(values: &[Self; N], halves: impl Halves) -> [f32; N] {
            halves.widen(values)
        }

        #[inline(always)]
        fn narrow_all<const N: usize>(values: &[f32; N], halves: impl Halves) -> [Self; N] {
            halves.narrow(values)
        }
    }
}

/// What is the same for all but for a variant of [`CpuStorage`].
macro_rules! storage {
    ($variant:ident) => {
        const TYPE: DType = DType::$variant;

        fn of(storage: &CpuStorage) -> Option<&[Self]> {
            if let CpuStorage::$variant(values) = storage { Some(values) } else { None }
        }

        fn of_mut(storage: &mut CpuStorage) -> Option<&mut Vec<Self>> {
            if let CpuStorage::$variant(values) = storage { Some(values) } else { None }
        }

        fn store(values: Vec<Self>) -> CpuStorage {
            CpuStorage::$variant(values)
        }

        fn append_bytes(values: &[Self], out: &mut Vec<u8>) {
            out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        }
    };
}

impl Element for f32 {
    storage!(F32);

    fn of_values(values: ValuesMut<'_>) -> Option<&mut [Self]> {
        if let ValuesMut::F32(values) = values { Some(values) } else { None }
    }

    #[inline(always)]
    fn widen(self) -> f32 {
        self
    }

    #[inline(always)]
    fn narrow(value: f32) -> Self {
        value
    }
}

impl Element for bf16 {
    storage!(BF16);

    fn of_values(values: ValuesMut<'_>) -> Option<&mut [Self]> {
        match values {
            ValuesMut::BF16(values) => Some(values),
            ValuesMut::Bits(bits) => Some(bits.reinterpret_cast_mut()),
            _ => None,
        }
    }

    #[inline(always)]
    fn widen(self) -> f32 {
        f32::from_bits(u32::from(self.to_bits()) << 16)
    }

    /// Without a branch, so that it is done many at a time; the processors' own instruction makes zeros of tiny numbers.
    #[inline(always)]
    fn narrow(value: f32) -> Self {
        let bits = value.to_bits();
        let rounded = bits.wrapping_add(0x7FFF + (bits >> 16 & 1)) >> 16;
        let quiet = bits >> 16 | 0x40;
        bf16::from_bits(if value.is_nan() { quiet } else { rounded } as u16)
    }
}

impl Element for f16 {
    storage!(F16);

    fn of_values(values: ValuesMut<'_>) -> Option<&mut [Self]> {
        match values {
            ValuesMut::F16(values) => Some(values),
            ValuesMut::Bits(bits) => Some(bits.reinterpret_cast_mut()),
            _ => None,
        }
    }

    /// Without a branch, as `half::f16::to_f32` is not: the exponent is moved by a multiplication, which is exact, also for those numbers
    /// whose exponent is the smallest.
    #[inline(always)]
    fn widen(self) -> f32 {
        const TWO_POW_112: f32 = f32::from_bits((127 + 112) << 23);
        let bits = u32::from(self.to_bits());
        let magnitude = (bits & 0x7FFF) << 13;
        let finite = (f32::from_bits(magnitude) * TWO_POW_112).to_bits();
        let quiet = if magnitude > 0x7C00 << 13 { 1 << 22 } else { 0 };
        let special = 0xFF << 23 | magnitude | quiet;
        let magnitude = if magnitude >= 0x7C00 << 13 { special } else { finite };
        f32::from_bits((bits & 0x8000) << 16 | magnitude)
    }

    /// Without a branch, as `half::f16::from_f32` is not. What becomes smaller than the smallest normal number is rounded by an addition.
    #[inline(always)]
    fn narrow(value: f32) -> Self {
        /// From here on, in bits, all is infinite: half a step above the largest.
        const INFINITE: u32 = (127 + 16) << 23;
        /// The smallest normal number.
        const NORMAL: u32 = (127 - 14) << 23;
        /// Its last bit has the weight of the smallest number of this type.
        const STEP: u32 = (127 - 1) << 23;
        let sign = value.to_bits() >> 16 & 0x8000;
        let bits = value.to_bits() & 0x7FFF_FFFF;
        let small = (f32::from_bits(bits) + f32::from_bits(STEP)).to_bits().wrapping_sub(STEP);
        let normal = bits.wrapping_sub((127 - 15) << 23).wrapping_add(0xFFF + (bits >> 13 & 1)) >> 13;
        let special = if bits > 0xFF << 23 { 0x7E00 | bits >> 13 & 0x3FF } else { 0x7C00 };
        let finite = if bits < NORMAL { small } else { normal };
        f16::from_bits((sign | if bits >= INFINITE { special } else { finite }) as u16)
    }
}

/// Does `$work` with the type `$T` that a [`DType`] names.
macro_rules! with_element {
    ($dtype:expr, $T:ident => $work:expr) => {
        match $dtype {
            $crate::DType::F32 => {
                type $T = f32;
                $work
            }
            $crate::DType::BF16 => {
                type $T = half::bf16;
                $work
            }
            $crate::DType::F16 => {
                type $T = half::f16;
                $work
            }
        }
    };
}
pub(crate) use with_element;

/// Writes each of `values` as `f32` into `out`.
pub(crate) fn widen_into<T: Element>(values: &[T], out: &mut [f32]) {
    for (out, value) in out.iter_mut().zip(values) {
        *out = value.widen();
    }
}

/// The values of a contiguous tensor in the memory of the host.
pub(crate) fn cpu_values<'a, T: Element>(storage: &'a CpuStorage, layout: &Layout) -> candle_core::Result<&'a [T]> {
    match (T::of(storage), layout.contiguous_offsets()) {
        (Some(values), Some((start, end))) => Ok(&values[start..end]),
        _ => Err(candle_core::Error::msg(format!("expected contiguous {} values", T::TYPE.name()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_what_the_half_crate_makes_of_them() {
        for bits in 0..=u16::MAX {
            let (b, h) = (bf16::from_bits(bits), f16::from_bits(bits));
            assert_eq!(b.widen().to_bits(), u32::from(bits) << 16);
            // A number that is none is made quiet by one, and by the other only where the processor does it.
            assert!(h.widen().to_bits() == h.to_f32().to_bits() || h.is_nan() && h.widen().is_nan(), "{bits:x}");
            assert!(<f16 as Element>::narrow(h.widen()) == h || h.is_nan());
            // Every upper half with the lower halves around which rounding turns.
            for lower in [0, 1, 0xFFF, 0x1000, 0x1001, 0x1FFF, 0x2000, 0x3000, 0x7FFF, 0x8000, 0x8001, 0xF000, 0xFFFF] {
                let value = f32::from_bits(u32::from(bits) << 16 | lower);
                let (b, h) = (<bf16 as Element>::narrow(value), <f16 as Element>::narrow(value));
                assert_eq!(b.to_bits(), bf16::from_f32(value).to_bits(), "{value:e}");
                assert_eq!(h.to_bits(), f16::from_f32(value).to_bits(), "{value:e}");
            }
        }
    }
}
