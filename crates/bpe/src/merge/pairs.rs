//! Which two tokens merge into which.

use crate::packed::prefetch;
use crate::pages::Pages;
use crate::spread::Homes;
use crate::vocabulary::Vocabulary;

/// No merge. Larger than every id, so that a minimum over ids passes it by.
pub(crate) const NONE: u32 = u32::MAX;

const ID_BITS: u32 = 21;
const ID_MASK: u64 = (1 << ID_BITS) - 1;
const EMPTY: u64 = 0;
/// Set in every key, so that none is empty.
const PRESENT: u64 = 1 << (2 * ID_BITS);

/// In place of an id that is none; no token has it.
pub(crate) const NO_ID: u32 = ID_MASK as u32;

/// Slots of one line of the caches.
const BUCKET: usize = 8;

/// The merges of a vocabulary: words that hold left part, right part and result, 21 bits each, in buckets of a line of the caches, with
/// a bitmap in front that turns away most pairs that do not merge, and a table of its own for pairs of bytes, whose part for letters
/// stays in the nearest cache.
pub(crate) struct Pairs {
    slots: Pages<u64>,
    shift: u32,
    filter: Pages<u64>,
    filter_shift: u32,
    bytes: Box<[u32]>,
}

impl Pairs {
    pub fn new(vocabulary: &Vocabulary) -> Self {
        let slot_bits = Self::bits(vocabulary);
        // Sixteen bits for each merge.
        let filter_bits = slot_bits + 3;
        let mut pairs = Self {
            slots: Pages::zeros(1 << slot_bits),
            shift: 64 - slot_bits,
            filter: Pages::zeros(1 << (filter_bits - 6)),
            filter_shift: 64 - filter_bits,
            bytes: vec![NONE; 1 << 16].into(),
        };
        // In groups, so that the places of one are brought near while the next waits.
        let mut waiting = Vec::with_capacity(64);
        let mut merges = merges(vocabulary).peekable();
        while merges.peek().is_some() {
            for (left, right, id) in merges.by_ref().take(64) {
                let hash = hash(left, right);
                prefetch(&pairs.slots, (hash >> pairs.shift) as usize);
                prefetch(&pairs.filter, (hash >> pairs.filter_shift) as usize / 64);
                waiting.push((hash, key(left, right) << ID_BITS | u64::from(id)));
                if let &[first, second] = &vocabulary.bytes()[vocabulary.range(id)] {
                    pairs.bytes[byte_pair(first, second)] = id;
                }
            }
            waiting.drain(..).for_each(|(hash, slot)| pairs.insert(hash, slot));
        }
        pairs
    }

    /// How many slots there are, as a power of 2: they are at most half full.
    fn bits(vocabulary: &Vocabulary) -> u32 {
        // Some may be made by no merge; the others are about as many.
        (2 * vocabulary.len()).next_power_of_two().ilog2().max(8)
    }

    /// Where the searches for all merges start.
    pub fn homes(vocabulary: &Vocabulary) -> Homes {
        let bits = Self::bits(vocabulary);
        let homes = merges(vocabulary).map(|(left, right, _)| (hash(left, right) >> (64 - bits)) as usize);
        Homes { bits, homes: homes.collect() }
    }

    fn insert(&mut self, hash: u64, slot: u64) {
        let bit = hash >> self.filter_shift;
        self.filter[(bit / 64) as usize] |= 1 << (bit % 64);
        let home = (hash >> self.shift) as usize;
        let mut at = home;
        while self.slots[at] != EMPTY {
            at = self.after(at, home);
        }
        self.slots[at] = slot;
    }

    /// The token that `left` and `right` merge into, or [`NONE`].
    #[inline(always)]
    pub fn get(&self, left: u32, right: u32) -> u32 {
        let hash = hash(left, right);
        let bit = hash >> self.filter_shift;
        // SAFETY: `bit` has as many bits as the filter has bits, so the word is inside it.
        let word = unsafe { *self.filter.get_unchecked((bit / 64) as usize) };
        if word >> (bit % 64) & 1 == 0 { NONE } else { self.probe(hash, left, right) }
    }

    /// The token that two bytes merge into, or [`NONE`].
    #[inline(always)]
    pub fn of_bytes(&self, first: u8, second: u8) -> u32 {
        self.bytes[byte_pair(first, second)]
    }

    #[inline(always)]
    fn probe(&self, hash: u64, left: u32, right: u32) -> u32 {
        let key = key(left, right);
        let mut at = (hash >> self.shift) as usize;
        loop {
            // SAFETY: `at` has as many bits as there are slots, at first by the shift and then by the mask.
            let slot = unsafe { *self.slots.get_unchecked(at) };
            if slot >> ID_BITS == key {
                return (slot & ID_MASK) as u32;
            }
            if slot == EMPTY {
                return NONE;
            }
            at = self.after(at, (hash >> self.shift) as usize);
        }
    }

    /// The slot to look in after `at` for what has the slot `home`: round its bucket, and then on to the next.
    #[inline(always)]
    fn after(&self, at: usize, home: usize) -> usize {
        let next = (at & !(BUCKET - 1)) | ((at + 1) % BUCKET);
        if next % BUCKET == home % BUCKET { (next + BUCKET) & (self.slots.len() - 1) } else { next }
    }

