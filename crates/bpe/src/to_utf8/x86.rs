//! Eight units at a time: what each becomes stands in a lane of its own, and a shuffle puts those bytes side by side that are some.

use std::arch::x86_64::{
    __m256i, _mm_and_si128, _mm_blendv_epi8, _mm_cmpgt_epi16, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128,
    _mm_packs_epi16, _mm_set1_epi16, _mm_setzero_si128, _mm_shuffle_epi8, _mm_slli_epi16, _mm_srli_epi16,
    _mm_storeu_si128, _mm256_and_si256, _mm256_blendv_epi8, _mm256_castsi256_ps, _mm256_castsi256_si128,
    _mm256_cmpeq_epi16, _mm256_cmpgt_epi32, _mm256_cvtepu16_epi32, _mm256_extracti128_si256, _mm256_loadu_si256,
    _mm256_movemask_epi8, _mm256_movemask_ps, _mm256_or_si256, _mm256_packus_epi16, _mm256_permute4x64_epi64,
    _mm256_set1_epi16, _mm256_set1_epi32, _mm256_slli_epi32, _mm256_srli_epi32, _mm256_storeu_si256,
    _mm256_testz_si256,
};
use std::mem::MaybeUninit;

use super::{BLOCK, Blocks, ROOM, fill};
use crate::level::HasAvx2;

/// For each set of eight units that are ASCII, the bytes of lanes of two that are some.
static OF_TWO: [[u8; 16]; 256] = {
    let mut all = [[0; 16]; 256];
    let mut ascii = 0;
    while ascii < 256 {
        let (mut lane, mut count) = (0, 0);
        while lane < 8 {
            all[ascii][count] = 2 * lane;
            count += 1;
            if ascii >> lane & 1 == 0 {
                all[ascii][count] = 2 * lane + 1;
                count += 1;
            }
            lane += 1;
        }
        ascii += 1;
    }
    all
};

/// For each set of four units that have a second byte, and of those that have a third (the upper four bits), the bytes of lanes of four that are some.
static OF_THREE: [[u8; 16]; 256] = {
    let mut all = [[0; 16]; 256];
    let mut longer = 0;
    while longer < 256 {
        let (mut lane, mut count) = (0, 0);
        while lane < 4 {
            let mut byte = 0;
            let length = 1 + (longer >> lane & 1) as u8 + (longer >> (4 + lane) & 1) as u8;
            while byte < length {
                all[longer][count] = 4 * lane + byte;
                count += 1;
                byte += 1;
            }
            lane += 1;
        }
        longer += 1;
    }
    all
};

/// [`fill`] with the vectors of AVX2.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn fill_avx2(units: &[u16], bytes: &mut [MaybeUninit<u8>]) -> usize {
    fill(units, bytes, HasAvx2::new())
}

/// Both halves of `block`.
///
/// # Safety
/// The processor has AVX2.
#[inline(always)]
unsafe fn halves(block: &[u16; BLOCK]) -> [__m256i; 2] {
    let [first, second] = [0, BLOCK / 2].map(|at| block[at..].as_ptr());
    // SAFETY: the caller's promise, and each half has 16 units.
    unsafe { [_mm256_loadu_si256(first.cast()), _mm256_loadu_si256(second.cast())] }
}

impl Blocks for HasAvx2 {
    #[inline(always)]
    fn longest(self, block: &[u16; BLOCK]) -> Option<u8> {
        // SAFETY: the processor has the instructions, as `self` says.
        unsafe {
            let [first, second] = halves(block);
            let all = _mm256_or_si256(first, second);
            if _mm256_testz_si256(all, _mm256_set1_epi16(0xff80_u16.cast_signed())) != 0 {
                return Some(1);
            }
            let upper = _mm256_set1_epi16(0xf800_u16.cast_signed());
            if _mm256_testz_si256(all, upper) != 0 {
                return Some(2);
            }
            let surrogate = _mm256_set1_epi16(0xd800_u16.cast_signed());
            let [first, second] =
                [first, second].map(|half| _mm256_cmpeq_epi16(_mm256_and_si256(half, upper), surrogate));
            (_mm256_movemask_epi8(_mm256_or_si256(first, second)) == 0).then_some(3)
        }
    }

