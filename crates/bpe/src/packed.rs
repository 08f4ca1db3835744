//! A short piece of text in a few words of 64 bits, to be hashed and compared at once.

use crate::pages::Zero;

/// Up to `8 * N - 4` bytes of text, zeros after them, and in the highest 32 bits a length of 5 bits above a payload of 27. Two of
/// them stand for the same piece when they are equal but for the payload. The highest bit of the payload is a mark of the place where it is kept.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Packed<const N: usize>([u64; N]);

/// The payload, in the last word.
const PAYLOAD: u64 = 0x07ff_ffff << 32;
const MARK: u64 = 1 << 58;
const LENGTH_SHIFT: u32 = 59;

/// As many ones as wanted, then zeros, from the right offset on.
static ONES: [u8; 64] = {
    let mut ones = [0; 64];
    let mut index = 0;
    while index < 32 {
        ones[index] = 0xff;
        index += 1;
    }
    ones
};

// SAFETY: it is nothing but numbers.
unsafe impl<const N: usize> Zero for Packed<N> {}

impl<const N: usize> Packed<N> {
    /// The most bytes that fit.
    pub const MAX: usize = 8 * N - 4;
    pub const EMPTY: Self = Self([0; N]);

    /// `text[start..end]`, not empty, with the payload 0. One that is too long comes out as none that fits.
    #[inline(always)]
    pub fn of(text: &[u8], start: usize, end: usize) -> Self {
        // One comparison, half of which is the same for all pieces of a text; a range of a slice takes two.
        if start < (text.len() + 1).saturating_sub(8 * N) {
            // SAFETY: so many bytes are left.
            Self::of_bytes(unsafe { text.get_unchecked(start..start + 8 * N) }, end - start)
        } else {
            Self::of_last(text, start, end)
        }
    }

    /// [`Packed::of`] by a copy of what is left.
    #[cold]
    fn of_last(text: &[u8], start: usize, end: usize) -> Self {
        let (mut bytes, length) = ([0; 32], (end - start).min(Self::MAX + 1));
        bytes[..length].copy_from_slice(&text[start..start + length]);
        Self::of_bytes(&bytes, length)
    }

    /// The first `length` of `bytes`, which are `8 * N` at least.
    #[inline(always)]
    fn of_bytes(bytes: &[u8], length: usize) -> Self {
        let length = length.min(Self::MAX + 1);
        let mut words: [u64; N] = load(bytes);
        let mask: [u64; N] = load(&ONES[32 - length..]);
        for (word, mask) in words.iter_mut().zip(mask) {
            *word &= mask;
        }
        words[N - 1] = words[N - 1] & 0xffff_ffff | (length as u64) << LENGTH_SHIFT;
        Self(words)
    }

    /// The one that [`Packed::to_words`] wrote.
    #[inline(always)]
    pub fn from_words(words: &[u64]) -> Self {
        Self(std::array::from_fn(|index| words[index]))
    }

    /// Writes it to the first `N` words.
    #[inline(always)]
    pub fn to_words(self, words: &mut [u64]) {
        words[..N].copy_from_slice(&self.0);
    }

    /// Whether it stands for the same piece as `other`.
    #[inline(always)]
    pub fn is_piece_of(self, other: Self) -> bool {
        let mut difference = (self.0[N - 1] ^ other.0[N - 1]) & !PAYLOAD;
        for index in 0..N - 1 {
            difference |= self.0[index] ^ other.0[index];
        }
        difference == 0
    }

    /// How many bytes it has.
    #[inline(always)]
    pub fn length(self) -> usize {
        (self.0[N - 1] >> LENGTH_SHIFT) as usize
    }

    #[inline(always)]
    pub fn is_empty(self) -> bool {
        self.length() == 0
    }

    #[inline(always)]
    pub fn payload(self) -> u32 {
        ((self.0[N - 1] & PAYLOAD & !MARK) >> 32) as u32
    }

    /// With the mark.
    #[inline(always)]
    pub fn with_mark(mut self) -> Self {
        self.0[N - 1] |= MARK;
        self
    }

