//! Tokens by their bytes, made in a tenth of the time that the large tables take.

use std::hash::Hasher;

use rustc_hash::FxHasher;

use crate::packed::prefetch;
use crate::pages::Pages;
use crate::spread::Homes;
use crate::vocabulary::Vocabulary;
use crate::words::Medium;

/// Tokens whose places are brought near together.
const GROUP: usize = 64;

/// The ids of a vocabulary by the bytes of their tokens, which are compared there: open addressing, at most half full.
pub(crate) struct Index {
    /// An id + 1; 0: none.
    slots: Pages<u32>,
    shift: u32,
}

impl Index {
    pub fn new(vocabulary: &Vocabulary) -> Self {
        let bits = Self::bits(vocabulary);
        let mut index = Self { slots: Pages::zeros(1 << bits), shift: 64 - bits };
        let mut homes = [0; GROUP];
        let ids = vocabulary.len() as u32;
        for first in (0..ids).step_by(GROUP) {
            let group = first..ids.min(first + GROUP as u32);
            for (home, id) in homes.iter_mut().zip(group.clone()) {
                let range = vocabulary.range(id);
                *home = index.home(vocabulary.bytes(), range.start, range.end);
                prefetch(&index.slots, *home);
            }
            for (&home, id) in homes.iter().zip(group) {
                if !vocabulary.range(id).is_empty() {
                    index.insert(home, id);
                }
            }
        }
        index
    }

    fn bits(vocabulary: &Vocabulary) -> u32 {
        (2 * vocabulary.len()).next_power_of_two().ilog2()
    }

    /// Where the searches for all tokens start.
    pub fn homes(vocabulary: &Vocabulary) -> Homes {
        let bits = Self::bits(vocabulary);
        let home = |(id, _)| {
            let range = vocabulary.range(id);
            (Self::hash(vocabulary.bytes(), range.start, range.end) >> (64 - bits)) as usize
        };
        Homes { bits, homes: vocabulary.tokens().map(home).collect() }
    }

    fn insert(&mut self, home: usize, id: u32) {
        let mut at = home;
        while self.slots[at] != 0 {
            at = self.after(at);
        }
        self.slots[at] = id + 1;
    }

    /// The id of `text[start..end]`, which is not empty.
    pub fn get(&self, vocabulary: &Vocabulary, text: &[u8], start: usize, end: usize) -> Option<u32> {
        let mut at = self.home(text, start, end);
        loop {
            let id = self.slots[at].checked_sub(1)?;
            if vocabulary.bytes()[vocabulary.range(id)] == text[start..end] {
                return Some(id);
            }
            at = self.after(at);
        }
    }

    #[inline(always)]
    fn home(&self, text: &[u8], start: usize, end: usize) -> usize {
        (Self::hash(text, start, end) >> self.shift) as usize
    }

    #[inline(always)]
    fn hash(text: &[u8], start: usize, end: usize) -> u64 {
        if end - start <= Medium::MAX {
            return Medium::of(text, start, end).hash();
        }
        let mut hasher = FxHasher::default();
        hasher.write(&text[start..end]);
        // The high bits are the good ones.
        hasher.finish().wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn after(&self, at: usize) -> usize {
        (at + 1) & (self.slots.len() - 1)
    }
}
