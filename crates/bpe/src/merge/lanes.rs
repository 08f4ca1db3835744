//! The keys of up to 64 possible merges, of which the smallest is looked for again and again.

use super::pairs::NONE;

/// Numbers, one for each place, kept in vectors. A single number is changed by writing its whole vector: a vector that is read
/// right after one of its parts was written has to wait for that. Whoever has a vector has the instructions for it.
pub(super) trait Lanes: Copy {
    /// Numbers in one vector.
    const WIDTH: usize;
    /// A vector of [`NONE`].
    ///
    /// # Safety
    /// The processor has the instructions for these vectors.
    unsafe fn none() -> Self;
    /// The first numbers of `keys`, which are at least as many.
    ///
    /// # Safety
    /// As [`Lanes::none`].
    unsafe fn load(keys: &[u32]) -> Self;
    fn set(&mut self, lane: usize, key: u32);
    fn min(self, other: Self) -> Self;
    fn smallest(self) -> u32;
}

/// For every processor.
#[derive(Clone, Copy)]
pub(super) struct Portable([u32; 8]);

impl Lanes for Portable {
    const WIDTH: usize = 8;

    #[inline(always)]
    unsafe fn none() -> Self {
        Self([NONE; 8])
    }

    #[inline(always)]
    unsafe fn load(keys: &[u32]) -> Self {
        Self(std::array::from_fn(|lane| keys[lane]))
    }

    #[inline(always)]
    fn set(&mut self, lane: usize, key: u32) {
        self.0[lane % 8] = key;
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane].min(other.0[lane])))
    }

    #[inline(always)]
    fn smallest(self) -> u32 {
        self.0.into_iter().fold(NONE, u32::min)
    }
}

#[cfg(target_arch = "aarch64")]
pub(super) mod arm {
    use std::arch::aarch64::{uint32x4_t, vbslq_u32, vceqq_u32, vdupq_n_u32, vld1q_u32, vminq_u32, vminvq_u32};

    use super::super::pairs::NONE;
    use super::Lanes;

    /// Two vectors, since one alone is few numbers for the waits of a step.
    #[derive(Clone, Copy)]
    pub struct Neon(uint32x4_t, uint32x4_t);

    impl Lanes for Neon {
        const WIDTH: usize = 8;

        #[inline(always)]
        unsafe fn none() -> Self {
            // SAFETY: NEON is everywhere.
            let none = unsafe { vdupq_n_u32(NONE) };
            Self(none, none)
        }

        #[inline(always)]
        unsafe fn load(keys: &[u32]) -> Self {
            let keys = &keys[..8];
            // SAFETY: NEON is everywhere; eight numbers are read.
            unsafe { Self(vld1q_u32(keys.as_ptr()), vld1q_u32(keys[4..].as_ptr())) }
        }

        #[inline(always)]
        fn set(&mut self, lane: usize, key: u32) {
            // SAFETY: NEON is everywhere; four numbers are read from each array.
            unsafe {
                let (lane, key) = (vdupq_n_u32(lane as u32), vdupq_n_u32(key));
                self.0 = vbslq_u32(vceqq_u32(lane, vld1q_u32([0, 1, 2, 3].as_ptr())), key, self.0);
                self.1 = vbslq_u32(vceqq_u32(lane, vld1q_u32([4, 5, 6, 7].as_ptr())), key, self.1);
            }
        }

        #[inline(always)]
        fn min(self, other: Self) -> Self {
            // SAFETY: NEON is everywhere.
            unsafe { Self(vminq_u32(self.0, other.0), vminq_u32(self.1, other.1)) }
        }

