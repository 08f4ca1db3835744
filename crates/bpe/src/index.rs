//! Tokens by their bytes, made in a tenth of the time that the large tables take.

use std::array;
use std::hash::Hasher;
use std::ops::Range;
use std::sync::OnceLock;

use rustc_hash::FxHasher;

use crate::packed::prefetch;
use crate::pages::Pages;
use crate::spread::Homes;
use crate::vocabulary::Vocabulary;
use crate::words::Medium;

/// Tokens whose places are brought near together.
const GROUP: usize = 64;
/// Lengths with tables of their own; the last one is for all that are longer.
const LENGTHS: usize = Medium::MAX + 2;

/// The ids of a vocabulary by the bytes of their tokens: a table for each length, made when a token of that length is looked for the first
/// time, so that a few words cost a few of them.
pub(crate) struct Index([OnceLock<Table>; LENGTHS]);

impl Default for Index {
    fn default() -> Self {
        Self(array::from_fn(|_| OnceLock::new()))
    }
}

impl Index {
    /// The id of `text[start..end]`, which is not empty, in this vocabulary.
    pub fn get(&self, vocabulary: &Vocabulary, text: &[u8], start: usize, end: usize) -> Option<u32> {
        let length = length_of(start..end);
        self.0[length]
            .get_or_init(|| Table::new(vocabulary, &ids(vocabulary, length)))
            .get(vocabulary, text, start, end)
    }

    /// Where the searches for the tokens of each table start.
    pub fn homes(vocabulary: &Vocabulary) -> impl Iterator<Item = Homes> {
        let mut by_length = [const { Vec::new() }; LENGTHS];
        for (id, _) in vocabulary.tokens() {
            by_length[length_of(vocabulary.range(id))].push(id);
        }
        by_length.into_iter().map(|ids| {
            let bits = Table::bits(&ids);
            let home = |&id| {
                let range = vocabulary.range(id);
                (hash(vocabulary.bytes(), range.start, range.end) >> (64 - bits)) as usize
            };
            Homes { bits, homes: ids.iter().map(home).collect() }
        })
    }
}

/// Whose table it is in.
fn length_of(range: Range<usize>) -> usize {
    range.len().min(LENGTHS - 1)
}

/// The tokens of one table.
fn ids(vocabulary: &Vocabulary, length: usize) -> Vec<u32> {
    if length < LENGTHS - 1 {
        return vocabulary.compact().of_length(length as u8);
    }
    (0..vocabulary.len() as u32).filter(|&id| vocabulary.range(id).len() >= length).collect()
}

/// Tokens that are compared in their vocabulary: open addressing, at most half full.
struct Table {
    /// An id + 1; 0: none.
    slots: Pages<u32>,
    shift: u32,
}

impl Table {
    fn new(vocabulary: &Vocabulary, ids: &[u32]) -> Self {
        let bits = Self::bits(ids);
        let mut table = Self { slots: Pages::zeros(1 << bits), shift: 64 - bits };
        let mut homes = [0; GROUP];
        for group in ids.chunks(GROUP) {
            for (home, &id) in homes.iter_mut().zip(group) {
                let range = vocabulary.range(id);
                *home = table.home(vocabulary.bytes(), range.start, range.end);
                prefetch(&table.slots, *home);
            }
            homes.iter().zip(group).for_each(|(&home, &id)| table.insert(home, id));
        }
        table
    }

    fn bits(ids: &[u32]) -> u32 {
        (2 * ids.len()).next_power_of_two().ilog2().max(4)
    }

    fn insert(&mut self, home: usize, id: u32) {
        let mut at = home;
        while self.slots[at] != 0 {
            at = self.after(at);
        }
        self.slots[at] = id + 1;
    }

    fn get(&self, vocabulary: &Vocabulary, text: &[u8], start: usize, end: usize) -> Option<u32> {
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
        (hash(text, start, end) >> self.shift) as usize
    }

    fn after(&self, at: usize) -> usize {
        (at + 1) & (self.slots.len() - 1)
    }
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
