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

impl<const N: usize> Zero for Entry<N> {}

/// A piece has two entries to be in: a new one takes the first, and what was there the second. What was in the second goes to the second of
/// another set, where it is looked for before it is merged again: three words that come again and again in turns are all kept.
pub(super) struct Entries<const N: usize> {
    sets: Pages<[Entry<N>; 2]>,
    shift: u32,
}

/// What [`Entries::get`] returns for a piece that is not there.
pub(crate) const ABSENT: u32 = u32::MAX;

impl<const N: usize> Entries<N> {
    /// The most tokens that an entry holds.
    pub const INLINE: usize = 2 * N;
    /// Bytes of a set.
    pub const SET: usize = size_of::<[Entry<N>; 2]>();

    /// One of `sets` sets, a power of two.
    pub fn new(sets: usize) -> Self {
        Self { sets: Pages::zeros(sets), shift: 64 - sets.ilog2() }
    }

    /// What it takes.
    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        size_of_val(&self.sets[..])
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

    /// Remembers `ids`, two to a word, and how many tokens they are or stand for.
    #[inline(always)]
    pub fn insert(&mut self, piece: Packed<N>, hash: u64, count: usize, ids: [[u32; 2]; N]) {
        let at = self.at(hash);
        let set = &mut self.sets[at];
        let gone = set[1];
        set[1] = set[0];
        set[0] = Entry { piece: piece.with_payload(count as u32), ids };
        if !gone.piece.is_empty() {
            let other = self.other(gone.piece.without_payload().hash());
            // Where it has come from there already, it has had its time.
            if other != at {
                self.sets[other][1] = gone;
            }
        }
    }
}
