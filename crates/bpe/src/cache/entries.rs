//! Tables of pieces that grow when they lose what comes again.

use super::next::{Next, drop_aside};
use super::table::{ABSENT, Doubled, Entry, Table};
use crate::packed::Packed;
use crate::pages::Pages;

/// A piece has two entries to be in: a new one takes the first, and what was there the second. What was in the second goes to the second of
/// another set, where it is looked for before it is merged again: three words that come again and again in turns are all kept.
pub(super) struct Entries<const N: usize> {
    table: Table<N>,
    /// For each set, a part of the hash of the last piece that it lost, of those of which it is noted.
    lost: Pages<u16>,
    /// How many pieces have come again after they were lost: with twice as many sets they would have been there.
    returned: usize,
    next: Next<(Doubled<N>, Pages<u16>)>,
}

/// Of one in so many pieces it is noted that they were lost: for all of them, first passes were .96 as fast. So what is noted also reaches back to
/// eight times as many as there is room for.
const SAMPLE: u64 = 16;

impl<const N: usize> Entries<N> {
    /// The most tokens that an entry holds.
    pub const INLINE: usize = 2 * N;
    /// Bytes of a set, with what is noted of what it lost.
    pub const SET: usize = Table::<N>::SET + size_of::<u16>();

    /// One of `sets` sets, a power of two; `None`: there is not enough memory.
    pub fn new(sets: usize) -> Option<Self> {
        let (table, lost) = (Table::new(sets)?, Pages::try_zeros(sets)?);
        Some(Self { table, lost, returned: 0, next: Next::None })
    }

    /// What it takes; while it grows, what it will.
    pub fn bytes(&self) -> usize {
        self.table.len() * Self::SET * (1 + usize::from(self.is_growing()))
    }

    /// Whether twice as many sets pay: a thirty-second part of what it holds has come again after it was lost.
    #[inline(always)]
    pub fn is_too_small(&self) -> bool {
        self.returned > self.table.len() / 16 / SAMPLE as usize
    }

    #[inline(always)]
    pub fn is_growing(&self) -> bool {
        !self.next.is_none()
    }

    /// Starts to grow to twice as many sets where `room`, in bytes, and memory are left for them, and it has not yet.
    pub fn grow(&mut self, room: usize) {
        self.returned = 0;
        if !self.is_growing() && self.bytes() <= room {
            let sets = 2 * self.table.len();
            self.next.make(move || Some((Doubled::of(Table::touched(sets)?), Pages::touched(sets)?)));
        }
    }

    /// Waits until there is memory to go on with.
    #[cfg(test)]
    pub fn wait(&mut self) {
        self.next.wait();
    }

    /// Goes on to grow, by `sets` sets.
    pub fn go_on(&mut self, sets: usize) {
        if let Some((doubled, _)) = self.next.here()
            && doubled.fill(&self.table, sets)
            && let Some((doubled, lost)) = self.next.take()
        {
            let before = std::mem::replace(&mut self.table, doubled.table());
            drop_aside((before, std::mem::replace(&mut self.lost, lost)));
            self.returned = 0;
        }
    }

    /// See [`Table::prefetch`].
    #[inline(always)]
    pub fn prefetch(&self, hash: u64) {
        self.table.prefetch(hash);
    }

    /// See [`Table::get`].
    #[inline(always)]
    pub fn get(&self, piece: Packed<N>, hash: u64, ids: &mut [u32; 8]) -> u32 {
        self.table.get(piece, hash, ids)
    }

    /// See [`Table::prefetch_elsewhere`].
    #[inline(always)]
    pub fn prefetch_elsewhere(&self, hash: u64) {
        self.table.prefetch_elsewhere(hash);
    }

    /// See [`Table::get_elsewhere`].
    #[inline(always)]
    pub fn get_elsewhere(&self, piece: Packed<N>, hash: u64, ids: &mut [u32; 8]) -> u32 {
        self.table.get_elsewhere(piece, hash, ids)
    }

    /// Whether `piece` is there.
    pub fn has(&self, piece: Packed<N>, hash: u64) -> bool {
        let ids = &mut [0; 8];
        self.get(piece, hash, ids) != ABSENT || self.get_elsewhere(piece, hash, ids) != ABSENT
    }

    /// Remembers `ids`, two to a word, and how many tokens they are or stand for.
    #[inline(always)]
    pub fn insert(&mut self, piece: Packed<N>, hash: u64, count: usize, ids: [[u32; 2]; N]) {
        let (at, entry) = (self.table.at(hash), Entry { piece: piece.with_payload(count as u32), ids });
        let gone = self.table.put(at, entry);
        if !gone.is_empty() {
            if is_sampled(hash) {
                self.returned += usize::from(self.lost[at] == part(hash));
            }
            self.put_elsewhere(gone, at);
        }
        if let Next::Here((doubled, _)) = &mut self.next {
            doubled.put(&entry, &gone);
        }
    }

    /// Puts what had to go from the set `at` where it may be yet.
    #[inline(always)]
    fn put_elsewhere(&mut self, gone: Entry<N>, at: usize) {
        let hash = gone.hash();
        let other = self.table.other(hash);
        // Where it has come from there already, it has had its time.
        if other == at {
            return self.lose(hash);
        }
        let lost = self.table.put_second(other, gone);
        if !lost.is_empty() {
            self.lose(lost.hash());
        }
    }

    /// Notes that the piece with this hash is no longer there.
    #[inline(always)]
    fn lose(&mut self, hash: u64) {
        if is_sampled(hash) {
            self.lost[self.table.at(hash)] = part(hash);
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
