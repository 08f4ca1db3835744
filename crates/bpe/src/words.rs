//! Whole pieces that are one token.

use std::collections::HashMap;
use std::ops::{Range, RangeInclusive};

use crate::packed::{Packed, prefetch};
use crate::pages::Pages;
use crate::spread::Homes;
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
    /// With a secret: files can be made whose tokens meet in one place.
    long: HashMap<Box<[u8]>, u32>,
    /// The bytes of the longest.
    longest: usize,
}

impl Words {
    pub fn new(vocabulary: &Vocabulary) -> Self {
        let [short, medium] = Self::bits(vocabulary);
        let mut short = Filling::new(Table::<2>::new(short));
        let mut medium = Filling::new(Table::<4>::new(medium));
        let (mut long, mut longest) = (HashMap::new(), 0);
        // By ascending id: in most vocabularies frequent tokens come first, and so get their first place.
        for (id, token) in vocabulary.tokens() {
            let range = vocabulary.range(id);
            match Size::of(token.len()) {
                Size::Short => short.insert(Short::of(vocabulary.bytes(), range.start, range.end), id),
                Size::Medium => medium.insert(Medium::of(vocabulary.bytes(), range.start, range.end), id),
                Size::Long => {
                    longest = longest.max(token.len());
                    long.insert(token.into(), id);
                }
            }
        }
        Self { short: short.finish(), medium: medium.finish(), long, longest }
    }

    /// The sizes of the tables of short and medium tokens, as powers of 2.
    fn bits(vocabulary: &Vocabulary) -> [u32; 2] {
        let mut lengths = [0; Medium::MAX + 2];
        for id in 0..vocabulary.len() as u32 {
            lengths[vocabulary.range(id).len().min(Medium::MAX + 1)] += 1;
        }
        let of = |size: RangeInclusive<usize>| Table::<2>::bits(lengths[size].iter().sum());
        [of(1..=Short::MAX), of(Short::MAX + 1..=Medium::MAX)]
    }

    /// Where the searches for short and for medium tokens start.
    pub fn homes(vocabulary: &Vocabulary) -> (Homes, Homes) {
        let [mut short, mut medium] = Self::bits(vocabulary).map(|bits| Homes { bits, homes: Vec::new() });
        for (id, token) in vocabulary.tokens() {
            let Range { start, end } = vocabulary.range(id);
            let (homes, hash) = match Size::of(token.len()) {
                Size::Short => (&mut short, Short::of(vocabulary.bytes(), start, end).table_hash()),
                Size::Medium => (&mut medium, Medium::of(vocabulary.bytes(), start, end).table_hash()),
                Size::Long => continue,
            };
            homes.homes.push((hash >> (u32::BITS - homes.bits)) as usize);
        }
        (short, medium)
    }

    /// The token with these bytes, more than [`Medium::MAX`] of them.
    #[inline(always)]
    pub fn get_long(&self, token: &[u8]) -> Option<u32> {
        // To hash a long piece takes time.
        if token.len() > self.longest { None } else { self.long.get(token).copied() }
    }
}

/// Pieces with their ids as payload: open addressing, at most half full. The slot where a search starts has a mark when it may go on from there: of the
/// pieces that are none of these most are told at once.
pub(crate) struct Table<const N: usize> {
    slots: Pages<Packed<N>>,
    shift: u32,
}

impl<const N: usize> Table<N> {
    /// One of 2^`bits` slots.
    fn new(bits: u32) -> Self {
        Self { slots: Pages::zeros(1 << bits), shift: u32::BITS - bits }
    }

    /// Those of a table for `count` pieces.
    fn bits(count: usize) -> u32 {
        (2 * count).next_power_of_two().ilog2().max(4)
    }

    fn insert(&mut self, piece: Packed<N>, home: usize, id: u32) {
        let mut at = home;
        while !self.slots[at].is_empty() {
            self.slots[home] = self.slots[home].with_mark();
            at = (at + 1) & (self.slots.len() - 1);
        }
        self.slots[at] = piece.with_payload(id);
    }

    /// The slot where the search for a piece starts.
    #[inline(always)]
    pub fn home(&self, piece: Packed<N>) -> usize {
        (piece.table_hash() >> self.shift) as usize
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

    /// All of them.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub fn slots(&self) -> &[Packed<N>] {
        &self.slots
    }

    /// By how many bits a hash is shifted to the number of its slot.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub fn shift(&self) -> u32 {
        self.shift
    }

    /// The id of `piece`, whose search starts at `home`.
    #[inline(always)]
    pub fn get_from(&self, home: usize, piece: Packed<N>) -> Option<u32> {
        let mut slot = self.slots[home];
        if slot.is_piece_of(piece) {
            return Some(slot.payload());
        }
        if !slot.has_mark() {
            return None;
        }
        let mut at = home;
        while !slot.is_empty() {
            at = (at + 1) & (self.slots.len() - 1);
            slot = self.slots[at];
            if slot.is_piece_of(piece) {
                return Some(slot.payload());
            }
        }
        None
    }
}

/// A table that is being filled: pieces wait for some others, while their slots are brought near.
struct Filling<const N: usize> {
    table: Table<N>,
    waiting: Vec<(Packed<N>, usize, u32)>,
}

impl<const N: usize> Filling<N> {
    const WAIT: usize = 64;

    fn new(table: Table<N>) -> Self {
        Self { table, waiting: Vec::with_capacity(Self::WAIT) }
    }

    #[inline(always)]
    fn insert(&mut self, piece: Packed<N>, id: u32) {
        let home = self.table.home(piece);
        self.table.prefetch(home);
        self.waiting.push((piece, home, id));
        if self.waiting.len() == Self::WAIT {
            self.flush();
        }
    }

    fn flush(&mut self) {
        for (piece, home, id) in self.waiting.drain(..) {
            self.table.insert(piece, home, id);
        }
    }

    fn finish(mut self) -> Table<N> {
        self.flush();
        self.table
    }
}

#[cfg(test)]
mod tests {
    use tokenmill_testkit::cases;

    use super::*;

    fn get(words: &Words, bytes: &[u8]) -> Option<u32> {
        match Size::of(bytes.len()) {
            Size::Short => {
                let piece = Short::of(bytes, 0, bytes.len());
                words.short.get_from(words.short.home(piece), piece)
            }
            Size::Medium => {
                let piece = Medium::of(bytes, 0, bytes.len());
                words.medium.get_from(words.medium.home(piece), piece)
            }
            Size::Long => words.get_long(bytes),
        }
    }

    #[test]
    fn tokens_are_found_wherever_they_are_and_nothing_else_is() {
        let vocabulary = Vocabulary::from_compact(cases::read("encodings/r50k_base.bpe")).expect("well-formed");
        let (words, tokens) = (Words::new(&vocabulary), vocabulary.tokens().map(|(id, token)| (token, id)));
        let tokens: HashMap<&[u8], u32> = tokens.collect();
        let mut others = 0;
        for (&token, &id) in &tokens {
            assert_eq!(get(&words, token), Some(id), "{token:?}");
            let longer = [token, b"e"].concat();
            let expected = tokens.get(&longer[..]).copied();
            assert_eq!(get(&words, &longer), expected, "{longer:?}");
            others += usize::from(expected.is_none());
        }
        // Both kinds of home: those that lead on, and those that do not.
        let marked = words.short.slots.iter().filter(|slot| slot.has_mark()).count();
        assert!(marked > 1000 && marked < tokens.len() / 3, "{marked} of {}", tokens.len());
        assert!(others > 40_000, "{others}");
    }
}
