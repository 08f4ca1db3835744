//! The ASCII classes of 64 bytes at once, one bit for each byte.

/// Bytes that are classified at once: one bit of a word for each.
pub(crate) const BLOCK: usize = 64;

/// Bit `i` tells about byte `i` of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Masks {
    /// `[A-Za-z]`
    pub letter: u64,
    /// `[A-Z]`
    pub upper: u64,
    /// `[0-9]`
    pub digit: u64,
    /// The space.
    pub space: u64,
    /// `[\t\x0b\x0c]`
    pub tab: u64,
    /// `[\r\n]`
    pub newline: u64,
    /// The apostrophe.
    pub apostrophe: u64,
    /// `/`
    pub slash: u64,
    /// `[\x00-\x08\x0e-\x1f\x7f]`
    pub control: u64,
    /// Bytes from 0x80 on; once [told](Masks::tell), those of characters that are in no other mask.
    pub high: u64,
    /// Once told, bytes of characters outside ASCII.
    pub wide: u64,
    /// Once told, bytes of characters outside ASCII but for the first of each.
    pub rest: u64,
    /// Once told for words with case, letters outside ASCII that have none, and marks.
    pub caseless: u64,
    /// Once told for words with case, marks.
    pub mark: u64,
}

/// A way to make [`Masks`], for one kind of processor. Whoever has one has the instructions for it.
pub(super) trait Classify: Copy {
    fn classify(self, block: &[u8; BLOCK]) -> Masks;

    /// For each of `least`, which are not ASCII, the bytes that are at least as large.
    fn at_least<const N: usize>(self, block: &[u8; BLOCK], least: [u8; N]) -> [u64; N];
}

/// Eight bytes at a time in ordinary registers: for every processor.
#[derive(Clone, Copy)]
pub(super) struct Portable;

impl Classify for Portable {
    #[inline(always)]
    fn classify(self, block: &[u8; BLOCK]) -> Masks {
        use super::runs::in_range;
        let mut masks = Masks::default();
        for (index, eight) in block.chunks_exact(8).enumerate() {
            let eight = u64::from_le_bytes(eight.try_into().expect("eight bytes"));
            let put = |mask: &mut u64, high_bits: u64| *mask |= gather(high_bits) << (8 * index);
            let upper = in_range(eight, b'A', b'Z');
            put(&mut masks.upper, upper);
            put(&mut masks.letter, upper | in_range(eight, b'a', b'z'));
            put(&mut masks.digit, in_range(eight, b'0', b'9'));
            put(&mut masks.space, in_range(eight, b' ', b' '));
            put(&mut masks.tab, in_range(eight, b'\t', b'\t') | in_range(eight, 0x0b, 0x0c));
            put(&mut masks.newline, in_range(eight, b'\n', b'\n') | in_range(eight, b'\r', b'\r'));
            put(&mut masks.apostrophe, in_range(eight, b'\'', b'\''));
            put(&mut masks.slash, in_range(eight, b'/', b'/'));
            let low = in_range(eight, 0, 0x08) | in_range(eight, 0x0e, 0x1f);
            put(&mut masks.control, low | in_range(eight, 0x7f, 0x7f));
            put(&mut masks.high, eight);
        }
        masks
    }

    #[inline(always)]
    fn at_least<const N: usize>(self, block: &[u8; BLOCK], least: [u8; N]) -> [u64; N] {
        use super::runs::{HIGH, in_range};
        let mut masks = [0; N];
        for (index, eight) in block.chunks_exact(8).enumerate() {
            let eight = u64::from_le_bytes(eight.try_into().expect("eight bytes"));
            for (mask, least) in masks.iter_mut().zip(least) {
                // Of the seven low bits, since ranges are of ASCII.
                *mask |= gather(in_range(eight & !HIGH, least & 0x7f, 0x7f) & eight) << (8 * index);
            }
        }
        masks
    }
}

/// The high bits of eight bytes as the low eight bits.
#[inline(always)]
fn gather(high_bits: u64) -> u64 {
    ((high_bits >> 7 & 0x0101_0101_0101_0101).wrapping_mul(0x0102_0408_1020_4080)) >> 56
}

#[cfg(target_arch = "aarch64")]
pub(super) mod arm {
    use std::arch::aarch64::{
        uint8x16_t, vandq_u8, vceqq_u8, vcgeq_u8, vcltq_u8, vdupq_n_u8, vgetq_lane_u64, vld1q_u8, vld1q_u8_x4,
        vorrq_u8, vpaddq_u8, vreinterpretq_u64_u8, vsubq_u8, vtstq_u8,
    };

