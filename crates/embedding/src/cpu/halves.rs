//! 16-bit floats made 32-bit ones and back, several at a time.

use half::{bf16, f16};

use crate::element::Element;

/// A way to convert them: the same bits come out of all.
pub trait Halves: Copy {
    /// The same numbers, exactly; those that are none become quiet.
    fn widen<const N: usize>(self, values: &[f16; N]) -> [f32; N];

    /// The nearest numbers, the even one of two.
    fn narrow<const N: usize>(self, values: &[f32; N]) -> [f16; N];

    /// The same numbers, exactly.
    fn widen_upper<const N: usize>(self, values: &[bf16; N]) -> [f32; N];
}

/// By what every processor has.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

impl Halves for Portable {
    #[inline(always)]
    fn widen<const N: usize>(self, values: &[f16; N]) -> [f32; N] {
        let mut wide = [0.0; N];
        for at in 0..N {
            wide[at] = values[at].widen();
        }
        wide
    }

    #[inline(always)]
    fn narrow<const N: usize>(self, values: &[f32; N]) -> [f16; N] {
        let mut halves = [f16::ZERO; N];
        for at in 0..N {
            halves[at] = Element::narrow(values[at]);
        }
        halves
    }

    #[inline(always)]
    fn widen_upper<const N: usize>(self, values: &[bf16; N]) -> [f32; N] {
        let mut wide = [0.0; N];
        for at in 0..N {
            wide[at] = values[at].widen();
        }
        wide
    }
}

/// What one instruction converts.
#[cfg(target_arch = "x86_64")]
const EIGHT: usize = 8;

/// By the instructions of F16C and AVX2. It takes a multiple of [`EIGHT`].
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(crate) struct Avx2(());

#[cfg(target_arch = "x86_64")]
impl Avx2 {
    /// Proof that the processor has them: code that is compiled for them makes it.
    #[inline]
    #[target_feature(enable = "avx2,f16c")]
    pub(crate) fn new() -> Self {
        Self(())
    }
}

#[cfg(target_arch = "x86_64")]
impl Halves for Avx2 {
    #[inline(always)]
    fn widen<const N: usize>(self, values: &[f16; N]) -> [f32; N] {
        use std::arch::x86_64::{_mm_loadu_si128, _mm256_cvtph_ps, _mm256_storeu_ps};
        const { assert!(N.is_multiple_of(EIGHT)) };
        let mut wide = [0.0; N];
        for at in 0..N / EIGHT {
            let (from, to) = (values[at * EIGHT..].as_ptr(), wide[at * EIGHT..].as_mut_ptr());
            // SAFETY: the processor has F16C, and both have eight values from there on.
            unsafe { _mm256_storeu_ps(to, _mm256_cvtph_ps(_mm_loadu_si128(from.cast()))) };
        }
        wide
    }

    #[inline(always)]
    fn narrow<const N: usize>(self, values: &[f32; N]) -> [f16; N] {
        use std::arch::x86_64::{_MM_FROUND_TO_NEAREST_INT, _mm_storeu_si128, _mm256_cvtps_ph, _mm256_loadu_ps};
        const { assert!(N.is_multiple_of(EIGHT)) };
        let mut halves = [f16::ZERO; N];
        for at in 0..N / EIGHT {
            let (from, to) = (values[at * EIGHT..].as_ptr(), halves[at * EIGHT..].as_mut_ptr());
            // SAFETY: the processor has F16C, and both have eight values from there on.
            unsafe {
                let eight = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(_mm256_loadu_ps(from));
                _mm_storeu_si128(to.cast(), eight);
            }
        }
        halves
    }

    /// A compiler that unrolls the loop first loads one number after the other.
    #[inline(always)]
    fn widen_upper<const N: usize>(self, values: &[bf16; N]) -> [f32; N] {
        use std::arch::x86_64::{_mm_loadu_si128, _mm256_cvtepu16_epi32, _mm256_slli_epi32, _mm256_storeu_si256};
        const { assert!(N.is_multiple_of(EIGHT)) };
        let mut wide = [0.0; N];
        for at in 0..N / EIGHT {
            let (from, to) = (values[at * EIGHT..].as_ptr(), wide[at * EIGHT..].as_mut_ptr());
            // SAFETY: the processor has AVX2, and both have eight values from there on.
            unsafe {
                let eight = _mm256_slli_epi32::<16>(_mm256_cvtepu16_epi32(_mm_loadu_si128(from.cast())));
                _mm256_storeu_si256(to.cast(), eight);
            }
        }
        wide
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    /// Lower halves of `f32` around which rounding turns.
    const LOWER: [u32; 16] = [
        0, 1, 0xFFF, 0x1000, 0x1001, 0x1FFF, 0x2000, 0x2001, 0x3000, 0x5555, 0x7FFF, 0x8000, 0x8001, 0xA000, 0xF000,
        0xFFFF,
    ];

    #[test]
    fn all_ways_give_the_same_bits() {
        if !is_x86_feature_detected!("avx2") || !is_x86_feature_detected!("f16c") {
            return;
        }
        // SAFETY: the processor has both.
        let avx2 = unsafe { Avx2::new() };
        for start in (0..=u16::MAX).step_by(16) {
            let bits: [u16; 16] = std::array::from_fn(|at| start + at as u16);
            let halves = bits.map(f16::from_bits);
            assert_eq!(avx2.widen(&halves).map(f32::to_bits), Portable.widen(&halves).map(f32::to_bits), "{start:x}");
            let upper = bits.map(bf16::from_bits);
            assert_eq!(avx2.widen_upper(&upper).map(f32::to_bits), bits.map(|bits| u32::from(bits) << 16), "{start:x}");
            for upper in bits {
                let values = LOWER.map(|lower| f32::from_bits(u32::from(upper) << 16 | lower));
                let expected = Portable.narrow(&values).map(f16::to_bits);
                assert_eq!(avx2.narrow(&values).map(f16::to_bits), expected, "{upper:x}");
            }
        }
    }
}
