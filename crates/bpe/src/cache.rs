//! A bounded memory of what pieces that are not one token are merged to.

use crate::packed::{Packed, prefetch};
use crate::pages::Pages;
use crate::ring::Ring;
use crate::sink::Sink;

/// A piece of up to 28 bytes.
pub(crate) type Key = Packed<4>;

/// The words of an entry, one line of the processor's caches: those of a [`Key`], with the number of tokens as payload, and then the
/// tokens, two to a word, where they are at most [`INLINE`]; else their place in the ring.
const ENTRY: usize = 8;
const KEY: usize = 4;
/// The most tokens that an entry holds.
pub(crate) const INLINE: usize = 8;
/// A piece has two entries to be in, side by side.
type Pair = [u64; 2 * ENTRY];
/// Bytes for each pair: the pair itself, a place in the index of long pieces, and 32 bytes of the ring.
const BYTES: usize = size_of::<Pair>() + size_of::<[u64; 2]>() + 32;

/// Pieces and what they are merged to. Each worker has its own, so nothing is shared between threads. A new piece takes the first of its two
/// entries, and what was there the second. Every entry is checked by its whole piece, so crafted text can make it useless but
/// not wrong, nor slower than to look there once for each piece.
pub(crate) struct Cache {
    pairs: Pages<Pair>,
    /// By the hash of longer pieces: the hash and the place in the ring.
    long: Box<[[u64; 2]]>,
    shift: u32,
    ring: Ring,
}

impl Cache {
    /// Longer pieces are not kept, in bytes.
    pub const LONGEST: usize = 1024;
    /// What it takes by default, in bytes. Half of it is as fast on new text, and a fifth slower on text whose words come again; twice as
    /// much is a tenth faster there, for each thread.
    pub const BYTES: usize = 6 << 20;

    /// One that takes at most `bytes`, but 11 KiB at least.
    pub fn new(bytes: usize) -> Self {
        let pairs = 1 << (bytes / BYTES).max(64).ilog2();
        Self {
            pairs: Pages::zeros(pairs),
            long: vec![[0; 2]; pairs].into(),
            shift: 64 - pairs.ilog2(),
            ring: Ring::new(8 * pairs),
        }
    }

    #[inline(always)]
    fn at(&self, hash: u64) -> usize {
        (hash >> self.shift) as usize
    }

    /// Asks for the entries of a piece with this hash to be brought near.
    #[inline(always)]
    pub fn prefetch(&self, hash: u64) {
        let pair = &self.pairs[self.at(hash)];
        prefetch(pair, 0);
        prefetch(pair, ENTRY);
    }

    /// The same for a longer piece.
    #[inline(always)]
    pub fn prefetch_long(&self, hash: u64) {
        prefetch(&self.long, self.at(hash));
    }

    /// Copies the tokens of `piece`, whose hash is `hash`, to `ids`, and returns how many they are; `None` when it is not there. Where they
    /// are more than fit, nothing of use is copied.
    #[inline(always)]
    pub fn get(&self, piece: Key, hash: u64, ids: &mut [u32; INLINE]) -> Option<usize> {
        let entry = self.find(piece, hash);
        *ids = std::array::from_fn(|index| (entry[KEY + index / 2] >> (32 * (index % 2))) as u32);
        let known = Key::from_words(entry);
        known.is_piece_of(piece).then_some(known.payload() as usize)
    }

    /// Gives the tokens of `piece` to `sink` when they are more than fit in an entry; `false` when they are not there.
    pub fn get_many(&self, piece: Key, hash: u64, sink: &mut impl Sink) -> bool {
        let entry = self.find(piece, hash);
        let known = Key::from_words(entry);
        if !known.is_piece_of(piece) || known.payload() as usize <= INLINE {
            return false;
        }
        let ids = self.ring.get(entry[KEY], known.payload() as usize);
        ids.map(|ids| sink.extend(ids)).is_some()
    }

    /// The entry of `piece`, or another.
    #[inline(always)]
    fn find(&self, piece: Key, hash: u64) -> &[u64; ENTRY] {
        let pair = &self.pairs[self.at(hash)];
        // Where both are of it, the first is the newer one.
        let is_first = Key::from_words(pair).is_piece_of(piece);
        pair[ENTRY * usize::from(!is_first)..].first_chunk().expect("the words of an entry")
    }

    /// Remembers the tokens of `piece`.
    #[inline(always)]
    pub fn insert(&mut self, piece: Key, hash: u64, ids: &[u32]) {
        let mut entry = [0; ENTRY];
        if ids.len() <= INLINE {
            for (index, &id) in ids.iter().enumerate() {
                entry[KEY + index / 2] |= u64::from(id) << (32 * (index % 2));
            }
        } else {
            entry[KEY] = self.ring.push(ids.iter().copied());
        }
        piece.with_payload(ids.len() as u32).to_words(&mut entry);
        let at = self.at(hash);
        let pair = &mut self.pairs[at];
        pair.copy_within(..ENTRY, ENTRY);
        pair[..ENTRY].copy_from_slice(&entry);
    }