    /// Asks for the bucket where [`Pairs::get_in`] looks to be brought near.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub fn ask_for(&self, left: u32, right: u32) -> Bucket {
        let first = (hash(left, right) >> self.shift) as usize & !(BUCKET - 1);
        prefetch(&self.slots, first);
        Bucket { key: key(left, right) << ID_BITS, first }
    }

    /// [`Pairs::get_in`] by two vectors of half a bucket.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    #[inline]
    pub fn get_in_by_halves(&self, bucket: Bucket) -> u32 {
        use std::arch::x86_64::{
            _mm_cvtsi128_si64, _mm_or_si128, _mm_unpackhi_epi64, _mm256_and_si256, _mm256_castsi256_si128,
            _mm256_cmpeq_epi64, _mm256_extracti128_si256, _mm256_load_si256, _mm256_or_si256, _mm256_set1_epi64x,
            _mm256_setzero_si256, _mm256_srli_epi64, _mm256_testz_si256, _mm256_xor_si256,
        };
        use std::hint::select_unpredictable;
        // SAFETY: as in `get_in`.
        let (one, other) = unsafe {
            let slots = self.slots.as_ptr().add(bucket.first);
            (_mm256_load_si256(slots.cast()), _mm256_load_si256(slots.add(BUCKET / 2).cast()))
        };
        let (key, zero) = (_mm256_set1_epi64x(bucket.key.cast_signed()), _mm256_setzero_si256());
        let find = |slots| {
            let rest = _mm256_xor_si256(slots, key);
            let found = _mm256_cmpeq_epi64(_mm256_srli_epi64::<{ ID_BITS.cast_signed() }>(rest), zero);
            // With a bit that tells an id from nothing.
            let marked = _mm256_or_si256(rest, _mm256_set1_epi64x(1 << ID_BITS));
            (_mm256_and_si256(found, marked), _mm256_cmpeq_epi64(slots, zero))
        };
        let ((found, empty), (other_found, other_empty)) = (find(one), find(other));
        let found = _mm256_or_si256(found, other_found);
        let is_told = _mm256_or_si256(_mm256_or_si256(found, empty), other_empty);
        // One test of both, which is foreseen; of `found` alone it would not be.
        if _mm256_testz_si256(is_told, is_told) == 1 {
            let key = bucket.key >> ID_BITS;
            return self.get((key >> ID_BITS & ID_MASK) as u32, (key & ID_MASK) as u32);
        }
        let two = _mm_or_si128(_mm256_castsi256_si128(found), _mm256_extracti128_si256::<1>(found));
        let id = _mm_cvtsi128_si64(_mm_or_si128(two, _mm_unpackhi_epi64(two, two))) as u32;
        select_unpredictable(id != 0, id & ID_MASK as u32, NONE)
    }

    /// [`Pairs::get`] without a branch, but for full buckets.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f")]
    #[inline]
    pub fn get_in(&self, bucket: Bucket) -> u32 {
        use std::arch::x86_64::{
            _mm_cvtsi128_si64, _mm512_castsi512_si128, _mm512_cmplt_epu64_mask, _mm512_load_si512,
            _mm512_mask_compress_epi64, _mm512_set1_epi64, _mm512_testn_epi64_mask, _mm512_xor_si512,
        };
        // SAFETY: a bucket's first slot is a multiple of the number of its slots, as the number of all is, and below it. They start with a
        // line of the caches.
        let slots = unsafe { _mm512_load_si512(self.slots.as_ptr().add(bucket.first).cast()) };
        let rest = _mm512_xor_si512(slots, _mm512_set1_epi64(bucket.key.cast_signed()));
        let found = _mm512_cmplt_epu64_mask(rest, _mm512_set1_epi64(1 << ID_BITS));
        // One test of both, which is foreseen; of `found` alone it would not be.
        if found | _mm512_testn_epi64_mask(slots, slots) == 0 {
            let key = bucket.key >> ID_BITS;
            return self.get((key >> ID_BITS & ID_MASK) as u32, (key & ID_MASK) as u32);
        }
        let none = _mm512_set1_epi64(i64::from(NONE));
        _mm_cvtsi128_si64(_mm512_castsi512_si128(_mm512_mask_compress_epi64(none, found, rest))) as u32
    }
}

/// A pair and the bucket that it is in, if it is anywhere. The default is a pair of nothing.
#[derive(Clone, Copy, Default)]
#[cfg(target_arch = "x86_64")]
pub(crate) struct Bucket {
    key: u64,
    first: usize,
}

#[inline(always)]
fn byte_pair(first: u8, second: u8) -> usize {
    usize::from(first) << 8 | usize::from(second)
}

/// The parts of each merge, and what it makes.
fn merges(vocabulary: &Vocabulary) -> impl Iterator<Item = (u32, u32, u32)> {
    (0..vocabulary.len() as u32).filter_map(|id| vocabulary.parts(id).map(|(left, right)| (left, right, id)))
}

#[inline(always)]
fn key(left: u32, right: u32) -> u64 {
    PRESENT | u64::from(left) << ID_BITS | u64::from(right)
}

/// Multiplicative hashing; the high bits are the good ones.
#[inline(always)]
fn hash(left: u32, right: u32) -> u64 {
    let key = key(left, right);
    (key ^ key >> 29).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
