//! Whole pieces that are one token.

use std::collections::HashMap;

use crate::vocabulary::Vocabulary;

/// The bytes of a piece of up to [`Key::MAX`] bytes, zeros after them, and their number: equal keys, equal pieces.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    low: u64,
    high: u64,
    length: u32,
}

impl Key {
    pub const MAX: usize = 16;

    /// The key of `text[start..end]`, 1 to 16 bytes.
    #[inline(always)]
    pub fn of(text: &[u8], start: usize, end: usize) -> Self {
        let length = end - start;
        let sixteen = match text.get(start..start + 16) {
            Some(sixteen) => u128::from_le_bytes(sixteen.try_into().expect("sixteen bytes")),
            None => {
                let mut sixteen = [0; 16];
                sixteen[..length].copy_from_slice(&text[start..end]);
                u128::from_le_bytes(sixteen)
            }
        };
        let masked = sixteen & (u128::MAX >> (128 - 8 * length as u32));
        Self { low: masked as u64, high: (masked >> 64) as u64, length: length as u32 }
    }

    /// A hash of all of it, folded from the two halves of one wide product.
    #[inline(always)]
    pub fn hash(self) -> u64 {
        let left = self.low ^ 0x2d35_8dcc_aa6c_78a5;
        let right = (self.high ^ 0x8bb8_4b93_962e_acc9).wrapping_add(u64::from(self.length) << 56);
        let product = u128::from(left) * u128::from(right);
        product as u64 ^ (product >> 64) as u64
    }
}

#[derive(Clone, Copy)]
#[repr(C, align(32))]
struct Slot {
    key: Key,
    id: u32,
}

/// The tokens of a vocabulary by their bytes.
pub(crate) struct Words {
    /// Tokens of up to 16 bytes: open addressing, at most half full.
    short: Box<[Slot]>,
    shift: u32,
    long: HashMap<Box<[u8]>, u32, rustc_hash::FxBuildHasher>,
}

impl Words {
    pub fn new(vocabulary: &Vocabulary) -> Self {
        let count = vocabulary.tokens().filter(|(_, token)| token.len() <= Key::MAX).count();
        let bits = (count * 4 / 3).next_power_of_two().ilog2().max(9);
        let empty = Slot { key: Key { low: 0, high: 0, length: 0 }, id: 0 };
        let mut words = Self { short: vec![empty; 1 << bits].into(), shift: 64 - bits, long: HashMap::default() };
        for (id, token) in vocabulary.tokens() {
            if token.len() > Key::MAX {
                words.long.insert(token.into(), id);
                continue;
            }
            let range = vocabulary.range(id);
            let key = Key::of(vocabulary.bytes(), range.start, range.end);
            let mut at = (key.hash() >> words.shift) as usize;
            while words.short[at].key.length != 0 {
                at = (at + 1) & (words.short.len() - 1);
            }
            words.short[at] = Slot { key, id };
        }
        words
    }

    /// The token whose bytes have this key and hash.
    #[inline(always)]
    pub fn get_short(&self, key: Key, hash: u64) -> Option<u32> {
        let mut at = (hash >> self.shift) as usize;
        loop {
            // SAFETY: `at` has as many bits as there are slots, at first by the shift and then by the mask.
            let slot = unsafe { self.short.get_unchecked(at) };
            if slot.key == key {
                return Some(slot.id);
            }
            if slot.key.length == 0 {
                return None;
            }
            at = (at + 1) & (self.short.len() - 1);
        }
    }

    /// The token with these bytes, more than [`Key::MAX`] of them.
    #[inline(always)]
    pub fn get_long(&self, token: &[u8]) -> Option<u32> {
        self.long.get(token).copied()
    }

    /// The token with these bytes.
    pub fn get(&self, token: &[u8]) -> Option<u32> {
        match token.len() {
            0 => None,
            1..=Key::MAX => {
                let key = Key::of(token, 0, token.len());
                self.get_short(key, key.hash())
            }
            _ => self.get_long(token),
        }
    }
}
