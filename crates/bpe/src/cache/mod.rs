//! A bounded memory of what pieces that are not one token are merged to.

mod entries;
mod index;
mod ring;

use std::slice;

pub(crate) use entries::ABSENT;
use entries::Entries;
use index::Index;
use ring::Ring;

use crate::words::{Medium, Short};

/// The most tokens that are copied out of an entry.
pub(crate) const INLINE: usize = 8;
/// Bytes for each four sets of short pieces: those, one of medium pieces, a quarter of the places of long ones, and the ring.
const BYTES: usize = 4 * Entries::<2>::SET + Entries::<4>::SET + Index::SET + 4 * RING;
/// Words of the ring for each four sets.
const RING: usize = 128;

/// Pieces and what they are merged to. Each worker has its own, so nothing is shared between threads. Every piece is compared whole,
/// so crafted text can make it useless but not wrong, nor slower than to look there once for each piece.
pub(crate) struct Cache {
    short: Entries<2>,
    medium: Entries<4>,
    long: Index,
    /// Tokens that are too many for an entry; and of long pieces the number of bytes, the number of tokens, the bytes, the tokens.
    ring: Ring,
}

/// Tokens that lie in the ring, as long as nothing is written over them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub place: u64,
    pub count: usize,
}

impl Cache {
    /// Longer pieces are not kept, in bytes.
    pub const LONGEST: usize = 1024;
    /// What it takes by default, in bytes: the different words of some megabytes of text.
    pub const BYTES: usize = BYTES << 14;

    /// One that takes at most `bytes`, but 58 KiB at least.
    pub fn new(bytes: usize) -> Self {
        let sets = 1 << (bytes / BYTES).max(64).ilog2();
        Self {
            short: Entries::new(4 * sets),
            medium: Entries::new(sets),
            long: Index::new(sets),
            ring: Ring::new(RING * sets),
        }
    }

    /// Asks for the entries of a piece of up to 12 bytes to be brought near.
    #[inline(always)]
    pub fn prefetch_short(&self, hash: u64) {
        self.short.prefetch(hash);
    }

    /// Asks for the entries of a piece of 13 to 28 bytes to be brought near.
    #[inline(always)]
    pub fn prefetch_medium(&self, hash: u64) {
        self.medium.prefetch(hash);
    }

    /// Asks for the places of a longer piece to be brought near.
    #[inline(always)]
    pub fn prefetch_long(&self, hash: u64) {
        self.long.prefetch(hash);
    }

    /// Copies the tokens of `piece` to `ids`, and returns how many they are, or [`ABSENT`]. Where they are more than
    /// [`Cache::SHORT_INLINE`], `ids` starts with their place in the ring: see [`Cache::stretch`].
    #[inline(always)]
    pub fn get_short(&self, piece: Short, hash: u64, ids: &mut [u32; INLINE]) -> u32 {
        self.short.get(piece, hash, ids)
    }

    /// The most tokens that the entry of a piece of up to 12 bytes holds.
    pub const SHORT_INLINE: u32 = Entries::<2>::INLINE as u32;

    /// [`Cache::get_short`] for a piece of up to 28 bytes, and more than [`INLINE`] tokens.
    #[inline(always)]
    pub fn get_medium(&self, piece: Medium, hash: u64, ids: &mut [u32; INLINE]) -> u32 {
        self.medium.get(piece, hash, ids)
    }

    /// Asks for the other place of a piece of up to 12 bytes to be brought near.
    #[inline(always)]
    pub fn prefetch_short_elsewhere(&self, hash: u64) {
        self.short.prefetch_elsewhere(hash);
    }

    /// Asks for the other place of a piece of 13 to 28 bytes to be brought near.
    #[inline(always)]
    pub fn prefetch_medium_elsewhere(&self, hash: u64) {
        self.medium.prefetch_elsewhere(hash);
    }

    /// [`Cache::get_short`] for a piece that is not there, but may be in its other place.
    #[inline(always)]
    pub fn get_short_elsewhere(&self, piece: Short, hash: u64, ids: &mut [u32; INLINE]) -> u32 {
        self.short.get_elsewhere(piece, hash, ids)
    }

    /// The same for a piece of 13 to 28 bytes.
    #[inline(always)]
    pub fn get_medium_elsewhere(&self, piece: Medium, hash: u64, ids: &mut [u32; INLINE]) -> u32 {
        self.medium.get_elsewhere(piece, hash, ids)
    }

    /// Remembers the tokens of a piece of up to 12 bytes.
    #[inline(always)]
    pub fn insert_short(&mut self, piece: Short, hash: u64, ids: &[u32]) {
        let words = words_or_place(ids, &mut self.ring);
        self.short.insert(piece, hash, ids.len(), words);
    }

