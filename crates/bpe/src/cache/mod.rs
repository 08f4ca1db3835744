//! A bounded memory of what pieces that are not one token are merged to.

mod entries;
mod index;
mod ring;

use std::alloc::{Layout, handle_alloc_error};
use std::hint::select_unpredictable;
use std::num::NonZero;
use std::slice;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;

pub(crate) use entries::ABSENT;
use entries::Entries;
use index::Index;
use ring::Ring;

use crate::words::{Medium, Short};

/// What was said by [`set_cache_bytes`]; 0: nothing.
static MOST: AtomicUsize = AtomicUsize::new(0);

/// Says how many bytes a worker that is made from now on may take to remember words, 36 KiB at least, of any tokenizer that was not told otherwise
/// by [`Tokenizer::with_cache_bytes`](crate::Tokenizer::with_cache_bytes). Until then it is 64 MiB, and where there are more than 16 cores, each of
/// which may have a worker, their part of 1 GiB, but 16 MiB at least.
pub fn set_cache_bytes(bytes: usize) {
    MOST.store(bytes.max(1), Ordering::Relaxed);
}

/// The most tokens that are copied out of an entry.
pub(crate) const INLINE: usize = 8;
/// Bytes for each four sets of short pieces at the start: those, one of medium pieces, one of places of long ones, and some of the ring.
const BYTES: usize = 4 * Entries::<2>::SET + Entries::<4>::SET + Index::SET + 4 * RING;
/// Words of the ring for each four sets.
const RING: usize = 32;
/// So many times four sets it starts with, at most.
const START: usize = 1 << 14;

/// Pieces and what they are merged to. Each worker has its own, so nothing is shared between threads. Every piece is compared whole,
/// so crafted text can make it useless but not wrong, nor slower than to look there once for each piece.
///
/// Each part of it becomes twice as large when pieces come again that it had lost. Those that never come again, of which random text is made, make
/// it no larger; and a text that is read once hardly does, since what is frequent in it is not lost.
pub(crate) struct Cache {
    short: Entries<2>,
    medium: Entries<4>,
    long: Index,
    /// Tokens that are too many for an entry; and of long pieces the number of bytes, the number of tokens, the bytes, the tokens.
    ring: Ring,
    /// Words of the ring that were written again, as they were lost.
    returned: usize,
    /// What it may take, in bytes.
    most: usize,
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
    /// What one may take unless something else is said, in bytes: the different words of a dozen languages.
    const MOST: usize = 64 << 20;
    /// The same where there are very many cores: twice what it starts with.
    const MOST_AT_LEAST: usize = 16 << 20;
    /// What those of all cores may take together, unless that is less for each, in bytes.
    const MOST_IN_ALL: usize = 1 << 30;

    /// What one that is made now may take, in bytes, where nothing was said for its tokenizer.
    pub fn most() -> usize {
        match MOST.load(Ordering::Relaxed) {
            0 => Self::most_on(available_parallelism().map_or(1, NonZero::get)),
            said => said,
        }
    }

    fn most_on(cores: usize) -> usize {
        (Self::MOST_IN_ALL / cores).clamp(Self::MOST_AT_LEAST, Self::MOST)
    }

    /// One that takes at most `most` bytes, but 36 KiB at least.
    pub fn new(most: usize) -> Self {
        let sets = 1 << (most / BYTES).clamp(64, START).ilog2();
        Self::of(sets, most).unwrap_or_else(|| handle_alloc_error(Layout::new::<Self>()))
    }

    /// One of so many sets, a power of two; `None`: there is not enough memory.
    fn of(sets: usize, most: usize) -> Option<Self> {
        Some(Self {
            short: Entries::new(4 * sets)?,
            medium: Entries::new(sets)?,
            long: Index::new(sets)?,
            ring: Ring::new(RING * sets)?,
            returned: 0,
            most,
        })
    }

    /// Makes parts larger that were too small. All stretches stay what they are.
    #[inline(never)]
    pub fn grow(&mut self) {
        if self.short.is_too_small() || self.medium.is_too_small() || self.is_ring_too_small() {
            self.grow_now();
        }
    }