    use super::{BLOCK, Classify, Masks};

    /// NEON.
    #[derive(Clone, Copy)]
    pub struct Neon;

    /// Sixteen bytes, each all ones or all zeros, for each quarter of a block.
    type Fits = [uint8x16_t; 4];

    impl Classify for Neon {
        #[inline(always)]
        fn classify(self, block: &[u8; BLOCK]) -> Masks {
            // SAFETY: NEON is everywhere; 64 bytes are read.
            unsafe {
                let quarters = vld1q_u8_x4(block.as_ptr());
                let quarters = [quarters.0, quarters.1, quarters.2, quarters.3];
                let equals = |byte: u8| quarters.map(|bytes| vceqq_u8(bytes, vdupq_n_u8(byte)));
                let either = |one: Fits, other: Fits| std::array::from_fn(|at| vorrq_u8(one[at], other[at]));
                let in_range =
                    |bytes, from: u8, count: u8| vcltq_u8(vsubq_u8(bytes, vdupq_n_u8(from)), vdupq_n_u8(count));
                let (letter, upper) = masks(
                    quarters.map(|bytes| in_range(vorrq_u8(bytes, vdupq_n_u8(0x20)), b'a', 26)),
                    quarters.map(|bytes| in_range(bytes, b'A', 26)),
                );
                let (digit, space) = masks(quarters.map(|bytes| in_range(bytes, b'0', 10)), equals(b' '));
                let (other_white, newline) =
                    masks(quarters.map(|bytes| in_range(bytes, b'\t', 5)), either(equals(b'\n'), equals(b'\r')));
                let (apostrophe, slash) = masks(equals(b'\''), equals(b'/'));
                let (control, high) = masks(
                    either(quarters.map(|bytes| vcltq_u8(bytes, vdupq_n_u8(0x20))), equals(0x7f)),
                    quarters.map(|bytes| vtstq_u8(bytes, vdupq_n_u8(0x80))),
                );
                Masks {
                    letter,
                    upper,
                    digit,
                    space,
                    tab: other_white & !newline,
                    newline,
                    apostrophe,
                    slash,
                    control: control & !other_white,
                    high,
                    ..Masks::default()
                }
            }
        }

        #[inline(always)]
        fn at_least<const N: usize>(self, block: &[u8; BLOCK], least: [u8; N]) -> [u64; N] {
            // SAFETY: NEON is everywhere; 64 bytes are read.
            unsafe {
                let quarters = vld1q_u8_x4(block.as_ptr());
                let quarters = [quarters.0, quarters.1, quarters.2, quarters.3];
                let fits = least.map(|byte| quarters.map(|bytes| vcgeq_u8(bytes, vdupq_n_u8(byte))));
                let mut both = [0; N];
                for (two, fits) in both.chunks_mut(2).zip(fits.chunks(2)) {
                    let (first, second) = masks(fits[0], fits[fits.len() - 1]);
                    two[0] = first;
                    two[fits.len() - 1] = if fits.len() == 1 { first } else { second };
                }
                both
            }
        }
    }

    /// The bits of two masks: of each byte the one of its place among eight is kept, and three sums of neighbours join those.
    #[inline(always)]
    unsafe fn masks(first: Fits, second: Fits) -> (u64, u64) {
        const PLACES: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];
        // SAFETY: NEON is everywhere; sixteen bytes are read.
        unsafe {
            let places = vld1q_u8(PLACES.as_ptr());
            let sums = |fits: Fits| {
                let [a, b, c, d] = fits.map(|fits| vandq_u8(fits, places));
                vpaddq_u8(vpaddq_u8(a, b), vpaddq_u8(c, d))
            };
            let both = vreinterpretq_u64_u8(vpaddq_u8(sums(first), sums(second)));
            (vgetq_lane_u64::<0>(both), vgetq_lane_u64::<1>(both))
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256i, _mm256_add_epi8, _mm256_and_si256, _mm256_cmpeq_epi8, _mm256_cmpgt_epi8, _mm256_loadu_si256,
        _mm256_max_epu8, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8, _mm512_cmpeq_epi8_mask,
        _mm512_cmpge_epu8_mask, _mm512_cmplt_epu8_mask, _mm512_loadu_si512, _mm512_movepi8_mask, _mm512_or_si512,
        _mm512_set1_epi8, _mm512_sub_epi8,
    };

