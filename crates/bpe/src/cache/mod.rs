//! A bounded memory of what pieces that are not one token are merged to.

mod entries;
mod index;
mod next;
mod ring;
mod table;

use std::alloc::{Layout, handle_alloc_error};
use std::hint::select_unpredictable;
use std::num::NonZero;
use std::slice;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;

use entries::Entries;
use index::Index;
use ring::Ring;
pub(crate) use table::ABSENT;

use crate::words::{Medium, Short};

/// What was said by [`set_cache_bytes`]; 0: nothing.
static MOST: AtomicUsize = AtomicUsize::new(0);

/// Says how many bytes a worker that is made from now on may take to remember words, 36 KiB at least, of any tokenizer that was not told otherwise
/// by [`Tokenizer::with_cache_bytes`](crate::Tokenizer::with_cache_bytes). Until then it is 64 MiB, and where there are more than 16 cores, each of
/// which may have a worker, their part of 1 GiB, but 16 MiB at least. While it grows it may take half as much again.
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
/// Of a part that grows so many sets are copied at a time, and 64 times as many words of the ring: some 5 µs each.
const STEP: usize = 256;

/// Pieces and what they are merged to. Each worker has its own, so nothing is shared between threads. Every piece is compared whole,
/// so crafted text can make it useless but not wrong, nor slower than to look there once for each piece.
///
/// Each part of it becomes twice as large when pieces come again that it had lost. Those that never come again, of which random text is made, make
/// it no larger; and a text that is read once hardly does, since what is frequent in it is not lost.
/// No call waits for that: see [`Next`](next::Next).
pub(crate) struct Cache {
    short: Entries<2>,
    medium: Entries<4>,
    long: Index,
    /// Tokens that are too many for an entry; and of long pieces the number of bytes, the number of tokens, the bytes, the tokens.
    ring: Ring,
    /// Words of the ring that were written again, as they were lost.
    returned: usize,
    /// What it may take when all parts have grown, in bytes.
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

    /// Makes parts larger that were too small, a step at each call. All stretches stay what they are.
    #[inline(never)]
    pub fn grow(&mut self) {
        if self.short.is_too_small() || self.medium.is_too_small() || self.is_ring_too_small() || self.is_growing() {
            self.grow_now();
        }
    }

    /// Whether twice the ring pays: see [`Entries::is_too_small`].
    #[inline(always)]
    fn is_ring_too_small(&self) -> bool {
        self.returned > self.ring.len() / 32
    }

    #[inline(always)]
    fn is_growing(&self) -> bool {
        self.short.is_growing() || self.medium.is_growing() || self.long.is_growing() || self.ring.is_growing()
    }

    #[cold]
    fn grow_now(&mut self) {
        self.short.go_on(STEP);
        self.medium.go_on(STEP);
        self.long.go_on(STEP);
        self.ring.go_on(64 * STEP);
        if self.short.is_too_small() {
            self.short.grow(self.room());
        }
        if self.medium.is_too_small() {
            self.medium.grow(self.room());
        }
        if self.is_ring_too_small() {
            self.returned = 0;
            if !self.long.is_growing()
                && !self.ring.is_growing()
                && self.long.bytes() + self.ring.bytes() <= self.room()
            {
                self.long.grow();
                self.ring.grow();
            }
        }
    }

    /// What it takes, in bytes; of parts that grow what they will. Until then what they took is there as well, half as much again at most.
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
mod tests;