    /// Whether twice the ring pays: see [`Entries::is_too_small`].
    #[inline(always)]
    fn is_ring_too_small(&self) -> bool {
        self.returned > self.ring.len() / 32
    }

    #[cold]
    fn grow_now(&mut self) {
        if self.short.is_too_small() {
            self.short.grow(self.room());
        }
        if self.medium.is_too_small() {
            self.medium.grow(self.room());
        }
        if self.is_ring_too_small() {
            self.returned = 0;
            if self.long.bytes() + self.ring.bytes() <= self.room()
                && let (Some(long), Some(ring)) = (self.long.doubled(), self.ring.doubled())
            {
                (self.long, self.ring) = (long, ring);
            }
        }
    }

    /// What it takes, in bytes.
    fn bytes(&self) -> usize {
        self.short.bytes() + self.medium.bytes() + self.long.bytes() + self.ring.bytes()
    }

    /// What it may grow by, in bytes.
    fn room(&self) -> usize {
        self.most.saturating_sub(self.bytes())
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
        if ids.len() > Entries::<2>::INLINE && self.short.has(piece, hash) {
            self.returned += ids.len();
        }
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
        if ids.len() > Entries::<4>::INLINE && self.medium.has(piece, hash) {
            self.returned += ids.len();
        }
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
            if self.long.get(hash) != 0 {
                self.returned += head.len() + piece.len().div_ceil(4) + ids.len();
            }
            let place = self.ring.push(head.into_iter().chain(words_of(piece)).chain(ids.iter().copied()));
            self.long.insert(hash, place);
        }
    }

    /// Asks for a stretch to be brought near if it `is_one`.
    #[inline(always)]
    pub fn prefetch_stretch(&self, stretch: Stretch, is_one: bool) {
        self.ring.prefetch(select_unpredictable(is_one, stretch.place, 0));
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
        for most in [0, 36 << 10, 100_000, BYTES << 10, 1 << 20, 10 << 20, 11 << 20, Cache::MOST] {
            let mut cache = Cache::new(most);
            assert!(cache.bytes() <= most.max(36 << 10), "{} of {most}", cache.bytes());
            for round in 0..3 {
                for number in 0..cache.short.bytes() as u64 / 20 {
                    remember(&mut cache, number);
                }
                assert!(cache.bytes() <= most.max(36 << 10), "{} of {most}, round {round}", cache.bytes());
            }
            // One more of its largest part would be too much.
            assert!(cache.bytes() > most / 3, "{} of {most}", cache.bytes());
        }
    }

    #[test]
    fn what_is_said_holds_for_workers_that_are_made_later() {
        let pattern = crate::Pattern::from_name("gpt2").expect("it has a name");
        let bytes: Vec<[u8; 1]> = (0..=255).map(|byte| [byte]).collect();
        let vocabulary = crate::Vocabulary::from_tokens(bytes.iter().map(|byte| &byte[..]).zip(0..));
        let tokenizer = crate::Tokenizer::new(vocabulary.expect("all differ"), pattern, []).expect("it has all bytes");
        let most = |tokenizer: &crate::Tokenizer| tokenizer.worker().memory.cache.most;
        assert_eq!(most(&tokenizer), Cache::most_on(available_parallelism().expect("the system knows").get()));
        set_cache_bytes(1 << 20);
        assert_eq!(most(&tokenizer), 1 << 20);
        let told = tokenizer.with_cache_bytes(2 << 20);
        assert_eq!(most(&told), 2 << 20);
        MOST.store(0, Ordering::Relaxed);
    }

    #[test]
    fn many_cores_have_a_gibibyte_together() {
        let mebibytes = |cores| Cache::most_on(cores) >> 20;
        assert_eq!([1, 2, 16, 17, 32, 64, 192].map(mebibytes), [64, 64, 64, 60, 32, 16, 16]);
    }

    /// A piece for each number, and its tokens: short ones, some of many tokens, medium ones, long ones.
    fn numbered(number: u64) -> (String, Vec<u32>) {
        let text = match number % 16 {
            0 => format!("{number:>20}"),
            1 => format!("{number:>40}"),
            _ => format!("{number}"),
        };
        (text, vec![number as u32; if number.is_multiple_of(5) { 12 } else { 3 }])
    }

    /// Its tokens, where the cache has them.
    fn recall(cache: &Cache, number: u64) -> Option<Vec<u32>> {
        let (text, mut ids) = (numbered(number).0, [0; INLINE]);
        let (count, inline) = if text.len() <= Short::MAX {
            let piece = short(&text);
            let mut count = cache.get_short(piece, piece.hash(), &mut ids);
            if count == ABSENT {
                count = cache.get_short_elsewhere(piece, piece.hash(), &mut ids);
            }
            (count, Cache::SHORT_INLINE)
        } else if text.len() <= Medium::MAX {
            let piece = Medium::of(text.as_bytes(), 0, text.len());
            let mut count = cache.get_medium(piece, piece.hash(), &mut ids);
            if count == ABSENT {
                count = cache.get_medium_elsewhere(piece, piece.hash(), &mut ids);
            }
            (count, INLINE as u32)
        } else {
            return get_long(cache, &text, hash_of(&text));
        };
        match count {
            ABSENT => None,
            count if count <= inline => Some(ids[..count as usize].to_vec()),
            count => cache.stretch(Stretch::of(&ids, count as usize)).map(<[u32]>::to_vec),
        }
    }

    /// What encoding a piece does: whether it was there, and in the end it is.
    fn remember(cache: &mut Cache, number: u64) -> bool {
        let (text, ids) = numbered(number);
        if let Some(known) = recall(cache, number) {
            assert_eq!(known, ids, "{text}");
            return true;
        }
        cache.grow();
        if text.len() <= Short::MAX {
            cache.insert_short(short(&text), short(&text).hash(), &ids);
        } else if text.len() <= Medium::MAX {
            let piece = Medium::of(text.as_bytes(), 0, text.len());
            cache.insert_medium(piece, piece.hash(), &ids);
        } else {
            cache.insert_long(text.as_bytes(), hash_of(&text), &ids);
        }
        assert_eq!(recall(cache, number), Some(ids), "{text}");
        false
    }

    fn hash_of(text: &str) -> u64 {
        text.bytes().fold(7, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    #[test]
    fn what_comes_again_makes_it_large_enough() {
        let (mut cache, count) = (Cache::of(64, 8 << 20).expect("it is small"), 20_000);
        let rounds: Vec<u64> =
            (0..24).map(|_| (0..count).map(|number| u64::from(remember(&mut cache, number))).sum()).collect();
        // At the start a fifth of them fits.
        assert!(rounds[1] < count / 4 && rounds[23] > count * 19 / 20, "{rounds:?}");
        assert!(cache.bytes() > 1 << 20, "{}", cache.bytes());
    }

    #[test]
    fn what_never_comes_again_makes_it_no_larger() {
        let mut cache = Cache::of(64, 8 << 20).expect("it is small");
        let start = cache.bytes();
        assert_eq!((0..200_000).filter(|&number| remember(&mut cache, number)).count(), 0);
        assert_eq!(cache.bytes(), start);
    }

    #[test]
    fn what_was_there_is_there_when_it_has_grown() {
        let mut cache = Cache::of(64, 8 << 20).expect("it is small");
        for number in 0..1_000 {
            remember(&mut cache, number);
        }
        let known = |cache: &Cache| (0..1_000).filter(|&number| recall(cache, number).is_some()).collect::<Vec<u64>>();
        let before = known(&cache);
        assert!((100..1_000).contains(&before.len()), "{}", before.len());
        cache.short.grow(usize::MAX);
        cache.medium.grow(usize::MAX);
        (cache.long, cache.ring) = (cache.long.doubled().expect("small"), cache.ring.doubled().expect("small"));
        assert_eq!(known(&cache), before);
        let bytes = cache.bytes();
        cache.short.grow(cache.short.bytes() - 1);
        assert_eq!(cache.bytes(), bytes);
    }
}
