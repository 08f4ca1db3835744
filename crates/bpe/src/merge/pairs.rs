//! Which two tokens merge into which.

use crate::vocabulary::Vocabulary;

/// No merge. Larger than every id, so that a minimum over ids passes it by.
pub(crate) const NONE: u32 = u32::MAX;

const ID_BITS: u32 = 21;
const ID_MASK: u64 = (1 << ID_BITS) - 1;
const EMPTY: u64 = u64::MAX;

/// The merges of a vocabulary: open addressing over words that hold left part, right part and result, 21 bits each, with a
/// bitmap in front that turns away most pairs that do not merge, and a table of its own for pairs of bytes, whose part for letters
/// stays in the nearest cache.
pub(crate) struct Pairs {
    slots: Box<[u64]>,
    shift: u32,
    filter: Box<[u64]>,
    filter_shift: u32,
    bytes: Box<[u32]>,
}

impl Pairs {
    pub fn new(vocabulary: &Vocabulary) -> Self {
        let merges =
            (0..vocabulary.len() as u32).filter_map(|id| vocabulary.parts(id).map(|(left, right)| (left, right, id)));
        let count = merges.clone().count().max(1);
        // At most half full; sixteen bits of filter for each merge.
        let slot_bits = (2 * count).next_power_of_two().ilog2().max(8);
        let filter_bits = slot_bits + 3;
        let mut pairs = Self {
            slots: vec![EMPTY; 1 << slot_bits].into(),
            shift: 64 - slot_bits,
            filter: vec![0; 1 << (filter_bits - 6)].into(),
            filter_shift: 64 - filter_bits,
            bytes: vec![NONE; 1 << 16].into(),
        };
        for (left, right, id) in merges {
            let hash = hash(left, right);
            let bit = hash >> pairs.filter_shift;
            pairs.filter[(bit / 64) as usize] |= 1 << (bit % 64);
            let mut slot = (hash >> pairs.shift) as usize;
            while pairs.slots[slot] != EMPTY {
                slot = (slot + 1) & (pairs.slots.len() - 1);
            }
            pairs.slots[slot] = key(left, right) << ID_BITS | u64::from(id);
            if let Some(&[first, second]) = vocabulary.get(id) {
                pairs.bytes[byte_pair(first, second)] = id;
            }
        }
        pairs
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
            at = (at + 1) & (self.slots.len() - 1);
        }
    }
}

#[inline(always)]
fn byte_pair(first: u8, second: u8) -> usize {
    usize::from(first) << 8 | usize::from(second)
}

#[inline(always)]
fn key(left: u32, right: u32) -> u64 {
    u64::from(left) << ID_BITS | u64::from(right)
}

/// Multiplicative hashing; the high bits are the good ones.
#[inline(always)]
fn hash(left: u32, right: u32) -> u64 {
    let key = key(left, right);
    (key ^ key >> 29).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