    /// [`Cache::insert_short`] of the first `count` of `ids`, at most [`Cache::SHORT_INLINE`]: all are copied, which takes no branch.
    #[inline(always)]
    pub fn insert_short_inline(&mut self, piece: Short, hash: u64, count: usize, ids: &[u32; INLINE]) {
        self.short.insert(piece, hash, count, [[ids[0], ids[1]], [ids[2], ids[3]]]);
    }

    /// [`Cache::insert_medium`] of the first `count` of `ids`: all are copied, which takes no branch.
    #[inline(always)]
    pub fn insert_medium_inline(&mut self, piece: Medium, hash: u64, count: usize, ids: &[u32; INLINE]) {
        let words = [[ids[0], ids[1]], [ids[2], ids[3]], [ids[4], ids[5]], [ids[6], ids[7]]];
        self.medium.insert(piece, hash, count, words);
    }

    /// Remembers the tokens of a piece of 13 to 28 bytes.
    #[inline(always)]
    pub fn insert_medium(&mut self, piece: Medium, hash: u64, ids: &[u32]) {
        let words = words_or_place(ids, &mut self.ring);
        self.medium.insert(piece, hash, ids.len(), words);
    }

    /// Where the tokens of a longer piece are.
    #[inline]
    pub fn find_long(&self, piece: &[u8], hash: u64) -> Option<Stretch> {
        let place = self.long.get(hash);
        let &[length, count] = self.ring.get(place, 2)? else { return None };
        if length as usize != piece.len() {
            return None;
        }
        let words = piece.len().div_ceil(4);
        let known = &self.ring.get(place, 2 + words)?[2..];
        // SAFETY: words are four bytes each, and any bytes are bytes.
        let known = unsafe { slice::from_raw_parts(known.as_ptr().cast::<u8>(), piece.len()) };
        (known == piece).then_some(Stretch { place: place + 2 + words as u64, count: count as usize })
    }

    /// Remembers the tokens of a longer piece.
    pub fn insert_long(&mut self, piece: &[u8], hash: u64, ids: &[u32]) {
        if piece.len() <= Self::LONGEST {
            let head = [piece.len() as u32, ids.len() as u32];
            let place = self.ring.push(head.into_iter().chain(words_of(piece)).chain(ids.iter().copied()));
            self.long.insert(hash, place);
        }
    }

    /// The tokens of a stretch; `None` when they are gone.
    #[inline(always)]
    pub fn stretch(&self, stretch: Stretch) -> Option<&[u32]> {
        self.ring.get(stretch.place, stretch.count)
    }
}

impl Stretch {
    /// The one of `count` tokens whose place was copied to `ids`.
    #[inline(always)]
    pub fn of(ids: &[u32; INLINE], count: usize) -> Self {
        Self { place: u64::from(ids[1]) << 32 | u64::from(ids[0]), count }
    }

    /// Its place as [`Stretch::of`] takes it.
    #[inline(always)]
    pub fn halves(self) -> [u32; 2] {
        [self.place as u32, (self.place >> 32) as u32]
    }
}

/// `ids` two to a word where they fit, else their place in `ring`.
#[inline(always)]
fn words_or_place<const N: usize>(ids: &[u32], ring: &mut Ring) -> [[u32; 2]; N] {
    let mut words = [[0; 2]; N];
    if let Some(some) = words.as_flattened_mut().get_mut(..ids.len()) {
        some.copy_from_slice(ids);
    } else {
        words[0] = Stretch { place: ring.push(ids.iter().copied()), count: ids.len() }.halves();
    }
    words
}