        #[inline(always)]
        fn smallest(self) -> u32 {
            // SAFETY: NEON is everywhere.
            unsafe { vminvq_u32(vminq_u32(self.0, self.1)) }
        }
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) mod x86 {
    use std::arch::x86_64::{
        __m256i, __m512i, _mm_cvtsi128_si32, _mm_min_epu32, _mm_shuffle_epi32, _mm256_blendv_epi8,
        _mm256_castsi256_si128, _mm256_cmpeq_epi32, _mm256_extracti128_si256, _mm256_loadu_si256, _mm256_min_epu32,
        _mm256_set1_epi32, _mm256_setr_epi32, _mm512_loadu_si512, _mm512_mask_set1_epi32, _mm512_min_epu32,
        _mm512_reduce_min_epu32, _mm512_set1_epi32,
    };

    use super::Lanes;

    /// Eight numbers, where AVX2 is.
    #[derive(Clone, Copy)]
    pub struct Avx2(__m256i);

    impl Lanes for Avx2 {
        const WIDTH: usize = 8;

        #[inline(always)]
        unsafe fn none() -> Self {
            // SAFETY: the caller has seen that AVX2 is there.
            Self(unsafe { _mm256_set1_epi32(-1) })
        }

        #[inline(always)]
        unsafe fn load(keys: &[u32]) -> Self {
            let keys = &keys[..8];
            // SAFETY: the caller has seen that AVX2 is there; this reads eight numbers.
            Self(unsafe { _mm256_loadu_si256(keys.as_ptr().cast()) })
        }

        #[inline(always)]
        fn set(&mut self, lane: usize, key: u32) {
            // SAFETY: a vector says that AVX2 is there.
            self.0 = unsafe {
                let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
                let here = _mm256_cmpeq_epi32(lanes, _mm256_set1_epi32((lane as u32).cast_signed()));
                _mm256_blendv_epi8(self.0, _mm256_set1_epi32(key.cast_signed()), here)
            };
        }

        #[inline(always)]
        fn min(self, other: Self) -> Self {
            // SAFETY: a vector says that AVX2 is there.
            Self(unsafe { _mm256_min_epu32(self.0, other.0) })
        }

        #[inline(always)]
        fn smallest(self) -> u32 {
            // SAFETY: a vector says that AVX2 is there.
            unsafe {
                let four = _mm_min_epu32(_mm256_castsi256_si128(self.0), _mm256_extracti128_si256::<1>(self.0));
                let two = _mm_min_epu32(four, _mm_shuffle_epi32::<0b01_00_11_10>(four));
                let one = _mm_min_epu32(two, _mm_shuffle_epi32::<0b10_11_00_01>(two));
                _mm_cvtsi128_si32(one).cast_unsigned()
            }
        }
    }

    /// Sixteen numbers, where AVX-512 F is.
    #[derive(Clone, Copy)]
    pub struct Avx512(__m512i);

    impl Lanes for Avx512 {
        const WIDTH: usize = 16;

        #[inline(always)]
        unsafe fn none() -> Self {
            // SAFETY: the caller has seen that AVX-512 F is there.
            Self(unsafe { _mm512_set1_epi32(-1) })
        }

        #[inline(always)]
        unsafe fn load(keys: &[u32]) -> Self {
            let keys = &keys[..16];
            // SAFETY: the caller has seen that AVX-512 F is there; this reads sixteen numbers.
            Self(unsafe { _mm512_loadu_si512(keys.as_ptr().cast()) })
        }

        #[inline(always)]
        fn set(&mut self, lane: usize, key: u32) {
            // SAFETY: a vector says that AVX-512 F is there.
            self.0 = unsafe { _mm512_mask_set1_epi32(self.0, 1 << lane, key.cast_signed()) };
        }

        #[inline(always)]
        fn min(self, other: Self) -> Self {
            // SAFETY: a vector says that AVX-512 F is there.
            Self(unsafe { _mm512_min_epu32(self.0, other.0) })
        }

        #[inline(always)]
        fn smallest(self) -> u32 {
            // SAFETY: a vector says that AVX-512 F is there.
            unsafe { _mm512_reduce_min_epu32(self.0) }
        }
    }
}
