//! Whole pieces that are one token.

use std::ops::RangeInclusive;

use rustc_hash::FxHashMap;

use crate::packed::{Packed, prefetch};
use crate::pages::Pages;
use crate::vocabulary::Vocabulary;

/// Pieces of up to 12 bytes: nearly all of English, and single characters of every script.
pub(crate) type Short = Packed<2>;
/// Pieces of 13 to 28 bytes.
pub(crate) type Medium = Packed<4>;

/// Which of them a token is.
enum Size {
    Short,
    Medium,
    Long,
}

impl Size {
    #[inline(always)]
    fn of(length: usize) -> Self {
        if length <= Short::MAX {
            Self::Short
        } else if length <= Medium::MAX {
            Self::Medium
        } else {
            Self::Long
        }
    }
}

/// The tokens of a vocabulary by their bytes.
pub(crate) struct Words {
    pub short: Table<2>,
    pub medium: Table<4>,
    long: FxHashMap<Box<[u8]>, u32>,
}

impl Words {
    pub fn new(vocabulary: &Vocabulary) -> Self {
        let count = |lengths: RangeInclusive<usize>| {
            vocabulary.tokens().filter(|(_, token)| lengths.contains(&token.len())).count()
        };
        let mut words = Self {
            short: Table::new(count(1..=Short::MAX)),
            medium: Table::new(count(Short::MAX + 1..=Medium::MAX)),
            long: FxHashMap::default(),
        };
        // By ascending id: in most vocabularies frequent tokens come first, and so get their first place.
        for (id, token) in vocabulary.tokens() {
            let range = vocabulary.range(id);
            match Size::of(token.len()) {
                Size::Short => words.short.insert(Short::of(vocabulary.bytes(), range.start, range.end), id),
                Size::Medium => words.medium.insert(Medium::of(vocabulary.bytes(), range.start, range.end), id),
                Size::Long => _ = words.long.insert(token.into(), id),
            }
        }
        words
    }

    /// The token with these bytes, more than [`Medium::MAX`] of them.
    #[inline(always)]
    pub fn get_long(&self, token: &[u8]) -> Option<u32> {
        self.long.get(token).copied()
    }

    /// The token with these bytes.
    pub fn get(&self, token: &[u8]) -> Option<u32> {
        if token.is_empty() {
            return None;
        }
        match Size::of(token.len()) {
            Size::Short => self.short.get(Short::of(token, 0, token.len())),
            Size::Medium => self.medium.get(Medium::of(token, 0, token.len())),
            Size::Long => self.get_long(token),
        }
    }
}

/// Pieces with their ids as payload: open addressing, at most half full.
pub(crate) struct Table<const N: usize> {
    slots: Pages<Packed<N>>,
    shift: u32,
}

impl<const N: usize> Table<N> {
    fn new(count: usize) -> Self {
        let bits = (2 * count).next_power_of_two().ilog2().max(4);
        Self { slots: Pages::zeros(1 << bits), shift: 64 - bits }
    }

    fn insert(&mut self, piece: Packed<N>, id: u32) {
        let mut at = self.home(piece.hash());
        while !self.slots[at].is_empty() {
            at = (at + 1) & (self.slots.len() - 1);
        }
        self.slots[at] = piece.with_payload(id);
    }

    /// The slot where the search for a piece with this hash starts.
    #[inline(always)]
    pub fn home(&self, hash: u64) -> usize {
        (hash >> self.shift) as usize
    }

    /// Asks for the slot to be brought near.
    #[inline(always)]
    pub fn prefetch(&self, home: usize) {
        prefetch(&self.slots, home);
    }

    /// What is in the slot.
    #[inline(always)]
    pub fn slot(&self, at: usize) -> Packed<N> {
        self.slots[at]
    }

    /// The id of `piece`.
    #[inline(always)]
    pub fn get(&self, piece: Packed<N>) -> Option<u32> {
        self.get_from(self.home(piece.hash()), piece)
    }

    /// The id of `piece`, whose search starts at `home`.
    #[inline(always)]
    pub fn get_from(&self, home: usize, piece: Packed<N>) -> Option<u32> {
        let mut at = home;
        loop {
            let slot = self.slots[at];
            if slot.is_piece_of(piece) {
                return Some(slot.payload());
            }
            if slot.is_empty() {
                return None;
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }
}