    use super::{BLOCK, Classify, Masks};
    use crate::level::{HasAvx2, HasAvx512};

    impl Classify for HasAvx2 {
        #[inline(always)]
        fn classify(self, block: &[u8; BLOCK]) -> Masks {
            // SAFETY: the processor has AVX2, as `self` says; both halves lie inside the block.
            let (low, high) = unsafe {
                (half(_mm256_loadu_si256(block.as_ptr().cast())), half(_mm256_loadu_si256(block[32..].as_ptr().cast())))
            };
            let join = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
            Masks {
                letter: join(low[0], high[0]),
                upper: join(low[1], high[1]),
                digit: join(low[2], high[2]),
                space: join(low[3], high[3]),
                tab: join(low[4] & !low[5], high[4] & !high[5]),
                newline: join(low[5], high[5]),
                apostrophe: join(low[6], high[6]),
                slash: join(low[7], high[7]),
                control: join(low[9] & !low[4], high[9] & !high[4]),
                high: join(low[8], high[8]),
                ..Masks::default()
            }
        }

        #[inline(always)]
        fn at_least<const N: usize>(self, block: &[u8; BLOCK], least: [u8; N]) -> [u64; N] {
            let mut masks = [0; N];
            // SAFETY: the processor has AVX2, as `self` says; both halves lie inside the block.
            unsafe {
                let halves =
                    [_mm256_loadu_si256(block.as_ptr().cast()), _mm256_loadu_si256(block[32..].as_ptr().cast())];
                for (mask, least) in masks.iter_mut().zip(least) {
                    let least = _mm256_set1_epi8(least.cast_signed());
                    let [low, high] = halves
                        .map(|half| _mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_max_epu8(half, least), half)) as u32);
                    *mask = u64::from(low) | u64::from(high) << 32;
                }
            }
            masks
        }
    }

    /// Letters, upper case, digits, spaces, other white space, line breaks, apostrophes, slashes, high bytes, controls
    /// with other white space.
    ///
    /// # Safety
    /// The processor has AVX2.
    #[inline(always)]
    unsafe fn half(bytes: __m256i) -> [u32; 10] {
        // SAFETY: the caller's promise.
        unsafe {
            let splat = |byte: u8| _mm256_set1_epi8(byte.cast_signed());
            let mask = |fits: __m256i| _mm256_movemask_epi8(fits) as u32;
            let equals = |byte: u8| _mm256_cmpeq_epi8(bytes, splat(byte));
            // Signed comparison after a shift that puts `from` at the least number.
            let in_range = |bytes: __m256i, from: u8, count: u8| {
                let shifted = _mm256_add_epi8(bytes, splat(0x80_u8.wrapping_sub(from)));
                _mm256_cmpgt_epi8(splat(0x80 + count), shifted)
            };
            let letter = mask(in_range(_mm256_or_si256(bytes, splat(0x20)), b'a', 26));
            let lower_bit = mask(_mm256_cmpeq_epi8(_mm256_and_si256(bytes, splat(0x20)), splat(0x20)));
            [
                letter,
                letter & !lower_bit,
                mask(in_range(bytes, b'0', 10)),
                mask(equals(b' ')),
                mask(in_range(bytes, b'\t', 5)),
                mask(_mm256_or_si256(equals(b'\n'), equals(b'\r'))),
                mask(equals(b'\'')),
                mask(equals(b'/')),
                mask(bytes),
                mask(_mm256_or_si256(in_range(bytes, 0, 0x20), equals(0x7f))),
            ]
        }
    }

    impl Classify for HasAvx512 {
        #[inline(always)]
        fn classify(self, block: &[u8; BLOCK]) -> Masks {
            // SAFETY: the processor has AVX-512 BW, as `self` says; 64 bytes are read.
            unsafe {
                let bytes = _mm512_loadu_si512(block.as_ptr().cast());
                let splat = |byte: u8| _mm512_set1_epi8(byte.cast_signed());
                let equals = |byte: u8| _mm512_cmpeq_epi8_mask(bytes, splat(byte));
                let in_range = |bytes, from: u8, count: u8| {
                    _mm512_cmplt_epu8_mask(_mm512_sub_epi8(bytes, splat(from)), splat(count))
                };
                let newline = equals(b'\n') | equals(b'\r');
                Masks {
                    letter: in_range(_mm512_or_si512(bytes, splat(0x20)), b'a', 26),
                    upper: in_range(bytes, b'A', 26),
                    digit: in_range(bytes, b'0', 10),
                    space: equals(b' '),
                    tab: in_range(bytes, b'\t', 5) & !newline,
                    newline,
                    apostrophe: equals(b'\''),
                    slash: equals(b'/'),
                    control: in_range(bytes, 0, 0x20) & !in_range(bytes, b'\t', 5) | equals(0x7f),
                    high: _mm512_movepi8_mask(bytes),
                    ..Masks::default()
                }
            }
        }

        #[inline(always)]
        fn at_least<const N: usize>(self, block: &[u8; BLOCK], least: [u8; N]) -> [u64; N] {
            let mut masks = [0; N];
            // SAFETY: the processor has AVX-512 BW, as `self` says; 64 bytes are read.
            unsafe {
                let bytes = _mm512_loadu_si512(block.as_ptr().cast());
                for (mask, least) in masks.iter_mut().zip(least) {
                    *mask = _mm512_cmpge_epu8_mask(bytes, _mm512_set1_epi8(least.cast_signed()));
                }
            }
            masks
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every byte value at every place of a block.
    fn blocks() -> impl Iterator<Item = [u8; BLOCK]> {
        (0..256).map(|first| std::array::from_fn(|index| (first + index * 5) as u8))
    }

    fn expected(block: &[u8; BLOCK]) -> Masks {
        let mask = |fits: fn(u8) -> bool| {
            (0..BLOCK).filter(|&index| fits(block[index])).fold(0, |mask, index| mask | 1 << index)
        };
        Masks {
            letter: mask(|byte| byte.is_ascii_alphabetic()),
            upper: mask(|byte| byte.is_ascii_uppercase()),
            digit: mask(|byte| byte.is_ascii_digit()),
            space: mask(|byte| byte == b' '),
            tab: mask(|byte| matches!(byte, b'\t' | 0x0b | 0x0c)),
            newline: mask(|byte| matches!(byte, b'\r' | b'\n')),
            apostrophe: mask(|byte| byte == b'\''),
            slash: mask(|byte| byte == b'/'),
            control: mask(|byte| byte.is_ascii_control() && !matches!(byte, b'\t'..=b'\r')),
            high: mask(|byte| byte >= 0x80),
            ..Masks::default()
        }
    }

    const LEAST: [u8; 5] = [0x80, 0x8b, 0xb0, 0xd0, 0xff];

    fn assert_right(block: &[u8; BLOCK], (masks, at_least): (Masks, [u64; 5])) {
        let from = |least| (0..BLOCK).filter(|&at| block[at] >= least).fold(0, |mask, at| mask | 1 << at);
        assert_eq!((masks, at_least), (expected(block), LEAST.map(from)));
    }

    #[test]
    fn portable_masks_are_those_of_single_bytes() {
        blocks().for_each(|block| assert_right(&block, (Portable.classify(&block), Portable.at_least(&block, LEAST))));
    }

    #[test]
    #[cfg(target_arch = "aarch64")]
    fn vector_masks_are_those_of_single_bytes() {
        blocks()
            .for_each(|block| assert_right(&block, (arm::Neon.classify(&block), arm::Neon.at_least(&block, LEAST))));
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn vector_masks_are_those_of_single_bytes() {
        use crate::Level;
        use crate::level::{HasAvx2, HasAvx512};

        #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
        fn avx2(block: &[u8; BLOCK]) -> (Masks, [u64; 5]) {
            (HasAvx2::new().classify(block), HasAvx2::new().at_least(block, LEAST))
        }
        #[target_feature(enable = "avx512bw")]
        fn avx512(block: &[u8; BLOCK]) -> (Masks, [u64; 5]) {
            (HasAvx512::new().classify(block), HasAvx512::new().at_least(block, LEAST))
        }
        for level in Level::available() {
            for block in blocks() {
                match level {
                    Level::Portable => {}
                    // SAFETY: there is such a level only on processors that have AVX2.
                    Level::Avx2 => assert_right(&block, unsafe { avx2(&block) }),
                    // SAFETY: there is such a level only on processors that have AVX-512.
                    Level::Avx512 => assert_right(&block, unsafe { avx512(&block) }),
                }
            }
        }
    }
}
