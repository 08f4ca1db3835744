//! Short pieces and their tokens, side by side.

use std::hint::select_unpredictable;

use crate::packed::{Packed, prefetch};
use crate::pages::{Pages, Zero};

/// A piece, with the number of its tokens as payload, and its tokens where they are at most `2 * N`; else the two halves of their place in
/// the ring.
#[derive(Clone, Copy)]
#[repr(C)]
struct Entry<const N: usize> {
    piece: Packed<N>,
    ids: [[u32; 2]; N],
}

// SAFETY: it is nothing but numbers.
unsafe impl<const N: usize> Zero for Entry<N> {}

/// A piece has two entries to be in: a new one takes the first, and what was there the second. What was in the second goes to the second of
/// another set, where it is looked for before it is merged again: three words that come again and again in turns are all kept.
pub(super) struct Entries<const N: usize> {
    sets: Pages<[Entry<N>; 2]>,
    shift: u32,
    /// For each set, a part of the hash of the last piece that it lost, of those of which it is noted.
    lost: Pages<u16>,
    /// How many pieces have come again after they were lost: with twice as many sets they would have been there.
    returned: usize,
}

/// Of one in so many pieces it is noted that they were lost: for all of them, first passes were .96 as fast. So what is noted also reaches back to
/// eight times as many as there is room for.
const SAMPLE: u64 = 16;

/// What [`Entries::get`] returns for a piece that is not there.
pub(crate) const ABSENT: u32 = u32::MAX;

impl<const N: usize> Entries<N> {
    /// The most tokens that an entry holds.
    pub const INLINE: usize = 2 * N;
    /// Bytes of a set, with what is noted of what it lost.
    pub const SET: usize = size_of::<[Entry<N>; 2]>() + size_of::<u16>();

    /// One of `sets` sets, a power of two; `None`: there is not enough memory.
    pub fn new(sets: usize) -> Option<Self> {
        let (shift, lost) = (64 - sets.ilog2(), Pages::try_zeros(sets)?);
        Some(Self { sets: Pages::try_zeros(sets)?, shift, lost, returned: 0 })
    }

    /// What it takes.
    pub fn bytes(&self) -> usize {
        self.sets.len() * Self::SET
    }

    /// Whether twice as many sets pay: a thirty-second part of what it holds has come again after it was lost.
    #[inline(always)]
    pub fn is_too_small(&self) -> bool {
        self.returned > self.sets.len() / 16 / SAMPLE as usize
    }

    /// Makes twice as many sets where `room`, in bytes, and memory are left for them.
    pub fn grow(&mut self, room: usize) {
        self.returned = 0;
        if self.bytes() <= room
            && let Some(doubled) = self.doubled()
        {
            *self = doubled;
        }
    }

    /// The same in twice as many sets; `None`: there is not enough memory.
    fn doubled(&self) -> Option<Self> {
        let mut doubled = Self::new(2 * self.sets.len())?;
        for (at, set) in self.sets.iter().enumerate() {
            for entry in set.iter().filter(|entry| !entry.piece.is_empty()) {
                let hash = entry.piece.without_payload().hash();
                // Of this set come at most a first and a second entry to each of the two that it becomes.
                if self.at(hash) == at {
                    let at = doubled.at(hash);
                    let set = &mut doubled.sets[at];
                    set[usize::from(!set[0].piece.is_empty())] = *entry;
                } else {
                    let other = doubled.other(hash);
                    doubled.sets[other][1] = *entry;
                }
            }
        }
        Some(doubled)
    }

    #[inline(always)]
    fn at(&self, hash: u64) -> usize {
        (hash >> self.shift) as usize
    }

    /// The other set of a piece with this hash.
    #[inline(always)]
    fn other(&self, hash: u64) -> usize {
        self.at(hash.rotate_left(32))
    }

    /// Asks for the entries of a piece with this hash to be brought near.
    #[inline(always)]
    pub fn prefetch(&self, hash: u64) {
        let set = &self.sets[self.at(hash)];
        prefetch(set, 0);
        // Those of short pieces are both in one line.
        if N > 2 {
            prefetch(set, 1);
        }
    }

    /// Copies what is with `piece` to the start of `ids`, and returns the number of its tokens; [`ABSENT`], and anything is copied,
    /// when it is not there.
    #[inline(always)]
    pub fn get(&self, piece: Packed<N>, hash: u64, ids: &mut [u32; 8]) -> u32 {
        let set = &self.sets[self.at(hash)];
        // Where both are of it, the first is the newer one.
        let entry = &set[usize::from(!set[0].piece.is_piece_of(piece))];
        ids[..2 * N].copy_from_slice(entry.ids.as_flattened());
        // Which of the two cannot be foreseen where many pieces are new.
        select_unpredictable(entry.piece.is_piece_of(piece), entry.piece.payload(), ABSENT)
    }

    /// Asks for what [`Entries::get_elsewhere`] looks at to be brought near.
    #[inline(always)]
    pub fn prefetch_elsewhere(&self, hash: u64) {
        prefetch(&self.sets[self.other(hash)], 1);
    }

    /// [`Entries::get`] for a piece that had to go.
    #[inline(always)]
    pub fn get_elsewhere(&self, piece: Packed<N>, hash: u64, ids: &mut [u32; 8]) -> u32 {
        let entry = &self.sets[self.other(hash)][1];
        ids[..2 * N].copy_from_slice(entry.ids.as_flattened());
        if entry.piece.is_piece_of(piece) { entry.piece.payload() } else { ABSENT }
    }

    /// Whether `piece` is there.
    pub fn has(&self, piece: Packed<N>, hash: u64) -> bool {
        let ids = &mut [0; 8];
        self.get(piece, hash, ids) != ABSENT || self.get_elsewhere(piece, hash, ids) != ABSENT
    }

    /// Remembers `ids`, two to a word, and how many tokens they are or stand for.
    #[inline(always)]
    pub fn insert(&mut self, piece: Packed<N>, hash: u64, count: usize, ids: [[u32; 2]; N]) {
        let at = self.at(hash);
        let set = &mut self.sets[at];
        let gone = set[1];
        *set = [Entry { piece: piece.with_payload(count as u32), ids }, set[0]];
        if !gone.piece.is_empty() {
            if is_sampled(hash) {
                self.returned += usize::from(self.lost[at] == part(hash));
            }
            self.put_elsewhere(gone, at);
        }
    }

    /// Puts what had to go from the set `at` where it may be yet.
    #[inline(always)]
    fn put_elsewhere(&mut self, gone: Entry<N>, at: usize) {
        let hash = gone.piece.without_payload().hash();
        let other = self.other(hash);
        // Where it has come from there already, it has had its time.
        if other == at {
            return self.lose(hash);
        }
        let lost = std::mem::replace(&mut self.sets[other][1], gone).piece;
        if !lost.is_empty() {
            self.lose(lost.without_payload().hash());
        }
    }

    /// Notes that the piece with this hash is no longer there.
    #[inline(always)]
    fn lose(&mut self, hash: u64) {
        if is_sampled(hash) {
            let at = self.at(hash);
            self.lost[at] = part(hash);
        }
    }
}

/// Whether it is noted that the piece with this hash was lost.
#[inline(always)]
fn is_sampled(hash: u64) -> bool {
    hash.is_multiple_of(SAMPLE)
}

/// What is noted of the hash of a lost piece: bits that its set does not tell.
#[inline(always)]
fn part(hash: u64) -> u16 {
    (hash / SAMPLE) as u16
}