    #[inline(always)]
    fn push_ascii(self, block: &[u16; BLOCK], places: &mut [MaybeUninit<u8>; ROOM]) -> usize {
        // SAFETY: the processor has the instructions, as `self` says, and there is room for more than a block.
        unsafe {
            let [first, second] = halves(block);
            let bytes = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packus_epi16(first, second));
            _mm256_storeu_si256(places.as_mut_ptr().cast(), bytes);
        }
        BLOCK
    }

    #[inline(always)]
    fn push_of_two(self, block: &[u16; BLOCK], places: &mut [MaybeUninit<u8>; ROOM]) -> usize {
        let (start, mut length) = (places.as_mut_ptr().cast::<u8>(), 0);
        for eight in block.as_chunks::<8>().0 {
            // SAFETY: the processor has the instructions, as `self` says. Units before these were given at most three bytes each, so there is room for
            // 24.
            unsafe {
                let units = _mm_loadu_si128(eight.as_ptr().cast());
                let first = _mm_srli_epi16::<6>(units);
                let second = _mm_slli_epi16::<8>(_mm_and_si128(units, _mm_set1_epi16(0x3f)));
                let two = _mm_or_si128(_mm_or_si128(first, second), _mm_set1_epi16(0x80c0_u16.cast_signed()));
                let is_ascii = _mm_cmpgt_epi16(_mm_set1_epi16(0x80), units);
                let ascii = _mm_movemask_epi8(_mm_packs_epi16(is_ascii, _mm_setzero_si128())) as usize;
                let shuffle = _mm_loadu_si128(OF_TWO[ascii].as_ptr().cast());
                let bytes = _mm_shuffle_epi8(_mm_blendv_epi8(two, units, is_ascii), shuffle);
                _mm_storeu_si128(start.add(length).cast(), bytes);
                length += 16 - ascii.count_ones() as usize;
            }
        }
        length
    }

    #[inline(always)]
    fn push_of_three(self, block: &[u16; BLOCK], places: &mut [MaybeUninit<u8>; ROOM]) -> usize {
        let (start, mut length) = (places.as_mut_ptr().cast::<u8>(), 0);
        for eight in block.as_chunks::<8>().0 {
            // SAFETY: the processor has the instructions, as `self` says. Units before four of these were given at most three bytes each, so there
            // is room for 12 and the four that are behind a block.
            unsafe {
                let units = _mm256_cvtepu16_epi32(_mm_loadu_si128(eight.as_ptr().cast()));
                let low = _mm256_and_si256(units, _mm256_set1_epi32(0x3f));
                let high = _mm256_srli_epi32::<6>(units);
                let middle = _mm256_slli_epi32::<8>(_mm256_and_si256(high, _mm256_set1_epi32(0x3f)));
                let two = _mm256_or_si256(high, _mm256_slli_epi32::<8>(low));
                let two = _mm256_or_si256(two, _mm256_set1_epi32(0x80c0));
                let three = _mm256_or_si256(_mm256_srli_epi32::<12>(units), middle);
                let three = _mm256_or_si256(three, _mm256_slli_epi32::<16>(low));
                let three = _mm256_or_si256(three, _mm256_set1_epi32(0x80_80e0));
                let has_second = _mm256_cmpgt_epi32(units, _mm256_set1_epi32(0x7f));
                let has_third = _mm256_cmpgt_epi32(units, _mm256_set1_epi32(0x7ff));
                let lanes = _mm256_blendv_epi8(_mm256_blendv_epi8(units, two, has_second), three, has_third);
                let second = _mm256_movemask_ps(_mm256_castsi256_ps(has_second)) as usize;
                let third = _mm256_movemask_ps(_mm256_castsi256_ps(has_third)) as usize;
                let longer = [second & 0x0f | (third & 0x0f) << 4, second >> 4 | third & 0xf0];
                let four = [_mm256_castsi256_si128(lanes), _mm256_extracti128_si256::<1>(lanes)];
                for (four, longer) in four.into_iter().zip(longer) {
                    let shuffle = _mm_loadu_si128(OF_THREE[longer].as_ptr().cast());
                    _mm_storeu_si128(start.add(length).cast(), _mm_shuffle_epi8(four, shuffle));
                    length += 4 + longer.count_ones() as usize;
                }
            }
        }
        length
    }
}
