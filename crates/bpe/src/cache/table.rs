//! Short pieces and their tokens, side by side.

use std::hint::select_unpredictable;

use crate::packed::{Packed, prefetch};
use crate::pages::{Pages, Zero};

/// A piece, with the number of its tokens as payload, and its tokens where they are at most `2 * N`; else the two halves of their place in
/// the ring.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Entry<const N: usize> {
    pub piece: Packed<N>,
    pub ids: [[u32; 2]; N],
}

// SAFETY: it is nothing but numbers.
unsafe impl<const N: usize> Zero for Entry<N> {}

impl<const N: usize> Entry<N> {
    pub fn is_empty(&self) -> bool {
        self.piece.is_empty()
    }

    /// That of its piece.
    #[inline(always)]
    pub fn hash(&self) -> u64 {
        self.piece.without_payload().hash()
    }
}

/// Sets of two entries, by the hash of a piece: each has one where it may be either, and another where it may be the second.
pub(super) struct Table<const N: usize> {
    sets: Pages<[Entry<N>; 2]>,
    shift: u32,
}

/// What [`Table::get`] returns for a piece that is not there.
pub(crate) const ABSENT: u32 = u32::MAX;

impl<const N: usize> Table<N> {
    /// Bytes of a set.
    pub const SET: usize = size_of::<[Entry<N>; 2]>();

    /// One of `sets` sets, a power of two; `None`: there is not enough memory.
    pub fn new(sets: usize) -> Option<Self> {
        Some(Self::of(Pages::try_zeros(sets)?))
    }

    /// [`Table::new`] whose memory has been taken from the system.
    pub fn touched(sets: usize) -> Option<Self> {
        Some(Self::of(Pages::touched(sets)?))
    }

    fn of(sets: Pages<[Entry<N>; 2]>) -> Self {
        Self { shift: 64 - sets.len().ilog2(), sets }
    }

    /// How many sets it has.
    pub fn len(&self) -> usize {
        self.sets.len()
    }

    /// The set of a piece with this hash.
    #[inline(always)]
    pub fn at(&self, hash: u64) -> usize {
        (hash >> self.shift) as usize
    }

    /// The other set of a piece with this hash.
    #[inline(always)]
    pub fn other(&self, hash: u64) -> usize {
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

    /// Asks for what [`Table::get_elsewhere`] looks at to be brought near.
    #[inline(always)]
    pub fn prefetch_elsewhere(&self, hash: u64) {
        prefetch(&self.sets[self.other(hash)], 1);
    }

    /// [`Table::get`] for a piece that had to go.
    #[inline(always)]
    pub fn get_elsewhere(&self, piece: Packed<N>, hash: u64, ids: &mut [u32; 8]) -> u32 {
        let entry = &self.sets[self.other(hash)][1];
        ids[..2 * N].copy_from_slice(entry.ids.as_flattened());
        if entry.piece.is_piece_of(piece) { entry.piece.payload() } else { ABSENT }
    }

    /// Makes `entry` the first of the set `at`, and returns what was the second.
    #[inline(always)]
    pub fn put(&mut self, at: usize, entry: Entry<N>) -> Entry<N> {
        let set = &mut self.sets[at];
        let gone = set[1];
        *set = [entry, set[0]];
        gone
    }

    /// Makes `entry` the second of the set `at`, and returns what was there.
    #[inline(always)]
    pub fn put_second(&mut self, at: usize, entry: Entry<N>) -> Entry<N> {
        std::mem::replace(&mut self.sets[at][1], entry)
    }
}

/// A table of twice as many sets: each set of the one before becomes two that are side by side, so they are filled from the start on.
pub(super) struct Doubled<const N: usize> {
    table: Table<N>,
    /// So many of its sets are in use, and all others empty.
    filled: usize,
}

impl<const N: usize> Doubled<N> {
    /// `table`, with nothing in it yet.
    pub fn of(table: Table<N>) -> Self {
        Self { table, filled: 0 }
    }

    /// Copies `sets` more sets of `table`, and returns whether it has them all.
    pub fn fill(&mut self, table: &Table<N>, sets: usize) -> bool {
        let first = self.filled / 2;
        for at in first..(first + sets).min(table.len()) {
            for entry in table.sets[at].iter().filter(|entry| !entry.is_empty()) {
                let hash = entry.hash();
                // Of a set come at most a first and a second entry to each of the two that it becomes.
                if table.at(hash) == at {
                    let at = self.table.at(hash);
                    let set = &mut self.table.sets[at];
                    set[usize::from(!set[0].is_empty())] = *entry;
                } else {
                    self.table.put_second(self.table.other(hash), *entry);
                }
            }
            self.filled = 2 * (at + 1);
        }
        self.filled == self.table.len()
    }

    /// Follows the table before, in which `entry` was put into its set, and `gone`, if it is not empty, went from there to its other one. It is only told of sets that
    /// have been filled: to others it comes with what they are filled with.
    #[cold]
    #[inline(never)]
    pub fn put(&mut self, entry: &Entry<N>, gone: &Entry<N>) {
        let at = self.table.at(entry.hash());
        let gone = if at < self.filled { self.table.put(at, *entry) } else { *gone };
        if !gone.is_empty() {
            let other = self.table.other(gone.hash());
            if other < self.filled && other != at {
                self.table.put_second(other, gone);
            }
        }
    }

    /// It, when it is full.
    pub fn table(self) -> Table<N> {
        self.table
    }
}