    /// Whether a piece of more than [`Key::MAX`] bytes is there.
    pub fn has_long(&self, piece: &[u8], hash: u64) -> bool {
        self.find_long(piece, hash).is_some()
    }

    /// Gives the tokens of a piece of more than [`Key::MAX`] bytes to `sink`; `false` when it is not there.
    pub fn get_long(&self, piece: &[u8], hash: u64, sink: &mut impl Sink) -> bool {
        self.find_long(piece, hash).map(|ids| sink.extend(ids)).is_some()
    }

    #[inline]
    fn find_long(&self, piece: &[u8], hash: u64) -> Option<&[u32]> {
        let [known, place] = self.long[self.at(hash)];
        if known != hash {
            return None;
        }
        let &[length, count] = self.ring.get(place, 2)? else { return None };
        if length as usize != piece.len() {
            return None;
        }
        let words = piece.len().div_ceil(4);
        let (known, ids) = self.ring.get(place, 2 + words + count as usize)?[2..].split_at(words);
        known.iter().copied().eq(words_of(piece)).then_some(ids)
    }

    /// Remembers the tokens of a piece of more than [`Key::MAX`] bytes.
    pub fn insert_long(&mut self, piece: &[u8], hash: u64, ids: &[u32]) {
        if piece.len() <= Self::LONGEST {
            let head = [piece.len() as u32, ids.len() as u32];
            let place = self.ring.push(head.into_iter().chain(words_of(piece)).chain(ids.iter().copied()));
            let at = self.at(hash);
            self.long[at] = [hash, place];
        }
    }
}

/// The bytes of `piece`, four to a word, zeros behind them.
#[inline(always)]
fn words_of(piece: &[u8]) -> impl Iterator<Item = u32> + Clone {
    piece.chunks(4).map(|four| {
        let mut bytes = [0; 4];
        bytes[..four.len()].copy_from_slice(four);
        u32::from_le_bytes(bytes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::of(text.as_bytes(), 0, text.len())
    }

    fn get(cache: &Cache, text: &str, hash: u64) -> Option<Vec<u32>> {
        let (mut inline, mut many) = ([0; INLINE], Vec::new());
        match cache.get(key(text), hash, &mut inline)? {
            count @ 0..=INLINE => Some(inline[..count].to_vec()),
            _ => cache.get_many(key(text), hash, &mut many).then_some(many),
        }
    }

    fn get_long(cache: &Cache, text: &str, hash: u64) -> Option<Vec<u32>> {
        let mut ids = Vec::new();
        assert_eq!(cache.has_long(text.as_bytes(), hash), cache.get_long(text.as_bytes(), hash, &mut ids));
        (!ids.is_empty()).then_some(ids)
    }

    #[test]
    fn a_piece_is_found_among_others_of_its_hash() {
        let mut cache = Cache::new(0);
        cache.insert(key("one"), 7, &[1, 2, 3]);
        assert_eq!(get(&cache, "two", 7), None);
        cache.insert(key("two"), 7, &[4; 9]);
        assert_eq!((get(&cache, "one", 7), get(&cache, "two", 7)), (Some(vec![1, 2, 3]), Some(vec![4; 9])));
        cache.insert(key("three"), 7, &[5]);
        assert_eq!((get(&cache, "one", 7), get(&cache, "two", 7)), (None, Some(vec![4; 9])));
        assert_eq!(get(&cache, "three", 7), Some(vec![5]));
    }

    #[test]
    fn many_tokens_are_gone_when_the_ring_has_gone_round() {
        let mut cache = Cache::new(0);
        cache.insert(key("many"), 7, &[1; 28]);
        for round in 0..100 {
            cache.insert(key("others"), u64::MAX, &[round; 28]);
            assert!(get(&cache, "many", 7).is_none_or(|ids| ids == [1; 28]));
        }
        assert_eq!(get(&cache, "many", 7), None);
        assert_eq!(get(&cache, "others", u64::MAX), Some(vec![99; 28]));
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
    fn it_takes_no_more_than_it_was_given() {
        for bytes in [0, 11 << 10, 100_000, Cache::BYTES, 10 << 20] {
            let cache = Cache::new(bytes);
            let taken = size_of_val(&cache.pairs[..]) + size_of_val(&cache.long[..]) + cache.ring.bytes();
            assert!(taken <= bytes.max(11 << 10), "{taken} of {bytes}");
            assert!(taken > bytes / 3, "{taken} of {bytes}");
        }
    }
}