/// The bytes of `piece`, four to a word in the order of memory, zeros behind them.
#[inline(always)]
fn words_of(piece: &[u8]) -> impl Iterator<Item = u32> + Clone {
    piece.chunks(4).map(|four| {
        let mut bytes = [0; 4];
        bytes[..four.len()].copy_from_slice(four);
        u32::from_ne_bytes(bytes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(text: &str) -> Short {
        Short::of(text.as_bytes(), 0, text.len())
    }

    fn get(cache: &Cache, text: &str, hash: u64) -> Option<Vec<u32>> {
        let mut ids = [0; INLINE];
        match cache.get_short(short(text), hash, &mut ids) {
            ABSENT => None,
            count @ 0..=Cache::SHORT_INLINE => Some(ids[..count as usize].to_vec()),
            count => cache.stretch(Stretch::of(&ids, count as usize)).map(<[u32]>::to_vec),
        }
    }

    fn get_long(cache: &Cache, text: &str, hash: u64) -> Option<Vec<u32>> {
        cache.find_long(text.as_bytes(), hash).and_then(|stretch| cache.stretch(stretch)).map(<[u32]>::to_vec)
    }

    #[test]
    fn a_piece_is_found_among_others_of_its_hash() {
        let mut cache = Cache::new(0);
        cache.insert_short(short("one"), 7, &[1, 2, 3]);
        assert_eq!(get(&cache, "two", 7), None);
        cache.insert_short(short("two"), 7, &[4; 9]);
        assert_eq!((get(&cache, "one", 7), get(&cache, "two", 7)), (Some(vec![1, 2, 3]), Some(vec![4; 9])));
        cache.insert_short(short("three"), 7, &[5]);
        assert_eq!((get(&cache, "one", 7), get(&cache, "two", 7)), (None, Some(vec![4; 9])));
        assert_eq!(get(&cache, "three", 7), Some(vec![5]));
    }

    #[test]
    fn the_newer_of_two_results_is_given() {
        let mut cache = Cache::new(0);
        cache.insert_short(short("one"), 7, &[1; 9]);
        cache.insert_short(short("one"), 7, &[2; 9]);
        assert_eq!(get(&cache, "one", 7), Some(vec![2; 9]));
    }

    #[test]
    fn a_medium_piece_has_eight_tokens_in_its_entry() {
        let mut cache = Cache::new(0);
        let piece = Medium::of(b"a piece of 21 bytes..", 0, 21);
        for count in [1, 8, 9, 21] {
            cache.insert_medium(piece, 7, &vec![count; count as usize]);
            let mut ids = [0; INLINE];
            assert_eq!(cache.get_medium(piece, 7, &mut ids), count);
            let found = ids[..].get(..count as usize).or_else(|| cache.stretch(Stretch::of(&ids, count as usize)));
            assert_eq!(found, Some(&vec![count; count as usize][..]));
        }
    }

    #[test]
    fn tokens_that_fit_an_entry_are_found_as_they_were_padded() {
        let (mut cache, ids) = (Cache::new(0), [1, 2, 3, 4, 5, 6, 7, 8]);
        let piece = Medium::of(b"a piece of 21 bytes..", 0, 21);
        for count in 1..=INLINE {
            cache.insert_medium_inline(piece, 7, count, &ids);
            let mut found = [0; INLINE];
            assert_eq!((cache.get_medium(piece, 7, &mut found), found), (count as u32, ids));
        }
        for count in 1..=Cache::SHORT_INLINE as usize {
            cache.insert_short_inline(short("one"), 7, count, &ids);
            assert_eq!(get(&cache, "one", 7).as_deref(), Some(&ids[..count]));
        }
    }

    #[test]
    fn many_tokens_are_gone_when_the_ring_has_gone_round() {
        let mut cache = Cache::new(0);
        cache.insert_short(short("many"), 7, &[1; 12]);
        for round in 0..1000 {
            cache.insert_short(short("others"), u64::MAX, &[round; 12]);
            assert!(get(&cache, "many", 7).is_none_or(|ids| ids == [1; 12]));
        }
        assert_eq!(get(&cache, "many", 7), None);
        assert_eq!(get(&cache, "others", u64::MAX), Some(vec![999; 12]));
    }

    #[test]
    fn a_long_piece_is_found_by_its_text() {
        let (mut cache, one, two) = (Cache::new(0), "a".repeat(41), "a".repeat(42));
        cache.insert_long(one.as_bytes(), 7, &[1, 2]);
        assert_eq!((get_long(&cache, &one, 7), get_long(&cache, &two, 7)), (Some(vec![1, 2]), None));
        assert_eq!(get_long(&cache, &one.replace('a', "b"), 7), None);
        let too_long = "a".repeat(Cache::LONGEST + 1);
        cache.insert_long(too_long.as_bytes(), 7, &[3]);
        assert_eq!((get_long(&cache, &too_long, 7), get_long(&cache, &one, 7)), (None, Some(vec![1, 2])));
    }

    #[test]
    fn long_pieces_of_one_set_are_told_apart_by_their_hashes() {
        let mut cache = Cache::new(0);
        let texts: Vec<String> = (0..5).map(|number| format!("{number}").repeat(30)).collect();
        for (hash, text) in (0..).zip(&texts) {
            cache.insert_long(text.as_bytes(), hash, &[hash as u32]);
        }
        for (hash, text) in (0..).zip(&texts) {
            // The fifth takes the place of the first.
            assert_eq!(get_long(&cache, text, hash), (hash > 0).then(|| vec![hash as u32]));
        }
    }

    #[test]
    fn it_takes_no_more_than_it_was_given() {
        for bytes in [0, 58 << 10, 100_000, Cache::BYTES, 10 << 20] {
            let cache = Cache::new(bytes);
            let taken = cache.short.bytes() + cache.medium.bytes() + cache.long.bytes() + cache.ring.bytes();
            assert!(taken <= bytes.max(58 << 10), "{taken} of {bytes}");
            assert!(taken > bytes / 3, "{taken} of {bytes}");
        }
    }
}