    #[inline(always)]
    pub fn has_mark(self) -> bool {
        self.0[N - 1] & MARK != 0
    }

    /// With `payload`, of at most 26 bits, where the payload is 0.
    #[inline(always)]
    pub fn with_payload(mut self, payload: u32) -> Self {
        self.0[N - 1] |= u64::from(payload) << 32;
        self
    }

    /// With the payload 0.
    #[inline(always)]
    pub fn without_payload(mut self) -> Self {
        self.0[N - 1] &= !PAYLOAD;
        self
    }

    /// What [`Packed::table_hash`] adds to the halves of words, and what it multiplies by in the end.
    pub const SALTS: [u32; 8] =
        [0xaa6c_78a5, 0x2d35_8dcd, 0x962e_acc9, 0x8bb8_4b93, 0xd433_d4a3, 0x4b33_a62e, 0x1de1_aa47, 0x4d5a_2da5];
    pub const FACTOR: u32 = 0x9e37_79b1;

    /// A hash of all of it, where the payload is 0, by which tables of tokens are made, since vectors can tell it: products of the halves of words, as in NH
    /// of UMAC, folded and multiplied. The high bits are the good ones.
    #[inline(always)]
    pub fn table_hash(self) -> u32 {
        let mut sum = 0_u64;
        for (word, salts) in self.0.into_iter().zip(Self::SALTS.chunks_exact(2)) {
            let (low, high) = ((word as u32).wrapping_add(salts[0]), ((word >> 32) as u32).wrapping_add(salts[1]));
            sum = sum.wrapping_add(u64::from(low) * u64::from(high));
        }
        (sum as u32 ^ (sum >> 32) as u32).wrapping_mul(Self::FACTOR)
    }

    /// Another one, which is longer: wide products folded, as in wyhash. The high bits are the good ones.
    #[inline(always)]
    pub fn hash(self) -> u64 {
        const SALT: [u64; 4] =
            [0x2d35_8dcc_aa6c_78a5, 0x8bb8_4b93_962e_acc9, 0x4b33_a62e_d433_d4a3, 0x4d5a_2da5_1de1_aa47];
        let mut hash = 0;
        for pair in 0..N / 2 {
            let (left, right) = (self.0[2 * pair] ^ SALT[2 * pair], self.0[2 * pair + 1] ^ SALT[2 * pair + 1]);
            let product = u128::from(left) * u128::from(right);
            hash ^= product as u64 ^ (product >> 64) as u64;
        }
        hash
    }
}

/// What vectors need to know.
#[cfg(target_arch = "x86_64")]
impl Packed<2> {
    /// Where the payload is, in the last word, with the mark.
    pub const PAYLOAD: u64 = PAYLOAD;
    /// The payload of the highest 32 bits, without the mark.
    pub const PAYLOAD_BITS: u32 = ((PAYLOAD & !MARK) >> 32) as u32;

    /// The bytes of one that is zeros, but of this length.
    pub const fn bytes_of_length(length: usize) -> [u8; 16] {
        ((length as u128) << (64 + LENGTH_SHIFT)).to_le_bytes()
    }

    /// Its bytes.
    #[cfg(test)]
    pub fn to_bytes(self) -> [u8; 16] {
        (u128::from(self.0[0]) | u128::from(self.0[1]) << 64).to_le_bytes()
    }
}

/// The first `N` words of `bytes`.
#[inline(always)]
fn load<const N: usize>(bytes: &[u8]) -> [u64; N] {
    let bytes = &bytes[..8 * N];
    std::array::from_fn(|index| u64::from_le_bytes(bytes[8 * index..8 * index + 8].try_into().expect("eight bytes")))
}

/// Asks for `items[at]` to be brought near, where the processor has a way to.
#[inline(always)]
pub(crate) fn prefetch<T>(items: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch of any address does no harm.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(items.as_ptr().wrapping_add(at).cast());
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: a prefetch of any address does no harm.
    unsafe {
        let address = items.as_ptr().wrapping_add(at);
        std::arch::asm!("prfm pldl1keep, [{}]", in(reg) address, options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = (items, at);
}
